/*
 * why_private: what the files of why share: attempts as episodes, figures, and words for them.
 */
#pragma once

#include "base/text.h"

#include "live/why.h"

#define BN_WHY_EPISODES_MAX 512 /* the newest; more is noise whatever it is */
#define BN_WHY_CAUSE        0.5

/* Failures in a row. */
struct bn_episode {
    size_t first; /* of ask->checks */
    size_t last;
    int64_t from_ms;
    int64_t to_ms; /* the last failure of it */
};

/* How the other servers were while this one failed. */
struct bn_company {
    size_t judged;       /* episodes in which somebody was looked at */
    size_t common;       /* ... and at least half failed too */
    size_t fine;         /* ... and nobody did */
    size_t peer_count;   /* that were looked at */
    double failing_else; /* share of their attempts that failed at other times */
};

struct bn_why_work {
    const struct bn_why_ask *ask;
    struct bn_why *out;
    struct bn_episode episodes[BN_WHY_EPISODES_MAX];
    size_t episode_count;
    double typical_ms;
    int64_t every_ms;       /* usual time between attempts; 0 unknown */
    struct bn_company near; /* by net, site or cluster */
    struct bn_company far;  /* the others */
    bool is_blip;           /* little, short and over */
};

/* why_math.c */
double bn_median(double *values, size_t count); /* sorts; NaN of none */
double bn_rank(const double *sorted, size_t count, int pct);
/* Chance of `hits` or more of `tries` when each has the chance p. */
double bn_binomial_tail(size_t hits, size_t tries, double p);
/* Chance that of all `marked` among `total` so many or more are in a sample of `size`. */
double bn_hypergeometric_tail(size_t hits, size_t size, size_t marked, size_t total);

#define BN_WORDS_SIZE 24
const char *bn_ms_words(double ms, char out[BN_WORDS_SIZE]);     /* "143 ms" "4.8 s" "12 s" */
const char *bn_while_words(int64_t ms, char out[BN_WORDS_SIZE]); /* "45 s" "38 min" "3 h" "2 d" */

/* why_rules.c and why_peers.c: each adds what it finds */
bool bn_check_failed(const struct bn_check *check);
/* Of a failure beside the last one, 0 to 1: the present trouble counts. */
double bn_why_weight(const struct bn_why_work *work, const struct bn_check *check);
struct bn_why_finding *bn_why_find(struct bn_why_work *work, const char *kind, double confidence,
        bool is_cause); /* NULL: there are enough */
const struct bn_why_finding *bn_why_found(const struct bn_why_work *work, const char *kind);
void bn_why_by_class(struct bn_why_work *work);
void bn_why_overload(struct bn_why_work *work);
void bn_why_periodic(struct bn_why_work *work);
void bn_why_change(struct bn_why_work *work);
void bn_why_company(struct bn_why_work *work); /* before the others: they weigh by it */
void bn_why_peers(struct bn_why_work *work);
void bn_why_vpn(struct bn_why_work *work);
void bn_why_address(struct bn_why_work *work);
void bn_why_tasks(struct bn_why_work *work);
/* Backups ran and it did not fail for it; in words. */
bool bn_why_is_no_backup(const struct bn_why_work *work, char *out, size_t size);

/* why_address.c, for what it is not: failures and successes met one address, which is it? */
bool bn_why_is_same_address(const struct bn_why_work *work, const char **out);
bool bn_why_is_any_family(const struct bn_why_work *work); /* it fails by IPv4 and by IPv6 */

/* why_peers.c: what it is not; why_words.c: what to do */
void bn_why_exclude(struct bn_why_work *work);
void bn_why_advise(struct bn_why_work *work);

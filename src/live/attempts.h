/*
 * attempts: the last checks of one server, and what follows from them.
 *
 * FEATURES B7, E19, E20, and journey 3 for flapping. Pure; the caller owns the memory.
 */
#pragma once

#include "base/base.h"

#define BN_ATTEMPTS_MAX   100 /* E20: figures are of the last 100 */
#define BN_FLAP_STATES    21  /* 20 changes are possible between them */
#define BN_FLAP_ENTER_PCT 20.0

struct bn_attempts {
    int32_t ms[BN_ATTEMPTS_MAX]; /* response time of a success; -1 for a failure */
    uint16_t count;
    uint16_t next;
    bool is_flapping;
    uint16_t fail_after;    /* failures in a row before they count as down; set by the caller */
    uint32_t failed_in_row; /* since the last success */
    int64_t failing_since;  /* wall milliseconds of the first failure since the last success; 0: the
                               last one succeeded */
    int64_t calm_since;     /* wall milliseconds since when it has flipped rarely; 0: it does not */
};

void bn_attempts_init(struct bn_attempts *attempts);
/* One more check that ended at `at` (wall milliseconds); ms of a success, or -1. */
void bn_attempts_add(struct bn_attempts *attempts, int64_t at, int64_t ms);

struct bn_attempt_figures {
    int64_t total;
    int64_t successes;
    double success_rate_pct;    /* two decimals; NaN without attempts */
    int64_t avg_ms;             /* of successes; BN_NO_FIGURE without any */
    int64_t p95_ms;             /* of successes, by rank ceil(0.95 n) */
    int64_t learned_timeout_ms; /* p95 * 1.5 within 5 to 120 s; from 10 successes on */
    double flap_pct;            /* weighted share of changes in the last 21; NaN with fewer */
};

#define BN_NO_FIGURE (-1)

void bn_attempts_figure(const struct bn_attempts *attempts, struct bn_attempt_figures *out);
/* How long the next attempt may take: what was learned, when more than 80 % succeed, else what was
   configured (B7). */
int64_t bn_attempts_timeout_ms(const struct bn_attempts *attempts, int64_t configured_ms);

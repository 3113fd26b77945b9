/*
 * fleet_private: what the files of fleet share: the schedule, a check, a listing.
 */
#pragma once

#include <uthash.h>

#include "source/fleet.h"
#include "source/pve.h"
#include "source/pve_read.h"

#define BN_FLEET_KEY_SIZE (BN_TENANT_MAX + BN_ID_MAX)

struct bn_guest_seen;
struct bn_node_seen;
struct bn_storage_seen;
struct bn_fleet_ask;

/* One server as the schedule sees it. */
struct bn_fleet_entry {
    UT_hash_handle hh;
    char key[BN_FLEET_KEY_SIZE]; /* "TENANT ID" */
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    uint64_t serial; /* changes with what is called and how: older answers mean somebody else */
    bool is_checking;
    bool is_polling;
    int64_t check_due_mono_ms;
    int64_t poll_due_mono_ms;
    int64_t look_due_mono_ms;    /* for version and cluster */
    int64_t news_due_mono_ms[2]; /* a version or a certificate that changed is noted again */
    int failures;                /* checks in a row */
    struct bn_fleet_ask *retry;  /* waits for its next attempt */
    int64_t retry_due_mono_ms;
    struct bn_list waits;         /* runs that wait for the check */
    struct bn_guest_seen *guests; /* counters of the last listing, by id */
    struct bn_node_seen *nodes;   /* when each last moved */
    struct bn_storage_seen *storages;
    /* Its cluster, as the last check that succeeded said: */
    bool was_checked; /* since the start, whatever came of it */
    bool is_up;       /* by the last check: set by fleet.c's set_up() only */
    bool is_barred;   /* its token was refused: asked again when that pause is over, not before */
    char cluster[64];
    bn_fingerprint shown;    /* the certificate it showed */
    bn_fingerprint *members; /* those its cluster lists */
    size_t member_count;
    struct bn_fleet_entry *home; /* under whom the cluster's guests are told; NULL: under itself */
    struct bn_list kin;          /* who follows it, or its place among them */
    int64_t kin_mono_ms;         /* when that was last proven */
};

struct bn_fleet {
    struct bn_fleet_config config;
    struct bn_timer *timer;
    struct bn_fleet_entry *entries;
    size_t up; /* entries that are */
    int64_t begun_mono_ms;
    struct bn_fleet_stats stats;
};

/* A question under way. */
struct bn_fleet_ask {
    struct bn_fetch_job job;
    struct bn_fleet *fleet;
    char key[BN_FLEET_KEY_SIZE];
    uint64_t serial;
    char token_hint[96];
    char server_id[BN_ID_MAX];
    int retries;
    int64_t begun_at;
    struct bn_check check; /* as far as it is known */
    struct bn_pve_listing listing;
    bn_fingerprint *members; /* of its cluster, until that has a name */
    size_t member_count;
    bn_fingerprint shown;
    bool was_read;
    struct bn_err unreadable; /* when it was not */
};

/* fleet.c */
const struct bn_server *bn_fleet_server(const struct bn_fleet *fleet,
        const struct bn_fleet_entry *entry);
/* The entry an answer is for; NULL: it is gone, or somebody else by now. */
struct bn_fleet_entry *bn_fleet_find(struct bn_fleet *fleet, const struct bn_fleet_ask *ask);
struct bn_fleet_ask *bn_fleet_ask_create(struct bn_fleet *fleet,
        const struct bn_fleet_entry *entry);
void bn_fleet_ask_destroy(struct bn_fleet_ask *ask);
/* Hands it to the fetch; false: it could not be asked, and is still the caller's. */
BN_MUST_CHECK bool bn_fleet_ask_send(struct bn_fleet_ask *ask, const char *path, int64_t total_ms,
        struct bn_err *err);
void bn_fleet_tell(struct bn_fleet *fleet, const struct bn_fact *fact);
/* A check has ended: its runs hear of it, and the next one is planned. */
void bn_fleet_checked(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        const struct bn_check *check);
/* From `base` a tenth less to a tenth more, so that servers do not march in step. */
int64_t bn_fleet_about(int64_t base_ms);

/* fleet_check.c */
void bn_fleet_check(struct bn_fleet *fleet, struct bn_fleet_entry *entry);
void bn_fleet_try_again(struct bn_fleet_entry *entry); /* its retry is due */

/* fleet_cluster.c: several servers of the registry may be members of one cluster, whose guests are
   told once, under the oldest of them: its home */
/* What a check learns of it: first the certificates an answer of /nodes lists, then, with the name
   of the cluster, all of it counts. */
void bn_fleet_learn_members(struct bn_fleet_ask *ask);
void bn_fleet_learn_cluster(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry,
        const char *name);
/* After a check that succeeded: whose kin it is. */
void bn_fleet_relate(struct bn_fleet *fleet, struct bn_fleet_entry *entry);
/* It leaves those it belonged to; what it was home of gets another. */
void bn_fleet_part(struct bn_fleet *fleet, struct bn_fleet_entry *entry);
struct bn_fleet_entry *bn_fleet_home(struct bn_fleet_entry *entry);
/* The member to ask about the cluster: the home, unless another is better off. */
struct bn_fleet_entry *bn_fleet_speaker(const struct bn_fleet *fleet, struct bn_fleet_entry *entry);
bool bn_fleet_may_poll(const struct bn_fleet *fleet, struct bn_fleet_entry *entry);

/* fleet_poll.c */
void bn_fleet_poll(struct bn_fleet *fleet, struct bn_fleet_entry *entry);
/* Nodes and guests of a server that is no longer looked at go. */
void bn_fleet_clear(struct bn_fleet *fleet, struct bn_fleet_entry *entry);
/* Nobody answers for its cluster: nodes and guests are what they were once. */
void bn_fleet_doubt(struct bn_fleet *fleet, struct bn_fleet_entry *entry);

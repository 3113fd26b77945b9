/*
 * store: what we keep; a batch goes in each turn, an acknowledgement comes back.
 *
 * One writer thread, one transaction per batch. Records are kept before they are told; series points
 * may be dropped under pressure and are counted. When the disk refuses, the store is degraded: records
 * are refused with `storage`, points are dropped, and it tries again by itself.
 */
#pragma once

#include "base/clock.h"
#include "live/series.h"
#include "model/fact.h"

struct bn_store;

struct bn_store_config {
    char dir[256];           /* the data folder; binnacle.db stands in it */
    int64_t bytes_max;       /* retention keeps the files below it */
    void (*wake)(void *user); /* any thread: there is something for bn_store_collect */
    void *user;
};

/* What the store thread says of a batch, on the loop thread. */
struct bn_ack {
    uint64_t batch;
    bool ok;
    struct bn_err err; /* storage */
};

struct bn_store_stats {
    int64_t queue;       /* batches waiting */
    int64_t lost_points; /* dropped under pressure or while degraded, since the start */
    double worst_ms;     /* longest transaction since the last call */
    int64_t db_bytes;
    int64_t wal_bytes;
    bool degraded;
    char why[160];
};

/* Opens or creates; migrates an older schema in one transaction; refuses a newer one, a folder it cannot
   write and a network file system, with a sentence. A damaged file is moved aside as
   binnacle.db.damaged-<time>, said in *out_notice (else ""), and a new one is begun: never overwritten. */
BN_MUST_CHECK bool bn_store_open(const struct bn_store_config *config, struct bn_store **out,
        char out_notice[200], struct bn_err *err);
/* Writes what waits (at most 4 s), checkpoints, closes. NULL is fine. */
void bn_store_close(struct bn_store *store);

/* Reads every kept record back, as facts flagged replay, tenants first. Before the first flush. */
BN_MUST_CHECK bool bn_store_load(struct bn_store *store, void (*each)(void *user, const struct bn_fact *fact),
        void *user, struct bn_err *err);

/* This turn's batch; loop thread. Facts of kinds with a table; others are ignored. */
void bn_store_put(struct bn_store *store, const struct bn_fact *fact);
void bn_store_point(struct bn_store *store, const char *tenant, const char *series, const struct bn_point *point);
/* Hands the batch to the thread. Returns its number, 0 when it was empty. A full queue refuses records:
   the acknowledgement comes as not ok; points are counted as lost. */
uint64_t bn_store_flush(struct bn_store *store);
/* Acknowledgements that have come, oldest first; loop thread. */
void bn_store_collect(struct bn_store *store, void (*each)(void *user, const struct bn_ack *ack), void *user);

void bn_store_get_stats(struct bn_store *store, struct bn_store_stats *out); /* any thread */

/* --- reading: any thread but the loop; each call borrows a read-only connection ------------------- */

/* Levels of a series, finest first: 10 s for 48 h, 1 min 14 d, 15 min 90 d, 1 h 2 y. */
#define BN_LEVELS 4
extern const int64_t bn_level_step_ms[BN_LEVELS];
extern const int64_t bn_level_keep_ms[BN_LEVELS];

/* Fills out[i] (n = (to - from) / step points, all fields NaN where nothing is known) of one series at
   one level; from is a multiple of the step. An unknown series is all gaps. */
BN_MUST_CHECK bool bn_store_read_series(struct bn_store *store, const char *tenant, const char *series,
        int level, int64_t from_ms, int64_t to_ms, struct bn_point *out, struct bn_err *err);

/* Audit entries before `before_id` ("" for the newest), newest first, at most n. */
BN_MUST_CHECK bool bn_store_read_audit(struct bn_store *store, const char *tenant, const char *before_id,
        struct bn_audit *out, size_t n, size_t *out_n, struct bn_err *err);

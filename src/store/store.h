/*
 * store: what we keep; a batch goes in each turn, an acknowledgement comes back.
 *
 * One writer thread; one transaction for all batches that wait. Records are kept before they are
 * told; series points may be dropped under pressure and are counted. When the disk refuses, the
 * store is degraded: records are refused with `storage`, points are dropped, and it tries again by
 * itself.
 */
#pragma once

#include "base/clock.h"

#include "model/fact.h"
#include "model/point.h"
#include "store/checks.h"

struct bn_store;

struct bn_store_config {
    char dir[256];            /* the data folder; binnacle.db stands in it */
    int64_t bytes_max;        /* retention keeps the files below it; 0: BN_STORE_BYTES_DEFAULT */
    void (*wake)(void *user); /* any thread: there is something to collect; NULL for nobody */
    void *user;
    int64_t check_after_ms; /* the whole file is read once, so long after the start; 0: 30 s */
    bool is_guest;          /* the command line: may share the folder with a running server */
    int64_t (*now_ms)(void *user); /* wall time, any thread; NULL asks the kernel (tests move it) */
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
    int64_t lost_checks; /* the same of attempts to reach servers */
    double worst_ms;     /* longest transaction since the last call */
    int64_t db_bytes;
    int64_t wal_bytes;
    bool degraded; /* records are refused, or the file proved damaged: why says which */
    char why[160];
};

/* Opens or creates (folder 0700, files 0600); migrates an older schema in one transaction; refuses
   a newer one, a folder it cannot write, a network file system and a folder another server uses,
   with a sentence. A damaged file is moved aside as binnacle.db.damaged-<time>, said in *out_notice
   (else ""), and a new one is begun: never overwritten. A guest joins a running server's folder
   when the schema is the same; with no server there it is the owner for its short life. */
BN_MUST_CHECK bool bn_store_open(const struct bn_store_config *config, struct bn_store **out,
        char out_notice[200], struct bn_err *err);
/* Writes what waits (at most 4 s), checkpoints, closes. NULL is fine. */
void bn_store_close(struct bn_store *store);

/* Reads every kept record of kinds held in memory (rows_max > 0) back, as facts flagged replay,
   tenants first, and the newest checks of each server behind the servers, oldest first; of
   operations and alerts those not over and those that ended just now. Before the first flush. */
BN_MUST_CHECK bool bn_store_load(struct bn_store *store,
        void (*each)(void *user, const struct bn_fact *fact), void *user, struct bn_err *err);

/* This turn's batch; loop thread. Facts of kinds with a table; others are ignored. */
void bn_store_put(struct bn_store *store, const struct bn_fact *fact);
void bn_store_point(struct bn_store *store, const char *tenant, const char *series,
        const struct bn_point *point);
/* An attempt that is over; one under way is ignored. Kept like points: at most a second late,
   dropped and counted when the disk is too slow or refuses. The same one twice is one; of a server
   that is not there it is nothing. */
void bn_store_check(struct bn_store *store, const char *tenant, const struct bn_check *check);
/* Hands the batch to the thread. Returns its number, 0 when it holds no records: nothing will be
   acknowledged. A full queue refuses records: the acknowledgement comes as not ok; points are
   counted as lost. `conflict` when a record's unique text is taken, or another program changed the
   row and that was not collected when the record was made: records are whole. */
uint64_t bn_store_flush(struct bn_store *store);
/* Acknowledgements that have come, oldest first; loop thread. */
void bn_store_collect(struct bn_store *store, void (*each)(void *user, const struct bn_ack *ack),
        void *user);
/* Rows that changed behind our back, as facts flagged replay with the row as it is now (BN_GONE
   when it vanished): what a guest wrote, at most 2 s ago, and rows of a batch that was refused by a
   failing disk and proved to be kept after all. Loop thread. */
void bn_store_collect_foreign(struct bn_store *store,
        void (*each)(void *user, const struct bn_fact *fact), void *user);

/* For callers without a loop: flushes and waits for the acknowledgement, at most 10 s. */
BN_MUST_CHECK bool bn_store_keep(struct bn_store *store, struct bn_err *err);
/* For a guest: waits until the running server took what was kept, at most 3 s (it looks once a
   second). False: it did not, and will when it is well again. With no server there it is true. */
bool bn_store_await_server(struct bn_store *store);
/* Writes what was flushed, folds the newest points into their blocks, applies retention and
   checkpoints now, and waits until that is done; it happens by itself in small steps otherwise. Any
   thread but the loop's. */
void bn_store_tidy(struct bn_store *store);

void bn_store_get_stats(struct bn_store *store, struct bn_store_stats *out); /* any thread */

/* --- reading: any thread but the loop; each call borrows a read-only connection -------------- */

/* Levels of a series, finest first: 10 s for 48 h, 1 min 14 d, 15 min 90 d, 1 h 2 y. */
#define BN_LEVELS 4
extern const int64_t bn_level_step_ms[BN_LEVELS];
extern const int64_t bn_level_keep_ms[BN_LEVELS];

/* A stretch of one series at one level: (to_ms - from_ms) / step points. */
struct bn_span {
    const char *tenant;
    const char *series;
    int level;
    int64_t from_ms; /* a multiple of the level's step */
    int64_t to_ms;
};

/* Fills out[i], all three values NaN where nothing is known. An unknown series is all gaps. The
   interval that is still filling holds what it has so far. `timeout` after 5 s. */
BN_MUST_CHECK bool bn_store_read_series(struct bn_store *store, const struct bn_span *span,
        struct bn_point *out, struct bn_err *err);

/* Audit entries before `before_id` ("" for the newest), newest first: at most *n, then *n are
 * there. */
BN_MUST_CHECK bool bn_store_read_audit(struct bn_store *store, const char *tenant,
        const char *before_id, struct bn_audit *out, size_t *n, struct bn_err *err);

const char *bn_store_library(void); /* "3.40.1": the SQLite that was loaded */

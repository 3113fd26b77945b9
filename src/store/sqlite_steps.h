/*
 * sqlite_steps: folding, retention and the way back of the log, in steps a record never waits long
 * for.
 */
#pragma once

#include <pthread.h>

#include "store/sqlite_pace.h"
#include "store/sqlite_points.h"

struct bn_store;
struct bn_writer;

/* --- folding (sqlite_fold.c) ------------------------------------------------------------------ */

enum bn_fold_phase { BN_FOLD_IDLE, BN_FOLD_READ, BN_FOLD_SORT, BN_FOLD_WRITE, BN_FOLD_CUT };

/* A fold in progress: the tail in memory, sorted by series and time. */
struct bn_fold {
    enum bn_fold_phase phase;
    struct bn_tail_entry
            *entries; /* once sorted: by series and slot; of equal ones the last counts */
    size_t count;
    size_t cap;
    int64_t upto;                /* tail rows up to this id are in entries */
    bool is_part;                /* there was more in the tail than one fold takes */
    struct bn_tail_entry *spare; /* what is merged goes there */
    size_t width;                /* of the runs that are being merged in pairs */
    size_t next;                 /* the next entry to merge, then to write */
    struct bn_pace pace;
};

/* One step; *out_more when there is more to do. */
int bn_fold_step(struct bn_store *store, bool *out_more);
void bn_fold_forget(struct bn_writer *writer);

/* --- retention (sqlite_tidy.c) ---------------------------------------------------------------- */

#define BN_SILENT_MAX 256

struct bn_silent {
    int64_t series;
    int64_t spoke_ms; /* its newest block */
};

struct bn_retention {
    bool is_on;      /* a round follows each fold */
    int stage;       /* where it is */
    int64_t upto;    /* series, sessions and servers up to this number have been looked at */
    int64_t keep_ms; /* of checks, while the file is too large */
    struct bn_pace pace;
    struct bn_silent silent[BN_SILENT_MAX]; /* longest silent first */
    size_t silent_count;
    size_t silent_next;
    bool is_searching; /* for silent ones */
};

int bn_retention_step(struct bn_store *store, bool *out_more);

/* --- the write-ahead log (sqlite_log.c) ------------------------------------------------------- */

enum bn_checkpoint { BN_CHECKPOINT_IF_LARGE, BN_CHECKPOINT_ALL };

struct bn_log_result {
    int rc;
    int cause; /* errno, when the disk failed */
    int frames;
    int written;
};

/* A thread that writes the log back while the writer goes on; under the store's mutex. */
struct bn_log_thread {
    pthread_t thread;
    pthread_cond_t work;
    bool is_shortening; /* the file as well */
    bool is_asked;
    bool is_running;
    bool has_result;
    struct bn_log_result result;
};

void *bn_log_main(void *arg); /* the store */
/* Writer thread: has the log written back, if it is worth it and nobody does already. */
void bn_log_ask(struct bn_store *store, enum bn_checkpoint how);
bool bn_log_is_busy(struct bn_store *store);
/* Writer thread: false when there is nothing new. */
bool bn_log_hear(struct bn_store *store, struct bn_log_result *out);
/* Waits until the thread rests; what was asked and what it found are forgotten. */
void bn_log_calm(struct bn_store *store);

int64_t bn_log_bytes(const struct bn_writer *writer); /* that a checkpoint would write back */
/* Writes it back here and now, and shortens the file: for when no record waits. */
int bn_checkpoint(struct bn_store *store);

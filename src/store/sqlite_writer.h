/*
 * sqlite_writer: the writer thread's state, and the store around it.
 *
 * Members say who may touch them: the loop thread, the writer thread, or whoever holds the mutex.
 */
#pragma once

#include "store/sqlite_checks.h"
#include "store/sqlite_steps.h"

struct bn_batch {
    struct bn_list link;
    uint64_t number; /* 0: no records, nothing to acknowledge */
    struct bn_fact *facts;
    size_t fact_count;
    size_t fact_cap;
    struct bn_point_in *points;
    size_t point_count;
    size_t point_cap;
    struct bn_check_in *checks;
    size_t check_count;
    size_t check_cap;
    int64_t notes_seen; /* what another program changed later was not known when it was made */
    bool has_gone;      /* deletes something: tried even when the disk is full */
    bool failed;
    struct bn_err err;
};

enum bn_trouble {
    BN_WELL,
    BN_TROUBLE_FULL,    /* until there is room */
    BN_TROUBLE_IO,      /* until it could be opened anew */
    BN_TROUBLE_LOG,     /* until the reader that pins the log ends */
    BN_TROUBLE_REMOVED, /* until the file is in its place again */
    BN_TROUBLE_DAMAGED, /* until the next start */
};

#define BN_DOUBTS_MAX 1024

struct bn_writer { /* writer thread only */
    struct bn_conn conn;
    struct bn_list batches; /* taken from the queue, not yet written */
    size_t point_count;     /* in batches */
    size_t check_count;
    int64_t samples_due; /* points and checks; all times: monotonic milliseconds */
    struct bn_series_ids ids;
    struct bn_fold fold;
    int64_t fold_due;
    struct bn_retention retention;
    uint64_t tidy_now;   /* the request that is being served; 0: none */
    bool is_tidy_folded; /* what remains of it is the log */
    int64_t foreign_due;
    int64_t data_version;
    int64_t notes_read; /* the last note that was told */
    int64_t notes_old;  /* no batch is left that did not know this one */
    int64_t log_due;    /* the next look at the log */
    bool is_log_held;   /* the last could not write all of it back */
    int64_t commit_ms;  /* when the last one was */
    int wal_frames;     /* in the log and not yet in the database */
    enum bn_trouble trouble;
    int64_t probe_due;
    int64_t probe_gap_ms;
    struct bn_fact *doubts; /* keys of rows whose commit failed half-way */
    size_t doubt_count;
};

struct bn_acks {
    struct bn_ack *p;
    size_t count;
    size_t cap;
};

struct bn_store {
    struct bn_store_config config;
    struct bn_folder folder;
    bool is_owner;            /* we hold the lock; a guest beside a server does not */
    struct bn_batch *filling; /* loop thread */
    uint64_t last_batch;      /* loop thread */
    int64_t notes_seen;       /* loop thread: those it has collected */
    struct bn_writer writer;
    pthread_t thread;

    pthread_mutex_t mutex; /* guards from here on */
    pthread_cond_t work;   /* for the writer */
    pthread_cond_t news;   /* for those who wait for it */
    struct bn_log_thread log;
    struct bn_list queue;
    size_t queue_count;
    size_t facts_waiting;
    size_t points_waiting;
    size_t checks_waiting;
    size_t checks_unwritten; /* in the queue and with the writer */
    struct bn_acks acks;
    struct bn_fact *foreign;
    size_t foreign_count;
    size_t foreign_cap;
    int64_t notes_told; /* up to here they are in foreign, or were */
    int64_t notes_collected;
    struct bn_store_stats stats;
    bool is_closing;
    int64_t close_by; /* monotonic milliseconds */
    int threads_running;
    uint64_t tidy_asked;
    uint64_t tidy_done;
    uint64_t settle_asked;
    uint64_t settle_done;
    bool is_reading_barred; /* the writer is reopening */
    bool is_lent[BN_READERS];
    bool is_checking;

    struct bn_conn readers[BN_READERS]; /* by who borrowed it */
    atomic_bool stop_reading;           /* running reads end at once */
    pthread_t checker;
    bool has_checker;
};

int64_t bn_mono_ms(void);
int64_t bn_store_now_ms(struct bn_store *store); /* wall */
/* One row changed behind our back; tells nobody yet. */
void bn_store_add_foreign(struct bn_store *store, const struct bn_fact *fact);
void bn_store_lose_points(struct bn_store *store, size_t count);
void bn_store_lose_checks(struct bn_store *store, size_t count);
int64_t bn_store_note_sizes(struct bn_store *store); /* for the statistics; bytes of the log */
void bn_store_end_thread(struct bn_store *store);    /* the last thing a thread of the store does */
void bn_batch_destroy(struct bn_batch *batch);

/* From the writer thread to bn_store_collect; tells nobody yet. */
void bn_store_acknowledge(struct bn_store *store, const struct bn_ack *ack);

/* sqlite_writer.c */
void *bn_writer_main(void *arg);                    /* the store */
void bn_writer_watch_log(struct bn_writer *writer); /* of a connection just opened */
/* Runs a transaction: work(store) inside BEGIN and COMMIT, rolled back when it fails.
 *out_at_commit tells a failed commit, which the disk may have kept after all. */
int bn_writer_transact(struct bn_store *store, bool is_full_sync,
        int (*work)(struct bn_store *store), bool *out_at_commit);

/* sqlite_trouble.c: what the writer does when the disk refuses. */
/* Decides what a failure of the writer's connection means. */
void bn_trouble_meet(struct bn_store *store, int rc);
void bn_trouble_meet_at(struct bn_store *store, int rc, int cause); /* of another connection */
void bn_trouble_set(struct bn_store *store, enum bn_trouble trouble);
void bn_trouble_probe(struct bn_store *store); /* tries again; ends the trouble when it can */
void bn_trouble_say(struct bn_store *store, struct bn_err *err); /* of refused records */

/* sqlite_points.c, inside a transaction: the points of writer.batches. */
int bn_points_write(struct bn_store *store);

/* sqlite_check.c: reads the whole file once, a while after the start. */
void *bn_check_main(void *arg);

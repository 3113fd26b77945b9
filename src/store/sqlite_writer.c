#include "store/sqlite_writer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"

#include "store/sqlite_notes.h"
#include "store/sqlite_work.h"

#define SAMPLES_LATE_MS  1000  /* samples alone are written at most once a second */
#define POINTS_AT_ONCE   16384 /* or as soon as that many wait: 3.5 MB */
#define CHECKS_AT_ONCE   1024  /* the same; and no more in one transaction: some 15 ms */
#define FOREIGN_EVERY_MS 1000
#define FOLD_EVERY_MS    600000
#define FOLD_FIRST_MS    5000
#define FOLD_AGAIN_MS    2000 /* after a failure, which may last */
#define LOG_EVERY_MS     1000 /* a look at the log ... */
#define LOG_AGAIN_MS     100  /* ... or sooner, when the last one could not write it all back */
#define GROUP_BYTES      (16 << 20) /* a log this long has a pinned reader: */
#define GROUP_MS         250        /* fewer, larger transactions touch each page once */
#define LOG_BYTES_MAX    (48 << 20) /* beyond: refused; 64 MiB are promised */

/* --- one transaction ------------------------------------------------------------------------- */

/* FULL syncs the log at each commit: what was acknowledged survives a power cut. NORMAL
   syncs at checkpoints only: enough for points, and an idle server leaves the disk alone. */
static int set_sync(struct bn_conn *conn, bool is_full_sync)
{
    if (conn->is_full_sync == is_full_sync)
        return SQLITE_OK;
    int rc = bn_conn_exec(conn,
            is_full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (rc == SQLITE_OK)
        conn->is_full_sync = is_full_sync;
    return rc;
}

static void note_cost(struct bn_store *store, int64_t from_ns)
{
    double ms = (double)(bn_clock_mono_ns() - from_ns) / 1e6;
    pthread_mutex_lock(&store->mutex);
    store->stats.worst_ms = BN_MAX(store->stats.worst_ms, ms);
    pthread_mutex_unlock(&store->mutex);
    bn_store_note_sizes(store);
}

int bn_writer_transact(struct bn_store *store, bool is_full_sync,
        int (*work)(struct bn_store *store), bool *out_at_commit)
{
    struct bn_conn *conn = &store->writer.conn;
    int64_t from_ns = bn_clock_mono_ns();
    *out_at_commit = false;
    int rc = set_sync(conn, is_full_sync);
    BN_CRASH_POINT(store_before_begin);
    if (rc == SQLITE_OK)
        rc = bn_conn_do(conn, BN_SQL_BEGIN);
    BN_CRASH_POINT(store_begun);
    if (rc == SQLITE_OK)
        rc = work(store);
    BN_CRASH_POINT(store_before_commit);
    if (rc == SQLITE_OK) {
        *out_at_commit = true;
        rc = bn_conn_do(conn, BN_SQL_COMMIT);
    }
    BN_CRASH_POINT(store_committed);
    if (rc != SQLITE_OK) {
        bn_conn_rollback(conn);
        bn_series_forget(&store->writer.ids); /* numbers given in this transaction are void */
    }
    note_cost(store, from_ns);
    return rc;
}

/* --- batches --------------------------------------------------------------------------------- */

static int put_facts(struct bn_store *store, struct bn_batch *batch)
{
    struct bn_conn *conn = &store->writer.conn;
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < batch->fact_count; i++) {
        if (batch->facts[i].kind == BN_KIND_SERVER)
            rc = bn_checks_follow(store, &batch->facts[i]);
        else if (batch->facts[i].kind == BN_KIND_OPERATION && batch->facts[i].op == BN_GONE)
            rc = bn_work_gone(conn, &batch->facts[i]);
        if (rc == SQLITE_OK)
            rc = bn_row_put(conn, &batch->facts[i]);
        if (rc == SQLITE_CONSTRAINT_UNIQUE)
            bn_row_say_taken(&batch->facts[i], &batch->err);
        else if (rc != SQLITE_OK)
            bn_conn_fail(&batch->err, rc);
        if (rc == SQLITE_OK && !store->is_owner)
            rc = bn_note_put(conn, &batch->facts[i]);
    }
    return rc;
}

static void refuse_stale(struct bn_batch *batch, const struct bn_fact *fact)
{
    batch->failed = true;
    bn_fail(&batch->err, BN_E_CONFLICT,
            "another program changed this %s just now: try again in 2 s",
            bn_kinds[fact->kind].type->name);
}

/* A row the tables refuse is its batch's fault alone: the others of the transaction go on. */
static bool is_of_batch(int rc)
{
    int code = rc & 0xFF;
    return code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG;
}

static int write_batch(struct bn_store *store, struct bn_batch *batch)
{
    struct bn_conn *conn = &store->writer.conn;
    const struct bn_fact *stale;
    int rc = bn_notes_find_stale(store, batch, &stale);
    if (stale) {
        refuse_stale(batch, stale);
        return SQLITE_OK;
    }
    if (rc == SQLITE_OK)
        rc = bn_conn_do(conn, BN_SQL_SAVE);
    if (rc == SQLITE_OK)
        rc = put_facts(store, batch);
    if (rc != SQLITE_OK && is_of_batch(rc) && !sqlite3_get_autocommit(conn->db)) {
        batch->failed = true;
        rc = bn_conn_do(conn, BN_SQL_SAVE_UNDO);
    }
    return rc == SQLITE_OK ? bn_conn_do(conn, BN_SQL_SAVE_KEEP) : rc;
}

static int write_batches(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int rc = SQLITE_OK;
    bn_list_each(link, &writer->batches) {
        struct bn_batch *batch = container_of(link, struct bn_batch, link);
        if (rc == SQLITE_OK && batch->fact_count)
            rc = write_batch(store, batch);
    }
    if (rc == SQLITE_OK && writer->point_count)
        rc = bn_points_write(store);
    if (rc == SQLITE_OK && writer->check_count)
        rc = bn_checks_write(store);
    return rc;
}

/* The keys only: what the rows hold is looked up when the disk is back. */
static void doubt(struct bn_writer *writer, const struct bn_batch *batch)
{
    if (!writer->doubts)
        writer->doubts = bn_alloc_array(BN_DOUBTS_MAX, sizeof *writer->doubts);
    for (size_t i = 0; i < batch->fact_count && writer->doubt_count < BN_DOUBTS_MAX; i++)
        writer->doubts[writer->doubt_count++] = batch->facts[i];
}

static void acknowledge(struct bn_store *store, const struct bn_batch *batch)
{
    if (!batch->number)
        return;
    struct bn_ack ack = {.batch = batch->number, .ok = !batch->failed};
    if (batch->failed)
        ack.err = batch->err;
    bn_store_acknowledge(store, &ack);
}

/* Written or lost, they are not waited for any more. */
static void forget_samples(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    pthread_mutex_lock(&store->mutex);
    store->checks_unwritten -= writer->check_count;
    pthread_mutex_unlock(&store->mutex);
    writer->point_count = 0;
    writer->check_count = 0;
}

static void lose_samples(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    bn_store_lose_points(store, writer->point_count);
    bn_store_lose_checks(store, writer->check_count);
    forget_samples(store);
}

/* Every batch leaves here: acknowledged, told and freed. */
static void answer_batches(struct bn_store *store, const struct bn_err *err)
{
    struct bn_writer *writer = &store->writer;
    bool is_news = false;
    if (err)
        lose_samples(store);
    bn_list_each_safe(link, next, &writer->batches) {
        struct bn_batch *batch = container_of(link, struct bn_batch, link);
        if (err) {
            batch->failed = true;
            batch->err = *err;
        }
        is_news |= batch->number != 0;
        acknowledge(store, batch);
        bn_list_remove(&batch->link);
        bn_batch_destroy(batch);
    }
    forget_samples(store);
    if (is_news && store->config.wake)
        store->config.wake(store->config.user);
}

static void fail_batches(struct bn_store *store, int rc, bool at_commit)
{
    struct bn_err err;
    bn_conn_fail(&err, rc);
    if (at_commit)
        bn_list_each(link, &store->writer.batches)
            doubt(&store->writer, container_of(link, struct bn_batch, link));
    bn_trouble_meet(store, rc);
    answer_batches(store, &err);
}

static bool has_facts(const struct bn_writer *writer)
{
    bn_list_each(link, &writer->batches)
        if (container_of(link, struct bn_batch, link)->fact_count)
            return true;
    return false;
}

static bool all_delete(const struct bn_writer *writer)
{
    bn_list_each(link, &writer->batches) {
        const struct bn_batch *batch = container_of(link, struct bn_batch, link);
        if (batch->fact_count && !batch->has_gone)
            return false;
    }
    return has_facts(writer);
}

static void keep_batches(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    if (bn_list_is_empty(&writer->batches))
        return;
    /* On a full disk the room of the reserve is for what ends sessions and takes rights away. */
    bool is_urgent = writer->trouble == BN_TROUBLE_FULL && writer->conn.db && all_delete(writer);
    if (writer->trouble != BN_WELL && !is_urgent) {
        struct bn_err err;
        bn_trouble_say(store, &err);
        answer_batches(store, &err);
        return;
    }
    if (is_urgent)
        lose_samples(store);
    bool is_full_sync = has_facts(writer);
    bool are_many = writer->point_count >= POINTS_AT_ONCE || writer->check_count >= CHECKS_AT_ONCE;
    if (!is_full_sync && bn_mono_ms() < writer->samples_due && !are_many)
        return;
    bool at_commit;
    int rc = bn_writer_transact(store, is_full_sync, write_batches, &at_commit);
    writer->commit_ms = bn_mono_ms();
    BN_CRASH_POINT(store_before_answer);
    if (rc == SQLITE_OK)
        answer_batches(store, NULL);
    else
        fail_batches(store, rc, at_commit);
}

/* --- what others wrote ----------------------------------------------------------------------- */

static int look_for_foreign(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    writer->foreign_due = bn_mono_ms() + FOREIGN_EVERY_MS;
    if (!bn_folder_is_same(&store->folder)) { /* what is written now would be lost with the file */
        bn_trouble_set(store, BN_TROUBLE_REMOVED);
        return SQLITE_OK;
    }
    int64_t version = bn_conn_number(&writer->conn, BN_SQL_DATA_VERSION);
    if (version < 0 || version == writer->data_version)
        return SQLITE_OK;
    bool at_commit;
    int rc = bn_writer_transact(store, true, bn_notes_take, &at_commit);
    if (rc == SQLITE_OK)
        writer->data_version = version;
    if (rc == SQLITE_OK && store->config.wake)
        store->config.wake(store->config.user);
    return (rc & 0xFF) == SQLITE_BUSY ? SQLITE_OK : rc;
}

/* --- housekeeping ---------------------------------------------------------------------------- */

static int fold_and_retain(struct bn_store *store, bool *out_more)
{
    struct bn_writer *writer = &store->writer;
    if (writer->retention.is_on)
        return bn_retention_step(store, out_more);
    int rc = bn_fold_step(store, out_more);
    if (rc == SQLITE_OK && !*out_more) {
        writer->fold_due = bn_mono_ms() + FOLD_EVERY_MS;
        bn_series_sweep(&writer->ids);
        rc = bn_retention_step(store, out_more);
    }
    return rc;
}

/* What the log's thread found. A log that stays long although all was tried has a reader that pins
   it. */
static void hear_of_log(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    struct bn_log_result result;
    if (!bn_log_hear(store, &result) || writer->trouble != BN_WELL)
        return;
    writer->is_log_held = result.frames != result.written;
    writer->log_due = bn_mono_ms() + (writer->is_log_held ? LOG_AGAIN_MS : LOG_EVERY_MS);
    if (result.rc != SQLITE_OK && (result.rc & 0xFF) != SQLITE_BUSY)
        bn_trouble_meet_at(store, result.rc, result.cause);
    else if (bn_log_bytes(writer) > LOG_BYTES_MAX)
        bn_trouble_set(store, BN_TROUBLE_LOG);
}

static void keep_log_short(struct bn_store *store)
{
    store->writer.log_due = bn_mono_ms() + LOG_EVERY_MS;
    bn_log_ask(store, BN_CHECKPOINT_IF_LARGE);
}

/* What a step adds to the log is written back before the next: a record that comes then waits for
   the little that is not synced yet. While the log cannot be written back, folding can wait. */
static bool may_fold(struct bn_store *store)
{
    const struct bn_writer *writer = &store->writer;
    bool is_due = writer->retention.is_on || writer->fold.phase != BN_FOLD_IDLE ||
                  bn_mono_ms() >= writer->fold_due;
    return is_due && writer->trouble == BN_WELL && bn_log_bytes(writer) < GROUP_BYTES &&
           !bn_log_is_busy(store);
}

static int fold_step(struct bn_store *store)
{
    bool more;
    int rc = fold_and_retain(store, &more);
    if (rc == SQLITE_OK)
        bn_log_ask(store, more ? BN_CHECKPOINT_IF_LARGE : BN_CHECKPOINT_ALL);
    else
        store->writer.fold_due = bn_mono_ms() + FOLD_AGAIN_MS;
    return (rc & 0xFF) == SQLITE_BUSY ? SQLITE_OK : rc;
}

/* One small step of whatever is due, so that a batch never waits long. */
static void tidy_step(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int64_t now = bn_mono_ms();
    int rc = SQLITE_OK;
    if (writer->trouble != BN_WELL) {
        if (now >= writer->probe_due)
            bn_trouble_probe(store);
        return;
    }
    if (!store->is_owner)
        return;
    if (now >= writer->foreign_due)
        rc = look_for_foreign(store);
    bool is_log_long = !writer->is_log_held && bn_log_bytes(writer) >= BN_STORE_LOG_BYTES;
    if (now >= writer->log_due || is_log_long)
        keep_log_short(store);
    if (rc == SQLITE_OK && !writer->tidy_now && may_fold(store))
        rc = fold_step(store);
    if (rc != SQLITE_OK)
        bn_trouble_meet(store, rc);
}

/* --- tidying because somebody asked ---------------------------------------------------------- */

static void begin_tidy(struct bn_store *store, uint64_t asked)
{
    struct bn_writer *writer = &store->writer;
    writer->tidy_now = asked;
    writer->is_tidy_folded = false;
    writer->samples_due = 0; /* what was flushed is part of it */
    writer->retention.is_on = false;
    bn_fold_forget(writer);
}

static void end_tidy(struct bn_store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->tidy_done = store->writer.tidy_now;
    pthread_cond_broadcast(&store->news);
    pthread_mutex_unlock(&store->mutex);
    store->writer.tidy_now = 0;
}

/* A fold, a round of retention, the log: step by step, with the batches that come between them. */
static void tidy_asked_step(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    if (!store->is_owner || writer->trouble != BN_WELL) {
        end_tidy(store);
        return;
    }
    if (bn_log_is_busy(store))
        return;
    if (writer->is_tidy_folded) {
        end_tidy(store);
        return;
    }
    bool more; /* false after a failure: what cannot be done now is done by itself later */
    int rc = fold_and_retain(store, &more);
    writer->is_tidy_folded = !more;
    if (rc != SQLITE_OK && (rc & 0xFF) != SQLITE_BUSY)
        bn_trouble_meet(store, rc);
    else
        bn_log_ask(store, more ? BN_CHECKPOINT_IF_LARGE : BN_CHECKPOINT_ALL);
}

/* --- the thread ------------------------------------------------------------------------------ */

static int64_t next_due(const struct bn_store *store)
{
    const struct bn_writer *writer = &store->writer;
    if (writer->trouble != BN_WELL)
        return writer->probe_due;
    int64_t due = writer->point_count || writer->check_count ? writer->samples_due : INT64_MAX;
    if (!store->is_owner)
        return due;
    due = BN_MIN(due, writer->foreign_due);
    due = BN_MIN(due, writer->log_due);
    bool is_log_busy = store->log.is_asked || store->log.is_running;
    if (writer->tidy_now)
        return is_log_busy ? due : 0;
    if (bn_log_bytes(writer) >= GROUP_BYTES || is_log_busy)
        return due;
    bool is_in_it = writer->retention.is_on || writer->fold.phase != BN_FOLD_IDLE;
    return BN_MIN(due, is_in_it ? 0 : writer->fold_due);
}

static void wait_until(struct bn_store *store, int64_t due_ms)
{
    if (due_ms == INT64_MAX) {
        pthread_cond_wait(&store->work, &store->mutex);
        return;
    }
    struct timespec at = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};
    pthread_cond_clockwait(&store->work, &store->mutex, CLOCK_MONOTONIC, &at);
}

/* With a long log batches wait for each other. */
static int64_t hold_until(const struct bn_store *store)
{
    bool is_held = bn_log_bytes(&store->writer) > GROUP_BYTES && !store->is_closing &&
                   store->queue_count < BN_STORE_QUEUE_MAX / 2;
    return is_held ? store->writer.commit_ms + GROUP_MS : 0;
}

static bool is_called(const struct bn_store *store)
{
    bool is_tidy_new = store->tidy_asked != store->tidy_done && !store->writer.tidy_now;
    return store->is_closing || is_tidy_new || store->log.has_result ||
           store->settle_asked != store->settle_done;
}

static void take_one(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    struct bn_batch *batch = container_of(store->queue.next, struct bn_batch, link);
    bn_list_remove(&batch->link);
    bn_list_append(&writer->batches, &batch->link);
    if (!writer->point_count && !writer->check_count)
        writer->samples_due = writer->tidy_now ? 0 : bn_mono_ms() + SAMPLES_LATE_MS;
    writer->point_count += batch->point_count;
    writer->check_count += batch->check_count;
    store->queue_count--;
    store->facts_waiting -= batch->fact_count;
    store->points_waiting -= batch->point_count;
    store->checks_waiting -= batch->check_count;
}

/* The last request of each kind; 0: none is new. */
struct asked {
    uint64_t tidy;
    uint64_t settle;
};

/* Waits for something to do and moves the queue to the writer. False: closing, and nothing is left.
   A flood of checks is taken in pieces; who asked for tidying waits for all of them. */
static bool take_batches(struct bn_store *store, struct asked *out, bool *out_late)
{
    struct bn_writer *writer = &store->writer;
    pthread_mutex_lock(&store->mutex);
    while (!is_called(store)) {
        int64_t due = next_due(store);
        if (store->queue_count)
            due = BN_MIN(due, hold_until(store));
        if (bn_mono_ms() >= due)
            break;
        wait_until(store, due);
    }
    bool holds = bn_mono_ms() < hold_until(store);
    bool any = store->queue_count > 0;
    while (!holds && store->queue_count && writer->check_count < CHECKS_AT_ONCE)
        take_one(store);
    bool is_tidy_new = !writer->tidy_now && store->tidy_asked != store->tidy_done;
    bool is_all = holds || !store->queue_count;
    out->tidy = is_tidy_new && is_all ? store->tidy_asked : 0;
    out->settle = is_all && store->settle_asked != store->settle_done ? store->settle_asked : 0;
    *out_late = store->is_closing && bn_mono_ms() > store->close_by;
    bool goes_on = !store->is_closing || any;
    pthread_mutex_unlock(&store->mutex);
    return goes_on;
}

static void end_settle(struct bn_store *store, uint64_t asked)
{
    pthread_mutex_lock(&store->mutex);
    store->settle_done = asked;
    pthread_cond_broadcast(&store->news);
    pthread_mutex_unlock(&store->mutex);
}

static int note_frames(void *user, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    struct bn_writer *writer = user;
    writer->wal_frames = frames;
    return SQLITE_OK;
}

void bn_writer_watch_log(struct bn_writer *writer)
{
    sqlite3_wal_hook(writer->conn.db, note_frames, writer);
}

static void end(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    writer->samples_due = 0;
    keep_batches(store);
    bn_log_calm(store);
    if (store->is_owner && writer->trouble == BN_WELL)
        (void)bn_checkpoint(store); /* opening recovers what this leaves */
    bn_fold_forget(writer);
    bn_series_forget(&writer->ids);
    free(writer->doubts);
    if (writer->trouble != BN_WELL && writer->conn.db) /* nothing more is tried on a bad disk */
        sqlite3_db_config(writer->conn.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void *bn_writer_main(void *arg)
{
    struct bn_store *store = arg;
    struct asked asked;
    bool is_late;
    store->writer.fold_due = bn_mono_ms() + FOLD_FIRST_MS;
    while (take_batches(store, &asked, &is_late)) {
        if (is_late) {
            struct bn_err err;
            bn_fail(&err, BN_E_STORAGE, "Binnacle is stopping and the disk is too slow");
            answer_batches(store, &err);
            continue;
        }
        hear_of_log(store);
        if (asked.tidy)
            begin_tidy(store, asked.tidy);
        if (asked.settle)
            store->writer.samples_due = 0;
        keep_batches(store);
        if (asked.settle)
            end_settle(store, asked.settle);
        tidy_step(store);
        if (store->writer.tidy_now)
            tidy_asked_step(store);
    }
    end(store);
    bn_store_end_thread(store);
    return NULL;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#include "store/sqlite_notes.h"
#include "store/sqlite_writer.h"

#define FACTS_WAITING_MAX  16384 /* about 15 MB of records in the queue */
#define POINTS_WAITING_MAX 65536 /* 14 MB: every series of a large tenant three times */
#define FOREIGN_MAX        65536
#define CLOSE_MS           4000
#define CLOSE_SLACK_MS     500
#define KEEP_MS            10000
#define SETTLE_MS          1000
#define SERVER_WAIT_MS     3000
#define SERVER_LOOK_MS     20

int64_t bn_mono_ms(void)
{
    return bn_clock_mono_ns() / 1000000;
}

int64_t bn_store_now_ms(struct bn_store *store)
{
    if (store->config.now_ms)
        return store->config.now_ms(store->config.user);
    struct bn_clock clock;
    bn_clock_read(&clock);
    return clock.now_ms;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool is_wal(struct bn_conn *conn)
{
    sqlite3_stmt *stmt = NULL;
    bool is = false;
    if (sqlite3_prepare_v2(conn->db, "PRAGMA journal_mode", -1, &stmt, NULL) == SQLITE_OK &&
            sqlite3_step(stmt) == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        is = mode && !strcmp(mode, "wal");
    }
    sqlite3_finalize(stmt);
    return is;
}

static bool say_newer(const struct bn_store *store, uint32_t schema, struct bn_err *err)
{
    return bn_fail(err, BN_E_STORAGE,
            "%s was written by a newer Binnacle (schema %u, this one knows %u): it was not touched",
            store->folder.db, schema, bn_schema_version);
}

/* Looks before it writes: a damaged file is moved aside as it was found. */
static int check_and_set_up(struct bn_store *store)
{
    struct bn_conn *conn = &store->writer.conn;
    char why[160] = "";
    int64_t db_bytes;
    int64_t wal_bytes;
    int64_t changes = 0;
    bn_folder_sizes(&store->folder, &db_bytes, &wal_bytes);
    int rc = bn_conn_open(conn, store->folder.db, BN_CONN_WRITE);
    if (rc == SQLITE_OK && store->is_owner)
        rc = bn_schema_check(conn, db_bytes, why);
    if (rc == SQLITE_OK && *why)
        return SQLITE_CORRUPT;
    if (rc == SQLITE_OK)
        rc = bn_conn_begin_writing(conn);
    return rc == SQLITE_OK && store->is_owner ? bn_schema_migrate(conn, &changes) : rc;
}

/* SQLITE_OK, or why not: damage is for the caller to move aside, anything else for the operator. */
static int connect(struct bn_store *store, struct bn_err *err)
{
    int rc = check_and_set_up(store);
    if (rc == BN_SCHEMA_NEWER)
        say_newer(store, bn_schema_version + 1, err);
    else if (rc == BN_SCHEMA_WRONG)
        bn_fail(err, BN_E_INTERNAL, "a column of %s has another type than this Binnacle expects",
                store->folder.db);
    else if ((rc & 0xFF) == SQLITE_ERROR) /* every page is whole, but our statements mean nothing */
        bn_fail(err, BN_E_STORAGE, "the tables of %s are not as a Binnacle makes them: %s",
                store->folder.db, sqlite3_errmsg(store->writer.conn.db));
    else if (rc != SQLITE_OK && !bn_conn_fail(err, rc))
        bn_fail_in(err, "%s", store->folder.db);
    if (rc != SQLITE_OK || is_wal(&store->writer.conn))
        return rc;
    bn_fail(err, BN_E_STORAGE,
            "the file system of %s cannot keep a write-ahead log: choose another",
            store->folder.dir);
    return SQLITE_CANTOPEN;
}

static bool quarantine(struct bn_store *store, char out_notice[200], struct bn_err *err)
{
    char aside[BN_FOLDER_PATH_MAX];
    bn_conn_close(&store->writer.conn);
    if (!bn_folder_quarantine(&store->folder, aside, err))
        return false;
    const char *name = strrchr(aside, '/');
    snprintf(out_notice, 200,
            "the database was damaged: it was moved aside as %.120s and a new one begun",
            name ? name + 1 : aside);
    bn_log(BN_ERROR, "store.quarantined", BN_KV("file", aside), BN_KV("text", out_notice));
    return true;
}

static bool look_first(struct bn_store *store, char out_notice[200], struct bn_err *err)
{
    enum bn_folder_file file;
    uint32_t schema;
    if (!bn_folder_look(&store->folder, BN_APPLICATION_ID, bn_schema_version, &file, &schema, err))
        return false;
    if (file == BN_FOLDER_NEWER)
        return say_newer(store, schema, err);
    if (file == BN_FOLDER_FOREIGN)
        return bn_fail(err, BN_E_STORAGE, "%s is a database of another program: it was not touched",
                store->folder.db);
    if (!store->is_owner && (file != BN_FOLDER_OURS || schema != bn_schema_version))
        return bn_fail(err, BN_E_STORAGE, "the server that uses %s is another version of Binnacle",
                store->folder.dir);
    bool is_damaged = file == BN_FOLDER_DAMAGED || bn_folder_is_condemned(&store->folder);
    return !is_damaged || quarantine(store, out_notice, err);
}

static bool connect_or_begin_anew(struct bn_store *store, char out_notice[200], struct bn_err *err)
{
    if (!look_first(store, out_notice, err) || !bn_folder_prepare(&store->folder, err))
        return false;
    int rc = connect(store, err);
    if (rc > 0 && bn_conn_is_damaged(rc) && store->is_owner) {
        if (!quarantine(store, out_notice, err) || !bn_folder_prepare(&store->folder, err))
            return false;
        rc = connect(store, err);
    }
    return rc == SQLITE_OK;
}

static void init(struct bn_store *store, const struct bn_store_config *config)
{
    pthread_cond_init(&store->work, NULL); /* each wait names its clock, the monotonic one */
    pthread_cond_init(&store->news, NULL);
    pthread_cond_init(&store->log.work, NULL);
    pthread_mutex_init(&store->mutex, NULL);
    store->config = *config;
    if (store->config.bytes_max <= 0)
        store->config.bytes_max = BN_STORE_BYTES_DEFAULT;
    bn_list_init(&store->queue);
    bn_list_init(&store->writer.batches);
    store->writer.data_version = -1;
    store->folder.lock_fd = -1;
}

static void destroy(struct bn_store *store)
{
    for (int i = 0; i < BN_READERS; i++)
        bn_conn_close(&store->readers[i]);
    bn_conn_close(&store->writer.conn); /* the last: SQLite then removes the log */
    bn_folder_close(&store->folder);
    bn_batch_destroy(store->filling);
    free(store->acks.p);
    free(store->foreign);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->news);
    pthread_cond_destroy(&store->log.work);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static void end_log_thread(struct bn_store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->is_closing = true;
    pthread_cond_signal(&store->log.work);
    pthread_mutex_unlock(&store->mutex);
    if (store->is_owner)
        pthread_join(store->log.thread, NULL);
}

static bool start_threads(struct bn_store *store, struct bn_err *err)
{
    bn_writer_watch_log(&store->writer);
    bn_notes_begin(store);
    store->threads_running = store->is_owner ? 2 : 1;
    if (store->is_owner && pthread_create(&store->log.thread, NULL, bn_log_main, store) != 0)
        return bn_fail(err, BN_E_UNAVAILABLE, "cannot start the first thread of the store");
    if (pthread_create(&store->thread, NULL, bn_writer_main, store) != 0) {
        end_log_thread(store);
        return bn_fail(err, BN_E_UNAVAILABLE, "cannot start the writer of the store");
    }
    if (!store->is_owner)
        return true;
    pthread_mutex_lock(&store->mutex);
    store->has_checker = pthread_create(&store->checker, NULL, bn_check_main, store) == 0;
    store->threads_running += store->has_checker;
    pthread_mutex_unlock(&store->mutex);
    return true;
}

bool bn_store_open(const struct bn_store_config *config, struct bn_store **out,
        char out_notice[200], struct bn_err *err)
{
    struct bn_store *store = bn_alloc(sizeof *store);
    init(store, config);
    out_notice[0] = '\0';
    bool ok = bn_folder_open(&store->folder, config->dir, config->is_guest, err);
    store->is_owner = store->folder.lock_fd >= 0;
    ok = ok && connect_or_begin_anew(store, out_notice, err);
    if (ok) {
        bn_folder_mark(&store->folder);
        bn_folder_sizes(&store->folder, &store->stats.db_bytes, &store->stats.wal_bytes);
        if (store->is_owner && !bn_folder_hold_reserve(&store->folder))
            bn_log(BN_WARN, "store.reserve", BN_KV("dir", store->folder.dir),
                    BN_KV("text", "the disk has no room for the reserve of 4 MiB"));
        ok = start_threads(store, err);
    }
    if (!ok) {
        destroy(store);
        return false;
    }
    *out = store;
    return true;
}

/* --- closing --------------------------------------------------------------------------------- */

/* Waits until readers have gone and the threads say they have ended: a plain join could wait for a
   dead disk for ever. */
static bool await_threads(struct bn_store *store)
{
    int64_t until = store->close_by + CLOSE_SLACK_MS;
    struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&store->mutex);
    while ((store->threads_running > 0 || bn_readers_are_busy(store)) && bn_mono_ms() < until)
        pthread_cond_clockwait(&store->news, &store->mutex, CLOCK_MONOTONIC, &at);
    bool have_ended = store->threads_running == 0 && !bn_readers_are_busy(store);
    pthread_mutex_unlock(&store->mutex);
    return have_ended;
}

void bn_store_end_thread(struct bn_store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->threads_running--;
    pthread_cond_broadcast(&store->news);
    pthread_mutex_unlock(&store->mutex);
}

void bn_store_close(struct bn_store *store)
{
    if (!store)
        return;
    (void)bn_store_flush(store);
    atomic_store(&store->stop_reading, true);
    pthread_mutex_lock(&store->mutex);
    store->is_closing = true;
    store->close_by = bn_mono_ms() + CLOSE_MS;
    pthread_cond_broadcast(&store->work);
    pthread_cond_broadcast(&store->news);
    pthread_cond_signal(&store->log.work);
    pthread_mutex_unlock(&store->mutex);
    if (!await_threads(store)) {
        /* The disk holds a thread in the kernel; the process ends without it. */
        bn_log(BN_ERROR, "store.stuck", BN_KV("dir", store->folder.dir),
                BN_KV("text", "the disk does not answer: the last records may be missing"));
        return;
    }
    pthread_join(store->thread, NULL);
    if (store->is_owner)
        pthread_join(store->log.thread, NULL);
    if (store->has_checker)
        pthread_join(store->checker, NULL);
    destroy(store);
}

/* --- the loop's side ------------------------------------------------------------------------- */

void bn_batch_destroy(struct bn_batch *batch)
{
    if (!batch)
        return;
    free(batch->facts);
    free(batch->points);
    free(batch->checks);
    free(batch);
}

static struct bn_batch *filling(struct bn_store *store)
{
    if (!store->filling) {
        store->filling = bn_alloc(sizeof *store->filling);
        bn_list_init(&store->filling->link);
        store->filling->notes_seen = store->notes_seen;
    }
    return store->filling;
}

void bn_store_put(struct bn_store *store, const struct bn_fact *fact)
{
    if (fact->replay || !bn_row_is_kept((enum bn_kind)fact->kind))
        return;
    struct bn_batch *batch = filling(store);
    if (batch->fact_count == FACTS_WAITING_MAX) {
        batch->failed = true;
        return;
    }
    if (batch->fact_count == batch->fact_cap) {
        batch->fact_cap = batch->fact_cap ? batch->fact_cap * 2 : 8;
        batch->facts = bn_realloc(batch->facts, batch->fact_cap * sizeof *batch->facts);
    }
    batch->facts[batch->fact_count++] = *fact;
    batch->has_gone |= fact->op == BN_GONE;
}

void bn_store_point(struct bn_store *store, const char *tenant, const char *series,
        const struct bn_point *point)
{
    struct bn_batch *batch = filling(store);
    if (batch->point_count == POINTS_WAITING_MAX) {
        bn_store_lose_points(store, 1);
        return;
    }
    if (batch->point_count == batch->point_cap) {
        batch->point_cap = batch->point_cap ? batch->point_cap * 2 : 64;
        batch->points = bn_realloc(batch->points, batch->point_cap * sizeof *batch->points);
    }
    struct bn_point_in *in = &batch->points[batch->point_count++];
    bn_text_clip(in->tenant, sizeof in->tenant, bn_str(tenant));
    bn_text_clip(in->name, sizeof in->name, bn_str(series));
    in->point = *point;
}

void bn_store_check(struct bn_store *store, const char *tenant, const struct bn_check *check)
{
    if (check->success == BN_UNKNOWN)
        return;
    struct bn_batch *batch = filling(store);
    if (batch->check_count == BN_STORE_CHECKS_MAX) {
        bn_store_lose_checks(store, 1);
        return;
    }
    if (batch->check_count == batch->check_cap) {
        batch->check_cap = batch->check_cap ? batch->check_cap * 2 : 8;
        batch->checks = bn_realloc(batch->checks, batch->check_cap * sizeof *batch->checks);
    }
    struct bn_check_in *in = &batch->checks[batch->check_count++];
    bn_text_clip(in->tenant, sizeof in->tenant, bn_str(tenant));
    in->check = *check;
}

static void lose_samples(struct bn_store *store, struct bn_batch *batch)
{
    store->stats.lost_points += (int64_t)batch->point_count;
    store->stats.lost_checks += (int64_t)batch->check_count;
    batch->point_count = 0;
    batch->check_count = 0;
}

/* Under the mutex. False: no room; the samples are dropped either way. */
static bool enqueue(struct bn_store *store, struct bn_batch *batch)
{
    if (store->queue_count >= BN_STORE_QUEUE_MAX ||
            store->points_waiting + batch->point_count > POINTS_WAITING_MAX ||
            store->checks_waiting + batch->check_count > BN_STORE_CHECKS_MAX)
        lose_samples(store, batch);
    bool has_room = store->queue_count < BN_STORE_QUEUE_MAX &&
                    store->facts_waiting + batch->fact_count <= FACTS_WAITING_MAX;
    if (!has_room || batch->failed)
        return false;
    bn_list_append(&store->queue, &batch->link);
    store->queue_count++;
    store->facts_waiting += batch->fact_count;
    store->points_waiting += batch->point_count;
    store->checks_waiting += batch->check_count;
    store->checks_unwritten += batch->check_count;
    pthread_cond_signal(&store->work);
    return true;
}

uint64_t bn_store_flush(struct bn_store *store)
{
    struct bn_batch *batch = store->filling;
    if (!batch)
        return 0;
    store->filling = NULL;
    uint64_t number = batch->fact_count ? ++store->last_batch : 0;
    batch->number = number;
    pthread_mutex_lock(&store->mutex);
    bool is_queued = enqueue(store, batch);
    if (!is_queued)
        lose_samples(store, batch);
    pthread_mutex_unlock(&store->mutex);
    if (is_queued)
        return number;
    if (number) {
        struct bn_ack ack = {.batch = number, .ok = false};
        bn_fail(&ack.err, BN_E_STORAGE, "the disk is too slow: %d batches wait already",
                BN_STORE_QUEUE_MAX);
        bn_store_acknowledge(store, &ack);
        if (store->config.wake)
            store->config.wake(store->config.user);
    }
    bn_batch_destroy(batch);
    return number;
}

int64_t bn_store_note_sizes(struct bn_store *store)
{
    int64_t db_bytes;
    int64_t wal_bytes;
    bn_folder_sizes(&store->folder, &db_bytes, &wal_bytes);
    pthread_mutex_lock(&store->mutex);
    store->stats.db_bytes = db_bytes;
    store->stats.wal_bytes = wal_bytes;
    pthread_mutex_unlock(&store->mutex);
    return wal_bytes;
}

void bn_store_lose_points(struct bn_store *store, size_t count)
{
    if (!count)
        return;
    pthread_mutex_lock(&store->mutex);
    store->stats.lost_points += (int64_t)count;
    pthread_mutex_unlock(&store->mutex);
}

void bn_store_lose_checks(struct bn_store *store, size_t count)
{
    if (!count)
        return;
    pthread_mutex_lock(&store->mutex);
    store->stats.lost_checks += (int64_t)count;
    pthread_mutex_unlock(&store->mutex);
}

void bn_store_acknowledge(struct bn_store *store, const struct bn_ack *ack)
{
    pthread_mutex_lock(&store->mutex);
    struct bn_acks *acks = &store->acks;
    if (acks->count == acks->cap) {
        acks->cap = acks->cap ? acks->cap * 2 : 16;
        acks->p = bn_realloc(acks->p, acks->cap * sizeof *acks->p);
    }
    acks->p[acks->count++] = *ack;
    pthread_cond_broadcast(&store->news);
    pthread_mutex_unlock(&store->mutex);
}

void bn_store_collect(struct bn_store *store, void (*each)(void *user, const struct bn_ack *ack),
        void *user)
{
    pthread_mutex_lock(&store->mutex);
    struct bn_acks acks = store->acks;
    store->acks = (struct bn_acks){0};
    pthread_mutex_unlock(&store->mutex);
    for (size_t i = 0; i < acks.count; i++)
        each(user, &acks.p[i]);
    free(acks.p);
}

void bn_store_add_foreign(struct bn_store *store, const struct bn_fact *fact)
{
    pthread_mutex_lock(&store->mutex);
    bool has_room = store->foreign_count < FOREIGN_MAX;
    if (has_room && store->foreign_count == store->foreign_cap) {
        store->foreign_cap = store->foreign_cap ? store->foreign_cap * 2 : 16;
        store->foreign = bn_realloc(store->foreign, store->foreign_cap * sizeof *store->foreign);
    }
    if (has_room)
        store->foreign[store->foreign_count++] = *fact;
    pthread_mutex_unlock(&store->mutex);
    if (!has_room)
        bn_log(BN_ERROR, "store.foreign", BN_KV("kind", bn_kinds[fact->kind].word),
                BN_KV("text", "too many rows changed by another program: restart Binnacle"));
}

void bn_store_collect_foreign(struct bn_store *store,
        void (*each)(void *user, const struct bn_fact *fact), void *user)
{
    pthread_mutex_lock(&store->mutex);
    struct bn_fact *facts = store->foreign;
    size_t count = store->foreign_count;
    store->foreign = NULL;
    store->foreign_count = 0;
    store->foreign_cap = 0;
    store->notes_seen = store->notes_told;
    store->notes_collected = store->notes_told;
    pthread_mutex_unlock(&store->mutex);
    for (size_t i = 0; i < count; i++)
        each(user, &facts[i]);
    free(facts);
}

/* Takes the acknowledgement out; under the mutex. */
static bool take_ack(struct bn_store *store, uint64_t batch, struct bn_ack *out)
{
    struct bn_acks *acks = &store->acks;
    for (size_t i = 0; i < acks->count; i++)
        if (acks->p[i].batch == batch) {
            *out = acks->p[i];
            memmove(&acks->p[i], &acks->p[i + 1], (acks->count - i - 1) * sizeof *acks->p);
            acks->count--;
            return true;
        }
    return false;
}

bool bn_store_keep(struct bn_store *store, struct bn_err *err)
{
    uint64_t batch = bn_store_flush(store);
    if (!batch)
        return true;
    int64_t until = bn_mono_ms() + KEEP_MS;
    struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    struct bn_ack ack;
    bool has_come;
    pthread_mutex_lock(&store->mutex);
    while (!(has_come = take_ack(store, batch, &ack)) && bn_mono_ms() < until)
        pthread_cond_clockwait(&store->news, &store->mutex, CLOCK_MONOTONIC, &at);
    pthread_mutex_unlock(&store->mutex);
    if (!has_come)
        return bn_fail(err, BN_E_STORAGE, "the disk did not answer within 10 s");
    if (!ack.ok && err)
        *err = ack.err;
    return ack.ok;
}

/* The server says up to which note it has read. */
static bool has_unread(struct bn_store *store)
{
    struct bn_conn *conn;
    struct bn_err err;
    if (!bn_readers_borrow(store, &conn, &err))
        return false;
    const int64_t any = bn_conn_number(conn, BN_SQL_NOTE_UNREAD);
    bn_readers_return(store, conn);
    return any != 0;
}

bool bn_store_await_server(struct bn_store *store)
{
    const int64_t until_mono_ms = bn_mono_ms() + SERVER_WAIT_MS;
    if (store->is_owner)
        return true;
    while (has_unread(store)) {
        if (bn_mono_ms() >= until_mono_ms)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = SERVER_LOOK_MS * 1000000L}, NULL);
    }
    return true;
}

void bn_store_tidy(struct bn_store *store)
{
    pthread_mutex_lock(&store->mutex);
    uint64_t asked = ++store->tidy_asked;
    pthread_cond_signal(&store->work);
    while (store->tidy_done < asked)
        pthread_cond_wait(&store->news, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
}

void bn_store_settle(struct bn_store *store)
{
    int64_t until = bn_mono_ms() + SETTLE_MS;
    struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&store->mutex);
    if (store->checks_unwritten > 0 && !store->is_closing) {
        uint64_t asked = ++store->settle_asked;
        pthread_cond_signal(&store->work);
        while (store->settle_done < asked && !store->is_closing && bn_mono_ms() < until)
            pthread_cond_clockwait(&store->news, &store->mutex, CLOCK_MONOTONIC, &at);
    }
    pthread_mutex_unlock(&store->mutex);
}

void bn_store_get_stats(struct bn_store *store, struct bn_store_stats *out)
{
    pthread_mutex_lock(&store->mutex);
    *out = store->stats;
    out->queue = (int64_t)store->queue_count;
    store->stats.worst_ms = 0;
    pthread_mutex_unlock(&store->mutex);
}

const char *bn_store_library(void)
{
    return sqlite3_libversion();
}

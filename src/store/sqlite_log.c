#include <time.h>

#include "base/clock.h"

#include "store/sqlite_writer.h"

#define SHORTEN_FROM_BYTES (4 << 20) /* a log that long is begun anew ... */
#define SHORTEN_FILE_BYTES \
    (16 << 20) /* ... and a file that long is cut, once all is written back */
#define SHORTEN_TRIES  20
#define SHORTEN_GAP_NS 2000000
#define WAIT_MS        50
#define FRAME_BYTES    4120 /* a page and its header */

/* What is in the log is written back to the database beside the writer: two syncs and thousands of
   pages in no order, which on a slow disk takes longer than anybody should wait for a record.
   SQLite lets commits go on meanwhile. Only the last bit needs the writer's lock, when the log is
   to begin anew although commits never cease; it is tried for, and held for the few pages that are
   left. */

int64_t bn_log_bytes(const struct bn_writer *writer)
{
    return (int64_t)writer->wal_frames * FRAME_BYTES;
}

static int shorten(struct bn_conn *conn, struct bn_log_result *out)
{
    int rc = SQLITE_BUSY;
    for (int i = 0; (rc & 0xFF) == SQLITE_BUSY && i < SHORTEN_TRIES; i++) {
        if (i)
            nanosleep(&(struct timespec){.tv_nsec = SHORTEN_GAP_NS}, NULL);
        rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &out->frames,
                &out->written);
    }
    return rc;
}

/* A connection of its own, opened for this: none is left when the writer opens everything anew. */
static struct bn_log_result write_back(struct bn_store *store, bool is_shortening)
{
    struct bn_log_result result = {.frames = 0, .written = -1};
    struct bn_conn conn;
    result.rc = bn_conn_open(&conn, store->folder.db, BN_CONN_WRITE);
    if ((result.rc & 0xFF) ==
            SQLITE_CANTOPEN) /* no descriptor is left: this can wait, records go on */
        result.rc = SQLITE_BUSY;
    if (result.rc != SQLITE_OK)
        return result;
    sqlite3_busy_timeout(conn.db, 0);
    if (bn_conn_number(&conn, BN_SQL_PAGE_COUNT) < 0) /* SQLite finds the log by reading */
        result.rc = sqlite3_extended_errcode(conn.db);
    else
        result.rc = sqlite3_wal_checkpoint_v2(conn.db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                &result.frames, &result.written);
    if (result.rc == SQLITE_OK && is_shortening)
        result.rc = shorten(&conn, &result);
    if (result.rc != SQLITE_OK) {
        result.rc = sqlite3_extended_errcode(conn.db);
        result.cause = sqlite3_system_errno(conn.db);
    }
    bn_conn_close(&conn);
    bn_store_note_sizes(store);
    return result;
}

/* --- the thread ------------------------------------------------------------------------------ */

void *bn_log_main(void *arg)
{
    struct bn_store *store = arg;
    struct bn_log_thread *log = &store->log;
    pthread_mutex_lock(&store->mutex);
    for (;;) {
        while (!store->is_closing && (!log->is_asked || store->is_reading_barred))
            pthread_cond_wait(&log->work, &store->mutex);
        if (store->is_closing)
            break;
        bool is_shortening = log->is_shortening;
        log->is_asked = false;
        log->is_running = true;
        pthread_mutex_unlock(&store->mutex);
        struct bn_log_result result = write_back(store, is_shortening);
        pthread_mutex_lock(&store->mutex);
        log->is_running = false;
        log->has_result = true;
        log->result = result;
        pthread_cond_broadcast(&store->news);
        pthread_cond_signal(&store->work);
    }
    pthread_mutex_unlock(&store->mutex);
    bn_store_end_thread(store);
    return NULL;
}

/* --- the writer's side ----------------------------------------------------------------------- */

void bn_log_ask(struct bn_store *store, enum bn_checkpoint how)
{
    struct bn_log_thread *log = &store->log;
    int64_t bytes = bn_log_bytes(&store->writer);
    pthread_mutex_lock(&store->mutex);
    bool is_long = bytes >= SHORTEN_FROM_BYTES || store->stats.wal_bytes >= SHORTEN_FILE_BYTES;
    bool is_worth_it = how == BN_CHECKPOINT_ALL || is_long || bytes >= BN_STORE_LOG_BYTES;
    if (is_worth_it && !log->is_asked && !log->is_running) {
        log->is_asked = true;
        log->is_shortening = how == BN_CHECKPOINT_ALL || is_long;
        pthread_cond_signal(&log->work);
    }
    pthread_mutex_unlock(&store->mutex);
}

bool bn_log_is_busy(struct bn_store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool is_busy = store->log.is_asked || store->log.is_running;
    pthread_mutex_unlock(&store->mutex);
    return is_busy;
}

bool bn_log_hear(struct bn_store *store, struct bn_log_result *out)
{
    pthread_mutex_lock(&store->mutex);
    bool is_news = store->log.has_result;
    *out = store->log.result;
    store->log.has_result = false;
    pthread_mutex_unlock(&store->mutex);
    if (is_news && out->frames == out->written) /* the next commit begins at the front again */
        store->writer.wal_frames = 0;
    return is_news;
}

void bn_log_calm(struct bn_store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->log.is_asked = false;
    while (store->log.is_running)
        pthread_cond_wait(&store->news, &store->mutex);
    store->log.has_result = false;
    pthread_mutex_unlock(&store->mutex);
}

int bn_checkpoint(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int frames = 0;
    int written = -1;
    sqlite3_busy_timeout(writer->conn.db, WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(writer->conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &frames,
            &written);
    sqlite3_busy_timeout(writer->conn.db, BN_BUSY_MS);
    if (frames == written)
        writer->wal_frames = 0;
    bn_store_note_sizes(store);
    return rc == SQLITE_OK ? SQLITE_OK : sqlite3_extended_errcode(writer->conn.db);
}

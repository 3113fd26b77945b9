#include <string.h>
#include <time.h>

#include "base/clock.h"

#include "store/sqlite_work.h"
#include "store/sqlite_writer.h"

#define READ_MS 5000 /* one reader never keeps the log from being shortened for longer */

/* --- the pool -------------------------------------------------------------------------------- */

static int find_free(const struct bn_store *store)
{
    for (int i = 0; i < BN_READERS; i++)
        if (!store->is_lent[i])
            return i;
    return -1;
}

static bool claim(struct bn_store *store, int *out_i, struct bn_err *err)
{
    int64_t until = bn_mono_ms() + READ_MS;
    struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&store->mutex);
    int rc = 0;
    int i;
    while (((i = find_free(store)) < 0 || store->is_reading_barred) && !store->is_closing &&
            rc == 0)
        rc = pthread_cond_clockwait(&store->news, &store->mutex, CLOCK_MONOTONIC, &at);
    bool is_claimed = i >= 0 && !store->is_reading_barred && !store->is_closing;
    if (is_claimed)
        store->is_lent[i] = true;
    pthread_mutex_unlock(&store->mutex);
    *out_i = i;
    return is_claimed ||
           bn_fail(err, BN_E_UNAVAILABLE, "too many people read the history: try again");
}

bool bn_readers_borrow(struct bn_store *store, struct bn_conn **out, struct bn_err *err)
{
    int i;
    if (!claim(store, &i, err))
        return false;
    struct bn_conn *conn = &store->readers[i];
    int rc = conn->db ? SQLITE_OK : bn_conn_open(conn, store->folder.db, BN_CONN_READ);
    if (rc != SQLITE_OK) {
        bn_readers_return(store, conn);
        bn_conn_fail(err, rc);
        return false;
    }
    conn->stop = &store->stop_reading;
    conn->deadline_ns = bn_clock_mono_ns() + READ_MS * INT64_C(1000000);
    *out = conn;
    return true;
}

void bn_readers_return(struct bn_store *store, struct bn_conn *conn)
{
    bn_conn_rollback(conn);
    pthread_mutex_lock(&store->mutex);
    store->is_lent[conn - store->readers] = false;
    pthread_cond_broadcast(&store->news);
    pthread_mutex_unlock(&store->mutex);
}

bool bn_readers_are_busy(const struct bn_store *store)
{
    for (int i = 0; i < BN_READERS; i++)
        if (store->is_lent[i])
            return true;
    return store->is_checking || store->log.is_running;
}

void bn_readers_bar(struct bn_store *store)
{
    atomic_store(&store->stop_reading, true);
    pthread_mutex_lock(&store->mutex);
    store->is_reading_barred = true;
    while (bn_readers_are_busy(store))
        pthread_cond_wait(&store->news, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
    for (int i = 0; i < BN_READERS; i++)
        bn_conn_close(&store->readers[i]);
}

void bn_readers_admit(struct bn_store *store)
{
    atomic_store(&store->stop_reading, false);
    pthread_mutex_lock(&store->mutex);
    store->is_reading_barred = false;
    pthread_cond_broadcast(&store->news);
    pthread_cond_signal(&store->log.work);
    pthread_mutex_unlock(&store->mutex);
}

/* --- series ---------------------------------------------------------------------------------- */

struct history {
    struct bn_conn *conn;
    int64_t series;
    int level;
    int64_t from_ms;
    size_t n;
    struct bn_point *out;
    int64_t hour; /* whose fresh points are in fine; -1: none */
    struct bn_triplet fine[BN_BLOCK_POINTS];
};

static void put_points(struct history *h, int64_t start, const struct bn_triplet *from,
        size_t count)
{
    int64_t step = bn_level_step_ms[h->level];
    for (size_t i = 0; i < count; i++) {
        int64_t at = (start + (int64_t)i * step - h->from_ms) / step;
        if (start + (int64_t)i * step < h->from_ms || at >= (int64_t)h->n || isnan(from[i].avg))
            continue;
        struct bn_point *to = &h->out[at];
        to->min = from[i].min;
        to->avg = from[i].avg;
        to->max = from[i].max;
    }
}

static int find_id(struct history *h, const struct bn_span *span)
{
    sqlite3_stmt *stmt = bn_conn_sql(h->conn, BN_SQL_SERIES_FIND);
    if (!stmt)
        return sqlite3_extended_errcode(h->conn->db);
    sqlite3_bind_text(stmt, 1, span->tenant, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, span->series, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    h->series = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static sqlite3_stmt *bind_range(struct history *h, int level, int64_t from_ms, int64_t to_ms)
{
    sqlite3_stmt *stmt = bn_conn_sql(h->conn, BN_SQL_BLOCK_RANGE);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, h->series);
        sqlite3_bind_int(stmt, 2, level);
        sqlite3_bind_int64(stmt, 3, from_ms);
        sqlite3_bind_int64(stmt, 4, to_ms);
    }
    return stmt;
}

static int read_blocks(struct history *h, int64_t to_ms)
{
    sqlite3_stmt *stmt = bind_range(h, h->level, bn_block_start(h->level, h->from_ms), to_ms);
    if (!stmt)
        return sqlite3_extended_errcode(h->conn->db);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct bn_triplet block[BN_BLOCK_POINTS];
        bn_block_decode(sqlite3_column_blob(stmt, 1), sqlite3_column_bytes(stmt, 1), block);
        put_points(h, sqlite3_column_int64(stmt, 0), block, BN_BLOCK_POINTS);
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* An hour with points that still wait in the tail: rolled up here as the next fold will do it. */
static void roll_hour(struct history *h)
{
    struct bn_triplet rolled[BN_BLOCK_POINTS];
    if (h->hour < 0)
        return;
    size_t count = (size_t)(BN_HOUR_MS / bn_level_step_ms[h->level]);
    bn_block_roll(h->fine, h->level, rolled);
    put_points(h, h->hour, rolled, count);
}

static void load_hour(struct history *h, int64_t hour)
{
    h->hour = hour;
    bn_block_decode(NULL, 0, h->fine);
    sqlite3_stmt *stmt = bind_range(h, 0, hour, hour + 1);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        bn_block_decode(sqlite3_column_blob(stmt, 1), sqlite3_column_bytes(stmt, 1), h->fine);
    sqlite3_reset(stmt);
}

static void take_fresh(void *user, const struct bn_tail_entry *entry)
{
    struct history *h = user;
    int64_t at = (int64_t)entry->slot * bn_level_step_ms[0];
    if (entry->series != h->series)
        return;
    if (h->level == 0) {
        put_points(h, at, &entry->value, 1);
        return;
    }
    int64_t hour = bn_block_start(0, at);
    if (hour != h->hour) {
        roll_hour(h);
        load_hour(h, hour);
    }
    h->fine[(at - hour) / bn_level_step_ms[0]] = entry->value;
}

static int read_tail(struct history *h)
{
    sqlite3_stmt *stmt = bn_conn_sql(h->conn, BN_SQL_TAIL_ALL);
    if (!stmt)
        return sqlite3_extended_errcode(h->conn->db);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        bn_tail_decode(sqlite3_column_blob(stmt, 1), sqlite3_column_bytes(stmt, 1), take_fresh, h);
    sqlite3_reset(stmt);
    if (h->level > 0)
        roll_hour(h);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_history(struct history *h, const struct bn_span *span)
{
    int rc = bn_conn_do(h->conn, BN_SQL_BEGIN_READ); /* blocks and tail of the same moment */
    if (rc == SQLITE_OK)
        rc = find_id(h, span);
    if (rc == SQLITE_OK && h->series)
        rc = read_blocks(h, span->to_ms);
    if (rc == SQLITE_OK && h->series)
        rc = read_tail(h);
    return rc == SQLITE_OK ? bn_conn_do(h->conn, BN_SQL_COMMIT) : rc;
}

bool bn_store_read_series(struct bn_store *store, const struct bn_span *span, struct bn_point *out,
        struct bn_err *err)
{
    if (span->level < 0 || span->level >= BN_LEVELS)
        return bn_fail(err, BN_E_INVALID, "level must be 0..%d, got %d", BN_LEVELS - 1,
                span->level);
    int64_t step = bn_level_step_ms[span->level];
    if (span->from_ms < 0 || span->from_ms % step != 0 || span->to_ms < span->from_ms)
        return bn_fail(err, BN_E_INVALID, "%lld to %lld is not a stretch of %lld ms intervals",
                (long long)span->from_ms, (long long)span->to_ms, (long long)step);
    struct history h = {.level = span->level, .from_ms = span->from_ms, .out = out, .hour = -1};
    h.n = (size_t)((span->to_ms - span->from_ms) / step);
    for (size_t i = 0; i < h.n; i++)
        out[i] = (struct bn_point){span->from_ms + (int64_t)i * step, NAN, NAN, NAN};
    if (!bn_readers_borrow(store, &h.conn, err))
        return false;
    int rc = read_history(&h, span);
    bn_readers_return(store, h.conn);
    return rc == SQLITE_OK || bn_conn_fail(err, rc);
}

/* --- records --------------------------------------------------------------------------------- */

static int load_kind(struct bn_conn *conn, enum bn_kind kind,
        void (*each)(void *user, const struct bn_fact *fact), void *user)
{
    sqlite3_stmt *stmt = bn_conn_row_sql(conn, kind, BN_ROW_ALL);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct bn_fact fact;
        bn_row_read(stmt, kind, &fact);
        each(user, &fact);
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

_Static_assert(BN_KIND_SERVER < BN_KIND_CHECK, "checks are played back to servers that are there");

bool bn_store_load(struct bn_store *store, void (*each)(void *user, const struct bn_fact *fact),
        void *user, struct bn_err *err)
{
    struct bn_conn *conn;
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    conn->deadline_ns = 0; /* a large fleet's checks take longer, and nobody can do without them */
    int64_t newest = 0;
    int rc = bn_conn_do(conn, BN_SQL_BEGIN_READ); /* all of the same moment */
    if (rc == SQLITE_OK)
        newest = bn_conn_number(conn, BN_SQL_NOTE_NEWEST);
    for (size_t k = 0; rc == SQLITE_OK && k < BN_KIND_COUNT; k++)
        if (k == BN_KIND_OPERATION)
            rc = bn_work_load(conn, BN_KIND_OPERATION,
                    bn_store_now_ms(store) - BN_OPERATION_PAST_MS, each, user);
        else if (k == BN_KIND_ALERT)
            rc = bn_work_load(conn, BN_KIND_ALERT, bn_store_now_ms(store) - BN_ALERT_PAST_MS, each,
                    user);
        else if (k == BN_KIND_CONSOLE)
            rc = bn_work_load(conn, BN_KIND_CONSOLE, bn_store_now_ms(store) - BN_CONSOLE_PAST_MS,
                    each, user);
        else if (bn_row_is_kept((enum bn_kind)k) && bn_kinds[k].rows_max)
            rc = load_kind(conn, (enum bn_kind)k, each, user);
        else if (k == BN_KIND_CHECK && !store->config.is_guest)
            rc = bn_checks_load(conn, each, user);
    bn_readers_return(store, conn);
    if (rc == SQLITE_OK)
        store->notes_seen = BN_MAX(store->notes_seen, newest);
    return rc == SQLITE_OK || bn_conn_fail(err, rc);
}

static int read_audit(struct bn_conn *conn, const char *tenant, const char *before_id,
        struct bn_audit *out, size_t *n)
{
    sqlite3_stmt *stmt = bn_conn_row_sql(conn, BN_KIND_AUDIT, BN_ROW_NEWEST);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_text(stmt, 1, tenant, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, before_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, (int64_t)BN_MIN(*n, (size_t)INT32_MAX));
    size_t count = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct bn_fact fact;
        bn_row_read(stmt, BN_KIND_AUDIT, &fact);
        out[count++] = fact.u.audit;
    }
    sqlite3_reset(stmt);
    if (rc != SQLITE_DONE)
        return rc;
    *n = count;
    return SQLITE_OK;
}

bool bn_store_read_audit(struct bn_store *store, const char *tenant, const char *before_id,
        struct bn_audit *out, size_t *n, struct bn_err *err)
{
    struct bn_conn *conn;
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    int rc = read_audit(conn, tenant, before_id, out, n);
    bn_readers_return(store, conn);
    return rc == SQLITE_OK || bn_conn_fail(err, rc);
}

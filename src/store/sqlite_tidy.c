#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "store/sqlite_work.h"
#include "store/sqlite_writer.h"

#define AUDIT_KEEP_MS          (365LL * 24 * BN_HOUR_MS)
#define SESSION_KEEP_MS        (24LL * BN_HOUR_MS) /* past its end: a clock that was put back */
#define FINE_KEEP_MIN_MS       (3LL * BN_HOUR_MS) /* ten-second points that retention by size leaves */
#define SERIES_AFTER_CUT       (BN_SERIES_MAX / 16 * 15)
#define SPOKE_LATELY_MS        (3LL * BN_HOUR_MS)
#define WALK                   16                 /* rows looked at for one that is written */
#define CHECK_KEEP_MIN_MS      (3LL * BN_HOUR_MS) /* what retention by size leaves of attempts ... */
#define CHECK_HOUR_KEEP_MIN_MS (30LL * 24 * BN_HOUR_MS) /* ... and of their hours */

/* A round of retention goes through stages, each in steps of one transaction that does as much as
   the pace allows. A stage says whether it has more to do. */

static int units_of(const struct bn_store *store)
{
    return store->writer.retention.pace.units;
}

/* --- rows of records ------------------------------------------------------------------------- */

/* Only the oldest rows are looked at: they were added in the order of time. */
static int cut_audit(struct bn_store *store, bool *out_more)
{
    struct bn_conn *conn = &store->writer.conn;
    char text[320];
    snprintf(text, sizeof text,
            "DELETE FROM \"%s\" WHERE rowid IN (SELECT rowid FROM (SELECT rowid, at FROM \"%s\""
            " ORDER BY rowid LIMIT %d) WHERE at < %lld)",
            bn_audit_type.table, bn_audit_type.table, units_of(store),
            (long long)(bn_store_now_ms(store) - AUDIT_KEEP_MS));
    int rc = bn_conn_exec(conn, text);
    *out_more = rc == SQLITE_OK && sqlite3_changes(conn->db) > 0;
    return rc;
}

static int cut_work(struct bn_store *store, bool *out_more)
{
    return bn_work_cut(&store->writer.conn, bn_store_now_ms(store) - BN_OPERATION_KEEP_MS,
            units_of(store), out_more);
}

static int cut_ended(struct bn_store *store, enum bn_sql which, int64_t keep_ms, bool *out_more)
{
    struct bn_conn *conn = &store->writer.conn;
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, bn_store_now_ms(store) - keep_ms);
        sqlite3_bind_int(stmt, 2, units_of(store));
    }
    const int rc = bn_conn_run(conn, stmt);
    *out_more = rc == SQLITE_OK && sqlite3_changes(conn->db) > 0;
    return rc;
}

static int cut_alerts(struct bn_store *store, bool *out_more)
{
    return cut_ended(store, BN_SQL_ALERT_CUT, BN_ALERT_KEEP_MS, out_more);
}

static int cut_consoles(struct bn_store *store, bool *out_more)
{
    return cut_ended(store, BN_SQL_CONSOLE_CUT, BN_CONSOLE_KEEP_MS, out_more);
}

/* Rows up to *out_upto come next; 0 when there are no more. */
static int look_ahead(struct bn_store *store, const char *table, int64_t *out_upto)
{
    sqlite3 *db = store->writer.conn.db;
    sqlite3_stmt *stmt = NULL;
    char text[256];
    snprintf(text, sizeof text,
            "SELECT max(rowid) FROM (SELECT rowid FROM \"%s\" WHERE rowid > %lld"
            " ORDER BY rowid LIMIT %d)",
            table, (long long)store->writer.retention.upto, units_of(store) * WALK);
    int rc = sqlite3_prepare_v2(db, text, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    *out_upto = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int cut_sessions(struct bn_store *store, bool *out_more)
{
    struct bn_retention *retention = &store->writer.retention;
    int64_t upto;
    int rc = look_ahead(store, bn_session_type.table, &upto);
    *out_more = upto > 0;
    if (!upto)
        return rc;
    char text[320];
    snprintf(text, sizeof text,
            "DELETE FROM \"%s\" WHERE rowid > %lld AND rowid <= %lld AND expires_at < %lld"
            " AND expires_at > 0",
            bn_session_type.table, (long long)retention->upto, (long long)upto,
            (long long)(bn_store_now_ms(store) - SESSION_KEEP_MS));
    retention->upto = upto;
    return bn_conn_exec(&store->writer.conn, text);
}

/* --- series ---------------------------------------------------------------------------------- */

/* A series without a block has nothing to say any more; one whose first points still wait in the
   tail has, so this does nothing until the tail is empty. */
static int cut_series(struct bn_store *store, bool *out_more)
{
    struct bn_writer *writer = &store->writer;
    struct bn_retention *retention = &writer->retention;
    int64_t upto;
    int rc = look_ahead(store, "series", &upto);
    *out_more = upto > 0;
    if (!upto)
        return rc;
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_SERIES_EMPTY);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, retention->upto);
        sqlite3_bind_int64(stmt, 2, upto);
    }
    rc = bn_conn_run(&writer->conn, stmt);
    if (rc == SQLITE_OK && sqlite3_changes(writer->conn.db) > 0)
        bn_series_forget(&writer->ids);
    retention->upto = upto;
    return rc;
}

/* Keeps the longest silent of all that were offered. */
static void offer_silent(struct bn_retention *retention, int64_t series, int64_t spoke_ms)
{
    struct bn_silent *silent = retention->silent;
    size_t at = retention->silent_count;
    if (at == BN_SILENT_MAX && silent[at - 1].spoke_ms <= spoke_ms)
        return;
    at = BN_MIN(at, (size_t)BN_SILENT_MAX - 1);
    for (; at > 0 && silent[at - 1].spoke_ms > spoke_ms; at--)
        silent[at] = silent[at - 1];
    silent[at] = (struct bn_silent){series, spoke_ms};
    retention->silent_count = BN_MIN(retention->silent_count + 1, (size_t)BN_SILENT_MAX);
}

static int find_silent(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    struct bn_retention *retention = &writer->retention;
    int64_t spoke_lately = bn_store_now_ms(store) - SPOKE_LATELY_MS;
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_SERIES_SPOKE);
    if (!stmt)
        return sqlite3_extended_errcode(writer->conn.db);
    sqlite3_bind_int64(stmt, 1, retention->upto);
    sqlite3_bind_text(stmt, 2, writer->ids.full_tenant, -1, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 3, units_of(store) * WALK);
    retention->is_searching = false;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        retention->is_searching = true;
        retention->upto = sqlite3_column_int64(stmt, 0);
        if (sqlite3_column_int64(stmt, 1) <= spoke_lately)
            offer_silent(retention, retention->upto, sqlite3_column_int64(stmt, 2));
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Some blocks of the next one; with the last of them the series. */
static int hush(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    struct bn_retention *retention = &writer->retention;
    int64_t series = retention->silent[retention->silent_next].series;
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_SERIES_HUSH);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, series);
        sqlite3_bind_int(stmt, 2, units_of(store));
    }
    int rc = bn_conn_run(&writer->conn, stmt);
    if (rc != SQLITE_OK || sqlite3_changes(writer->conn.db) == units_of(store))
        return rc;
    retention->silent_next++;
    bn_series_forget(&writer->ids);
    stmt = bn_conn_sql(&writer->conn, BN_SQL_SERIES_CUT);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, series);
    return bn_conn_run(&writer->conn, stmt);
}

static bool has_too_many(struct bn_store *store, int *out_rc)
{
    struct bn_series_ids *ids = &store->writer.ids;
    int64_t count = 0;
    *out_rc = ids->full_tenant[0] ? bn_series_count(&store->writer.conn, ids->full_tenant, &count)
                                  : SQLITE_OK;
    if (*out_rc == SQLITE_OK && count <= SERIES_AFTER_CUT)
        ids->full_tenant[0] = '\0';
    return *out_rc == SQLITE_OK && count > SERIES_AFTER_CUT;
}

/* A tenant with as many series as it may have gets room for new ones: the history of those that
   have been silent longest goes, whatever its age. What spoke in the last hours stays. Points that
   wait in the tail may be of one that was silent until now: then the next round looks again. */
static int cut_silent(struct bn_store *store, bool *out_more)
{
    struct bn_retention *retention = &store->writer.retention;
    int rc = SQLITE_OK;
    *out_more = true;
    if (retention->is_searching)
        return find_silent(store);
    if (retention->silent_next < retention->silent_count) {
        *out_more = bn_conn_number(&store->writer.conn, BN_SQL_TAIL_ANY) == 0;
        return *out_more ? hush(store) : SQLITE_OK;
    }
    bool was_in_vain = retention->upto > 0 && retention->silent_count == 0;
    *out_more = !was_in_vain && has_too_many(store, &rc);
    retention->is_searching = *out_more;
    retention->silent_count = 0;
    retention->silent_next = 0;
    retention->upto = 0;
    return rc;
}

/* --- blocks ---------------------------------------------------------------------------------- */

static int cut_blocks(struct bn_store *store, int level, int64_t before_ms, bool *out_more)
{
    struct bn_conn *conn = &store->writer.conn;
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_BLOCK_CUT);
    if (stmt) {
        sqlite3_bind_int(stmt, 1, level);
        sqlite3_bind_int64(stmt, 2, before_ms);
        sqlite3_bind_int(stmt, 3, units_of(store));
    }
    int rc = bn_conn_run(conn, stmt);
    *out_more = rc == SQLITE_OK && sqlite3_changes(conn->db) > 0;
    return rc;
}

static int cut_by_age(struct bn_store *store, bool *out_more)
{
    int level = store->writer.retention.stage; /* the first stages are the levels */
    int64_t length_ms = bn_level_step_ms[level] * BN_BLOCK_POINTS;
    return cut_blocks(store, level, bn_store_now_ms(store) - bn_level_keep_ms[level] - length_ms,
            out_more);
}

/* Bytes in use above what the configured size allows; a tenth of it is left to the log. */
static int64_t excess_bytes(struct bn_store *store)
{
    struct bn_conn *conn = &store->writer.conn;
    int64_t pages = bn_conn_number(conn, BN_SQL_PAGE_COUNT) -
                    bn_conn_number(conn, BN_SQL_FREE_COUNT);
    return pages * 4096 - store->config.bytes_max / 10 * 9;
}

/* The oldest of the finest level that has any to give, then coarser ones. */
static int cut_by_size(struct bn_store *store, bool *out_more)
{
    int rc = SQLITE_OK;
    *out_more = false;
    if (excess_bytes(store) <= 0)
        return rc;
    for (int level = 0; rc == SQLITE_OK && !*out_more && level < BN_LEVELS; level++) {
        int64_t keep_ms = BN_MAX(FINE_KEEP_MIN_MS, bn_level_step_ms[level] * BN_BLOCK_POINTS);
        rc = cut_blocks(store, level, bn_block_start(level, bn_store_now_ms(store) - keep_ms),
                out_more);
    }
    return rc;
}

/* --- checks ---------------------------------------------------------------------------------- */

static int cut_rows_of(struct bn_store *store, enum bn_sql which, int64_t server, int64_t before_ms,
        int most)
{
    struct bn_conn *conn = &store->writer.conn;
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, server);
        sqlite3_bind_int64(stmt, 2, before_ms);
        sqlite3_bind_int(stmt, 3, most);
    }
    return bn_conn_run(conn, stmt);
}

static int next_server(struct bn_store *store, enum bn_sql which, int64_t after, int64_t *out)
{
    struct bn_conn *conn = &store->writer.conn;
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (stmt && which == BN_SQL_FLEET_NEXT)
        sqlite3_bind_int64(stmt, 1, after);
    int rc = stmt ? sqlite3_step(stmt) : sqlite3_extended_errcode(conn->db);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* Server by server, because that is how the rows lie: an index by age would double their size. */
static int cut_old(struct bn_store *store, enum bn_sql which, int64_t before_ms, bool *out_more)
{
    struct bn_retention *retention = &store->writer.retention;
    int left = units_of(store);
    int rc = SQLITE_OK;
    *out_more = true;
    for (int looked = 0; rc == SQLITE_OK && left > 0 && looked < units_of(store) * WALK; looked++) {
        int64_t server;
        rc = next_server(store, BN_SQL_FLEET_NEXT, retention->upto, &server);
        if (rc == SQLITE_OK && !server) {
            *out_more = false;
            return rc;
        }
        if (rc == SQLITE_OK)
            rc = cut_rows_of(store, which, server, before_ms, left);
        if (rc == SQLITE_OK)
            left -= sqlite3_changes(store->writer.conn.db);
        if (left > 0)
            retention->upto = server;
    }
    return rc;
}

static int cut_checks_by_age(struct bn_store *store, bool *out_more)
{
    return cut_old(store, BN_SQL_CHECK_CUT, bn_store_now_ms(store) - BN_CHECK_KEEP_MS, out_more);
}

static int cut_hours_by_age(struct bn_store *store, bool *out_more)
{
    return cut_old(store, BN_SQL_HOUR_CUT,
            bn_store_now_ms(store) - BN_CHECK_HOUR_KEEP_MS - BN_HOUR_MS, out_more);
}

/* While the file is too large half as much time is kept, and half of that, down to the least. */
static int cut_more(struct bn_store *store, enum bn_sql which, int64_t least_ms, bool *out_more)
{
    struct bn_retention *retention = &store->writer.retention;
    *out_more = excess_bytes(store) > 0;
    if (!*out_more)
        return SQLITE_OK;
    int64_t keep_ms = BN_MAX(retention->keep_ms / 2, least_ms);
    int rc = cut_old(store, which, bn_store_now_ms(store) - keep_ms, out_more);
    if (rc != SQLITE_OK || *out_more)
        return rc;
    *out_more = keep_ms > least_ms;
    retention->keep_ms = keep_ms;
    retention->upto = 0;
    return rc;
}

static int cut_checks_by_size(struct bn_store *store, bool *out_more)
{
    return cut_more(store, BN_SQL_CHECK_CUT, CHECK_KEEP_MIN_MS, out_more);
}

static int cut_hours_by_size(struct bn_store *store, bool *out_more)
{
    return cut_more(store, BN_SQL_HOUR_CUT, CHECK_HOUR_KEEP_MIN_MS, out_more);
}

/* What a deleted server leaves; with the last of it its number. */
static int cut_gone(struct bn_store *store, bool *out_more)
{
    struct bn_conn *conn = &store->writer.conn;

    static const enum bn_sql parts[] = {BN_SQL_CHECK_CUT, BN_SQL_HOUR_CUT};

    int left = units_of(store);
    int64_t server;
    int rc = next_server(store, BN_SQL_FLEET_GONE_NEXT, 0, &server);
    *out_more = rc == SQLITE_OK && server != 0;
    for (size_t i = 0; rc == SQLITE_OK && server && left > 0 && i < COUNT(parts); i++) {
        rc = cut_rows_of(store, parts[i], server, INT64_MAX, left);
        left -= sqlite3_changes(conn->db);
    }
    if (rc != SQLITE_OK || !server || left <= 0)
        return rc;
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_FLEET_CUT);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, server);
    return bn_conn_run(conn, stmt);
}

/* --- giving back ----------------------------------------------------------------------------- */

/* What was freed goes back to the file system, a little at a time. */
static int shrink(struct bn_store *store, bool *out_more)
{
    struct bn_conn *conn = &store->writer.conn;
    int64_t before = bn_conn_number(conn, BN_SQL_FREE_COUNT);
    char text[64];
    *out_more = before > units_of(store);
    if (before <= 0)
        return SQLITE_OK;
    snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%d)", units_of(store));
    return bn_conn_exec(conn, text);
}

/* --- steps ----------------------------------------------------------------------------------- */

struct stage {
    int (*cut)(struct bn_store *store, bool *out_more);
    int64_t keep_ms; /* where one by size begins */
};

/* When the file is too large the attempts go first: their hours and the points of this machine say
   the same in less room. */
static const struct stage stages[] = {
        {cut_by_age, 0},
        {cut_by_age, 0},
        {cut_by_age, 0},
        {cut_by_age, 0},
        {cut_gone, 0},
        {cut_checks_by_age, 0},
        {cut_hours_by_age, 0},
        {cut_checks_by_size, BN_CHECK_KEEP_MS},
        {cut_by_size, 0},
        {cut_hours_by_size, BN_CHECK_HOUR_KEEP_MS},
        {cut_silent, 0},
        {cut_audit, 0},
        {cut_work, 0},
        {cut_alerts, 0},
        {cut_consoles, 0},
        {cut_sessions, 0},
        {cut_series, 0},
        {shrink, 0},
};

static void begin_stage(struct bn_retention *retention, int stage)
{
    retention->stage = stage;
    retention->upto = 0;
    retention->keep_ms = stage < (int)COUNT(stages) ? stages[stage].keep_ms : 0;
    bn_pace_init(&retention->pace);
}

static int work(struct bn_store *store)
{
    struct bn_retention *retention = &store->writer.retention;
    bool more;
    int rc = stages[retention->stage].cut(store, &more);
    if (rc == SQLITE_OK && !more)
        begin_stage(retention, retention->stage + 1);
    return rc;
}

int bn_retention_step(struct bn_store *store, bool *out_more)
{
    struct bn_retention *retention = &store->writer.retention;
    if (!retention->is_on) {
        retention->is_on = true;
        retention->is_searching = false;
        retention->silent_count = 0;
        retention->silent_next = 0;
        begin_stage(retention, 0);
    }
    int stage = retention->stage;
    bool at_commit;
    int64_t from_ns = bn_clock_mono_ns();
    int rc = bn_writer_transact(store, false, work, &at_commit);
    if (stage == retention->stage)
        bn_pace_note(&retention->pace, bn_clock_mono_ns() - from_ns);
    *out_more = rc == SQLITE_OK && retention->stage < (int)COUNT(stages);
    retention->is_on = *out_more;
    return rc;
}

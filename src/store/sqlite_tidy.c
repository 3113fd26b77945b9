#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "store/sqlite_writer.h"

#define AUDIT_KEEP_MS      (365LL * 24 * BN_HOUR_MS)
#define SESSION_KEEP_MS    (24LL * BN_HOUR_MS) /* past its end: a clock that was put back */
#define FINE_KEEP_MIN_MS   (3LL * BN_HOUR_MS)  /* ten-second points that retention by size leaves */
#define SERIES_AFTER_CUT   (BN_SERIES_MAX / 16 * 15)
#define SPOKE_LATELY_MS    (3LL * BN_HOUR_MS)
#define CHECKPOINT_BYTES   (4 << 20)  /* write back what is possible, without waiting for anybody */
#define TRUNCATE_BYTES     (16 << 20) /* and shorten the file; waits a moment for readers */
#define CHECKPOINT_WAIT_MS 50
#define LOG_FRAME_BYTES    4120 /* a page and its header */

/* --- rows of records ------------------------------------------------------------------------- */

/* Only the oldest rows are looked at: they were added in the order of time. */
static int cut_audit(struct bn_conn *conn, int64_t now_ms)
{
    char text[320];
    snprintf(text, sizeof text,
            "DELETE FROM \"%s\" WHERE rowid IN (SELECT rowid FROM (SELECT rowid, at FROM \"%s\""
            " ORDER BY rowid LIMIT 500) WHERE at < %lld)",
            bn_audit_type.table, bn_audit_type.table, (long long)(now_ms - AUDIT_KEEP_MS));
    return bn_conn_exec(conn, text);
}

static int cut_sessions(struct bn_conn *conn, int64_t now_ms)
{
    char text[320];
    snprintf(text, sizeof text,
            "DELETE FROM \"%s\" WHERE rowid IN (SELECT rowid FROM \"%s\" WHERE expires_at < %lld"
            " AND expires_at > 0 LIMIT 500)",
            bn_session_type.table, bn_session_type.table, (long long)(now_ms - SESSION_KEEP_MS));
    return bn_conn_exec(conn, text);
}

/* A series without a block has nothing to say any more; one whose first points still wait in the
   tail has, so this does nothing until the tail is empty. */
static int cut_series(struct bn_writer *writer)
{
    int rc = bn_conn_do(&writer->conn, BN_SQL_SERIES_EMPTY);
    if (rc == SQLITE_OK && sqlite3_changes(writer->conn.db) > 0)
        bn_series_forget(&writer->ids);
    return rc;
}

/* A tenant with as many series as it may have gets room for new ones: the history of those that
   have been silent longest goes, whatever its age. What spoke in the last hours stays. */
static int cut_silent(struct bn_writer *writer, int64_t now_ms, bool *out_more)
{
    struct bn_series_ids *ids = &writer->ids;
    int64_t count = 0;
    *out_more = false;
    int rc = ids->full_tenant[0] ? bn_series_count(&writer->conn, ids->full_tenant, &count)
                                 : SQLITE_OK;
    if (rc != SQLITE_OK || count <= SERIES_AFTER_CUT) {
        ids->full_tenant[0] = 0;
        return rc;
    }
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_SERIES_SILENT);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, ids->full_tenant, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, now_ms - SPOKE_LATELY_MS);
    }
    rc = bn_conn_run(&writer->conn, stmt);
    *out_more = rc == SQLITE_OK && sqlite3_changes(writer->conn.db) > 0;
    return *out_more ? cut_series(writer) : rc;
}

static int cut_rows(struct bn_writer *writer, int64_t now_ms)
{
    int rc = cut_audit(&writer->conn, now_ms);
    if (rc == SQLITE_OK)
        rc = cut_sessions(&writer->conn, now_ms);
    return rc == SQLITE_OK ? cut_series(writer) : rc;
}

/* --- blocks ---------------------------------------------------------------------------------- */

static int cut_blocks(struct bn_conn *conn, int level, int64_t before_ms, int *out_cut)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_BLOCK_CUT);
    if (stmt) {
        sqlite3_bind_int(stmt, 1, level);
        sqlite3_bind_int64(stmt, 2, before_ms);
    }
    int rc = bn_conn_run(conn, stmt);
    *out_cut = rc == SQLITE_OK ? sqlite3_changes(conn->db) : 0;
    return rc;
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
static int cut_by_size(struct bn_store *store, int64_t now_ms, int *out_cut)
{
    int rc = SQLITE_OK;
    *out_cut = 0;
    for (int level = 0; rc == SQLITE_OK && !*out_cut && level < BN_LEVELS; level++) {
        int64_t keep_ms = BN_MAX(FINE_KEEP_MIN_MS, bn_level_step_ms[level] * BN_BLOCK_POINTS);
        rc = cut_blocks(&store->writer.conn, level, bn_block_start(level, now_ms - keep_ms),
                out_cut);
    }
    return rc;
}

static int cut_level(struct bn_store *store, int64_t now_ms, int *out_cut)
{
    struct bn_writer *writer = &store->writer;
    if (writer->retention_level == BN_LEVELS) {
        *out_cut = 0;
        return excess_bytes(store) > 0 ? cut_by_size(store, now_ms, out_cut) : SQLITE_OK;
    }
    int level = writer->retention_level;
    int64_t length_ms = bn_level_step_ms[level] * BN_BLOCK_POINTS;
    return cut_blocks(&writer->conn, level, now_ms - bn_level_keep_ms[level] - length_ms, out_cut);
}

/* What was freed goes back to the file system, a little at a time. */
static int shrink(struct bn_conn *conn, bool *out_more)
{
    int64_t before = bn_conn_number(conn, BN_SQL_FREE_COUNT);
    *out_more = before > 64;
    return before > 0 ? bn_conn_exec(conn, "PRAGMA incremental_vacuum(64)") : SQLITE_OK;
}

static int retain(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int64_t now_ms = bn_store_now_ms(store);
    int cut = 0;
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && writer->retention_level <= BN_LEVELS && !cut) {
        rc = cut_level(store, now_ms, &cut);
        if (rc == SQLITE_OK && !cut)
            writer->retention_level++;
    }
    if (rc != SQLITE_OK || writer->retention_level <= BN_LEVELS)
        return rc;
    bool more;
    if (writer->retention_level == BN_LEVELS + 1) {
        rc = cut_silent(writer, now_ms, &more);
        if (rc != SQLITE_OK || more)
            return rc;
        writer->retention_level++;
        return cut_rows(writer, now_ms);
    }
    rc = shrink(&writer->conn, &more);
    if (!more)
        writer->retention_level++;
    return rc;
}

/* A step deletes 64 blocks at most: about 200 pages for its commit to write, which keeps it well
   below the 50 ms it may hold the write lock (A17). */
int bn_retention_step(struct bn_store *store, bool *out_more)
{
    struct bn_writer *writer = &store->writer;
    bool at_commit;
    int rc = bn_writer_transact(store, false, retain, &at_commit);
    *out_more = rc == SQLITE_OK && writer->retention_level <= BN_LEVELS + 2;
    if (!*out_more)
        writer->retention_level = 0;
    return rc;
}

/* --- the write-ahead log --------------------------------------------------------------------- */

int64_t bn_log_bytes(const struct bn_writer *writer)
{
    return (int64_t)writer->wal_frames * LOG_FRAME_BYTES;
}

int bn_checkpoint(struct bn_store *store, enum bn_checkpoint how)
{
    struct bn_writer *writer = &store->writer;
    bool is_long = bn_store_note_sizes(store) >= TRUNCATE_BYTES;
    if (how == BN_CHECKPOINT_IF_LARGE && !is_long && bn_log_bytes(writer) < CHECKPOINT_BYTES)
        return SQLITE_OK;
    int mode = how == BN_CHECKPOINT_ALL || is_long ? SQLITE_CHECKPOINT_TRUNCATE
                                                   : SQLITE_CHECKPOINT_PASSIVE;
    int frames = 0;
    int written = -1;
    sqlite3_busy_timeout(writer->conn.db, CHECKPOINT_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(writer->conn.db, NULL, mode, &frames, &written);
    sqlite3_busy_timeout(writer->conn.db, BN_BUSY_MS);
    if (frames == written) /* the next commit begins at the front again */
        writer->wal_frames = 0;
    bn_store_note_sizes(store);
    return rc == SQLITE_OK ? SQLITE_OK : sqlite3_extended_errcode(writer->conn.db);
}

#include <errno.h>
#include <string.h>

#include "base/log.h"

#include "store/sqlite_writer.h"

#define PROBE_FIRST_MS 125 /* most troubles are short ... */
#define PROBE_EVERY_MS 2000
#define LOG_BYTES_WELL (24 << 20)

/* --- getting into it ------------------------------------------------------------------------- */

static const char *reason_of(enum bn_trouble trouble)
{
    switch (trouble) {
    case BN_TROUBLE_FULL:
        return "the disk is full: Binnacle goes on when 8 MiB (an eighth of a small disk) are free "
               "in the data folder";
    case BN_TROUBLE_IO: return "the disk reports errors: the database is opened anew every 2 s";
    case BN_TROUBLE_LOG:
        return "another program keeps an old state of binnacle.db open: end it, the log is full";
    case BN_TROUBLE_REMOVED:
        return "binnacle.db was removed or replaced while in use: put it back or restart Binnacle";
    case BN_TROUBLE_DAMAGED:
        return "the database is damaged: the next start moves it aside and begins a new one";
    case BN_WELL: break;
    }
    return "";
}

void bn_trouble_set(struct bn_store *store, enum bn_trouble trouble)
{
    struct bn_writer *writer = &store->writer;
    bn_fold_forget(writer);
    writer->retention.is_on = false;
    if (writer->trouble == trouble)
        return;
    bool is_new = writer->trouble == BN_WELL;
    writer->trouble = trouble;
    if (is_new) {
        writer->probe_gap_ms = PROBE_FIRST_MS;
        writer->probe_due = bn_mono_ms() + (trouble == BN_TROUBLE_IO ? 0 : PROBE_FIRST_MS);
    }
    if (trouble == BN_TROUBLE_FULL)
        bn_folder_release_reserve(&store->folder);
    if (trouble == BN_TROUBLE_DAMAGED)
        bn_folder_condemn(&store->folder);
    const char *reason = reason_of(trouble);
    pthread_mutex_lock(&store->mutex);
    store->stats.degraded = true;
    bn_text_clip(store->stats.why, sizeof store->stats.why, bn_str(reason));
    pthread_mutex_unlock(&store->mutex);
    bn_log(BN_ERROR, "store.degraded", BN_KV("text", reason));
}

void bn_trouble_meet_at(struct bn_store *store, int rc, int cause)
{
    int code = rc & 0xFF;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_NOMEM ||
            code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG) {
        struct bn_err err;
        bn_conn_fail(&err, rc);
        bn_log(BN_WARN, "store.refused", BN_KV("text", err.text));
        return;
    }
    bool is_quota = code == SQLITE_IOERR && (cause == EDQUOT || cause == ENOSPC);
    bn_log(BN_WARN, "store.failed", BN_KV_I64("code", rc), BN_KV("meaning", sqlite3_errstr(rc)),
            BN_KV("errno", cause ? strerror(cause) : "none"));
    if (bn_conn_is_damaged(rc))
        bn_trouble_set(store, BN_TROUBLE_DAMAGED);
    else if (bn_conn_is_full(rc) || (is_quota && rc != SQLITE_IOERR_FSYNC))
        bn_trouble_set(store, BN_TROUBLE_FULL);
    else
        bn_trouble_set(store, BN_TROUBLE_IO);
}

void bn_trouble_meet(struct bn_store *store, int rc)
{
    struct bn_conn *conn = &store->writer.conn;
    bn_trouble_meet_at(store, rc, conn->db ? sqlite3_system_errno(conn->db) : 0);
}

void bn_trouble_say(struct bn_store *store, struct bn_err *err)
{
    bn_fail(err, BN_E_STORAGE, "%s", reason_of(store->writer.trouble));
}

/* --- getting out of it ----------------------------------------------------------------------- */

/* After a failed sync nobody knows what the disk holds: the kernel may have dropped the pages and
   call the next sync a success. So nothing is tried again on this connection. Everything is closed,
   SQLite reads its log anew, and a full checkpoint writes what it found to the database and syncs
   that. */
static int reopen(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    bn_readers_bar(store);
    bn_log_calm(store);
    bn_conn_close(&writer->conn);
    bn_series_forget(&writer->ids);
    int rc = bn_conn_open(&writer->conn, store->folder.db, BN_CONN_WRITE);
    if (rc == SQLITE_OK)
        rc = bn_conn_begin_writing(&writer->conn);
    bn_readers_admit(store);
    if (rc != SQLITE_OK)
        return rc;
    bn_writer_watch_log(writer);
    int64_t changes;
    rc = bn_schema_migrate(&writer->conn, &changes);
    return rc == SQLITE_OK ? bn_checkpoint(store) : rc;
}

static int write_probe(struct bn_store *store)
{
    struct bn_conn *conn = &store->writer.conn;
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_PROBE);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, bn_store_now_ms(store));
    return bn_conn_run(conn, stmt);
}

/* What a failed commit left is told as it is now: the disk may have kept what was refused. */
static void settle_doubts(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    for (size_t i = 0; i < writer->doubt_count; i++) {
        const struct bn_fact *asked = &writer->doubts[i];
        const char *key = bn_record_key(bn_kinds[asked->kind].type, &asked->u);
        struct bn_fact now;
        if (bn_row_get(&writer->conn, (enum bn_kind)asked->kind, asked->tenant, key, &now) ==
                SQLITE_OK)
            bn_store_add_foreign(store, &now);
    }
    writer->doubt_count = 0;
}

static void end_trouble(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    writer->trouble = BN_WELL;
    writer->data_version = -1;
    writer->fold_due = bn_mono_ms() + PROBE_EVERY_MS;
    settle_doubts(store);
    pthread_mutex_lock(&store->mutex);
    store->stats.degraded = false;
    store->stats.why[0] = '\0';
    pthread_mutex_unlock(&store->mutex);
    bn_log(BN_INFO, "store.recovered", BN_KV("file", store->folder.db));
    if (store->config.wake)
        store->config.wake(store->config.user);
}

static bool has_room(struct bn_store *store)
{
    if (store->writer.conn.db) /* a shorter log may be all it takes */
        (void)bn_checkpoint(store);
    if (!store->is_owner)
        return bn_folder_has_room(&store->folder);
    if (bn_folder_hold_reserve(&store->folder) && bn_folder_has_room(&store->folder))
        return true;
    bn_folder_release_reserve(&store->folder);
    return false;
}

static bool log_is_short(struct bn_store *store)
{
    (void)bn_checkpoint(store);
    return bn_log_bytes(&store->writer) < LOG_BYTES_WELL;
}

void bn_trouble_probe(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    enum bn_trouble trouble = writer->trouble;
    writer->probe_due = bn_mono_ms() + writer->probe_gap_ms;
    writer->probe_gap_ms = BN_MIN(writer->probe_gap_ms * 2, PROBE_EVERY_MS); /* ... others last */
    if (trouble == BN_WELL || trouble == BN_TROUBLE_DAMAGED)
        return;
    if (trouble == BN_TROUBLE_FULL && !has_room(store))
        return;
    if (trouble == BN_TROUBLE_LOG && !log_is_short(store))
        return;
    if (trouble == BN_TROUBLE_REMOVED && !bn_folder_is_same(&store->folder))
        return;
    bool must_reopen = trouble == BN_TROUBLE_IO || !writer->conn.db;
    int rc = must_reopen ? reopen(store) : SQLITE_OK;
    bool at_commit;
    if (rc == SQLITE_OK)
        rc = bn_writer_transact(store, true, write_probe, &at_commit);
    if (rc == SQLITE_OK)
        rc = bn_checkpoint(store);
    if (rc == SQLITE_OK || (rc & 0xFF) == SQLITE_BUSY)
        end_trouble(store);
    else
        bn_trouble_meet(store, rc);
}

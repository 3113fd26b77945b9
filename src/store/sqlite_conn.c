#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "store/sqlite.h"

#define PROGRESS_STEP 1000 /* virtual machine steps between two looks at the clock: about 20 us */

#define WRITE_SETUP                                                                          \
    "PRAGMA synchronous = OFF; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;" \
    "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;"                            \
    "PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = FAST; PRAGMA cache_size = -4096"

static const char *const sql_texts[BN_SQL_COUNT] = {
#define X(name, text) [BN_SQL_##name] = (text),
        BN_SQLS(X) BN_CHECK_SQLS(X) BN_WORK_SQLS(X)
#undef X
};

static int watch_deadline(void *user)
{
    const struct bn_conn *conn = user;
    if (conn->stop && atomic_load_explicit(conn->stop, memory_order_relaxed))
        return 1;
    return conn->deadline_ns && bn_clock_mono_ns() > conn->deadline_ns;
}

static int set_up(struct bn_conn *conn, enum bn_conn_mode mode)
{
    sqlite3_extended_result_codes(conn->db, 1);
    sqlite3_busy_timeout(conn->db, BN_BUSY_MS);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_progress_handler(conn->db, PROGRESS_STEP, watch_deadline, conn);
    int rc = bn_conn_exec(conn, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;");
    if (rc != SQLITE_OK || mode == BN_CONN_WRITE)
        return rc;
    return bn_conn_exec(conn, "PRAGMA query_only = ON; PRAGMA cache_size = -1024;");
}

/* The checkpointer is our own: the automatic one neither bounds the log under a pinned reader nor
   keeps its work out of a commit somebody waits for. secure_delete FAST still clears what is
   deleted in pages that are written anyway, without writing every freed page of history. A new file
   is not synced page by page: the checkpoint after its first migration does that once. */
int bn_conn_begin_writing(struct bn_conn *conn)
{
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    conn->is_full_sync = false;
    return bn_conn_exec(conn, WRITE_SETUP);
}

int bn_conn_open(struct bn_conn *conn, const char *path, enum bn_conn_mode mode)
{
    memset(conn, 0, sizeof *conn);
    int flags = mode == BN_CONN_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(path, &conn->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = set_up(conn, mode);
    if (rc != SQLITE_OK)
        bn_conn_close(conn);
    return rc;
}

void bn_conn_close(struct bn_conn *conn)
{
    for (size_t i = 0; i < BN_SQL_COUNT; i++)
        sqlite3_finalize(conn->fixed[i]);
    for (size_t k = 0; k < BN_KIND_COUNT; k++)
        for (size_t i = 0; i < BN_ROW_SQL_COUNT; i++)
            sqlite3_finalize(conn->rows[k][i]);
    sqlite3_close(conn->db);
    memset(conn, 0, sizeof *conn);
}

static sqlite3_stmt *ready(struct bn_conn *conn, sqlite3_stmt **slot, const char *text)
{
    if (*slot) {
        sqlite3_reset(*slot);
        sqlite3_clear_bindings(*slot);
    } else if (sqlite3_prepare_v3(conn->db, text, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL)) {
        *slot = NULL;
    }
    return *slot;
}

sqlite3_stmt *bn_conn_sql(struct bn_conn *conn, enum bn_sql which)
{
    return ready(conn, &conn->fixed[which], sql_texts[which]);
}

sqlite3_stmt *bn_conn_row_sql(struct bn_conn *conn, enum bn_kind kind, enum bn_row_sql which)
{
    char text[8192] = "";
    if (!conn->rows[kind][which])
        bn_row_sql_text(kind, which, text, sizeof text);
    return ready(conn, &conn->rows[kind][which], text);
}

int bn_conn_run(struct bn_conn *conn, sqlite3_stmt *stmt)
{
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    int rc;
    do
        rc = sqlite3_step(stmt);
    while (rc == SQLITE_ROW);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int bn_conn_do(struct bn_conn *conn, enum bn_sql which)
{
    return bn_conn_run(conn, bn_conn_sql(conn, which));
}

int bn_conn_exec(struct bn_conn *conn, const char *text)
{
    int rc = sqlite3_exec(conn->db, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? SQLITE_OK : sqlite3_extended_errcode(conn->db);
}

int64_t bn_conn_number(struct bn_conn *conn, enum bn_sql which)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    int64_t number = stmt && sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_reset(stmt);
    return number;
}

void bn_conn_rollback(struct bn_conn *conn)
{
    if (conn->db && !sqlite3_get_autocommit(conn->db))
        sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
}

bool bn_conn_is_damaged(int rc)
{
    return (rc & 0xFF) == SQLITE_CORRUPT || (rc & 0xFF) == SQLITE_NOTADB;
}

bool bn_conn_is_full(int rc)
{
    return (rc & 0xFF) == SQLITE_FULL || rc == SQLITE_IOERR_SHMSIZE;
}

bool bn_conn_fail(struct bn_err *err, int rc)
{
    if (bn_conn_is_full(rc))
        return bn_fail(err, BN_E_STORAGE, "the disk is full: free some space in the data folder");
    if (bn_conn_is_damaged(rc))
        return bn_fail(err, BN_E_STORAGE, "the database is damaged: restart to move it aside");
    switch (rc & 0xFF) {
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return bn_fail(err, BN_E_STORAGE, "the database cannot be written (%s)",
                sqlite3_errstr(rc));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return bn_fail(err, BN_E_STORAGE, "another program holds the database for more than 5 s");
    case SQLITE_INTERRUPT:
        return bn_fail(err, BN_E_TIMEOUT, "reading the history took longer than 5 s");
    case SQLITE_IOERR:
        return bn_fail(err, BN_E_STORAGE, "the disk reports an error (%s, code %d)",
                sqlite3_errstr(rc), rc);
    default:
        return bn_fail(err, BN_E_STORAGE, "the database refuses (%s, code %d)", sqlite3_errstr(rc),
                rc);
    }
}

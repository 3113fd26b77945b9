/*
 * sqlite: the inside of the store: connections, the writer, and what its parts promise each other.
 *
 * Only store/sqlite*.c may include it. SQLite's result codes travel as int, because what to do next
 * depends on which it was; sentences for people are made at the edge (bn_conn_fail).
 */
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "model/limits.h"
#include "store/folder.h"
#include "store/sqlite_sql.h"
#include "store/store.h"

#define BN_APPLICATION_ID 0x426E636C /* "Bncl", in the file's header */
#define BN_BUSY_MS        5000       /* another process holds the write lock */
#define BN_READERS        2

/* --- one connection with its prepared statements (sqlite_conn.c) ----------------------------- */

enum bn_sql {

#define X(name, text) BN_SQL_##name,
    BN_SQLS(X) BN_CHECK_SQLS(X) BN_WORK_SQLS(X)
#undef X
            BN_SQL_COUNT
};

enum bn_row_sql {
    BN_ROW_PUT,
    BN_ROW_GONE,
    BN_ROW_GET,
    BN_ROW_ALL,
    BN_ROW_NEWEST,
    BN_ROW_SQL_COUNT
};

struct bn_conn {
    sqlite3 *db; /* NULL: closed */
    sqlite3_stmt *fixed[BN_SQL_COUNT];
    sqlite3_stmt *rows[BN_KIND_COUNT][BN_ROW_SQL_COUNT];
    bool is_full_sync;
    int64_t deadline_ns; /* monotonic; statements end with SQLITE_INTERRUPT after it; 0: never */
    const atomic_bool *stop; /* or once this is set; may be NULL */
};

enum bn_conn_mode { BN_CONN_WRITE, BN_CONN_READ };

/* On failure the connection is closed and the result code returned. Opening and closing leave the
   files as they are ... */
int bn_conn_open(struct bn_conn *conn, const char *path, enum bn_conn_mode mode);
/* ... until this sets them up for writing. */
int bn_conn_begin_writing(struct bn_conn *conn);
void bn_conn_close(struct bn_conn *conn);
/* The statement, reset, without bindings; NULL when it cannot be prepared (sqlite3_errcode says
 * why). */
sqlite3_stmt *bn_conn_sql(struct bn_conn *conn, enum bn_sql which);
sqlite3_stmt *bn_conn_row_sql(struct bn_conn *conn, enum bn_kind kind, enum bn_row_sql which);
/* Steps to the end and resets; SQLITE_OK or an extended result code. stmt may be NULL. */
int bn_conn_run(struct bn_conn *conn, sqlite3_stmt *stmt);
int bn_conn_do(struct bn_conn *conn, enum bn_sql which); /* without parameters */
int bn_conn_exec(struct bn_conn *conn, const char *text);
int64_t bn_conn_number(struct bn_conn *conn, enum bn_sql which); /* one number, -1 when it fails */
void bn_conn_rollback(struct bn_conn *conn); /* also when there is nothing to undo */
/* err says rc in the operator's words; returns false. */
bool bn_conn_fail(struct bn_err *err, int rc);
bool bn_conn_is_damaged(int rc);
bool bn_conn_is_full(int rc);

/* --- tables and rows (sqlite_schema.c, sqlite_rows.c) ---------------------------------------- */

#define BN_SCHEMA_NEWER (-1) /* besides SQLite's codes */
#define BN_SCHEMA_WRONG (-2) /* a column has another type: a numbered migration is missing */
extern const uint32_t bn_schema_version;

/* Numbered steps, then tables and columns the field tables have and the file lacks; one
 * transaction. */
int bn_schema_migrate(struct bn_conn *conn, int64_t *out_changes);
/* The tables with records answer quick_check; a small file as a whole. *out_why "" when sound. */
int bn_schema_check(struct bn_conn *conn, int64_t db_bytes, char out_why[160]);
/* The whole file; for the background. SQLITE_OK with *out_why "" when it is sound. */
int bn_schema_check_all(struct bn_conn *conn, char out_why[160]);

/* The text of a kind's statement; for bn_conn. */
void bn_row_sql_text(enum bn_kind kind, enum bn_row_sql which, char *out, size_t size);
bool bn_row_is_kept(enum bn_kind kind); /* it has a table */
/* Fields that are columns: all before the first that is derived. */
size_t bn_row_column_count(const struct bn_record_type *type);
const char *bn_row_column_type(const struct bn_field *field);
const struct bn_field *bn_row_key(const struct bn_record_type *type);
int bn_row_put(struct bn_conn *conn, const struct bn_fact *fact); /* BN_PUT or BN_GONE */
/* The sentence for SQLITE_CONSTRAINT_UNIQUE. */
void bn_row_say_taken(const struct bn_fact *fact, struct bn_err *err);
/* Reads the row a statement stands on (columns: tenant, then the fields) into a fact flagged
 * replay. */
void bn_row_read(sqlite3_stmt *stmt, enum bn_kind kind, struct bn_fact *out);
/* The row of that key as a fact; BN_GONE when there is none. */
int bn_row_get(struct bn_conn *conn, enum bn_kind kind, const char *tenant, const char *key,
        struct bn_fact *out);

/* --- reading (sqlite_read.c) ------------------------------------------------------------------ */

bool bn_readers_borrow(struct bn_store *store, struct bn_conn **out, struct bn_err *err);
void bn_readers_return(struct bn_store *store, struct bn_conn *conn);
bool bn_readers_are_busy(const struct bn_store *store); /* under the mutex */
void bn_readers_bar(struct bn_store *store); /* ends running reads, waits for them, closes all */
void bn_readers_admit(struct bn_store *store);

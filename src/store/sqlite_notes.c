#include "store/sqlite_notes.h"

#include <string.h>

#include "base/log.h"

/* --- a guest's side -------------------------------------------------------------------------- */

int bn_note_put(struct bn_conn *conn, const struct bn_fact *fact)
{
    const struct bn_kind_info *kind = &bn_kinds[fact->kind];
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_NOTE_ADD);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, kind->word, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, fact->tenant, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, bn_record_key(kind->type, &fact->u), -1, SQLITE_STATIC);
    }
    return bn_conn_run(conn, stmt);
}

/* --- the server's side ----------------------------------------------------------------------- */

static enum bn_kind kind_of_word(const char *word)
{
    size_t k = 0;
    while (k < BN_KIND_COUNT && (!word || strcmp(bn_kinds[k].word, word) != 0))
        k++;
    return (enum bn_kind)k;
}

static void tell_note(struct bn_store *store, sqlite3_stmt *stmt)
{
    struct bn_conn *conn = &store->writer.conn;
    enum bn_kind kind = kind_of_word((const char *)sqlite3_column_text(stmt, 1));
    const char *tenant = (const char *)sqlite3_column_text(stmt, 2);
    const char *key = (const char *)sqlite3_column_text(stmt, 3);
    struct bn_fact fact;
    if (kind == BN_KIND_COUNT || !bn_row_is_kept(kind) || !tenant || !key)
        return;
    int rc = bn_row_get(conn, kind, tenant, key, &fact);
    if (rc == SQLITE_OK)
        bn_store_add_foreign(store, &fact);
    else
        bn_log(BN_WARN, "store.foreign", BN_KV("kind", bn_kinds[kind].word), BN_KV_I64("code", rc));
}

static int read_notes(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int rc;
    int64_t from;
    do {
        sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_NOTE_NEXT);
        if (!stmt)
            return sqlite3_extended_errcode(writer->conn.db);
        from = writer->notes_read;
        sqlite3_bind_int64(stmt, 1, from);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            writer->notes_read = sqlite3_column_int64(stmt, 0);
            tell_note(store, stmt);
        }
        sqlite3_reset(stmt);
    } while (rc == SQLITE_DONE && writer->notes_read > from);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Whoever wrote a note may wait for this (bn_store_await_server). */
static int say_read(struct bn_writer *writer)
{
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_NOTE_READ);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, writer->notes_read);
    return bn_conn_run(&writer->conn, stmt);
}

/* A note is kept until no batch can be left that was made without knowing it: two rounds after it
   was collected. The newest stays, so that their numbers only grow. */
int bn_notes_take(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int rc = read_notes(store);
    sqlite3_stmt *stmt = rc == SQLITE_OK ? bn_conn_sql(&writer->conn, BN_SQL_NOTE_CUT) : NULL;
    if (stmt)
        sqlite3_bind_int64(stmt, 1, writer->notes_old);
    if (rc == SQLITE_OK)
        rc = bn_conn_run(&writer->conn, stmt);
    if (rc == SQLITE_OK)
        rc = say_read(writer);
    pthread_mutex_lock(&store->mutex);
    writer->notes_old = store->notes_collected;
    store->notes_told = writer->notes_read;
    pthread_mutex_unlock(&store->mutex);
    return rc;
}

void bn_notes_begin(struct bn_store *store)
{
    int64_t newest = bn_conn_number(&store->writer.conn, BN_SQL_NOTE_NEWEST);
    store->writer.notes_read = BN_MAX(newest, 0);
    store->writer.notes_old = store->writer.notes_read;
    store->notes_collected = store->writer.notes_read;
    store->notes_told = store->writer.notes_read;
    store->notes_seen = store->writer.notes_read;
}

/* A record is whole: made from a row as it was before another program changed it, it would write
   the old password hash back, or begin a session anew that was ended. */
int bn_notes_find_stale(struct bn_store *store, const struct bn_batch *batch,
        const struct bn_fact **out)
{
    struct bn_conn *conn = &store->writer.conn;
    *out = NULL;
    if (!store->is_owner)
        return SQLITE_OK;
    const int64_t newest = bn_conn_number(conn, BN_SQL_NOTE_NEWEST);
    /* A question without memory ends the transaction, and what follows would be kept by itself. */
    if (newest < 0)
        return sqlite3_extended_errcode(conn->db);
    if (newest <= batch->notes_seen)
        return SQLITE_OK;
    int rc = SQLITE_DONE;
    for (size_t i = 0; rc == SQLITE_DONE && i < batch->fact_count; i++) {
        const struct bn_fact *fact = &batch->facts[i];
        const struct bn_kind_info *kind = &bn_kinds[fact->kind];
        sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_NOTE_OF);
        if (!stmt)
            return sqlite3_extended_errcode(conn->db);
        if (fact->op == BN_GONE)
            continue;
        sqlite3_bind_int64(stmt, 1, batch->notes_seen);
        sqlite3_bind_text(stmt, 2, kind->word, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, fact->tenant, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, bn_record_key(kind->type, &fact->u), -1, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
        sqlite3_reset(stmt);
        if (rc == SQLITE_ROW)
            *out = fact;
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

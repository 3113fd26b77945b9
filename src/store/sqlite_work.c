#include "store/sqlite_work.h"

#include <string.h>

#include "store/store_work.h"

#define NAMES_MAX      64 /* operations looked up for one step */
#define LINES_EXPECTED 16 /* a task says about so much */

/* --- which ones ------------------------------------------------------------------------------ */

struct name {
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
};

static void get_text(sqlite3_stmt *stmt, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
    out[0] = '\0';
    if (text && bn_utf8_is_valid(text, len))
        bn_text_clip(out, size, (struct bn_str){text, len});
}

/* --- playing back ---------------------------------------------------------------------------- */

int bn_work_load(struct bn_conn *conn, enum bn_kind kind, int64_t ended_after_ms,
        void (*each)(void *user, const struct bn_fact *fact), void *user)
{
    struct bn_fact fact;
    struct name name;
    const enum bn_sql in_sight = kind == BN_KIND_ALERT     ? BN_SQL_ALERT_IN_SIGHT
                                 : kind == BN_KIND_CONSOLE ? BN_SQL_CONSOLE_IN_SIGHT
                                                           : BN_SQL_WORK_IN_SIGHT;
    sqlite3_stmt *stmt = bn_conn_sql(conn, in_sight);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_int64(stmt, 1, ended_after_ms);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        get_text(stmt, 0, name.tenant, sizeof name.tenant);
        get_text(stmt, 1, name.id, sizeof name.id);
        rc = bn_row_get(conn, kind, name.tenant, name.id, &fact);
        if (rc != SQLITE_OK)
            break;
        if (fact.op == BN_PUT)
            each(user, &fact);
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* --- retention ------------------------------------------------------------------------------- */

static int list_old(struct bn_conn *conn, int64_t ended_before_ms, int most, struct name *out,
        int *out_count)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_WORK_OLD);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_int64(stmt, 1, ended_before_ms);
    sqlite3_bind_int(stmt, 2, most);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        get_text(stmt, 0, out[*out_count].tenant, sizeof out->tenant);
        get_text(stmt, 1, out[*out_count].id, sizeof out->id);
        ++*out_count;
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static sqlite3_stmt *bind_name(sqlite3_stmt *stmt, const struct name *name)
{
    if (stmt) {
        sqlite3_bind_text(stmt, 1, name->tenant, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, name->id, -1, SQLITE_STATIC);
    }
    return stmt;
}

static int cut_parts(struct bn_conn *conn, const struct name *name)
{
    const int rc = bn_conn_run(conn, bind_name(bn_conn_sql(conn, BN_SQL_LINE_CUT), name));
    return rc == SQLITE_OK ? bn_conn_run(conn, bind_name(bn_conn_sql(conn, BN_SQL_PIECE_CUT), name))
                           : rc;
}

int bn_work_gone(struct bn_conn *conn, const struct bn_fact *fact)
{
    struct name name;
    bn_text_clip(name.tenant, sizeof name.tenant, bn_str(fact->tenant));
    bn_text_clip(name.id, sizeof name.id, bn_str(fact->u.operation.id));
    return cut_parts(conn, &name);
}

int bn_work_cut(struct bn_conn *conn, int64_t ended_before_ms, int units, bool *out_more)
{
    struct name names[NAMES_MAX];
    int count = 0;
    int rc = list_old(conn, ended_before_ms, BN_MIN(units / LINES_EXPECTED + 1, NAMES_MAX), names,
            &count);
    for (int i = 0; rc == SQLITE_OK && i < count; i++) {
        rc = cut_parts(conn, &names[i]);
        if (rc == SQLITE_OK)
            rc = bn_conn_run(conn,
                    bind_name(bn_conn_row_sql(conn, BN_KIND_OPERATION, BN_ROW_GONE), &names[i]));
    }
    *out_more = rc == SQLITE_OK && count > 0;
    return rc;
}

/* --- the history ----------------------------------------------------------------------------- */

static void bind_word(sqlite3_stmt *stmt, int at, const char *word)
{
    if (word)
        sqlite3_bind_text(stmt, at, word, -1, SQLITE_STATIC);
}

static sqlite3_stmt *bind_query(struct bn_conn *conn, enum bn_sql which,
        const struct bn_operation_query *query)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (!stmt)
        return NULL;
    sqlite3_bind_text(stmt, 1, query->tenant, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, query->since_ms);
    bind_word(stmt, 3, query->status);
    bind_word(stmt, 4, query->type);
    bind_word(stmt, 5, query->server_id);
    bind_word(stmt, 6, query->target_id);
    bind_word(stmt, 7, query->guests);
    if (query->vmid)
        sqlite3_bind_int64(stmt, 8, query->vmid);
    bind_word(stmt, 9, query->node);
    bind_word(stmt, 10, query->parent_id);
    bind_word(stmt, 11, query->created_by);
    if (query->until_ms)
        sqlite3_bind_int64(stmt, 12, query->until_ms);
    if (query->ended_before_ms)
        sqlite3_bind_int64(stmt, 13, query->ended_before_ms);
    bind_word(stmt, 14, query->created_by_kind);
    return stmt;
}

static int count_all(struct bn_conn *conn, sqlite3_stmt *stmt, int64_t *out)
{
    int rc = stmt ? sqlite3_step(stmt) : sqlite3_extended_errcode(conn->db);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* A page of records of a kind, as an array of them. */
struct page {
    enum bn_kind kind;
    const char *tenant;
    char *out;
    size_t max;
    size_t count;
};

/* stmt gives the ids. */
static int read_page(struct bn_conn *conn, sqlite3_stmt *stmt, struct page *page)
{
    const size_t size = bn_kinds[page->kind].type->size;
    struct bn_fact fact;
    struct name name;
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && page->count < page->max) {
        get_text(stmt, 0, name.id, sizeof name.id);
        rc = bn_row_get(conn, page->kind, page->tenant, name.id, &fact);
        if (rc != SQLITE_OK)
            break;
        memcpy(page->out + size * page->count++, &fact.u, size);
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static sqlite3_stmt *bind_page(sqlite3_stmt *stmt, int at, size_t n, int64_t skip)
{
    if (stmt) {
        sqlite3_bind_int64(stmt, at, (int64_t)BN_MIN(n, (size_t)INT32_MAX));
        sqlite3_bind_int64(stmt, at + 1, skip);
    }
    return stmt;
}

bool bn_store_read_operations(struct bn_store *store, const struct bn_operation_query *query,
        struct bn_operation *out, size_t *n, int64_t *out_total, struct bn_err *err)
{
    struct bn_conn *conn;
    struct page page = {BN_KIND_OPERATION, query->tenant, (char *)out, *n, 0};
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    int rc = bn_conn_do(conn, BN_SQL_BEGIN_READ); /* the count and the page of the same moment */
    if (rc == SQLITE_OK)
        rc = count_all(conn, bind_query(conn, BN_SQL_WORK_COUNT, query), out_total);
    if (rc == SQLITE_OK)
        rc = read_page(conn,
                bind_page(bind_query(conn, BN_SQL_WORK_PAGE, query), 15, *n, query->skip), &page);
    bn_readers_return(store, conn);
    if (rc != SQLITE_OK)
        return bn_conn_fail(err, rc);
    *n = page.count;
    return true;
}

static int walk(struct bn_conn *conn, const struct bn_operation_query *query,
        const struct bn_operation_walk *walk)
{
    struct bn_fact fact;
    struct name name;
    sqlite3_stmt *stmt = bind_page(bind_query(conn, BN_SQL_WORK_PAGE, query), 15, walk->most, 0);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        get_text(stmt, 0, name.id, sizeof name.id);
        rc = bn_row_get(conn, BN_KIND_OPERATION, query->tenant, name.id, &fact);
        if (rc != SQLITE_OK || !walk->each(walk->user, &fact.u.operation))
            break;
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

bool bn_store_walk_operations(struct bn_store *store, const struct bn_operation_query *query,
        const struct bn_operation_walk *each, struct bn_err *err)
{
    struct bn_conn *conn;
    int64_t total = 0;
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    int rc = bn_conn_do(conn, BN_SQL_BEGIN_READ);
    if (rc == SQLITE_OK)
        rc = count_all(conn, bind_query(conn, BN_SQL_WORK_COUNT, query), &total);
    const bool fits = total <= (int64_t)each->most;
    if (rc == SQLITE_OK && fits)
        rc = walk(conn, query, each);
    bn_readers_return(store, conn);
    if (rc != SQLITE_OK)
        return bn_conn_fail(err, rc);
    return fits || bn_fail(err, BN_E_TOO_BIG, "these are %lld operations, %zu at most at once",
                           (long long)total, each->most);
}

static sqlite3_stmt *bind_consoles(struct bn_conn *conn, enum bn_sql which,
        const struct bn_console_query *query)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (!stmt)
        return NULL;
    sqlite3_bind_text(stmt, 1, query->tenant, -1, SQLITE_STATIC);
    bind_word(stmt, 2, query->server_id);
    bind_word(stmt, 3, query->user_id);
    sqlite3_bind_int(stmt, 4, query->is_open);
    return stmt;
}

bool bn_store_read_consoles(struct bn_store *store, const struct bn_console_query *query,
        struct bn_console *out, size_t *n, int64_t *out_total, struct bn_err *err)
{
    struct bn_conn *conn;
    struct page page = {BN_KIND_CONSOLE, query->tenant, (char *)out, *n, 0};
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    int rc = bn_conn_do(conn, BN_SQL_BEGIN_READ);
    if (rc == SQLITE_OK)
        rc = count_all(conn, bind_consoles(conn, BN_SQL_CONSOLE_COUNT, query), out_total);
    if (rc == SQLITE_OK)
        rc = read_page(conn,
                bind_page(bind_consoles(conn, BN_SQL_CONSOLE_PAGE, query), 5, *n, query->skip),
                &page);
    bn_readers_return(store, conn);
    if (rc != SQLITE_OK)
        return bn_conn_fail(err, rc);
    *n = page.count;
    return true;
}

static int read_lines(struct bn_conn *conn, const struct name *name, struct bn_output *out,
        size_t *n)
{
    size_t count = 0;
    sqlite3_stmt *stmt = bind_name(bn_conn_sql(conn, BN_SQL_LINE_RANGE), name);
    int rc = stmt ? SQLITE_ROW : sqlite3_extended_errcode(conn->db);
    while (rc == SQLITE_ROW && (rc = sqlite3_step(stmt)) == SQLITE_ROW && count < *n) {
        bn_record_clear(&bn_output_type, &out[count]);
        out[count].n = sqlite3_column_int64(stmt, 0);
        get_text(stmt, 1, out[count].text, sizeof out->text);
        count++;
    }
    sqlite3_reset(stmt);
    *n = count;
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

bool bn_store_read_operation(struct bn_store *store, const char *tenant, const char *id,
        struct bn_operation_told *out, struct bn_err *err)
{
    struct bn_conn *conn;
    struct bn_fact fact = {.op = BN_GONE};
    struct name name;
    size_t count = BN_WORK_LINES_MAX;
    bn_text_clip(name.tenant, sizeof name.tenant, bn_str(tenant));
    bn_text_clip(name.id, sizeof name.id, bn_str(id));
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    int rc = bn_row_get(conn, BN_KIND_OPERATION, name.tenant, name.id, &fact);
    if (rc == SQLITE_OK)
        rc = read_lines(conn, &name, out->lines, &count);
    bn_readers_return(store, conn);
    if (rc != SQLITE_OK)
        return bn_conn_fail(err, rc);
    if (fact.op == BN_GONE)
        return bn_fail(err, BN_E_NOT_FOUND, "there is no such operation");
    out->operation = fact.u.operation;
    out->line_count = count;
    return true;
}

bool bn_store_read_pieces(struct bn_store *store, const struct bn_piece_query *query,
        struct bn_piece *out, size_t *n, struct bn_err *err)
{
    struct bn_conn *conn;
    size_t count = 0;
    if (!bn_readers_borrow(store, &conn, err))
        return false;
    const bool is_last = query->from == BN_UNKNOWN;
    sqlite3_stmt *stmt = bn_conn_sql(conn, is_last ? BN_SQL_PIECE_LAST : BN_SQL_PIECE_RANGE);
    int rc = stmt ? SQLITE_ROW : sqlite3_extended_errcode(conn->db);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, query->tenant, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, query->operation_id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 3, BN_MAX(query->from, 0));
        sqlite3_bind_int64(stmt, 4, (int64_t)*n);
    }
    while (rc == SQLITE_ROW && (rc = sqlite3_step(stmt)) == SQLITE_ROW && count < *n) {
        struct bn_piece *piece = &out[count++];
        bn_record_clear(&bn_piece_type, piece);
        get_text(stmt, 0, piece->id, sizeof piece->id);
        bn_text_clip(piece->operation_id, sizeof piece->operation_id, bn_str(query->operation_id));
        piece->at = sqlite3_column_int64(stmt, 1);
        piece->bytes = sqlite3_column_int64(stmt, 2);
        get_text(stmt, 3, piece->text, sizeof piece->text);
    }
    sqlite3_reset(stmt);
    bn_readers_return(store, conn);
    *n = count;
    return rc == SQLITE_DONE || rc == SQLITE_ROW || bn_conn_fail(err, rc);
}

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/crash.h"

#include "store/sqlite.h"

/* A step, once released, is never edited: the next change is the next step. Columns that field
   tables gain need no step; a column that changes its meaning or type does. */
static const char *const steps[] = {
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE notes(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, tenant TEXT NOT NULL,"
        " key TEXT NOT NULL) STRICT;"
        "CREATE TABLE series(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL,"
        " UNIQUE(tenant, name)) STRICT;"
        "CREATE TABLE tail(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
        "CREATE TABLE blocks(series INTEGER NOT NULL, level INTEGER NOT NULL, start INTEGER NOT NULL,"
        " data BLOB NOT NULL, PRIMARY KEY(series, level, start)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX blocks_by_age ON blocks(level, start);",
        /* A number for each server, because each of its rows bears it. The row of one that was
           deleted stays until the last of its checks has gone, so that no number comes back. The
           phases are microseconds, as they are measured: half the bytes of a REAL. */
        "CREATE TABLE check_servers(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL,"
        " gone INTEGER NOT NULL DEFAULT 0, since INTEGER NOT NULL DEFAULT 0, version TEXT,"
        " cluster TEXT, is_quorate INTEGER, fingerprint TEXT, cert_expires_at INTEGER) STRICT;"
        "CREATE UNIQUE INDEX check_servers_by_name ON check_servers(tenant, name) WHERE gone = 0;"
        "CREATE INDEX check_servers_gone ON check_servers(id) WHERE gone = 1;"
        "CREATE TABLE checks(server INTEGER NOT NULL, at INTEGER NOT NULL, success INTEGER NOT NULL,"
        " response_ms INTEGER, dns_us INTEGER, tcp_us INTEGER, tls_us INTEGER, wait_us INTEGER,"
        " error_class TEXT, error_phase TEXT, error TEXT, timeout_ms INTEGER, retries INTEGER,"
        " used_vpn INTEGER, http_status INTEGER, nodes INTEGER, PRIMARY KEY(server, at))"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE check_hours(server INTEGER NOT NULL, hour INTEGER NOT NULL,"
        " attempts INTEGER NOT NULL, successes INTEGER NOT NULL, ms_count INTEGER NOT NULL,"
        " ms_sum INTEGER NOT NULL, ms_min INTEGER, ms_max INTEGER, PRIMARY KEY(server, hour))"
        " STRICT, WITHOUT ROWID;",
        /* The columns the indexes need; the others follow from the field table. The first index
           says that nothing is done twice at once, whatever the program thinks (FEATURES J5). */
        "CREATE TABLE operations(tenant TEXT NOT NULL, id TEXT NOT NULL, type TEXT, server_id TEXT,"
        " vmid INTEGER, target_id TEXT, status TEXT, started_at INTEGER, completed_at INTEGER,"
        " PRIMARY KEY(tenant, id)) STRICT;"
        "CREATE UNIQUE INDEX operations_one_at_a_time ON operations(tenant, type, server_id, vmid)"
        " WHERE vmid IS NOT NULL AND status IN ('pending', 'in_progress');"
        "CREATE INDEX operations_by_time ON operations(tenant, started_at);"
        "CREATE INDEX operations_by_end ON operations(completed_at);",
        /* What fires fires once, whatever the program thinks (FEATURES B20). */
        "CREATE TABLE alerts(tenant TEXT NOT NULL, id TEXT NOT NULL, rule TEXT, state TEXT,"
        " subject_kind TEXT, subject_id TEXT, resolved_at INTEGER, PRIMARY KEY(tenant, id)) STRICT;"
        "CREATE UNIQUE INDEX alerts_once ON alerts(tenant, rule, subject_kind, subject_id)"
        " WHERE state = 'firing';"
        "CREATE INDEX alerts_by_end ON alerts(resolved_at);",
        /* A name that leads elsewhere is a cause of its own; most servers are called by address. */
        "ALTER TABLE checks ADD COLUMN address TEXT;",
        "CREATE TABLE consoles(tenant TEXT NOT NULL, id TEXT NOT NULL, server_id TEXT, user_id TEXT,"
        " started_at INTEGER, ended_at INTEGER, PRIMARY KEY(tenant, id)) STRICT;"
        "CREATE INDEX consoles_by_time ON consoles(tenant, started_at);"
        "CREATE INDEX consoles_by_end ON consoles(ended_at);",
        /* The same of targets: one deed on one service at a time, of all that is not over. */
        "ALTER TABLE operations ADD COLUMN object TEXT;"
        "CREATE UNIQUE INDEX operations_one_on_a_target ON operations(tenant, target_id, type,"
        " coalesce(object, '')) WHERE target_id IS NOT NULL AND status IN ('pending', 'in_progress');"
        "CREATE TABLE pieces(tenant TEXT NOT NULL, id TEXT NOT NULL, operation_id TEXT, at INTEGER,"
        " bytes INTEGER, text TEXT, PRIMARY KEY(tenant, id)) STRICT;"
        "CREATE INDEX pieces_of_one ON pieces(tenant, operation_id, at);",
        /* What a batch began is asked for by its id. */
        ("ALTER TABLE operations ADD COLUMN parent_id TEXT;"
         "CREATE INDEX operations_of_one ON operations(tenant, parent_id) WHERE parent_id IS NOT NULL;"),
};

const uint32_t bn_schema_version = COUNT(steps);

/* --- what the field tables ask for ----------------------------------------------------------- */

static int create_table(struct bn_conn *conn, const struct bn_record_type *type)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 16384);
    bn_buf_printf(&buf, "CREATE TABLE \"%s\"(tenant TEXT NOT NULL", type->table);
    const char *key = "";
    for (size_t i = 0; i < bn_row_column_count(type); i++) {
        const struct bn_field *field = &type->fields[i];
        bool is_key = field->flags & BN_F_KEY;
        bn_buf_printf(&buf, ", \"%s\" %s%s", field->name, bn_row_column_type(field),
                is_key ? " NOT NULL" : "");
        if (is_key)
            key = field->name;
    }
    bn_buf_printf(&buf, ", PRIMARY KEY(tenant, \"%s\")) STRICT;", key);
    if (!strcmp(type->name, "audit")) /* read newest first within one tenant */
        bn_buf_printf(&buf, "CREATE INDEX \"%s_by_tenant\" ON \"%s\"(tenant);", type->table,
                type->table);
    bn_buf_putc(&buf, '\0');
    return bn_buf_ok(&buf) ? bn_conn_exec(conn, buf.p) : SQLITE_TOOBIG;
}

static int add_column(struct bn_conn *conn, const char *table, const struct bn_field *field)
{
    char text[512];
    snprintf(text, sizeof text, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s", table, field->name,
            bn_row_column_type(field));
    return bn_conn_exec(conn, text);
}

/* Two processes may ask for the same name in the same instant; the file decides. One written before
   there was this index may hold both: the older keeps the name. Case counts as in bn_str_is_nocase,
   ASCII only, which is all a name is made of. */
static int make_unique(struct bn_conn *conn, const struct bn_record_type *type,
        const struct bn_field *field)
{
    char text[800];
    const char *table = type->table;
    const char *name = field->name;
    snprintf(text, sizeof text,
            "UPDATE \"%s\" SET \"%s\" = substr(\"%s\", 1, %d) || '.' || substr(\"%s\", 1, 8)"
            " WHERE EXISTS (SELECT 1 FROM \"%s\" AS older WHERE older.tenant = \"%s\".tenant"
            " AND older.\"%s\" = \"%s\".\"%s\" COLLATE NOCASE AND older.rowid < \"%s\".rowid);"
            "CREATE UNIQUE INDEX \"%s_%s\" ON \"%s\"(tenant, \"%s\" COLLATE NOCASE);",
            table, name, name, field->size - 10, bn_row_key(type)->name, table, table, name, table,
            name, table, table, name, table, name);
    return bn_conn_exec(conn, text);
}

/* Text is bound for one row. */
static int ask_number(struct bn_conn *conn, const char *sql, const char *text, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
    }
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int derive_indexes(struct bn_conn *conn, const struct bn_record_type *type, int64_t *changes)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < bn_row_column_count(type); i++) {
        char index[128];
        int64_t there = 0;
        if (!(type->fields[i].flags & BN_F_UNIQUE))
            continue;
        snprintf(index, sizeof index, "%s_%s", type->table, type->fields[i].name);
        rc = ask_number(conn,
                "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = ?1", index,
                &there);
        if (rc == SQLITE_OK && !there) {
            ++*changes;
            rc = make_unique(conn, type, &type->fields[i]);
        }
    }
    return rc;
}

/* *out_seen has a bit for each field that has its column; *out_columns is 0 without the table. */
static int look_at_table(struct bn_conn *conn, const struct bn_record_type *type,
        uint64_t *out_seen, int *out_columns)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(conn->db, "SELECT name, type FROM pragma_table_info(?1)", -1, &stmt,
            NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(stmt, 1, type->table, -1, SQLITE_STATIC);
    bool is_wrong = false;
    *out_seen = 0;
    *out_columns = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        ++*out_columns;
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        const char *column = (const char *)sqlite3_column_text(stmt, 1);
        const struct bn_field *field = name ? bn_field_find(type, bn_str(name)) : NULL;
        if (!field)
            continue;
        *out_seen |= BN_BIT(field - type->fields);
        is_wrong |= !column || strcmp(column, bn_row_column_type(field)) != 0;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        return rc;
    return is_wrong ? BN_SCHEMA_WRONG : SQLITE_OK;
}

static int derive_table(struct bn_conn *conn, const struct bn_record_type *type, int64_t *changes)
{
    uint64_t seen = 0;
    int columns = 0;
    int rc = look_at_table(conn, type, &seen, &columns);
    if (rc == SQLITE_OK && columns == 0) {
        ++*changes;
        seen = BN_MASK_ALL;
        rc = create_table(conn, type);
    }
    for (size_t i = 0; rc == SQLITE_OK && i < bn_row_column_count(type); i++)
        if (!(seen & BN_BIT(i))) {
            ++*changes;
            rc = add_column(conn, type->table, &type->fields[i]);
        }
    return rc == SQLITE_OK ? derive_indexes(conn, type, changes) : rc;
}

/* --- migrating ------------------------------------------------------------------------------- */

static int64_t version_of(struct bn_conn *conn, int *out_rc)
{
    sqlite3_stmt *stmt = NULL;
    *out_rc = sqlite3_prepare_v2(conn->db, "PRAGMA user_version", -1, &stmt, NULL);
    int64_t version = -1;
    if (*out_rc == SQLITE_OK && (*out_rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        version = sqlite3_column_int64(stmt, 0);
        *out_rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return version;
}

static int migrate(struct bn_conn *conn, int64_t *changes)
{
    int rc;
    int64_t version = version_of(conn, &rc);
    if (rc != SQLITE_OK)
        return rc;
    if (version < 0 || version > bn_schema_version)
        return BN_SCHEMA_NEWER;
    for (size_t i = (size_t)version; rc == SQLITE_OK && i < COUNT(steps); i++) {
        ++*changes;
        rc = bn_conn_exec(conn, steps[i]);
    }
    for (size_t k = 0; rc == SQLITE_OK && k < BN_KIND_COUNT; k++)
        if (bn_row_is_kept((enum bn_kind)k))
            rc = derive_table(conn, bn_kinds[k].type, changes);
    if (rc != SQLITE_OK || version == bn_schema_version)
        return rc;
    char text[96];
    snprintf(text, sizeof text, "PRAGMA user_version = %u; PRAGMA application_id = %d;",
            bn_schema_version, BN_APPLICATION_ID);
    return bn_conn_exec(conn, text);
}

int bn_schema_migrate(struct bn_conn *conn, int64_t *out_changes)
{
    int64_t changes = 0;
    int rc = bn_conn_exec(conn, "BEGIN"); /* a read lock until something has to change */
    BN_CRASH_POINT(store_before_migrate);
    if (rc == SQLITE_OK)
        rc = migrate(conn, &changes);
    BN_CRASH_POINT(store_migrated);
    if (rc == SQLITE_OK)
        rc = bn_conn_exec(conn, "COMMIT");
    if (rc != SQLITE_OK) {
        bn_conn_rollback(conn);
        return rc;
    }
    /* The header of the file itself then tells an older Binnacle not to touch it. */
    if (changes)
        sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    *out_changes = changes;
    return SQLITE_OK;
}

/* --- checking -------------------------------------------------------------------------------- */

static int check(struct bn_conn *conn, const char *sql, char out_why[160])
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        struct bn_str said = text ? bn_str(text) : BN_STR("no answer");
        if (!bn_str_is(said, "ok"))
            bn_text_clip(out_why, 160, said);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc;
}

int bn_schema_check_all(struct bn_conn *conn, char out_why[160])
{
    *out_why = '\0';
    return check(conn, "PRAGMA quick_check(1)", out_why);
}

#define CHECK_WHOLE_BYTES \
    (8 << 20) /* 8 MiB take about 10 ms; larger files are read in the background */

int bn_schema_check(struct bn_conn *conn, int64_t db_bytes, char out_why[160])
{
    if (db_bytes <= CHECK_WHOLE_BYTES)
        return bn_schema_check_all(conn, out_why);
    *out_why = '\0';
    int rc = SQLITE_OK;
    for (size_t k = 0; rc == SQLITE_OK && !*out_why && k < BN_KIND_COUNT; k++) {
        const struct bn_record_type *type = bn_kinds[k].type;
        char text[128];
        if (!type->table || !bn_kinds[k].rows_max)
            continue;
        snprintf(text, sizeof text, "PRAGMA quick_check(\"%s\")", type->table);
        rc = check(conn, text, out_why);
    }
    return rc;
}

#include <assert.h>
#include <string.h>

#include "base/buf.h"

#include "store/sqlite.h"

#define ROW_SQL_MAX 8192

bool bn_row_is_kept(enum bn_kind kind)
{
    return bn_kinds[kind].type->table != NULL;
}

/* Enumerations are kept as words: the order of words may change, their meaning may not. */
const char *bn_row_column_type(const struct bn_field *field)
{
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT:
    case BN_T_ENUM: return "TEXT";
    case BN_T_F64: return "REAL";
    case BN_T_I64:
    case BN_T_BOOL:
    case BN_T_TIME: return "INTEGER";
    }
    return "";
}

const struct bn_field *bn_row_key(const struct bn_record_type *type)
{
    for (size_t i = 0; i < bn_row_column_count(type); i++)
        if (type->fields[i].flags & BN_F_KEY)
            return &type->fields[i];
    assert(!"a record without a key");
    return NULL;
}

size_t bn_row_column_count(const struct bn_record_type *type)
{
    size_t count = 0;
    while (count < type->field_count && !(type->fields[count].flags & BN_F_DERIVED))
        count++;
    return count;
}

/* --- statements from the field tables -------------------------------------------------------- */

static void put_names(struct bn_buf *buf, const struct bn_record_type *type)
{
    bn_buf_puts(buf, "tenant");
    for (size_t i = 0; i < bn_row_column_count(type); i++)
        bn_buf_printf(buf, ", \"%s\"", type->fields[i].name);
}

static void put_upsert(struct bn_buf *buf, const struct bn_record_type *type)
{
    const char *key = bn_row_key(type)->name;
    bn_buf_printf(buf, "INSERT INTO \"%s\"(", type->table);
    put_names(buf, type);
    bn_buf_puts(buf, ") VALUES(?1");
    for (size_t i = 0; i < bn_row_column_count(type); i++)
        bn_buf_printf(buf, ", ?%zu", i + 2);
    bn_buf_printf(buf, ") ON CONFLICT(tenant, \"%s\") DO UPDATE SET ", key);
    const char *comma = "";
    for (size_t i = 0; i < bn_row_column_count(type); i++) {
        const char *name = type->fields[i].name;
        bn_buf_printf(buf, "%s\"%s\" = excluded.\"%s\"", comma, name, name);
        comma = ", ";
    }
}

void bn_row_sql_text(enum bn_kind kind, enum bn_row_sql which, char *out, size_t size)
{
    const struct bn_record_type *type = bn_kinds[kind].type;
    const char *key = bn_row_key(type)->name;
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, ROW_SQL_MAX);
    if (which == BN_ROW_PUT)
        put_upsert(&buf, type);
    else if (which == BN_ROW_GONE)
        bn_buf_printf(&buf, "DELETE FROM \"%s\"", type->table);
    else {
        bn_buf_puts(&buf, "SELECT ");
        put_names(&buf, type);
        bn_buf_printf(&buf, " FROM \"%s\"", type->table);
    }
    if (which == BN_ROW_GONE || which == BN_ROW_GET)
        bn_buf_printf(&buf, " WHERE tenant = ?1 AND \"%s\" = ?2", key);
    if (which == BN_ROW_ALL)
        bn_buf_puts(&buf, " ORDER BY rowid");
    if (which == BN_ROW_NEWEST) /* by the order they came in, which no clock can upset */
        bn_buf_printf(&buf,
                " WHERE tenant = ?1 AND (?2 = '' OR rowid < (SELECT rowid FROM \"%s\" WHERE tenant = ?1"
                " AND \"%s\" = ?2)) ORDER BY rowid DESC LIMIT ?3",
                type->table, key);
    bool fits = bn_buf_ok(&buf) && bn_text_copy(out, size, bn_buf_str(&buf));
    assert(fits);
    (void)fits;
}

/* --- records to rows ------------------------------------------------------------------------- */

static int64_t number_at(const struct bn_field *field, const void *record)
{
    int64_t value;
    memcpy(&value, (const char *)record + field->offset, sizeof value);
    return value;
}

static const char *word_of(const struct bn_field *field, int64_t value)
{
    for (int64_t i = 0; field->words && field->words[i]; i++)
        if (i == value)
            return field->words[i];
    return NULL;
}

static int bind_field(sqlite3_stmt *stmt, int at, const struct bn_field *field, const void *record)
{
    const char *from = (const char *)record + field->offset;
    double real;
    const char *word;
    if (bn_field_is_unknown(field, record))
        return sqlite3_bind_null(stmt, at);
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT:
        return sqlite3_bind_text(stmt, at, from, (int)strnlen(from, field->size), SQLITE_STATIC);
    case BN_T_F64: memcpy(&real, from, sizeof real); return sqlite3_bind_double(stmt, at, real);
    case BN_T_ENUM:
        word = word_of(field, number_at(field, record));
        return word ? sqlite3_bind_text(stmt, at, word, -1, SQLITE_STATIC)
                    : sqlite3_bind_null(stmt, at);
    case BN_T_I64:
    case BN_T_BOOL:
    case BN_T_TIME: return sqlite3_bind_int64(stmt, at, number_at(field, record));
    }
    return SQLITE_MISUSE;
}

void bn_row_say_taken(const struct bn_fact *fact, struct bn_err *err)
{
    const struct bn_record_type *type = bn_kinds[fact->kind].type;
    bn_fail(err, BN_E_CONFLICT, "there is already such a%s %s",
            strchr("aeiou", type->name[0]) ? "n" : "", type->name);
    for (size_t i = 0; i < bn_row_column_count(type); i++)
        if (type->fields[i].flags & BN_F_UNIQUE)
            bn_fail_field(err, type->fields[i].name, "there is already a %s with the %s %s",
                    type->name, type->fields[i].name,
                    (const char *)&fact->u + type->fields[i].offset);
    err->code = BN_E_CONFLICT;
}

int bn_row_put(struct bn_conn *conn, const struct bn_fact *fact)
{
    enum bn_kind kind = (enum bn_kind)fact->kind;
    const struct bn_record_type *type = bn_kinds[kind].type;
    bool is_gone = fact->op == BN_GONE;
    sqlite3_stmt *stmt = bn_conn_row_sql(conn, kind, is_gone ? BN_ROW_GONE : BN_ROW_PUT);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    int rc = sqlite3_bind_text(stmt, 1, fact->tenant, -1, SQLITE_STATIC);
    if (is_gone)
        rc |= sqlite3_bind_text(stmt, 2, bn_record_key(type, &fact->u), -1, SQLITE_STATIC);
    for (size_t i = 0; !is_gone && i < bn_row_column_count(type); i++)
        rc |= bind_field(stmt, (int)i + 2, &type->fields[i], &fact->u);
    return rc == SQLITE_OK ? bn_conn_run(conn, stmt) : SQLITE_NOMEM;
}

/* --- rows to records ------------------------------------------------------------------------- */

static void read_text(sqlite3_stmt *stmt, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
    if (!text || !bn_utf8_is_valid(text, len))
        return;
    bn_text_clip(out, size, (struct bn_str){text, len});
}

/* A word this version does not know stays unknown, which gives no right to anybody. */
static void read_word(sqlite3_stmt *stmt, int at, const struct bn_field *field, int64_t *out)
{
    struct bn_str word = bn_str((const char *)sqlite3_column_text(stmt, at));
    for (int64_t i = 0; word.p && field->words && field->words[i]; i++)
        if (bn_str_is(word, field->words[i]))
            *out = i;
}

static void read_field(sqlite3_stmt *stmt, int at, const struct bn_field *field, void *record)
{
    char *to = (char *)record + field->offset;
    if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
        return;
    int64_t number = number_at(field, record);
    double real;
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT: read_text(stmt, at, to, field->size); return;
    case BN_T_F64:
        real = sqlite3_column_double(stmt, at);
        memcpy(to, &real, sizeof real);
        return;
    case BN_T_ENUM: read_word(stmt, at, field, &number); break;
    case BN_T_I64:
    case BN_T_BOOL:
    case BN_T_TIME: number = sqlite3_column_int64(stmt, at); break;
    }
    memcpy(to, &number, sizeof number);
}

void bn_row_read(sqlite3_stmt *stmt, enum bn_kind kind, struct bn_fact *out)
{
    const struct bn_record_type *type = bn_kinds[kind].type;
    memset(out, 0, sizeof *out);
    bn_fact_init(out, kind, "");
    out->replay = true;
    read_text(stmt, 0, out->tenant, sizeof out->tenant);
    for (size_t i = 0; i < bn_row_column_count(type); i++)
        read_field(stmt, (int)i + 1, &type->fields[i], &out->u);
}

int bn_row_get(struct bn_conn *conn, enum bn_kind kind, const char *tenant, const char *key,
        struct bn_fact *out)
{
    sqlite3_stmt *stmt = bn_conn_row_sql(conn, kind, BN_ROW_GET);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_text(stmt, 1, tenant, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        bn_row_read(stmt, kind, out);
        sqlite3_reset(stmt);
        return SQLITE_OK;
    }
    sqlite3_reset(stmt);
    if (rc != SQLITE_DONE)
        return rc;
    const struct bn_field *field = bn_row_key(bn_kinds[kind].type);
    memset(out, 0, sizeof *out);
    bn_fact_init(out, kind, tenant);
    out->replay = true;
    out->op = BN_GONE;
    bn_text_clip((char *)&out->u + field->offset, field->size, bn_str(key));
    return SQLITE_OK;
}

#include <stdlib.h>
#include <string.h>

#include "store/sqlite_points.h"

static uint64_t hash_of(const char *tenant, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (const char *p = tenant; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
    hash = (hash ^ '\n') * 0x100000001b3;
    for (const char *p = name; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
    return hash;
}

void bn_series_forget(struct bn_series_ids *ids)
{
    for (size_t i = 0; i < ids->slot_count; i++)
        while (ids->slots[i]) {
            struct bn_series_id *entry = ids->slots[i];
            ids->slots[i] = entry->next;
            free(entry);
        }
    free(ids->slots);
    ids->slots = NULL;
    ids->slot_count = 0;
    ids->count = 0;
}

/* Interfaces of containers come and go by the hundred a day: what is remembered are the series that
   speak, not all that ever did. */
void bn_series_sweep(struct bn_series_ids *ids)
{
    for (size_t i = 0; i < ids->slot_count; i++)
        for (struct bn_series_id **at = &ids->slots[i]; *at;) {
            struct bn_series_id *entry = *at;
            if (entry->is_used) {
                entry->is_used = false;
                at = &entry->next;
                continue;
            }
            *at = entry->next;
            free(entry);
            ids->count--;
        }
}

static void grow(struct bn_series_ids *ids)
{
    size_t count = ids->slot_count ? ids->slot_count * 2 : 256;
    struct bn_series_id **slots = bn_alloc_array(count, sizeof(struct bn_series_id *));
    for (size_t i = 0; i < ids->slot_count; i++)
        while (ids->slots[i]) {
            struct bn_series_id *entry = ids->slots[i];
            ids->slots[i] = entry->next;
            entry->next = slots[entry->hash & (count - 1)];
            slots[entry->hash & (count - 1)] = entry;
        }
    free(ids->slots);
    ids->slots = slots;
    ids->slot_count = count;
}

static void remember(struct bn_series_ids *ids, const struct bn_point_in *in, uint64_t hash,
        int64_t id)
{
    if (ids->count >= ids->slot_count)
        grow(ids);
    size_t len = strlen(in->name);
    struct bn_series_id *entry = bn_alloc(sizeof *entry + len + 1);
    entry->hash = hash;
    entry->id = id;
    entry->is_used = true;
    memcpy(entry->tenant, in->tenant, sizeof entry->tenant);
    memcpy(entry->name, in->name, len + 1);
    entry->next = ids->slots[hash & (ids->slot_count - 1)];
    ids->slots[hash & (ids->slot_count - 1)] = entry;
    ids->count++;
}

static sqlite3_stmt *bind_series(struct bn_conn *conn, enum bn_sql which,
        const struct bn_point_in *in)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, which);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, in->tenant, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, in->name, -1, SQLITE_STATIC);
    }
    return stmt;
}

int bn_series_count(struct bn_conn *conn, const char *tenant, int64_t *out)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_SERIES_COUNT);
    if (stmt)
        sqlite3_bind_text(stmt, 1, tenant, -1, SQLITE_STATIC);
    if (!stmt || sqlite3_step(stmt) != SQLITE_ROW)
        return sqlite3_extended_errcode(conn->db);
    *out = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return SQLITE_OK;
}

/* Counting a tenant's series walks them all, so it waits until their numbers say it could matter.
 */
static int add_series(struct bn_conn *conn, const struct bn_point_in *in, int64_t *out_id)
{
    int rc = bn_conn_run(conn, bind_series(conn, BN_SQL_SERIES_ADD, in));
    if (rc != SQLITE_OK)
        return rc;
    *out_id = sqlite3_last_insert_rowid(conn->db);
    if (*out_id <= BN_SERIES_MAX)
        return SQLITE_OK;
    int64_t count = 0;
    rc = bn_series_count(conn, in->tenant, &count);
    if (rc != SQLITE_OK || (count <= BN_SERIES_MAX && *out_id <= UINT32_MAX))
        return rc;
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_SERIES_CUT);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, *out_id);
    *out_id = 0;
    return bn_conn_run(conn, stmt);
}

int bn_series_number(struct bn_conn *conn, struct bn_series_ids *ids, const struct bn_point_in *in,
        int64_t *out_id)
{
    uint64_t hash = hash_of(in->tenant, in->name);
    if (ids->slot_count)
        for (struct bn_series_id *e = ids->slots[hash & (ids->slot_count - 1)]; e; e = e->next)
            if (e->hash == hash && !strcmp(e->tenant, in->tenant) && !strcmp(e->name, in->name)) {
                e->is_used = true;
                *out_id = e->id;
                return SQLITE_OK;
            }
    sqlite3_stmt *stmt = bind_series(conn, BN_SQL_SERIES_FIND, in);
    int rc = stmt ? sqlite3_step(stmt) : sqlite3_extended_errcode(conn->db);
    if (rc == SQLITE_ROW)
        *out_id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (rc == SQLITE_DONE)
        rc = add_series(conn, in, out_id);
    else if (rc == SQLITE_ROW)
        rc = SQLITE_OK;
    if (rc == SQLITE_OK && !*out_id)
        memcpy(ids->full_tenant, in->tenant, sizeof ids->full_tenant);
    if (rc == SQLITE_OK && (*out_id || ids->count < 2 * BN_SERIES_MAX))
        remember(ids, in, hash, *out_id);
    return rc;
}

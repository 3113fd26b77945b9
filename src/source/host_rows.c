#include "source/host_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/scan.h"

#define HASH_TEXT 9 /* '~' and eight digits */

/* FNV-1a: ids are kept with their history, so the hash must be the same in every process. */
static uint64_t hash_of(struct bn_str name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
    return hash;
}

void bn_host_id(char *out, size_t size, struct bn_str name)
{
    bn_scan_label(out, size, name);
    if (bn_str_is(name, out))
        return;
    char plain[BN_ID_MAX];
    size_t room = BN_MIN(size - HASH_TEXT, sizeof plain);
    bn_scan_label(plain, room, name);
    snprintf(out, size, "%s~%08" PRIx32, plain, (uint32_t)hash_of(name));
}

void bn_host_rows_init(struct bn_host_rows *rows, size_t size, size_t id_size, size_t max)
{
    *rows = (struct bn_host_rows){.size = size, .id_size = id_size, .max = max};
}

void bn_host_rows_finish(struct bn_host_rows *rows)
{
    free(rows->items);
    rows->items = NULL;
    rows->count = rows->cap = 0;
}

void *bn_host_rows_at(struct bn_host_rows *rows, size_t i)
{
    return rows->items + i * rows->size;
}

void bn_host_rows_begin(struct bn_host_rows *rows)
{
    rows->next = 0;
    for (size_t i = 0; i < rows->count; i++)
        ((struct bn_host_row *)bn_host_rows_at(rows, i))->is_seen = false;
}

static void *find(struct bn_host_rows *rows, uint64_t hash)
{
    for (size_t k = 0; k < rows->count; k++) {
        size_t i = (rows->next + k) % rows->count;
        struct bn_host_row *row = bn_host_rows_at(rows, i);
        if (row->hash == hash) {
            rows->next = i + 1;
            return row;
        }
    }
    return NULL;
}

void *bn_host_rows_find(struct bn_host_rows *rows, struct bn_str name)
{
    return find(rows, hash_of(name));
}

void *bn_host_rows_get(struct bn_host_rows *rows, struct bn_str name, bool *out_is_new)
{
    uint64_t hash = hash_of(name);
    struct bn_host_row *row = find(rows, hash);
    *out_is_new = !row;
    if (!row) {
        if (rows->count == rows->max)
            return NULL;
        if (rows->count == rows->cap) {
            rows->cap = rows->cap ? rows->cap * 2 : 8;
            rows->items = bn_realloc(rows->items, rows->cap * rows->size);
        }
        row = bn_host_rows_at(rows, rows->count++);
        memset(row, 0, rows->size);
        row->hash = hash;
        bn_host_id(row->id, rows->id_size, name);
    }
    row->is_seen = true;
    return row;
}

void bn_host_rows_end(struct bn_host_rows *rows, void (*gone)(void *user, void *row), void *user)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct bn_host_row *row = bn_host_rows_at(rows, i);
        if (!row->is_seen) {
            gone(user, row);
            continue;
        }
        if (kept != i)
            memcpy(bn_host_rows_at(rows, kept), row, rows->size);
        kept++;
    }
    rows->count = kept;
}

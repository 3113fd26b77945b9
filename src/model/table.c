#include "model/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/secret.h"

#define SLOTS_MIN 16

/* Keys come from outside (mount points, ids of programs), hence the seed. */
static uint64_t hash_of(const struct bn_table *table, const char *key)
{
    return bn_hash(table->seed, key, strlen(key));
}

void bn_table_init(struct bn_table *table, const struct bn_record_type *type, size_t max)
{
    *table = (struct bn_table){.type = type, .max = max, .seed = bn_random_u64()};
    bn_list_init(&table->rows);
}

void bn_table_finish(struct bn_table *table)
{
    bn_list_each_safe(it, tmp, &table->rows)
        free(container_of(it, struct bn_row, link));
    bn_list_init(&table->rows);
    free(table->slots);
    table->slots = NULL;
    table->slot_count = 0;
    table->count = 0;
}

static struct bn_row **slot_of(const struct bn_table *table, uint64_t hash)
{
    return &table->slots[hash & (table->slot_count - 1)];
}

/* At load 1, by doubling: a lookup touches one or two rows. */
static void grow(struct bn_table *table)
{
    free(table->slots);
    table->slot_count = table->slot_count ? 2 * table->slot_count : SLOTS_MIN;
    table->slots = bn_alloc_array(table->slot_count, sizeof *table->slots);
    bn_table_each(row, table)
    {
        struct bn_row **slot = slot_of(table, row->hash);
        row->next = *slot;
        *slot = row;
    }
}

static struct bn_row *find(const struct bn_table *table, const char *key, uint64_t hash)
{
    if (table->count == 0)
        return NULL;
    struct bn_row *row = *slot_of(table, hash);
    while (row && (row->hash != hash || strcmp(bn_record_key(table->type, row->record), key) != 0))
        row = row->next;
    return row;
}

struct bn_row *bn_table_find(const struct bn_table *table, const char *key)
{
    return find(table, key, hash_of(table, key));
}

static struct bn_row *insert(struct bn_table *table, const void *record, uint64_t hash)
{
    if (table->count >= table->max)
        return NULL;
    if (table->count >= table->slot_count)
        grow(table);
    struct bn_row *row = bn_alloc(sizeof *row + table->type->size);
    struct bn_row **slot = slot_of(table, hash);
    memcpy(row->record, record, table->type->size);
    row->hash = hash;
    row->next = *slot;
    *slot = row;
    bn_list_append(&table->rows, &row->link);
    table->count++;
    return row;
}

struct bn_row *bn_table_put(struct bn_table *table, const void *record, uint64_t *out_changed)
{
    const char *key = bn_record_key(table->type, record);
    uint64_t hash = hash_of(table, key);
    struct bn_row *row = find(table, key, hash);
    if (!row) {
        row = insert(table, record, hash);
        if (row)
            *out_changed = BN_MASK_ALL;
        return row;
    }
    *out_changed = bn_record_diff(table->type, row->record, record);
    if (*out_changed)
        memcpy(row->record, record, table->type->size);
    return row;
}

bool bn_table_remove(struct bn_table *table, const char *key)
{
    struct bn_row *row = bn_table_find(table, key);
    if (!row)
        return false;
    struct bn_row **at = slot_of(table, row->hash);
    while (*at != row)
        at = &(*at)->next;
    *at = row->next;
    bn_list_remove(&row->link);
    table->count--;
    free(row);
    return true;
}

/*
 * table: records of one kind by key, and what each change changed.
 *
 * Rows keep their place in memory until removed. Loop thread only.
 */
#pragma once

#include "model/field.h"

struct bn_row {
    struct bn_row *next; /* private: hash chain */
    struct bn_list link; /* private: all rows, oldest first */
    uint64_t hash;       /* private */
    uint64_t changed_at; /* private: for whoever coalesces changes of a turn */
    uint64_t changed;    /* private: mask of this turn */
    _Alignas(16) unsigned char record[];
};

struct bn_table {
    const struct bn_record_type *type;
    size_t count;
    size_t max; /* rows; bn_table_put refuses a new key beyond it */
    struct bn_list rows;
    /* private */
    struct bn_row **slots;
    size_t slot_count;
    uint64_t seed;
};

void bn_table_init(struct bn_table *table, const struct bn_record_type *type, size_t max);
void bn_table_finish(struct bn_table *table);

struct bn_row *bn_table_find(const struct bn_table *table, const char *key); /* may be NULL */
/* Inserts or replaces by the record's key. *out_changed is the mask of fields that differ (all for
   a new row, 0 when nothing changed). NULL when the table is full. */
struct bn_row *bn_table_put(struct bn_table *table, const void *record, uint64_t *out_changed);
bool bn_table_remove(struct bn_table *table, const char *key); /* false: there was none */

#define bn_table_each(row, table)            \
    bn_list_each(row##_link, &(table)->rows) \
        for (struct bn_row *row = container_of(row##_link, struct bn_row, link); row; row = NULL)

/*
 * host_rows: the rows a part of the host sampler told last time, so that it can say which are gone.
 */
#pragma once

#include "base/text.h"

#include "model/field.h"

/* The first member of whatever a part keeps per row. */
struct bn_host_row {
    char id[BN_ID_MAX];
    uint64_t hash; /* of the name the kernel gave */
    bool is_seen;  /* in this reading */
};

struct bn_host_rows {
    char *items;
    size_t size;    /* bytes of one row */
    size_t id_size; /* bytes of an id with its NUL */
    size_t count;
    size_t cap;
    size_t max;
    size_t next; /* private: where the next name probably stands, since the kernel keeps its order
                  */
};

/* size is of what the part keeps, id_size of the record's key, at most BN_ID_MAX. */
void bn_host_rows_init(struct bn_host_rows *rows, size_t size, size_t id_size, size_t max);
void bn_host_rows_finish(struct bn_host_rows *rows);

/* Before a reading: nothing is seen yet. */
void bn_host_rows_begin(struct bn_host_rows *rows);
/* The row of that name, marked as seen; a new one is zero but for its id. NULL when there are max
   rows already. Rows move when a new one is made. */
void *bn_host_rows_get(struct bn_host_rows *rows, struct bn_str name, bool *out_is_new);
void *bn_host_rows_find(struct bn_host_rows *rows,
        struct bn_str name); /* may be NULL; marks nothing */
void *bn_host_rows_at(struct bn_host_rows *rows, size_t i);
/* After a reading: gone(user, row) for rows not seen, which are then forgotten. */
void bn_host_rows_end(struct bn_host_rows *rows, void (*gone)(void *user, void *row), void *user);

/* name as an id of at most size - 1 bytes: as it is when it is plain text that fits, else its
   readable beginning, '~' and eight digits of its hash, the same after every restart. */
void bn_host_id(char *out, size_t size, struct bn_str name);

/*
 * sqlite_points: blocks of points, the tail where fresh ones wait, and the series' numbers.
 */
#pragma once

#include "store/sqlite.h"

#define BN_BLOCK_POINTS  360 /* an hour of ten-second points: 4,320 bytes fill one overflow page */
#define BN_HOUR_MS       3600000
#define BN_TRIPLET_BYTES 12
#define BN_TAIL_BYTES    20 /* series, slot, triplet */

struct bn_triplet {
    float min; /* all three NaN: nothing known */
    float avg;
    float max;
};

struct bn_tail_entry { /* a point that waits in the tail for its block */
    uint32_t series;
    uint32_t slot; /* at_ms / 10 s */
    struct bn_triplet value;
};

/* A point as the loop thread gave it. */
struct bn_point_in {
    char tenant[BN_TENANT_MAX];
    char name[BN_SERIES_NAME_MAX];
    struct bn_point point;
};

struct bn_series_id {
    struct bn_series_id *next;
    uint64_t hash;
    bool is_used; /* since the last sweep */
    int64_t id;   /* 0: refused, the tenant has too many series */
    char tenant[BN_TENANT_MAX];
    char name[];
};

struct bn_series_ids {
    struct bn_series_id **slots;
    size_t slot_count;
    size_t count;
    char full_tenant[BN_TENANT_MAX]; /* one whose new series was refused; "" when none was */
};

/* Blocks are triplets of little-endian float32, cut after the last that is known. */
void bn_block_decode(const void *data, int bytes, struct bn_triplet out[BN_BLOCK_POINTS]);
size_t bn_block_encode(const struct bn_triplet block[BN_BLOCK_POINTS], uint8_t *out);
int64_t bn_block_start(int level, int64_t at_ms); /* of the block that holds that moment */
/* Ten-second points of one hour to the intervals of a coarser level in it. */
void bn_block_roll(const struct bn_triplet fine[BN_BLOCK_POINTS], int level,
        struct bn_triplet *out);

void bn_tail_decode(const void *data, int bytes,
        void (*each)(void *user, const struct bn_tail_entry *entry), void *user);

/* Inside a transaction, which adds a series that is new. *out_id is 0 when the tenant has too many.
 */
int bn_series_number(struct bn_conn *conn, struct bn_series_ids *ids, const struct bn_point_in *in,
        int64_t *out_id);
void bn_series_forget(struct bn_series_ids *ids); /* also when a transaction was rolled back */
void bn_series_sweep(struct bn_series_ids *ids);  /* those that were silent since the last sweep */
BN_MUST_CHECK int bn_series_count(struct bn_conn *conn, const char *tenant, int64_t *out);

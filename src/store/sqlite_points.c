#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite_writer.h"

const int64_t bn_level_step_ms[BN_LEVELS] = {BN_SERIES_STEP_MS, 60000, 900000, BN_HOUR_MS};
const int64_t bn_level_keep_ms[BN_LEVELS] = {48LL * BN_HOUR_MS, 14LL * 24 * BN_HOUR_MS,
        90LL * 24 * BN_HOUR_MS, 730LL * 24 * BN_HOUR_MS};

/* --- blocks ---------------------------------------------------------------------------------- */

static float get_f32(const uint8_t *p)
{
    uint32_t bits;
    memcpy(&bits, p, sizeof bits);
    bits = le32toh(bits);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_f32(uint8_t *p, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htole32(bits);
    memcpy(p, &bits, sizeof bits);
}

static void put_u32(uint8_t *p, uint32_t value)
{
    value = htole32(value);
    memcpy(p, &value, sizeof value);
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return le32toh(value);
}

static struct bn_triplet get_triplet(const uint8_t *p)
{
    return (struct bn_triplet){get_f32(p), get_f32(p + 4), get_f32(p + 8)};
}

static void put_triplet(uint8_t *p, const struct bn_triplet *value)
{
    put_f32(p, value->min);
    put_f32(p + 4, value->avg);
    put_f32(p + 8, value->max);
}

void bn_block_decode(const void *data, int bytes, struct bn_triplet out[BN_BLOCK_POINTS])
{
    size_t known = data && bytes > 0 ? BN_MIN((size_t)bytes / BN_TRIPLET_BYTES, BN_BLOCK_POINTS)
                                     : 0;
    const uint8_t *p = data;
    for (size_t i = 0; i < known; i++)
        out[i] = get_triplet(p + i * BN_TRIPLET_BYTES);
    for (size_t i = known; i < BN_BLOCK_POINTS; i++)
        out[i] = (struct bn_triplet){NAN, NAN, NAN};
}

size_t bn_block_encode(const struct bn_triplet block[BN_BLOCK_POINTS], uint8_t *out)
{
    size_t known = BN_BLOCK_POINTS;
    while (known > 0 && isnan(block[known - 1].avg))
        known--;
    for (size_t i = 0; i < known; i++)
        put_triplet(out + i * BN_TRIPLET_BYTES, &block[i]);
    return known * BN_TRIPLET_BYTES;
}

int64_t bn_block_start(int level, int64_t at_ms)
{
    int64_t length = bn_level_step_ms[level] * BN_BLOCK_POINTS;
    int64_t over = at_ms % length;
    return at_ms - (over < 0 ? over + length : over);
}

void bn_block_roll(const struct bn_triplet fine[BN_BLOCK_POINTS], int level, struct bn_triplet *out)
{
    size_t per = (size_t)(bn_level_step_ms[level] / bn_level_step_ms[0]);
    for (size_t i = 0; i < BN_BLOCK_POINTS / per; i++) {
        struct bn_triplet one = {NAN, NAN, NAN};
        double sum = 0;
        size_t n = 0;
        for (size_t j = i * per; j < (i + 1) * per; j++) {
            if (isnan(fine[j].avg))
                continue;
            one.min = n ? fminf(one.min, fine[j].min) : fine[j].min;
            one.max = n ? fmaxf(one.max, fine[j].max) : fine[j].max;
            sum += fine[j].avg;
            n++;
        }
        if (n)
            one.avg = (float)(sum / (double)n);
        out[i] = one;
    }
}

void bn_tail_decode(const void *data, int bytes,
        void (*each)(void *user, const struct bn_tail_entry *e), void *user)
{
    const uint8_t *p = data;
    for (int i = 0; p && i + BN_TAIL_BYTES <= bytes; i += BN_TAIL_BYTES, p += BN_TAIL_BYTES) {
        struct bn_tail_entry entry = {get_u32(p), get_u32(p + 4), get_triplet(p + 8)};
        each(user, &entry);
    }
}

/* --- the tail -------------------------------------------------------------------------------- */

#define TAIL_ROW_ENTRIES 3200                /* 64 KB rows: a page cache holds them easily */
#define WALL_SLACK_MS    (47LL * BN_HOUR_MS) /* within the hours whose ten-second points are kept */

static int write_row(struct bn_conn *conn, const uint8_t *data, size_t entries)
{
    if (!entries)
        return SQLITE_OK;
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_TAIL_ADD);
    if (stmt)
        sqlite3_bind_blob(stmt, 1, data, (int)(entries * BN_TAIL_BYTES), SQLITE_STATIC);
    return bn_conn_run(conn, stmt);
}

/* A point from a clock that is days off would be rolled up alone over an hour whose finer points
   are gone already. */
static bool is_in_time(const struct bn_point *point, int64_t now_ms)
{
    return point->at_ms >= BN_BLOCK_POINTS * bn_level_step_ms[0] &&
           point->at_ms > now_ms - WALL_SLACK_MS && point->at_ms < now_ms + WALL_SLACK_MS &&
           !isnan(point->avg) && !isnan(point->min) && !isnan(point->max);
}

int bn_points_write(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    int64_t now_ms = bn_store_now_ms(store);
    uint8_t *data = bn_alloc((size_t)TAIL_ROW_ENTRIES * BN_TAIL_BYTES);
    size_t n = 0;
    size_t lost = 0;
    int rc = SQLITE_OK;
    bn_list_each(link, &writer->batches) {
        struct bn_batch *batch = container_of(link, struct bn_batch, link);
        for (size_t i = 0; rc == SQLITE_OK && i < batch->point_count; i++) {
            const struct bn_point_in *in = &batch->points[i];
            int64_t id = 0;
            if (is_in_time(&in->point, now_ms))
                rc = bn_series_number(&writer->conn, &writer->ids, in, &id);
            if (rc != SQLITE_OK || !id) {
                lost++;
                continue;
            }
            uint8_t *p = data + n * BN_TAIL_BYTES;
            put_u32(p, (uint32_t)id);
            put_u32(p + 4, (uint32_t)(in->point.at_ms / bn_level_step_ms[0]));
            put_triplet(p + 8, &(struct bn_triplet){in->point.min, in->point.avg, in->point.max});
            if (++n == TAIL_ROW_ENTRIES) {
                rc = write_row(&writer->conn, data, n);
                n = 0;
            }
        }
    }
    if (rc == SQLITE_OK)
        rc = write_row(&writer->conn, data, n);
    free(data);
    if (rc == SQLITE_OK)
        bn_store_lose_points(store, lost);
    return rc;
}

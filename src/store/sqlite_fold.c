#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "store/sqlite_writer.h"

/* Points arrive for every series at once, every ten seconds; their blocks are each somewhere else
   in the file. Written directly, 200 series would dirty 800 KB per ten seconds. So they go to the
   tail first, one small row for all, and are folded into their blocks every ten minutes: a fiftieth
   of it. */

#define ENTRIES_MAX                                                               \
    400000 /* 8 MB at once, twice while it is sorted; the rest is the next fold's \
            */
#define HALF_NS (BN_STORE_STEP_MS * INT64_C(500000)) /* of a step; its commit takes the other */

static int64_t half_a_step(void)
{
    return bn_clock_mono_ns() + HALF_NS;
}

void bn_fold_forget(struct bn_writer *writer)
{
    free(writer->fold.entries);
    free(writer->fold.spare);
    memset(&writer->fold, 0, sizeof writer->fold);
}

/* --- reading the tail ------------------------------------------------------------------------ */

static void take(void *user, const struct bn_tail_entry *entry)
{
    struct bn_fold *fold = user;
    fold->entries[fold->count++] = *entry;
}

static void take_row(struct bn_fold *fold, sqlite3_stmt *stmt)
{
    const void *data = sqlite3_column_blob(stmt, 1);
    int bytes = sqlite3_column_bytes(stmt, 1);
    size_t need = fold->count + (size_t)bytes / BN_TAIL_BYTES;
    if (need > fold->cap) {
        fold->cap = BN_MAX(need, fold->cap * 2);
        fold->entries = bn_realloc(fold->entries, fold->cap * sizeof *fold->entries);
    }
    bn_tail_decode(data, bytes, take, fold);
    fold->upto = sqlite3_column_int64(stmt, 0);
}

static int read_tail(struct bn_writer *writer)
{
    struct bn_fold *fold = &writer->fold;
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_TAIL_AFTER);
    if (!stmt)
        return sqlite3_extended_errcode(writer->conn.db);
    sqlite3_bind_int64(stmt, 1, fold->upto);
    int64_t until_ns = half_a_step();
    int rc = SQLITE_ROW;
    while (fold->count < ENTRIES_MAX && bn_clock_mono_ns() < until_ns &&
            (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        take_row(fold, stmt);
    sqlite3_reset(stmt);
    fold->is_part = fold->count >= ENTRIES_MAX;
    if (rc == SQLITE_DONE || fold->is_part)
        fold->phase = fold->count ? BN_FOLD_SORT : BN_FOLD_IDLE;
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* --- sorting it ------------------------------------------------------------------------------ */

static bool comes_after(const struct bn_tail_entry *a, const struct bn_tail_entry *b)
{
    return a->series != b->series ? a->series > b->series : a->slot > b->slot;
}

static void merge(struct bn_fold *fold, size_t at)
{
    const struct bn_tail_entry *from = fold->entries;
    size_t left = at;
    size_t middle = BN_MIN(at + fold->width, fold->count);
    size_t right = middle;
    size_t end = BN_MIN(at + 2 * fold->width, fold->count);
    for (size_t i = at; i < end; i++) {
        bool is_right = left == middle || (right < end && comes_after(&from[left], &from[right]));
        fold->spare[i] = from[is_right ? right++ : left++];
    }
}

/* Stable, so that the point written last wins; in place of qsort, which is not. Runs of ten-second
   rows are nearly sorted per series: bottom-up merging takes log2(n) passes over 20-byte entries.
 */
static void sort_some(struct bn_fold *fold)
{
    int64_t until_ns = half_a_step();
    if (!fold->spare) {
        fold->spare = bn_alloc_array(fold->count, sizeof *fold->spare);
        fold->width = 1;
    }
    for (; fold->width < fold->count; fold->width *= 2) {
        for (size_t merged = 0; fold->next < fold->count; fold->next += 2 * fold->width) {
            if (merged >= 4096 && bn_clock_mono_ns() > until_ns)
                return;
            merge(fold, fold->next);
            merged = merged >= 4096 ? 0 : merged + 2 * fold->width;
        }
        struct bn_tail_entry *other = fold->entries;
        fold->entries = fold->spare;
        fold->spare = other;
        fold->next = 0;
    }
    fold->phase = BN_FOLD_WRITE;
    fold->next = 0;
}

/* --- one hour of one series ------------------------------------------------------------------ */

static int read_block(struct bn_conn *conn, uint32_t series, int level, int64_t start,
        struct bn_triplet out[BN_BLOCK_POINTS], bool *out_found)
{
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_BLOCK_GET);
    if (!stmt)
        return sqlite3_extended_errcode(conn->db);
    sqlite3_bind_int64(stmt, 1, series);
    sqlite3_bind_int(stmt, 2, level);
    sqlite3_bind_int64(stmt, 3, start);
    int rc = sqlite3_step(stmt);
    *out_found = rc == SQLITE_ROW;
    if (*out_found)
        bn_block_decode(sqlite3_column_blob(stmt, 0), sqlite3_column_bytes(stmt, 0), out);
    else
        bn_block_decode(NULL, 0, out);
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_block(struct bn_conn *conn, uint32_t series, int level, int64_t start,
        const struct bn_triplet block[BN_BLOCK_POINTS])
{
    uint8_t data[BN_BLOCK_POINTS * BN_TRIPLET_BYTES];
    size_t bytes = bn_block_encode(block, data);
    sqlite3_stmt *stmt = bn_conn_sql(conn, BN_SQL_BLOCK_PUT);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, series);
        sqlite3_bind_int(stmt, 2, level);
        sqlite3_bind_int64(stmt, 3, start);
        sqlite3_bind_blob(stmt, 4, data, (int)bytes, SQLITE_STATIC);
    }
    return bn_conn_run(conn, stmt);
}

/* Every coarser level is made from the ten-second points of the hour, whole or not: what a minute,
   a quarter or an hour shows is right after each fold, so nothing has to remember what was half
   full. */
static int roll_up(struct bn_conn *conn, uint32_t series, int64_t hour,
        const struct bn_triplet fine[BN_BLOCK_POINTS], bool is_first)
{
    for (int level = BN_LEVELS - 1; level > 0; level--) {
        struct bn_triplet block[BN_BLOCK_POINTS];
        int64_t start = bn_block_start(level, hour);
        bool found;
        int rc = read_block(conn, series, level, start, block, &found);
        if (rc != SQLITE_OK)
            return rc;
        struct bn_triplet *at = &block[(hour - start) / bn_level_step_ms[level]];
        /* The hour is known, its ten-second points are gone: a late straggler must not replace it.
         */
        if (is_first && level == BN_LEVELS - 1 && !isnan(at->avg))
            return SQLITE_OK;
        bn_block_roll(fine, level, at);
        rc = write_block(conn, series, level, start, block);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

static int fold_hour(struct bn_conn *conn, struct bn_fold *fold)
{
    const struct bn_tail_entry *first = &fold->entries[fold->next];
    uint32_t hour_slot = first->slot - first->slot % BN_BLOCK_POINTS;
    int64_t hour = (int64_t)hour_slot * bn_level_step_ms[0];
    struct bn_triplet fine[BN_BLOCK_POINTS];
    bool found = false;
    int rc = read_block(conn, first->series, 0, hour, fine, &found);
    for (; rc == SQLITE_OK && fold->next < fold->count; fold->next++) {
        const struct bn_tail_entry *entry = &fold->entries[fold->next];
        if (entry->series != first->series || entry->slot - hour_slot >= BN_BLOCK_POINTS)
            break;
        fine[entry->slot - hour_slot] = entry->value;
    }
    if (rc == SQLITE_OK)
        rc = write_block(conn, first->series, 0, hour, fine);
    if (rc == SQLITE_OK)
        rc = roll_up(conn, first->series, hour, fine, !found);
    return rc;
}

/* --- steps ----------------------------------------------------------------------------------- */

static int fold_some(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    struct bn_fold *fold = &writer->fold;
    int64_t until_ns = half_a_step();
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && fold->next < fold->count; i++) {
        if (i == fold->pace.units || (i && bn_clock_mono_ns() > until_ns))
            return SQLITE_OK;
        rc = fold_hour(&writer->conn, fold);
    }
    if (rc == SQLITE_OK)
        fold->phase = BN_FOLD_CUT;
    return rc;
}

/* The oldest rows first: what is left of them after a crash is folded again, to the same values. */
static int cut_some(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    struct bn_fold *fold = &writer->fold;
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_TAIL_CUT);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, fold->upto);
        sqlite3_bind_int(stmt, 2, fold->pace.units);
    }
    int rc = bn_conn_run(&writer->conn, stmt);
    if (rc == SQLITE_OK && sqlite3_changes(writer->conn.db) < fold->pace.units)
        fold->phase = BN_FOLD_IDLE;
    return rc;
}

static int step(struct bn_store *store)
{
    struct bn_writer *writer = &store->writer;
    struct bn_fold *fold = &writer->fold;
    bool at_commit;
    if (fold->phase == BN_FOLD_IDLE) {
        bn_pace_init(&fold->pace);
        fold->phase = BN_FOLD_READ;
    }
    if (fold->phase == BN_FOLD_READ)
        return read_tail(writer);
    if (fold->phase == BN_FOLD_SORT) {
        sort_some(fold);
        return SQLITE_OK;
    }
    int64_t from_ns = bn_clock_mono_ns();
    int rc = bn_writer_transact(store, false, fold->phase == BN_FOLD_WRITE ? fold_some : cut_some,
            &at_commit);
    bn_pace_note(&fold->pace, bn_clock_mono_ns() - from_ns);
    return rc;
}

int bn_fold_step(struct bn_store *store, bool *out_more)
{
    struct bn_writer *writer = &store->writer;
    bool was_part = writer->fold.is_part;
    int rc = step(store);
    bool is_over = rc != SQLITE_OK || writer->fold.phase == BN_FOLD_IDLE;
    *out_more = rc == SQLITE_OK && (!is_over || was_part);
    if (is_over)
        bn_fold_forget(writer);
    return rc;
}

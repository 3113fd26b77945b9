#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "store/sqlite_writer.h"

/* Points arrive for every series at once, every ten seconds; their blocks are each somewhere else
   in the file. Written directly, 200 series would dirty 800 KB per ten seconds. So they go to the
   tail first, one small row for all, and are folded into their blocks every ten minutes: a fiftieth
   of it. */

#define FOLD_ENTRIES_MAX 1000000  /* 20 MB at once; what is beyond waits for the next fold */
#define STEP_NS          15000000 /* well below the 50 ms a step may hold the write lock */
#define STEP_HOURS       64       /* or so many: their commit writes about 2 MB */

void bn_fold_forget(struct bn_writer *writer)
{
    free(writer->fold.entries);
    memset(&writer->fold, 0, sizeof writer->fold);
}

/* --- reading the tail ------------------------------------------------------------------------ */

static void take(void *user, const struct bn_tail_entry *entry)
{
    struct bn_fold *fold = user;
    fold->entries[fold->count++] = *entry;
}

static bool comes_after(const struct bn_tail_entry *a, const struct bn_tail_entry *b)
{
    return a->series != b->series ? a->series > b->series : a->slot > b->slot;
}

/* Stable, so that the point written last wins; in place of qsort, which is not. Runs of ten-second
   rows are nearly sorted per series: bottom-up merging takes log2(n) passes over 20-byte entries.
 */
static void sort_entries(struct bn_fold *fold)
{
    struct bn_tail_entry *from = fold->entries;
    struct bn_tail_entry *to = bn_alloc_array(fold->count, sizeof *to);
    for (size_t width = 1; width < fold->count; width *= 2) {
        for (size_t at = 0; at < fold->count; at += 2 * width) {
            size_t left = at;
            size_t middle = BN_MIN(at + width, fold->count);
            size_t right = middle;
            size_t end = BN_MIN(at + 2 * width, fold->count);
            for (size_t i = at; i < end; i++) {
                bool is_right = left == middle ||
                                (right < end && comes_after(&from[left], &from[right]));
                to[i] = from[is_right ? right++ : left++];
            }
        }
        struct bn_tail_entry *other = from;
        from = to;
        to = other;
    }
    fold->entries = from;
    free(to);
}

static int begin(struct bn_writer *writer)
{
    struct bn_fold *fold = &writer->fold;
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_TAIL_ALL);
    if (!stmt)
        return sqlite3_extended_errcode(writer->conn.db);
    size_t cap = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && fold->count < FOLD_ENTRIES_MAX) {
        const void *data = sqlite3_column_blob(stmt, 1);
        int bytes = sqlite3_column_bytes(stmt, 1);
        size_t need = fold->count + (size_t)bytes / BN_TAIL_BYTES;
        if (need > cap) {
            cap = BN_MAX(need, cap * 2);
            fold->entries = bn_realloc(fold->entries, cap * sizeof *fold->entries);
        }
        bn_tail_decode(data, bytes, take, fold);
        fold->upto = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_reset(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        bn_fold_forget(writer);
        return rc;
    }
    if (fold->count)
        sort_entries(fold);
    return SQLITE_OK;
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
    int64_t until_ns = bn_clock_mono_ns() + STEP_NS;
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && fold->next < fold->count; i++) {
        if (i == STEP_HOURS || (i % 8 == 7 && bn_clock_mono_ns() > until_ns))
            return SQLITE_OK;
        rc = fold_hour(&writer->conn, fold);
    }
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_stmt *stmt = bn_conn_sql(&writer->conn, BN_SQL_TAIL_CUT);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, fold->upto);
    return bn_conn_run(&writer->conn, stmt);
}

int bn_fold_step(struct bn_store *store, bool *out_more)
{
    struct bn_writer *writer = &store->writer;
    *out_more = false;
    if (!writer->fold.entries) {
        int rc = begin(writer);
        if (rc != SQLITE_OK || !writer->fold.count) {
            bn_fold_forget(writer);
            return rc;
        }
    }
    bool at_commit;
    int rc = bn_writer_transact(store, false, fold_some, &at_commit);
    *out_more = rc == SQLITE_OK && writer->fold.next < writer->fold.count;
    if (!*out_more)
        bn_fold_forget(writer);
    return rc;
}

/*
 * old_history: years of blocks straight into the table; through the store a gigabyte takes minutes.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/base.h"

#include "store/store.h"

#define OLD_BLOCK_BYTES 4320
#define OLD_BLOCK_MS    INT64_C(3600000)
#define OLD_PER_SERIES  250 /* 48 blocks of the finest level, then fewer of each coarser one */

BN_UNUSED static bool old_put_blocks(sqlite3 *db, int64_t blocks, int64_t now_ms)
{
    static float block[OLD_BLOCK_BYTES / sizeof(float)];
    sqlite3_stmt *stmt;
    for (size_t i = 0; i < COUNT(block); i++)
        block[i] = (float)i;
    if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO blocks VALUES(?1, ?2, ?3, ?4)", -1, &stmt,
                NULL) != SQLITE_OK)
        return false;
    int64_t hour = now_ms / OLD_BLOCK_MS * OLD_BLOCK_MS;
    int rc = SQLITE_DONE;
    for (int64_t i = 0; rc == SQLITE_DONE && i < blocks; i++) {
        int64_t nth = i % OLD_PER_SERIES;
        int level = nth < 48 ? 0 : nth < 148 ? 1 : nth < 200 ? 2 : 3;
        int64_t length = bn_level_step_ms[level] / bn_level_step_ms[0] * OLD_BLOCK_MS;
        sqlite3_bind_int64(stmt, 1, i / OLD_PER_SERIES + 1);
        sqlite3_bind_int(stmt, 2, level);
        sqlite3_bind_int64(stmt, 3, hour / length * length - nth * length);
        sqlite3_bind_blob(stmt, 4, block, sizeof block, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

/* Series "core/N.busy_pct" from 1 on, whether they have blocks or not. */
BN_UNUSED static bool old_put_series(sqlite3 *db, int64_t count)
{
    char text[300];
    snprintf(text, sizeof text,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld)"
            " INSERT OR IGNORE INTO series(id, tenant, name)"
            " SELECT i, 'default', 'core/' || i || '.busy_pct' FROM n",
            (long long)count);
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* History that ends at now_ms, in a database the store made; *out_series so many have blocks. */
BN_UNUSED static bool old_history(const char *path, int64_t megabytes, int64_t now_ms,
        int64_t *out_series)
{
    sqlite3 *db;
    int64_t blocks = megabytes * (1 << 20) / (OLD_BLOCK_BYTES + 64);
    *out_series = blocks / OLD_PER_SERIES + 1;
    bool ok = sqlite3_open(path, &db) == SQLITE_OK;
    ok = ok && sqlite3_exec(db, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    ok = ok && old_put_blocks(db, blocks, now_ms) && old_put_series(db, *out_series);
    ok = ok && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    return ok;
}

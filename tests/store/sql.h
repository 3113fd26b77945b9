/*
 * sql: what the file itself says, asked past the store.
 */
#pragma once

#include <sqlite3.h>

#include "place.h"

/* Runs one statement on the folder's database; the first number it answers, 0 for none. */
BN_UNUSED static int64_t ask_sql(const struct place *place, const char *sql)
{
    char path[300];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    place_path(place, "binnacle.db", path);
    CHECK_INT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int rc = sqlite3_step(stmt);
    int64_t number = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

BN_UNUSED static void check_integrity(const struct place *place)
{
    CHECK_INT(ask_sql(place,
                      "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
            1);
}

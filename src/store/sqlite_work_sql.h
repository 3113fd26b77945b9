/*
 * sqlite_work_sql: the statements about operations, alerts and console sessions, by name.
 */
#pragma once

/* Operations (sqlite_work.c): pages of the history, what is still in sight, retention. A filter
   that is NULL lets all through. */
#define BN_WORK_FILTER                                                                       \
    " FROM operations WHERE tenant = ?1 AND started_at >= ?2 AND (?3 IS NULL OR status = ?3" \
    " OR (?3 = 'active' AND completed_at IS NULL)) AND (?4 IS NULL OR type = ?4)"            \
    " AND (?5 IS NULL OR server_id = ?5) AND (?6 IS NULL OR target_id = ?6)"                 \
    " AND (?7 IS NULL OR server_id || '/' || vmid IN (SELECT value FROM json_each(?7)))"     \
    " AND (?8 IS NULL OR vmid = ?8) AND (?9 IS NULL OR node = ?9)"                           \
    " AND (?10 IS NULL OR parent_id = ?10)"                                                  \
    " AND (?11 IS NULL OR created_by = ?11 OR created_by_id = ?11)"                          \
    " AND (?12 IS NULL OR started_at < ?12) AND (?13 IS NULL OR completed_at < ?13)"         \
    " AND (?14 IS NULL OR created_by_kind = ?14"                                             \
    " OR (?14 = 'nobody' AND created_by_kind IN ('schedule', 'auto')))"
#define BN_CONSOLE_FILTER                                                 \
    " FROM consoles WHERE tenant = ?1 AND (?2 IS NULL OR server_id = ?2)" \
    " AND (?3 IS NULL OR user_id = ?3) AND (?4 = 0 OR ended_at IS NULL)"
#define BN_WORK_SQLS(X)                                                                                      \
    X(WORK_COUNT, "SELECT count(*)" BN_WORK_FILTER)                                                          \
    X(WORK_PAGE, "SELECT id" BN_WORK_FILTER                                                                  \
                 " ORDER BY started_at DESC, rowid DESC LIMIT ?15 OFFSET ?16")                               \
    X(WORK_IN_SIGHT,                                                                                         \
            "SELECT tenant, id FROM (SELECT rowid AS at, tenant, id FROM operations"                         \
            " WHERE completed_at IS NULL OR completed_at > ?1"                                               \
            " UNION SELECT one.rowid, one.tenant, one.id FROM operations AS batch"                           \
            " JOIN operations AS one ON one.tenant = batch.tenant AND one.parent_id = batch.id"              \
            " WHERE batch.completed_at IS NULL) ORDER BY at")                                                \
    X(WORK_OLD, "SELECT tenant, id FROM operations WHERE completed_at < ?1"                                  \
                " ORDER BY completed_at LIMIT ?2")                                                           \
    X(ALERT_IN_SIGHT, "SELECT tenant, id FROM alerts WHERE resolved_at IS NULL"                              \
                      " OR resolved_at > ?1 ORDER BY rowid")                                                 \
    X(ALERT_CUT, "DELETE FROM alerts WHERE rowid IN (SELECT rowid FROM alerts"                               \
                 " WHERE resolved_at < ?1 LIMIT ?2)")                                                        \
    X(CONSOLE_COUNT, "SELECT count(*)" BN_CONSOLE_FILTER)                                                    \
    X(CONSOLE_PAGE, "SELECT id" BN_CONSOLE_FILTER                                                            \
                    " ORDER BY started_at DESC, rowid DESC LIMIT ?5 OFFSET ?6")                              \
    X(CONSOLE_IN_SIGHT,                                                                                      \
            "SELECT tenant, id FROM consoles WHERE ended_at IS NULL OR ended_at > ?1 ORDER BY rowid")        \
    X(CONSOLE_CUT,                                                                                           \
            "DELETE FROM consoles WHERE rowid IN (SELECT rowid FROM consoles WHERE ended_at < ?1 LIMIT ?2)") \
    X(LINE_RANGE, "SELECT n, text FROM outputs WHERE tenant = ?1 AND id >= ?2 || '/'"                        \
                  " AND id < ?2 || '0' ORDER BY id")                                                         \
    X(PIECE_RANGE,                                                                                           \
            "SELECT id, at, bytes, text FROM pieces WHERE tenant = ?1 AND operation_id = ?2"                 \
            " AND (at >= ?3 OR at + bytes > ?3) ORDER BY at LIMIT ?4")                                       \
    X(PIECE_LAST,                                                                                            \
            "SELECT * FROM (SELECT id, at, bytes, text FROM pieces WHERE tenant = ?1 AND operation_id = ?2"  \
            " AND at >= ?3 ORDER BY at DESC LIMIT ?4) ORDER BY at")                                          \
    X(PIECE_CUT, "DELETE FROM pieces WHERE tenant = ?1 AND operation_id = ?2")                               \
    X(LINE_CUT, "DELETE FROM outputs WHERE tenant = ?1 AND id >= ?2 || '/' AND id < ?2 || '0'")

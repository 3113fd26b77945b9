/*
 * sqlite_sql: every fixed statement of the store, by name; those of record tables follow from the
 * field tables.
 */
#pragma once

#include "store/sqlite_work_sql.h"

#define BN_SQLS(X)                                                                                  \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                     \
    X(BEGIN_READ, "BEGIN")                                                                          \
    X(COMMIT, "COMMIT")                                                                             \
    X(SAVE, "SAVEPOINT batch")                                                                      \
    X(SAVE_KEEP, "RELEASE batch")                                                                   \
    X(SAVE_UNDO, "ROLLBACK TO batch")                                                               \
    X(DATA_VERSION, "PRAGMA data_version")                                                          \
    X(PAGE_COUNT, "PRAGMA page_count")                                                              \
    X(FREE_COUNT, "PRAGMA freelist_count")                                                          \
    X(PROBE, "INSERT INTO meta(name, value) VALUES('probe', ?1)"                                    \
             " ON CONFLICT(name) DO UPDATE SET value = excluded.value")                             \
    X(NOTE_ADD, "INSERT INTO notes(kind, tenant, key) VALUES(?1, ?2, ?3)")                          \
    X(NOTE_NEXT, "SELECT id, kind, tenant, key FROM notes WHERE id > ?1 ORDER BY id LIMIT 1000")    \
    X(NOTE_NEWEST, "SELECT max(id) FROM notes")                                                     \
    X(NOTE_OF, "SELECT 1 FROM notes WHERE id > ?1 AND kind = ?2 AND tenant = ?3 AND key = ?4")      \
    X(NOTE_CUT, "DELETE FROM notes WHERE id <= ?1 AND id < (SELECT max(id) FROM notes)")            \
    X(NOTE_READ, "INSERT INTO meta(name, value) VALUES('notes_read', ?1)"                           \
                 " ON CONFLICT(name) DO UPDATE SET value = excluded.value")                         \
    X(NOTE_UNREAD,                                                                                  \
            "SELECT EXISTS (SELECT 1 FROM notes WHERE id > coalesce((SELECT CAST(value AS INTEGER)" \
            " FROM meta WHERE name = 'notes_read'), 0))")                                           \
    X(SERIES_FIND, "SELECT id FROM series WHERE tenant = ?1 AND name = ?2")                         \
    X(SERIES_COUNT, "SELECT count(*) FROM series WHERE tenant = ?1")                                \
    X(SERIES_ADD, "INSERT INTO series(tenant, name) VALUES(?1, ?2)")                                \
    X(SERIES_EMPTY,                                                                                 \
            "DELETE FROM series WHERE id > ?1 AND id <= ?2 AND NOT EXISTS"                          \
            " (SELECT 1 FROM tail) AND NOT EXISTS (SELECT 1 FROM blocks WHERE series = id)")        \
    X(SERIES_CUT, "DELETE FROM series WHERE id = ?1")                                               \
    X(SERIES_SPOKE, "SELECT id, (SELECT max(start) FROM blocks WHERE series = id AND level = 0),"   \
                    " (SELECT max(start) FROM blocks WHERE series = id AND level = 1)"              \
                    " FROM series NOT INDEXED WHERE id > ?1 AND tenant = ?2 ORDER BY id LIMIT ?3")  \
    X(SERIES_HUSH, "DELETE FROM blocks WHERE (series, level, start) IN"                             \
                   " (SELECT series, level, start FROM blocks WHERE series = ?1 LIMIT ?2)")         \
    X(TAIL_ANY, "SELECT EXISTS (SELECT 1 FROM tail)")                                               \
    X(TAIL_ADD, "INSERT INTO tail(data) VALUES(?1)")                                                \
    X(TAIL_ALL, "SELECT id, data FROM tail ORDER BY id")                                            \
    X(TAIL_AFTER, "SELECT id, data FROM tail WHERE id > ?1 ORDER BY id")                            \
    X(TAIL_CUT, "DELETE FROM tail WHERE id IN"                                                      \
                " (SELECT id FROM tail WHERE id <= ?1 ORDER BY id LIMIT ?2)")                       \
    X(BLOCK_GET, "SELECT data FROM blocks WHERE series = ?1 AND level = ?2 AND start = ?3")         \
    X(BLOCK_RANGE, "SELECT start, data FROM blocks WHERE series = ?1 AND level = ?2"                \
                   " AND start >= ?3 AND start < ?4")                                               \
    X(BLOCK_PUT, "INSERT INTO blocks(series, level, start, data) VALUES(?1, ?2, ?3, ?4)"            \
                 " ON CONFLICT(series, level, start) DO UPDATE SET data = excluded.data")           \
    X(BLOCK_CUT, "DELETE FROM blocks WHERE (series, level, start) IN (SELECT series, level, start"  \
                 " FROM blocks INDEXED BY blocks_by_age WHERE level = ?1 AND start < ?2"            \
                 " ORDER BY start LIMIT ?3)")

/* What is known of checks (sqlite_checks.c): servers by number, attempts, hours. */
#define BN_CHECK_SQLS(X)                                                                                 \
    X(FLEET_FIND, "SELECT id FROM check_servers WHERE tenant = ?1 AND name = ?2 AND gone = 0")           \
    X(FLEET_ADD, "INSERT INTO check_servers(tenant, name) SELECT ?1, ?2"                                 \
                 " WHERE EXISTS (SELECT 1 FROM servers WHERE tenant = ?1 AND id = ?2)")                  \
    X(FLEET_MOVED,                                                                                       \
            "UPDATE check_servers SET since = ?3 WHERE tenant = ?1 AND name = ?2 AND gone = 0"           \
            " AND EXISTS (SELECT 1 FROM servers WHERE tenant = ?1 AND id = ?2"                           \
            " AND (host COLLATE NOCASE IS NOT ?4 OR port IS NOT ?5 OR token IS NOT ?6"                   \
            " OR vpn_enabled IS NOT ?7 OR vpn_host COLLATE NOCASE IS NOT ?8"                             \
            " OR vpn_port IS NOT ?9))")                                                                  \
    X(FLEET_SAW,                                                                                         \
            "UPDATE check_servers SET version = coalesce(?2, version),"                                  \
            " cluster = coalesce(?3, cluster), is_quorate = CASE ?4 WHEN 1 THEN ?5 ELSE is_quorate END," \
            " fingerprint = coalesce(?6, fingerprint), cert_expires_at = CASE WHEN ?6 IS NULL"           \
            " THEN cert_expires_at ELSE ?7 END WHERE id = ?1 AND (coalesce(?2, version) IS NOT version"  \
            " OR coalesce(?3, cluster) IS NOT cluster OR (?4 = 1 AND ?5 IS NOT is_quorate)"              \
            " OR (?6 IS NOT NULL AND (?6 IS NOT fingerprint OR ?7 IS NOT cert_expires_at)))")            \
    X(FLEET_GONE,                                                                                        \
            "UPDATE check_servers SET gone = 1 WHERE tenant = ?1 AND name = ?2 AND gone = 0")            \
    X(FLEET_NEXT, "SELECT coalesce(min(id), 0) FROM check_servers WHERE id > ?1")                        \
    X(FLEET_GONE_NEXT, "SELECT coalesce(min(id), 0) FROM check_servers WHERE gone = 1")                  \
    X(FLEET_CUT, "DELETE FROM check_servers WHERE id = ?1")                                              \
    X(FLEET_ALL, "SELECT id, since, tenant, name, version, cluster, is_quorate, fingerprint,"            \
                 " cert_expires_at FROM check_servers WHERE gone = 0 ORDER BY id")                       \
    X(CHECK_ADD,                                                                                         \
            "INSERT INTO checks(server, at, success, response_ms, dns_us, tcp_us, tls_us, wait_us,"      \
            " error_class, error_phase, error, timeout_ms, retries, used_vpn, http_status, nodes,"       \
            " address)"                                                                                  \
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"        \
            " ON CONFLICT(server, at) DO NOTHING")                                                       \
    X(CHECK_RANGE,                                                                                       \
            "SELECT at, success, response_ms, dns_us, tcp_us, tls_us, wait_us, error_class,"             \
            " error_phase, error, timeout_ms, retries, used_vpn, http_status, nodes, address"            \
            " FROM checks"                                                                               \
            " WHERE server = ?1 AND at >= ?2 AND at < ?3 ORDER BY at DESC LIMIT ?4")                     \
    X(CHECK_CUT, "DELETE FROM checks WHERE server = ?1 AND at IN (SELECT at FROM checks"                 \
                 " WHERE server = ?1 AND at < ?2 ORDER BY at LIMIT ?3)")                                 \
    X(HOUR_ADD,                                                                                          \
            "INSERT INTO check_hours(server, hour, attempts, successes, ms_count, ms_sum, ms_min,"       \
            " ms_max) VALUES(?1, ?2, 1, ?3, ?4 IS NOT NULL, coalesce(?4, 0), ?4, ?4)"                    \
            " ON CONFLICT(server, hour) DO UPDATE SET attempts = attempts + 1,"                          \
            " successes = successes + excluded.successes, ms_count = ms_count + excluded.ms_count,"      \
            " ms_sum = ms_sum + excluded.ms_sum,"                                                        \
            " ms_min = min(coalesce(ms_min, excluded.ms_min), coalesce(excluded.ms_min, ms_min)),"       \
            " ms_max = max(coalesce(ms_max, excluded.ms_max), coalesce(excluded.ms_max, ms_max))")       \
    X(HOUR_RANGE,                                                                                        \
            "SELECT hour, attempts, successes, ms_count, ms_sum, ms_min, ms_max FROM check_hours"        \
            " WHERE server = ?1 AND hour >= ?2 AND hour < ?3 ORDER BY hour LIMIT ?4")                    \
    X(HOUR_CUT,                                                                                          \
            "DELETE FROM check_hours WHERE server = ?1 AND hour IN (SELECT hour FROM check_hours"        \
            " WHERE server = ?1 AND hour < ?2 ORDER BY hour LIMIT ?3)")

#include <stdio.h>
#include <string.h>

#include "store/fsck.h"
#include "store/sqlite.h"

#define OPEN " status IN ('pending', 'in_progress')"

/* Each row of an answer breaks the rule, and says which row of the file that is. A rule that reads
   one text says "ok" when it holds. */
static const struct rule {
    const char *says;
    const char *sql;
} rules[] = {
        {"the file is sound", "PRAGMA integrity_check(20)"},
        {"foreign keys lead somewhere",
                "SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check"},
        {"an operation has one of the known states",
                "SELECT id || ': ' || coalesce(status, 'none') FROM operations WHERE status IS NULL OR"
                " status NOT IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')"},
        {"one deed on a target at a time",
                "SELECT target_id || ': ' || count(*) || ' of ' || type FROM operations WHERE" OPEN
                " AND target_id IS NOT NULL GROUP BY tenant, target_id, type, coalesce(object, '')"
                " HAVING count(*) > 1"},
        {"one deed on a guest at a time",
                "SELECT server_id || '/' || vmid || ': ' || count(*) || ' of ' || type FROM operations"
                " WHERE" OPEN " AND vmid IS NOT NULL GROUP BY tenant, type, server_id, vmid"
                " HAVING count(*) > 1"},
        {"an operation has a time of its end exactly when it has ended",
                "SELECT id || ' is ' || status FROM operations WHERE (completed_at IS NULL) ="
                " (status NOT IN ('pending', 'in_progress'))"},
        {"an operation ends after it began, and is sent in between",
                "SELECT id FROM operations WHERE started_at IS NULL OR completed_at < started_at OR"
                " (sent_at > 0 AND sent_at < started_at)"},
        {"progress is a share of a hundred, and all of it unless it was cancelled",
                "SELECT id || ': ' || coalesce(progress, 'none') FROM operations WHERE progress IS NULL"
                " OR progress NOT BETWEEN 0 AND 100 OR (progress <> 100 AND status IN ('completed',"
                " 'failed'))"},
        {"what is under way says on what, so that it can be taken up again",
                "SELECT id || ', ' || type FROM operations WHERE" OPEN " AND target_id IS NULL AND"
                " server_id IS NULL AND type NOT IN ('batch', 'import', 'health_check')"},
        {"what was sent to a target says what was sent",
                "SELECT id FROM operations WHERE" OPEN
                " AND target_id IS NOT NULL AND sent_at > 0 AND"
                " coalesce(command, '') = ''"},
        {"what failed says why",
                "SELECT id FROM operations WHERE status = 'failed' AND coalesce(error, '') = ''"},
        {"a child has its batch",
                "SELECT child.id FROM operations AS child LEFT JOIN operations AS parent ON"
                " parent.tenant = child.tenant AND parent.id = child.parent_id WHERE"
                " child.parent_id IS NOT NULL AND parent.id IS NULL AND child.status IN"
                " ('pending', 'in_progress')"},
        {"output belongs to an operation",
                "SELECT id FROM pieces WHERE NOT EXISTS (SELECT 1 FROM operations WHERE"
                " operations.tenant = pieces.tenant AND operations.id = pieces.operation_id)"},
        {"pieces of output do not lie over each other",
                "SELECT id FROM (SELECT id, at, lag(at + bytes) OVER (PARTITION BY tenant, operation_id"
                " ORDER BY at) AS before FROM pieces) WHERE at < before OR at < 0"},
        {"a line of an operation belongs to one",
                "SELECT id FROM outputs WHERE NOT EXISTS (SELECT 1 FROM operations WHERE"
                " operations.tenant = outputs.tenant AND"
                " operations.id = substr(outputs.id, 1, instr(outputs.id, '/') - 1))"},
        {"an alert fires once",
                "SELECT rule || ' of ' || subject_id FROM alerts WHERE state = 'firing' GROUP BY"
                " tenant, rule, subject_kind, subject_id HAVING count(*) > 1"},
        {"an alert has a time of its end exactly when it does not fire",
                "SELECT id FROM alerts WHERE (state = 'firing') = (resolved_at IS NOT NULL)"},
        {"a console ends after it began",
                "SELECT id FROM consoles WHERE started_at IS NULL OR ended_at < started_at"},
        {"a part of a key belongs to a target",
                "SELECT id FROM target_keys WHERE NOT EXISTS (SELECT 1 FROM targets WHERE"
                " targets.tenant = target_keys.tenant AND"
                " targets.id = substr(target_keys.id, 1, instr(target_keys.id, '/') - 1))"},
        {"points belong to a series",
                "SELECT DISTINCT series FROM blocks WHERE series NOT IN (SELECT id FROM series)"},
        {"a check belongs to a server",
                "SELECT DISTINCT server FROM checks WHERE server NOT IN (SELECT id FROM check_servers)"},
        {"an hour of checks belongs to a server, and its numbers to each other",
                "SELECT server || ' at ' || hour FROM check_hours WHERE server NOT IN (SELECT id FROM"
                " check_servers) OR successes NOT BETWEEN 0 AND attempts OR ms_count NOT BETWEEN 0 AND"
                " successes OR ms_min > ms_max OR ms_sum < ms_count * coalesce(ms_min, 0) OR"
                " ms_sum > ms_count * coalesce(ms_max, 0)"},
};

struct looking {
    struct bn_conn *conn;
    bn_fsck_say say;
    void *user;
    int64_t problems;
};

static int look(struct looking *looking, const struct rule *rule)
{
    sqlite3_stmt *stmt = NULL;
    int64_t count = 0;
    int rc = sqlite3_prepare_v2(looking->conn->db, rule->sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(stmt, 0);
            if (text && strcmp(text, "ok") == 0)
                continue;
            if (++count <= BN_FSCK_SAID_MAX)
                looking->say(looking->user, rule->says, text ? text : "a row without a name",
                        count);
        }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        return rc;
    if (!count)
        looking->say(looking->user, rule->says, NULL, 0);
    looking->problems += count;
    return SQLITE_OK;
}

static int look_at_all(struct looking *looking)
{
    int rc = bn_conn_exec(looking->conn, "BEGIN"); /* all of the same moment */
    for (size_t i = 0; rc == SQLITE_OK && i < COUNT(rules); i++)
        rc = look(looking, &rules[i]);
    return rc;
}

static bool is_of_ours(const char *dir, struct bn_folder *folder, struct bn_err *err)
{
    enum bn_folder_file file;
    uint32_t schema = 0;
    bn_text_clip(folder->dir, sizeof folder->dir, bn_str(dir));
    snprintf(folder->db, sizeof folder->db, "%s/binnacle.db", folder->dir);
    if (!bn_folder_look(folder, BN_APPLICATION_ID, bn_schema_version, &file, &schema, err))
        return false;
    if (file == BN_FOLDER_NONE)
        return bn_fail(err, BN_E_NOT_FOUND,
                "there is no Binnacle in %s: name its folder with --data", dir);
    if (file == BN_FOLDER_FOREIGN || file == BN_FOLDER_DAMAGED)
        return bn_fail(err, BN_E_STORAGE, "%s is no database of Binnacle's", folder->db);
    if (file == BN_FOLDER_NEWER || schema != bn_schema_version)
        return bn_fail(err, BN_E_CONFLICT,
                "%s has step %u of the schema, this program knows %u: %s", folder->db, schema,
                bn_schema_version,
                file == BN_FOLDER_NEWER ? "use the newer one" : "start the server once on it");
    return true;
}

bool bn_fsck(const char *dir, bn_fsck_say say, void *user, int64_t *out_problems,
        struct bn_err *err)
{
    struct bn_folder folder = {.lock_fd = -1};
    struct bn_conn conn;
    if (!is_of_ours(dir, &folder, err))
        return false;
    struct looking looking = {.conn = &conn, .say = say, .user = user};
    int rc = bn_conn_open(&conn, folder.db, BN_CONN_READ);
    if (rc == SQLITE_OK) {
        rc = look_at_all(&looking);
        bn_conn_close(&conn);
    }
    if (rc != SQLITE_OK)
        return bn_conn_fail(err, rc);
    *out_problems = looking.problems;
    return true;
}

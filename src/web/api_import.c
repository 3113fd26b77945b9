#include "web/api_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"

#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/many.h"
#include "web/undo.h"
#include "web/web_private.h"

#define CSV_OR_JSON "application/json, text/csv"

/* web/import_ask.c reads these. */
#define CSV_AND_EDITS                                                                             \
    "\"csv\":{\"type\":\"string\"},\"edits\":{\"type\":\"array\",\"items\":{\"type\":\"object\"," \
    "\"properties\":{\"index\":{\"type\":\"integer\"},\"column\":{\"type\":\"string\"},"          \
    "\"value\":{\"type\":\"string\"}},\"required\":[\"index\",\"column\",\"value\"],"             \
    "\"additionalProperties\":false}}"
#define ROWS "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}"
#define OBJECT(members)                             \
    "{\"type\":\"object\",\"properties\":{" members \
    "},\"required\":[\"csv\"],\"additionalProperties\":false}"

const struct bn_route bn_import_routes[] = {
        {.method = "POST",
                .path = "/api/v1/servers/import",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_servers_import,
                .body_max = BN_BODY_BYTES_MAX,
                .body_type = CSV_OR_JSON,
                .json_schema = OBJECT(CSV_AND_EDITS
                        ",\"only\":" ROWS ",\"on_duplicate\":{\"type\":\"string\",\"enum\":"
                        "[\"error\",\"skip\",\"update\"]},\"all_or_nothing\":{\"type\":\"boolean\"}"),
                .summary =
                        "Add or update servers from a CSV file in one transaction; dry_run=1 only "
                        "says what each row would do",
                .query = bn_servers_import_query},
        {.method = "POST",
                .path = "/api/v1/servers/import/test",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_servers_import_test,
                .body_max = BN_BODY_BYTES_MAX,
                .json_schema = OBJECT(
                        CSV_AND_EDITS ",\"index\":{\"type\":\"integer\"},\"indexes\":" ROWS),
                .summary = "Try to reach the servers of rows of a CSV file, once each"},
        {.method = "POST",
                .path = "/api/v1/servers/import/{undo_id}/undo",
                .right = BN_RIGHT_OPERATE,
                .handler = bn_servers_import_undo,
                .summary =
                        "Take an import back within ten minutes, where nothing was changed since"},
        {.method = "GET",
                .path = "/api/v1/servers/export",
                .right = BN_RIGHT_READ,
                .handler = bn_servers_export,
                .summary = "The servers as a CSV file that can be imported; tokens are left out",
                .query = bn_servers_export_query},
};

const size_t bn_import_route_count = COUNT(bn_import_routes);

/* --- what is said ---------------------------------------------------------------------------- */

struct tally {
    size_t rows; /* wanted */
    size_t added;
    size_t updated;
    size_t unchanged;
    size_t skipped;
    size_t failed;
};

static struct tally count_rows(const struct bn_import *import)
{
    struct tally tally = {0};
    for (size_t i = 0; i < import->count; i++) {
        const struct bn_import_row *row = &import->rows[i];
        if (!row->is_wanted)
            continue;
        tally.rows++;
        const bool is_good = bn_import_is_good(import, row);
        tally.added += is_good && !row->other;
        tally.updated += is_good && row->other;
        tally.unchanged += row->state == BN_IMPORT_UNCHANGED;
        tally.failed += bn_import_fails(import, row);
    }
    tally.skipped = tally.rows - tally.added - tally.updated - tally.unchanged - tally.failed;
    return tally;
}

/* "48 added, 2 unchanged, 1 failed": what there is none of is not said. */
static void say_tally(const struct tally *tally, char out[200])
{
    const struct {
        size_t count;
        const char *word;
    } parts[] = {{tally->added, "added"}, {tally->updated, "updated"},
            {tally->unchanged, "unchanged"}, {tally->skipped, "skipped"},
            {tally->failed, "failed"}};

    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < COUNT(parts); i++)
        if (parts[i].count > 0)
            len += (size_t)snprintf(out + len, 200 - len, "%s%zu %s", len ? ", " : "",
                    parts[i].count, parts[i].word);
    if (len == 0)
        snprintf(out, 200, "no row was chosen");
}

static void reply(struct bn_request *req, const struct bn_import *import,
        const struct bn_import_outcome *outcome)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, BN_IMPORT_ANSWER_MAX);
    bn_import_put(import, outcome, &out);
    bn_reply_json(req, 200, &out);
}

static void reply_dry(struct bn_request *req, const struct bn_import *import)
{
    const struct tally tally = count_rows(import);
    struct bn_import_outcome outcome = {.success = tally.added + tally.updated};
    struct bn_err err;
    char text[200];
    char message[240];
    say_tally(&tally, text);
    snprintf(message, sizeof message, "nothing is stored yet; would be: %s", text);
    outcome.message = message;
    if (!bn_import_has_room(import, &err) || !bn_server_may_seal(req, &err))
        outcome.refusal = err.text;
    reply(req, import, &outcome);
}

/* --- doing it -------------------------------------------------------------------------------- */

static void begin_fact(const struct bn_request *req, const struct bn_import_row *row,
        struct bn_fact *fact)
{
    struct bn_server *server = &fact->u.server;
    uint8_t id[16];
    bn_fact_init(fact, BN_KIND_SERVER, req->who.tenant);
    *server = row->server;
    server->updated_at = bn_web_clock(req->web)->now_ms;
    if (row->other)
        return;
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, server->id);
    bn_text_clip(server->created_by, sizeof server->created_by, bn_str(req->who.name));
    server->created_at = server->updated_at;
}

static bool write_row(const struct bn_request *req, struct bn_many *many, struct bn_import_row *row,
        struct bn_undo *undo, struct bn_err *err)
{
    struct bn_fact fact;
    begin_fact(req, row, &fact);
    if ((row->token[0] && !bn_server_seal(req, row->token, &fact.u.server, err)) ||
            !bn_many_ask(many, &fact, err))
        return false;
    bn_undo_note(undo, row->other, &fact.u.server);
    row->server = fact.u.server;
    row->state = row->other ? BN_IMPORT_UPDATED : BN_IMPORT_ADDED;
    return true;
}

/* What the registry says after all, although the row was judged good a moment ago. */
static void fail_row(struct bn_import *import, struct bn_import_row *row, const struct bn_err *err)
{
    struct bn_import_note *notes = bn_realloc(import->notes,
            (import->note_count + 1) * sizeof *notes);
    import->notes = notes;
    import->note_cap = import->note_count + 1;
    memset(&notes[import->note_count], 0, sizeof *notes);
    notes[import->note_count].err = *err;
    row->note_at = import->note_count++;
    row->note_count = 1;
    row->state = BN_IMPORT_PROBLEM;
}

static void write_rows(const struct bn_request *req, struct bn_import *import, struct bn_many *many,
        struct bn_undo *undo)
{
    for (size_t i = 0; i < import->count; i++) {
        struct bn_import_row *row = &import->rows[i];
        struct bn_err err;
        if (bn_import_is_good(import, row)) {
            if (!write_row(req, many, row, undo, &err))
                fail_row(import, row, &err);
        } else if (!row->is_wanted || (row->state == BN_IMPORT_DUPLICATE && row->duplicate_of < 0 &&
                                              import->on_duplicate == BN_DUPLICATE_SKIPPED)) {
            row->state = BN_IMPORT_SKIPPED;
        }
    }
}

struct kept {
    struct bn_web *web;
    struct bn_undo *undo;
};

static void on_kept(void *user, const struct bn_err *err)
{
    struct kept *kept = user;
    if (err)
        bn_undo_destroy(kept->undo);
    else
        bn_undos_keep(kept->web->undos, kept->undo, bn_web_clock(kept->web)->mono_ms);
    free(kept);
}

static const char *who_of(const struct bn_request *req)
{
    return req->who.user_id[0] ? req->who.user_id : req->who.key_id;
}

static void note(const struct bn_request *req, const struct tally *tally, const char *text)
{
    char object[60];
    char detail[300];
    const size_t written = tally->added + tally->updated;
    snprintf(object, sizeof object, "%zu server%s", written, written == 1 ? "" : "s");
    snprintf(detail, sizeof detail, "of %zu row%s: %s", tally->rows, tally->rows == 1 ? "" : "s",
            text);
    bn_audit_request(req, &(struct bn_deed){.action = "server.import",
                                  .object = object,
                                  .detail = detail,
                                  .ok = written > 0 || tally->failed == 0});
}

static void recount(const struct bn_import *import, struct tally *tally)
{
    const struct tally after = count_rows(import);
    tally->failed = after.failed;
    tally->added = tally->updated = 0;
    for (size_t i = 0; i < import->count; i++) {
        tally->added += import->rows[i].state == BN_IMPORT_ADDED;
        tally->updated += import->rows[i].state == BN_IMPORT_UPDATED;
    }
}

/* FEATURES J3: it stands among the operations, kept with what it wrote or not at all. */
static void record(const struct bn_request *req, struct bn_many *many, const struct tally *tally,
        const char *text)
{
    struct bn_fact fact;
    struct bn_operation *operation = &fact.u.operation;
    struct bn_err err;
    uint8_t id[16];
    const size_t written = tally->added + tally->updated;
    bn_fact_init(&fact, BN_KIND_OPERATION, req->who.tenant);
    bn_record_clear(&bn_operation_type, operation);
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, operation->id);
    bn_operation_made_by(req, operation);
    operation->type = BN_WORK_IMPORT;
    operation->status = written || !tally->failed ? BN_WORK_COMPLETED : BN_WORK_FAILED;
    operation->progress = 100;
    operation->has_warnings = written && tally->failed;
    operation->started_at = operation->updated_at = operation->completed_at =
            bn_web_clock(req->web)->now_ms;
    snprintf(operation->subject, sizeof operation->subject, "%zu server%s", tally->rows,
            tally->rows == 1 ? "" : "s");
    if (operation->status == BN_WORK_FAILED)
        bn_text_clip(operation->error, sizeof operation->error, bn_str(text));
    else
        bn_text_clip(operation->message, sizeof operation->message, bn_str(text));
    if (!bn_many_ask(many, &fact, &err)) /* as many as can be are in sight; the audit has it */
        bn_log(BN_WARN, "import.unrecorded", BN_KV("text", err.text));
}

static void carry_out(struct bn_request *req, struct bn_import *import, struct tally *tally)
{
    struct bn_many *many = bn_many_create(req, "nothing was imported", BN_IMPORT_ANSWER_MAX);
    struct kept *kept = bn_alloc(sizeof *kept);
    struct bn_import_outcome outcome = {
            .undo_until_ms = bn_web_clock(req->web)->now_ms + BN_UNDO_MS};
    char text[200];
    kept->web = req->web;
    kept->undo = bn_undo_create(req->who.tenant, who_of(req));
    many->done = on_kept;
    many->user = kept;
    write_rows(req, import, many, kept->undo);
    recount(import, tally);
    say_tally(tally, text);
    note(req, tally, text);
    record(req, many, tally, text);
    outcome.success = tally->added + tally->updated;
    outcome.message = text;
    outcome.undo_id = outcome.success > 0 ? kept->undo->id : NULL;
    import->slots_left -= (int64_t)tally->added;
    bn_import_put(import, &outcome, &many->body);
    bn_many_end(many);
}

/* Nothing is written because some would fail, and the asker wants all or nothing. */
static void reply_nothing(struct bn_request *req, struct bn_import *import, struct tally *tally)
{
    char message[240];
    char text[200];
    snprintf(message, sizeof message, "nothing was imported, because %zu of %zu rows failed",
            tally->failed, tally->rows);
    tally->added = tally->updated = tally->unchanged = tally->skipped = 0;
    say_tally(tally, text);
    note(req, tally, text);
    reply(req, import, &(struct bn_import_outcome){.message = message});
}

static void import_rows(struct bn_request *req, const struct bn_import_ask *ask,
        struct bn_import *import)
{
    struct tally tally = count_rows(import);
    struct bn_err err;
    if (!bn_import_has_room(import, &err) || !bn_server_may_seal(req, &err))
        bn_reply_err(req, &err);
    else if (ask->all_or_nothing && tally.failed > 0)
        reply_nothing(req, import, &tally);
    else
        carry_out(req, import, &tally);
}

void bn_servers_import(struct bn_request *req)
{
    struct bn_import_ask *ask = bn_alloc(sizeof *ask);
    struct bn_err err;
    if (!bn_import_ask_read(req, false, ask, &err) || !bn_import_judge(req, &ask->import, &err))
        bn_reply_err(req, &err);
    else if (ask->is_dry_run)
        reply_dry(req, &ask->import);
    else
        import_rows(req, ask, &ask->import);
    bn_import_ask_finish(ask);
    free(ask);
}

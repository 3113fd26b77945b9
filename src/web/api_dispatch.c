#include "web/api_dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/work.h"
#include "source/dispatch.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/api_targets.h"
#include "web/server.h"

#define FORM_MAX    8192      /* a command, escaped */
#define PIECES_MAX  64        /* of output in one answer: 128 KiB */
#define OUTPUT_MAX  (1 << 20) /* of that as JSON */
#define ACTIONS_MAX (64 << 10)
#define SERVICE_MAX 128

static void targets_actions(struct bn_request *req);
static void target_operate(struct bn_request *req);
static void restart_service(struct bn_request *req);
static void operation_output(struct bn_request *req);

const char *const bn_operate_words[] = {"service_restart", "service_status", "ssh_test", "logs",
        "command", NULL};

static const struct bn_field operate_fields[] = {
        BN_FIELD(struct bn_operate_form, type, BN_T_ENUM, .flags = BN_F_REQUIRED,
                .words = bn_operate_words, .doc = "what to do"),
        BN_FIELD_AS(struct bn_operate_form, service, "params.service", BN_T_TEXT,
                .doc = "which service; left out: the target's own"),
        BN_FIELD_AS(struct bn_operate_form, command, "params.command", BN_T_TEXT,
                .doc = "of a command: what runs there, one line or several"),
};

static const struct bn_record_type operate_form_type = {
        .name = "operate_form",
        .size = sizeof(struct bn_operate_form),
        .fields = operate_fields,
        .field_count = COUNT(operate_fields),
};

static const char *const output_query[] = {"from", NULL};
static const char *const actions_query[] = {"service", NULL};

const struct bn_route bn_dispatch_routes[] = {
        {.method = "GET",
                .path = "/api/v1/targets/{id}/actions",
                .right = BN_RIGHT_READ,
                .handler = targets_actions,
                .summary = "What can be done on a target, with the command as it would be sent",
                .query = actions_query},
        {.method = "POST",
                .path = "/api/v1/targets/{id}/operations",
                .right = BN_RIGHT_OPERATE,
                .handler = target_operate,
                .body_max = FORM_MAX,
                .summary = "Do something on a target; 409 names the operation that does the same "
                           "already",
                .takes = &operate_form_type},
        {.method = "POST",
                .path = "/api/data/{id}/restart-service",
                .right = BN_RIGHT_OPERATE,
                .handler = restart_service,
                .body_max = 16,
                .summary = "Restart a target's service, with the names older scripts expect"},
        {.method = "GET",
                .path = "/api/v1/operations/{id}/output",
                .right = BN_RIGHT_READ,
                .handler = operation_output,
                .summary = "What an operation's command wrote, from an offset on; topic "
                           "work.output/{id} is the same while it runs",
                .query = output_query},
};

const size_t bn_dispatch_route_count = COUNT(bn_dispatch_routes);

/* --- what can be done ------------------------------------------------------------------------ */

static void put_text(struct bn_json *json, const char *name, const char *text)
{
    bn_json_key(json, name);
    bn_json_text(json, text);
}

static void put_i64(struct bn_json *json, const char *name, int64_t value)
{
    bn_json_key(json, name);
    bn_json_i64(json, value);
}

static void put_action(struct bn_json *json, const struct bn_action *action,
        const struct bn_target *target, const char *service, bool may)
{
    char command[512];
    const bool has_command = bn_action_command(action, target, service, command, NULL);
    bn_json_object(json);
    put_text(json, "type", bn_operate_words[action->type - BN_WORK_SERVICE_RESTART]);
    put_text(json, "action", action->verb);
    bn_json_key(json, "command");
    if (has_command && command[0])
        bn_json_text(json, command);
    else
        bn_json_null(json);
    bn_json_key(json, "needs_service");
    bn_json_bool(json, action->needs_service);
    bn_json_key(json, "changes");
    bn_json_bool(json, action->changes);
    bn_json_key(json, "allowed");
    bn_json_bool(json, may);
    put_i64(json, "estimated_duration_ms", action->estimate_ms);
    bn_json_object_end(json);
}

/* What administrators write runs only where one of them said that it may. */
static bool allows(const struct bn_target *target, const struct bn_action *action,
        struct bn_err *err)
{
    return action->type != BN_WORK_COMMAND || target->allows_commands == 1 ||
           bn_fail(err, BN_E_FORBIDDEN,
                   "no commands run on %.100s: an administrator allows them with allows_commands "
                   "of the target",
                   target->name);
}

/* The service that is meant: the one asked for, whose name must do, or the target's own. */
static bool read_service(const struct bn_request *req, const struct bn_target *target,
        char out[SERVICE_MAX], struct bn_err *err)
{
    char command[512];
    const struct bn_action *restart = bn_action_find(BN_WORK_SERVICE_RESTART, target);
    if (!bn_query_only(req, actions_query, err))
        return false;
    if (!bn_text_copy(out, SERVICE_MAX, bn_query(req, "service", target->service)))
        return bn_fail_field(err, "service", "service must be at most %d bytes", SERVICE_MAX - 1);
    return !out[0] || !restart || !restart->needs_service ||
           bn_action_command(restart, target, out, command, err);
}

static void targets_actions(struct bn_request *req)
{
    struct bn_err err;
    char service[SERVICE_MAX];
    BN_BUF_AUTO out;
    bn_buf_init(&out, ACTIONS_MAX);
    struct bn_json json;
    const struct bn_target *target = bn_target_with_id(req, req->params[0], &err);
    if (!target || !read_service(req, target, service, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "actions");
    bn_json_array(&json);
    for (size_t i = 0; i < bn_action_count; i++)
        if (bn_actions[i].platform == target->platform)
            put_action(&json, &bn_actions[i], target, service,
                    bn_who_may(&req->who, bn_actions[i].right) && bn_operate_is_on(req, NULL) &&
                            allows(target, &bn_actions[i], NULL));
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

/* --- beginning one --------------------------------------------------------------------------- */

/* One that somebody waits for. */
struct asked {
    struct bn_web *web;
    uint64_t ticket;
    char tenant[BN_TENANT_MAX];
    char address[48];
    char actor[64];
    int64_t estimate_ms;
    bool is_camel; /* the names of source 002 */
};

static bool check_target(const struct bn_target *target, struct bn_err *err)
{
    const bool has_secret = target->auth_kind == BN_AUTH_KEY ? target->key_parts > 0
                                                             : target->password[0] != '\0';
    if (target->is_active != 1)
        return bn_fail_field(err, "is_active", "%.100s is switched off: no operation starts on it",
                target->name);
    return has_secret ||
           bn_fail_field(err, "auth", "%.100s has nothing to log in with", target->name);
}

static bool take_command(const struct bn_operate_form *form, const struct bn_action *action,
        struct bn_operation *out, struct bn_err *err)
{
    if (action->type == BN_WORK_COMMAND)
        return bn_command_check(form->command, "params.command", err) &&
               bn_text_copy(out->command, sizeof out->command, bn_str(form->command));
    return !form->command[0] ||
           bn_fail_field(err, "params.command", "only the type command takes params.command");
}

bool bn_operate_wish(const struct bn_request *req, const struct bn_target *target,
        const struct bn_operate_form *form, struct bn_operation *out, struct bn_err *err)
{
    const char *service = form->service[0] ? form->service : target->service;
    bn_record_clear(&bn_operation_type, out);
    out->type = form->type + BN_WORK_SERVICE_RESTART;
    const struct bn_action *action = bn_action_find(out->type, target);
    if (!check_target(target, err))
        return false;
    if (!action)
        return bn_fail_field(err, "type", "%s cannot be done on the platform %s",
                bn_operate_words[form->type], bn_platform_word(target->platform));
    if (!bn_who_may(&req->who, action->right))
        return bn_fail(err, BN_E_FORBIDDEN, "this needs the right to %s",
                action->right == BN_RIGHT_ADMIN ? "administrate" : "operate");
    if (!allows(target, action, err) || !take_command(form, action, out, err))
        return false;
    if (!action->needs_service)
        service = "";
    if (!bn_text_copy(out->object, sizeof out->object, bn_str(service)))
        return bn_fail_field(err, "params.service", "params.service must be at most %zu bytes",
                sizeof out->object - 1);
    if (!out->command[0] && !bn_action_command(action, target, service, out->command, err)) {
        bn_text_clip(err->field, sizeof err->field, BN_STR("params.service"));
        return false;
    }
    bn_text_clip(out->target_id, sizeof out->target_id, bn_str(target->id));
    bn_operation_made_by(req, out);
    return true;
}

static void put_begun(struct bn_json *json, const struct asked *asked,
        const struct bn_operation *operation)
{
    char message[80];
    const bool is_restart = operation->type == BN_WORK_SERVICE_RESTART;
    snprintf(message, sizeof message, is_restart ? "Service restart initiated" : "%s begins",
            operation->action);
    bn_json_object(json);
    put_text(json, asked->is_camel ? "operationId" : "operation_id", operation->id);
    put_text(json, "status", "started");
    put_text(json, "message", message);
    put_i64(json, asked->is_camel ? "estimatedDuration" : "estimated_duration_ms",
            asked->estimate_ms);
    bn_json_object_end(json);
}

/* Whoever asks a second time joins the first (FEATURES J5). */
static void reply_running(struct bn_request *req, const struct bn_operation *running,
        const struct bn_err *err, bool is_camel)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "error");
    bn_json_object(&json);
    put_text(&json, "code", bn_code_word(err->code));
    put_text(&json, "message", err->text);
    put_text(&json, "request_id", req->id);
    bn_json_object_end(&json);
    put_text(&json, is_camel ? "operationId" : "operation_id", running->id);
    put_text(&json, "status", "already_running");
    put_text(&json, "message",
            running->type == BN_WORK_SERVICE_RESTART ? "Service restart already in progress"
                                                     : err->text);
    put_i64(&json, "progress", running->progress);
    bn_json_key(&json, is_camel ? "startedAt" : "started_at");
    bn_json_time(&json, running->started_at);
    put_text(&json, is_camel ? "createdBy" : "created_by", running->created_by);
    bn_json_object_end(&json);
    bn_reply_json(req, 409, &out);
}

static void on_begun(void *user, const struct bn_operation *operation, const struct bn_err *err)
{
    struct asked *asked = user;
    struct bn_request *req = bn_request_find(asked->web, asked->ticket);
    char action[32];
    snprintf(action, sizeof action, "target.%s", operation->action);
    bn_audit_deed(asked->web, asked->tenant, asked->address,
            &(struct bn_deed){.actor = asked->actor,
                    .action = action,
                    .object = operation->subject,
                    .detail = err ? err->text : operation->command,
                    .ok = !err});
    if (req && err) {
        bn_reply_err(req, err);
    } else if (req) {
        BN_BUF_AUTO out;
        bn_buf_init(&out, 1024);
        struct bn_json json;
        bn_json_init(&json, &out);
        put_begun(&json, asked, operation);
        bn_reply_json(req, 202, &out);
    }
    free(asked);
}

static void begin(struct bn_request *req, const struct bn_target *target,
        const struct bn_operate_form *form, bool is_camel)
{
    struct bn_operation wanted;
    struct bn_err err;
    if (!bn_operate_wish(req, target, form, &wanted, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    struct asked *asked = bn_alloc(sizeof *asked);
    asked->web = req->web;
    asked->ticket = req->ticket;
    asked->is_camel = is_camel;
    asked->estimate_ms = bn_action_find(wanted.type, target)->estimate_ms;
    memcpy(asked->tenant, req->who.tenant, sizeof asked->tenant);
    bn_text_clip(asked->address, sizeof asked->address, bn_str(req->address));
    bn_text_clip(asked->actor, sizeof asked->actor, bn_str(req->who.name));
    const struct bn_dispatch_order order = {.tenant = req->who.tenant,
            .target = target,
            .wanted = &wanted,
            .begun = on_begun,
            .user = asked};
    if (bn_dispatch_do(bn_web_parts(req->web)->dispatch, &order, &err))
        return;
    free(asked);
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    const struct bn_operation *running = bn_work_find_same(tenant, &wanted);
    if (err.code == BN_E_CONFLICT && running)
        reply_running(req, running, &err, is_camel);
    else
        bn_reply_err(req, &err);
}

bool bn_operate_is_on(const struct bn_request *req, struct bn_err *err)
{
    const struct bn_web_config *parts = bn_web_parts(req->web);
    if (parts->no_remote)
        return bn_fail(err, BN_E_FORBIDDEN,
                "nothing is begun on targets here: the setting `operations` is off");
    return parts->dispatch ||
           bn_fail(err, BN_E_UNAVAILABLE, "SSH is not available: its process could not be started");
}

bool bn_operate_is_possible(struct bn_request *req)
{
    struct bn_err err;
    if (bn_operate_is_on(req, &err))
        return true;
    bn_reply_err(req, &err);
    return false;
}

static void target_operate(struct bn_request *req)
{
    struct bn_operate_form form;
    struct bn_err err;
    uint64_t given = 0;
    const struct bn_target *target = bn_target_with_id(req, req->params[0], &err);
    if (!target) {
        bn_reply_err(req, &err);
        return;
    }
    if (bn_form_read(req, &operate_form_type, &form, &given) && bn_operate_is_possible(req))
        begin(req, target, &form, false);
}

static void restart_service(struct bn_request *req)
{
    struct bn_err err;
    struct bn_operate_form form = {.type = 0};
    const struct bn_target *target = bn_target_with_id(req, req->params[0], &err);
    if (!target) {
        bn_reply_err(req, &err);
        return;
    }
    if (bn_operate_is_possible(req))
        begin(req, target, &form, true);
}

/* --- what it wrote --------------------------------------------------------------------------- */

struct output_job {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_store *store;
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    int64_t from;
    bool was_read;
    struct bn_err err;
    size_t count;
    struct bn_piece pieces[PIECES_MAX];
};

/* next: where to go on; null when that was all. */
static void reply_pieces(struct bn_request *req, const struct bn_piece *pieces, size_t count,
        bool is_all)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, OUTPUT_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "pieces");
    bn_json_array(&json);
    for (size_t i = 0; i < count; i++) {
        bn_json_object(&json);
        put_i64(&json, "at", pieces[i].at);
        put_i64(&json, "bytes", pieces[i].bytes);
        put_text(&json, "text", pieces[i].text);
        bn_json_object_end(&json);
    }
    bn_json_array_end(&json);
    bn_json_key(&json, "next");
    if (is_all || !count)
        bn_json_null(&json);
    else
        bn_json_i64(&json, pieces[count - 1].at + pieces[count - 1].bytes);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

static void output_work(void *user)
{
    struct output_job *job = user;
    const struct bn_piece_query query = {job->tenant, job->id, job->from};
    job->count = PIECES_MAX;
    job->was_read = job->store &&
                    bn_store_read_pieces(job->store, &query, job->pieces, &job->count, &job->err);
}

static void output_done(void *user)
{
    struct output_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->was_read)
        reply_pieces(req, job->pieces, job->count, job->count < PIECES_MAX);
    else if (req) {
        if (job->err.code == BN_E_OK)
            bn_fail(&job->err, BN_E_UNAVAILABLE, "nothing is kept, or the server is going down");
        bn_reply_err(req, &job->err);
    }
    free(job);
}

static void reply_running_output(struct bn_request *req, const struct bn_transcript *transcript,
        int64_t from)
{
    struct bn_piece *pieces = bn_alloc_array(PIECES_MAX, sizeof *pieces);
    size_t count = 0;
    bool is_all = true;
    bn_list_each(it, &transcript->pieces) {
        const struct bn_transcript_piece *piece = container_of(it, struct bn_transcript_piece,
                link);
        if (piece->at < from && piece->at + piece->bytes <= from)
            continue;
        if (count == PIECES_MAX) {
            is_all = false;
            break;
        }
        pieces[count].at = piece->at;
        pieces[count].bytes = piece->bytes;
        bn_text_clip(pieces[count].text, sizeof pieces->text,
                (struct bn_str){piece->text, piece->len});
        count++;
    }
    reply_pieces(req, pieces, count, is_all);
    free(pieces);
}

static void operation_output(struct bn_request *req)
{
    static const struct bn_job_ops ops = {output_work, output_done};
    struct bn_err err;
    char id[BN_ID_MAX];
    int64_t from = 0;
    struct bn_dispatch *dispatch = bn_web_parts(req->web)->dispatch;
    if (!bn_query_only(req, output_query, &err) ||
            (!bn_parse_i64(bn_query(req, "from", "0"), 0, INT64_MAX, &from) &&
                    !bn_fail_field(&err, "from", "from must be an offset in bytes")) ||
            (!bn_text_copy(id, sizeof id, req->params[0]) &&
                    !bn_fail(&err, BN_E_NOT_FOUND, "there is no such operation"))) {
        bn_reply_err(req, &err);
        return;
    }
    const struct bn_transcript *running = dispatch ? bn_dispatch_output(dispatch, req->who.tenant,
                                                             id)
                                                   : NULL;
    if (running) {
        reply_running_output(req, running, from);
        return;
    }
    struct output_job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    job->store = bn_web_hub(req->web)->store;
    job->from = from;
    memcpy(job->tenant, req->who.tenant, sizeof job->tenant);
    memcpy(job->id, id, sizeof job->id);
    if (bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err))
        return;
    free(job);
    bn_reply_err(req, &err);
}

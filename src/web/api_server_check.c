#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/fleet.h"
#include "source/operations.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/web_private.h"

#define RESULTS_BYTES_MAX (8 << 20) /* of 10,000 servers */

const char *const bn_servers_check_query[] = {"wait", NULL};

/* Checks that somebody asked for: an operation. Whoever asks for all while all are being checked
   joins. */
struct run {
    struct bn_list link;
    struct bn_web *web;
    struct bn_work *work; /* NULL: it could not be kept; the checks go on */
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    char actor[64];
    char address[64];
    char object[192]; /* what is checked, for the audit */
    bool is_all;
    bool is_cancelled;
    size_t total;
    size_t online;
    size_t offline;
    size_t unknown;    /* the attempt came to nothing */
    uint64_t *tickets; /* requests that wait for the results */
    size_t ticket_count;
    struct bn_buf results;
    struct bn_json json;
};

/* --- a run ----------------------------------------------------------------------------------- */

static struct run *run_create(const struct bn_request *req, bool is_all)
{
    struct run *run = bn_alloc(sizeof *run);
    run->web = req->web;
    memcpy(run->tenant, req->who.tenant, sizeof run->tenant);
    bn_operation_make_id(run->id);
    bn_text_clip(run->actor, sizeof run->actor, bn_str(req->who.name));
    bn_text_clip(run->address, sizeof run->address, bn_str(req->address));
    run->is_all = is_all;
    bn_buf_init(&run->results, RESULTS_BYTES_MAX);
    bn_json_init(&run->json, &run->results);
    bn_json_object(&run->json);
    bn_json_key(&run->json, "results");
    bn_json_array(&run->json);
    bn_list_append(&req->web->check_runs, &run->link);
    return run;
}

static void run_destroy(struct run *run)
{
    bn_list_remove(&run->link);
    bn_buf_finish(&run->results);
    free(run->tickets);
    free(run);
}

static struct run *find_all(const struct bn_request *req)
{
    bn_list_each(it, &req->web->check_runs) {
        struct run *run = container_of(it, struct run, link);
        if (run->is_all && strcmp(run->tenant, req->who.tenant) == 0)
            return run;
    }
    return NULL;
}

static void put_number(struct bn_json *json, const char *name, int64_t value)
{
    bn_json_key(json, name);
    if (value == BN_UNKNOWN)
        bn_json_null(json);
    else
        bn_json_i64(json, value);
}

/* "37 of 50 checked, 2 offline" */
static void step(struct run *run, const struct bn_check *check)
{
    run->online += check->success == 1;
    run->offline += check->success == 0;
    run->unknown += check->success == BN_UNKNOWN;
    const size_t so_far = run->online + run->offline + run->unknown;
    if (!run->work)
        return;
    snprintf(run->work->now.message, sizeof run->work->now.message,
            "%zu of %zu checked, %zu offline", so_far, run->total, run->offline);
    bn_work_step(run->work, (int64_t)(so_far * 99 / BN_MAX(run->total, (size_t)1)),
            run->work->now.message);
}

static void on_one(void *user, const struct bn_check *check)
{
    struct run *run = user;
    step(run, check);
    const struct bn_server *server = bn_live_get(&bn_web_hub(run->web)->live, run->tenant,
            BN_KIND_SERVER, check->server_id);
    struct bn_json *json = &run->json;
    if (!server)
        return;
    bn_json_object(json);
    bn_json_key(json, "server_id");
    bn_json_text(json, check->server_id);
    bn_json_key(json, "server_name");
    bn_json_text(json, server->name);
    bn_json_key(json, "status");
    bn_json_text(json, check->success == 1   ? "online"
                       : check->success == 0 ? "offline"
                                             : "unknown");
    bn_json_key(json, "error");
    bn_json_text(json, check->error[0] ? check->error : NULL);
    bn_json_key(json, "error_class");
    bn_json_text(json, check->error_class[0] ? check->error_class : NULL);
    put_number(json, "nodes", check->nodes);
    put_number(json, "response_time_ms", check->response_time_ms);
    bn_json_object_end(json);
}

/* "48 online, 2 offline", and how many were not checked. */
static void say_end(const struct run *run, char out[160])
{
    const size_t missing = run->total - BN_MIN(run->total, run->online + run->offline);
    char more[48] = "";
    if (missing > 0)
        snprintf(more, sizeof more, ", %zu not checked", missing);
    snprintf(out, 160, "%zu online, %zu offline%s", run->online, run->offline, more);
}

/* Who had what checked, and what came of it. */
static void note_end(const struct run *run)
{
    char said[160];
    char detail[192];
    say_end(run, said);
    snprintf(detail, sizeof detail, "%s%s", run->is_cancelled ? "cancelled: " : "", said);
    bn_audit_deed(run->web, run->tenant, run->address,
            &(struct bn_deed){.actor = run->actor,
                    .action = "server.check",
                    .object = run->object,
                    .detail = detail,
                    .ok = true});
}

static void end_work(struct run *run)
{
    char said[160];
    if (!run->work)
        return;
    say_end(run, said);
    bn_text_clip(run->work->now.message, sizeof run->work->now.message, bn_str(said));
    bn_work_end(run->work, run->is_cancelled ? BN_WORK_CANCELLED : BN_WORK_COMPLETED, NULL, NULL);
    run->work = NULL;
}

static void on_done(void *user)
{
    struct run *run = user;
    note_end(run);
    end_work(run);
    bn_json_array_end(&run->json);
    bn_json_object_end(&run->json);
    for (size_t i = 0; i < run->ticket_count; i++) {
        struct bn_request *req = bn_request_find(run->web, run->tickets[i]);
        if (req)
            bn_reply_json(req, 200, &run->results);
    }
    run_destroy(run);
}

void bn_servers_check_hurry(struct bn_web *web)
{
    struct bn_err err;
    bn_fail(&err, BN_E_UNAVAILABLE, "this server is about to end: ask again when it is back");
    bn_list_each(it, &web->check_runs) {
        struct run *run = container_of(it, struct run, link);
        for (size_t i = 0; i < run->ticket_count; i++) {
            struct bn_request *req = bn_request_find(web, run->tickets[i]);
            if (req)
                bn_reply_err(req, &err);
        }
        run->ticket_count = 0;
        run->work = NULL; /* the next start finds it under way and says that it was interrupted */
    }
}

bool bn_servers_check_cancel(struct bn_web *web, const char *tenant, const char *id,
        struct bn_err *err)
{
    bn_list_each(it, &web->check_runs) {
        struct run *run = container_of(it, struct run, link);
        if (strcmp(run->id, id) != 0 || strcmp(run->tenant, tenant) != 0)
            continue;
        run->is_cancelled = true;
        bn_fleet_leave(bn_web_parts(web)->fleet, run);
        return true;
    }
    return bn_fail(err, BN_E_NOT_FOUND, "this run of checks is over");
}

/* --- what is asked --------------------------------------------------------------------------- */

struct wanted {
    char (*ids)[BN_ID_MAX];
    const char **list; /* of them */
    size_t count;
    bool is_all;
    bool waits;
};

static void wanted_finish(struct wanted *wanted)
{
    free(wanted->ids);
    free(wanted->list);
}

/* Each once, of this tenant, and not switched off. */
static bool take_id(const struct bn_request *req, const struct bn_doc *item, struct wanted *wanted,
        struct bn_err *err)
{
    struct bn_str id;
    if (!bn_doc_get_text(item, &id))
        return bn_fail_field(err, "server_ids", "server_ids must be a list of ids");
    const struct bn_server *server = bn_server_with_id(req, id, err);
    if (!server)
        return false;
    if (server->is_active == 0)
        return bn_fail(err, BN_E_CONFLICT, "the server \"%.100s\" is disabled: enable it first",
                server->name);
    for (size_t i = 0; i < wanted->count; i++)
        if (strcmp(wanted->list[i], server->id) == 0)
            return true;
    memcpy(wanted->ids[wanted->count], server->id, BN_ID_MAX);
    wanted->list[wanted->count] = wanted->ids[wanted->count];
    wanted->count++;
    return true;
}

static bool take_ids(const struct bn_request *req, const struct bn_doc *ids, struct wanted *wanted,
        struct bn_err *err)
{
    const size_t count = bn_doc_count(ids);
    if (!bn_doc_is_list(ids) || count == 0 || count > BN_SERVERS_MAX)
        return bn_fail_field(err, "server_ids", "server_ids must be a list of 1 to %d ids",
                BN_SERVERS_MAX);
    wanted->is_all = false;
    wanted->ids = bn_alloc(count * sizeof *wanted->ids);
    wanted->list = bn_alloc(count * sizeof *wanted->list);
    for (size_t i = 0; i < count; i++)
        if (!take_id(req, bn_doc_item(ids, i), wanted, err))
            return false;
    return true;
}

static bool read_wanted(const struct bn_request *req, struct wanted *wanted, struct bn_err *err)
{
    static const char *const members[] = {"server_ids", NULL};
    BN_DOC_AUTO *doc = NULL;
    const struct bn_str wait = bn_query(req, "wait", "0");
    *wanted = (struct wanted){.is_all = true, .waits = bn_str_is(wait, "1")};
    if (!bn_query_only(req, bn_servers_check_query, err))
        return false;
    if (!wanted->waits && !bn_str_is(wait, "0"))
        return bn_fail_field(err, "wait", "wait must be 0 or 1");
    if (req->body.len == 0)
        return true;
    if (!bn_doc_parse(req->body, &doc, err) || !bn_doc_only(doc, members, err))
        return false;
    const struct bn_doc *ids = bn_doc_at(doc, "server_ids");
    return !ids || bn_doc_is_null(ids) || take_ids(req, ids, wanted, err);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void wait_for(struct bn_request *req, struct run *run)
{
    uint64_t *more = bn_alloc((run->ticket_count + 1) * sizeof *more);
    if (run->ticket_count > 0)
        memcpy(more, run->tickets, run->ticket_count * sizeof *more);
    free(run->tickets);
    run->tickets = more;
    more[run->ticket_count++] = req->ticket;
}

static void reply_id(struct bn_request *req, const char *id)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 256);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "operation_id");
    bn_json_text(&json, id);
    bn_json_object_end(&json);
    bn_reply_json(req, 202, &out);
}

static void reply_nothing(struct bn_request *req)
{
    bn_reply(req, 200, "application/json",
            BN_STR("{\"results\":[],\"message\":\"No active servers to check\"}"));
}

/* Who is told the id when it is kept. */
struct starter {
    struct bn_web *web;
    uint64_t ticket;
    char id[BN_ID_MAX];
    bool waits; /* for the results, so that this answers nobody */
};

static struct run *find_run(struct bn_web *web, const char *id)
{
    bn_list_each(it, &web->check_runs) {
        struct run *run = container_of(it, struct run, link);
        if (strcmp(run->id, id) == 0)
            return run;
    }
    return NULL;
}

static void on_kept(void *user, const struct bn_err *err)
{
    struct starter *starter = user;
    struct bn_request *req = bn_request_find(starter->web, starter->ticket);
    struct run *run = find_run(starter->web, starter->id);
    if (err && run)
        run->work = NULL; /* that is no more; the checks are made all the same */
    if (req && !starter->waits && err)
        bn_reply_err(req, err);
    else if (req && !starter->waits)
        reply_id(req, starter->id);
    free(starter);
}

/* False: it is not admitted, so nobody can be told of it. */
static bool begin_work(const struct bn_request *req, struct run *run, bool waits,
        struct bn_err *err)
{
    struct bn_operation first;
    struct starter *starter = bn_alloc(sizeof *starter);
    *starter = (struct starter){.web = req->web, .ticket = req->ticket, .waits = waits};
    memcpy(starter->id, run->id, sizeof starter->id);
    bn_record_clear(&bn_operation_type, &first);
    memcpy(first.id, run->id, sizeof first.id);
    first.type = BN_WORK_HEALTH_CHECK;
    snprintf(first.subject, sizeof first.subject, "%zu server%s", run->total,
            run->total == 1 ? "" : "s");
    bn_operation_made_by(req, &first);
    run->work = bn_work_begin(bn_web_parts(req->web)->operations,
            &(struct bn_work_first){req->who.tenant, &first, on_kept, starter}, err);
    if (run->work)
        return true;
    free(starter);
    return false;
}

/* "all servers", the one by its name, or how many. */
static void name_run(const struct bn_request *req, const struct wanted *wanted, struct run *run)
{
    const struct bn_server *one = wanted->count == 1 ? bn_live_get(&bn_web_hub(req->web)->live,
                                                               req->who.tenant, BN_KIND_SERVER,
                                                               wanted->list[0])
                                                     : NULL;
    if (one)
        bn_text_clip(run->object, sizeof run->object, bn_str(one->name));
    else
        snprintf(run->object, sizeof run->object,
                wanted->is_all ? "all servers (%zu)" : "%zu servers", run->total);
}

static void check(struct bn_request *req, const struct wanted *wanted)
{
    struct run *run = wanted->is_all ? find_all(req) : NULL;
    struct bn_err err;
    if (run) {
        if (wanted->waits)
            wait_for(req, run);
        else
            reply_id(req, run->id);
        return;
    }
    run = run_create(req, wanted->is_all);
    const struct bn_fleet_run ops = {.one = on_one, .done = on_done, .user = run};
    run->total = bn_fleet_check_now(bn_web_parts(req->web)->fleet, req->who.tenant, wanted->list,
            wanted->count, &ops);
    if (run->total == 0) {
        run_destroy(run);
        reply_nothing(req);
        return;
    }
    name_run(req, wanted, run);
    if (wanted->waits)
        wait_for(req, run);
    if (!begin_work(req, run, wanted->waits, &err) && !wanted->waits)
        bn_reply_err(req, &err);
}

static struct bn_str asker(const struct bn_request *req)
{
    return bn_str(req->who.user_id[0] ? req->who.user_id : req->who.key_id);
}

void bn_servers_check(struct bn_request *req)
{
    struct wanted wanted;
    struct bn_err err;
    if (!read_wanted(req, &wanted, &err))
        bn_reply_err(req, &err);
    else if (bn_may_try(req, BN_TRY_CHECK, asker(req), "checking servers"))
        check(req, &wanted);
    wanted_finish(&wanted);
}

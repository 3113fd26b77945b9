#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/work.h"
#include "source/batch.h"
#include "source/operations.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/late.h"
#include "web/server.h"

#define BODY_MAX   2048      /* a reason, escaped */
#define ANSWER_MAX (2 << 20) /* BN_OPERATIONS_MAX of them, if all hung */
#define HOUR_MS    3600000LL

static const char NONE_SUCH[] = "there is no such operation";

static void operation_force(struct bn_request *req);
static void operation_delete(struct bn_request *req);
static void operations_clean(struct bn_request *req);

static const char *const end_words[] = {"completed", "failed", NULL};

struct force_form {
    int64_t status; /* index into end_words */
    char reason[120];
};

static const struct bn_field force_fields[] = {
        BN_FIELD(struct force_form, status, BN_T_ENUM, .flags = BN_F_REQUIRED, .words = end_words,
                .doc = "how it ends"),
        BN_FIELD(struct force_form, reason, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "why; it stands in the operation and in the audit"),
};

static const struct bn_record_type force_form_type = {
        .name = "operation_force_form",
        .size = sizeof(struct force_form),
        .fields = force_fields,
        .field_count = COUNT(force_fields),
};

struct clean_form {
    int64_t hours_old;
    int64_t force_stuck;
};

static const struct bn_field clean_fields[] = {
        BN_FIELD(struct clean_form, hours_old, BN_T_I64, .min = 1, .max = 24 * 365,
                .doc = "those that ended so long ago are removed; 24"),
        BN_FIELD(struct clean_form, force_stuck, BN_T_BOOL,
                .doc = "and those that run for more than 30 minutes end as failed; false"),
};

static const struct bn_record_type clean_form_type = {
        .name = "operations_cleanup_form",
        .size = sizeof(struct clean_form),
        .fields = clean_fields,
        .field_count = COUNT(clean_fields),
};

const struct bn_route bn_operation_admin_routes[] = {
        {.method = "POST",
                .path = "/api/v1/operations/{id}/force-complete",
                .right = BN_RIGHT_ADMIN,
                .handler = operation_force,
                .body_max = BODY_MAX,
                .summary = "End an operation that hangs, whatever its worker says later; its "
                           "target is free at once",
                .takes = &force_form_type},
        {.method = "DELETE",
                .path = "/api/v1/operations/{id}",
                .right = BN_RIGHT_ADMIN,
                .handler = operation_delete,
                .summary = "Remove an operation that has ended, with all it said"},
        {.method = "POST",
                .path = "/api/v1/operations/cleanup",
                .right = BN_RIGHT_ADMIN,
                .handler = operations_clean,
                .body_max = BODY_MAX,
                .summary = "Remove operations that ended long ago, and end those that hang",
                .takes = &clean_form_type},
};

const size_t bn_operation_admin_route_count = COUNT(bn_operation_admin_routes);

/* --- ending one ------------------------------------------------------------------------------ */

/* Whoever works at it hears so: of power and on a target when he looks next. */
static void stop_worker(struct bn_web *web, const char *tenant,
        const struct bn_operation *operation)
{
    struct bn_err err;
    const struct bn_web_config *parts = bn_web_parts(web);
    if (operation->type == BN_WORK_HEALTH_CHECK)
        (void)!bn_servers_check_cancel(web, tenant, operation->id, &err);
    else if (operation->type == BN_WORK_BATCH && parts->batches)
        (void)!bn_batch_cancel(parts->batches, tenant, operation->id, &err);
}

static const char *hint_for(const struct bn_operation *operation)
{
    if (operation->type == BN_WORK_VM_POWER && operation->upid[0])
        return "Its task may go on: look at the guest yourself.";
    return operation->sent_at ? "The command had been sent: look at the target yourself." : "";
}

/* The operation is a copy, for the one that is known changes when it ends. */
static bool force(struct bn_web *web, const struct bn_work_force *wanted,
        const struct bn_operation *operation, struct bn_err *err)
{
    const struct bn_operation left = *operation;
    struct bn_work_force whole = *wanted;
    whole.left = &left;
    whole.hint = hint_for(&left);
    if (!bn_work_force_end(bn_web_parts(web)->operations, &whole, err))
        return false;
    stop_worker(web, wanted->tenant, &left);
    return true;
}

static void force_kept(void *user, const struct bn_err *err)
{
    bn_late_answer(user, NULL, err);
}

static struct bn_late *force_answer(struct bn_request *req, const char *id, const char *status)
{
    struct bn_late *late = bn_late_create(req, 200);
    struct bn_json json;
    bn_json_init(&json, &late->body);
    bn_json_object(&json);
    bn_json_key(&json, "operation_id");
    bn_json_text(&json, id);
    bn_json_key(&json, "status");
    bn_json_text(&json, status);
    bn_json_object_end(&json);
    return late;
}

static void note_force(const struct bn_request *req, const struct bn_operation *operation,
        const struct force_form *form, const struct bn_err *err)
{
    char detail[420];
    snprintf(detail, sizeof detail, "%.64s as %s: %.119s%s%.191s", operation->id,
            end_words[form->status], form->reason, err ? ": " : "", err ? err->text : "");
    bn_audit_request(req, &(struct bn_deed){.action = "operation.force_complete",
                                  .object = operation->subject,
                                  .detail = detail,
                                  .ok = !err});
}

static void force_known(struct bn_request *req, const struct bn_operation *operation,
        const struct force_form *form)
{
    struct bn_err err;
    char said[200];
    const struct bn_operation before = *operation;
    const bool is_failed = form->status == 1;
    snprintf(said, sizeof said, "Ended by %.60s: %s", req->who.name, form->reason);
    struct bn_late *late = force_answer(req, before.id, end_words[form->status]);
    struct bn_work_force wanted = {.tenant = req->who.tenant,
            .status = is_failed ? BN_WORK_FAILED : BN_WORK_COMPLETED,
            .message = is_failed ? "" : said,
            .error = is_failed ? said : "",
            .kept = force_kept,
            .user = late};
    if (force(req->web, &wanted, operation, &err)) {
        note_force(req, &before, form, NULL);
        return;
    }
    note_force(req, &before, form, &err);
    bn_late_refuse(req, late, &err);
}

/* --- one that may be out of sight ------------------------------------------------------------ */

/* Read from the history, and then looked at again. */
struct past_job {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_store *store; /* NULL: nothing is kept */
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    bool was_read;
    struct bn_err err;
    struct bn_operation_told one;
    void (*then)(struct bn_request *req, const struct bn_operation *operation);
};

static void past_work(void *user)
{
    struct past_job *job = user;
    job->was_read = job->store ? bn_store_read_operation(job->store, job->tenant, job->id,
                                         &job->one, &job->err)
                               : bn_fail(&job->err, BN_E_NOT_FOUND, "%s", NONE_SUCH);
}

static void past_done(void *user)
{
    struct past_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->was_read) {
        job->then(req, &job->one.operation);
    } else if (req) {
        if (job->err.code == BN_E_OK)
            bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is going down");
        bn_reply_err(req, &job->err);
    }
    free(job);
}

/* What is known now of the operation the path names; NULL: it is read, and `then` called. */
static const struct bn_operation *known_or_read(struct bn_request *req,
        void (*then)(struct bn_request *req, const struct bn_operation *operation))
{
    static const struct bn_job_ops ops = {past_work, past_done};
    struct bn_err err;
    char id[BN_ID_MAX];
    if (!bn_text_copy(id, sizeof id, req->params[0])) {
        bn_fail(&err, BN_E_NOT_FOUND, "%s", NONE_SUCH);
        bn_reply_err(req, &err);
        return NULL;
    }
    const struct bn_operation *operation = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant,
            BN_KIND_OPERATION, id);
    if (operation)
        return operation;
    struct past_job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    job->store = bn_web_hub(req->web)->store;
    job->then = then;
    memcpy(job->tenant, req->who.tenant, sizeof job->tenant);
    memcpy(job->id, id, sizeof job->id);
    if (bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err))
        return NULL;
    free(job);
    bn_reply_err(req, &err);
    return NULL;
}

static void say_over(struct bn_request *req, const struct bn_operation *operation)
{
    struct bn_err err;
    if (bn_operation_is_over(operation))
        bn_fail(&err, BN_E_CONFLICT, "this operation has ended: %s",
                bn_work_status_word(operation->status));
    else
        bn_fail(&err, BN_E_CONFLICT, "it is of a kind that this version does not know");
    bn_reply_err(req, &err);
}

static void operation_force(struct bn_request *req)
{
    struct force_form form;
    uint64_t given;
    if (!bn_form_read(req, &force_form_type, &form, &given))
        return;
    const struct bn_operation *operation = known_or_read(req, say_over);
    if (operation && bn_operation_is_over(operation))
        say_over(req, operation);
    else if (operation)
        force_known(req, operation, &form);
}

/* --- removing one ---------------------------------------------------------------------------- */

static bool may_remove(struct bn_web *web, const char *tenant, const struct bn_operation *operation,
        struct bn_err *err)
{
    if (!bn_operation_is_over(operation))
        return bn_fail(err, BN_E_CONFLICT,
                "it is under way: cancel it, or end it with force-complete first");
    return !bn_work_is_at(bn_web_parts(web)->operations, tenant, operation->id) ||
           bn_fail(err, BN_E_CONFLICT, "it ends this moment: ask again");
}

static void fill_gone(struct bn_fact *out, const char *tenant, const struct bn_operation *operation)
{
    bn_fact_init(out, BN_KIND_OPERATION, tenant);
    out->op = BN_GONE;
    out->u.operation = *operation;
}

static void remove_it(struct bn_request *req, const struct bn_operation *operation)
{
    struct bn_err err;
    struct bn_fact fact;
    fill_gone(&fact, req->who.tenant, operation);
    if (!may_remove(req->web, req->who.tenant, operation, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    if (bn_late_ask(req, bn_late_create(req, 204), &fact))
        bn_audit_request(req, &(struct bn_deed){.action = "operation.delete",
                                      .object = fact.u.operation.subject,
                                      .detail = fact.u.operation.id,
                                      .ok = true});
}

static void operation_delete(struct bn_request *req)
{
    const struct bn_operation *operation = known_or_read(req, remove_it);
    if (operation)
        remove_it(req, operation);
}

/* --- cleaning up ----------------------------------------------------------------------------- */

/* One call: what hangs is ended, then what is old is removed, so many at a time. */
struct clean {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_store *store; /* NULL: nothing is kept */
    char tenant[BN_TENANT_MAX];
    char address[48];
    char actor[64];
    int64_t hours_old;
    int64_t ended_before_ms;
    struct bn_buf body;
    struct bn_json json; /* the answer so far: what was ended */
    int64_t forced;
    int64_t removed;
    int64_t stays;  /* of what is old: its batch is under way */
    size_t waiting; /* for the store's word; the asker counts as one */
    struct bn_err err;
    bool was_read;
    size_t count;
    struct bn_operation operations[BN_OPERATIONS_CLEAN_AT_ONCE];
};

static void clean_go_on(struct clean *clean);

static void clean_end(struct clean *clean)
{
    struct bn_request *req = bn_request_find(clean->web, clean->ticket);
    char detail[400];
    snprintf(detail, sizeof detail, "%lld removed that ended more than %lld h ago, %lld ended%s%s",
            (long long)clean->removed, (long long)clean->hours_old, (long long)clean->forced,
            clean->err.code ? "; " : "", clean->err.code ? clean->err.text : "");
    bn_audit_deed(clean->web, clean->tenant, clean->address,
            &(struct bn_deed){.actor = clean->actor,
                    .action = "operation.cleanup",
                    .object = "operations",
                    .detail = detail,
                    .ok = !clean->err.code});
    bn_json_array_end(&clean->json);
    bn_json_key(&clean->json, "removed");
    bn_json_i64(&clean->json, clean->removed);
    bn_json_key(&clean->json, "hours_old");
    bn_json_i64(&clean->json, clean->hours_old);
    bn_json_object_end(&clean->json);
    if (req && clean->err.code)
        bn_reply_err(req, &clean->err);
    else if (req)
        bn_reply_json(req, 200, &clean->body);
    bn_buf_finish(&clean->body);
    free(clean);
}

/* The store has spoken of one, or the last was asked. */
static void clean_heard(struct clean *clean)
{
    if (--clean->waiting > 0)
        return;
    if (clean->err.code || (clean->was_read && clean->count < BN_OPERATIONS_CLEAN_AT_ONCE))
        clean_end(clean);
    else
        clean_go_on(clean);
}

static void clean_work(void *user)
{
    struct clean *clean = user;
    const struct bn_operation_query query = {.tenant = clean->tenant,
            .ended_before_ms = clean->ended_before_ms,
            .skip = clean->stays};
    int64_t total;
    clean->count = clean->store ? BN_OPERATIONS_CLEAN_AT_ONCE : 0;
    clean->was_read = !clean->store ||
                      bn_store_read_operations(clean->store, &query, clean->operations,
                              &clean->count, &total, &clean->err);
}

static void on_gone(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct clean *clean = user;
    (void)fact;
    if (err)
        clean->err = *err;
    clean->removed += !err;
    clean_heard(clean);
}

static void clean_done(void *user)
{
    struct clean *clean = user;
    struct bn_fact fact;
    struct bn_err err;
    if (!clean->was_read) {
        if (clean->err.code == BN_E_OK)
            bn_fail(&clean->err, BN_E_UNAVAILABLE, "the server is going down");
        clean_end(clean);
        return;
    }
    clean->waiting = 1;
    for (size_t i = 0; i < clean->count; i++) {
        fill_gone(&fact, clean->tenant, &clean->operations[i]);
        clean->waiting++;
        if (may_remove(clean->web, clean->tenant, &clean->operations[i], &err) &&
                bn_hub_ask(bn_web_hub(clean->web), &fact, on_gone, clean, &err))
            continue;
        clean->waiting--;
        clean->stays++;
    }
    clean_heard(clean);
}

static void clean_go_on(struct clean *clean)
{
    static const struct bn_job_ops ops = {clean_work, clean_done};
    if (!bn_worker_do(bn_web_query_worker(clean->web), &ops, clean, &clean->err))
        clean_end(clean);
}

static void on_forced(void *user, const struct bn_err *err)
{
    struct clean *clean = user;
    if (err)
        clean->err = *err;
    clean_heard(clean);
}

static void put_forced(struct clean *clean, const struct bn_operation *operation)
{
    bn_json_object(&clean->json);
    bn_json_key(&clean->json, "operation_id");
    bn_json_text(&clean->json, operation->id);
    bn_json_key(&clean->json, "subject");
    bn_json_text(&clean->json, operation->subject);
    bn_json_object_end(&clean->json);
}

/* What waits in a batch waits for its turn: the batch is what may hang. */
static bool is_stuck(const struct clean *clean, const struct bn_operation *operation)
{
    const int64_t now = bn_web_clock(clean->web)->now_ms;
    return !bn_operation_is_over(operation) &&
           !(operation->status == BN_WORK_PENDING && operation->parent_id[0]) &&
           now - operation->started_at > BN_OPERATION_STUCK_MS;
}

static void force_stuck(struct clean *clean)
{
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(clean->web)->live,
            clean->tenant);
    char error[160];
    struct bn_err err;
    snprintf(error, sizeof error, "Ended by %.60s's clean-up: it ran for more than %d minutes.",
            clean->actor, BN_OPERATION_STUCK_MS / 60000);
    bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
    {
        const struct bn_operation *operation = (const void *)row->record;
        struct bn_work_force wanted = {.tenant = clean->tenant,
                .status = BN_WORK_FAILED,
                .message = "",
                .error = error,
                .kept = on_forced,
                .user = clean};
        if (!is_stuck(clean, operation))
            continue;
        clean->waiting++;
        if (!force(clean->web, &wanted, operation, &err)) { /* it ends by itself just now */
            clean->waiting--;
            continue;
        }
        put_forced(clean, operation);
        clean->forced++;
    }
}

static struct clean *clean_create(const struct bn_request *req, const struct clean_form *form)
{
    struct clean *clean = bn_alloc(sizeof *clean);
    clean->web = req->web;
    clean->ticket = req->ticket;
    clean->store = bn_web_hub(req->web)->store;
    memcpy(clean->tenant, req->who.tenant, sizeof clean->tenant);
    bn_text_clip(clean->address, sizeof clean->address, bn_str(req->address));
    bn_text_clip(clean->actor, sizeof clean->actor, bn_str(req->who.name));
    clean->hours_old = form->hours_old == BN_UNKNOWN ? BN_OPERATIONS_CLEAN_HOURS : form->hours_old;
    clean->ended_before_ms = bn_web_clock(req->web)->now_ms - clean->hours_old * HOUR_MS;
    bn_buf_init(&clean->body, ANSWER_MAX);
    bn_json_init(&clean->json, &clean->body);
    bn_json_object(&clean->json);
    bn_json_key(&clean->json, "force_failed");
    bn_json_array(&clean->json);
    return clean;
}

static void operations_clean(struct bn_request *req)
{
    struct clean_form form;
    uint64_t given;
    if (!bn_form_read(req, &clean_form_type, &form, &given))
        return;
    struct clean *clean = clean_create(req, &form);
    clean->waiting = 1;
    if (form.force_stuck == 1)
        force_stuck(clean);
    clean_heard(clean);
}

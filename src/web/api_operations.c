#include <stdlib.h>
#include <string.h>

#include "source/batch.h"
#include "source/dispatch.h"
#include "source/power.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/guest_right.h"
#include "web/output.h"
#include "web/server.h"

#define ONE_BYTES_MAX (1 << 20) /* 200 lines and 64 KiB of output, escaped */

static const char NONE_SUCH[] = "there is no such operation";

void bn_operation_made_by(const struct bn_request *req, struct bn_operation *out)
{
    bn_text_clip(out->created_by, sizeof out->created_by, bn_str(req->who.name));
    out->created_by_kind = req->who.kind == BN_WHO_KEY ? BN_MADE_BY_KEY : BN_MADE_BY_USER;
    bn_text_clip(out->created_by_id, sizeof out->created_by_id,
            bn_str(req->who.kind == BN_WHO_KEY ? req->who.key_id : req->who.user_id));
}

/* --- a question to the store ----------------------------------------------------------------- */

struct history_job {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_store *store; /* NULL: nothing is kept */
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    bool was_read;
    struct bn_err err;
    struct bn_operation_told one;
    size_t piece_count; /* of what it wrote, its end */
    struct bn_piece pieces[BN_OUTPUT_LAST];
};

static bool read_one(struct history_job *job)
{
    const struct bn_piece_query query = {job->tenant, job->id, BN_UNKNOWN};
    if (!bn_store_read_operation(job->store, job->tenant, job->id, &job->one, &job->err))
        return false;
    job->piece_count = BN_OUTPUT_LAST;
    return bn_store_read_pieces(job->store, &query, job->pieces, &job->piece_count, &job->err);
}

static void work(void *user)
{
    struct history_job *job = user;
    job->was_read = job->store ? read_one(job)
                               : bn_fail(&job->err, BN_E_NOT_FOUND, "nothing is kept");
}

/* What there is to read of one: lines of a task, or the end of what a command wrote. */
struct said {
    const struct bn_output *lines;
    size_t line_count;
    const struct bn_piece *pieces;
    size_t piece_count;
};

static void put_one(struct bn_json *json, const struct bn_operation *operation,
        const struct said *said)
{
    bn_json_object(json);
    bn_record_json(&bn_operation_type, operation, BN_MASK_ALL, BN_ABSENT_NULL, json);
    bn_json_key(json, "log");
    bn_json_array(json);
    for (size_t i = 0; i < said->line_count; i++) {
        bn_json_object(json);
        bn_json_key(json, "n");
        bn_json_i64(json, said->lines[i].n);
        bn_json_key(json, "t");
        bn_json_text(json, said->lines[i].text);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
    if (bn_operation_is_remote(operation))
        bn_output_put(json, said->pieces, said->piece_count);
    bn_json_object_end(json);
}

static void done(void *user)
{
    struct history_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->was_read && !bn_may_see_operation(req, &job->one.operation))
        job->was_read = bn_fail(&job->err, BN_E_NOT_FOUND, "%s", NONE_SUCH);
    if (req && job->was_read) {
        BN_BUF_AUTO out;
        bn_buf_init(&out, ONE_BYTES_MAX);
        struct bn_json json;
        bn_json_init(&json, &out);
        put_one(&json, &job->one.operation,
                &(struct said){job->one.lines, job->one.line_count, job->pieces, job->piece_count});
        bn_reply_json(req, 200, &out);
    } else if (req) {
        if (job->err.code == BN_E_OK)
            bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is going down");
        bn_reply_err(req, &job->err);
    }
    free(job);
}

/* --- one ------------------------------------------------------------------------------------- */

/* Who asked for one that is under way: what it is comes from what is known now, what its task says
   from the server. */
struct look {
    struct bn_web *web;
    uint64_t ticket;
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
};

static const struct bn_operation *known(struct bn_web *web, const char *tenant, const char *id)
{
    return bn_live_get(&bn_web_hub(web)->live, tenant, BN_KIND_OPERATION, id);
}

static void reply_one(struct bn_request *req, const struct bn_operation *operation,
        const struct said *said)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, ONE_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    put_one(&json, operation, said);
    bn_reply_json(req, 200, &out);
}

static void on_said(void *user, const struct bn_output *lines, size_t n)
{
    struct look *look = user;
    struct bn_request *req = bn_request_find(look->web, look->ticket);
    const struct bn_operation *operation = known(look->web, look->tenant, look->id);
    if (req && operation && bn_may_see_operation(req, operation))
        reply_one(req, operation, &(struct said){.lines = lines, .line_count = n});
    else if (req)
        bn_reply_err(req,
                &(struct bn_err){.code = BN_E_NOT_FOUND, .text = "there is no such operation"});
    free(look);
}

static bool read_id(const struct bn_request *req, char out[BN_ID_MAX], struct bn_err *err)
{
    return bn_text_copy(out, BN_ID_MAX, req->params[0]) ||
           bn_fail(err, BN_E_NOT_FOUND, "%s", NONE_SUCH);
}

static void reply_running(struct bn_request *req, const struct bn_operation *operation)
{
    struct bn_dispatch *dispatch = bn_web_parts(req->web)->dispatch;
    const struct bn_transcript *transcript = dispatch ? bn_dispatch_output(dispatch,
                                                                req->who.tenant, operation->id)
                                                      : NULL;
    struct bn_piece *pieces = bn_alloc_array(BN_OUTPUT_LAST, sizeof *pieces);
    const size_t n = transcript ? bn_output_last(transcript, pieces) : 0;
    reply_one(req, operation, &(struct said){.pieces = pieces, .piece_count = n});
    free(pieces);
}

static void show_active(struct bn_request *req, const struct bn_operation *operation)
{
    struct look *look = bn_alloc(sizeof *look);
    look->web = req->web;
    look->ticket = req->ticket;
    memcpy(look->tenant, req->who.tenant, sizeof look->tenant);
    memcpy(look->id, operation->id, sizeof look->id);
    if (operation->type == BN_WORK_VM_POWER &&
            bn_power_log(bn_web_parts(req->web)->power, look->tenant, look->id, on_said, look))
        return;
    free(look);
    reply_running(req, operation);
}

static void read_kept(struct bn_request *req, const char *id)
{
    static const struct bn_job_ops ops = {work, done};
    struct bn_err err;
    struct history_job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    job->store = bn_web_hub(req->web)->store;
    memcpy(job->tenant, req->who.tenant, sizeof job->tenant);
    bn_text_clip(job->id, sizeof job->id, bn_str(id));
    if (bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err))
        return;
    free(job);
    bn_reply_err(req, &err);
}

void bn_operation_show(struct bn_request *req)
{
    struct bn_err err;
    char id[BN_ID_MAX];
    if (!read_id(req, id, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    const struct bn_operation *operation = known(req->web, req->who.tenant, id);
    if (operation && !bn_may_see_operation(req, operation)) {
        bn_fail(&err, BN_E_NOT_FOUND, "%s", NONE_SUCH);
        bn_reply_err(req, &err);
        return;
    }
    if (operation && !bn_operation_is_over(operation)) {
        show_active(req, operation);
        return;
    }
    read_kept(req, id);
}

/* --- cancelling ------------------------------------------------------------------------------ */

/* Managers any; others what they may do to that guest themselves. */
static bool may_cancel(const struct bn_request *req, const struct bn_operation *operation,
        struct bn_err *err)
{
    if (bn_who_may(&req->who, BN_RIGHT_OPERATE))
        return true;
    if (operation->type == BN_WORK_VM_POWER)
        return bn_may_act_on_guest(req, operation->server_id, operation->vmid, operation->action,
                err);
    return bn_fail(err, BN_E_FORBIDDEN, "only managers and administrators may cancel this");
}

static bool cancel(const struct bn_request *req, const struct bn_operation *operation,
        struct bn_err *err)
{
    if (!may_cancel(req, operation, err))
        return false;
    switch (operation->type) {
    case BN_WORK_VM_POWER:
        return bn_power_cancel(bn_web_parts(req->web)->power, req->who.tenant, operation->id, err);
    case BN_WORK_HEALTH_CHECK:
        return bn_servers_check_cancel(req->web, req->who.tenant, operation->id, err);
    default: break;
    }
    struct bn_dispatch *dispatch = bn_web_parts(req->web)->dispatch;
    struct bn_batches *batches = bn_web_parts(req->web)->batches;
    if (operation->type == BN_WORK_BATCH && batches)
        return bn_batch_cancel(batches, req->who.tenant, operation->id, err);
    return bn_operation_is_remote(operation) && dispatch
                   ? bn_dispatch_cancel(dispatch, req->who.tenant, operation->id, err)
                   : bn_fail(err, BN_E_CONFLICT, "this cannot be stopped half-way");
}

void bn_operation_cancel(struct bn_request *req)
{
    struct bn_err err;
    char id[BN_ID_MAX];
    const struct bn_operation *operation = NULL;
    if (read_id(req, id, &err))
        operation = known(req->web, req->who.tenant, id);
    if (operation && !bn_may_see_operation(req, operation))
        operation = NULL;
    if (!operation || bn_operation_is_over(operation)) {
        bn_fail(&err, operation ? BN_E_CONFLICT : BN_E_NOT_FOUND, "%s",
                operation ? "this operation has ended" : "no such operation is under way");
        bn_reply_err(req, &err);
        return;
    }
    const bool is_asked = cancel(req, operation, &err);
    bn_audit_request(req, &(struct bn_deed){.action = "operation.cancel",
                                  .object = operation->subject,
                                  .detail = is_asked ? operation->id : err.text,
                                  .ok = is_asked});
    if (!is_asked) {
        bn_reply_err(req, &err);
        return;
    }
    BN_BUF_AUTO out;
    bn_buf_init(&out, 512);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "operation_id");
    bn_json_text(&json, id);
    bn_json_key(&json, "status");
    bn_json_text(&json, "cancelling");
    bn_json_object_end(&json);
    bn_reply_json(req, 202, &out);
}

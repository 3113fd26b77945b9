#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/console.h"

#define LIST_BYTES_MAX (1 << 20) /* BN_CONSOLES_PAGE of them */

const char *const bn_consoles_query[] = {"server_id", "user_id", "open", "page", NULL};

/* --- ending one ------------------------------------------------------------------------------ */

void bn_console_end_route(struct bn_request *req)
{
    struct bn_console_session *session = bn_console_find(req->web, req->who.tenant, req->params[0]);
    struct bn_err err;
    if (!session ||
            (!bn_console_is_of(session, &req->who) && !bn_who_may(&req->who, BN_RIGHT_ADMIN))) {
        bn_fail(&err, BN_E_NOT_FOUND, "there is no such console, or it has ended");
        bn_reply_err(req, &err);
        return;
    }
    char why[120];
    snprintf(why, sizeof why, "ended by %.64s", req->who.name);
    bn_audit_request(req, &(struct bn_deed){.action = "console.end",
                                  .object = session->record.subject,
                                  .detail = session->record.user_name,
                                  .ok = true});
    bn_console_end(session, BN_CONSOLE_CLOSE_ADMIN, why);
    bn_reply_empty(req, 204);
}

/* --- the history ----------------------------------------------------------------------------- */

struct list_job {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_store *store; /* NULL: nothing is kept */
    char tenant[BN_TENANT_MAX];
    char server_id[BN_ID_MAX];
    char user_id[BN_ID_MAX];
    bool is_open;
    int64_t page; /* from 1 */
    bool was_read;
    struct bn_err err;
    int64_t total;
    size_t count;
    struct bn_console consoles[BN_CONSOLES_PAGE];
};

static void list_work(void *user)
{
    struct list_job *job = user;
    const struct bn_console_query query = {.tenant = job->tenant,
            .server_id = job->server_id[0] ? job->server_id : NULL,
            .user_id = job->user_id[0] ? job->user_id : NULL,
            .is_open = job->is_open,
            .skip = (job->page - 1) * BN_CONSOLES_PAGE};
    job->count = job->store ? BN_CONSOLES_PAGE : 0;
    job->was_read = !job->store || bn_store_read_consoles(job->store, &query, job->consoles,
                                           &job->count, &job->total, &job->err);
}

static void list_reply(struct bn_request *req, const struct list_job *job)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "consoles");
    bn_json_array(&json);
    for (size_t i = 0; i < job->count; i++) {
        bn_json_object(&json);
        bn_record_json(&bn_console_type, &job->consoles[i], BN_MASK_ALL, BN_ABSENT_NULL, &json);
        bn_json_object_end(&json);
    }
    bn_json_array_end(&json);
    bn_json_key(&json, "page");
    bn_json_i64(&json, job->page);
    bn_json_key(&json, "pages");
    bn_json_i64(&json, BN_MAX((job->total + BN_CONSOLES_PAGE - 1) / BN_CONSOLES_PAGE, 1));
    bn_json_key(&json, "total");
    bn_json_i64(&json, job->total);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

static void list_done(void *user)
{
    struct list_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->was_read)
        list_reply(req, job);
    else if (req) {
        if (job->err.code == BN_E_OK)
            bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is going down");
        bn_reply_err(req, &job->err);
    }
    free(job);
}

/* Who is no administrator sees his own. */
static bool list_read(const struct bn_request *req, struct list_job *job, struct bn_err *err)
{
    const struct bn_str open = bn_query(req, "open", "0");
    if (!bn_query_only(req, bn_consoles_query, err))
        return false;
    if (!bn_text_copy(job->server_id, sizeof job->server_id, bn_query(req, "server_id", "")))
        return bn_fail_field(err, "server_id", "server_id must be the id of a server");
    if (!bn_text_copy(job->user_id, sizeof job->user_id, bn_query(req, "user_id", "")))
        return bn_fail_field(err, "user_id", "user_id must be the id of a user");
    if (!bn_who_may(&req->who, BN_RIGHT_ADMIN))
        memcpy(job->user_id, req->who.user_id[0] ? req->who.user_id : "-", sizeof job->user_id);
    job->is_open = bn_str_is(open, "1");
    if (!job->is_open && !bn_str_is(open, "0"))
        return bn_fail_field(err, "open", "open must be 0 or 1");
    return bn_parse_i64(bn_query(req, "page", "1"), 1, 1000000, &job->page) ||
           bn_fail_field(err, "page", "page must be 1..1000000");
}

void bn_consoles_list(struct bn_request *req)
{
    static const struct bn_job_ops ops = {list_work, list_done};
    struct list_job *job = bn_alloc(sizeof *job);
    struct bn_err err;
    job->web = req->web;
    job->ticket = req->ticket;
    job->store = bn_web_hub(req->web)->store;
    memcpy(job->tenant, req->who.tenant, sizeof job->tenant);
    if (list_read(req, job, &err) && bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err))
        return;
    free(job);
    bn_reply_err(req, &err);
}

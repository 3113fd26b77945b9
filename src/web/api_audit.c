#include <stdlib.h>
#include <string.h>

#include "web/api_people.h"

#define LIMIT_DEFAULT  50
#define LIMIT_MAX      200
#define LIST_BYTES_MAX (1 << 20)

/* One question to the store, on a worker. */
struct audit_job {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_store *store;
    char tenant[BN_TENANT_MAX];
    char before[BN_ID_MAX];
    size_t limit;
    bool was_read;
    struct bn_err err;
    size_t count;
    struct bn_audit entries[LIMIT_MAX];
};

static void work(void *user)
{
    struct audit_job *job = user;
    job->count = job->store ? job->limit : 0;
    job->was_read = !job->store || bn_store_read_audit(job->store, job->tenant, job->before,
                                           job->entries, &job->count, &job->err);
}

static void put_entries(const struct audit_job *job, struct bn_buf *out)
{
    struct bn_json json;
    bn_json_init(&json, out);
    bn_json_object(&json);
    bn_json_key(&json, "audit");
    bn_json_array(&json);
    for (size_t i = 0; i < job->count; i++) {
        bn_json_object(&json);
        bn_record_json(&bn_audit_type, &job->entries[i], BN_MASK_ALL, BN_ABSENT_NULL, &json);
        bn_json_object_end(&json);
    }
    bn_json_array_end(&json);
    bn_json_object_end(&json);
}

static void done(void *user)
{
    struct audit_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->was_read) {
        BN_BUF_AUTO out;
        bn_buf_init(&out, LIST_BYTES_MAX);
        put_entries(job, &out);
        bn_reply_json(req, 200, &out);
    } else if (req) {
        if (job->err.code == BN_E_OK)
            bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is going down");
        bn_reply_err(req, &job->err);
    }
    free(job);
}

const char *const bn_audit_query[] = {"before", "limit", NULL};

void bn_audit_list(struct bn_request *req)
{
    static const struct bn_job_ops ops = {work, done};
    struct bn_err err;
    int64_t limit = LIMIT_DEFAULT;
    char before[BN_ID_MAX] = "";
    bool is_good = bn_query_only(req, bn_audit_query, &err);
    const struct bn_str limit_text = bn_query(req, "limit", "50");
    if (is_good && !bn_parse_i64(limit_text, 1, LIMIT_MAX, &limit))
        is_good = bn_fail_field(&err, "limit", "limit must be 1..%d, got \"%.*s\"", LIMIT_MAX,
                (int)BN_MIN(limit_text.len, (size_t)40), limit_text.p);
    if (is_good && !bn_text_copy(before, sizeof before, bn_query(req, "before", "")))
        is_good = bn_fail_field(&err, "before", "before must be the id of an entry");
    if (!is_good) {
        bn_reply_err(req, &err);
        return;
    }
    struct audit_job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    job->store = bn_web_hub(req->web)->store;
    job->limit = (size_t)limit;
    memcpy(job->tenant, req->who.tenant, sizeof job->tenant);
    memcpy(job->before, before, sizeof job->before);
    if (bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err))
        return;
    free(job);
    bn_reply_err(req, &err);
}

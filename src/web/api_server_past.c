#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live/infra.h"
#include "web/api_infra.h"
#include "web/past.h"

#define STATS_BYTES_MAX 4096 /* five errors of 192 bytes, escaped */

const char *const bn_server_history_query[] = {"range", "bucket", "raw", NULL};

/* --- by the hour ----------------------------------------------------------------------------- */

struct job {
    struct bn_web *web; /* for done() only */
    uint64_t ticket;
    bool ok;
    struct bn_err err;
    struct bn_past past;
};

static void destroy_job(struct job *job)
{
    bn_past_finish(&job->past);
    free(job);
}

static void work(void *user)
{
    struct job *job = user;
    job->ok = bn_past_run(&job->past, &job->err);
}

static void done(void *user)
{
    struct job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->ok)
        bn_reply_json(req, 200, &job->past.json);
    else if (req)
        bn_reply_err(req, &job->err);
    destroy_job(job);
}

static bool read_query(const struct bn_request *req, struct bn_past *out, struct bn_err *err)
{
    const struct bn_str raw = bn_query(req, "raw", "0");
    if (!bn_query_only(req, bn_server_history_query, err) ||
            !bn_past_range(bn_query(req, "range", "24h"), &out->range_ms, err) ||
            !bn_past_bucket(bn_query(req, "bucket", NULL), out->range_ms, &out->bucket_ms, err))
        return false;
    out->has_raw = bn_str_is(raw, "1");
    return out->has_raw || bn_str_is(raw, "0") ||
           bn_fail_field(err, "raw", "raw must be 0 or 1, got \"%.*s\"",
                   (int)BN_MIN(raw.len, (size_t)40), raw.p);
}

static struct job *create_job(struct bn_request *req, const char *server_id)
{
    struct job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    /* What is said when the server stops before the job had its turn. */
    bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is stopping");
    job->past.store = bn_web_hub(req->web)->store;
    job->past.now_ms = bn_web_clock(req->web)->now_ms;
    memcpy(job->past.tenant, req->who.tenant, sizeof job->past.tenant);
    memcpy(job->past.server_id, server_id, sizeof job->past.server_id);
    return job;
}

void bn_server_history(struct bn_request *req)
{
    static const struct bn_job_ops ops = {work, done};
    struct bn_err err;
    const struct bn_server *server = bn_server_with_id(req, req->params[0], &err);
    if (!server) {
        bn_reply_err(req, &err);
        return;
    }
    struct job *job = create_job(req, server->id);
    if (read_query(req, &job->past, &err) &&
            bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err))
        return;
    bn_reply_err(req, &err);
    destroy_job(job);
}

/* --- the last hundred ------------------------------------------------------------------------ */

static void put_ms(struct bn_json *json, const char *name, int64_t ms)
{
    bn_json_key(json, name);
    if (ms == BN_NO_FIGURE)
        bn_json_null(json);
    else
        bn_json_i64(json, ms);
}

static void put_errors(struct bn_json *json, const struct bn_past_error *errors, size_t n)
{
    bn_json_key(json, "errors");
    bn_json_array(json);
    for (size_t i = 0; i < n; i++) {
        bn_json_object(json);
        bn_json_key(json, "at");
        bn_json_time(json, errors[i].at);
        bn_json_key(json, "error_class");
        bn_json_text(json, errors[i].error_class);
        bn_json_key(json, "error_phase");
        bn_json_text(json, errors[i].error_phase[0] ? errors[i].error_phase : NULL);
        bn_json_key(json, "error");
        bn_json_text(json, errors[i].error);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

void bn_server_stats(struct bn_request *req)
{
    static const struct bn_attempts none;
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    struct bn_past_error errors[BN_PAST_ERRORS];
    struct bn_attempt_figures figures;
    struct bn_err err;
    const struct bn_server *server = bn_server_with_id(req, req->params[0], &err);
    if (!server || !bn_query_only(req, (const char *const[]){NULL}, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    const struct bn_attempts *attempts = bn_infra_attempts(tenant, server->id);
    bn_attempts_figure(attempts ? attempts : &none, &figures);
    BN_BUF_AUTO out;
    bn_buf_init(&out, STATS_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "attempts");
    bn_json_i64(&json, figures.total);
    bn_json_key(&json, "successes");
    bn_json_i64(&json, figures.successes);
    bn_json_key(&json, "success_rate");
    bn_json_f64(&json, figures.success_rate_pct, 2);
    put_ms(&json, "avg_response_time_ms", figures.avg_ms);
    put_ms(&json, "p95_response_time_ms", figures.p95_ms);
    put_ms(&json, "learned_timeout_ms", figures.learned_timeout_ms);
    put_errors(&json, errors, bn_infra_errors(tenant, server->id, errors));
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

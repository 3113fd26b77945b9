#include "web/hash_job.h"

#include <stdlib.h>

#include "base/secret.h"

struct bn_hash_job *bn_hash_job_create(struct bn_request *req, bn_hash_done done)
{
    struct bn_hash_job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    job->done = done;
    job->who = req->who;
    job->is_secure = req->is_secure;
    bn_text_clip(job->address, sizeof job->address, bn_str(req->address));
    const struct bn_str agent = bn_http_find(req->head, "User-Agent");
    if (agent.p && bn_utf8_is_valid(agent.p, agent.len))
        bn_text_clip(job->agent, sizeof job->agent, agent);
    return job;
}

void bn_hash_job_destroy(struct bn_hash_job *job)
{
    bn_wipe(job, sizeof *job);
    free(job);
}

static void work(void *user)
{
    struct bn_hash_job *job = user;
    job->was_run = true;
    if (job->must_check) {
        job->matched = bn_password_verify(job->stored, bn_str(job->given));
        if (!job->matched)
            return;
    }
    if (job->must_hash)
        (void)!bn_password_hash(bn_str(job->wanted), job->fresh, &job->err);
}

static void done(void *user)
{
    struct bn_hash_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (!job->was_run)
        bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is going down");
    if (job->err.code == BN_E_OK)
        job->done(job, req);
    else if (req)
        bn_reply_err(req, &job->err);
    bn_hash_job_destroy(job);
}

bool bn_hash_job_start(struct bn_hash_job *job, struct bn_request *req)
{
    static const struct bn_job_ops ops = {work, done};
    struct bn_err err;
    if (bn_worker_do(bn_web_hash_worker(req->web), &ops, job, &err))
        return true;
    bn_hash_job_destroy(job);
    bn_fail(&err, BN_E_UNAVAILABLE,
            "too many passwords are being checked just now: try again in 2 s");
    bn_reply_field(req, "Retry-After", "2");
    bn_reply_err(req, &err);
    return false;
}

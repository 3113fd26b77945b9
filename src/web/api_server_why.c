#include <stdlib.h>
#include <string.h>

#include "source/tasks.h"
#include "web/api_infra.h"
#include "web/server.h"
#include "web/why.h"

struct job {
    struct bn_web *web; /* for done() only */
    uint64_t ticket;
    bool ok;
    struct bn_err err;
    struct bn_why_job why;
};

static void destroy_job(struct job *job)
{
    bn_why_finish(&job->why);
    free(job);
}

static void work(void *user)
{
    struct job *job = user;
    job->ok = bn_why_answer(&job->why, &job->err);
}

static void done(void *user)
{
    struct job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->ok)
        bn_reply_json(req, 200, &job->why.json);
    else if (req)
        bn_reply_err(req, &job->err);
    destroy_job(job);
}

/* Nobody waits for a Proxmox VE that may hang: what is known of its tasks is taken, and whoever
   asks again in a moment knows more. */
static void look_at_tasks(struct bn_request *req, const struct bn_server *server,
        struct bn_why_job *job)
{
    static const char *const words[] = {"known", "asking", "unknown"};
    struct bn_tasks *tasks = bn_web_parts(req->web)->tasks;
    if (!tasks)
        return;
    job->task_count = COUNT(job->tasks);
    job->tasks_are =
            words[bn_tasks_look(tasks, req->who.tenant, server, job->tasks, &job->task_count)];
}

void bn_server_why(struct bn_request *req)
{
    static const struct bn_job_ops ops = {work, done};
    struct bn_err err;
    const struct bn_server *server = bn_server_with_id(req, req->params[0], &err);
    if (!server || !bn_query_only(req, (const char *const[]){NULL}, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    struct job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    /* What is said when the server stops before the job had its turn. */
    bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is stopping");
    job->why.store = bn_web_hub(req->web)->store;
    job->why.now_ms = bn_web_clock(req->web)->now_ms;
    memcpy(job->why.tenant, req->who.tenant, sizeof job->why.tenant);
    bn_why_prepare(&job->why, bn_servers_of(req), server);
    look_at_tasks(req, server, &job->why);
    if (bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err))
        return;
    bn_reply_err(req, &err);
    destroy_job(job);
}

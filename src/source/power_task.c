#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/power_private.h"

#define WAIT_MAX_MS 5000               /* between questions to a task that takes long */
#define SOON_MS     15000              /* until then a task is asked each second */
#define HA_EXTRA_MS (10LL * 60 * 1000) /* a manager looks every 10 s, and moves guests first */
#define LOG_TRIES   3

static int64_t mono_ms(const struct bn_power_job *job)
{
    return job->power->config.clock->mono_ms;
}

static void fail(struct bn_power_job *job, const char *error, const char *hint)
{
    struct bn_operation *now = &job->work->now;
    bn_text_clip(now->error, sizeof now->error, bn_str(error));
    bn_text_clip(now->hint, sizeof now->hint, bn_str(hint));
    bn_power_end(job, job->wants_cancel ? BN_WORK_CANCELLED : BN_WORK_FAILED);
}

static void ask_again(struct bn_power_job *job)
{
    const bool is_young = mono_ms(job) - job->begun_mono_ms < SOON_MS;
    job->next_mono_ms = mono_ms(job) + job->wait_ms;
    job->wait_ms = is_young ? 1000 : BN_MIN(job->wait_ms * 3 / 2, WAIT_MAX_MS);
}

/* --- when it does not answer ----------------------------------------------------------------- */

/* Its task goes on without us: it is asked until the deadline. */
static void lost(struct bn_power_job *job, const char *why)
{
    char phase[160];
    snprintf(phase, sizeof phase, "%.50s does not answer (%.60s): asking again",
            bn_power_server_name(job), why);
    bn_work_step(job->work, 0, phase);
    ask_again(job);
}

/* It will not say more: the task is unknown there, or the token is not good any more. What the
   token of another member may not see is no end. */
static bool is_final(const struct bn_power_job *job)
{
    const struct bn_fetch_answer *answer = &job->fetch.answer;
    const bool is_denied = answer->status == 401 || answer->status == 403;
    return answer->fault == BN_FETCH_NONE &&
           (answer->status == 400 || (is_denied && !job->is_by_other));
}

/* False: the answer is one that can be read. */
static bool is_bad(struct bn_power_job *job)
{
    struct bn_pve_verdict verdict;
    char text[320];
    bn_pve_judge(&job->fetch, job->token_hint, &verdict);
    if (verdict.is_ok)
        return false;
    if (!is_final(job)) {
        lost(job, verdict.text);
        return true;
    }
    snprintf(text, sizeof text, "what became of the task is not known: %s", verdict.text);
    fail(job, text, verdict.hint);
    return true;
}

static bool is_too_late(struct bn_power_job *job)
{
    char limit[32];
    char text[160];
    if (mono_ms(job) < job->deadline_mono_ms)
        return false;
    bn_duration_say(job->power->config.clock->now_ms - job->work->now.started_at, limit,
            sizeof limit);
    snprintf(text, sizeof text,
            "it had not ended after %s and is not followed any more; it may still end", limit);
    fail(job, text, "look at the task in Proxmox VE");
    return true;
}

/* --- the end --------------------------------------------------------------------------------- */

static void say_success(struct bn_power_job *job)
{
    struct bn_operation *now = &job->work->now;
    const struct bn_power_verb *verb = bn_power_verb(now->action);
    const int64_t warnings = bn_pve_task_warnings(&job->task);
    char took[32];
    char more[48] = "";
    bn_duration_say(job->power->config.clock->now_ms - now->started_at, took, sizeof took);
    if (warnings)
        snprintf(more, sizeof more, ", with %lld warning%s", (long long)warnings,
                warnings == 1 ? "" : "s");
    if (job->was_resumed) /* it may have ended while nobody looked */
        snprintf(now->message, sizeof now->message, "%s while Binnacle was restarted%s", verb->past,
                more);
    else
        snprintf(now->message, sizeof now->message, "%s after %s%s", verb->past, took, more);
    now->has_warnings = warnings > 0;
}

static void conclude(struct bn_power_job *job)
{
    struct bn_operation *now = &job->work->now;
    char text[BN_ERR_TEXT_MAX];
    for (size_t i = 0; i < job->line_count; i++)
        bn_work_line(job->work, &job->lines[i]);
    if (bn_pve_task_is_ok(&job->task)) {
        say_success(job);
        bn_power_end(job, BN_WORK_COMPLETED);
    } else if (job->wants_cancel) {
        snprintf(now->message, sizeof now->message, "cancelled: its task was stopped");
        bn_power_end(job, BN_WORK_CANCELLED);
    } else {
        bn_power_explain(now, job->task.exit_status, text, sizeof text);
        fail(job, text, "");
    }
}

/* --- what it said ---------------------------------------------------------------------------- */

static void ask_log(struct bn_power_job *job, int64_t from);

static void log_read(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    size_t n = BN_WORK_LINES_MAX;
    int64_t total = 0;
    job->is_asking = false;
    if (fetch->answer.fault == BN_FETCH_CANCELLED)
        return;
    if (!job->lines)
        job->lines = bn_alloc_array(BN_WORK_LINES_MAX, sizeof *job->lines);
    const bool was_read = fetch->answer.status == 200 &&
                          bn_pve_read_log(bn_buf_str(&fetch->answer.body), job->lines, &n, &total,
                                  NULL);
    job->line_count = was_read ? n : 0;
    job->log_tries++;
    if (!was_read && job->log_tries < LOG_TRIES)
        ask_again(job);
    else if (total > BN_WORK_LINES_MAX && !job->is_log_tail)
        ask_log(job, total - BN_WORK_LINES_MAX);
    else
        conclude(job);
}

static void ask_log(struct bn_power_job *job, int64_t from)
{
    char path[1024];
    char rest[64];
    struct bn_err err;
    job->is_log_tail = from > 0;
    snprintf(rest, sizeof rest, "/log?start=%lld&limit=%d", (long long)from, BN_WORK_LINES_MAX);
    bn_power_task_path(job->work->now.upid, rest, path, sizeof path);
    if (!bn_power_ask(job, "GET", path, log_read, &err))
        conclude(job);
}

static void go_to_log(struct bn_power_job *job)
{
    job->stage = BN_POWER_LOG;
    job->wait_ms = 1000;
    bn_work_step(job->work, 90, "reading what the task said");
    ask_log(job, 0);
}

/* --- high availability ----------------------------------------------------------------------- */

/* The manager may have moved it. */
static void found(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    job->is_asking = false;
    job->fetch.read = NULL;
    if (fetch->answer.fault == BN_FETCH_CANCELLED)
        return;
    if (job->found_node[0])
        memcpy(job->node, job->found_node, sizeof job->node);
    ask_again(job);
}

static void guest_read(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    const struct bn_power_verb *verb = bn_power_verb(job->work->now.action);
    struct bn_err err;
    char status[24];
    job->is_asking = false;
    if (fetch->answer.fault == BN_FETCH_CANCELLED)
        return;
    if (fetch->answer.status == 500) {
        bn_power_look(job, found);
        return;
    }
    if (is_bad(job))
        return;
    if (!bn_pve_read_guest_status(bn_buf_str(&fetch->answer.body), status, sizeof status, &err))
        lost(job, err.text);
    else if (strcmp(status, verb->leads_to) == 0)
        go_to_log(job);
    else
        ask_again(job);
}

static void ask_guest(struct bn_power_job *job)
{
    char path[256];
    struct bn_err err;
    const struct bn_operation *now = &job->work->now;
    if (job->wants_cancel) {
        fail(job, "not followed any more; the high-availability manager still has the request", "");
        return;
    }
    snprintf(path, sizeof path, "/api2/json/nodes/%s/%s/%lld/status/current", job->node,
            now->vm_type == BN_VM_LXC ? "lxc" : "qemu", (long long)now->vmid);
    if (!bn_power_ask(job, "GET", path, guest_read, &err))
        lost(job, err.text);
}

static void go_to_ha(struct bn_power_job *job)
{
    char phase[160];
    snprintf(phase, sizeof phase, "the high-availability manager was asked: waiting until it is %s",
            bn_power_verb(job->work->now.action)->leads_to);
    job->stage = BN_POWER_HA;
    job->wait_ms = 1000;
    job->begun_mono_ms = mono_ms(job);
    job->deadline_mono_ms = BN_MAX(job->deadline_mono_ms, mono_ms(job) + HA_EXTRA_MS);
    bn_work_step(job->work, 50, phase);
    ask_again(job);
}

/* --- the task -------------------------------------------------------------------------------- */

/* A task of the manager's ends as soon as the manager knows (PVE-API 8.1). */
static bool is_for_ha(const struct bn_operation *now)
{
    char type[32];
    bn_pve_upid_type(now->upid, type, sizeof type);
    return strncmp(type, "ha", 2) == 0 && bn_power_verb(now->action)->leads_to != NULL;
}

static void say_running(struct bn_power_job *job)
{
    char phase[160];
    char node[64] = "";
    if (job->wants_cancel)
        return;
    (void)bn_pve_upid_node(job->work->now.upid, node, sizeof node);
    snprintf(phase, sizeof phase, "the task runs on %s", node);
    bn_work_step(job->work, 30, phase);
}

static void task_read(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    struct bn_err err;
    job->is_asking = false;
    if (fetch->answer.fault == BN_FETCH_CANCELLED || is_bad(job))
        return;
    if (!bn_pve_read_task(bn_buf_str(&fetch->answer.body), &job->task, &err)) {
        lost(job, err.text);
    } else if (job->task.is_running) {
        say_running(job);
        ask_again(job);
    } else if (bn_pve_task_is_ok(&job->task) && is_for_ha(&job->work->now)) {
        go_to_ha(job);
    } else {
        go_to_log(job);
    }
}

static void ask_task(struct bn_power_job *job)
{
    char path[1024];
    struct bn_err err;
    bn_power_task_path(job->work->now.upid, "/status", path, sizeof path);
    if (bn_power_ask(job, "GET", path, task_read, &err))
        return;
    if (err.code == BN_E_UNAVAILABLE)
        lost(job, err.text);
    else
        fail(job, err.text, "");
}

void bn_power_step(struct bn_power_job *job)
{
    if (job->stage == BN_POWER_LOG)
        ask_log(job, 0);
    else if (job->stage == BN_POWER_SEARCH)
        bn_power_search(job);
    else if (is_too_late(job))
        return;
    else if (job->stage == BN_POWER_HA)
        ask_guest(job);
    else
        ask_task(job);
}

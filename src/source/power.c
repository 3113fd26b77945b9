#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/power_private.h"

#define TICK_MS  250
#define ASK_MS   40000 /* the one asked waits up to 30 s for another node (PVE-API 11) */
#define FIRST_MS 500   /* most tasks take a second */
#define SPARE_MS 30000 /* for a task taken up after its deadline: it is asked all the same */

/* How long each may take: a start waits for storage and memory, a stop for the guest's disks to be
   let go, and a shutdown for the guest; its own limit in Proxmox VE is 3 min, or what it was given.
 */
#define SOON_MS  (5LL * 60 * 1000)
#define GUEST_MS (15LL * 60 * 1000)

static const struct bn_power_verb verbs[] = {
        {"start", "started", "running", SOON_MS},
        {"stop", "stopped", "stopped", SOON_MS},
        {"shutdown", "shut down", "stopped", GUEST_MS},
        {"reboot", "rebooted", "running", GUEST_MS},
        {"reset", "reset", NULL, SOON_MS},
        {"suspend", "suspended", NULL, SOON_MS},
        {"resume", "resumed", NULL, SOON_MS},
};

const char *const bn_power_actions[] = {"start", "stop", "shutdown", "reboot", "reset", "suspend",
        "resume", NULL};

const struct bn_power_verb *bn_power_verb(const char *word)
{
    for (size_t i = 0; i < COUNT(verbs); i++)
        if (strcmp(verbs[i].word, word) == 0)
            return &verbs[i];
    return NULL;
}

/* --- asking ---------------------------------------------------------------------------------- */

static const struct bn_server *server_of(const struct bn_power *power, const char *tenant,
        const char *server_id)
{
    return bn_live_get(&power->config.hub->live, tenant, BN_KIND_SERVER, server_id);
}

const char *bn_power_server_name(const struct bn_power_job *job)
{
    const struct bn_operation *operation = job->work ? &job->work->now : &job->last;
    const struct bn_server *server = server_of(job->power, job->tenant, operation->server_id);
    return server ? server->name : "the server";
}

/* Whom to ask: another member of its cluster while it does not answer itself. */
static const struct bn_server *speaker_of(const struct bn_power *power, const char *tenant,
        const char *server_id)
{
    struct bn_fleet *fleet = power->config.fleet;
    const struct bn_server *server = server_of(power, tenant, server_id);
    const struct bn_server *other = NULL;
    if (server && fleet)
        other = server_of(power, tenant, bn_fleet_voice(fleet, tenant, server_id));
    return other ? other : server;
}

/* One question to a server, filled in and given to the fetch. */
static bool send(struct bn_power *power, const char *tenant, const struct bn_server *speaker,
        struct bn_fetch_job *fetch, const char *path, struct bn_err *err)
{
    if (!speaker)
        return bn_fail(err, BN_E_NOT_FOUND, "the server is not in the list any more");
    fetch->request.connect_ms = speaker->connection_timeout_ms;
    if (fetch->request.total_ms == 0)
        fetch->request.total_ms = ASK_MS;
    return bn_pve_ask(speaker, tenant, power->config.key, path, fetch, err) &&
           bn_fetch_do(power->config.fetch, fetch, err);
}

bool bn_power_ask(struct bn_power_job *job, const char *method, const char *path,
        void (*done)(struct bn_fetch_job *fetch), struct bn_err *err)
{
    const char *server_id = job->work->now.server_id;
    const struct bn_server *speaker = speaker_of(job->power, job->tenant, server_id);
    void (*read)(struct bn_fetch_job *) = job->fetch.read;
    bn_fetch_job_finish(&job->fetch);
    bn_fetch_job_init(&job->fetch, 1);
    job->fetch.read = read;
    job->fetch.done = done;
    job->fetch.request.total_ms = job->ask_ms;
    bn_text_clip(job->fetch.request.method, sizeof job->fetch.request.method, bn_str(method));
    if (speaker) {
        job->is_by_other = strcmp(speaker->id, server_id) != 0;
        memcpy(job->asked_id, speaker->id, sizeof job->asked_id);
        memcpy(job->token_hint, speaker->token_hint, sizeof job->token_hint);
    }
    job->is_asking = send(job->power, job->tenant, speaker, &job->fetch, path, err);
    return job->is_asking;
}

/* On the collector thread: a cluster's list is long. */
static void read_where(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    struct bn_pve_listing listing = {.guests = NULL};
    job->was_found = fetch->answer.status == 200 &&
                     bn_pve_read_resources(bn_buf_str(&fetch->answer.body), "x", &listing, NULL);
    job->found_node[0] = '\0';
    for (size_t i = 0; i < listing.guest_count; i++)
        if (listing.guests[i].vm.vmid == job->last.vmid)
            memcpy(job->found_node, listing.guests[i].vm.node, sizeof job->found_node);
    bn_pve_listing_finish(&listing);
}

void bn_power_look(struct bn_power_job *job, void (*done)(struct bn_fetch_job *fetch))
{
    struct bn_err err;
    job->was_found = false;
    job->last.vmid = job->work->now.vmid;
    job->fetch.read = read_where;
    const bool is_asked = bn_power_ask(job, "GET", "/api2/json/cluster/resources?type=vm", done,
            &err);
    job->fetch.read = is_asked ? read_where : NULL;
    if (!is_asked)
        done(&job->fetch);
}

static void put_encoded(const char *from, char *out, size_t size)
{
    size_t len = 0;
    for (; *from && len + 4 < size; from++) {
        const unsigned char c = (unsigned char)*from;
        if (isalnum(c) || strchr("-._~:@!", c))
            out[len++] = (char)c;
        else
            len += (size_t)snprintf(out + len, size - len, "%%%02X", c);
    }
    out[len] = '\0';
}

void bn_power_task_path(const char *upid, const char *rest, char *out, size_t size)
{
    char node[64] = "";
    char encoded[768];
    (void)bn_pve_upid_node(upid, node, sizeof node);
    put_encoded(upid, encoded, sizeof encoded);
    snprintf(out, size, "/api2/json/nodes/%s/tasks/%s%s", node, encoded, rest);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static struct bn_power_job *job_create(struct bn_power *power, const char *tenant)
{
    struct bn_power_job *job = bn_alloc(sizeof *job);
    job->power = power;
    bn_fetch_job_init(&job->fetch, 1);
    bn_text_clip(job->tenant, sizeof job->tenant, bn_str(tenant));
    bn_list_append(&power->jobs, &job->link);
    job->begun_mono_ms = power->config.clock->mono_ms;
    return job;
}

static void job_destroy(struct bn_power_job *job)
{
    bn_list_remove(&job->link);
    bn_fetch_job_finish(&job->fetch);
    free(job->lines);
    free(job->rows);
    free(job);
}

static struct bn_power_job *job_find(struct bn_power *power, const char *tenant, const char *id)
{
    bn_list_each(it, &power->jobs) {
        struct bn_power_job *job = container_of(it, struct bn_power_job, link);
        if (job->work && strcmp(job->work->now.id, id) == 0 && strcmp(job->tenant, tenant) == 0)
            return job;
    }
    return NULL;
}

static void tell_begun(struct bn_power_job *job, const struct bn_operation *operation,
        const struct bn_err *err)
{
    const bn_power_begun begun = job->begun;
    job->begun = NULL;
    if (begun)
        begun(job->user, operation, err);
}

/* The end is kept, or it will be: whoever waits hears of it now. */
static void end_kept(void *user, const struct bn_err *err)
{
    struct bn_power_job *job = user;
    tell_begun(job, &job->last, err ? err : &job->err);
    job_destroy(job);
}

void bn_power_end(struct bn_power_job *job, enum bn_work_status status)
{
    struct bn_work *work = job->work;
    job->last = work->now;
    job->work = NULL;
    if (job->begun) {
        bn_work_end(work, status, end_kept, job);
        return;
    }
    bn_work_end(work, status, NULL, NULL);
    job_destroy(job);
}

/* --- beginning ------------------------------------------------------------------------------- */

void bn_power_refuse(struct bn_power_job *job, enum bn_code code, const char *error,
        const char *hint)
{
    struct bn_operation *now = &job->work->now;
    bn_text_clip(now->error, sizeof now->error, bn_str(error));
    bn_text_clip(now->hint, sizeof now->hint, bn_str(hint));
    bn_fail(&job->err, code, "%s", error);
    bn_power_end(job, BN_WORK_FAILED);
}

static void looked(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    const struct bn_operation *now = &job->work->now;
    char text[320];
    job->is_asking = false;
    job->fetch.read = NULL;
    if (fetch->answer.fault == BN_FETCH_CANCELLED)
        return;
    if (job->found_node[0] && strcmp(job->found_node, now->node) != 0)
        snprintf(text, sizeof text, "%.100s is on node %.60s now, not on %.60s: do it there",
                now->subject, job->found_node, now->node);
    else if (job->was_found && !job->found_node[0])
        snprintf(text, sizeof text, "%.100s is not there any more", now->subject);
    else
        snprintf(text, sizeof text, "%.100s is not found on node %.60s", now->subject, now->node);
    bn_power_refuse(job, BN_E_UPSTREAM, text, "");
}

/* Half an answer is worse than none: it may have begun. */
static void refuse_fault(struct bn_power_job *job, const struct bn_pve_verdict *verdict)
{
    const struct bn_fetch_answer *answer = &job->fetch.answer;
    char text[320];
    const enum bn_code code = answer->fault == BN_FETCH_TIMEOUT ? BN_E_TIMEOUT : BN_E_UPSTREAM;
    if (answer->phase == BN_PHASE_ANSWER || answer->phase == BN_PHASE_BODY) {
        bn_power_lost(job, code, verdict->text);
        return;
    }
    snprintf(text, sizeof text, "%.60s was not reached, so nothing was done: %.90s",
            bn_power_server_name(job), verdict->text);
    bn_power_refuse(job, code, text, "");
}

/* The one asked handed it on to another node, and its answer did not come (PVE-API 4.2). */
static bool is_lost_behind(int status)
{
    return status == 596 || status == 597 || status == 599;
}

static void refuse_answer(struct bn_power_job *job, const struct bn_pve_verdict *verdict)
{
    const struct bn_fetch_answer *answer = &job->fetch.answer;
    char said[BN_ERR_TEXT_MAX];
    char text[320];
    bn_pve_read_refusal(answer->status, answer->reason, bn_buf_str(&answer->body), said,
            sizeof said);
    if (answer->status == 500 && strstr(said, "does not exist")) {
        bn_power_look(job, looked);
        return;
    }
    bn_power_explain(&job->work->now, said, text, sizeof text);
    if (strcmp(verdict->error_class, "forbidden") == 0) {
        const char *end = strstr(verdict->text, ": pveum");
        bn_text_clip(text, sizeof text,
                (struct bn_str){verdict->text,
                        end ? (size_t)(end - verdict->text) : strlen(verdict->text)});
    } else if (answer->status == 401) {
        bn_text_clip(text, sizeof text, bn_str(verdict->text));
    } else if (answer->status >= 595) {
        snprintf(text, sizeof text, "%.60s answers, but its node %.60s does not (%d): %.60s",
                bn_power_server_name(job), job->node, answer->status, said);
    }
    bn_power_refuse(job, BN_E_UPSTREAM, text, verdict->hint);
}

static void upid_kept(void *user, const struct bn_err *err)
{
    struct bn_power_job *job = user;
    tell_begun(job, job->work ? &job->work->now : &job->last, err);
}

static void follow(struct bn_power_job *job)
{
    char phase[160];
    char node[64] = "";
    struct bn_operation *now = &job->work->now;
    (void)bn_pve_upid_node(now->upid, node, sizeof node);
    snprintf(phase, sizeof phase, "the task runs on %s", node);
    job->stage = BN_POWER_FOLLOW;
    job->wait_ms = FIRST_MS;
    job->next_mono_ms = job->power->config.clock->mono_ms + FIRST_MS;
    now->status = BN_WORK_IN_PROGRESS;
    now->progress = BN_MAX(now->progress, 20);
    bn_text_clip(now->phase, sizeof now->phase, bn_str(phase));
}

void bn_power_found(struct bn_power_job *job)
{
    follow(job);
    bn_work_told(job->work, upid_kept, job);
}

static void posted(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    struct bn_operation *now = &job->work->now;
    struct bn_pve_verdict verdict;
    struct bn_err err;
    job->is_asking = false;
    if (fetch->answer.fault == BN_FETCH_CANCELLED)
        return; /* the next start will say that it was interrupted */
    bn_pve_judge(fetch, job->token_hint, &verdict);
    if (fetch->answer.fault != BN_FETCH_NONE) {
        refuse_fault(job, &verdict);
    } else if (is_lost_behind(fetch->answer.status)) {
        bn_power_lost(job, BN_E_UPSTREAM, verdict.text);
    } else if (!verdict.is_ok) {
        refuse_answer(job, &verdict);
    } else if (!bn_pve_read_upid(bn_buf_str(&fetch->answer.body), now->upid, sizeof now->upid,
                       &err)) {
        bn_power_refuse(job, BN_E_UPSTREAM, err.text, "");
    } else {
        bn_power_found(job);
    }
}

/* What is to be done is known to the store: now it may be done. */
static void intent_kept(void *user, const struct bn_err *kept_err)
{
    struct bn_power_job *job = user;
    struct bn_err err;
    char path[256];
    if (kept_err) {
        job->work = NULL;
        tell_begun(job, &job->last, kept_err);
        job_destroy(job);
        return;
    }
    const struct bn_operation *now = &job->work->now;
    snprintf(path, sizeof path, "/api2/json/nodes/%s/%s/%lld/status/%s", now->node,
            now->vm_type == BN_VM_LXC ? "lxc" : "qemu", (long long)now->vmid, now->action);
    job->posted_ms = job->power->config.clock->now_ms;
    if (bn_power_ask(job, "POST", path, posted, &err))
        memcpy(job->posted_id, job->asked_id, sizeof job->posted_id);
    else
        bn_power_refuse(job, err.code, err.text, "");
}

static void set_deadline(struct bn_power_job *job)
{
    const struct bn_power_verb *verb = bn_power_verb(job->work->now.action);
    const struct bn_clock *clock = job->power->config.clock;
    const int64_t left_ms = job->work->now.started_at + (verb ? verb->limit_ms : SOON_MS) -
                            clock->now_ms;
    job->deadline_mono_ms = clock->mono_ms + BN_MAX(left_ms, SPARE_MS);
}

bool bn_power_do(struct bn_power *power, const char *tenant, struct bn_operation *wanted,
        bn_power_begun begun, void *user, struct bn_err *err)
{
    struct bn_power_job *job = job_create(power, tenant);
    struct bn_operation *first = &job->last;
    bn_operation_make_id(wanted->id);
    *first = *wanted;
    first->type = BN_WORK_VM_POWER;
    snprintf(first->phase, sizeof first->phase, "asking the server");
    memcpy(job->node, wanted->node, sizeof job->node);
    job->begun = begun;
    job->user = user;
    job->work = bn_work_begin(power->config.operations,
            &(struct bn_work_first){tenant, first, intent_kept, job}, err);
    if (!job->work) {
        job_destroy(job);
        return false;
    }
    set_deadline(job);
    return true;
}

/* --- stopping a task ------------------------------------------------------------------------- */

/* A question beside the job's own: nobody waits for it, or its asker is found by user. */
struct side {
    struct bn_fetch_job fetch;
    struct bn_power *power;
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    bn_power_said said;
    void *user;
};

static struct side *side_create(struct bn_power_job *job)
{
    struct side *side = bn_alloc(sizeof *side);
    bn_fetch_job_init(&side->fetch, 1);
    side->power = job->power;
    memcpy(side->tenant, job->tenant, sizeof side->tenant);
    memcpy(side->id, job->work->now.id, sizeof side->id);
    return side;
}

static void side_destroy(struct side *side)
{
    bn_fetch_job_finish(&side->fetch);
    free(side);
}

static void cancelled(struct bn_fetch_job *fetch)
{
    struct side *side = container_of(fetch, struct side, fetch);
    struct bn_power_job *job = fetch->answer.fault == BN_FETCH_CANCELLED
                                       ? NULL
                                       : job_find(side->power, side->tenant, side->id);
    struct bn_pve_verdict verdict;
    char phase[160];
    if (job) {
        bn_pve_judge(fetch, job->token_hint, &verdict);
        snprintf(phase, sizeof phase, "%s%.120s",
                verdict.is_ok ? "the task was asked to stop" : "it could not be cancelled: ",
                verdict.is_ok ? "" : verdict.text);
        job->wants_cancel = verdict.is_ok;
        bn_work_step(job->work, 0, phase);
        job->wait_ms = FIRST_MS;
        job->next_mono_ms = job->power->config.clock->mono_ms;
    }
    side_destroy(side);
}

static bool send_cancel(struct bn_power_job *job, struct bn_err *err)
{
    char path[1024];
    struct side *side = side_create(job);
    bn_power_task_path(job->work->now.upid, "", path, sizeof path);
    bn_text_clip(side->fetch.request.method, sizeof side->fetch.request.method, BN_STR("DELETE"));
    side->fetch.done = cancelled;
    if (send(job->power, job->tenant, speaker_of(job->power, job->tenant, job->work->now.server_id),
                &side->fetch, path, err))
        return true;
    side_destroy(side);
    return false;
}

bool bn_power_cancel(struct bn_power *power, const char *tenant, const char *id, struct bn_err *err)
{
    struct bn_power_job *job = job_find(power, tenant, id);
    if (!job)
        return bn_fail(err, BN_E_NOT_FOUND, "this operation is not under way");
    if (job->stage == BN_POWER_ASK || job->stage == BN_POWER_SEARCH)
        return bn_fail(err, BN_E_CONFLICT,
                "the server has not taken the task yet: try again in a moment");
    if (job->stage == BN_POWER_HA) {
        job->wants_cancel = true; /* what the manager was asked for stays so */
        job->next_mono_ms = power->config.clock->mono_ms;
        return true;
    }
    return send_cancel(job, err);
}

/* --- what it says now ------------------------------------------------------------------------ */

static void logged(struct bn_fetch_job *fetch)
{
    struct side *side = container_of(fetch, struct side, fetch);
    struct bn_output *lines = bn_alloc_array(BN_WORK_LINES_MAX, sizeof *lines);
    size_t n = BN_WORK_LINES_MAX;
    int64_t total;
    if (fetch->answer.status != 200 ||
            !bn_pve_read_log(bn_buf_str(&fetch->answer.body), lines, &n, &total, NULL))
        n = 0;
    side->said(side->user, lines, n);
    free(lines);
    side_destroy(side);
}

bool bn_power_log(struct bn_power *power, const char *tenant, const char *id, bn_power_said said,
        void *user)
{
    struct bn_power_job *job = job_find(power, tenant, id);
    char path[1024];
    if (!job || !job->work->now.upid[0])
        return false;
    struct side *side = side_create(job);
    bn_power_task_path(job->work->now.upid, "/log?start=0&limit=500", path, sizeof path);
    side->said = said;
    side->user = user;
    side->fetch.done = logged;
    if (send(power, tenant, speaker_of(power, tenant, job->work->now.server_id), &side->fetch, path,
                NULL))
        return true;
    side_destroy(side);
    return false;
}

/* --- the clock ------------------------------------------------------------------------------- */

static void on_tick(void *user)
{
    struct bn_power *power = user;
    const int64_t now = power->config.clock->mono_ms;
    bn_list_each_safe(it, tmp, &power->jobs) {
        struct bn_power_job *job = container_of(it, struct bn_power_job, link);
        if (job->work && !job->is_asking && bn_work_is_forced(job->work))
            bn_power_end(job, BN_WORK_FAILED); /* its task goes on, nobody follows it */
        else if (job->work && !job->is_asking && job->stage != BN_POWER_ASK &&
                 now >= job->next_mono_ms)
            bn_power_step(job);
    }
}

static void resume(struct bn_power *power, const char *tenant, const struct bn_operation *left)
{
    struct bn_power_job *job = job_create(power, tenant);
    job->work = bn_work_resume(power->config.operations, tenant, left);
    job->was_resumed = true;
    memcpy(job->node, left->node, sizeof job->node);
    set_deadline(job);
    follow(job);
    bn_work_told(job->work, NULL, NULL);
}

struct bn_power *bn_power_start(const struct bn_power_config *config)
{
    struct bn_power *power = bn_alloc(sizeof *power);
    power->config = *config;
    bn_list_init(&power->jobs);
    for (const struct bn_tenant_live *tenant = config->hub->live.tenants; tenant;
            tenant = tenant->next)
        bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
        {
            const struct bn_operation *left = (const void *)row->record;
            if (!bn_operation_is_over(left) && left->type == BN_WORK_VM_POWER && left->upid[0])
                resume(power, tenant->id, left);
        }
    power->timer = bn_timer_create(config->loop, on_tick, power);
    bn_timer_start(power->timer, TICK_MS, TICK_MS);
    return power;
}

void bn_power_stop(struct bn_power *power)
{
    if (!power)
        return;
    bn_timer_destroy(power->timer);
    bn_list_each_safe(it, tmp, &power->jobs)
        job_destroy(container_of(it, struct bn_power_job, link));
    free(power);
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/power_private.h"

/* The request left and its answer did not come: what it began stands in the list of tasks (PVE-API
   8.3, 13.10), a moment later, for a worker is forked first. */
#define SEARCH_MS   10000
#define EVERY_MS    1000
#define QUESTION_MS 5000 /* each */
#define TRIES_MIN   3    /* at least, and so many lists without it before it is called not begun */
#define SKEW_MS     120000 /* a node's clock and ours; its own tasks before are known here */

static int64_t mono_ms(const struct bn_power_job *job)
{
    return job->power->config.clock->mono_ms;
}

/* The types a task of that action may have (PVE-API 8.1). */
static bool is_type_of(const struct bn_operation *now, const char *type)
{
    const char *const verb = now->action;
    char own[24];
    snprintf(own, sizeof own, "%s%.16s", now->vm_type == BN_VM_LXC ? "vz" : "qm", verb);
    if (strcmp(type, own) == 0)
        return true;
    if (strcmp(verb, "suspend") == 0)
        return strcmp(type, "qmpause") == 0;
    if (strcmp(verb, "start") == 0)
        return strcmp(type, "hastart") == 0;
    return (strcmp(verb, "stop") == 0 || strcmp(verb, "shutdown") == 0) &&
           strcmp(type, "hastop") == 0;
}

/* "root@pam!bnc" of "root@pam!bnc=••••3f9a". */
static bool is_by_us(const struct bn_power_job *job, const char *user)
{
    const size_t len = strcspn(job->token_hint, "=");
    return len == 0 || (strlen(user) == len && memcmp(user, job->token_hint, len) == 0);
}

/* Of an earlier action: it was told to us then. */
static bool is_known(const struct bn_power_job *job, const char *upid)
{
    const struct bn_tenant_live *tenant = bn_live_find(&job->power->config.hub->live, job->tenant);
    if (!tenant)
        return false;
    bn_table_each(row,
            &tenant->tables[BN_KIND_OPERATION]) if (strcmp(((const struct bn_operation *)(const void
                                                                            *)row->record)
                                                                    ->upid,
                                                            upid) == 0) return true;
    return false;
}

static bool is_ours(const struct bn_power_job *job, const struct bn_pve_task_row *row)
{
    char vmid[24];
    snprintf(vmid, sizeof vmid, "%lld", (long long)job->work->now.vmid);
    return is_type_of(&job->work->now, row->type) && strcmp(row->id, vmid) == 0 &&
           row->begun_ms >= job->posted_ms - SKEW_MS && row->begun_ms <= job->posted_ms + SKEW_MS &&
           is_by_us(job, row->user) && !is_known(job, row->upid);
}

static const struct bn_pve_task_row *newest_of_ours(const struct bn_power_job *job)
{
    const struct bn_pve_task_row *found = NULL;
    for (size_t i = 0; i < job->row_count; i++)
        if (is_ours(job, &job->rows[i]) && (!found || job->rows[i].begun_ms > found->begun_ms))
            found = &job->rows[i];
    return found;
}

static void give_up(struct bn_power_job *job)
{
    char text[320];
    const char *name = bn_power_server_name(job);
    if (job->looks >= TRIES_MIN)
        snprintf(text, sizeof text,
                "%.60s was asked, but did not answer (%.60s), and no such task stands in its list: most"
                " likely nothing was done",
                name, job->lost_why);
    else
        snprintf(text, sizeof text,
                "%.60s was asked, but did not answer (%.60s): whether it began is not known", name,
                job->lost_why);
    bn_power_refuse(job, job->lost_code, text, "look at the guest before you try again");
}

/* On the collector thread. */
static void read_rows(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    job->row_count = BN_POWER_ROWS_MAX;
    job->was_found = fetch->answer.status == 200 &&
                     bn_pve_read_tasks(bn_buf_str(&fetch->answer.body), job->rows, &job->row_count,
                             NULL);
    if (!job->was_found)
        job->row_count = 0;
}

static void looked(struct bn_fetch_job *fetch)
{
    struct bn_power_job *job = container_of(fetch, struct bn_power_job, fetch);
    job->is_asking = false;
    job->fetch.read = NULL;
    if (fetch->answer.fault == BN_FETCH_CANCELLED)
        return;
    const struct bn_pve_task_row *row = newest_of_ours(job);
    if (row) {
        job->ask_ms = 0;
        memcpy(job->work->now.upid, row->upid, sizeof job->work->now.upid);
        bn_power_found(job);
        return;
    }
    /* Another member's token does not see what ours began. */
    const bool same = strcmp(job->asked_id, job->posted_id) == 0;
    job->tries++;
    job->looks += job->was_found && same;
    job->next_mono_ms = mono_ms(job) + EVERY_MS;
    if (job->tries >= TRIES_MIN && job->next_mono_ms > job->search_mono_ms)
        give_up(job);
}

void bn_power_search(struct bn_power_job *job)
{
    char path[256];
    struct bn_err err;
    snprintf(path, sizeof path, "/api2/json/nodes/%s/tasks?source=all&vmid=%lld&limit=%d",
            job->node, (long long)job->work->now.vmid, BN_POWER_ROWS_MAX);
    if (!job->rows)
        job->rows = bn_alloc_array(BN_POWER_ROWS_MAX, sizeof *job->rows);
    job->fetch.read = read_rows;
    if (bn_power_ask(job, "GET", path, looked, &err))
        return;
    job->fetch.read = NULL;
    give_up(job);
}

void bn_power_lost(struct bn_power_job *job, enum bn_code code, const char *why)
{
    char phase[160];
    snprintf(phase, sizeof phase, "%.50s did not answer: looking for the task it may have begun",
            bn_power_server_name(job));
    bn_text_clip(job->lost_why, sizeof job->lost_why, bn_str(why));
    job->lost_code = code;
    job->stage = BN_POWER_SEARCH;
    job->ask_ms = QUESTION_MS;
    job->search_mono_ms = mono_ms(job) + SEARCH_MS;
    job->next_mono_ms = mono_ms(job) + EVERY_MS / 4;
    bn_work_step(job->work, 0, phase);
}

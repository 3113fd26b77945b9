#include "source/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/pve.h"
#include "source/pve_tasks.h"

#define PATH     "/api2/json/cluster/tasks"
#define READ_MAX 512 /* rows of an answer: 25 of each node */
#define KEY_SIZE (BN_TENANT_MAX + BN_ID_MAX + 24)
#define PAST_MS  86400000LL

/* What is known of one server. */
struct known {
    struct bn_list link; /* the one looked at last stands last */
    char key[KEY_SIZE];
    bool is_asking;
    bool was_told;                               /* the last answer came */
    int64_t asked_mono_ms;                       /* ... or not; 0: never asked */
    struct bn_why_task tasks[BN_TASKS_KEPT_MAX]; /* newest first */
    size_t count;
};

struct bn_tasks {
    struct bn_tasks_config config;
    struct bn_list servers;
    size_t server_count;
    size_t under_way;
};

/* What goes to the collector thread and comes back. */
struct ask {
    struct bn_fetch_job job;
    struct bn_tasks *tasks;
    char key[KEY_SIZE];
    struct bn_pve_task_row *rows;
    size_t count;
    bool was_read;
};

/* --- what is known --------------------------------------------------------------------------- */

/* A server that was changed is another one. */
static void write_key(const char *tenant, const struct bn_server *server, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%.31s/%.95s %lld", tenant, server->id, (long long)server->updated_at);
}

static struct known *known_find(struct bn_tasks *tasks, const char *key)
{
    bn_list_each(it, &tasks->servers) {
        struct known *known = container_of(it, struct known, link);
        if (strcmp(known->key, key) == 0)
            return known;
    }
    return NULL;
}

static void known_destroy(struct bn_tasks *tasks, struct known *known)
{
    bn_list_remove(&known->link);
    tasks->server_count--;
    free(known);
}

static struct known *known_add(struct bn_tasks *tasks, const char *key)
{
    if (tasks->server_count == BN_TASKS_SERVERS_MAX)
        known_destroy(tasks, container_of(tasks->servers.next, struct known, link));
    struct known *known = bn_alloc(sizeof *known);
    bn_text_clip(known->key, sizeof known->key, bn_str(key));
    bn_list_append(&tasks->servers, &known->link);
    tasks->server_count++;
    return known;
}

static int newest_first(const void *a, const void *b)
{
    const struct bn_why_task *x = a;
    const struct bn_why_task *y = b;
    return x->from_ms != y->from_ms ? (x->from_ms < y->from_ms) - (x->from_ms > y->from_ms)
                                    : strcmp(x->upid, y->upid);
}

static struct bn_why_task *task_find(struct known *known, const char *upid)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->tasks[i].upid, upid) == 0)
            return &known->tasks[i];
    return NULL;
}

/* The place of a new one: behind the others, or the oldest one's when all are taken. */
static struct bn_why_task *task_place(struct known *known, int64_t from_ms)
{
    if (known->count < BN_TASKS_KEPT_MAX)
        return &known->tasks[known->count++];
    struct bn_why_task *oldest = &known->tasks[0];
    for (size_t i = 1; i < known->count; i++)
        if (known->tasks[i].from_ms < oldest->from_ms)
            oldest = &known->tasks[i];
    return oldest->from_ms < from_ms ? oldest : NULL;
}

static void learn(struct known *known, const struct bn_pve_task_row *row, int64_t now_ms)
{
    struct bn_why_task *task = task_find(known, row->upid);
    if (!task)
        task = bn_why_is_heavy(row->type) ? task_place(known, row->begun_ms) : NULL;
    if (!task)
        return;
    memset(task, 0, sizeof *task);
    task->from_ms = row->begun_ms;
    task->is_running = row->ended_ms == 0 && !row->status[0];
    task->to_ms = row->ended_ms      ? row->ended_ms
                  : task->is_running ? BN_MAX(now_ms, row->begun_ms)
                                     : row->begun_ms;
    bn_text_clip(task->type, sizeof task->type, bn_str(row->type));
    bn_text_clip(task->node, sizeof task->node, bn_str(row->node));
    bn_text_clip(task->id, sizeof task->id, bn_str(row->id));
    memcpy(task->upid, row->upid, sizeof task->upid);
}

/* --- asking ---------------------------------------------------------------------------------- */

/* On the collector thread. */
static void read_rows(struct bn_fetch_job *job)
{
    struct ask *ask = container_of(job, struct ask, job);
    ask->count = READ_MAX;
    ask->was_read = job->answer.status == 200 &&
                    bn_pve_read_tasks(bn_buf_str(&job->answer.body), ask->rows, &ask->count, NULL);
}

static void ask_destroy(struct ask *ask)
{
    bn_fetch_job_finish(&ask->job);
    free(ask->rows);
    free(ask);
}

static void told(struct bn_fetch_job *job)
{
    struct ask *ask = container_of(job, struct ask, job);
    struct bn_tasks *tasks = ask->tasks;
    struct known *known = known_find(tasks, ask->key);
    tasks->under_way--;
    if (known) {
        known->is_asking = false;
        known->was_told = ask->was_read;
        known->asked_mono_ms = tasks->config.clock->mono_ms;
        for (size_t i = 0; ask->was_read && i < ask->count; i++)
            if (ask->rows[i].begun_ms > tasks->config.clock->now_ms - PAST_MS)
                learn(known, &ask->rows[i], tasks->config.clock->now_ms);
        qsort(known->tasks, known->count, sizeof *known->tasks, newest_first);
    }
    ask_destroy(ask);
}

static const struct bn_server *speaker_for(struct bn_tasks *tasks, const char *tenant,
        const struct bn_server *server)
{
    struct bn_fleet *fleet = tasks->config.fleet;
    const struct bn_server *other = fleet ? bn_live_get(&tasks->config.hub->live, tenant,
                                                    BN_KIND_SERVER,
                                                    bn_fleet_voice(fleet, tenant, server->id))
                                          : NULL;
    return other ? other : server;
}

/* To whom nothing may be said yet, or not any more, nothing is. */
static bool may_ask(const struct bn_server *server)
{
    return server->is_active == 1 && (server->verify_ssl == 1 || server->fingerprint[0]) &&
           strcmp(server->error_class, "auth") != 0 && strcmp(server->error_class, "token") != 0;
}

static bool send(struct bn_tasks *tasks, const char *tenant, const struct bn_server *server,
        struct known *known)
{
    const struct bn_server *speaker = speaker_for(tasks, tenant, server);
    if (!may_ask(speaker) || tasks->under_way >= BN_TASKS_AT_ONCE)
        return false;
    struct ask *ask = bn_alloc(sizeof *ask);
    bn_fetch_job_init(&ask->job, 1);
    ask->tasks = tasks;
    ask->rows = bn_alloc_array(READ_MAX, sizeof *ask->rows);
    memcpy(ask->key, known->key, sizeof ask->key);
    ask->job.read = read_rows;
    ask->job.done = told;
    ask->job.request.connect_ms = ask->job.request.total_ms = BN_TASKS_WAIT_MS;
    if (!bn_pve_ask(speaker, tenant, tasks->config.key, PATH, &ask->job, NULL) ||
            !bn_fetch_do(tasks->config.fetch, &ask->job, NULL)) {
        ask_destroy(ask);
        return false;
    }
    tasks->under_way++;
    return true;
}

static bool is_due(const struct bn_tasks *tasks, const struct known *known)
{
    return !known->is_asking &&
           (known->asked_mono_ms == 0 ||
                   tasks->config.clock->mono_ms - known->asked_mono_ms >= BN_TASKS_FRESH_MS);
}

enum bn_tasks_state bn_tasks_look(struct bn_tasks *tasks, const char *tenant,
        const struct bn_server *server, struct bn_why_task *out, size_t *n)
{
    char key[KEY_SIZE];
    write_key(tenant, server, key);
    struct known *known = known_find(tasks, key);
    if (!known)
        known = known_add(tasks, key);
    bn_list_remove(&known->link);
    bn_list_append(&tasks->servers, &known->link);
    if (is_due(tasks, known)) {
        known->is_asking = send(tasks, tenant, server, known);
        known->was_told &= known->is_asking;
        known->asked_mono_ms = tasks->config.clock->mono_ms;
    }
    *n = BN_MIN(*n, known->count);
    memcpy(out, known->tasks, *n * sizeof *out);
    return known->is_asking ? BN_TASKS_ASKING : known->was_told ? BN_TASKS_KNOWN : BN_TASKS_UNKNOWN;
}

/* --- life ------------------------------------------------------------------------------------ */

struct bn_tasks *bn_tasks_create(const struct bn_tasks_config *config)
{
    struct bn_tasks *tasks = bn_alloc(sizeof *tasks);
    tasks->config = *config;
    bn_list_init(&tasks->servers);
    return tasks;
}

void bn_tasks_destroy(struct bn_tasks *tasks)
{
    if (!tasks)
        return;
    bn_list_each_safe(it, tmp, &tasks->servers)
        known_destroy(tasks, container_of(it, struct known, link));
    free(tasks);
}

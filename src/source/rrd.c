#include "source/rrd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "source/pve_rrd.h"

#define KEY_SIZE 512
#define JSON_MAX (1 << 20) /* BN_RRD_ROWS_MAX points of 12 values */

/* A question, and then its answer while it is fresh. */
struct entry {
    UT_hash_handle hh;
    struct bn_list link; /* oldest first */
    char key[KEY_SIZE];
    bool is_asking;
    struct bn_buf json;
    int64_t answered_mono_ms;
    struct bn_rrd_waiter *waiters;
    size_t waiter_count;
    size_t waiter_cap;
};

struct bn_rrd {
    struct bn_rrd_config config;
    struct entry *entries;
    struct bn_list order;
    struct bn_rrd_stats stats;
};

/* What goes to the collector thread and comes back. */
struct ask {
    struct bn_fetch_job job;
    struct bn_rrd *rrd;
    char key[KEY_SIZE];
    char token_hint[96];
    char range[8];
    enum bn_pve_rrd_of of;
    struct bn_buf json;
    bool was_read;
    struct bn_err unreadable;
};

/* --- entries --------------------------------------------------------------------------------- */

/* A server that was changed is another one: its time of change is part of the key. */
static void write_key(const struct bn_rrd_subject *subject, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%.31s %.95s %lld %.63s %.7s %lld %.7s", subject->tenant,
            subject->server->id, (long long)subject->server->updated_at, subject->node,
            subject->type ? subject->type : "node", (long long)subject->vmid, subject->range);
}

static struct entry *entry_find(struct bn_rrd *rrd, const char *key)
{
    struct entry *entry = NULL;
    HASH_FIND_STR(rrd->entries, key, entry);
    return entry;
}

static void entry_remove(struct bn_rrd *rrd, struct entry *entry)
{
    // NOLINTNEXTLINE(clang-analyzer-*): uthash; what is freed has left the table
    HASH_DEL(rrd->entries, entry);
    bn_list_remove(&entry->link);
    rrd->stats.kept_bytes -= entry->json.len;
    bn_buf_finish(&entry->json);
    free(entry->waiters);
    free(entry);
}

/* Old answers go, and the oldest when there are too many: those under way stay. */
static void tidy(struct bn_rrd *rrd)
{
    const int64_t now = rrd->config.clock->mono_ms;
    bn_list_each_safe(it, tmp, &rrd->order) {
        struct entry *entry = container_of(it, struct entry, link);
        const bool is_old = now - entry->answered_mono_ms >= BN_RRD_KEEP_MS;
        if (!entry->is_asking && (is_old || HASH_COUNT(rrd->entries) > BN_RRD_KEPT_MAX ||
                                         rrd->stats.kept_bytes > BN_RRD_KEPT_BYTES))
            entry_remove(rrd, entry);
    }
}

static struct entry *entry_add(struct bn_rrd *rrd, const char *key)
{
    struct entry *entry = bn_alloc(sizeof *entry);
    bn_text_clip(entry->key, sizeof entry->key, bn_str(key));
    bn_buf_init(&entry->json, JSON_MAX);
    bn_list_append(&rrd->order, &entry->link);
    HASH_ADD_STR(rrd->entries, key, entry);
    return entry;
}

static void add_waiter(struct entry *entry, const struct bn_rrd_waiter *waiter)
{
    if (entry->waiter_count == entry->waiter_cap) {
        entry->waiter_cap = entry->waiter_cap ? entry->waiter_cap * 2 : 4;
        entry->waiters = bn_realloc(entry->waiters, entry->waiter_cap * sizeof *entry->waiters);
    }
    entry->waiters[entry->waiter_count++] = *waiter;
}

static void answer_all(struct entry *entry, const struct bn_rrd_answer *answer)
{
    const size_t count = entry->waiter_count;
    entry->waiter_count = 0;
    for (size_t i = 0; i < count; i++)
        entry->waiters[i].answer(entry->waiters[i].user, entry->waiters[i].ticket, answer);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void ask_destroy(struct ask *ask)
{
    bn_buf_finish(&ask->json);
    bn_fetch_job_finish(&ask->job);
    free(ask);
}

/* On the collector thread. */
static void read_history(struct bn_fetch_job *job)
{
    struct ask *ask = container_of(job, struct ask, job);
    struct bn_pve_rrd history;
    struct bn_json json;
    if (job->answer.status != 200)
        return;
    if (bn_pve_read_rrd(bn_buf_str(&job->answer.body), ask->of, &history, &ask->unreadable)) {
        bn_json_init(&json, &ask->json);
        bn_pve_rrd_json(&history, ask->range, &json);
        ask->was_read = bn_buf_ok(&ask->json);
    }
    bn_pve_rrd_finish(&history);
}

static void say_why(const struct ask *ask, struct bn_rrd_answer *out)
{
    struct bn_pve_verdict verdict;
    bn_pve_judge(&ask->job, ask->token_hint, &verdict);
    if (verdict.is_ok)
        bn_pve_judge_unreadable(&ask->unreadable, &verdict);
    bn_fail(&out->err,
            ask->job.answer.fault == BN_FETCH_TIMEOUT     ? BN_E_TIMEOUT
            : ask->job.answer.fault == BN_FETCH_CANCELLED ? BN_E_UNAVAILABLE
                                                          : BN_E_UPSTREAM,
            "%s", verdict.text);
    memcpy(out->hint, verdict.hint, sizeof out->hint);
}

static void history_done(struct bn_fetch_job *job)
{
    struct ask *ask = container_of(job, struct ask, job);
    struct bn_rrd *rrd = ask->rrd;
    struct entry *entry = entry_find(rrd, ask->key);
    struct bn_rrd_answer answer = {.json = NULL};
    rrd->stats.under_way--;
    if (entry && ask->was_read) {
        const struct bn_buf empty = entry->json;
        entry->json = ask->json;
        ask->json = empty;
        entry->is_asking = false;
        entry->answered_mono_ms = rrd->config.clock->mono_ms;
        rrd->stats.kept_bytes += entry->json.len;
        answer.json = &entry->json;
        answer_all(entry, &answer);
    } else if (entry) {
        say_why(ask, &answer);
        answer_all(entry, &answer);
        entry_remove(rrd, entry);
    }
    ask_destroy(ask);
}

static struct ask *ask_create(struct bn_rrd *rrd, const struct bn_rrd_subject *subject,
        const char *key)
{
    struct ask *ask = bn_alloc(sizeof *ask);
    bn_fetch_job_init(&ask->job, 1);
    bn_buf_init(&ask->json, JSON_MAX);
    ask->rrd = rrd;
    memcpy(ask->key, key, sizeof ask->key);
    memcpy(ask->token_hint, subject->server->token_hint, sizeof ask->token_hint);
    bn_text_clip(ask->range, sizeof ask->range, bn_str(subject->range));
    ask->of = subject->type ? BN_RRD_GUEST : BN_RRD_NODE;
    ask->job.read = read_history;
    ask->job.done = history_done;
    ask->job.request.connect_ms = ask->job.request.total_ms = BN_RRD_WAIT_MS;
    return ask;
}

static bool send(struct bn_rrd *rrd, const struct bn_rrd_subject *subject, struct ask *ask,
        struct bn_err *err)
{
    char path[256];
    char guest[64] = "";
    if (subject->type)
        snprintf(guest, sizeof guest, "/%.7s/%lld", subject->type, (long long)subject->vmid);
    snprintf(path, sizeof path, "/api2/json/nodes/%.63s%s/rrddata?timeframe=%.7s&cf=AVERAGE",
            subject->node, guest, subject->range);
    return bn_pve_ask(subject->server, subject->tenant, rrd->config.key, path, &ask->job, err) &&
           bn_fetch_do(rrd->config.fetch, &ask->job, err);
}

static bool is_fresh(const struct bn_rrd *rrd, const struct entry *entry)
{
    return entry && !entry->is_asking &&
           rrd->config.clock->mono_ms - entry->answered_mono_ms < BN_RRD_KEEP_MS;
}

bool bn_rrd_is_known(struct bn_rrd *rrd, const struct bn_rrd_subject *subject)
{
    char key[KEY_SIZE];
    write_key(subject, key);
    const struct entry *entry = entry_find(rrd, key);
    return entry && (entry->is_asking || is_fresh(rrd, entry));
}

/* NULL: err says why. */
static struct entry *begin(struct bn_rrd *rrd, const struct bn_rrd_subject *subject,
        const char *key, struct bn_err *err)
{
    if (rrd->stats.under_way >= BN_RRD_AT_ONCE) {
        bn_fail(err, BN_E_UNAVAILABLE,
                "%d questions about histories are under way: try again in a moment",
                BN_RRD_AT_ONCE);
        return NULL;
    }
    struct ask *ask = ask_create(rrd, subject, key);
    if (!send(rrd, subject, ask, err)) {
        ask_destroy(ask);
        return NULL;
    }
    struct entry *entry = entry_add(rrd, key);
    entry->is_asking = true;
    rrd->stats.under_way++;
    rrd->stats.asked++;
    return entry;
}

bool bn_rrd_ask(struct bn_rrd *rrd, const struct bn_rrd_subject *subject,
        const struct bn_rrd_waiter *waiter, struct bn_err *err)
{
    char key[KEY_SIZE] = "";
    tidy(rrd);
    write_key(subject, key);
    struct entry *entry = entry_find(rrd, key);
    if (is_fresh(rrd, entry)) {
        const struct bn_rrd_answer answer = {.json = &entry->json};
        waiter->answer(waiter->user, waiter->ticket, &answer);
        return true;
    }
    if (!entry)
        entry = begin(rrd, subject, key, err);
    if (entry)
        add_waiter(entry, waiter);
    return entry != NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

struct bn_rrd *bn_rrd_create(const struct bn_rrd_config *config)
{
    struct bn_rrd *rrd = bn_alloc(sizeof *rrd);
    rrd->config = *config;
    bn_list_init(&rrd->order);
    return rrd;
}

void bn_rrd_hurry(struct bn_rrd *rrd)
{
    struct bn_rrd_answer answer = {.json = NULL};
    if (!rrd)
        return;
    bn_fail(&answer.err, BN_E_UNAVAILABLE,
            "this server is about to end: ask again when it is back");
    bn_list_each(it, &rrd->order)
        answer_all(container_of(it, struct entry, link), &answer);
}

void bn_rrd_destroy(struct bn_rrd *rrd)
{
    if (!rrd)
        return;
    bn_list_each_safe(it, tmp, &rrd->order)
        entry_remove(rrd, container_of(it, struct entry, link));
    free(rrd);
}

void bn_rrd_get_stats(const struct bn_rrd *rrd, struct bn_rrd_stats *out)
{
    *out = rrd->stats;
    out->kept = HASH_COUNT(rrd->entries) - rrd->stats.under_way;
}

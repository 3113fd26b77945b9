#include "web/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/json.h"

#define JSON_BYTES_MAX (256 << 10) /* 289 runs of 100 bytes and some texts */
#define FAR_MIN        4      /* of those it is compared with, who have nothing to do with it */
#define AROUND_MS      300000 /* before the first failure */
#define WEEK_MS        (7 * BN_WHY_DAY_MS)
#define AUDIT_PAGE     200
#define AUDIT_PAGES    10 /* 2,000 entries back: some weeks of a busy place, 100 ms at the worst */

/* --- with whom it is compared ---------------------------------------------------------------- */

static const char *called(const struct bn_server *server)
{
    return server->vpn_enabled == 1 && server->vpn_host[0] ? server->vpn_host : server->host;
}

static bool is_same_net(const struct bn_server *a, const struct bn_server *b)
{
    struct bn_addr one;
    struct bn_addr other;
    if (!bn_addr_parse(bn_str(called(a)), &one) || !bn_addr_parse(bn_str(called(b)), &other) ||
            bn_addr_is_v4(&one) != bn_addr_is_v4(&other))
        return false;
    const uint8_t bits = bn_addr_is_v4(&one) ? 96 + 24 : 64;
    one = bn_addr_masked(&one, bits);
    other = bn_addr_masked(&other, bits);
    return memcmp(&one, &other, sizeof one) == 0;
}

static enum bn_why_tie tie_of(const struct bn_server *a, const struct bn_server *b)
{
    if (is_same_net(a, b))
        return BN_TIE_NET;
    if (a->site[0] && strcasecmp(a->site, b->site) == 0)
        return BN_TIE_SITE;
    return a->cluster[0] && strcmp(a->cluster, b->cluster) == 0 ? BN_TIE_CLUSTER : BN_TIE_OTHER;
}

static int nearest_first(const void *a, const void *b)
{
    const struct bn_why_near *x = a;
    const struct bn_why_near *y = b;
    return x->tie != y->tie ? (x->tie > y->tie) - (x->tie < y->tie) : strcmp(x->name, y->name);
}

void bn_why_prepare(struct bn_why_job *job, const struct bn_table *servers,
        const struct bn_server *server)
{
    struct bn_why_near *all = bn_alloc_array(servers->count + 1, sizeof *all);
    size_t count = 0;
    size_t near = 0;
    job->server = *server;
    memset(job->server.token, 0, sizeof job->server.token); /* nobody needs it here */
    bn_table_each(row, servers)
    {
        const struct bn_server *other = (const void *)row->record;
        if (other->is_active == 0 || strcmp(other->id, server->id) == 0)
            continue;
        struct bn_why_near *one = &all[count++];
        memcpy(one->id, other->id, sizeof one->id);
        bn_text_clip(one->name, sizeof one->name, bn_str(other->name));
        one->tie = tie_of(server, other);
        near += one->tie != BN_TIE_OTHER;
    }
    qsort(all, count, sizeof *all, nearest_first);
    const size_t far = BN_MIN(count - near,
            BN_MAX(FAR_MIN, BN_WHY_PEERS_MAX - BN_MIN(near, BN_WHY_PEERS_MAX)));
    const size_t taken = BN_MIN(near, BN_WHY_PEERS_MAX - far);
    memcpy(job->near, all, taken * sizeof *all);
    memcpy(job->near + taken, all + near, far * sizeof *all);
    job->near_count = taken + far;
    free(all);
}

/* --- reading --------------------------------------------------------------------------------- */

struct known {
    struct bn_check *checks; /* of the server, oldest first */
    size_t check_count;
    struct bn_why_peer peers[BN_WHY_PEERS_MAX];
    struct bn_why_point *points; /* of all of them */
    struct bn_why_change changes[BN_WHY_CHANGES_MAX];
    size_t change_count;
};

static bool read_checks(const struct bn_why_job *job, const char *id, int64_t from_ms,
        struct bn_check *out, size_t *n, struct bn_err *err)
{
    const struct bn_check_span span = {job->tenant, id, from_ms, INT64_MAX};
    *n = BN_WHY_ATTEMPTS_MAX;
    if (!bn_store_read_checks(job->store, &span, out, n, err))
        return false;
    for (size_t i = 0; i < *n / 2; i++) {
        const struct bn_check swap = out[i];
        out[i] = out[*n - 1 - i];
        out[*n - 1 - i] = swap;
    }
    return true;
}

static int64_t first_failure(const struct known *known)
{
    for (size_t i = 0; i < known->check_count; i++)
        if (known->checks[i].success != 1)
            return known->checks[i].at;
    return INT64_MAX;
}

/* What the others did while this one failed; nothing when it never did. */
static bool read_peers(const struct bn_why_job *job, struct known *known, struct bn_err *err)
{
    const int64_t from_ms = first_failure(known);
    bool ok = true;
    if (from_ms == INT64_MAX || job->near_count == 0)
        return true;
    struct bn_check *checks = bn_alloc_array(BN_WHY_ATTEMPTS_MAX, sizeof *checks);
    known->points = bn_alloc_array(job->near_count * BN_WHY_ATTEMPTS_MAX, sizeof *known->points);
    for (size_t i = 0; ok && i < job->near_count; i++) {
        struct bn_why_point *points = known->points + i * BN_WHY_ATTEMPTS_MAX;
        struct bn_why_peer *peer = &known->peers[i];
        ok = read_checks(job, job->near[i].id, from_ms - AROUND_MS, checks, &peer->count, err);
        for (size_t c = 0; ok && c < peer->count; c++)
            points[c] = (struct bn_why_point){.at = checks[c].at,
                    .is_ok = checks[c].success == 1,
                    .by_vpn = checks[c].used_vpn == 1};
        memcpy(peer->name, job->near[i].name, sizeof peer->name);
        peer->tie = job->near[i].tie;
        peer->points = points;
    }
    free(checks);
    return ok;
}

static void take_change(struct known *known, const struct bn_audit *entry)
{
    struct bn_why_change *change = &known->changes[known->change_count++];
    change->at = entry->at;
    bn_text_clip(change->action, sizeof change->action, bn_str(entry->action));
    bn_text_clip(change->actor, sizeof change->actor, bn_str(entry->actor));
    bn_text_clip(change->detail, sizeof change->detail, bn_str(entry->detail));
}

static bool is_change(const struct bn_why_job *job, const struct bn_audit *entry)
{
    static const char *const actions[] = {"server.change", "server.version", "server.certificate",
            "server.pin"};
    if (entry->ok != 1 || strcmp(entry->object, job->server.name) != 0)
        return false;
    for (size_t i = 0; i < COUNT(actions); i++)
        if (strcmp(entry->action, actions[i]) == 0)
            return true;
    return false;
}

static bool read_changes(const struct bn_why_job *job, struct known *known, struct bn_err *err)
{
    struct bn_audit *page = bn_alloc_array(AUDIT_PAGE, sizeof *page);
    char before[BN_ID_MAX] = "";
    bool goes_on = true;
    bool ok = true;
    for (int i = 0; ok && goes_on && i < AUDIT_PAGES; i++) {
        size_t n = AUDIT_PAGE;
        ok = bn_store_read_audit(job->store, job->tenant, before, page, &n, err);
        goes_on = ok && n == AUDIT_PAGE;
        for (size_t e = 0; ok && e < n; e++) {
            if (page[e].at < job->now_ms - WEEK_MS || known->change_count == BN_WHY_CHANGES_MAX)
                goes_on = false;
            else if (is_change(job, &page[e]))
                take_change(known, &page[e]);
        }
        if (goes_on)
            memcpy(before, page[n - 1].id, sizeof before);
    }
    free(page);
    return ok;
}

static bool read_all(const struct bn_why_job *job, struct known *known, struct bn_err *err)
{
    if (!job->store)
        return true;
    bn_store_settle(job->store);
    return read_checks(job, job->server.id, job->now_ms - BN_WHY_DAY_MS, known->checks,
                   &known->check_count, err) &&
           read_peers(job, known, err) && read_changes(job, known, err);
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_text(struct bn_json *json, const char *name, const char *text)
{
    bn_json_key(json, name);
    bn_json_text(json, text);
}

static void put_count(struct bn_json *json, const char *name, size_t count)
{
    bn_json_key(json, name);
    bn_json_u64(json, count);
}

static void put_figure(struct bn_json *json, const char *name, double value, int decimals)
{
    bn_json_key(json, name);
    bn_json_f64(json, value, decimals);
}

static void put_flag(struct bn_json *json, const char *name, bool value)
{
    bn_json_key(json, name);
    bn_json_bool(json, value);
}

static void put_time(struct bn_json *json, const char *name, int64_t at)
{
    bn_json_key(json, name);
    bn_json_time(json, at);
}

static void open_list(struct bn_json *json, const char *name)
{
    bn_json_key(json, name);
    bn_json_array(json);
}

static void put_task(struct bn_json *json, const struct bn_why_task *task)
{
    bn_json_key(json, "task");
    bn_json_object(json);
    put_text(json, "upid", task->upid);
    put_text(json, "type", task->type);
    put_text(json, "node", task->node);
    put_text(json, "id", task->id);
    put_time(json, "from", task->from_ms);
    put_time(json, "to", task->is_running ? 0 : task->to_ms);
    bn_json_object_end(json);
}

static void put_findings(struct bn_json *json, const struct bn_why *why)
{
    open_list(json, "findings");
    for (size_t i = 0; i < why->finding_count; i++) {
        const struct bn_why_finding *finding = &why->findings[i];
        bn_json_object(json);
        put_text(json, "kind", finding->kind);
        put_text(json, "title", finding->title);
        put_text(json, "evidence", finding->evidence);
        put_text(json, "verdict", finding->verdict);
        put_figure(json, "confidence", finding->confidence, 2);
        put_flag(json, "is_cause", finding->is_cause);
        if (finding->task)
            put_task(json, finding->task);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static void put_lines(struct bn_json *json, const char *name, const char *text_name,
        const struct bn_why_line *lines, size_t count)
{
    open_list(json, name);
    for (size_t i = 0; i < count; i++) {
        bn_json_object(json);
        put_text(json, "kind", lines[i].kind);
        put_text(json, text_name, lines[i].text);
        if (lines[i].fail_after) {
            bn_json_key(json, "fail_after");
            bn_json_i64(json, lines[i].fail_after);
        }
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static void put_phases(struct bn_json *json, const struct bn_why *why)
{
    open_list(json, "phases");
    for (size_t i = 0; i < COUNT(why->phases); i++) {
        bn_json_object(json);
        put_text(json, "name", why->phases[i].name);
        put_figure(json, "ms", why->phases[i].ms, 1);
        put_figure(json, "typical_ms", why->phases[i].typical_ms, 1);
        put_flag(json, "is_slow", why->phases[i].is_slow);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
    open_list(json, "errors");
    for (size_t i = 0; i < why->error_count; i++) {
        bn_json_object(json);
        put_text(json, "error_class", why->errors[i].error_class);
        put_count(json, "count", why->errors[i].count);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static void put_strip(struct bn_json *json, const struct bn_why *why)
{
    open_list(json, "strip");
    for (size_t i = 0; i < why->run_count; i++) {
        bn_json_object(json);
        put_time(json, "from", why->strip[i].from_ms);
        put_time(json, "to", why->strip[i].to_ms);
        put_text(json, "state", why->strip[i].state);
        if (why->strip[i].error_class[0]) {
            put_text(json, "error_class", why->strip[i].error_class);
            put_text(json, "error_phase", why->strip[i].error_phase);
            put_count(json, "failures", why->strip[i].failures);
        }
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static void put_changes(struct bn_json *json, const struct known *known)
{
    char text[300];
    open_list(json, "changed");
    for (size_t i = 0; i < known->change_count; i++) {
        const struct bn_why_change *change = &known->changes[i];
        if (strcmp(change->action, "server.version") == 0)
            snprintf(text, sizeof text, "Proxmox VE %s", change->detail);
        else if (strcmp(change->action, "server.certificate") == 0)
            snprintf(text, sizeof text, "certificate %s", change->detail);
        else if (strcmp(change->action, "server.pin") == 0)
            snprintf(text, sizeof text, "certificate pinned: %s", change->detail);
        else
            snprintf(text, sizeof text, "%s changed by %s",
                    change->detail[0] ? change->detail : "the server", change->actor);
        bn_json_object(json);
        put_time(json, "at", change->at);
        put_text(json, "text", text);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static void put_answer(const struct bn_why_job *job, const struct known *known,
        const struct bn_why *why, struct bn_json *json)
{
    bn_json_object(json);
    put_text(json, "state", bn_why_state_word(why->state));
    put_text(json, "headline", why->headline);
    put_time(json, "since", why->since_ms);
    put_count(json, "attempts", why->attempts);
    put_count(json, "failures", why->failures);
    put_count(json, "changes", why->changes);
    put_figure(json, "flap_pct", job->server.flap_pct, 1);
    put_figure(json, "flap_limit", BN_FLAP_ENTER_PCT, 1);
    put_figure(json, "success_rate", why->success_rate_pct, 2);
    put_figure(json, "median_ms", why->median_ms, 0);
    put_figure(json, "p95_ms", why->p95_ms, 0);
    put_text(json, "tasks", job->tasks_are ? job->tasks_are : "unknown");
    put_findings(json, why);
    put_lines(json, "not", "title", why->not, why->not_count);
    put_phases(json, why);
    put_strip(json, why);
    put_changes(json, known);
    put_lines(json, "advice", "text", why->advice, why->advice_count);
    bn_json_object_end(json);
}

bool bn_why_answer(struct bn_why_job *job, struct bn_err *err)
{
    struct known *known = bn_alloc(sizeof *known);
    struct bn_why *why = bn_alloc(sizeof *why);
    memset(known, 0, sizeof *known);
    known->checks = bn_alloc_array(BN_WHY_ATTEMPTS_MAX, sizeof *known->checks);
    const bool ok = read_all(job, known, err);
    if (ok) {
        const struct bn_why_ask ask = {.now_ms = job->now_ms,
                .server = &job->server,
                .checks = known->checks,
                .check_count = known->check_count,
                .peers = known->peers,
                .peer_count = known->points ? job->near_count : 0,
                .changes = known->changes,
                .change_count = known->change_count,
                .tasks = job->tasks,
                .task_count = job->task_count};
        struct bn_json json;
        bn_why_judge(&ask, why);
        bn_buf_init(&job->json, JSON_BYTES_MAX);
        bn_json_init(&json, &job->json);
        put_answer(job, known, why, &json);
    }
    free(known->points);
    free(known->checks);
    free(known);
    free(why);
    return ok;
}

void bn_why_finish(struct bn_why_job *job)
{
    bn_buf_finish(&job->json);
}

/*
 * why_trace: a day of checks for the tests of why, made by hand or as noise.
 */
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "bn_test.h"
#include "live/why.h"

#define HOUR_MS     INT64_C(3600000)
#define NOW         (498611 * HOUR_MS + 100000)
#define CHECKS_MAX  3000
#define PEERS_MAX   8
#define CHANGES_MAX 4
#define TASKS_MAX   64

struct trace {
    char want[16];
    char state[16];
    struct bn_server server;
    struct bn_check checks[CHECKS_MAX];
    struct bn_why_peer peers[PEERS_MAX];
    struct bn_why_point points[PEERS_MAX][CHECKS_MAX];
    struct bn_why_change changes[CHANGES_MAX];
    struct bn_why_task tasks[TASKS_MAX];
    struct bn_why_ask ask;
};

static struct trace trace;
static struct bn_why why;

static inline void clear(void)
{
    memset(&trace, 0, sizeof trace);
    bn_record_clear(&bn_server_type, &trace.server);
    trace.server.is_flapping = 0;
    snprintf(trace.server.host, sizeof trace.server.host, "10.0.0.3");
    snprintf(trace.server.seen_fingerprint, sizeof trace.server.seen_fingerprint, "aa");
    trace.server.cert_expires_at = NOW + 400 * 24 * HOUR_MS;
    trace.ask = (struct bn_why_ask){.now_ms = NOW,
            .server = &trace.server,
            .checks = trace.checks,
            .peers = trace.peers,
            .changes = trace.changes,
            .tasks = trace.tasks};
}

static inline struct bn_check *add(int64_t at, const char *error_class, const char *phase)
{
    CHECK(trace.ask.check_count < CHECKS_MAX);
    struct bn_check *check = &trace.checks[trace.ask.check_count++];
    bn_record_clear(&bn_check_type, check);
    check->at = at;
    check->success = error_class[0] == '\0';
    check->used_vpn = 0;
    check->timeout_used_ms = 10000;
    snprintf(check->error_class, sizeof check->error_class, "%s", error_class);
    snprintf(check->error_phase, sizeof check->error_phase, "%s", phase);
    if (check->success == 1) {
        check->response_time_ms = 140;
        check->dns_ms = check->tcp_ms = 1;
        check->tls_ms = 14;
        check->wait_ms = 120;
    } else {
        snprintf(check->error, sizeof check->error, "a sentence about %s", error_class);
    }
    return check;
}

static inline struct bn_why_task *add_task(int64_t from_ms, int64_t to_ms, const char *type,
        const char *node)
{
    CHECK(trace.ask.task_count < TASKS_MAX);
    struct bn_why_task *task = &trace.tasks[trace.ask.task_count++];
    task->from_ms = from_ms;
    task->to_ms = to_ms;
    snprintf(task->type, sizeof task->type, "%s", type);
    snprintf(task->node, sizeof task->node, "%s", node);
    return task;
}

/* As the checks would have it. */
static inline void judge(void)
{
    struct bn_attempts attempts;
    struct bn_attempt_figures figures;
    bn_attempts_init(&attempts);
    for (size_t i = 0; i < trace.ask.check_count; i++)
        bn_attempts_add(&attempts, trace.checks[i].at, trace.checks[i].success == 1 ? 1 : -1);
    bn_attempts_figure(&attempts, &figures);
    trace.server.is_flapping = attempts.is_flapping;
    trace.server.flap_pct = figures.flap_pct;
    bn_why_judge(&trace.ask, &why);
}

/* --- noise ------ */

static uint32_t seed;

static inline double chance(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (double)seed / 4294967296.0;
}

static const char *const noise_words[] = {"timeout", "reset", "http", "refused", "tls", "node"};

/* A day as the fleet checks: every 120 s, after a failure sooner; failing with the chance given. */
static inline void make_noise(uint32_t from, double failing)
{
    int failures = 0;
    clear();
    seed = from * 2654435761U + 1;
    for (double at = -24.0 * 3600 + 120 * chance(); at < 0;) {
        const bool fails = chance() < failing;
        struct bn_check *check = add(NOW + (int64_t)(at * 1000),
                fails ? noise_words[(size_t)(chance() * COUNT(noise_words))] : "",
                fails ? "answer" : "");
        if (!fails)
            check->response_time_ms = 100 + (int64_t)(1000 * pow(chance(), 8));
        failures = fails ? failures + 1 : 0;
        at += (fails ? BN_MIN(5 * (1 << BN_MIN(failures, 6)), 300) : 120) * (0.9 + 0.2 * chance());
    }
}

static inline bool has(const char *kind)
{
    for (size_t i = 0; i < why.finding_count; i++)
        if (strcmp(why.findings[i].kind, kind) == 0)
            return true;
    return false;
}

/* n checks of the fleet's pace that end now; those from `failing` on fail. */
static inline void make_plain(size_t n, size_t failing, const char *error_class, const char *phase)
{
    clear();
    for (size_t i = 0; i < n; i++)
        add(NOW - (int64_t)(n - i) * 120000, i >= failing ? error_class : "",
                i >= failing ? phase : "");
}

static inline const char *excluded(const char *kind)
{
    for (size_t i = 0; i < why.not_count; i++)
        if (strcmp(why.not [i].kind, kind) == 0)
            return why.not [i].text;
    return NULL;
}

static inline bool excludes(const char *kind)
{
    return excluded(kind) != NULL;
}

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"

#include "hub/audit.h"
#include "live/infra.h"
#include "source/fleet_private.h"

#define NODES_PATH   "/api2/json/nodes"
#define STATUS_PATH  "/api2/json/cluster/status"
#define VERSION_PATH "/api2/json/version"

#define EXTRA_MS      5000    /* for what a check would like to know besides */
#define LOOK_EVERY_MS 3600000 /* version and cluster of a server that stays online */

/* Attempts after the first, and the wait before each (FEATURES B6). */
#define RETRIES          1
#define RETRY_MS         500
#define RETRY_MAX_MS     2000
#define RETRIES_VPN      3
#define RETRY_VPN_MS     1000
#define RETRY_VPN_MAX_MS 8000

static void ask_nodes(struct bn_fleet_ask *ask);

/* --- facts ----------------------------------------------------------------------------------- */

static void tell_check(const struct bn_fleet_ask *ask, const struct bn_fleet_entry *entry)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CHECK, entry->tenant);
    fact.u.check = ask->check;
    bn_fleet_tell(ask->fleet, &fact);
}

static void begin(struct bn_fleet_ask *ask, const struct bn_server *server)
{
    struct bn_check *check = &ask->check;
    bn_record_clear(&bn_check_type, check);
    check->at = ask->begun_at;
    snprintf(check->id, sizeof check->id, "%.64s/%lld", server->id, (long long)check->at);
    memcpy(check->server_id, server->id, sizeof check->server_id);
    check->used_vpn = server->vpn_enabled == 1 && server->vpn_host[0];
    check->retry_count = 0;
    check->success = check->is_quorate = BN_UNKNOWN; /* a cleared yes or no is a no */
}

static int64_t whole_ms(double ms)
{
    return isnan(ms) ? BN_UNKNOWN : llround(ms);
}

/* What its name led to may be what is wrong; an address leads to itself. */
static void note_address(const struct bn_fetch_job *job, struct bn_check *check)
{
    struct bn_addr addr;
    check->address[0] = '\0';
    if (!bn_addr_parse(bn_str(job->request.host), &addr))
        bn_text_clip(check->address, sizeof check->address, bn_str(job->answer.address));
}

static void note_answer(struct bn_fleet_ask *ask)
{
    const struct bn_fetch_answer *answer = &ask->job.answer;
    struct bn_check *check = &ask->check;
    check->dns_ms = answer->dns_ms;
    check->tcp_ms = answer->tcp_ms;
    check->tls_ms = answer->tls_ms;
    check->wait_ms = answer->wait_ms;
    check->http_status = answer->status ? answer->status : BN_UNKNOWN;
    check->retry_count = ask->retries;
    note_address(&ask->job, check);
    if (ask->job.peer.fingerprint[0]) {
        memcpy(check->seen_fingerprint, ask->job.peer.fingerprint, sizeof check->seen_fingerprint);
        check->cert_expires_at = ask->job.peer.expires_at;
    }
}

/* What nobody did here and yet changed stands in the audit: somebody will ask what was different.
   Once an hour of each at most, for a balancer may show another machine each time. */
static void note_news(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry, int which,
        const char *before, const char *after)
{
    static const char *const actions[] = {"server.version", "server.certificate"};
    const int64_t mono_ms = ask->fleet->config.clock->mono_ms;
    const struct bn_server *server = bn_fleet_server(ask->fleet, entry);
    struct bn_audit note = {.ok = 1};
    if (!before[0] || !after[0] || strcmp(before, after) == 0 ||
            mono_ms < entry->news_due_mono_ms[which])
        return;
    entry->news_due_mono_ms[which] = mono_ms + LOOK_EVERY_MS;
    bn_text_clip(note.actor, sizeof note.actor, BN_STR("auto"));
    bn_text_clip(note.action, sizeof note.action, bn_str(actions[which]));
    bn_text_clip(note.object, sizeof note.object, bn_str(server->name));
    snprintf(note.detail, sizeof note.detail, "%.24s -> %.24s", before, after);
    bn_audit_note(ask->fleet->config.hub, entry->tenant, &note);
}

/* The last word on a check: told, and the next one planned. */
static void end(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry)
{
    if (entry) {
        if (ask->check.success == 1)
            bn_fleet_relate(ask->fleet, entry);
        if (entry->home)
            memcpy(ask->check.listed_under, entry->home->id, sizeof ask->check.listed_under);
        const struct bn_server *server = bn_fleet_server(ask->fleet, entry);
        note_news(ask, entry, 0, server->version, ask->check.version);
        note_news(ask, entry, 1, server->seen_fingerprint, ask->check.seen_fingerprint);
        tell_check(ask, entry);
        bn_fleet_checked(ask->fleet, entry, &ask->check);
    }
    bn_fleet_ask_destroy(ask);
}

static void fail(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry,
        const struct bn_pve_verdict *verdict)
{
    struct bn_check *check = &ask->check;
    check->success = 0;
    memcpy(check->error_class, verdict->error_class, sizeof check->error_class);
    memcpy(check->error_phase, verdict->phase, sizeof check->error_phase);
    memcpy(check->error, verdict->text, sizeof check->error);
    end(ask, entry);
}

static void cancel_check(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry)
{
    ask->check.success = BN_UNKNOWN;
    bn_text_clip(ask->check.error_class, sizeof ask->check.error_class, BN_STR("cancelled"));
    tell_check(ask, entry);
    entry->is_checking = false;
}

/* Nothing was found out about the server: it is ours that ended or is out of room. */
static void cancel(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry)
{
    if (entry) {
        cancel_check(ask, entry);
        bn_fleet_checked(ask->fleet, entry, &ask->check);
    }
    bn_fleet_ask_destroy(ask);
}

/* --- another try ----------------------------------------------------------------------------- */

static bool may_retry(const struct bn_fleet_ask *ask)
{
    const enum bn_fetch_fault fault = ask->job.answer.fault;
    const int most = ask->check.used_vpn == 1 ? RETRIES_VPN : RETRIES;
    return ask->retries < most && (fault == BN_FETCH_DNS || fault == BN_FETCH_REFUSED ||
                                          fault == BN_FETCH_UNREACHABLE || fault == BN_FETCH_RESET);
}

static int64_t retry_ms(const struct bn_fleet_ask *ask)
{
    const bool by_vpn = ask->check.used_vpn == 1;
    const int64_t base_ms = by_vpn ? RETRY_VPN_MS : RETRY_MS;
    const int64_t wait_ms = BN_MIN(base_ms << ask->retries,
            by_vpn ? RETRY_VPN_MAX_MS : RETRY_MAX_MS);
    return wait_ms + (int64_t)(bn_random_u64() % (uint64_t)(wait_ms / 5 + 1));
}

/* A fresh job in place of the one that ended. */
static void renew(struct bn_fleet_ask *ask)
{
    bn_fetch_job_finish(&ask->job);
    bn_fetch_job_init(&ask->job, 1);
}

void bn_fleet_try_again(struct bn_fleet_entry *entry)
{
    struct bn_fleet_ask *ask = entry->retry;
    entry->retry = NULL;
    ask->retries++;
    renew(ask);
    ask_nodes(ask);
}

/* --- the first contact ----------------------------------------------------------------------- */

/* Nobody did it, and it decides whom the token is sent to. */
static void note_pin(struct bn_fleet *fleet, const struct bn_fleet_entry *entry,
        const struct bn_server *server)
{
    struct bn_audit deed = {.actor = "auto", .action = "server.pin", .ok = 1};
    bn_text_clip(deed.object, sizeof deed.object, bn_str(server->name));
    snprintf(deed.detail, sizeof deed.detail, "first contact with %.40s: %.95s", server->host,
            server->fingerprint);
    bn_audit_note(fleet->config.hub, entry->tenant, &deed);
}

/* `verify_ssl` off: what the first contact shows is what counts from now on. */
static void pin(struct bn_fleet_ask *ask, const struct bn_fleet_entry *entry)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, entry->tenant);
    fact.u.server = *(const struct bn_server *)bn_live_get_newest(&ask->fleet->config.hub->live,
            entry->tenant, BN_KIND_SERVER, entry->id);
    if (fact.u.server.fingerprint[0])
        return; /* somebody pinned one meanwhile */
    fact.u.server.updated_at = ask->fleet->config.clock->now_ms;
    memcpy(fact.u.server.fingerprint, ask->job.peer.fingerprint, sizeof fact.u.server.fingerprint);
    fact.u.server.is_pin_auto = 1;
    bn_fleet_tell(ask->fleet, &fact);
    note_pin(ask->fleet, entry, &fact.u.server);
}

static bool is_first_contact(const struct bn_fleet_ask *ask)
{
    return ask->job.peer.trust == BN_TRUST_LOOK && ask->job.peer.fingerprint[0];
}

/* --- the chain: nodes, then the cluster, then the version ------------------------------------ */

static void version_done(struct bn_fetch_job *job)
{
    struct bn_fleet_ask *ask = container_of(job, struct bn_fleet_ask, job);
    struct bn_fleet_entry *entry = bn_fleet_find(ask->fleet, ask);
    struct bn_pve_version version;
    if (job->answer.fault == BN_FETCH_NONE && job->answer.status == 200 &&
            bn_pve_read_version(bn_buf_str(&job->answer.body), &version, NULL)) {
        memcpy(ask->check.version, version.text, sizeof ask->check.version);
        if (entry)
            entry->look_due_mono_ms = ask->fleet->config.clock->mono_ms + LOOK_EVERY_MS;
    }
    end(ask, entry);
}

static void cluster_done(struct bn_fetch_job *job)
{
    static struct bn_pve_cluster cluster; /* loop thread only; large */
    struct bn_fleet_ask *ask = container_of(job, struct bn_fleet_ask, job);
    struct bn_fleet_entry *entry = bn_fleet_find(ask->fleet, ask);
    if (job->answer.fault == BN_FETCH_NONE && job->answer.status == 200 &&
            bn_pve_read_cluster(bn_buf_str(&job->answer.body), &cluster, NULL)) {
        memcpy(ask->check.cluster, cluster.name, sizeof ask->check.cluster);
        ask->check.is_quorate = cluster.is_quorate;
        if (entry)
            bn_fleet_learn_cluster(ask, entry, cluster.name);
    }
    if (!entry || ask->fleet->config.clock->mono_ms < entry->look_due_mono_ms) {
        end(ask, entry);
        return;
    }
    renew(ask);
    ask->job.done = version_done;
    if (!bn_fleet_ask_send(ask, VERSION_PATH, EXTRA_MS, NULL))
        end(ask, entry);
}

static void succeed(struct bn_fleet_ask *ask, struct bn_fleet_entry *entry, int64_t nodes)
{
    ask->check.success = 1;
    ask->check.nodes = nodes;
    ask->check.response_time_ms = whole_ms(ask->job.answer.total_ms);
    renew(ask);
    ask->job.done = cluster_done;
    if (!bn_fleet_ask_send(ask, STATUS_PATH, EXTRA_MS, NULL))
        end(ask, entry);
}

static void nodes_done(struct bn_fetch_job *job)
{
    struct bn_fleet_ask *ask = container_of(job, struct bn_fleet_ask, job);
    struct bn_fleet_entry *entry = bn_fleet_find(ask->fleet, ask);
    struct bn_pve_verdict verdict;
    struct bn_err err;
    int64_t nodes = 0;
    if (!entry || job->answer.fault == BN_FETCH_CANCELLED) {
        cancel(ask, entry);
        return;
    }
    note_answer(ask);
    if (is_first_contact(ask)) {
        pin(ask, entry);
        /* Whoever waits is told of the check of the pinned server, due when that is kept. */
        cancel_check(ask, entry);
        entry->check_due_mono_ms = ask->fleet->config.clock->mono_ms + BN_CHECK_BACKOFF_MS;
        bn_fleet_ask_destroy(ask);
        return;
    }
    if (may_retry(ask)) {
        entry->retry = ask;
        entry->retry_due_mono_ms = ask->fleet->config.clock->mono_ms + retry_ms(ask);
        return;
    }
    bn_pve_judge(job, ask->token_hint, &verdict);
    if (verdict.is_ok && !bn_pve_read_nodes(bn_buf_str(&job->answer.body), &nodes, &err))
        bn_pve_judge_unreadable(&err, &verdict);
    else if (verdict.is_ok) {
        bn_fleet_learn_members(ask);
        succeed(ask, entry, nodes);
        return;
    }
    fail(ask, entry, &verdict);
}

static void ask_nodes(struct bn_fleet_ask *ask)
{
    struct bn_fleet_entry *entry = bn_fleet_find(ask->fleet, ask);
    struct bn_pve_verdict verdict = {.error_class = "token", .phase = "dns"};
    struct bn_err err;
    if (!entry) {
        bn_fleet_ask_destroy(ask);
        return;
    }
    ask->job.done = nodes_done;
    if (bn_fleet_ask_send(ask, NODES_PATH, ask->check.timeout_used_ms, &err))
        return;
    if (err.code == BN_E_UNAVAILABLE) {
        cancel(ask, entry);
        return;
    }
    memcpy(verdict.text, err.text, sizeof verdict.text);
    fail(ask, entry, &verdict);
}

void bn_fleet_check(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    const struct bn_server *server = bn_fleet_server(fleet, entry);
    if (!server)
        return;
    struct bn_fleet_ask *ask = bn_fleet_ask_create(fleet, entry);
    begin(ask, server);
    ask->check.timeout_used_ms = bn_infra_timeout_ms(bn_live_find(&fleet->config.hub->live,
                                                             entry->tenant),
            server);
    entry->is_checking = true;
    tell_check(ask, entry);
    ask_nodes(ask);
}

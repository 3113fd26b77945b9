#include "source/alerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/log.h"

#include "live/infra.h"
#include "source/operations.h"

#define TICK_MS 250

/* An alert that fires, or whose end the store has not kept yet; one for each server. */
struct open {
    struct bn_list link;
    UT_hash_handle hh;
    char key[BN_TENANT_MAX + BN_ID_MAX]; /* TENANT/SERVER ID */
    char tenant[BN_TENANT_MAX];
    struct bn_alerts *alerts;
    struct bn_alert now;
    bool is_new;           /* the store has not kept it yet */
    bool is_dirty;         /* changed since it was last written */
    bool is_keeping;       /* the store has not spoken of the last write */
    int64_t again_mono_ms; /* after a refusal it waits until then */
};

struct bn_alerts {
    struct bn_alerts_config config;
    struct bn_timer *timer;
    struct bn_list opens;
    struct open *by_server; /* the same, by key */
    int64_t started_ms;
    int64_t due_ms; /* wall: when time alone changes something */
    bool is_dirty;  /* something changed since the last look */
};

/* --- which are open -------------------------------------------------------------------------- */

static void make_key(const char *tenant, const char *server_id, char out[BN_TENANT_MAX + BN_ID_MAX])
{
    snprintf(out, BN_TENANT_MAX + BN_ID_MAX, "%s/%s", tenant, server_id);
}

static struct open *open_find(const struct bn_alerts *alerts, const char *tenant,
        const char *server_id)
{
    char key[BN_TENANT_MAX + BN_ID_MAX];
    struct open *open = NULL;
    make_key(tenant, server_id, key);
    HASH_FIND_STR(alerts->by_server, key, open);
    return open;
}

static struct open *open_create(struct bn_alerts *alerts, const char *tenant,
        const struct bn_alert *alert)
{
    struct open *open = bn_alloc(sizeof *open);
    open->alerts = alerts;
    open->now = *alert;
    bn_text_clip(open->tenant, sizeof open->tenant, bn_str(tenant));
    make_key(tenant, alert->subject_id, open->key);
    HASH_ADD_STR(alerts->by_server, key, open);
    bn_list_append(&alerts->opens, &open->link);
    return open;
}

static void open_destroy(struct open *open)
{
    HASH_DEL(open->alerts->by_server, open);
    bn_list_remove(&open->link);
    free(open);
}

static void due(struct bn_alerts *alerts, int64_t at_ms)
{
    alerts->due_ms = BN_MIN(alerts->due_ms, at_ms);
}

/* --- keeping --------------------------------------------------------------------------------- */

static void note(const struct bn_alert *alert)
{
    bn_log(BN_INFO, alert->state == BN_ALERT_FIRING ? "alert.firing" : "alert.resolved",
            BN_KV("id", alert->id), BN_KV("subject", alert->subject),
            BN_KV("text", alert->message));
}

static void refused(struct open *open)
{
    open->is_dirty = true;
    open->again_mono_ms = open->alerts->config.clock->mono_ms + BN_WORK_KEEP_AGAIN_MS;
}

static void on_kept(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct open *open = user;
    open->alerts->is_dirty = true;
    open->is_keeping = false;
    if (err) {
        refused(open);
        return;
    }
    if (open->is_new || fact->u.alert.state == BN_ALERT_RESOLVED)
        note(&fact->u.alert);
    open->is_new = false;
    if (fact->u.alert.state == BN_ALERT_RESOLVED)
        open_destroy(open);
}

static void keep(struct open *open)
{
    const struct bn_clock *clock = open->alerts->config.clock;
    struct bn_fact fact;
    struct bn_err err;
    if (!open->is_dirty || open->is_keeping)
        return;
    if (clock->mono_ms < open->again_mono_ms) {
        due(open->alerts, clock->now_ms + open->again_mono_ms - clock->mono_ms);
        return;
    }
    bn_fact_init(&fact, BN_KIND_ALERT, open->tenant);
    fact.u.alert = open->now;
    open->is_dirty = false;
    open->is_keeping = true;
    if (bn_hub_ask(open->alerts->config.hub, &fact, on_kept, open, &err))
        return;
    bn_log(BN_WARN, "alert.lost", BN_KV("subject", open->now.subject), BN_KV("text", err.text));
    open->is_keeping = false;
    refused(open);
    due(open->alerts, clock->now_ms + BN_WORK_KEEP_AGAIN_MS);
}

/* --- is it silenced? -------------------------------------------------------------------------- */

/* Until when an alert of that server keeps still; 0: it does not. The clock ends it. */
static int64_t silence_of(struct bn_alerts *alerts, const struct bn_server *server)
{
    if (server->silenced_until <= alerts->config.clock->now_ms)
        return 0;
    due(alerts, server->silenced_until);
    return server->silenced_until;
}

/* --- is it over? ----------------------------------------------------------------------------- */

/* How it ended, as a sentence; "": it did not. */
static void say_end(const struct open *open, const struct bn_server *server,
        const struct bn_attempts *attempts, char *out, size_t size)
{
    const char *name = server ? server->name : open->now.subject;
    char lasted[32];
    out[0] = '\0';
    bn_duration_say(open->alerts->config.clock->now_ms - open->now.since, lasted, sizeof lasted);
    if (!server)
        snprintf(out, size, "Server %.127s was removed after %s offline.", name, lasted);
    else if (server->is_active != 1)
        snprintf(out, size, "Server %.127s was disabled after %s offline.", name, lasted);
    else if (attempts && attempts->count > 0 && !attempts->failing_since && !attempts->is_flapping)
        snprintf(out, size, "Server %.127s is online again after %s.", name, lasted);
}

static void follow(struct open *open, const struct bn_server *server,
        const struct bn_attempts *attempts)
{
    char message[sizeof open->now.message];
    struct bn_alert *now = &open->now;
    const int64_t silence = silence_of(open->alerts, server);
    memcpy(message, now->message, sizeof message);
    if (attempts && !attempts->failing_since && attempts->is_flapping)
        snprintf(message, sizeof message,
                "Server %.127s goes online and offline: it is over when that has stopped.",
                server->name);
    if (strcmp(message, now->message) == 0 && strcmp(server->name, now->subject) == 0 &&
            silence == now->silenced_until)
        return;
    now->silenced_until = silence;
    memcpy(now->message, message, sizeof now->message);
    bn_text_clip(now->subject, sizeof now->subject, bn_str(server->name));
    open->is_dirty = true;
}

static void judge_open(struct open *open)
{
    struct bn_live *live = &open->alerts->config.hub->live;
    const struct bn_tenant_live *tenant = bn_live_find(live, open->tenant);
    const struct bn_server *server = bn_live_get(live, open->tenant, BN_KIND_SERVER,
            open->now.subject_id);
    const struct bn_attempts *attempts = server ? bn_infra_attempts(tenant, server->id) : NULL;
    char end[sizeof open->now.message];
    if (open->is_keeping)
        return;
    if (open->now.state == BN_ALERT_FIRING) {
        say_end(open, server, attempts, end, sizeof end);
        if (end[0] && open->is_new) { /* nobody has heard of it */
            open_destroy(open);
            return;
        }
        if (end[0]) {
            memcpy(open->now.message, end, sizeof end);
            open->now.state = BN_ALERT_RESOLVED;
            open->now.resolved_at = open->alerts->config.clock->now_ms;
            open->is_dirty = true;
        } else if (server) {
            follow(open, server, attempts);
        }
    }
    keep(open);
}

/* --- does it fire? --------------------------------------------------------------------------- */

static void fire(struct bn_alerts *alerts, const char *tenant, const struct bn_server *server,
        int64_t since)
{
    struct bn_alert alert;
    bn_record_clear(&bn_alert_type, &alert);
    bn_operation_make_id(alert.id);
    alert.rule = BN_ALERT_SERVER_OFFLINE;
    alert.severity = BN_ALERT_CRITICAL;
    alert.state = BN_ALERT_FIRING;
    alert.subject_kind = BN_ALERT_OF_SERVER;
    alert.since = since;
    alert.fired_at = alerts->config.clock->now_ms;
    alert.is_demo = server->is_demo == 1;
    alert.silenced_until = silence_of(alerts, server);
    memcpy(alert.subject_id, server->id, sizeof alert.subject_id);
    bn_text_clip(alert.subject, sizeof alert.subject, bn_str(server->name));
    snprintf(alert.message, sizeof alert.message, "Server %.100s is offline%s%.191s.", server->name,
            server->health_check_error[0] ? ": " : "", server->health_check_error);
    struct open *open = open_create(alerts, tenant, &alert);
    open->is_new = true;
    open->is_dirty = true;
    keep(open);
}

static void look_at_server(struct bn_alerts *alerts, const struct bn_tenant_live *tenant,
        const struct bn_server *server)
{
    const struct bn_attempts *attempts = bn_infra_attempts(tenant, server->id);
    if (server->is_active != 1 || !attempts || !attempts->failing_since || !server->error_class[0])
        return; /* it does not count as offline */
    if (server->last_health_check_at < alerts->started_ms)
        return; /* what it was when we ended says nothing of the time between */
    const int64_t at_ms = attempts->failing_since + alerts->config.offline_ms;
    if (alerts->config.clock->now_ms < at_ms)
        due(alerts, at_ms);
    else if (!open_find(alerts, tenant->id, server->id))
        fire(alerts, tenant->id, server, attempts->failing_since);
}

/* --- the clock ------------------------------------------------------------------------------- */

static void sweep(struct bn_alerts *alerts, const struct bn_tenant_live *tenant)
{
    bn_table_each(row, &tenant->tables[BN_KIND_ALERT])
    {
        const struct bn_alert *alert = (const void *)row->record;
        struct bn_fact fact;
        if (alert->state != BN_ALERT_RESOLVED)
            continue;
        if (alerts->config.clock->now_ms < alert->resolved_at + BN_ALERT_PAST_MS) {
            due(alerts, alert->resolved_at + BN_ALERT_PAST_MS);
            continue;
        }
        bn_fact_init(&fact, BN_KIND_ALERT, tenant->id);
        fact.op = BN_PAST;
        fact.u.alert = *alert;
        bn_hub_tell(alerts->config.hub, &fact);
    }
}

static void look(struct bn_alerts *alerts)
{
    alerts->is_dirty = false;
    alerts->due_ms = INT64_MAX;
    bn_list_each_safe(it, tmp, &alerts->opens)
        judge_open(container_of(it, struct open, link));
    for (const struct bn_tenant_live *tenant = alerts->config.hub->live.tenants; tenant;
            tenant = tenant->next) {
        bn_table_each(row, &tenant->tables[BN_KIND_SERVER])
                look_at_server(alerts, tenant, (const void *)row->record);
        sweep(alerts, tenant);
    }
}

static void on_tick(void *user)
{
    struct bn_alerts *alerts = user;
    if (alerts->is_dirty || alerts->config.clock->now_ms >= alerts->due_ms)
        look(alerts);
}

/* Somebody dismissed one, by way of the hub. What of ours was on its way at that moment, or what it
   wrote over, is written once more. */
static void on_alert(void *user, const struct bn_fact *fact)
{
    struct bn_alerts *alerts = user;
    const struct bn_alert *told = &fact->u.alert;
    struct open *open = open_find(alerts, fact->tenant, told->subject_id);
    if (fact->op != BN_PUT || !open || strcmp(open->now.id, told->id) != 0)
        return;
    if (told->dismissed_at && !open->now.dismissed_at) {
        open->now.dismissed_at = told->dismissed_at;
        memcpy(open->now.dismissed_by, told->dismissed_by, sizeof open->now.dismissed_by);
    }
    if (bn_record_diff(&bn_alert_type, told, &open->now)) {
        open->is_dirty = true;
        alerts->is_dirty = true;
    }
}

static void on_change(void *user, const struct bn_fact *fact)
{
    struct bn_alerts *alerts = user;
    (void)fact;
    alerts->is_dirty = true;
}

/* --- start and stop -------------------------------------------------------------------------- */

struct bn_alerts *bn_alerts_start(const struct bn_alerts_config *config)
{
    struct bn_alerts *alerts = bn_alloc(sizeof *alerts);
    alerts->config = *config;
    bn_list_init(&alerts->opens);
    alerts->started_ms = config->clock->now_ms;
    alerts->is_dirty = true;
    for (const struct bn_tenant_live *tenant = config->hub->live.tenants; tenant;
            tenant = tenant->next)
        bn_table_each(row, &tenant->tables[BN_KIND_ALERT])
        {
            const struct bn_alert *alert = (const void *)row->record;
            if (alert->state == BN_ALERT_FIRING)
                (void)open_create(alerts, tenant->id, alert);
        }
    bn_hub_watch(config->hub, BN_KIND_SERVER, on_change, alerts);
    bn_hub_watch(config->hub, BN_KIND_CHECK, on_change, alerts);
    bn_hub_watch(config->hub, BN_KIND_ALERT, on_alert, alerts);
    alerts->timer = bn_timer_create(config->loop, on_tick, alerts);
    bn_timer_start(alerts->timer, TICK_MS, TICK_MS);
    return alerts;
}

void bn_alerts_stop(struct bn_alerts *alerts)
{
    if (!alerts)
        return;
    bn_timer_destroy(alerts->timer);
    bn_list_each_safe(it, tmp, &alerts->opens)
        open_destroy(container_of(it, struct open, link));
    free(alerts);
}

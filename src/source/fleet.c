#include "source/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/infra.h"
#include "source/fleet_private.h"

#define TICK_MS    100
#define SPEAKER_MS 500 /* who does not speak for its cluster may have to soon */

struct run {
    struct bn_fleet_run ops;
    size_t waiting;
};

struct wait {
    struct bn_list link;
    struct run *run;
};

/* --- entries --------------------------------------------------------------------------------- */

static void write_key(const char *tenant, const char *id, char out[BN_FLEET_KEY_SIZE])
{
    snprintf(out, BN_FLEET_KEY_SIZE, "%s %s", tenant, id);
}

static struct bn_fleet_entry *entry_find(struct bn_fleet *fleet, const char *tenant, const char *id)
{
    char key[BN_FLEET_KEY_SIZE];
    struct bn_fleet_entry *entry = NULL;
    write_key(tenant, id, key);
    HASH_FIND_STR(fleet->entries, key, entry);
    return entry;
}

static struct bn_fleet_entry *entry_add(struct bn_fleet *fleet, const char *tenant, const char *id)
{
    struct bn_fleet_entry *entry = bn_alloc(sizeof *entry);
    write_key(tenant, id, entry->key);
    bn_text_clip(entry->tenant, sizeof entry->tenant, bn_str(tenant));
    bn_text_clip(entry->id, sizeof entry->id, bn_str(id));
    bn_list_init(&entry->waits);
    bn_list_init(&entry->kin);
    HASH_ADD_STR(fleet->entries, key, entry);
    return entry;
}

static void leave_run(struct wait *wait)
{
    struct run *run = wait->run;
    bn_list_remove(&wait->link);
    free(wait);
    if (--run->waiting > 0)
        return;
    run->ops.done(run->ops.user);
    free(run);
}

static void drop_retry(struct bn_fleet_entry *entry)
{
    if (entry->retry)
        bn_fleet_ask_destroy(entry->retry);
    entry->retry = NULL;
}

static void set_up(struct bn_fleet *fleet, struct bn_fleet_entry *entry, bool is_up)
{
    fleet->up += (size_t)is_up - (size_t)entry->is_up;
    entry->is_up = is_up;
}

static void entry_remove(struct bn_fleet *fleet, struct bn_fleet_entry *entry)
{
    set_up(fleet, entry, false);
    drop_retry(entry);
    HASH_DEL(fleet->entries, entry);
    bn_fleet_part(fleet, entry);
    bn_fleet_clear(fleet, entry);
    bn_list_each_safe(it, tmp, &entry->waits)
        leave_run(container_of(it, struct wait, link));
    free(entry->members);
    free(entry);
}

const struct bn_server *bn_fleet_server(const struct bn_fleet *fleet,
        const struct bn_fleet_entry *entry)
{
    return bn_live_get(&fleet->config.hub->live, entry->tenant, BN_KIND_SERVER, entry->id);
}

/* --- what operators change ------------------------------------------------------------------- */

/* What is called, and how: an answer to one is none to the other. */
static uint64_t serial_of(const struct bn_server *server)
{
    uint8_t digest[BN_HASH_SIZE];
    uint64_t serial;
    char text[2048];
    int len = snprintf(text, sizeof text, "%s\n%lld\n%s\n%s\n%lld\n%lld\n%s\n%lld", server->host,
            (long long)server->port, server->token, server->fingerprint,
            (long long)server->verify_ssl, (long long)server->vpn_enabled, server->vpn_host,
            (long long)server->vpn_port);
    bn_sha256(text, BN_MIN((size_t)len, sizeof text - 1), digest);
    memcpy(&serial, digest, sizeof serial);
    return serial;
}

/* Nobody looks at it any more, so the attempt under way will say nothing. */
static void tell_cancelled(struct bn_fleet *fleet, const struct bn_fleet_entry *entry)
{
    struct bn_fact fact;
    struct bn_check *check = &fact.u.check;
    bn_fact_init(&fact, BN_KIND_CHECK, entry->tenant);
    check->at = fleet->config.clock->now_ms;
    snprintf(check->id, sizeof check->id, "%.64s/%lld", entry->id, (long long)check->at);
    memcpy(check->server_id, entry->id, sizeof check->server_id);
    bn_text_clip(check->error_class, sizeof check->error_class, BN_STR("cancelled"));
    check->success = BN_UNKNOWN;
    bn_fleet_tell(fleet, &fact);
}

static void take_server(struct bn_fleet *fleet, const char *tenant, const struct bn_server *server)
{
    struct bn_fleet_entry *entry = entry_find(fleet, tenant, server->id);
    const uint64_t serial = serial_of(server);
    if (server->is_active == 0) {
        if (entry && entry->is_checking)
            tell_cancelled(fleet, entry);
        if (entry)
            entry_remove(fleet, entry);
        return;
    }
    if (entry && entry->serial == serial)
        return;
    if (!entry)
        entry = entry_add(fleet, tenant, server->id);
    drop_retry(entry);
    bn_fleet_part(fleet, entry);
    bn_fleet_clear(fleet, entry); /* what was listed may be somebody else's */
    set_up(fleet, entry, false);
    entry->was_checked = entry->is_barred = false;
    entry->cluster[0] = entry->shown[0] = '\0';
    entry->member_count = 0;
    entry->poll_due_mono_ms = 0;
    entry->serial = serial;
    entry->is_checking = entry->is_polling = false; /* what is under way asks somebody else */
    entry->failures = 0;
    entry->check_due_mono_ms = entry->look_due_mono_ms = fleet->config.clock->mono_ms;
}

/* Also hears of each change a check makes in the row: the serial says that nothing is new. */
static void on_server(void *user, const struct bn_fact *fact)
{
    struct bn_fleet *fleet = user;
    struct bn_fleet_entry *entry;
    if (fact->op == BN_PUT) {
        take_server(fleet, fact->tenant, &fact->u.server);
        return;
    }
    entry = entry_find(fleet, fact->tenant, fact->u.server.id);
    if (entry)
        entry_remove(fleet, entry);
}

/* --- questions ------------------------------------------------------------------------------- */

struct bn_fleet_entry *bn_fleet_find(struct bn_fleet *fleet, const struct bn_fleet_ask *ask)
{
    struct bn_fleet_entry *entry = NULL;
    HASH_FIND_STR(fleet->entries, ask->key, entry);
    return entry && entry->serial == ask->serial && bn_fleet_server(fleet, entry) ? entry : NULL;
}

struct bn_fleet_ask *bn_fleet_ask_create(struct bn_fleet *fleet, const struct bn_fleet_entry *entry)
{
    struct bn_fleet_ask *ask = bn_alloc(sizeof *ask);
    bn_fetch_job_init(&ask->job, 1);
    ask->fleet = fleet;
    memcpy(ask->key, entry->key, sizeof ask->key);
    memcpy(ask->server_id, entry->id, sizeof ask->server_id);
    ask->serial = entry->serial;
    ask->begun_at = fleet->config.clock->now_ms;
    return ask;
}

void bn_fleet_ask_destroy(struct bn_fleet_ask *ask)
{
    bn_pve_listing_finish(&ask->listing);
    free(ask->members);
    bn_fetch_job_finish(&ask->job);
    free(ask);
}

bool bn_fleet_ask_send(struct bn_fleet_ask *ask, const char *path, int64_t total_ms,
        struct bn_err *err)
{
    struct bn_fleet_entry *entry = bn_fleet_find(ask->fleet, ask);
    if (!entry)
        return bn_fail(err, BN_E_NOT_FOUND, "the server is gone");
    const struct bn_server *server = bn_fleet_server(ask->fleet, entry);
    memcpy(ask->token_hint, server->token_hint, sizeof ask->token_hint);
    ask->job.request.connect_ms = total_ms;
    ask->job.request.total_ms = total_ms;
    return bn_pve_ask(server, entry->tenant, ask->fleet->config.key, path, &ask->job, err) &&
           bn_fetch_do(ask->fleet->config.fetch, &ask->job, err);
}

void bn_fleet_tell(struct bn_fleet *fleet, const struct bn_fact *fact)
{
    bn_hub_tell(fleet->config.hub, fact);
}

/* --- the schedule ---------------------------------------------------------------------------- */

int64_t bn_fleet_about(int64_t base_ms)
{
    return base_ms - base_ms / 10 + (int64_t)(bn_random_u64() % (uint64_t)(base_ms / 5 + 1));
}

/* Of several servers none answers: it may well be our own network (SECURITY A19). */
static bool is_dark(const struct bn_fleet *fleet)
{
    return fleet->up == 0 && HASH_COUNT(fleet->entries) > 1;
}

/* Then nobody waits longer than a server that answers: the first one that does ends it for all. */
static int64_t backoff_max_ms(const struct bn_fleet *fleet)
{
    const int64_t every_ms = BN_MAX(fleet->config.check_every_ms, (int64_t)BN_CHECK_BACKOFF_MS);
    return is_dark(fleet) ? BN_MIN(every_ms, (int64_t)BN_CHECK_BACKOFF_MAX_MS)
                          : BN_CHECK_BACKOFF_MAX_MS;
}

/* One answers where none did: the others are asked now, not when their back-off ends. */
static void wake_all(struct bn_fleet *fleet)
{
    struct bn_fleet_entry *entry = NULL;
    struct bn_fleet_entry *next = NULL;
    HASH_ITER(hh, fleet->entries, entry, next)
    {
        const int64_t soon = fleet->config.clock->mono_ms +
                             (int64_t)(bn_random_u64() % BN_CHECK_WAKE_MS);
        if (entry->failures > 0 && !entry->is_barred)
            entry->check_due_mono_ms = BN_MIN(entry->check_due_mono_ms, soon);
    }
}

/* 1 when it is no server any more. */
static int fail_after(const struct bn_fleet *fleet, const struct bn_fleet_entry *entry)
{
    const struct bn_server *server = bn_fleet_server(fleet, entry);
    return server ? (int)bn_server_fail_after(server) : BN_FAIL_AFTER;
}

static int64_t next_check_ms(const struct bn_fleet *fleet, const struct bn_fleet_entry *entry,
        const struct bn_check *check)
{
    if (check->success == 1)
        return fleet->config.check_every_ms;
    if (check->success == BN_UNKNOWN)
        return BN_CHECK_BACKOFF_MS; /* ours to blame */
    if (entry->is_barred)
        return BN_AUTH_PAUSE_MS;
    const int enough = fail_after(fleet, entry); /* until then nobody knows whether it is offline */
    const int doublings = BN_MIN(BN_MAX(entry->failures - enough, 0), 10);
    return BN_MIN((int64_t)BN_CHECK_BACKOFF_MS << doublings, backoff_max_ms(fleet));
}

void bn_fleet_checked(struct bn_fleet *fleet, struct bn_fleet_entry *entry,
        const struct bn_check *check)
{
    const int64_t now = fleet->config.clock->mono_ms;
    entry->is_checking = false;
    entry->was_checked = true;
    fleet->stats.checks++;
    if (check->success != BN_UNKNOWN) {
        const bool was_dark = is_dark(fleet);
        entry->failures = check->success == 1 ? 0 : entry->failures + 1;
        entry->is_barred = strcmp(check->error_class, "auth") == 0;
        set_up(fleet, entry, check->success == 1);
        if (was_dark && entry->is_up)
            wake_all(fleet);
    }
    entry->check_due_mono_ms = now + bn_fleet_about(next_check_ms(fleet, entry, check));
    /* Who asks how it is wants to see its guests as they are. */
    if (check->success == 1 && (entry->poll_due_mono_ms == 0 || !bn_list_is_empty(&entry->waits)))
        entry->poll_due_mono_ms = now;
    else if (check->success == 0) {
        entry->poll_due_mono_ms = 0; /* until it answers again */
        const struct bn_fleet_entry *speaker = bn_fleet_speaker(fleet, entry);
        if (!speaker->is_up && speaker->failures >= fail_after(fleet, speaker))
            bn_fleet_doubt(fleet, bn_fleet_home(entry));
    }
    bn_list_each_safe(it, tmp, &entry->waits) {
        struct wait *wait = container_of(it, struct wait, link);
        wait->run->ops.one(wait->run->ops.user, check);
        leave_run(wait);
    }
}

static void on_tick(void *user)
{
    struct bn_fleet *fleet = user;
    const int64_t now = fleet->config.clock->mono_ms;
    struct bn_fleet_entry *entry = NULL;
    struct bn_fleet_entry *next = NULL;
    HASH_ITER(hh, fleet->entries, entry, next)
    {
        if (entry->retry && now >= entry->retry_due_mono_ms)
            bn_fleet_try_again(entry);
        if (!entry->is_checking && now >= entry->check_due_mono_ms) {
            fleet->stats.late_ms = BN_MAX(fleet->stats.late_ms, now - entry->check_due_mono_ms);
            bn_fleet_check(fleet, entry);
        } else if (!entry->is_polling && entry->poll_due_mono_ms &&
                   now >= entry->poll_due_mono_ms) {
            if (bn_fleet_may_poll(fleet, entry))
                bn_fleet_poll(fleet, entry);
            else
                entry->poll_due_mono_ms = now + SPEAKER_MS;
        }
    }
}

/* --- runs ------------------------------------------------------------------------------------ */

static void join_run(struct bn_fleet *fleet, struct bn_fleet_entry *entry, struct run *run)
{
    struct wait *wait = bn_alloc(sizeof *wait);
    wait->run = run;
    bn_list_append(&entry->waits, &wait->link);
    run->waiting++;
    entry->check_due_mono_ms = fleet->config.clock->mono_ms; /* at the next tick, or under way */
}

static void join_all(struct bn_fleet *fleet, const char *tenant, struct run *run)
{
    struct bn_fleet_entry *entry = NULL;
    struct bn_fleet_entry *next = NULL;
    HASH_ITER(hh, fleet->entries, entry, next)
    {
        if (strcmp(entry->tenant, tenant) == 0)
            join_run(fleet, entry, run);
    }
}

size_t bn_fleet_check_now(struct bn_fleet *fleet, const char *tenant, const char *const *ids,
        size_t count, const struct bn_fleet_run *run_ops)
{
    struct run *run = bn_alloc(sizeof *run);
    run->ops = *run_ops;
    for (size_t i = 0; i < count; i++) {
        struct bn_fleet_entry *entry = entry_find(fleet, tenant, ids[i]);
        if (entry)
            join_run(fleet, entry, run);
    }
    if (count == 0)
        join_all(fleet, tenant, run);
    const size_t waiting = run->waiting;
    if (waiting == 0)
        free(run);
    return waiting;
}

const char *bn_fleet_voice(struct bn_fleet *fleet, const char *tenant, const char *server_id)
{
    struct bn_fleet_entry *entry = entry_find(fleet, tenant, server_id);
    return entry ? bn_fleet_speaker(fleet, entry)->id : server_id;
}

/* --- life ------------------------------------------------------------------------------------ */

/* The wait of that run among those for a check; NULL: there is none. */
static struct wait *wait_of(struct bn_fleet_entry *entry, const void *user)
{
    bn_list_each(it, &entry->waits) {
        struct wait *wait = container_of(it, struct wait, link);
        if (wait->run->ops.user == user)
            return wait;
    }
    return NULL;
}

void bn_fleet_leave(struct bn_fleet *fleet, const void *user)
{
    const int64_t now = fleet->config.clock->mono_ms;
    struct bn_fleet_entry *entry = NULL;
    struct bn_fleet_entry *next = NULL;
    HASH_ITER(hh, fleet->entries, entry, next)
    {
        struct wait *wait = wait_of(entry, user);
        if (!wait)
            continue;
        if (!entry->is_checking)
            entry->check_due_mono_ms = now + bn_fleet_about(fleet->config.check_every_ms);
        leave_run(wait);
    }
}

/* --- what was done to a guest ---------------------------------------------------------------- */

/* Its server is asked at once what became of it. */
static void on_operation(void *user, const struct bn_fact *fact)
{
    struct bn_fleet *fleet = user;
    const struct bn_operation *operation = &fact->u.operation;
    if (fact->op != BN_PUT || fact->replay || operation->type != BN_WORK_VM_POWER ||
            !bn_operation_is_over(operation))
        return;
    struct bn_fleet_entry *entry = entry_find(fleet, fact->tenant, operation->server_id);
    if (entry && entry->poll_due_mono_ms)
        entry->poll_due_mono_ms = fleet->config.clock->mono_ms;
}

bool bn_fleet_start(const struct bn_fleet_config *config, struct bn_fleet **out, struct bn_err *err)
{
    struct bn_fleet *fleet = bn_alloc(sizeof *fleet);
    (void)err;
    fleet->config = *config;
    fleet->begun_mono_ms = config->clock->mono_ms;
    for (struct bn_tenant_live *tenant = config->hub->live.tenants; tenant; tenant = tenant->next)
        bn_table_each(row, &tenant->tables[BN_KIND_SERVER])
                take_server(fleet, tenant->id, (const void *)row->record);
    bn_hub_watch(config->hub, BN_KIND_SERVER, on_server, fleet);
    bn_hub_watch(config->hub, BN_KIND_OPERATION, on_operation, fleet);
    fleet->timer = bn_timer_create(config->loop, on_tick, fleet);
    bn_timer_start(fleet->timer, 0, TICK_MS);
    *out = fleet;
    return true;
}

void bn_fleet_stop(struct bn_fleet *fleet)
{
    struct bn_fleet_entry *entry = NULL;
    struct bn_fleet_entry *next = NULL;
    if (!fleet)
        return;
    bn_timer_destroy(fleet->timer);
    HASH_ITER(hh, fleet->entries, entry, next)
    {
        entry_remove(fleet, entry);
    }
    free(fleet);
}

void bn_fleet_get_stats(struct bn_fleet *fleet, struct bn_fleet_stats *out)
{
    struct bn_fleet_entry *entry = NULL;
    struct bn_fleet_entry *next = NULL;
    *out = fleet->stats;
    fleet->stats.late_ms = 0;
    out->servers = HASH_COUNT(fleet->entries);
    HASH_ITER(hh, fleet->entries, entry, next)
    {
        out->checking += entry->is_checking;
    }
}

#include "app/outside.h"

#include <assert.h>

#include "base/crash.h"
#include "base/log.h"

#include "io/dial.h"
#include "io/fetch.h"
#include "io/ssh.h"
#include "source/alerts.h"
#include "source/batch.h"
#include "source/console.h"
#include "source/dispatch.h"
#include "source/fleet.h"
#include "source/power.h"
#include "source/rrd.h"
#include "source/summary.h"
#include "source/tasks.h"
#include "source/terminal.h"

static_assert(BN_CONFIG_LIST_MAX <= BN_TARGETS_MAX, "what --allow-target names has room");

void bn_outside_fork(struct bn_outside *outside)
{
    struct bn_err err;
    outside->has_forker = bn_ssh_forker_start(&outside->forker, &err);
    if (!outside->has_forker)
        bn_log(BN_WARN, "ssh.start", BN_KV("text", err.text));
}

/* What an earlier run left on targets is taken up here, or ended where nobody can. */
static void open_remote(struct bn_outside *outside, struct bn_loop *loop, struct bn_hub *hub)
{
    if (!outside->has_forker)
        return;
    outside->ssh = bn_ssh_create(loop, outside->dialer, &outside->forker);
    const struct bn_dispatch_config dispatch = {.loop = loop,
            .hub = hub,
            .clock = hub->clock,
            .ssh = outside->ssh,
            .key = &outside->key.key,
            .operations = outside->operations};
    outside->dispatch = bn_dispatch_start(&dispatch);
    const struct bn_batches_config batches = {loop, hub, hub->clock, outside->operations,
            outside->dispatch};
    outside->batches = bn_batches_start(&batches);
    const struct bn_reach_config reach = {hub, outside->ssh, &outside->key.key};
    outside->terminals = bn_terminals_start(&reach);
}

bool bn_outside_open(struct bn_outside *outside, const struct bn_config *config,
        struct bn_loop *loop, struct bn_hub *hub, struct bn_err *err)
{
    struct bn_fetch_config fetch = {.at_once = BN_FETCH_AT_ONCE,
            .queue_max = BN_FETCH_QUEUE_MAX,
            .per_host = BN_FETCH_PER_HOST,
            .idle_max = BN_FETCH_IDLE_MAX,
            .bodies_max = BN_FETCH_BODIES_MAX,
            .keep_ms = BN_FETCH_KEEP_MS};
    BN_CRASH_POINT(start_loaded);
    if (!bn_master_key_keep(&outside->key, &hub->live, err))
        return false;
    for (size_t i = 0; i < config->allow_target.count; i++)
        outside->targets.allowed[i] = config->allow_target.items[i];
    outside->targets.allowed_count = config->allow_target.count;
    fetch.policy = outside->targets;
    if (!bn_fetch_create(loop, &fetch, &outside->fetch, err))
        return false;
    const struct bn_fleet_config fleet = {.loop = loop,
            .hub = hub,
            .clock = hub->clock,
            .fetch = outside->fetch,
            .key = &outside->key.key,
            .check_every_ms = config->check_interval,
            .poll_every_ms = BN_POLL_EVERY_MS};
    const struct bn_rrd_config rrd = {.hub = hub,
            .clock = hub->clock,
            .fetch = outside->fetch,
            .key = &outside->key.key};
    outside->rrd = bn_rrd_create(&rrd);
    if (!bn_fleet_start(&fleet, &outside->fleet, err))
        return false;
    const struct bn_operations_config operations = {.loop = loop,
            .hub = hub,
            .clock = hub->clock,
            .no_remote = !outside->has_forker};
    outside->operations = bn_operations_start(&operations);
    const struct bn_power_config power = {.loop = loop,
            .hub = hub,
            .clock = hub->clock,
            .fetch = outside->fetch,
            .fleet = outside->fleet,
            .key = &outside->key.key,
            .operations = outside->operations};
    outside->power = bn_power_start(&power);
    const struct bn_tasks_config tasks = {hub, hub->clock, outside->fetch, outside->fleet,
            &outside->key.key};
    outside->tasks = bn_tasks_create(&tasks);
    if (!bn_dialer_create(loop, &outside->targets, BN_CONSOLE_SESSIONS_MAX, &outside->dialer, err))
        return false;
    open_remote(outside, loop, hub);
    const struct bn_consoles_config consoles = {.loop = loop,
            .hub = hub,
            .clock = hub->clock,
            .fetch = outside->fetch,
            .dialer = outside->dialer,
            .fleet = outside->fleet,
            .key = &outside->key.key};
    outside->consoles = bn_consoles_start(&consoles);
    const struct bn_alerts_config alerts = {.loop = loop,
            .hub = hub,
            .clock = hub->clock,
            .offline_ms = config->offline_alert};
    outside->alerts = bn_alerts_start(&alerts);
    outside->summary = bn_summary_start(loop, hub);
    return true;
}

void bn_outside_collect(struct bn_outside *outside)
{
    if (outside->fetch)
        bn_fetch_collect(outside->fetch);
}

void bn_outside_close(struct bn_outside *outside)
{
    bn_fetch_destroy(outside->fetch);
    bn_fleet_stop(outside->fleet);
    bn_rrd_destroy(outside->rrd);
    bn_power_stop(outside->power);
    bn_tasks_destroy(outside->tasks);
    bn_consoles_stop(outside->consoles);
    bn_terminals_stop(outside->terminals);
    bn_batches_stop(outside->batches);
    bn_dispatch_stop(outside->dispatch);
    bn_ssh_destroy(outside->ssh);
    bn_dialer_destroy(outside->dialer);
    bn_operations_stop(outside->operations);
    bn_alerts_stop(outside->alerts);
    bn_summary_stop(outside->summary);
    bn_master_key_forget(&outside->key);
    if (outside->has_forker)
        bn_ssh_forker_stop(&outside->forker);
    outside->has_forker = false;
    outside->ssh = NULL;
    outside->batches = NULL;
    outside->dispatch = NULL;
    outside->terminals = NULL;
    outside->fetch = NULL;
    outside->fleet = NULL;
    outside->rrd = NULL;
    outside->operations = NULL;
    outside->power = NULL;
    outside->tasks = NULL;
    outside->consoles = NULL;
    outside->dialer = NULL;
    outside->alerts = NULL;
    outside->summary = NULL;
}

/*
 * outside: what calls other servers, built together: the master key, the conversations, the
 * schedule, the operations, the alerts.
 */
#pragma once

#include "base/target.h"

#include "app/config.h"
#include "app/master_key.h"
#include "hub/hub.h"
#include "io/ssh_forker.h"

struct bn_alerts;
struct bn_loop;
struct bn_fetch;
struct bn_fleet;
struct bn_rrd;
struct bn_power;
struct bn_summary_source;
struct bn_operations;
struct bn_tasks;

struct bn_dialer;
struct bn_consoles;
struct bn_batches;
struct bn_dispatch;
struct bn_terminals;
struct bn_ssh;

struct bn_outside {
    struct bn_master_key key;
    struct bn_target_policy targets;
    struct bn_fetch *fetch;
    struct bn_fleet *fleet;
    struct bn_rrd *rrd;
    struct bn_operations *operations;
    struct bn_power *power;
    struct bn_tasks *tasks;
    struct bn_dialer *dialer; /* of the loop, for consoles */
    struct bn_consoles *consoles;
    struct bn_ssh_forker forker;
    bool has_forker;
    struct bn_ssh *ssh;
    struct bn_dispatch *dispatch; /* NULL, as the next: the forker could not be started */
    struct bn_batches *batches;
    struct bn_terminals *terminals;
    struct bn_alerts *alerts;
    struct bn_summary_source *summary;
};

/* Before everything: the process that forks those that speak SSH. Without it the rest runs on. */
void bn_outside_fork(struct bn_outside *outside);
/* After the store is loaded and the key was found: judges the key, then begins. */
BN_MUST_CHECK bool bn_outside_open(struct bn_outside *outside, const struct bn_config *config,
        struct bn_loop *loop, struct bn_hub *hub, struct bn_err *err);
/* What has come back; each turn, before the hub's. */
void bn_outside_collect(struct bn_outside *outside);
/* Conversations first: their last answers go to the schedule, and from there to whoever waits. */
void bn_outside_close(struct bn_outside *outside);

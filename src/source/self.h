/*
 * self: what Binnacle spends, told once a second as the SELF fact of the default tenant.
 *
 * Its own processor time, memory, descriptors and threads are read here; what only the parts of the
 * program know is asked of app/assemble.
 */
#pragma once

#include "base/err.h"

#include "io/loop.h"
#include "model/fact.h"

struct bn_self_source;

/* What the asked one fills in; everything is BN_ABSENT (NaN, -1, NULL) before the call, and what
   stays so is unknown. Counters only ever grow; rates are made of them here. */
struct bn_self_figures {
    /* counters, since the start */
    uint64_t turns;
    uint64_t facts;
    uint64_t messages; /* frames sent to listeners */
    uint64_t sent_bytes;
    uint64_t requests;
    uint64_t inbox_lost;
    uint64_t conflated;
    uint64_t gaps;
    uint64_t slow_closed;
    uint64_t store_lost;
    /* as they are now */
    uint64_t inbox_depth;
    uint64_t connections;
    uint64_t listeners;
    uint64_t subscriptions;
    uint64_t topics;
    uint64_t store_queue;
    uint64_t db_bytes;
    uint64_t wal_bytes;
    double worst_lag_ms; /* since the last call */
    double store_ms;     /* longest transaction since the last call */
    bool is_degraded;
    const char *degraded_why; /* copied */
};

struct bn_self_config {
    void (*tell)(void *user, const struct bn_fact *fact);
    void *tell_user;
    void (*fill)(void *user, struct bn_self_figures *figures);
    void *fill_user;
};

/* Loop thread; from the first turn on. */
BN_MUST_CHECK bool bn_self_source_start(struct bn_loop *loop, const struct bn_self_config *config,
        struct bn_self_source **out, struct bn_err *err);
void bn_self_source_stop(struct bn_self_source *source); /* NULL is fine */

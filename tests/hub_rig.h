/*
 * hub_rig: a hub on a loop, a clock for the test to move, and time to wait by.
 *
 * What the hub knows of time is rig.clock, which stands still until a test moves it; waiting is by
 * rig.wall, the loop's, and never by counted turns: others may have the processor.
 */
#pragma once

#include "base/log.h"
#include "base/secret.h"

#include "bn_test.h"
#include "hub/hub.h"
#include "io/fetch.h"
#include "io/loop.h"
#include "io/stream.h"

#define AWAIT_MS 20000

static struct {
    struct bn_clock wall;
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_hub hub;
    struct bn_fetch *fetch; /* of tests that call others; theirs to open and destroy */
    struct bn_seal_key key; /* of tokens */
} rig;

BN_UNUSED static void rig_replay(void *user, const struct bn_fact *fact)
{
    bn_hub_replay(user, fact);
}

/* The store may be NULL; what it has kept is in the hub, as after a start. */
BN_UNUSED static void rig_open_hub(struct bn_store *store)
{
    struct bn_err err;
    bn_hub_init(&rig.hub, &rig.clock, store, bn_loop_wake, rig.loop);
    if (store && !bn_store_load(store, rig_replay, &rig.hub, &err))
        fail_msg("%s", err.text);
}

/* A loop and no hub yet. */
BN_UNUSED static void rig_begin(void)
{
    memset(&rig, 0, sizeof rig);
    bn_log_set_fd(-1);
    CHECK(bn_secret_start(NULL));
    CHECK(bn_loop_create(&rig.loop, &rig.wall, NULL));
    rig.clock = rig.wall;
    snprintf(rig.key.id, sizeof rig.key.id, "k");
}

BN_UNUSED static bool rig_turn(void *user)
{
    (void)user;
    if (rig.fetch)
        bn_fetch_collect(rig.fetch);
    bn_streams_tick(rig.loop);
    return bn_hub_turn(&rig.hub);
}

BN_UNUSED static void round_once(void)
{
    bn_loop_round(rig.loop, 5, rig_turn, NULL);
}

BN_UNUSED static void pass(int64_t ms)
{
    rig.clock.mono_ms += ms;
    rig.clock.now_ms += ms;
}

/* Until it is true; what it waits for are ticks of a schedule, the store and bytes on loopback. */
#define AWAIT(condition) AWAIT_AS(condition, #condition, 0)

/* The same, and the test's clock goes on by that much in each turn. */
#define AWAIT_PASSING(condition, ms) AWAIT_AS(condition, #condition, ms)

#define AWAIT_AS(condition, text, ms)                    \
    do {                                                 \
        const int64_t begun_ms = rig.wall.mono_ms;       \
        while (!(condition)) {                           \
            if (rig.wall.mono_ms - begun_ms > AWAIT_MS)  \
                fail_msg("waited in vain for %s", text); \
            round_once();                                \
            pass(ms);                                    \
        }                                                \
    } while (0)

/* That long, and until all that is asked of the store is answered: what was due has happened. */
BN_UNUSED static void settle(int64_t ms)
{
    const int64_t begun_ms = rig.wall.mono_ms;
    while (rig.wall.mono_ms - begun_ms < ms || bn_hub_is_asked(&rig.hub))
        round_once();
}

/* Tells the hub a record, which takes it. */
BN_UNUSED static void put(const struct bn_fact *fact)
{
    struct bn_err err;
    if (!bn_hub_ask(&rig.hub, fact, NULL, NULL, &err))
        fail_msg("%s", err.text);
    round_once();
}

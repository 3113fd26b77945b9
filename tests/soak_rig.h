/*
 * soak_rig: a recorded machine whose counters move, through sampler, hub and store, a second at a
 * time and as fast as it goes.
 *
 * Whatever goes wrong ends the process with a sentence: these programs run for simulated days.
 */
#pragma once

#include <stdatomic.h>

#include "base/log.h"

#include "hub/hub.h"
#include "soak_machine.h"
#include "source/host_sample.h"

#define SOAK_TIDY_S    600 /* the store folds by itself every ten minutes of real time */
#define SOAK_SESSION_S 60
#define SOAK_AUDIT_S   300
#define SOAK_TAKE_MAX  64

struct soak {
    struct soak_machine machine;
    char dir[64];
    struct bn_clock clock;
    atomic_llong store_now_ms;
    struct bn_host_sampler *sampler;
    struct bn_store *store;
    struct bn_hub hub;
    struct bn_sink quick; /* takes each turn */
    struct bn_sink calm;  /* once a minute */
    uint64_t heard;       /* messages the quick one took */
    uint64_t merged;      /* messages of the calm one */
    uint64_t asked;
    uint64_t answered;
};

static int64_t soak_store_now(void *user)
{
    struct soak *soak = user;
    return atomic_load(&soak->store_now_ms);
}

static void soak_moment(void *user, struct bn_moment *out)
{
    const struct soak *soak = user;
    out->mono_ns = soak->clock.mono_ms * 1000000;
    out->boot_ns = out->mono_ns;
}

static int64_t soak_cost(void *user)
{
    (void)user;
    return 0;
}

static bool soak_fs_read(const char *path, struct bn_fs_size *out)
{
    *out = (struct bn_fs_size){100000, 40000, 30000, 1000, 400};
    return path[0] == '/';
}

static void soak_tell(void *user, const struct bn_fact *fact)
{
    struct soak *soak = user;
    bn_hub_tell(&soak->hub, fact);
}

static void soak_set_clock(struct soak *soak)
{
    soak->clock.mono_ms = soak->machine.second * 1000;
    soak->clock.now_ms = SOAK_BEGIN_MS + soak->clock.mono_ms;
    atomic_store(&soak->store_now_ms, soak->clock.now_ms);
}

static void soak_answered(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct soak *soak = user;
    (void)fact;
    soak_need(!err, err ? err->text : "");
    soak->answered++;
}

static void soak_ask(struct soak *soak, const struct bn_fact *fact)
{
    struct bn_err err;
    soak_need(bn_hub_ask(&soak->hub, fact, soak_answered, soak, &err), err.text);
    soak->asked++;
}

/* What people do meanwhile: one is there, and now and then something is written down. */
static void soak_people(struct soak *soak)
{
    struct bn_fact fact;
    int64_t second = soak->machine.second;
    if (second == 0) {
        bn_fact_init(&fact, BN_KIND_USER, "default");
        snprintf(fact.u.user.id, sizeof fact.u.user.id, "u1");
        snprintf(fact.u.user.name, sizeof fact.u.user.name, "vega");
        snprintf(fact.u.user.password, sizeof fact.u.user.password, "$argon2id$x");
        fact.u.user.role = BN_ROLE_ADMIN;
        fact.u.user.created_at = soak->clock.now_ms;
        soak_ask(soak, &fact);
    }
    if (second % SOAK_SESSION_S == 0) {
        bn_fact_init(&fact, BN_KIND_SESSION, "default");
        snprintf(fact.u.session.id, sizeof fact.u.session.id, "s1");
        snprintf(fact.u.session.user_id, sizeof fact.u.session.user_id, "u1");
        memset(fact.u.session.hash, 'x', 43);
        fact.u.session.created_at = SOAK_BEGIN_MS;
        fact.u.session.seen_at = soak->clock.now_ms;
        fact.u.session.expires_at = soak->clock.now_ms + BN_SESSION_IDLE_MS;
        soak_ask(soak, &fact);
    }
    if (second % SOAK_AUDIT_S == 0) {
        bn_fact_init(&fact, BN_KIND_AUDIT, "default");
        snprintf(fact.u.audit.id, sizeof fact.u.audit.id, "%012lld", (long long)second);
        snprintf(fact.u.audit.action, sizeof fact.u.audit.action, "settings.save");
        fact.u.audit.at = soak->clock.now_ms;
        soak_ask(soak, &fact);
    }
}

/*
 * store_test: facts to put into a store, and what it answers.
 */
#pragma once

#include "place.h"

/* BN_SWEEP=N: all rounds, and of the cases of a sweep every Nth (1: all, minutes); without it a
   sample of them, seconds. */
BN_UNUSED static bool is_sweep(void)
{
    return getenv("BN_SWEEP") != NULL;
}

/* Of the failing disk's cases, of which there are thousands. */
BN_UNUSED static size_t sweep_step(void)
{
    const char *text = getenv("BN_SWEEP");
    int64_t step = 64;
    if (text && !bn_parse_i64(bn_str(text), 1, 1000, &step))
        fail_msg("BN_SWEEP=%s is no number", text);
    return (size_t)step;
}

struct heard {
    size_t count;
    struct bn_ack last;
    size_t ok;
    size_t facts;
    struct bn_fact fact;
};

BN_UNUSED static void hear_ack(void *user, const struct bn_ack *ack)
{
    struct heard *heard = user;
    heard->count++;
    heard->ok += ack->ok;
    heard->last = *ack;
}

BN_UNUSED static void hear_fact(void *user, const struct bn_fact *fact)
{
    struct heard *heard = user;
    heard->facts++;
    heard->fact = *fact;
}

/* Collects until that many acknowledgements have come. */
BN_UNUSED static void await_acks(struct bn_store *store, struct heard *heard, size_t count)
{
    for (int i = 0; i < 5000 && heard->count < count; i++) {
        bn_store_collect(store, hear_ack, heard);
        if (heard->count < count)
            pause_ms(2);
    }
    CHECK_INT(heard->count, count);
}

BN_UNUSED static struct bn_fact user_fact(const char *id, const char *name)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, "default");
    snprintf(fact.u.user.id, sizeof fact.u.user.id, "%s", id);
    snprintf(fact.u.user.name, sizeof fact.u.user.name, "%s", name);
    snprintf(fact.u.user.password, sizeof fact.u.user.password, "$argon2id$not-a-hash");
    fact.u.user.role = BN_ROLE_MANAGER;
    fact.u.user.created_at = 1795000000000;
    return fact;
}

BN_UNUSED static struct bn_fact audit_fact(const char *id, int64_t at)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_AUDIT, "default");
    snprintf(fact.u.audit.id, sizeof fact.u.audit.id, "%s", id);
    snprintf(fact.u.audit.actor, sizeof fact.u.audit.actor, "ann");
    snprintf(fact.u.audit.action, sizeof fact.u.audit.action, "user.add");
    fact.u.audit.at = at;
    fact.u.audit.ok = 1;
    return fact;
}

BN_UNUSED static void put_now(struct bn_store *store, const struct bn_fact *fact)
{
    struct bn_err err;
    bn_store_put(store, fact);
    if (!bn_store_keep(store, &err))
        fail_msg("keep: %s", err.text);
}

BN_UNUSED static size_t count_rows(struct bn_store *store)
{
    struct heard heard = {0};
    struct bn_err err;
    if (!bn_store_load(store, hear_fact, &heard, &err))
        fail_msg("load: %s", err.text);
    return heard.facts;
}

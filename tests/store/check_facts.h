/*
 * check_facts: servers and attempts to reach them, put into a store and read back.
 */
#pragma once

#include "store_test.h"

#define HOUR  INT64_C(3600000)
#define NOW   (498611 * HOUR + 1234567)
#define EVERY INT64_C(120000)

BN_UNUSED static struct bn_fact server_fact(const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, "default");
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "%s", id);
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "Server %s", id);
    snprintf(fact.u.server.host, sizeof fact.u.server.host, "%s.example", id);
    fact.u.server.port = 8006;
    return fact;
}

BN_UNUSED static void add_server(struct bn_store *store, const char *id)
{
    struct bn_fact fact = server_fact(id);
    put_now(store, &fact);
}

BN_UNUSED static void remove_server(struct bn_store *store, const char *id)
{
    struct bn_fact fact = server_fact(id);
    fact.op = BN_GONE;
    put_now(store, &fact);
}

/* ms < 0: it failed. */
BN_UNUSED static struct bn_check check_of(const char *id, int64_t at, int64_t ms)
{
    struct bn_check check;
    bn_record_clear(&bn_check_type, &check);
    snprintf(check.id, sizeof check.id, "%s/%lld", id, (long long)at);
    snprintf(check.server_id, sizeof check.server_id, "%s", id);
    check.at = at;
    check.success = ms >= 0;
    if (ms >= 0)
        check.response_time_ms = ms;
    else
        snprintf(check.error_class, sizeof check.error_class, "timeout");
    return check;
}

BN_UNUSED static void tell(struct bn_store *store, const char *id, int64_t at, int64_t ms)
{
    struct bn_check check = check_of(id, at, ms);
    bn_store_check(store, "default", &check);
}

BN_UNUSED static struct bn_store *open_at(struct place *place, int64_t now_ms)
{
    place_init(place);
    place->now_ms = now_ms;
    return place_open(place);
}

BN_UNUSED static size_t read_checks(struct bn_store *store, const char *id, struct bn_check *out,
        size_t n)
{
    struct bn_check_span span = {"default", id, 0, INT64_MAX};
    struct bn_err err;
    if (!bn_store_read_checks(store, &span, out, &n, &err))
        fail_msg("%s", err.text);
    return n;
}

/* What the kept checks make of their servers after a restart. */
#include "check_facts.h"
#include "hub/hub.h"
#include "live/infra.h"
#include "sql.h"

_Static_assert(BN_CHECKS_REPLAYED == BN_ATTEMPTS_MAX, "all that the figures are made of");

struct played {
    size_t count;
    size_t servers;
    bool are_in_order;
    struct bn_check last;
};

static void hear_check(void *user, const struct bn_fact *fact)
{
    struct played *played = user;
    played->servers += fact->kind == BN_KIND_SERVER;
    if (fact->kind != BN_KIND_CHECK)
        return;
    CHECK(fact->replay && played->servers > 0);
    played->are_in_order &= played->count == 0 || fact->u.check.at > played->last.at;
    played->last = fact->u.check;
    played->count++;
}

BN_TEST(the_newest_hundred_are_played_back_behind_the_servers_oldest_first)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct played played = {.are_in_order = true};
    struct bn_err err;
    add_server(store, "a");
    for (int64_t i = 0; i < 250; i++)
        tell(store, "a", NOW - i * EVERY, i);
    struct bn_check seen = check_of("a", NOW + 1, 5);
    snprintf(seen.version, sizeof seen.version, "9.2.2");
    snprintf(seen.seen_fingerprint, sizeof seen.seen_fingerprint, "AB:CD");
    seen.cert_expires_at = NOW + HOUR;
    bn_store_check(store, "default", &seen);
    flush_and_tidy(store);
    CHECK(bn_store_load(store, hear_check, &played, &err));
    CHECK_INT(played.count, BN_CHECKS_REPLAYED);
    CHECK(played.are_in_order);
    CHECK_INT(bn_record_diff(&bn_check_type, &played.last, &seen), 0);
    bn_store_close(store);
    place_finish(&place);
}

struct rig {
    struct place place;
    struct bn_clock clock;
    struct bn_store *store;
    struct bn_hub hub;
};

static void replayed(void *user, const struct bn_fact *fact)
{
    bn_hub_replay(user, fact);
}

static void open_hub(struct rig *rig)
{
    struct bn_err err;
    rig->clock.now_ms = rig->place.now_ms;
    rig->store = place_open(&rig->place);
    bn_hub_init(&rig->hub, &rig->clock, rig->store, NULL, NULL);
    CHECK(bn_store_load(rig->store, replayed, &rig->hub, &err));
}

static void close_hub(struct rig *rig)
{
    bn_hub_finish(&rig->hub);
    bn_store_close(rig->store);
}

static void settle(struct rig *rig)
{
    bn_hub_turn(&rig->hub);
    bn_store_tidy(rig->store);
    bn_hub_turn(&rig->hub);
}

static void ask(struct rig *rig, struct bn_fact fact)
{
    struct bn_err err;
    if (!bn_hub_ask(&rig->hub, &fact, NULL, NULL, &err))
        fail_msg("%s", err.text);
    settle(rig);
}

static void tell_hub(struct rig *rig, int64_t at, int64_t ms)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CHECK, "default");
    fact.u.check = check_of("a", at, ms);
    fact.u.check.nodes = ms >= 0 ? 3 : BN_UNKNOWN;
    if (ms >= 0)
        snprintf(fact.u.check.version, sizeof fact.u.check.version, "9.2.2");
    bn_hub_tell(&rig->hub, &fact);
}

static struct bn_server known(struct rig *rig)
{
    const struct bn_server *server = bn_live_get(&rig->hub.live, "default", BN_KIND_SERVER, "a");
    assert_non_null(server);
    return *server;
}

BN_TEST(what_the_checks_said_of_a_server_is_known_again_after_a_restart)
{
    struct rig rig = {0};
    place_init(&rig.place);
    rig.place.now_ms = NOW;
    open_hub(&rig);
    ask(&rig, server_fact("a"));
    for (int64_t i = 0; i < 300; i++)
        tell_hub(&rig, NOW - (300 - i) * EVERY, i % 9 == 4 ? -1 : 40 + i % 50);
    settle(&rig);
    struct bn_server before = known(&rig);
    CHECK_INT(before.connection_status, BN_SERVER_ONLINE);
    CHECK(before.success_rate > 80 && before.success_rate < 100 && before.learned_timeout_ms > 0);
    close_hub(&rig);
    open_hub(&rig);
    struct bn_server after = known(&rig);
    CHECK_INT(bn_record_diff(&bn_server_type, &before, &after), 0);
    settle(&rig);
    CHECK_INT(ask_sql(&rig.place, "SELECT sum(attempts) FROM check_hours"), 300); /* not again */
    close_hub(&rig);
    place_finish(&rig.place);
}

BN_TEST(a_server_that_moved_begins_anew_after_a_restart_as_well)
{
    struct rig rig = {0};
    place_init(&rig.place);
    rig.place.now_ms = NOW;
    open_hub(&rig);
    ask(&rig, server_fact("a"));
    for (int64_t i = 0; i < 30; i++)
        tell_hub(&rig, NOW - (30 - i) * EVERY, 40);
    settle(&rig);
    struct bn_fact moved = server_fact("a");
    snprintf(moved.u.server.notes, sizeof moved.u.server.notes, "the same place");
    ask(&rig, moved);
    close_hub(&rig);
    open_hub(&rig);
    CHECK_INT(known(&rig).connection_status, BN_SERVER_ONLINE);
    snprintf(moved.u.server.host, sizeof moved.u.server.host, "elsewhere.example");
    ask(&rig, moved);
    CHECK_INT(known(&rig).connection_status, BN_SERVER_UNKNOWN);
    close_hub(&rig);
    open_hub(&rig);
    CHECK_INT(known(&rig).connection_status, BN_SERVER_UNKNOWN);
    CHECK(isnan(known(&rig).success_rate));
    CHECK_INT(ask_sql(&rig.place, "SELECT count(*) FROM checks"), 30); /* its history stays */
    close_hub(&rig);
    place_finish(&rig.place);
}

/* Whatever a hand or a bad disk wrote: unknown where it makes no sense, never a crash. */
BN_TEST(damaged_rows_are_read_as_far_as_they_make_sense)
{
    struct rig rig = {0};
    struct bn_check out[8];
    place_init(&rig.place);
    rig.place.now_ms = NOW;
    open_hub(&rig);
    ask(&rig, server_fact("a"));
    for (int64_t i = 0; i < 4; i++)
        tell_hub(&rig, NOW - (4 - i) * EVERY, 40);
    settle(&rig);
    close_hub(&rig);
    (void)ask_sql(&rig.place, "UPDATE checks SET error = CAST(x'ff41' AS TEXT), success = 77,"
                              " response_ms = -9223372036854775808, dns_us = 9223372036854775807,"
                              " error_class = printf('%.500c', 'x') WHERE at % 480000 < 240000");
    (void)ask_sql(&rig.place, "INSERT INTO checks(server, at, success) VALUES(1, -3, 1)");
    (void)ask_sql(&rig.place, "INSERT INTO checks(server, at, success) VALUES(99, 3, 1)");
    (void)ask_sql(&rig.place, "INSERT INTO check_servers(tenant, name) VALUES('default', 'ghost')");
    (void)ask_sql(&rig.place, "INSERT INTO checks(server, at, success) VALUES(2, 3, 1)");
    (void)ask_sql(&rig.place, "INSERT INTO check_servers(tenant, name) VALUES('who', 'ghost')");
    (void)ask_sql(&rig.place, "INSERT INTO checks(server, at, success) VALUES(3, 3, 1)");
    open_hub(&rig);
    CHECK(known(&rig).connection_status != BN_SERVER_UNKNOWN);
    CHECK_INT(read_checks(rig.store, "a", out, 8), 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_STR(out[i].error, "");
        CHECK(strlen(out[i].error_class) < sizeof out[i].error_class);
    }
    settle(&rig);
    close_hub(&rig);
    place_finish(&rig.place);
}

BN_TEST_MAIN()

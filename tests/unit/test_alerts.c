#include "hub_rig.h"
#include "source/alerts.h"
#include "store/bad_disk.h"
#include "store/place.h"
#include "store/sql.h"

/* Alerts over a hub with a real store; the clock is the test's. */

static struct {
    struct place place;
    struct bn_store *store;
    struct bn_alerts *alerts;
} own;

static void open_all(void)
{
    own.store = place_open(&own.place);
    rig_open_hub(own.store);
    const struct bn_alerts_config config = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock,
            .offline_ms = BN_OFFLINE_ALERT_MS};
    own.alerts = bn_alerts_start(&config);
}

static void close_all(void)
{
    bn_alerts_stop(own.alerts);
    bn_hub_finish(&rig.hub);
    bn_store_close(own.store);
}

/* A tick and all the store has to say. */
static void tick(void)
{
    settle(300);
}

static void put_server_as(const char *id, const char *name, int64_t is_active)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    struct bn_server *server = &fact.u.server;
    snprintf(server->id, sizeof server->id, "%s", id);
    snprintf(server->name, sizeof server->name, "%s", name);
    snprintf(server->host, sizeof server->host, "%s", id);
    server->port = 8006;
    server->is_active = is_active;
    server->is_demo = strcmp(id, "demo") == 0;
    put(&fact);
    settle(0);
}

static void silence(const char *id, int64_t until_ms)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    fact.u.server = *(const struct bn_server *)bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT,
            BN_KIND_SERVER, id);
    fact.u.server.silenced_until = until_ms;
    put(&fact);
    tick();
}

static void put_server(const char *id)
{
    put_server_as(id, id, 1);
}

static void remove_server(const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    fact.op = BN_GONE;
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "%s", id);
    put(&fact);
    tick();
}

/* One check among many: nobody looks yet. */
static void check_only(const char *id, bool success)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CHECK, BN_TENANT_DEFAULT);
    struct bn_check *check = &fact.u.check;
    snprintf(check->id, sizeof check->id, "%s/%lld", id, (long long)rig.clock.now_ms);
    snprintf(check->server_id, sizeof check->server_id, "%s", id);
    check->at = rig.clock.now_ms;
    check->success = success;
    check->response_time_ms = success ? 20 : BN_UNKNOWN;
    if (!success) {
        snprintf(check->error_class, sizeof check->error_class, "refused");
        snprintf(check->error, sizeof check->error, "connection refused");
    }
    bn_hub_tell(&rig.hub, &fact);
    (void)bn_hub_turn(&rig.hub);
}

static void check(const char *id, bool success)
{
    check_only(id, success);
    tick();
}

static void begin(void)
{
    memset(&own, 0, sizeof own);
    rig_begin();
    place_init(&own.place);
    open_all();
}

static void end(void)
{
    close_all();
    place_finish(&own.place);
    bn_loop_destroy(rig.loop);
}

static size_t seen_count(void)
{
    return bn_live_find(&rig.hub.live, BN_TENANT_DEFAULT)->tables[BN_KIND_ALERT].count;
}

/* The one of that server; there is one at most where this is asked. */
static const struct bn_alert *seen(const char *server_id)
{
    bn_table_each(row, &bn_live_find(&rig.hub.live, BN_TENANT_DEFAULT)->tables[BN_KIND_ALERT])
    {
        const struct bn_alert *alert = (const void *)row->record;
        if (strcmp(alert->subject_id, server_id) == 0)
            return alert;
    }
    return NULL;
}

static void fire(const char *id)
{
    check_only(id, false);
    pass(BN_OFFLINE_ALERT_MS);
    tick();
    CHECK(seen(id));
    CHECK_INT(seen(id)->state, BN_ALERT_FIRING);
}

BN_TEST(a_server_alerts_when_it_was_offline_for_the_time_set_and_not_a_moment_before)
{
    begin();
    put_server("alpha");
    check("alpha", true);
    pass(30000);
    const int64_t since = rig.clock.now_ms;
    check_only("alpha", false);
    pass(10000);
    check_only("alpha", false);
    pass(BN_OFFLINE_ALERT_MS - 10000 - 100);
    tick();
    CHECK_INT(seen_count(), 0);
    pass(100);
    tick();
    const struct bn_alert *alert = seen("alpha");
    CHECK(alert);
    CHECK_INT(alert->rule, BN_ALERT_SERVER_OFFLINE);
    CHECK_INT(alert->severity, BN_ALERT_CRITICAL);
    CHECK_INT(alert->state, BN_ALERT_FIRING);
    CHECK_INT(alert->since, since);
    CHECK_INT(alert->fired_at, since + BN_OFFLINE_ALERT_MS);
    CHECK_INT(alert->resolved_at, 0);
    CHECK_INT(alert->is_demo, 0);
    CHECK_STR(alert->subject, "alpha");
    CHECK_STR(alert->message, "Server alpha is offline: connection refused.");
    pass(BN_OFFLINE_ALERT_MS);
    check_only("alpha", false); /* and once */
    pass(BN_OFFLINE_ALERT_MS);
    tick();
    CHECK_INT(seen_count(), 1);
    end();
}

BN_TEST(a_blip_alerts_nobody_and_the_time_begins_anew_after_it)
{
    begin();
    put_server("alpha");
    check_only("alpha", false);
    pass(BN_OFFLINE_ALERT_MS - 1000);
    check("alpha", true);
    pass(BN_OFFLINE_ALERT_MS);
    tick();
    CHECK_INT(seen_count(), 0);
    check_only("alpha", false);
    pass(BN_OFFLINE_ALERT_MS - 100);
    tick();
    CHECK_INT(seen_count(), 0);
    end();
}

BN_TEST(it_is_over_when_the_server_answers_and_says_how_long_it_took)
{
    begin();
    put_server("alpha");
    fire("alpha");
    pass(125000);
    check("alpha", true);
    CHECK_INT(seen("alpha")->state, BN_ALERT_RESOLVED);
    CHECK_INT(seen("alpha")->resolved_at, rig.clock.now_ms);
    CHECK_STR(seen("alpha")->message, "Server alpha is online again after 3 min 5 s.");
    pass(BN_ALERT_PAST_MS - 1);
    tick();
    CHECK_INT(seen_count(), 1);
    pass(1);
    tick();
    CHECK_INT(seen_count(), 0);
    CHECK_INT(ask_sql(&own.place, "SELECT count(*) FROM alerts WHERE state = 'resolved'"), 1);
    fire("alpha"); /* the next one is one of its own */
    CHECK_INT(ask_sql(&own.place, "SELECT count(*) FROM alerts"), 2);
    end();
}

BN_TEST(a_server_that_is_disabled_or_removed_or_renamed_is_told_so)
{
    begin();
    put_server("a");
    put_server("b");
    put_server("demo");
    check_only("a", false);
    check_only("b", false);
    fire("demo");
    CHECK_INT(seen_count(), 3);
    CHECK_INT(seen("demo")->is_demo, 1);
    put_server_as("demo", "other", 1);
    tick();
    CHECK_STR(seen("demo")->subject, "other");
    CHECK_INT(seen("demo")->state, BN_ALERT_FIRING);
    put_server_as("a", "a", 0);
    tick();
    CHECK_INT(seen("a")->state, BN_ALERT_RESOLVED);
    CHECK_STR(seen("a")->message, "Server a was disabled after 1 min 0 s offline.");
    remove_server("b");
    CHECK_INT(seen("b")->state, BN_ALERT_RESOLVED);
    CHECK_STR(seen("b")->message, "Server b was removed after 1 min 0 s offline.");
    pass(BN_OFFLINE_ALERT_MS); /* and it does not begin again */
    tick();
    CHECK_INT(seen_count(), 3);
    end();
}

BN_TEST(a_silenced_server_alerts_without_a_word_and_the_clock_ends_it)
{
    begin();
    put_server("alpha");
    const int64_t until = rig.clock.now_ms + 2 * BN_OFFLINE_ALERT_MS;
    silence("alpha", until);
    fire("alpha");
    CHECK_INT(seen("alpha")->silenced_until, until);
    pass(until - rig.clock.now_ms - 1);
    tick();
    CHECK_INT(seen("alpha")->silenced_until, until);
    pass(1);
    tick();
    CHECK_INT(seen("alpha")->silenced_until, 0);
    CHECK_INT(seen("alpha")->state, BN_ALERT_FIRING);
    CHECK_INT(ask_sql(&own.place, "SELECT count(*) FROM alerts WHERE silenced_until IS NULL"), 1);
    silence("alpha", rig.clock.now_ms + 60000); /* while it fires */
    CHECK_INT(seen("alpha")->silenced_until, rig.clock.now_ms + 60000);
    silence("alpha", 0); /* and somebody ends it */
    CHECK_INT(seen("alpha")->silenced_until, 0);
    silence("alpha", rig.clock.now_ms + 60000);
    check("alpha", true); /* it is over all the same */
    CHECK_INT(seen("alpha")->state, BN_ALERT_RESOLVED);
    end();
}

BN_TEST(no_alert_before_it_counts_as_offline)
{
    begin();
    put_server("alpha");
    check("alpha", true);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    fact.u.server = *(const struct bn_server *)bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT,
            BN_KIND_SERVER, "alpha");
    fact.u.server.fail_after = 2;
    put(&fact);
    tick();
    check_only("alpha", false);
    const int64_t since = rig.clock.now_ms;
    pass(2 * BN_OFFLINE_ALERT_MS);
    tick();
    CHECK_INT(seen_count(), 0);
    check("alpha", false);
    CHECK_INT(seen("alpha")->state, BN_ALERT_FIRING);
    CHECK_INT(seen("alpha")->since, since);
    end();
}

BN_TEST(a_server_that_flaps_alerts_once_until_it_is_steady)
{
    begin();
    put_server("alpha");
    for (int i = 0; i < 30; i++) {
        check_only("alpha", i % 2 == 0);
        pass(1000);
        if (i % 7 == 0)
            tick();
    }
    CHECK_INT(seen_count(), 0); /* never offline for long */
    fire("alpha");
    for (int i = 0; i < 3; i++) {
        check("alpha", true);
        CHECK_STR(seen("alpha")->message,
                "Server alpha goes online and offline: it is over when that has stopped.");
        check_only("alpha", false);
        pass(BN_OFFLINE_ALERT_MS);
        tick();
        CHECK_INT(seen_count(), 1);
        CHECK_INT(seen("alpha")->state, BN_ALERT_FIRING);
    }
    for (int i = 0; i < 60 && seen("alpha")->state == BN_ALERT_FIRING; i++) {
        pass(60000);
        check_only("alpha", true);
        if (i % 5 == 0)
            tick();
    }
    CHECK_INT(seen("alpha")->state, BN_ALERT_RESOLVED);
    CHECK_INT(ask_sql(&own.place, "SELECT count(*) FROM alerts"), 1);
    end();
}

static void dismiss(const char *server_id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_ALERT, BN_TENANT_DEFAULT);
    fact.u.alert = *seen(server_id);
    fact.u.alert.dismissed_at = rig.clock.now_ms;
    snprintf(fact.u.alert.dismissed_by, sizeof fact.u.alert.dismissed_by, "ada");
    put(&fact);
}

BN_TEST(what_somebody_dismissed_stays_so_whatever_else_becomes_known_of_it)
{
    begin();
    put_server("alpha");
    fire("alpha");
    const int64_t at_ms = rig.clock.now_ms;
    put_server_as("alpha", "renamed", 1); /* on its way while it is dismissed */
    dismiss("alpha");
    tick();
    tick();
    CHECK_INT(seen("alpha")->dismissed_at, at_ms);
    CHECK_STR(seen("alpha")->subject, "renamed");
    close_all();
    open_all();
    put_server_as("alpha", "beta", 1);
    tick();
    CHECK_STR(seen("alpha")->subject, "beta");
    CHECK_STR(seen("alpha")->dismissed_by, "ada");
    check("alpha", false);
    pass(1000);
    check("alpha", true);
    CHECK_INT(seen("alpha")->state, BN_ALERT_RESOLVED);
    CHECK_INT(seen("alpha")->dismissed_at, at_ms);
    pass(1000);
    check_only("alpha", false);
    pass(BN_OFFLINE_ALERT_MS);
    tick();
    CHECK_INT(seen_count(), 2); /* the next one is new to everybody */
    bn_table_each(row, &bn_live_find(&rig.hub.live, BN_TENANT_DEFAULT)->tables[BN_KIND_ALERT])
    {
        const struct bn_alert *alert = (const void *)row->record;
        CHECK_INT(alert->dismissed_at != 0, alert->state == BN_ALERT_RESOLVED);
    }
    end();
}

BN_TEST(a_restart_knows_what_fires_counts_on_and_takes_nobodys_old_word)
{
    char id[BN_ID_MAX];
    begin();
    put_server("alpha");
    put_server("beta");
    put_server("gamma");
    fire("alpha");
    const int64_t since = rig.clock.now_ms;
    check("beta", false);
    check_only("gamma", false);
    snprintf(id, sizeof id, "%s", seen("alpha")->id);
    tick();
    close_all();
    pass(2 * BN_OFFLINE_ALERT_MS);
    open_all();
    tick();
    CHECK_INT(seen_count(), 1); /* beta may have been back meanwhile */
    CHECK_STR(seen("alpha")->id, id);
    check_only("alpha", false);
    check("beta", false); /* it was not */
    check("gamma", true);
    CHECK_INT(seen_count(), 2);
    CHECK_STR(seen("alpha")->id, id);
    CHECK_INT(seen("beta")->since, since);
    pass(1000);
    check("alpha", true);
    CHECK_INT(seen("alpha")->state, BN_ALERT_RESOLVED);
    close_all();
    open_all();
    tick();
    CHECK_INT(seen_count(), 2); /* what is just over is still in sight */
    CHECK_INT(seen("alpha")->state, BN_ALERT_RESOLVED);
    close_all();
    pass(BN_ALERT_PAST_MS);
    open_all();
    AWAIT(seen_count() == 1);
    end();
}

BN_TEST(a_disk_that_refuses_is_asked_again_and_nothing_is_told_before)
{
    struct bn_store_stats stats;
    bad_disk_install();
    begin();
    put_server("alpha");
    check_only("alpha", false);
    bad_disk_plan(BAD_FULL, 1, INT32_MAX);
    pass(BN_OFFLINE_ALERT_MS);
    tick();
    CHECK_INT(seen_count(), 0);
    bad_disk_plan(BAD_FULL, 0, 0);
    do
        bn_store_get_stats(own.store, &stats);
    while (stats.degraded); /* it tries again by itself */
    tick();
    CHECK_INT(seen_count(), 0); /* not before its time */
    pass(BN_WORK_KEEP_AGAIN_MS);
    tick();
    CHECK(seen("alpha"));
    bn_alerts_stop(NULL);
    end();
}

BN_TEST_MAIN()

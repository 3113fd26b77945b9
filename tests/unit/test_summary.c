#include "bn_test.h"
#include "io/loop.h"
#include "source/summary.h"

static struct {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_hub hub;
    struct bn_summary_source *source;
    int told;
} rig;

static void heard(void *user, const struct bn_fact *fact)
{
    (void)user;
    (void)fact;
    rig.told++;
}

static bool turn(void *user)
{
    (void)user;
    return bn_hub_turn(&rig.hub);
}

static void run(int64_t ms)
{
    const int64_t begun_ms = rig.clock.mono_ms;
    while (rig.clock.mono_ms - begun_ms < ms)
        bn_loop_round(rig.loop, 5, turn, NULL);
}

static void put_server(const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "%s", id);
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "%s", id);
    snprintf(fact.u.server.host, sizeof fact.u.server.host, "%s", id);
    fact.u.server.port = 8006;
    fact.u.server.is_active = 1;
    CHECK(bn_hub_ask(&rig.hub, &fact, NULL, NULL, NULL));
}

static const struct bn_summary *summary(void)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_SUMMARY, "all");
}

BN_TEST(a_change_is_counted_at_once_many_of_them_once_a_second_and_none_not_at_all)
{
    memset(&rig, 0, sizeof rig);
    CHECK(bn_loop_create(&rig.loop, &rig.clock, NULL));
    bn_hub_init(&rig.hub, &rig.clock, NULL, bn_loop_wake, rig.loop);
    bn_hub_watch(&rig.hub, BN_KIND_SUMMARY, heard, NULL);
    rig.source = bn_summary_start(rig.loop, &rig.hub);
    run(100);
    CHECK(summary());
    CHECK_INT(summary()->servers_total, 0);
    CHECK(summary()->updated_at > 0);
    CHECK_INT(rig.told, 1);
    put_server("a"); /* within the same second */
    put_server("b");
    put_server("c");
    run(300);
    CHECK_INT(rig.told, 1);
    run(BN_SUMMARY_EVERY_MS);
    CHECK_INT(rig.told, 2);
    CHECK_INT(summary()->servers_total, 3);
    const int64_t updated_at = summary()->updated_at;
    put_server("c"); /* nothing new */
    run(BN_SUMMARY_EVERY_MS + 200);
    CHECK_INT(rig.told, 2);
    CHECK_INT(summary()->updated_at, updated_at);
    put_server("d"); /* after a quiet second: at once */
    run(100);
    CHECK_INT(rig.told, 3);
    CHECK_INT(summary()->servers_total, 4);
    bn_summary_stop(rig.source);
    bn_summary_stop(NULL);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
}

BN_TEST_MAIN()

#include "bn_test.h"
#include "live/infra.h"
#include "live/live.h"

static struct bn_live live;
static int64_t now;

static void fresh(void)
{
    bn_live_init(&live);
    now = 1700000000000;
}

static struct bn_fact server_fact(const char *id, const char *host)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, "default");
    struct bn_server *server = &fact.u.server;
    snprintf(server->id, sizeof server->id, "%s", id);
    snprintf(server->name, sizeof server->name, "Server %s", id);
    snprintf(server->host, sizeof server->host, "%s", host);
    server->port = 8006;
    return fact;
}

static bool tell(const struct bn_fact *fact, struct bn_err *err)
{
    struct bn_change change;
    if (!bn_live_admit(&live, fact, err))
        return false;
    bn_live_apply(&live, fact, &change);
    (void)bn_live_derive(&live, fact, &change);
    return true;
}

static void add_server(const char *id, const char *host)
{
    struct bn_fact fact = server_fact(id, host);
    struct bn_err err;
    if (!tell(&fact, &err))
        fail_msg("%s", err.text);
}

static const struct bn_server *server_of(const char *id)
{
    return bn_live_get(&live, "default", BN_KIND_SERVER, id);
}

static struct bn_fact check_fact(const char *id, int64_t success)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CHECK, "default");
    struct bn_check *check = &fact.u.check;
    now += 10000;
    snprintf(check->id, sizeof check->id, "%s/%lld", id, (long long)now);
    snprintf(check->server_id, sizeof check->server_id, "%s", id);
    check->at = now;
    check->success = success;
    check->response_time_ms = success == 1 ? 120 : BN_UNKNOWN;
    return fact;
}

static void check(const char *id, int64_t success)
{
    struct bn_fact fact = check_fact(id, success);
    if (success == 0) {
        snprintf(fact.u.check.error_class, sizeof fact.u.check.error_class, "timeout");
        snprintf(fact.u.check.error, sizeof fact.u.check.error, "timed out");
    } else if (success == 1) {
        fact.u.check.nodes = 3;
        snprintf(fact.u.check.version, sizeof fact.u.check.version, "9.2.2");
    }
    CHECK(tell(&fact, NULL));
}

BN_TEST(the_same_host_and_port_is_refused_and_the_other_server_is_named)
{
    struct bn_err err;
    fresh();
    add_server("a", "pve1.example");
    struct bn_fact fact = server_fact("b", "PVE1.example");
    CHECK(!tell(&fact, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.field, "host");
    CHECK_STR(err.text, "PVE1.example:8006 already exists, as \"Server a\"");
    fact.u.server.port = 8007;
    CHECK(tell(&fact, &err));
    fact = server_fact("a", "pve1.example"); /* itself again */
    CHECK(tell(&fact, &err));
    bn_live_finish(&live);
}

BN_TEST(the_fifty_first_server_is_refused_by_number)
{
    struct bn_err err;
    char id[16];
    fresh();
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "s%d", i);
        add_server(id, id);
    }
    struct bn_fact fact = server_fact("one-more", "h");
    CHECK(!tell(&fact, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK(strstr(err.text, "all 50 server slots are used"));
    fact = server_fact("s0", "renamed");
    CHECK(tell(&fact, &err)); /* a change needs no room */
    bn_live_finish(&live);
}

BN_TEST(checks_make_the_status_and_the_figures)
{
    fresh();
    add_server("a", "pve1");
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_UNKNOWN);
    CHECK(isnan(server_of("a")->success_rate));
    check("a", 1);
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_ONLINE);
    CHECK_INT(server_of("a")->nodes, 3);
    CHECK_STR(server_of("a")->version, "9.2.2");
    CHECK_INT(server_of("a")->last_connected_at, now);
    CHECK_INT(server_of("a")->avg_response_time_ms, 120);
    check("a", 0);
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_OFFLINE);
    CHECK_STR(server_of("a")->error_class, "timeout");
    CHECK_STR(server_of("a")->health_check_error, "timed out");
    CHECK_INT(server_of("a")->last_connected_at, now - 10000);
    CHECK_INT(server_of("a")->last_health_check_at, now);
    CHECK_INT(server_of("a")->nodes, 3); /* as last known */
    CHECK_NEAR(server_of("a")->success_rate, 50, 0);
    check("a", 1);
    CHECK_STR(server_of("a")->health_check_error, "");
    bn_live_finish(&live);
}

static void wait_for_failures(const char *id, int64_t count)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, "default");
    fact.u.server = *server_of(id);
    fact.u.server.fail_after = count;
    CHECK(tell(&fact, NULL));
}

BN_TEST(it_counts_as_offline_after_as_many_failures_in_a_row_as_were_asked_for)
{
    fresh();
    add_server("a", "pve1");
    wait_for_failures("a", 3);
    check("a", 0); /* it never answered: there is nothing to wait for */
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_OFFLINE);
    for (int i = 0; i < 5; i++) {
        check("a", 1);
        for (int k = 1; k < 3; k++) {
            check("a", BN_UNKNOWN);
            CHECK_INT(server_of("a")->connection_status, BN_SERVER_CHECKING);
            check("a", 0);
            CHECK_INT(server_of("a")->connection_status, BN_SERVER_ONLINE);
            CHECK_STR(server_of("a")->error_class, "");
            CHECK_INT(server_of("a")->failed_in_row, k);
            CHECK_INT(server_of("a")->last_health_check_at, now);
        }
    }
    check("a", 0);
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_OFFLINE);
    CHECK_STR(server_of("a")->error_class, "timeout");
    check("a", BN_UNKNOWN);
    check("a", 0);
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_OFFLINE);
    wait_for_failures("a", 10); /* more patience brings nobody back */
    check("a", 0);
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_OFFLINE);
    check("a", 1);
    CHECK_INT(server_of("a")->failed_in_row, 0);
    for (int i = 0; i < 9; i++)
        check("a", 0);
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_ONLINE);
    check("a", 0);
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_OFFLINE);
    bn_live_finish(&live);
}

BN_TEST(while_an_attempt_is_under_way_it_is_checking_and_then_what_it_was)
{
    fresh();
    add_server("a", "pve1");
    check("a", 1);
    struct bn_fact fact = check_fact("a", BN_UNKNOWN);
    CHECK(tell(&fact, NULL));
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_CHECKING);
    CHECK(tell(&fact, NULL)); /* said twice */
    fact = check_fact("a", BN_UNKNOWN);
    snprintf(fact.u.check.error_class, sizeof fact.u.check.error_class, "cancelled");
    CHECK(tell(&fact, NULL));
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_ONLINE);
    CHECK_NEAR(server_of("a")->success_rate, 100, 0); /* neither counts */
    CHECK(tell(&fact, NULL));                         /* nothing is under way: nothing changes */
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_ONLINE);
    bn_live_finish(&live);
}

BN_TEST(an_attempt_that_begins_is_no_event)
{
    struct bn_change change;
    fresh();
    add_server("a", "pve1");
    struct bn_fact fact = check_fact("a", BN_UNKNOWN);
    bn_live_apply(&live, &fact, &change);
    CHECK_INT(change.changed, 0);
    CHECK(bn_live_derive(&live, &fact, &change));
    CHECK_INT(change.kind, BN_KIND_SERVER);
    CHECK(change.changed == BN_BIT(bn_field_index(&bn_server_type, "connection_status")));
    fact = check_fact("a", 1);
    bn_live_apply(&live, &fact, &change);
    CHECK(change.changed == BN_MASK_ALL);
    bn_live_finish(&live);
}

BN_TEST(an_edit_keeps_what_checks_said_unless_the_server_is_somewhere_else)
{
    fresh();
    add_server("a", "pve1");
    check("a", 1);
    struct bn_fact fact = server_fact("a", "pve1");
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "Renamed");
    fact.u.server.connection_status = BN_SERVER_OFFLINE; /* nobody may say so */
    CHECK(tell(&fact, NULL));
    CHECK_STR(server_of("a")->name, "Renamed");
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_ONLINE);
    CHECK_INT(server_of("a")->avg_response_time_ms, 120);
    fact = server_fact("a", "pve2");
    CHECK(tell(&fact, NULL));
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_UNKNOWN);
    CHECK_INT(server_of("a")->avg_response_time_ms, BN_UNKNOWN);
    CHECK(isnan(server_of("a")->success_rate));
    check("a", 0);
    CHECK_NEAR(server_of("a")->success_rate, 0, 0); /* the past of the other place is gone */
    bn_live_finish(&live);
}

BN_TEST(what_belongs_to_no_server_is_not_admitted)
{
    struct bn_err err;
    fresh();
    struct bn_fact fact = check_fact("nobody", 1);
    CHECK(!tell(&fact, &err));
    CHECK_STR(err.text, "there is no server \"nobody\"");
    bn_fact_init(&fact, BN_KIND_VM, "default");
    snprintf(fact.u.vm.id, sizeof fact.u.vm.id, "nobody/100");
    snprintf(fact.u.vm.server_id, sizeof fact.u.vm.server_id, "nobody");
    snprintf(fact.u.vm.node, sizeof fact.u.vm.node, "pve");
    fact.u.vm.vmid = 100;
    fact.u.vm.type = BN_VM_QEMU;
    CHECK(!tell(&fact, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    bn_live_finish(&live);
}

BN_TEST(the_time_limit_is_learned_after_ten_successes)
{
    fresh();
    add_server("a", "pve1");
    struct bn_tenant_live *tenant = bn_live_find(&live, "default");
    CHECK_INT(bn_infra_timeout_ms(tenant, server_of("a")), 10000);
    for (int i = 0; i < 10; i++)
        check("a", 1);
    CHECK_INT(server_of("a")->learned_timeout_ms, 5000);
    CHECK_INT(bn_infra_timeout_ms(tenant, server_of("a")), 5000);
    bn_live_finish(&live);
}

BN_TEST(a_deleted_server_leaves_nothing)
{
    fresh();
    add_server("a", "pve1");
    check("a", 1);
    struct bn_fact fact = server_fact("a", "pve1");
    fact.op = BN_GONE;
    CHECK(tell(&fact, NULL));
    CHECK(!server_of("a"));
    add_server("a", "pve1");
    CHECK_INT(server_of("a")->connection_status, BN_SERVER_UNKNOWN);
    check("a", 0);
    CHECK_NEAR(server_of("a")->success_rate, 0, 0);
    bn_live_finish(&live);
}

BN_TEST_MAIN()

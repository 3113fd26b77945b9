#include <math.h>

#include "hub_rig.h"
#include "live/infra.h"
#include "pve_peer.h"
#include "source/fleet.h"
#include "source/pve.h"

/* A fleet of one server on loopback; its clock is the test's, so that nothing is waited for. */

#define NODES OK("{\"data\":[{\"node\":\"n1\",\"status\":\"online\"}]}")
#define CLUSTER \
    OK("{\"data\":[{\"type\":\"cluster\",\"name\":\"alpha\",\"quorate\":1,\"nodes\":1}]}")
#define VERSION OK("{\"data\":{\"version\":\"9.2.2\",\"release\":\"9.2\"}}")
#define NODE_ROW(uptime)                                                                             \
    "{\"id\":\"node/n1\",\"type\":\"node\",\"node\":\"n1\",\"status\":\"online\",\"uptime\":" uptime \
    ",\"cpu\":0.5,\"maxcpu\":4,\"mem\":1,\"maxmem\":2,\"disk\":1,\"maxdisk\":2}"
#define VM_ROW(vmid, in, uptime)                                                              \
    ",{\"id\":\"qemu/" vmid "\",\"type\":\"qemu\",\"vmid\":" vmid                             \
    ",\"node\":\"n1\",\"name\":\"vm" vmid "\",\"status\":\"running\",\"uptime\":" uptime      \
    ",\"netin\":" in ",\"netout\":1,\"diskread\":1,\"diskwrite\":1,\"cpu\":0.1,\"maxcpu\":1," \
    "\"mem\":1,\"maxmem\":2,\"disk\":0,\"maxdisk\":2}"
#define LIST(rows) OK("{\"data\":[" rows "]}")

enum { AT_NODES, AT_CLUSTER, AT_VERSION, AT_RESOURCES, AT_COUNT };

static struct pve pve;

static struct {
    struct bn_fleet *fleet;
    int told;
    int done;
    struct bn_check last; /* that a run was told of */
} own;

static void begin(void)
{
    const struct peer_answer answers[AT_COUNT] = {{"/api2/json/nodes", NODES, 0, true},
            {"/api2/json/cluster/status", CLUSTER, 0, true},
            {"/api2/json/version", VERSION, 0, true},
            {"/api2/json/cluster/resources", LIST(NODE_ROW("10") VM_ROW("100", "1000", "5")), 0,
                    true}};
    memset(&own, 0, sizeof own);
    rig_begin();
    rig_open_hub(NULL);
    pve_open(&pve, rig.loop, "a", answers, COUNT(answers));
    rig.fetch = pve_fetch(rig.loop);
    const struct bn_fleet_config config = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock,
            .fetch = rig.fetch,
            .key = &rig.key,
            .check_every_ms = BN_CHECK_EVERY_MS,
            .poll_every_ms = BN_POLL_EVERY_MS};
    CHECK(bn_fleet_start(&config, &own.fleet, NULL));
}

static void end(void)
{
    bn_fetch_destroy(rig.fetch);
    bn_fleet_stop(own.fleet);
    pve_close(&pve);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
}

/* Two ticks of the schedule and some: what were due would have begun. */
static void stay_quiet(void)
{
    settle(250);
}

static const struct bn_server *server(void)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_SERVER, "s1");
}

static const struct bn_vm *vm(const char *id)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_VM, id);
}

static const struct bn_node *node(void)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_NODE, "s1/n1");
}

static uint64_t checks(void)
{
    struct bn_fleet_stats stats;
    bn_fleet_get_stats(own.fleet, &stats);
    return stats.checks;
}

static uint64_t polls(void)
{
    struct bn_fleet_stats stats;
    bn_fleet_get_stats(own.fleet, &stats);
    return stats.polls;
}

static struct bn_fact a_server(void)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    pve_server(&pve, "s1", &rig.key, &fact.u.server);
    return fact;
}

static void add(void)
{
    const struct bn_fact fact = a_server();
    put(&fact);
}

static void answer(int at, const char *bytes)
{
    pve.answers[at].bytes = bytes;
}

static void on_one(void *user, const struct bn_check *check)
{
    (void)user;
    own.told++;
    own.last = *check;
}

static void on_done(void *user)
{
    (void)user;
    own.done++;
}

static size_t check_now(void)
{
    const struct bn_fleet_run run = {.one = on_one, .done = on_done};
    return bn_fleet_check_now(own.fleet, BN_TENANT_DEFAULT, NULL, 0, &run);
}

/* Asks again at once, and waits for what comes of it. */
static void check_again(void)
{
    const int done = own.done;
    CHECK_INT(check_now(), 1);
    AWAIT(own.done == done + 1);
    round_once();
}

/* --- checks ---------------------------------------------------------------------------------- */

BN_TEST(a_new_server_is_checked_at_once_and_then_when_it_is_due)
{
    begin();
    add();
    AWAIT(server()->connection_status == BN_SERVER_CHECKING);
    AWAIT(server()->connection_status == BN_SERVER_ONLINE);
    CHECK_INT(server()->nodes, 1);
    CHECK_STR(server()->version, "9.2.2");
    CHECK_STR(server()->cluster, "alpha");
    CHECK_INT(server()->is_quorate, 1);
    CHECK(server()->success_rate == 100);
    CHECK(strstr(pve.peer.asked, "Authorization: PVEAPIToken=" PVE_TOKEN "\r\n"));
    CHECK_INT(checks(), 1);
    pass(BN_CHECK_EVERY_MS * 8 / 10);
    stay_quiet();
    CHECK_INT(checks(), 1);
    pass(BN_CHECK_EVERY_MS * 4 / 10);
    AWAIT(checks() == 2);
    end();
}

BN_TEST(runs_share_the_attempt_that_is_under_way)
{
    begin();
    add();
    CHECK_INT(check_now(), 1);
    CHECK_INT(check_now(), 1);
    AWAIT(own.done == 2);
    CHECK_INT(own.told, 2);
    CHECK_INT(own.last.success, 1);
    CHECK_INT(checks(), 1);
    CHECK_INT(bn_fleet_check_now(own.fleet, "default", (const char *const[]){"nobody"}, 1,
                      &(struct bn_fleet_run){.one = on_one, .done = on_done}),
            0);
    CHECK_INT(own.done, 2);
    end();
}

BN_TEST(what_may_pass_is_tried_once_more_and_what_will_not_is_not)
{
    static const struct {
        const char *answer;
        const char *error_class;
        int retries;
    } cases[] = {
            {NULL, "reset", 1},
            {"HTTP/1.1 401 no such token\r\nConnection: close\r\n\r\n", "auth", 0},
            {"HTTP/1.1 500 oops\r\nConnection: close\r\n\r\n", "http", 0},
            {"HTTP/1.1 595 No route to host\r\nConnection: close\r\n\r\n", "node", 0},
            {"HTTP/1.1 302 Found\r\nLocation: /x\r\nConnection: close\r\n\r\n", "redirect", 0},
            {OK("<html>"), "protocol", 0},
    };

    begin();
    add();
    AWAIT(checks() == 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const int done = own.done;
        answer(AT_NODES, cases[i].answer);
        CHECK_INT(check_now(), 1);
        AWAIT_PASSING(own.done > done, 10); /* the wait before a retry */
        CHECK_STR(own.last.error_class, cases[i].error_class);
        CHECK_INT(own.last.retry_count, cases[i].retries);
        CHECK_INT(own.last.success, 0);
        CHECK(!strstr(own.last.error, "0123456789abcdef"));
        round_once();
        CHECK_INT(server()->connection_status, BN_SERVER_OFFLINE);
    }
    end();
}

BN_TEST(by_vpn_the_other_address_is_called_and_tried_three_times_more)
{
    begin();
    struct bn_fact fact = a_server();
    struct bn_server *record = &fact.u.server;
    snprintf(record->host, sizeof record->host, "203.0.113.1");
    record->vpn_enabled = 1;
    snprintf(record->vpn_host, sizeof record->vpn_host, "127.0.0.1");
    record->vpn_port = record->port;
    record->port = 8006;
    put(&fact);
    CHECK_INT(check_now(), 1);
    AWAIT(own.done == 1);
    CHECK_INT(own.last.success, 1);
    CHECK_INT(own.last.used_vpn, 1);
    answer(AT_NODES, NULL);
    CHECK_INT(check_now(), 1);
    AWAIT_PASSING(own.done == 2, 20);
    CHECK_STR(own.last.error_class, "reset");
    CHECK_INT(own.last.retry_count, 3);
    end();
}

BN_TEST(a_wrong_token_is_not_tried_again_for_five_minutes)
{
    begin();
    answer(AT_NODES, "HTTP/1.1 401 no such token\r\nConnection: close\r\n\r\n");
    add();
    AWAIT(checks() == 1);
    CHECK(strstr(server()->health_check_error, "authentication failed (401)"));
    pass(BN_AUTH_PAUSE_MS * 8 / 10);
    stay_quiet();
    CHECK_INT(checks(), 1);
    /* A changed server is asked at once. */
    answer(AT_NODES, NODES);
    struct bn_fact fact = a_server();
    put(&fact);
    AWAIT(checks() == 2);
    AWAIT(server()->connection_status == BN_SERVER_ONLINE);
    end();
}

BN_TEST(failures_back_off_to_five_minutes)
{
    begin();
    answer(AT_NODES, "HTTP/1.1 500 oops\r\nConnection: close\r\n\r\n");
    add();
    AWAIT(checks() == 1);
    int64_t wait_ms = BN_CHECK_BACKOFF_MS;
    for (uint64_t n = 1; n < 8; n++) {
        pass(wait_ms * 8 / 10);
        stay_quiet();
        CHECK_INT(checks(), n);
        pass(wait_ms * 4 / 10);
        AWAIT(checks() == n + 1);
        wait_ms = BN_MIN(wait_ms * 2, BN_CHECK_BACKOFF_MAX_MS);
    }
    CHECK_INT(wait_ms, BN_CHECK_BACKOFF_MAX_MS);
    end();
}

/* --- certificates ---------------------------------------------------------------------------- */

static void take_audit(void *user, const struct bn_fact *fact)
{
    *(struct bn_audit *)user = fact->u.audit;
}

BN_TEST(the_first_contact_pins_without_a_word_and_the_second_asks)
{
    char seen[BN_FINGERPRINT_SIZE];
    struct bn_audit deed = {.id = ""};
    begin();
    bn_hub_watch(&rig.hub, BN_KIND_AUDIT, take_audit, &deed);
    struct bn_fact fact = a_server();
    fact.u.server.fingerprint[0] = '\0';
    put(&fact);
    CHECK_INT(check_now(), 1);
    AWAIT(server()->fingerprint[0]);
    fingerprint_of("a", seen);
    CHECK_STR(server()->fingerprint, seen);
    CHECK_INT(server()->is_pin_auto, 1); /* shown until somebody confirms it */
    CHECK_STR(deed.actor, "auto");
    CHECK_STR(deed.action, "server.pin");
    CHECK_STR(deed.object, "alpha");
    CHECK(strstr(deed.detail, "first contact with 127.0.0.1: ") && strstr(deed.detail, seen));
    CHECK_INT(pve.peer.requests, 0);
    AWAIT(own.done == 1); /* who asked is told of the real check */
    CHECK_INT(own.last.success, 1);
    CHECK_INT(own.told, 1);
    AWAIT(server()->connection_status == BN_SERVER_ONLINE);
    CHECK(server()->success_rate == 100);
    end();
}

BN_TEST(another_certificate_gets_nothing_and_is_shown)
{
    char seen[BN_FINGERPRINT_SIZE];
    begin();
    add();
    AWAIT(checks() == 1);
    struct bn_tls_config *other = load("b");
    bn_listener_set_tls(pve.peer.listener, other);
    const int requests = pve.peer.requests;
    pass(BN_FETCH_KEEP_MS);
    check_again();
    CHECK_STR(own.last.error_class, "cert_changed");
    CHECK_INT(own.last.success, 0);
    CHECK(pve.peer.requests <= requests + 1); /* a listing that was under way */
    AWAIT(server()->connection_status == BN_SERVER_OFFLINE);
    fingerprint_of("b", seen);
    CHECK_STR(server()->seen_fingerprint, seen);
    fingerprint_of("a", seen);
    CHECK_STR(server()->fingerprint, seen);
    bn_tls_config_unref(other);
    end();
}

BN_TEST(what_changed_by_itself_stands_in_the_audit_once_an_hour_at_most)
{
    struct bn_audit deed = {.id = ""};
    begin();
    bn_hub_watch(&rig.hub, BN_KIND_AUDIT, take_audit, &deed);
    add();
    AWAIT(server()->connection_status == BN_SERVER_ONLINE);
    check_again();
    CHECK_STR(deed.action, ""); /* the first version is no news */
    answer(AT_VERSION, OK("{\"data\":{\"version\":\"9.2.3\",\"release\":\"9.2\"}}"));
    pass(3600000);
    check_again();
    CHECK_STR(deed.action, "server.version");
    CHECK_STR(deed.detail, "9.2.2 -> 9.2.3");
    struct bn_tls_config *other = load("b");
    for (int i = 0; i < 2; i++) {
        deed.action[0] = '\0';
        bn_listener_set_tls(pve.peer.listener, i ? pve.tls : other);
        pass(BN_AUTH_PAUSE_MS);
        check_again();
        CHECK_STR(deed.action, i ? "" : "server.certificate");
    }
    bn_tls_config_unref(other);
    end();
}

/* --- changes under way ----------------------------------------------------------------------- */

BN_TEST(an_answer_to_what_was_asked_before_a_change_says_nothing)
{
    begin();
    answer(AT_NODES, NULL);
    pve.answers[AT_NODES].closes = false; /* silent */
    add();
    AWAIT(pve.peer.requests == 1);
    CHECK_INT(check_now(), 1);
    pve.answers[AT_NODES] = (struct peer_answer){"/api2/json/nodes", NODES, 0, true};
    struct bn_fact fact = a_server(); /* sealed anew: another token */
    put(&fact);
    AWAIT(server()->connection_status == BN_SERVER_ONLINE);
    CHECK_INT(own.done, 1);
    CHECK_INT(own.last.success, 1);
    CHECK_INT(checks(), 1);
    end();
}

BN_TEST(a_server_that_is_removed_or_switched_off_while_it_is_asked_ends_the_wait)
{
    begin();
    answer(AT_NODES, NULL);
    pve.answers[AT_NODES].closes = false;
    add();
    AWAIT(pve.peer.requests == 1);
    CHECK_INT(check_now(), 1);
    struct bn_fact fact = a_server();
    fact.u.server = *server();
    fact.u.server.is_active = 0;
    put(&fact);
    AWAIT(own.done == 1);
    CHECK_INT(own.told, 0);
    AWAIT(server()->connection_status == BN_SERVER_UNKNOWN);
    CHECK_INT(check_now(), 0);
    fact.u.server.is_active = 1;
    put(&fact);
    AWAIT(pve.peer.requests == 2);
    CHECK_INT(check_now(), 1);
    fact.op = BN_GONE;
    put(&fact);
    AWAIT(own.done == 2);
    CHECK(!server());
    CHECK_INT(check_now(), 0);
    end();
}

/* --- listings -------------------------------------------------------------------------------- */

static void next_poll(const char *list)
{
    const uint64_t before = polls();
    answer(AT_RESOURCES, list);
    pass(BN_POLL_EVERY_MS * 11 / 10);
    AWAIT(polls() == before + 1);
    round_once();
}

BN_TEST(guests_have_rates_between_two_listings_unless_they_were_restarted)
{
    begin();
    add();
    AWAIT(vm("s1/100"));
    CHECK_STR(vm("s1/100")->name, "vm100");
    CHECK(isnan(vm("s1/100")->net_in_bps));
    next_poll(LIST(NODE_ROW("20") VM_ROW("100", "12000", "16")));
    CHECK(fabs(vm("s1/100")->net_in_bps - 1000) < 1);
    CHECK(vm("s1/100")->net_out_bps == 0);
    next_poll(LIST(NODE_ROW("20") VM_ROW("100", "12000", "16"))); /* the same sample again */
    CHECK(fabs(vm("s1/100")->net_in_bps - 1000) < 1);
    next_poll(LIST(NODE_ROW("30") VM_ROW("100", "13000", "2")));
    CHECK(isnan(vm("s1/100")->net_in_bps));
    next_poll(LIST(NODE_ROW("40") VM_ROW("100", "1000", "20")));
    CHECK(isnan(vm("s1/100")->net_in_bps)); /* the counter fell */
    end();
}

BN_TEST(guests_are_gone_after_three_listings_without_them)
{
    begin();
    add();
    AWAIT(vm("s1/100"));
    next_poll(LIST(NODE_ROW("20") VM_ROW("101", "1", "1")));
    CHECK(vm("s1/101"));
    next_poll(LIST(NODE_ROW("30")));
    CHECK(vm("s1/100"));
    next_poll(LIST(NODE_ROW("40") VM_ROW("101", "1", "1")));
    CHECK(!vm("s1/100"));
    CHECK(vm("s1/101"));
    struct bn_fact fact = a_server();
    fact.op = BN_GONE;
    put(&fact);
    AWAIT(!vm("s1/101") && !node());
    end();
}

/* While it is not known whether it is offline, it is asked soon again, and its guests stay. */
BN_TEST(it_is_asked_soon_again_until_it_counts_as_offline)
{
    begin();
    struct bn_fact fact = a_server();
    fact.u.server.fail_after = 3;
    put(&fact);
    AWAIT(checks() == 1);
    AWAIT(vm("s1/100"));
    answer(AT_NODES, "HTTP/1.1 500 oops\r\nConnection: close\r\n\r\n");
    check_again();
    check_again();
    CHECK_INT(server()->connection_status, BN_SERVER_ONLINE);
    CHECK(vm("s1/100")->is_stale != 1);
    pass(BN_CHECK_BACKOFF_MS * 13 / 10);
    AWAIT(checks() == 4);
    AWAIT(vm("s1/100")->is_stale == 1);
    CHECK_INT(server()->connection_status, BN_SERVER_OFFLINE);
    end();
}

BN_TEST(a_cluster_without_a_quorum_loses_no_guests)
{
    begin();
    answer(AT_CLUSTER, OK("{\"data\":[{\"type\":\"cluster\",\"name\":\"alpha\",\"quorate\":0}]}"));
    add();
    AWAIT(vm("s1/100"));
    CHECK_INT(server()->is_quorate, 0);
    for (int i = 0; i < BN_GONE_AFTER_POLLS + 1; i++)
        next_poll(LIST(NODE_ROW("20")));
    CHECK(vm("s1/100"));
    end();
}

BN_TEST(a_node_whose_uptime_stands_still_for_half_a_minute_is_stale)
{
    begin();
    add();
    AWAIT(node());
    for (int i = 0; i < 2; i++) {
        next_poll(LIST(NODE_ROW("10") VM_ROW("100", "1", "1")));
        CHECK_INT(node()->is_stale, 0);
    }
    next_poll(LIST(NODE_ROW("10") VM_ROW("100", "1", "1")));
    CHECK_INT(node()->is_stale, 1);
    next_poll(LIST(NODE_ROW("11") VM_ROW("100", "1", "1")));
    CHECK_INT(node()->is_stale, 0);
    end();
}

BN_TEST(a_listing_that_fails_has_the_server_checked_and_no_guest_lost)
{
    begin();
    add();
    AWAIT(vm("s1/100"));
    const uint64_t before = checks();
    answer(AT_NODES, "HTTP/1.1 500 oops\r\nConnection: close\r\n\r\n");
    next_poll("HTTP/1.1 500 oops\r\nConnection: close\r\n\r\n");
    AWAIT(checks() == before + 1);
    AWAIT(server()->connection_status == BN_SERVER_OFFLINE);
    AWAIT(vm("s1/100")->is_stale == 1 && node()->is_stale == 1); /* what it was once */
    CHECK_STR(vm("s1/100")->status, "running");
    answer(AT_NODES, NODES);
    answer(AT_RESOURCES, LIST(NODE_ROW("20") VM_ROW("100", "1", "1")));
    check_again();
    AWAIT(vm("s1/100")->is_stale == 0 && node()->is_stale == 0);
    end();
}

BN_TEST_MAIN()

#include "hub_rig.h"
#include "pve_peer.h"
#include "source/fleet.h"
#include "source/pve.h"

/* Two servers of the registry on loopback, which may be members of one cluster. */

#define DOWN "HTTP/1.1 500 oops\r\nConnection: close\r\n\r\n"

#define GUEST_THAT(is)                                                         \
    OK("{\"data\":[{\"type\":\"node\",\"node\":\"n1\",\"status\":\"online\"}," \
       "{\"type\":\"qemu\",\"vmid\":100,\"node\":\"n1\",\"status\":\"" is "\"}]}")

enum { AT_NODES, AT_CLUSTER, AT_VERSION, AT_RESOURCES, AT_COUNT };

static struct member {
    struct pve pve;
    char nodes[600];
    char status[200];
} members[2];

static struct bn_fleet *fleet;

/* Ticks of the schedule; what were due would have begun and been answered. */
static void stay_quiet(void)
{
    settle(300);
}

/* What member n says of its cluster: the name, and the certificates of its nodes. */
static void say_cluster(int n, const char *name, const char *first, const char *second)
{
    struct member *member = &members[n];
    char prints[2][BN_FINGERPRINT_SIZE] = {"", ""};
    fingerprint_of(first, prints[0]);
    fingerprint_of(second, prints[1]);
    snprintf(member->nodes, sizeof member->nodes,
            OK("{\"data\":[{\"node\":\"n1\",\"ssl_fingerprint\":\"%s\"},{\"node\":\"n2\","
               "\"ssl_fingerprint\":\"%s\"},{\"node\":\"n3\"}]}"),
            prints[0], prints[1]);
    snprintf(member->status, sizeof member->status,
            OK("{\"data\":[{\"type\":\"cluster\",\"name\":\"%s\",\"quorate\":1}]}"), name);
    member->pve.answers[AT_NODES].bytes = member->nodes;
    member->pve.answers[AT_CLUSTER].bytes = member->status;
}

static void open_member(int n, const char *cert)
{
    const struct peer_answer answers[AT_COUNT] = {{"/api2/json/nodes", NULL, 0, true},
            {"/api2/json/cluster/status", NULL, 0, true},
            {"/api2/json/version", OK("{\"data\":{\"version\":\"9.2.2\"}}"), 0, true},
            {"/api2/json/cluster/resources", GUEST_THAT("running"), 0, true}};
    pve_open(&members[n].pve, rig.loop, cert, answers, COUNT(answers));
    say_cluster(n, "alpha", "a", "b");
}

static void open_fleet(void)
{
    const struct bn_fleet_config config = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock,
            .fetch = rig.fetch,
            .key = &rig.key,
            .check_every_ms = BN_CHECK_EVERY_MS,
            .poll_every_ms = BN_POLL_EVERY_MS};
    CHECK(bn_fleet_start(&config, &fleet, NULL));
}

static void begin_without_fleet(void)
{
    rig_begin();
    rig_open_hub(NULL);
    rig.fetch = pve_fetch(rig.loop);
    open_member(0, "a");
    open_member(1, "b");
}

static void begin(void)
{
    begin_without_fleet();
    open_fleet();
}

static void end(void)
{
    bn_fetch_destroy(rig.fetch);
    bn_fleet_stop(fleet);
    pve_close(&members[0].pve);
    pve_close(&members[1].pve);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
}

static struct bn_fact a_server(int n)
{
    struct bn_fact fact;
    char id[BN_ID_MAX];
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    snprintf(id, sizeof id, "s%d", n);
    pve_server(&members[n].pve, id, &rig.key, &fact.u.server);
    fact.u.server.created_at = 1000 + n;
    return fact;
}

static void add(int n)
{
    const struct bn_fact fact = a_server(n);
    put(&fact);
}

static const struct bn_server *server(const char *id)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_SERVER, id);
}

static const struct bn_vm *vm(const char *id)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_VM, id);
}

static size_t count(enum bn_kind kind)
{
    return bn_live_find(&rig.hub.live, BN_TENANT_DEFAULT)->tables[kind].count;
}

static uint64_t polls(void)
{
    struct bn_fleet_stats stats;
    bn_fleet_get_stats(fleet, &stats);
    return stats.polls;
}

static bool is_told_once(void)
{
    return vm("s0/100") && count(BN_KIND_VM) == 1 && count(BN_KIND_NODE) == 1 &&
           strcmp(server("s1")->listed_under, "s0") == 0;
}

BN_TEST(two_members_of_a_cluster_list_its_guests_once_under_the_older)
{
    begin();
    add(0);
    AWAIT(vm("s0/100"));
    add(1);
    AWAIT(is_told_once());
    CHECK_STR(server("s0")->listed_under, "");
    CHECK_INT(server("s1")->connection_status, BN_SERVER_ONLINE); /* and is checked by itself */
    CHECK_STR(bn_fleet_voice(fleet, BN_TENANT_DEFAULT, "s1"), "s0");
    const uint64_t before = polls();
    pass(BN_POLL_EVERY_MS * 11 / 10);
    AWAIT(polls() > before);
    stay_quiet();
    CHECK_INT(polls(), before + 1); /* one question for the whole cluster */
    CHECK(is_told_once());
    end();
}

/* The younger was added first and has told its guests: they get their home, not a double. */
BN_TEST(the_older_may_come_later)
{
    begin();
    add(1);
    AWAIT(vm("s1/100"));
    add(0);
    AWAIT(is_told_once());
    end();
}

static bool is_stopped_and_was_never_away(void)
{
    CHECK(vm("s0/100")); /* all the time, and the same one */
    CHECK_INT(count(BN_KIND_VM), 1);
    return strcmp(vm("s0/100")->status, "stopped") == 0;
}

BN_TEST(when_the_home_is_away_another_member_speaks_for_it_without_a_gap)
{
    begin();
    add(0);
    add(1);
    AWAIT(is_told_once());
    members[0].pve.answers[AT_NODES].bytes = DOWN;
    members[0].pve.answers[AT_RESOURCES].bytes = DOWN;
    members[1].pve.answers[AT_RESOURCES].bytes = GUEST_THAT("stopped");
    pass(BN_POLL_EVERY_MS * 11 / 10);
    AWAIT_PASSING(is_stopped_and_was_never_away(), 5);
    CHECK_INT(server("s0")->connection_status, BN_SERVER_OFFLINE);
    CHECK_STR(bn_fleet_voice(fleet, BN_TENANT_DEFAULT, "s0"), "s1");
    say_cluster(0, "alpha", "a", "b");
    pass(BN_CHECK_BACKOFF_MAX_MS);
    AWAIT(server("s0")->connection_status == BN_SERVER_ONLINE);
    AWAIT(strcmp(bn_fleet_voice(fleet, BN_TENANT_DEFAULT, "s0"), "s0") == 0);
    CHECK_INT(count(BN_KIND_VM), 1);
    end();
}

BN_TEST(a_member_without_a_quorum_does_not_speak_while_another_has_one)
{
    begin();
    add(0);
    add(1);
    AWAIT(is_told_once());
    members[0].pve.answers[AT_CLUSTER].bytes = OK(
            "{\"data\":[{\"type\":\"cluster\",\"name\":\"alpha\",\"quorate\":0}]}");
    pass(BN_CHECK_EVERY_MS * 11 / 10);
    AWAIT(server("s0")->is_quorate == 0);
    CHECK_STR(bn_fleet_voice(fleet, BN_TENANT_DEFAULT, "s0"), "s1");
    CHECK_STR(bn_fleet_voice(fleet, BN_TENANT_DEFAULT, "s1"), "s1");
    CHECK(is_told_once());
    end();
}

/* Names prove nothing: the same names come at two sites, and anybody can list a certificate. */
BN_TEST(clusters_of_one_name_are_two_unless_each_lists_the_certificate_of_the_other)
{
    begin();
    say_cluster(0, "alpha", "a", "a");
    add(0);
    add(1); /* which claims to be a member of it */
    AWAIT(vm("s0/100") && vm("s1/100"));
    CHECK_STR(server("s1")->listed_under, "");
    say_cluster(0, "beta", "a", "b");
    pass(BN_CHECK_EVERY_MS * 11 / 10);
    AWAIT(strcmp(server("s0")->cluster, "beta") == 0);
    stay_quiet();
    CHECK_INT(count(BN_KIND_VM), 2);
    end();
}

BN_TEST(when_the_home_is_removed_the_next_one_becomes_it)
{
    begin();
    add(0);
    add(1);
    AWAIT(is_told_once());
    struct bn_fact fact = a_server(0);
    fact.op = BN_GONE;
    put(&fact);
    AWAIT(!vm("s0/100") && vm("s1/100"));
    AWAIT(strcmp(server("s1")->listed_under, "") == 0);
    CHECK_STR(bn_fleet_voice(fleet, BN_TENANT_DEFAULT, "s0"), "s0"); /* nobody: as it is */
    end();
}

BN_TEST(a_member_that_leaves_for_another_cluster_is_listed_by_itself)
{
    begin();
    add(0);
    add(1);
    AWAIT(is_told_once());
    say_cluster(1, "beta", "b", "b");
    pass(BN_CHECK_EVERY_MS * 11 / 10);
    AWAIT(vm("s1/100"));
    CHECK_STR(server("s1")->listed_under, "");
    CHECK(vm("s0/100"));
    end();
}

/* As after a restart: what the store kept is known, and both are asked at once. Nobody's guests are
   told under a name that does not last. */
BN_TEST(after_a_start_the_younger_waits_for_the_older)
{
    begin_without_fleet();
    add(0);
    add(1);
    for (int n = 0; n < 2; n++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_CHECK, BN_TENANT_DEFAULT);
        struct bn_check *check = &fact.u.check;
        snprintf(check->id, sizeof check->id, "s%d/1", n);
        snprintf(check->server_id, sizeof check->server_id, "s%d", n);
        snprintf(check->cluster, sizeof check->cluster, "alpha");
        check->at = 1;
        check->success = 1;
        bn_hub_tell(&rig.hub, &fact);
    }
    round_once();
    members[0].pve.answers[AT_NODES].bytes = NULL; /* silent */
    members[0].pve.answers[AT_NODES].closes = false;
    open_fleet();
    AWAIT(server("s1")->last_health_check_at > 1);
    stay_quiet();
    CHECK_INT(count(BN_KIND_VM), 0);
    pass(15000); /* but not for ever */
    AWAIT(vm("s1/100"));
    end();
}

static void no_one(void *user BN_UNUSED, const struct bn_check *check BN_UNUSED)
{
}

static void nothing(void *user BN_UNUSED)
{
}

/* --- nobody answers (SECURITY A19) ----------------------------------------------------------- */

static uint64_t checks(void)
{
    struct bn_fleet_stats stats;
    bn_fleet_get_stats(fleet, &stats);
    return stats.checks;
}

static bool is_online(const char *id)
{
    return server(id)->connection_status == BN_SERVER_ONLINE;
}

/* Both servers, strangers to each other, answer and are answered for; then nobody does. */
static void go_dark(void)
{
    begin();
    say_cluster(0, "alpha", "a", "a");
    say_cluster(1, "beta", "b", "b");
    add(0);
    add(1);
    AWAIT(vm("s0/100") && vm("s1/100"));
    members[0].pve.answers[AT_NODES].bytes = members[1].pve.answers[AT_NODES].bytes = DOWN;
    members[0].pve.answers[AT_RESOURCES].bytes = members[1].pve.answers[AT_RESOURCES].bytes = DOWN;
    const uint64_t before = checks();
    pass(BN_CHECK_EVERY_MS * 12 / 10);
    AWAIT(checks() >= before + 2 && !is_online("s0") && !is_online("s1"));
}

/* Both wait longer from time to time, and at last as long as a server that answers. */
static void back_off(void)
{
    int64_t wait_ms = BN_CHECK_BACKOFF_MS;
    for (int n = 0; n < 7; n++) {
        const uint64_t before = checks();
        pass(wait_ms * 8 / 10);
        stay_quiet();
        CHECK_INT(checks(), before);
        pass(wait_ms * 4 / 10);
        AWAIT(checks() == before + 2);
        wait_ms = BN_MIN(wait_ms * 2, (int64_t)BN_CHECK_EVERY_MS);
    }
}

BN_TEST(while_nobody_answers_nobody_waits_longer_than_an_interval_and_the_first_answer_wakes_all)
{
    go_dark();
    back_off();
    say_cluster(0, "alpha", "a", "a");
    say_cluster(1, "beta", "b", "b");
    /* Asked now, as by a person, the one answers; the other's time has not come. */
    const char *const id = "s1";
    const struct bn_fleet_run run = {.one = no_one, .done = nothing};
    CHECK_INT(bn_fleet_check_now(fleet, BN_TENANT_DEFAULT, &id, 1, &run), 1);
    AWAIT(is_online("s1"));
    CHECK(!is_online("s0"));
    pass(BN_CHECK_WAKE_MS);
    AWAIT(is_online("s0"));
    end();
}

BN_TEST(the_first_answer_wakes_none_whose_token_was_refused)
{
    go_dark();
    members[0].pve.answers[AT_NODES].bytes = "HTTP/1.1 401 no\r\nConnection: close\r\n\r\n";
    pass(BN_CHECK_BACKOFF_MS * 12 / 10);
    AWAIT(strstr(server("s0")->health_check_error, "(401)"));
    say_cluster(0, "alpha", "a", "a");
    say_cluster(1, "beta", "b", "b");
    /* When its turn is depends on how often it failed meanwhile; the other waits for minutes. */
    for (int i = 0; i < 12 && !is_online("s1"); i++) {
        pass(BN_CHECK_BACKOFF_MS);
        settle(200);
    }
    AWAIT(is_online("s1"));
    pass(BN_CHECK_WAKE_MS);
    stay_quiet();
    CHECK(!is_online("s0")); /* wrong tokens block the host's own logins */
    end();
}

BN_TEST_MAIN()

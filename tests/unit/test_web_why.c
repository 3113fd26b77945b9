#include "bn_test.h"
#include "live/infra.h"
#include "people_rig.h"
#include "web/api_infra.h"
#include "web/why.h"

/* The question from the request to the answer, with a store behind it: who is compared with whom,
   and what is known of changes. */

#define WHY    "/api/v1/servers/s1/why"
#define MINUTE INT64_C(60000)

static struct people_rig rig;
static int64_t began_ms;

static struct bn_server server_of(const char *id, const char *host)
{
    struct bn_server server;
    bn_server_set_defaults(&server);
    snprintf(server.id, sizeof server.id, "%s", id);
    snprintf(server.name, sizeof server.name, "name-%s", id);
    snprintf(server.host, sizeof server.host, "%s", host);
    return server;
}

static void put(const char *tenant, const struct bn_server *server)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, tenant);
    fact.u.server = *server;
    people_ask(&rig, &fact);
}

static void check_at(const char *id, int64_t at, const char *error_class)
{
    struct bn_check check;
    bn_record_clear(&bn_check_type, &check);
    snprintf(check.id, sizeof check.id, "%s/%lld", id, (long long)at);
    snprintf(check.server_id, sizeof check.server_id, "%s", id);
    check.at = at;
    check.success = error_class[0] == '\0';
    check.used_vpn = 0;
    if (check.success == 1) {
        check.response_time_ms = 100;
    } else {
        snprintf(check.error_class, sizeof check.error_class, "%s", error_class);
        snprintf(check.error_phase, sizeof check.error_phase, "tcp");
        snprintf(check.error, sizeof check.error, "a \"sentence\" of it");
    }
    bn_store_check(rig.store, BN_TENANT_DEFAULT, &check);
}

/* 60 checks, the last ten of them as said. */
static void check_two_hours(const char *id, const char *error_class)
{
    for (int i = 60; i > 0; i--)
        check_at(id, began_ms - i * 2 * MINUTE, i <= 10 ? error_class : "");
}

static void note_change(const char *action, const char *object, int64_t at, const char *detail)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_AUDIT, BN_TENANT_DEFAULT);
    struct bn_audit *entry = &fact.u.audit;
    static int count;
    snprintf(entry->id, sizeof entry->id, "%012llx%08d", (unsigned long long)at, count++);
    entry->at = at;
    entry->ok = 1;
    snprintf(entry->actor, sizeof entry->actor, "max");
    snprintf(entry->action, sizeof entry->action, "%s", action);
    snprintf(entry->object, sizeof entry->object, "%s", object);
    snprintf(entry->detail, sizeof entry->detail, "%s", detail);
    people_ask(&rig, &fact);
}

static void begin(void)
{
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    began_ms = rig.web.clock.now_ms;
    const struct bn_server server = server_of("s1", "10.0.0.3");
    put(BN_TENANT_DEFAULT, &server);
}

static void end(void)
{
    people_finish(&rig);
}

static void ask(int status, const char *part)
{
    (void)bn_store_flush(rig.store);
    people_check(&rig, rig.vera, "GET " WHY, "", status, part);
}

static bool says(const char *part)
{
    return strstr(rig.web.answer.p, part) != NULL;
}

BN_TEST(a_server_nobody_checked_has_all_members_and_nothing_in_them)
{
    begin();
    ask(200, "{\"state\":\"early\",\"headline\":\"No check in the last day yet; 21 are needed");
    CHECK(says(
            "\"since\":null,\"attempts\":0,\"failures\":0,\"changes\":0,\"flap_pct\":null,"
            "\"flap_limit\":20,\"success_rate\":null,\"median_ms\":null,\"p95_ms\":null,"
            "\"tasks\":\"unknown\",\"findings\":[],\"not\":[],\"phases\":[{\"name\":\"dns\",\"ms\":null,"
            "\"typical_ms\":null,\"is_slow\":false},"));
    CHECK(says("\"errors\":[],\"strip\":[{\"from\":\""));
    CHECK(says("\"state\":\"unknown\"}],\"changed\":[],\"advice\":[]}"));
    end();
}

BN_TEST(who_is_near_was_fine_at_the_same_minutes_and_a_change_is_found_by_name)
{
    begin();
    const struct bn_server near = server_of("s2", "10.0.0.4");
    const struct bn_server far = server_of("s3", "10.9.0.4");
    put(BN_TENANT_DEFAULT, &near);
    put(BN_TENANT_DEFAULT, &far);
    check_two_hours("s1", "timeout");
    check_two_hours("s2", "");
    check_two_hours("s3", "timeout");
    note_change("server.change", "name-s1", began_ms - 8 * 24 * 60 * MINUTE, "too long ago");
    note_change("server.version", "name-s1", began_ms - 5 * 24 * 60 * MINUTE, "9.2.2 -> 9.2.3");
    note_change("server.change", "name-s1", began_ms - 40 * MINUTE, "notes");
    note_change("server.change", "name-s2", began_ms - 40 * MINUTE, "of another");
    note_change("server.test", "name-s1", began_ms - 40 * MINUTE, "no change");
    ask(200, "\"state\":\"failing\",\"headline\":\"Failing for 20 min: a \\\"sentence\\\" of it\"");
    CHECK(says("\"findings\":[{\"kind\":\"unreachable\""));
    CHECK(says("{\"kind\":\"network\",\"title\":\"Not the network: name-s2 on the same network did"
               " not fail at the same minutes\"}"));
    CHECK(says("\"text\":\"notes changed by max\"},{"));
    CHECK(says("\"text\":\"Proxmox VE 9.2.2 -> 9.2.3\"}]"));
    CHECK(!says("too long ago") && !says("of another") && !says("no change"));
    CHECK(says("\"errors\":[{\"error_class\":\"timeout\",\"count\":10}]"));
    end();
}

/* The last attempt counts, though it was told a moment ago. */
BN_TEST(it_knows_of_the_last_attempt)
{
    begin();
    check_two_hours("s1", "");
    ask(200, "\"attempts\":60,\"failures\":0,");
    check_at("s1", began_ms, "refused");
    ask(200, "\"attempts\":61,\"failures\":1,");
    CHECK(says("\"findings\":[{\"kind\":\"refused\""));
    end();
}

BN_TEST(nobody_hears_of_what_is_not_theirs)
{
    begin();
    people_add_tenant(&rig, "other");
    const struct bn_server theirs = server_of("theirs", "10.0.0.9");
    put("other", &theirs);
    people_check(&rig, rig.vera, "GET /api/v1/servers/theirs/why", "", 404, "no such server");
    people_check(&rig, NULL, "GET " WHY, "", 401, "unauthorized");
    people_check(&rig, rig.vera, "GET " WHY "?a=1", "", 400, "\\\"a\\\"");
    end();
}

/* --- whom it is compared with ---------------------------------------------------------------- */

static struct bn_why_job job;

static void prepare(void)
{
    const struct bn_table *servers =
            &bn_live_find(&rig.web.hub.live, BN_TENANT_DEFAULT)->tables[BN_KIND_SERVER];
    memset(&job, 0, sizeof job);
    bn_why_prepare(&job, servers,
            bn_live_get(&rig.web.hub.live, BN_TENANT_DEFAULT, BN_KIND_SERVER, "s1"));
}

static int tie_of(const char *id)
{
    for (size_t i = 0; i < job.near_count; i++)
        if (strcmp(job.near[i].id, id) == 0)
            return (int)job.near[i].tie;
    return -1;
}

BN_TEST(near_is_who_shares_network_site_or_cluster_and_some_others_come_along)
{
    begin();
    struct bn_server server = server_of("s1", "10.0.0.3");
    snprintf(server.site, sizeof server.site, "Graz");
    snprintf(server.token, sizeof server.token, "sealed");
    put(BN_TENANT_DEFAULT, &server);
    server = server_of("site", "pve.lan");
    snprintf(server.site, sizeof server.site, "graz");
    put(BN_TENANT_DEFAULT, &server);
    server = server_of("vpn", "192.0.2.7"); /* what counts is what is called */
    server.vpn_enabled = 1;
    snprintf(server.vpn_host, sizeof server.vpn_host, "10.0.0.77");
    put(BN_TENANT_DEFAULT, &server);
    server = server_of("off", "10.0.0.5");
    server.is_active = 0;
    put(BN_TENANT_DEFAULT, &server);
    server = server_of("far", "10.0.1.3");
    put(BN_TENANT_DEFAULT, &server);
    prepare();
    CHECK_INT(job.near_count, 3);
    CHECK_INT(tie_of("vpn"), BN_TIE_NET);
    CHECK_INT(tie_of("site"), BN_TIE_SITE);
    CHECK_INT(tie_of("far"), BN_TIE_OTHER);
    CHECK_STR(job.server.token, ""); /* it goes nowhere it is not needed */
    for (int i = 10; i < 40; i++) {
        char id[16];
        char host[24];
        snprintf(id, sizeof id, "n%d", i);
        snprintf(host, sizeof host, i < 30 ? "10.0.0.%d" : "10.0.2.%d", i);
        server = server_of(id, host);
        put(BN_TENANT_DEFAULT, &server);
    }
    prepare();
    CHECK_INT(job.near_count, BN_WHY_PEERS_MAX);
    CHECK_INT(job.near[0].tie, BN_TIE_NET);
    CHECK_INT(job.near[BN_WHY_PEERS_MAX - 5].tie, BN_TIE_NET);
    CHECK_INT(job.near[BN_WHY_PEERS_MAX - 4].tie, BN_TIE_OTHER);
    end();
}

/* The bound of it: 2,000 checks of it and of twelve others. */
BN_TEST(the_largest_question_is_answered_within_its_time)
{
    begin();
    for (int i = 0; i <= BN_WHY_PEERS_MAX; i++) {
        char id[16];
        char host[24];
        snprintf(id, sizeof id, "s%d", i + 1);
        snprintf(host, sizeof host, "10.0.0.%d", i + 3);
        const struct bn_server server = server_of(id, host);
        put(BN_TENANT_DEFAULT, &server);
        for (int64_t c = 0; c < BN_WHY_ATTEMPTS_MAX + 10; c++)
            check_at(id, began_ms - (BN_WHY_ATTEMPTS_MAX + 10 - c) * 40000, c % 9 ? "" : "timeout");
        (void)bn_store_flush(rig.store);
        bn_store_settle(rig.store);
    }
    const int64_t from_ns = bn_clock_mono_ns();
    ask(200, "\"attempts\":2000,");
    const double ms = (double)(bn_clock_mono_ns() - from_ns) / 1e6;
    printf("the largest question took %.0f ms\n", ms);
    CHECK(ms < 3000); /* 300 ms are promised of a release build on a machine of its own */
    end();
}

BN_TEST_MAIN()

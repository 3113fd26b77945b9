#include "people_rig.h"
#include "pve_peer.h"
#include "source/pve.h"
#include "web/api_infra.h"

/* The web with a fleet behind it, and one Proxmox VE of a few canned answers on loopback. */

#define SECRET   "0f3c1d2e-aaaa-bbbb-cccc-123456789f3a"
#define TOKEN    "root@pam!bnc=" SECRET
#define SERVERS  "/api/v1/servers"
#define CHECK_IT SERVERS "/health-check"

static const struct peer_answer answers[] = {
        {"/api2/json/nodes", OK("{\"data\":[{\"node\":\"n1\",\"status\":\"online\"}]}"), 0, true},
        {"/api2/json/cluster/status",
                OK("{\"data\":[{\"type\":\"cluster\",\"name\":\"alpha\",\"quorate\":1}]}"), 0,
                true},
        {"/api2/json/version", OK("{\"data\":{\"version\":\"9.2.2\",\"release\":\"9.2\"}}"), 0,
                true},
        {"/api2/json/cluster/resources",
                OK("{\"data\":[{\"type\":\"node\",\"node\":\"n1\",\"status\":\"online\"},"
                   "{\"type\":\"qemu\",\"vmid\":100,\"node\":\"n1\",\"name\":\"web\","
                   "\"status\":\"running\"},{\"type\":\"lxc\",\"vmid\":200,\"node\":\"n1\","
                   "\"name\":\"mail\",\"status\":\"stopped\"}]}"),
                0, true},
};

static struct people_rig rig;
static struct bn_seal_key key = {.id = "k"};
static struct bn_target_policy targets;
static struct pve pve;
static char max[BN_COOKIE_SECRET_SIZE]; /* a manager */

static void prepare(struct web_rig *web, struct bn_web_config *config)
{
    pve_allow(&targets);
    web->fetch = pve_fetch(web->loop);
    const struct bn_fleet_config fleet = {.loop = web->loop,
            .hub = &web->hub,
            .clock = &web->clock,
            .fetch = web->fetch,
            .key = &key,
            .check_every_ms = BN_CHECK_EVERY_MS,
            .poll_every_ms = BN_POLL_EVERY_MS};
    CHECK(bn_fleet_start(&fleet, &web->fleet, NULL));
    const struct bn_operations_config operations = {.loop = web->loop,
            .hub = &web->hub,
            .clock = &web->clock};
    web->operations = bn_operations_start(&operations);
    const struct bn_power_config power = {.loop = web->loop,
            .hub = &web->hub,
            .clock = &web->clock,
            .fetch = web->fetch,
            .key = &key,
            .operations = web->operations};
    web->power = bn_power_start(&power);
    config->fetch = web->fetch;
    config->fleet = web->fleet;
    config->operations = web->operations;
    config->power = web->power;
    config->key = &key;
    config->targets = &targets;
}

static void begin(void)
{
    web_rig_prepare = prepare;
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    people_add(&rig, "max", BN_ROLE_MANAGER);
    people_log_in(&rig, "max", max);
    pve_open(&pve, rig.web.loop, "a", answers, COUNT(answers));
}

static void end(void)
{
    pve_close(&pve);
    people_finish(&rig);
}

static void ask(const char *who, const char *verb, const char *path, const char *body, int status,
        const char *part)
{
    char line[300];
    snprintf(line, sizeof line, "%s %s", verb, path);
    people_check(&rig, who, line, body, status, part);
}

/* The server at the peer; more: other members, with a comma before them. */
static const char *form(const char *name, const char *more)
{
    static char text[1000];
    snprintf(text, sizeof text,
            "{\"name\":\"%s\",\"host\":\"127.0.0.1\",\"port\":%d,\"api_token\":\"" TOKEN "\"%s}",
            name, bn_listener_port(pve.peer.listener), more);
    return text;
}

static const struct bn_server *named(const char *name)
{
    const struct bn_tenant_live *tenant = bn_live_find(&rig.web.hub.live, BN_TENANT_DEFAULT);
    bn_table_each(row, &tenant->tables[BN_KIND_SERVER])
    {
        const struct bn_server *server = (const void *)row->record;
        if (strcmp(server->name, name) == 0)
            return server;
    }
    return NULL;
}

static const char *path_of(const char *name)
{
    static char path[200];
    const struct bn_server *server = named(name);
    CHECK(server);
    snprintf(path, sizeof path, SERVERS "/%s", server->id);
    return path;
}

static void add(const char *name, const char *more)
{
    ask(max, "POST", SERVERS, form(name, more), 201, "\"connection_status\":\"unknown\"");
}

/* --- adding ---------------------------------------------------------------------------------- */

BN_TEST(a_server_is_added_with_its_token_sealed_and_what_was_not_said_as_documented)
{
    char aad[BN_TOKEN_AAD_SIZE];
    char plain[640];
    size_t len = 0;
    begin();
    ask(max, "POST", SERVERS,
            "{\"name\":\"one\",\"host\":\"pve1.lan\",\"api_token\":\"PVEAPIToken=" TOKEN "\"}", 201,
            "\"port\":8006");
    CHECK(strstr(rig.web.answer.p, "\"is_active\":true"));
    CHECK(strstr(rig.web.answer.p, "\"verify_ssl\":true"));
    CHECK(strstr(rig.web.answer.p, "\"connection_timeout_ms\":10000"));
    CHECK(strstr(rig.web.answer.p, "\"is_quorate\":null"));
    CHECK(strstr(rig.web.answer.p, "root@pam!bnc="));
    const struct bn_server *server = named("one");
    CHECK(bn_str_starts(bn_str(server->token), "v1.k."));
    bn_token_aad(BN_TENANT_DEFAULT, server->id, aad);
    CHECK(bn_unseal(&key, aad, bn_str(server->token), plain, sizeof plain, &len));
    CHECK(bn_str_is((struct bn_str){plain, len}, TOKEN));
    CHECK_STR(server->created_by, "max");
    ask(rig.vera, "GET", SERVERS, "", 200, "\"servers_max\":50");
    CHECK(!strstr(rig.web.answer.p, SECRET));
    end();
}

BN_TEST(each_wrong_field_is_refused_by_name)
{
    static const struct {
        const char *body;
        int status;
        const char *part;
    } cases[] = {
            {"{}", 400, "host"},
            {"{\"name\":\"a\",\"host\":\"h\"}", 400, "\"field\":\"api_token\""},
            {"{\"name\":\"a\",\"host\":\"h\",\"api_token\":\"x\"}", 400,
                    "USER@REALM!TOKENID=SECRET"},
            {"{\"name\":\"a\",\"host\":\"h\",\"api_token\":\"" TOKEN "\",\"port\":80060}", 400,
                    "port must be 1..65535, got 80060"},
            {"{\"name\":\"a\",\"host\":\"h\",\"api_token\":\"" TOKEN "\",\"prot\":1}", 400,
                    "unknown field \\\"prot\\\""},
            {"{\"name\":\"a\",\"host\":\"https://h\",\"api_token\":\"" TOKEN "\"}", 400,
                    "\"field\":\"host\""},
            {"{\"name\":\"a\",\"host\":\"h:1\",\"api_token\":\"" TOKEN "\"}", 400,
                    "without scheme and port"},
            {"{\"name\":\"a\",\"host\":\"169.254.169.254\",\"api_token\":\"" TOKEN "\"}", 400,
                    "--allow-target 169.254.169.254"},
            {"{\"name\":\"a\",\"host\":\"h\",\"api_token\":\"" TOKEN "\",\"fingerprint\":\"AA\"}",
                    400, "\"field\":\"fingerprint\""},
            {"{\"name\":\"a\",\"host\":\"h\",\"api_token\":\"" TOKEN
             "\",\"connection_timeout_ms\":4999}",
                    400, "\"field\":\"connection_timeout_ms\""},
            {"{\"name\":\"a\",\"host\":\"h\",\"api_token\":\"" TOKEN "\",\"vpn_enabled\":true}",
                    400, "\"field\":\"vpn_host\""},
            {"{\"name\":\"a\",\"host\":\"h\",\"api_token\":\"" TOKEN
             "\",\"connection_status\":\"online\"}",
                    400, "connection_status"},
    };

    begin();
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask(max, "POST", SERVERS, cases[i].body, cases[i].status, cases[i].part);
        CHECK(!strstr(rig.web.answer.p, SECRET));
    }
    CHECK_INT(people_count(&rig, BN_KIND_SERVER), 0);
    end();
}

BN_TEST(a_place_is_taken_once_and_slots_end)
{
    begin();
    add("one", "");
    ask(max, "POST", SERVERS, form("two", ""), 409, "already exists, as \\\"one\\\"");
    ask(max, "POST", SERVERS,
            "{\"name\":\"later\",\"host\":\"h\",\"is_active\":false,\"api_token\":\"" TOKEN "\"}",
            201, "");
    ask(rig.vera, "GET", SERVERS, "", 200, "\"servers_max\":50");
    CHECK(strstr(rig.web.answer.p, "\"later\"") < strstr(rig.web.answer.p, "\"one\""));
    bn_live_find(&rig.web.hub.live, BN_TENANT_DEFAULT)->servers_max = 2;
    ask(rig.vera, "GET", "/api/v1/session", "", 200, "\"servers_max\":2");
    ask(max, "POST", SERVERS, "{\"name\":\"two\",\"host\":\"i\",\"api_token\":\"" TOKEN "\"}", 409,
            "all 2 server slots are used");
    end();
}

BN_TEST(rights_reads_sees_managers_act_and_administrators_remove)
{
    begin();
    add("one", "");
    char path[200];
    snprintf(path, sizeof path, "%s", path_of("one"));
    ask(NULL, "GET", SERVERS, "", 401, "unauthorized");
    ask(rig.vera, "GET", SERVERS, "", 200, "\"name\":\"one\"");
    ask(rig.vera, "GET", "/api/v1/vms", "", 200, "\"vms\":[]");
    ask(rig.vera, "POST", SERVERS, form("two", ""), 403, "forbidden");
    ask(rig.vera, "POST", SERVERS "/test", "{}", 403, "forbidden");
    ask(rig.vera, "POST", CHECK_IT, "", 403, "forbidden");
    ask(rig.vera, "PATCH", path, "{\"name\":\"x\"}", 403, "forbidden");
    ask(max, "DELETE", path, "", 403, "forbidden");
    ask(rig.ada, "DELETE", path, "", 204, "");
    ask(rig.ada, "DELETE", path, "", 404, "there is no such server");
    ask(max, "PATCH", path, "{\"name\":\"x\"}", 404, "there is no such server");
    end();
}

/* Of another tenant: neither seen, nor changed, nor checked, nor named. */
BN_TEST(what_is_another_tenants_is_not_there)
{
    struct bn_fact fact;
    begin();
    people_add_tenant(&rig, "other");
    bn_fact_init(&fact, BN_KIND_SERVER, "other");
    bn_server_set_defaults(&fact.u.server);
    fact.u.server.is_active = 0;
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "theirs");
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "hidden");
    snprintf(fact.u.server.host, sizeof fact.u.server.host, "h");
    people_ask(&rig, &fact);
    ask(rig.ada, "GET", SERVERS, "", 200, "\"servers\":[]");
    ask(rig.ada, "PATCH", SERVERS "/theirs", "{\"name\":\"x\"}", 404, "there is no such server");
    ask(rig.ada, "DELETE", SERVERS "/theirs", "", 404, "there is no such server");
    ask(rig.ada, "POST", CHECK_IT, "{\"server_ids\":[\"theirs\"]}", 404, "there is no such server");
    ask(rig.ada, "GET", "/api/v1/vms?server_id=theirs", "", 404, "there is no such server");
    ask(rig.ada, "POST", CHECK_IT "?wait=1", "", 200, "No active servers to check");
    end();
}

BN_TEST(the_fleet_in_numbers)
{
    begin();
    ask(NULL, "GET", "/api/v1/summary", "", 401, "unauthorized");
    ask(rig.vera, "GET", "/api/v1/summary", "", 200, "\"servers_total\":0");
    CHECK(strstr(rig.web.answer.p, "\"cpu_pct\":null"));
    add("one", "");
    ask(rig.vera, "GET", "/api/v1/summary", "", 200, "\"servers_total\":1");
    end();
}

/* Pinned at the first contact: shown as such until somebody says that it is the right one, which
   takes no token, for nothing is sent elsewhere. */
BN_TEST(a_pin_of_the_first_contact_is_confirmed_by_naming_it)
{
    char body[200];
    begin();
    add("one", ",\"verify_ssl\":false");
    WEB_AWAIT(&rig.web, named("one")->fingerprint[0]);
    ask(rig.vera, "GET", SERVERS, "", 200, "\"is_pin_auto\":true");
    ask(max, "PATCH", path_of("one"), "{\"is_pin_auto\":false}", 400, "is_pin_auto");
    snprintf(body, sizeof body, "{\"fingerprint\":\"%s\"}", named("one")->fingerprint);
    ask(max, "PATCH", path_of("one"), body, 200, "\"is_pin_auto\":false");
    end();
}

/* --- changing -------------------------------------------------------------------------------- */

BN_TEST(a_kept_token_goes_to_no_other_place)
{
    static const char *const moves[] = {"{\"host\":\"127.0.0.2\"}", "{\"port\":1}",
            "{\"vpn_enabled\":true,\"vpn_host\":\"127.0.0.3\"}",
            "{\"fingerprint\":\"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\"}",
            "{\"verify_ssl\":false}", "{\"host\":\"127.0.0.2\",\"api_token\":\"\"}",
            "{\"host\":\"127.0.0.2\",\"api_token\":null}"};
    char sealed[640];
    begin();
    add("one", "");
    snprintf(sealed, sizeof sealed, "%s", named("one")->token);
    for (size_t i = 0; i < COUNT(moves); i++)
        ask(max, "PATCH", path_of("one"), moves[i], 400, "\"field\":\"api_token\"");
    CHECK_STR(named("one")->host, "127.0.0.1");
    ask(max, "PATCH", path_of("one"),
            "{\"notes\":\"by the door\",\"tags\":\"a,b\",\"is_active\":false,\"api_token\":\"\"}",
            200, "\"is_active\":false");
    CHECK_STR(named("one")->token, sealed);
    CHECK_STR(named("one")->notes, "by the door");
    ask(max, "PATCH", path_of("one"), "{\"host\":\"127.0.0.2\",\"api_token\":\"" TOKEN "\"}", 200,
            "\"host\":\"127.0.0.2\"");
    CHECK(strcmp(named("one")->token, sealed) != 0);
    end();
}

static void ask_silence(int64_t ahead_ms, int status, const char *says)
{
    char body[80];
    char text[BN_TIME_TEXT_SIZE];
    bn_time_text(rig.web.clock.now_ms + ahead_ms, text);
    snprintf(body, sizeof body, "{\"silenced_until\":\"%s\"}", text);
    ask(max, "PATCH", path_of("one"), body, status, says);
}

BN_TEST(it_waits_for_1_to_10_failures_and_is_silenced_for_30_days_at_most)
{
    begin();
    add("one", "");
    ask(max, "PATCH", path_of("one"), "{\"fail_after\":10}", 200, "\"fail_after\":10");
    ask(max, "PATCH", path_of("one"), "{\"fail_after\":11}", 400, "fail_after must be 1..10");
    ask(max, "PATCH", path_of("one"), "{\"fail_after\":0}", 400, "\"field\":\"fail_after\"");
    ask(rig.vera, "PATCH", path_of("one"), "{\"silenced_until\":null}", 403, "forbidden");
    ask_silence(BN_SILENCE_MAX_MS + 60000, 400, "within the next 30 days");
    ask_silence(-60000, 400, "\"field\":\"silenced_until\"");
    ask_silence(BN_SILENCE_MAX_MS - 60000, 200, "\"silenced_until\":\"2");
    ask(max, "PATCH", path_of("one"), "{\"notes\":\"x\"}", 200, "\"silenced_until\":\"2");
    ask(max, "PATCH", path_of("one"), "{\"silenced_until\":null}", 200, "\"silenced_until\":null");
    ask(rig.ada, "GET", "/api/v1/audit", "", 200, "silenced_until (ended)");
    CHECK(strstr(rig.web.answer.p, "silenced_until 2"));
    end();
}

BN_TEST(a_moved_server_loses_the_pin_of_the_one_before)
{
    char more[200];
    char print[BN_FINGERPRINT_SIZE];
    begin();
    fingerprint_of("a", print);
    snprintf(more, sizeof more, ",\"fingerprint\":\"%s\"", print);
    add("one", more);
    CHECK_STR(named("one")->fingerprint, print);
    ask(max, "PATCH", path_of("one"),
            "{\"host\":\"h.lan\",\"verify_ssl\":false,\"is_active\":false,\"api_token\":\"" TOKEN
            "\"}",
            200, "\"fingerprint\":null");
    end();
}

/* --- checking -------------------------------------------------------------------------------- */

/* Names change; the id says who it was. */
static void check_maker(void)
{
    struct bn_live *live = &rig.web.hub.live;
    size_t operations = 0;
    bn_table_each(row, &bn_live_find(live, BN_TENANT_DEFAULT)->tables[BN_KIND_OPERATION])
    {
        const struct bn_operation *one = (const void *)row->record;
        const struct bn_user *maker = bn_live_get(live, BN_TENANT_DEFAULT, BN_KIND_USER,
                one->created_by_id);
        CHECK(maker);
        CHECK_STR(maker->name, one->created_by);
        operations++;
    }
    CHECK(operations > 0);
}

BN_TEST(a_check_answers_at_once_or_with_its_results)
{
    begin();
    add("one", ",\"verify_ssl\":false");
    ask(max, "POST", CHECK_IT "?wait=1", "{}", 200, "\"status\":\"online\"");
    CHECK(strstr(rig.web.answer.p, "\"server_name\":\"one\""));
    CHECK(strstr(rig.web.answer.p, "\"nodes\":1"));
    CHECK(strstr(rig.web.answer.p, "\"error\":null"));
    check_maker();
    ask(max, "POST", CHECK_IT, "", 202, "\"operation_id\":\"");
    ask(max, "POST", CHECK_IT "?wait=2", "", 400, "\"field\":\"wait\"");
    ask(max, "POST", CHECK_IT, "{\"server_ids\":[]}", 400, "\"field\":\"server_ids\"");
    ask(max, "POST", CHECK_IT, "{\"server_ids\":[1]}", 400, "\"field\":\"server_ids\"");
    ask(max, "POST", CHECK_IT, "{\"servers\":[]}", 400, "unknown field");
    ask(max, "PATCH", path_of("one"), "{\"is_active\":false}", 200,
            ""); /* kept, and so is what was told before */
    ask(rig.ada, "GET", "/api/v1/audit", "", 200,
            "\"actor\":\"max\",\"action\":\"server.check\",\"object\":\"all servers (1)\"");
    CHECK(strstr(rig.web.answer.p, "\"1 online, 0 offline\""));
    char body[200];
    snprintf(body, sizeof body, "{\"server_ids\":[\"%s\"]}", named("one")->id);
    ask(max, "POST", CHECK_IT, body, 409, "is disabled");
    end();
}

BN_TEST(two_who_ask_for_all_get_the_same_run)
{
    static const struct peer_answer silent[] = {{"/api2/json/nodes", NULL, 0, false}};
    char print[BN_FINGERPRINT_SIZE];
    char more[200];
    char id[24];
    begin();
    pve.peer.answers = silent;
    pve.peer.answer_count = 1;
    fingerprint_of("a", print);
    snprintf(more, sizeof more, ",\"fingerprint\":\"%s\"", print);
    add("one", more);
    ask(max, "POST", CHECK_IT, "", 202, "\"operation_id\":\"");
    snprintf(id, sizeof id, "%s", strstr(rig.web.answer.p, "_id\":\"") + 6);
    id[strcspn(id, "\"")] = '\0';
    ask(rig.ada, "POST", CHECK_IT, "", 202, id);
    int fd = people_send(&rig, rig.ada, "POST " CHECK_IT "?wait=1", "");
    people_await_waiting(&rig, 1);
    ask(rig.ada, "DELETE", path_of("one"), "", 204, "");
    people_check_answer(&rig, fd, 200, "{\"results\":[]}");
    end();
}

BN_TEST(one_person_asks_six_times_and_waits_then)
{
    begin();
    add("one", ",\"is_active\":false");
    for (int i = 0; i < BN_CHECKS_AT_ONCE; i++)
        ask(max, "POST", CHECK_IT, "", 200, "No active servers");
    ask(max, "POST", CHECK_IT, "", 429, "Retry-After: 10");
    ask(rig.ada, "POST", CHECK_IT, "", 200, "No active servers");
    end();
}

BN_TEST(a_test_shows_the_certificate_first_and_speaks_when_it_is_confirmed)
{
    char more[200];
    char print[BN_FINGERPRINT_SIZE];
    begin();
    fingerprint_of("a", print);
    const char *at = strchr(form("x", ",\"verify_ssl\":false"), ',') + 1;
    char body[1000];
    snprintf(body, sizeof body, "{%s", at);
    ask(max, "POST", SERVERS "/test", body, 200, "\"error_class\":\"unconfirmed\"");
    CHECK(strstr(rig.web.answer.p, "\"success\":false"));
    CHECK(strstr(rig.web.answer.p, print));
    CHECK_INT(pve.peer.requests, 0);
    at = strchr(form("x", ""), ',') + 1;
    snprintf(body, sizeof body, "{%s", at);
    ask(max, "POST", SERVERS "/test", body, 200, "\"error_class\":\"untrusted\"");
    CHECK_INT(pve.peer.requests, 0);
    snprintf(more, sizeof more, ",\"fingerprint\":\"%s\"", print);
    at = strchr(form("x", more), ',') + 1;
    snprintf(body, sizeof body, "{%s", at);
    ask(max, "POST", SERVERS "/test", body, 200, "\"success\":true");
    CHECK(strstr(rig.web.answer.p, "\"nodes\":1"));
    CHECK(strstr(rig.web.answer.p, "\"resolved_ip\":\"127.0.0.1\""));
    CHECK_INT(people_count(&rig, BN_KIND_SERVER), 0);
    end();
}

/* The path of its test. */
static const char *test_of(const char *name)
{
    static char path[220];
    snprintf(path, sizeof path, "%s/test", path_of(name));
    return path;
}

/* Each of ten in a row opens a connection of its own, so that no phase is spared. */
BN_TEST(a_saved_server_is_tried_ten_times_in_a_row_with_every_phase_measured)
{
    char more[200];
    char print[BN_FINGERPRINT_SIZE];
    begin();
    fingerprint_of("a", print);
    snprintf(more, sizeof more, ",\"is_active\":false,\"fingerprint\":\"%s\"", print);
    add("one", more);
    for (int i = 1; i <= 10; i++) {
        ask(max, "POST", test_of("one"), i == 1 ? "" : "{}", 200, "\"success\":true");
        CHECK(strstr(rig.web.answer.p, "\"nodes\":1"));
        CHECK(strstr(rig.web.answer.p, "\"version\":\"9.2.2\""));
        CHECK(strstr(rig.web.answer.p, "\"path\":\"direct\""));
        CHECK(strstr(rig.web.answer.p, "\"timeout_ms\":10000"));
        CHECK(strstr(rig.web.answer.p, "\"recommended_timeout_ms\":5000"));
        CHECK(!strstr(rig.web.answer.p, "_ms\":null"));
        CHECK(pve.peer.connections >= i);
    }
    CHECK_INT(named("one")->connection_status, BN_SERVER_UNKNOWN); /* it is no check */
    CHECK_INT(named("one")->last_health_check_at, 0);
    ask(rig.vera, "POST", test_of("one"), "", 403, "forbidden");
    ask(max, "POST", test_of("one"), "{\"a\":1}", 400, "unknown field");
    ask(max, "POST", SERVERS "/nobody/test", "", 404, "there is no such server");
    ask(rig.ada, "GET", "/api/v1/audit", "", 200, "\"action\":\"server.test\",\"object\":\"one\"");
    end();
}

BN_TEST(trying_a_server_ends_with_a_wait_and_a_failure_says_its_phase)
{
    begin();
    ask(max, "POST", SERVERS,
            "{\"name\":\"down\",\"host\":\"127.0.0.1\",\"port\":1,\"is_active\":false,"
            "\"api_token\":\"" TOKEN "\"}",
            201, "");
    for (int i = 0; i < BN_TESTS_AT_ONCE; i++)
        ask(max, "POST", test_of("down"), "", 200, "\"error_class\":\"refused\"");
    CHECK(strstr(rig.web.answer.p, "\"error_phase\":\"tcp\""));
    CHECK(strstr(rig.web.answer.p, "\"tls_ms\":null"));
    CHECK(strstr(rig.web.answer.p, "\"version\":null"));
    CHECK(strstr(rig.web.answer.p, "\"recommended_timeout_ms\":null"));
    ask(max, "POST", test_of("down"), "", 429, "Retry-After: 3");
    ask(rig.ada, "POST", test_of("down"), "", 200, "\"success\":false");
    end();
}

BN_TEST(openapi_says_that_a_check_takes_a_list_or_nothing)
{
    begin();
    ask(rig.vera, "GET", "/openapi.json", "", 200,
            "\"requestBody\":{\"required\":false,\"content\":{\"application/json\":{\"schema\":{"
            "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"server_ids\":{"
            "\"type\":\"array\",\"items\":{\"type\":\"string\"}");
    end();
}

/* --- guests ---------------------------------------------------------------------------------- */

BN_TEST(guests_are_listed_with_their_server_and_who_does_not_answer_is_named)
{
    const struct bn_tenant_live *tenant;
    begin();
    add("one", ",\"verify_ssl\":false");
    ask(max, "POST", SERVERS,
            "{\"name\":\"down\",\"host\":\"127.0.0.1\",\"port\":1,\"api_token\":\"" TOKEN "\"}",
            201, "");
    ask(max, "POST", CHECK_IT "?wait=1", "", 200, "\"status\":\"offline\"");
    tenant = bn_live_find(&rig.web.hub.live, BN_TENANT_DEFAULT);
    WEB_AWAIT(&rig.web, tenant->tables[BN_KIND_VM].count == 2);
    ask(rig.vera, "GET", "/api/v1/vms", "", 200, "\"server_name\":\"one\"");
    CHECK(strstr(rig.web.answer.p, "\"vmid\":100"));
    CHECK(strstr(rig.web.answer.p, "\"errors\":[{\"server_id\":\""));
    CHECK(strstr(rig.web.answer.p, "\"name\":\"down\",\"error\":\""));
    ask(rig.vera, "GET", "/api/v1/vms?status=stopped", "", 200, "\"vmid\":200");
    CHECK(!strstr(rig.web.answer.p, "\"vmid\":100"));
    ask(rig.vera, "GET", "/api/v1/vms?q=WEB", "", 200, "\"vmid\":100");
    CHECK(!strstr(rig.web.answer.p, "\"vmid\":200"));
    ask(rig.vera, "GET", "/api/v1/vms?server=x", "", 400, "server");
    char line[200];
    snprintf(line, sizeof line, "/api/v1/vms?server_id=%s", named("down")->id);
    ask(rig.vera, "GET", line, "", 200, "\"vms\":[]");
    CHECK(!strstr(rig.web.answer.p, "\"name\":\"one\""));
    ask(max, "PATCH", path_of("down"), "{\"is_active\":false}", 200, "");
    ask(rig.vera, "GET", line, "", 404, "is disabled");
    end();
}

/* --- the secret ------------------------------------------------------------------------------ */

static void check_file_without(const char *path, const char *secret)
{
    static char bytes[4 << 20];
    FILE *file = fopen(path, "rb");
    CHECK(file);
    const size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    CHECK(len < sizeof bytes);
    if (memmem(bytes, len, secret, strlen(secret)))
        fail_msg("the secret is in %s", path);
}

static size_t check_folder_without(const char *secret)
{
    char path[600];
    size_t count = 0;
    DIR *dir = opendir(rig.place.dir);
    CHECK(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_type != DT_REG || strcmp(entry->d_name, "reserve") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", rig.place.dir, entry->d_name);
        check_file_without(path, secret);
        count++;
    }
    closedir(dir);
    return count;
}

BN_TEST(the_token_is_in_no_answer_topic_audit_or_file)
{
    static const char *const paths[] = {SERVERS, "/api/v1/vms", "/api/v1/audit",
            "/api/v1/state?topic=infra.servers", "/api/v1/state?topic=infra.vms", "/metrics"};
    begin();
    add("one", ",\"verify_ssl\":false");
    ask(max, "PATCH", path_of("one"), "{\"api_token\":\"" TOKEN "\",\"name\":\"two\"}", 200, "");
    ask(max, "POST", CHECK_IT "?wait=1", "", 200, "\"status\":\"online\"");
    for (size_t i = 0; i < COUNT(paths); i++) {
        ask(rig.ada, "GET", paths[i], "", 200, "");
        CHECK(!strstr(rig.web.answer.p, SECRET));
    }
    ask(rig.ada, "GET", "/api/v1/audit", "", 200, "server.add");
    CHECK(strstr(rig.web.answer.p, "server.change"));
    CHECK(strstr(pve.peer.asked, SECRET));    /* where it belongs */
    CHECK(check_folder_without(SECRET) >= 2); /* the database and its log */
    end();
}

BN_TEST_MAIN()

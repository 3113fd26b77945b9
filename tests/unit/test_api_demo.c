#include "import_rig.h"

#define DEMO "/api/v1/demo"
#define PIN \
    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99"
#define ENTRY(name, port, secret)                                                    \
    "{\"name\":\"" name "\",\"cluster\":\"c\",\"host\":\"127.0.0.1\",\"port\":" port \
    ",\"token\":\"root@pam!t=" secret "\",\"fingerprint\":\"" PIN "\",\"tokens\":{},\"url\":\"\"}"

static void prepare_demo(struct web_rig *web, struct bn_web_config *config)
{
    import_prepare(web, config);
    CHECK(bn_net_parse(BN_STR("127.0.0.0/8"), &import_targets.allowed[0], NULL));
    import_targets.allowed_count = 1;
    snprintf(config->demo_file, sizeof config->demo_file, "%s/demo.json", rig.place.dir);
}

static void begin(void)
{
    web_rig_prepare = prepare_demo;
    import_begin();
    bn_web_add_routes(rig.web.web, bn_demo_routes, bn_demo_route_count);
}

static void put_file(const char *text)
{
    CHECK(bn_file_write(rig.web.web->config.demo_file, bn_str(text), NULL));
}

static void show(const char *part)
{
    import_ask(rig.vera, "GET " DEMO, "", "", 200, part);
}

BN_TEST(a_fleet_at_hand_is_loaded_once_and_removed_without_a_trace)
{
    begin();
    show("{\"available\":false,\"loaded\":false,\"servers\":0,\"why\":\"the demo fleet is not "
         "running: ./run demo starts it\"}");
    json("POST " DEMO, "", 503, "./run demo");
    put_file("{\"servers\":[" ENTRY("one", "1", SECRET) "," ENTRY("two", "2", SECRET) "]}");
    show("\"available\":true,\"loaded\":false");
    csv(IMPORT, HEADER "mine,mine.lan," TOKEN ",,,,,\n", 200, "1 added");
    json("POST " DEMO, "", 200, "{\"servers\":2,\"added\":2,\"updated\":0}");
    const struct bn_server *server = import_named("one");
    CHECK_INT(server->is_demo, 1);
    CHECK_INT(server->verify_ssl, 0);
    CHECK_STR(server->fingerprint, PIN);
    CHECK(bn_str_starts(bn_str(server->token), "v1.k."));
    import_ask(rig.vera, "GET " SERVERS, "", "", 200, "\"is_demo\":true");
    json("POST " DEMO, "", 200, "{\"servers\":2,\"added\":0,\"updated\":0}");
    show("\"loaded\":true,\"servers\":2,\"why\":null");
    json("DELETE " DEMO, "", 200, "{\"servers\":2,\"left\":0}");
    show("\"loaded\":false,\"servers\":0");
    CHECK_INT(import_count(), 1);
    CHECK(import_named("mine"));
    json("DELETE " DEMO, "", 200, "{\"servers\":0,\"left\":0}");
    import_ask(rig.ada, "GET /api/v1/audit", "", "", 200, "\"action\":\"demo.remove\"");
    import_has("\"action\":\"demo.load\"");
    import_has("\"object\":\"2 servers\"");
    import_end();
}

BN_TEST(a_lab_that_comes_back_elsewhere_brings_its_servers_along)
{
    char id[BN_ID_MAX];
    begin();
    put_file("{\"servers\":[" ENTRY("one", "1", SECRET) "]}");
    json("POST " DEMO, "", 200, "\"added\":1");
    snprintf(id, sizeof id, "%s", import_named("one")->id);
    put_file("{\"servers\":[" ENTRY("one", "7", SECRET) "]}");
    json("POST " DEMO, "", 200, "{\"servers\":1,\"added\":0,\"updated\":1}");
    CHECK_INT(import_named("one")->port, 7);
    CHECK_STR(import_named("one")->id, id);
    put_file("{\"servers\":[" ENTRY("one", "7", "11111111-2222-3333-4444-555555555555") "]}");
    json("POST " DEMO, "", 200, "\"updated\":1");
    json("POST " DEMO, "", 200, "\"updated\":0");
    import_end();
}

BN_TEST(a_server_of_ones_own_is_never_taken_for_a_demo)
{
    begin();
    csv(IMPORT, "name,host,api_token,port\none,127.0.0.1," TOKEN ",1\n", 200, "1 added");
    put_file("{\"servers\":[" ENTRY("one", "1", SECRET) "]}");
    json("POST " DEMO, "", 409, "no demo server was added: 127.0.0.1:1 already exists");
    put_file("{\"servers\":[" ENTRY("one", "1", SECRET) "," ENTRY("two", "2", SECRET) "]}");
    json("POST " DEMO, "", 200, "{\"servers\":1,\"added\":1,\"updated\":0}");
    json("DELETE " DEMO, "", 200, "{\"servers\":1,\"left\":0}");
    CHECK_INT(import_named("one")->is_demo, 0);
    import_end();
}

BN_TEST(what_cannot_be_loaded_says_why)
{
    static const struct {
        const char *file;
        int status;
        const char *part;
    } cases[] = {
            {"{", 400, "JSON line 1"},
            {"{}", 503, "the demo fleet has no servers"},
            {"{\"servers\":[{}]}", 400, "server 1 of the demo fleet: "},
            {"{\"servers\":[" ENTRY("a", "0", SECRET) "]}", 400, "port"},
            {"{\"servers\":[{\"name\":\"a\",\"host\":\"169.254.169.254\",\"token\":\"x@y!z="
             "1\",\"fingerprint\":\"" PIN "\"}]}",
                    400, "--allow-target 169.254.169.254"},
            {"{\"servers\":[{\"name\":\"a\",\"host\":\"127.0.0.1\",\"token\":\"x\",\"fingerprint\":"
             "\"" PIN "\"}]}",
                    400, "USER@REALM!TOKENID=SECRET"},
            {"{\"servers\":[{\"name\":\"a\",\"host\":\"127.0.0.1\",\"token\":\"x@y!z=1\","
             "\"fingerprint\":\"AA\"}]}",
                    400, "host or fingerprint is none"},
    };

    begin();
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_file(cases[i].file);
        json("POST " DEMO, "", cases[i].status, cases[i].part);
        CHECK_INT(import_count(), 0);
    }
    import_tenant()->servers_max = 1;
    put_file("{\"servers\":[" ENTRY("one", "1", SECRET) "," ENTRY("two", "2", SECRET) "]}");
    json("POST " DEMO, "", 409, "Cannot import 2 servers. Only 1 slots remaining.");
    CHECK_INT(import_count(), 0);
    rig.web.web->config.demo_file[0] = '\0';
    show("this server was started without a demo fleet: ./run demo starts both");
    json("POST " DEMO, "", 503, "./run demo starts both");
    import_end();
}

BN_TEST(who_may_act_loads_and_removes_the_demo_and_marks_a_server_as_one)
{
    begin();
    import_ask(NULL, "GET " DEMO, "", "", 401, "unauthorized");
    import_ask(rig.vera, "POST " DEMO, "", "", 403, "forbidden");
    import_ask(rig.vera, "DELETE " DEMO, "", "", 403, "forbidden");
    json(SERVERS,
            "{\"name\":\"d\",\"host\":\"d.lan\",\"is_demo\":true,\"api_token\":\"" TOKEN "\"}", 201,
            "\"is_demo\":true");
    char line[200];
    snprintf(line, sizeof line, "PATCH " SERVERS "/%s", import_named("d")->id);
    json(line, "{\"is_demo\":false}", 400, "is_demo");
    json(line, "{\"notes\":\"x\"}", 200, "\"is_demo\":true");
    json("DELETE " DEMO, "", 200, "{\"servers\":1,\"left\":0}");
    import_end();
}

BN_TEST_MAIN()

#include "import_rig.h"
#include "pve_peer.h"

/* Rows of a file tried against one Proxmox VE of a few canned answers on loopback. */

static const struct peer_answer answers[] = {
        {"/api2/json/nodes", OK("{\"data\":[{\"node\":\"n1\",\"status\":\"online\"}]}"), 0, true},
        {"/api2/json/version", OK("{\"data\":{\"version\":\"9.2.2\",\"release\":\"9.2\"}}"), 0,
                true},
};
static const struct peer_answer silent[] = {{"/api2/json/nodes", NULL, 0, false}};

static struct pve pve;

static void prepare(struct web_rig *web, struct bn_web_config *config)
{
    import_prepare(web, config);
    pve_allow(&import_targets);
    web->fetch = pve_fetch(web->loop);
    config->fetch = web->fetch;
}

static void begin(const struct peer_answer *list, size_t count)
{
    web_rig_prepare = prepare;
    import_begin();
    pve_open(&pve, rig.web.loop, "a", list, count);
}

static void end(void)
{
    pve_close(&pve);
    import_end();
}

/* Three rows: confirmed, not confirmed, with a port that is none. more: members behind the file. */
static const char *ask_body(const char *more)
{
    static char body[2000];
    char print[BN_FINGERPRINT_SIZE];
    const int port = bn_listener_port(pve.peer.listener);
    fingerprint_of("a", print);
    snprintf(body, sizeof body,
            "{\"csv\":\"name,host,api_token,port,verify_ssl,fingerprint\\n"
            "one,127.0.0.1," TOKEN ",%d,no,%s\\n"
            "two,127.0.0.1," TOKEN ",%d,no,\\n"
            "three,127.0.0.1," TOKEN ",0,no,\\n\",%s}",
            port, print, port, more);
    return body;
}

BN_TEST(rows_are_tried_each_by_itself_and_told_together)
{
    char print[BN_FINGERPRINT_SIZE];
    begin(answers, COUNT(answers));
    fingerprint_of("a", print);
    json(IMPORT "/test", ask_body("\"indexes\":[0,1,2,7]"), 200, "{\"results\":[");
    import_has("{\"index\":0,\"success\":true");
    import_has("\"version\":\"9.2.2\"");
    import_has("{\"index\":1,\"success\":false");
    import_has("\"error_class\":\"unconfirmed\"");
    import_has(print);
    import_has("{\"index\":2,\"success\":false,\"error\":\"port must be 1..65535");
    import_has("{\"index\":7,\"success\":false,\"error\":\"the file has no data row 7\"");
    CHECK(strstr(pve.peer.asked, SECRET));
    CHECK_INT(rig.web.web->tests_running, 0);
    CHECK_INT(import_count(), 0);
    import_ask(rig.ada, "GET /api/v1/audit", "", "", 200, "\"action\":\"server.test\"");
    end();
}

BN_TEST(one_row_answers_like_a_form_and_shows_the_certificate_first)
{
    begin(answers, COUNT(answers));
    json(IMPORT "/test", ask_body("\"index\":1"), 200,
            "{\"success\":false,\"error\":\"its certificate is not known yet");
    CHECK_INT(pve.peer.requests, 0); /* looked at, not spoken to */
    char print[BN_FINGERPRINT_SIZE];
    char more[200];
    fingerprint_of("a", print);
    snprintf(more, sizeof more,
            "\"index\":1,\"edits\":[{\"index\":1,\"column\":\"fingerprint\",\"value\":\"%s\"}]",
            print);
    json(IMPORT "/test", ask_body(more), 200, "{\"success\":true");
    end();
}

/* A registered server's own token serves a row without one, at its own place only. */
BN_TEST(an_exported_row_is_tried_with_the_token_the_server_has)
{
    char line[600];
    char print[BN_FINGERPRINT_SIZE];
    begin(answers, COUNT(answers));
    fingerprint_of("a", print);
    const int port = bn_listener_port(pve.peer.listener);
    snprintf(line, sizeof line,
            "name,host,api_token,port,verify_ssl,fingerprint,enabled\none,127.0.0.1," TOKEN
            ",%d,no,%s,no\n",
            port, print);
    csv(IMPORT, line, 200, "1 added");
    snprintf(line, sizeof line,
            "{\"csv\":\"name,host,api_token,port,fingerprint\\none,127.0.0.1,,%d,%s\\n\","
            "\"index\":0}",
            port, print);
    json(IMPORT "/test", line, 200, "{\"success\":true");
    snprintf(line, sizeof line,
            "{\"csv\":\"name,host,api_token,port,vpn_enabled,vpn_host\\n"
            "one,127.0.0.1,,%d,yes,127.0.0.9\\n\",\"index\":0}",
            port);
    json(IMPORT "/test", line, 400, "api_token must be given again");
    end();
}

BN_TEST(who_leaves_while_rows_are_tried_frees_their_places)
{
    begin(silent, 1);
    const char *body = ask_body("\"indexes\":[0]");
    const int fd = people_send(&rig, max, "POST " IMPORT "/test", body);
    people_await_waiting(&rig, 1);
    WEB_AWAIT(&rig.web, pve.peer.requests > 0);
    CHECK_INT(rig.web.web->tests_running, 1);
    people_reset(fd);
    people_await_waiting(&rig, 0);
    pve_close(&pve);
    WEB_AWAIT(&rig.web, rig.web.web->tests_running == 0);
    import_end();
}

BN_TEST_MAIN()

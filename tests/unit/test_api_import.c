#include "import_rig.h"

/* --- what is said without doing it ----------------------------------------------------------- */

BN_TEST(a_dry_run_judges_every_row_and_stores_nothing)
{
    import_begin();
    csv(DRY,
            HEADER "Prod A,pve1.lan," TOKEN ",,,,,\n"
                   "Dev,10.0.0.5," TOKEN ",,no,,,\n"
                   "Old,10.0.0.9,,80060,,,,\n"
                   "Twin,PVE1.LAN:8006," TOKEN ",,,,,\n",
            200, "\"success\":2,\"failed\":[{\"index\":2,\"name\":\"Old\",\"error\":\"");
    import_has("port must be 1..65535, got \\\"80060\\\"; api_token is needed");
    import_has("\"index\":0,\"line\":2,\"line_to\":2,\"state\":\"ready\",\"name\":\"Prod A\"");
    import_has("\"token_hint\":\"root@pam!bnc=\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2"
               "9f3a\"");
    import_has("\"index\":1,\"line\":3,\"line_to\":3,\"state\":\"warning\"");
    import_has("\"state\":\"problem\"");
    import_has("\"field\":\"port\",\"message\":\"port must be 1..65535, got \\\"80060\\\"\","
               "\"value\":\"80060\"");
    import_has("\"state\":\"duplicate\"");
    import_has("\"duplicate_of\":{\"index\":0}");
    import_has("\"message\":\"nothing is stored yet; would be: 2 added, 2 failed\"");
    import_has("\"slots_left\":50");
    import_has("\"undo_id\":null");
    CHECK_INT(import_count(), 0);
    import_end();
}

BN_TEST(a_file_that_is_none_is_refused_whole)
{
    static const struct {
        const char *body;
        int status;
        const char *part;
    } cases[] = {
            {"", 400, "the file is empty"},
            {HEADER, 400, "no row after its header"},
            {"name,port\nx,1\n", 400, "the header lacks host, api_token"},
            {"name,host,api_token\n\"x,y,z\n", 400, "line 2"},
    };

    import_begin();
    for (size_t i = 0; i < COUNT(cases); i++) {
        csv(IMPORT, cases[i].body, cases[i].status, cases[i].part);
        csv(DRY, cases[i].body, cases[i].status, cases[i].part);
    }
    CHECK_INT(import_count(), 0);
    import_end();
}

BN_TEST(each_wrong_word_of_the_question_is_refused_by_name)
{
    static const struct {
        const char *path;
        const char *body;
        const char *part;
    } cases[] = {
            {IMPORT, "{}", "\"field\":\"csv\""},
            {IMPORT, "{\"csv\":1}", "csv"},
            {IMPORT, "{\"csv\":\"x\",\"file\":1}", "unknown field \\\"file\\\""},
            {IMPORT, "{\"csv\":\"x\",\"edits\":1}", "\"field\":\"edits\""},
            {IMPORT, "{\"csv\":\"x\",\"edits\":[{\"index\":-1}]}", "data rows of the file"},
            {IMPORT,
                    "{\"csv\":\"x\",\"edits\":[{\"index\":0,\"column\":\"colour\",\"value\":\"\"}]}",
                    "the column of an edit"},
            {IMPORT, "{\"csv\":\"x\",\"edits\":[{\"index\":0,\"column\":\"name\",\"value\":1}]}",
                    "the value of an edit"},
            {IMPORT, "{\"csv\":\"x\",\"only\":7}", "\"field\":\"only\""},
            {IMPORT, "{\"csv\":\"x\",\"only\":[\"7\"]}", "\"field\":\"only\""},
            {IMPORT, "{\"csv\":\"x\",\"on_duplicate\":\"add\"}", "error, skip or update"},
            {IMPORT, "{\"csv\":\"x\",\"all_or_nothing\":1}", "\"field\":\"all_or_nothing\""},
            {IMPORT "?dry_run=yes", "{\"csv\":\"x\"}", "\"field\":\"dry_run\""},
            {IMPORT "?on_duplicate=skip", "{\"csv\":\"x\"}", "unknown parameter"},
            {IMPORT "/test", "{\"csv\":\"x\"}", "\"field\":\"index\""},
    };

    import_begin();
    for (size_t i = 0; i < COUNT(cases); i++)
        json(cases[i].path, cases[i].body, 400, cases[i].part);
    json(IMPORT,
            "{\"csv\":\"name,host,api_token\\na,b," TOKEN
            "\",\"edits\":[{\"index\":1,\"column\":\"name\",\"value\":\"x\"}]}",
            400, "1 of the edits belong to no row");
    json(IMPORT "/test", "{\"csv\":\"name,host,api_token\\na,b," TOKEN "\",\"index\":1}", 400,
            "no data row 1");
    import_ask(max, IMPORT, "text/html", "x", 400, "send Content-Type: application/json, text/csv");
    CHECK_INT(import_count(), 0);
    import_end();
}

BN_TEST(who_may_look_may_export_and_who_may_act_may_import)
{
    import_begin();
    import_ask(NULL, IMPORT, CSV_BODY, HEADER, 401, "unauthorized");
    import_ask(rig.vera, IMPORT, CSV_BODY, HEADER, 403, "forbidden");
    import_ask(rig.vera, DRY, CSV_BODY, HEADER, 403, "forbidden");
    import_ask(rig.vera, IMPORT "/test", "application/json", "{}", 403, "forbidden");
    import_ask(rig.vera, IMPORT "/x/undo", "application/json", "", 403, "forbidden");
    import_ask(NULL, "GET " SERVERS "/export", "", "", 401, "unauthorized");
    import_ask(rig.vera, "GET " SERVERS "/export", "", "", 200, "text/csv");
    import_end();
}

/* --- trying rows ----------------------------------------------------------------------------- */

/* Rows that are refused before anybody is called: the rig has nobody to call. */
static const char *test_body(size_t count)
{
    static char body[600];
    size_t len = (size_t)snprintf(body, sizeof body,
            "{\"csv\":\"name,host,api_token\\na,,x\",\"indexes\":[");
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(body + len, sizeof body - len, "%s0", i ? "," : "");
    snprintf(body + len, sizeof body - len, "]}");
    return body;
}

BN_TEST(sixteen_rows_fit_one_question_and_each_that_cannot_be_tried_says_why)
{
    import_begin();
    json(IMPORT "/test", test_body(0), 400, "indexes must be a list of 1 to 16 data rows");
    json(IMPORT "/test", test_body(BN_IMPORT_TESTS_AT_ONCE + 1), 400, "\"field\":\"indexes\"");
    json(IMPORT "/test", test_body(BN_IMPORT_TESTS_AT_ONCE), 200,
            "{\"results\":[{\"index\":0,\"success\":false,\"error\":\"api_token must have the form");
    import_has("\"error_class\":\"invalid\"");
    json(IMPORT "/test", "{\"csv\":\"name,host,api_token\\na,,x\",\"index\":0}", 400,
            "\"field\":\"api_token\"");
    import_end();
}

BN_TEST(one_person_tries_a_whole_file_at_once_and_waits_then)
{
    import_begin();
    for (int i = 0; i < BN_IMPORT_TESTS / 10; i++)
        json(IMPORT "/test", test_body(10), 200, "results");
    json(IMPORT "/test", test_body(BN_IMPORT_TESTS_AT_ONCE), 429, "Retry-After: 1");
    import_ask(rig.ada, IMPORT "/test", "application/json", test_body(1), 200, "results");
    import_end();
}

BN_TEST(only_so_many_rows_are_tried_at_the_same_time)
{
    import_begin();
    rig.web.web->tests_running = BN_IMPORT_TESTS_RUNNING;
    json(IMPORT "/test", test_body(1), 429, "64 rows are being tried already");
    import_has("Retry-After: 1");
    rig.web.web->tests_running = BN_IMPORT_TESTS_RUNNING - 1;
    json(IMPORT "/test", test_body(2), 429, "63 rows are being tried already");
    json(IMPORT "/test", test_body(1), 200, "results");
    CHECK_INT(rig.web.web->tests_running, BN_IMPORT_TESTS_RUNNING - 1);
    rig.web.web->tests_running = 0;
    import_end();
}

BN_TEST(a_thousand_rows_are_one_file_and_one_batch)
{
    BN_BUF_AUTO file;
    bn_buf_init(&file, 1 << 20);
    import_begin();
    import_tenant()->servers_max = BN_SERVERS_MAX;
    csv(IMPORT, import_rows(&file, 0, BN_IMPORT_ROWS_MAX), 200, "\"1000 added\"");
    CHECK_INT(import_count(), BN_IMPORT_ROWS_MAX);
    csv(IMPORT, file.p, 200, "\"1000 unchanged\"");
    import_end();
}

/* --- doing it -------------------------------------------------------------------------------- */

BN_TEST(good_rows_come_in_and_bad_ones_are_named_by_their_row_of_the_file)
{
    import_begin();
    csv(IMPORT,
            "sep=,\n" HEADER "bad,h h," TOKEN ",,,,,\n\n"
            "\"Prod, A\",https://pve1.lan:8443/,PVEAPIToken=" TOKEN
            ",,yes,\"a,b\",Hall 2,\"x\n\"\n",
            200,
            "\"success\":1,\"failed\":[{\"index\":0,\"name\":\"bad\",\"error\":\"host must be a "
            "name or an IP address, got \\\"h h\\\"\"}],\"message\":\"1 added, 1 failed\"");
    import_has("\"index\":1,\"line\":5,\"line_to\":6,\"state\":\"added\"");
    import_has("\"slots_left\":49");
    const struct bn_server *server = import_named("Prod, A");
    CHECK(server);
    CHECK_STR(server->host, "pve1.lan");
    CHECK_INT(server->port, 8443);
    CHECK_STR(server->tags, "a,b");
    CHECK_STR(server->created_by, "max");
    CHECK_INT(server->connection_timeout_ms, 10000);
    CHECK(bn_str_starts(bn_str(server->token), "v1.k."));
    import_ask(rig.ada, "GET /api/v1/audit", "", "", 200, "\"action\":\"server.import\"");
    import_has("\"object\":\"1 server\"");
    import_has("of 2 rows: 1 added, 1 failed");
    import_end();
}

BN_TEST(the_same_file_again_adds_nothing_even_when_no_slot_is_left)
{
    BN_BUF_AUTO file;
    bn_buf_init(&file, 1 << 20);
    import_begin();
    csv(IMPORT, import_rows(&file, 0, 50), 200, "\"message\":\"50 added\"");
    CHECK_INT(import_count(), 50);
    csv(DRY, file.p, 200,
            "\"success\":0,\"failed\":[],\"message\":\"nothing is stored yet; would "
            "be: 50 unchanged\",\"refusal\":null");
    csv(IMPORT, file.p, 200, "\"message\":\"50 unchanged\"");
    import_has("\"undo_id\":null");
    import_has("\"slots_left\":0");
    CHECK_INT(import_count(), 50);
    import_end();
}

BN_TEST(more_rows_than_slots_are_refused_whole)
{
    BN_BUF_AUTO file;
    bn_buf_init(&file, 1 << 20);
    import_begin();
    csv(IMPORT, import_rows(&file, 0, 51), 409,
            "Cannot import 51 servers. Only 50 slots remaining.");
    CHECK_INT(import_count(), 0);
    csv(DRY, file.p, 200, "\"refusal\":\"Cannot import 51 servers. Only 50 slots remaining.\"");
    csv(IMPORT, import_rows(&file, 0, 3), 200, "\"slots_left\":47");
    csv(IMPORT, import_rows(&file, 0, 51), 409,
            "Cannot import 48 servers. Only 47 slots remaining.");
    CHECK_INT(import_count(), 3);
    csv(IMPORT, import_rows(&file, 0, BN_IMPORT_ROWS_MAX + 1), 413,
            "Cannot import 1001 servers: a file may have 1000 rows.");
    import_end();
}

/* Asked in one turn: the second sees what the first is about to add. */
BN_TEST(two_imports_at_once_never_pass_the_cap)
{
    BN_BUF_AUTO file;
    int fds[2];
    const char *body;
    bn_buf_init(&file, 1 << 20);
    import_begin();
    for (size_t i = 0; i < 2; i++) {
        BN_BUF_AUTO text;
        bn_buf_init(&text, 1 << 20);
        import_rows(&file, i * 100, 30);
        bn_buf_printf(&text,
                "POST " IMPORT " HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
                "Cookie: binnacle=%s\r\nConnection: close\r\nContent-Type: text/csv\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                max, strlen(file.p), file.p);
        bn_buf_putc(&text, 0);
        fds[i] = web_rig_send(&rig.web, text.p);
    }
    const int one = web_rig_answer(&rig.web, fds[0], &body);
    const int other = web_rig_answer(&rig.web, fds[1], &body);
    CHECK_INT(one + other, 200 + 409);
    CHECK_INT(import_count(), 30);
    import_end();
}

BN_TEST(a_duplicate_fails_is_skipped_or_updates_as_was_asked)
{
    char token[640];
    import_begin();
    csv(IMPORT, HEADER "a,a.lan," TOKEN ",,,x,Hall 1,n\n", 200, "1 added");
    memcpy(token, import_named("a")->token, sizeof token);
    csv(IMPORT, HEADER "b,A.LAN,,,,,,new\n", 200,
            "\"failed\":[{\"index\":0,\"name\":\"b\",\"error\":\"a.lan:8006 already exists, as "
            "\\\"a\\\"\"}]");
    import_has("\"duplicate_of\":{\"id\":\"");
    csv(IMPORT "?on_duplicate=skip", HEADER "b,A.LAN,,,,,,new\n", 200, "\"1 skipped\"");
    CHECK(import_named("a"));
    csv(IMPORT "?on_duplicate=update", HEADER "b,A.LAN,,,,,,new\n", 200, "\"1 updated\"");
    const struct bn_server *server = import_named("b");
    CHECK(server);
    CHECK_STR(server->notes, "new");
    CHECK_STR(server->site, "Hall 1"); /* an empty cell says nothing */
    CHECK_STR(server->host, "a.lan");
    CHECK_STR(server->token, token);
    csv(IMPORT "?on_duplicate=update", HEADER "b,a.lan,root@pam!bnc=" SECRET ",,,,,\n", 200,
            "\"1 unchanged\"");
    csv(IMPORT "?on_duplicate=update", HEADER "b,a.lan,root@pam!other=" SECRET ",,,,,\n", 200,
            "\"1 updated\"");
    CHECK(strcmp(import_named("b")->token, token) != 0);
    import_end();
}

BN_TEST(an_update_sends_a_kept_token_to_no_other_place)
{
    import_begin();
    csv(IMPORT, HEADER "a,a.lan," TOKEN ",,,,,\n", 200, "1 added");
    csv(IMPORT "?on_duplicate=update",
            "name,host,api_token,vpn_enabled,vpn_host\na,a.lan,,yes,evil.lan\n", 200,
            "api_token must be given again when host, port or VPN changes");
    csv(IMPORT "?on_duplicate=update", HEADER "a,a.lan,,,no,,,\n", 200,
            "api_token must be given again when the certificate to trust changes");
    csv(IMPORT, "name,host,api_token\nx,169.254.169.254," TOKEN "\n", 200,
            "--allow-target 169.254.169.254");
    CHECK_INT(import_count(), 1);
    CHECK_INT(import_named("a")->verify_ssl, 1);
    import_end();
}

BN_TEST(all_or_nothing_writes_nothing_when_one_row_fails)
{
    import_begin();
    csv(IMPORT "?all_or_nothing=1", HEADER "a,a.lan," TOKEN ",,,,,\nb,,,,,,,\n", 200,
            "\"message\":\"nothing was imported, because 1 of 2 rows failed\"");
    CHECK_INT(import_count(), 0);
    json(IMPORT,
            "{\"csv\":\"name,host,api_token\\na,a.lan," TOKEN "\\nb,,\\n\",\"all_or_nothing\":true,"
            "\"only\":[0]}",
            200, "\"1 added\"");
    import_has("\"index\":1,\"line\":3,\"line_to\":3,\"state\":\"skipped\"");
    import_end();
}

BN_TEST(cells_are_corrected_without_reading_the_file_elsewhere)
{
    import_begin();
    json(IMPORT,
            "{\"csv\":\"name;host;api_token;port\\na;a.lan;;8006x\\nb;b.lan;" TOKEN
            ";\\nonly three;c.lan;x\\n\",\"edits\":["
            "{\"index\":0,\"column\":\"PORT\",\"value\":\"9\"},"
            "{\"index\":2,\"column\":\"name\",\"value\":\"c\"},"
            "{\"index\":2,\"column\":\"host\",\"value\":\"c.lan\"},"
            "{\"index\":2,\"column\":\"api_token\",\"value\":\"" TOKEN "\"},"
            "{\"index\":0,\"column\":\"api_token\",\"value\":\"" TOKEN "\"},"
            "{\"index\":0,\"column\":\"port\",\"value\":\" 8007 \"},"
            "{\"index\":1,\"column\":\"tags\",\"value\":\"'quoted\"}]}",
            200, "\"message\":\"3 added\"");
    CHECK_INT(import_named("a")->port, 8007);
    CHECK_STR(import_named("b")->tags, "'quoted");
    CHECK_STR(import_named("c")->host, "c.lan");
    import_end();
}

BN_TEST(a_row_that_is_left_out_takes_no_place_from_its_twin)
{
    import_begin();
    json(IMPORT,
            "{\"csv\":\"name,host,api_token\\nbad,a.lan,x\\ngood,a.lan," TOKEN "\",\"only\":[1]}",
            200, "\"message\":\"1 added\"");
    CHECK(import_named("good"));
    import_end();
}

BN_TEST(hostile_names_come_in_and_go_out_as_they_are)
{
    static const char *const names[] = {"<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", "+1",
            "-2", "@x", "'=x", "''x", "\xE2\x80\xAEgnp.exe", "a,b;c", "\xF0\x9F\x9A\x80"};
    BN_BUF_AUTO file;
    bn_buf_init(&file, 1 << 20);
    import_begin();
    bn_buf_puts(&file, HEADER);
    struct bn_csv_out out = {.buf = &file};
    for (size_t i = 0; i < COUNT(names); i++) {
        char host[20];
        snprintf(host, sizeof host, "h%zu.lan", i);
        bn_csv_text(&out, bn_str(names[i]));
        bn_csv_word(&out, host);
        bn_csv_word(&out, TOKEN);
        for (int k = 0; k < 5; k++)
            bn_csv_word(&out, "");
        bn_csv_row_end(&out);
    }
    bn_buf_putc(&file, 0);
    csv(IMPORT, file.p, 200, "\"10 added\"");
    for (size_t i = 0; i < COUNT(names); i++)
        CHECK(import_named(names[i]));
    csv(IMPORT, HEADER "a\x1B[31mb,x.lan," TOKEN ",,,,,\n", 200, "control character 0x1B");
    import_ask(rig.vera, "GET " SERVERS "/export", "", "", 200, "'=cmd|' /C calc'!A0");
    import_end();
}

/* --- taking it back -------------------------------------------------------------------------- */

static const char *undo_line(void)
{
    static char line[200];
    const char *at = strstr(rig.web.answer.p, "\"undo_id\":\"");
    CHECK(at);
    snprintf(line, sizeof line, IMPORT "/%.*s/undo", (int)strcspn(at + 11, "\""), at + 11);
    return line;
}

BN_TEST(an_import_is_taken_back_byte_by_byte)
{
    struct bn_server before;
    char line[200];
    import_begin();
    csv(IMPORT, HEADER "a,a.lan," TOKEN ",,,x,Hall 1,n\n", 200, "1 added");
    before = *import_named("a");
    rig.web.clock.now_ms += 5000;
    csv(IMPORT "?on_duplicate=update",
            HEADER "b,a.lan,root@pam!other=" SECRET ",,,y,,\nc,c.lan," TOKEN ",,,,,\n", 200,
            "1 added, 1 updated");
    snprintf(line, sizeof line, "%s", undo_line());
    import_has("\"undo_until\":\"20");
    json(line, "", 200, "{\"left\":[],\"removed\":1,\"restored\":1}");
    CHECK_INT(import_count(), 1);
    CHECK_INT(bn_record_diff(&bn_server_type, &before, import_named("a")), 0);
    json(line, "", 404, "there is nothing to take back");
    import_ask(rig.ada, "GET /api/v1/audit", "", "", 200, "\"action\":\"server.import.undo\"");
    import_has("1 removed, 1 restored, 0 left");
    import_end();
}

BN_TEST(what_was_changed_since_is_named_and_left)
{
    char line[200];
    char path[200];
    import_begin();
    csv(IMPORT, HEADER "a,a.lan," TOKEN ",,,,,\nb,b.lan," TOKEN ",,,,,\nc,c.lan," TOKEN ",,,,,\n",
            200, "3 added");
    snprintf(line, sizeof line, "%s", undo_line());
    snprintf(path, sizeof path, "PATCH " SERVERS "/%s", import_named("a")->id);
    json(path, "{\"notes\":\"mine\"}", 200, "mine");
    snprintf(path, sizeof path, "DELETE " SERVERS "/%s", import_named("b")->id);
    import_ask(rig.ada, path, "application/json", "", 204, "");
    json(line, "", 200, "\"removed\":1,\"restored\":0");
    import_has("\"name\":\"a\",\"why\":\"was changed since\"");
    import_has("\"name\":\"b\",\"why\":\"was removed since\"");
    CHECK_INT(import_count(), 1);
    CHECK(import_named("a"));
    import_end();
}

BN_TEST(only_who_imported_or_an_administrator_takes_back)
{
    char line[200];
    char mia[BN_COOKIE_SECRET_SIZE];
    import_begin();
    people_add(&rig, "mia", BN_ROLE_MANAGER);
    people_log_in(&rig, "mia", mia);
    csv(IMPORT, HEADER "a,a.lan," TOKEN ",,,,,\n", 200, "1 added");
    snprintf(line, sizeof line, "%s", undo_line());
    import_ask(mia, line, "application/json", "", 403, "only who imported it or an administrator");
    import_ask(rig.ada, line, "application/json", "", 200, "\"removed\":1");
    import_end();
}

/* --- tenants --------------------------------------------------------------------------------- */

BN_TEST(another_tenants_servers_are_neither_duplicates_nor_exported)
{
    struct bn_fact fact;
    import_begin();
    people_add_tenant(&rig, "other");
    bn_fact_init(&fact, BN_KIND_SERVER, "other");
    bn_server_set_defaults(&fact.u.server);
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "theirs");
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "hidden");
    snprintf(fact.u.server.host, sizeof fact.u.server.host, "a.lan");
    people_ask(&rig, &fact);
    csv(DRY, HEADER "a,a.lan," TOKEN ",,,,,\n", 200, "\"state\":\"ready\"");
    import_lacks("hidden");
    import_ask(rig.ada, "GET " SERVERS "/export", "", "", 200, "name,host");
    import_lacks("hidden");
    import_end();
}

BN_TEST(without_a_master_key_nothing_is_imported_and_the_preview_says_so)
{
    import_begin();
    rig.web.web->config.key_absent = "no key: say --key-file";
    csv(DRY, HEADER "a,a.lan," TOKEN ",,,,,\n", 200, "\"refusal\":\"no key: say --key-file\"");
    csv(IMPORT, HEADER "a,a.lan," TOKEN ",,,,,\n", 503, "no key: say --key-file");
    CHECK_INT(import_count(), 0);
    import_end();
}

BN_TEST_MAIN()

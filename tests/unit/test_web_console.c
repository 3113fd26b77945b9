#include "browser_scene.h"

/* --- opening and joining --------------------------------------------------------------------- */

BN_TEST(a_screen_reaches_the_browser_without_a_password_and_back)
{
    struct browser browser;
    begin();
    const struct opened it = open_console(max, QEMU);
    CHECK_INT(record(it.id)->ended_at, 0);
    CHECK_STR(record(it.id)->subject, "vm100 (100) on alpha-s1");
    CHECK_STR(record(it.id)->user_name, "max");
    join(&browser, max, &it);
    greet(&browser);
    say(&browser, "\x01keys", 5);
    WEB_AWAIT(&rig.web, peer.heard.len == 5);
    CHECK_MEM(peer.heard.p, "\x01keys", 5);
    cp_say(&peer, "pixels", 6);
    expect(&browser, "pixels", 6);
    say_as(&browser, BN_WS_PING, "p", 1);
    HEAR(&browser, browser.pongs == 1);
    say_as(&browser, BN_WS_CLOSE, "\x03\xe8", 2);
    closed_with(&browser, 1000, "closed by the person");
    HEAR(&browser, browser.is_gone);
    check_record(it.id, 5, 6, "closed by the person");
    CHECK_INT(audited("console.open", "vnc"), 1);
    CHECK_INT(audited("console.close", "vnc, 0 s, 5 B in, 6 B out: closed by the person"), 1);
    leave(&browser);
    await_forgotten();
    end();
}

BN_TEST(what_a_browser_says_behind_the_greeting_in_one_breath_is_the_guests)
{
    struct browser browser;
    begin();
    const struct opened it = open_console(max, QEMU);
    join(&browser, max, &it);
    expect(&browser, GREET, 12);
    say(&browser, GREET "\x01\x01init", 18);
    WEB_AWAIT(&rig.web, peer.heard.len == 5);
    CHECK_MEM(peer.heard.p, "\x01init", 5);
    expect(&browser, "\x01\x01\0\0\0\0", 6);
    leave(&browser);
    end();
}

/* The screen says goodbye in the same breath as it lets us in: it shows when the browser is
 * through. */
BN_TEST(a_guest_that_ended_while_it_was_held_ends_the_browser_in_the_middle_of_its_words)
{
    struct browser browser;
    begin();
    const struct opened it = open_console(max, QEMU);
    cp_frame(&peer, BN_WS_CLOSE, "", 0);
    join(&browser, max, &it);
    expect(&browser, GREET, 12);
    say(&browser, GREET "\x01\x01init", 18);
    closed_with(&browser, 4411, "the guest's side closed the console");
    leave(&browser);
    end();
}

BN_TEST(a_terminal_flows_from_the_first_byte)
{
    struct browser browser;
    begin();
    peer.greeting = "OKlogin: ";
    const struct opened it = open_console(max, LXC);
    CHECK(strstr(rig.web.answer.p, "\"kind\":\"terminal\""));
    join(&browser, max, &it);
    expect(&browser, "login: ", 7);
    peer.heard.len = 0;
    say(&browser, "0:1:x", 5);
    WEB_AWAIT(&rig.web, peer.heard.len == 5);
    leave(&browser);
    WEB_AWAIT(&rig.web, !peer.console);
    check_record(it.id, 5, 7, "the browser left");
    end();
}

BN_TEST(a_ticket_is_good_once_for_its_session_and_its_tab_and_thirty_seconds)
{
    struct browser browser;
    char other[BN_COOKIE_SECRET_SIZE];
    char wrong[400];
    begin();
    people_log_in(&rig, "max", other);
    const struct opened it = open_console(max, QEMU);
    snprintf(wrong, sizeof wrong, "/console/%s?t=", it.id);
    not_found(max, wrong, TAB); /* none */
    snprintf(wrong, sizeof wrong, "%.*sAAAA", (int)strlen(it.url) - 4, it.url);
    not_found(max, wrong, TAB); /* another */
    snprintf(wrong, sizeof wrong, "%sA", it.url);
    not_found(max, wrong, TAB); /* longer */
    snprintf(wrong, sizeof wrong, "%.*s", (int)strlen(it.url) - 1, it.url);
    not_found(max, wrong, TAB); /* shorter */
    not_found(max, it.url, NULL);
    not_found(max, it.url, "tab-9876543210");
    not_found(max, "/console/nosuch?t=AAAA", TAB);
    CHECK_INT(audited("console.join", ""), 0);
    not_found(other, it.url, TAB); /* his own other session */
    not_found(rig.ada, it.url, TAB);
    CHECK_INT(audited("console.join", "the ticket of somebody else"), 2);
    join(&browser, max, &it);
    not_found(max, it.url, TAB); /* used */
    leave(&browser);
    WEB_AWAIT(&rig.web, !peer.console);
    not_found(max, it.url, TAB); /* over */
    const struct opened late = open_console(max, QEMU);
    pass(BN_CONSOLE_TICKET_MS - 1);
    CHECK(peer.console);
    pass(1);
    not_found(max, late.url, TAB);
    WEB_AWAIT(&rig.web, !peer.console);
    check_record(late.id, 0, 0, "no browser came for it in time");
    end();
}

BN_TEST(what_is_no_handshake_does_not_use_the_ticket_up)
{
    struct browser browser;
    char line[400];
    begin();
    const struct opened it = open_console(max, QEMU);
    snprintf(line, sizeof line, "GET %s&tab=" TAB, it.url);
    ask(max, line, "", 400, "this is a WebSocket");
    snprintf(line, sizeof line, "GET %s&tab=" TAB "&more=1", it.url);
    ask(max, line, "", 400, "more");
    join(&browser, max, &it);
    leave(&browser);
    end();
}

BN_TEST(without_a_tab_said_none_is_asked_for)
{
    struct browser browser;
    struct opened it;
    begin();
    ask(max, "POST " QEMU, "{\"kind\":\"vnc\"}", 201, "");
    member("url", it.url, sizeof it.url);
    call(&browser, max, it.url, NULL);
    HEAR(&browser, browser.is_open);
    leave(&browser);
    end();
}

BN_TEST(who_may_not_and_what_cannot_be_opened_is_told_why)
{
    struct bn_fact fact;
    begin();
    ask(NULL, "POST " QEMU, BODY, 401, "unauthorized");
    ask(rig.vera, "POST " QEMU, BODY, 403, "you may not console this guest");
    ask(max, "POST /api/v1/servers/nosuch/nodes/n1/qemu/100/console", BODY, 404, "not_found");
    ask(max, "POST /api/v1/servers/s1/nodes/n1/qemu/999/console", BODY, 404, "has no guest 999");
    ask(max, "POST " QEMU, "{\"kind\":\"x\"}", 400, "kind must be vnc or terminal");
    ask(max, "POST " QEMU, "{\"kind\":1}", 400, "\"field\":\"kind\"");
    ask(max, "POST " QEMU, "{\"tab\":\"short\"}", 400, "tab must have 8 to 64 characters");
    ask(max, "POST " QEMU, "{\"tab\":1}", 400, "\"field\":\"tab\"");
    ask(max, "POST " QEMU, "{\"width\":1}", 400, "width");
    ask(max, "POST " QEMU, "{", 400, "invalid");
    CHECK_INT(sessions(), 0);
    CHECK_INT(peer.posts, 0);
    ask(max, "POST /api/v1/servers/s1/nodes/n1/qemu/300/console", BODY, 409,
            "vm300 is stopped: start it, then open its console\",\"con\":\"CON-01\"");
    CHECK_INT(audited("console.open", "vm300 is stopped"), 1);
    fact = server_fact("s1");
    fact.u.server.is_active = 0;
    people_ask(&rig, &fact);
    ask(max, "POST " QEMU, BODY, 400, "is disabled");
    end();
}

BN_TEST(a_refusal_of_proxmox_names_step_number_and_command_and_leaves_no_record)
{
    begin();
    peer.proxy = "HTTP/1.1 403 Permission check failed (/vms/100, VM.Console)\r\n"
                 "Content-Length: 0\r\nConnection: close\r\n\r\n";
    ask(max, "POST " QEMU, BODY, 502, "\"con\":\"CON-02\",\"step\":\"proxy\",\"hint\":\"pveum acl");
    CHECK(strstr(rig.web.answer.p, "\"request_id\":"));
    peer.proxy = CP_PROXY("{\"data\":null}");
    ask(max, "POST " QEMU, BODY, 502, "No connection data received");
    CHECK_INT(people_count(&rig, BN_KIND_CONSOLE), 0);
    CHECK_INT(sessions(), 0);
    CHECK_INT(audited("console.open", "the token lacks VM.Console"), 1);
    CHECK_INT(audited("console.open", "No connection data"), 1);
    end();
}

BN_TEST(a_container_whose_terminal_knows_no_tokens_shows_its_screen_unless_one_was_asked_for)
{
    begin();
    peer.greeting = "NO";
    ask(max, "POST " LXC, "{\"kind\":\"terminal\"}", 502, "\"con\":\"CON-03\"");
    people_settle(&rig);
    const int fd = people_send(&rig, max, "POST " LXC, BODY);
    WEB_AWAIT(&rig.web, peer.posts == 3);
    peer.greeting = NULL;
    people_check_answer(&rig, fd, 201, "\"kind\":\"vnc\"");
    CHECK(cp_was_asked(&peer, "/lxc/200/vncproxy"));
    end();
}

BN_TEST(the_shell_of_a_node_is_for_administrators_and_its_record_is_of_no_guest)
{
    struct browser browser;
    struct bn_fact fact;
    begin();
    add_node("s1", "n1", "online");
    add_node("s1", "n2", "offline");
    ask(NULL, "POST " NODE, BODY, 401, "unauthorized");
    ask(rig.vera, "POST " NODE, BODY, 403, "forbidden");
    ask(max, "POST " NODE, BODY, 403, "forbidden");
    ask(rig.ada, "POST /api/v1/servers/nosuch/nodes/n1/console", BODY, 404, "no such server");
    ask(rig.ada, "POST /api/v1/servers/s1/nodes/n9/console", BODY, 404, "alpha-s1 has no node n9");
    ask(rig.ada, "POST /api/v1/servers/s1/nodes/n2/console", BODY, 409,
            "node n2 is offline: it has no shell now\",\"con\":\"CON-04\"");
    CHECK_INT(audited("console.open", "node n2 is offline"), 1);
    ask(rig.ada, "POST " NODE, "{\"kind\":\"ssh\"}", 400, "kind must be vnc or terminal");
    CHECK_INT(peer.posts, 0);
    peer.greeting = "OKroot@n1:~# ";
    const struct opened it = open_console(rig.ada, NODE);
    CHECK(strstr(rig.web.answer.p, "\"kind\":\"terminal\""));
    CHECK(cp_was_asked(&peer, "POST /api2/json/nodes/n1/termproxy HTTP/1.1\r\n"));
    CHECK_STR(record(it.id)->subject, "node n1 of alpha-s1");
    CHECK_STR(record(it.id)->node, "n1");
    CHECK(record(it.id)->vmid == BN_UNKNOWN && record(it.id)->vm_type == BN_UNKNOWN);
    join(&browser, rig.ada, &it);
    expect(&browser, "root@n1:~# ", 11);
    bn_store_flush(rig.store);
    ask(rig.ada, "GET /api/v1/consoles", "", 200,
            "\"node\":\"n1\",\"vm_type\":null,\"vmid\":null,");
    CHECK_INT(audited("console.open", "terminal"), 1);
    fact = server_fact("s1");
    pass(1000);
    CHECK_INT(record(it.id)->ended_at, 0);
    fact.u.server.is_active = 0;
    people_ask(&rig, &fact);
    ask(rig.ada, "POST " NODE, BODY, 400, "is disabled");
    leave(&browser);
    end();
}

BN_TEST(of_another_tenant_there_is_no_node_and_no_guest)
{
    begin();
    people_add_tenant(&rig, "other");
    struct bn_fact fact = server_fact("theirs");
    snprintf(fact.tenant, sizeof fact.tenant, "other");
    people_ask(&rig, &fact);
    bn_fact_init(&fact, BN_KIND_NODE, "other");
    snprintf(fact.u.node.id, sizeof fact.u.node.id, "theirs/n1");
    snprintf(fact.u.node.server_id, sizeof fact.u.node.server_id, "theirs");
    snprintf(fact.u.node.node, sizeof fact.u.node.node, "n1");
    snprintf(fact.u.node.status, sizeof fact.u.node.status, "online");
    bn_hub_tell(&rig.web.hub, &fact);
    web_rig_round(&rig.web);
    ask(rig.ada, "POST /api/v1/servers/theirs/nodes/n1/console", BODY, 404, "no such server");
    ask(rig.ada, "POST /api/v1/servers/theirs/nodes/n1/qemu/100/console", BODY, 404,
            "no such server");
    CHECK_INT(peer.posts, 0);
    end();
}

BN_TEST(an_administrator_who_is_none_any_more_loses_the_shell_of_a_node)
{
    struct browser browser;
    char eve[BN_COOKIE_SECRET_SIZE];
    begin();
    add_node("s1", "n1", "online");
    people_add(&rig, "eve", BN_ROLE_ADMIN);
    people_log_in(&rig, "eve", eve);
    peer.greeting = "OK";
    const struct opened it = open_console(eve, NODE);
    join(&browser, eve, &it);
    ask(rig.ada, "PATCH /api/v1/users/eve", "{\"role\":\"manager\"}", 200, "");
    closed_with(&browser, BN_CONSOLE_CLOSE_RIGHT, "the right to this console was taken away");
    leave(&browser);
    end();
}

BN_TEST(a_node_whose_terminals_know_no_tokens_is_tried_as_a_screen_and_the_last_word_is_told)
{
    begin();
    add_node("s1", "n1", "online");
    peer.proxy = "HTTP/1.1 500 value 'root@pam!t' does not look like a valid user name\r\n"
                 "Content-Length: 0\r\nConnection: close\r\n\r\n";
    ask(rig.ada, "POST " NODE, BODY, 502, "its screen never\",\"con\":\"CON-03\"");
    CHECK(cp_was_asked(&peer, "/nodes/n1/vncshell "));
    CHECK_INT(peer.posts, 2);
    ask(rig.ada, "POST " NODE, "{\"kind\":\"terminal\"}", 502, "\"con\":\"CON-03\"");
    CHECK_INT(peer.posts, 3);
    CHECK_INT(people_count(&rig, BN_KIND_CONSOLE), 0);
    end();
}

BN_TEST(an_asker_who_leaves_leaves_nothing_open)
{
    begin();
    peer.is_mute = true;
    const int fd = people_send(&rig, max, "POST " QEMU, BODY);
    WEB_AWAIT(&rig.web, peer.console);
    people_reset(fd);
    people_await_waiting(&rig, 0);
    cp_say(&peer, GREET, 12);
    cp_say(&peer, "\x01\x02", 2);
    cp_say(&peer, cp_challenge, sizeof cp_challenge);
    cp_say(&peer, "\0\0\0\0", 4);
    WEB_AWAIT(&rig.web, !peer.console);
    CHECK_INT(people_count(&rig, BN_KIND_CONSOLE), 0);
    CHECK_INT(sessions(), 0);
    end();
}

BN_TEST(one_ended_while_it_is_being_opened_answers_who_waits)
{
    begin();
    peer.is_mute = true;
    const int fd = people_send(&rig, max, "POST " QEMU, BODY);
    WEB_AWAIT(&rig.web, peer.console);
    CHECK_INT(sessions(), 1);
    struct bn_console_session *session = container_of(rig.web.web->consoles.next,
            struct bn_console_session, link);
    bn_console_end(session, 4403, "ended by ada");
    people_check_answer(&rig, fd, 503, "ended before it was open: ended by ada");
    cp_say(&peer, "junk", 4);
    bn_stream_close(peer.console);
    WEB_AWAIT(&rig.web, sessions() == 0);
    end();
}

/* --- limits ---------------------------------------------------------------------------------- */

BN_TEST(a_person_has_eight_a_server_twenty_and_all_a_hundred)
{
    char path[200];
    struct bn_listener *more[5];
    char names[15][8];
    char cookies[15][BN_COOKIE_SECRET_SIZE];
    begin();
    for (int i = 0; i < 15; i++) {
        snprintf(names[i], sizeof names[i], "user%02d", i);
        people_add(&rig, names[i], BN_ROLE_MANAGER);
        people_log_in(&rig, names[i], cookies[i]);
    }
    for (size_t i = 0; i < COUNT(more); i++) {
        const struct bn_listener_config config = {.host = "127.0.0.1",
                .tls = peer.tls,
                .accepted = cp_accepted,
                .user = &peer};
        CHECK(bn_listener_open(rig.web.loop, &config, &more[i], NULL));
        server_port = bn_listener_port(more[i]);
        snprintf(path, sizeof path, "s%zu", i + 2);
        add_server(path);
    }
    for (int i = 0; i < 100; i++) {
        const int server = 1 + i / 20;
        snprintf(path, sizeof path, "/api/v1/servers/s%d/nodes/n1/qemu/100/console", server);
        (void)open_console(cookies[i % 13], path);
        if (i == 19)
            ask(cookies[14], "POST " QEMU, BODY, 429,
                    "20 consoles of this server are open, which is the limit");
    }
    CHECK_INT(sessions(), 100);
    ask(cookies[0], "POST /api/v1/servers/s6/nodes/n1/qemu/100/console", BODY, 429,
            "you have 8 consoles open, which is the limit: close one");
    ask(cookies[14], "POST /api/v1/servers/s6/nodes/n1/qemu/100/console", BODY, 429,
            "100 consoles are open, which is the limit");
    CHECK_INT(audited("console.open", "which is the limit"), 3);
    pass(BN_CONSOLE_TICKET_MS);
    (void)open_console(cookies[0], QEMU);
    for (size_t i = 0; i < COUNT(more); i++)
        bn_listener_close(more[i]);
    end();
}

/* --- records --------------------------------------------------------------------------------- */

BN_TEST(records_of_a_run_that_crashed_are_closed_and_old_ones_leave_sight)
{
    struct bn_fact fact;
    begin();
    bn_fact_init(&fact, BN_KIND_CONSOLE, BN_TENANT_DEFAULT);
    snprintf(fact.u.console.id, sizeof fact.u.console.id, "left");
    snprintf(fact.u.console.server_id, sizeof fact.u.console.server_id, "s1");
    fact.u.console.started_at = now.now_ms - 5000;
    fact.u.console.vmid = 100;
    fact.u.console.vm_type = BN_VM_QEMU;
    fact.u.console.kind = BN_CONSOLE_VNC;
    people_ask(&rig, &fact);
    pass(1000);
    CHECK_STR(record("left")->reason, "Binnacle ended without noting when");
    CHECK_INT(record("left")->ended_at, now.now_ms);
    pass(BN_CONSOLE_PAST_MS - 1);
    web_rig_round(&rig.web);
    CHECK(record("left"));
    pass(1);
    WEB_AWAIT(&rig.web, !record("left"));
    end();
}

BN_TEST(the_list_is_of_all_for_administrators_and_of_ones_own_for_others)
{
    begin();
    (void)open_console(max, QEMU);
    (void)open_console(rig.ada, QEMU);
    bn_store_flush(rig.store);
    ask(rig.ada, "GET /api/v1/consoles", "", 200, "\"page\":1,\"pages\":1,\"total\":2}");
    ask(rig.ada, "GET /api/v1/consoles?user_id=max&open=1&server_id=s1", "", 200, "\"total\":1}");
    ask(rig.ada, "GET /api/v1/consoles?server_id=s2", "", 200, "{\"consoles\":[],");
    ask(max, "GET /api/v1/consoles", "", 200, "\"total\":1}");
    CHECK(strstr(rig.web.answer.p, "\"user_name\":\"max\""));
    ask(max, "GET /api/v1/consoles?user_id=ada", "", 200, "\"total\":1}");
    CHECK(strstr(rig.web.answer.p, "\"user_name\":\"max\""));
    ask(rig.vera, "GET /api/v1/consoles", "", 200, "\"total\":0}");
    ask("bnk_admin_x", "GET /api/v1/consoles?page=2", "", 200, "{\"consoles\":[],\"page\":2,");
    ask(max, "GET /api/v1/consoles?open=2", "", 400, "open must be 0 or 1");
    ask(max, "GET /api/v1/consoles?page=0", "", 400, "page must be 1..1000000");
    ask(max, "GET /api/v1/consoles?x=1", "", 400, "x");
    char line[200] = "GET /api/v1/consoles?server_id=";
    memset(line + strlen(line), 'a', 150);
    ask(max, line, "", 400, "server_id must be the id of a server");
    snprintf(line, sizeof line, "GET /api/v1/consoles?user_id=");
    memset(line + strlen(line), 'a', 150);
    ask(max, line, "", 400, "user_id must be the id of a user");
    end();
}

BN_TEST_MAIN()

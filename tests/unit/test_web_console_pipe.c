#include "browser_scene.h"
#include "store/bad_disk.h"

/* --- the pipe -------------------------------------------------------------------------------- */

BN_TEST(a_browser_that_reads_nothing_holds_the_guest_up_and_loses_nothing)
{
    static char block[64 << 10];
    struct browser browser;
    begin_screen(&browser);
    size_t said = 0;
    for (int i = 0; i < 256; i++) { /* 16 MiB: more than the kernel takes */
        memset(block, 'a' + i % 26, sizeof block);
        cp_say(&peer, block, sizeof block);
        said += sizeof block;
    }
    struct bn_console_session *session = container_of(rig.web.web->consoles.next,
            struct bn_console_session, link);
    WEB_AWAIT(&rig.web, bn_stream_queued(session->conn->stream) > BN_CONSOLE_PIPE_MAX);
    for (int i = 0; i < 50; i++)
        web_rig_round(&rig.web);
    CHECK(bn_stream_queued(session->conn->stream) <= BN_CONSOLE_PIPE_MAX + (128 << 10));
    CHECK(bn_stream_queued(peer.console) > 0);
    pass(60000);
    CHECK_INT(session->state, BN_CONSOLE_JOINED);
    CHECK_INT(browser.got.len, 0);
    HEAR(&browser, browser.got.len == said);
    for (size_t i = 0; i < said; i++)
        if (browser.got.p[i] != (char)('a' + i / sizeof block % 26))
            fail_msg("byte %zu is %d", i, browser.got.p[i]);
    leave(&browser);
    end();
}

BN_TEST(a_guest_that_reads_nothing_holds_the_browser_up_and_loses_nothing)
{
    static char block[32 << 10];
    struct browser browser;
    begin_screen(&browser);
    struct bn_console_session *session = container_of(rig.web.web->consoles.next,
            struct bn_console_session, link);
    bn_stream_pause(peer.console);
    size_t said = 0;
    while (!session->guest_is_full) {
        memset(block, 'a' + (int)(said / sizeof block) % 26, sizeof block);
        say(&browser, block, sizeof block);
        said += sizeof block;
        web_rig_round(&rig.web);
    }
    CHECK(bn_remote_queued(session->guest) <= BN_CONSOLE_PIPE_MAX + (64 << 10) + 14);
    pass(50000);
    CHECK_INT(session->state, BN_CONSOLE_JOINED);
    bn_stream_resume(peer.console);
    WEB_AWAIT(&rig.web, peer.heard.len == said);
    for (size_t i = 0; i < said; i++)
        if (peer.heard.p[i] != (char)('a' + i / sizeof block % 26))
            fail_msg("byte %zu is %d", i, peer.heard.p[i]);
    say(&browser, "on", 2);
    WEB_AWAIT(&rig.web, peer.heard.len == said + 2);
    leave(&browser);
    end();
}

BN_TEST(pings_of_a_browser_that_reads_no_answer_cost_no_more_than_the_pipe)
{
    static const char ping[120];
    struct browser browser;
    begin_screen(&browser);
    struct bn_console_session *session = container_of(rig.web.web->consoles.next,
            struct bn_console_session, link);
    for (int i = 0; i < 100000; i++) {
        static const uint8_t mask[4] = {0};
        uint8_t frame[BN_WS_HEADER_MAX + sizeof ping];
        const size_t n = bn_ws_header(frame, BN_WS_PING, false, sizeof ping, mask);
        memcpy(frame + n, ping, sizeof ping);
        while (send(browser.fd, frame, n + sizeof ping, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            web_rig_round(&rig.web);
    }
    CHECK(bn_stream_queued(session->conn->stream) <= BN_CONSOLE_PIPE_MAX + (64 << 10));
    leave(&browser);
    end();
}

BN_TEST(words_that_are_no_bytes_too_much_or_no_greeting_end_it_with_a_reason)
{
    static char great[BN_CONSOLE_MESSAGE_MAX + 1];
    struct browser browser;
    begin_screen(&browser);
    say_as(&browser, BN_WS_TEXT, "text", 4);
    closed_with(&browser, 1003, "a console is bytes: send binary messages");
    leave(&browser);
    struct opened it = open_console(max, QEMU);
    join(&browser, max, &it);
    greet(&browser);
    say(&browser, great, sizeof great - 1); /* the most that is allowed */
    WEB_AWAIT(&rig.web, peer.heard.len >= sizeof great - 1);
    say(&browser, great, sizeof great);
    HEAR(&browser, browser.code);
    CHECK_INT(browser.code, 1009);
    leave(&browser);
    WEB_AWAIT(&rig.web, !peer.console);
    it = open_console(max, QEMU);
    join(&browser, max, &it);
    expect(&browser, GREET, 12);
    say(&browser, "GET / HTTP/1", 12);
    HEAR(&browser, browser.code);
    CHECK_INT(browser.code, 1002);
    leave(&browser);
    WEB_AWAIT(&rig.web, !peer.console);
    it = open_console(max, QEMU);
    join(&browser, max, &it);
    CHECK_INT(send(browser.fd, "\x82\x01x", 3, MSG_NOSIGNAL), 3); /* without a mask */
    HEAR(&browser, browser.code);
    CHECK_INT(browser.code, 1002);
    leave(&browser);
    WEB_AWAIT(&rig.web, !peer.console);
    end();
}

/* --- the end --------------------------------------------------------------------------------- */

BN_TEST(the_guests_end_is_said_to_the_browser_and_noted)
{
    struct browser browser;
    const struct opened it = begin_screen(&browser);
    bn_stream_close(peer.console);
    closed_with(&browser, 4411, "the guest's side closed the console");
    HEAR(&browser, browser.is_gone);
    check_record(it.id, 0, 0, "the guest's side closed the console");
    leave(&browser);
    end();
}

/* Those that are made later began before. */
static void ask_to(const char *id, const char *action, int64_t vmid, int64_t ended_ms)
{
    static int64_t ago_ms = 60000;
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_OPERATION, BN_TENANT_DEFAULT);
    struct bn_operation *it = &fact.u.operation;
    snprintf(it->id, sizeof it->id, "%s", id);
    snprintf(it->server_id, sizeof it->server_id, "s1");
    snprintf(it->action, sizeof it->action, "%s", action);
    snprintf(it->created_by, sizeof it->created_by, "ada");
    it->type = BN_WORK_VM_POWER;
    it->vmid = vmid;
    it->status = ended_ms ? BN_WORK_COMPLETED : BN_WORK_IN_PROGRESS;
    it->progress = ended_ms ? 100 : 0;
    it->started_at = now.now_ms - ago_ms++;
    it->completed_at = ended_ms;
    people_ask(&rig, &fact);
}

static void ends_saying(struct browser *browser, const char *why)
{
    bn_stream_close(peer.console);
    closed_with(browser, 4411, why);
    leave(browser);
}

BN_TEST(what_was_done_to_the_guest_just_then_is_said_as_the_reason)
{
    struct browser browser;
    struct opened it = begin_screen(&browser);
    ask_to("o1", "stop", 200, 0);                 /* another guest */
    ask_to("o2", "stop", 100, now.now_ms - 5001); /* long over */
    ask_to("o5", "reset", 100, now.now_ms);       /* no end of a screen */
    ends_saying(&browser, "the guest's side closed the console");
    it = open_console(max, QEMU);
    join(&browser, max, &it);
    greet(&browser);
    ask_to("o3", "shutdown", 100, 0);
    ends_saying(&browser, "the guest's side closed the console: ada asked it to shut down");
    check_record(it.id, 0, 0, "the guest's side closed the console: ada asked it to shut down");
    ask_to("o3", "shutdown", 100, now.now_ms - 5001);
    it = open_console(max, QEMU);
    join(&browser, max, &it);
    greet(&browser);
    ask_to("o4", "reboot", 100, now.now_ms);
    ask_to("o6", "stop", 100, now.now_ms); /* before it */
    ends_saying(&browser, "the guest's side closed the console: ada asked it to reboot");
    end();
}

BN_TEST(a_browser_that_takes_nothing_after_the_end_is_cut)
{
    static char block[64 << 10];
    struct browser browser;
    begin_screen(&browser);
    struct bn_console_session *session = container_of(rig.web.web->consoles.next,
            struct bn_console_session, link);
    for (int i = 0; i < 256; i++)
        cp_say(&peer, block, sizeof block);
    WEB_AWAIT(&rig.web, bn_stream_queued(session->conn->stream) > BN_CONSOLE_PIPE_MAX);
    bn_console_end(session, 4403, "ended by ada");
    pass(999);
    web_rig_round(&rig.web);
    CHECK(session->conn != NULL);
    pass(1);
    WEB_AWAIT(&rig.web, !peer.console);
    await_forgotten();
    leave(&browser);
    end();
}

BN_TEST(thirty_minutes_without_a_key_and_eight_hours_at_all_are_the_end)
{
    struct browser browser;
    struct opened it = begin_screen(&browser);
    for (int64_t ms = 0; ms < BN_CONSOLE_IDLE_MS - 60000; ms += 60000) {
        pass(60000);
        HEAR(&browser, browser.pings >= 1);
        browser.pings = 0;
        say_as(&browser, BN_WS_PONG, "", 0);
        cp_say(&peer, "x", 1); /* what the guest says is no key */
        HEAR(&browser, browser.got.len == 1);
        browser.got.len = 0;
    }
    pass(59999);
    CHECK_INT(record(it.id)->ended_at, 0);
    pass(1);
    closed_with(&browser, BN_CONSOLE_CLOSE_IDLE, "nothing was typed for 30 minutes");
    leave(&browser);
    it = open_console(max, QEMU);
    join(&browser, max, &it);
    greet(&browser);
    say(&browser, "\1", 1);
    WEB_AWAIT(&rig.web, peer.heard.len == 1);
    peer.heard.len = 0;
    for (int64_t ms = 0; ms < 8 * HOUR - 60000; ms += 60000) {
        say(&browser, "\4\1\0\0\0\0\0k", 8);
        WEB_AWAIT(&rig.web, peer.heard.len == 8);
        peer.heard.len = 0;
        pass(60000);
    }
    CHECK_INT(record(it.id)->ended_at, 0);
    pass(60000);
    closed_with(&browser, BN_CONSOLE_CLOSE_LONGEST, "a console is open for 8 hours at most");
    leave(&browser);
    end();
}

/* Somebody looks on, and answers pings. */
static void look_on(struct browser *browser, int64_t ms)
{
    const struct bn_console_session *session = container_of(rig.web.web->consoles.next,
            struct bn_console_session, link);
    for (int64_t passed = 0; passed < ms; passed += 60000) {
        pass(60000);
        HEAR(browser, browser->pings >= 1);
        browser->pings = 0;
        say_as(browser, BN_WS_PONG, "", 0);
        WEB_AWAIT(&rig.web, session->heard_mono_ms == now.mono_ms);
    }
}

BN_TEST(an_administrator_sets_both_limits_or_none)
{
    struct bn_web_config policy = {.listeners_max = 1};
    struct browser browser;
    struct opened it = begin_screen(&browser);
    bn_web_set_policy(rig.web.web, &policy); /* of an open one, too */
    look_on(&browser, 24 * HOUR);
    CHECK_INT(record(it.id)->ended_at, 0);
    say(&browser, "\1\4\1\0\0\0\0\0k", 9);
    WEB_AWAIT(&rig.web, peer.heard.len == 9);
    policy.console_idle_ms = 90000;
    policy.console_longest_ms = 25 * HOUR;
    bn_web_set_policy(rig.web.web, &policy);
    pass(89999);
    CHECK_INT(record(it.id)->ended_at, 0);
    pass(1);
    closed_with(&browser, BN_CONSOLE_CLOSE_IDLE, "nothing was typed for 90 seconds");
    leave(&browser);
    await_forgotten();
    policy.console_idle_ms = 0;
    policy.console_longest_ms = HOUR;
    bn_web_set_policy(rig.web.web, &policy);
    it = open_console(max, QEMU);
    join(&browser, max, &it);
    greet(&browser);
    look_on(&browser, HOUR - 60000);
    pass(59999);
    CHECK_INT(record(it.id)->ended_at, 0);
    pass(1);
    closed_with(&browser, BN_CONSOLE_CLOSE_LONGEST, "a console is open for 1 hour at most");
    leave(&browser);
    end();
}

BN_TEST(what_the_page_of_a_terminal_says_by_itself_is_no_key)
{
    struct browser browser;
    begin();
    peer.greeting = "OK";
    const struct opened it = open_console(max, LXC);
    join(&browser, max, &it);
    for (int64_t ms = 0; ms < BN_CONSOLE_IDLE_MS - 60000; ms += 60000) {
        peer.heard.len = 0;
        say(&browser, "2", 1);
        WEB_AWAIT(&rig.web, peer.heard.len == 1);
        pass(60000);
    }
    CHECK_INT(record(it.id)->ended_at, 0);
    pass(60000);
    closed_with(&browser, BN_CONSOLE_CLOSE_IDLE, "nothing was typed for 30 minutes");
    leave(&browser);
    end();
}

BN_TEST(a_browser_that_answers_no_ping_for_two_minutes_is_gone)
{
    struct browser browser;
    begin_screen(&browser);
    pass(BN_CONSOLE_STALL_MS - 1);
    web_rig_round(&rig.web);
    CHECK(peer.console);
    pass(1);
    closed_with(&browser, 4411, "the browser did not answer any more");
    leave(&browser);
    end();
}

BN_TEST(a_session_that_ends_takes_its_consoles_with_it)
{
    struct browser browser;
    struct opened it = begin_screen(&browser);
    const struct opened waiting = open_console(max, QEMU);
    ask(max, "DELETE /api/v1/session", "", 204, "");
    closed_with(&browser, BN_CONSOLE_CLOSE_RIGHT, "the session ended");
    check_record(it.id, 0, 0, "the session ended");
    check_record(waiting.id, 0, 0, "the session ended");
    leave(&browser);
    end();
}

BN_TEST(a_right_taken_away_takes_the_console)
{
    struct browser browser;
    begin();
    ask(rig.ada, "POST /api/v1/users/vera/assignments", "{\"server_id\":\"s1\",\"vmid\":100}", 201,
            "view,console");
    struct opened it = open_console(rig.vera, QEMU);
    join(&browser, rig.vera, &it);
    greet(&browser);
    ask(rig.ada, "DELETE /api/v1/users/vera/assignments/s1/100", "", 204, "");
    closed_with(&browser, BN_CONSOLE_CLOSE_RIGHT, "the right to this console was taken away");
    leave(&browser);
    end();
}

BN_TEST(a_server_disabled_takes_its_consoles)
{
    struct browser browser;
    begin_screen(&browser);
    struct bn_fact fact = server_fact("s1");
    fact.u.server.is_active = 0;
    people_ask(&rig, &fact);
    pass(1000);
    closed_with(&browser, BN_CONSOLE_CLOSE_RIGHT, "the server was removed or disabled");
    leave(&browser);
    end();
}

BN_TEST(an_administrator_ends_any_and_others_their_own)
{
    struct browser browser;
    char line[200];
    const struct opened it = begin_screen(&browser);
    snprintf(line, sizeof line, "DELETE /api/v1/consoles/%s", it.id);
    ask(rig.vera, line, "", 404, "there is no such console, or it has ended");
    ask(rig.ada, line, "", 204, "");
    closed_with(&browser, BN_CONSOLE_CLOSE_ADMIN, "ended by ada");
    ask(rig.ada, line, "", 404, "it has ended");
    CHECK_INT(audited("console.end", "max"), 1);
    check_record(it.id, 0, 0, "ended by ada");
    leave(&browser);
    const struct opened own = open_console(max, QEMU);
    snprintf(line, sizeof line, "DELETE /api/v1/consoles/%s", own.id);
    ask(max, line, "", 204, "");
    check_record(own.id, 0, 0, "ended by max");
    end();
}

BN_TEST(when_the_server_goes_every_browser_is_told_and_nothing_new_is_opened)
{
    struct browser browser;
    const struct opened it = begin_screen(&browser);
    peer.proxy = NULL;
    const int fd = people_send(&rig, max, "POST " QEMU, BODY);
    WEB_AWAIT(&rig.web, peer.posts == 2);
    bn_web_drain(rig.web.web, 0);
    people_check_answer(&rig, fd, 503, "Binnacle is being restarted");
    HEAR(&browser, browser.code);
    CHECK_INT(browser.code, 1001);
    CHECK_STR(browser.why, "Binnacle is being restarted");
    check_record(it.id, 0, 0, "Binnacle is being restarted");
    leave(&browser);
    end();
}

/* --- a sick disk ----------------------------------------------------------------------------- */

BN_TEST(an_end_the_disk_refused_is_kept_with_its_bytes_and_none_begins_meanwhile)
{
    struct browser browser;
    bad_disk_install();
    const struct opened it = begin_screen(&browser);
    say(&browser, "keys", 4);
    WEB_AWAIT(&rig.web, peer.heard.len == 4);
    bad_disk_plan(BAD_FULL, 1, INT32_MAX);
    leave(&browser);
    WEB_AWAIT(&rig.web, !peer.console);
    people_settle(&rig);
    CHECK_INT(record(it.id)->ended_at, 0); /* taken back */
    ask(max, "POST " QEMU, BODY, 507, "\"code\":\"storage\"");
    WEB_AWAIT(&rig.web, !peer.console); /* what stood already is let go */
    CHECK_INT(people_count(&rig, BN_KIND_CONSOLE), 1);
    CHECK_INT(sessions(), 1);
    bad_disk_plan(BAD_FULL, 0, 0);
    bn_store_tidy(rig.store);
    for (int i = 0; i < 200 && record(it.id)->ended_at == 0; i++) {
        pass(5000);
        usleep(20000);
    }
    check_record(it.id, 4, 0, "the browser left");
    await_forgotten();
    end();
}

BN_TEST_MAIN()

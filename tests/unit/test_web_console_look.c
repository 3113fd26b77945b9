#include "browser_scene.h"

#define UPDATE    "\3\1\0\0\0\0\4\0\3\0" /* FramebufferUpdateRequest: the next picture */
#define KEY       "\4\1\0\0\0\0\0\x61"   /* KeyEvent */
#define POINTER   "\5\1\0\1\0\2"
#define LOOK_BODY "{\"tab\":\"" TAB "\",\"view_only\":true}"
#define HERS      "/api/v1/users/vera/assignments"

static struct opened open_to_look(const char *who, const char *path)
{
    struct opened it;
    char line[300];
    snprintf(line, sizeof line, "POST %s", path);
    ask(who, line, LOOK_BODY, 201, "\"view_only\":true");
    member("id", it.id, sizeof it.id);
    member("url", it.url, sizeof it.url);
    return it;
}

static void assign(const char *permissions)
{
    char body[200];
    snprintf(body, sizeof body, "{\"server_id\":\"s1\",\"vmid\":100,\"permissions\":\"%s\"}",
            permissions);
    ask(rig.ada, "POST " HERS, body, 201, permissions);
}

/* --- who may only look ----------------------------------------------------------------------- */

BN_TEST(of_a_screen_that_is_only_watched_keys_and_pointers_do_not_arrive)
{
    struct browser browser;
    begin();
    const struct opened it = open_to_look(max, QEMU);
    CHECK_INT(record(it.id)->view_only, 1);
    join(&browser, max, &it);
    greet(&browser);
    say(&browser, "\0" KEY POINTER UPDATE KEY, 1 + 8 + 6 + 10 + 8);
    say(&browser, KEY, 8);
    say(&browser, "\4\1\0", 3); /* one in two messages */
    say(&browser, "\0\0\0\0\x61" UPDATE, 15);
    WEB_AWAIT(&rig.web, peer.heard.len == 21);
    CHECK_MEM(peer.heard.p, "\1" UPDATE UPDATE, 21); /* nobody else is thrown out */
    cp_say(&peer, "pixels", 6);
    expect(&browser, "pixels", 6);
    leave(&browser);
    WEB_AWAIT(&rig.web, !peer.console);
    check_record(it.id, 21, 6, "the browser left");
    CHECK_INT(audited("console.open", "vnc, view only"), 1);
    end();
}

BN_TEST(of_a_terminal_that_is_only_watched_nothing_typed_arrives)
{
    struct browser browser;
    begin();
    peer.greeting = "OK";
    const struct opened it = open_to_look(max, LXC);
    join(&browser, max, &it);
    peer.heard.len = 0;
    say(&browser, "1:80:24:0:4:rm\r\n", 16);
    say(&browser, "0:9:1:", 6); /* what is typed is no message */
    say(&browser, "1:1:2222", 8);
    WEB_AWAIT(&rig.web, peer.heard.len == 9);
    CHECK_MEM(peer.heard.p, "1:80:24:2", 9);
    leave(&browser);
    end();
}

BN_TEST(a_message_of_one_who_may_only_look_that_is_not_known_is_the_end)
{
    static const char why[] = "a message came that is not known, and who may only look says known "
                              "ones only";
    struct browser browser;
    begin();
    struct opened it = open_to_look(max, QEMU);
    join(&browser, max, &it);
    greet(&browser);
    say(&browser, "\1" UPDATE "\7" KEY, 20);
    closed_with(&browser, 1003, why);
    CHECK_INT(peer.heard.len, 11);
    leave(&browser);
    peer.greeting = "OK";
    it = open_to_look(max, LXC);
    join(&browser, max, &it);
    peer.heard.len = 0;
    say(&browser, "0x1:a", 5);
    closed_with(&browser, 1003, why);
    CHECK_INT(peer.heard.len, 0);
    leave(&browser);
    end();
}

BN_TEST(a_right_to_look_opens_what_is_only_watched_and_nothing_else)
{
    struct browser browser;
    begin();
    assign("view,start");
    ask(rig.vera, "POST " QEMU, BODY, 403,
            "you may not console this guest: an administrator can assign it to you with \\\"console");
    assign("view,console_view");
    ask(rig.vera, "POST " QEMU, "{\"view_only\":false}", 403, "ask for it with view_only");
    ask(rig.vera, "POST " QEMU, "{\"view_only\":1}", 400, "\"field\":\"view_only\"");
    CHECK_INT(peer.posts, 0);
    const struct opened it = open_console(rig.vera, QEMU); /* not asked: what he may */
    CHECK(strstr(rig.web.answer.p, "\"view_only\":true"));
    CHECK_INT(record(it.id)->view_only, 1);
    join(&browser, rig.vera, &it);
    greet(&browser);
    say(&browser, "\1" KEY UPDATE, 19);
    WEB_AWAIT(&rig.web, peer.heard.len == 11);
    assign("view,console"); /* he may more now: what is open stays as it is */
    pass(1000);
    say(&browser, KEY UPDATE, 18);
    WEB_AWAIT(&rig.web, peer.heard.len == 21);
    assign("view,stop");
    closed_with(&browser, BN_CONSOLE_CLOSE_RIGHT, "the right to this console was taken away");
    leave(&browser);
    end();
}

BN_TEST(who_may_not_type_any_more_loses_what_he_could_type_into)
{
    struct browser browser;
    begin();
    assign("view,console,console_view");
    struct opened it = open_console(rig.vera, QEMU);
    CHECK(strstr(rig.web.answer.p, "\"view_only\":false"));
    join(&browser, rig.vera, &it);
    greet(&browser);
    assign("view,console_view");
    closed_with(&browser, BN_CONSOLE_CLOSE_RIGHT, "the right to this console was taken away");
    leave(&browser);
    end();
}

/* --- a terminal's heads ---------------------------------------------------------------------- */

BN_TEST(a_head_of_a_terminal_goes_in_one_piece)
{
    static const char *const pieces[] = {"0", ":1", "2:hello ", "world", "!0", ":1:x1:80:", "24:2"};
    struct browser browser;
    begin();
    peer.greeting = "OK";
    const struct opened it = open_console(max, LXC);
    join(&browser, max, &it);
    peer.heard.len = 0;
    const int before = peer.frames;
    for (size_t i = 0; i < COUNT(pieces); i++)
        say(&browser, pieces[i], strlen(pieces[i]));
    WEB_AWAIT(&rig.web, peer.heard.len == 31);
    CHECK_MEM(peer.heard.p, "0:12:hello world!0:1:x1:80:24:2", 31);
    CHECK_INT(peer.frames - before, 5); /* nothing is sent for "0" and ":1" */
    leave(&browser);
    end();
}

/* What is no message of a terminal is somebody else's business. */
BN_TEST(what_a_terminal_does_not_know_passes_as_it_is)
{
    struct browser browser;
    begin();
    peer.greeting = "OK";
    const struct opened it = open_console(max, LXC);
    join(&browser, max, &it);
    peer.heard.len = 0;
    say(&browser, "0:", 2);
    say(&browser, "x0:1:", 5);
    WEB_AWAIT(&rig.web, peer.heard.len == 7);
    CHECK_MEM(peer.heard.p, "0:x0:1:", 7);
    leave(&browser);
    end();
}

/* --- idle ------------------------------------------------------------------------------------ */

/* Minutes in which the browser asks for pictures, up to the last but one before it would be idle.
 */
static void minutes(struct browser *browser)
{
    for (int64_t ms = 0; ms < BN_CONSOLE_IDLE_MS - 60000; ms += 60000) {
        const size_t was = peer.heard.len;
        say(browser, UPDATE, 10);
        WEB_AWAIT(&rig.web, peer.heard.len >= was + 10);
        pass(60000);
    }
}

BN_TEST(a_screen_that_moves_by_itself_is_idle_after_thirty_minutes_without_a_key)
{
    struct browser browser;
    const struct opened it = begin_screen(&browser);
    say(&browser, "\1", 1);
    WEB_AWAIT(&rig.web, peer.heard.len == 1);
    minutes(&browser);
    CHECK_INT(record(it.id)->ended_at, 0);
    say(&browser, POINTER, 6);
    WEB_AWAIT(&rig.web, peer.heard.len == 1 + 29 * 10 + 6);
    minutes(&browser);
    CHECK_INT(record(it.id)->ended_at, 0);
    say(&browser, "\6\0\0\0\0\0\0\1c", 9); /* a clipboard may be of the page alone */
    pass(60000);
    closed_with(&browser, BN_CONSOLE_CLOSE_IDLE, "nothing was typed for 30 minutes");
    leave(&browser);
    end();
}

BN_TEST(one_that_is_only_watched_ends_too_and_touching_it_is_a_sign_of_life)
{
    struct browser browser;
    begin();
    const struct opened it = open_to_look(max, QEMU);
    join(&browser, max, &it);
    greet(&browser);
    say(&browser, "\1", 1);
    minutes(&browser);
    say(&browser, POINTER UPDATE, 16);
    WEB_AWAIT(&rig.web, peer.heard.len == 1 + 30 * 10);
    minutes(&browser);
    CHECK_INT(record(it.id)->ended_at, 0);
    pass(60000);
    closed_with(&browser, BN_CONSOLE_CLOSE_IDLE,
            "it was only watched for 30 minutes: open it again to go on");
    leave(&browser);
    end();
}

/* --- who holds them -------------------------------------------------------------------------- */

BN_TEST(who_holds_the_consoles_is_told_as_far_as_the_asker_may_know)
{
    begin();
    (void)open_console(rig.ada, QEMU);
    for (int i = 0; i < BN_CONSOLES_PER_USER_MAX; i++)
        (void)open_console(max, QEMU);
    ask(max, "POST " QEMU, BODY, 429, "\"held_by\":[{\"id\":\"");
    const char *answer = rig.web.answer.p;
    CHECK(strstr(answer,
            "\"user_name\":\"max\",\"server_id\":\"s1\",\"subject\":\"vm100 (100) on alpha-s1\",\"kind\":\"vnc\",\"since\":\"20"));
    CHECK(!strstr(answer, "\"user_name\":\"ada\""));
    for (int i = 1; i < BN_CONSOLES_PER_USER_MAX; i++)
        (void)open_console(rig.ada, QEMU);
    ask(rig.ada, "POST " QEMU, BODY, 429, "\"user_name\":\"max\"");
    CHECK(strstr(rig.web.answer.p, "\"user_name\":\"ada\""));
    CHECK(strstr(rig.web.answer.p, "\"request_id\":"));
    end();
}

BN_TEST(ones_own_console_is_ended_from_another_session_too)
{
    char other[BN_COOKIE_SECRET_SIZE];
    char line[200];
    begin();
    people_log_in(&rig, "max", other);
    const struct opened it = open_console(max, QEMU);
    snprintf(line, sizeof line, "DELETE /api/v1/consoles/%s", it.id);
    ask(rig.vera, line, "", 404, "it has ended");
    ask(other, line, "", 204, "");
    check_record(it.id, 0, 0, "ended by max");
    end();
}

BN_TEST_MAIN()

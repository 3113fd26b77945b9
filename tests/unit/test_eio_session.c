#include "eio_rig.h"

/* --- the table of refusals -------------------------------------------------------------------- */

BN_TEST(requests_are_judged_in_the_order_of_the_protocol)
{
    begin();
    struct bn_eio_refusal no;
    const struct bn_str get = BN_STR("GET");
    const struct bn_str post = BN_STR("POST");
    const struct bn_str polls = BN_STR("polling");
    const struct bn_str ws = BN_STR("websocket");
    const struct bn_str four = BN_STR("4");
    const struct bn_str none = {NULL, 0};

    const struct {
        struct bn_eio_ask ask;
        int status, code;
    } table[] = {
            {{.method = get, .transport = none, .origin = BN_STR("\xe4")}, 400, 0},
            {{.method = get, .transport = BN_STR("webtransport")}, 400, 0},
            {{.method = get, .transport = polls, .origin = BN_STR("a\x01"), .sid = BN_STR("x")},
                    400, 3},
            {{.method = get, .transport = polls, .sid = BN_STR("x")}, 400, 1},
            {{.method = get, .transport = polls, .sid = BN_STR("")}, 400, 1},
            {{.method = post, .transport = ws}, 400, 2},
            {{.method = get, .transport = ws, .forbidden = "no"}, 400, 3},
            {{.method = get, .transport = polls, .is_upgrade = true}, 400, 3},
            {{.method = get, .transport = polls, .forbidden = "no"}, 403, 4},
            {{.method = get, .transport = polls, .version = BN_STR("3")}, 400, 5},
            {{.method = get, .transport = polls}, 400, 5},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        CHECK_INT(judge(table[i].ask, &no), BN_EIO_REFUSED);
        CHECK_INT(no.status, table[i].status);
        CHECK_INT(no.code, table[i].code);
    }
    CHECK_INT(judge((struct bn_eio_ask){.method = get, .transport = polls, .version = four}, &no),
            BN_EIO_OPENS);
    CHECK_INT(judge((struct bn_eio_ask){.method = get,
                            .transport = ws,
                            .version = four,
                            .is_upgrade = true},
                      &no),
            BN_EIO_OPENS);
    BN_BUF_AUTO out;
    bn_buf_init(&out, 100);
    bn_eio_put_refusal(&out, &bn_eio_bad_request);
    CHECK(bn_str_is(bn_buf_str(&out), "{\"code\":3,\"message\":\"Bad request\"}"));
    finish();
}

/* The sid of an opening that a poll or socket was told. */
static struct bn_str sid_of(const struct peer *peer)
{
    const char *at = memmem(peer->said.p, peer->said.len, "\"sid\":\"", 7);
    CHECK(at != NULL);
    return (struct bn_str){at + 7, BN_EIO_SID_SIZE - 1};
}

BN_TEST(requests_of_a_session_are_told_apart_by_transport_and_method)
{
    begin();
    struct bn_eio_refusal no;
    struct peer poll = peer_new();
    struct peer socket = peer_new();
    struct bn_eio_session *polls = bn_eio_open(eio, NULL);
    CHECK(bn_eio_poll(polls, &poll));
    bn_eio_flush(eio);
    bn_eio_open(eio, &socket);
    CHECK(memmem(socket.said.p, socket.said.len, "\"upgrades\":[]", 13) != NULL);
    const struct bn_str sid = sid_of(&poll);
    const struct bn_str other = sid_of(&socket);

    const struct {
        const char *method, *transport;
        bool is_upgrade;
        bool of_socket;
        enum bn_eio_verdict want;
    } table[] = {
            {"GET", "polling", false, false, BN_EIO_POLLS},
            {"POST", "polling", false, false, BN_EIO_POSTS},
            {"PUT", "polling", false, false, BN_EIO_REFUSED},
            {"GET", "polling", true, false, BN_EIO_REFUSED},
            {"GET", "websocket", false, false, BN_EIO_REFUSED},
            {"GET", "websocket", true, false, BN_EIO_JOINS},
            {"GET", "polling", false, true, BN_EIO_REFUSED},
            {"GET", "websocket", true, true, BN_EIO_JOINS}, /* and is closed at once */
    };

    for (size_t i = 0; i < COUNT(table); i++)
        CHECK_INT(judge((struct bn_eio_ask){.method = bn_str(table[i].method),
                                .transport = bn_str(table[i].transport),
                                .sid = table[i].of_socket ? other : sid,
                                .is_upgrade = table[i].is_upgrade},
                          &no),
                table[i].want);
    CHECK_INT(bn_eio_count(eio), 2);
    CHECK(bn_eio_next_session(eio, NULL) == polls);
    CHECK(bn_eio_next_session(eio, bn_eio_next_session(eio, polls)) == NULL);
    CHECK(bn_eio_clock(polls) == &clock_now && bn_eio_owner(polls) == NULL);
    bn_eio_set_owner(polls, &poll);
    CHECK(bn_eio_owner(polls) == &poll);
    forget(&poll);
    forget(&socket);
    finish();
}

/* --- polling ---------------------------------------------------------------------------------- */

BN_TEST(a_poll_waits_and_takes_all_there_is)
{
    begin();
    struct peer poll = peer_new();
    struct bn_eio_session *session = open_polling();
    CHECK(bn_eio_is_idle(session));
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_flush(eio);
    CHECK_INT(poll.answers, 0);
    say(session, "4a");
    say(session, "~b");
    CHECK(!bn_eio_is_idle(session));
    said_is(&poll, "4a\x1e"
                   "bfmI=");
    CHECK_INT(poll.answers, 1);
    heard_is("drained ");
    forget(&poll);
    finish();
}

BN_TEST(an_answer_has_a_bound_and_the_rest_comes_with_the_next)
{
    begin();
    bn_eio_destroy(eio);
    eio = bn_eio_create(&(struct bn_eio_config){.clock = &clock_now,
            .host = &host,
            .app = &app,
            .user = &clock_now,
            .ping_interval_ms = 300,
            .ping_timeout_ms = 200,
            .backlog_max = 4 * BN_EIO_ANSWER_BYTES});
    struct peer poll = peer_new();
    struct bn_eio_session *session = open_polling();
    struct bn_bytes *big = bn_bytes_create(NULL, BN_EIO_ANSWER_BYTES - 10);
    memset(big->p, '4', big->len);
    bn_eio_send(session, big, false);
    bn_eio_send(session, big, false);
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_flush(eio);
    CHECK_INT(poll.said.len, big->len);
    bn_buf_reset(&poll.said);
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_flush(eio);
    CHECK_INT(poll.said.len, big->len);
    bn_bytes_unref(big);
    forget(&poll);
    finish();
}

BN_TEST(a_client_that_does_not_poll_is_sent_away_at_the_wall)
{
    begin();
    struct bn_eio_session *session = open_polling();
    char text[101];
    memset(text, '4', 100);
    text[100] = '\0';
    size_t sent = 0;
    while (bn_eio_count(eio) == 1) {
        say(session, text);
        sent += 100;
    }
    CHECK(sent > BACKLOG / 2 && sent <= BACKLOG + 100);
    say(session, text); /* nobody is there */
    heard_is("closed:too slow ");
    finish();
}

BN_TEST(a_socket_that_takes_nothing_is_sent_away_at_the_wall)
{
    begin();
    struct peer socket = peer_new();
    struct bn_eio_session *session = bn_eio_open(eio, &socket);
    socket.queued = BACKLOG;
    say(session, "4a");
    CHECK_INT(bn_eio_count(eio), 1);
    CHECK(!bn_eio_is_idle(session));
    socket.queued++;
    say(session, "4a");
    CHECK(socket.is_closed);
    heard_is("opened closed:too slow ");
    forget(&socket);
    finish();
}

BN_TEST(two_polls_or_two_posts_at_once_end_the_session)
{
    begin();
    struct peer poll = peer_new();
    struct peer other = peer_new();
    struct bn_eio_session *session = open_polling();
    CHECK(bn_eio_poll(session, &poll));
    CHECK(!bn_eio_poll(session, &other));
    said_is(&poll, "1");
    said_is(&other, "");
    heard_is("closed:parse error ");
    session = open_polling();
    CHECK(bn_eio_poll(session, &poll));
    CHECK(bn_eio_post_begin(session, &other));
    CHECK(!bn_eio_post_begin(session, &poll));
    CHECK(other.is_cut);
    said_is(&poll, "1");
    heard_is("closed:parse error ");
    forget(&poll);
    forget(&other);
    finish();
}

BN_TEST(requests_that_are_cut_end_the_session_and_others_do_not)
{
    begin();
    struct peer poll = peer_new();
    struct bn_eio_session *session = open_polling();
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_poll_gone(session, &session); /* not the one that waits */
    bn_eio_poll_gone(session, &poll);
    heard_is("closed:transport close ");
    session = open_polling();
    CHECK(bn_eio_post_begin(session, &poll));
    bn_eio_post_gone(session, &session);
    bn_eio_post_gone(session, &poll);
    heard_is("closed:transport close ");
    session = open_polling();
    CHECK(bn_eio_post_begin(session, &poll));
    bn_eio_post_drop(session);
    CHECK(bn_eio_post_begin(session, &poll));
    CHECK(bn_eio_post(session, BN_STR("4on")));
    heard_is("on ");
    forget(&poll);
    finish();
}

BN_TEST(a_body_is_heard_up_to_what_is_no_packet_or_the_end)
{
    begin();
    struct peer poll = peer_new();
    struct bn_eio_session *session = open_polling();
    CHECK(bn_eio_post(session, BN_STR("4a\x1e"
                                      "bAQ==\x1e"
                                      "6\x1e"
                                      "3")));
    CHECK(!bn_eio_post(session, BN_STR("4b\x1ex\x1e"
                                       "4c")));
    heard_is("a ~\1 b closed:parse error ");
    session = open_polling();
    CHECK(bn_eio_poll(session, &poll));
    CHECK(bn_eio_post(session, BN_STR("4a\x1e"
                                      "1\x1e"
                                      "4b")));
    said_is(&poll, "6");
    heard_is("a closed:transport close ");
    session = open_polling();
    CHECK(bn_eio_post(session, BN_STR("2")));
    heard_is("closed:parse error ");
    forget(&poll);
    finish();
}

/* --- goodbyes --------------------------------------------------------------------------------- */

BN_TEST(what_was_sent_before_a_close_arrives_and_what_comes_after_it_is_not_heard)
{
    begin();
    struct peer poll = peer_new();
    struct bn_eio_session *session = open_polling();
    echoes = true;
    CHECK(bn_eio_post(session, BN_STR("4a\x1e"
                                      "4close\x1e"
                                      "4b")));
    heard_is("a close closed:app ");
    CHECK_INT(bn_eio_count(eio), 1);
    CHECK(!bn_eio_join(session, &poll));
    CHECK(bn_eio_poll(session, &poll));
    said_is(&poll, "4echo");
    CHECK_INT(bn_eio_count(eio), 1);
    CHECK(bn_eio_poll(session, &poll));
    said_is(&poll, "1");
    heard_is("");
    CHECK_INT(bn_eio_count(eio), 0);
    session = open_polling();
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_close(session, "app");
    bn_eio_close(session, "again");
    said_is(&poll, "1");
    heard_is("closed:app ");
    forget(&poll);
    finish();
}

BN_TEST(a_last_poll_is_waited_for_so_long_and_no_longer)
{
    begin();
    struct bn_eio_session *session = open_polling();
    bn_eio_close(session, "app");
    heard_is("closed:app ");
    clock_now.mono_ms += BN_EIO_LEAVE_MS - 1;
    bn_eio_tick(eio);
    CHECK_INT(bn_eio_count(eio), 1);
    clock_now.mono_ms++;
    bn_eio_tick(eio);
    CHECK_INT(bn_eio_count(eio), 0);
    heard_is("");
    finish();
}

BN_TEST(a_socket_is_closed_after_what_was_sent)
{
    begin();
    struct peer socket = peer_new();
    struct bn_eio_session *session = bn_eio_open(eio, &socket);
    bn_buf_reset(&socket.said);
    echoes = true;
    bn_eio_heard(session, &socket, false, BN_STR("4a"));
    bn_eio_heard(session, &socket, false, BN_STR("4close"));
    bn_eio_heard(session, &socket, false, BN_STR("4b"));
    CHECK(!socket.is_closed);
    said_is(&socket, "4echo ");
    CHECK(socket.is_closed);
    heard_is("opened a close closed:app ");
    session = bn_eio_open(eio, &socket);
    bn_eio_heard(session, &socket, true, BN_STR("end"));
    bn_eio_end(session, "again");
    heard_is("opened ~end closed:app ");
    session = bn_eio_open(eio, &socket);
    bn_eio_heard(session, &socket, false, BN_STR("x"));
    heard_is("opened closed:parse error ");
    session = bn_eio_open(eio, &socket);
    bn_eio_drained(session, &socket);
    bn_eio_drained(session, &session);
    bn_eio_heard(session, &session, false, BN_STR("4from nobody"));
    bn_eio_socket_gone(session, &session);
    bn_eio_socket_gone(session, &socket);
    heard_is("opened drained closed:transport close ");
    forget(&socket);
    finish();
}

/* --- signs of life ---------------------------------------------------------------------------- */

BN_TEST(a_ping_comes_each_interval_after_the_last_pong_and_a_missing_pong_ends_it)
{
    begin();
    struct peer socket = peer_new();
    struct bn_eio_session *session = bn_eio_open(eio, &socket);
    bn_buf_reset(&socket.said);
    bn_eio_heard(session, &socket, false, BN_STR("3")); /* nobody asked */
    pass(299);
    said_is(&socket, "");
    pass(1);
    said_is(&socket, "2 ");
    pass(199);
    bn_eio_heard(session, &socket, false, BN_STR("3"));
    pass(299);
    said_is(&socket, "");
    pass(1);
    said_is(&socket, "2 ");
    bn_eio_heard(session, &socket, false, BN_STR("4a")); /* is no pong */
    pass(199);
    CHECK(!socket.is_closed);
    pass(1);
    CHECK(socket.is_closed);
    heard_is("opened a closed:ping timeout ");
    forget(&socket);
    finish();
}

BN_TEST(at_the_end_of_the_server_everybody_is_told)
{
    begin();
    struct peer poll = peer_new();
    struct peer socket = peer_new();
    struct bn_eio_session *session = open_polling();
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_open(eio, &socket);
    bn_eio_destroy(eio);
    eio = NULL;
    CHECK(socket.is_closed);
    CHECK_INT(poll.answers, 1);
    CHECK(memmem(heard.p, heard.len, "closed:server shutting down", 27) != NULL);
    forget(&poll);
    forget(&socket);
    finish();
}

BN_TEST_MAIN()

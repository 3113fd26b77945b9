#include "eio_rig.h"

BN_TEST(an_upgrade_answers_polls_at_once_and_takes_along_what_waits)
{
    begin();
    struct peer poll = peer_new();
    struct peer socket = peer_new();
    struct bn_eio_session *session = open_polling();
    CHECK(bn_eio_poll(session, &poll));
    CHECK(bn_eio_join(session, &socket));
    CHECK(!bn_eio_join(session, &poll));
    bn_eio_heard(session, &socket, false, BN_STR("2probe"));
    said_is(&socket, "3probe ");
    said_is(&poll, "6");
    CHECK(bn_eio_poll(session, &poll));
    said_is(&poll, "6");
    say(session, "4a");
    CHECK(bn_eio_poll(session, &poll));
    said_is(&poll, "4a");
    say(session, "4b");
    say(session, "~c");
    CHECK(bn_eio_post(session, BN_STR("4d")));
    bn_eio_heard(session, &socket, false, BN_STR("5"));
    say(session, "4e");
    said_is(&socket, "4b ~~c 4e ");
    CHECK(!bn_eio_join(session, &poll));
    bn_eio_heard(session, &socket, false, BN_STR("4f"));
    heard_is("drained d f ");
    forget(&poll);
    forget(&socket);
    finish();
}

BN_TEST(a_poll_that_waits_when_the_socket_takes_over_is_answered)
{
    begin();
    struct peer poll = peer_new();
    struct peer socket = peer_new();
    struct bn_eio_session *session = open_polling();
    CHECK(bn_eio_join(session, &socket));
    bn_eio_heard(session, &socket, false, BN_STR("2probe"));
    bn_eio_flush(eio);
    CHECK(bn_eio_poll(session, &poll));
    bn_eio_heard(session, &socket, false, BN_STR("5"));
    said_is(&poll, "6");
    forget(&poll);
    forget(&socket);
    finish();
}

BN_TEST(a_candidate_that_says_anything_else_or_nothing_is_closed_and_the_session_polls_on)
{
    static const char *const wrong[][2] = {{"4a", NULL}, {"5", NULL}, {"3probe", NULL}, {"~", NULL},
            {"2probe", "2probe"}, {"2probe", "~"}, {"2probe", "4a"}};
    begin();
    struct bn_eio_session *session = open_polling();
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct peer socket = peer_new();
        CHECK(bn_eio_join(session, &socket));
        for (size_t k = 0; k < 2 && wrong[i][k]; k++)
            bn_eio_heard(session, &socket, wrong[i][k][0] == '~', bn_str(wrong[i][k]));
        CHECK(socket.is_closed);
        forget(&socket);
    }
    struct peer silent = peer_new();
    CHECK(bn_eio_join(session, &silent));
    pass(99);
    CHECK(!silent.is_closed);
    pass(1);
    CHECK(silent.is_closed);
    struct peer leaves = peer_new();
    CHECK(bn_eio_join(session, &leaves));
    bn_eio_socket_gone(session, &leaves);
    CHECK(bn_eio_join(session, &leaves));
    bn_eio_end(session, "app");
    CHECK(leaves.is_closed);
    heard_is("closed:app ");
    forget(&silent);
    forget(&leaves);
    finish();
}

BN_TEST_MAIN()

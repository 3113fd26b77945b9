#include "bn_test.h"
#include "wire/rfb.h"

#define GREETING "RFB 003.008\n"

/* What a screen says, and what our side says to it; the challenge is answered with sixteen 'a'. */
static struct bn_buf said;
static struct bn_rfb rfb;

static enum bn_rfb_event feed(const char *p, size_t len, size_t step, size_t *out_used)
{
    static const uint8_t answer[BN_RFB_CHALLENGE_BYTES] = "aaaaaaaaaaaaaaaa";
    enum bn_rfb_event event = BN_RFB_MORE;
    size_t used = 0;
    while (used < len && (event == BN_RFB_MORE || event == BN_RFB_CHALLENGE)) {
        const size_t n = BN_MIN(step, len - used);
        used += bn_rfb_parse(&rfb, p + used, n, &said, &event);
        if (event == BN_RFB_CHALLENGE)
            bn_rfb_answer(&rfb, answer, &said);
    }
    *out_used = used;
    return event;
}

/* The same for whole, byte by byte and every cut in two. */
static enum bn_rfb_event run(enum bn_rfb_role role, const char *p, size_t len, size_t *out_used)
{
    enum bn_rfb_event want = BN_RFB_MORE;
    for (size_t step = len; step > 0; step--) {
        BN_BUF_AUTO first = said;
        bn_buf_init(&said, 1000);
        bn_rfb_init(&rfb, role, &said);
        const enum bn_rfb_event event = feed(p, len, step, out_used);
        if (step < len) {
            CHECK_INT(event, want);
            CHECK_INT(said.len, first.len);
            CHECK_MEM(said.p, first.p, said.len);
        }
        want = event;
    }
    return want;
}

/* The texts of this file hold NULs. */
#define RUN(role, text) run(role, text, sizeof(text) - 1, &used)

static void heard(const char *text, size_t len)
{
    CHECK_INT(said.len, len);
    CHECK_MEM(said.p, text, len);
    bn_buf_finish(&said);
}

#define HEARD(text) heard(text, sizeof(text) - 1)

BN_TEST(a_screen_is_given_the_password_and_what_follows_is_not_touched)
{
    size_t used;
    CHECK_INT(RUN(BN_RFB_CLIENT, GREETING "\1\2"
                                          "0123456789abcdef"
                                          "\0\0\0\0"
                                          "rest"),
            BN_RFB_DONE);
    CHECK_INT(used, 12 + 2 + 16 + 4);
    CHECK_MEM(rfb.challenge, "0123456789abcdef", 16);
    HEARD(GREETING "\2"
                   "aaaaaaaaaaaaaaaa");
}

BN_TEST(authentication_is_chosen_wherever_it_stands_and_none_only_without_it)
{
    size_t used;
    CHECK_INT(RUN(BN_RFB_CLIENT, GREETING "\3\23\1\2"), BN_RFB_MORE);
    HEARD(GREETING "\2");
    CHECK_INT(RUN(BN_RFB_CLIENT, GREETING "\2\23\1"
                                          "\0\0\0\0"),
            BN_RFB_DONE);
    HEARD(GREETING "\1");
}

BN_TEST(a_later_version_is_answered_with_what_is_known_here)
{
    size_t used;
    CHECK_INT(RUN(BN_RFB_CLIENT, "RFB 004.001\n\1\1"), BN_RFB_MORE);
    HEARD(GREETING "\1");
    CHECK_INT(RUN(BN_RFB_CLIENT, "RFB 003.889\n"), BN_RFB_MORE);
    HEARD(GREETING);
}

static void refused(const char *p, size_t len, const char *why)
{
    size_t used;
    CHECK_INT(run(BN_RFB_CLIENT, p, len, &used), BN_RFB_BAD);
    CHECK_STR(rfb.err.text, why);
    CHECK_INT(rfb.err.code, BN_E_UPSTREAM);
    bn_buf_finish(&said);
}

#define REFUSED(text, why) refused(text, sizeof(text) - 1, why)

BN_TEST(a_screen_that_cannot_be_spoken_to_is_named)
{
    REFUSED("HTTP/1.1 400", "what answers is no VNC server");
    REFUSED("RFB 003.00x\n", "what answers is no VNC server");
    REFUSED("RFB 003.00 \n", "what answers is no VNC server");
    REFUSED("RFB 003.0080", "what answers is no VNC server");
    REFUSED("RFB 003.003\n", "the screen speaks VNC 3.3, and 3.8 is needed");
    REFUSED("RFB 003.007\n", "the screen speaks VNC 3.7, and 3.8 is needed");
    REFUSED(GREETING "\2\23\5", "the screen asks for a security type that is not known here (19)");
}

BN_TEST(a_refusal_is_told_with_its_reason)
{
    REFUSED(GREETING "\0"
                     "\0\0\0\x11"
                     "Too many failures",
            "the screen refused: Too many failures");
    REFUSED(GREETING "\1\2"
                     "0123456789abcdef"
                     "\0\0\0\1\0\0\0\x15"
                     "Authentication failed",
            "the screen refused: Authentication failed");
    REFUSED(GREETING "\0"
                     "\0\0\0\0",
            "the screen refused without saying why");
    REFUSED(GREETING "\0"
                     "\0\0\0\2\xC3\x28",
            "the screen refused without saying why");
}

BN_TEST(a_reason_without_an_end_is_cut_between_two_characters)
{
    char text[12 + 1 + 4 + BN_RFB_REASON_MAX] = GREETING;
    char want[BN_RFB_REASON_MAX + 40] = "the screen refused: ";
    memset(text + 13, 0xFF, 4);
    memset(text + 17, 'x', BN_RFB_REASON_MAX);
    memcpy(text + sizeof text - 1, "\xE2", 1);
    memset(want + strlen(want), 'x', BN_RFB_REASON_MAX - 1);
    refused(text, sizeof text, want);
    memcpy(text + sizeof text - 3, "\xE2\x82\xAC", 3); /* whole */
    memcpy(want + strlen(want) - 2, "\xE2\x82\xAC", 4);
    refused(text, sizeof text, want);
}

BN_TEST(a_browser_is_let_in_without_a_password)
{
    size_t used;
    CHECK_INT(RUN(BN_RFB_SERVER, GREETING "\1"
                                          "\1"),
            BN_RFB_DONE);
    CHECK_INT(used, 13);
    HEARD(GREETING "\1\1\0\0\0\0");
}

BN_TEST(a_browser_that_speaks_something_else_is_told_so)
{
    size_t used;
    CHECK_INT(RUN(BN_RFB_SERVER, "RFB 003.003\n"), BN_RFB_BAD);
    CHECK_STR(rfb.err.text, "this console speaks VNC 3.8");
    CHECK_INT(RUN(BN_RFB_SERVER, GREETING "\2"), BN_RFB_BAD);
    CHECK_STR(rfb.err.text, "this console offered security type 1, not 2");
    CHECK_INT(rfb.err.code, BN_E_INVALID);
    bn_buf_finish(&said);
}

BN_TEST(nothing_is_fed_when_an_answer_is_due_or_all_is_said)
{
    struct bn_rfb one;
    enum bn_rfb_event event;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 100);
    bn_rfb_init(&one, BN_RFB_SERVER, &out);
    CHECK_ABORTS(bn_rfb_answer(&one, (const uint8_t *)"0123456789abcdef", &out));
    bn_rfb_parse(&one, "HTTP/1.1 400", 12, &out, &event);
    CHECK_INT(event, BN_RFB_BAD);
    CHECK_ABORTS(bn_rfb_parse(&one, "x", 1, &out, &event));
    bn_rfb_init(&one, BN_RFB_CLIENT, &out);
    const char text[] = GREETING "\1\2"
                                 "0123456789abcdef";
    CHECK_INT(bn_rfb_parse(&one, text, sizeof text - 1, &out, &event), sizeof text - 1);
    CHECK_INT(event, BN_RFB_CHALLENGE);
    CHECK_ABORTS(bn_rfb_parse(&one, "x", 1, &out, &event));
}

BN_TEST_MAIN()

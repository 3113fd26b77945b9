#include "bn_test.h"
#include "wire/term_input.h"

struct outcome {
    struct bn_buf passed;
    bool has_acted;
    bool is_known;
};

/* How much of text is heads and typed bytes of whole messages, and no part of a head. */
static bool ends_between_heads(const char *p, size_t len)
{
    struct bn_term_input in;
    BN_BUF_AUTO out;
    bn_term_input_init(&in);
    bn_buf_init(&out, len + BN_TERM_HEAD_MAX);
    return bn_term_input_feed(&in, BN_TERM_ALL, p, len, &out) && in.got == 0;
}

static void feed(struct outcome *out, enum bn_term_mode mode, const char *text, size_t step)
{
    const size_t len = strlen(text);
    struct bn_term_input in;
    bn_term_input_init(&in);
    *out = (struct outcome){.is_known = true};
    bn_buf_init(&out->passed, len + BN_TERM_HEAD_MAX);
    for (size_t at = 0; at < len; at += step) {
        out->is_known = bn_term_input_feed(&in, mode, text + at, BN_MIN(step, len - at),
                &out->passed);
        if (out->is_known)
            CHECK(ends_between_heads(out->passed.p, out->passed.len));
    }
    CHECK(bn_buf_ok(&out->passed));
    out->has_acted = in.has_acted;
}

/* The same for whole and cut at every byte and in every step. */
static void judge(enum bn_term_mode mode, const char *text, const char *passes, bool acts,
        bool is_known)
{
    for (size_t step = strlen(text); step > 0; step--) {
        struct outcome out;
        feed(&out, mode, text, step);
        CHECK_INT(out.passed.len, strlen(passes));
        CHECK_MEM(out.passed.p, passes, out.passed.len);
        CHECK_INT(out.has_acted, acts);
        CHECK_INT(out.is_known, is_known);
        bn_buf_finish(&out.passed);
    }
}

BN_TEST(messages_pass_as_they_are_and_only_typing_is_an_act)
{
    judge(BN_TERM_ALL, "0:3:abc", "0:3:abc", true, true);
    judge(BN_TERM_ALL, "0:0:2", "0:0:2", false, true);
    judge(BN_TERM_ALL, "1:80:24:", "1:80:24:", false, true);
    judge(BN_TERM_ALL, "2", "2", false, true);
    judge(BN_TERM_ALL, "21:80:24:20:6:0:3:ab2", "21:80:24:20:6:0:3:ab2", true, true);
    judge(BN_TERM_ALL, "1:65535:65535:", "1:65535:65535:", false, true);
}

BN_TEST(a_head_that_is_not_whole_is_held_back_and_what_was_typed_is_not)
{
    judge(BN_TERM_ALL, "20:5", "2", false, true);
    judge(BN_TERM_ALL, "20", "2", false, true);
    judge(BN_TERM_ALL, "1:80:2", "", false, true);
    judge(BN_TERM_ALL, "0:999999999:abc", "0:999999999:abc", true, true);
    judge(BN_TERM_ALL, "0:3:ab", "0:3:ab", true, true);
}

BN_TEST(one_who_may_only_look_resizes_and_stays_and_types_nothing)
{
    judge(BN_TERM_LOOK, "0:3:abc", "", true, true);
    judge(BN_TERM_LOOK, "21:80:24:0:9:1:99:99:21:81:25:2", "21:80:24:1:81:25:2", true, true);
    judge(BN_TERM_LOOK, "0:0:2", "2", false, true);
    judge(BN_TERM_LOOK, "0:999999999:1:1:1:", "", true, true);
}

BN_TEST(what_is_no_message_passes_if_all_may_and_else_nothing_does_from_then_on)
{
    static const char *const wrong[] = {"3", "x:1:a", "0;1:a", "0::a", "0:a", "0:/", "0:-1:",
            "0:1234567890:", "1:80:x:", "1:80::", "1::", "1:123456:1:", "1:1:123456:", "1;", "\n"};
    char text[100];
    char passes[100];
    for (size_t i = 0; i < COUNT(wrong); i++) {
        snprintf(text, sizeof text, "20:1:a%s20:1:b", wrong[i]);
        judge(BN_TERM_ALL, text, text, true, false);
        snprintf(text, sizeof text, "21:80:24:%s20:1:b", wrong[i]);
        snprintf(passes, sizeof passes, "21:80:24:");
        judge(BN_TERM_LOOK, text, passes, false, false);
    }
}

BN_TEST_MAIN()

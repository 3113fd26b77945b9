#include "bn_test.h"
#include "wire/rfb_input.h"

/* What passed, whether somebody acted, and whether the length of all was known. */
struct outcome {
    struct bn_buf passed;
    bool has_acted;
    bool is_known;
};

static void feed(struct outcome *out, const char *p, size_t len, size_t step)
{
    struct bn_rfb_input all;
    struct bn_rfb_input look;
    bool was_known = true;
    bn_rfb_input_init(&all);
    bn_rfb_input_init(&look);
    *out = (struct outcome){.is_known = true};
    bn_buf_init(&out->passed, len + 9);
    for (size_t at = 0; at < len; at += step) {
        const size_t n = BN_MIN(step, len - at);
        out->is_known = bn_rfb_input_feed(&look, p + at, n, &out->passed);
        CHECK_INT(bn_rfb_input_feed(&all, p + at, n, NULL), out->is_known);
        CHECK(was_known || !out->is_known);
        was_known = out->is_known;
    }
    CHECK(bn_buf_ok(&out->passed));
    CHECK_INT(all.has_acted, look.has_acted);
    out->has_acted = look.has_acted;
}

/* The same for whole and cut at every byte and in every step. */
static void run(struct outcome *out, const char *p, size_t len)
{
    feed(out, p, len, len);
    for (size_t step = 1; step < len; step++) {
        struct outcome cut;
        feed(&cut, p, len, step);
        CHECK_INT(cut.passed.len, out->passed.len);
        CHECK_MEM(cut.passed.p, out->passed.p, cut.passed.len);
        CHECK_INT(cut.has_acted, out->has_acted);
        CHECK_INT(cut.is_known, out->is_known);
        bn_buf_finish(&cut.passed);
    }
}

static void judge(const char *p, size_t len, const char *passes, size_t passes_len, bool acts)
{
    struct outcome out;
    run(&out, p, len);
    CHECK(out.is_known);
    CHECK_INT(out.passed.len, passes_len);
    CHECK_MEM(out.passed.p, passes, passes_len);
    CHECK_INT(out.has_acted, acts);
    bn_buf_finish(&out.passed);
}

/* The texts of this file hold NULs. */
#define JUDGE(text, passes, acts) judge(text, sizeof(text) - 1, passes, sizeof(passes) - 1, acts)
#define BEHIND                    "\3\1\0\0\0\0\4\0\3\0" /* a request for the picture: passes */
#define FORMAT                    "\0\0\0\0\x20\x18\0\1\0\xff\0\xff\0\xff\x10\x08\0\0\0\0"

BN_TEST(what_keeps_a_picture_coming_passes_as_it_is_and_is_no_act)
{
    JUDGE("\1" FORMAT BEHIND, "\1" FORMAT BEHIND, false);
    JUDGE("\1\2\0\0\0" BEHIND, "\1\2\0\0\0" BEHIND, false); /* no encodings */
    JUDGE("\1\2\0\0\2\0\0\0\7\xff\xff\xff\x21" BEHIND, "\1\2\0\0\2\0\0\0\7\xff\xff\xff\x21" BEHIND,
            false);
    JUDGE("\1\x96\1\0\0\0\0\4\0\3\0" BEHIND, "\1\x96\1\0\0\0\0\4\0\3\0" BEHIND, false);
    JUDGE("\1\xf8\0\0\0\x80\0\0\1\3abc" BEHIND, "\1\xf8\0\0\0\x80\0\0\1\3abc" BEHIND, false);
    JUDGE("\1\xf8\0\0\0\x80\0\0\1\0" BEHIND, "\1\xf8\0\0\0\x80\0\0\1\0" BEHIND, false);
}

BN_TEST(keys_and_pointers_are_acts_and_are_dropped_whole)
{
    JUDGE("\1\4\1\0\0\0\0\0\x61" BEHIND, "\1" BEHIND, true);
    JUDGE("\1\5\0\0\1\0\2" BEHIND, "\1" BEHIND, true);
    JUDGE("\1\xff\0\0\1\0\0\0\x61\0\0\0\x1e" BEHIND, "\1" BEHIND, true);
    JUDGE("\1\4\1\0\0\0\0\0\x61"
          "\xff\0\0\1\0\0\0\x61\0\0\0\x1e" BEHIND,
            "\1" BEHIND, true);
    JUDGE("\1" BEHIND "\4\0\0\0\0\0\0\x61\5\1\0\1\0\2" BEHIND, "\1" BEHIND BEHIND, true);
}

BN_TEST(other_words_of_a_person_are_dropped_and_are_no_act_of_his)
{
    JUDGE("\1\6\0\0\0\0\0\0\5paste" BEHIND, "\1" BEHIND, false);
    JUDGE("\1\6\0\0\0\0\0\0\0" BEHIND, "\1" BEHIND, false);
    JUDGE("\1\6\0\0\0\xff\xff\xff\xfb"
          "\1\0\0\1x" BEHIND,
            "\1" BEHIND, false); /* -5 */
    JUDGE("\1\xfa\0\1\2" BEHIND, "\1" BEHIND, false);
    JUDGE("\1\xfb\0\4\0\3\0\1\0"
          "0123456789abcdef" BEHIND,
            "\1" BEHIND, false);
    JUDGE("\1\xfb\0\4\0\3\0\0\0" BEHIND, "\1" BEHIND, false);
    JUDGE("\1\xff\1\0\0" BEHIND, "\1" BEHIND, false); /* QEMU's sound: on, off, its format */
    JUDGE("\1\xff\1\0\1" BEHIND, "\1" BEHIND, false);
    JUDGE("\1\xff\1\0\2\3\2\0\0\xac\x44" BEHIND, "\1" BEHIND, false);
}

BN_TEST(bytes_of_a_dropped_message_are_never_messages)
{
    /* A clipboard that holds a key, and a key that looks like a request. */
    JUDGE("\1\6\0\0\0\0\0\0\x0a" BEHIND BEHIND, "\1" BEHIND, false);
    JUDGE("\1\4\3\3\3\3\3\3\3" BEHIND, "\1" BEHIND, true);
}

BN_TEST(one_who_may_only_look_throws_nobody_out)
{
    JUDGE("\0" BEHIND, "\1" BEHIND, false);
    JUDGE("\xff" BEHIND, "\1" BEHIND, false);
}

/* ExtendedMouseButtons (-316): a pointer whose mask has the mark is a byte longer, for a client
   that said it knows it; anybody else's eighth button is a button. */
BN_TEST(a_pointer_with_more_buttons_is_longer_only_for_who_knows_them)
{
    JUDGE("\1\2\0\0\1\xff\xff\xfe\xc4"
          "\5\x81\0\1\0\2\1" BEHIND,
            "\1\2\0\0\1\xff\xff\xfe\xc4" BEHIND, true);
    JUDGE("\1\2\0\0\2\xff\xff\xfe\xc4\0\0\0\1"
          "\5\1\0\1\0\2" BEHIND,
            "\1\2\0\0\2\xff\xff\xfe\xc4\0\0\0\1" BEHIND, true);
    JUDGE("\1\5\x81\0\1\0\2" BEHIND, "\1" BEHIND, true);
    /* Said and taken back, and the same bytes at another place of the list. */
    JUDGE("\1\2\0\0\1\xff\xff\xfe\xc4"
          "\2\0\0\1\0\0\0\1"
          "\5\x81\0\1\0\2" BEHIND,
            "\1\2\0\0\1\xff\xff\xfe\xc4"
            "\2\0\0\1\0\0\0\1" BEHIND,
            true);
    JUDGE("\1\2\0\0\2\0\xff\xff\xfe\xc4\0\0\0"
          "\5\x81\0\1\0\2" BEHIND,
            "\1\2\0\0\2\0\xff\xff\xfe\xc4\0\0\0" BEHIND, true);
}

BN_TEST(a_type_that_is_not_known_ends_what_is_known)
{
    static const char *const unknown[] = {"\1\1", "\1\7", "\1\x7f", "\1\xf9", "\1\xfc", "\1\xfe"};
    static const char *const strange[] = {"\1\xff\2zz", "\1\xff\1\1\1", "\1\xff\1zz"};
    struct outcome out;
    for (size_t i = 0; i < COUNT(unknown); i++) {
        run(&out, unknown[i], 2);
        CHECK(!out.is_known);
        CHECK_INT(out.passed.len, 1);
        bn_buf_finish(&out.passed);
    }
    for (size_t i = 0; i < COUNT(strange); i++) {
        run(&out, strange[i], 5);
        CHECK(!out.is_known);
        CHECK_INT(out.passed.len, 1);
        bn_buf_finish(&out.passed);
    }
    run(&out, "\1" BEHIND "\1" BEHIND "\4\1\0\0\0\0\0\x61", 30);
    CHECK(!out.is_known);
    CHECK_INT(out.passed.len, 11); /* nothing behind it */
    CHECK(!out.has_acted);
    bn_buf_finish(&out.passed);
}

BN_TEST(what_claims_to_be_long_is_dropped_as_it_comes_and_nothing_is_kept)
{
    static char block[64 << 10];
    struct bn_rfb_input in;
    struct bn_buf passed;
    bn_buf_init(&passed, sizeof block + 9);
    bn_rfb_input_init(&in);
    CHECK(bn_rfb_input_feed(&in, "\1\6\0\0\0\x7f\xff\xff\xff", 9, &passed));
    for (int i = 0; i < 64; i++)
        CHECK(bn_rfb_input_feed(&in, block, sizeof block, &passed));
    CHECK_INT(passed.len, 1);
    bn_rfb_input_init(&in); /* the longest negative one */
    CHECK(bn_rfb_input_feed(&in, "\1\6\0\0\0\x80\0\0\0\1\1\1", 12, &passed));
    CHECK_INT(passed.len, 2);
    bn_buf_finish(&passed);
}

BN_TEST(an_act_is_said_once_and_cleared_by_who_asked)
{
    struct bn_rfb_input in;
    bn_rfb_input_init(&in);
    CHECK(bn_rfb_input_feed(&in, "\1\4\1\0\0\0\0\0\x61", 9, NULL));
    CHECK(in.has_acted);
    in.has_acted = false;
    CHECK(bn_rfb_input_feed(&in, BEHIND, 10, NULL));
    CHECK(!in.has_acted);
    CHECK(bn_rfb_input_feed(&in, "", 0, NULL));
}

BN_TEST_MAIN()

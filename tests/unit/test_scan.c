#include "bn_test.h"
#include "wire/scan.h"

BN_TEST(a_line_without_its_newline_is_never_read)
{
    struct bn_str text = BN_STR("one\n\ntwo\nhal");
    struct bn_str line;
    CHECK(bn_scan_line(&text, &line));
    CHECK(bn_str_is(line, "one"));
    CHECK(bn_scan_line(&text, &line));
    CHECK_INT(line.len, 0);
    CHECK(bn_scan_line(&text, &line));
    CHECK(bn_str_is(line, "two"));
    CHECK(!bn_scan_line(&text, &line));
    CHECK(!bn_scan_line(&text, &line));
    struct bn_str none = {NULL, 0};
    CHECK(!bn_scan_line(&none, &line));
}

BN_TEST(words_stand_between_blanks_and_tabs)
{
    struct bn_str line = BN_STR("  a\t\tbc  ");
    CHECK(bn_str_is(bn_scan_word(&line), "a"));
    CHECK(bn_str_is(bn_scan_word(&line), "bc"));
    CHECK_INT(bn_scan_word(&line).len, 0);
    CHECK_INT(bn_scan_word(&line).len, 0);
    struct bn_str none = {NULL, 0};
    CHECK(!bn_scan_word(&none).p);
}

BN_TEST(numbers_are_whole_words_of_digits_that_fit)
{
    struct bn_str line = BN_STR(
            "0 18446744073709551614 18446744073709551615 18446744073709551616 -1 "
            "7x 0x7 12");
    uint64_t value;
    CHECK(bn_scan_u64(&line, &value));
    CHECK(value == 0);
    CHECK(bn_scan_u64(&line, &value));
    CHECK(value == UINT64_MAX - 1);
    for (int i = 0; i < 5; i++) {
        value = 1;
        CHECK(!bn_scan_u64(&line, &value));
        CHECK(value == BN_ABSENT);
    }
    CHECK(bn_scan_u64(&line, &value));
    CHECK_INT(value, 12);
    CHECK(!bn_scan_u64(&line, &value));
}

BN_TEST(missing_numbers_of_a_row_are_absent_and_counted)
{
    struct bn_str line = BN_STR(" 5 6");
    uint64_t value[4];
    CHECK_INT(bn_scan_numbers(&line, value, 4), 2);
    CHECK_INT(value[1], 6);
    CHECK(value[2] == BN_ABSENT);
    CHECK(value[3] == BN_ABSENT);
}

static void check_label(struct bn_str from, size_t size, const char *want)
{
    char out[32];
    memset(out, 'Z', sizeof out);
    bn_scan_label(out, size, from);
    CHECK_STR(out, want);
    CHECK_INT(out[size], 'Z');
}

BN_TEST(labels_are_valid_text_whatever_the_bytes_were)
{
    check_label(BN_STR("  plain \t"), 16, "plain");
    check_label(BN_STR("a\x01\x7f\nb"), 16, "a???b");
    check_label(BN_STR("\xC3\xA9t\xC3\xA9"), 16, "\xC3\xA9t\xC3\xA9");
    check_label(BN_STR("\xC2\x9Bx"), 16, "?x");
    check_label(BN_STR("\xC2\xA0x"), 16, "\xC2\xA0x");
    check_label(BN_STR("\xFFx\xC3"), 16, "?x?");
    check_label(BN_STR("\xED\xA0\x80"), 16, "???");
    check_label(BN_STR("\xF0\x9F\x98\x80!"), 16, "\xF0\x9F\x98\x80!");
    check_label(BN_STR("a\0b"), 16, "a?b");
    check_label(BN_STR(""), 16, "");
}

BN_TEST(labels_are_cut_between_characters_and_leave_no_blank_at_the_end)
{
    check_label(BN_STR("abcdef"), 4, "abc");
    check_label(BN_STR("ab\xC3\xA9"), 4, "ab");
    check_label(BN_STR("ab\xC3\xA9"), 5, "ab\xC3\xA9");
    check_label(BN_STR("ab cd"), 4, "ab");
    check_label(BN_STR("ab"), 1, "");
    char out[1] = {'Z'};
    bn_scan_label(out, 0, BN_STR("ab"));
    CHECK_INT(out[0], 'Z');
}

BN_TEST(mount_escapes_are_undone_and_nothing_else)
{
    char out[32];
    CHECK_INT(bn_scan_unescape(BN_STR("/a\\040b\\134c\\011"), out, sizeof out), 7);
    CHECK_STR(out, "/a b\\c\t");
    bn_scan_unescape(BN_STR("\\04 \\999 \\477 \\ \\ 40 \\0/0 \\04/"), out, sizeof out);
    CHECK_STR(out, "\\04 \\999 \\477 \\ \\ 40 \\0/0 \\04/");
    bn_scan_unescape(BN_STR("\\080 \\008"), out, sizeof out);
    CHECK_STR(out, "\\080 \\008");
    out[0] = 'Z';
    CHECK_INT(bn_scan_unescape(BN_STR("abc"), out, 0), 0);
    CHECK_INT(out[0], 'Z');
    CHECK_INT(bn_scan_unescape(BN_STR("abcdef"), out, 4), 3);
    CHECK_STR(out, "abc");
}

BN_TEST_MAIN()

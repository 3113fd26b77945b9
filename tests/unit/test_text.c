#include <locale.h>
#include <math.h>

#include "base/text.h"

#include "bn_test.h"

/* A view of exactly these bytes in memory of exactly that size, so that the sanitizer sees a byte
   read too far. One at a time is enough. */
static struct bn_str tight(const char *bytes, size_t len)
{
    static char *memory;
    free(memory);
    memory = malloc(len ? len : 1);
    memcpy(memory, bytes, len);
    return (struct bn_str){memory, len};
}

static struct bn_str tight_text(const char *text)
{
    return tight(text, strlen(text));
}

BN_TEST(views_compare_whole)
{
    CHECK(bn_str_is(BN_STR("abc"), "abc"));
    CHECK(!bn_str_is(BN_STR("abc"), "ab"));
    CHECK(!bn_str_is(BN_STR("abc"), "abcd"));
    CHECK(!bn_str_is(BN_STR("abc"), "ABC"));
    CHECK(bn_str_is(bn_str(""), ""));
    CHECK(bn_str_is(bn_str(NULL), ""));
    CHECK(!bn_str_is((struct bn_str){"a\0b", 3}, "a"));
    CHECK(bn_str_is_nocase(BN_STR("Content-TYPE"), "content-type"));
    CHECK(!bn_str_is_nocase(BN_STR("content-typ"), "content-type"));
    CHECK(!bn_str_is_nocase(BN_STR("@"), "`")); /* 0x20 apart and no letters */
    CHECK(!bn_str_is_nocase(BN_STR("["), "{"));
    CHECK(bn_str_starts(BN_STR("v1.key"), "v1."));
    CHECK(bn_str_starts(BN_STR("v1."), ""));
    CHECK(bn_str_starts(bn_str(NULL), ""));
    CHECK(!bn_str_starts(BN_STR("v1"), "v1."));
}

BN_TEST(trimming_takes_blanks_and_tabs_at_both_ends_only)
{
    CHECK(bn_str_is(bn_str_trim(BN_STR(" \t a b\t ")), "a b"));
    CHECK(bn_str_is(bn_str_trim(BN_STR("\r\na\n")), "\r\na\n"));
    CHECK_INT(bn_str_trim(tight_text(" \t ")).len, 0);
    CHECK_INT(bn_str_trim(bn_str(NULL)).len, 0);
}

BN_TEST(cutting_gives_every_piece_and_ends_with_null)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {{"a,bc,d", "[a][bc][d]"}, {",", "[][]"}, {"a,", "[a][]"}, {",a", "[][a]"},
            {"", "[]"}, {"abc", "[abc]"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_str rest = tight_text(cases[i].text);
        char got[64] = "";
        size_t n = 0;
        while (rest.p) {
            struct bn_str piece = bn_str_cut(&rest, ',');
            n += (size_t)snprintf(got + n, sizeof got - n, "[%.*s]", BN_ARG(piece));
        }
        CHECK_STR(got, cases[i].want);
    }
}

BN_TEST(a_copy_fits_with_its_nul_or_not_at_all)
{
    char out[4] = "xyz";
    CHECK(bn_text_copy(out, sizeof out, tight_text("abc")));
    CHECK_STR(out, "abc");
    CHECK(!bn_text_copy(out, sizeof out, tight_text("abcd")));
    CHECK_STR(out, "");
    CHECK(bn_text_copy(out, sizeof out, bn_str(NULL)));
    CHECK_STR(out, "");
    CHECK(bn_text_copy(out, 1, BN_STR("")));
    CHECK(!bn_text_copy(out, 0, BN_STR("")));
}

BN_TEST(clipping_never_cuts_a_character)
{
    const char *text = "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x9A\xA2z"; /* a ü € ship z: 1 2 3 4 1 */
    static const size_t want[] = {0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t size = 1; size < COUNT(want); size++) {
        char *out = malloc(size);
        bn_text_clip(out, size, tight_text(text));
        CHECK_INT(strlen(out), want[size]);
        CHECK_MEM(out, text, want[size]);
        free(out);
    }
    char out[4] = "abc";
    bn_text_clip(out, 0, BN_STR("x"));
    CHECK_STR(out, "abc");
    bn_text_clip(out, sizeof out, (struct bn_str){"\x80\x80\x80\x80\x80\x80", 6});
    CHECK_INT(strlen(out), 0);
}

static void check_i64(const char *text, int64_t min, int64_t max, int64_t want)
{
    int64_t got = 77;
    if (!bn_parse_i64(tight_text(text), min, max, &got))
        fail_msg("refused %s", text);
    CHECK(got == want);
}

static void check_no_i64(const char *text, int64_t min, int64_t max)
{
    int64_t got = 77;
    if (bn_parse_i64(tight_text(text), min, max, &got))
        fail_msg("accepted %s", text);
    CHECK_INT(got, 77);
}

BN_TEST(whole_numbers_are_read_strictly)
{
    check_i64("0", INT64_MIN, INT64_MAX, 0);
    check_i64("-0", INT64_MIN, INT64_MAX, 0);
    check_i64("007", INT64_MIN, INT64_MAX, 7);
    check_i64("9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX);
    check_i64("-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN);
    check_i64("65535", 1, 65535, 65535);
    check_i64("-5", -5, 5, -5);
    check_no_i64("65536", 1, 65535);
    check_no_i64("0", 1, 65535);
    check_no_i64("-6", -5, 5);
    static const char *const wrong[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "--1",
            "1-", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "a", "1a",
            "\xD9\xA1"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        check_no_i64(wrong[i], INT64_MIN, INT64_MAX);
    int64_t got = 77;
    CHECK(!bn_parse_i64((struct bn_str){"1\0", 2}, 0, 9, &got));
    CHECK(!bn_parse_i64(bn_str(NULL), 0, 9, &got));
    CHECK_INT(got, 77);
}

BN_TEST(unsigned_and_hexadecimal_numbers_are_read_strictly)
{
    uint64_t got = 77;
    CHECK(bn_parse_u64(tight_text("18446744073709551615"), &got) && got == UINT64_MAX);
    CHECK(bn_parse_hex(tight_text("fFfFffffffffffff"), &got) && got == UINT64_MAX);
    CHECK(bn_parse_hex(tight_text("0000000000000000000aB"), &got) && got == 0xAB);
    got = 77;
    static const char *const not_decimal[] = {"", "-1", "+1", "18446744073709551616",
            "184467440737095516150", " 1", "1 ", "f"};
    for (size_t i = 0; i < COUNT(not_decimal); i++)
        CHECK(!bn_parse_u64(tight_text(not_decimal[i]), &got));
    static const char *const not_hex[] = {"", "-1", "0x1", "g", "10000000000000000", " 1", "1 "};
    for (size_t i = 0; i < COUNT(not_hex); i++)
        CHECK(!bn_parse_hex(tight_text(not_hex[i]), &got));
    CHECK_INT(got, 77);
}

BN_TEST(decimal_fractions_are_read_as_the_c_library_reads_them)
{
    static const char *const right[] = {"0", "-0", "1", "-1.5", "0.1", "3.141592653589793", "1e3",
            "1E+3", "25e-1", "1e-400", "1.7976931348623157e308", "4.9e-324", "00.5",
            "123456789012345678901234567890"};
    for (size_t i = 0; i < COUNT(right); i++) {
        double got;
        CHECK(bn_parse_f64(tight_text(right[i]), &got));
        CHECK(got == strtod(right[i], NULL));
    }
    static const char *const wrong[] = {"", "-", ".", ".5", "5.", "+1", " 1", "1 ", "1e", "1e+",
            "1e400", "-1e400", "inf", "nan", "0x1p3", "1,5", "1.5.", "1.5e3.2", "--1", "1_0", "e5",
            "1f"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        double got = 77;
        if (bn_parse_f64(tight_text(wrong[i]), &got))
            fail_msg("accepted %s", wrong[i]);
        CHECK(got == 77);
    }
}

BN_TEST(a_number_of_more_than_511_bytes_is_no_number)
{
    char digits[513];
    double got = 77;
    memset(digits, '0', sizeof digits);
    CHECK(bn_parse_f64(tight(digits, 511), &got) && got == 0);
    got = 77;
    CHECK(!bn_parse_f64(tight(digits, 512), &got));
    CHECK(got == 77);
}

BN_TEST(the_locale_of_an_embedding_program_changes_nothing)
{
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    const char *set = NULL;
    for (size_t i = 0; i < COUNT(commas) && !set; i++)
        set = setlocale(LC_NUMERIC, commas[i]);
    if (!set)
        skip(); /* none of them is installed here */
    double got = 0;
    bool ok = bn_parse_f64(BN_STR("1.5"), &got);
    bool comma = bn_parse_f64(BN_STR("1,5"), &got);
    setlocale(LC_NUMERIC, "C");
    CHECK(ok && !comma && got == 1.5);
}

BN_TEST(durations_have_a_unit)
{
    static const struct {
        const char *text;
        int64_t want;
    } right[] = {{"250ms", 250}, {"30s", 30000}, {"5m", 300000}, {"2h", 7200000},
            {"14d", 1209600000}, {"0s", 0}, {"9223372036854775807ms", INT64_MAX},
            {"106751991167d", INT64_C(9223372036828800000)}};

    for (size_t i = 0; i < COUNT(right); i++) {
        int64_t got = -1;
        if (!bn_parse_duration_ms(tight_text(right[i].text), &got))
            fail_msg("refused %s", right[i].text);
        CHECK(got == right[i].want);
    }
    static const char *const wrong[] = {"", "5", "s", "ms", "-5s", "+5s", " 5s", "5 s", "5s ", "5S",
            "5w", "1.5h", "1h30m", "9223372036854775808ms", "106751991168d", "5sm", "5mms", "-s"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t got = 77;
        if (bn_parse_duration_ms(tight_text(wrong[i]), &got))
            fail_msg("accepted %s", wrong[i]);
        CHECK_INT(got, 77);
    }
}

BN_TEST(sizes_are_bytes_or_powers_of_1024)
{
    static const struct {
        const char *text;
        int64_t want;
    } right[] = {{"0", 0}, {"512", 512}, {"64K", 65536}, {"16M", 16 << 20}, {"1G", 1 << 30},
            {"8589934591G", INT64_C(8589934591) << 30}, {"9223372036854775807", INT64_MAX}};

    for (size_t i = 0; i < COUNT(right); i++) {
        int64_t got = -1;
        if (!bn_parse_size(tight_text(right[i].text), &got))
            fail_msg("refused %s", right[i].text);
        CHECK(got == right[i].want);
    }
    static const char *const wrong[] = {"", "K", "-1", "-1K", "1k", "1KB", "1 K", "1T", "1.5G",
            "8589934592G", "9223372036854775808", "+1", " 1"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t got = 77;
        if (bn_parse_size(tight_text(wrong[i]), &got))
            fail_msg("accepted %s", wrong[i]);
        CHECK_INT(got, 77);
    }
}

/* The definition, written the slow way: decode, then ask whether encoding gives the same bytes. */
static size_t reference_encode(uint32_t code, unsigned char out[4])
{
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (unsigned char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (unsigned char)((0xF00 >> n) | code);
    return n;
}

BN_TEST(every_code_point_is_read_back_and_surrogates_are_not)
{
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        unsigned char bytes[4];
        uint32_t got;
        size_t n = reference_encode(code, bytes);
        bool surrogate = code >= 0xD800 && code < 0xE000;
        size_t took = bn_utf8_next((char *)bytes, n, &got);
        bool valid = bn_utf8_is_valid((char *)bytes, n);
        if (surrogate ? got != BN_UTF8_BAD || valid
                      : got != code || took != n || valid != (code != 0))
            fail_msg("U+%04X: read %x of %zu bytes", code, got, took);
    }
}

BN_TEST(ill_formed_utf8_is_refused)
{
    static const char *const wrong[] = {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41",
            "\xE0\x80\x80", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF",
            "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x9A", "\xF4\x90\x80\x80",
            "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xE2\x28\xA1", "\xF0\x28\x8C\xBC", "abc\x80",
            "\xC3\xBC\xC3"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct bn_str text = tight_text(wrong[i]);
        CHECK(!bn_utf8_is_valid(text.p, text.len));
    }
    CHECK(!bn_utf8_is_valid("\0", 1));
    CHECK(bn_utf8_is_valid("", 0));
    CHECK(bn_utf8_is_valid("\xEF\xBF\xBF", 3)); /* a noncharacter is a code point like another */
}

/* Unicode 15 table 3-11 and its neighbours: one U+FFFD per maximal subpart. */
BN_TEST(ill_formed_bytes_are_taken_by_maximal_subparts)
{
    static const struct {
        const char *bytes;
        const char *lengths;
    } cases[] = {{"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "21321"},
            {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "111111111"},
            {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "111111111"},
            {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "111111111"}, {"\xF0\x9F\x9A", "3"},
            {"\xF0\x9F", "2"}, {"\xE2\x82", "2"}, {"\xC3", "1"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_str text = tight_text(cases[i].bytes);
        char got[16] = "";
        size_t n = 0;
        while (text.len > 0) {
            uint32_t code;
            size_t took = bn_utf8_next(text.p, text.len, &code);
            CHECK(took >= 1 && took <= text.len);
            got[n++] = (char)('0' + took);
            text.p += took;
            text.len -= took;
        }
        CHECK_STR(got, cases[i].lengths);
    }
}

BN_TEST(the_fast_way_over_ascii_sees_every_bad_byte_at_every_place)
{
    for (size_t len = 1; len <= 40; len++) {
        for (size_t at = 0; at < len; at++) {
            char bytes[40];
            memset(bytes, 'a', sizeof bytes);
            bytes[at] = 0;
            CHECK(!bn_utf8_is_valid(tight(bytes, len).p, len));
            bytes[at] = (char)0x80;
            CHECK(!bn_utf8_is_valid(tight(bytes, len).p, len));
            bytes[at] = 1;
            CHECK(bn_utf8_is_valid(tight(bytes, len).p, len));
            bytes[at] = 0x7F;
            CHECK(bn_utf8_is_valid(tight(bytes, len).p, len));
        }
    }
}

BN_TEST(base64url_has_the_vectors_of_rfc_4648_without_padding)
{
    static const char *const cases[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
            {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
            {"\xFB\xEF\xFF", "--__"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i][0]);
        char *text = malloc(bn_b64url_size(len));
        char back[8];
        size_t back_len;
        bn_b64url_encode(tight(cases[i][0], len).p, len, text);
        CHECK_STR(text, cases[i][1]);
        CHECK_INT(bn_b64url_size(len), strlen(text) + 1);
        free(text);
        CHECK(bn_b64url_decode(tight_text(cases[i][1]), back, len, &back_len));
        CHECK_INT(back_len, len);
        CHECK_MEM(back, cases[i][0], len);
    }
}

BN_TEST(base64url_comes_back_for_every_length_and_byte)
{
    unsigned char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 167 + 3);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        char text[400];
        unsigned char back[256];
        size_t back_len;
        bn_b64url_encode(bytes, len, text);
        CHECK(bn_b64url_decode(bn_str(text), back, sizeof back, &back_len));
        CHECK_INT(back_len, len);
        CHECK_MEM(back, bytes, len);
        if (len > 0)
            CHECK(!bn_b64url_decode(bn_str(text), back, len - 1, &back_len));
    }
}

BN_TEST(base64url_has_one_spelling)
{
    static const char *const wrong[] = {"A", "AAAAA", "Zg==", "Zg=", "Zh", "Zm9=", "Zm9", "Zm+v",
            "Zm/v", "Zm 9", "Zm9v\n", "Z\xC3\xBCg", "*AAA"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char out[8] = "before";
        size_t len = 77;
        if (bn_b64url_decode(tight_text(wrong[i]), out, sizeof out, &len))
            fail_msg("accepted %s", wrong[i]);
        CHECK_STR(out, "before");
        CHECK_INT(len, 77);
    }
    char out[8];
    size_t len;
    CHECK(!bn_b64url_decode((struct bn_str){"AA\0A", 4}, out, sizeof out, &len));
    CHECK(bn_b64url_decode(bn_str(NULL), out, 0, &len) && len == 0);
}

BN_TEST_MAIN()

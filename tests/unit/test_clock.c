#include <time.h>

#include "base/clock.h"

#include "bn_test.h"

static void check_text(int64_t wall_ms, const char *want)
{
    char text[BN_TIME_TEXT_SIZE];
    bn_time_text(wall_ms, text);
    CHECK_STR(text, want);
}

static bool parse(const char *text, int64_t *out)
{
    /* A copy of exactly this size, so that the sanitizer sees a byte read too far. */
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    bool ok = bn_time_parse(copy, len, out);
    free(copy);
    return ok;
}

static void check_parse(const char *text, int64_t want)
{
    int64_t got = -1;
    if (!parse(text, &got))
        fail_msg("refused %s", text);
    CHECK_INT(got, want);
}

static void check_refused(const char *text)
{
    int64_t got = 77;
    if (parse(text, &got))
        fail_msg("accepted %s", text);
    CHECK_INT(got, 77);
}

BN_TEST(known_moments_have_their_text)
{
    check_text(0, "1970-01-01T00:00:00.000Z");
    check_text(-1, "1969-12-31T23:59:59.999Z");
    check_text(1, "1970-01-01T00:00:00.001Z");
    check_text(951782400000, "2000-02-29T00:00:00.000Z");
    check_text(1795204624112, "2026-11-20T19:57:04.112Z");
    check_text(4107542399999, "2100-02-28T23:59:59.999Z");
    check_text(4107542400000, "2100-03-01T00:00:00.000Z");
    check_text(-2203891200001, "1900-02-28T23:59:59.999Z");
    check_text(-2203891200000, "1900-03-01T00:00:00.000Z");
}

BN_TEST(years_beyond_four_digits_are_clamped)
{
    check_text(253402300799999, "9999-12-31T23:59:59.999Z");
    check_text(253402300800000, "9999-12-31T23:59:59.999Z");
    check_text(INT64_MAX, "9999-12-31T23:59:59.999Z");
    check_text(-62167219200000, "0000-01-01T00:00:00.000Z");
    check_text(-62167219200001, "0000-01-01T00:00:00.000Z");
    check_text(INT64_MIN, "0000-01-01T00:00:00.000Z");
}

/* Every day of 0000..9999 against the C library: 3.6 million days, one in 7 to stay quick. */
BN_TEST(every_week_of_ten_thousand_years_agrees_with_the_c_library)
{
    for (int64_t day = -719528; day <= 2932896; day += 7) {
        time_t seconds = (time_t)(day * 86400 + 45296); /* 12:34:56 */
        struct tm tm;
        char want[64];
        char got[BN_TIME_TEXT_SIZE];
        int64_t back;
        CHECK(gmtime_r(&seconds, &tm) != NULL);
        snprintf(want, sizeof want, "%04d-%02d-%02dT12:34:56.789Z", tm.tm_year + 1900,
                tm.tm_mon + 1, tm.tm_mday);
        bn_time_text((int64_t)seconds * 1000 + 789, got);
        if (strcmp(got, want) != 0)
            fail_msg("got %s, want %s", got, want);
        CHECK(bn_time_parse(got, strlen(got), &back));
        CHECK(back == (int64_t)seconds * 1000 + 789);
    }
}

BN_TEST(rfc3339_is_read_with_and_without_fraction)
{
    check_parse("1970-01-01T00:00:00Z", 0);
    check_parse("2026-11-20T19:57:04Z", 1795204624000);
    check_parse("2026-11-20T19:57:04.112Z", 1795204624112);
    check_parse("2026-11-20T19:57:04.1Z", 1795204624100);
    check_parse("2026-11-20T19:57:04.11Z", 1795204624110);
    check_parse("2026-11-20T19:57:04.112999999999Z", 1795204624112);
    check_parse("2026-11-20t19:57:04z", 1795204624000);
    check_parse("1969-12-31T23:59:59.999Z", -1);
}

BN_TEST(offsets_are_taken_off)
{
    check_parse("2026-11-20T20:57:04+01:00", 1795204624000);
    check_parse("2026-11-20T14:27:04.112-05:30", 1795204624112);
    check_parse("2026-11-20T19:57:04-00:00", 1795204624000);
    check_parse("0000-01-01T00:00:00+23:59", -62167219200000 - 86340000);
}

BN_TEST(a_leap_second_is_the_second_after_it)
{
    check_parse("2016-12-31T23:59:60Z", 1483228800000);
    check_parse("2016-12-31T18:59:60-05:00", 1483228800000);
    check_refused("2016-12-31T23:58:60Z");
    check_refused("2016-12-31T23:59:61Z");
}

BN_TEST(days_that_do_not_exist_are_refused)
{
    check_parse("2024-02-29T00:00:00Z", 1709164800000);
    check_refused("2023-02-29T00:00:00Z");
    check_refused("2100-02-29T00:00:00Z");
    check_refused("2026-04-31T00:00:00Z");
    check_refused("2026-00-01T00:00:00Z");
    check_refused("2026-13-01T00:00:00Z");
    check_refused("2026-01-00T00:00:00Z");
    check_refused("2026-01-32T00:00:00Z");
}

BN_TEST(anything_that_is_not_rfc3339_is_refused)
{
    static const char *const wrong[] = {"", "2026-11-20", "2026-11-20T19:57:04",
            "2026-11-20 19:57:04Z", "2026-11-20T24:00:00Z", "2026-11-20T19:60:00Z",
            "2026-11-20T19:57:04.Z", "2026-11-20T19:57:04.1", "2026-11-20T19:57:04ZZ",
            "2026-11-20T19:57:04Z ", " 2026-11-20T19:57:04Z", "2026-11-20T19:57:04+0100",
            "2026-11-20T19:57:04+24:00", "2026-11-20T19:57:04+01:60", "2026-11-20T19:57:04+1:00",
            "2026/11/20T19:57:04Z", "2026-11/20T19:57:04Z", "2026-11-20T19:57.04Z",
            "2026-11-20Taa:57:04Z", "2026-11-20T19:aa:04Z", "2026-11-20T19:57:04+01.00",
            "2026-11-20T19:57:04*01:00", "2026-11-20T19:57:04+01:aa", "2026-11-20T19.57.04Z",
            "+026-11-20T19:57:04Z", "2026-1a-20T19:57:04Z", "-026-11-20T19:57:04Z",
            "20261-11-20T19:57:04Z", "2026-11-20T19:57:04,5Z", "2026-11-20T19:57:0aZ",
            "2026-11-20T19:57:04.1x", "2026-11-20T19:57:04+aa:00"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        check_refused(wrong[i]);
}

BN_TEST(a_moment_cut_short_at_any_byte_is_refused)
{
    const char whole[] = "2026-11-20T19:57:04.112+01:00";
    char cut[sizeof whole];
    check_parse(whole, 1795204624112 - 3600000);
    for (size_t n = 0; n < strlen(whole); n++) {
        memcpy(cut, whole, n);
        cut[n] = 0;
        check_refused(cut);
    }
}

BN_TEST(the_clock_reads_the_kernel_and_monotonic_time_does_not_go_back)
{
    struct bn_clock a;
    struct bn_clock b;
    bn_clock_read(&a);
    int64_t ns = bn_clock_mono_ns();
    bn_clock_read(&b);
    CHECK(a.now_ms > 1577836800000); /* 2020 */
    CHECK(a.now_ms / 1000 - (int64_t)time(NULL) <= 0);
    CHECK(a.mono_ms <= ns / 1000000);
    CHECK(ns / 1000000 <= b.mono_ms);
    CHECK(bn_clock_mono_ns() >= ns);
}

BN_TEST_MAIN()

#include "base/secret.h"

#include "bn_test.h"
#include "web/throttle.h"

static struct bn_throttle_answer try_at(struct bn_throttle *throttle, const char *name, int64_t ms)
{
    return bn_throttle_try(throttle, bn_str(name), ms);
}

BN_TEST(five_tries_are_free_then_the_wait_doubles_to_fifteen_minutes)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    int64_t now = 1000;
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "owner", now).may_try);
    int64_t want = 1000;
    for (int i = 0; i < 14; i++) {
        struct bn_throttle_answer answer = try_at(throttle, "owner", now);
        CHECK(!answer.may_try);
        CHECK_INT(answer.wait_ms, want);
        CHECK(!try_at(throttle, "owner", now + want - 1).may_try);
        now += want;
        CHECK(try_at(throttle, "owner", now).may_try);
        want = BN_MIN(want * 2, 15 * 60 * 1000);
    }
    CHECK_INT(want, 15 * 60 * 1000);
    bn_throttle_destroy(throttle);
}

BN_TEST(asking_early_does_not_lengthen_the_wait)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "owner", 0).may_try);
    for (int ms = 0; ms < 1000; ms += 10)
        CHECK_INT(try_at(throttle, "owner", ms).wait_ms, 1000 - ms);
    CHECK(try_at(throttle, "owner", 1000).may_try);
    bn_throttle_destroy(throttle);
}

BN_TEST(only_the_first_refusal_after_a_try_is_news)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    for (int i = 0; i < 5; i++)
        CHECK(!try_at(throttle, "owner", 0).is_first_refusal);
    CHECK(try_at(throttle, "owner", 1).is_first_refusal);
    CHECK(!try_at(throttle, "owner", 2).is_first_refusal);
    CHECK(try_at(throttle, "owner", 1000).may_try);
    CHECK(try_at(throttle, "owner", 1001).is_first_refusal);
    bn_throttle_destroy(throttle);
}

BN_TEST(a_try_given_back_was_none_and_there_are_never_fewer_than_none)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    bn_throttle_refund(throttle, BN_STR("owner")); /* unknown */
    for (int i = 0; i < 3; i++) {
        CHECK(try_at(throttle, "owner", 0).may_try);
        bn_throttle_refund(throttle, BN_STR("owner"));
    }
    bn_throttle_refund(throttle, BN_STR("owner")); /* nothing left to give back */
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "owner", 0).may_try);
    CHECK(!try_at(throttle, "owner", 0).may_try);
    bn_throttle_destroy(throttle);
    bn_throttle_destroy(NULL);
}

BN_TEST(names_are_apart_and_case_is_not)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, i % 2 ? "OWNER" : "owner", 0).may_try);
    CHECK(!try_at(throttle, "Owner", 0).may_try);
    CHECK(try_at(throttle, "other", 0).may_try);
    bn_throttle_destroy(throttle);
}

BN_TEST(success_starts_a_name_anew)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "owner", 0).may_try);
    bn_throttle_forget(throttle, BN_STR("Owner"));
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "owner", 0).may_try);
    CHECK(!try_at(throttle, "owner", 0).may_try);
    bn_throttle_forget(throttle, BN_STR("nobody"));
    bn_throttle_destroy(throttle);
}

BN_TEST(a_success_between_failures_does_not_hide_them)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    int failures = 0;
    for (int i = 0; i < 20; i++) { /* one's own password after each guess of another's */
        if (try_at(throttle, "192.0.2.1", 0).may_try)
            failures++;
        if (try_at(throttle, "192.0.2.1", 0).may_try)
            bn_throttle_refund(throttle, BN_STR("192.0.2.1"));
    }
    CHECK_INT(failures, 5);
    bn_throttle_destroy(throttle);
}

BN_TEST(tries_are_forgiven_with_time)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    const int64_t step = bn_throttle_login.forget_ms;
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "owner", 0).may_try);
    CHECK(try_at(throttle, "owner", 2 * step).may_try); /* two of five forgiven: 4 */
    CHECK(try_at(throttle, "owner", 2 * step).may_try); /* 5 */
    CHECK(!try_at(throttle, "owner", 2 * step).may_try);
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "owner", 20 * step).may_try);
    bn_throttle_destroy(throttle);
}

BN_TEST(the_set_up_code_has_five_tries_then_one_a_minute)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_setup);
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "::1", 0).may_try);
    CHECK_INT(try_at(throttle, "::1", 0).wait_ms, 60000);
    CHECK(try_at(throttle, "::1", 60000).may_try);
    CHECK_INT(try_at(throttle, "::1", 60000).wait_ms, 60000);
    bn_throttle_destroy(throttle);
}

BN_TEST(memory_is_bounded_and_the_oldest_name_goes_first)
{
    struct bn_throttle *throttle = bn_throttle_create(&bn_throttle_login);
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "busy", 0).may_try);
    for (int i = 0; i < 5; i++)
        CHECK(try_at(throttle, "quiet", 0).may_try);
    for (int i = 0; i < 3 * BN_THROTTLE_ENTRIES; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%d", i);
        CHECK(try_at(throttle, name, 1).may_try);
        CHECK(!try_at(throttle, "busy", 1).may_try); /* asked for all the time: stays */
    }
    CHECK(try_at(throttle, "quiet", 1).may_try); /* forgotten */
    bn_throttle_destroy(throttle);
}

BN_TEST(waits_are_said_in_words_that_are_enough)
{
    static const struct {
        int64_t ms;
        const char *text;
        int64_t s;
    } rows[] = {{1, "1 s", 1}, {1000, "1 s", 1}, {1001, "2 s", 2}, {8000, "8 s", 8},
            {119000, "119 s", 119}, {119001, "2 min", 120}, {120001, "3 min", 121},
            {900000, "15 min", 900}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[BN_WAIT_TEXT_SIZE];
        bn_throttle_wait_text(rows[i].ms, text);
        CHECK_STR(text, rows[i].text);
        CHECK_INT(bn_throttle_wait_s(rows[i].ms), rows[i].s);
    }
}

BN_TEST_MAIN()

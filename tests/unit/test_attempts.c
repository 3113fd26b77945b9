#include "bn_test.h"
#include "live/attempts.h"

static struct bn_attempts attempts;
static int64_t now;

static void fresh(void)
{
    bn_attempts_init(&attempts);
    now = 1700000000000;
}

static void add(int64_t ms, int times)
{
    while (times-- > 0)
        bn_attempts_add(&attempts, now += 10000, ms);
}

static struct bn_attempt_figures figures(void)
{
    struct bn_attempt_figures out;
    bn_attempts_figure(&attempts, &out);
    return out;
}

BN_TEST(without_attempts_nothing_is_known)
{
    fresh();
    CHECK(isnan(figures().success_rate_pct));
    CHECK(isnan(figures().flap_pct));
    CHECK_INT(figures().avg_ms, BN_NO_FIGURE);
    CHECK_INT(figures().learned_timeout_ms, BN_NO_FIGURE);
    CHECK_INT(bn_attempts_timeout_ms(&attempts, 10000), 10000);
    add(-1, 3);
    CHECK_NEAR(figures().success_rate_pct, 0, 0);
    CHECK_INT(figures().avg_ms, BN_NO_FIGURE);
}

BN_TEST(means_and_ranks_are_of_successes_alone)
{
    fresh();
    for (int i = 1; i <= 20; i++)
        add(100 * i, 1);
    add(-1, 10);
    CHECK_INT(figures().total, 30);
    CHECK_INT(figures().successes, 20);
    CHECK_NEAR(figures().success_rate_pct, 66.67, 1e-9);
    CHECK_INT(figures().avg_ms, 1050);
    CHECK_INT(figures().p95_ms, 1900); /* the 19th of 20 */
    fresh();
    add(7, 1);
    CHECK_INT(figures().p95_ms, 7);
    CHECK_INT(figures().avg_ms, 7);
    add(0, 1); /* 0 ms is a time, not a missing one */
    CHECK_INT(figures().avg_ms, 4);
}

BN_TEST(only_the_last_hundred_count)
{
    fresh();
    add(-1, 50);
    add(200, 100);
    CHECK_INT(figures().total, 100);
    CHECK_NEAR(figures().success_rate_pct, 100, 0);
    add(-1, 1);
    CHECK_NEAR(figures().success_rate_pct, 99, 0);
}

BN_TEST(a_time_limit_is_learned_from_ten_successes_on_within_5_and_120_seconds)
{
    fresh();
    add(6000, 9);
    CHECK_INT(figures().learned_timeout_ms, BN_NO_FIGURE);
    add(6000, 1);
    CHECK_INT(figures().learned_timeout_ms, 9000);
    fresh();
    add(10, 10);
    CHECK_INT(figures().learned_timeout_ms, 5000);
    fresh();
    add(100000, 10);
    CHECK_INT(figures().learned_timeout_ms, 120000);
}

BN_TEST(it_is_used_while_more_than_80_percent_succeed)
{
    fresh();
    add(8000, 40);
    CHECK_INT(bn_attempts_timeout_ms(&attempts, 30000), 12000);
    add(-1, 9);
    CHECK_INT(bn_attempts_timeout_ms(&attempts, 30000), 12000); /* 81.63 % */
    add(-1, 1);
    CHECK_INT(bn_attempts_timeout_ms(&attempts, 30000), 30000); /* 80 % */
}

BN_TEST(a_server_that_flips_is_flapping_until_it_was_calm_for_ten_minutes)
{
    fresh();
    add(10, 20);
    CHECK(isnan(figures().flap_pct));
    add(10, 1);
    CHECK_NEAR(figures().flap_pct, 0, 0);
    add(-1, 1);
    add(10, 1);
    add(-1, 1);
    CHECK(!attempts.is_flapping);
    CHECK(figures().flap_pct > 15 && figures().flap_pct < 20);
    add(10, 1);
    CHECK(attempts.is_flapping);
    CHECK(figures().flap_pct > 20);
    add(10, 20); /* the changes have left the window */
    CHECK_NEAR(figures().flap_pct, 0, 0);
    CHECK(attempts.is_flapping);
    add(10, 60);
    CHECK(!attempts.is_flapping);
}

BN_TEST(a_server_that_is_down_is_down_and_does_not_flap)
{
    fresh();
    add(10, 30);
    add(-1, 30);
    CHECK(!attempts.is_flapping);
}

BN_TEST(failures_fewer_than_it_waits_for_are_no_change)
{
    fresh();
    attempts.fail_after = 3;
    add(10, 20);
    for (int i = 0; i < 10; i++) {
        add(-1, 2);
        CHECK_INT(attempts.failed_in_row, 2);
        add(10, 1);
        CHECK_INT(attempts.failed_in_row, 0);
    }
    CHECK(!attempts.is_flapping);
    CHECK_NEAR(figures().flap_pct, 0, 0);
    add(-1, 3);
    CHECK_NEAR(figures().flap_pct, 6.0, 1e-9);
    CHECK_NEAR(figures().success_rate_pct, 100 * 30.0 / 53, 0.01); /* nothing is hidden */
}

BN_TEST(recent_changes_weigh_more_than_old_ones)
{
    fresh();
    add(-1, 1);
    add(10, 20);
    const double oldest = figures().flap_pct;
    fresh();
    add(10, 20);
    add(-1, 1);
    CHECK_NEAR(oldest, 4.0, 1e-9);
    CHECK_NEAR(figures().flap_pct, 6.0, 1e-9);
}

BN_TEST_MAIN()

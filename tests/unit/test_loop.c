#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "bn_test.h"
#include "io/loop.h"
#include "io/worker.h"

#define WAIT_MS 2000 /* at most; what is awaited comes long before */

static int count_a;
static int count_b;

static void bump(void *user)
{
    (*(int *)user)++;
}

static void bump_b_now(void *user)
{
    (void)user;
    CHECK_INT(count_a, 1); /* the turn came first */
    count_b++;
}

static bool turn_reaps(void *user)
{
    count_a++;
    bn_loop_reap(user, bump_b_now, NULL);
    CHECK_INT(count_b, 0);
    return false;
}

BN_TEST(what_is_reaped_dies_after_the_turn_and_before_the_next)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = count_b = 0;
    bn_loop_round(loop, 0, turn_reaps, loop);
    CHECK_INT(count_b, 1);
    bn_loop_destroy(loop);
}

BN_TEST(a_timer_comes_once_or_again_and_again_until_it_is_stopped)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = count_b = 0;
    struct bn_timer *once = bn_timer_create(loop, bump, &count_a);
    struct bn_timer *often = bn_timer_create(loop, bump, &count_b);
    bn_timer_start(once, 1, 0);
    bn_timer_start(often, 1, 1);
    int64_t begun_ms = clock.mono_ms;
    while (count_b < 5 && clock.mono_ms - begun_ms < WAIT_MS)
        bn_loop_round(loop, 10, NULL, NULL);
    CHECK_INT(count_a, 1);
    CHECK(count_b >= 5);
    bn_timer_stop(often);
    int before = count_b;
    for (int i = 0; i < 5; i++)
        bn_loop_round(loop, 2, NULL, NULL);
    CHECK_INT(count_b, before);
    bn_timer_destroy(once);
    bn_timer_destroy(often);
    bn_loop_destroy(loop);
}

static void *wake_later(void *loop)
{
    bn_loop_wake(loop);
    return NULL;
}

static bool turn_stops(void *user)
{
    bn_loop_stop(user);
    return false;
}

static int64_t late_ms;

static void see_time(void *user)
{
    const struct bn_clock *clock = user;
    struct bn_clock now;
    bn_clock_read(&now);
    late_ms = now.mono_ms - clock->mono_ms;
    count_a++;
}

BN_TEST(a_call_sees_the_time_after_the_wait_not_before_it)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = 0;
    struct bn_timer *timer = bn_timer_create(loop, see_time, &clock);
    bn_timer_start(timer, 100, 0);
    while (!count_a)
        bn_loop_round(loop, -1, NULL, NULL);
    CHECK(late_ms < 50); /* it was 100 before the wait was over */
    bn_timer_destroy(timer);
    bn_loop_round(loop, 0, NULL, NULL);
    bn_loop_destroy(loop);
}

BN_TEST(another_thread_wakes_the_loop)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    pthread_t thread;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    pthread_create(&thread, NULL, wake_later, loop);
    bn_loop_run(loop, turn_stops, loop); /* without the wake-up this would wait for ever */
    pthread_join(thread, NULL);
    bn_loop_destroy(loop);
}

BN_TEST(a_signal_is_a_turn_like_any_other)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = 0;
    bn_loop_on_signal(loop, SIGUSR1, bump, &count_a);
    kill(getpid(), SIGUSR1);
    int64_t begun_ms = clock.mono_ms;
    while (!count_a && clock.mono_ms - begun_ms < WAIT_MS)
        bn_loop_round(loop, 10, NULL, NULL);
    CHECK_INT(count_a, 1);
    bn_loop_destroy(loop);
}

static int turns_left;

static bool turn_hurries(void *user)
{
    (void)user;
    return --turns_left > 0;
}

BN_TEST(a_turn_that_left_something_is_followed_by_one_that_does_not_wait)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_loop_stats stats;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    turns_left = 50;
    int64_t begun_ns = bn_clock_mono_ns();
    bn_loop_round(loop, 0, turn_hurries, NULL);
    while (turns_left > 0)
        bn_loop_round(loop, 10000, turn_hurries, NULL);
    CHECK(bn_clock_mono_ns() - begun_ns < 2000000000);
    bn_loop_get_stats(loop, &stats);
    CHECK_INT(stats.turns, 50);
    bn_loop_destroy(loop);
}

BN_TEST_MAIN()

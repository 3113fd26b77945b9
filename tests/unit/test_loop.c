#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
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

BN_TEST(without_descriptors_there_is_no_loop_and_a_sentence)
{
    struct bn_clock clock;
    struct bn_loop *loop = NULL;
    struct bn_err err;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, limit.rlim_max});
    bool made = bn_loop_create(&loop, &clock, &err);
    setrlimit(RLIMIT_NOFILE, &limit);
    CHECK(!made);
    CHECK_STR(err.text, "event loop: too many open files");
    bn_loop_destroy(NULL);
    bn_timer_destroy(NULL);
}

BN_TEST(what_was_left_open_is_named_when_the_loop_is_taken_down)
{
    int out[2];
    char text[400] = "";
    CHECK_INT(pipe(out), 0);
    pid_t child = fork();
    if (child == 0) {
        struct bn_clock clock;
        struct bn_loop *loop;
        dup2(out[1], 2);
        if (!bn_loop_create(&loop, &clock, NULL))
            _exit(1);
        bn_timer_create(loop, bump, &count_a);
        bn_loop_destroy(loop);
        _exit(0);
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(out[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)n;
    close(out[0]);
    waitpid(child, NULL, 0);
    assert_non_null(strstr(text, "timer"));
}

BN_TEST(what_waits_to_be_reaped_can_be_reaped_at_once_and_with_the_loop)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = 0;
    bn_loop_reap(loop, bump, &count_a);
    bn_loop_reap_now(loop);
    CHECK_INT(count_a, 1);
    bn_loop_reap(loop, bump, &count_a);
    bn_loop_destroy(loop);
    CHECK_INT(count_a, 2);
}

BN_TEST(a_round_that_waits_for_ever_ends_with_the_first_thing_that_happens)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    bn_loop_wake(loop);
    bn_loop_round(loop, -1, NULL, NULL);
    CHECK(strncmp(bn_loop_library(), "1.", 2) == 0);
    bn_loop_destroy(loop);
}

/* --- the lag ------------------------------------------------------------------------------------
 */

#define BUSY_MS 60

static void work(void *user)
{
    int64_t until_ns = bn_clock_mono_ns() + BUSY_MS * INT64_C(1000000);
    while (bn_clock_mono_ns() < until_ns)
        ;
    bump(user);
}

static bool turn_works(void *user)
{
    work(user);
    return false;
}

static void turn_works_later(void *user)
{
    turn_works(user);
}

static double lag_of(struct bn_loop *loop)
{
    struct bn_loop_stats stats;
    bn_loop_round(loop, 0, NULL, NULL); /* the next wait ends what is measured */
    bn_loop_get_stats(loop, &stats);
    return stats.worst_lag_ms;
}

BN_TEST(the_lag_holds_turns_reaps_timers_and_signals_and_what_waiting_took_is_none)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = 0;
    bool rested = false;
    for (int i = 0; i < 10 && !rested; i++) { /* the machine may be busy meanwhile */
        bn_loop_round(loop, 2 * BUSY_MS, NULL, NULL);
        rested = lag_of(loop) < BUSY_MS;
    }
    CHECK(rested);
    bn_loop_round(loop, 0, turn_works, &count_a);
    CHECK(lag_of(loop) >= BUSY_MS);
    bn_loop_reap(loop, turn_works_later, &count_a);
    bn_loop_round(loop, 0, NULL, NULL);
    CHECK(lag_of(loop) >= BUSY_MS);
    struct bn_timer *timer = bn_timer_create(loop, work, &count_a);
    bn_timer_start(timer, 1, 0);
    while (count_a < 3)
        bn_loop_round(loop, 100, NULL, NULL);
    CHECK(lag_of(loop) >= BUSY_MS);
    bn_loop_on_signal(loop, SIGUSR2, work, &count_a);
    kill(getpid(), SIGUSR2);
    while (count_a < 4)
        bn_loop_round(loop, 100, NULL, NULL);
    CHECK(lag_of(loop) >= BUSY_MS);
    bn_timer_destroy(timer);
    bn_loop_destroy(loop);
}

BN_TEST(two_callbacks_of_one_wait_are_one_lag)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = 0;
    struct bn_timer *first = bn_timer_create(loop, work, &count_a);
    struct bn_timer *second = bn_timer_create(loop, work, &count_a);
    bn_timer_start(first, 1, 0);
    bn_timer_start(second, 1, 0);
    while (count_a < 2)
        bn_loop_round(loop, 100, turn_works, &count_a);
    CHECK(lag_of(loop) >= 3 * BUSY_MS);
    bn_timer_destroy(first);
    bn_timer_destroy(second);
    bn_loop_destroy(loop);
}

/* Another process holds this one for a while: no callback and no turn took long. */
BN_TEST(a_process_that_was_not_let_run_shows_in_the_lag)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    count_a = 0;
    struct bn_timer *often = bn_timer_create(loop, bump, &count_a);
    bn_timer_start(often, 20, 20);
    pid_t held = getpid();
    pid_t child = fork();
    if (child == 0) {
        kill(held, SIGSTOP);
        usleep(10 * BUSY_MS * 1000);
        kill(held, SIGCONT);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, WNOHANG) == 0)
        bn_loop_round(loop, 20, NULL, NULL);
    count_a = 0;
    while (count_a < 1)
        bn_loop_round(loop, 100, NULL, NULL);
    CHECK(lag_of(loop) >= 8 * BUSY_MS);
    bn_timer_destroy(often);
    bn_loop_destroy(loop);
}

BN_TEST_MAIN()

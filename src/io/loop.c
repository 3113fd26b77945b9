#include "io/loop.h"

#include <stdlib.h>
#include <uv.h>

#include "io/stream_private.h"

#define MS_NS 1000000
#define TIMER_STEP_NS                                                           \
    2000000 /* the library counts whole milliseconds, its wait rounds up to one \
             */

struct reap {
    void (*fn)(void *user);
    void *user;
    struct reap *next;
};

struct watch_signal {
    uv_signal_t handle;
    void (*fn)(void *user);
    void *user;
    struct watch_signal *next;
};

struct bn_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t limit;      /* bounds one round of bn_loop_round */
    uv_prepare_t before;   /* each wait */
    int64_t busy_since_ns; /* since the last wait ended; 0: waiting, as far as is known */
    struct bn_clock *clock;
    struct reap *reaps;
    struct watch_signal *signals;
    struct bn_loop_stats stats;
    bool stopping;
    bool hurry; /* the last turn left something waiting */
    struct bn_list lingerers;
    char scratch[BN_SCRATCH_BYTES];
};

struct bn_timer {
    uv_timer_t handle;
    int64_t due_ns; /* monotonic */
    void (*fn)(void *user);
    void *user;
};

static void lagged(struct bn_loop *loop, int64_t lag_ns)
{
    loop->stats.worst_lag_ms = BN_MAX(loop->stats.worst_lag_ms, (double)lag_ns / 1e6);
}

static void waits_again(uv_prepare_t *handle)
{
    struct bn_loop *loop = container_of(handle, struct bn_loop, before);
    if (loop->busy_since_ns)
        lagged(loop, bn_clock_mono_ns() - loop->busy_since_ns);
    loop->busy_since_ns = 0;
}

static void woken(uv_async_t *handle)
{
    bn_loop_note_time(handle->loop); /* waking up is the whole effect */
}

static void limit_reached(uv_timer_t *handle)
{
    (void)handle;
}

static bool uv_ok(int code, const char *what, struct bn_err *err)
{
    return code == 0 || bn_fail(err, BN_E_INTERNAL, "%s: %s", what, uv_strerror(code));
}

bool bn_loop_create(struct bn_loop **out, struct bn_clock *clock, struct bn_err *err)
{
    struct bn_loop *loop = bn_alloc(sizeof *loop);
    loop->clock = clock;
    bn_list_init(&loop->lingerers);
    if (!uv_ok(uv_loop_init(&loop->uv), "event loop", err)) {
        free(loop);
        return false;
    }
    if (!uv_ok(uv_async_init(&loop->uv, &loop->wake, woken), "wake-up handle", err)) {
        uv_loop_close(&loop->uv);
        free(loop);
        return false;
    }
    uv_timer_init(&loop->uv, &loop->limit);
    uv_prepare_init(&loop->uv, &loop->before);
    uv_prepare_start(&loop->before, waits_again);
    uv_unref((uv_handle_t *)&loop->before);
    bn_clock_read(clock);
    *out = loop;
    return true;
}

static void run_reaps(struct bn_loop *loop)
{
    while (loop->reaps) {
        struct reap *reap = loop->reaps;
        loop->reaps = reap->next;
        reap->fn(reap->user);
        free(reap);
    }
}

void bn_loop_destroy(struct bn_loop *loop)
{
    if (!loop)
        return;
    for (struct watch_signal *s = loop->signals; s; s = s->next)
        uv_close((uv_handle_t *)&s->handle, NULL);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->limit, NULL);
    uv_close((uv_handle_t *)&loop->before, NULL);
    run_reaps(loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* lets the close callbacks run */
    run_reaps(loop);
    int left = uv_loop_close(&loop->uv);
    if (left != 0)
        uv_print_all_handles(&loop->uv, stderr); /* something was not closed: a leak to be found */
    while (loop->signals) {
        struct watch_signal *s = loop->signals;
        loop->signals = s->next;
        free(s);
    }
    free(loop);
}

static void round_once(struct bn_loop *loop, uv_run_mode mode, bool (*turn)(void *user), void *user)
{
    uv_run(&loop->uv, mode);
    bn_loop_note_time(&loop->uv);
    loop->hurry = turn ? turn(user) : false;
    run_reaps(loop);
    loop->stats.turns++;
}

void bn_loop_run(struct bn_loop *loop, bool (*turn)(void *user), void *user)
{
    while (!loop->stopping)
        round_once(loop, loop->hurry ? UV_RUN_NOWAIT : UV_RUN_ONCE, turn, user);
}

void bn_loop_round(struct bn_loop *loop, int64_t wait_ms, bool (*turn)(void *user), void *user)
{
    if (wait_ms > 0) {
        /* Repeating: one that is due at once must not leave the wait without a limit. */
        uv_update_time(&loop->uv);
        uv_timer_start(&loop->limit, limit_reached, (uint64_t)wait_ms, (uint64_t)wait_ms);
    }
    round_once(loop, wait_ms == 0 || loop->hurry ? UV_RUN_NOWAIT : UV_RUN_ONCE, turn, user);
    uv_timer_stop(&loop->limit);
}

void bn_loop_stop(struct bn_loop *loop)
{
    loop->stopping = true;
    uv_async_send(&loop->wake);
}

void bn_loop_wake(void *loop)
{
    uv_async_send(&((struct bn_loop *)loop)->wake);
}

void bn_loop_reap(struct bn_loop *loop, void (*fn)(void *user), void *user)
{
    struct reap *reap = bn_alloc(sizeof *reap);
    *reap = (struct reap){fn, user, loop->reaps};
    loop->reaps = reap;
}

void bn_loop_note_time(struct uv_loop_s *uv)
{
    struct bn_loop *loop = container_of(uv, struct bn_loop, uv);
    bn_clock_read(loop->clock);
    if (!loop->busy_since_ns)
        loop->busy_since_ns = bn_clock_mono_ns();
}

static void signal_came(uv_signal_t *handle, int signo)
{
    (void)signo;
    bn_loop_note_time(handle->loop);
    struct watch_signal *s = container_of(handle, struct watch_signal, handle);
    s->fn(s->user);
}

void bn_loop_on_signal(struct bn_loop *loop, int signo, void (*fn)(void *user), void *user)
{
    struct watch_signal *s = bn_alloc(sizeof *s);
    s->fn = fn;
    s->user = user;
    uv_signal_init(&loop->uv, &s->handle);
    uv_signal_start(&s->handle, signal_came, signo);
    uv_unref((uv_handle_t *)&s->handle);
    s->next = loop->signals;
    loop->signals = s;
}

static void timer_came(uv_timer_t *handle)
{
    struct bn_timer *timer = container_of(handle, struct bn_timer, handle);
    int64_t now_ns = bn_clock_mono_ns();
    bn_loop_note_time(handle->loop);
    lagged(container_of(handle->loop, struct bn_loop, uv), now_ns - timer->due_ns - TIMER_STEP_NS);
    timer->due_ns = now_ns + (int64_t)uv_timer_get_due_in(handle) * MS_NS;
    timer->fn(timer->user);
}

static void timer_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct bn_timer, handle));
}

struct bn_timer *bn_timer_create(struct bn_loop *loop, void (*fn)(void *user), void *user)
{
    struct bn_timer *timer = bn_alloc(sizeof *timer);
    timer->fn = fn;
    timer->user = user;
    uv_timer_init(&loop->uv, &timer->handle);
    return timer;
}

void bn_timer_start(struct bn_timer *timer, int64_t after_ms, int64_t repeat_ms)
{
    uv_update_time(timer->handle.loop);
    timer->due_ns = bn_clock_mono_ns() + after_ms * MS_NS;
    uv_timer_start(&timer->handle, timer_came, (uint64_t)after_ms, (uint64_t)repeat_ms);
}

void bn_timer_stop(struct bn_timer *timer)
{
    uv_timer_stop(&timer->handle);
}

void bn_timer_destroy(struct bn_timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->handle, timer_closed);
}

void bn_loop_get_stats(struct bn_loop *loop, struct bn_loop_stats *out)
{
    *out = loop->stats;
    loop->stats.worst_lag_ms = 0;
}

struct uv_loop_s *bn_loop_uv(struct bn_loop *loop)
{
    return &loop->uv;
}

char *bn_loop_scratch(struct bn_loop *loop)
{
    return loop->scratch;
}

const struct bn_clock *bn_loop_clock(const struct bn_loop *loop)
{
    return loop->clock;
}

struct bn_list *bn_loop_lingerers(struct bn_loop *loop)
{
    return &loop->lingerers;
}

void bn_loop_reap_now(struct bn_loop *loop)
{
    run_reaps(loop);
}

const char *bn_loop_library(void)
{
    return uv_version_string();
}

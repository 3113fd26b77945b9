/*
 * loop: the turn; poll sockets, timers, wake-ups and signals, call the turn, free what was closed.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

struct bn_loop;
struct bn_timer;

BN_MUST_CHECK bool bn_loop_create(struct bn_loop **out, struct bn_clock *clock, struct bn_err *err);
void bn_loop_destroy(
        struct bn_loop *loop); /* everything opened on it must be closed; NULL is fine */

/* Until bn_loop_stop: wait for something, then turn(user). When turn says true, more is waiting and
   the next wait does not block. clock is read before each turn, and before each call
   that a socket, timer or signal makes while the loop waits for it. */
void bn_loop_run(struct bn_loop *loop, bool (*turn)(void *user), void *user);
/* One such round; blocks at most wait_ms (-1: until something happens). For tests and embedding. */
void bn_loop_round(struct bn_loop *loop, int64_t wait_ms, bool (*turn)(void *user), void *user);
void bn_loop_stop(struct bn_loop *loop);
void bn_loop_wake(void *loop); /* any thread; the argument is the loop, to fit wake callbacks */

/* fn(user) at the end of this turn, when nothing on the stack can still use what it frees. */
void bn_loop_reap(struct bn_loop *loop, void (*fn)(void *user), void *user);

/* Runs what waits to be reaped, outside of a turn: when a part of the server is taken down. */
void bn_loop_reap_now(struct bn_loop *loop);

void bn_loop_on_signal(struct bn_loop *loop, int signo, void (*fn)(void *user), void *user);

struct bn_timer *bn_timer_create(struct bn_loop *loop, void (*fn)(void *user), void *user);
void bn_timer_start(struct bn_timer *timer, int64_t after_ms,
        int64_t repeat_ms); /* repeat 0: once */
void bn_timer_stop(struct bn_timer *timer);
void bn_timer_destroy(struct bn_timer *timer); /* NULL is fine */

/* How the loop keeps up, for Diagnostics. The lag is how long something that was ready had to wait
   for the loop: the longest time from a wait that ended to the next one, with every callback and
   the turn in it, or the most a timer was late, which also shows a process that was not let run.
   It starts anew with each call. */
struct bn_loop_stats {
    uint64_t turns;
    double worst_lag_ms;
};

void bn_loop_get_stats(struct bn_loop *loop, struct bn_loop_stats *out);

/* For io/ only: the library's loop, and one buffer that every read of this loop shares. */
#define BN_SCRATCH_BYTES (64 << 10)
struct uv_loop_s;
struct uv_loop_s *bn_loop_uv(struct bn_loop *loop);
char *bn_loop_scratch(struct bn_loop *loop);
const struct bn_clock *bn_loop_clock(const struct bn_loop *loop);
/* First in every callback of the library: the wait before it may have been long, and what a request
   is measured by must not be the time of the turn before. The first of them ends the wait. */
void bn_loop_note_time(struct uv_loop_s *uv);

const char *bn_loop_library(void); /* "1.44.2": the libuv that was loaded */

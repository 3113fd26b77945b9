/*
 * clock: wall and monotonic time as of this turn, settable in tests.
 *
 * Read once per turn, so a fact, its row and its message carry the same stamp. Wall time labels
 * things; durations and deadlines use monotonic time, which no clock jump can touch.
 */
#pragma once

#include "base/base.h"

struct bn_clock {
    int64_t now_ms;  /* wall: milliseconds since 1970-01-01 UTC */
    int64_t mono_ms; /* monotonic: milliseconds since some point before the start */
};

/* Reads both times from the kernel into clock. */
void bn_clock_read(struct bn_clock *clock);

/* Nanoseconds of the monotonic clock, for measuring what something cost. */
int64_t bn_clock_mono_ns(void);

#define BN_TIME_TEXT_SIZE 25 /* "2026-11-20T19:57:04.112Z" and its NUL */

/* Writes RFC 3339 in UTC with milliseconds. Years outside 0..9999 are clamped. */
void bn_time_text(int64_t wall_ms, char out[BN_TIME_TEXT_SIZE]);

/* Reads RFC 3339 ("2026-11-20T19:57:04Z", with or without fraction, Z or ±hh:mm). */
BN_MUST_CHECK bool bn_time_parse(const char *text, size_t len, int64_t *out_wall_ms);

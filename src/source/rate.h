/*
 * rate: what two readings of a counter say about a second, and when they say nothing.
 */
#pragma once

#include "model/field.h"
#include "wire/scan.h"

#define BN_SECOND_NS INT64_C(1000000000)
/* Two readings further apart say nothing about a second: the machine slept or we were stopped. */
#define BN_GAP_NS (5 * BN_SECOND_NS)

struct bn_moment {
    int64_t mono_ns; /* what rates are computed with */
    int64_t boot_ns; /* the same, but going on while the machine sleeps */
};

void bn_moment_now(void *user, struct bn_moment *out);

/* Nanoseconds since *before, which becomes now; 0 when that interval has no rate: the first one
   (*before is zero), none, or a gap. */
int64_t bn_elapsed(struct bn_moment *before, const struct bn_moment *now);

/* Per second; NaN when elapsed_ns is 0, either counter is BN_ABSENT or it went backwards. */
double bn_rate(uint64_t now, uint64_t before, int64_t elapsed_ns);

/* A gauge for a record: BN_UNKNOWN when absent or too large. */
int64_t bn_gauge(uint64_t value);

/*
 * point: one interval of one series; what live/ fills, store/ keeps and a chart draws.
 */
#pragma once

#include <stdint.h>

#define BN_SERIES_NAME_MAX 160   /* "kind/id.field" and its NUL */
#define BN_SERIES_STEP_MS  10000 /* what the store gets */

/* Ten seconds of one series, or a coarser roll-up of it. */
struct bn_point {
    int64_t at_ms; /* start of the interval, a multiple of its length */
    float min;
    float avg;
    float max;
};

/*
 * soak_points: every point a soak should have kept, counted and compared with what the store has.
 */
#pragma once

#include <math.h>

#include "soak_run.h"

/* Measured in each second of a soak; the containers' ones come and go. */
static const char *const soak_series[] = {"host/local.load1", "host/local.cpu_pct",
        "core/0.busy_pct", "core/1.busy_pct", "disk/sda.read_bps", "nic/eno1.rx_bps",
        "mount//.used_pct"};

struct soak_level {
    int64_t expected;
    int64_t present;
    int64_t wrong; /* of the load, whose every second is known */
};

/* The load of an interval, from its seconds. */
static void soak_expect(int64_t from_s, int64_t to_s, struct bn_point *out)
{
    double sum = 0;
    *out = (struct bn_point){SOAK_BEGIN_MS + from_s * 1000, INFINITY, 0, -INFINITY};
    for (int64_t s = from_s; s < to_s; s++) {
        out->min = BN_MIN(out->min, (float)soak_load(s));
        out->max = BN_MAX(out->max, (float)soak_load(s));
        sum += soak_load(s);
    }
    out->avg = (float)(sum / (double)(to_s - from_s));
}

static bool soak_is_near(float a, float b)
{
    return fabsf(a - b) <= 0.001F;
}

/* seconds: the length of the soak, in whole hours. */
static void soak_check_level(struct soak *soak, int level, int64_t seconds, struct soak_level *out)
{
    int64_t step_s = bn_level_step_ms[level] / 1000;
    size_t n = (size_t)(seconds / step_s);
    struct bn_point *points = bn_alloc_array(n, sizeof *points);
    struct bn_err err;
    for (size_t k = 0; k < COUNT(soak_series); k++) {
        struct bn_span span = {"default", soak_series[k], level, SOAK_BEGIN_MS,
                SOAK_BEGIN_MS + seconds * 1000};
        soak_need(bn_store_read_series(soak->store, &span, points, &err), err.text);
        out->expected += (int64_t)n;
        for (size_t i = 0; i < n; i++) {
            struct bn_point want;
            out->present += !isnan(points[i].avg);
            if (k != 0)
                continue;
            soak_expect((int64_t)i * step_s, (int64_t)(i + 1) * step_s, &want);
            out->wrong += !soak_is_near(points[i].min, want.min) ||
                          !soak_is_near(points[i].avg, want.avg) ||
                          !soak_is_near(points[i].max, want.max);
        }
    }
    free(points);
}

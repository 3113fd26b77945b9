#include "web/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define JSON_BYTES_MAX (16 << 20) /* BN_QUERY_POINTS_MAX points of three numbers, 53 bytes each */
#define WHOLE_FROM     1000.0
#define JUST_BEGUN_MS  2500
#define START_SLACK_S  10 /* a range that begins so much before the oldest second is held too */

/* --- which level ----------------------------------------------------------------------------- */

static void lay_grid(int64_t from_ms, int64_t to_ms, int64_t step_ms, struct bn_grid *out)
{
    out->step_ms = step_ms;
    out->from_ms = from_ms - from_ms % step_ms;
    out->count = (size_t)((to_ms - out->from_ms + step_ms - 1) / step_ms);
}

void bn_grid_choose(int64_t from_ms, int64_t to_ms, int64_t now_ms, size_t points_max,
        bool has_seconds, struct bn_grid *out)
{
    out->level = BN_HISTORY_SECONDS;
    lay_grid(from_ms, to_ms, 1000, out);
    if (has_seconds && out->count <= points_max)
        return;
    for (out->level = 0; out->level < BN_LEVELS - 1; out->level++) {
        lay_grid(from_ms, to_ms, bn_level_step_ms[out->level], out);
        if (out->count <= points_max && from_ms >= now_ms - bn_level_keep_ms[out->level])
            return;
    }
    int64_t step_ms = bn_level_step_ms[out->level];
    lay_grid(from_ms, to_ms, step_ms, out);
    for (int64_t n = 2; out->count > points_max; n++)
        lay_grid(from_ms, to_ms, n * step_ms, out);
}

/* --- what memory holds ----------------------------------------------------------------------- */

void bn_history_copy(struct bn_history *history, const struct bn_series_set *set)
{
    int64_t from_s = history->from_ms / 1000;
    int64_t to_s = (history->to_ms + 999) / 1000;
    int64_t seconds = to_s - from_s;
    history->has_seconds = seconds <= BN_HISTORY_RANGE_MAX_S + 1 &&
                           (size_t)seconds <= history->points_max &&
                           history->from_ms >= history->now_ms - BN_HISTORY_RANGE_MAX_S * 1000;
    if (!history->has_seconds)
        from_s = BN_MAX(from_s, history->now_ms / 1000 - BN_HISTORY_TAIL_S);
    history->seconds_from_s = from_s;
    history->seconds_count = (size_t)BN_MAX(to_s - from_s, 0);
    for (size_t i = 0; i < history->count; i++) {
        struct bn_history_series *one = &history->series[i];
        const struct bn_series *series = bn_series_find(set, one->name);
        one->oldest_s = series ? bn_series_oldest_s(series) : INT64_MAX;
        one->seconds = bn_alloc_array(history->seconds_count, sizeof(float));
        for (size_t s = 0; !series && s < history->seconds_count; s++)
            one->seconds[s] = NAN;
        if (series)
            bn_series_read(series, from_s, from_s + (int64_t)history->seconds_count, one->seconds);
    }
}

/* --- points ---------------------------------------------------------------------------------- */

static void add_second(struct bn_point *sum, float value, int *n)
{
    if (isnan(value))
        return;
    sum->min = *n ? BN_MIN(sum->min, value) : value;
    sum->max = *n ? BN_MAX(sum->max, value) : value;
    sum->avg = *n ? sum->avg + (value - sum->avg) / (float)(*n + 1) : value;
    (*n)++;
}

/* The point of [from_ms, from_ms + step_ms), as far as the copied seconds know it. */
static struct bn_point point_of_seconds(const struct bn_history *history,
        const struct bn_history_series *one, int64_t from_ms, int64_t step_ms)
{
    struct bn_point point = {.at_ms = from_ms, .min = NAN, .avg = NAN, .max = NAN};
    int64_t end_s = history->seconds_from_s + (int64_t)history->seconds_count;
    int64_t from_s = BN_MAX(from_ms / 1000, history->seconds_from_s);
    int64_t to_s = BN_MIN((from_ms + step_ms) / 1000, end_s);
    int n = 0;
    for (int64_t s = from_s; s < to_s; s++)
        add_second(&point, one->seconds[s - history->seconds_from_s], &n);
    return point;
}

/* A step that has only just begun: nobody has measured it yet, and a gap at the end of every chart
   would say that something is wrong. */
static void drop_unmeasured(const struct bn_history *history, struct bn_grid *grid)
{
    int64_t at_ms = grid->from_ms + (int64_t)(grid->count - 1) * grid->step_ms;
    if (grid->count < 2 || history->now_ms - at_ms > JUST_BEGUN_MS)
        return;
    for (size_t i = 0; i < history->count; i++)
        if (!isnan(point_of_seconds(history, &history->series[i], at_ms, grid->step_ms).avg))
            return;
    grid->count--;
}

/* Newest first: what the store has not (its queue, the interval still filling, a disk that
   refuses), the seconds in memory know. */
static void complete(const struct bn_history *history, const struct bn_history_series *one,
        int64_t from_ms, int64_t step_ms, struct bn_point *points, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        int64_t at_ms = from_ms + (int64_t)(i - 1) * step_ms;
        if (at_ms + step_ms <= history->seconds_from_s * 1000)
            return;
        if (isnan(points[i - 1].avg))
            points[i - 1] = point_of_seconds(history, one, at_ms, step_ms);
    }
}

static void clear_points(struct bn_point *points, size_t count)
{
    for (size_t i = 0; i < count; i++)
        points[i] = (struct bn_point){.min = NAN, .avg = NAN, .max = NAN};
}

/* Every n points become one; the rest at the end too. */
static void merge(struct bn_point *points, size_t count, size_t n)
{
    for (size_t from = 0, to = 0; from < count; from += n, to++) {
        struct bn_point sum = points[from];
        double total = 0;
        int known = 0;
        for (size_t i = from; i < BN_MIN(from + n, count); i++) {
            if (isnan(points[i].avg))
                continue;
            sum.min = known ? BN_MIN(sum.min, points[i].min) : points[i].min;
            sum.max = known ? BN_MAX(sum.max, points[i].max) : points[i].max;
            total += (double)points[i].avg;
            known++;
        }
        sum.avg = known ? (float)(total / known) : NAN;
        points[to] = sum;
    }
}

static bool read_level(const struct bn_history *history, const struct bn_history_series *one,
        const struct bn_grid *grid, struct bn_point *points, struct bn_err *err)
{
    int64_t step_ms = bn_level_step_ms[grid->level];
    size_t n = (size_t)(grid->step_ms / step_ms);
    size_t count = grid->count * n;
    int64_t to_ms = grid->from_ms + (int64_t)count * step_ms;
    clear_points(points, count);
    const struct bn_span span = {history->tenant, one->name, grid->level, grid->from_ms, to_ms};
    if (history->store && !bn_store_read_series(history->store, &span, points, err))
        return false;
    complete(history, one, grid->from_ms, step_ms, points, count);
    if (n > 1)
        merge(points, count, n);
    return true;
}

/* Memory begins with the start of the server; did the store know the series before? */
static bool is_older(const struct bn_history *history, const struct bn_history_series *one,
        bool *out, struct bn_err *err)
{
    int64_t step_ms = bn_level_step_ms[0];
    int64_t from_ms = history->from_ms - history->from_ms % step_ms;
    int64_t to_ms = BN_MIN(one->oldest_s, history->to_ms / 1000) * 1000;
    to_ms -= to_ms % step_ms;
    *out = false;
    if (!history->store || one->oldest_s <= history->from_ms / 1000 + START_SLACK_S ||
            to_ms <= from_ms)
        return true;
    size_t count = (size_t)((to_ms - from_ms) / step_ms);
    struct bn_point *points = bn_alloc_array(count, sizeof *points);
    const struct bn_span span = {history->tenant, one->name, 0, from_ms, to_ms};
    bool ok = bn_store_read_series(history->store, &span, points, err);
    for (size_t i = 0; ok && i < count; i++)
        *out |= !isnan(points[i].avg);
    free(points);
    return ok;
}

static bool choose(const struct bn_history *history, struct bn_grid *out, struct bn_err *err)
{
    bool has_seconds = history->has_seconds;
    bool older;
    for (size_t i = 0; has_seconds && i < history->count; i++) {
        if (!is_older(history, &history->series[i], &older, err))
            return false;
        has_seconds = !older;
    }
    bn_grid_choose(history->from_ms, history->to_ms, history->now_ms, history->points_max,
            has_seconds, out);
    drop_unmeasured(history, out);
    return true;
}

/* --- the answer ------------------------------------------------------------------------------ */

static void write_column(struct bn_json *json, const struct bn_point *points, size_t count,
        size_t offset)
{
    bn_json_array(json);
    for (size_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, (const char *)&points[i] + offset, sizeof value);
        bn_json_f64(json, (double)value, fabs((double)value) >= WHOLE_FROM ? 0 : 3);
    }
    bn_json_array_end(json);
}

static bool write_series(struct bn_history *history, const struct bn_history_series *one,
        const struct bn_grid *grid, struct bn_json *json, struct bn_err *err)
{
    bool is_second = grid->level == BN_HISTORY_SECONDS;
    int64_t level_step_ms = is_second ? 1000 : bn_level_step_ms[grid->level];
    size_t count = grid->count * (size_t)(grid->step_ms / level_step_ms);
    struct bn_point *points = bn_alloc_array(count, sizeof *points);
    bool ok = true;
    for (size_t i = 0; is_second && i < count; i++)
        points[i] = point_of_seconds(history, one, grid->from_ms + (int64_t)i * 1000, 1000);
    if (!is_second)
        ok = read_level(history, one, grid, points, err);
    if (ok) {
        bn_json_key(json, one->name);
        bn_json_object(json);
        bn_json_key(json, "avg");
        write_column(json, points, grid->count, offsetof(struct bn_point, avg));
        bn_json_key(json, "min");
        write_column(json, points, grid->count, offsetof(struct bn_point, min));
        bn_json_key(json, "max");
        write_column(json, points, grid->count, offsetof(struct bn_point, max));
        bn_json_object_end(json);
    }
    free(points);
    return ok;
}

bool bn_history_run(struct bn_history *history, struct bn_err *err)
{
    struct bn_grid grid;
    struct bn_json json;
    if (!choose(history, &grid, err))
        return false;
    bn_buf_init(&history->json, JSON_BYTES_MAX);
    bn_json_init(&json, &history->json);
    bn_json_object(&json);
    bn_json_key(&json, "from");
    bn_json_time(&json, grid.from_ms);
    bn_json_key(&json, "to");
    bn_json_time(&json, BN_MIN(history->to_ms, grid.from_ms + (int64_t)grid.count * grid.step_ms));
    bn_json_key(&json, "step_ms");
    bn_json_i64(&json, grid.step_ms);
    bn_json_key(&json, "series");
    bn_json_object(&json);
    for (size_t i = 0; i < history->count; i++)
        if (!write_series(history, &history->series[i], &grid, &json, err))
            return false;
    bn_json_object_end(&json);
    bn_json_object_end(&json);
    return bn_buf_ok(&history->json) ||
           bn_fail(err, BN_E_TOO_BIG,
                   "the answer would be larger than %d MiB; ask for fewer points",
                   JSON_BYTES_MAX >> 20);
}

void bn_history_finish(struct bn_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free(history->series[i].seconds);
    bn_buf_finish(&history->json);
    history->count = 0;
}

#include "source/pve_rrd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/doc_foreign.h"
#include "model/limits.h"
#include "source/pve_read.h"

#define TIME_MAX_S 32503680000 /* the year 3000: a clock that is later is none */

enum unit { SHARE, AMOUNT, RATE };

struct value {
    const char *name;    /* ours */
    const char *foreign; /* theirs */
    enum unit unit;
    uint8_t decimals;
};

enum { CPU, MAXCPU, MEM, MAXMEM };

/* The first four are the same in both. */
static const struct value guest_values[] = {
        {"cpu", "cpu", SHARE, 4},
        {"maxcpu", "maxcpu", AMOUNT, 0},
        {"mem", "mem", AMOUNT, 0},
        {"maxmem", "maxmem", AMOUNT, 0},
        {"net_in_bps", "netin", RATE, 0},
        {"net_out_bps", "netout", RATE, 0},
        {"disk_read_bps", "diskread", RATE, 0},
        {"disk_write_bps", "diskwrite", RATE, 0},
};
static const struct value node_values[] = {
        {"cpu", "cpu", SHARE, 4},
        {"maxcpu", "maxcpu", AMOUNT, 0},
        {"mem", "memused", AMOUNT, 0},
        {"maxmem", "memtotal", AMOUNT, 0},
        {"net_in_bps", "netin", RATE, 0},
        {"net_out_bps", "netout", RATE, 0},
        {"iowait", "iowait", SHARE, 4},
        {"loadavg", "loadavg", AMOUNT, 2},
        {"swap", "swapused", AMOUNT, 0},
        {"maxswap", "swaptotal", AMOUNT, 0},
        {"disk", "rootused", AMOUNT, 0},
        {"maxdisk", "roottotal", AMOUNT, 0},
};
_Static_assert(COUNT(guest_values) <= BN_RRD_VALUES_MAX, "each has its place");
_Static_assert(COUNT(node_values) <= BN_RRD_VALUES_MAX, "each has its place");

static const struct value *values_of(enum bn_pve_rrd_of of, size_t *out_count)
{
    *out_count = of == BN_RRD_NODE ? COUNT(node_values) : COUNT(guest_values);
    return of == BN_RRD_NODE ? node_values : guest_values;
}

bool bn_pve_rrd_range_is_known(struct bn_str range)
{
    static const char *const known[] = {"hour", "day", "week", "month", "year"};
    for (size_t i = 0; i < COUNT(known); i++)
        if (bn_str_is(range, known[i]))
            return true;
    return false;
}

/* --- reading --------------------------------------------------------------------------------- */

static double read_value(const struct bn_doc *row, const struct value *value)
{
    double number;
    if (!bn_foreign_f64(row, value->foreign, &number) || !isfinite(number))
        return NAN;
    return value->unit == SHARE ? fmin(fmax(number, 0), 1) : fmax(number, 0);
}

static bool read_point(const struct bn_doc *row, enum bn_pve_rrd_of of,
        struct bn_pve_rrd_point *out)
{
    size_t count;
    const struct value *values = values_of(of, &count);
    if (!bn_doc_is_object(row) || !bn_foreign_i64(row, "time", &out->time_s) || out->time_s <= 0 ||
            out->time_s > TIME_MAX_S)
        return false;
    for (size_t i = 0; i < count; i++)
        out->values[i] = read_value(row, &values[i]);
    /* The two are averages of their own. */
    if (out->values[MAXMEM] > 0)
        out->values[MEM] = isnan(out->values[MEM]) ? NAN
                                                   : fmin(out->values[MEM], out->values[MAXMEM]);
    return true;
}

static int oldest_first(const void *a, const void *b)
{
    const int64_t one = ((const struct bn_pve_rrd_point *)a)->time_s;
    const int64_t other = ((const struct bn_pve_rrd_point *)b)->time_s;
    return (one > other) - (one < other);
}

/* Sorted, each time once, the newest of too many. */
static void put_in_order(struct bn_pve_rrd *rrd)
{
    size_t kept = 0;
    qsort(rrd->points, rrd->count, sizeof *rrd->points, oldest_first);
    for (size_t i = 0; i < rrd->count; i++)
        if (i == 0 || rrd->points[i].time_s != rrd->points[kept - 1].time_s)
            rrd->points[kept++] = rrd->points[i];
    rrd->count = kept;
    if (kept <= BN_RRD_ROWS_MAX)
        return;
    memmove(rrd->points, rrd->points + kept - BN_RRD_ROWS_MAX,
            BN_RRD_ROWS_MAX * sizeof *rrd->points);
    rrd->count = BN_RRD_ROWS_MAX;
}

static int smaller_first(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a;
    const int64_t other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* The middle one: a gap, or the coarse rows of an older version, do not move it. */
static int64_t step_of(const struct bn_pve_rrd *rrd)
{
    if (rrd->count < 2)
        return 0;
    const size_t count = rrd->count - 1;
    int64_t *steps = bn_alloc_array(count, sizeof *steps);
    for (size_t i = 0; i < count; i++)
        steps[i] = rrd->points[i + 1].time_s - rrd->points[i].time_s;
    qsort(steps, count, sizeof *steps, smaller_first);
    const int64_t middle = steps[count / 2];
    free(steps);
    return middle;
}

bool bn_pve_read_rrd(struct bn_str body, enum bn_pve_rrd_of of, struct bn_pve_rrd *out,
        struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *list;
    *out = (struct bn_pve_rrd){.of = of};
    if (!bn_pve_open_list(body, &doc, &list, err))
        return false;
    const size_t count = bn_doc_count(list);
    out->points = bn_alloc_array(count + 1, sizeof *out->points);
    for (size_t i = 0; i < count; i++)
        if (read_point(bn_doc_item(list, i), of, &out->points[out->count]))
            out->count++;
    put_in_order(out);
    out->step_s = step_of(out);
    return true;
}

void bn_pve_rrd_finish(struct bn_pve_rrd *rrd)
{
    free(rrd->points);
    rrd->points = NULL;
    rrd->count = 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_point(const struct bn_pve_rrd_point *point, enum bn_pve_rrd_of of,
        struct bn_json *json)
{
    size_t count;
    const struct value *values = values_of(of, &count);
    bn_json_object(json);
    bn_json_key(json, "time");
    bn_json_time(json, point->time_s * 1000);
    for (size_t i = 0; i < count; i++) {
        bn_json_key(json, values[i].name);
        bn_json_f64(json, point->values[i], values[i].decimals);
    }
    bn_json_object_end(json);
}

void bn_pve_rrd_json(const struct bn_pve_rrd *rrd, const char *range, struct bn_json *json)
{
    bn_json_object(json);
    bn_json_key(json, "range");
    bn_json_text(json, range);
    bn_json_key(json, "step_s");
    if (rrd->step_s > 0)
        bn_json_i64(json, rrd->step_s);
    else
        bn_json_null(json);
    bn_json_key(json, "points");
    bn_json_array(json);
    for (size_t i = 0; i < rrd->count; i++)
        put_point(&rrd->points[i], rrd->of, json);
    bn_json_array_end(json);
    bn_json_object_end(json);
}

/*
 * pve_rrd: the history a Proxmox VE keeps of a guest or a node, read and written as charts take it.
 *
 * Steps differ by version and range, and after an upgrade in one answer (PVE-API 7.1): times are
 * taken from the rows. A value that is absent was not measured and is null. Called on the collector
 * thread.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

enum bn_pve_rrd_of { BN_RRD_GUEST, BN_RRD_NODE };

#define BN_RRD_VALUES_MAX 12

struct bn_pve_rrd_point {
    int64_t time_s;                   /* wall clock; the end of the interval */
    double values[BN_RRD_VALUES_MAX]; /* in the order of the table; NaN is unknown */
};

struct bn_pve_rrd {
    enum bn_pve_rrd_of of;
    struct bn_pve_rrd_point *points; /* oldest first, no time twice; at most BN_RRD_ROWS_MAX */
    size_t count;
    int64_t step_s; /* between most of them; 0: there are no two */
};

/* "hour", "day", "week", "month" or "year": ranges that every version has. */
bool bn_pve_rrd_range_is_known(struct bn_str range);

/* An answer of …/rrddata. Free with bn_pve_rrd_finish, also after a failure. */
BN_MUST_CHECK bool bn_pve_read_rrd(struct bn_str body, enum bn_pve_rrd_of of,
        struct bn_pve_rrd *out, struct bn_err *err);
void bn_pve_rrd_finish(struct bn_pve_rrd *rrd);

/* {"range":…,"step_s":…,"points":[{"time":…,"cpu":…,…}]}; rates in bytes per second, sizes in
   bytes, cpu and iowait as shares. */
void bn_pve_rrd_json(const struct bn_pve_rrd *rrd, const char *range, struct bn_json *json);

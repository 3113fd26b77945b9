/*
 * self: what Binnacle itself spends, for the Diagnostics page and /metrics.
 */
#pragma once

#include "model/field.h"

struct bn_self {
    char id[16]; /* "local" */
    int64_t at;
    char version[32];
    int64_t started_at;
    double cpu_pct; /* of one core */
    int64_t rss_bytes;
    int64_t fd_count;
    int64_t thread_count;
    double turns_ps;
    double loop_lag_ms; /* the longest the loop kept anybody waiting in the last second */
    double facts_ps;
    int64_t inbox_depth;
    int64_t inbox_lost; /* facts refused because the inbox was full, since the start */
    int64_t connections;
    int64_t listeners; /* live sockets and event streams */
    int64_t subscriptions;
    int64_t topics;
    double messages_ps; /* frames sent to listeners */
    double sent_bps;
    int64_t conflated; /* changes merged for slow listeners, since the start */
    int64_t gaps;      /* log events a slow listener was told it missed */
    int64_t slow_closed;
    double requests_ps;
    int64_t store_queue; /* batches waiting for the store thread */
    int64_t store_lost;  /* samples dropped under pressure or by a sick disk, since the start */
    double store_ms;     /* longest transaction of the last second */
    int64_t db_bytes;
    int64_t wal_bytes;
    int64_t degraded; /* the store refuses writes */
    char degraded_why[160];
    int64_t warnings;
    int64_t errors;
};

struct bn_line {
    char id[24]; /* position in the log, counted from the start */
    int64_t at;
    char level[8];
    char event[64];
    char text[512]; /* the key=value pairs, clipped */
};

extern const struct bn_record_type bn_self_type;
extern const struct bn_record_type bn_line_type;

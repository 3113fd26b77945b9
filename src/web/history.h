/*
 * history: the points of charts; from which level they come, read, completed and written as JSON.
 *
 * Everything a worker needs stands in struct bn_history as a copy; it touches the store only.
 */
#pragma once

#include "base/buf.h"

#include "hub/hub.h"

#define BN_HISTORY_SERIES_MAX  60   /* BN_HTTP_PARAMS_MAX less range, from, to and points */
#define BN_HISTORY_POINTS      9000 /* per series unless asked otherwise: 24 h in steps of 10 s */
#define BN_HISTORY_POINTS_MIN  10
#define BN_HISTORY_SECONDS     (-1) /* the level in memory, one point a second */
#define BN_HISTORY_RANGE_MAX_S 3600 /* of that level */
#define BN_HISTORY_TAIL_S      600  /* seconds copied to complete what the store has not yet */

/* Equal steps: point i covers from_ms + i * step_ms. */
struct bn_grid {
    int level;       /* BN_HISTORY_SECONDS or a level of the store */
    int64_t step_ms; /* the level's, or a multiple of the coarsest level's */
    int64_t from_ms; /* multiple of step_ms */
    size_t count;
};

/* The finest level that still keeps from_ms (as of now_ms) and needs at most points_max points.
   When even the coarsest needs more, several of its steps become one. from_ms < to_ms <= now_ms;
   points_max >= BN_HISTORY_POINTS_MIN. */
void bn_grid_choose(int64_t from_ms, int64_t to_ms, int64_t now_ms, size_t points_max,
        bool has_seconds, struct bn_grid *out);

/* One series of the answer. */
struct bn_history_series {
    char name[BN_SERIES_NAME_MAX];
    float *seconds;   /* seconds_count values from seconds_from_s on, NaN for gaps */
    int64_t oldest_s; /* first second memory holds of it; INT64_MAX for none */
};

struct bn_history {
    char tenant[BN_TENANT_MAX];
    int64_t from_ms;
    int64_t to_ms;
    int64_t now_ms;
    size_t points_max; /* per series */
    size_t count;
    struct bn_history_series series[BN_HISTORY_SERIES_MAX];
    bool has_seconds; /* what was copied reaches from from_ms to to_ms */
    int64_t seconds_from_s;
    size_t seconds_count;
    struct bn_store *store; /* may be NULL */
    struct bn_buf json;     /* the answer */
};

/* Loop thread. to_ms and now_ms, from_ms, points_max and the names are set; copies the seconds. */
void bn_history_copy(struct bn_history *history, const struct bn_series_set *set);
/* Any thread but the loop. Reads the store and writes history->json. */
BN_MUST_CHECK bool bn_history_run(struct bn_history *history, struct bn_err *err);
void bn_history_finish(struct bn_history *history);

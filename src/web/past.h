/*
 * past: how reaching one server went, by the hour and attempt by attempt, as JSON.
 *
 * FEATURES E1 to E6. A worker's question: everything it needs is a copy, it touches the store only.
 */
#pragma once

#include "base/buf.h"

#include "hub/hub.h"

/* A question; set all but json. */
struct bn_past {
    char tenant[BN_TENANT_MAX];
    char server_id[BN_ID_MAX];
    int64_t now_ms;
    int64_t range_ms;       /* back from now */
    int64_t bucket_ms;      /* BN_PAST_HOUR_MS or BN_PAST_DAY_MS */
    bool has_raw;           /* the attempts of the last BN_PAST_RAW_MS too */
    struct bn_store *store; /* NULL: nothing is known */
    struct bn_buf json;     /* the answer */
};

#define BN_PAST_HOUR_MS 3600000LL
#define BN_PAST_DAY_MS  (24 * BN_PAST_HOUR_MS)
#define BN_PAST_RAW_MS  BN_PAST_DAY_MS

/* "24h" or "7d", or 1y: 1 hour to two years. `invalid` names the field. */
BN_MUST_CHECK bool bn_past_range(struct bn_str text, int64_t *out_ms, struct bn_err *err);
/* "1h" or "1d"; with p NULL what suits the range. */
BN_MUST_CHECK bool bn_past_bucket(struct bn_str text, int64_t range_ms, int64_t *out_ms,
        struct bn_err *err);

/* Any thread but the loop's. Complete to the last attempt that was told before. The first bucket
   is whole, though the range may begin within it; buckets without attempts are absent. */
BN_MUST_CHECK bool bn_past_run(struct bn_past *past, struct bn_err *err);
void bn_past_finish(struct bn_past *past); /* the job is the caller's */

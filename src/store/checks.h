/*
 * checks: what the store is asked about attempts to reach servers; any thread but the loop's.
 */
#pragma once

#include "base/err.h"

#include "model/infra.h"

struct bn_store;

/* Has the checks that were flushed and wait for their second written now, so that a question asked
   next knows of them; at most 1 s. Without any it costs a lock. Any thread but the loop's. */
void bn_store_settle(struct bn_store *store);

/* The checks of one server in a stretch of time, from_ms <= at < to_ms. */
struct bn_check_span {
    const char *tenant;
    const char *server_id;
    int64_t from_ms;
    int64_t to_ms;
};

struct bn_check_hour {
    int64_t at_ms; /* the hour begins, UTC */
    int64_t attempts;
    int64_t successes;
    int64_t ms_count; /* successes whose response time is known; without any the next are 0 ... */
    int64_t ms_sum;
    int64_t ms_min; /* ... and these unknown */
    int64_t ms_max;
};

/* Hours with attempts, oldest first: those that begin in the span. At most *n, then *n are there.
   An unknown server has none. `timeout` after 5 s. */
BN_MUST_CHECK bool bn_store_read_check_hours(struct bn_store *store,
        const struct bn_check_span *span, struct bn_check_hour *out, size_t *n, struct bn_err *err);
/* The attempts themselves, newest first. What a cluster is called and its certificate are not kept
   with each. */
BN_MUST_CHECK bool bn_store_read_checks(struct bn_store *store, const struct bn_check_span *span,
        struct bn_check *out, size_t *n, struct bn_err *err);

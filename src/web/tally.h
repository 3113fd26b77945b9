/*
 * tally: what live listeners were told and what it cost, counted for /metrics.
 */
#pragma once

#include "topic/sink.h"

enum bn_proto { BN_PROTO_WS, BN_PROTO_SSE, BN_PROTO_COUNT };

/* Who was refused for want of room: of listeners, of one user, of connections, of one address. */
enum bn_reject {
    BN_REJECT_LISTENERS,
    BN_REJECT_USER,
    BN_REJECT_CONNECTIONS,
    BN_REJECT_ADDRESS,
    BN_REJECT_COUNT
};

/* What a client that said where it stood was answered. */
enum bn_resume { BN_RESUME_SAME, BN_RESUME_RESUMED, BN_RESUME_SNAPSHOT, BN_RESUME_COUNT };

#define BN_DELAYS 9 /* buckets, the last for all that took longer */

struct bn_tally {
    int64_t listeners[BN_PROTO_COUNT];
    uint64_t frames[BN_PROTO_COUNT][BN_MODE_COUNT];
    uint64_t bytes[BN_PROTO_COUNT][2]; /* plain, compressed */
    uint64_t resumes[BN_RESUME_COUNT];
    uint64_t rejected[BN_REJECT_COUNT];
    uint64_t delays[BN_DELAYS]; /* writes by the time since the commit */
    uint64_t delay_count;
    int64_t delay_ns; /* of all together */
    uint32_t undated; /* writes of this flush whose time has not been looked at */
};

/* One write to a listener. The clock is read once for BN_TALLY_WRITES of them, and the last one's
   delay stands for all: a reading for each would be a hundredth of what a write costs. */
#define BN_TALLY_WRITES 16

static inline void bn_tally_write(struct bn_tally *tally)
{
    tally->undated++;
}

void bn_tally_date(struct bn_tally *tally, int64_t since_commit_ns);

/* The live_* metrics in Prometheus' text format. ears: a struct bn_live_conn each. */
struct bn_web;
void bn_tally_put(struct bn_web *web, struct bn_buf *out);
/* "# HELP" and "# TYPE" of one metric, then lines of its values: name{labels} value. */
void bn_metric_begin(struct bn_buf *out, const char *name, const char *type, const char *help);
void bn_metric_value(struct bn_buf *out, const char *name, const char *labels, double value);

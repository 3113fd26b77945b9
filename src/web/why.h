/*
 * why: the question why a server fails; what it stands on is read, judged, and written as JSON.
 */
#pragma once

#include "base/buf.h"

#include "hub/hub.h"
#include "live/why.h"

struct bn_why_near {
    char id[BN_ID_MAX];
    char name[64];
    enum bn_why_tie tie;
};

/* A worker's question: everything it needs is a copy, it touches the store only. */
struct bn_why_job {
    char tenant[BN_TENANT_MAX];
    int64_t now_ms;
    struct bn_server server;
    struct bn_why_near near[BN_WHY_PEERS_MAX];
    size_t near_count;
    struct bn_why_task tasks[BN_TASKS_KEPT_MAX];
    size_t task_count;
    const char *tasks_are;  /* "known", "asking" or "unknown" */
    struct bn_store *store; /* NULL: nothing is known */
    struct bn_buf json;     /* the answer */
};

/* Loop thread. Copies the server, and which others it is compared with: those of its network, site
   and cluster first, and some of the rest. */
void bn_why_prepare(struct bn_why_job *job, const struct bn_table *servers,
        const struct bn_server *server);
/* Any thread but the loop's. */
BN_MUST_CHECK bool bn_why_answer(struct bn_why_job *job, struct bn_err *err);
void bn_why_finish(struct bn_why_job *job); /* the job is the caller's */

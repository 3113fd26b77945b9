/*
 * worker: a few threads for what blocks; work goes in, the answer comes back on the loop.
 */
#pragma once

#include "io/loop.h"

struct bn_worker;

/* A job holds copies only, no pointer into the server. */
struct bn_job_ops {
    void (*work)(void *job); /* on a worker thread */
    void (*done)(void *job); /* on the loop thread, later; owns the job again */
};

/* threads run at once, at most queue_max more may wait. */
BN_MUST_CHECK bool bn_worker_create(struct bn_loop *loop, const char *name, int threads,
        size_t queue_max, struct bn_worker **out, struct bn_err *err);
/* Waits for running jobs; jobs not begun get done() without work(). NULL is fine. */
void bn_worker_destroy(struct bn_worker *worker);
/* Loop thread. False: the queue is full, err is `unavailable`, the job stays the caller's. */
BN_MUST_CHECK bool bn_worker_do(struct bn_worker *worker, const struct bn_job_ops *ops, void *job,
        struct bn_err *err);
/* Answers that have come: called each turn by app/assemble; runs done(). */
void bn_worker_collect(struct bn_worker *worker);
size_t bn_worker_depth(struct bn_worker *worker);

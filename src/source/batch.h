/*
 * batch: one deed on many targets: an operation whose children do it, so many at once.
 *
 * Each child is an ordinary operation on its target, kept from the beginning, so that nothing else
 * does the same there meanwhile; it is held until its turn comes. Batches that an earlier run left
 * go on. Loop thread.
 */
#pragma once

#include "source/dispatch.h"

struct bn_batches;

struct bn_batches_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_operations *operations;
    struct bn_dispatch *dispatch;
};

/* After source/dispatch, which holds the children that an earlier run left. */
struct bn_batches *bn_batches_start(const struct bn_batches_config *config);
/* Before source/dispatch and the operations; what is under way stays so in the store. NULL is
   fine. */
void bn_batches_stop(struct bn_batches *batches);

enum bn_batch_fate { BN_BATCH_REFUSED, BN_BATCH_STARTED, BN_BATCH_RUNNING };

struct bn_batch_item {
    char target_id[BN_ID_MAX];
    const struct bn_target *target; /* NULL: refused, message says why */
    struct bn_operation wanted;     /* as of bn_dispatch_order */
    enum bn_batch_fate fate;        /* from here on filled in */
    char id[BN_ID_MAX];             /* of its operation, or of the one that does the same; "" */
    char message[200];
};

/* Once: it is kept and begins (err NULL), or the store refused all of it. */
typedef void (
        *bn_batch_begun)(void *user, const struct bn_operation *batch, const struct bn_err *err);

struct bn_batch_order {
    const char *tenant;
    struct bn_operation *wanted; /* action, object, subject and who asked; the rest is filled in */
    struct bn_batch_item *items; /* 1..BN_BATCH_TARGETS_MAX, of different targets */
    size_t count;
    bn_batch_begun begun;
    void *user;
};

/* wanted->concurrency: 1..BN_BATCH_AT_ONCE_MAX. False: not begun, and begun will not come:
   `too_many`, or `conflict` when none of the items could begin, each with its fate. */
BN_MUST_CHECK bool bn_batch_do(struct bn_batches *batches, const struct bn_batch_order *order,
        struct bn_err *err);
/* What has not begun never will, the rest is asked to stop; then it ends. False: `not_found`. */
BN_MUST_CHECK bool bn_batch_cancel(struct bn_batches *batches, const char *tenant, const char *id,
        struct bn_err *err);
size_t bn_batch_count(const struct bn_batches *batches); /* under way */

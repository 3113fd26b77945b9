/*
 * power: starts and stops guests of Proxmox VE servers, and follows each task to its real end.
 *
 * First the operation is kept, then the server is asked, once; its task is asked every second, less
 * often later, and a server that does not answer meanwhile is asked again until the deadline. When
 * the answer to the request itself is lost, the task is looked for in the list of its node. What a
 * high-availability manager does is followed until the guest is what was wanted. Loop thread.
 */
#pragma once

#include "base/secret.h"

#include "io/fetch.h"
#include "source/fleet.h"
#include "source/operations.h"

struct bn_power;

struct bn_power_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_fetch *fetch;
    struct bn_fleet *fleet;        /* NULL, or who speaks for a server that does not answer */
    const struct bn_seal_key *key; /* of the tokens */
    struct bn_operations *operations;
};

/* Takes up what an earlier run left with a task. */
struct bn_power *bn_power_start(const struct bn_power_config *config);
/* After the fetch it uses has ended and after the last turn of the hub; NULL is fine. */
void bn_power_stop(struct bn_power *power);

/* What can be done, NULL at the end: "start" … */
extern const char *const bn_power_actions[];

/* Once: the server has taken the task and it is kept (err NULL), or not; then the operation's hint
   says what to do. */
typedef void (*bn_power_begun)(void *user, const struct bn_operation *operation,
        const struct bn_err *err);

/* Does wanted->action to the guest it names; its id is filled in. False: not begun, `conflict` when
   something is being done to that guest, and begun will not come. */
BN_MUST_CHECK bool bn_power_do(struct bn_power *power, const char *tenant,
        struct bn_operation *wanted, bn_power_begun begun, void *user, struct bn_err *err);
/* Asks the server to stop the task; false: `not_found`, it is not under way here. */
BN_MUST_CHECK bool bn_power_cancel(struct bn_power *power, const char *tenant, const char *id,
        struct bn_err *err);

/* The last lines of a task that is under way, asked for now; n is 0 when they cannot be had. */
typedef void (*bn_power_said)(void *user, const struct bn_output *lines, size_t n);
/* False: it is not under way, or has no task yet; said will not come. */
BN_MUST_CHECK bool bn_power_log(struct bn_power *power, const char *tenant, const char *id,
        bn_power_said said, void *user);

/* --- words, for tests --------------------------------------------------------------------------
 */

/* What a server or a task said of why it would not, in words that say what to do. */
void bn_power_explain(const struct bn_operation *operation, const char *said, char *out,
        size_t size);

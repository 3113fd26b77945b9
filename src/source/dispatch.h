/*
 * dispatch: does operations on targets over SSH, watches them, and takes them up again.
 *
 * First the operation is kept, then the target is reached, then that a command is about to be sent
 * is kept, and only then it is sent. A command that changes something runs on its own there, with
 * its output and its exit status in files: when the link is lost, or Binnacle is ended and started
 * again, it is found by the operation's id and followed to its end. It is never sent twice. Loop
 * thread.
 */
#pragma once

#include "base/secret.h"

#include "io/ssh.h"
#include "source/action.h"
#include "source/operations.h"
#include "source/transcript.h"

struct bn_dispatch;

struct bn_dispatch_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_ssh *ssh;
    const struct bn_seal_key *key; /* of the passwords and keys */
    struct bn_operations *operations;
};

/* Takes up what an earlier run left on a target; what waits in a batch is held. */
struct bn_dispatch *bn_dispatch_start(const struct bn_dispatch_config *config);
/* Before the sessions it uses are destroyed; what runs on targets goes on there. NULL is fine. */
void bn_dispatch_stop(struct bn_dispatch *dispatch);

/* Once: the operation is kept and begins (err NULL), or the store refused it. */
typedef void (*bn_dispatch_begun)(void *user, const struct bn_operation *operation,
        const struct bn_err *err);

struct bn_dispatch_order {
    const char *tenant;
    const struct bn_target *target;
    struct bn_operation *wanted; /* type, object, command and who asked; the rest is filled in */
    bool is_held;                /* kept, and not begun until it is released */
    bn_dispatch_begun begun;
    void *user;
};

/* False: not begun, `conflict` when the same is being done there, and begun will not come. */
BN_MUST_CHECK bool bn_dispatch_do(struct bn_dispatch *dispatch,
        const struct bn_dispatch_order *order, struct bn_err *err);
/* The turn of one that was held has come; one that is not there, or not held, stays as it is. Its
   target is what it is now. */
void bn_dispatch_release(struct bn_dispatch *dispatch, const char *tenant, const char *id);
bool bn_dispatch_is_held(struct bn_dispatch *dispatch, const char *tenant, const char *id);
/* Before the command was sent nothing is done; after it, it is not watched any more. False:
   `not_found`, it is not under way here. */
BN_MUST_CHECK bool bn_dispatch_cancel(struct bn_dispatch *dispatch, const char *tenant,
        const char *id, struct bn_err *err);
/* What it has written so far; NULL: it is not under way here. Until the next turn. */
const struct bn_transcript *bn_dispatch_output(struct bn_dispatch *dispatch, const char *tenant,
        const char *id);
size_t bn_dispatch_count(const struct bn_dispatch *dispatch); /* under way */

/* --- words, for tests -------------------------------------------------------------------------
 */

struct bn_dispatch_words {
    char error[320];
    char hint[256]; /* what to do; "" for nothing */
};

/* Why a target was not reached. */
void bn_dispatch_explain(const struct bn_target *target, const struct bn_ssh_end *end,
        struct bn_dispatch_words *out);
/* What sudo said when it would not; false: it said nothing of the kind. */
bool bn_dispatch_explain_sudo(const struct bn_target *target, const char *command, const char *said,
        struct bn_dispatch_words *out);

/*
 * reach: logged in to a target over SSH, through the targets it is reached by, one session after
 * the other; with the secrets opened for as long as they are handed over, and a host key nobody has
 * confirmed told to whom it concerns. Loop thread.
 */
#pragma once

#include "base/secret.h"

#include "hub/hub.h"
#include "io/ssh.h"

struct bn_reach; /* valid until ended() or bn_reach_close() */

struct bn_reach_config {
    struct bn_hub *hub;
    struct bn_ssh *ssh;
    const struct bn_seal_key *key; /* of the passwords and keys */
};

struct bn_reach_ops {
    void (*opened)(void *user, struct bn_ssh_session *session);
    /* The last call: not reached, or lost; at is the target on the way that was. */
    void (*ended)(void *user, const struct bn_target *at, const struct bn_ssh_end *end);
};

struct bn_reach_to {
    const char *tenant;
    const struct bn_target *target; /* copied */
    const struct bn_reach_ops *ops;
    void *user;
};

/* False: `too_many` or `unavailable`, its turn comes later; `invalid`, a target it is reached
   through is gone or a secret cannot be read any more. */
BN_MUST_CHECK bool bn_reach_open(const struct bn_reach_config *config, const struct bn_reach_to *to,
        struct bn_reach **out, struct bn_err *err);
/* Ends every session of it; nothing is called any more. NULL is fine. */
void bn_reach_close(struct bn_reach *reach);
/* To the target itself; NULL before it is opened. */
struct bn_ssh_session *bn_reach_session(const struct bn_reach *reach);

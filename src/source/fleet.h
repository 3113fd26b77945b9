/*
 * fleet: asks each active server of the registry when it is due, and tells what came back.
 *
 * A check is one question for the list of nodes, with retries; it decides about the status. Between
 * checks the guests of servers that are online are listed, of a cluster by one of its members.
 * Whatever an answer finds when it comes
 * is looked up by name: a server may have been changed or removed meanwhile.
 */
#pragma once

#include "base/secret.h"

#include "hub/hub.h"
#include "io/fetch.h"

struct bn_fleet;

struct bn_fleet_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_fetch *fetch;
    const struct bn_seal_key *key; /* of the tokens */
    int64_t check_every_ms;
    int64_t poll_every_ms;
};

/* Begins with the servers the hub knows; later ones are heard of. */
BN_MUST_CHECK bool bn_fleet_start(const struct bn_fleet_config *config, struct bn_fleet **out,
        struct bn_err *err);
/* After the fetch it uses has ended and after the last turn of the hub; NULL is fine. */
void bn_fleet_stop(struct bn_fleet *fleet);

struct bn_fleet_run {
    void (*one)(void *user, const struct bn_check *check); /* as each comes, before it is told */
    void (*done)(void *user); /* after the last; also when servers were removed meanwhile */
    void *user;
};

/* Checks these servers of the tenant now, or every active one when count is 0. An attempt that is
   under way is joined, never doubled (FEATURES B16). Returns how many will be told; 0: done is not
   called. */
size_t bn_fleet_check_now(struct bn_fleet *fleet, const char *tenant, const char *const *ids,
        size_t count, const struct bn_fleet_run *run);

/* The server to ask about guests and nodes told under that one: another member of its cluster while
   it does not answer or has no quorum. Never NULL; the id given when there is nobody better. Valid
   until the next turn. */
const char *bn_fleet_voice(struct bn_fleet *fleet, const char *tenant, const char *server_id);
/* The run of that user is not waited for any more: its done() comes now. What it began goes on as
   if nobody had asked. */
void bn_fleet_leave(struct bn_fleet *fleet, const void *user);

struct bn_fleet_stats {
    size_t servers;
    size_t checking;
    uint64_t checks;
    uint64_t polls;
    int64_t late_ms; /* the worst delay of a due check since the last call */
};

void bn_fleet_get_stats(struct bn_fleet *fleet, struct bn_fleet_stats *out);

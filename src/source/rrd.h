/*
 * rrd: asks a Proxmox VE for the history of a guest or a node, once for all who want it at a time.
 *
 * Whoever asks while the same question is under way waits for its answer, and an answer is good for
 * BN_RRD_KEEP_MS, so that ten who watch one guest cost its host one question. Loop thread only.
 */
#pragma once

#include "base/secret.h"

#include "hub/hub.h"
#include "io/fetch.h"
#include "source/pve.h"

struct bn_rrd;

struct bn_rrd_config {
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_fetch *fetch;
    const struct bn_seal_key *key; /* of the tokens */
};

struct bn_rrd *bn_rrd_create(const struct bn_rrd_config *config);
/* After the fetch it uses has ended; NULL is fine. */
void bn_rrd_destroy(struct bn_rrd *rrd);

/* Of what. The texts are copied. */
struct bn_rrd_subject {
    const char *tenant;
    const struct bn_server *server;
    const char *node;
    const char *type; /* "qemu" or "lxc"; NULL: the node itself */
    int64_t vmid;
    const char *range; /* bn_pve_rrd_range_is_known */
};

struct bn_rrd_answer {
    const struct bn_buf *json; /* NULL: there is none, and err and hint say why */
    struct bn_err err;
    char hint[BN_PVE_HINT_MAX];
};

/* Who waits, by number: called once, perhaps before bn_rrd_ask returns. */
struct bn_rrd_waiter {
    void (*answer)(void *user, uint64_t ticket, const struct bn_rrd_answer *answer);
    void *user;
    uint64_t ticket;
};

/* Would it be answered without asking anybody? */
bool bn_rrd_is_known(struct bn_rrd *rrd, const struct bn_rrd_subject *subject);
/* False: `unavailable` (too many questions are under way) or `invalid` (the token cannot be
   opened); the waiter is not called. */
BN_MUST_CHECK bool bn_rrd_ask(struct bn_rrd *rrd, const struct bn_rrd_subject *subject,
        const struct bn_rrd_waiter *waiter, struct bn_err *err);
/* The server is about to end: who waits is told so now. NULL is fine. */
void bn_rrd_hurry(struct bn_rrd *rrd);

struct bn_rrd_stats {
    uint64_t asked; /* questions that left */
    size_t under_way;
    size_t kept;
    size_t kept_bytes;
};

void bn_rrd_get_stats(const struct bn_rrd *rrd, struct bn_rrd_stats *out);

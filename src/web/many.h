/*
 * many: records asked for together, kept all or none, with one answer when the store has spoken.
 *
 * What is asked between two turns of the hub is one batch of the store, which is one transaction.
 */
#pragma once

#include "web/route.h"

struct bn_many {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_buf body;  /* the answer, JSON */
    const char *refused; /* "nothing was imported": before the store's sentence */
    /* Once, before the answer; err NULL: all is kept. NULL for nothing to do. */
    void (*done)(void *user, const struct bn_err *err);
    void *user;
    size_t waiting; /* private: not yet answered; the asker counts as one */
    struct bn_err err;
};

/* Loop thread. body_max: bytes of the answer. */
struct bn_many *bn_many_create(struct bn_request *req, const char *refused, size_t body_max);
/* False: this one is not admitted, err says why; the others go on. */
BN_MUST_CHECK bool bn_many_ask(struct bn_many *many, const struct bn_fact *fact,
        struct bn_err *err);
/* The last was asked, in the same turn as the first. Answers now when nothing is asked; many is not
   the caller's any more. */
void bn_many_end(struct bn_many *many);

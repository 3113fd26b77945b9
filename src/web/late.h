/*
 * late: an answer that waits until the store has kept what was asked.
 */
#pragma once

#include "web/route.h"

struct bn_late {
    struct bn_web *web;
    uint64_t ticket;
    int status;
    struct bn_buf body; /* JSON, or empty for none */
    char cookie[BN_SET_COOKIE_SIZE];
    /* When the client has left meanwhile (err NULL) or the store refused: what must be undone. */
    void (*undo)(struct bn_late *late, const struct bn_err *err);
    char tenant[BN_TENANT_MAX]; /* for undo */
    char subject[BN_ID_MAX];
};

struct bn_late *bn_late_create(struct bn_request *req, int status);
/* Asks the hub; req is answered when the store has spoken, or now when the fact is not admitted
   (false). Either way req and late are not the caller's any more. */
bool bn_late_ask(struct bn_request *req, struct bn_late *late, const struct bn_fact *fact);
/* For asking by other means: the answer function, its user being late. */
void bn_late_answer(void *user, const struct bn_fact *fact, const struct bn_err *err);
/* Not admitted after all: answers err, forgets late. */
void bn_late_refuse(struct bn_request *req, struct bn_late *late, const struct bn_err *err);

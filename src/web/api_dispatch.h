/*
 * api_dispatch: what the routes that begin operations on targets share: what is wished, judged for
 * one target.
 */
#pragma once

#include "model/target.h"
#include "model/work.h"
#include "web/route.h"

struct bn_operate_form {
    int64_t type; /* index into bn_operate_words */
    char service[160];
    char command[512];
};

extern const char *const bn_operate_words[]; /* as enum bn_work_type from BN_WORK_SERVICE_RESTART */

/* The operation as it would begin on that target, with its command; err says which field is wrong.
   `forbidden`: the asker may not. */
BN_MUST_CHECK bool bn_operate_wish(const struct bn_request *req, const struct bn_target *target,
        const struct bn_operate_form *form, struct bn_operation *out, struct bn_err *err);
/* Is there SSH here, and is it not switched off? */
bool bn_operate_is_on(const struct bn_request *req, struct bn_err *err);
/* The same; false: req has been answered. */
bool bn_operate_is_possible(struct bn_request *req);

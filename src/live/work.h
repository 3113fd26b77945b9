/*
 * work: the rules about operations that one record alone cannot know.
 *
 * An operation that has ended stays as it is, and leaves what is known now by a fact of its own
 * (BN_PAST). Progress never falls. One deed on one thing is under way at a time.
 */
#pragma once

#include "live/live.h"

BN_MUST_CHECK bool bn_work_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err);
/* It belongs to a batch that is under way. */
bool bn_work_is_of_batch(const struct bn_tenant_live *tenant, const struct bn_operation *operation);
/* The operation that does the same to the same thing and is not over, also one the store has not
   spoken of yet; NULL: there is none. Until the next turn. */
const struct bn_operation *bn_work_find_same(const struct bn_tenant_live *tenant,
        const struct bn_operation *wanted);

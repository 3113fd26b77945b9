/*
 * target: the rules about SSH targets that one record alone cannot know.
 *
 * A jump host exists and is not reached through the target itself. While another target is reached
 * through it, it stays.
 */
#pragma once

#include "live/live.h"

BN_MUST_CHECK bool bn_target_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err);

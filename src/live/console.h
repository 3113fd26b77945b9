/*
 * console: the rules about console sessions that one record alone cannot know.
 *
 * One that has ended stays as it is, and leaves what is known now by a fact of its own (BN_PAST).
 */
#pragma once

#include "live/live.h"

BN_MUST_CHECK bool bn_console_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err);

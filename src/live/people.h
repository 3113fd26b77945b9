/*
 * people: the rules about tenants, users, sessions and keys that one record alone cannot check.
 */
#pragma once

#include "live/live.h"

/* A user name is free (ASCII case aside), the last administrator stays one, a session's user exists
   and is enabled, a key's scopes are known. Changes nothing. Facts of other kinds are admitted, and
   so are replayed ones: they were admitted once, and come in any order. */
BN_MUST_CHECK bool bn_people_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err);

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

/* 1-63 of letters, digits . _ - @, beginning with a letter or digit. field names the member at
 * fault. */
BN_MUST_CHECK bool bn_user_name_check(struct bn_str name, const char *field, struct bn_err *err);

/* Looks at every user: for logins and changes of people, not for every request. ASCII case aside.
 */
const struct bn_user *bn_people_user_named(const struct bn_tenant_live *tenant, struct bn_str name);
/* The enabled administrators, except the user with that id ("" for none). */
size_t bn_people_count_admins(const struct bn_tenant_live *tenant, const char *except_id);

/* A set of scopes, a bit per word of BN_SCOPES in that order. */
enum {
    BN_SCOPE_READ = 1,
    BN_SCOPE_OPERATE = 2,
    BN_SCOPE_ADMIN = 4,
    BN_SCOPE_METRICS = 8,
    BN_SCOPE_INGEST = 16,
    BN_SCOPE_ALL = 32,
};

/* "read,metrics"; blanks around commas are fine. Unknown, repeated and no words are refused. */
BN_MUST_CHECK bool bn_scopes_parse(struct bn_str text, uint32_t *out, struct bn_err *err);
/* The usual spelling; size is that of bn_key.scopes or more. */
void bn_scopes_text(uint32_t scopes, char *out, size_t size);
/* Rights (a bit per enum bn_right) those scopes give, and what somebody in that role may do. */
uint32_t bn_scopes_rights(uint32_t scopes);
uint32_t bn_role_rights(int64_t role);
/* The scopes somebody in that role may give away. */
uint32_t bn_role_scopes(int64_t role);

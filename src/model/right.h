/*
 * right: what a role or a scope allows, and what a user may be called.
 */
#pragma once

#include "model/people.h"
#include "model/table.h"

/* 1-63 of letters, digits . _ - @, beginning with a letter or digit. field names the member at
   fault. */
BN_MUST_CHECK bool bn_user_name_check(struct bn_str name, const char *field, struct bn_err *err);
/* NULL when there is none. Looks at every user: for logins and changes of people, not for every
   request. ASCII case aside. */
const struct bn_user *bn_user_named(const struct bn_table *users, struct bn_str name);

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

/* "view,start": what an assignment allows, a bit per word of BN_GUEST_PERMISSIONS in that order;
   view is in each. Unknown and repeated words are refused. */
enum {
    BN_GUEST_VIEW = 1,
    BN_GUEST_CONSOLE = 2,
    BN_GUEST_START = 4,
    BN_GUEST_STOP = 8,
    BN_GUEST_RESTART = 16,
    BN_GUEST_CONSOLE_VIEW = 32, /* its console, but nothing is typed into it; console has it */
};

BN_MUST_CHECK bool bn_guest_permissions_parse(struct bn_str text, uint32_t *out,
        struct bn_err *err);
void bn_guest_permissions_text(uint32_t permissions, char *out, size_t size);
/* Of what one is needed for an action on a guest (FEATURES G15): "start", "view", …, "console" to
   open one at all, "type" to type into it; 0: there is none. */
uint32_t bn_guest_permission_for(const char *action);

/* Rights (a bit per enum bn_right) those scopes give, and what somebody in that role may do. */
uint32_t bn_scopes_rights(uint32_t scopes);
uint32_t bn_role_rights(int64_t role);
/* The same of one person: a viewer who is restricted sees guests assigned to him, nothing else. */
uint32_t bn_user_rights(const struct bn_user *user);
/* The scopes somebody in that role may give away. */
uint32_t bn_role_scopes(int64_t role);

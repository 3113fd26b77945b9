/*
 * api_people: the routes about set-up, logins, keys, users and audit, and what they share.
 */
#pragma once

#include "model/people.h"
#include "web/route.h"

extern const struct bn_route bn_people_routes[];
extern const size_t bn_people_route_count;

/* --- handlers: api_setup.c, api_session.c, api_keys.c, api_users.c, api_audit.c -------------- */

void bn_setup_show(struct bn_request *req);
void bn_setup_finish(struct bn_request *req);
void bn_login(struct bn_request *req);
void bn_login_show(struct bn_request *req);
void bn_logout(struct bn_request *req);
void bn_sessions_list(struct bn_request *req);
void bn_session_remove(struct bn_request *req);
void bn_sessions_remove_others(struct bn_request *req);
void bn_password_change(struct bn_request *req);
void bn_keys_list(struct bn_request *req);
void bn_key_add(struct bn_request *req);
void bn_key_remove(struct bn_request *req);
void bn_users_list(struct bn_request *req);
void bn_user_add(struct bn_request *req);
void bn_user_change(struct bn_request *req);
void bn_user_remove(struct bn_request *req);
void bn_assignments_list(struct bn_request *req);
void bn_assignment_put(struct bn_request *req);
void bn_assignment_remove(struct bn_request *req);
extern const char *const bn_audit_query[];
void bn_audit_list(struct bn_request *req);

/* --- shared ---------------------------------------------------------------------------------- */

/* May this name try once more? False: req has been answered 429 with a sentence that says how long
   and why, and the first refusal stands in the audit. what: "this account". */
bool bn_may_try(struct bn_request *req, enum bn_try which, struct bn_str name, const char *what);

/* What throttling takes for one place: an IPv4 address, or the /64 an IPv6 host may choose from. */
#define BN_PLACE_SIZE 48
void bn_place_of(const char *address, char out[BN_PLACE_SIZE]);

/* An audit entry of what req did; actor "" takes the asker's name. */
struct bn_deed {
    const char *actor;
    const char *action; /* "key.add" */
    const char *object;
    const char *detail;
    bool ok;
};

void bn_audit_request(const struct bn_request *req, const struct bn_deed *deed);
/* The same after the request may be gone. */
void bn_audit_deed(struct bn_web *web, const char *tenant, const char *address,
        const struct bn_deed *deed);

/* {"id":…,"name":…,"role":…} and [{"id":…,"name":…}]: what a login answers. */
void bn_put_login(struct bn_json *json, struct bn_web *web, const char *tenant,
        const struct bn_user *user);
void bn_put_tenants(struct bn_json *json, struct bn_web *web, const char *tenant);

/* Everybody who may log in: there is one login for all tenants. */
const struct bn_table *bn_home_users(struct bn_web *web);

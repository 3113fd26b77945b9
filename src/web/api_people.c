#include "web/api_people.h"

#include <stdio.h>

#include "base/addr.h"

#include "hub/audit.h"
#include "web/forms.h"

#define BODY_MAX 4096 /* a name, two passwords and a code */

bool bn_may_try(struct bn_request *req, enum bn_try which, struct bn_str name, const char *what)
{
    struct bn_throttle *throttle = bn_sessions_throttle(bn_web_sessions(req->web), which);
    const struct bn_throttle_answer answer = bn_throttle_try(throttle, name,
            bn_web_clock(req->web)->mono_ms);
    if (answer.may_try)
        return true;
    char wait[BN_WAIT_TEXT_SIZE];
    char seconds[24];
    struct bn_err err;
    bn_throttle_wait_text(answer.wait_ms, wait);
    snprintf(seconds, sizeof seconds, "%lld", (long long)bn_throttle_wait_s(answer.wait_ms));
    bn_fail(&err, BN_E_TOO_MANY, "too many tries for %s: try again in %s", what, wait);
    if (answer.is_first_refusal) {
        char detail[120];
        snprintf(detail, sizeof detail, "too many tries for %s: asked to wait %s", what, wait);
        bn_audit_request(req,
                &(struct bn_deed){.action = which == BN_TRY_SETUP   ? "setup"
                                            : which == BN_TRY_CHECK ? "server.check"
                                            : which == BN_TRY_TEST || which == BN_TRY_IMPORT
                                                    ? "server.test"
                                                    : "session.throttle",
                        .detail = detail});
    }
    bn_reply_field(req, "Retry-After", seconds);
    bn_reply_err(req, &err);
    return false;
}

void bn_place_of(const char *address, char out[BN_PLACE_SIZE])
{
    struct bn_addr addr;
    if (!bn_addr_parse(bn_str(address), &addr)) {
        bn_text_clip(out, BN_PLACE_SIZE, bn_str(address));
        return;
    }
    if (!bn_addr_is_v4(&addr))
        addr = bn_addr_masked(&addr, 64);
    bn_addr_text(&addr, out);
}

void bn_audit_deed(struct bn_web *web, const char *tenant, const char *address,
        const struct bn_deed *deed)
{
    struct bn_audit entry = {.ok = deed->ok};
    bn_text_clip(entry.actor, sizeof entry.actor, bn_str(deed->actor ? deed->actor : ""));
    bn_text_clip(entry.action, sizeof entry.action, bn_str(deed->action));
    bn_text_clip(entry.object, sizeof entry.object, bn_str(deed->object ? deed->object : ""));
    bn_text_clip(entry.detail, sizeof entry.detail, bn_str(deed->detail ? deed->detail : ""));
    bn_text_clip(entry.address, sizeof entry.address, bn_str(address));
    bn_audit_note(bn_web_hub(web), tenant, &entry);
}

void bn_audit_request(const struct bn_request *req, const struct bn_deed *deed)
{
    const bool is_known = req->who.kind != BN_WHO_NOBODY;
    struct bn_deed full = *deed;
    if (!full.actor || !full.actor[0])
        full.actor = req->who.name;
    bn_audit_deed(req->web, is_known ? req->who.tenant : BN_TENANT_DEFAULT, req->address, &full);
}

const struct bn_table *bn_home_users(struct bn_web *web)
{
    return &bn_live_find(&bn_web_hub(web)->live, BN_TENANT_DEFAULT)->tables[BN_KIND_USER];
}

static void put_user(struct bn_json *json, const struct bn_user *user)
{
    static const char *const members[] = {"id", "name", "role", "is_restricted"};
    uint64_t mask = 0;
    for (size_t i = 0; i < COUNT(members); i++)
        mask |= BN_BIT(bn_field_index(&bn_user_type, members[i]));
    bn_json_object(json);
    bn_record_json(&bn_user_type, user, mask, BN_ABSENT_NULL, json);
    bn_json_object_end(json);
}

void bn_put_tenants(struct bn_json *json, struct bn_web *web, const char *tenant)
{
    const struct bn_tenant *record = bn_live_get(&bn_web_hub(web)->live, tenant, BN_KIND_TENANT,
            tenant);
    bn_json_key(json, "tenants");
    bn_json_array(json);
    bn_json_object(json);
    bn_json_key(json, "id");
    bn_json_text(json, tenant);
    bn_json_key(json, "name");
    bn_json_text(json, record ? record->name : tenant);
    bn_json_object_end(json);
    bn_json_array_end(json);
}

void bn_put_login(struct bn_json *json, struct bn_web *web, const char *tenant,
        const struct bn_user *user)
{
    bn_json_key(json, "user");
    if (user)
        put_user(json, user);
    else
        bn_json_null(json);
    bn_put_tenants(json, web, tenant);
}

/* In the order one would tell it; openapi.json keeps it. */
const struct bn_route bn_people_routes[] = {
        {.method = "GET",
                .path = "/api/v1/setup",
                .right = BN_RIGHT_NONE,
                .handler = bn_setup_show,
                .summary = "Is set-up still to be done?"},
        {.method = "POST",
                .path = "/api/v1/setup",
                .right = BN_RIGHT_NONE,
                .handler = bn_setup_finish,
                .body_max = BODY_MAX,
                .summary = "Make the first administrator with the printed code, and log in",
                .takes = &bn_setup_form_type},
        {.method = "POST",
                .path = "/api/v1/session",
                .right = BN_RIGHT_NONE,
                .handler = bn_login,
                .body_max = BODY_MAX,
                .summary = "Log in: the answer sets a cookie",
                .takes = &bn_login_form_type},
        {.method = "GET",
                .path = "/api/v1/session",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_login_show,
                .summary = "Who asks, and what they may do"},
        {.method = "DELETE",
                .path = "/api/v1/session",
                .right = BN_RIGHT_SELF,
                .handler = bn_logout,
                .summary = "Log out: this session and its sockets end"},
        {.method = "GET",
                .path = "/api/v1/sessions",
                .right = BN_RIGHT_SELF,
                .handler = bn_sessions_list,
                .summary = "One's own sessions"},
        {.method = "DELETE",
                .path = "/api/v1/sessions",
                .right = BN_RIGHT_SELF,
                .handler = bn_sessions_remove_others,
                .summary = "End all one's own sessions but this one"},
        {.method = "DELETE",
                .path = "/api/v1/sessions/{id}",
                .right = BN_RIGHT_SELF,
                .handler = bn_session_remove,
                .summary = "End one's own session; administrators, anybody's"},
        {.method = "POST",
                .path = "/api/v1/password",
                .right = BN_RIGHT_SELF,
                .handler = bn_password_change,
                .body_max = BODY_MAX,
                .summary = "Change one's own password; all other sessions end",
                .takes = &bn_password_form_type},
        {.method = "GET",
                .path = "/api/v1/keys",
                .right = BN_RIGHT_SELF,
                .handler = bn_keys_list,
                .summary = "One's own API keys; administrators see all"},
        {.method = "POST",
                .path = "/api/v1/keys",
                .right = BN_RIGHT_SELF,
                .handler = bn_key_add,
                .body_max = BODY_MAX,
                .summary = "Make an API key; the answer is the only time it is shown",
                .takes = &bn_key_form_type,
                .gives = &bn_key_type},
        {.method = "DELETE",
                .path = "/api/v1/keys/{id}",
                .right = BN_RIGHT_SELF,
                .handler = bn_key_remove,
                .summary = "Remove one's own API key; administrators, any"},
        {.method = "GET",
                .path = "/api/v1/users",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_users_list,
                .summary = "Everybody who may log in"},
        {.method = "POST",
                .path = "/api/v1/users",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_user_add,
                .body_max = BODY_MAX,
                .summary = "Add a person",
                .takes = &bn_user_form_type,
                .gives = &bn_user_type},
        {.method = "PATCH",
                .path = "/api/v1/users/{id}",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_user_change,
                .body_max = BODY_MAX,
                .summary = "Change somebody else's role or password, or lock them out",
                .takes = &bn_user_change_form_type,
                .gives = &bn_user_type},
        {.method = "DELETE",
                .path = "/api/v1/users/{id}",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_user_remove,
                .summary = "Remove somebody else, with their sessions and keys"},
        {.method = "GET",
                .path = "/api/v1/users/{id}/assignments",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_assignments_list,
                .summary = "The guests assigned to somebody"},
        {.method = "POST",
                .path = "/api/v1/users/{id}/assignments",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_assignment_put,
                .body_max = BODY_MAX,
                .summary = "Assign a guest to somebody, or change what they may do with it",
                .takes = &bn_assignment_form_type,
                .gives = &bn_assignment_type},
        {.method = "DELETE",
                .path = "/api/v1/users/{id}/assignments/{server}/{vmid}",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_assignment_remove,
                .summary = "Take a guest from somebody"},
        {.method = "GET",
                .path = "/api/v1/audit",
                .right = BN_RIGHT_ADMIN,
                .handler = bn_audit_list,
                .summary = "Who did what, newest first; before= and limit= page on",
                .query = bn_audit_query},
};

const size_t bn_people_route_count = COUNT(bn_people_routes);

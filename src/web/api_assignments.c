#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "model/right.h"
#include "web/api_people.h"
#include "web/forms.h"
#include "web/guest_right.h"
#include "web/late.h"

#define LIST_BYTES_MAX (32 << 20)

static const void *row_of(const struct bn_request *req, enum bn_kind kind, struct bn_str id)
{
    char text[BN_ID_MAX];
    return bn_text_copy(text, sizeof text, id)
                   ? bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant, kind, text)
                   : NULL;
}

static const struct bn_user *user_of(const struct bn_request *req, struct bn_err *err)
{
    const struct bn_user *user = row_of(req, BN_KIND_USER, req->params[0]);
    if (!user)
        bn_fail(err, BN_E_NOT_FOUND, "there is no such user");
    return user;
}

static void put_assignment(struct bn_json *json, const struct bn_assignment *assignment)
{
    bn_json_object(json);
    bn_record_json(&bn_assignment_type, assignment, BN_MASK_ALL, BN_ABSENT_NULL, json);
    bn_json_object_end(json);
}

void bn_assignments_list(struct bn_request *req)
{
    struct bn_err err;
    const struct bn_user *user = user_of(req, &err);
    if (!user) {
        bn_reply_err(req, &err);
        return;
    }
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "assignments");
    bn_json_array(&json);
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    bn_table_each(row, &tenant->tables[BN_KIND_ASSIGNMENT])
    {
        const struct bn_assignment *assignment = (const void *)row->record;
        if (strcmp(assignment->user_id, user->id) == 0)
            put_assignment(&json, assignment);
    }
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

static void note(const struct bn_request *req, const char *action, const struct bn_user *user,
        const struct bn_assignment *assignment)
{
    char detail[160];
    const struct bn_server *server = row_of(req, BN_KIND_SERVER, bn_str(assignment->server_id));
    snprintf(detail, sizeof detail, "guest %lld of %.60s: %s", (long long)assignment->vmid,
            server ? server->name : assignment->server_id, assignment->permissions);
    bn_audit_request(req, &(struct bn_deed){.action = action,
                                  .object = user->name,
                                  .detail = detail,
                                  .ok = true});
}

static bool read_form(struct bn_request *req, const struct bn_assignment_form *form, bool has_words,
        struct bn_assignment *out, struct bn_err *err)
{
    uint32_t permissions = BN_GUEST_VIEW | BN_GUEST_CONSOLE;
    const struct bn_server *server = row_of(req, BN_KIND_SERVER, bn_str(form->server_id));
    if (!server)
        return bn_fail_field(err, "server_id", "there is no such server");
    if (has_words && !bn_guest_permissions_parse(bn_str(form->permissions), &permissions, err))
        return false;
    /* Guests of a cluster are told under one of its servers. */
    bn_text_clip(out->server_id, sizeof out->server_id,
            bn_str(server->listed_under[0] ? server->listed_under : server->id));
    out->vmid = form->vmid;
    bn_guest_permissions_text(permissions, out->permissions, sizeof out->permissions);
    return true;
}

void bn_assignment_put(struct bn_request *req)
{
    struct bn_assignment_form form;
    struct bn_err err;
    struct bn_fact fact;
    uint64_t given = 0;
    if (!bn_form_read(req, &bn_assignment_form_type, &form, &given))
        return;
    const bool has_words = form.permissions[0] != '\0';
    bn_fact_init(&fact, BN_KIND_ASSIGNMENT, req->who.tenant);
    struct bn_assignment *assignment = &fact.u.assignment;
    const struct bn_user *user = user_of(req, &err);
    if (!user || !read_form(req, &form, has_words, assignment, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    memcpy(assignment->user_id, user->id, sizeof assignment->user_id);
    bn_assignment_id(user->id, assignment->server_id, assignment->vmid, assignment->id);
    bn_text_clip(assignment->created_by, sizeof assignment->created_by, bn_str(req->who.name));
    assignment->created_at = bn_web_clock(req->web)->now_ms;
    struct bn_late *late = bn_late_create(req, 201);
    struct bn_json json;
    bn_json_init(&json, &late->body);
    put_assignment(&json, assignment);
    if (bn_late_ask(req, late, &fact))
        note(req, "assignment.put", user, assignment);
}

void bn_assignment_remove(struct bn_request *req)
{
    struct bn_err err;
    struct bn_fact fact;
    char id[3 * BN_ID_MAX];
    const struct bn_user *user = user_of(req, &err);
    const struct bn_assignment *assignment = NULL;
    if (!user) {
        bn_reply_err(req, &err);
        return;
    }
    snprintf(id, sizeof id, "%s/%.*s/%.*s", user->id, (int)BN_MIN(req->params[1].len, BN_ID_MAX),
            req->params[1].p, (int)BN_MIN(req->params[2].len, BN_ID_MAX), req->params[2].p);
    assignment = row_of(req, BN_KIND_ASSIGNMENT, bn_str(id));
    if (!assignment) {
        bn_fail(&err, BN_E_NOT_FOUND, "that guest is not assigned to %s", user->name);
        bn_reply_err(req, &err);
        return;
    }
    bn_fact_init(&fact, BN_KIND_ASSIGNMENT, req->who.tenant);
    fact.op = BN_GONE;
    fact.u.assignment = *assignment;
    if (bn_late_ask(req, bn_late_create(req, 204), &fact))
        note(req, "assignment.delete", user, &fact.u.assignment);
}

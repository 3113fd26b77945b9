#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#include "model/right.h"
#include "web/api_people.h"
#include "web/forms.h"
#include "web/hash_job.h"
#include "web/late.h"
#include "web/password.h"

#define LIST_BYTES_MAX (8 << 20) /* 10,000 users */

static const struct bn_user *user_with_id(struct bn_web *web, const char *tenant, const char *id)
{
    return bn_live_get(&bn_web_hub(web)->live, tenant, BN_KIND_USER, id);
}

static const char *role_word(int64_t role)
{
    return bn_user_type.fields[bn_field_index(&bn_user_type, "role")].words[role];
}

static void put_user(struct bn_json *json, const struct bn_user *user)
{
    bn_json_object(json);
    bn_record_json(&bn_user_type, user, BN_MASK_ALL, BN_ABSENT_NULL, json);
    bn_json_object_end(json);
}

void bn_users_list(struct bn_request *req)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "users");
    bn_json_array(&json);
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    bn_table_each(row, &tenant->tables[BN_KIND_USER]) put_user(&json, (const void *)row->record);
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

/* --- adding ---------------------------------------------------------------------------------- */

static void add_hashed(struct bn_hash_job *job, struct bn_request *req)
{
    struct bn_fact fact;
    uint8_t id[16];
    if (!req)
        return;
    bn_fact_init(&fact, BN_KIND_USER, job->who.tenant);
    struct bn_user *user = &fact.u.user;
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, user->id);
    memcpy(user->name, job->name, sizeof user->name);
    memcpy(user->password, job->fresh, sizeof user->password);
    user->role = job->role;
    user->created_at = bn_web_clock(job->web)->now_ms;
    struct bn_late *late = bn_late_create(req, 201);
    struct bn_json json;
    bn_json_init(&json, &late->body);
    put_user(&json, user);
    if (!bn_late_ask(req, late, &fact))
        return;
    bn_audit_deed(job->web, job->who.tenant, job->address,
            &(struct bn_deed){.actor = job->who.name,
                    .action = "user.add",
                    .object = user->name,
                    .detail = role_word(user->role),
                    .ok = true});
}

void bn_user_add(struct bn_request *req)
{
    struct bn_user_form form;
    struct bn_err err;
    uint64_t given = 0;
    if (!bn_form_read(req, &bn_user_form_type, &form, &given))
        return;
    const struct bn_str name = bn_str(form.username);
    bool is_good = bn_user_name_check(name, "username", &err) &&
                   bn_password_check(bn_str(form.password), name, "password", &err);
    const struct bn_user *named = bn_user_named(bn_home_users(req->web), name);
    if (is_good && named) { /* before 64 MiB are spent on it */
        is_good = bn_fail_field(&err, "username", "there is already a user named %s", named->name);
        err.code = BN_E_CONFLICT;
    }
    if (!is_good) {
        bn_wipe(&form, sizeof form);
        bn_reply_err(req, &err);
        return;
    }
    struct bn_hash_job *job = bn_hash_job_create(req, add_hashed);
    job->must_hash = true;
    job->role = form.role;
    memcpy(job->name, form.username, sizeof job->name);
    memcpy(job->wanted, form.password, sizeof job->wanted);
    bn_wipe(&form, sizeof form);
    (void)bn_hash_job_start(job, req);
}

/* --- changing -------------------------------------------------------------------------------- */

static void describe(const struct bn_hash_job *job, char *out, size_t size)
{
    const bool has_role = (job->given_mask & BN_CHANGES_ROLE) != 0;
    const bool has_disabled = (job->given_mask & BN_CHANGES_DISABLED) != 0;
    snprintf(out, size, "%s%s%s%s%s", has_role ? "role " : "", has_role ? role_word(job->role) : "",
            !has_disabled   ? ""
            : job->disabled ? " disabled"
                            : " enabled",
            job->given_mask & BN_CHANGES_PASSWORD ? " new password" : "",
            !(job->given_mask & BN_CHANGES_RESTRICTED) ? ""
            : job->is_restricted                       ? " restricted"
                                                       : " not restricted");
}

/* As long as somebody looks at it: the user as it is now, with what was asked changed. */
static void change_now(struct bn_hash_job *job, struct bn_request *req)
{
    struct bn_fact fact;
    struct bn_err err;
    if (!req)
        return;
    const struct bn_user *user = user_with_id(job->web, job->who.tenant, job->user_id);
    if (!user) {
        bn_fail(&err, BN_E_NOT_FOUND, "there is no such user");
        bn_reply_err(req, &err);
        return;
    }
    bn_fact_init(&fact, BN_KIND_USER, job->who.tenant);
    fact.u.user = *user;
    if (job->given_mask & BN_CHANGES_ROLE)
        fact.u.user.role = job->role;
    if (job->given_mask & BN_CHANGES_DISABLED)
        fact.u.user.disabled = job->disabled;
    if (job->given_mask & BN_CHANGES_RESTRICTED)
        fact.u.user.is_restricted = job->is_restricted;
    else if (fact.u.user.role != BN_ROLE_VIEWER)
        fact.u.user.is_restricted = 0;
    if (job->given_mask & BN_CHANGES_PASSWORD)
        memcpy(fact.u.user.password, job->fresh, sizeof fact.u.user.password);
    struct bn_late *late = bn_late_create(req, 200);
    struct bn_json json;
    bn_json_init(&json, &late->body);
    put_user(&json, &fact.u.user);
    if (!bn_late_ask(req, late, &fact))
        return;
    if (fact.u.user.disabled == 1 || (job->given_mask & BN_CHANGES_PASSWORD))
        bn_sessions_end_others(bn_web_sessions(job->web), job->who.tenant, job->user_id, "", NULL,
                NULL);
    char detail[120];
    describe(job, detail, sizeof detail);
    bn_audit_deed(job->web, job->who.tenant, job->address,
            &(struct bn_deed){.actor = job->who.name,
                    .action = "user.change",
                    .object = fact.u.user.name,
                    .detail = detail,
                    .ok = true});
}

/* Somebody else who is there: nobody changes or removes himself, nor does a key its maker. */
static const struct bn_user *other_user(struct bn_request *req, struct bn_err *err)
{
    char id[BN_ID_MAX];
    const struct bn_user *user = NULL;
    if (bn_text_copy(id, sizeof id, req->params[0]))
        user = user_with_id(req->web, req->who.tenant, id);
    if (!user) {
        bn_fail(err, BN_E_NOT_FOUND, "there is no such user");
        return NULL;
    }
    if (strcmp(user->id, req->who.user_id) != 0)
        return user;
    bn_fail(err, BN_E_FORBIDDEN, "nobody changes or removes himself: ask another administrator");
    return NULL;
}

static bool check_change(const struct bn_user *user, const struct bn_user_change_form *form,
        uint64_t given, struct bn_err *err)
{
    if (!given)
        return bn_fail(err, BN_E_INVALID, "role, disabled, is_restricted or password is wanted");
    if ((given & BN_CHANGES_ROLE) && form->role == BN_UNKNOWN)
        return bn_fail_field(err, "role", "role must be viewer, manager or admin, got null");
    const int64_t role = given & BN_CHANGES_ROLE ? form->role : user->role;
    if ((given & BN_CHANGES_RESTRICTED) && form->is_restricted == 1 && role != BN_ROLE_VIEWER)
        return bn_fail_field(err, "is_restricted", "only viewers can be restricted, %s is %s",
                user->name, role_word(role));
    return !(given & BN_CHANGES_PASSWORD) ||
           bn_password_check(bn_str(form->password), bn_str(user->name), "password", err);
}

void bn_user_change(struct bn_request *req)
{
    struct bn_user_change_form form;
    struct bn_err err;
    uint64_t given = 0;
    if (!bn_form_read(req, &bn_user_change_form_type, &form, &given))
        return;
    const struct bn_user *user = other_user(req, &err);
    if (!user || !check_change(user, &form, given, &err)) {
        bn_wipe(&form, sizeof form);
        bn_reply_err(req, &err);
        return;
    }
    struct bn_hash_job *job = bn_hash_job_create(req, change_now);
    job->given_mask = given;
    job->role = form.role;
    job->disabled = form.disabled == 1;
    job->is_restricted = form.is_restricted == 1;
    memcpy(job->user_id, user->id, sizeof job->user_id);
    memcpy(job->wanted, form.password, sizeof job->wanted);
    job->must_hash = (given & BN_CHANGES_PASSWORD) != 0;
    bn_wipe(&form, sizeof form);
    if (job->must_hash) {
        (void)bn_hash_job_start(job, req);
        return;
    }
    change_now(job, req);
    bn_hash_job_destroy(job);
}

/* --- removing -------------------------------------------------------------------------------- */

/* What somebody leaves behind goes in the same transaction. */
static void remove_keys(struct bn_request *req, const char *user_id)
{
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    struct bn_fact fact;
    bn_table_each(row, &tenant->tables[BN_KIND_KEY])
    {
        const struct bn_key *key = (const void *)row->record;
        if (strcmp(key->user_id, user_id) != 0)
            continue;
        bn_fact_init(&fact, BN_KIND_KEY, req->who.tenant);
        fact.op = BN_GONE;
        memcpy(fact.u.key.id, key->id, sizeof fact.u.key.id);
        bn_hub_tell(bn_web_hub(req->web), &fact);
    }
}

void bn_user_remove(struct bn_request *req)
{
    struct bn_err err;
    const struct bn_user *user = other_user(req, &err);
    if (!user) {
        bn_reply_err(req, &err);
        return;
    }
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, req->who.tenant);
    fact.op = BN_GONE;
    fact.u.user = *user;
    struct bn_web *web = req->web;
    struct bn_late *late = bn_late_create(req, 204);
    if (!bn_late_ask(req, late, &fact))
        return;
    bn_sessions_end_others(bn_web_sessions(web), req->who.tenant, fact.u.user.id, "", NULL, NULL);
    remove_keys(req, fact.u.user.id);
    bn_audit_request(req,
            &(struct bn_deed){.action = "user.delete", .object = fact.u.user.name, .ok = true});
}

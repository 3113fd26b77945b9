#include <string.h>

#include "base/log.h"
#include "base/secret.h"

#include "model/right.h"
#include "web/api_people.h"
#include "web/forms.h"
#include "web/hash_job.h"
#include "web/late.h"
#include "web/password.h"
#include "web/setup_code.h"
#include "web/web_private.h"

static const char *dir_of(struct bn_web *web)
{
    return bn_sessions_dir(bn_web_sessions(web));
}

/* The administrator who is longest here: who finished set-up, unless the command line did. */
static const struct bn_user *first_admin(struct bn_web *web)
{
    const struct bn_user *first = NULL;
    bn_table_each(row, bn_home_users(web))
    {
        const struct bn_user *user = (const void *)row->record;
        if (user->role == BN_ROLE_ADMIN && (!first || user->created_at < first->created_at))
            first = user;
    }
    return first;
}

void bn_setup_show(struct bn_request *req)
{
    const bool is_needed = bn_setup_code_is_open(dir_of(req->web));
    const struct bn_user *by = is_needed ? NULL : first_admin(req->web);
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1024);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "needed");
    bn_json_bool(&json, is_needed);
    bn_json_key(&json, "done_at");
    bn_json_time(&json, by ? by->created_at : 0);
    bn_json_key(&json, "done_by");
    bn_json_text(&json, by ? by->name : NULL);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

static bool check_code(struct bn_web *web, const char *given, struct bn_err *err)
{
    char code[BN_SETUP_CODE_SIZE];
    struct bn_err why;
    if (!bn_setup_code_read(dir_of(web), code, &why)) {
        if (why.code == BN_E_NOT_FOUND)
            return bn_fail(err, BN_E_CONFLICT,
                    "set-up is done already; a new code: binnacle setup-url --reset");
        *err = why;
        return false;
    }
    const bool matches = bn_setup_code_matches(code, bn_str(given));
    bn_wipe(code, sizeof code);
    if (matches)
        return true;
    bn_fail_field(err, "code", "this is not the set-up code; `binnacle setup-url` prints it again");
    err->code = BN_E_FORBIDDEN;
    return false;
}

/* The store refused the administrator, so the code was not used. */
static void put_code_back(struct bn_late *late, const struct bn_err *err)
{
    struct bn_err why;
    if (err && !bn_setup_code_write(dir_of(late->web), late->subject, &why))
        bn_log(BN_ERROR, "setup.code_lost", BN_KV("why", why.text),
                BN_KV("text", "make a new code with: binnacle setup-url --reset"));
}

static void fill_user(struct bn_fact *fact, const struct bn_hash_job *job)
{
    uint8_t id[16];
    struct bn_user *user = &fact->u.user;
    bn_fact_init(fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, user->id);
    memcpy(user->name, job->name, sizeof user->name);
    memcpy(user->password, job->fresh, sizeof user->password);
    user->role = BN_ROLE_ADMIN;
    user->disabled = 0;
    user->created_at = bn_web_clock(job->web)->now_ms;
    user->last_login_at = user->created_at;
}

/* The name the owner's browser came by is one this server answers to from now on (SECURITY T13). */
static void remember_host(struct bn_web *web, struct bn_str host)
{
    struct bn_fact fact;
    const struct bn_tenant *tenant = bn_live_get(&bn_web_hub(web)->live, BN_TENANT_DEFAULT,
            BN_KIND_TENANT, BN_TENANT_DEFAULT);
    if (!tenant)
        return;
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    fact.u.tenant = *tenant;
    if (bn_text_copy(fact.u.tenant.host, sizeof fact.u.tenant.host, bn_guard_host_name(host)))
        bn_hub_tell(bn_web_hub(web), &fact);
}

/* The code is taken away before anything else, so that it works once. */
static void make_admin(struct bn_hash_job *job, struct bn_request *req, char *code)
{
    struct bn_web *web = job->web;
    struct bn_fact fact;
    struct bn_err err;
    fill_user(&fact, job);
    if (!bn_setup_code_read(dir_of(web), code, &err) ||
            !bn_live_admit(&bn_web_hub(web)->live, &fact, &err) ||
            !bn_setup_code_remove(dir_of(web), &err) ||
            !bn_hub_ask(bn_web_hub(web), &fact, NULL, NULL, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    remember_host(web, req->head->host);
    struct bn_late *late = bn_late_create(req, 201);
    late->undo = put_code_back;
    bn_text_clip(late->subject, sizeof late->subject, bn_str(code));
    struct bn_json json;
    bn_json_init(&json, &late->body);
    bn_json_object(&json);
    bn_put_login(&json, web, BN_TENANT_DEFAULT, &fact.u.user);
    bn_json_object_end(&json);
    const struct bn_login login = {BN_TENANT_DEFAULT, fact.u.user.id, job->address,
            bn_str(job->agent)};
    char secret[BN_COOKIE_SECRET_SIZE];
    bn_audit_deed(web, BN_TENANT_DEFAULT, job->address,
            &(struct bn_deed){.actor = job->name,
                    .action = "setup",
                    .object = job->name,
                    .ok = true});
    /* The user and the session go into one transaction: both are kept, or neither. */
    if (!bn_sessions_begin(bn_web_sessions(web), &login, bn_late_answer, late, secret, &err)) {
        bn_late_refuse(req, late, &err);
        return;
    }
    bn_cookie_put(secret, job->is_secure, web->config.base_path, late->cookie);
    bn_wipe(secret, sizeof secret);
}

static void password_hashed(struct bn_hash_job *job, struct bn_request *req)
{
    struct bn_err err;
    char code[BN_SETUP_CODE_SIZE];
    if (!req) /* nobody to give the session to; the code stays good */
        return;
    if (!check_code(job->web, job->code, &err)) { /* somebody was faster */
        bn_reply_err(req, &err);
        return;
    }
    make_admin(job, req, code);
    bn_wipe(code, sizeof code);
}

static bool check_form(struct bn_request *req, const struct bn_setup_form *form, struct bn_err *err)
{
    char place[BN_PLACE_SIZE];
    bn_place_of(req->address, place);
    if (!check_code(req->web, form->code, err)) {
        if (err->code == BN_E_FORBIDDEN)
            bn_audit_request(req,
                    &(struct bn_deed){.action = "setup", .detail = "wrong set-up code"});
        return false;
    }
    bn_throttle_refund(bn_sessions_throttle(bn_web_sessions(req->web), BN_TRY_SETUP),
            bn_str(place));
    const struct bn_str name = bn_str(form->username);
    if (!bn_user_name_check(name, "username", err) ||
            !bn_password_check(bn_str(form->password), name, "password", err))
        return false;
    if (!bn_user_named(bn_home_users(req->web), name))
        return true;
    bn_fail_field(err, "username", "there is already a user named %s", form->username);
    err->code = BN_E_CONFLICT;
    return false;
}

void bn_setup_finish(struct bn_request *req)
{
    struct bn_setup_form form;
    struct bn_err err;
    uint64_t given = 0;
    char place[BN_PLACE_SIZE];
    bn_place_of(req->address, place);
    if (!bn_setup_code_is_open(dir_of(req->web))) {
        bn_fail(&err, BN_E_CONFLICT,
                "set-up is done already; a new code: binnacle setup-url --reset");
        bn_reply_err(req, &err);
        return;
    }
    if (!bn_form_read(req, &bn_setup_form_type, &form, &given))
        return;
    if (!bn_may_try(req, BN_TRY_SETUP, bn_str(place), "the set-up code from this address"))
        return;
    if (!check_form(req, &form, &err)) {
        bn_wipe(&form, sizeof form);
        bn_reply_err(req, &err);
        return;
    }
    struct bn_hash_job *job = bn_hash_job_create(req, password_hashed);
    job->must_hash = true;
    memcpy(job->wanted, form.password, sizeof job->wanted);
    memcpy(job->name, form.username, sizeof job->name);
    memcpy(job->code, form.code, sizeof job->code);
    bn_wipe(&form, sizeof form);
    (void)bn_hash_job_start(job, req);
}

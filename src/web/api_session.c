#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

#include "model/right.h"
#include "web/api_dispatch.h"
#include "web/api_people.h"
#include "web/forms.h"
#include "web/hash_job.h"
#include "web/late.h"
#include "web/password.h"
#include "web/web_private.h"

#define LIST_BYTES_MAX (256 << 10) /* 50 sessions */

static void clear_cookie(const struct bn_request *req, struct bn_late *late)
{
    bn_cookie_put(NULL, req->is_secure, req->web->config.base_path, late->cookie);
}

/* --- logging in ------------------------------------------------------------------------------ */

/* The browser left before it got its cookie: nobody can ever use that session. */
static void end_unseen(struct bn_late *late, const struct bn_err *err)
{
    if (!err)
        (void)!bn_sessions_end(bn_web_sessions(late->web), late->tenant, late->subject, NULL, NULL,
                NULL);
}

static void note_login(struct bn_web *web, const struct bn_user *user)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    fact.u.user = *user;
    fact.u.user.last_login_at = bn_web_clock(web)->now_ms;
    /* Asked with the session, so in its transaction; that one speaks for both. */
    (void)!bn_hub_ask(bn_web_hub(web), &fact, NULL, NULL, NULL);
}

static void begin_session(struct bn_hash_job *job, struct bn_request *req,
        const struct bn_user *user)
{
    struct bn_web *web = job->web;
    struct bn_late *late = bn_late_create(req, 200);
    struct bn_json json;
    bn_json_init(&json, &late->body);
    bn_json_object(&json);
    bn_put_login(&json, web, BN_TENANT_DEFAULT, user);
    bn_json_object_end(&json);
    if (job->old_session[0]) /* the cookie changes with each login */
        (void)!bn_sessions_end(bn_web_sessions(web), BN_TENANT_DEFAULT, job->old_session, NULL,
                NULL, NULL);
    const struct bn_login login = {BN_TENANT_DEFAULT, user->id, job->address, bn_str(job->agent)};
    char secret[BN_COOKIE_SECRET_SIZE];
    struct bn_err err;
    if (!bn_sessions_begin(bn_web_sessions(web), &login, bn_late_answer, late, secret, &err)) {
        bn_late_refuse(req, late, &err);
        return;
    }
    late->undo = end_unseen;
    bn_text_clip(late->tenant, sizeof late->tenant, BN_STR(BN_TENANT_DEFAULT));
    uint8_t hash[BN_HASH_SIZE];
    bn_sha256(secret, sizeof secret - 1, hash);
    bn_b64url_encode(hash, 16, late->subject);
    bn_cookie_put(secret, job->is_secure, web->config.base_path, late->cookie);
    bn_wipe(secret, sizeof secret);
    note_login(web, user);
    bn_audit_deed(web, BN_TENANT_DEFAULT, job->address,
            &(struct bn_deed){.actor = user->name,
                    .action = "session.create",
                    .object = user->name,
                    .ok = true});
}

static void refuse_login(struct bn_hash_job *job, struct bn_request *req)
{
    struct bn_err err;
    const struct bn_user *named = bn_user_named(bn_home_users(job->web), bn_str(job->name));
    /* A name nobody has may be a password typed in the wrong box: it is not kept. */
    bn_audit_deed(job->web, BN_TENANT_DEFAULT, job->address,
            &(struct bn_deed){.action = "session.create",
                    .object = named ? named->name : "",
                    .detail = !named                 ? "no such user"
                              : named->disabled == 1 ? "the user is disabled"
                                                     : "wrong password"});
    bn_log(BN_INFO, "login.refused", BN_KV("user", named ? named->name : "unknown"),
            BN_KV("address", job->address));
    bn_fail(&err, BN_E_UNAUTHORIZED, "user name or password is wrong");
    if (req)
        bn_reply_err(req, &err);
}

static void password_checked(struct bn_hash_job *job, struct bn_request *req)
{
    struct bn_sessions *sessions = bn_web_sessions(job->web);
    const struct bn_user *user = bn_live_get(&bn_web_hub(job->web)->live, BN_TENANT_DEFAULT,
            BN_KIND_USER, job->user_id);
    /* Meanwhile the user may have been disabled or the password changed. */
    if (!job->matched || !user || user->disabled == 1 || strcmp(user->password, job->stored) != 0) {
        refuse_login(job, req);
        return;
    }
    char place[BN_PLACE_SIZE];
    bn_place_of(job->address, place);
    bn_throttle_forget(bn_sessions_throttle(sessions, BN_TRY_ACCOUNT), bn_str(job->try_name));
    bn_throttle_refund(bn_sessions_throttle(sessions, BN_TRY_ADDRESS), bn_str(place));
    if (req)
        begin_session(job, req, user);
}

/* Guesses from elsewhere must not keep people out of where they are logged in already: such a place
   is counted by itself. */
static void account_name(struct bn_web *web, const struct bn_user *user, const char *place,
        char out[112])
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    const size_t count = user ? bn_sessions_of(bn_web_sessions(web), BN_TENANT_DEFAULT, user->id,
                                        all)
                              : 0;
    for (size_t i = 0; i < count; i++) {
        char known[BN_PLACE_SIZE];
        bn_place_of(all[i]->address, known);
        if (strcmp(known, place) == 0) {
            snprintf(out, 112, "%s\n%s", user->name, place);
            return;
        }
    }
}

static bool may_log_in(struct bn_request *req, struct bn_str name, struct bn_str place)
{
    if (!bn_may_try(req, BN_TRY_ADDRESS, place, "this address"))
        return false;
    if (bn_may_try(req, BN_TRY_ACCOUNT, name, "this account"))
        return true;
    bn_throttle_refund(bn_sessions_throttle(bn_web_sessions(req->web), BN_TRY_ADDRESS), place);
    return false;
}

void bn_login(struct bn_request *req)
{
    struct bn_web *web = req->web;
    struct bn_sessions *sessions = bn_web_sessions(web);
    struct bn_login_form form;
    uint64_t given = 0;
    char place[BN_PLACE_SIZE];
    bn_place_of(req->address, place);
    if (!bn_form_read(req, &bn_login_form_type, &form, &given))
        return;
    const struct bn_user *user = bn_user_named(bn_home_users(web), bn_str(form.username));
    char account[sizeof((struct bn_hash_job *)0)->try_name];
    bn_text_clip(account, sizeof account, bn_str(form.username));
    account_name(web, user, place, account);
    if (!may_log_in(req, bn_str(account), bn_str(place))) {
        bn_wipe(&form, sizeof form);
        return;
    }
    struct bn_hash_job *job = bn_hash_job_create(req, password_checked);
    struct bn_who before;
    if (bn_sessions_identify(sessions, req->head, req->is_secure, req->address, &before, NULL) &&
            before.kind == BN_WHO_USER)
        memcpy(job->old_session, before.session_id, sizeof job->old_session);
    job->must_check = true;
    memcpy(job->given, form.password, sizeof job->given);
    memcpy(job->name, form.username, sizeof job->name);
    memcpy(job->try_name, account, sizeof job->try_name);
    if (user && user->disabled != 1) {
        memcpy(job->user_id, user->id, sizeof job->user_id);
        memcpy(job->stored, user->password, sizeof job->stored);
    }
    if (!bn_hash_job_start(job, req)) { /* our want of room, not a try of theirs */
        bn_throttle_refund(bn_sessions_throttle(sessions, BN_TRY_ADDRESS), bn_str(place));
        bn_throttle_refund(bn_sessions_throttle(sessions, BN_TRY_ACCOUNT), bn_str(account));
    }
    bn_wipe(&form, sizeof form);
}

/* --- who ------------------------------------------------------------------------------------- */

static void put_rights(struct bn_json *json, const struct bn_who *who)
{
    static const struct {
        enum bn_right right;
        const char *word;
    } rows[] = {{BN_RIGHT_READ, "read"}, {BN_RIGHT_OPERATE, "operate"}, {BN_RIGHT_ADMIN, "admin"},
            {BN_RIGHT_METRICS, "metrics"}, {BN_RIGHT_SELF, "self"}};

    bn_json_key(json, "rights");
    bn_json_array(json);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (bn_who_may(who, rows[i].right))
            bn_json_text(json, rows[i].word);
    }
    bn_json_array_end(json);
}

void bn_login_show(struct bn_request *req)
{
    const struct bn_who *who = &req->who;
    const struct bn_user *user = who->kind != BN_WHO_USER
                                         ? NULL
                                         : bn_live_get(&bn_web_hub(req->web)->live, who->tenant,
                                                   BN_KIND_USER, who->user_id);
    char host[128] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = 0;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_put_login(&json, req->web, who->tenant, user);
    bn_json_key(&json, "session_id");
    bn_json_text(&json, who->kind == BN_WHO_USER ? who->session_id : NULL);
    bn_json_key(&json, "key_id");
    bn_json_text(&json, who->kind == BN_WHO_KEY ? who->key_id : NULL);
    put_rights(&json, who);
    bn_json_key(&json, "version");
    bn_json_text(&json, BN_VERSION);
    bn_json_key(&json, "server_time");
    bn_json_time(&json, bn_web_clock(req->web)->now_ms);
    bn_json_key(&json, "host_name");
    bn_json_text(&json, host[0] ? host : NULL);
    bn_json_key(&json, "servers_max");
    bn_json_i64(&json, bn_live_find(&bn_web_hub(req->web)->live, who->tenant)->servers_max);
    bn_json_key(&json, "operations");
    bn_json_bool(&json, bn_operate_is_on(req, NULL));
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

/* --- ending ---------------------------------------------------------------------------------- */

static void end_one(struct bn_request *req, const char *session_id, struct bn_late *late)
{
    struct bn_err err;
    bn_audit_request(req,
            &(struct bn_deed){.action = "session.end", .object = session_id, .ok = true});
    if (!bn_sessions_end(bn_web_sessions(req->web), req->who.tenant, session_id, bn_late_answer,
                late, &err))
        bn_late_refuse(req, late, &err);
}

void bn_logout(struct bn_request *req)
{
    struct bn_late *late = bn_late_create(req, 204);
    clear_cookie(req, late);
    end_one(req, req->who.session_id, late);
}

void bn_session_remove(struct bn_request *req)
{
    char id[BN_ID_MAX];
    struct bn_err err;
    const struct bn_session *session = NULL;
    if (bn_text_copy(id, sizeof id, req->params[0]))
        session = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant, BN_KIND_SESSION, id);
    const bool is_own = session && strcmp(session->user_id, req->who.user_id) == 0;
    if (!session || (!is_own && !bn_who_may(&req->who, BN_RIGHT_ADMIN))) {
        bn_fail(&err, BN_E_NOT_FOUND, "there is no such session");
        bn_reply_err(req, &err);
        return;
    }
    struct bn_late *late = bn_late_create(req, 204);
    if (strcmp(id, req->who.session_id) == 0)
        clear_cookie(req, late);
    end_one(req, id, late);
}

void bn_sessions_remove_others(struct bn_request *req)
{
    struct bn_late *late = bn_late_create(req, 204);
    const size_t ended = bn_sessions_end_others(bn_web_sessions(req->web), req->who.tenant,
            req->who.user_id, req->who.session_id, bn_late_answer, late);
    if (!ended) {
        bn_late_answer(late, NULL, NULL);
        return;
    }
    bn_audit_request(req, &(struct bn_deed){.action = "session.end",
                                  .object = req->who.name,
                                  .detail = "all but this one",
                                  .ok = true});
}

void bn_sessions_list(struct bn_request *req)
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    const size_t count = bn_sessions_of(bn_web_sessions(req->web), req->who.tenant,
            req->who.user_id, all);
    const uint64_t mask = ~BN_BIT(bn_field_index(&bn_session_type, "user_id"));
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "sessions");
    bn_json_array(&json);
    for (size_t i = 0; i < count; i++) {
        bn_json_object(&json);
        bn_record_json(&bn_session_type, all[i], mask, BN_ABSENT_NULL, &json);
        bn_json_key(&json, "is_current");
        bn_json_bool(&json, strcmp(all[i]->id, req->who.session_id) == 0);
        bn_json_object_end(&json);
    }
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

/* --- one's own password ---------------------------------------------------------------------- */

static void replace_password(struct bn_hash_job *job, struct bn_request *req,
        const struct bn_user *user)
{
    struct bn_late *late = bn_late_create(req, 204);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, job->who.tenant);
    fact.u.user = *user;
    memcpy(fact.u.user.password, job->fresh, sizeof fact.u.user.password);
    if (!bn_late_ask(req, late, &fact))
        return;
    bn_sessions_end_others(bn_web_sessions(job->web), job->who.tenant, job->who.user_id,
            job->who.session_id, NULL, NULL);
    bn_audit_deed(job->web, job->who.tenant, job->address,
            &(struct bn_deed){.actor = job->who.name,
                    .action = "password.change",
                    .object = job->who.name,
                    .ok = true});
}

static void current_checked(struct bn_hash_job *job, struct bn_request *req)
{
    struct bn_err err;
    const struct bn_user *user = bn_live_get(&bn_web_hub(job->web)->live, job->who.tenant,
            BN_KIND_USER, job->who.user_id);
    if (!job->matched || !user || strcmp(user->password, job->stored) != 0) {
        bn_audit_deed(job->web, job->who.tenant, job->address,
                &(struct bn_deed){.actor = job->who.name,
                        .action = "password.change",
                        .object = job->who.name,
                        .detail = "the current password was wrong"});
        bn_fail_field(&err, "current", "this is not the current password");
        if (req)
            bn_reply_err(req, &err);
        return;
    }
    bn_throttle_forget(bn_sessions_throttle(bn_web_sessions(job->web), BN_TRY_PASSWORD),
            bn_str(job->who.user_id));
    if (!req) /* left before it was done: the old one stays, as they must believe */
        return;
    replace_password(job, req, user);
}

static bool check_new(const struct bn_password_form *form, const struct bn_user *user,
        struct bn_err *err)
{
    if (!bn_password_check(bn_str(form->new), bn_str(user->name), "new", err))
        return false;
    if (strcmp(form->new, form->current) == 0)
        return bn_fail_field(err, "new", "the new password is the old one");
    return true;
}

void bn_password_change(struct bn_request *req)
{
    struct bn_password_form form;
    struct bn_err err;
    uint64_t given = 0;
    if (!bn_form_read(req, &bn_password_form_type, &form, &given))
        return;
    const struct bn_user *user = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant,
            BN_KIND_USER, req->who.user_id);
    bn_fail(&err, BN_E_NOT_FOUND, "%s is not there any more", req->who.name);
    if (!user || !check_new(&form, user, &err)) {
        bn_wipe(&form, sizeof form);
        bn_reply_err(req, &err);
        return;
    }
    if (!bn_may_try(req, BN_TRY_PASSWORD, bn_str(req->who.user_id), "the current password")) {
        bn_wipe(&form, sizeof form);
        return;
    }
    struct bn_hash_job *job = bn_hash_job_create(req, current_checked);
    job->must_check = true;
    job->must_hash = true;
    memcpy(job->given, form.current, sizeof job->given);
    memcpy(job->wanted, form.new, sizeof job->wanted);
    memcpy(job->stored, user->password, sizeof job->stored);
    bn_wipe(&form, sizeof form);
    (void)bn_hash_job_start(job, req);
}

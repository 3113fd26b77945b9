#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#include "model/right.h"
#include "web/api_people.h"
#include "web/forms.h"
#include "web/key.h"
#include "web/late.h"

#define LIST_BYTES_MAX (8 << 20) /* 10,000 keys */

static const struct bn_table *keys_of(const struct bn_request *req)
{
    return &bn_live_find(&bn_web_hub(req->web)->live, req->who.tenant)->tables[BN_KIND_KEY];
}

static bool is_mine(const struct bn_request *req, const struct bn_key *key)
{
    return strcmp(key->user_id, req->who.user_id) == 0;
}

static void put_key(struct bn_json *json, const struct bn_request *req, const struct bn_key *key)
{
    const struct bn_user *user = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant,
            BN_KIND_USER, key->user_id);
    const uint64_t mask = ~BN_BIT(bn_field_index(&bn_key_type, "user_id"));
    bn_record_json(&bn_key_type, key, mask, BN_ABSENT_NULL, json);
    bn_json_key(json, "user_name");
    bn_json_text(json, user ? user->name : NULL);
}

void bn_keys_list(struct bn_request *req)
{
    const bool sees_all = bn_who_may(&req->who, BN_RIGHT_ADMIN);
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "keys");
    bn_json_array(&json);
    bn_table_each(row, keys_of(req))
    {
        const struct bn_key *key = (const void *)row->record;
        if (!sees_all && !is_mine(req, key))
            continue;
        bn_json_object(&json);
        put_key(&json, req, key);
        bn_json_object_end(&json);
    }
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

static bool check_form(const struct bn_request *req, const struct bn_key_form *form,
        uint32_t *out_scopes, struct bn_err *err)
{
    const struct bn_user *user = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant,
            BN_KIND_USER, req->who.user_id);
    if (!user)
        return bn_fail(err, BN_E_NOT_FOUND, "%s is not there any more", req->who.name);
    if (!bn_scopes_parse(bn_str(form->scopes), out_scopes, err))
        return false;
    const uint32_t beyond = *out_scopes & ~bn_role_scopes(user->role);
    if (beyond) {
        char words[96];
        bn_scopes_text(beyond, words, sizeof words);
        bn_fail_field(err, "scopes", "your own role does not reach as far as %s", words);
        err->code = BN_E_FORBIDDEN;
        return false;
    }
    if (form->expires_at != 0 && form->expires_at <= bn_web_clock(req->web)->now_ms)
        return bn_fail_field(err, "expires_at", "expires_at must be in the future");
    size_t count = 0;
    bn_table_each(row, keys_of(req)) count += is_mine(req, (const void *)row->record);
    if (count >= BN_KEYS_PER_USER_MAX)
        return bn_fail(err, BN_E_CONFLICT, "you have %zu keys already, which is the limit", count);
    return true;
}

static void add_key(struct bn_request *req, const struct bn_key_form *form, uint32_t scopes)
{
    char text[BN_KEY_TEXT_SIZE];
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, req->who.tenant);
    struct bn_key *key = &fact.u.key;
    bn_key_make(key, text);
    memcpy(key->name, form->name, sizeof key->name);
    bn_scopes_text(scopes, key->scopes, sizeof key->scopes);
    memcpy(key->user_id, req->who.user_id, sizeof key->user_id);
    key->created_at = bn_web_clock(req->web)->now_ms;
    key->expires_at = form->expires_at;
    struct bn_late *late = bn_late_create(req, 201);
    struct bn_json json;
    bn_json_init(&json, &late->body);
    bn_json_object(&json);
    bn_json_key(&json, "key");
    bn_json_text(&json, text);
    put_key(&json, req, key);
    bn_json_object_end(&json);
    bn_wipe(text, sizeof text);
    if (!bn_late_ask(req, late, &fact))
        return;
    char detail[160];
    snprintf(detail, sizeof detail, "%s, scopes %s", key->prefix, key->scopes);
    bn_audit_request(req, &(struct bn_deed){.action = "key.add",
                                  .object = key->name,
                                  .detail = detail,
                                  .ok = true});
}

void bn_key_add(struct bn_request *req)
{
    struct bn_key_form form;
    struct bn_err err;
    uint64_t given = 0;
    uint32_t scopes = 0;
    if (!bn_form_read(req, &bn_key_form_type, &form, &given))
        return;
    if (check_form(req, &form, &scopes, &err))
        add_key(req, &form, scopes);
    else
        bn_reply_err(req, &err);
}

void bn_key_remove(struct bn_request *req)
{
    char id[BN_ID_MAX];
    struct bn_err err;
    struct bn_fact fact;
    const struct bn_key *key = NULL;
    if (bn_text_copy(id, sizeof id, req->params[0]))
        key = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant, BN_KIND_KEY, id);
    if (!key || (!is_mine(req, key) && !bn_who_may(&req->who, BN_RIGHT_ADMIN))) {
        bn_fail(&err, BN_E_NOT_FOUND, "there is no such key");
        bn_reply_err(req, &err);
        return;
    }
    bn_fact_init(&fact, BN_KIND_KEY, req->who.tenant);
    fact.op = BN_GONE;
    memcpy(fact.u.key.id, key->id, sizeof fact.u.key.id);
    bn_audit_request(req, &(struct bn_deed){.action = "key.delete",
                                  .object = key->name,
                                  .detail = key->prefix,
                                  .ok = true});
    (void)bn_late_ask(req, bn_late_create(req, 204), &fact);
}

/* Bodies of people routes, and what people enter about targets. The first byte chooses the form,
   the rest is the body. The server's reader and a slow one over the same table must agree on taking
   it; what was taken has the values that stand in the body; what was refused has a sentence that
   holds nobody's password. Then the rules about passwords, user names and scopes, whatever the form
   was. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "model/right.h"
#include "web/forms.h"
#include "web/password.h"
#include "web/target_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bn_err answered;

/* In the place of the server's: what bn_form_read answers is looked at, not sent. */
void bn_reply_err(struct bn_request *req, const struct bn_err *err)
{
    (void)req;
    assert(answered.code == BN_E_OK);
    answered = *err;
}

/* --- the slow reader ----------------------------------------------------------------------------
 */

static bool fits(const struct bn_field *field, const json_t *value)
{
    int64_t ms;
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT: return json_is_string(value) && json_string_length(value) < field->size;
    case BN_T_BOOL: return json_is_boolean(value);
    case BN_T_TIME:
        return json_is_string(value) &&
               bn_time_parse(json_string_value(value), json_string_length(value), &ms) && ms > 0;
    case BN_T_ENUM:
        for (size_t i = 0; json_is_string(value) && field->words[i]; i++)
            if (strcmp(json_string_value(value), field->words[i]) == 0)
                return true;
        return false;
    case BN_T_I64:
        return json_is_integer(value) &&
               (field->min == field->max || (json_integer_value(value) >= field->min &&
                                                    json_integer_value(value) <= field->max));
    case BN_T_F64: return json_is_number(value);
    }
    return false;
}

static bool is_of_object(const struct bn_record_type *type, const char *object)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (bn_str_is(bn_field_object(&type->fields[i]), object))
            return true;
    return false;
}

static bool take_parts(json_t *out, const char *object, json_t *parts)
{
    char whole[600];
    for (void *at = json_object_iter(parts); at; at = json_object_iter_next(parts, at)) {
        const int len = snprintf(whole, sizeof whole, "%s.%s", object, json_object_iter_key(at));
        if (len >= (int)sizeof whole ||
                json_object_set(out, whole, json_object_iter_value(at)) != 0)
            return false;
    }
    return true;
}

/* {"auth":{"kind":1}} as {"auth.kind":1}; NULL: it is nested otherwise. */
static json_t *flatten(const struct bn_record_type *type, json_t *body)
{
    json_t *out = json_is_object(body) ? json_object() : NULL;
    bool is_good = out != NULL;
    for (void *at = json_object_iter(body); is_good && at; at = json_object_iter_next(body, at)) {
        const char *key = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at);
        if (strchr(key, '.'))
            is_good = false;
        else if (is_of_object(type, key))
            is_good = json_is_object(value) && take_parts(out, key, value);
        else
            is_good = json_object_set(out, key, value) == 0;
    }
    if (!is_good) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static bool is_taken(const struct bn_record_type *type, json_t *body)
{
    if (!json_is_object(body))
        return false;
    for (void *at = json_object_iter(body); at; at = json_object_iter_next(body, at)) {
        const struct bn_field *field = bn_field_find(type, bn_str(json_object_iter_key(at)));
        const json_t *value = json_object_iter_value(at);
        if (!field || !(json_is_null(value) || fits(field, value)))
            return false;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        const json_t *value = json_object_get(body, type->fields[i].name);
        bool is_unknown = !value || json_is_null(value) ||
                          (json_is_string(value) && json_string_length(value) == 0);
        if ((type->fields[i].flags & BN_F_REQUIRED) && is_unknown)
            return false;
    }
    return true;
}

/* --- what was taken ----------------------------------------------------------------------------
 */

static void check_value(const struct bn_field *field, const void *form, const json_t *value)
{
    const char *at = (const char *)form + field->offset;
    int64_t number;
    int64_t ms = 0;
    if (json_is_null(value) || !value) {
        assert(bn_field_is_unknown(field, form) || field->type == BN_T_BOOL);
        return;
    }
    if (field->type == BN_T_TEXT) {
        assert(strcmp(at, json_string_value(value)) == 0);
        return;
    }
    memcpy(&number, at, sizeof number);
    if (field->type == BN_T_BOOL)
        assert(number == json_is_true(value));
    else if (field->type == BN_T_ENUM)
        assert(strcmp(field->words[number], json_string_value(value)) == 0);
    else if (field->type == BN_T_I64)
        assert(number == json_integer_value(value));
    else if (bn_time_parse(json_string_value(value), json_string_length(value), &ms))
        assert(number == ms);
}

static void check_taken(const struct bn_record_type *type, const void *form, uint64_t given,
        json_t *body)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const json_t *value = json_object_get(body, type->fields[i].name);
        assert(!(given & BN_BIT(i)) == !value);
        check_value(&type->fields[i], form, value);
    }
}

static void check_refused(const struct bn_record_type *type, json_t *body)
{
    assert(answered.code == BN_E_INVALID && answered.text[0]);
    assert(memchr(answered.text, 0, sizeof answered.text));
    assert(memchr(answered.field, 0, sizeof answered.field));
    for (size_t i = 0; i < type->field_count; i++) {
        const json_t *value = json_object_get(body, type->fields[i].name);
        /* Short ones may stand in any sentence. */
        if ((type->fields[i].flags & BN_F_SECRET) && json_string_length(value) > 16)
            assert(!strstr(answered.text, json_string_value(value)));
    }
}

/* --- the rules of people ------------------------------------------------------------------------
 */

static void check_password(struct bn_str text)
{
    struct bn_err err = {.code = BN_E_OK};
    struct bn_str name = {text.p, BN_MIN(text.len, (size_t)6)};
    struct bn_str rest = {text.p + name.len, text.len - name.len};
    if (!bn_password_check(rest, name, "password", &err)) {
        assert(err.code == BN_E_INVALID && err.text[0] && strcmp(err.field, "password") == 0);
        assert(rest.len < 40 || !strstr(err.text, "a password") ||
                !memmem(err.text, strlen(err.text), rest.p, rest.len));
        return;
    }
    assert(rest.len >= BN_PASSWORD_MIN && rest.len <= BN_PASSWORD_MAX);
    assert(bn_utf8_is_valid(rest.p, rest.len) && !bn_password_is_common(rest));
    /* Case is no disguise. */
    char upper[BN_PASSWORD_MAX];
    for (size_t i = 0; i < rest.len; i++)
        upper[i] = (char)(rest.p[i] >= 'a' && rest.p[i] <= 'z' ? rest.p[i] - 32 : rest.p[i]);
    assert(!bn_password_is_common((struct bn_str){upper, rest.len}));
}

static void check_name(struct bn_str text)
{
    static const char signs[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@";
    struct bn_err err = {.code = BN_E_OK};
    bool want = text.len >= 1 && text.len <= 63 && !strchr("._-@", text.p[0]);
    for (size_t i = 0; i < text.len; i++)
        want = want && memchr(signs, text.p[i], sizeof signs - 1);
    bool got = bn_user_name_check(text, "username", &err);
    assert(got == want && (got || (err.text[0] && strcmp(err.field, "username") == 0)));
}

static void check_scopes(struct bn_str text)
{
    struct bn_err err = {.code = BN_E_OK};
    uint32_t scopes;
    uint32_t again;
    char out[96];
    if (!bn_scopes_parse(text, &scopes, &err)) {
        assert(err.code == BN_E_INVALID && err.text[0] && strcmp(err.field, "scopes") == 0);
        return;
    }
    bn_scopes_text(scopes, out, sizeof out);
    bool is_same = bn_scopes_parse(bn_str(out), &again, &err) && again == scopes;
    assert(is_same && strlen(out) <= text.len);
    uint32_t rights = bn_scopes_rights(scopes);
    assert(!(scopes & BN_SCOPE_ALL) || rights == bn_scopes_rights(BN_SCOPE_ALL));
    assert(!(rights & (1u << BN_RIGHT_SELF)));
    for (int64_t role = BN_ROLE_VIEWER; role <= BN_ROLE_ADMIN; role++) {
        /* Nobody gives away what the role does not have. */
        uint32_t given = bn_scopes_rights(scopes & bn_role_scopes(role));
        assert((given & ~bn_role_rights(role)) == 0);
    }
}

static void check_permissions(struct bn_str text)
{
    struct bn_err err = {.code = BN_E_OK};
    uint32_t permissions;
    uint32_t again;
    char out[96];
    char action[64];
    if (!bn_guest_permissions_parse(text, &permissions, &err)) {
        assert(err.code == BN_E_INVALID && err.text[0] && strcmp(err.field, "permissions") == 0);
    } else {
        assert(permissions & BN_GUEST_VIEW); /* who may act may see */
        bn_guest_permissions_text(permissions, out, sizeof out);
        bool is_same = bn_guest_permissions_parse(bn_str(out), &again, &err);
        assert(is_same && again == permissions);
    }
    bn_text_clip(action, sizeof action, text);
    const uint32_t needed = bn_guest_permission_for(action);
    if (needed) { /* only what somebody can be given */
        bn_guest_permissions_text(needed, out, sizeof out);
        bool is_given = bn_guest_permissions_parse(bn_str(out), &again, &err);
        assert(is_given && (again & needed) == needed);
    }
    /* Who is kept to assigned guests has no right that a viewer lacks. */
    for (int64_t role = BN_ROLE_VIEWER; role <= BN_ROLE_ADMIN; role++) {
        const struct bn_user user = {.role = role, .is_restricted = text.len % 2};
        assert((bn_user_rights(&user) & ~bn_role_rights(role)) == 0);
    }
}

static void check_named(struct bn_str text)
{
    struct bn_table users;
    struct bn_user user = {.id = "u1"};
    uint64_t changed;
    if (!text.len || text.len >= sizeof user.name || memchr(text.p, 0, text.len))
        return;
    memcpy(user.name, text.p, text.len);
    bn_table_init(&users, &bn_user_type, 4);
    struct bn_row *row = bn_table_put(&users, &user, &changed);
    assert(row);
    assert(bn_user_named(&users, text));
    assert(!bn_user_named(&users, BN_STR("")));
    bn_table_finish(&users);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bn_record_type *const types[] = {&bn_login_form_type, &bn_setup_form_type,
            &bn_password_form_type, &bn_user_form_type, &bn_user_change_form_type,
            &bn_key_form_type};
    static const struct bn_record_type *const targets[] = {&bn_target_form_type,
            &bn_target_change_form_type};

    union {
        struct bn_target_form target;
        struct bn_login_form login;
        struct bn_setup_form setup;
        struct bn_password_form password;
        struct bn_user_form user;
        struct bn_user_change_form change;
        struct bn_key_form key;
    } form;

    if (size == 0)
        return 0;
    struct bn_str text = {(const char *)data + 1, size - 1};
    const bool is_target = data[0] == 't' || data[0] == 'T';
    const struct bn_record_type *type = is_target ? targets[data[0] == 'T']
                                                  : types[data[0] % COUNT(types)];
    struct bn_request req = {.body = text};
    uint64_t given = 0;
    BN_DOC_AUTO *doc = NULL;
    json_t *loaded = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
    json_t *body = flatten(type, loaded);
    answered = (struct bn_err){.code = BN_E_OK};
    bool is_good = bn_form_read(&req, type, &form, &given);
    assert(is_good == (answered.code == BN_E_OK));
    /* What is no document for the reader, because it is deep or holds a NUL, is fuzz_doc's matter.
     */
    bool is_doc = bn_doc_parse(text, &doc, NULL);
    assert(is_good == (is_doc && is_taken(type, body)));
    if (is_good)
        check_taken(type, &form, given, body);
    else
        check_refused(type, body);
    json_decref(body);
    json_decref(loaded);
    check_password(text);
    check_name(text);
    check_scopes(text);
    check_permissions(text);
    check_named(text);
    return 0;
}

#include "web/forms.h"

/* In the order of enum bn_role. */
static const char *const role_words[] = {"viewer", "manager", "admin", NULL};

#define USERNAME(type_) \
    BN_FIELD(type_, username, BN_T_TEXT, .flags = BN_F_REQUIRED, .doc = "login name")
#define SECRET(type_, member_, doc_) \
    BN_FIELD(type_, member_, BN_T_TEXT, .flags = BN_F_REQUIRED | BN_F_SECRET, .doc = (doc_))
#define FORM(name_, word_)                                 \
    const struct bn_record_type bn_##name_##_form_type = { \
            .name = word_,                                 \
            .size = sizeof(struct bn_##name_##_form),      \
            .fields = name_##_fields,                      \
            .field_count = COUNT(name_##_fields),          \
    }

static const struct bn_field login_fields[] = {
        USERNAME(struct bn_login_form),
        SECRET(struct bn_login_form, password, "as chosen"),
};
FORM(login, "login_form");

static const struct bn_field setup_fields[] = {
        SECRET(struct bn_setup_form, code, "the code of the set-up URL"),
        USERNAME(struct bn_setup_form),
        SECRET(struct bn_setup_form, password, "12 to 128 bytes"),
};
FORM(setup, "setup_form");

static const struct bn_field password_fields[] = {
        SECRET(struct bn_password_form, current, "the password as it is"),
        SECRET(struct bn_password_form, new, "12 to 128 bytes"),
};
FORM(password, "password_form");

static const struct bn_field user_fields[] = {
        USERNAME(struct bn_user_form),
        SECRET(struct bn_user_form, password, "12 to 128 bytes"),
        BN_FIELD(struct bn_user_form, role, BN_T_ENUM, .flags = BN_F_REQUIRED, .words = role_words,
                .doc = "what the person may do"),
};
FORM(user, "user_form");

/* In the order of BN_CHANGES_ROLE, …. */
static const struct bn_field user_change_fields[] = {
        BN_FIELD(struct bn_user_change_form, role, BN_T_ENUM, .words = role_words,
                .doc = "what the person may do"),
        BN_FIELD(struct bn_user_change_form, disabled, BN_T_BOOL, .doc = "may not log in"),
        BN_FIELD(struct bn_user_change_form, password, BN_T_TEXT, .flags = BN_F_SECRET,
                .doc = "12 to 128 bytes"),
        BN_FIELD(struct bn_user_change_form, is_restricted, BN_T_BOOL,
                .doc = "of a viewer: sees only the guests assigned to him"),
};
FORM(user_change, "user_change_form");

static const struct bn_field assignment_fields[] = {
        BN_FIELD(struct bn_assignment_form, server_id, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "the server by which the guest is known"),
        BN_FIELD(struct bn_assignment_form, vmid, BN_T_I64, .flags = BN_F_REQUIRED, .min = 1,
                .max = 999999999, .doc = "the number of the guest"),
        BN_FIELD(struct bn_assignment_form, permissions, BN_T_TEXT,
                .doc = "of " BN_GUEST_PERMISSIONS ", separated by commas; view,console if absent"),
};
FORM(assignment, "assignment_form");

static const struct bn_field key_fields[] = {
        BN_FIELD(struct bn_key_form, name, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "what the key is for"),
        BN_FIELD(struct bn_key_form, scopes, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "of " BN_SCOPES ", separated by commas"),
        BN_FIELD(struct bn_key_form, expires_at, BN_T_TIME,
                .doc = "time it stops working; null for never"),
};
FORM(key, "key_form");

static const struct bn_field check_fields[] = {
        BN_FIELD(struct bn_check_form, server_ids, BN_T_TEXT, .flags = BN_F_IDS,
                .doc = "which servers; left out: all that are active"),
};
FORM(check, "check_form");

/* Where a server stands and whom to trust there; required: what a writer must give. */
#define SERVER_PLACE(required)                                                                  \
    BN_FIELD(struct bn_server_form, host, BN_T_TEXT, .flags = (required),                       \
            .doc = "name or address, without scheme and port"),                                 \
            BN_FIELD(struct bn_server_form, port, BN_T_I64, .min = 1, .max = 65535,             \
                    .doc = "of its API; 8006"),                                                 \
            BN_FIELD(struct bn_server_form, api_token, BN_T_TEXT,                               \
                    .flags = (required) | BN_F_SECRET, .doc = "USER@REALM!TOKENID=SECRET"),     \
            BN_FIELD(struct bn_server_form, verify_ssl, BN_T_BOOL,                              \
                    .doc = "an authority of this system must vouch for its certificate; true"), \
            BN_FIELD(struct bn_server_form, fingerprint, BN_T_TEXT,                             \
                    .doc = "SHA-256 of the only certificate it may show"),                      \
            BN_FIELD(struct bn_server_form, connection_timeout_ms, BN_T_I64, .min = 5000,       \
                    .max = 120000, .doc = "how long an attempt may take; 10000")

/* What else is known of one. */
#define SERVER_REST(required)                                                                      \
    BN_FIELD(struct bn_server_form, name, BN_T_TEXT, .flags = (required),                          \
            .doc = "what people call it"),                                                         \
            BN_FIELD(struct bn_server_form, is_active, BN_T_BOOL, .doc = "it is checked; true"),   \
            BN_FIELD(struct bn_server_form, fail_after, BN_T_I64, .min = 1,                        \
                    .max = BN_FAIL_AFTER_MAX,                                                      \
                    .doc = "so many failed attempts in a row before it counts as offline; 1"),     \
            BN_FIELD(struct bn_server_form, vpn_enabled, BN_T_BOOL,                                \
                    .doc = "vpn_host is called instead of host"),                                  \
            BN_FIELD(struct bn_server_form, vpn_host, BN_T_TEXT, .doc = "name or address by VPN"), \
            BN_FIELD(struct bn_server_form, vpn_port, BN_T_I64, .min = 1, .max = 65535,            \
                    .doc = "of its API by VPN; 8006"),                                             \
            BN_FIELD(struct bn_server_form, tags, BN_T_TEXT, .doc = "words separated by commas"),  \
            BN_FIELD(struct bn_server_form, site, BN_T_TEXT, .doc = "where it stands"),            \
            BN_FIELD(struct bn_server_form, notes, BN_T_TEXT, .doc = "for people")

static const struct bn_field server_fields[] = {SERVER_PLACE(BN_F_REQUIRED),
        SERVER_REST(BN_F_REQUIRED),
        BN_FIELD(struct bn_server_form, is_demo, BN_T_BOOL,
                .doc = "belongs to a demo fleet: DELETE /api/v1/demo removes it; false")};
static const struct bn_field server_change_fields[] = {SERVER_PLACE(0), SERVER_REST(0),
        BN_FIELD(struct bn_server_form, silenced_until, BN_T_TIME,
                .doc = "until then its alerts neither count nor notify, 30 days at most; null ends it")};
static const struct bn_field server_test_fields[] = {SERVER_PLACE(BN_F_REQUIRED)};

#define SERVER_FORM(name_, word_)                          \
    const struct bn_record_type bn_##name_##_form_type = { \
            .name = word_,                                 \
            .size = sizeof(struct bn_server_form),         \
            .fields = name_##_fields,                      \
            .field_count = COUNT(name_##_fields),          \
    }
SERVER_FORM(server, "server_form");
SERVER_FORM(server_change, "server_change_form");
SERVER_FORM(server_test, "server_test_form");

bool bn_form_read(struct bn_request *req, const struct bn_record_type *type, void *form,
        uint64_t *out_given)
{
    struct bn_err err;
    BN_DOC_AUTO *doc = NULL;
    bn_record_clear(type, form);
    if (bn_doc_parse(req->body, &doc, &err) && bn_record_read(type, doc, form, out_given, &err) &&
            bn_record_check(type, form, &err))
        return true;
    bn_reply_err(req, &err);
    return false;
}

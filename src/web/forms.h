/*
 * forms: what people routes take, as records, so that one reader refuses and openapi.json tells.
 */
#pragma once

#include "model/limits.h"
#include "web/route.h"

struct bn_login_form {
    char username[64];
    char password[BN_PASSWORD_MAX + 1];
};

struct bn_setup_form {
    char code[32];
    char username[64];
    char password[BN_PASSWORD_MAX + 1];
};

struct bn_password_form {
    char current[BN_PASSWORD_MAX + 1];
    char new[BN_PASSWORD_MAX + 1];
};

struct bn_user_form {
    char username[64];
    char password[BN_PASSWORD_MAX + 1];
    int64_t role;
};

struct bn_user_change_form {
    int64_t role;
    int64_t disabled;
    char password[BN_PASSWORD_MAX + 1];
    int64_t is_restricted;
};

enum {
    BN_CHANGES_ROLE = 1,
    BN_CHANGES_DISABLED = 2,
    BN_CHANGES_PASSWORD = 4,
    BN_CHANGES_RESTRICTED = 8,
};

struct bn_assignment_form {
    char server_id[BN_ID_MAX];
    int64_t vmid;
    char permissions[48];
};

struct bn_key_form {
    char name[96];
    char scopes[96];
    int64_t expires_at;
};

/* Of a new server, of a change of one, and of one that is only tried. */
struct bn_server_form {
    char name[101];
    char host[254];
    int64_t port;
    char api_token[400];
    int64_t verify_ssl;
    char fingerprint[128]; /* as people paste it */
    int64_t is_active;
    int64_t connection_timeout_ms;
    int64_t fail_after;
    int64_t vpn_enabled;
    char vpn_host[254];
    int64_t vpn_port;
    char tags[128];
    char site[64];
    char notes[256];
    int64_t silenced_until;
    int64_t is_demo;
};

/* Which servers to check. */
struct bn_check_form {
    char server_ids[8]; /* never filled: BN_F_IDS */
};

extern const struct bn_record_type bn_login_form_type;
extern const struct bn_record_type bn_setup_form_type;
extern const struct bn_record_type bn_password_form_type;
extern const struct bn_record_type bn_user_form_type;
extern const struct bn_record_type bn_user_change_form_type;
extern const struct bn_record_type bn_assignment_form_type;
extern const struct bn_record_type bn_key_form_type;
extern const struct bn_record_type bn_check_form_type;
extern const struct bn_record_type bn_server_form_type;
extern const struct bn_record_type bn_server_change_form_type;
extern const struct bn_record_type bn_server_test_form_type;

/* Reads the body into form. False: req has been answered. */
bool bn_form_read(struct bn_request *req, const struct bn_record_type *type, void *form,
        uint64_t *out_given);

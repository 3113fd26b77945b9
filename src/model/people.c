#include "model/people.h"

/* In the order of enum bn_role. */
static const char *const role_words[] = {"viewer", "manager", "admin", NULL};

static const struct bn_field tenant_fields[] = {
        BN_FIELD(struct bn_tenant, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "short name in addresses and files"),
        BN_FIELD(struct bn_tenant, name, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "name as people write it"),
        BN_FIELD(struct bn_tenant, host, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the name browsers used at set-up"),
        BN_FIELD(struct bn_tenant, created_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of creation"),
};
_Static_assert(COUNT(tenant_fields) <= BN_FIELDS_MAX, "one bit each");

const struct bn_record_type bn_tenant_type = {
        .name = "tenant",
        .table = "tenants",
        .size = sizeof(struct bn_tenant),
        .fields = tenant_fields,
        .field_count = COUNT(tenant_fields),
};

static const struct bn_field user_fields[] = {
        BN_FIELD(struct bn_user, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "128 random bits"),
        BN_FIELD(struct bn_user, name, BN_T_TEXT, .flags = BN_F_REQUIRED | BN_F_UNIQUE,
                .doc = "login name, unique without case"),
        BN_FIELD(struct bn_user, password, BN_T_TEXT, .flags = BN_F_SECRET | BN_F_FIXED,
                .doc = "argon2id hash"),
        BN_FIELD(struct bn_user, role, BN_T_ENUM, .flags = BN_F_REQUIRED, .words = role_words,
                .doc = "what the person may do"),
        BN_FIELD(struct bn_user, disabled, BN_T_BOOL, .doc = "may not log in"),
        BN_FIELD(struct bn_user, is_restricted, BN_T_BOOL,
                .doc = "of a viewer: sees only the guests assigned to him"),
        BN_FIELD(struct bn_user, created_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of creation"),
        BN_FIELD(struct bn_user, last_login_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of the last login"),
};
_Static_assert(COUNT(user_fields) <= BN_FIELDS_MAX, "one bit each");

const struct bn_record_type bn_user_type = {
        .name = "user",
        .table = "users",
        .size = sizeof(struct bn_user),
        .fields = user_fields,
        .field_count = COUNT(user_fields),
};

static const struct bn_field session_fields[] = {
        BN_FIELD(struct bn_session, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "public id; not the cookie"),
        BN_FIELD(struct bn_session, hash, BN_T_TEXT,
                .flags = BN_F_REQUIRED | BN_F_SECRET | BN_F_FIXED, .doc = "SHA-256 of the cookie"),
        BN_FIELD(struct bn_session, user_id, BN_T_TEXT, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .doc = "whose session"),
        BN_FIELD(struct bn_session, address, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "where the login came from"),
        BN_FIELD(struct bn_session, agent, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "browser as it names itself"),
        BN_FIELD(struct bn_session, created_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of the login"),
        BN_FIELD(struct bn_session, seen_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of the last request, to the minute"),
        BN_FIELD(struct bn_session, expires_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time it ends at the latest"),
};
_Static_assert(COUNT(session_fields) <= BN_FIELDS_MAX, "one bit each");

const struct bn_record_type bn_session_type = {
        .name = "session",
        .table = "sessions",
        .size = sizeof(struct bn_session),
        .fields = session_fields,
        .field_count = COUNT(session_fields),
};

static const struct bn_field key_fields[] = {
        BN_FIELD(struct bn_key, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "public middle part of the key"),
        BN_FIELD(struct bn_key, name, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "what the key is for"),
        BN_FIELD(struct bn_key, prefix, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "first characters, for lists"),
        BN_FIELD(struct bn_key, hash, BN_T_TEXT, .flags = BN_F_REQUIRED | BN_F_SECRET | BN_F_FIXED,
                .doc = "SHA-256 of the key"),
        BN_FIELD(struct bn_key, scopes, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "what it may do, separated by commas"),
        BN_FIELD(struct bn_key, user_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "who made it; unknown for the command line"),
        BN_FIELD(struct bn_key, created_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of creation"),
        BN_FIELD(struct bn_key, last_used_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of the last request"),
        BN_FIELD(struct bn_key, expires_at, BN_T_TIME,
                .doc = "time it stops working; unknown for never"),
};
_Static_assert(COUNT(key_fields) <= BN_FIELDS_MAX, "one bit each");

const struct bn_record_type bn_key_type = {
        .name = "key",
        .table = "api_keys",
        .size = sizeof(struct bn_key),
        .fields = key_fields,
        .field_count = COUNT(key_fields),
};

static const struct bn_field audit_fields[] = {
        BN_FIELD(struct bn_audit, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "grows with time"),
        BN_FIELD(struct bn_audit, at, BN_T_TIME, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .doc = "time of the action"),
        BN_FIELD(struct bn_audit, actor, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "user name, key name or \"command line\""),
        BN_FIELD(struct bn_audit, action, BN_T_TEXT, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .doc = "stable word of what was done"),
        BN_FIELD(struct bn_audit, object, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what it was done to"),
        BN_FIELD(struct bn_audit, address, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "where it came from"),
        BN_FIELD(struct bn_audit, detail, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what else there is to say; never a secret"),
        BN_FIELD(struct bn_audit, ok, BN_T_BOOL, .flags = BN_F_FIXED,
                .doc = "it was done; false when refused"),
};
_Static_assert(COUNT(audit_fields) <= BN_FIELDS_MAX, "one bit each");

const struct bn_record_type bn_audit_type = {
        .name = "audit",
        .table = "audit",
        .size = sizeof(struct bn_audit),
        .fields = audit_fields,
        .field_count = COUNT(audit_fields),
};

static const struct bn_field assignment_fields[] = {
        BN_FIELD(struct bn_assignment, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "user, server and number"),
        BN_FIELD(struct bn_assignment, user_id, BN_T_TEXT, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .doc = "who"),
        BN_FIELD(struct bn_assignment, server_id, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "the server by which the guest is known"),
        BN_FIELD(struct bn_assignment, vmid, BN_T_I64, .flags = BN_F_REQUIRED, .min = 1,
                .max = 999999999, .doc = "the number of the guest"),
        BN_FIELD(struct bn_assignment, permissions, BN_T_TEXT,
                .doc = "of " BN_GUEST_PERMISSIONS ", separated by commas; view is always one"),
        BN_FIELD(struct bn_assignment, created_by, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "user or key"),
        BN_FIELD(struct bn_assignment, created_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of the assignment"),
};
_Static_assert(COUNT(assignment_fields) <= BN_FIELDS_MAX, "one bit each");

const struct bn_record_type bn_assignment_type = {
        .name = "assignment",
        .table = "assignments",
        .size = sizeof(struct bn_assignment),
        .fields = assignment_fields,
        .field_count = COUNT(assignment_fields),
};

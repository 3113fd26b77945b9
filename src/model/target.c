#include "model/target.h"

#include <stdio.h>
#include <string.h>

/* In the order of their enumerations. */
static const char *const platform_words[] = {"systemd", "vos", "custom", NULL};
static const char *const auth_words[] = {"password", "key", NULL};

static const struct bn_field target_fields[] = {
        BN_FIELD(struct bn_target, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "128 random bits"),
        BN_FIELD(struct bn_target, name, BN_T_TEXT, .flags = BN_F_REQUIRED | BN_F_UNIQUE,
                .doc = "what people call it"),
        BN_FIELD(struct bn_target, host, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "name or address, without port"),
        BN_FIELD(struct bn_target, port, BN_T_I64, .flags = BN_F_REQUIRED, .min = 1, .max = 65535,
                .doc = "of its SSH server"),
        BN_FIELD(struct bn_target, username, BN_T_TEXT, .flags = BN_F_REQUIRED,
                .doc = "the account that is logged in to"),
        BN_FIELD_AS(struct bn_target, auth_kind, "auth.kind", BN_T_ENUM, .flags = BN_F_REQUIRED,
                .words = auth_words, .doc = "how it logs in"),
        BN_FIELD_AS(struct bn_target, password, "auth.password", BN_T_TEXT,
                .flags = BN_F_SECRET | BN_F_FIXED, .doc = "sealed"),
        BN_FIELD_AS(struct bn_target, key_parts, "auth.key_parts", BN_T_I64,
                .flags = BN_F_SECRET | BN_F_FIXED, .min = 0, .max = BN_TARGET_KEY_PARTS_MAX,
                .doc = "records that hold the key"),
        BN_FIELD_AS(struct bn_target, public_key, "auth.public_key", BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "type and fingerprint of the key"),
        BN_FIELD(struct bn_target, host_key, BN_T_TEXT,
                .doc = "fingerprint of the host key it must show; absent: none is confirmed"),
        BN_FIELD(struct bn_target, host_key_type, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "type of that host key"),
        BN_FIELD(struct bn_target, seen_host_key, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "fingerprint it showed instead; to be confirmed or not"),
        BN_FIELD(struct bn_target, seen_host_key_type, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "type of what it showed"),
        BN_FIELD(struct bn_target, seen_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time it showed it"),
        BN_FIELD(struct bn_target, jump_id, BN_T_TEXT,
                .doc = "the target through which it is reached"),
        BN_FIELD(struct bn_target, platform, BN_T_ENUM, .flags = BN_F_REQUIRED,
                .words = platform_words, .doc = "how commands are given to it"),
        BN_FIELD(struct bn_target, sudo, BN_T_BOOL, .doc = "of systemd: restarts run by sudo -n"),
        BN_FIELD(struct bn_target, allows_commands, BN_T_BOOL,
                .doc = "administrators may run commands of their own on it"),
        BN_FIELD(struct bn_target, service, BN_T_TEXT,
                .doc = "what a restart restarts when nothing else is said"),
        BN_FIELD_AS(struct bn_target, custom_command, "custom.command", BN_T_TEXT,
                .doc = "what a restart runs on a custom platform"),
        BN_FIELD_AS(struct bn_target, custom_success, "custom.success", BN_T_TEXT,
                .doc = "a text that means it went well; absent: exit status 0"),
        BN_FIELD_AS(struct bn_target, custom_failure, "custom.failure", BN_T_TEXT,
                .doc = "a text that means it failed"),
        BN_FIELD_AS(struct bn_target, custom_prompt, "custom.prompt", BN_T_TEXT,
                .doc = "the command is typed after this prompt"),
        BN_FIELD(struct bn_target, is_active, BN_T_BOOL, .doc = "operations may be started on it"),
        BN_FIELD(struct bn_target, tags, BN_T_TEXT, .doc = "words separated by commas"),
        BN_FIELD(struct bn_target, site, BN_T_TEXT, .doc = "where it stands"),
        BN_FIELD(struct bn_target, notes, BN_T_TEXT, .doc = "for people"),
        BN_FIELD(struct bn_target, is_demo, BN_T_BOOL, .flags = BN_F_FIXED,
                .doc = "belongs to a demo"),
        BN_FIELD(struct bn_target, created_by, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "user or key"),
        BN_FIELD(struct bn_target, created_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of creation"),
        BN_FIELD(struct bn_target, updated_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of the last change"),
};
_Static_assert(COUNT(target_fields) <= BN_FIELDS_MAX, "one bit each");

const struct bn_record_type bn_target_type = {
        .name = "target",
        .table = "targets",
        .size = sizeof(struct bn_target),
        .fields = target_fields,
        .field_count = COUNT(target_fields),
};

static const struct bn_field target_key_fields[] = {
        BN_FIELD(struct bn_target_key, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "target/number"),
        BN_FIELD(struct bn_target_key, text, BN_T_TEXT,
                .flags = BN_F_REQUIRED | BN_F_SECRET | BN_F_FIXED, .doc = "a piece, sealed"),
};

const struct bn_record_type bn_target_key_type = {
        .name = "target_key",
        .table = "target_keys",
        .size = sizeof(struct bn_target_key),
        .fields = target_key_fields,
        .field_count = COUNT(target_key_fields),
};

void bn_target_aad(const char *tenant, const char *target_id, const char *which,
        char out[BN_TARGET_AAD_SIZE])
{
    snprintf(out, BN_TARGET_AAD_SIZE, "v1|targets|%s|%s|%s", which, target_id, tenant);
}

void bn_target_key_id(const char *target_id, int64_t part, char out[BN_ID_MAX])
{
    snprintf(out, BN_ID_MAX, "%.80s/%lld", target_id, (long long)part);
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_made_of(const char *name, const char *extra)
{
    for (const char *p = name; *p; p++)
        if (!is_plain(*p) && !strchr(extra, *p))
            return false;
    return true;
}

bool bn_target_user_check(const char *name, const char *field, struct bn_err *err)
{
    if ((is_plain(name[0]) || name[0] == '_') && is_made_of(name, "._-@"))
        return true;
    return bn_fail_field(err, field,
            "%s must begin with a letter or a digit and may hold letters a-z, digits and . _ - @ only",
            field);
}

bool bn_service_name_check(const char *name, const char *field, struct bn_err *err)
{
    if (!name[0] || (is_plain(name[0]) && is_made_of(name, "@:._-")))
        return true;
    return bn_fail_field(err, field,
            "%s must begin with a letter or a digit and may hold letters a-z, digits and @ : . _ - "
            "only, like nginx.service",
            field);
}

bool bn_vos_service_check(const char *name, const char *field, struct bn_err *err)
{
    const size_t len = strlen(name);
    if (!len || (is_plain(name[0]) && name[len - 1] != ' ' && is_made_of(name, " ._-/()")))
        return true;
    return bn_fail_field(err, field,
            "%s must begin with a letter or a digit and may hold letters a-z, digits, blanks and "
            ". _ - / ( ) only, like Cisco Tomcat",
            field);
}

const char *bn_platform_word(int64_t platform)
{
    return platform >= 0 && platform < (int64_t)COUNT(platform_words) - 1 ? platform_words[platform]
                                                                          : "unknown";
}

#include "web/target_form.h"

/* In the order of their enumerations. */
static const char *const platform_words[] = {"systemd", "vos", "custom", NULL};
static const char *const auth_words[] = {"password", "key", NULL};

#define TEXT_FIELD(member_, doc_) BN_FIELD(struct bn_target_form, member_, BN_T_TEXT, .doc = (doc_))
#define TEXT_AS(member_, name_, flags_, doc_) \
    BN_FIELD_AS(struct bn_target_form, member_, name_, BN_T_TEXT, .flags = (flags_), .doc = (doc_))

/* required: what a writer must give of a new one. */
#define TARGET_FIELDS(required)                                                                     \
    BN_FIELD(struct bn_target_form, name, BN_T_TEXT, .flags = (required),                           \
            .doc = "what people call it; no other target has it"),                                  \
            BN_FIELD(struct bn_target_form, host, BN_T_TEXT, .flags = (required),                   \
                    .doc = "name or address, without port"),                                        \
            BN_FIELD(struct bn_target_form, port, BN_T_I64, .min = 1, .max = 65535,                 \
                    .doc = "of its SSH server; 22"),                                                \
            BN_FIELD(struct bn_target_form, username, BN_T_TEXT, .flags = (required),               \
                    .doc = "the account to log in to"),                                             \
            BN_FIELD_AS(struct bn_target_form, auth_kind, "auth.kind", BN_T_ENUM,                   \
                    .flags = (required), .words = auth_words, .doc = "how to log in"),              \
            TEXT_AS(password, "auth.password", BN_F_SECRET, "of the account"),                      \
            TEXT_AS(private_key, "auth.private_key", BN_F_SECRET,                                   \
                    "the private key file, OpenSSH's format or PEM"),                               \
            TEXT_AS(passphrase, "auth.passphrase", BN_F_SECRET, "opens the private key"),           \
            TEXT_FIELD(host_key, "SHA256:… of the host key it must show; null: asked for again"),   \
            TEXT_FIELD(jump_id, "the target through which it is reached"),                          \
            BN_FIELD(struct bn_target_form, platform, BN_T_ENUM, .words = platform_words,           \
                    .doc = "how commands are given to it; systemd"),                                \
            BN_FIELD(struct bn_target_form, sudo, BN_T_BOOL,                                        \
                    .doc = "of systemd: restarts run by sudo -n; true unless the account is root"), \
            BN_FIELD(struct bn_target_form, allows_commands, BN_T_BOOL,                             \
                    .doc = "administrators may run commands of their own on it, set by them; "      \
                           "false"),                                                                \
            TEXT_FIELD(service, "what a restart restarts when nothing else is said"),               \
            TEXT_AS(custom_command, "custom.command", 0,                                            \
                    "of a custom platform: what a restart runs; set by administrators"),            \
            TEXT_AS(custom_success, "custom.success", 0,                                            \
                    "a text that means it went well; none: exit status 0"),                         \
            TEXT_AS(custom_failure, "custom.failure", 0, "a text that means it failed"),            \
            TEXT_AS(custom_prompt, "custom.prompt", 0,                                              \
                    "the command is typed after this prompt instead of being executed"),            \
            BN_FIELD(struct bn_target_form, is_active, BN_T_BOOL,                                   \
                    .doc = "operations may be started on it; true"),                                \
            TEXT_FIELD(tags, "words separated by commas"), TEXT_FIELD(site, "where it stands"),     \
            TEXT_FIELD(notes, "for people")

static const struct bn_field target_fields[] = {TARGET_FIELDS(BN_F_REQUIRED)};
static const struct bn_field target_change_fields[] = {TARGET_FIELDS(0)};

const struct bn_record_type bn_target_form_type = {
        .name = "target_form",
        .size = sizeof(struct bn_target_form),
        .fields = target_fields,
        .field_count = COUNT(target_fields),
};

const struct bn_record_type bn_target_change_form_type = {
        .name = "target_change_form",
        .size = sizeof(struct bn_target_form),
        .fields = target_change_fields,
        .field_count = COUNT(target_change_fields),
};

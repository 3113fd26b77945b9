/*
 * target_form: what people enter about an SSH target, judged and sealed.
 */
#pragma once

#include "model/target.h"
#include "web/route.h"

struct bn_target_form {
    char name[101];
    char host[254];
    int64_t port;
    char username[64];
    int64_t auth_kind;
    char password[BN_TARGET_SECRET_MAX + 1];
    char private_key[BN_TARGET_KEY_MAX + 1];
    char passphrase[BN_TARGET_SECRET_MAX + 1];
    char host_key[96]; /* as people paste it */
    char jump_id[BN_ID_MAX];
    int64_t platform;
    int64_t allows_commands;
    int64_t sudo;
    char service[160]; /* longer than a name may be, so that the sentence says what is wrong */
    char custom_command[512];
    char custom_success[128];
    char custom_failure[128];
    char custom_prompt[64];
    int64_t is_active;
    char tags[128];
    char site[64];
    char notes[256];
};

extern const struct bn_record_type bn_target_form_type;
extern const struct bn_record_type bn_target_change_form_type;

/* A target as it is about to be, with the pieces of a new key. */
struct bn_target_entry {
    const struct bn_target *before; /* as it was; NULL: it is new */
    struct bn_target target;
    bool has_key; /* the pieces below replace what was there */
    struct bn_target_key parts[BN_TARGET_KEY_PARTS_MAX];
};

/* Takes what was given (a bit per field of type) from a form into the entry, whose target is what
   it was before, or has its id and the defaults: names, host, keys and commands checked, secrets
   sealed for this row. The form's secrets are wiped either way. */
BN_MUST_CHECK bool bn_target_take_form(const struct bn_request *req,
        const struct bn_record_type *type, struct bn_target_form *form, uint64_t given,
        struct bn_target_entry *entry, struct bn_err *err);
void bn_target_set_defaults(struct bn_target *target);

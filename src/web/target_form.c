#include "web/target_form.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

#include "model/ssh_key.h"
#include "web/api_infra.h"
#include "web/server.h"

/* One form that is being taken. */
struct taking {
    const struct bn_request *req;
    const struct bn_record_type *type;
    struct bn_target_form *form;
    uint64_t given;
    struct bn_target_entry *entry;
    struct bn_err *err;
};

static bool is_given(const struct taking *t, const char *name)
{
    return (t->given & BN_BIT(bn_field_index(t->type, name))) != 0;
}

static bool is_given_any(const struct taking *t, const char *object)
{
    for (size_t i = 0; i < t->type->field_count; i++)
        if ((t->given & BN_BIT(i)) && bn_str_is(bn_field_object(&t->type->fields[i]), object))
            return true;
    return false;
}

void bn_target_set_defaults(struct bn_target *target)
{
    bn_record_clear(&bn_target_type, target);
    target->port = 22;
    target->platform = BN_PLATFORM_SYSTEMD;
    target->sudo = target->is_active = 1;
    target->key_parts = target->allows_commands = 0;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Members of the same name and size; secrets, the host key and the service are not as they come. */
static void copy_members(const struct taking *t)
{
    _Static_assert(sizeof t->form->host_key != sizeof t->entry->target.host_key &&
                           sizeof t->form->service != sizeof t->entry->target.service,
            "not copied as they come");
    for (size_t i = 0; i < t->type->field_count; i++) {
        const struct bn_field *from = &t->type->fields[i];
        const struct bn_field *to = bn_field_find(&bn_target_type, bn_str(from->name));
        if (!(t->given & BN_BIT(i)) || !to || to->size != from->size || (from->flags & BN_F_SECRET))
            continue;
        if (from->type != BN_T_TEXT && bn_field_is_unknown(from, t->form))
            continue; /* null: as if it had not been said */
        memcpy((char *)&t->entry->target + to->offset, (const char *)t->form + from->offset,
                from->size);
    }
}

static bool check_text(const char *field, const char *text, const char *allowed, struct bn_err *err)
{
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < 0x20 && !strchr(allowed, *p)) || *p == 0x7F)
            return bn_fail_field(err, field, "%s must not hold the control character 0x%02X", field,
                    (unsigned)*p);
    return true;
}

static bool check_texts(const struct bn_target *target, struct bn_err *err)
{
    if (target->name[0] && bn_str_trim(bn_str(target->name)).len == 0)
        return bn_fail_field(err, "name", "name must hold more than blanks");
    return check_text("name", target->name, "", err) && check_text("tags", target->tags, "", err) &&
           check_text("site", target->site, "", err) &&
           check_text("notes", target->notes, "\t\r\n", err) &&
           check_text("custom.command", target->custom_command, "", err) &&
           check_text("custom.success", target->custom_success, "", err) &&
           check_text("custom.failure", target->custom_failure, "", err) &&
           check_text("custom.prompt", target->custom_prompt, "", err);
}

static bool take_service(const struct taking *t)
{
    struct bn_target *target = &t->entry->target;
    if (is_given(t, "service") &&
            !bn_text_copy(target->service, sizeof target->service, bn_str(t->form->service)))
        return bn_fail_field(t->err, "service", "service must be at most %zu bytes",
                sizeof target->service - 1);
    return target->platform == BN_PLATFORM_VOS
                   ? bn_vos_service_check(target->service, "service", t->err)
                   : bn_service_name_check(target->service, "service", t->err);
}

/* What runs on a machine as it is written is for administrators alone to write. */
static bool check_custom(const struct taking *t)
{
    const struct bn_target *target = &t->entry->target;
    if (is_given_any(t, "custom") && !bn_who_may(&t->req->who, BN_RIGHT_ADMIN)) {
        bn_fail_field(t->err, "custom.command",
                "only administrators may say which command runs on a target");
        t->err->code = BN_E_FORBIDDEN;
        return false;
    }
    if (is_given(t, "allows_commands") && !bn_who_may(&t->req->who, BN_RIGHT_ADMIN)) {
        bn_fail_field(t->err, "allows_commands",
                "only administrators may allow commands on a target");
        t->err->code = BN_E_FORBIDDEN;
        return false;
    }
    return target->platform != BN_PLATFORM_CUSTOM || target->custom_command[0] ||
           bn_fail_field(t->err, "custom.command",
                   "custom.command is required when platform is custom");
}

/* --- trust ----------------------------------------------------------------------------------- */

static bool is_same_place(const struct bn_target *a, const struct bn_target *b)
{
    return strcasecmp(a->host, b->host) == 0 && a->port == b->port &&
           strcmp(a->jump_id, b->jump_id) == 0;
}

static bool is_administrators(const struct taking *t, const char *field, const char *what)
{
    if (bn_who_may(&t->req->who, BN_RIGHT_ADMIN))
        return true;
    bn_fail_field(t->err, field, "only administrators may %s %s", what, t->entry->target.host_key);
    t->err->code = BN_E_FORBIDDEN;
    return false;
}

/* Whoever confirms the first key has looked at it; to trust another one is an administrator's, by
   whatever way: also to forget it, or to move there and back, and confirm the next. */
static bool take_host_key(const struct taking *t)
{
    struct bn_target *target = &t->entry->target;
    const struct bn_str key = bn_str_trim(bn_str(t->form->host_key));
    const bool is_elsewhere = t->entry->before && !is_same_place(t->entry->before, target);
    if (is_elsewhere || (is_given(t, "host_key") && !key.len)) {
        if (target->host_key[0] &&
                !is_administrators(t, is_elsewhere ? "host" : "host_key",
                        is_elsewhere ? "move what has shown the confirmed host key"
                                     : "forget the confirmed host key"))
            return false;
        memset(target->host_key, 0, sizeof target->host_key); /* of another machine, or forgotten */
        memset(target->host_key_type, 0, sizeof target->host_key_type);
    }
    if (!is_given(t, "host_key") || !key.len)
        return true;
    if (!bn_ssh_fingerprint_is_valid(key))
        return bn_fail_field(t->err, "host_key",
                "host_key must be SHA256: and 43 characters, as ssh-keygen -l prints it");
    if (target->host_key[0] && !bn_str_is(key, target->host_key) &&
            !is_administrators(t, "host_key", "trust another host key than"))
        return false;
    memset(target->host_key_type, 0, sizeof target->host_key_type);
    if (bn_str_is(key, target->seen_host_key))
        memcpy(target->host_key_type, target->seen_host_key_type, sizeof target->host_key_type);
    return bn_text_copy(target->host_key, sizeof target->host_key, key);
}

/* What it once showed says nothing about another place, and is settled when it is confirmed. */
static void forget_seen(const struct taking *t)
{
    struct bn_target *target = &t->entry->target;
    const bool is_elsewhere = t->entry->before && !is_same_place(t->entry->before, target);
    if (!is_elsewhere && strcmp(target->seen_host_key, target->host_key) != 0)
        return;
    memset(target->seen_host_key, 0, sizeof target->seen_host_key);
    memset(target->seen_host_key_type, 0, sizeof target->seen_host_key_type);
    target->seen_at = 0;
}

/* --- secrets --------------------------------------------------------------------------------- */

static bool seal_password(const struct taking *t)
{
    char aad[BN_TARGET_AAD_SIZE];
    struct bn_target *target = &t->entry->target;
    bn_target_aad(t->req->who.tenant, target->id, "password", aad);
    return bn_seal(bn_web_parts(t->req->web)->key, aad, bn_str(t->form->password), target->password,
                   sizeof target->password) ||
           bn_fail_field(t->err, "auth.password", "auth.password is too long");
}

/* The passphrase and the key, a NUL between them, sealed as one text and cut into pieces. */
static bool seal_key(const struct taking *t)
{
    char plain[sizeof t->form->passphrase + sizeof t->form->private_key];
    char sealed[sizeof t->entry->parts[0].text * BN_TARGET_KEY_PARTS_MAX];
    char aad[BN_TARGET_AAD_SIZE];
    struct bn_target *target = &t->entry->target;
    const size_t pass_len = strlen(t->form->passphrase);
    const size_t key_len = strlen(t->form->private_key);
    const size_t piece = sizeof t->entry->parts[0].text - 1;
    memcpy(plain, t->form->passphrase, pass_len + 1);
    memcpy(plain + pass_len + 1, t->form->private_key, key_len);
    bn_target_aad(t->req->who.tenant, target->id, "key", aad);
    const bool is_sealed = bn_seal(bn_web_parts(t->req->web)->key, aad,
            (struct bn_str){plain, pass_len + 1 + key_len}, sealed, sizeof sealed);
    bn_wipe(plain, sizeof plain);
    const size_t len = is_sealed ? strlen(sealed) : 0;
    if (!is_sealed || len > piece * BN_TARGET_KEY_PARTS_MAX)
        return bn_fail_field(t->err, "auth.private_key", "auth.private_key is too long");
    target->key_parts = 0;
    for (size_t at = 0; at < len; at += piece) {
        struct bn_target_key *part = &t->entry->parts[target->key_parts];
        memset(part, 0, sizeof *part);
        bn_target_key_id(target->id, target->key_parts++, part->id);
        bn_text_clip(part->text, sizeof part->text,
                (struct bn_str){sealed + at, BN_MIN(piece, len - at)});
    }
    t->entry->has_key = true;
    return true;
}

static bool take_key(const struct taking *t)
{
    struct bn_ssh_key key;
    struct bn_target_form *form = t->form;
    if (!bn_ssh_key_read(bn_str(form->private_key), "auth.private_key", &key, t->err))
        return false;
    if (key.is_encrypted && !form->passphrase[0])
        return bn_fail_field(t->err, "auth.passphrase",
                "auth.passphrase is required: the private key is encrypted");
    if (!key.is_encrypted)
        bn_wipe(form->passphrase, sizeof form->passphrase);
    memset(t->entry->target.public_key, 0, sizeof t->entry->target.public_key);
    bn_text_clip(t->entry->target.public_key, sizeof t->entry->target.public_key,
            bn_str(key.label));
    return seal_key(t);
}

/* Of the other kind nothing is kept. */
static void drop_other(struct bn_target *target)
{
    if (target->auth_kind == BN_AUTH_KEY) {
        memset(target->password, 0, sizeof target->password);
        return;
    }
    target->key_parts = 0;
    memset(target->public_key, 0, sizeof target->public_key);
}

/* A password goes where it was meant to go, and nowhere else (SECURITY T20). A key does not leave
   us, so it may be used on another machine. */
static bool check_kept(const struct taking *t)
{
    const struct bn_target *target = &t->entry->target;
    if (target->auth_kind == BN_AUTH_KEY)
        return target->key_parts > 0 ||
               bn_fail_field(t->err, "auth.private_key", "auth.private_key is required");
    if (!target->password[0])
        return bn_fail_field(t->err, "auth.password", "auth.password is required");
    return t->form->password[0] || !t->entry->before ||
           (is_same_place(t->entry->before, target) &&
                   strcmp(t->entry->before->username, target->username) == 0) ||
           bn_fail_field(t->err, "auth.password",
                   "auth.password must be given again when host, port, username or jump host change, "
                   "for it would be sent somewhere else");
}

static bool take_secrets(const struct taking *t)
{
    struct bn_target_form *form = t->form;
    const bool is_key = t->entry->target.auth_kind == BN_AUTH_KEY;
    if ((form->password[0] || form->private_key[0]) && !bn_server_may_seal(t->req, t->err))
        return false;
    if (form->password[0] && is_key)
        return bn_fail_field(t->err, "auth.password", "auth.password is not used with a key");
    if ((form->private_key[0] || form->passphrase[0]) && !is_key)
        return bn_fail_field(t->err, "auth.private_key",
                "auth.private_key is not used with a password");
    if (form->passphrase[0] && !form->private_key[0])
        return bn_fail_field(t->err, "auth.private_key",
                "auth.private_key must be given again with its passphrase");
    if ((form->password[0] && !seal_password(t)) || (form->private_key[0] && !take_key(t)))
        return false;
    drop_other(&t->entry->target);
    return check_kept(t);
}

/* --- all of it ------------------------------------------------------------------------------- */

static bool take(const struct taking *t)
{
    struct bn_target *target = &t->entry->target;
    copy_members(t);
    if (!t->entry->before && !is_given(t, "sudo"))
        target->sudo = strcmp(target->username, "root") != 0;
    if (!bn_server_check_host(t->req, "host", target->host, t->err) ||
            !bn_target_user_check(target->username, "username", t->err) ||
            !check_texts(target, t->err) || !take_service(t) || !check_custom(t) ||
            !take_host_key(t) || !take_secrets(t))
        return false;
    forget_seen(t);
    return true;
}

bool bn_target_take_form(const struct bn_request *req, const struct bn_record_type *type,
        struct bn_target_form *form, uint64_t given, struct bn_target_entry *entry,
        struct bn_err *err)
{
    const struct taking t = {req, type, form, given, entry, err};
    entry->has_key = false;
    const bool is_good = take(&t);
    bn_wipe(form->password, sizeof form->password);
    bn_wipe(form->private_key, sizeof form->private_key);
    bn_wipe(form->passphrase, sizeof form->passphrase);
    return is_good;
}

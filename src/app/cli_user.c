#include <string.h>

#include "base/secret.h"

#include "app/cli_args.h"
#include "app/guest.h"
#include "model/limits.h"
#include "model/right.h"
#include "web/password.h"
#include "web/setup_code.h"

static const char *const *role_words(void)
{
    return bn_user_type.fields[bn_field_index(&bn_user_type, "role")].words;
}

static bool find_role(const struct bn_cli_args *args, int64_t *out, struct bn_err *err)
{
    *out = args->is_admin ? BN_ROLE_ADMIN : BN_ROLE_VIEWER;
    if (!args->role)
        return true;
    for (int64_t role = 0; role_words()[role]; role++) {
        if (strcmp(role_words()[role], args->role) == 0) {
            *out = role;
            return true;
        }
    }
    return bn_fail(err, BN_E_INVALID, "--role must be viewer, manager or admin, got \"%s\"",
            args->role);
}

static bool find_user(struct bn_guest *guest, const char *name, struct bn_user *out,
        struct bn_err *err)
{
    const struct bn_user *user = bn_user_named(bn_guest_table(guest, BN_KIND_USER), bn_str(name));
    if (!user)
        return bn_fail(err, BN_E_NOT_FOUND, "there is no user \"%s\"", name);
    *out = *user;
    return true;
}

static bool end_sessions(struct bn_guest *guest, const char *user_id, struct bn_err *err)
{
    bn_list_each_safe(it, tmp, &bn_guest_table(guest, BN_KIND_SESSION)->rows) {
        const struct bn_row *row = container_of(it, struct bn_row, link);
        const struct bn_session *session = (const void *)row->record;
        if (strcmp(session->user_id, user_id) != 0)
            continue;
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_SESSION, BN_TENANT_DEFAULT);
        fact.op = BN_GONE;
        memcpy(fact.u.session.id, session->id, sizeof fact.u.session.id);
        if (!bn_guest_say(guest, &fact, err))
            return false;
    }
    return true;
}

/* Reads, checks and hashes; the plain text is gone afterwards. */
static bool new_password(struct bn_cli *cli, const char *name, char out[BN_PWHASH_SIZE],
        struct bn_err *err)
{
    char plain[BN_PASSWORD_MAX + 2];
    const bool is_good = bn_secret_start(err) && bn_cli_password(cli, plain, sizeof plain, err) &&
                         bn_password_check(bn_str(plain), bn_str(name), "password", err) &&
                         bn_password_hash(bn_str(plain), out, err);
    bn_wipe(plain, sizeof plain);
    return is_good;
}

static bool say_user(struct bn_guest *guest, const struct bn_user *user, struct bn_err *err)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    fact.u.user = *user;
    return bn_guest_say(guest, &fact, err);
}

static bool add(struct bn_cli *cli, struct bn_guest *guest, const struct bn_cli_args *args,
        struct bn_err *err)
{
    struct bn_user user;
    uint8_t id[16];
    const char *name = args->words[1];
    bn_record_clear(&bn_user_type, &user);
    if (!bn_user_name_check(bn_str(name), "name", err) || !find_role(args, &user.role, err) ||
            !new_password(cli, name, user.password, err))
        return false;
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, user.id);
    bn_text_clip(user.name, sizeof user.name, bn_str(name));
    user.created_at = guest->now_ms;
    const char *role = role_words()[user.role];
    if (!say_user(guest, &user, err) || !bn_guest_audit(guest, "user.add", name, role, err) ||
            !bn_guest_keep(guest, err))
        return false;
    if (user.role == BN_ROLE_ADMIN && !bn_setup_code_remove(guest->config.data, err))
        return false;
    fprintf(cli->out, "added %s (%s)\n", name, role);
    return true;
}

static bool passwd(struct bn_cli *cli, struct bn_guest *guest, const struct bn_cli_args *args,
        struct bn_err *err)
{
    struct bn_user user;
    char hash[BN_PWHASH_SIZE];
    if (!find_user(guest, args->words[1], &user, err) || !new_password(cli, user.name, hash, err) ||
            !bn_guest_look_again(guest, err) || !find_user(guest, args->words[1], &user, err))
        return false;
    memcpy(user.password, hash, sizeof user.password);
    if (!say_user(guest, &user, err) || !end_sessions(guest, user.id, err) ||
            !bn_guest_audit(guest, "user.change", user.name, "new password", err) ||
            !bn_guest_keep(guest, err))
        return false;
    fprintf(cli->out, "%s has a new password; all sessions of theirs have ended\n", user.name);
    return true;
}

static bool disable(struct bn_cli *cli, struct bn_guest *guest, const struct bn_cli_args *args,
        struct bn_err *err)
{
    struct bn_user user;
    if (!find_user(guest, args->words[1], &user, err))
        return false;
    user.disabled = 1;
    if (!say_user(guest, &user, err) || !end_sessions(guest, user.id, err) ||
            !bn_guest_audit(guest, "user.change", user.name, "disabled", err) ||
            !bn_guest_keep(guest, err))
        return false;
    fprintf(cli->out, "%s is disabled; all sessions of theirs have ended\n", user.name);
    return true;
}

static bool enable(struct bn_cli *cli, struct bn_guest *guest, const struct bn_cli_args *args,
        struct bn_err *err)
{
    struct bn_user user;
    if (!find_user(guest, args->words[1], &user, err))
        return false;
    user.disabled = 0;
    if (!say_user(guest, &user, err) ||
            !bn_guest_audit(guest, "user.change", user.name, "enabled", err) ||
            !bn_guest_keep(guest, err))
        return false;
    fprintf(cli->out, "%s may log in again\n", user.name);
    return true;
}

static bool list(struct bn_cli *cli, struct bn_guest *guest, const struct bn_cli_args *args,
        struct bn_err *err)
{
    (void)args;
    (void)err;
    bn_table_each(row, bn_guest_table(guest, BN_KIND_USER))
    {
        const struct bn_user *user = (const void *)row->record;
        char last[BN_TIME_TEXT_SIZE] = "never";
        if (user->last_login_at > 0)
            bn_time_text(user->last_login_at, last);
        fprintf(cli->out, "%-24s %-8s %-9s last login %s\n", user->name, role_words()[user->role],
                user->disabled == 1 ? "disabled" : "", last);
    }
    return true;
}

static const struct verb {
    const char *word;
    size_t word_count;
    bool needs_password;
    bool may_make; /* a data folder that is not there yet */
    bool (*run)(struct bn_cli *cli, struct bn_guest *guest, const struct bn_cli_args *args,
            struct bn_err *err);
} verbs[] = {
        {"add", 2, true, true, add},
        {"passwd", 2, true, false, passwd},
        {"disable", 2, false, false, disable},
        {"enable", 2, false, false, enable},
        {"list", 1, false, false, list},
};

static const struct verb *verb_of(const struct bn_cli_args *args)
{
    for (size_t i = 0; args->word_count && i < COUNT(verbs); i++) {
        if (strcmp(args->words[0], verbs[i].word) == 0 && args->word_count == verbs[i].word_count &&
                args->password_stdin == verbs[i].needs_password)
            return &verbs[i];
    }
    return NULL;
}

int bn_cli_user(struct bn_cli *cli, int argc, char **argv)
{
    struct bn_cli_args args;
    struct bn_guest guest = {0};
    struct bn_err err;
    const int code = bn_cli_read(cli, argc, argv, &args, &guest.config);
    if (code != BN_CLI_DONE)
        return code;
    const struct verb *verb = verb_of(&args);
    if (!verb)
        return BN_CLI_MISUSED;
    if (!bn_guest_open(&guest, verb->may_make, &err))
        return bn_cli_refuse(cli, &err);
    const bool is_done = verb->run(cli, &guest, &args, &err);
    bn_guest_close(&guest);
    return is_done ? BN_CLI_DONE : bn_cli_refuse(cli, &err);
}

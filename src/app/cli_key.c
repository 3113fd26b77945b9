#include <string.h>

#include "base/secret.h"

#include "app/cli_args.h"
#include "app/guest.h"
#include "model/right.h"
#include "web/key.h"

static bool fill(struct bn_key *key, const struct bn_cli_args *args, int64_t now_ms,
        struct bn_err *err)
{
    uint32_t scopes = 0;
    if (!bn_scopes_parse(bn_str(args->scope), &scopes, err))
        return false;
    bn_scopes_text(scopes, key->scopes, sizeof key->scopes);
    if (!args->name[0] || !bn_text_copy(key->name, sizeof key->name, bn_str(args->name)))
        return bn_fail(err, BN_E_INVALID, "--name must have 1..%zu bytes", sizeof key->name - 1);
    if (args->expires_at &&
            (!bn_time_parse(args->expires_at, strlen(args->expires_at), &key->expires_at) ||
                    key->expires_at <= now_ms))
        return bn_fail(err, BN_E_INVALID,
                "--expires-at must be a time to come, like 2027-01-31T00:00:00Z, got \"%s\"",
                args->expires_at);
    key->created_at = now_ms;
    return true;
}

static bool add(struct bn_cli *cli, struct bn_guest *guest, const struct bn_cli_args *args,
        struct bn_err *err)
{
    char text[BN_KEY_TEXT_SIZE];
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    struct bn_key *key = &fact.u.key;
    bn_key_make(key, text);
    const bool is_done = fill(key, args, guest->now_ms, err) && bn_guest_say(guest, &fact, err) &&
                         bn_guest_audit(guest, "key.add", key->name, key->scopes, err) &&
                         bn_guest_keep(guest, err);
    if (is_done)
        fprintf(cli->out, "%s\n", text);
    bn_wipe(text, sizeof text);
    return is_done;
}

static bool revoke(struct bn_cli *cli, struct bn_guest *guest, const char *id, struct bn_err *err)
{
    const struct bn_row *row = bn_table_find(bn_guest_table(guest, BN_KIND_KEY), id);
    if (!row)
        return bn_fail(err, BN_E_NOT_FOUND,
                "there is no key with the id \"%.60s\"; "
                "`binnacle key list` shows them",
                id);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    memcpy(&fact.u.key, row->record, sizeof fact.u.key);
    fact.op = BN_GONE;
    if (!bn_guest_say(guest, &fact, err) ||
            !bn_guest_audit(guest, "key.delete", fact.u.key.name, fact.u.key.prefix, err) ||
            !bn_guest_keep(guest, err))
        return false;
    fprintf(cli->out, "revoked %s (%s)\n", fact.u.key.id, fact.u.key.name);
    return true;
}

static void list(struct bn_cli *cli, struct bn_guest *guest)
{
    bn_table_each(row, bn_guest_table(guest, BN_KIND_KEY))
    {
        const struct bn_key *key = (const void *)row->record;
        char used[BN_TIME_TEXT_SIZE] = "never";
        if (key->last_used_at > 0)
            bn_time_text(key->last_used_at, used);
        const bool has_expired = key->expires_at > 0 && key->expires_at <= guest->now_ms;
        fprintf(cli->out, "%s  %-24s %-20s last used %s%s\n", key->id, key->name, key->scopes, used,
                has_expired ? "  expired" : "");
    }
}

static bool is_understood(const struct bn_cli_args *args)
{
    const char *verb = args->word_count ? args->words[0] : "";
    if (strcmp(verb, "add") == 0)
        return args->word_count == 1 && args->name && args->scope;
    if (strcmp(verb, "revoke") == 0)
        return args->word_count == 2;
    return strcmp(verb, "list") == 0 && args->word_count == 1;
}

int bn_cli_key(struct bn_cli *cli, int argc, char **argv)
{
    struct bn_cli_args args;
    struct bn_guest guest = {0};
    struct bn_err err;
    const int code = bn_cli_read(cli, argc, argv, &args, &guest.config);
    if (code != BN_CLI_DONE)
        return code;
    if (!is_understood(&args))
        return BN_CLI_MISUSED;
    const char verb = args.words[0][0];
    if (!bn_guest_open(&guest, verb == 'a', &err))
        return bn_cli_refuse(cli, &err);
    bool is_done = true;
    if (verb == 'a')
        is_done = add(cli, &guest, &args, &err);
    else if (verb == 'r')
        is_done = revoke(cli, &guest, args.words[1], &err);
    else
        list(cli, &guest);
    bn_guest_close(&guest);
    return is_done ? BN_CLI_DONE : bn_cli_refuse(cli, &err);
}

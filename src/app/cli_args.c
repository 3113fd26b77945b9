#include "app/cli_args.h"

#include <string.h>

#include "model/limits.h"

int bn_cli_refuse(struct bn_cli *cli, const struct bn_err *err)
{
    fprintf(cli->err, "binnacle: %s\n", err->text);
    return BN_CLI_REFUSED;
}

/* An option of ours that is a word by itself; NULL for others. */
static bool *flag_of(struct bn_cli_args *args, struct bn_str name)
{
    if (bn_str_is(name, "--admin"))
        return &args->is_admin;
    if (bn_str_is(name, "--password-stdin"))
        return &args->password_stdin;
    return bn_str_is(name, "--reset") ? &args->reset : NULL;
}

static const char **text_of(struct bn_cli_args *args, struct bn_str name)
{
    if (bn_str_is(name, "--name"))
        return &args->name;
    if (bn_str_is(name, "--scope") || bn_str_is(name, "--scopes"))
        return &args->scope;
    if (bn_str_is(name, "--role"))
        return &args->role;
    return bn_str_is(name, "--expires-at") ? &args->expires_at : NULL;
}

static bool read_option(struct bn_cli_args *args, int argc, char **argv, int *at,
        struct bn_err *err)
{
    struct bn_str value = bn_str(argv[*at]);
    const struct bn_str name = bn_str_cut(&value, '=');
    bool *flag = flag_of(args, name);
    if (flag && !value.p) {
        *flag = true;
        return true;
    }
    const bool needs_next = !value.p;
    if (needs_next && *at + 1 == argc)
        return bn_fail(err, BN_E_INVALID, "%s needs a value after it", argv[*at]);
    const char **text = text_of(args, name);
    if (text) {
        *text = needs_next ? argv[++*at] : value.p;
        return true;
    }
    if (args->setting_count + 2 > BN_CLI_SETTINGS_MAX)
        return bn_fail(err, BN_E_INVALID, "too many options");
    args->settings[args->setting_count++] = argv[*at];
    if (needs_next)
        args->settings[args->setting_count++] = argv[++*at];
    return true;
}

static bool read_all(struct bn_cli_args *args, int argc, char **argv, struct bn_err *err)
{
    for (int i = 0; i < argc; i++) {
        if (bn_str_starts(bn_str(argv[i]), "--")) {
            if (!read_option(args, argc, argv, &i, err))
                return false;
        } else if (args->word_count == BN_CLI_WORDS_MAX) {
            return bn_fail(err, BN_E_INVALID, "\"%s\" is one word too many", argv[i]);
        } else {
            args->words[args->word_count++] = argv[i];
        }
    }
    return true;
}

int bn_cli_read(struct bn_cli *cli, int argc, char **argv, struct bn_cli_args *out,
        struct bn_config *out_config)
{
    struct bn_err err;
    memset(out, 0, sizeof *out);
    if (!read_all(out, argc, argv, &err)) {
        bn_cli_refuse(cli, &err);
        return BN_CLI_MISUSED;
    }
    if (bn_config_load(out->setting_count, out->settings, cli->env, out_config, &err))
        return BN_CLI_DONE;
    bn_cli_refuse(cli, &err);
    return bn_str_starts(bn_str(err.field), "--") ? BN_CLI_MISUSED : BN_CLI_REFUSED;
}

bool bn_cli_password(struct bn_cli *cli, char *out, size_t size, struct bn_err *err)
{
    size_t len = 0;
    int c = fgetc(cli->in);
    for (; c != EOF && c != '\n'; c = fgetc(cli->in)) {
        if (len + 1 == size)
            return bn_fail(err, BN_E_INVALID, "a password may have at most %d bytes",
                    BN_PASSWORD_MAX);
        out[len++] = (char)c;
    }
    if (len && out[len - 1] == '\r')
        len--;
    out[len] = 0;
    if (!len)
        return bn_fail(err, BN_E_INVALID, "a password is wanted on standard input");
    if (memchr(out, 0, len))
        return bn_fail(err, BN_E_INVALID, "a password must be valid UTF-8 without NUL");
    return true;
}

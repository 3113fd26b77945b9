#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/assemble.h"
#include "app/cli.h"
#include "app/config.h"
#include "app/types.h"

/* Exit codes: 0 done, 1 refused with a sentence on stderr, 2 the command line was not understood.
 */
enum { DONE = 0, REFUSED = 1, MISUSED = 2 };

static int complain(const struct bn_err *err)
{
    fprintf(stderr, "binnacle: %s\n", err->text);
    return bn_str_starts(bn_str(err->field), "--") ? MISUSED : REFUSED;
}

static int print(const struct bn_buf *buf)
{
    const bool is_out = bn_buf_ok(buf) && fwrite(buf->p, 1, buf->len, stdout) == buf->len &&
                        fflush(stdout) == 0;
    return is_out ? DONE : REFUSED;
}

static int run_version(int argc, char **argv)
{
    (void)argv;
    if (argc)
        return MISUSED;
    puts("binnacle " BN_VERSION);
    return DONE;
}

static int print_settings(const struct bn_config *config)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 64 << 10);
    for (size_t i = 0; i < bn_setting_count; i++) {
        bn_buf_printf(&out, "%s = ", bn_settings[i].name);
        bn_config_put_value(config, i, &out);
        bn_buf_printf(&out, "  (%s)\n", bn_config_from_word(config->from[i]));
    }
    return print(&out);
}

static int run_config(int argc, char **argv)
{
    const char *verb = argc ? argv[0] : "";
    if (strcmp(verb, "doc") == 0 && argc == 1) {
        BN_BUF_AUTO out;
        bn_buf_init(&out, 64 << 10);
        bn_config_put_doc(&out);
        return print(&out);
    }
    if (strcmp(verb, "check") != 0)
        return MISUSED;
    struct bn_config config;
    struct bn_err err;
    if (!bn_config_load(argc - 1, argv + 1, environ, &config, &err))
        return complain(&err);
    return print_settings(&config);
}

static int run_serve(int argc, char **argv)
{
    struct bn_config config;
    struct bn_err err;
    if (!bn_config_load(argc, argv, environ, &config, &err))
        return complain(&err);
    return bn_serve(&config);
}

static int run_print_types(int argc, char **argv)
{
    (void)argv;
    if (argc)
        return MISUSED;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1 << 20);
    bn_types_put(&out);
    return print(&out);
}

static int run_user(int argc, char **argv)
{
    return bn_cli_user(&(struct bn_cli){stdin, stdout, stderr, environ}, argc, argv);
}

static int run_key(int argc, char **argv)
{
    return bn_cli_key(&(struct bn_cli){stdin, stdout, stderr, environ}, argc, argv);
}

static int run_setup_url(int argc, char **argv)
{
    return bn_cli_setup_url(&(struct bn_cli){stdin, stdout, stderr, environ}, argc, argv);
}

static int run_fsck(int argc, char **argv)
{
    return bn_cli_fsck(&(struct bn_cli){stdin, stdout, stderr, environ}, argc, argv);
}

static int run_help(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* what follows the name */
    const char *usage;
} commands[] = {
        {"serve", run_serve, "serve [--listen HOST:PORT] [--data DIR] [--SETTING VALUE]…"},
        {"setup-url", run_setup_url, "setup-url [--reset] [--data DIR]"},
        {"user", run_user,
                "user add NAME [--admin | --role ROLE] --password-stdin [--data DIR]\n"
                "  binnacle user passwd NAME --password-stdin [--data DIR]\n"
                "  binnacle user disable NAME [--data DIR]\n"
                "  binnacle user enable NAME [--data DIR]\n"
                "  binnacle user list [--data DIR]"},
        {"key", run_key,
                "key add --name N --scope SCOPES [--expires-at TIME] [--data DIR]\n"
                "  binnacle key revoke ID [--data DIR]\n"
                "  binnacle key list [--data DIR]"},
        {"fsck", run_fsck, "fsck [--data DIR]"},
        {"config", run_config, "config check [--SETTING VALUE]…\n  binnacle config doc"},
        {"print-types", run_print_types, "print-types"},
        {"version", run_version, "version"},
        {"help", run_help, "help"},
};

static void put_help(FILE *to)
{
    fputs("Binnacle shows everything you run, live.\n\n", to);
    for (size_t i = 0; i < COUNT(commands); i++)
        fprintf(to, "  binnacle %s\n", commands[i].usage);
    fputs("\nSettings, as flags of serve, BINNACLE_* variables or lines of DIR/binnacle.conf:\n",
            to);
    for (size_t i = 0; i < bn_setting_count; i++) {
        char flag[64];
        snprintf(flag, sizeof flag, "--%s", bn_settings[i].name);
        for (char *p = flag; *p; p++) {
            if (*p == '_')
                *p = '-';
        }
        fprintf(to, "  %-18s %s\n", flag, bn_settings[i].doc);
    }
}

static int run_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    put_help(stdout);
    return fflush(stdout) == 0 ? DONE : REFUSED;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        const int code = commands[i].run(argc - 2, argv + 2);
        if (code == MISUSED)
            fprintf(stderr, "usage: binnacle %s\n", commands[i].usage);
        return code;
    }
    if (name[0])
        fprintf(stderr, "binnacle: there is no command \"%s\"\n\n", name);
    put_help(stderr);
    return MISUSED;
}

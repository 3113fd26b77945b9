/*
 * cli_args: the words and options of one command; what is no option of it goes to the settings.
 */
#pragma once

#include "app/cli.h"
#include "app/config.h"

#define BN_CLI_WORDS_MAX    2
#define BN_CLI_SETTINGS_MAX 32

struct bn_cli_args {
    const char *words[BN_CLI_WORDS_MAX]; /* "add", NAME */
    size_t word_count;
    const char *name;       /* --name N */
    const char *scope;      /* --scope S */
    const char *role;       /* --role R */
    const char *expires_at; /* --expires-at TIME */
    bool is_admin;          /* --admin */
    bool password_stdin;    /* --password-stdin */
    bool reset;             /* --reset */
    char *settings[BN_CLI_SETTINGS_MAX];
    int setting_count;
};

/* Reads argv and loads the settings. Answers BN_CLI_DONE, or the exit code after one sentence. */
int bn_cli_read(struct bn_cli *cli, int argc, char **argv, struct bn_cli_args *out,
        struct bn_config *out_config);
/* Writes "binnacle: …" and answers BN_CLI_REFUSED. */
int bn_cli_refuse(struct bn_cli *cli, const struct bn_err *err);

/* One line of cli->in without its line end. */
BN_MUST_CHECK bool bn_cli_password(struct bn_cli *cli, char *out, size_t size, struct bn_err *err);

/*
 * cli: people and keys from the command line, whether the server runs or not.
 *
 * Opens the data folder as a guest: a command ends when the running server has learned what it
 * wrote, a second later at the most. Every change stands in the audit as done by "command line".
 */
#pragma once

#include <stdio.h>

#include "base/base.h"

/* Where a command reads and writes; tests bring their own. */
struct bn_cli {
    FILE *in;
    FILE *out;
    FILE *err;
    char *const *env; /* NULL-terminated */
};

/* Exit codes of every command; whoever called says how it is used after MISUSED. */
enum { BN_CLI_DONE, BN_CLI_REFUSED, BN_CLI_MISUSED };

/* argv holds what follows the command's name. */
int bn_cli_user(struct bn_cli *cli, int argc, char **argv);
int bn_cli_key(struct bn_cli *cli, int argc, char **argv);
int bn_cli_setup_url(struct bn_cli *cli, int argc, char **argv);
/* What the database promises, looked at and not changed; refused when something of it does not
 * hold. */
int bn_cli_fsck(struct bn_cli *cli, int argc, char **argv);

#include "app/cli_args.h"
#include "store/fsck.h"

struct report {
    FILE *out;
    int64_t rules;
};

static void say(void *user, const char *rule, const char *problem, int64_t count)
{
    struct report *report = user;
    if (!problem)
        fprintf(report->out, "ok     %s\n", rule);
    else
        fprintf(report->out, "WRONG  %s: %.200s\n", rule, problem);
    report->rules += count <= 1;
}

int bn_cli_fsck(struct bn_cli *cli, int argc, char **argv)
{
    struct bn_cli_args args;
    struct bn_config config;
    struct bn_err err;
    struct report report = {.out = cli->out};
    int64_t problems = 0;
    const int read = bn_cli_read(cli, argc, argv, &args, &config);
    if (read != BN_CLI_DONE)
        return read;
    if (args.word_count)
        return BN_CLI_MISUSED;
    if (!bn_fsck(config.data, say, &report, &problems, &err))
        return bn_cli_refuse(cli, &err);
    fprintf(cli->out, "%lld rules, %lld problems\n", (long long)report.rules, (long long)problems);
    return problems ? BN_CLI_REFUSED : BN_CLI_DONE;
}

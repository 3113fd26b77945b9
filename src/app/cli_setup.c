#include "base/secret.h"

#include "app/cli_args.h"
#include "app/guest.h"
#include "app/setup.h"
#include "web/setup_code.h"

static const struct bn_user *some_admin(struct bn_guest *guest)
{
    bn_table_each(row, bn_guest_table(guest, BN_KIND_USER))
    {
        const struct bn_user *user = (const void *)row->record;
        if (user->role == BN_ROLE_ADMIN && user->disabled != 1)
            return user;
    }
    return NULL;
}

/* Only who may read the data folder comes here: they may always let themselves in again. */
static bool make_code(struct bn_guest *guest, bool is_reset, char code[BN_SETUP_CODE_SIZE],
        struct bn_err *err)
{
    const struct bn_user *admin = some_admin(guest);
    if (admin && !is_reset) {
        char at[BN_TIME_TEXT_SIZE];
        bn_time_text(admin->created_at, at);
        return bn_fail(err, BN_E_CONFLICT,
                "set-up is done: %s is an administrator since %s. Not you? Add --reset for a new code",
                admin->name, at);
    }
    return bn_setup_code_make(guest->config.data, code, err) &&
           bn_guest_audit(guest, "setup.code", "", is_reset ? "a new code" : "", err) &&
           bn_guest_keep(guest, err);
}

static bool find_code(struct bn_guest *guest, bool is_reset, char code[BN_SETUP_CODE_SIZE],
        struct bn_err *err)
{
    struct bn_err why;
    if (!is_reset && bn_setup_code_read(guest->config.data, code, &why))
        return true;
    if (!bn_guest_open(guest, false, err))
        return false;
    const bool is_made = make_code(guest, is_reset, code, err);
    bn_guest_close(guest);
    return is_made;
}

int bn_cli_setup_url(struct bn_cli *cli, int argc, char **argv)
{
    struct bn_cli_args args;
    struct bn_guest guest = {0};
    struct bn_err err;
    char code[BN_SETUP_CODE_SIZE];
    char address[BN_URL_SIZE];
    char url[BN_URL_SIZE];
    const int read = bn_cli_read(cli, argc, argv, &args, &guest.config);
    if (read != BN_CLI_DONE)
        return read;
    if (args.word_count)
        return BN_CLI_MISUSED;
    if (!find_code(&guest, args.reset, code, &err))
        return bn_cli_refuse(cli, &err);
    bn_setup_address(&guest.config, address);
    bn_setup_url(address, code, url);
    fprintf(cli->out, "%s\n", url);
    return BN_CLI_DONE;
}

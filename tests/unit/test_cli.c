#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"

#include "app/cli.h"
#include "app/guest.h"
#include "app/setup.h"
#include "bn_test.h"
#include "model/right.h"
#include "web/session.h"
#include "web/setup_code.h"

static char dir[64];
static char data[80]; /* a folder in dir that the first command makes */
static char out[8192];
static char sorry[2048];
static struct bn_err err;

/* argv is not const by tradition; nobody writes to these. */
static char *word_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void begin(void)
{
    CHECK(bn_secret_start(&err));
    snprintf(dir, sizeof dir, "/tmp/binnacle-cli-XXXXXX");
    CHECK(mkdtemp(dir));
    snprintf(data, sizeof data, "%s/data", dir);
}

static void end(void)
{
    static const char *const names[] = {"binnacle.db", "binnacle.db-wal", "binnacle.db-shm", "lock",
            "reserve", "setup-code", "server-url"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[120];
        snprintf(path, sizeof path, "%s/%s", data, names[i]);
        CHECK(bn_file_remove(path, &err));
    }
    rmdir(data); /* not there when every command was refused */
    CHECK_INT(rmdir(dir), 0);
}

/* Somebody who types slowly: what happens before the first letter comes. */
static void (*while_typing)(void);

static ssize_t type(void *from, char *to, size_t size)
{
    FILE *text = from;
    if (while_typing)
        while_typing();
    while_typing = NULL;
    return (ssize_t)fread(to, 1, size, text);
}

static int end_typing(void *from)
{
    return fclose(from);
}

static FILE *keyboard(const char *input)
{
    const cookie_io_functions_t functions = {.read = type, .close = end_typing};
    return fopencookie(fmemopen(word_of(input), strlen(input) + 1, "r"), "r", functions);
}

typedef int (*command)(struct bn_cli *cli, int argc, char **argv);

/* Words separated by blanks; --data DIR follows by itself. */
static int run(command fn, const char *line, const char *input)
{
    static char *no_env[] = {NULL};
    char words[300];
    char *argv[16];
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    char *save = NULL;
    for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    argv[argc++] = word_of("--data");
    argv[argc++] = data;
    memset(out, 0, sizeof out);
    memset(sorry, 0, sizeof sorry);
    struct bn_cli cli = {.in = keyboard(input),
            .out = fmemopen(out, sizeof out, "w"),
            .err = fmemopen(sorry, sizeof sorry, "w"),
            .env = no_env};
    const int code = fn(&cli, argc, argv);
    fclose(cli.in);
    fclose(cli.out);
    fclose(cli.err);
    return code;
}

#define PASSWORD "tidal-Lantern-47\n"

static void look(struct bn_guest *guest)
{
    char *args[] = {word_of("--data"), data};
    memset(guest, 0, sizeof *guest);
    CHECK(bn_config_load(2, args, NULL, &guest->config, &err));
    CHECK(bn_guest_open(guest, false, &err));
}

static struct bn_user user_now(const char *name)
{
    struct bn_guest guest;
    look(&guest);
    const struct bn_user *user = bn_user_named(bn_guest_table(&guest, BN_KIND_USER), bn_str(name));
    CHECK(user);
    const struct bn_user copy = *user;
    bn_guest_close(&guest);
    return copy;
}

BN_TEST(an_administrator_is_added_with_a_hashed_password_and_set_up_is_over)
{
    begin();
    CHECK_INT(run(bn_cli_user, "add owner --admin --password-stdin", PASSWORD), BN_CLI_DONE);
    CHECK_STR(out, "added owner (admin)\n");
    CHECK_STR(sorry, "");
    const struct bn_user user = user_now("OWNER");
    CHECK_INT(user.role, BN_ROLE_ADMIN);
    CHECK(bn_password_verify(user.password, BN_STR("tidal-Lantern-47")));
    CHECK(!bn_setup_code_is_open(data));
    CHECK_INT(run(bn_cli_setup_url, "", ""), BN_CLI_REFUSED);
    CHECK(strstr(sorry, "set-up is done: owner is an administrator since 20"));
    end();
}

BN_TEST(adding_an_administrator_closes_a_set_up_that_was_open)
{
    char code[BN_SETUP_CODE_SIZE];
    begin();
    CHECK_INT(run(bn_cli_user, "add guest --password-stdin", PASSWORD), BN_CLI_DONE);
    CHECK_INT(run(bn_cli_setup_url, "", ""), BN_CLI_DONE); /* nobody administers yet */
    CHECK(bn_setup_code_read(data, code, &err));
    CHECK(strstr(out, code) && strstr(out, "http://127.0.0.1:8470/setup#c="));
    char again[sizeof out];
    memcpy(again, out, sizeof out);
    CHECK_INT(run(bn_cli_setup_url, "", ""), BN_CLI_DONE);
    CHECK_STR(out, again);
    CHECK_INT(run(bn_cli_setup_url, "--reset", ""), BN_CLI_DONE);
    CHECK(strcmp(out, again) != 0);
    CHECK_INT(run(bn_cli_user, "add owner --role admin --password-stdin", PASSWORD), BN_CLI_DONE);
    CHECK(!bn_setup_code_is_open(data));
    CHECK_INT(run(bn_cli_setup_url, "--reset", ""), BN_CLI_DONE);
    CHECK(bn_setup_code_is_open(data));
    end();
}

#define X26  "abcdefghijklmnopqrstuvwxyz"
#define X130 X26 X26 X26 X26 X26

BN_TEST(the_rules_of_the_server_hold_for_commands)
{
    static const struct {
        const char *line;
        const char *input;
        int code;
        const char *why;
    } rows[] = {
            {"add Owner --password-stdin", PASSWORD, BN_CLI_REFUSED, "already a user named owner"},
            {"add -x --password-stdin", PASSWORD, BN_CLI_REFUSED, "begin with a letter"},
            {"add x --password-stdin", "short\n", BN_CLI_REFUSED, "at least 12 characters, got 5"},
            {"add x --password-stdin", "password1234\n", BN_CLI_REFUSED, "attackers try first"},
            {"add x --password-stdin", "", BN_CLI_REFUSED, "a password must be valid UTF-8"},
            {"add x --password-stdin", "\n", BN_CLI_REFUSED, "a password is wanted on standard"},
            {"add x --role king --password-stdin", PASSWORD, BN_CLI_REFUSED, "--role must be"},
            {"add x", PASSWORD, BN_CLI_MISUSED, ""},
            {"add --password-stdin", PASSWORD, BN_CLI_MISUSED, ""},
            {"add x y --password-stdin", PASSWORD, BN_CLI_MISUSED, "\"y\" is one word too many"},
            {"remove x", "", BN_CLI_MISUSED, ""},
            {"", "", BN_CLI_MISUSED, ""},
            {"add x --password-stdin", X130, BN_CLI_REFUSED, "at most 128 bytes"},
            {"add x --password-stdin", X130 "x\n", BN_CLI_REFUSED, "at most 128 bytes"},
            {"list --nonsense 1", "", BN_CLI_MISUSED, "--nonsense: no such flag"},
            {"disable owner", "", BN_CLI_REFUSED, "owner is the last administrator"},
            {"enable nobody", "", BN_CLI_REFUSED, "there is no user \"nobody\""},
            {"disable nobody", "", BN_CLI_REFUSED, "there is no user \"nobody\""},
            {"passwd nobody --password-stdin", PASSWORD, BN_CLI_REFUSED, "there is no user"},
    };

    begin();
    CHECK_INT(run(bn_cli_user, "add owner --admin --password-stdin", PASSWORD), BN_CLI_DONE);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const int code = run(bn_cli_user, rows[i].line, rows[i].input);
        if (code != rows[i].code || !strstr(sorry, rows[i].why))
            fail_msg("user %s: %d %s", rows[i].line, code, sorry);
        CHECK_STR(out, "");
    }
    end();
}

BN_TEST(a_new_password_and_disabling_end_sessions)
{
    begin();
    CHECK_INT(run(bn_cli_user, "add owner --admin --password-stdin", PASSWORD), BN_CLI_DONE);
    CHECK_INT(run(bn_cli_user, "add guest --password-stdin", PASSWORD), BN_CLI_DONE);
    for (int round = 0; round < 2; round++) {
        struct bn_guest guest;
        struct bn_fact fact;
        const struct bn_user user = user_now("guest");
        bn_fact_init(&fact, BN_KIND_SESSION, BN_TENANT_DEFAULT);
        snprintf(fact.u.session.id, sizeof fact.u.session.id, "s%d", round);
        memcpy(fact.u.session.user_id, user.id, sizeof user.id);
        memset(fact.u.session.hash, 'h', 43);
        look(&guest);
        CHECK(bn_guest_say(&guest, &fact, &err) && bn_guest_keep(&guest, &err));
        bn_guest_close(&guest);
        CHECK_INT(run(bn_cli_user, round ? "disable guest" : "passwd guest --password-stdin",
                          "vague otter parade\r\n"),
                BN_CLI_DONE);
        look(&guest);
        CHECK_INT(bn_guest_table(&guest, BN_KIND_SESSION)->count, 0);
        bn_guest_close(&guest);
    }
    const struct bn_user user = user_now("guest");
    CHECK(bn_password_verify(user.password, BN_STR("vague otter parade")));
    CHECK_INT(user.disabled, 1);
    CHECK_INT(run(bn_cli_user, "list", ""), BN_CLI_DONE);
    CHECK(strstr(out, "guest") && strstr(out, "viewer   disabled  last login never"));
    CHECK_INT(run(bn_cli_user, "enable guest", ""), BN_CLI_DONE);
    CHECK_INT(user_now("guest").disabled, 0);
    end();
}

BN_TEST(a_key_is_printed_alone_and_kept_as_its_hash)
{
    begin();
    CHECK_INT(run(bn_cli_key, "add --name ci --scope all", ""), BN_CLI_DONE);
    CHECK(strncmp(out, "bnk_", 4) == 0);
    CHECK_INT(strlen(out), 64 + 1);
    CHECK_INT(out[64], '\n');
    uint8_t hash[BN_HASH_SIZE];
    char text[48];
    bn_sha256(out, 64, hash);
    bn_b64url_encode(hash, sizeof hash, text);
    char id[17];
    snprintf(id, sizeof id, "%.16s", out + 4);
    struct bn_guest guest;
    look(&guest);
    const struct bn_row *row = bn_table_find(bn_guest_table(&guest, BN_KIND_KEY), id);
    const struct bn_key *key = (const void *)row->record;
    CHECK_STR(key->hash, text);
    CHECK_STR(key->scopes, "all");
    CHECK_STR(key->user_id, "");
    bn_guest_close(&guest);
    CHECK_INT(run(bn_cli_key, "list", ""), BN_CLI_DONE);
    CHECK(strstr(out, id) && strstr(out, "ci"));
    char line[64];
    snprintf(line, sizeof line, "revoke %s", id);
    CHECK_INT(run(bn_cli_key, line, ""), BN_CLI_DONE);
    CHECK_INT(run(bn_cli_key, line, ""), BN_CLI_REFUSED);
    CHECK(strstr(sorry, "there is no key with the id"));
    end();
}

BN_TEST(wrong_keys_are_not_made)
{
    static const struct {
        const char *line;
        int code;
        const char *why;
    } rows[] = {
            {"add --name x --scope write", BN_CLI_REFUSED, "scopes must be of read,operate"},
            {"add --name x", BN_CLI_MISUSED, ""},
            {"add --scope all", BN_CLI_MISUSED, ""},
            {"add --name= --scope all", BN_CLI_REFUSED, "--name must have 1..95 bytes"},
            {"add --name x --scope all --expires-at 2001-01-01T00:00:00Z", BN_CLI_REFUSED,
                    "--expires-at must be a time to come"},
            {"revoke", BN_CLI_MISUSED, ""},
            {"forget x", BN_CLI_MISUSED, ""},
            {"", BN_CLI_MISUSED, ""},
            {"list all", BN_CLI_MISUSED, ""},
            {"list --nonsense=1", BN_CLI_MISUSED, "--nonsense: no such flag"},
            {"add --name x --scope all --expires-at soon", BN_CLI_REFUSED, "got \"soon\""},
    };

    begin();
    for (size_t i = 0; i < COUNT(rows); i++) {
        const int code = run(bn_cli_key, rows[i].line, "");
        if (code != rows[i].code || !strstr(sorry, rows[i].why))
            fail_msg("key %s: %d %s", rows[i].line, code, sorry);
        CHECK_STR(out, "");
    }
    end();
}

BN_TEST(the_list_says_when_a_key_was_used_and_that_it_has_expired)
{
    struct bn_guest guest;
    struct bn_fact fact;
    begin();
    CHECK_INT(run(bn_cli_key, "add --name fresh --scope read --expires-at 2999-01-01T00:00:00Z",
                      ""),
            BN_CLI_DONE);
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    snprintf(fact.u.key.id, sizeof fact.u.key.id, "old");
    snprintf(fact.u.key.name, sizeof fact.u.key.name, "old");
    snprintf(fact.u.key.scopes, sizeof fact.u.key.scopes, "read");
    memset(fact.u.key.hash, 'h', 43);
    fact.u.key.last_used_at = 1000LL * 86400 * 10957; /* the first of January 2000 */
    fact.u.key.expires_at = fact.u.key.last_used_at + 1000;
    look(&guest);
    CHECK(bn_guest_say(&guest, &fact, &err) && bn_guest_keep(&guest, &err));
    bn_guest_close(&guest);
    CHECK_INT(run(bn_cli_key, "list", ""), BN_CLI_DONE);
    const char *old = strstr(out, "old  old ");
    const char *fresh = strstr(out, "  fresh ");
    CHECK(old && strstr(old, "last used 2000-01-01T00:00:00") && strstr(old, "  expired\n"));
    CHECK(fresh && strstr(fresh, "last used never\n"));
    end();
}

/* As they stand on the line, without --data. */
static void check_misused(int argc, char **argv, const char *why)
{
    static char *no_env[] = {NULL};
    memset(sorry, 0, sizeof sorry);
    struct bn_cli cli = {.in = stdin,
            .out = stdout,
            .err = fmemopen(sorry, sizeof sorry, "w"),
            .env = no_env};
    CHECK_INT(bn_cli_user(&cli, argc, argv), BN_CLI_MISUSED);
    fclose(cli.err);
    CHECK(strstr(sorry, why));
}

BN_TEST(an_option_without_its_value_and_too_many_of_them_are_named)
{
    char *open_end[] = {word_of("list"), word_of("--role")};
    char *many[41] = {word_of("list")};
    for (int i = 1; i < 41; i++)
        many[i] = word_of("--max-listeners=1");
    check_misused(2, open_end, "--role needs a value after it");
    check_misused(41, many, "too many options");
}

BN_TEST(set_up_urls_are_asked_for_without_further_words)
{
    begin();
    CHECK_INT(run(bn_cli_setup_url, "again", ""), BN_CLI_MISUSED);
    CHECK_INT(run(bn_cli_setup_url, "--name", ""), BN_CLI_MISUSED);
    CHECK_INT(run(bn_cli_setup_url, "--nonsense=1", ""), BN_CLI_MISUSED);
    CHECK_STR(out, "");
    end();
}

BN_TEST(a_set_up_code_that_is_damaged_is_made_anew)
{
    char path[120];
    char code[BN_SETUP_CODE_SIZE];
    begin();
    CHECK_INT(run(bn_cli_user, "add guest --password-stdin", PASSWORD), BN_CLI_DONE);
    snprintf(path, sizeof path, "%s/setup-code", data);
    CHECK(bn_file_write(path, BN_STR("x\n"), &err));
    CHECK_INT(run(bn_cli_setup_url, "", ""), BN_CLI_DONE);
    CHECK(bn_setup_code_read(data, code, &err));
    CHECK(strstr(out, code));
    end();
}

BN_TEST(a_folder_that_cannot_be_written_is_refused)
{
    struct bn_config config = {.data = "/nowhere/at/all"};
    char url[BN_URL_SIZE];
    CHECK(!bn_setup_begin(&config, 1, false, url, &err));
    CHECK(strstr(err.text, "/nowhere/at/all/server-url"));
}

BN_TEST(the_list_says_when_somebody_was_last_here)
{
    struct bn_guest guest;
    struct bn_fact fact;
    begin();
    CHECK_INT(run(bn_cli_user, "add owner --admin --password-stdin", PASSWORD), BN_CLI_DONE);
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    fact.u.user = user_now("owner");
    fact.u.user.last_login_at = 1000LL * 86400 * 10957; /* the first of January 2000 */
    look(&guest);
    CHECK(bn_guest_say(&guest, &fact, &err) && bn_guest_keep(&guest, &err));
    bn_guest_close(&guest);
    CHECK_INT(run(bn_cli_user, "list", ""), BN_CLI_DONE);
    CHECK(strstr(out, "owner ") && strstr(out, "last login 2000-01-01T00:00:00"));
    end();
}

BN_TEST(a_folder_whose_name_is_too_long_is_refused)
{
    struct bn_config config = {0};
    char url[BN_URL_SIZE];
    memset(config.data, 'x', sizeof config.data - 1);
    CHECK(!bn_setup_begin(&config, 1, false, url, &err));
    bn_setup_end(&config); /* and nothing is there to remove */
}

BN_TEST(a_slip_in_the_folder_is_refused_and_makes_nothing)
{
    begin();
    CHECK_INT(run(bn_cli_user, "list", ""), BN_CLI_REFUSED);
    CHECK(strstr(sorry, "there is no Binnacle in"));
    CHECK_INT(run(bn_cli_key, "list", ""), BN_CLI_REFUSED);
    CHECK_INT(run(bn_cli_setup_url, "", ""), BN_CLI_REFUSED);
    CHECK(access(data, F_OK) != 0);
    end();
}

BN_TEST(what_commands_did_stands_in_the_audit)
{
    begin();
    CHECK_INT(run(bn_cli_user, "add owner --admin --password-stdin", PASSWORD), BN_CLI_DONE);
    CHECK_INT(run(bn_cli_key, "add --name ci --scope read", ""), BN_CLI_DONE);
    struct bn_guest guest;
    struct bn_audit entries[8];
    size_t n = COUNT(entries);
    look(&guest);
    CHECK(bn_store_read_audit(guest.store, BN_TENANT_DEFAULT, "", entries, &n, &err));
    bn_guest_close(&guest);
    CHECK_INT(n, 2);
    CHECK_STR(entries[0].action, "key.add");
    CHECK_STR(entries[0].object, "ci");
    CHECK_STR(entries[1].action, "user.add");
    CHECK_STR(entries[1].actor, "command line");
    CHECK(strstr(entries[1].detail, "admin, by uid "));
    end();
}

BN_TEST(the_set_up_address_is_the_one_the_server_listens_on)
{
    static const struct {
        const char *flags[3];
        const char *url;
    } rows[] = {
            {{"--listen=127.0.0.1:0"}, "http://127.0.0.1:8123"},
            {{"--listen=[::1]:0", "--base-path=/ops"}, "http://[::1]:8123/ops"},
            {{"--public-url=https://box.lan", "--base-path=/ops"}, "https://box.lan/ops"},
            {{"--tls-cert=/c", "--tls-key=/k"}, "https://127.0.0.1:8123"},
    };

    begin();
    CHECK_INT(run(bn_cli_user, "add guest --password-stdin", PASSWORD), BN_CLI_DONE);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *args[5] = {word_of("--data"), data};
        struct bn_config config;
        char url[BN_URL_SIZE];
        int n = 2;
        for (size_t j = 0; j < 3 && rows[i].flags[j]; j++)
            args[n++] = word_of(rows[i].flags[j]);
        CHECK(bn_config_load(n, args, NULL, &config, &err));
        CHECK(bn_setup_begin(&config, 8123, false, url, &err));
        CHECK(strncmp(url, rows[i].url, strlen(rows[i].url)) == 0);
        CHECK(strncmp(url + strlen(rows[i].url), "/setup#c=", 9) == 0);
        CHECK_INT(run(bn_cli_setup_url, "", ""), BN_CLI_DONE); /* says the same */
        CHECK(strncmp(out, url, strlen(url)) == 0);
        bn_setup_end(&config);
        CHECK(bn_setup_code_remove(data, &err));
        CHECK(bn_setup_begin(&config, 8123, true, url, &err));
        CHECK_STR(url, "");
        CHECK(!bn_setup_code_is_open(data));
        bn_setup_end(&config);
    }
    end();
}

static void disable_guest(void)
{
    struct bn_guest guest;
    struct bn_fact fact;
    look(&guest);
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    fact.u.user = *bn_user_named(bn_guest_table(&guest, BN_KIND_USER), BN_STR("guest"));
    fact.u.user.disabled = 1;
    CHECK(bn_guest_say(&guest, &fact, &err) && bn_guest_keep(&guest, &err));
    bn_guest_close(&guest);
}

BN_TEST(what_changed_while_a_password_was_typed_stays_changed)
{
    begin();
    CHECK_INT(run(bn_cli_user, "add owner --admin --password-stdin", PASSWORD), BN_CLI_DONE);
    CHECK_INT(run(bn_cli_user, "add guest --password-stdin", PASSWORD), BN_CLI_DONE);
    while_typing = disable_guest;
    CHECK_INT(run(bn_cli_user, "passwd guest --password-stdin", "marble-Otter-93\n"), BN_CLI_DONE);
    const struct bn_user user = user_now("guest");
    CHECK_INT(user.disabled, 1);
    CHECK(bn_password_verify(user.password, BN_STR("marble-Otter-93")));
    end();
}

BN_TEST_MAIN()

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#include "app/master_key.h"
#include "bn_test.h"
#include "source/pve.h"

static char dir[64];
static struct bn_config config;
static struct bn_err err;
static struct bn_live live;

static char *in_dir(const char *name)
{
    static char paths[4][128];
    static size_t next;
    char *path = paths[next++ % COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void begin(void)
{
    CHECK(bn_secret_start(&err));
    snprintf(dir, sizeof dir, "/tmp/binnacle-key-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    memset(&config, 0, sizeof config);
    snprintf(config.data, sizeof config.data, "%s/data", dir);
    CHECK_INT(mkdir(config.data, 0700), 0);
    bn_live_init(&live);
}

static void end(void)
{
    static const char *const files[] = {"data.key", "other.key", "master.key", "data/x.key"};
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(in_dir(files[i]));
    CHECK_INT(rmdir(config.data), 0);
    CHECK_INT(rmdir(dir), 0);
    bn_live_finish(&live);
}

static void write_key(const char *name, size_t len, mode_t mode)
{
    static const char bytes[] = "0123456789abcdef0123456789abcdef0123456789abcdef";
    unlink(in_dir(name));
    const int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, bytes, len), len);
    CHECK_INT(fchmod(fd, mode), 0);
    close(fd);
}

static bool find(struct bn_master_key *key, const char *credentials)
{
    memset(&err, 0, sizeof err);
    return bn_master_key_find(&config, credentials, key, &err);
}

static void check_refused(const char *part)
{
    struct bn_master_key key;
    CHECK(!find(&key, NULL));
    if (!strstr(err.text, part))
        fail_msg("wanted \"%s\", got \"%s\"", part, err.text);
    bn_master_key_forget(&key);
}

/* A server of the default tenant whose token that key sealed. */
static void add_server(const struct bn_master_key *key, const char *id)
{
    char aad[BN_TOKEN_AAD_SIZE];
    struct bn_fact fact;
    struct bn_change change;
    bn_fact_init(&fact, BN_KIND_SERVER, BN_TENANT_DEFAULT);
    fact.replay = true;
    struct bn_server *server = &fact.u.server;
    bn_text_clip(server->id, sizeof server->id, bn_str(id));
    bn_text_clip(server->name, sizeof server->name, bn_str(id));
    bn_text_clip(server->host, sizeof server->host, bn_str(id));
    server->port = 8006;
    bn_token_aad(BN_TENANT_DEFAULT, id, aad);
    CHECK(bn_seal(&key->key, aad, BN_STR("root@pam!t=secret"), server->token,
            sizeof server->token));
    bn_live_apply(&live, &fact, &change);
}

BN_TEST(the_first_start_makes_a_key_beside_the_data_folder_that_only_its_owner_reads)
{
    struct bn_master_key key;
    struct bn_master_key again;
    struct stat info;
    begin();
    CHECK(find(&key, NULL));
    CHECK_STR(key.path, in_dir("data.key"));
    CHECK(bn_master_key_keep(&key, &live, &err));
    CHECK_INT(stat(in_dir("data.key"), &info), 0);
    CHECK_INT(info.st_size, BN_SEAL_KEY_SIZE);
    CHECK_INT(info.st_mode & 0777, 0400);
    add_server(&key, "a");
    CHECK(find(&again, NULL));
    CHECK_STR(again.key.id, key.key.id);
    CHECK_INT(memcmp(again.key.bytes, key.key.bytes, BN_SEAL_KEY_SIZE), 0);
    CHECK(bn_master_key_keep(&again, &live, &err));
    bn_master_key_forget(&key);
    bn_master_key_forget(&again);
    CHECK_STR(again.key.id, "");
    end();
}

BN_TEST(a_credential_comes_before_the_setting_and_the_setting_before_the_folder)
{
    struct bn_master_key key;
    begin();
    write_key("data.key", 32, 0400);
    write_key("other.key", 32, 0400);
    CHECK(find(&key, dir));
    CHECK_STR(key.path, in_dir("data.key")); /* no master.key among the credentials */
    bn_text_clip(config.key_file, sizeof config.key_file, bn_str(in_dir("other.key")));
    CHECK(find(&key, dir));
    CHECK_STR(key.path, in_dir("other.key"));
    write_key("master.key", 32, 0400);
    CHECK(find(&key, dir));
    CHECK_STR(key.path, in_dir("master.key"));
    CHECK(find(&key, NULL));
    CHECK_STR(key.path, in_dir("other.key"));
    bn_master_key_forget(&key);
    end();
}

BN_TEST(what_is_no_key_is_refused_with_a_sentence)
{
    begin();
    write_key("data.key", 31, 0400);
    check_refused("a master key has 32 bytes, but ");
    write_key("data.key", 48, 0400);
    check_refused("at least 33");
    write_key("data.key", 32, 0404);
    check_refused("chmod 400 ");
    bn_text_clip(config.key_file, sizeof config.key_file, bn_str(in_dir("data/x.key")));
    check_refused("must not be in the data folder");
    bn_text_clip(config.key_file, sizeof config.key_file, BN_STR("/proc/self/nowhere/x.key"));
    check_refused("--key-file FILE");
    end();
}

BN_TEST(a_lost_key_is_not_replaced_while_tokens_are_sealed_with_it)
{
    struct bn_master_key key;
    struct bn_master_key fresh;
    begin();
    CHECK(find(&key, NULL));
    CHECK(bn_master_key_keep(&key, &live, &err));
    add_server(&key, "a");
    for (int start = 0; start < 2; start++) { /* the second finds what the first left */
        unlink(in_dir("data.key"));
        CHECK(find(&fresh, NULL));
        CHECK(!bn_master_key_keep(&fresh, &live, &err));
        CHECK(strstr(err.text, "the master key is missing: 1 tokens are sealed with key "));
        CHECK(strstr(err.text, key.key.id));
        bn_master_key_forget(&fresh);
        struct stat info;
        CHECK_INT(stat(in_dir("data.key"), &info), 0);
        CHECK_INT(info.st_size, 0);
    }
    write_key("data.key", 32, 0400);
    CHECK(find(&fresh, NULL));
    CHECK(!bn_master_key_keep(&fresh, &live, &err));
    CHECK(strstr(err.text, "the master key is the wrong one: "));
    CHECK(strstr(err.text, fresh.key.id));
    /* One row that another key sealed is that row's trouble. */
    add_server(&fresh, "b");
    CHECK(bn_master_key_keep(&fresh, &live, &err));
    bn_master_key_forget(&fresh);
    bn_master_key_forget(&key);
    end();
}

BN_TEST(a_key_that_another_start_is_making_is_left_alone)
{
    struct bn_master_key key;
    begin();
    CHECK(find(&key, NULL));
    check_refused("another server is just making the master key");
    CHECK(bn_master_key_keep(&key, &live, &err));
    bn_master_key_forget(&key);
    CHECK(find(&key, NULL));
    CHECK_INT(key.fd, -1);
    end();
}

BN_TEST(where_nobody_chose_a_place_and_none_can_be_made_the_server_runs_without)
{
    struct bn_master_key key;
    struct bn_master_key made;
    begin();
    CHECK(find(&made, NULL));
    CHECK(bn_master_key_keep(&made, &live, &err));
    snprintf(config.data, sizeof config.data, "%s/nowhere/data", dir);
    CHECK(find(&key, NULL));
    CHECK(strstr(key.absent, "cannot be made: No such file or directory; give one with"));
    CHECK(bn_master_key_keep(&key, &live, &err)); /* nothing is sealed yet */
    add_server(&made, "a");
    CHECK(!bn_master_key_keep(&key, &live, &err));
    CHECK(strstr(err.text, "the master key is missing: 1 tokens are sealed"));
    bn_master_key_forget(&key);
    bn_master_key_forget(&made);
    snprintf(config.key_file, sizeof config.key_file, "%s/nowhere/x.key", dir);
    check_refused("cannot be made"); /* what was asked for must be */
    snprintf(config.data, sizeof config.data, "%s/data", dir);
    end();
}

BN_TEST(a_slash_or_a_dot_does_not_lead_into_the_data_folder)
{
    struct bn_master_key key;
    begin();
    snprintf(config.data, sizeof config.data, "%s/data//", dir);
    CHECK(find(&key, NULL));
    CHECK_STR(key.path, in_dir("data.key"));
    bn_master_key_forget(&key);
    CHECK_INT(chdir(in_dir("data")), 0);
    snprintf(config.data, sizeof config.data, ".");
    CHECK(find(&key, NULL));
    CHECK(strstr(key.path, "/data.key"));
    bn_master_key_forget(&key);
    CHECK_INT(chdir("/"), 0);
    snprintf(config.data, sizeof config.data, "%s/data", dir);
    end();
}

BN_TEST_MAIN()

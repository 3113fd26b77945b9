#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"

#include "bn_test.h"
#include "web/setup_code.h"

static struct bn_err err;
static char dir[64];

static void begin(void)
{
    CHECK(bn_secret_start(&err));
    snprintf(dir, sizeof dir, "/tmp/binnacle-code-XXXXXX");
    CHECK(mkdtemp(dir));
}

BN_TEST(a_code_is_in_its_file_until_it_is_used)
{
    char code[BN_SETUP_CODE_SIZE];
    char read[BN_SETUP_CODE_SIZE];
    char path[100];
    struct stat info;
    begin();
    CHECK(!bn_setup_code_is_open(dir));
    CHECK(!bn_setup_code_read(dir, read, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    CHECK(bn_setup_code_make(dir, code, &err));
    CHECK(bn_setup_code_is_open(dir));
    snprintf(path, sizeof path, "%s/setup-code", dir);
    CHECK_INT(stat(path, &info), 0);
    CHECK_INT(info.st_mode & 0777, 0600);
    CHECK(bn_setup_code_read(dir, read, &err));
    CHECK_STR(read, code);
    CHECK_INT(strlen(code), 9);
    CHECK_INT(code[4], '-');
    CHECK_INT(strspn(code, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ-"), 9);
    CHECK(bn_setup_code_make(dir, read, &err));
    CHECK(strcmp(read, code) != 0);
    CHECK(bn_setup_code_remove(dir, &err));
    CHECK(bn_setup_code_remove(dir, &err));
    CHECK(!bn_setup_code_is_open(dir));
    CHECK_INT(rmdir(dir), 0);
}

BN_TEST(a_code_matches_however_it_is_typed_and_nothing_else_does)
{
    static const char *const good[] = {"KX4P-9QMT", "kx4p-9qmt", "KX4P9QMT", " kx4p 9qmt ",
            "K-X-4-P-9-Q-M-T"};
    static const char *const bad[] = {"", "KX4P-9QM", "KX4P-9QMTT", "KX4P-9QMU", "-", "--------",
            "KX4P_9QMT", "KX4P-9QMT\n", "AAAA-AAAA-AAAA"};
    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(bn_setup_code_matches("KX4P-9QMT", bn_str(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!bn_setup_code_matches("KX4P-9QMT", bn_str(bad[i])));
}

BN_TEST(a_file_that_holds_something_else_is_said_to)
{
    char path[100];
    char code[BN_SETUP_CODE_SIZE];
    begin();
    snprintf(path, sizeof path, "%s/setup-code", dir);
    CHECK(bn_file_write(path, BN_STR("nonsense that is no code\n"), &err));
    CHECK(!bn_setup_code_read(dir, code, &err));
    CHECK_INT(err.code, BN_E_STORAGE);
    CHECK(strstr(err.text, "binnacle setup-url --reset"));
    CHECK(bn_setup_code_remove(dir, &err));
    CHECK_INT(rmdir(dir), 0);
}

BN_TEST(a_folder_whose_name_is_too_long_is_said_to_be)
{
    char long_dir[400];
    char code[BN_SETUP_CODE_SIZE] = "";
    memset(long_dir, 'x', sizeof long_dir - 1);
    long_dir[sizeof long_dir - 1] = 0;
    CHECK(!bn_setup_code_is_open(long_dir));
    CHECK(!bn_setup_code_make(long_dir, code, &err));
    CHECK_STR(err.text, "the path of the data folder is too long");
    CHECK_STR(code, "");
    CHECK(!bn_setup_code_remove(long_dir, &err));
}

BN_TEST(a_code_that_cannot_be_written_is_none)
{
    char code[BN_SETUP_CODE_SIZE] = "";
    CHECK(!bn_setup_code_make("/nowhere/at/all", code, &err));
    CHECK(strstr(err.text, "/nowhere/at/all/setup-code"));
    CHECK_STR(code, "");
}

BN_TEST(without_a_folder_set_up_is_closed)
{
    char code[BN_SETUP_CODE_SIZE];
    CHECK(!bn_setup_code_is_open(""));
    CHECK(!bn_setup_code_read("", code, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
}

BN_TEST_MAIN()

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

#include "bn_test.h"

static char folder[64];
static char path[128];

/* A folder of this test's own and a path in it where nothing is. */
static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/bn_test_file.XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/settings", folder);
}

/* Also says that nothing else was left there. */
static void end(void)
{
    struct bn_err err;
    CHECK(bn_file_remove(path, &err));
    CHECK_INT(rmdir(folder), 0);
}

static void check_content(const char *want)
{
    char text[100];
    size_t len;
    struct bn_err err;
    CHECK(bn_file_read(path, text, sizeof text, &len, &err));
    CHECK_INT(len, strlen(want));
    CHECK_STR(text, want);
}

BN_TEST(what_was_written_is_read)
{
    struct bn_err err;
    begin();
    CHECK(!bn_file_exists(path));
    CHECK(bn_file_write(path, BN_STR("first"), &err));
    CHECK(bn_file_exists(path));
    check_content("first");
    CHECK(bn_file_write(path, BN_STR("second, longer"), &err));
    check_content("second, longer");
    CHECK(bn_file_write(path, BN_STR(""), &err));
    check_content("");
    end();
}

BN_TEST(only_the_owner_may_read_it)
{
    struct bn_err err;
    struct stat info;
    begin();
    mode_t before = umask(0);
    CHECK(bn_file_write(path, BN_STR("secret"), &err));
    umask(before);
    CHECK_INT(stat(path, &info), 0);
    CHECK_INT(info.st_mode & 0777, 0600);
    end();
}

BN_TEST(what_a_crash_left_is_replaced_and_never_followed)
{
    struct bn_err err;
    struct stat info;
    char fresh[140];
    char other[140];
    begin();
    snprintf(fresh, sizeof fresh, "%s.new", path);
    snprintf(other, sizeof other, "%s/other", folder);
    CHECK_INT(symlink(other, fresh), 0);
    CHECK(bn_file_write(path, BN_STR("mine"), &err));
    CHECK(!bn_file_exists(other));
    CHECK(!bn_file_exists(fresh));
    check_content("mine");
    close(open(fresh, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    CHECK(bn_file_write(path, BN_STR("again"), &err));
    CHECK_INT(stat(path, &info), 0);
    CHECK_INT(info.st_mode & 0777, 0600);
    end();
}

BN_TEST(a_failure_leaves_the_old_content_and_says_why)
{
    struct bn_err err = {0};
    char inside[160];
    char sentence[300];
    begin();
    CHECK(bn_file_write(path, BN_STR("old"), &err));
    snprintf(inside, sizeof inside, "%s/x", path); /* a file is no folder */
    CHECK(!bn_file_write(inside, BN_STR("new"), &err));
    CHECK_INT(err.code, BN_E_STORAGE);
    snprintf(sentence, sizeof sentence, "cannot replace %s.new: Not a directory", inside);
    CHECK_STR(err.text, sentence);
    check_content("old");
    end();
    snprintf(inside, sizeof inside, "%s/x", folder); /* which is gone now */
    CHECK(!bn_file_write(inside, BN_STR("new"), &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
}

BN_TEST(a_folder_in_the_way_is_reported_and_nothing_is_left)
{
    struct bn_err err = {0};
    begin();
    CHECK_INT(mkdir(path, 0700), 0);
    CHECK(!bn_file_write(path, BN_STR("x"), &err));
    CHECK_INT(err.code, BN_E_STORAGE);
    CHECK(!bn_file_remove(path, &err));
    CHECK(bn_str_starts(bn_str(err.text), "cannot remove "));
    char text[10];
    size_t len = 77;
    CHECK(!bn_file_read(path, text, sizeof text, &len, &err));
    CHECK(bn_str_starts(bn_str(err.text), "cannot read "));
    CHECK_INT(len, 77);
    CHECK_INT(rmdir(path), 0);
    end();
}

BN_TEST(a_path_that_is_too_long_is_refused)
{
    char longest[600];
    struct bn_err err = {0};
    memset(longest, 'x', sizeof longest);
    longest[508] = 0;
    CHECK(!bn_file_write(longest, BN_STR("x"), &err));
    CHECK_INT(err.code, BN_E_INVALID);
}

BN_TEST(a_file_that_is_not_there_is_not_found)
{
    struct bn_err err = {0};
    char text[10];
    char sentence[200];
    size_t len = 77;
    begin();
    CHECK(!bn_file_read(path, text, sizeof text, &len, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    snprintf(sentence, sizeof sentence, "cannot open %s: No such file or directory", path);
    CHECK_STR(err.text, sentence);
    CHECK_INT(len, 77);
    CHECK(bn_file_remove(path, &err));
    end();
}

BN_TEST(a_file_needs_room_for_its_nul)
{
    struct bn_err err = {0};
    char text[6];
    size_t len = 77;
    begin();
    CHECK(bn_file_write(path, BN_STR("12345"), &err));
    CHECK(bn_file_read(path, text, 6, &len, &err));
    CHECK_STR(text, "12345");
    len = 77;
    CHECK(!bn_file_read(path, text, 5, &len, &err));
    CHECK_INT(err.code, BN_E_TOO_BIG);
    char sentence[200];
    snprintf(sentence, sizeof sentence, "%s is larger than 4 bytes", path);
    CHECK_STR(err.text, sentence);
    CHECK_INT(len, 77);
    end();
}

BN_TEST_MAIN()

#include "host_folder.h"
#include "source/host_file.h"

static char root[64];
static struct bn_host_reader reader;

static void begin(void)
{
    snprintf(root, sizeof root, "/tmp/binnacle-file-XXXXXX");
    CHECK(mkdtemp(root));
    bn_host_reader_init(&reader, root);
}

static void end(void)
{
    bn_host_reader_finish(&reader);
    folder_remove(root, "");
}

static void check_text(struct bn_str got, const char *want)
{
    CHECK_INT(got.len, strlen(want));
    CHECK_MEM(got.p, want, got.len);
}

BN_TEST(a_file_that_is_not_there_is_looked_for_at_every_tenth_reading)
{
    struct bn_host_file file = BN_HOST_FILE("/proc/late");
    begin();
    assert_null(bn_host_read(&reader, &file).p);
    folder_put(root, "proc/late", "here\n", 5);
    for (int i = 0; i < 9; i++)
        assert_null(bn_host_read(&reader, &file).p);
    check_text(bn_host_read(&reader, &file), "here\n");
    int fd = bn_host_file_fd(&reader, &file);
    CHECK(fd >= 0);
    folder_put(root, "proc/late", "anew\n", 5);
    check_text(bn_host_read(&reader, &file), "anew\n");
    CHECK_INT(bn_host_file_fd(&reader, &file), fd); /* the same, not opened again */
    bn_host_file_close(&file);
    bn_host_file_close(&file);
    CHECK_INT(file.fd, -1);
    end();
}

BN_TEST(what_opens_and_cannot_be_read_is_absent_and_closed)
{
    struct bn_host_file file = BN_HOST_FILE("/proc/folder");
    begin();
    folder_put(root, "proc/folder/x", "1", 1);
    assert_null(bn_host_read(&reader, &file).p);
    CHECK_INT(file.fd, -1);
    assert_null(bn_host_read(&reader, &file).p);
    folder_put(root, "proc/empty", "", 0);
    assert_null(bn_host_read_once(&reader, 100, "/proc/folder").p);
    assert_null(bn_host_read_once(&reader, 100, "/proc/none").p);
    CHECK_INT(bn_host_read_once(&reader, 100, "/proc/empty").len, 0);
    end();
}

BN_TEST(a_text_is_read_whole_up_to_its_most)
{
    static char text[100000];
    struct bn_host_file file = BN_HOST_FILE("/proc/long");
    begin();
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    folder_put(root, "proc/long", text, sizeof text);
    struct bn_str kept = bn_host_read(&reader, &file);
    CHECK_INT(kept.len, sizeof text);
    CHECK_MEM(kept.p, text, sizeof text);
    struct bn_str once = bn_host_read_once(&reader, 50001, "/proc/%s", "long");
    CHECK_INT(once.len, 50001);
    CHECK_MEM(once.p, text, 50001);
    CHECK_MEM(kept.p, text, sizeof text); /* stays as it is */
    bn_host_file_close(&file);
    end();
}

BN_TEST(numbers_are_read_and_what_is_none_is_not)
{
    int64_t number = 7;
    begin();
    folder_put(root, "sys/good", "42\n", 3);
    folder_put(root, "sys/bad", "many\n", 5);
    CHECK(bn_host_read_number(&reader, &number, "/sys/%s", "good"));
    CHECK_INT(number, 42);
    CHECK(!bn_host_read_number(&reader, &number, "/sys/bad"));
    CHECK(!bn_host_read_number(&reader, &number, "/sys/none"));
    CHECK_INT(number, 42);
    CHECK(bn_host_exists(&reader, "/sys/%s", "bad"));
    CHECK(!bn_host_exists(&reader, "/sys/none"));
    end();
}

BN_TEST(a_path_that_does_not_fit_names_no_file)
{
    static char name[900];
    char path[80];
    char small[8];
    int64_t number;
    begin();
    memset(name, 'n', sizeof name - 1);
    folder_put(root, "proc/x", "1", 1);
    CHECK(bn_host_path(&reader, path, sizeof path, "/proc/%c", 'x'));
    CHECK_INT(access(path, F_OK), 0);
    CHECK(!bn_host_path(&reader, small, sizeof small, "/proc/x"));
    CHECK(!bn_host_path(&reader, path, strlen(root) + 7, "/proc/x")); /* no room for its NUL */
    assert_null(bn_host_read_once(&reader, 10, "/%s", name).p);
    CHECK(!bn_host_read_number(&reader, &number, "/%s", name));
    CHECK(!bn_host_exists(&reader, "/%s", name));
    struct bn_host_file file = BN_HOST_FILE(name);
    assert_null(bn_host_read(&reader, &file).p);
    CHECK_INT(bn_host_file_fd(&reader, &file), -1);
    end();
}

BN_TEST_MAIN()

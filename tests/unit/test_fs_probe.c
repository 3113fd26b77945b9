#include <fcntl.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#include "bn_test.h"
#include "io/fs_probe.h"

static atomic_int begun;
static atomic_bool hangs;

static bool slow_read(const char *path, struct bn_fs_size *out)
{
    atomic_fetch_add(&begun, 1);
    while (atomic_load(&hangs))
        usleep(1000);
    *out = (struct bn_fs_size){.total_bytes = strlen(path)};
    return path[0] == '/';
}

static void start(struct bn_fs_probe **out, const char *path)
{
    struct bn_err err;
    atomic_store(&begun, 0);
    atomic_store(&hangs, false);
    if (!bn_fs_probe_create(path, slow_read, out, &err))
        fail_msg("%s", err.text);
}

/* The thread answers when it likes; five seconds are an eternity. */
static enum bn_fs_answer wait_for(struct bn_fs_probe *probe, struct bn_fs_size *size)
{
    enum bn_fs_answer answer = BN_FS_NOTHING;
    for (int i = 0; i < 5000 && answer == BN_FS_NOTHING; i++) {
        usleep(1000);
        answer = bn_fs_probe_take(probe, size);
    }
    return answer;
}

BN_TEST(an_answer_is_given_once_to_each_question)
{
    struct bn_fs_probe *probe;
    struct bn_fs_size size = {0};
    start(&probe, "/three");
    CHECK_INT(bn_fs_probe_take(probe, &size), BN_FS_NOTHING);
    bn_fs_probe_ask(probe);
    CHECK_INT(wait_for(probe, &size), BN_FS_SIZE);
    CHECK_INT(size.total_bytes, 6);
    CHECK_INT(bn_fs_probe_take(probe, &size), BN_FS_NOTHING);
    bn_fs_probe_ask(probe);
    CHECK_INT(wait_for(probe, &size), BN_FS_SIZE);
    CHECK_INT(atomic_load(&begun), 2);
    bn_fs_probe_destroy(probe);
}

BN_TEST(a_file_system_that_refuses_has_failed)
{
    struct bn_fs_probe *probe;
    struct bn_fs_size size = {.total_bytes = 7};
    start(&probe, "nowhere");
    bn_fs_probe_ask(probe);
    CHECK_INT(wait_for(probe, &size), BN_FS_FAILED);
    CHECK_INT(size.total_bytes, 7);
    bn_fs_probe_destroy(probe);
}

BN_TEST(questions_while_one_is_open_are_no_further_questions)
{
    struct bn_fs_probe *probe;
    struct bn_fs_size size;
    start(&probe, "/x");
    atomic_store(&hangs, true);
    bn_fs_probe_ask(probe);
    for (int i = 0; i < 5000 && atomic_load(&begun) == 0; i++)
        usleep(1000);
    for (int i = 0; i < 10; i++)
        bn_fs_probe_ask(probe);
    CHECK_INT(bn_fs_probe_take(probe, &size), BN_FS_NOTHING);
    atomic_store(&hangs, false);
    CHECK_INT(wait_for(probe, &size), BN_FS_SIZE);
    usleep(5000);
    CHECK_INT(atomic_load(&begun), 1);
    bn_fs_probe_destroy(probe);
}

BN_TEST(a_probe_that_hangs_is_left_behind)
{
    struct bn_fs_probe *probe;
    start(&probe, "/dead");
    atomic_store(&hangs, true);
    bn_fs_probe_ask(probe);
    for (int i = 0; i < 5000 && atomic_load(&begun) == 0; i++)
        usleep(1000);
    bn_fs_probe_destroy(probe);
    atomic_store(&hangs, false);
    usleep(20000); /* the leak checker wants it to have freed itself */
    bn_fs_probe_destroy(NULL);
}

BN_TEST(a_probe_that_was_never_asked_ends_at_once)
{
    for (int i = 0; i < 20; i++) {
        struct bn_fs_probe *probe;
        start(&probe, "/x");
        if (i % 2)
            bn_fs_probe_ask(probe);
        bn_fs_probe_destroy(probe);
    }
}

BN_TEST(folders_have_sizes_and_files_have_none)
{
    struct bn_fs_size size = {0};
    struct statvfs fs;
    CHECK(bn_fs_read("/", &size));
    CHECK_INT(statvfs("/", &fs), 0);
    CHECK_INT(size.total_bytes, fs.f_blocks * fs.f_frsize);
    CHECK_INT(size.inodes_total, fs.f_files);
    CHECK(size.free_bytes <= size.total_bytes);
    CHECK(!bn_fs_read("/etc/passwd", &size));
    CHECK(!bn_fs_read("/no/such/folder", &size));
}

BN_TEST_MAIN()

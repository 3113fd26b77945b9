#include "host_text.h"
#include "wire/procfs_pid.h"

BN_TEST(a_process_may_have_brackets_and_blanks_in_its_name)
{
    struct bn_procfs_pid pid;
    struct bn_str text = host_text("bare64/proc/2211/stat");
    CHECK(bn_procfs_pid_stat(text, &pid));
    CHECK(bn_str_is(pid.name, "tmux: (1) server"));
    CHECK_INT(pid.state, 'S');
    CHECK_INT(pid.cpu_ticks, 800);
    CHECK_INT(pid.threads, 1);
    CHECK_INT(pid.started_ticks, 90000);
    CHECK_INT(pid.resident_pages, 2100);
    host_text_free(text);
    text = host_text("bare64/proc/1204/stat");
    CHECK(bn_procfs_pid_stat(text, &pid));
    CHECK(bn_str_is(pid.name, "java"));
    CHECK_INT(pid.cpu_ticks, 8123456 + 123456);
    CHECK_INT(pid.threads, 212);
    host_text_free(text);
}

BN_TEST(a_stat_whose_name_tries_to_look_like_fields_does_not_fool_the_reader)
{
    struct bn_procfs_pid pid;
    CHECK(bn_procfs_pid_stat(
            BN_STR("7 (x) R 1 1 1) S 1 7 7 0 -1 4194560 2 0 12 0 30 4 0 0 20 0 5 0 600 100 700\n"),
            &pid));
    CHECK(bn_str_is(pid.name, "x) R 1 1 1"));
    CHECK_INT(pid.state, 'S');
    CHECK_INT(pid.cpu_ticks, 34);
    CHECK_INT(pid.threads, 5);
    CHECK_INT(pid.started_ticks, 600);
    CHECK_INT(pid.resident_pages, 700);
}

static void must_be_whole(struct bn_str whole, struct bn_str cut)
{
    struct bn_procfs_pid pid;
    CHECK_INT(bn_procfs_pid_stat(cut, &pid), cut.len == whole.len);
}

static void read_stat(struct bn_str text)
{
    struct bn_procfs_pid pid;
    if (bn_procfs_pid_stat(text, &pid))
        CHECK(pid.cpu_ticks != BN_ABSENT);
}

BN_TEST(a_process_stat_is_read_whole_or_not_at_all)
{
    struct bn_str text = host_text("bare64/proc/2211/stat");
    host_text_cut(text, 1, must_be_whole);
    host_text_garble(text, 1, read_stat);
    host_text_free(text);
    struct bn_procfs_pid pid;
    CHECK(!bn_procfs_pid_stat(BN_STR(")(\n"), &pid));
    CHECK(!bn_procfs_pid_stat(BN_STR("1 )( S 1\n"), &pid));
    CHECK(!bn_procfs_pid_stat(BN_STR("1 (x)\n"), &pid));
    CHECK(!bn_procfs_pid_stat(BN_STR("1 (x) SS 1 1\n"), &pid));
}

BN_TEST(the_user_of_a_process_is_its_effective_one)
{
    uint64_t uid = 7;
    CHECK(bn_procfs_pid_user(BN_STR("Name:\tsudo\nUid:\t1000\t0\t0\t0\n"), &uid));
    CHECK_INT(uid, 0);
    CHECK(!bn_procfs_pid_user(BN_STR("Name:\tsudo\nUid:\t1000\n"), &uid));
    CHECK(!bn_procfs_pid_user(BN_STR("Name:\tsudo\nUid:\t1000\t5"), &uid));
    CHECK(!bn_procfs_pid_user(BN_STR(""), &uid));
    CHECK_INT(uid, 0);
}

/* --- arguments ---------------------------------------------------------------------------------
 */

static void check_command(struct bn_str from, const char *want)
{
    char out[160];
    bn_procfs_pid_command(from, out, sizeof out);
    CHECK_STR(out, want);
}

BN_TEST(arguments_become_one_line)
{
    check_command(BN_STR("/sbin/init\0splash\0"), "/sbin/init splash");
    check_command(BN_STR("nginx: worker process\0\0\0\0"), "nginx: worker process");
    check_command(BN_STR("cut at the e"), "cut at the e");
    check_command(BN_STR("a\nb\0\x1b[31m\0"), "a?b ?[31m");
    check_command(BN_STR(""), "");
}

BN_TEST(arguments_that_look_like_secrets_are_hidden)
{
    check_command(BN_STR("x\0--password=hunter2\0-v\0"), "x --password=*** -v");
    check_command(BN_STR("x\0--token\0s3cr3t\0--to\0s3://b\0"), "x --token *** --to s3://b");
    check_command(BN_STR("java\0-Djavax.net.ssl.keyStorePassword=hunter2\0"),
            "java -Djavax.net.ssl.keyStorePassword=***");
    check_command(BN_STR("env\0API_KEY=k1\0run\0"), "env API_KEY=*** run");
    check_command(BN_STR("psql\0postgres://bob:pw:x@db/shop?x=1\0"),
            "psql postgres://bob:***@db/shop?x=1");
    check_command(BN_STR("curl\0https://bob@h/\0https://h:80/a@b\0"),
            "curl https://bob@h/ https://h:80/a@b");
    check_command(BN_STR("curl\0https://h?a:b@c\0https://bob:pw@h?x\0"),
            "curl https://h?a:b@c https://bob:***@h?x");
    check_command(BN_STR("x\0--secret-file\0"), "x --secret-file");
}

static void read_command(struct bn_str text)
{
    for (size_t size = 1; size < 64; size += 13) {
        char out[64];
        memset(out, 'Z', sizeof out);
        bn_procfs_pid_command(text, out, size);
        CHECK(strlen(out) < size);
        CHECK_INT(out[size], 'Z');
        CHECK(bn_utf8_is_valid(out, strlen(out)));
    }
}

static void read_cut_command(struct bn_str whole, struct bn_str cut)
{
    (void)whole;
    uint64_t uid;
    read_command(cut);
    if (bn_procfs_pid_user(cut, &uid))
        CHECK(uid != BN_ABSENT);
}

BN_TEST(arguments_of_any_bytes_fit_their_line)
{
    static const char *const paths[] = {"bare64/proc/1204/cmdline", "bare64/proc/3300/cmdline",
            "bare64/proc/3300/status"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct bn_str text = host_text(paths[i]);
        host_text_cut(text, 1, read_cut_command);
        host_text_garble(text, 1, read_command);
        host_text_free(text);
    }
    static char many[8192];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = i % 3 ? 'x' : 0;
    read_command((struct bn_str){many, sizeof many});
}

BN_TEST_MAIN()

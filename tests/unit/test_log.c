#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "base/text.h"

#include "log_scene.h"

/* What one pair's value looks like in its line. */
static const char *shown(const char *text)
{
    static int64_t round;
    now.mono_ms += 60000; /* the same value again is no repetition */
    bn_log(BN_INFO, "test.value", BN_KV_I64("n", round), BN_KV("v", text));
    round++;
    const char *got = next_line();
    CHECK(got != NULL);
    return strstr(got, " v=") + 3;
}

BN_TEST(a_line_looks_as_promised)
{
    begin();
    char name[] = "pve-3"; /* an array is as good as a pointer */
    bn_log(BN_WARN, "check.failed", BN_KV("server", name), BN_KV("code", "timeout"),
            BN_KV("text", "no answer in 10 s"));
    CHECK_STR(next_line(), "2026-11-20T19:57:04.112Z warn  check.failed  server=pve-3 code=timeout "
                           "text=\"no answer in 10 s\"");
    CHECK(next_line() == NULL);
    bn_log(BN_ERROR, "store.full", BN_KV_I64("bytes", -5), BN_KV("path", NULL));
    CHECK_STR(next_line(), "2026-11-20T19:57:04.112Z error store.full    bytes=-5 path=\"\"");
    bn_log(BN_INFO, "an.event.longer.than.its.column", BN_KV_I64("n", INT64_MIN));
    CHECK_STR(next_line(), "2026-11-20T19:57:04.112Z info  an.event.longer.than.its.column "
                           "n=-9223372036854775808");
}

BN_TEST(levels_below_the_chosen_one_are_counted_but_not_written)
{
    begin();
    uint64_t debug = bn_log_count(BN_DEBUG);
    uint64_t warn = bn_log_count(BN_WARN);
    bn_log(BN_DEBUG, "test.level", BN_KV("a", "b"));
    CHECK(next_line() == NULL);
    CHECK_INT(bn_log_count(BN_DEBUG), debug + 1);
    bn_log_set_level(BN_DEBUG);
    bn_log(BN_DEBUG, "test.level", BN_KV("a", "b"));
    CHECK(strstr(next_line(), " debug test.level ") != NULL);
    bn_log_set_level(BN_ERROR);
    bn_log(BN_WARN, "test.level", BN_KV("a", "b"));
    CHECK(next_line() == NULL);
    CHECK_INT(bn_log_count(BN_WARN), warn + 1);
    CHECK_STR(bn_level_word(BN_DEBUG), "debug");
    CHECK_STR(bn_level_word(BN_ERROR), "error");
}

BN_TEST(values_are_quoted_only_when_they_must_be)
{
    static const char *const cases[][2] = {{"pve-3", "pve-3"}, {"10.0.0.1:8006", "10.0.0.1:8006"},
            {"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x9A\xA2", "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x9A\xA2"},
            {"", "\"\""}, {"a b", "\"a b\""}, {"a=b", "\"a=b\""},
            {"say \"x\"", "\"say \\\"x\\\"\""}, {"C:\\x", "\"C:\\\\x\""},
            {"a\nb\tc", "\"a\\nb\\tc\""}, {"a\rb", "\"a\\u000db\""},
            {"\x01\x1b[31m\x7f", "\"\\u0001\\u001b[31m\\u007f\""},
            {"\xC2\x85\xC2\x9B", "\"\\u0085\\u009b\""}, {"\xC2\xA0", "\xC2\xA0"},
            {"\xE2\x80\xA8\xE2\x80\xA9", "\"\\u2028\\u2029\""},
            {"\xE2\x80\xAA\xE2\x80\xAE", "\"\\u202a\\u202e\""},
            {"\xE2\x81\xA6\xE2\x81\xA9", "\"\\u2066\\u2069\""},
            {"\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C", "\"\\u200e\\u200f\\u061c\""},
            {"a\xFF"
             "b",
                    "a\xEF\xBF\xBD"
                    "b"},
            {"\xE2\x82", "\xEF\xBF\xBD"}};
    begin();
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(shown(cases[i][0]), cases[i][1]);
}

/* SECURITY A36. */
BN_TEST(a_name_made_to_forge_lines_stays_inside_its_value)
{
    static const char *const names[] = {"x\n2026-11-20T19:57:04.112Z error forged  by=me", "x\r\nx",
            "\x1b[2J\x1b[1;31mroot", "\xE2\x80\xAEgnp.exe", "\xC2\x9Bm", "a\" code=ok text=\"",
            "\xE2\x80\xA8", "\\\" \\n"};
    begin();
    for (size_t i = 0; i < COUNT(names); i++) {
        bn_log(BN_WARN, "check.failed", BN_KV("server", names[i]), BN_KV("code", "timeout"));
        const char *got = next_line();
        check_clean(got);
        CHECK(strstr(got, "\" code=timeout") != NULL);
        CHECK_STR(got + strlen(got) - strlen("\" code=timeout"), "\" code=timeout");
        CHECK(next_line() == NULL);
    }
}

BN_TEST(a_value_of_64_kib_is_cut_and_says_so_and_leaves_room_for_the_next)
{
    static const char *const fills[] = {"x", " ", "\n", "\x01", "\xE2\x82\xAC", "\xF0\x9F\x9A\xA2",
            "\xFF", "\"", "\xE2\x80\xAE"};
    char *huge = malloc(65537);
    begin();
    for (size_t i = 0; i < COUNT(fills); i++) {
        size_t n = strlen(fills[i]);
        size_t len = 0;
        for (; len + n <= 65536; len += n)
            memcpy(huge + len, fills[i], n);
        huge[len] = 0;
        bn_log(BN_WARN, "test.huge", BN_KV("server", huge), BN_KV("code", "timeout"));
        const char *got = next_line();
        check_clean(got);
        const char *end = strstr(got, "\xE2\x80\xA6");
        CHECK(end != NULL);
        CHECK(strcmp(end, "\xE2\x80\xA6 code=timeout") == 0 ||
                strcmp(end, "\xE2\x80\xA6\" code=timeout") == 0);
        CHECK(end - got > 1000);
    }
    free(huge);
}

BN_TEST(many_long_values_are_still_one_short_line)
{
    char text[700];
    begin();
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (int size = 0; size < (int)sizeof text - 1; size++) {
        now.mono_ms += 60000;
        const char *t = text + sizeof text - 1 - size;
        bn_log(BN_INFO, "test.many", BN_KV_I64("n", size), BN_KV("a", t), BN_KV("b", t),
                BN_KV("c", t), BN_KV("d", t), BN_KV("e", t), BN_KV_I64("f", INT64_MIN),
                BN_KV("g", t), BN_KV_I64("h", INT64_MIN), BN_KV("i", " "), BN_KV("j", "\n"));
        check_clean(next_line());
    }
}

BN_TEST(events_and_keys_are_words_whatever_they_were)
{
    char key[300];
    begin();
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = 0;
    bn_log(BN_INFO, "an event\n", BN_KV("a key=\"", "v"), BN_KV(key, "w"));
    const char *got = next_line();
    check_clean(got);
    CHECK(strstr(got, " an_event_     a_key__=v kkkkk") != NULL);
}

BN_TEST(random_bytes_always_make_one_clean_line)
{
    begin();
    for (int round = 0; round < 5000; round++) {
        char text[3000];
        size_t len = dice(round % 50 ? 60 : sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(1 + dice(dice(2) ? 255 : 127));
        text[len] = 0;
        const char *got = shown(text);
        check_clean(got);
        /* Outside quotes there is nothing that ends a value; inside, only escaped quotes. */
        if (got[0] != '"') {
            CHECK(strcspn(got, " \"=\\") == strlen(got));
            continue;
        }
        size_t i = 1;
        while (got[i] && got[i] != '"')
            i += got[i] == '\\' ? 2 : 1;
        CHECK(got[i] == '"' && got[i + 1] == 0);
    }
}

struct seen {
    uint64_t first;
    uint64_t last;
    size_t count;
    char text[LINE_BYTES];
};

static void see(void *user, uint64_t seq, const char *text)
{
    struct seen *seen = user;
    if (seen->count++ == 0)
        seen->first = seq;
    else
        CHECK_INT(seq, seen->last + 1);
    seen->last = seq;
    snprintf(seen->text, sizeof seen->text, "%s", text);
}

BN_TEST(the_last_thousand_lines_are_kept_and_numbered)
{
    struct seen hooked = {0};
    struct seen kept = {0};
    begin();
    bn_log_set_hook(see, &hooked);
    bn_log_set_fd(-1);
    for (int i = 0; i < 1500; i++)
        bn_log(BN_INFO, "test.ring", BN_KV_I64("n", i));
    bn_log_set_hook(NULL, NULL);
    bn_log(BN_INFO, "test.ring", BN_KV("n", "last"));
    CHECK_INT(hooked.count, 1500);
    CHECK(strstr(hooked.text, " n=1499") != NULL);
    bn_log_read(0, see, &kept);
    CHECK_INT(kept.count, 1000);
    CHECK_INT(kept.last, hooked.last + 1);
    CHECK(strstr(kept.text, " n=last") != NULL);
    kept.count = 0;
    bn_log_read(hooked.last - 2, see, &kept);
    CHECK_INT(kept.count, 3);
    CHECK_INT(kept.first, hooked.last - 1);
    kept.count = 0;
    bn_log_read(kept.last, see, &kept);
    CHECK_INT(kept.count, 0);
    bn_log_read(UINT64_MAX, see, &kept);
    CHECK_INT(kept.count, 0);
}

static void log_again(void *user, uint64_t seq, const char *text)
{
    bn_log(BN_INFO, user, BN_KV(text, text), BN_KV_I64("n", seq));
}

BN_TEST(a_hook_that_logs_is_a_programming_error)
{
    char event[] = "again";
    begin();
    bn_log_set_hook(log_again, event);
    CHECK_ABORTS(bn_log(BN_INFO, "test.hook", BN_KV("a", "b")));
    bn_log_set_hook(NULL, NULL);
    CHECK_ABORTS(bn_log_pairs(BN_INFO, "test.none", NULL, 0));
}

static int say(const char *event, const char *name, int times)
{
    int lines = 0;
    for (int i = 0; i < times; i++)
        bn_log(BN_WARN, event, BN_KV("server", name), BN_KV("text", "no answer"));
    while (next_line())
        lines++;
    return lines;
}

BN_TEST(the_eleventh_line_of_a_minute_is_held_and_the_number_is_said)
{
    begin();
    CHECK_INT(say("check.failed", "pve-3", 51), 10);
    now.mono_ms += 59999;
    CHECK_INT(say("check.failed", "pve-3", 1), 0);
    bn_log(BN_INFO, "test.other", BN_KV("a", "b"));
    CHECK(strstr(next_line(), "test.other") != NULL);
    now.mono_ms += 1;
    now.now_ms += 60000;
    bn_log(BN_INFO, "test.other", BN_KV("a", "b"));
    CHECK_STR(next_line(), "2026-11-20T19:58:04.112Z warn  check.failed  server=pve-3 "
                           "text=\"42 more in 60 s\"");
    CHECK(strstr(next_line(), "test.other") != NULL);
    CHECK(next_line() == NULL);
    CHECK_INT(say("check.failed", "pve-3", 11), 10);
    now.mono_ms += 60000;
    bn_log(BN_WARN, "check.failed", BN_KV("server", "pve-3"));
    CHECK(strstr(next_line(), "\"1 more in 60 s\"") != NULL);
    CHECK(strstr(next_line(), "server=pve-3") != NULL);
    CHECK(next_line() == NULL);
    now.now_ms -= 60000;
}

BN_TEST(a_window_is_of_one_event_about_one_thing)
{
    begin();
    CHECK_INT(say("check.failed", "pve-1", 20), 10);
    CHECK_INT(say("check.failed", "pve-2", 20), 10);
    CHECK_INT(say("check.slow", "pve-1", 20), 10);
    for (int i = 0; i < 20; i++)
        bn_log(BN_INFO, "conn.closed", BN_KV_I64("conn", i / 2), BN_KV_I64("bytes", i));
    CHECK_INT(say("test.end", "x", 1), 21);
    now.mono_ms += 60000;
    CHECK_INT(say("test.end", "x", 1), 4);
}

BN_TEST(a_quiet_minute_begins_a_new_window)
{
    begin();
    CHECK_INT(say("check.failed", "pve-1", 10), 10);
    now.mono_ms += 60000;
    CHECK_INT(say("check.failed", "pve-1", 10), 10);
    CHECK_INT(say("check.failed", "pve-1", 1), 0);
}

BN_TEST(held_lines_are_counted_as_events)
{
    begin();
    uint64_t before = bn_log_count(BN_WARN);
    say("check.failed", "pve-1", 30);
    CHECK_INT(bn_log_count(BN_WARN), before + 30);
}

/* Adds up what a line stands for: itself, or the N it says were held. */
static void add_up(void *user, uint64_t seq, const char *text)
{
    uint64_t *total = user;
    const char *more = strstr(text, " text=\"");
    CHECK(seq > 0);
    *total += more ? strtoull(more + 7, NULL, 10) : 1;
}

BN_TEST(more_things_than_windows_lose_no_count)
{
    uint64_t total = 0;
    uint64_t events = 0;
    begin();
    bn_log_set_fd(-1);
    bn_log_set_hook(add_up, &total);
    for (int i = 0; i < 3000; i++) {
        char name[32];
        int times = 1 + i % 40;
        snprintf(name, sizeof name, "pve-%d", i);
        for (int k = 0; k < times; k++)
            bn_log(BN_WARN, "check.failed", BN_KV("server", name));
        events += (uint64_t)times;
    }
    now.mono_ms += 60000;
    bn_log(BN_INFO, "test.end", BN_KV("a", "b"));
    bn_log_set_hook(NULL, NULL);
    CHECK_INT(total, events + 1);
}

BN_TEST(every_window_that_closes_says_its_number)
{
    int said = 0;
    begin();
    for (int i = 0; i < 15; i++) {
        char name[32];
        snprintf(name, sizeof name, "pve-%d", i);
        said += say("check.failed", name, 13);
    }
    CHECK_INT(said, 150);
    now.mono_ms += 60000;
    bn_log(BN_INFO, "test.end", BN_KV("a", "b"));
    for (int i = 0; i < 15; i++)
        CHECK(strstr(next_line(), "\"3 more in 60 s\"") != NULL);
    CHECK(strstr(next_line(), "test.end") != NULL);
    CHECK(next_line() == NULL);
}

BN_TEST(long_names_that_begin_alike_are_different_things)
{
    char a[300];
    char b[300];
    begin();
    memset(a, 'n', sizeof a);
    a[sizeof a - 1] = 0;
    memcpy(b, a, sizeof b);
    b[sizeof b - 2] = 'm';
    CHECK_INT(say("check.failed", a, 10), 10);
    CHECK_INT(say("check.failed", b, 10), 10);
    CHECK_INT(say("check.failed", b, 1), 0);
}

BN_TEST(a_pipe_that_is_full_or_broken_stops_nobody)
{
    int pipe_ends[2];
    begin();
    CHECK_INT(pipe2(pipe_ends, O_NONBLOCK), 0);
    signal(SIGPIPE, SIG_IGN);
    while (write(pipe_ends[1], line, sizeof line) > 0)
        continue;
    CHECK_INT(errno, EAGAIN);
    bn_log_set_fd(pipe_ends[1]);
    bn_log(BN_INFO, "test.full", BN_KV("a", "b"));
    close(pipe_ends[0]);
    bn_log(BN_INFO, "test.broken", BN_KV("a", "b"));
    bn_log_set_fd(-1);
    close(pipe_ends[1]);
    struct seen kept = {0};
    bn_log_read(0, see, &kept);
    CHECK(strstr(kept.text, "test.broken") != NULL);
}

static void *talk(void *user)
{
    for (int i = 0; i < 300; i++)
        bn_log(BN_INFO, "test.thread", BN_KV_I64("n", i), BN_KV("who", user));
    return NULL;
}

BN_TEST(threads_do_not_mix_their_lines)
{
    char names[][6] = {"one", "two", "three"};
    pthread_t threads[COUNT(names)];
    struct seen hooked = {0};
    begin();
    bn_log_set_fd(-1);
    bn_log_set_hook(see, &hooked);
    for (size_t i = 0; i < COUNT(names); i++)
        CHECK_INT(pthread_create(&threads[i], NULL, talk, names[i]), 0);
    for (size_t i = 0; i < COUNT(names); i++)
        pthread_join(threads[i], NULL);
    bn_log_set_hook(NULL, NULL);
    CHECK_INT(hooked.count, 900);
}

BN_TEST(without_a_clock_the_kernel_says_the_time)
{
    begin();
    bn_log_set_clock(NULL);
    struct bn_clock real;
    int64_t stamp;
    bn_clock_read(&real);
    bn_log(BN_INFO, "test.time", BN_KV_I64("at", real.mono_ms));
    bn_log_set_clock(&now);
    const char *got = next_line();
    CHECK(bn_time_parse(got, 24, &stamp));
    CHECK(stamp >= real.now_ms && stamp < real.now_ms + 60000);
}

BN_TEST_MAIN()

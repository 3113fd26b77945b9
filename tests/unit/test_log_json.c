#include "log_scene.h"
#include "model/doc.h"

/* The log as JSON (SECURITY A36). */

static void keep_last(void *user, uint64_t seq BN_UNUSED, const char *text)
{
    snprintf(user, LINE_BYTES, "%s", text);
}

BN_TEST(as_json_a_line_is_one_object_and_the_memory_keeps_text)
{
    static char kept[LINE_BYTES];
    begin();
    bn_log_set_format(BN_LOG_JSON);
    bn_log(BN_WARN, "check.failed", BN_KV("server", "pve-3"), BN_KV("code", "5"),
            BN_KV_I64("ms", -5), BN_KV("text", NULL));
    CHECK_STR(next_line(), "{\"time\":\"2026-11-20T19:57:04.112Z\",\"level\":\"warn\",\"event\":"
                           "\"check.failed\",\"server\":\"pve-3\",\"code\":\"5\",\"ms\":-5,"
                           "\"text\":\"\"}");
    bn_log_set_hook(keep_last, kept);
    bn_log(BN_INFO, "an event\n", BN_KV("a \"key\\", "v"));
    CHECK_STR(next_line(), "{\"time\":\"2026-11-20T19:57:04.112Z\",\"level\":\"info\",\"event\":"
                           "\"an_event_\",\"a__key_\":\"v\"}");
    CHECK_STR(kept, "2026-11-20T19:57:04.112Z info  an_event_     a__key_=v");
    CHECK(next_line() == NULL);
    bn_log_set_hook(NULL, NULL);
    bn_log_set_format(BN_LOG_TEXT);
    bn_log(BN_INFO, "test.text", BN_KV("a", "b"));
    CHECK_STR(next_line(), "2026-11-20T19:57:04.112Z info  test.text     a=b");
}

/* The value of "v" in the next line, which must be an object of nothing but what was logged. */
static size_t read_back(char *out, size_t size)
{
    static const char *const names[] = {"time", "level", "event", "n", "v", "code", NULL};
    struct bn_str value;
    struct bn_str code;
    struct bn_err err;
    struct bn_doc *doc;
    const char *got = next_line();
    CHECK(got != NULL);
    check_clean(got);
    if (!bn_doc_parse(bn_str(got), &doc, &err))
        fail_msg("%s: %s", err.text, got);
    CHECK(bn_doc_only(doc, names, &err));
    CHECK(bn_doc_text(doc, "code", &code, &err) && bn_str_is(code, "timeout"));
    CHECK(bn_doc_text(doc, "v", &value, &err) && value.len < size);
    memcpy(out, value.p, value.len);
    out[value.len] = 0;
    const size_t len = value.len;
    bn_doc_destroy(doc);
    return len;
}

static size_t say_json(const char *text, char *out, size_t size)
{
    static int64_t round;
    now.mono_ms += 60000;
    bn_log(BN_WARN, "test.json", BN_KV_I64("n", round), BN_KV("v", text), BN_KV("code", "timeout"));
    round++;
    return read_back(out, size);
}

BN_TEST(as_json_hostile_values_are_read_back_letter_by_letter)
{
    static const char *const values[] = {"", "a b", "5", "null", "\r\nlevel=error", "\x1b[31m\x07",
            "\xE2\x80\xAEgnp.exe", "\xE2\x81\xA6x", "\xC2\x85\xE2\x80\xA8\xE2\x80\xA9",
            "a\",\"level\":\"info", "\\", "\\u0000", "\"}\n{\"time\":\"", "{}", "\x7F\t",
            "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA9"};
    char got[LINE_BYTES];
    begin();
    bn_log_set_format(BN_LOG_JSON);
    for (size_t i = 0; i < COUNT(values); i++) {
        say_json(values[i], got, sizeof got);
        CHECK_STR(got, values[i]);
    }
    say_json("a\xFF\xC0\xAF"
             "b",
            got, sizeof got);
    CHECK(bn_utf8_is_valid(got, strlen(got)));
    CHECK(next_line() == NULL);
}

BN_TEST(as_json_64_kib_are_cut_and_random_bytes_make_one_object)
{
    static const char *const fills[] = {"x", "\n", "\x01", "\xE2\x82\xAC", "\xFF", "\"",
            "\xE2\x80\xAE"};
    char got[LINE_BYTES];
    char *huge = malloc(65537);
    begin();
    bn_log_set_format(BN_LOG_JSON);
    for (size_t i = 0; i < COUNT(fills); i++) {
        const size_t n = strlen(fills[i]);
        size_t len = 0;
        for (; len + n <= 65536; len += n)
            memcpy(huge + len, fills[i], n);
        huge[len] = 0;
        const size_t shown_len = say_json(huge, got, sizeof got);
        CHECK_STR(got + shown_len - 3, "\xE2\x80\xA6");
    }
    free(huge);
    for (int round = 0; round < 3000; round++) {
        char text[3000];
        const size_t len = dice(round % 50 ? 60 : sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(1 + dice(dice(2) ? 255 : 127));
        text[len] = 0;
        say_json(text, got, sizeof got);
    }
    CHECK(next_line() == NULL);
}

BN_TEST(as_json_a_line_with_too_much_in_it_still_ends)
{
    char text[700];
    begin();
    bn_log_set_format(BN_LOG_JSON);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (int size = 0; size < (int)sizeof text - 1; size++) {
        struct bn_doc *doc;
        struct bn_err err;
        now.mono_ms += 60000;
        const char *t = text + sizeof text - 1 - size;
        bn_log(BN_INFO, "test.many", BN_KV_I64("n", size), BN_KV("a", t), BN_KV("b", t),
                BN_KV("c", t), BN_KV_I64("f", INT64_MIN), BN_KV("g", t),
                BN_KV("key_of_exactly_thirty_two_bytes_", t), BN_KV_I64("h", INT64_MIN),
                BN_KV("i", " "), BN_KV("j", "\n"), BN_KV("k", t));
        const char *got = next_line();
        if (!bn_doc_parse(bn_str(got), &doc, &err))
            fail_msg("%s: %s", err.text, got);
        bn_doc_destroy(doc);
    }
}

BN_TEST_MAIN()

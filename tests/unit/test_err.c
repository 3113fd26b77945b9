#include "base/err.h"
#include "base/text.h"

#include "bn_test.h"

BN_TEST(every_code_has_a_word_and_a_status)
{
    static const struct {
        enum bn_code code;
        const char *word;
        int status;
    } want[] = {
            {BN_E_OK, "ok", 200},
            {BN_E_INVALID, "invalid", 400},
            {BN_E_UNAUTHORIZED, "unauthorized", 401},
            {BN_E_FORBIDDEN, "forbidden", 403},
            {BN_E_NOT_FOUND, "not_found", 404},
            {BN_E_CONFLICT, "conflict", 409},
            {BN_E_TOO_BIG, "too_big", 413},
            {BN_E_TOO_MANY, "too_many", 429},
            {BN_E_UNAVAILABLE, "unavailable", 503},
            {BN_E_TIMEOUT, "timeout", 504},
            {BN_E_UPSTREAM, "upstream", 502},
            {BN_E_STORAGE, "storage", 507},
            {BN_E_INTERNAL, "internal", 500},
    };

    for (size_t i = 0; i < COUNT(want); i++) {
        CHECK_STR(bn_code_word(want[i].code), want[i].word);
        CHECK_INT(bn_code_status(want[i].code), want[i].status);
    }
}

BN_TEST(a_failure_is_false_and_says_code_and_sentence)
{
    struct bn_err err = {.field = "left over"};
    CHECK(!bn_fail(&err, BN_E_CONFLICT, "server %s has %d", "pve-3", 7));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.field, "");
    CHECK_STR(err.text, "server pve-3 has 7");
}

BN_TEST(a_field_failure_is_invalid_and_names_the_field)
{
    struct bn_err err;
    CHECK(!bn_fail_field(&err, "port", "port must be 1..65535, got %d", 80060));
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK_STR(err.field, "port");
    CHECK_STR(err.text, "port must be 1..65535, got 80060");
}

BN_TEST(a_field_name_that_is_too_long_is_cut)
{
    char name[100];
    struct bn_err err;
    memset(name, 'f', sizeof name - 1);
    name[sizeof name - 1] = 0;
    CHECK(!bn_fail_field(&err, name, "no"));
    CHECK_INT(strlen(err.field), BN_ERR_FIELD_MAX - 1);
}

BN_TEST(where_it_happened_comes_before_the_sentence_and_keeps_the_rest)
{
    struct bn_err err;
    bn_fail_field(&err, "port", "port must be 1..65535, got 80060");
    CHECK(!bn_fail_in(&err, "servers.csv line %d", 3));
    CHECK_STR(err.text, "servers.csv line 3: port must be 1..65535, got 80060");
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK_STR(err.field, "port");
    CHECK(!bn_fail_in(&err, "import"));
    CHECK_STR(err.text, "import: servers.csv line 3: port must be 1..65535, got 80060");
}

BN_TEST(nobody_needs_to_listen)
{
    CHECK(!bn_fail(NULL, BN_E_INTERNAL, "x"));
    CHECK(!bn_fail_field(NULL, "f", "x"));
    CHECK(!bn_fail_in(NULL, "x"));
}

BN_TEST(a_sentence_of_exactly_the_size_is_kept_whole_and_one_more_is_cut)
{
    char text[BN_ERR_TEXT_MAX + 1];
    struct bn_err err;
    memset(text, 'x', sizeof text);
    text[BN_ERR_TEXT_MAX - 1] = 0;
    bn_fail(&err, BN_E_INVALID, "%s", text);
    CHECK_STR(err.text, text);
    text[BN_ERR_TEXT_MAX - 1] = 'x';
    text[BN_ERR_TEXT_MAX] = 0;
    bn_fail(&err, BN_E_INVALID, "%s", text);
    CHECK_INT(strlen(err.text), BN_ERR_TEXT_MAX - 1);
    CHECK_STR(err.text + BN_ERR_TEXT_MAX - 4, "...");
    CHECK_INT(err.text[BN_ERR_TEXT_MAX - 5], 'x');
}

BN_TEST(a_cut_never_falls_inside_a_character)
{
    char text[4 * BN_ERR_TEXT_MAX];
    for (size_t shift = 0; shift < 4; shift++) {
        struct bn_err err;
        memset(text, 'a', shift);
        for (size_t i = shift; i + 4 <= sizeof text; i += 4)
            memcpy(text + i, "\xF0\x9F\x9A\xA2", 4);
        bn_fail(&err, BN_E_INVALID, "%.*s", (int)(shift + 4 * 100), text);
        CHECK(bn_utf8_is_valid(err.text, strlen(err.text)));
        CHECK_STR(err.text + strlen(err.text) - 3, "...");
        bn_fail_in(&err, "%.*s", (int)(shift + 4 * 30), text);
        CHECK(bn_utf8_is_valid(err.text, strlen(err.text)));
        CHECK_STR(err.text + strlen(err.text) - 3, "...");
        bn_fail_in(&err, "%.*s", (int)(shift + 4 * 100), text);
        CHECK(bn_utf8_is_valid(err.text, strlen(err.text)));
    }
    struct bn_err err;
    memset(text, 0x80, sizeof text); /* no character begins anywhere */
    bn_fail(&err, BN_E_INVALID, "%.*s", (int)sizeof text, text);
    CHECK_STR(err.text, "...");
}

BN_TEST_MAIN()

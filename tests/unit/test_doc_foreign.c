#include "base/json.h"

#include "bn_test.h"
#include "model/doc_foreign.h"

static struct bn_doc *parsed(const char *text)
{
    struct bn_doc *doc = NULL;
    struct bn_err err;
    if (!bn_doc_parse_foreign(bn_str(text), &doc, &err))
        fail_msg("%s: %s", text, err.text);
    return doc;
}

static void refused(struct bn_str text, const char *want)
{
    struct bn_doc *doc = NULL;
    struct bn_err err;
    if (bn_doc_parse_foreign(text, &doc, &err))
        fail_msg("%.*s was accepted", BN_ARG(text));
    CHECK_INT(err.code, BN_E_UPSTREAM);
    if (!strstr(err.text, want))
        fail_msg("got \"%s\", wanted \"%s\"", err.text, want);
}

static void text_is(const char *json, const char *want)
{
    char out[64];
    struct bn_doc *doc = parsed(json);
    bn_foreign_text(doc, "a", out, sizeof out);
    CHECK_STR(out, want);
    bn_doc_destroy(doc);
}

BN_TEST(what_is_no_character_becomes_the_replacement_character)
{
    text_is("{\"a\":\"caf\xC3\xA9\"}", "caf\xC3\xA9");
    text_is("{\"a\":\"x\xFFy\"}", "x\xEF\xBF\xBDy");
    text_is("{\"a\":\"x\xC3\"}", "x\xEF\xBF\xBD");
    text_is("{\"a\":\"x\ty\"}", "x\xEF\xBF\xBDy"); /* a raw control byte */
    text_is("{\"a\":\"x\\u0000y\"}", "x\xEF\xBF\xBDy");
    text_is("{\"a\":\"x\\ud800y\"}", "x\xEF\xBF\xBDy");
    text_is("{\"a\":\"x\\udc00y\"}", "x\xEF\xBF\xBDy");
    text_is("{\"a\":\"x\\ud800\\u0041y\"}", "x\xEF\xBF\xBD"
                                            "Ay");
    text_is("{\"a\":\"\\ud83d\\ude00\"}", "\xF0\x9F\x98\x80");
    text_is("{\"a\":\"q\\\"b\\\\\"}", "q\"b\\");
    text_is("{\"a\":\"\\b\"}", "\b");
}

BN_TEST(of_two_members_with_one_name_the_last_counts)
{
    text_is("{\"a\":\"first\",\"a\":\"last\"}", "last");
}

BN_TEST(texts_are_texts_and_numbers_show_their_digits)
{
    text_is("{\"a\":12}", "12");
    text_is("{\"a\":null}", "");
    text_is("{\"a\":[1]}", "");
    text_is("{}", "");
}

static void i64_is(const char *json, int64_t want)
{
    int64_t out = -7;
    struct bn_doc *doc = parsed(json);
    CHECK(bn_foreign_i64(doc, "a", &out));
    CHECK_INT(out, want);
    bn_doc_destroy(doc);
}

static void i64_is_none(const char *json)
{
    int64_t out = -7;
    struct bn_doc *doc = parsed(json);
    CHECK(!bn_foreign_i64(doc, "a", &out));
    CHECK_INT(out, -7);
    bn_doc_destroy(doc);
}

BN_TEST(numbers_come_as_numbers_texts_and_reals)
{
    i64_is("{\"a\":100}", 100);
    i64_is("{\"a\":\"744189952\"}", 744189952);
    i64_is("{\"a\":\" 5 \"}", 5);
    i64_is("{\"a\":1.0}", 1);
    i64_is("{\"a\":2.6}", 3);
    i64_is("{\"a\":\"0.46\"}", 0);
    i64_is("{\"a\":9007199254740993}", 9007199254740993);
    i64_is("{\"a\":18446744073709551615}", INT64_MAX);
    i64_is("{\"a\":-18446744073709551615}", -INT64_MAX);
    i64_is_none("{\"a\":\"\"}");
    i64_is_none("{\"a\":\"N/A\"}");
    i64_is_none("{\"a\":null}");
    i64_is_none("{\"a\":{}}");
    i64_is_none("{}");
}

BN_TEST(reals_may_be_small_negative_and_exponential)
{
    double out = NAN;
    struct bn_doc *doc = parsed("{\"a\":5.63781757807018e-05,\"b\":\"-5.75e-05\",\"c\":\"x\"}");
    CHECK(bn_foreign_f64(doc, "a", &out));
    CHECK_NEAR(out, 5.63781757807018e-05, 1e-18);
    CHECK(bn_foreign_f64(doc, "b", &out));
    CHECK_NEAR(out, -5.75e-05, 1e-18);
    CHECK(!bn_foreign_f64(doc, "c", &out));
    CHECK(!bn_foreign_f64(doc, "d", &out));
    bn_doc_destroy(doc);
}

BN_TEST(a_switch_is_0_1_a_word_or_nothing)
{
    static const struct {
        const char *json;
        int want; /* -1: none */
    } cases[] = {{"{\"a\":0}", 0}, {"{\"a\":1}", 1}, {"{\"a\":\"0\"}", 0}, {"{\"a\":\"1\"}", 1},
            {"{\"a\":\"\"}", 0}, {"{\"a\":true}", 1}, {"{\"a\":false}", 0}, {"{\"a\":null}", -1},
            {"{\"a\":\"yes\"}", -1}, {"{}", -1}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        bool out = false;
        struct bn_doc *doc = parsed(cases[i].json);
        const bool got = bn_foreign_bool(doc, "a", &out);
        if ((got ? (int)out : -1) != cases[i].want)
            fail_msg("%s", cases[i].json);
        bn_doc_destroy(doc);
    }
}

BN_TEST(what_is_no_json_is_said_with_its_place)
{
    static const char text[] = "{\"data\":[{\"a\":1},{\"a\":\"x\\u00e9\"},null]}";
    refused(BN_STR(""), "the answer is empty");
    refused(BN_STR("<html>"), "the answer is no JSON: line 1 column 1");
    refused(BN_STR("{\"a\":1e999}"), "no JSON");
    refused(((struct bn_str){"[1]\0[2]", 7}), "no JSON");
    for (size_t cut = 1; cut < sizeof text - 1; cut++)
        refused(((struct bn_str){text, cut}), "no JSON");
    bn_doc_destroy(parsed(text));
}

BN_TEST(sixty_four_levels_and_no_more)
{
    char text[200];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    bn_doc_destroy(parsed(text));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    text[130] = '\0';
    refused(bn_str(text), "nested deeper than 64 levels");
}

BN_TEST_MAIN()

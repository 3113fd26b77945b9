#include <stdlib.h>

#include "bn_test.h"
#include "model/doc.h"

static struct bn_doc *parse(const char *text)
{
    struct bn_doc *doc = NULL;
    struct bn_err err = {0};
    if (!bn_doc_parse(bn_str(text), &doc, &err))
        print_message("%s\n", err.text);
    assert_non_null(doc);
    return doc;
}

static void check_refused(struct bn_str text, const char *sentence)
{
    struct bn_doc *doc = NULL;
    struct bn_err err = {0};
    CHECK(!bn_doc_parse(text, &doc, &err));
    CHECK(doc == NULL);
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK_STR(err.text, sentence);
}

/* --- parsing --------------------------------------------------------------------------------- */

BN_TEST(any_json_value_is_a_document)
{
    const char *const texts[] = {"{}", "[]", " 1 ", "\"x\"", "null", "true", "-1.5e3",
            "\t{\"a\":[]}\n"};
    for (size_t i = 0; i < COUNT(texts); i++)
        bn_doc_destroy(parse(texts[i]));
}

BN_TEST(what_is_not_json_is_refused_where_it_goes_wrong)
{
    check_refused(BN_STR(""), "JSON was expected, got nothing");
    check_refused(BN_STR("{\"a\":1,}"), "JSON line 1 column 8: string or '}' expected");
    check_refused(BN_STR("{\n\"a\" 1}"), "JSON line 2 column 5: ':' expected");
    check_refused(BN_STR("{} {}"), "JSON line 1 column 4: end of file expected");
    check_refused(BN_STR("nul"), "JSON line 1 column 3: invalid token");
    check_refused(BN_STR("{'a':1}"), "JSON line 1 column 2: string or '}' expected");
    check_refused(BN_STR("[01]"), "JSON line 1 column 2: invalid token");
    check_refused(BN_STR("[NaN]"), "JSON line 1 column 4: invalid token");
    check_refused(BN_STR("// no\n1"), "JSON line 1 column 1: invalid token");
}

BN_TEST(a_member_given_twice_is_refused)
{
    check_refused(BN_STR("{\"a\":1,\"a\":2}"), "JSON line 1 column 10: duplicate object key");
    check_refused(BN_STR("{\"a\":1,\"\\u0061\":2}"), "JSON line 1 column 15: duplicate object key");
}

BN_TEST(a_nul_character_is_refused_in_values_and_names)
{
    struct bn_err err = {0};
    struct bn_doc *doc = NULL;
    CHECK(!bn_doc_parse(BN_STR("{\"a\":\"x\\u0000y\"}"), &doc, &err));
    CHECK(strstr(err.text, "a NUL character is not allowed") != NULL);
    CHECK(!bn_doc_parse(BN_STR("{\"a\\u0000\":1}"), &doc, &err));
    CHECK(strstr(err.text, "a NUL character is not allowed") != NULL);
    CHECK(!bn_doc_parse(BN_STR("{\"a\":\"x\0y\"}"), &doc, &err));
    CHECK(!bn_doc_parse(BN_STR("1\0"), &doc, &err));
    CHECK(doc == NULL);
}

BN_TEST(broken_utf8_and_lone_surrogates_are_refused)
{
    const char *const texts[] = {"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\\ud800\"",
            "\"\\ud800\\u0041\"", "\"\xf4\x90\x80\x80\"", "\xef\xbb\xbf{}"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct bn_doc *doc = NULL;
        CHECK(!bn_doc_parse(bn_str(texts[i]), &doc, NULL));
    }
    struct bn_str text;
    BN_DOC_AUTO *doc = parse("\"\\ud83d\\ude00 \xc3\xa9\"");
    CHECK(bn_doc_get_text(doc, &text));
    CHECK(bn_str_is(text, "\xf0\x9f\x98\x80 \xc3\xa9"));
}

BN_TEST(numbers_too_big_for_us_are_refused)
{
    check_refused(BN_STR("[9223372036854775808]"), "JSON line 1 column 20: too big integer");
    check_refused(BN_STR("[-9223372036854775809]"),
            "JSON line 1 column 21: too big negative integer");
    check_refused(BN_STR("[1e999]"), "JSON line 1 column 6: real number overflow");
    int64_t value;
    BN_DOC_AUTO *doc = parse("9223372036854775807");
    CHECK(bn_doc_get_i64(doc, &value));
    CHECK_INT(value, INT64_MAX);
}

static void nest(char *out, size_t depth)
{
    memset(out, '[', depth);
    memset(out + depth, ']', depth);
    out[2 * depth] = 0;
}

BN_TEST(nesting_stops_at_the_limit_and_says_where)
{
    char text[64];
    nest(text, BN_JSON_READ_DEPTH);
    bn_doc_destroy(parse(text));
    nest(text, BN_JSON_READ_DEPTH + 1);
    check_refused(bn_str(text), "JSON line 1 column 17: nested deeper than 16 levels");
}

BN_TEST(brackets_inside_strings_are_not_nesting)
{
    bn_doc_destroy(parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[\",\"\\\"[[[[[[[[[[[[[[[[[[[[\\\\\"]"));
    check_refused(BN_STR("\n\n\"\\\\\"[[[[[[[[[[[[[[[[["),
            "JSON line 3 column 21: nested deeper than 16 levels");
}

BN_TEST(a_megabyte_of_brackets_is_refused_at_once)
{
    enum { N = 1 << 20 };

    char *text = malloc(N);
    memset(text, '[', N);
    check_refused((struct bn_str){text, N}, "JSON line 1 column 17: nested deeper than 16 levels");
    free(text);
}

BN_TEST(a_sentence_never_repeats_what_the_text_contained)
{
    struct bn_err err = {0};
    struct bn_doc *doc = NULL;
    CHECK(!bn_doc_parse(BN_STR("{\"password\" \"hunter2\"}"), &doc, &err));
    CHECK_STR(err.text, "JSON line 1 column 21: ':' expected");
    CHECK(!bn_doc_parse(BN_STR("{\"password\":\"near hunter2"), &doc, &err));
    CHECK(strstr(err.text, "hunter2") == NULL);
}

BN_TEST(a_document_cut_at_any_byte_is_refused)
{
    const char whole[] = "{\"a\":[1,-2.5e1,true,null,\"\\u00e9\\n\"],\"b\":{\"c\":\"d\"}}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct bn_doc *doc = NULL;
        CHECK(!bn_doc_parse((struct bn_str){whole, len}, &doc, NULL));
    }
    bn_doc_destroy(parse(whole));
}

BN_TEST(destroying_nothing_is_fine)
{
    bn_doc_destroy(NULL);
}

/* --- walking --------------------------------------------------------------------------------- */

BN_TEST(walking_gives_children_or_null)
{
    BN_DOC_AUTO *doc = parse("{\"list\":[1,\"two\",3.5,false],\"none\":null}");
    const struct bn_doc *list = bn_doc_at(doc, "list");
    CHECK_INT(bn_doc_count(list), 4);
    CHECK(bn_doc_item(list, 4) == NULL);
    CHECK(bn_doc_at(list, "x") == NULL);
    CHECK(bn_doc_at(doc, "other") == NULL);
    CHECK_INT(bn_doc_count(doc), 0);
    CHECK_INT(bn_doc_count(NULL), 0);
    CHECK(bn_doc_is_object(doc) && !bn_doc_is_object(list) && !bn_doc_is_object(NULL));
    CHECK(bn_doc_is_list(list) && !bn_doc_is_list(doc) && !bn_doc_is_list(NULL));
    CHECK(bn_doc_is_null(bn_doc_at(doc, "none")) && !bn_doc_is_null(list) && !bn_doc_is_null(NULL));

    int64_t whole;
    double real;
    bool flag;
    struct bn_str text;
    CHECK(bn_doc_get_i64(bn_doc_item(list, 0), &whole) && whole == 1);
    CHECK(!bn_doc_get_i64(bn_doc_item(list, 2), &whole));
    CHECK(bn_doc_get_f64(bn_doc_item(list, 0), &real) && real == 1.0);
    CHECK(bn_doc_get_f64(bn_doc_item(list, 2), &real) && real == 3.5);
    CHECK(!bn_doc_get_f64(bn_doc_item(list, 1), &real));
    CHECK(bn_doc_get_text(bn_doc_item(list, 1), &text) && bn_str_is(text, "two"));
    CHECK(!bn_doc_get_text(bn_doc_item(list, 0), &text));
    CHECK(bn_doc_get_bool(bn_doc_item(list, 3), &flag) && !flag);
    CHECK(!bn_doc_get_bool(bn_doc_item(list, 0), &flag));
    CHECK(!bn_doc_get_i64(NULL, &whole) && !bn_doc_get_text(NULL, &text));
    CHECK(!bn_doc_get_f64(NULL, &real) && !bn_doc_get_bool(NULL, &flag));
    CHECK_STR(bn_doc_type_word(NULL), "nothing");
    BN_DOC_AUTO *yes = parse("true");
    CHECK(bn_doc_get_bool(yes, &flag) && flag);
}

BN_TEST(members_are_walked_each_once)
{
    BN_DOC_AUTO *doc = parse("{\"a\":1,\"b\":2,\"c\":3}");
    void *at = NULL;
    const char *name;
    const struct bn_doc *value;
    int64_t sum = 0;
    char names[8] = "";
    while ((value = bn_doc_next(doc, &at, &name)) != NULL) {
        int64_t number;
        CHECK(bn_doc_get_i64(value, &number));
        sum += number;
        names[number - 1] = name[0];
    }
    CHECK_INT(sum, 6);
    CHECK_STR(names, "abc");
    at = NULL;
    BN_DOC_AUTO *list = parse("[1]");
    CHECK(bn_doc_next(list, &at, &name) == NULL);
}

/* --- members of requests --------------------------------------------------------------------- */

BN_TEST(text_members_are_required_or_not)
{
    BN_DOC_AUTO *doc = parse("{\"name\":\"ann\",\"none\":null,\"n\":5}");
    struct bn_str text;
    struct bn_err err = {0};
    CHECK(bn_doc_text(doc, "name", &text, NULL) && bn_str_is(text, "ann"));
    CHECK(!bn_doc_text(doc, "other", &text, &err));
    CHECK_STR(err.text, "other is required");
    CHECK_STR(err.field, "other");
    CHECK(!bn_doc_text(doc, "none", &text, &err));
    CHECK_STR(err.text, "none must be text, got null");
    CHECK(bn_doc_text_or(doc, "none", "x", &text, NULL) && bn_str_is(text, "x"));
    CHECK(bn_doc_text_or(doc, "other", NULL, &text, NULL) && text.p == NULL);
    CHECK(bn_doc_text_or(doc, "name", "x", &text, NULL) && bn_str_is(text, "ann"));
    CHECK(!bn_doc_text_or(doc, "n", "x", &text, &err));
    CHECK_STR(err.text, "n must be text, got a whole number");
}

BN_TEST(whole_number_members_have_a_default)
{
    BN_DOC_AUTO *doc = parse("{\"n\":5,\"none\":null,\"half\":0.5}");
    int64_t value;
    struct bn_err err = {0};
    CHECK(bn_doc_i64_or(doc, "n", 1, &value, NULL) && value == 5);
    CHECK(bn_doc_i64_or(doc, "none", 1, &value, NULL) && value == 1);
    CHECK(bn_doc_i64_or(doc, "other", 2, &value, NULL) && value == 2);
    CHECK(!bn_doc_i64_or(doc, "half", 1, &value, &err));
    CHECK_STR(err.text, "half must be a whole number, got a fraction");
}

BN_TEST(members_nobody_asked_for_are_refused_by_name)
{
    BN_DOC_AUTO *doc = parse("{\"host\":1,\"prot\":2}");
    struct bn_err err = {0};
    CHECK(!bn_doc_only(doc, (const char *const[]){"host", "port", NULL}, &err));
    CHECK_STR(err.text, "unknown field \"prot\"");
    CHECK(bn_doc_only(doc, (const char *const[]){"host", "prot", NULL}, NULL));
}

BN_TEST(members_of_something_else_than_an_object_are_refused)
{
    BN_DOC_AUTO *doc = parse("[1]");
    struct bn_str text;
    int64_t value;
    struct bn_err err = {0};
    CHECK(!bn_doc_text(doc, "a", &text, &err));
    CHECK_STR(err.text, "a JSON object was expected, got a list");
    CHECK(!bn_doc_text_or(doc, "a", "", &text, NULL));
    CHECK(!bn_doc_i64_or(doc, "a", 0, &value, NULL));
    CHECK(!bn_doc_only(doc, (const char *const[]){NULL}, NULL));
}

BN_TEST_MAIN()

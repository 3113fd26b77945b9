
#include "bn_test.h"
#include "wire/http.h"

/* "a|b|" for the segments a, b and an empty one; or the refusal. */
static const char *segments_of(const char *path)
{
    static char said[512];
    char scratch[512];
    struct bn_str segments[BN_HTTP_SEGMENTS_MAX];
    struct bn_err err = {0};
    size_t count = 99;
    size_t n = 0;
    if (!bn_http_split_path(bn_str(path), scratch, strlen(path) + 1, segments, &count, &err)) {
        CHECK_INT(count, 99);
        snprintf(said, sizeof said, "%s: %s", bn_code_word(err.code), err.text);
        return said;
    }
    said[0] = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(segments[i].p[segments[i].len], 0);
        n += (size_t)snprintf(said + n, sizeof said - n, "%s%s", i ? "|" : "", segments[i].p);
    }
    return said;
}

BN_TEST(a_path_is_split_and_decoded_once)
{
    CHECK_STR(segments_of("/"), "");
    CHECK_STR(segments_of("/a"), "a");
    CHECK_STR(segments_of("/a/"), "a|");
    CHECK_STR(segments_of("/api/v1/a%20b"), "api|v1|a b");
    CHECK_STR(segments_of("/a+b"), "a+b");
    CHECK_STR(segments_of("/%c3%A4/%2525"), "\xc3\xa4|%25");
    CHECK_STR(segments_of("/.../..a/.b"), "...|..a|.b");
    CHECK_STR(segments_of("/;a=b/c:d@e"), ";a=b|c:d@e");
    CHECK_STR(segments_of("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"),
            "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16");
}

BN_TEST(a_path_that_could_mean_something_else_is_refused)
{
    CHECK_STR(segments_of(""), "invalid: a path must start with '/'");
    CHECK_STR(segments_of("*"), "invalid: a path must start with '/'");
    CHECK_STR(segments_of("a/b"), "invalid: a path must start with '/'");
    CHECK_STR(segments_of("//"), "invalid: a path must not hold empty segments");
    CHECK_STR(segments_of("//a"), "invalid: a path must not hold empty segments");
    CHECK_STR(segments_of("/a//b"), "invalid: a path must not hold empty segments");
    static const char *const dots[] = {"/.", "/..", "/a/../b", "/%2e", "/%2E%2e/a", "/a/.%2e",
            "/a/./b"};
    for (size_t i = 0; i < COUNT(dots); i++)
        CHECK_STR(segments_of(dots[i]),
                "invalid: a path must not hold the segments \".\" and \"..\"");
    static const char *const slashes[] = {"/a%2fb", "/a%2F..%2Fb", "/a\\b", "/%5c", "/..%5cb"};
    for (size_t i = 0; i < COUNT(slashes); i++)
        CHECK_STR(segments_of(slashes[i]), "invalid: a path segment must not hold '/' or '\\'");
    static const char *const escapes[] = {"/%", "/%2", "/%zz", "/%2z", "/%z2", "/%%", "/a%",
            "/%2/0", "/%+1", "/%0x"};
    for (size_t i = 0; i < COUNT(escapes); i++)
        CHECK_STR(segments_of(escapes[i]),
                "invalid: every % in a path must be followed by two hex digits");
    CHECK_STR(segments_of("/%00"), "invalid: a path must not hold control bytes, got 0x00");
    CHECK_STR(segments_of("/a%0d%0ab"), "invalid: a path must not hold control bytes, got 0x0d");
    CHECK_STR(segments_of("/%7f"), "invalid: a path must not hold control bytes, got 0x7f");
    static const char *const utf8[] = {"/%ff", "/%c0%af", "/%c0%ae%c0%ae", "/%e0%80%af",
            "/%ed%a0%80", "/%f4%90%80%80", "/%c3/%a4", "/%80"};
    for (size_t i = 0; i < COUNT(utf8); i++)
        CHECK_STR(segments_of(utf8[i]), "invalid: a path must be UTF-8");
    CHECK_STR(segments_of("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"),
            "too_big: a path must not have more than 16 segments");
}

/* "a=1|b=" or the refusal. */
static const char *params_of(const char *query)
{
    static char said[1024];
    char scratch[1024];
    struct bn_http_param params[BN_HTTP_PARAMS_MAX];
    struct bn_err err = {0};
    size_t count = 99;
    size_t n = 0;
    if (!bn_http_split_query(bn_str(query), scratch, strlen(query) + 1, params, &count, &err)) {
        CHECK_INT(count, 99);
        snprintf(said, sizeof said, "%s: %s", bn_code_word(err.code), err.text);
        return said;
    }
    said[0] = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(params[i].name.p[params[i].name.len], 0);
        CHECK_INT(params[i].value.p[params[i].value.len], 0);
        n += (size_t)snprintf(said + n, sizeof said - n, "%s%s=%s", i ? "|" : "", params[i].name.p,
                params[i].value.p);
    }
    return said;
}

BN_TEST(a_query_is_split_and_decoded_once)
{
    CHECK_STR(params_of(""), "");
    CHECK_STR(params_of("a=1"), "a=1");
    CHECK_STR(params_of("a=1&b=2&a=3"), "a=1|b=2|a=3");
    CHECK_STR(params_of("a"), "a=");
    CHECK_STR(params_of("a&b"), "a=|b=");
    CHECK_STR(params_of("a="), "a=");
    CHECK_STR(params_of("=b"), "=b");
    CHECK_STR(params_of("="), "=");
    CHECK_STR(params_of("&&a=1&&"), "a=1");
    CHECK_STR(params_of("a=b=c"), "a=b=c");
    CHECK_STR(params_of("q=a+b%2Bc%26d%3d"), "q=a b+c&d=");
    CHECK_STR(params_of("%61+b=%C3%A4"), "a b=\xc3\xa4");
    CHECK_STR(params_of("a=/?\\;.."), "a=/?\\;..");
}

BN_TEST(a_query_that_is_no_text_is_refused)
{
    CHECK_STR(params_of("a=%"), "invalid: every % in a query must be followed by two hex digits");
    CHECK_STR(params_of("%4=1"), "invalid: every % in a query must be followed by two hex digits");
    CHECK_STR(params_of("a=%4&b"),
            "invalid: every % in a query must be followed by two hex digits");
    CHECK_STR(params_of("a=%00"), "invalid: a query must not hold control bytes, got 0x00");
    CHECK_STR(params_of("%0a=1"), "invalid: a query must not hold control bytes, got 0x0a");
    CHECK_STR(params_of("a=%ff"), "invalid: a query must be UTF-8");
    CHECK_STR(params_of("a=%c3&=%a4"), "invalid: a query must be UTF-8");
}

BN_TEST(a_query_has_at_most_64_parameters)
{
    char query[400] = "";
    for (int i = 0; i < 64; i++)
        strncat(query, "a=b&", sizeof query - strlen(query) - 1);
    CHECK_INT(strlen(params_of(query)), 64 * 4 - 1);
    strncat(query, "a=b&", sizeof query - strlen(query) - 1);
    CHECK_STR(params_of(query), "too_big: a query must not have more than 64 parameters");
}

BN_TEST_MAIN()

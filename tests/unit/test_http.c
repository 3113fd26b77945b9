#include "bn_test.h"
#include "bn_vectors.h"
#include "wire/http.h"

static struct bn_http parser;

static void begin(const struct bn_vector *vector)
{
    (void)vector;
    bn_http_init(&parser);
}

static bool feed(struct wire_log *log, const char *p, size_t len)
{
    return wire_log_http(log, &parser, p, len);
}

static void end(struct wire_log *log)
{
    if (bn_http_is_busy(&parser))
        wire_log_line(log, "BUSY");
    bn_http_finish(&parser);
}

BN_TEST(every_vector_says_the_same_however_it_is_cut)
{
    static const struct bn_codec codec = {.begin = begin, .feed = feed, .end = end};
    CHECK(bn_vectors_run("http", &codec) >= 200);
}

/* Parses one head; the caller finishes http. */
static const struct bn_http_head *head_of(struct bn_http *http, const char *text)
{
    enum bn_http_event event;
    bn_http_init(http);
    CHECK_INT(bn_http_parse(http, text, strlen(text), &event), strlen(text));
    CHECK_INT(event, BN_HTTP_HEAD);
    return http->head;
}

BN_TEST(an_idle_parser_owns_nothing)
{
    struct bn_http http;
    enum bn_http_event event;
    head_of(&http, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(bn_http_is_busy(&http));
    CHECK_INT(bn_http_parse(&http, "", 0, &event), 0);
    CHECK_INT(event, BN_HTTP_DONE);
    CHECK(!bn_http_is_busy(&http));
    bn_http_next(&http);
    CHECK(http.head == NULL);
    CHECK(http.raw.p == NULL);
    CHECK(!bn_http_is_busy(&http));
    CHECK_INT(bn_http_parse(&http, "\r\n", 2, &event), 2);
    CHECK_INT(event, BN_HTTP_MORE);
    CHECK(http.raw.p == NULL);
    CHECK(sizeof http <= 328);
}

BN_TEST(done_and_bad_are_said_again_when_asked_again)
{
    struct bn_http http;
    enum bn_http_event event;
    head_of(&http, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        CHECK_INT(bn_http_parse(&http, "GET", 3, &event), 0);
        CHECK_INT(event, BN_HTTP_DONE);
    }
    bn_http_next(&http);
    for (int i = 0; i < 2; i++) {
        bn_http_parse(&http, "\n", 1, &event);
        CHECK_INT(event, BN_HTTP_BAD);
        CHECK_INT(http.err.code, BN_E_INVALID);
        CHECK(!bn_http_is_busy(&http));
    }
    bn_http_finish(&http);
}

BN_TEST(an_upgrade_leaves_the_bytes_behind_the_head_alone)
{
    static const char text[] =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n\x81";
    struct bn_http http;
    enum bn_http_event event;
    size_t len = sizeof text - 1;
    bn_http_init(&http);
    CHECK_INT(bn_http_parse(&http, text, len, &event), len - 1);
    CHECK_INT(event, BN_HTTP_HEAD);
    CHECK(http.head->wants_upgrade);
    CHECK_INT(bn_http_parse(&http, text + len - 1, 1, &event), 0);
    CHECK_INT(event, BN_HTTP_DONE);
    bn_http_finish(&http);
}

BN_TEST(body_pieces_are_shown_where_they_came_in)
{
    static const char body[] = "hello";
    struct bn_http http;
    enum bn_http_event event;
    head_of(&http, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    CHECK_INT(bn_http_parse(&http, body, 5, &event), 5);
    CHECK_INT(event, BN_HTTP_BODY);
    CHECK(http.body.p == body);
    CHECK_INT(http.body.len, 5);
    CHECK_INT(bn_http_announced(&http), 4);
    CHECK_INT(bn_http_parse(&http, body, 0, &event), 0);
    CHECK_INT(event, BN_HTTP_MORE);
    CHECK(http.body.p == NULL);
    bn_http_finish(&http);
}

BN_TEST(find_sees_the_first_field_in_any_case)
{
    struct bn_http http;
    const struct bn_http_head *head = head_of(&http,
            "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nE:\r\n\r\n");
    CHECK(bn_str_is(bn_http_find(head, "x-A"), "1"));
    CHECK(bn_http_find(head, "e").p != NULL);
    CHECK_INT(bn_http_find(head, "e").len, 0);
    CHECK(bn_http_find(head, "x").p == NULL);
    bn_http_finish(&http);
}

BN_TEST(lists_looks_through_every_field_of_the_name)
{
    struct bn_http http;
    const struct bn_http_head *head = head_of(&http,
            "GET / HTTP/1.1\r\nHost: a\r\nL: a, ,B\r\nM: z\r\nl:\tc ,\r\n\r\n");
    CHECK(bn_http_lists(head, "l", "A"));
    CHECK(bn_http_lists(head, "L", "b"));
    CHECK(bn_http_lists(head, "L", "c"));
    CHECK(!bn_http_lists(head, "L", "z"));
    CHECK(!bn_http_lists(head, "L", "a, "));
    CHECK(!bn_http_lists(head, "N", "a"));
    bn_http_finish(&http);
}

BN_TEST(a_cookie_is_found_by_its_whole_name)
{
    struct bn_http http;
    const struct bn_http_head *head = head_of(&http,
            "GET / HTTP/1.1\r\nHost: a\r\nCookie: aa=0; a=1;b= x=y ;lone; =n\r\n"
            "A: c=9\r\nCookie: a=2; c=3\r\n\r\n");
    CHECK(bn_str_is(bn_http_cookie(head, "a"), "1"));
    CHECK(bn_str_is(bn_http_cookie(head, "aa"), "0"));
    CHECK(bn_str_is(bn_http_cookie(head, "b"), "x=y"));
    CHECK(bn_str_is(bn_http_cookie(head, "c"), "3"));
    CHECK(bn_http_cookie(head, "A").p == NULL);
    CHECK(bn_http_cookie(head, "lone").p == NULL);
    bn_http_finish(&http);
}

BN_TEST(the_best_coding_the_client_accepts_is_chosen)
{
    static const struct {
        const char *accepts;
        const char *want;
    } cases[] = {
            {"gzip, deflate, br", "br"},
            {"gzip", "gzip"},
            {"GZIP;Q=1", "gzip"},
            {"x-gzip", "gzip"},
            {"", ""},
            {"deflate", ""},
            {"br;q=0.5, gzip", "gzip"},
            {"br;q=0.5, gzip;q=0.500", "br"},
            {"br;q=0, gzip;q=0", ""},
            {"br;q=0, *", "gzip"},
            {"*", "br"},
            {"*;q=0", ""},
            {"*;q=0, gzip", "gzip"},
            {"identity, gzip;q=0.5", ""},
            {"identity;q=0.5, gzip;q=0.6", "gzip"},
            {"identity;q=1, br", "br"},
            {"identity;q=1, br;q=0.5, gzip;q=0.4", ""},
            {"br;q=1.001, gzip;q=0.001", "gzip"},
            {"br;q=2, gzip ; q=0.9", "gzip"},
            {"br;q=1.0000, gzip", "gzip"},
            {"br;q=0.x, gzip", "gzip"},
            {"br;q=, gzip", "gzip"},
            {"br;q=1x0, gzip", "gzip"},
            {"br;x=1, gzip", "gzip"},
            {"br;q, gzip", "gzip"},
            {"br;q=1., gzip;q=0.999", "br"},
            {"br;qq=1, gzip", "gzip"},
            {",,gzip,", "gzip"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_http http;
        char text[200];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: %s\r\n\r\n",
                cases[i].accepts);
        const char *got = bn_http_accepted_coding(head_of(&http, text));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\": wanted \"%s\", got \"%s\"", cases[i].accepts, cases[i].want, got);
        bn_http_finish(&http);
    }
}

BN_TEST(without_accept_encoding_nothing_is_coded_and_two_fields_are_one_list)
{
    struct bn_http http;
    CHECK_STR(bn_http_accepted_coding(head_of(&http, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")), "");
    bn_http_finish(&http);
    const struct bn_http_head *head = head_of(&http,
            "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br;q=0\r\naccept-encoding: gzip\r\n\r\n");
    CHECK_STR(bn_http_accepted_coding(head), "gzip");
    bn_http_finish(&http);
}
BN_TEST_MAIN()

#include "bn_test.h"
#include "bn_vectors.h"
#include "wire/http_answer.h"

static struct bn_http_answer parser;

/* options: "head", what was asked was HEAD. */
static void begin(const struct bn_vector *vector)
{
    bn_http_answer_init(&parser);
    if (strcmp(vector->options, "head") == 0)
        bn_http_answer_expect_head(&parser);
}

static bool feed(struct wire_log *log, const char *p, size_t len)
{
    return wire_log_answer(log, &parser, p, len);
}

static void end(struct wire_log *log)
{
    if (!parser.err.code)
        wire_log_answer_end(log, &parser);
    CHECK(!bn_http_answer_is_busy(&parser));
    bn_http_answer_finish(&parser);
}

BN_TEST(every_vector_says_the_same_however_it_is_cut)
{
    static const struct bn_codec codec = {.begin = begin, .feed = feed, .end = end};
    CHECK(bn_vectors_run("http_answer", &codec) >= 100);
}

/* Parses one head; the caller finishes answer. */
static const struct bn_http_answer_head *head_of(struct bn_http_answer *answer, const char *text)
{
    enum bn_http_event event;
    bn_http_answer_init(answer);
    CHECK_INT(bn_http_answer_parse(answer, text, strlen(text), &event), strlen(text));
    CHECK_INT(event, BN_HTTP_HEAD);
    return answer->head;
}

BN_TEST(an_idle_parser_owns_nothing)
{
    struct bn_http_answer answer;
    enum bn_http_event event;
    head_of(&answer, "HTTP/1.1 204 \r\n\r\n");
    CHECK(bn_http_answer_is_busy(&answer));
    CHECK_INT(bn_http_answer_parse(&answer, "", 0, &event), 0);
    CHECK_INT(event, BN_HTTP_DONE);
    CHECK(!bn_http_answer_is_busy(&answer));
    bn_http_answer_next(&answer);
    CHECK(answer.head == NULL);
    CHECK(answer.raw.p == NULL);
    CHECK(!bn_http_answer_is_busy(&answer));
    CHECK_INT(bn_http_answer_parse(&answer, "", 0, &event), 0);
    CHECK_INT(event, BN_HTTP_MORE);
    CHECK(answer.raw.p == NULL);
    CHECK(sizeof answer <= 336);
}

BN_TEST(an_answer_passed_over_leaves_nothing_but_its_count)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct bn_http_answer answer;
    enum bn_http_event event;
    bn_http_answer_init(&answer);
    CHECK_INT(bn_http_answer_parse(&answer, text, sizeof text - 1, &event), sizeof text - 1);
    CHECK_INT(event, BN_HTTP_MORE);
    CHECK(answer.head == NULL);
    CHECK(answer.raw.p == NULL);
    CHECK(bn_http_answer_is_busy(&answer));
    bn_http_answer_finish(&answer);
}

BN_TEST(done_and_bad_are_said_again_when_asked_again)
{
    struct bn_http_answer answer;
    enum bn_http_event event;
    head_of(&answer, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        CHECK_INT(bn_http_answer_parse(&answer, "HTTP", 4, &event), 0);
        CHECK_INT(event, BN_HTTP_DONE);
        CHECK_INT(bn_http_answer_end(&answer), BN_HTTP_DONE);
    }
    bn_http_answer_next(&answer);
    for (int i = 0; i < 2; i++) {
        bn_http_answer_parse(&answer, "\n", 1, &event);
        CHECK_INT(event, BN_HTTP_BAD);
        CHECK_INT(answer.err.code, BN_E_INVALID);
        CHECK_INT(bn_http_answer_end(&answer), BN_HTTP_BAD);
        CHECK_INT(answer.err.code, BN_E_INVALID);
        CHECK(!bn_http_answer_is_busy(&answer));
    }
    bn_http_answer_finish(&answer);
}

/* What the connection's end says after this text, with the body taken. */
static enum bn_http_event end_after(struct bn_http_answer *answer, const char *text)
{
    enum bn_http_event event;
    size_t len = strlen(text);
    bn_http_answer_init(answer);
    do {
        size_t used = bn_http_answer_parse(answer, text, len, &event);
        text += used;
        len -= used;
    } while (len > 0);
    return bn_http_answer_end(answer);
}

BN_TEST(the_end_of_the_connection_is_the_end_of_an_answer_or_too_early)
{
    static const struct {
        const char *text;
        const char *want; /* the sentence, or NULL: a whole answer */
    } cases[] = {
            {"", "closed without an answer"},
            {"H", "the answer ended inside its head"},
            {"HTTP/1.1 200 OK\r\nA: b\r\n", "the answer ended inside its head"},
            {"HTTP/1.1 100 Continue\r\n\r\n", "the answer ended inside its head"},
            {"HTTP/1.1 200 OK\r\n\r\n", NULL},
            {"HTTP/1.1 200 OK\r\n\r\nabc", NULL},
            {"HTTP/1.1 204 No Content\r\n\r\n", NULL},
            {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL},
            {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", NULL},
            {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
                    "the answer ended before its announced length"},
            {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                    "the answer ended before its announced length"},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                    "the answer ended before its last chunk"},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
                    "the answer ended before its last chunk"},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_http_answer answer;
        enum bn_http_event event = end_after(&answer, cases[i].text);
        CHECK_INT(event, cases[i].want ? BN_HTTP_BAD : BN_HTTP_DONE);
        CHECK_INT(answer.err.code, cases[i].want ? BN_E_UPSTREAM : BN_E_OK);
        CHECK_STR(answer.err.text, cases[i].want ? cases[i].want : "");
        bn_http_answer_finish(&answer);
    }
}

BN_TEST(body_pieces_are_shown_where_they_came_in)
{
    static const char body[] = "hello";
    struct bn_http_answer answer;
    enum bn_http_event event;
    head_of(&answer, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        CHECK_INT(bn_http_answer_parse(&answer, body, 5, &event), 5);
        CHECK_INT(event, BN_HTTP_BODY);
        CHECK(answer.body.p == body);
        CHECK_INT(answer.body.len, 5);
        CHECK_INT(bn_http_answer_parse(&answer, body, 0, &event), 0);
        CHECK_INT(event, BN_HTTP_MORE);
        CHECK(answer.body.p == NULL);
    }
    CHECK_INT(bn_http_answer_end(&answer), BN_HTTP_DONE);
    bn_http_answer_finish(&answer);
}

BN_TEST(the_bytes_behind_a_101_are_left_alone)
{
    static const char text[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x82";
    struct bn_http_answer answer;
    enum bn_http_event event;
    size_t len = sizeof text - 1;
    bn_http_answer_init(&answer);
    CHECK_INT(bn_http_answer_parse(&answer, text, len, &event), len - 1);
    CHECK_INT(event, BN_HTTP_HEAD);
    CHECK_INT(bn_http_answer_parse(&answer, text + len - 1, 1, &event), 0);
    CHECK_INT(event, BN_HTTP_DONE);
    bn_http_answer_finish(&answer);
}

BN_TEST(only_the_next_answer_after_head_was_asked_is_without_a_body)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    struct bn_http_answer answer;
    enum bn_http_event event;
    bn_http_answer_init(&answer);
    bn_http_answer_expect_head(&answer);
    bn_http_answer_parse(&answer, text, sizeof text - 1, &event);
    CHECK_INT(event, BN_HTTP_HEAD);
    CHECK_INT(answer.head->body_bytes, 0);
    bn_http_answer_next(&answer);
    bn_http_answer_parse(&answer, text, sizeof text - 1, &event);
    CHECK_INT(answer.head->body_bytes, 2);
    bn_http_answer_finish(&answer);
}

BN_TEST(fields_are_found_and_lists_looked_through)
{
    struct bn_http_answer answer;
    const struct bn_http_answer_head *head = head_of(&answer,
            "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nE:\r\nL: a, ,B\r\nM: z\r\nl:\tc ,\r\n\r\n");
    CHECK(bn_str_is(bn_http_answer_find(head, "x-A"), "1"));
    CHECK_INT(bn_http_answer_find(head, "e").len, 0);
    CHECK(bn_http_answer_find(head, "e").p != NULL);
    CHECK(bn_http_answer_find(head, "x").p == NULL);
    CHECK(bn_http_answer_lists(head, "L", "b"));
    CHECK(bn_http_answer_lists(head, "L", "C"));
    CHECK(!bn_http_answer_lists(head, "L", "z"));
    CHECK(!bn_http_answer_lists(head, "N", "a"));
    bn_http_answer_finish(&answer);
}
BN_TEST_MAIN()

#include "bn_test.h"
#include "wire/ws.h"
#include "wire/ws_client.h"

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static const struct bn_http_field authorization = {{"Authorization", sizeof("Authorization") - 1},
        {"PVEAPIToken=a@pve!b=c", sizeof("PVEAPIToken=a@pve!b=c") - 1}};

/* The key of RFC 6455 section 1.3. */
static struct bn_ws_ask ask_for(const char *target, const char *protocols)
{
    struct bn_ws_ask ask = {.host = BN_STR("pve:8006"),
            .target = bn_str(target),
            .protocols = bn_str(protocols)};
    memcpy(ask.key, "the sample nonce", sizeof ask.key);
    return ask;
}

BN_TEST(the_key_is_written_as_base64)
{
    char out[25];
    bn_ws_key_text((const uint8_t *)"the sample nonce", out);
    CHECK_STR(out, "dGhlIHNhbXBsZSBub25jZQ==");
    bn_ws_key_text((const uint8_t[16]){0}, out);
    CHECK_STR(out, "AAAAAAAAAAAAAAAAAAAAAA==");
    memset(out, 'x', sizeof out);
    bn_ws_key_text((const uint8_t[16]){[0] = 0xff, [14] = 0xfb, [15] = 0xff}, out);
    CHECK_STR(out, "/wAAAAAAAAAAAAAAAAD7/w==");
}

BN_TEST(the_request_has_its_fields_and_those_given)
{
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    struct bn_ws_ask ask = ask_for("/api2/json/nodes/a/vncwebsocket?port=5900&vncticket=x%3D",
            "binary");
    ask.fields = &authorization;
    ask.field_count = 1;
    bn_buf_init(&out, 1000);
    CHECK(bn_ws_put_request(&out, &ask, &err));
    bn_buf_putc(&out, 0);
    CHECK_STR(out.p, "GET /api2/json/nodes/a/vncwebsocket?port=5900&vncticket=x%3D HTTP/1.1\r\n"
                     "Host: pve:8006\r\n"
                     "Upgrade: websocket\r\n"
                     "Connection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     "Sec-WebSocket-Protocol: binary\r\n"
                     "Authorization: PVEAPIToken=a@pve!b=c\r\n"
                     "\r\n");
}

BN_TEST(without_protocols_and_fields_none_are_written)
{
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    struct bn_ws_ask ask = ask_for("/", "");
    bn_buf_init(&out, 1000);
    bn_buf_puts(&out, "before");
    CHECK(bn_ws_put_request(&out, &ask, &err));
    bn_buf_putc(&out, 0);
    CHECK_STR(out.p, "beforeGET / HTTP/1.1\r\nHost: pve:8006\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

BN_TEST(the_request_is_made_in_one_piece_of_memory)
{
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    struct bn_http_field fields[40];
    struct bn_ws_ask ask = ask_for("/", "a, b");
    for (size_t i = 0; i < COUNT(fields); i++)
        fields[i] = (struct bn_http_field){BN_STR("A"), BN_STR("")};
    ask.fields = fields;
    ask.field_count = COUNT(fields);
    bn_buf_init(&out, 10000);
    CHECK(bn_buf_room(&out, 1000) != NULL);
    const char *p = out.p;
    CHECK(bn_ws_put_request(&out, &ask, &err));
    CHECK(out.p == p);
}

static void check_refused(const struct bn_ws_ask *ask, const char *sentence)
{
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    bn_buf_init(&out, 10000);
    CHECK(!bn_ws_put_request(&out, ask, &err));
    CHECK_STR(err.text, sentence);
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK_INT(out.len, 0);
}

BN_TEST(a_request_beyond_its_room_is_not_written)
{
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    struct bn_ws_ask ask = ask_for("/", "");
    bn_buf_init(&out, 100);
    CHECK(!bn_ws_put_request(&out, &ask, &err));
    CHECK_INT(err.code, BN_E_TOO_BIG);
    CHECK_STR(err.text, "a WebSocket request must not exceed 100 bytes");
    CHECK_INT(out.len, 0);
}

BN_TEST(a_target_must_be_a_path_in_visible_ascii)
{
    static const char *const targets[] = {"", "a", "http://a/", "/a b", "/a\r\nB: c", "/a\n",
            "/\xc3\xa4", "/a#b", "/\x7f"};
    static char longest[BN_HTTP_TARGET_BYTES_MAX + 2];
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct bn_ws_ask ask = ask_for(targets[i], "");
        check_refused(&ask,
                "a request target must start with '/' and be visible ASCII without '#'");
    }
    struct bn_ws_ask ask = ask_for("/", "");
    ask.target = BN_STR("/a\0b");
    check_refused(&ask, "a request target must start with '/' and be visible ASCII without '#'");
    memset(longest, '/', sizeof longest - 1);
    ask.target = bn_str(longest);
    check_refused(&ask, "a request target must not exceed 4096 bytes, got 4097");
    ask.target.len--;
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    bn_buf_init(&out, 10000);
    CHECK(bn_ws_put_request(&out, &ask, &err));
}

BN_TEST(a_host_must_be_one)
{
    struct bn_ws_ask ask = ask_for("/", "");
    ask.host = BN_STR("pve:8006\r\nA: b");
    check_refused(&ask, "Host must be a host or host:port, got \"(not shown)\"");
    ask.host = BN_STR("pve\0");
    check_refused(&ask, "Host must be a host or host:port, got \"(not shown)\"");
    ask.host = BN_STR("");
    check_refused(&ask, "Host must be a host or host:port, got \"\"");
    ask.host = BN_STR("a@b");
    check_refused(&ask, "Host must be a host or host:port, got \"a@b\"");
    BN_BUF_AUTO out;
    struct bn_err err = {0};
    ask.host = BN_STR("[fd00::1]:8006");
    bn_buf_init(&out, 1000);
    CHECK(bn_ws_put_request(&out, &ask, &err));
}

BN_TEST(protocols_must_be_tokens_asked_for_once)
{
    struct bn_ws_ask ask = ask_for("/", "binary\r\nA: b");
    check_refused(&ask, "a WebSocket protocol must be a token, got \"(not shown)\"");
    ask = ask_for("/", "a,");
    check_refused(&ask, "a WebSocket protocol must be a token, got \"\"");
    ask = ask_for("/", "a, b c");
    check_refused(&ask, "a WebSocket protocol must be a token, got \"(not shown)\"");
    ask = ask_for("/", "ab, b, ac ,b");
    check_refused(&ask, "a WebSocket protocol must not be asked for twice, got \"b\"");
}

BN_TEST(a_field_must_be_one_of_the_callers_own)
{
    static const struct {
        struct bn_http_field field;
        const char *want;
    } cases[] = {
            {{{"A:", sizeof("A:") - 1}, {"", sizeof("") - 1}},
                    "a field name must be a token, got \"A:\""},
            {{{"", sizeof("") - 1}, {"", sizeof("") - 1}},
                    "a field name must be a token, got \"\""},
            {{{"A\r\nB", sizeof("A\r\nB") - 1}, {"", sizeof("") - 1}},
                    "a field name must be a token, got \"(not shown)\""},
            {{{"host", sizeof("host") - 1}, {"a", sizeof("a") - 1}},
                    "host is written by the handshake itself"},
            {{{"Content-Length", sizeof("Content-Length") - 1}, {"1", sizeof("1") - 1}},
                    "Content-Length is written by the handshake itself"},
            {{{"transfer-encoding", sizeof("transfer-encoding") - 1},
                     {"chunked", sizeof("chunked") - 1}},
                    "transfer-encoding is written by the handshake itself"},
            {{{"CONNECTION", sizeof("CONNECTION") - 1}, {"close", sizeof("close") - 1}},
                    "CONNECTION is written by the handshake itself"},
            {{{"Upgrade", sizeof("Upgrade") - 1}, {"h2c", sizeof("h2c") - 1}},
                    "Upgrade is written by the handshake itself"},
            {{{"sec-websocket-extensions", sizeof("sec-websocket-extensions") - 1},
                     {"permessage-deflate", sizeof("permessage-deflate") - 1}},
                    "sec-websocket-extensions is written by the handshake itself"},
            {{{"Authorization", sizeof("Authorization") - 1},
                     {"a\r\nB: c", sizeof("a\r\nB: c") - 1}},
                    "the value of Authorization must not hold control bytes"},
            {{{"Authorization", sizeof("Authorization") - 1}, {"a\nb", sizeof("a\nb") - 1}},
                    "the value of Authorization must not hold control bytes"},
            {{{"Cookie", sizeof("Cookie") - 1}, {"a\0b", sizeof("a\0b") - 1}},
                    "the value of Cookie must not hold control bytes"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_http_field fields[] = {authorization, cases[i].field};
        struct bn_ws_ask ask = ask_for("/", "");
        ask.fields = fields;
        ask.field_count = COUNT(fields);
        check_refused(&ask, cases[i].want);
    }
}

/* Judges an answer to a request for "binary, v2"; "" or the sentence. */
static const char *judge(const char *text, struct bn_str *protocol)
{
    static struct bn_err err;
    static char chosen[40];
    struct bn_ws_ask ask = ask_for("/", "binary, v2");
    struct bn_http_answer answer;
    enum bn_http_event event;
    err = (struct bn_err){0};
    bn_http_answer_init(&answer);
    bn_http_answer_parse(&answer, text, strlen(text), &event);
    CHECK_INT(event, BN_HTTP_HEAD);
    *protocol = BN_STR("untouched");
    bool is_good = bn_ws_judge_answer(&ask, answer.head, protocol, &err);
    CHECK(is_good || bn_str_is(*protocol, "untouched"));
    CHECK(is_good == !err.text[0]);
    CHECK_INT(err.code, is_good ? BN_E_OK : BN_E_UPSTREAM);
    CHECK(bn_text_copy(chosen, sizeof chosen, *protocol));
    *protocol = bn_str(chosen);
    bn_http_answer_finish(&answer);
    return err.text;
}

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

BN_TEST(an_answer_that_switches_is_taken_with_its_protocol)
{
    static const struct {
        const char *text;
        const char *protocol;
    } cases[] = {
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: binary\r\n\r\n",
                    "binary"},
            {SWITCH "sec-websocket-accept:" ACCEPT "\t\r\nSec-WebSocket-Protocol: v2\r\n\r\n",
                    "v2"},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n", ""},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT
                    "\r\nSec-WebSocket-Protocol:\r\nSec-WebSocket-Extensions:\r\n\r\n",
                    ""},
            {"HTTP/1.1 101 \r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
             "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
                    ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_str protocol;
        CHECK_STR(judge(cases[i].text, &protocol), "");
        CHECK(bn_str_is(protocol, cases[i].protocol));
    }
}

BN_TEST(what_is_not_as_it_should_be_is_said)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
            {"HTTP/1.1 401 No ticket\r\nConnection: close\r\n\r\n",
                    "wanted the switch to WebSocket (101), got 401 No ticket"},
            {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
                    "wanted the switch to WebSocket (101), got 200"},
            {"HTTP/1.1 500 l\xc3\xa4uft\r\nContent-Length: 0\r\n\r\n",
                    "wanted the switch to WebSocket (101), got 500 l\xc3\xa4uft"},
            {"HTTP/1.1 500 l\xe4uft\r\nContent-Length: 0\r\n\r\n",
                    "wanted the switch to WebSocket (101), got 500 (reason not shown)"},
            {"HTTP/1.0 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
                    "the switch to WebSocket must be HTTP/1.1, got HTTP/1.0"},
            {"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
                    "Upgrade must be \"websocket\", got \"\""},
            {"HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
                    "Upgrade must be \"websocket\", got \"h2c\""},
            {SWITCH "Upgrade: websocket\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
                    "Upgrade must not be sent twice"},
            {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
                    "Connection must list \"upgrade\""},
            {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", "Connection must list \"upgrade\""},
            {SWITCH "\r\n",
                    "Sec-WebSocket-Accept must be \"" ACCEPT "\" for the key asked with, got \"\""},
            {SWITCH "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n\r\n",
                    "Sec-WebSocket-Accept must be \"" ACCEPT
                    "\" for the key asked with, got \"s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\""},
            {SWITCH "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n",
                    "Sec-WebSocket-Accept must be \"" ACCEPT
                    "\" for the key asked with, got \"S3PPLMBITXAQ9KYGZZHZRBK+XOO=\""},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Accept: a\r\n\r\n",
                    "Sec-WebSocket-Accept must not be sent twice"},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT
                    "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                    "no WebSocket extension was asked for, got \"permessage-deflate\""},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT
                    "\r\nSec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b\r\n\r\n",
                    "Sec-WebSocket-Extensions must not be sent twice"},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: text\r\n\r\n",
                    "the WebSocket protocol must be one that was asked for, got \"text\""},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: Binary\r\n\r\n",
                    "the WebSocket protocol must be one that was asked for, got \"Binary\""},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT
                    "\r\nSec-WebSocket-Protocol: binary, v2\r\n\r\n",
                    "the WebSocket protocol must be one that was asked for, got \"(not shown)\""},
            {SWITCH "Sec-WebSocket-Accept: " ACCEPT
                    "\r\nSec-WebSocket-Protocol: v2\r\nSec-WebSocket-Protocol: v2\r\n\r\n",
                    "Sec-WebSocket-Protocol must not be sent twice"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_str protocol;
        CHECK_STR(judge(cases[i].text, &protocol), cases[i].want);
    }
}

BN_TEST(a_protocol_nobody_asked_for_is_refused)
{
    static const char text[] = SWITCH "Sec-WebSocket-Accept: " ACCEPT
                                      "\r\nSec-WebSocket-Protocol: binary\r\n\r\n";
    struct bn_ws_ask ask = ask_for("/", "");
    struct bn_http_answer answer;
    struct bn_str protocol;
    struct bn_err err = {0};
    enum bn_http_event event;
    bn_http_answer_init(&answer);
    bn_http_answer_parse(&answer, text, sizeof text - 1, &event);
    CHECK(!bn_ws_judge_answer(&ask, answer.head, &protocol, &err));
    CHECK_STR(err.text, "the WebSocket protocol must be one that was asked for, got \"binary\"");
    bn_http_answer_finish(&answer);
}

/* From the request to the first bytes a console would see, with nothing but what wire/ has. */
BN_TEST(a_handshake_leaves_the_frames_behind_it_to_the_frame_parser)
{
    static const char text[] = SWITCH "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n"
                                      "\x82\x0cRFB 003.008\n";
    struct bn_ws_ask ask = ask_for("/", "binary");
    struct bn_http_answer answer;
    struct bn_str protocol;
    struct bn_err err = {0};
    enum bn_http_event event;
    enum bn_ws_event ws_event;
    struct bn_ws ws;
    bn_http_answer_init(&answer);
    size_t used = bn_http_answer_parse(&answer, text, sizeof text - 1, &event);
    CHECK(bn_ws_judge_answer(&ask, answer.head, &protocol, &err));
    used += bn_http_answer_parse(&answer, text + used, sizeof text - 1 - used, &event);
    CHECK_INT(event, BN_HTTP_DONE);
    bn_ws_init(&ws, BN_WS_CLIENT, 1000, false);
    bn_ws_stream_binary(&ws);
    bn_ws_parse(&ws, text + used, sizeof text - 1 - used, &ws_event);
    CHECK_INT(ws_event, BN_WS_PIECE);
    CHECK(bn_str_is(ws.payload, "RFB 003.008\n"));
    bn_ws_finish(&ws);
    bn_http_answer_finish(&answer);
}
BN_TEST_MAIN()

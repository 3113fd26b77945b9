/* The first byte chooses: odd, the rest is an answer, judged as that to a request of ours; even, it
   is the parts of a request (a length byte each), and what may be written is read by our own server
   as just those parts, with nothing that slipped in. */
#include <assert.h>
#include <string.h>

#include "wire/http.h"
#include "wire/ws.h"
#include "wire/ws_client.h"

#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(struct bn_str a, struct bn_str b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static void check_answer(const char *p, size_t len)
{
    struct bn_ws_ask ask = {.host = BN_STR("a"),
            .target = BN_STR("/"),
            .protocols = BN_STR("binary, v2")};
    struct bn_http_answer answer;
    struct bn_str protocol = {NULL, 0};
    struct bn_err err = {0};
    enum bn_http_event event;
    memcpy(ask.key, "the sample nonce", sizeof ask.key);
    bn_http_answer_init(&answer);
    bn_http_answer_parse(&answer, p, len, &event);
    if (event == BN_HTTP_HEAD && bn_ws_judge_answer(&ask, answer.head, &protocol, &err)) {
        assert(answer.head->status == 101 && !err.code);
        assert(bn_str_is(bn_http_answer_find(answer.head, "sec-websocket-accept"), ACCEPT));
        assert(bn_str_is_nocase(bn_http_answer_find(answer.head, "upgrade"), "websocket"));
        assert(bn_http_answer_find(answer.head, "sec-websocket-extensions").len == 0);
        assert(bn_str_is(protocol, "") || bn_str_is(protocol, "binary") ||
                bn_str_is(protocol, "v2"));
    } else if (event == BN_HTTP_HEAD) {
        assert(err.code == BN_E_UPSTREAM && err.text[0] && !protocol.p);
    }
    bn_http_answer_finish(&answer);
}

static struct bn_str cut_part(struct bn_str *rest)
{
    if (rest->len == 0)
        return BN_STR("");
    size_t n = BN_MIN((size_t)(unsigned char)rest->p[0], rest->len - 1);
    struct bn_str part = {rest->p + 1, n};
    *rest = (struct bn_str){part.p + n, rest->len - 1 - n};
    return part;
}

static void check_read(const struct bn_ws_ask *ask, const struct bn_buf *wire)
{
    struct bn_http http;
    enum bn_http_event event;
    char accept[29];
    bn_http_init(&http);
    size_t used = bn_http_parse(&http, wire->p, wire->len, &event);
    assert(event == BN_HTTP_HEAD && used == wire->len);
    assert(bn_str_is(http.head->method, "GET") && http.head->wants_upgrade);
    assert(is_same(http.head->target, ask->target) && is_same(http.head->host, ask->host));
    assert(http.head->body_bytes == 0);
    assert(http.head->field_count == 5 + (ask->protocols.len > 0) + ask->field_count);
    const struct bn_http_field *last = &http.head->fields[http.head->field_count - 1];
    assert(is_same(last->name, ask->fields->name));
    assert(is_same(last->value, bn_str_trim(ask->fields->value)));
    bool is_key = bn_ws_accept_key(bn_http_find(http.head, "sec-websocket-key"), accept);
    assert(is_key);
    bn_http_finish(&http);
}

static void check_request(struct bn_str rest)
{
    struct bn_ws_ask ask = {.host = cut_part(&rest),
            .target = cut_part(&rest),
            .protocols = cut_part(&rest)};
    struct bn_str key = cut_part(&rest);
    struct bn_http_field field = {.name = cut_part(&rest)};
    BN_BUF_AUTO wire;
    BN_BUF_AUTO tight;
    struct bn_err err = {0};
    field.value = cut_part(&rest);
    memcpy(ask.key, key.p, BN_MIN(key.len, sizeof ask.key));
    ask.fields = &field;
    ask.field_count = 1;
    bn_buf_init(&wire, 4096);
    if (bn_ws_put_request(&wire, &ask, &err))
        check_read(&ask, &wire);
    else
        assert(err.code == BN_E_INVALID && err.text[0] && wire.len == 0);
    bn_buf_init(&tight, 200);
    bool is_written = bn_ws_put_request(&tight, &ask, &err);
    assert(!is_written && tight.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        check_answer((const char *)data + 1, size - 1);
    else
        check_request((struct bn_str){(const char *)data + 1, size - 1});
    return 0;
}

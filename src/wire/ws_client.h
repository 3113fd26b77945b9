/*
 * ws_client: the asking side of a WebSocket handshake (RFC 6455 section 4.1), with no socket.
 *
 *     bn_ws_put_request(&out, &ask, &err); then wire/http_answer reads what comes, and on its HEAD
 *     bn_ws_judge_answer(&ask, head, &protocol, &err)
 *
 * After a true answer the bytes that http_answer left are frames for a wire/ws client.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include "wire/http_answer.h"

/* Views; what they show must live until the answer was judged. */
struct bn_ws_ask {
    struct bn_str host;      /* "name:8006", "[fd00::1]:8006": the Host field */
    struct bn_str target;    /* "/path?query", percent-encoded, at most BN_HTTP_TARGET_BYTES_MAX */
    struct bn_str protocols; /* "binary", "a, b", the best first; "" asks for none */
    const struct bn_http_field *fields; /* more, such as Authorization and Origin */
    size_t field_count;
    uint8_t key[16]; /* random, made anew for each handshake */
};

/* Appends the request. The memory it needs is made at once, so nothing of a secret is left behind
   by growth and the caller can wipe out->p. False, with out->len unchanged: invalid, a part that
   holds what must not stand there (control bytes, another form) or a field that is written here;
   too_big when out has not the room. No value is quoted. */
BN_MUST_CHECK bool bn_ws_put_request(struct bn_buf *out, const struct bn_ws_ask *ask,
        struct bn_err *err);

/* True when the server switched to what was asked: *out_protocol is one of those asked for, or ""
   when it chose none. No extension is asked for, so none may be used. False, as upstream: any other
   status, with its reason in the sentence (both are in head as well), or a field that is not as RFC
   6455 wants it. */
BN_MUST_CHECK bool bn_ws_judge_answer(const struct bn_ws_ask *ask,
        const struct bn_http_answer_head *head, struct bn_str *out_protocol, struct bn_err *err);

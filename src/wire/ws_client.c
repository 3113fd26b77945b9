#include "wire/ws_client.h"

#include <assert.h>
#include <string.h>

#include "wire/http_head.h"
#include "wire/ws.h"

#define REASON_SHOWN_SIZE 120

/* --- the request --------------------------------------------------------------------------------
 */

static bool is_listed(struct bn_str list, struct bn_str word)
{
    while (list.p) {
        struct bn_str item = bn_str_trim(bn_str_cut(&list, ','));
        if (item.len == word.len && memcmp(item.p, word.p, word.len) == 0)
            return true;
    }
    return false;
}

static bool check_target(struct bn_str target, struct bn_err *err)
{
    if (target.len > BN_HTTP_TARGET_BYTES_MAX)
        return bn_fail(err, BN_E_INVALID, "a request target must not exceed %d bytes, got %zu",
                BN_HTTP_TARGET_BYTES_MAX, target.len);
    if (target.len == 0 || target.p[0] != '/' || !bn_http_is_visible(target) ||
            memchr(target.p, '#', target.len))
        return bn_fail(err, BN_E_INVALID,
                "a request target must start with '/' and be visible ASCII without '#'");
    return true;
}

static bool check_protocols(struct bn_str protocols, struct bn_err *err)
{
    struct bn_str rest = protocols;
    if (protocols.len == 0)
        return true;
    while (rest.p) {
        struct bn_str protocol = bn_str_trim(bn_str_cut(&rest, ','));
        if (!bn_http_is_token(protocol))
            return bn_fail(err, BN_E_INVALID, "a WebSocket protocol must be a token, got \"%.*s\"",
                    BN_ARG(bn_http_shown(protocol)));
        if (is_listed(rest, protocol))
            return bn_fail(err, BN_E_INVALID,
                    "a WebSocket protocol must not be asked for twice, got \"%.*s\"",
                    BN_ARG(bn_http_shown(protocol)));
    }
    return true;
}

/* What is written here, or would announce a body. */
static bool is_reserved(struct bn_str name)
{
    static const char *const names[] = {"host", "upgrade", "connection", "content-length",
            "transfer-encoding"};
    struct bn_str start = {name.p, BN_MIN(name.len, strlen("sec-websocket-"))};
    for (size_t i = 0; i < COUNT(names); i++)
        if (bn_str_is_nocase(name, names[i]))
            return true;
    return bn_str_is_nocase(start, "sec-websocket-");
}

static bool check_field(const struct bn_http_field *field, struct bn_err *err)
{
    if (!bn_http_is_token(field->name))
        return bn_fail(err, BN_E_INVALID, "a field name must be a token, got \"%.*s\"",
                BN_ARG(bn_http_shown(field->name)));
    if (is_reserved(field->name))
        return bn_fail(err, BN_E_INVALID, "%.*s is written by the handshake itself",
                BN_ARG(bn_http_shown(field->name)));
    for (size_t i = 0; i < field->value.len; i++)
        if (!bn_http_is_text((unsigned char)field->value.p[i]))
            return bn_fail(err, BN_E_INVALID, "the value of %.*s must not hold control bytes",
                    BN_ARG(bn_http_shown(field->name)));
    return true;
}

static bool check_ask(const struct bn_ws_ask *ask, struct bn_err *err)
{
    if (!bn_http_is_host(ask->host))
        return bn_fail(err, BN_E_INVALID, "Host must be a host or host:port, got \"%.*s\"",
                BN_ARG(bn_http_shown(ask->host)));
    if (!check_target(ask->target, err) || !check_protocols(ask->protocols, err))
        return false;
    for (size_t i = 0; i < ask->field_count; i++)
        if (!check_field(&ask->fields[i], err))
            return false;
    return true;
}

static void put_str(struct bn_buf *out, struct bn_str text)
{
    bn_buf_put(out, text.p, text.len);
}

static void put_field(struct bn_buf *out, struct bn_str name, struct bn_str value)
{
    put_str(out, name);
    bn_buf_puts(out, ": ");
    put_str(out, value);
    bn_buf_puts(out, "\r\n");
}

/* No less than the request has; what it has besides the parts given is about 170 bytes. */
static size_t request_room(const struct bn_ws_ask *ask)
{
    size_t room = 256 + ask->host.len + ask->target.len + ask->protocols.len;
    for (size_t i = 0; i < ask->field_count; i++)
        room += ask->fields[i].name.len + ask->fields[i].value.len + sizeof ": \r\n";
    return room;
}

bool bn_ws_put_request(struct bn_buf *out, const struct bn_ws_ask *ask, struct bn_err *err)
{
    char key[25];
    size_t room = request_room(ask);
    if (!check_ask(ask, err))
        return false;
    if (!bn_buf_room(out, room))
        return bn_fail(err, BN_E_TOO_BIG, "a WebSocket request must not exceed %zu bytes",
                out->max);
    size_t before = out->len;
    bn_ws_key_text(ask->key, key);
    bn_buf_puts(out, "GET ");
    put_str(out, ask->target);
    bn_buf_puts(out, " HTTP/1.1\r\n");
    put_field(out, BN_STR("Host"), ask->host);
    put_field(out, BN_STR("Upgrade"), BN_STR("websocket"));
    put_field(out, BN_STR("Connection"), BN_STR("Upgrade"));
    put_field(out, BN_STR("Sec-WebSocket-Version"), BN_STR("13"));
    put_field(out, BN_STR("Sec-WebSocket-Key"), bn_str(key));
    if (ask->protocols.len)
        put_field(out, BN_STR("Sec-WebSocket-Protocol"), ask->protocols);
    for (size_t i = 0; i < ask->field_count; i++)
        put_field(out, ask->fields[i].name, ask->fields[i].value);
    bn_buf_puts(out, "\r\n");
    assert(out->len - before <= room);
    return true;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

/* Fields of which two would be two opinions; "" when there is none. */
static bool find_once(const struct bn_http_answer_head *head, const char *name, struct bn_str *out,
        struct bn_err *err)
{
    size_t count = 0;
    *out = BN_STR("");
    for (size_t i = 0; i < head->field_count; i++) {
        if (!bn_str_is_nocase(head->fields[i].name, name))
            continue;
        if (count++)
            return bn_fail(err, BN_E_UPSTREAM, "%s must not be sent twice", name);
        *out = head->fields[i].value;
    }
    return true;
}

static bool refuse_status(const struct bn_http_answer_head *head, struct bn_err *err)
{
    char reason[REASON_SHOWN_SIZE] = "(reason not shown)";
    if (bn_utf8_is_valid(head->reason.p, head->reason.len))
        bn_text_clip(reason, sizeof reason, head->reason);
    return bn_fail(err, BN_E_UPSTREAM, "wanted the switch to WebSocket (101), got %d%s%s",
            head->status, reason[0] ? " " : "", reason);
}

static bool judge_switch(const struct bn_http_answer_head *head, struct bn_err *err)
{
    struct bn_str upgrade;
    if (head->minor_0)
        return bn_fail(err, BN_E_UPSTREAM,
                "the switch to WebSocket must be HTTP/1.1, got HTTP/1.0");
    if (!find_once(head, "Upgrade", &upgrade, err))
        return false;
    if (!bn_str_is_nocase(upgrade, "websocket"))
        return bn_fail(err, BN_E_UPSTREAM, "Upgrade must be \"websocket\", got \"%.*s\"",
                BN_ARG(bn_http_shown(upgrade)));
    if (!bn_http_answer_lists(head, "Connection", "upgrade"))
        return bn_fail(err, BN_E_UPSTREAM, "Connection must list \"upgrade\"");
    return true;
}

static bool judge_accept(const struct bn_ws_ask *ask, const struct bn_http_answer_head *head,
        struct bn_err *err)
{
    char key[25];
    char want[29] = "";
    struct bn_str accept;
    bn_ws_key_text(ask->key, key);
    bool is_key = bn_ws_accept_key(bn_str(key), want);
    assert(is_key);
    if (!find_once(head, "Sec-WebSocket-Accept", &accept, err))
        return false;
    if (!bn_str_is(accept, want))
        return bn_fail(err, BN_E_UPSTREAM,
                "Sec-WebSocket-Accept must be \"%s\" for the key asked with, got \"%.*s\"", want,
                BN_ARG(bn_http_shown(accept)));
    return true;
}

static bool judge_protocol(const struct bn_ws_ask *ask, const struct bn_http_answer_head *head,
        struct bn_str *out, struct bn_err *err)
{
    struct bn_str extensions;
    if (!find_once(head, "Sec-WebSocket-Extensions", &extensions, err) ||
            !find_once(head, "Sec-WebSocket-Protocol", out, err))
        return false;
    if (extensions.len)
        return bn_fail(err, BN_E_UPSTREAM, "no WebSocket extension was asked for, got \"%.*s\"",
                BN_ARG(bn_http_shown(extensions)));
    if (out->len && !is_listed(ask->protocols, *out))
        return bn_fail(err, BN_E_UPSTREAM,
                "the WebSocket protocol must be one that was asked for, got \"%.*s\"",
                BN_ARG(bn_http_shown(*out)));
    return true;
}

bool bn_ws_judge_answer(const struct bn_ws_ask *ask, const struct bn_http_answer_head *head,
        struct bn_str *out_protocol, struct bn_err *err)
{
    struct bn_str protocol;
    if (head->status != 101)
        return refuse_status(head, err);
    if (!judge_switch(head, err) || !judge_accept(ask, head, err) ||
            !judge_protocol(ask, head, &protocol, err))
        return false;
    *out_protocol = protocol;
    return true;
}

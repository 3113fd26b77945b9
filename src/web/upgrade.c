#include "web/upgrade.h"

#include "web/web_private.h"

static bool speaks_13(const struct bn_http_head *head)
{
    return bn_str_is(bn_http_find(head, "Sec-WebSocket-Version"), "13");
}

static bool check(const struct bn_http_head *head, const char *protocol, char accept[29],
        struct bn_err *err)
{
    if (!head->wants_upgrade || !bn_http_lists(head, "Upgrade", "websocket"))
        return bn_fail(err, BN_E_INVALID, "this is a WebSocket: ask with Upgrade: websocket");
    if (!speaks_13(head))
        return bn_fail(err, BN_E_INVALID, "only WebSocket version 13 is spoken here");
    if (!bn_ws_accept_key(bn_http_find(head, "Sec-WebSocket-Key"), accept))
        return bn_fail(err, BN_E_INVALID, "Sec-WebSocket-Key must be 16 bytes in base64");
    bool offers = bn_http_find(head, "Sec-WebSocket-Protocol").p != NULL;
    if (offers && !bn_http_lists(head, "Sec-WebSocket-Protocol", protocol))
        return bn_fail(err, BN_E_INVALID, "the sub-protocol here is %s", protocol);
    return true;
}

bool bn_upgrade_check(struct bn_request *req, const char *protocol, struct bn_upgrade *out)
{
    struct bn_answering *a = container_of(req, struct bn_answering, req);
    struct bn_err err;
    out->extension[0] = '\0';
    if (check(req->head, protocol, out->accept, &err))
        return true;
    bn_reply_field(req, "Sec-WebSocket-Version", "13");
    if (req->head->wants_upgrade && !speaks_13(req->head)) { /* RFC 6455 section 4.4 */
        a->refusal_status = 426;
        bn_reply_field(req, "Upgrade", "websocket");
    }
    bn_reply_err(req, &err);
    return false;
}

void bn_upgrade_answer(struct bn_request *req, const char *protocol,
        const struct bn_upgrade *upgrade)
{
    struct bn_conn *conn = container_of(req, struct bn_answering, req)->conn;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1024);
    bn_buf_printf(&out,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n",
            upgrade->accept);
    if (bn_http_find(req->head, "Sec-WebSocket-Protocol").p)
        bn_buf_printf(&out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    if (upgrade->extension[0])
        bn_buf_printf(&out, "Sec-WebSocket-Extensions: %s\r\n", upgrade->extension);
    bn_buf_puts(&out, "\r\n");
    bn_stream_put(conn->stream, out.p, out.len);
    bn_conn_dirty(conn);
}

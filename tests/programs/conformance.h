/*
 * conformance: what the files of the conformance server share: a connection, frames, an upgrade.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/stream.h"
#include "web/sio_server.h"
#include "wire/http.h"
#include "wire/ws.h"

enum role { ROLE_NONE, ROLE_POLL, ROLE_POST, ROLE_SOCKET };

struct echo_server;

struct conn {
    struct bn_list link;
    struct echo_server *server;
    struct bn_stream *stream;
    struct bn_http http;
    struct bn_ws ws;
    bool is_ws;         /* no longer HTTP */
    bool closing;       /* after what is queued */
    bool is_closed;     /* the stream has been told */
    bool is_dirty;      /* something was queued since the last flush */
    size_t deflate_max; /* so long a message may be sent compressed; 0: none */
    /* of Engine.IO */
    struct bn_eio *engine; /* NULL: another place */
    struct bn_eio_session *session;
    enum role role;
    enum bn_eio_verdict verdict;
    struct bn_eio_refusal refusal;
    struct bn_buf body;
    size_t body_seen;
    bool keeps_alive;
    bool is_upgrade;
};

/* --- frames ----------------------------------------------------------------------------------- */

static void put_frame(struct conn *conn, enum bn_ws_op op, bool deflated, const void *p, size_t len)
{
    uint8_t header[BN_WS_HEADER_MAX];
    bn_stream_put(conn->stream, header, bn_ws_header(header, op, deflated, len, NULL));
    bn_stream_put(conn->stream, p, len);
    conn->is_dirty = true;
}

static void put_close(struct conn *conn, int code, const char *why)
{
    uint8_t payload[125];
    put_frame(conn, BN_WS_CLOSE, false, payload, bn_ws_close_payload(payload, code, why));
    conn->closing = true;
}

/* --- the upgrade ------------------------------------------------------------------------------ */

static bool reads_handshake(const struct bn_http_head *head, char accept[29])
{
    return bn_str_is(head->method, "GET") && head->wants_upgrade &&
           bn_http_lists(head, "Upgrade", "websocket") &&
           bn_str_is(bn_http_find(head, "Sec-WebSocket-Version"), "13") &&
           bn_ws_accept_key(bn_http_find(head, "Sec-WebSocket-Key"), accept);
}

/* The 101; extension NULL: none. */
static void put_switch(struct conn *conn, const char *accept, const char *extension)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1024);
    bn_buf_printf(&out,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n",
            accept);
    if (extension)
        bn_buf_printf(&out, "Sec-WebSocket-Extensions: %s\r\n", extension);
    bn_buf_puts(&out, "\r\n");
    bn_stream_put(conn->stream, out.p, out.len);
    conn->is_dirty = true;
}

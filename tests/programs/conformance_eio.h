/*
 * conformance_eio: Engine.IO over the connections of the conformance server: requests in, answers
 * out.
 *
 * The rules are those of web/eio_session; here are only HTTP and WebSocket around them, with any
 * Origin allowed.
 */
#pragma once

#include "conformance.h"

#define PAYLOAD_MAX     1000000
#define EIO_BACKLOG_MAX (64 << 20) /* a suite may ask for a burst before it reads */
#define DISCARD_MAX     (32 << 20) /* of a body that is too large, to keep the connection */

/* --- answers ---------------------------------------------------------------------------------- */

static void put_answer(struct conn *conn, int status, const char *type, struct bn_str body)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, body.len + 1024);
    bn_http_put_status(&out, status);
    if (type[0])
        bn_buf_printf(&out, "Content-Type: %s\r\n", type);
    bn_buf_printf(&out,
            "Content-Length: %zu\r\nCache-Control: no-store\r\n"
            "Access-Control-Allow-Origin: *\r\n%s\r\n",
            body.len, conn->keeps_alive ? "" : "Connection: close\r\n");
    bn_buf_put(&out, body.p, body.len);
    bn_stream_put(conn->stream, out.p, out.len);
    conn->closing = !conn->keeps_alive;
    conn->is_dirty = true;
}

/* A WebSocket's client sees only that there is none, and the words. */
static void put_refusal(struct conn *conn, const struct bn_eio_refusal *refusal, bool is_upgrade)
{
    BN_BUF_AUTO body;
    bn_buf_init(&body, 300);
    if (is_upgrade)
        bn_buf_puts(&body, refusal->message);
    else
        bn_eio_put_refusal(&body, refusal);
    conn->keeps_alive = conn->keeps_alive && !is_upgrade;
    put_answer(conn, refusal->status, is_upgrade ? "text/html" : "application/json",
            bn_buf_str(&body));
}

/* --- what the sessions ask for ---------------------------------------------------------------- */

static void host_answer(void *poll, struct bn_str body)
{
    struct conn *conn = poll;
    conn->session = NULL;
    conn->role = ROLE_NONE;
    put_answer(conn, 200, "text/plain; charset=UTF-8", body);
    bn_http_next(&conn->http);
    bn_stream_resume(conn->stream);
}

static void host_cut(void *post)
{
    struct conn *conn = post;
    conn->session = NULL;
    conn->role = ROLE_NONE;
    bn_stream_abort(conn->stream);
}

static void host_send(void *socket, struct bn_bytes *bytes, bool is_binary)
{
    struct conn *conn = socket;
    uint8_t header[BN_WS_HEADER_MAX];
    const enum bn_ws_op op = is_binary ? BN_WS_BINARY : BN_WS_TEXT;
    bn_stream_put(conn->stream, header, bn_ws_header(header, op, false, bytes->len, NULL));
    bn_stream_put_bytes(conn->stream, bytes, 0, bytes->len);
    conn->is_dirty = true;
}

static void host_close(void *socket)
{
    struct conn *conn = socket;
    conn->session = NULL;
    conn->role = ROLE_NONE;
    put_close(conn, 1000, "");
}

static size_t host_queued(const void *socket)
{
    return bn_stream_queued(((const struct conn *)socket)->stream);
}

static const struct bn_eio_host eio_host = {host_answer, host_cut, host_send, host_close,
        host_queued, NULL};

/* The connection is gone. */
static void eio_left(struct conn *conn)
{
    struct bn_eio_session *session = conn->session;
    const enum role role = conn->role;
    conn->session = NULL;
    conn->role = ROLE_NONE;
    if (session && role == ROLE_POLL)
        bn_eio_poll_gone(session, conn);
    else if (session && role == ROLE_POST)
        bn_eio_post_gone(session, conn);
    else if (session)
        bn_eio_socket_gone(session, conn);
}

/* --- a request -------------------------------------------------------------------------------- */

static struct bn_str query_of(const struct bn_http_param *params, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (bn_str_is(params[i].name, name))
            return params[i].value;
    return (struct bn_str){NULL, 0};
}

static enum bn_eio_verdict judge(struct conn *conn, struct bn_eio *eio)
{
    const struct bn_http_head *head = conn->http.head;
    struct bn_http_param params[BN_HTTP_PARAMS_MAX];
    size_t count = 0;
    struct bn_err err;
    char scratch[BN_HTTP_TARGET_BYTES_MAX + 1];
    conn->refusal = bn_eio_bad_request;
    if (!bn_http_split_query(head->query, scratch, sizeof scratch, params, &count, &err))
        return BN_EIO_REFUSED;
    return bn_eio_judge(eio,
            &(struct bn_eio_ask){.method = head->method,
                    .transport = query_of(params, count, "transport"),
                    .sid = query_of(params, count, "sid"),
                    .version = query_of(params, count, "EIO"),
                    .origin = bn_http_find(head, "Origin"),
                    .is_upgrade = head->wants_upgrade},
            &conn->session, &conn->refusal);
}

/* The head has come; of a POST the session wants to know at once. */
static void eio_head(struct conn *conn)
{
    const struct bn_http_head *head = conn->http.head;
    conn->session = NULL;
    conn->keeps_alive = head->keep_alive;
    conn->body_seen = 0;
    conn->is_upgrade = head->wants_upgrade;
    bn_buf_reset(&conn->body);
    if (head->expects_continue)
        bn_stream_put(conn->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    conn->verdict = judge(conn, conn->engine);
    if (conn->verdict != BN_EIO_POSTS) { /* judged again when it is whole */
        conn->session = NULL;
        return;
    }
    conn->role = ROLE_POST;
    if (bn_eio_post_begin(conn->session, conn))
        return;
    conn->session = NULL;
    conn->role = ROLE_NONE;
}

static void eio_body(struct conn *conn)
{
    const struct bn_str piece = conn->http.body;
    conn->body_seen += piece.len;
    if (conn->body_seen <= PAYLOAD_MAX)
        bn_buf_put(&conn->body, piece.p, piece.len);
    if (conn->body_seen > DISCARD_MAX)
        conn->keeps_alive = false;
}

static bool takes_body(struct conn *conn, struct bn_eio_session *session)
{
    struct bn_str type = bn_http_find(conn->http.head, "Content-Type");
    if (!bn_str_is_nocase(bn_str_trim(bn_str_cut(&type, ';')), "application/octet-stream"))
        return bn_eio_post(session, bn_buf_str(&conn->body));
    bn_eio_post_gone(session, conn);
    return false;
}

static void post_came(struct conn *conn)
{
    struct bn_eio_session *session = conn->session;
    conn->session = NULL;
    conn->role = ROLE_NONE;
    if (session && conn->body_seen > PAYLOAD_MAX) {
        bn_eio_post_drop(session);
        put_answer(conn, 413, "text/html", BN_STR(""));
    } else if (!session || !takes_body(conn, session)) {
        put_refusal(conn, &bn_eio_bad_request, false);
    } else {
        put_answer(conn, 200, "text/html", BN_STR("ok"));
    }
    bn_buf_reset(&conn->body);
}

static void poll_came(struct conn *conn, struct bn_eio_session *session)
{
    conn->session = session;
    conn->role = ROLE_POLL;
    if (bn_eio_poll(session, conn))
        return;
    conn->session = NULL;
    conn->role = ROLE_NONE;
    put_refusal(conn, &bn_eio_bad_request, false);
}

static void socket_came(struct conn *conn, struct bn_eio_session *session)
{
    char accept[29];
    if (!reads_handshake(conn->http.head, accept)) {
        put_refusal(conn, &bn_eio_bad_request, true);
        return;
    }
    put_switch(conn, accept, NULL);
    bn_ws_init(&conn->ws, BN_WS_SERVER, PAYLOAD_MAX, false);
    conn->is_ws = true;
    conn->role = ROLE_SOCKET;
    conn->session = session;
    if (!session) {
        conn->session = bn_eio_open(conn->engine, conn);
    } else if (!bn_eio_join(session, conn)) {
        conn->session = NULL;
        conn->role = ROLE_NONE;
        put_close(conn, 1000, "");
    }
}

static void put_preflight(struct conn *conn)
{
    static const char fields[] =
            "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n"
            "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
            "Access-Control-Max-Age: 600\r\nVary: Access-Control-Request-Headers\r\n";
    struct bn_str wanted = bn_http_find(conn->http.head, "Access-Control-Request-Headers");
    BN_BUF_AUTO out;
    bn_buf_init(&out, 8192);
    bn_buf_puts(&out, fields);
    if (wanted.p)
        bn_http_put_field(&out, "Access-Control-Allow-Headers", wanted);
    bn_buf_puts(&out, conn->keeps_alive ? "\r\n" : "Connection: close\r\n\r\n");
    bn_stream_put(conn->stream, out.p, out.len);
    conn->closing = !conn->keeps_alive;
}

/* The whole request has come. */
static void eio_request(struct conn *conn)
{
    if (bn_str_is(conn->http.head->method, "OPTIONS")) {
        put_preflight(conn);
        return;
    }
    if (conn->verdict == BN_EIO_POSTS) {
        post_came(conn);
        return;
    }
    conn->verdict = judge(conn, conn->engine);
    struct bn_eio_session *session = conn->session;
    conn->session = NULL;
    if (conn->verdict == BN_EIO_POLLS)
        poll_came(conn, session);
    else if (conn->verdict == BN_EIO_JOINS)
        socket_came(conn, session);
    else if (conn->verdict == BN_EIO_OPENS && conn->is_upgrade)
        socket_came(conn, NULL);
    else if (conn->verdict == BN_EIO_OPENS)
        poll_came(conn, bn_eio_open(conn->engine, NULL));
    else
        put_refusal(conn, &conn->refusal, conn->is_upgrade);
}

/* --- the bare engine: every message comes back ------------------------------------------------ */

static void on_eio_message(struct bn_eio_session *session, bool is_binary, struct bn_str data)
{
    struct bn_bytes *bytes = bn_bytes_create(NULL, data.len + !is_binary);
    if (!is_binary)
        bytes->p[0] = '4';
    if (data.len > 0)
        memcpy(bytes->p + !is_binary, data.p, data.len);
    bn_eio_send(session, bytes, is_binary);
    bn_bytes_unref(bytes);
}

static void on_eio_nothing(struct bn_eio_session *session)
{
    (void)session;
}

static void on_eio_closed(struct bn_eio_session *session, const char *why)
{
    (void)session;
    (void)why;
}

static const struct bn_eio_app echo_app = {on_eio_nothing, on_eio_message, on_eio_nothing,
        on_eio_closed};

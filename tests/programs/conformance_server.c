/*
 * conformance_server: an echo peer on our own wire/ and io/ code, for outside protocol suites.
 *
 *     conformance_server --listen 127.0.0.1:9001
 *
 * /echo answers every WebSocket message with itself, text and binary, compressed when that was
 * agreed; messages may have 16 MiB. A further path is one more row of `places`.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"
#include "io/stream.h"
#include "wire/deflate.h"
#include "wire/http.h"
#include "wire/ws.h"

#define MESSAGE_MAX   (16 << 20)
#define QUEUED_MAX    (1 << 20) /* of answers nobody reads; then we read no more either */
#define BLOCK_TAIL    4         /* 00 00 FF FF, which a message leaves out (RFC 7692) */
#define OFFERS_MAX    4096
#define TICK_MS       1000
#define DEFAULT_PLACE "127.0.0.1:9001"

struct conn;

struct place {
    const char *path;
    /* After the upgrade: a whole message came. */
    void (*message)(struct conn *conn, enum bn_ws_op op, struct bn_str payload);
};

struct echo_server {
    struct bn_loop *loop;
    struct bn_clock clock;
    struct bn_listener *listener;
    struct bn_timer *tick;
    struct bn_list conns;
};

struct conn {
    struct bn_list link;
    struct bn_stream *stream;
    struct bn_http http;
    struct bn_ws ws;
    const struct place *place; /* NULL: still HTTP */
    size_t deflate_max;        /* so long a message may be sent compressed; 0: none */
    bool closing;
};

/* --- frames out ------------------------------------------------------------------------------- */

static void put_frame(struct conn *conn, enum bn_ws_op op, bool deflated, const void *p, size_t len)
{
    uint8_t header[BN_WS_HEADER_MAX];
    bn_stream_put(conn->stream, header, bn_ws_header(header, op, deflated, len, NULL));
    bn_stream_put(conn->stream, p, len);
}

static void put_close(struct conn *conn, int code, const char *why)
{
    uint8_t payload[125];
    put_frame(conn, BN_WS_CLOSE, false, payload, bn_ws_close_payload(payload, code, why));
    conn->closing = true;
}

static void echo(struct conn *conn, enum bn_ws_op op, struct bn_str payload)
{
    if (payload.len < BN_DEFLATE_MIN_BYTES || payload.len > conn->deflate_max) {
        put_frame(conn, op, false, payload.p, payload.len);
        return;
    }
    BN_BUF_AUTO out;
    bn_buf_init(&out, payload.len + payload.len / 1024 + 64);
    bn_deflate_block(&out, payload.p, payload.len);
    put_frame(conn, op, true, out.p, out.len - BLOCK_TAIL);
}

static const struct place places[] = {
        {"/echo", echo},
};

/* --- frames in -------------------------------------------------------------------------------- */

static void on_event(struct conn *conn, enum bn_ws_event event)
{
    struct bn_ws *ws = &conn->ws;
    if (event == BN_WS_BAD)
        put_close(conn, ws->close_code, ws->err.text);
    else if (event == BN_WS_MESSAGE)
        conn->place->message(conn, ws->op, ws->payload);
    else if (ws->op == BN_WS_PING)
        put_frame(conn, BN_WS_PONG, false, ws->payload.p, ws->payload.len);
    else if (ws->op == BN_WS_CLOSE)
        put_close(conn, ws->close_code, "");
}

static size_t ws_data(struct conn *conn, const char *p, size_t len)
{
    size_t used = 0;
    enum bn_ws_event event;
    do {
        if (bn_stream_queued(conn->stream) > QUEUED_MAX) {
            bn_stream_flush(conn->stream);
            if (bn_stream_queued(conn->stream) > QUEUED_MAX && used < len)
                return used; /* drained() goes on */
        }
        used += bn_ws_parse(&conn->ws, p + used, len - used, &event);
        if (event != BN_WS_MORE)
            on_event(conn, event);
    } while (event != BN_WS_MORE && !conn->closing);
    return conn->closing ? len : used;
}

/* --- the upgrade ------------------------------------------------------------------------------ */

static void refuse(struct conn *conn, int status, const char *why)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1024);
    bn_http_put_status(&out, status);
    bn_buf_printf(&out,
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
            "Sec-WebSocket-Version: 13\r\nConnection: close\r\n\r\n%s\n",
            strlen(why) + 1, why);
    bn_stream_put(conn->stream, out.p, out.len);
    conn->closing = true;
}

/* Several Sec-WebSocket-Extensions fields mean the same as one (RFC 6455 section 9.1). */
static void join_offers(const struct bn_http_head *head, struct bn_buf *out)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!bn_str_is_nocase(head->fields[i].name, "Sec-WebSocket-Extensions"))
            continue;
        if (out->len > 0)
            bn_buf_puts(out, ", ");
        bn_buf_put(out, head->fields[i].value.p, head->fields[i].value.len);
    }
}

static void upgrade(struct conn *conn, const char *accept)
{
    char extension[128];
    BN_BUF_AUTO offers;
    BN_BUF_AUTO out;
    bn_buf_init(&offers, OFFERS_MAX);
    bn_buf_init(&out, 1024);
    join_offers(conn->http.head, &offers);
    int window = bn_buf_ok(&offers)
                         ? bn_ws_choose_deflate(bn_buf_str(&offers), extension, sizeof extension)
                         : 0;
    if (window > 0)
        conn->deflate_max = window == 15 ? MESSAGE_MAX : (size_t)1 << window;
    bn_buf_printf(&out,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n",
            accept);
    if (window > 0)
        bn_buf_printf(&out, "Sec-WebSocket-Extensions: %s\r\n", extension);
    bn_buf_puts(&out, "\r\n");
    bn_stream_put(conn->stream, out.p, out.len);
    bn_ws_init(&conn->ws, BN_WS_SERVER, MESSAGE_MAX, window > 0);
}

static void request_came(struct conn *conn)
{
    const struct bn_http_head *head = conn->http.head;
    const struct place *place = NULL;
    char accept[29];
    for (size_t i = 0; i < COUNT(places); i++)
        if (bn_str_is(head->path, places[i].path))
            place = &places[i];
    if (!place)
        refuse(conn, 404, "only /echo is here");
    else if (!bn_str_is(head->method, "GET") || !head->wants_upgrade ||
             !bn_http_lists(head, "Upgrade", "websocket") ||
             !bn_str_is(bn_http_find(head, "Sec-WebSocket-Version"), "13") ||
             !bn_ws_accept_key(bn_http_find(head, "Sec-WebSocket-Key"), accept))
        refuse(conn, 400, "this is a WebSocket of version 13: ask for an upgrade");
    else
        upgrade(conn, accept);
    if (!conn->closing)
        conn->place = place;
    bn_http_next(&conn->http);
}

static size_t http_data(struct conn *conn, const char *p, size_t len)
{
    size_t used = 0;
    enum bn_http_event event;
    do {
        used += bn_http_parse(&conn->http, p + used, len - used, &event);
        if (event == BN_HTTP_BAD)
            refuse(conn, bn_code_status(conn->http.err.code), conn->http.err.text);
        else if (event == BN_HTTP_DONE)
            request_came(conn);
    } while (event != BN_HTTP_MORE && !conn->place && !conn->closing);
    return conn->closing ? len : used;
}

/* --- connections ------------------------------------------------------------------------------ */

static size_t on_data(void *user, const char *p, size_t len)
{
    struct conn *conn = user;
    size_t used = 0;
    if (conn->closing)
        return len;
    if (!conn->place)
        used = http_data(conn, p, len);
    if (conn->place && !conn->closing)
        used += ws_data(conn, p + used, len - used);
    if (conn->closing)
        bn_stream_close(conn->stream);
    else
        bn_stream_flush(conn->stream);
    return used;
}

static void on_drained(void *user)
{
    bn_stream_resume(((struct conn *)user)->stream);
}

static void on_closed(void *user, const struct bn_err *err)
{
    struct conn *conn = user;
    (void)err;
    bn_list_remove(&conn->link);
    bn_http_finish(&conn->http);
    if (conn->place)
        bn_ws_finish(&conn->ws);
    free(conn);
}

static void on_accepted(void *user, struct bn_stream *stream)
{
    static const struct bn_stream_ops ops = {on_data, on_drained, NULL, on_closed};
    struct echo_server *server = user;
    struct conn *conn = bn_alloc(sizeof *conn);
    conn->stream = stream;
    bn_http_init(&conn->http);
    bn_list_append(&server->conns, &conn->link);
    bn_stream_set(stream, &ops, conn);
}

/* --- the program ------------------------------------------------------------------------------ */

static void on_tick(void *user)
{
    bn_streams_tick(((struct echo_server *)user)->loop);
}

static void on_signal(void *user)
{
    bn_loop_stop(((struct echo_server *)user)->loop);
}

static bool read_place(const char *text, struct bn_listener_config *config)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || !bn_parse_i64(bn_str(colon + 1), 0, 65535, &port))
        return false;
    config->port = (int)port;
    bn_text_clip(config->host, sizeof config->host, (struct bn_str){text, (size_t)(colon - text)});
    return true;
}

static bool start(struct echo_server *server, const char *place, struct bn_err *err)
{
    struct bn_listener_config config = {.accepted = on_accepted, .user = server};
    if (!read_place(place, &config))
        return bn_fail(err, BN_E_INVALID, "--listen wants HOST:PORT, got %s", place);
    if (!bn_loop_create(&server->loop, &server->clock, err) ||
            !bn_listener_open(server->loop, &config, &server->listener, err))
        return false;
    server->tick = bn_timer_create(server->loop, on_tick, server);
    bn_timer_start(server->tick, TICK_MS, TICK_MS);
    bn_loop_on_signal(server->loop, SIGTERM, on_signal, server);
    bn_loop_on_signal(server->loop, SIGINT, on_signal, server);
    printf("Open   http://%s:%d/\n", config.host, bn_listener_port(server->listener));
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    struct echo_server server = {0};
    struct bn_err err;
    (void)argc;
    signal(SIGPIPE, SIG_IGN);
    bn_list_init(&server.conns);
    if (!start(&server, flag_text(argv, "--listen", DEFAULT_PLACE), &err)) {
        fprintf(stderr, "conformance_server: %s\n", err.text);
        bn_loop_destroy(server.loop);
        return 1;
    }
    bn_loop_run(server.loop, NULL, NULL);
    bn_list_each_safe(it, tmp, &server.conns)
        bn_stream_abort(container_of(it, struct conn, link)->stream);
    bn_timer_destroy(server.tick);
    bn_listener_close(server.listener);
    bn_loop_destroy(server.loop);
    bn_deflate_finish_thread();
    return 0;
}

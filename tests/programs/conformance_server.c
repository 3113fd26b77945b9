/*
 * conformance_server: a peer on our own wire/, io/ and session code, for outside protocol suites.
 *
 *     conformance_server --listen 127.0.0.1:9001 [--recovery]
 *
 * /echo answers every WebSocket message with itself, text and binary, compressed when that was
 * agreed; messages may have 16 MiB. /engine.io/ is bare Engine.IO, which echoes every message;
 * /socket.io/ is Socket.IO with the events of conformance_sio.h. Their figures are short, so that a
 * suite need not wait: a ping each 300 ms, 200 ms for its answer (--ping-timeout says otherwise), 1
 * s to connect to a namespace.
 */
#include <signal.h>

/* clang-format off: each needs the one before */
#include "conformance.h"
#include "conformance_eio.h"
#include "conformance_sio.h"
/* clang-format on */
#include "base/secret.h"

#include "flags.h"
#include "wire/deflate.h"

#define MESSAGE_MAX   (16 << 20)
#define QUEUED_MAX    (1 << 20) /* of answers nobody reads; then we read no more either */
#define BLOCK_TAIL    4         /* 00 00 FF FF, which a message leaves out (RFC 7692) */
#define OFFERS_MAX    4096
#define TICK_MS       20
#define STREAMS_MS    1000
#define DEFAULT_PLACE "127.0.0.1:9001"

struct echo_server {
    struct bn_loop *loop;
    struct bn_clock clock;
    struct bn_listener *listener;
    struct bn_timer *tick, *streams;
    struct bn_list conns;
    struct bn_eio *bare, *sio;
    struct bn_sio_server *sio_server;
    struct sio_world world;
};

/* --- /echo ------------------------------------------------------------------------------------ */

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

/* --- frames in -------------------------------------------------------------------------------- */

static void on_event(struct conn *conn, enum bn_ws_event event)
{
    struct bn_ws *ws = &conn->ws;
    if (event == BN_WS_BAD)
        put_close(conn, ws->close_code, ws->err.text);
    else if (event == BN_WS_MESSAGE && !conn->engine)
        echo(conn, ws->op, ws->payload);
    else if (event == BN_WS_MESSAGE && conn->session)
        bn_eio_heard(conn->session, conn, ws->op == BN_WS_BINARY, ws->payload);
    else if (ws->op == BN_WS_PING)
        put_frame(conn, BN_WS_PONG, false, ws->payload.p, ws->payload.len);
    else if (ws->op == BN_WS_CLOSE)
        put_close(conn, ws->close_code, "");
    if (conn->closing)
        eio_left(conn);
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

/* --- requests --------------------------------------------------------------------------------- */

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

static void upgrade_echo(struct conn *conn, const char *accept)
{
    char extension[128];
    BN_BUF_AUTO offers;
    bn_buf_init(&offers, OFFERS_MAX);
    join_offers(conn->http.head, &offers);
    int window = bn_buf_ok(&offers)
                         ? bn_ws_choose_deflate(bn_buf_str(&offers), extension, sizeof extension)
                         : 0;
    if (window > 0)
        conn->deflate_max = window == 15 ? MESSAGE_MAX : (size_t)1 << window;
    put_switch(conn, accept, window > 0 ? extension : NULL);
    bn_ws_init(&conn->ws, BN_WS_SERVER, MESSAGE_MAX, window > 0);
    conn->is_ws = true;
}

static void head_came(struct conn *conn)
{
    const struct bn_str path = conn->http.head->path;
    conn->engine = bn_str_starts(path, "/engine.io/")   ? conn->server->bare
                   : bn_str_starts(path, "/socket.io/") ? conn->server->sio
                                                        : NULL;
    if (conn->engine)
        eio_head(conn);
}

static void request_came(struct conn *conn)
{
    char accept[29];
    if (conn->engine)
        eio_request(conn);
    else if (!bn_str_is(conn->http.head->path, "/echo"))
        refuse(conn, 404, "only /echo, /engine.io/ and /socket.io/ are here");
    else if (!reads_handshake(conn->http.head, accept))
        refuse(conn, 400, "this is a WebSocket of version 13: ask for an upgrade");
    else
        upgrade_echo(conn, accept);
    if (conn->role != ROLE_POLL) /* else when it has been answered */
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
        else if (event == BN_HTTP_HEAD)
            head_came(conn);
        else if (event == BN_HTTP_BODY && conn->engine)
            eio_body(conn);
        else if (event == BN_HTTP_DONE)
            request_came(conn);
    } while (event != BN_HTTP_MORE && !conn->is_ws && !conn->closing && conn->role != ROLE_POLL);
    if (event == BN_HTTP_BAD)
        eio_left(conn);
    return conn->closing ? len : used;
}

/* --- connections ------------------------------------------------------------------------------ */

static void send_on(struct conn *conn)
{
    conn->is_dirty = false;
    if (!conn->closing) {
        bn_stream_flush(conn->stream);
    } else if (!conn->is_closed) {
        conn->is_closed = true;
        bn_stream_close(conn->stream);
    }
}

static size_t on_data(void *user, const char *p, size_t len)
{
    struct conn *conn = user;
    size_t used = 0;
    if (conn->closing)
        return len;
    if (conn->role == ROLE_POLL)
        return 0; /* what is asked next waits for the answer */
    if (!conn->is_ws)
        used = http_data(conn, p, len);
    if (conn->is_ws && !conn->closing)
        used += ws_data(conn, p + used, len - used);
    send_on(conn);
    return used;
}

static void on_drained(void *user)
{
    struct conn *conn = user;
    if (conn->session && conn->role == ROLE_SOCKET)
        bn_eio_drained(conn->session, conn);
    bn_stream_resume(conn->stream);
}

static void on_closed(void *user, const struct bn_err *err)
{
    struct conn *conn = user;
    (void)err;
    eio_left(conn);
    bn_list_remove(&conn->link);
    bn_http_finish(&conn->http);
    bn_buf_finish(&conn->body);
    if (conn->is_ws)
        bn_ws_finish(&conn->ws);
    free(conn);
}

static void on_accepted(void *user, struct bn_stream *stream)
{
    static const struct bn_stream_ops ops = {on_data, on_drained, NULL, on_closed};
    struct echo_server *server = user;
    struct conn *conn = bn_alloc(sizeof *conn);
    conn->server = server;
    conn->stream = stream;
    bn_buf_init(&conn->body, PAYLOAD_MAX);
    bn_http_init(&conn->http);
    bn_list_append(&server->conns, &conn->link);
    bn_stream_set(stream, &ops, conn);
}

/* --- the program ------------------------------------------------------------------------------ */

/* What the sessions said goes out, and who has ended is forgotten. */
static bool on_turn(void *user)
{
    struct echo_server *server = user;
    bn_eio_flush(server->bare);
    bn_eio_flush(server->sio);
    bn_list_each_safe(it, tmp, &server->conns) {
        struct conn *conn = container_of(it, struct conn, link);
        if (conn->is_dirty)
            send_on(conn);
    }
    return false;
}

static void on_tick(void *user)
{
    struct echo_server *server = user;
    bn_eio_tick(server->bare);
    bn_eio_tick(server->sio);
    bn_sio_server_tick(server->sio_server, server->sio);
    sio_tick(&server->world, server->clock.mono_ms);
}

static void on_streams(void *user)
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

static void build_engines(struct echo_server *server, int ping_timeout_ms)
{
    struct bn_eio_config config = {.clock = &server->clock,
            .host = &eio_host,
            .app = &echo_app,
            .ping_interval_ms = 300,
            .ping_timeout_ms = ping_timeout_ms,
            .upgrade_ms = 10000,
            .payload_max = PAYLOAD_MAX,
            .backlog_max = EIO_BACKLOG_MAX};
    server->bare = bn_eio_create(&config);
    server->sio_server = bn_sio_server_create(&(struct bn_sio_config){.app = &sio_app,
            .user = &server->world,
            .connect_ms = 1000,
            .bytes_max = 11 * PAYLOAD_MAX});
    config.app = &bn_sio_eio_app;
    config.user = server->sio_server;
    server->sio = bn_eio_create(&config);
    server->world.eio = server->sio;
    server->world.recovery.clock = &server->clock;
    bn_list_init(&server->world.recovery.log);
    bn_list_init(&server->world.recovery.broken);
}

static bool start(struct echo_server *server, char **argv, struct bn_err *err)
{
    struct bn_listener_config config = {.accepted = on_accepted, .user = server};
    const char *place = flag_text(argv, "--listen", DEFAULT_PLACE);
    if (!read_place(place, &config))
        return bn_fail(err, BN_E_INVALID, "--listen wants HOST:PORT, got %s", place);
    if (!bn_secret_start(err) || !bn_loop_create(&server->loop, &server->clock, err) ||
            !bn_listener_open(server->loop, &config, &server->listener, err))
        return false;
    server->world.recovery.is_on = flag_is_set(argv, "--recovery");
    build_engines(server, (int)flag_number(argv, "--ping-timeout", 200));
    server->tick = bn_timer_create(server->loop, on_tick, server);
    bn_timer_start(server->tick, TICK_MS, TICK_MS);
    server->streams = bn_timer_create(server->loop, on_streams, server);
    bn_timer_start(server->streams, STREAMS_MS, STREAMS_MS);
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
    if (!start(&server, argv, &err)) {
        fprintf(stderr, "conformance_server: %s\n", err.text);
        bn_loop_destroy(server.loop);
        return 1;
    }
    bn_loop_run(server.loop, on_turn, &server);
    bn_eio_destroy(server.bare);
    bn_eio_destroy(server.sio);
    bn_sio_server_destroy(server.sio_server);
    recovery_sweep(&server.world.recovery, true);
    bn_list_each_safe(it, tmp, &server.conns)
        bn_stream_abort(container_of(it, struct conn, link)->stream);
    bn_timer_destroy(server.tick);
    bn_timer_destroy(server.streams);
    bn_listener_close(server.listener);
    bn_loop_destroy(server.loop);
    bn_deflate_finish_thread();
    return 0;
}

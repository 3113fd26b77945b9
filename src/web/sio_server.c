#include "web/sio_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "model/limits.h"

#define REFUSAL_BYTES_MAX 1024

struct bn_sio_server {
    struct bn_sio_config config;
};

struct bn_sio_conn {
    struct bn_sio_server *server;
    struct bn_eio_session *session;
    const struct bn_clock *clock;
    struct bn_sio sio;
    struct bn_list sockets;
    struct bn_list over; /* sockets the app is still to be told of */
    size_t socket_count;
    int64_t since_mono_ms;
    int64_t tokens; /* packets it may still send now, in thousandths */
    int64_t tokens_at_mono_ms;
    bool has_connected; /* to something, once */
};

struct bn_sio_server *bn_sio_server_create(const struct bn_sio_config *config)
{
    struct bn_sio_server *server = bn_alloc(sizeof *server);
    server->config = *config;
    return server;
}

void bn_sio_server_destroy(struct bn_sio_server *server)
{
    free(server);
}

void *bn_sio_server_user(const struct bn_sio_socket *socket)
{
    return socket->conn->server->config.user;
}

struct bn_eio_session *bn_sio_session(const struct bn_sio_socket *socket)
{
    return socket->conn->session;
}

static const struct bn_sio_app *app_of(const struct bn_sio_conn *conn)
{
    return conn->server->config.app;
}

static struct bn_str nsp_of(const struct bn_sio_socket *socket)
{
    return (struct bn_str){socket->nsp, socket->nsp_len};
}

/* --- to the client ---------------------------------------------------------------------------- */

static void send_plain(struct bn_sio_conn *conn, enum bn_sio_type type, struct bn_str nsp,
        struct bn_str json)
{
    BN_BUF_AUTO text;
    bn_buf_init(&text, nsp.len + json.len + 64);
    bn_buf_putc(&text, '4');
    bn_sio_put_plain(&text, &(struct bn_sio_head){type, nsp, NULL}, json);
    struct bn_bytes *bytes = bn_bytes_create(text.p, text.len);
    bn_eio_send(conn->session, bytes, false);
    bn_bytes_unref(bytes);
}

static struct bn_bytes *encode(const struct bn_sio_head *head, const struct bn_sio_args *args)
{
    BN_BUF_AUTO text;
    bn_buf_init(&text, args->json.len + head->nsp.len + 64);
    bn_buf_putc(&text, '4');
    bn_sio_put_args(&text, head, args);
    return bn_bytes_create(text.p, text.len);
}

/* The text, then its attachments with nothing in between. */
static void send_args(struct bn_sio_socket *socket, enum bn_sio_type type, const uint64_t *id,
        const struct bn_sio_args *args)
{
    struct bn_eio_session *session = socket->conn->session;
    if (socket->is_over || !bn_sio_args_ok(args))
        return;
    struct bn_bytes *bytes = encode(&(struct bn_sio_head){type, nsp_of(socket), id}, args);
    bn_eio_send(session, bytes, false);
    bn_bytes_unref(bytes);
    for (size_t i = 0; i < args->attachment_count; i++) {
        bytes = bn_bytes_create(args->attachments[i].p, args->attachments[i].len);
        bn_eio_send(session, bytes, true);
        bn_bytes_unref(bytes);
    }
}

void bn_sio_emit(struct bn_sio_socket *socket, const struct bn_sio_args *args)
{
    send_args(socket, BN_SIO_EVENT, NULL, args);
}

uint64_t bn_sio_ask(struct bn_sio_socket *socket, const struct bn_sio_args *args)
{
    const uint64_t id = socket->next_id++;
    send_args(socket, BN_SIO_EVENT, &id, args);
    return id;
}

void bn_sio_acknowledge(struct bn_sio_socket *socket, uint64_t id, const struct bn_sio_args *args)
{
    send_args(socket, BN_SIO_ACK, &id, args);
}

struct bn_bytes *bn_sio_encode(const char *nsp, const struct bn_sio_args *args)
{
    return encode(&(struct bn_sio_head){BN_SIO_EVENT, bn_str(nsp), NULL}, args);
}

void bn_sio_emit_bytes(struct bn_sio_socket *socket, struct bn_bytes *bytes)
{
    if (!socket->is_over)
        bn_eio_send(socket->conn->session, bytes, false);
}

bool bn_sio_is_idle(const struct bn_sio_socket *socket)
{
    return bn_eio_is_idle(socket->conn->session);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static struct bn_sio_socket *find(const struct bn_sio_conn *conn, struct bn_str nsp)
{
    bn_list_each(it, &conn->sockets) {
        struct bn_sio_socket *socket = container_of(it, struct bn_sio_socket, link);
        if (socket->nsp_len == nsp.len && memcmp(socket->nsp, nsp.p, nsp.len) == 0)
            return socket;
    }
    return NULL;
}

static struct bn_sio_socket *socket_create(struct bn_sio_conn *conn, struct bn_str nsp)
{
    uint8_t id[16];
    struct bn_sio_socket *socket = bn_alloc(sizeof *socket + nsp.len + 1);
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, socket->sid);
    socket->conn = conn;
    socket->nsp_len = nsp.len;
    memcpy(socket->nsp, nsp.p, nsp.len);
    bn_list_init(&socket->link);
    return socket;
}

/* The app is told later: it may be in the middle of something with this socket. */
static void put_aside(struct bn_sio_socket *socket, const char *why)
{
    socket->is_over = true;
    socket->why = why;
    bn_list_remove(&socket->link);
    bn_list_append(&socket->conn->over, &socket->link);
    socket->conn->socket_count--;
}

static void tell_over(struct bn_sio_conn *conn)
{
    bn_list_each_safe(it, tmp, &conn->over) {
        struct bn_sio_socket *socket = container_of(it, struct bn_sio_socket, link);
        bn_list_remove(&socket->link);
        app_of(conn)->disconnected(socket, socket->why);
        free(socket);
    }
}

void bn_sio_disconnect(struct bn_sio_socket *socket, const char *why)
{
    if (socket->is_over)
        return;
    send_plain(socket->conn, BN_SIO_DISCONNECT, nsp_of(socket), BN_STR(""));
    put_aside(socket, why);
}

/* --- what clients say ------------------------------------------------------------------------- */

static void hear_connect(struct bn_sio_conn *conn, const struct bn_sio_packet *packet)
{
    char said[96];
    BN_BUF_AUTO refusal;
    bn_buf_init(&refusal, REFUSAL_BYTES_MAX);
    struct bn_sio_socket *socket = socket_create(conn, packet->nsp);
    if (!app_of(conn)->connect(socket, packet->json, &refusal)) {
        send_plain(conn, BN_SIO_CONNECT_ERROR, packet->nsp, bn_buf_str(&refusal));
        free(socket);
        return;
    }
    bn_list_append(&conn->sockets, &socket->link);
    conn->socket_count++;
    conn->has_connected = true;
    if (socket->pid[0])
        snprintf(said, sizeof said, "{\"sid\":\"%s\",\"pid\":\"%s\"}", socket->sid, socket->pid);
    else
        snprintf(said, sizeof said, "{\"sid\":\"%s\"}", socket->sid);
    send_plain(conn, BN_SIO_CONNECT, packet->nsp, bn_str(said));
    app_of(conn)->connected(socket, packet->json);
}

static void hear_event(struct bn_sio_socket *socket, const struct bn_sio_packet *packet)
{
    char name[BN_SIO_NAME_MAX + 1];
    if (!bn_sio_event_name(packet, name))
        name[0] = '\0';
    app_of(socket->conn)->event(socket, name, packet);
}

/* False: it broke the protocol. */
static bool hear_packet(struct bn_sio_conn *conn, const struct bn_sio_packet *packet)
{
    struct bn_sio_socket *socket = find(conn, packet->nsp);
    if (packet->type == BN_SIO_CONNECT && !socket && conn->socket_count < BN_SIO_NAMESPACES_MAX) {
        hear_connect(conn, packet);
        return true;
    }
    if (packet->type == BN_SIO_CONNECT || !socket)
        return false;
    if (packet->type == BN_SIO_DISCONNECT)
        put_aside(socket, "client namespace disconnect");
    else if (bn_sio_is_event(packet))
        hear_event(socket, packet);
    else if (packet->has_id)
        app_of(conn)->ack(socket, packet->id, packet);
    return true;
}

/* Token bucket, as in web/live. */
static bool may_speak(struct bn_sio_conn *conn)
{
    const struct bn_sio_config *config = &conn->server->config;
    if (config->packets_ps == 0)
        return true;
    const int64_t mono_ms = conn->clock->mono_ms;
    conn->tokens += (mono_ms - conn->tokens_at_mono_ms) * config->packets_ps;
    conn->tokens = BN_MIN(conn->tokens, (int64_t)config->packets_burst * 1000);
    conn->tokens_at_mono_ms = mono_ms;
    conn->tokens -= 1000;
    return conn->tokens >= 0;
}

static void on_message(struct bn_eio_session *session, bool is_binary, struct bn_str data)
{
    struct bn_sio_conn *conn = bn_eio_user(session);
    enum bn_sio_event event = BN_SIO_BAD;
    if (may_speak(conn))
        event = is_binary ? bn_sio_binary(&conn->sio, data) : bn_sio_text(&conn->sio, data);
    if (event == BN_SIO_BAD || (event == BN_SIO_PACKET && !hear_packet(conn, &conn->sio.packet)))
        bn_eio_close(session, "parse error");
    tell_over(conn);
}

/* --- the connection --------------------------------------------------------------------------- */

static void on_opened(struct bn_eio_session *session)
{
    struct bn_sio_server *server = bn_eio_app_user(session);
    struct bn_sio_conn *conn = bn_alloc(sizeof *conn);
    conn->server = server;
    conn->session = session;
    conn->clock = bn_eio_clock(session);
    conn->since_mono_ms = conn->tokens_at_mono_ms = conn->clock->mono_ms;
    conn->tokens = (int64_t)server->config.packets_burst * 1000;
    bn_sio_init(&conn->sio, server->config.bytes_max);
    bn_list_init(&conn->sockets);
    bn_list_init(&conn->over);
    bn_eio_set_user(session, conn);
}

static void on_drained(struct bn_eio_session *session)
{
    struct bn_sio_conn *conn = bn_eio_user(session);
    bn_list_each_safe(it, tmp, &conn->sockets)
        app_of(conn)->drained(container_of(it, struct bn_sio_socket, link));
}

static void on_closed(struct bn_eio_session *session, const char *why)
{
    struct bn_sio_conn *conn = bn_eio_user(session);
    bn_list_each_safe(it, tmp, &conn->sockets)
        put_aside(container_of(it, struct bn_sio_socket, link), why);
    tell_over(conn);
    bn_sio_finish(&conn->sio);
    free(conn);
    bn_eio_set_user(session, NULL);
}

const struct bn_eio_app bn_sio_eio_app = {on_opened, on_message, on_drained, on_closed};

void bn_sio_server_tick(struct bn_sio_server *server, struct bn_eio *eio)
{
    struct bn_eio_session *next = bn_eio_next_session(eio, NULL);
    while (next) {
        struct bn_eio_session *session = next;
        const struct bn_sio_conn *conn = bn_eio_user(session);
        next = bn_eio_next_session(eio, session);
        if (conn && !conn->has_connected &&
                conn->clock->mono_ms - conn->since_mono_ms >= server->config.connect_ms)
            bn_eio_close(session, "connect timeout");
    }
}

struct bn_sio_socket *bn_sio_next_socket(const struct bn_eio *eio,
        const struct bn_sio_socket *after)
{
    struct bn_eio_session *session = after ? after->conn->session : NULL;
    if (after && after->link.next != &after->conn->sockets)
        return container_of(after->link.next, struct bn_sio_socket, link);
    while ((session = bn_eio_next_session(eio, session))) {
        const struct bn_sio_conn *conn = bn_eio_user(session);
        if (conn && !bn_list_is_empty(&conn->sockets))
            return container_of(conn->sockets.next, struct bn_sio_socket, link);
    }
    return NULL;
}

void bn_sio_each_socket(struct bn_eio_session *session,
        void (*fn)(struct bn_sio_socket *socket, void *user), void *user)
{
    struct bn_sio_conn *conn = bn_eio_user(session);
    if (!conn) /* it is leaving, and was told */
        return;
    bn_list_each_safe(it, tmp, &conn->sockets)
        fn(container_of(it, struct bn_sio_socket, link), user);
}

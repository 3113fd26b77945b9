/* Any bytes as what a client and the clock do to a session of Socket.IO: a line is a letter and
   what is sent. Every session is told of its end once, every poll answered or let go once, no
   socket is used after its goodbye, and nothing waits beyond the bounds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/limits.h"
#include "web/sio_server.h"

#define BACKLOG 20000
#define PEERS   4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A poll, a POST or a socket, with what became of it. */
struct peer {
    bool is_used;   /* it stands somewhere in the session */
    bool is_closed; /* by the session */
    size_t queued;
};

static struct bn_clock clock_now;
static struct bn_eio *eio;
static struct bn_sio_server *server;
static struct bn_eio_session *session; /* NULL: it ended */
static struct peer polls[PEERS], sockets[PEERS], post;
static size_t opened, connected, told;

static void host_answer(void *poll, struct bn_str body)
{
    struct peer *peer = poll;
    assert(peer->is_used && body.len > 0);
    peer->is_used = false;
}

static void host_cut(void *peer)
{
    assert(peer == &post && post.is_used);
    post.is_used = false;
}

static void host_send(void *socket, struct bn_bytes *bytes, bool is_binary)
{
    struct peer *peer = socket;
    assert(peer->is_used && !peer->is_closed);
    assert(is_binary || (bytes->len > 0 && bytes->p[0] >= '0' && bytes->p[0] <= '6'));
    peer->queued += bytes->len;
}

static void host_close(void *socket)
{
    struct peer *peer = socket;
    assert(peer->is_used && !peer->is_closed);
    peer->is_closed = true;
}

static size_t host_queued(const void *socket)
{
    const struct peer *peer = socket;
    assert(peer->queued <= BACKLOG + 70000);
    return peer->queued;
}

static void host_forget(struct bn_eio_session *gone)
{
    assert(gone == session && opened == 1);
    opened = 0;
    session = NULL;
}

static const struct bn_eio_host host = {host_answer, host_cut, host_send, host_close, host_queued,
        host_forget};

static bool on_connect(struct bn_sio_socket *socket, struct bn_str auth, struct bn_buf *refusal)
{
    (void)auth;
    if (strncmp(socket->nsp, "/n", 2) != 0)
        return true;
    bn_buf_puts(refusal, "{\"message\":\"no\"}");
    return false;
}

static void on_connected(struct bn_sio_socket *socket, struct bn_str auth)
{
    (void)socket;
    (void)auth;
    connected++;
}

/* To every socket there is, encoded once. */
static void tell_all(const struct bn_sio_args *args)
{
    struct bn_bytes *bytes = bn_sio_encode("/", args);
    struct bn_sio_socket *socket = NULL;
    while ((socket = bn_sio_next_socket(eio, socket)))
        bn_sio_emit_bytes(socket, bytes);
    bn_bytes_unref(bytes);
}

static void kick(struct bn_sio_socket *socket, void *user)
{
    assert(bn_sio_server_user(socket) == user);
    bn_sio_disconnect(socket, "all are kicked");
}

/* Events say by their name what the app does in the middle of them. */
static void on_event(struct bn_sio_socket *socket, const char *name,
        const struct bn_sio_packet *packet)
{
    struct bn_str rest = bn_sio_json_inside(packet->json);
    struct bn_str item;
    BN_SIO_ARGS_AUTO args;
    bn_sio_args_init(&args, 100000);
    while (bn_sio_json_item(&rest, &item))
        bn_sio_put_item(&args, packet, item);
    if (strchr(name, 'r') && args.attachment_count == 0)
        tell_all(&args);
    if (strchr(name, 'q'))
        bn_sio_each_socket(bn_sio_session(socket), kick, &told);
    if (strchr(name, 'k'))
        bn_sio_disconnect(socket, "kicked");
    if (strchr(name, 'c'))
        bn_eio_close(bn_sio_session(socket), "closed");
    if (strchr(name, 'e'))
        bn_eio_end(bn_sio_session(socket), "ended");
    for (int i = strchr(name, 'm') ? 50 : 1; i > 0; i--)
        bn_sio_emit(socket, &args);
    if (packet->has_id)
        bn_sio_acknowledge(socket, packet->id, &args);
    (void)bn_sio_ask(socket, &args);
}

static void on_ack(struct bn_sio_socket *socket, uint64_t id, const struct bn_sio_packet *packet)
{
    (void)id;
    assert(!socket->is_over && bn_sio_is_ack(packet));
}

static void on_disconnected(struct bn_sio_socket *socket, const char *why)
{
    assert(socket->is_over && why[0]);
    told++;
}

static void on_drained(struct bn_sio_socket *socket)
{
    assert(!socket->is_over && bn_sio_is_idle(socket));
}

static const struct bn_sio_app app = {on_connect, on_connected, on_event, on_ack, on_disconnected,
        on_drained};

/* --- what is done to it ----------------------------------------------------------------------- */

static struct peer *unused(struct peer *peers)
{
    for (size_t i = 0; i < PEERS; i++)
        if (!peers[i].is_used)
            return &peers[i];
    return NULL;
}

static void do_poll(void)
{
    struct peer *poll = unused(polls);
    if (!poll || bn_eio_has_socket(session))
        return;
    poll->is_used = true;
    if (!bn_eio_poll(session, poll))
        poll->is_used = false;
}

static void hear_body(struct bn_str text)
{
    post.is_used = false;
    if (!bn_eio_post(session, text))
        assert(bn_eio_count(eio) == 0); /* what is no packet ends it */
}

static void do_post(struct bn_str text, bool is_whole)
{
    if (bn_eio_has_socket(session))
        return;
    if (post.is_used && is_whole) { /* the body of the one that began */
        hear_body(text);
        return;
    }
    struct peer other = {.is_used = true};
    struct peer *peer = post.is_used ? &other : &post;
    peer->is_used = true;
    const bool is_good = bn_eio_post_begin(session, peer);
    assert(is_good == (peer == &post));
    if (!is_good || !is_whole)
        return;
    hear_body(text);
}

/* Its body was too large, or its client left. */
static void drop_post(bool is_large)
{
    if (!post.is_used)
        return;
    post.is_used = false;
    if (is_large)
        bn_eio_post_drop(session);
    else
        bn_eio_post_gone(session, &post);
}

static void do_join(void)
{
    struct peer *socket = unused(sockets);
    if (!socket)
        return;
    *socket = (struct peer){.is_used = true};
    if (!bn_eio_join(session, socket))
        socket->is_used = false;
}

static void do_heard(struct bn_str text, bool is_binary)
{
    for (size_t i = 0; i < PEERS && session; i++)
        if (sockets[i].is_used && !sockets[i].is_closed)
            bn_eio_heard(session, &sockets[i], is_binary, text);
}

static void do_gone(void)
{
    for (size_t i = 0; i < PEERS; i++) {
        if (sockets[i].is_used && !sockets[i].is_closed) {
            sockets[i].is_used = false;
            bn_eio_socket_gone(session, &sockets[i]);
            return;
        }
    }
    for (size_t i = 0; i < PEERS; i++) {
        if (polls[i].is_used) {
            polls[i].is_used = false;
            bn_eio_poll_gone(session, &polls[i]);
            return;
        }
    }
}

static void do_drained(void)
{
    for (size_t i = 0; i < PEERS && session; i++) {
        sockets[i].queued = 0;
        if (sockets[i].is_used && !sockets[i].is_closed)
            bn_eio_drained(session, &sockets[i]);
    }
}

static void act(char what, struct bn_str text)
{
    switch (what) {
    case 'g': do_poll(); break;
    case 'p': do_post(text, true); break;
    case 'b': do_post(text, false); break;
    case 'j': do_join(); break;
    case 't': do_heard(text, false); break;
    case '~': do_heard(text, true); break;
    case 'x': do_gone(); break;
    case 'd': do_drained(); break;
    case 'f': bn_eio_flush(eio); break;
    case 'o': drop_post(true); break;
    case 'u': drop_post(false); break;
    default: clock_now.mono_ms += (int64_t)text.len * 10; break;
    }
}

static void begin(bool polls_first)
{
    memset(polls, 0, sizeof polls);
    memset(sockets, 0, sizeof sockets);
    post = (struct peer){0};
    opened = connected = told = 0;
    clock_now = (struct bn_clock){.mono_ms = 1000};
    server = bn_sio_server_create(&(struct bn_sio_config){.app = &app,
            .user = &told,
            .connect_ms = 1000,
            .bytes_max = 3000,
            .packets_ps = 50,
            .packets_burst = 100});
    eio = bn_eio_create(&(struct bn_eio_config){.clock = &clock_now,
            .host = &host,
            .app = &bn_sio_eio_app,
            .user = server,
            .ping_interval_ms = 300,
            .ping_timeout_ms = 200,
            .upgrade_ms = 100,
            .payload_max = 3000,
            .backlog_max = BACKLOG});
    opened = 1;
    sockets[0].is_used = !polls_first;
    session = bn_eio_open(eio, polls_first ? NULL : &sockets[0]);
}

/* A line, as an exact copy: the sanitizer sees what reads beyond it. */
static void act_line(const uint8_t *line, size_t len)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, line, len);
    if (len > 0)
        act(copy[0], (struct bn_str){copy + 1, len - 1});
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    begin(data[0] % 2 == 0);
    for (size_t at = 1; at < size && session;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t len = end ? (size_t)(end - data) - at : size - at;
        act_line(data + at, len);
        at += len + 1;
        if (session && bn_eio_count(eio) == 0) /* it ended: the end of the turn */
            bn_eio_flush(eio);
        if (session) {
            bn_eio_tick(eio);
            bn_sio_server_tick(server, eio);
        }
        if (session && (at % 3 == 0 || bn_eio_count(eio) == 0))
            bn_eio_flush(eio);
    }
    bn_eio_destroy(eio);
    bn_sio_server_destroy(server);
    assert(!session && opened == 0 && told == connected && !post.is_used);
    for (size_t i = 0; i < PEERS; i++)
        assert(!polls[i].is_used && (!sockets[i].is_used || sockets[i].is_closed));
    return 0;
}

/* A way through one session to another server (direct-tcpip, RFC 4254 section 7.2): the bytes of a
   channel and of one end of a socket pair, whose other end is the socket of the next session. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/ssh_private.h"

#define PIECE (32 << 10) /* a packet of the library, at most, and some */

static void watch(struct bn_ssh_tunnel *tunnel)
{
    uint32_t events = 0;
    if (!tunnel->is_open)
        return;
    if (tunnel->out.len > 0)
        events |= EPOLLOUT;
    if (tunnel->in.len == 0 && !tunnel->in_ended)
        events |= EPOLLIN;
    bn_ssh_watch_set(tunnel->from->runner, &tunnel->watch, events);
}

/* The channel's bytes, as many as fit; the rest stays in the library, and the channel's window
   closes. */
static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t len, int is_error,
        void *user)
{
    struct bn_ssh_tunnel *tunnel = user;
    const uint32_t room = (uint32_t)(tunnel->out.max - tunnel->out.len);
    const uint32_t n = is_error ? len : BN_MIN(len, room);
    (void)ssh;
    (void)channel;
    if (!is_error)
        bn_buf_put(&tunnel->out, data, n);
    tunnel->is_left = n < len;
    tunnel->from->moved += n;
    return (int)n;
}

static void read_left(struct bn_ssh_tunnel *tunnel)
{
    const uint32_t room = (uint32_t)(tunnel->out.max - tunnel->out.len);
    char *space = room ? bn_buf_room(&tunnel->out, room) : NULL;
    if (!tunnel->is_left || !space)
        return;
    const int n = ssh_channel_read_nonblocking(tunnel->channel, space, room, 0);
    if (n > 0)
        bn_buf_added(&tunnel->out, (size_t)n);
    tunnel->is_left = n == (int)room;
}

static void pump_out(struct bn_ssh_tunnel *tunnel)
{
    do {
        read_left(tunnel);
        const ssize_t sent = tunnel->out.len ? send(tunnel->watch.fd, tunnel->out.p,
                                                       tunnel->out.len, MSG_DONTWAIT | MSG_NOSIGNAL)
                                             : 0;
        if (sent <= 0)
            return;
        bn_buf_drop(&tunnel->out, (size_t)sent);
    } while (tunnel->is_left);
}

static void pump_in(struct bn_ssh_tunnel *tunnel)
{
    for (int i = 0; i < BN_SSH_PIECES; i++) {
        if (tunnel->in.len == 0 && !tunnel->in_ended) {
            char *space = bn_buf_room(&tunnel->in, PIECE);
            const ssize_t n = recv(tunnel->watch.fd, space, PIECE, MSG_DONTWAIT);
            if (n > 0)
                bn_buf_added(&tunnel->in, (size_t)n);
            tunnel->in_ended = n == 0;
        }
        const size_t len = BN_MIN(tunnel->in.len, (size_t)ssh_channel_window_size(tunnel->channel));
        if (len == 0 || (ssh_get_poll_flags(tunnel->from->ssh) & SSH_WRITE_PENDING))
            return;
        const int n = ssh_channel_write(tunnel->channel, tunnel->in.p, (uint32_t)len);
        if (n <= 0)
            return;
        bn_buf_drop(&tunnel->in, (size_t)n);
    }
    tunnel->from->again = true;
}

/* The far end is shut: the session over it hears that as the end of its connection. */
static void shut(struct bn_ssh_tunnel *tunnel)
{
    if (tunnel->watch.fd >= 0) {
        bn_ssh_watch_set(tunnel->from->runner, &tunnel->watch, 0);
        close(tunnel->watch.fd);
    }
    tunnel->watch.fd = -1;
    tunnel->is_open = false;
}

static void pump(struct bn_ssh_tunnel *tunnel)
{
    pump_in(tunnel);
    pump_out(tunnel);
    if (tunnel->out.len == 0 && !tunnel->is_left &&
            (ssh_channel_is_eof(tunnel->channel) || ssh_channel_is_closed(tunnel->channel)))
        shut(tunnel);
    watch(tunnel);
}

static void ready(struct bn_ssh_watch *of, uint32_t events)
{
    struct bn_ssh_tunnel *tunnel = container_of(of, struct bn_ssh_tunnel, watch);
    (void)events;
    if (tunnel->from->is_over || !tunnel->is_open || bn_ssh_is_blocked(tunnel->from->runner))
        return;
    pump(tunnel);
    bn_ssh_conn_watch(tunnel->from);
}

static void opened(struct bn_ssh_tunnel *tunnel)
{
    int pair[2];
    if (!tunnel->to || tunnel->to->is_over)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        bn_ssh_fail(tunnel->to, BN_SSH_FAULT_RUNNER, "there is no socket for one more session");
        return;
    }
    tunnel->is_open = true;
    tunnel->watch = (struct bn_ssh_watch){.fd = pair[0], .ready = ready};
    bn_ssh_conn_begin(tunnel->to, pair[1]);
    pump(tunnel);
}

static void refused(struct bn_ssh_tunnel *tunnel)
{
    char text[BN_SSH_TEXT_MAX + 1];
    if (!tunnel->to || tunnel->to->is_over)
        return;
    snprintf(text, sizeof text, "the jump host does not connect to %.60s port %d: %.80s",
            tunnel->to->host, tunnel->to->port, ssh_get_error(tunnel->from->ssh));
    bn_ssh_fail(tunnel->to, BN_SSH_FAULT_CHANNEL_REFUSED, text);
}

static void free_tunnel(struct bn_ssh_tunnel *tunnel)
{
    shut(tunnel);
    ssh_remove_channel_callbacks(tunnel->channel, &tunnel->callbacks);
    ssh_channel_free(tunnel->channel);
    bn_list_remove(&tunnel->link);
    bn_buf_finish(&tunnel->out);
    bn_buf_finish(&tunnel->in);
    free(tunnel);
}

void bn_ssh_tunnel_drive(struct bn_ssh_tunnel *tunnel)
{
    if (tunnel->is_open) {
        pump(tunnel);
        return;
    }
    if (tunnel->watch.fd == -1)
        return;
    if (!tunnel->to) { /* nobody wants it any more, but its answer must be heard */
        if (ssh_channel_open_forward(tunnel->channel, "-", 1, "127.0.0.1", 0) != SSH_AGAIN)
            free_tunnel(tunnel);
        return;
    }
    if (tunnel->to->is_over)
        return;
    switch (ssh_channel_open_forward(tunnel->channel, tunnel->to->host, tunnel->to->port,
            "127.0.0.1", 0)) {
    case SSH_OK: opened(tunnel); break;
    case SSH_AGAIN: break;
    default: refused(tunnel);
    }
}

void bn_ssh_tunnel_open(struct bn_ssh_conn *conn, uint32_t via)
{
    struct bn_ssh_conn *from = bn_ssh_find(conn->runner, via);
    if (!from || from->step != BN_SSH_STEP_OPEN) {
        bn_ssh_fail(conn, BN_SSH_FAULT_LOST, "the session to the jump host is no more");
        return;
    }
    struct bn_ssh_tunnel *tunnel = bn_alloc(sizeof *tunnel);
    tunnel->from = from;
    tunnel->to = conn;
    tunnel->channel = ssh_channel_new(from->ssh);
    tunnel->watch = (struct bn_ssh_watch){.fd = -2, .ready = ready}; /* not yet */
    bn_buf_init(&tunnel->out, PIECE);
    bn_buf_init(&tunnel->in, PIECE);
    tunnel->callbacks = (struct ssh_channel_callbacks_struct){.userdata = tunnel,
            .channel_data_function = on_data};
    ssh_callbacks_init(&tunnel->callbacks);
    ssh_set_channel_callbacks(tunnel->channel, &tunnel->callbacks);
    bn_list_append(&from->tunnels, &tunnel->link);
    conn->through = tunnel;
    conn->step = BN_SSH_STEP_TUNNEL;
    bn_ssh_enter(conn, BN_SSH_PHASE_CONNECT, conn->channel_ms);
    bn_ssh_conn_drive(from);
}

/* A channel that is half open stays until its answer came. */
void bn_ssh_tunnel_leave(struct bn_ssh_tunnel *tunnel)
{
    tunnel->to = NULL;
    if (!tunnel->is_open && tunnel->watch.fd == -2)
        return;
    struct bn_ssh_conn *from = tunnel->from;
    free_tunnel(tunnel);
    bn_ssh_conn_watch(from);
}

void bn_ssh_tunnels_close(struct bn_ssh_conn *conn)
{
    bn_list_each_safe(link, next, &conn->tunnels) {
        struct bn_ssh_tunnel *tunnel = container_of(link, struct bn_ssh_tunnel, link);
        if (tunnel->to) {
            tunnel->to->through = NULL;
            if (tunnel->to->step == BN_SSH_STEP_TUNNEL)
                bn_ssh_fail(tunnel->to, BN_SSH_FAULT_LOST,
                        "the session to the jump host ended while it connected");
        }
        free_tunnel(tunnel);
    }
}

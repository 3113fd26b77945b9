#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "io/stream_private.h"

#define BACKLOG      SOMAXCONN /* everybody comes back at once after a restart */
#define ACCEPT_BURST 64 /* connections taken per wake-up, so that the others get their turn */
#define BACKOFF_MS   50 /* after EMFILE, instead of spinning (SECURITY T04) */

struct bn_listener {
    uv_poll_t poll;
    uv_timer_t backoff;
    struct bn_loop *loop;
    struct bn_listener_config config;
    int fd;
    int port;
    int handles_open;
};

static void accept_some(uv_poll_t *handle, int status, int events);

static void try_again(uv_timer_t *handle)
{
    struct bn_listener *listener = container_of(handle, struct bn_listener, backoff);
    uv_poll_start(&listener->poll, UV_READABLE, accept_some);
}

static void address_text(const struct sockaddr_storage *from, char *out, size_t size)
{
    out[0] = 0;
    if (from->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)from)->sin_addr, out,
                (socklen_t)size);
        return;
    }
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(a))
        inet_ntop(AF_INET, a->s6_addr + 12, out, (socklen_t)size);
    else
        inet_ntop(AF_INET6, a, out, (socklen_t)size);
}

static void take_connection(struct bn_listener *listener, int fd,
        const struct sockaddr_storage *from)
{
    struct bn_tls *tls = listener->config.tls ? bn_tls_create(listener->config.tls, fd) : NULL;
    struct bn_stream *stream = tls || !listener->config.tls
                                       ? bn_stream_create(listener->loop, fd, tls)
                                       : NULL;
    if (!stream) {
        bn_tls_destroy(tls);
        close(fd);
        return;
    }
    bn_stream_set_not_tls(stream, listener->config.not_tls);
    char text[INET6_ADDRSTRLEN];
    address_text(from, text, sizeof text);
    bn_stream_set_address(stream, text);
    listener->config.accepted(listener->config.user, stream);
}

/* Errors of the one connection that was to be taken; accept(2) passes on those of its network. */
static bool is_of_the_peer(int error)
{
    static const int ones[] = {ECONNABORTED, EINTR, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
            ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM};
    for (size_t i = 0; i < COUNT(ones); i++)
        if (error == ones[i])
            return true;
    return false;
}

/* Level-triggered: polling on while there are no descriptors would spin (SECURITY T04). */
static void back_off(struct bn_listener *listener)
{
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->backoff, try_again, BACKOFF_MS, 0);
}

static void accept_some(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct bn_listener *listener = container_of(handle, struct bn_listener, poll);
    bn_loop_note_time(handle->loop);
    for (int i = 0; i < ACCEPT_BURST && listener->fd >= 0; i++) {
        struct sockaddr_storage from;
        memset(&from, 0, sizeof from);
        socklen_t len = sizeof from;
        int fd = accept4(listener->fd, (struct sockaddr *)&from, &len,
                SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(listener, fd, &from);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_of_the_peer(errno)) {
            back_off(listener); /* EMFILE, ENFILE, ENOBUFS, ENOMEM */
            return;
        }
    }
}

static int open_socket(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    int off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static bool bind_to(const struct bn_listener_config *config, int *out_fd, struct bn_err *err)
{
    char port[8];
    snprintf(port, sizeof port, "%d", config->port);
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    const char *host = strcmp(config->host, "localhost") == 0 ? "127.0.0.1" : config->host;
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return bn_fail_field(err, "listen",
                "cannot listen on \"%s\": it is not an IP address of this machine", config->host);
    *out_fd = open_socket(found);
    int why = errno;
    freeaddrinfo(found);
    if (*out_fd >= 0)
        return true;
    if (why == EADDRINUSE) {
        char owner[80];
        bn_port_owner(config->port, owner, sizeof owner);
        return bn_fail(err, BN_E_CONFLICT, "port %d is used%s. Try: binnacle serve --listen %s:%d",
                config->port, owner, config->host, config->port + 1);
    }
    return bn_fail(err, BN_E_UNAVAILABLE, "cannot listen on %s port %d: %s", config->host,
            config->port, strerror(why));
}

bool bn_listener_check(const char *host, int port, struct bn_err *err)
{
    struct bn_listener_config config = {.port = port};
    int fd;
    bn_text_clip(config.host, sizeof config.host, bn_str(host));
    if (!bind_to(&config, &fd, err))
        return false;
    close(fd);
    return true;
}

bool bn_listener_open(struct bn_loop *loop, const struct bn_listener_config *config,
        struct bn_listener **out, struct bn_err *err)
{
    struct bn_listener *listener = bn_alloc(sizeof *listener);
    listener->loop = loop;
    listener->config = *config;
    if (!bind_to(config, &listener->fd, err)) {
        free(listener);
        return false;
    }
    int failed = uv_poll_init(bn_loop_uv(loop), &listener->poll, listener->fd);
    if (failed) {
        close(listener->fd);
        free(listener);
        return bn_fail(err, BN_E_UNAVAILABLE, "cannot listen on %s port %d: %s", config->host,
                config->port, uv_strerror(failed));
    }
    if (listener->config.tls)
        bn_tls_config_ref(listener->config.tls);
    struct sockaddr_storage at;
    memset(&at, 0, sizeof at);
    socklen_t len = sizeof at;
    getsockname(listener->fd, (struct sockaddr *)&at, &len);
    listener->port = ntohs(at.ss_family == AF_INET
                                   ? ((struct sockaddr_in *)(void *)&at)->sin_port
                                   : ((struct sockaddr_in6 *)(void *)&at)->sin6_port);
    uv_timer_init(bn_loop_uv(loop), &listener->backoff);
    listener->handles_open = 2;
    uv_poll_start(&listener->poll, UV_READABLE, accept_some);
    *out = listener;
    return true;
}

static void poll_closed(uv_handle_t *handle)
{
    struct bn_listener *listener = container_of(handle, struct bn_listener, poll);
    if (--listener->handles_open == 0)
        free(listener);
}

static void backoff_closed(uv_handle_t *handle)
{
    struct bn_listener *listener = container_of(handle, struct bn_listener, backoff);
    if (--listener->handles_open == 0)
        free(listener);
}

void bn_listener_close(struct bn_listener *listener)
{
    if (!listener)
        return;
    bn_tls_config_unref(listener->config.tls);
    uv_poll_stop(&listener->poll);
    close(listener->fd);
    listener->fd = -1; /* accepted() may close it: the number may be another's by the next accept */
    uv_close((uv_handle_t *)&listener->poll, poll_closed);
    uv_close((uv_handle_t *)&listener->backoff, backoff_closed);
}

int bn_listener_port(const struct bn_listener *listener)
{
    return listener->port;
}

void bn_listener_set_tls(struct bn_listener *listener, struct bn_tls_config *tls)
{
    bn_tls_config_unref(listener->config.tls);
    listener->config.tls = bn_tls_config_ref(tls);
}

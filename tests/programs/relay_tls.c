/* relay_tls: the least a relay that speaks TLS on both sides can do: one epoll loop, one buffer
   each way, OpenSSL and no words. `relay_tls PORT CERT KEY` listens on any port, says which, and
   calls PORT without judging whom it meets. The suites are those that Binnacle and Proxmox VE agree
   on. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (64 << 10)

struct end {
    int fd;
    SSL *ssl;
    struct end *other;
    bool is_blocked; /* the kernel takes no more here */
    bool is_over;
    size_t from, to; /* of what waits to be sent here */
    char waits[BUFFER];
};

static int epoll_fd;
static SSL_CTX *near_ctx;
static SSL_CTX *far_ctx;

static void watch(struct end *end, int op)
{
    struct epoll_event event = {.data.ptr = end};
    event.events = end->is_blocked ? EPOLLOUT : 0;
    if (end->other->to == end->other->from) /* what came has gone on */
        event.events |= EPOLLIN;
    epoll_ctl(epoll_fd, op, end->fd, &event);
}

/* Handshakes wait: a bench opens one connection after the other. */
static struct end *end_of(int fd, SSL_CTX *ctx, int (*shake)(SSL *ssl))
{
    struct end *end = calloc(1, sizeof *end);
    int on = 1;
    if (!end)
        abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    end->fd = fd;
    end->ssl = SSL_new(ctx);
    SSL_set_fd(end->ssl, fd);
    end->is_over = shake(end->ssl) != 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return end;
}

/* The pair stays in memory: this program lives as long as one bench. */
static void hang_up(struct end *end)
{
    close(end->fd);
    close(end->other->fd);
    end->is_over = end->other->is_over = true;
}

static void take(int listener, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
            .sin_port = htons((uint16_t)port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int near = accept(listener, NULL, NULL);
    int far = socket(AF_INET, SOCK_STREAM, 0);
    if (near < 0 || far < 0 || connect(far, (struct sockaddr *)&to, sizeof to) != 0)
        exit(1);
    struct end *a = end_of(near, near_ctx, SSL_accept);
    struct end *b = end_of(far, far_ctx, SSL_connect);
    a->other = b;
    b->other = a;
    if (a->is_over || b->is_over) {
        hang_up(a);
        return;
    }
    watch(a, EPOLL_CTL_ADD);
    watch(b, EPOLL_CTL_ADD);
}

/* False: it broke. */
static bool hand_over(struct end *to)
{
    while (to->from < to->to) {
        const int n = SSL_write(to->ssl, to->waits + to->from, (int)(to->to - to->from));
        to->is_blocked = n <= 0;
        if (n <= 0)
            return SSL_get_error(to->ssl, n) == SSL_ERROR_WANT_WRITE;
        to->from += (size_t)n;
    }
    to->from = to->to = 0;
    return true;
}

/* From one end to the other until there is nothing, or no room. */
static bool pump(struct end *from)
{
    struct end *to = from->other;
    for (;;) {
        if (!hand_over(to))
            return false;
        if (to->to > 0)
            return true;
        int n = 1;
        while (n > 0 && to->to < BUFFER) { /* a call gives one record at most */
            n = SSL_read(from->ssl, to->waits + to->to, (int)(BUFFER - to->to));
            if (n > 0)
                to->to += (size_t)n;
        }
        if (n <= 0 && SSL_get_error(from->ssl, n) != SSL_ERROR_WANT_READ)
            return false;
        if (to->to == 0)
            return true;
    }
}

static void turn(struct end *end)
{
    if (end->is_over)
        return;
    if (!pump(end) || !pump(end->other)) {
        hang_up(end);
        return;
    }
    watch(end, EPOLL_CTL_MOD);
    watch(end->other, EPOLL_CTL_MOD);
}

static bool prepare(const char *cert, const char *key)
{
    near_ctx = SSL_CTX_new(TLS_server_method());
    far_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(near_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_mode(far_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return SSL_CTX_use_certificate_chain_file(near_ctx, cert) == 1 &&
           SSL_CTX_use_PrivateKey_file(near_ctx, key, SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_set_ciphersuites(far_ctx, "TLS_AES_128_GCM_SHA256") == 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    struct epoll_event event = {.events = EPOLLIN};
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    epoll_fd = epoll_create1(0);
    signal(SIGPIPE, SIG_IGN);
    if (argc != 4 || !prepare(argv[2], argv[3]) ||
            bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 64) != 0 ||
            getsockname(listener, (struct sockaddr *)&at, &size) != 0 ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0)
        return 1;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        const int n = epoll_wait(epoll_fd, &event, 1, -1);
        if (n == 1 && !event.data.ptr)
            take(listener, (int)strtol(argv[1], NULL, 10));
        else if (n == 1)
            turn(event.data.ptr);
    }
}

/*
 * raw_broadcast: the least a broadcast to WebSocket clients can cost; BYTES HZ on the command line.
 *
 * One ready frame, one send() per client and tick, over epoll. Handshakes are answered with the
 * fixed accept key of RFC 6455's example; what clients say is read and forgotten. Prints `port N`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/base.h"

#include "flags.h"
#include "wire/ws.h"

#define FDS_MAX    65536
#define EVENTS_MAX 256

static const char welcome[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static int clients[FDS_MAX]; /* those that are heard, dense */
static int place[FDS_MAX];   /* of a descriptor among them, and 1; 0: not yet */
static int client_count;
static char frame[65536];
static size_t frame_len;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int ep, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
}

static void forget(int fd)
{
    if (place[fd]) {
        int last = clients[--client_count];
        clients[place[fd] - 1] = last;
        place[last] = place[fd];
        place[fd] = 0;
    }
    close(fd);
}

static void accept_all(int ep, int listener)
{
    for (;;) {
        int on = 1;
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(ep, fd);
    }
}

static void hear(int fd)
{
    char scratch[65536];
    ssize_t n = recv(fd, scratch, sizeof scratch, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        forget(fd);
        return;
    }
    if (place[fd] || n < 4 || memcmp(scratch + n - 4, "\r\n\r\n", 4) != 0)
        return;
    if (send(fd, welcome, sizeof welcome - 1, MSG_NOSIGNAL) < 0)
        return;
    clients[client_count++] = fd;
    place[fd] = client_count;
}

static void broadcast(int timer)
{
    uint64_t ticks;
    if (read(timer, &ticks, sizeof ticks) < 0)
        return;
    for (int i = 0; i < client_count; i++)
        (void)!send(clients[i], frame, frame_len, MSG_NOSIGNAL);
}

static int open_listener(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
            getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        fail("listen");
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    int64_t bytes;
    int64_t hz;
    if (argc != 3 || !bn_parse_i64(bn_str(argv[1]), 1, 65000, &bytes) ||
            !bn_parse_i64(bn_str(argv[2]), 1, 1000, &hz)) {
        fprintf(stderr, "usage: raw_broadcast BYTES HZ\n");
        return 2;
    }
    struct rlimit files = {.rlim_cur = 0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    frame_len = bn_ws_header((uint8_t *)frame, BN_WS_TEXT, false, (uint64_t)bytes, NULL);
    memset(frame + frame_len, 'x', (size_t)bytes);
    frame_len += (size_t)bytes;
    int ep = epoll_create1(EPOLL_CLOEXEC);
    int listener = open_listener();
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct timespec every = {hz == 1, hz == 1 ? 0 : 1000000000 / hz};
    timerfd_settime(timer, 0, &(struct itimerspec){every, every}, NULL);
    watch(ep, listener);
    watch(ep, timer);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(ep, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                accept_all(ep, listener);
            else if (events[i].data.fd == timer)
                broadcast(timer);
            else
                hear(events[i].data.fd);
        }
    }
}

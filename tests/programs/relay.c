/* relay: the least a relay can do: bytes from one TCP connection to another and back, with an epoll
   loop, one buffer and no words. `relay PORT` listens on any port, says which, and calls PORT. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (64 << 10)

struct end {
    int fd;
    struct end *other;
    size_t from, to; /* of what waits to be sent here */
    char waits[BUFFER];
};

static int epoll_fd;

static void watch(struct end *end, int op)
{
    struct epoll_event event = {.data.ptr = end};
    event.events = end->to > end->from ? EPOLLOUT : 0;
    if (end->other->to == end->other->from) /* what came has gone on */
        event.events |= EPOLLIN;
    epoll_ctl(epoll_fd, op, end->fd, &event);
}

static struct end *end_of(int fd)
{
    struct end *end = calloc(1, sizeof *end);
    int on = 1;
    if (!end)
        abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    end->fd = fd;
    return end;
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
    struct end *a = end_of(near);
    struct end *b = end_of(far);
    a->other = b;
    b->other = a;
    watch(a, EPOLL_CTL_ADD);
    watch(b, EPOLL_CTL_ADD);
}

static void hand_over(struct end *to)
{
    const ssize_t n = send(to->fd, to->waits + to->from, to->to - to->from,
            MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        to->from += (size_t)n;
    if (to->from == to->to)
        to->from = to->to = 0;
}

/* The pair stays in memory: this program lives as long as one bench. */
static void hang_up(struct end *end)
{
    close(end->fd);
    close(end->other->fd);
}

static void turn(struct end *end, uint32_t events)
{
    struct end *other = end->other;
    if (events & EPOLLOUT)
        hand_over(end);
    if (events & EPOLLIN) {
        const ssize_t n = recv(end->fd, other->waits, BUFFER, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            hang_up(end);
            return;
        }
        if (n > 0) {
            other->to = (size_t)n;
            hand_over(other);
        }
    }
    watch(end, EPOLL_CTL_MOD);
    watch(other, EPOLL_CTL_MOD);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    struct epoll_event event = {.events = EPOLLIN};
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    epoll_fd = epoll_create1(0);
    if (argc != 2 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
            listen(listener, 64) != 0 ||
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
            turn(event.data.ptr, event.events);
    }
}

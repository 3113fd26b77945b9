/* The fortified forms of what is made up here would stand in its way. */
#undef _FORTIFY_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "bn_test.h"
#include "io/socket_table.h"

#define PAIRS   40
#define MADE_UP __attribute__((visibility("default")))

/* What the kernel answers, where the test says it. */
static bool is_made_up;
static int socket_error;
static int send_error;
static char answers[4][512]; /* of the answer, in the order they are read */
static size_t piece_len[4];
static size_t piece_at;

MADE_UP int socket(int domain, int type, int protocol)
{
    errno = socket_error;
    return socket_error ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

MADE_UP ssize_t send(int fd, const void *p, size_t len, int flags)
{
    errno = send_error;
    if (!is_made_up)
        return syscall(SYS_sendto, fd, p, len, flags, NULL, 0);
    return send_error ? -1 : (ssize_t)len;
}

MADE_UP ssize_t recv(int fd, void *p, size_t len, int flags)
{
    if (!is_made_up)
        return syscall(SYS_recvfrom, fd, p, len, flags, NULL, NULL);
    size_t n = piece_at < COUNT(answers) ? piece_len[piece_at] : 0;
    errno = EAGAIN;
    if (n == 0)
        return -1;
    memcpy(p, answers[piece_at++], n);
    return (ssize_t)n;
}

enum { ESTABLISHED = 1, CLOSE_WAIT = 8, LISTEN = 10 };

/* All states at once; false where this sandbox does not let us ask. */
static bool count(struct bn_socket_table *table, int pieces, uint64_t counts[BN_SOCKET_STATES])
{
    bool more = true;
    if (!bn_socket_table_begin(table, NULL))
        return false;
    while (more)
        if (!bn_socket_table_step(table, pieces, &more, counts, NULL))
            return false;
    return true;
}

static int listen_on(int family, void *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_INT(bind(fd, address, len), 0);
    CHECK_INT(listen(fd, PAIRS), 0);
    CHECK_INT(getsockname(fd, address, &len), 0);
    return fd;
}

BN_TEST(connections_of_both_families_are_counted_by_state)
{
    uint64_t before[BN_SOCKET_STATES];
    uint64_t after[BN_SOCKET_STATES];
    struct bn_socket_table *table;
    if (!bn_socket_table_open(&table, NULL))
        skip();
    if (!count(table, 1, before)) {
        bn_socket_table_close(table);
        skip();
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int servers[2] = {listen_on(AF_INET, &in, sizeof in), listen_on(AF_INET6, &in6, sizeof in6)};
    int fds[2][PAIRS][2];
    for (int f = 0; f < 2; f++)
        for (int i = 0; i < PAIRS; i++) {
            int *pair = fds[f][i];
            pair[0] = socket(f ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            CHECK_INT(f ? connect(pair[0], (struct sockaddr *)&in6, sizeof in6)
                        : connect(pair[0], (struct sockaddr *)&in, sizeof in),
                    0);
            pair[1] = accept(servers[f], NULL, NULL);
            CHECK(pair[1] >= 0);
        }
    CHECK(count(table, 2, after));
    /* Others on this machine may come and go meanwhile; 160 are ours. */
    CHECK(after[ESTABLISHED] >= before[ESTABLISHED] / 2 + 4 * PAIRS);
    CHECK(after[LISTEN] >= 2);
    uint64_t waiting = after[CLOSE_WAIT];
    for (int i = 0; i < PAIRS; i++)
        shutdown(fds[0][i][0], SHUT_WR);
    CHECK(count(table, 1000, after));
    CHECK(after[CLOSE_WAIT] >= waiting / 2 + PAIRS);
    for (int f = 0; f < 2; f++)
        for (int i = 0; i < PAIRS; i++) {
            close(fds[f][i][0]);
            close(fds[f][i][1]);
        }
    close(servers[0]);
    close(servers[1]);
    bn_socket_table_close(table);
}

BN_TEST(a_count_begun_anew_forgets_the_unfinished_one)
{
    uint64_t counts[BN_SOCKET_STATES];
    struct bn_socket_table *table;
    bool more;
    if (!bn_socket_table_open(&table, NULL))
        skip();
    for (int i = 0; i < 3; i++)
        if (!bn_socket_table_begin(table, NULL) ||
                !bn_socket_table_step(table, 1, &more, counts, NULL)) {
            bn_socket_table_close(table);
            skip();
        }
    CHECK(count(table, 3, counts));
    CHECK_INT(counts[0], 0);
    bn_socket_table_close(table);
    bn_socket_table_close(NULL);
}

/* --- answers the kernel does not give of its own accord ----------------------------------------
 */

static void answer_begin(struct bn_socket_table **out)
{
    struct bn_err err;
    socket_error = 0;
    if (!bn_socket_table_open(out,
                &err)) { /* no such sockets here: any will do, nothing is asked */
        is_made_up = false;
        skip();
    }
    is_made_up = true;
    send_error = 0;
    piece_at = 0;
    memset(piece_len, 0, sizeof piece_len);
    CHECK(bn_socket_table_begin(*out, &err));
}

static void answer_end(struct bn_socket_table *table)
{
    is_made_up = false;
    bn_socket_table_close(table);
}

/* One message of the answer; state 0: a message without a row. */
static void put_row(size_t piece, uint32_t turn, uint16_t type, uint8_t state)
{
    struct nlmsghdr head = {.nlmsg_len = NLMSG_LENGTH(state ? sizeof(struct inet_diag_msg) : 4),
            .nlmsg_type = type,
            .nlmsg_seq = turn};
    struct inet_diag_msg row = {.idiag_state = state};
    char *at = answers[piece] + piece_len[piece];
    memset(at, 0, NLMSG_ALIGN(head.nlmsg_len));
    memcpy(at, &head, sizeof head);
    if (state)
        memcpy(at + NLMSG_HDRLEN, &row, sizeof row);
    piece_len[piece] += NLMSG_ALIGN(head.nlmsg_len);
}

BN_TEST(only_rows_of_this_answer_are_counted)
{
    struct bn_socket_table *table;
    uint64_t counts[BN_SOCKET_STATES];
    bool more;
    answer_begin(&table);
    put_row(0, 1, TCPDIAG_GETSOCK, ESTABLISHED);
    put_row(0, 9, TCPDIAG_GETSOCK, ESTABLISHED); /* of another question */
    put_row(0, 1, NLMSG_NOOP, ESTABLISHED);
    put_row(0, 1, TCPDIAG_GETSOCK, 0);  /* too short for a row */
    put_row(0, 1, TCPDIAG_GETSOCK, 99); /* a state nobody knows */
    put_row(1, 1, TCPDIAG_GETSOCK, LISTEN);
    put_row(1, 1, NLMSG_DONE, 0);
    CHECK(bn_socket_table_step(table, 1, &more, counts, NULL));
    CHECK(more);
    CHECK(bn_socket_table_step(table, 5, &more, counts, NULL));
    CHECK(!more);
    uint64_t all = 0;
    for (size_t i = 0; i < BN_SOCKET_STATES; i++)
        all += counts[i];
    CHECK_INT(all, 2);
    CHECK_INT(counts[ESTABLISHED], 1);
    CHECK_INT(counts[LISTEN], 1);
    answer_end(table);
}

BN_TEST(an_answer_that_is_refused_or_breaks_off_is_said_and_not_counted)
{
    struct bn_socket_table *table;
    struct bn_err err;
    uint64_t counts[BN_SOCKET_STATES] = {7};
    bool more;
    answer_begin(&table);
    put_row(0, 1, NLMSG_ERROR, 0);
    CHECK(!bn_socket_table_step(table, 5, &more, counts, &err));
    CHECK_STR(err.text, "the kernel does not list TCP connections");
    answer_end(table);
    answer_begin(&table);
    put_row(0, 1, TCPDIAG_GETSOCK, LISTEN);
    CHECK(!bn_socket_table_step(table, 5, &more, counts, &err));
    CHECK_STR(err.text, "socket diagnostics broke off: Resource temporarily unavailable");
    CHECK_INT(counts[0], 7);
    send_error = ENOBUFS;
    CHECK(!bn_socket_table_begin(table, &err));
    CHECK_STR(err.text, "socket diagnostics refused: No buffer space available");
    answer_end(table);
}

BN_TEST(where_the_kernel_has_no_such_sockets_that_is_said)
{
    struct bn_socket_table *table;
    struct bn_err err;
    socket_error = EPROTONOSUPPORT;
    CHECK(!bn_socket_table_open(&table, &err));
    socket_error = 0;
    CHECK_STR(err.text, "no socket diagnostics here: Protocol not supported");
}

BN_TEST_MAIN()

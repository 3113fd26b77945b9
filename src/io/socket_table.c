#include "io/socket_table.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills no more than 32 KiB at a time however much room there is. */
#define PIECE_BYTES (32 << 10)

#define ALL_STATES ((1U << BN_SOCKET_STATES) - 2)

struct bn_socket_table {
    int fd;
    bool is_asked; /* an answer is being read */
    uint32_t turn; /* number of the question, which its answers carry */
    uint64_t counts[BN_SOCKET_STATES];
    _Alignas(struct nlmsghdr) char piece[PIECE_BYTES];
};

bool bn_socket_table_open(struct bn_socket_table **out, struct bn_err *err)
{
    /* Answers to a dump are made while they are read, so reading never waits for anybody else. */
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return bn_fail(err, BN_E_UNAVAILABLE, "no socket diagnostics here: %s", strerror(errno));
    struct bn_socket_table *table = bn_alloc(sizeof *table);
    table->fd = fd;
    *out = table;
    return true;
}

void bn_socket_table_close(struct bn_socket_table *table)
{
    if (!table)
        return;
    close(table->fd);
    free(table);
}

/* The older form of the question (TCPDIAG_GETSOCK) is the one that answers for IPv4 and IPv6 in one
   walk through the kernel's table; that walk is the cost while connections are few: 0.5 ms for a
   table of 262,144 places. */
static bool ask(struct bn_socket_table *table, struct bn_err *err)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req want;
    } question = {
            .head = {.nlmsg_len = sizeof question,
                    .nlmsg_type = TCPDIAG_GETSOCK,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                    .nlmsg_seq = ++table->turn},
            .want = {.idiag_family = AF_INET, .idiag_states = ALL_STATES},
    };

    if (send(table->fd, &question, sizeof question, 0) != (ssize_t)sizeof question)
        return bn_fail(err, BN_E_UNAVAILABLE, "socket diagnostics refused: %s", strerror(errno));
    table->is_asked = true;
    return true;
}

/* A new question is refused while an old answer is unread. */
static void drain(struct bn_socket_table *table)
{
    while (recv(table->fd, table->piece, sizeof table->piece, 0) > 0)
        ;
}

bool bn_socket_table_begin(struct bn_socket_table *table, struct bn_err *err)
{
    if (table->is_asked)
        drain(table);
    table->is_asked = false;
    memset(table->counts, 0, sizeof table->counts);
    return ask(table, err);
}

/* Counts the rows of one piece. */
static bool read_piece(struct bn_socket_table *table, size_t len, bool *out_done,
        struct bn_err *err)
{
    *out_done = false;
    for (struct nlmsghdr *head = (struct nlmsghdr *)(void *)table->piece; NLMSG_OK(head, len);
            head = NLMSG_NEXT(head, len)) {
        struct inet_diag_msg row;
        if (head->nlmsg_seq != table->turn)
            continue;
        if (head->nlmsg_type == NLMSG_DONE) {
            *out_done = true;
            return true;
        }
        if (head->nlmsg_type == NLMSG_ERROR)
            return bn_fail(err, BN_E_UNAVAILABLE, "the kernel does not list TCP connections");
        if (head->nlmsg_type != TCPDIAG_GETSOCK || head->nlmsg_len < NLMSG_LENGTH(sizeof row))
            continue;
        memcpy(&row, NLMSG_DATA(head), sizeof row);
        if (row.idiag_state < BN_SOCKET_STATES)
            table->counts[row.idiag_state]++;
    }
    return true;
}

bool bn_socket_table_step(struct bn_socket_table *table, int pieces, bool *out_more,
        uint64_t counts[BN_SOCKET_STATES], struct bn_err *err)
{
    for (; pieces > 0 && table->is_asked; pieces--) {
        bool done;
        ssize_t n = recv(table->fd, table->piece, sizeof table->piece, 0);
        if (n <= 0) {
            table->is_asked = false;
            return bn_fail(err, BN_E_UNAVAILABLE, "socket diagnostics broke off: %s",
                    n < 0 ? strerror(errno) : "no answer");
        }
        if (!read_piece(table, (size_t)n, &done, err)) {
            table->is_asked = false;
            return false;
        }
        table->is_asked = !done;
    }
    *out_more = table->is_asked;
    if (!*out_more)
        memcpy(counts, table->counts, sizeof table->counts);
    return true;
}

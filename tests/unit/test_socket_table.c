#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "bn_test.h"
#include "io/socket_table.h"

#define PAIRS 40

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

BN_TEST_MAIN()

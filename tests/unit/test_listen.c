/* Taking connections when the kernel does not give them: what it answers is the test's where that
   cannot be brought about. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "io/stream_private.h"
#include "tls_peer.h"

#define MADE_UP __attribute__((visibility("default")))

static int accept_errors[8]; /* in the order they are answered; 0: the kernel answers */
static size_t accept_count;
static bool watches_no_more;
static bool makes_no_ssl;

MADE_UP int accept4(int fd, __SOCKADDR_ARG from, socklen_t *len, int flags)
{
    int error = accept_count < COUNT(accept_errors) ? accept_errors[accept_count] : 0;
    accept_count++;
    errno = error;
    return error ? -1 : (int)syscall(SYS_accept4, fd, from.__sockaddr__, len, flags);
}

MADE_UP int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    errno = ENOSPC;
    return watches_no_more && op == EPOLL_CTL_ADD
                   ? -1
                   : (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

MADE_UP SSL *SSL_new(SSL_CTX *ctx)
{
    SSL *(*real)(SSL_CTX *);
    *(void **)&real = dlsym(RTLD_NEXT, "SSL_new");
    return makes_no_ssl ? NULL : real(ctx);
}

static const char *hidden; /* no file or folder whose path begins so can be opened */

static bool is_hidden(const char *path)
{
    errno = EACCES;
    return hidden && strncmp(path, hidden, strlen(hidden)) == 0;
}

MADE_UP FILE *fopen(const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    return is_hidden(path) ? NULL : real(path, mode);
}

MADE_UP DIR *opendir(const char *path)
{
    DIR *(*real)(const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    return is_hidden(path) ? NULL : real(path);
}

/* --- a listener and how many came
 * ----------------------------------------------------------------------------------- */

struct door {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_listener *listener;
    int came;
    char address[64];
};

static void let_in(void *user, struct bn_stream *stream)
{
    struct door *door = user;
    door->came++;
    snprintf(door->address, sizeof door->address, "%s", bn_stream_address(stream));
    bn_stream_abort(stream);
}

static bool door_open_at(struct door *door, const char *host, struct bn_tls_config *tls)
{
    struct bn_err err;
    struct bn_listener_config config = {.tls = tls, .accepted = let_in, .user = door};
    snprintf(config.host, sizeof config.host, "%s", host);
    memset(door, 0, sizeof *door);
    accept_count = 0;
    memset(accept_errors, 0, sizeof accept_errors);
    CHECK(bn_loop_create(&door->loop, &door->clock, &err));
    return bn_listener_open(door->loop, &config, &door->listener, &err);
}

static void door_open(struct door *door)
{
    CHECK(door_open_at(door, "127.0.0.1", NULL));
}

static void door_close(struct door *door)
{
    bn_listener_close(door->listener);
    bn_loop_destroy(door->loop);
}

static void wait_for(struct door *door, int came)
{
    int64_t begun_ms = door->clock.mono_ms;
    while (door->came < came && door->clock.mono_ms - begun_ms < WAIT_MS)
        bn_loop_round(door->loop, 20, NULL, NULL);
    CHECK_INT(door->came, came);
}

static uint64_t turns_in(struct door *door, int64_t ms)
{
    struct bn_loop_stats before;
    struct bn_loop_stats after;
    bn_loop_get_stats(door->loop, &before);
    int64_t until_ns = bn_clock_mono_ns() + ms * 1000000;
    while (bn_clock_mono_ns() < until_ns)
        bn_loop_round(door->loop, ms, NULL, NULL);
    bn_loop_get_stats(door->loop, &after);
    return after.turns - before.turns;
}

BN_TEST(without_descriptors_the_listener_backs_off_and_takes_them_when_there_are_some)
{
    struct door door;
    struct rlimit limit;
    door_open(&door);
    int fd = dial(bn_listener_port(door.listener));
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit none = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    uint64_t turns = turns_in(&door, 300);
    setrlimit(RLIMIT_NOFILE, &limit);
    CHECK(turns < 30); /* one each 50 ms, and its timer */
    CHECK_INT(door.came, 0);
    wait_for(&door, 1);
    close(fd);
    door_close(&door);
}

BN_TEST(a_listener_that_backs_off_can_be_closed)
{
    struct door door;
    door_open(&door);
    accept_errors[0] = EMFILE;
    int fd = dial(bn_listener_port(door.listener));
    bn_loop_round(door.loop, 100, NULL, NULL);
    CHECK_INT(accept_count, 1);
    door_close(&door);
    close(fd);
}

BN_TEST(an_error_of_one_connection_is_no_reason_to_keep_the_next_waiting)
{
    static const int errors[] = {ECONNABORTED, EINTR, EPROTO, ENETUNREACH, EPERM};
    struct door door;
    door_open(&door);
    for (size_t i = 0; i < COUNT(errors); i++)
        accept_errors[i] = errors[i];
    int fd = dial(bn_listener_port(door.listener));
    bn_loop_round(door.loop, 100, NULL, NULL);
    CHECK_INT(door.came, 1); /* in the same wake-up */
    close(fd);
    door_close(&door);
}

BN_TEST(an_error_of_the_system_makes_the_listener_wait_once_for_each)
{
    static const int errors[] = {ENFILE, ENOBUFS, ENOMEM, EBADF};
    struct door door;
    door_open(&door);
    for (size_t i = 0; i < COUNT(errors); i++)
        accept_errors[i] = errors[i];
    int fd = dial(bn_listener_port(door.listener));
    int64_t begun_ns = bn_clock_mono_ns();
    wait_for(&door, 1);
    CHECK(bn_clock_mono_ns() - begun_ns >= 4 * 45000000);
    close(fd);
    door_close(&door);
}

static void let_in_and_close(void *user, struct bn_stream *stream)
{
    struct door *door = user;
    let_in(user, stream);
    bn_listener_close(door->listener);
    door->listener = NULL;
}

BN_TEST(a_listener_may_be_closed_by_who_it_lets_in)
{
    struct door door = {0};
    struct bn_listener_config config = {.host = "127.0.0.1",
            .accepted = let_in_and_close,
            .user = &door};
    CHECK(bn_loop_create(&door.loop, &door.clock, NULL));
    CHECK(bn_listener_open(door.loop, &config, &door.listener, NULL));
    int fds[2] = {dial(bn_listener_port(door.listener)), dial(bn_listener_port(door.listener))};
    accept_count = 0;
    memset(accept_errors, 0, sizeof accept_errors);
    bn_loop_round(door.loop, 100, NULL, NULL);
    CHECK_INT(door.came, 1);
    CHECK_INT(accept_count, 1);
    close(fds[0]);
    close(fds[1]);
    bn_loop_destroy(door.loop);
}

BN_TEST(a_crowd_is_taken_in_bursts)
{
    struct door door;
    int fds[100];
    door_open(&door);
    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = dial(bn_listener_port(door.listener));
    bn_loop_round(door.loop, 100, NULL, NULL);
    CHECK_INT(door.came, 64); /* then the others get their turn */
    wait_for(&door, COUNT(fds));
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    door_close(&door);
}

BN_TEST(a_connection_the_kernel_will_not_watch_is_closed)
{
    struct door door;
    char byte;
    door_open(&door);
    bn_loop_round(door.loop, 0, NULL, NULL);
    int fd = dial(bn_listener_port(door.listener));
    watches_no_more = true;
    bn_loop_round(door.loop, 100, NULL, NULL);
    watches_no_more = false;
    CHECK_INT(accept_count, 2);
    CHECK_INT(read(fd, &byte, 1), 0);
    CHECK_INT(door.came, 0);
    close(fd);
    door_close(&door);
}

BN_TEST(a_listener_the_kernel_will_not_watch_is_refused_with_a_sentence)
{
    struct door door;
    struct bn_err err;
    struct bn_listener *second;
    door_open(&door);
    bn_loop_round(door.loop, 0, NULL, NULL);
    watches_no_more = true;
    CHECK(!bn_listener_open(door.loop, &(struct bn_listener_config){.host = "127.0.0.1"}, &second,
            &err));
    watches_no_more = false;
    CHECK_STR(err.text, "cannot listen on 127.0.0.1 port 0: no space left on device");
    door_close(&door);
}

BN_TEST(a_connection_openssl_has_no_memory_for_is_closed)
{
    struct door door;
    char byte;
    struct bn_tls_config *tls = make_config("a.pem", "a.key");
    CHECK(door_open_at(&door, "127.0.0.1", tls));
    bn_tls_config_unref(tls);
    int fd = dial(bn_listener_port(door.listener));
    makes_no_ssl = true;
    bn_loop_round(door.loop, 100, NULL, NULL);
    makes_no_ssl = false;
    CHECK_INT(read(fd, &byte, 1), 0);
    CHECK_INT(door.came, 0);
    close(fd);
    fd = dial(bn_listener_port(door.listener));
    wait_for(&door, 1);
    close(fd);
    door_close(&door);
}

BN_TEST(localhost_is_127_0_0_1)
{
    struct door door;
    CHECK(door_open_at(&door, "localhost", NULL));
    int fd = dial(bn_listener_port(door.listener));
    wait_for(&door, 1);
    CHECK_STR(door.address, "127.0.0.1");
    close(fd);
    door_close(&door);
}

BN_TEST(who_comes_by_ipv4_to_an_ipv6_listener_has_an_ipv4_address)
{
    struct door door;
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (!door_open_at(&door, "::", NULL)) {
        bn_loop_destroy(door.loop);
        skip(); /* no IPv6 here */
    }
    int fd = dial(bn_listener_port(door.listener));
    wait_for(&door, 1);
    CHECK_STR(door.address, "127.0.0.1");
    int fd6 = socket(AF_INET6, SOCK_STREAM, 0);
    at.sin6_port = htons((uint16_t)bn_listener_port(door.listener));
    CHECK_INT(connect(fd6, (struct sockaddr *)&at, sizeof at), 0);
    wait_for(&door, 2);
    CHECK_STR(door.address, "::1");
    char owner[80];
    bn_port_owner(bn_listener_port(door.listener), owner, sizeof owner); /* in /proc/net/tcp6 */
    assert_non_null(strstr(owner, "(unit_test_liste)"));
    close(fd);
    close(fd6);
    door_close(&door);
}

BN_TEST(a_port_nobody_listens_on_has_no_owner)
{
    struct door door;
    char owner[80] = "x";
    door_open(&door);
    int port = bn_listener_port(door.listener);
    door_close(&door);
    bn_port_owner(port, owner, sizeof owner);
    CHECK_STR(owner, "");
    bn_listener_close(NULL);
}

BN_TEST(an_owner_the_system_hides_is_not_guessed)
{
    struct door door;
    char own_fds[40];
    char own_name[40];
    char name_only[64];
    snprintf(own_fds, sizeof own_fds, "/proc/%d/fd", (int)getpid());
    snprintf(own_name, sizeof own_name, "/proc/%d/comm", (int)getpid());
    snprintf(name_only, sizeof name_only, " by pid %d ()", (int)getpid());
    const char *const cases[][2] = {{"/proc/net/tcp", ""}, {"/proc", ""}, {own_fds, ""},
            {own_name, name_only}};
    door_open(&door);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char owner[80] = "x";
        hidden = cases[i][0];
        bn_port_owner(bn_listener_port(door.listener), owner, sizeof owner);
        hidden = NULL;
        CHECK_STR(owner, cases[i][1]);
    }
    door_close(&door);
}

BN_TEST(the_folder_is_removed)
{
    static const char *const names[] = {"a.key", "a.pem", "b.key", "b.pem", "log"};
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(in_folder(names[i]));
    CHECK_INT(rmdir(folder), 0);
}

BN_TEST_MAIN()

#include "io/ssh_runner.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"

#include "io/ssh_confine.h"
#include "io/ssh_private.h"

#define LOOK_MS     100 /* limits of time are looked at so often */
#define EVENTS_ONCE 64
#define FRAMES_ONCE 64

#if BN_SSH_SANITIZED
#if defined __SANITIZE_THREAD__
#define has_leaks() false
#else
int __lsan_do_recoverable_leak_check(void);
#define has_leaks() (__lsan_do_recoverable_leak_check() != 0)
#endif
#else
#define has_leaks() false
#endif

struct waiting {
    struct waiting *next;
    size_t len;
    char bytes[];
};

struct bn_ssh_runner {
    struct bn_ssh_watch control;
    int epoll;
    struct bn_ssh_conn *conns; /* by id */
    bool has_dead;
    bool is_over;
    int64_t now_mono_ms;
    int64_t look_mono_ms;
    struct waiting *first, **last; /* what the server has not taken yet */
    struct bn_buf out;
    char in[BN_SSH_FRAME_MAX];
    char space[BN_SSH_DATA_MAX];
};

/* --- to the server --------------------------------------------------------------------------- */

static bool hand(struct bn_ssh_runner *runner, const char *p, size_t len)
{
    const ssize_t n = send(runner->control.fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
        runner->is_over = true;
    return n >= 0 || runner->is_over;
}

static void hand_waiting(struct bn_ssh_runner *runner)
{
    while (runner->first && hand(runner, runner->first->bytes, runner->first->len)) {
        struct waiting *waiting = runner->first;
        runner->first = waiting->next;
        free(waiting);
    }
    if (!runner->first)
        runner->last = &runner->first;
}

/* While something waits no session reads on, so what waits is a few messages of each. */
void bn_ssh_tell(struct bn_ssh_runner *runner, const struct bn_ssh_frame *frame)
{
    bn_buf_reset(&runner->out);
    bn_ssh_frame_encode(frame, &runner->out);
    if (!runner->first && hand(runner, runner->out.p, runner->out.len))
        return;
    struct waiting *waiting = bn_alloc(sizeof *waiting + runner->out.len);
    waiting->len = runner->out.len;
    memcpy(waiting->bytes, runner->out.p, runner->out.len);
    *runner->last = waiting;
    runner->last = &waiting->next;
}

bool bn_ssh_is_blocked(const struct bn_ssh_runner *runner)
{
    return runner->first != NULL;
}

int64_t bn_ssh_now(const struct bn_ssh_runner *runner)
{
    return runner->now_mono_ms;
}

char *bn_ssh_space(struct bn_ssh_runner *runner)
{
    return runner->space;
}

struct bn_ssh_conn *bn_ssh_find(struct bn_ssh_runner *runner, uint32_t id)
{
    struct bn_ssh_conn *conn;
    HASH_FIND(hh, runner->conns, &id, sizeof id, conn);
    return conn && !conn->is_over ? conn : NULL;
}

void bn_ssh_add(struct bn_ssh_runner *runner, struct bn_ssh_conn *conn)
{
    HASH_ADD(hh, runner->conns, id, sizeof conn->id, conn);
}

void bn_ssh_watch_set(struct bn_ssh_runner *runner, struct bn_ssh_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (watch->fd < 0 || watch->events == events)
        return;
    /* Not watched at all while nothing is wanted: a hang-up would be told without end. */
    const int op = !watch->events ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    epoll_ctl(runner->epoll, op, watch->fd, &event);
    watch->events = events;
}

void bn_ssh_bury(struct bn_ssh_runner *runner, struct bn_ssh_conn *conn)
{
    conn->is_over = true;
    runner->has_dead = true;
}

/* --- from the server ------------------------------------------------------------------------- */

static void on_input(struct bn_ssh_conn *conn, struct bn_str bytes)
{
    if (conn->run.step != BN_SSH_RUN_NONE && !conn->run.input_ends)
        bn_buf_put(&conn->run.input, bytes.p, bytes.len);
}

static void on_resize(struct bn_ssh_conn *conn, const uint32_t number[])
{
    conn->run.cols = (int)number[0];
    conn->run.rows = (int)number[1];
    if (conn->run.step == BN_SSH_RUN_RUNNING && conn->run.is_pty)
        ssh_channel_change_pty_size(conn->run.channel, conn->run.cols, conn->run.rows);
}

static void on_take(struct bn_ssh_conn *conn, uint32_t bytes)
{
    if (bytes <= UINT32_MAX - conn->run.may_send)
        conn->run.may_send += bytes;
}

static void about(struct bn_ssh_conn *conn, const struct bn_ssh_frame *frame)
{
    switch (frame->kind) {
    case BN_SSH_RUN: bn_ssh_run_begin(conn, frame); break;
    case BN_SSH_INPUT: on_input(conn, frame->text[0]); break;
    case BN_SSH_INPUT_END: conn->run.input_ends = true; break;
    case BN_SSH_RESIZE: on_resize(conn, frame->number); break;
    case BN_SSH_CANCEL: bn_ssh_run_stop(conn, BN_SSH_FAULT_CANCELLED, "cancelled"); break;
    case BN_SSH_TAKE: on_take(conn, frame->number[0]); break;
    default: bn_ssh_bury(conn->runner, conn); return; /* CLOSE */
    }
    bn_ssh_conn_drive(conn);
}

static void obey(struct bn_ssh_runner *runner, const struct bn_ssh_frame *frame, int fd)
{
    struct bn_ssh_conn *conn;
    if (frame->kind == BN_SSH_OPEN) {
        bn_ssh_conn_open(runner, frame, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (frame->kind == BN_SSH_PING) {
        bn_ssh_tell(runner, &(struct bn_ssh_frame){.kind = BN_SSH_PONG});
        return;
    }
    conn = bn_ssh_find(runner, frame->session);
    if (conn)
        about(conn, frame);
}

static int passed_fd(struct msghdr *msg)
{
    int fd = -1;
    const struct cmsghdr *passed = CMSG_FIRSTHDR(msg);
    if (passed && passed->cmsg_level == SOL_SOCKET && passed->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(passed), sizeof fd);
    return fd;
}

/* False: nothing more now. */
static bool hear_one(struct bn_ssh_runner *runner)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {runner->in, sizeof runner->in};
    struct msghdr msg = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof control};
    struct bn_ssh_frame frame;
    const ssize_t n = recvmsg(runner->control.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    runner->is_over = n <= 0 ||
                      !bn_ssh_frame_decode(BN_SSH_TO_RUNNER, runner->in, (size_t)n, &frame, NULL);
    if (runner->is_over)
        return false;
    obey(runner, &frame, passed_fd(&msg));
    if (frame.kind == BN_SSH_OPEN)
        bn_wipe(runner->in, (size_t)n);
    return true;
}

static void hear(struct bn_ssh_watch *watch, uint32_t events)
{
    struct bn_ssh_runner *runner = container_of(watch, struct bn_ssh_runner, control);
    (void)events;
    for (int i = 0; i < FRAMES_ONCE && !runner->is_over; i++)
        if (!hear_one(runner))
            return;
}

/* --- the turn -------------------------------------------------------------------------------- */

static void free_dead(struct bn_ssh_runner *runner)
{
    struct bn_ssh_conn *next;
    runner->has_dead = false;
    for (struct bn_ssh_conn *conn = runner->conns; conn; conn = next) {
        next = conn->hh.next;
        if (!conn->is_over)
            continue;
        HASH_DEL(runner->conns, conn);
        bn_ssh_conn_free(conn);
    }
}

/* What has more to do, and each limit of time. */
static bool go_on(struct bn_ssh_runner *runner)
{
    struct bn_ssh_conn *next;
    bool more = false;
    const bool looks = runner->now_mono_ms >= runner->look_mono_ms;
    for (struct bn_ssh_conn *conn = runner->conns; conn; conn = next) {
        next = conn->hh.next;
        if (conn->again && !conn->is_over && !bn_ssh_is_blocked(runner))
            bn_ssh_conn_drive(conn);
        if (looks && !conn->is_over)
            bn_ssh_conn_check(conn);
        more = more || (conn->again && !conn->is_over);
    }
    if (looks)
        runner->look_mono_ms = runner->now_mono_ms + LOOK_MS;
    return more;
}

static void read_clock(struct bn_ssh_runner *runner)
{
    runner->now_mono_ms = bn_clock_mono_ns() / 1000000;
}

/* The server takes nothing: sessions wait, so that what waits for it does not grow. */
static void wait_for_server(struct bn_ssh_runner *runner)
{
    struct pollfd own = {.fd = runner->control.fd, .events = POLLIN | POLLOUT};
    poll(&own, 1, LOOK_MS);
    read_clock(runner);
    if (own.revents & (POLLIN | POLLHUP | POLLERR))
        hear(&runner->control, EPOLLIN);
    hand_waiting(runner);
}

static void wait_for_all(struct bn_ssh_runner *runner, bool more)
{
    struct epoll_event events[EVENTS_ONCE];
    const int n = epoll_wait(runner->epoll, events, EVENTS_ONCE,
            more            ? 0
            : runner->conns ? LOOK_MS
                            : -1);
    read_clock(runner);
    for (int i = 0; i < n && !runner->is_over; i++) {
        struct bn_ssh_watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
    }
}

static void serve(struct bn_ssh_runner *runner)
{
    bool more = false;
    while (!runner->is_over) {
        if (bn_ssh_is_blocked(runner))
            wait_for_server(runner);
        else
            wait_for_all(runner, more);
        more = go_on(runner);
        if (runner->has_dead)
            free_dead(runner);
    }
}

static void finish(struct bn_ssh_runner *runner)
{
    struct bn_ssh_conn *conn;
    struct bn_ssh_conn *next;
    HASH_ITER(hh, runner->conns, conn, next)
    {
        conn->is_over = true;
    }
    free_dead(runner);
    while (runner->first) {
        struct waiting *waiting = runner->first;
        runner->first = waiting->next;
        free(waiting);
    }
    bn_buf_finish(&runner->out);
    close(runner->epoll);
    close(runner->control.fd);
    free(runner);
}

int bn_ssh_runner_main(int fd, const char *unsafe)
{
    struct bn_ssh_runner *runner = bn_alloc(sizeof *runner);
    runner->control = (struct bn_ssh_watch){.fd = fd, .ready = hear};
    runner->last = &runner->first;
    bn_buf_init(&runner->out, BN_SSH_FRAME_MAX);
    runner->epoll = epoll_create1(EPOLL_CLOEXEC);
    bn_ssh_tell(runner, &(struct bn_ssh_frame){.kind = BN_SSH_HELLO, .text = {bn_str(unsafe)}});
    runner->is_over = unsafe[0] != 0;
    bn_ssh_watch_set(runner, &runner->control, EPOLLIN);
    serve(runner);
    finish(runner);
    return 0;
}

/* A key of each kind is made and thrown away: so the library has read its settings and found its
   algorithms while it may still open files, and each runner is born with them. */
void bn_ssh_runner_prepare(void)
{
    static const struct {
        enum ssh_keytypes_e type;
        int bits;
    } kinds[] = {{SSH_KEYTYPE_ED25519, 0}, {SSH_KEYTYPE_ECDSA_P256, 256}};

    ssh_init();
    ssh_set_log_level(SSH_LOG_NOLOG);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        ssh_key key = NULL;
        if (ssh_pki_generate(kinds[i].type, kinds[i].bits, &key) == SSH_OK)
            ssh_key_free(key);
    }
}

#ifdef BN_COVERAGE
void __gcov_dump(void);
#endif

void bn_ssh_runner_end(int code)
{
    if (has_leaks())
        code = 23;
#ifdef BN_COVERAGE
    __gcov_dump();
#endif
    _exit(code);
}

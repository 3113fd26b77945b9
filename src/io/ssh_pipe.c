#include "io/ssh_pipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/secret.h"

#define FRAMES_ONCE 32 /* messages before the loop looks at its other business */

struct waiting {
    struct waiting *next;
    struct bn_buf frame;
    int fd;
};

/* The socket of one runner; outlives the pipe until the library lets go. */
struct line {
    struct bn_ssh_pipe *pipe;
    uv_poll_t poll;
    int fd;
};

struct bn_ssh_pipe {
    struct bn_loop *loop;
    struct bn_ssh_forker *forker;
    const struct bn_ssh_pipe_ops *ops;
    void *user;
    struct line *line; /* NULL: no runner */
    struct waiting *first, **last;
    size_t waiting_bytes;
    struct bn_timer *pinger;
    bool is_busy;
    int64_t heard_mono_ms;
    int64_t begun_mono_ms;
    int64_t rest_until_mono_ms;
    int64_t rest_ms;
    uint64_t deaths;
    char unsafe[BN_SSH_TEXT_MAX + 1]; /* why it will never work here */
    char in[BN_SSH_FRAME_MAX];
};

static int64_t now(const struct bn_ssh_pipe *pipe)
{
    (void)pipe;
    return bn_clock_mono_ns() / 1000000;
}

/* --- the end of a runner --------------------------------------------------------------------- */

static void drop_first(struct bn_ssh_pipe *pipe)
{
    struct waiting *waiting = pipe->first;
    pipe->first = waiting->next;
    if (!pipe->first)
        pipe->last = &pipe->first;
    pipe->waiting_bytes -= waiting->frame.len;
    if (waiting->frame.p)
        bn_wipe(waiting->frame.p, waiting->frame.cap);
    bn_buf_finish(&waiting->frame);
    if (waiting->fd >= 0)
        close(waiting->fd);
    free(waiting);
}

static void on_closed(uv_handle_t *handle)
{
    struct line *line = container_of(handle, struct line, poll);
    close(line->fd);
    free(line);
}

static void hang_up(struct bn_ssh_pipe *pipe)
{
    while (pipe->first)
        drop_first(pipe);
    if (!pipe->line)
        return;
    pipe->line->pipe = NULL;
    uv_close((uv_handle_t *)&pipe->line->poll, on_closed);
    pipe->line = NULL;
}

/* The first death is followed by a new runner at once; a row of them is not a race. */
static void broke(struct bn_ssh_pipe *pipe, const char *text)
{
    const int64_t at = now(pipe);
    if (!pipe->line)
        return;
    pipe->deaths++;
    pipe->rest_ms = at - pipe->begun_mono_ms >= BN_SSH_REST_MAX_MS ? 0
                    : pipe->rest_ms    ? BN_MIN(pipe->rest_ms * 2, (int64_t)BN_SSH_REST_MAX_MS)
                    : pipe->deaths > 1 ? BN_SSH_REST_MS
                                       : 0;
    pipe->rest_until_mono_ms = at + pipe->rest_ms;
    hang_up(pipe);
    pipe->ops->broken(pipe->user, text);
}

/* --- sending --------------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct bn_ssh_pipe *pipe)
{
    uv_poll_start(&pipe->line->poll, UV_READABLE | (pipe->first ? UV_WRITABLE : 0), on_poll);
}

/* False: it does not fit now. A broken socket takes everything; its end is told by reading. */
static bool hand(const struct bn_ssh_pipe *pipe, const struct bn_buf *frame, int fd)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.space = {0}};
    struct iovec iov = {frame->p, frame->len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        struct cmsghdr *passed = CMSG_FIRSTHDR(&msg);
        passed->cmsg_level = SOL_SOCKET;
        passed->cmsg_type = SCM_RIGHTS;
        passed->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(passed), &fd, sizeof fd);
    }
    return sendmsg(pipe->line->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
           (errno != EAGAIN && errno != EINTR && errno != ENOBUFS);
}

static void flush(struct bn_ssh_pipe *pipe)
{
    while (pipe->first && hand(pipe, &pipe->first->frame, pipe->first->fd))
        drop_first(pipe);
    watch(pipe);
}

void bn_ssh_pipe_send_secret(struct bn_ssh_pipe *pipe, struct bn_buf *take, int take_fd)
{
    struct waiting *waiting = bn_alloc(sizeof *waiting);
    waiting->frame = *take;
    waiting->fd = take_fd;
    bn_buf_init(take, 0);
    *pipe->last = waiting;
    pipe->last = &waiting->next;
    pipe->waiting_bytes += waiting->frame.len;
    if (!pipe->line)
        drop_first(pipe);
    else if (pipe->first == waiting)
        flush(pipe);
}

void bn_ssh_pipe_send(struct bn_ssh_pipe *pipe, const struct bn_ssh_frame *frame)
{
    struct bn_buf buf;
    bn_buf_init(&buf, BN_SSH_FRAME_MAX);
    bn_ssh_frame_encode(frame, &buf);
    bn_ssh_pipe_send_secret(pipe, &buf, -1);
}

/* --- hearing --------------------------------------------------------------------------------- */

static void hear(struct bn_ssh_pipe *pipe, const struct bn_ssh_frame *frame)
{
    if (frame->kind == BN_SSH_HELLO && frame->text[0].len > 0) {
        bn_text_clip(pipe->unsafe, sizeof pipe->unsafe, frame->text[0]);
        broke(pipe, pipe->unsafe);
    } else if (frame->kind != BN_SSH_HELLO && frame->kind != BN_SSH_PONG) {
        pipe->ops->heard(pipe->user, frame);
    }
}

/* Descriptors are not taken from the runner: it has none we want. False: nothing more now. */
static bool hear_one(struct bn_ssh_pipe *pipe)
{
    struct bn_ssh_frame frame;
    struct bn_err err;
    const ssize_t n = recv(pipe->line->fd, pipe->in, sizeof pipe->in, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        broke(pipe, "the process that speaks SSH ended unexpectedly; a new one is started");
        return false;
    }
    pipe->heard_mono_ms = now(pipe);
    if (bn_ssh_frame_decode(BN_SSH_FROM_RUNNER, pipe->in, (size_t)n, &frame, &err)) {
        hear(pipe, &frame);
        return pipe->line != NULL;
    }
    bn_ssh_forker_kill(pipe->forker);
    broke(pipe, "the process that speaks SSH said what it must not; a new one is started");
    return false;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct line *line = container_of(poll, struct line, poll);
    struct bn_ssh_pipe *pipe = line->pipe;
    (void)status; /* reading tells */
    bn_loop_note_time(poll->loop);
    if (pipe && (events & UV_WRITABLE))
        flush(pipe);
    for (int i = 0; i < FRAMES_ONCE && pipe && pipe->line == line; i++)
        if (!hear_one(pipe))
            return;
}

/* --- a new runner ---------------------------------------------------------------------------- */

static void on_ping(void *user)
{
    struct bn_ssh_pipe *pipe = user;
    if (!pipe->line || !pipe->is_busy)
        return;
    if (now(pipe) - pipe->heard_mono_ms < BN_SSH_PONG_MS) {
        bn_ssh_pipe_send(pipe, &(struct bn_ssh_frame){.kind = BN_SSH_PING});
        return;
    }
    bn_ssh_forker_kill(pipe->forker);
    broke(pipe, "the process that speaks SSH did not answer; a new one is started");
}

void bn_ssh_pipe_set_busy(struct bn_ssh_pipe *pipe, bool is_busy)
{
    if (is_busy == pipe->is_busy)
        return;
    pipe->is_busy = is_busy;
    pipe->heard_mono_ms = now(pipe);
    if (is_busy)
        bn_timer_start(pipe->pinger, BN_SSH_PING_MS, BN_SSH_PING_MS);
    else
        bn_timer_stop(pipe->pinger);
}

static bool may_begin(const struct bn_ssh_pipe *pipe, struct bn_err *err)
{
    const int64_t rest_ms = pipe->rest_until_mono_ms - now(pipe);
    if (pipe->unsafe[0])
        return bn_fail(err, BN_E_UNAVAILABLE, "SSH is off on this machine: %s", pipe->unsafe);
    if (rest_ms > 0)
        return bn_fail(err, BN_E_UNAVAILABLE,
                "the process that speaks SSH died several times; the next starts in %d s",
                (int)(rest_ms / 1000 + 1));
    return true;
}

bool bn_ssh_pipe_begin(struct bn_ssh_pipe *pipe, struct bn_err *err)
{
    int pair[2];
    if (pipe->line)
        return true;
    if (!may_begin(pipe, err))
        return false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return bn_fail(err, BN_E_UNAVAILABLE, "no socket for SSH: %s", strerror(errno));
    const bool is_begun = bn_ssh_forker_fork(pipe->forker, pair[1], err);
    close(pair[1]);
    if (!is_begun) {
        close(pair[0]);
        return false;
    }
    struct line *line = bn_alloc(sizeof *line);
    line->pipe = pipe;
    line->fd = pair[0];
    uv_poll_init(bn_loop_uv(pipe->loop), &line->poll, line->fd);
    pipe->line = line;
    pipe->begun_mono_ms = pipe->heard_mono_ms = now(pipe);
    watch(pipe);
    return true;
}

struct bn_ssh_pipe *bn_ssh_pipe_create(struct bn_loop *loop, struct bn_ssh_forker *forker,
        const struct bn_ssh_pipe_ops *ops, void *user)
{
    struct bn_ssh_pipe *pipe = bn_alloc(sizeof *pipe);
    pipe->loop = loop;
    pipe->forker = forker;
    pipe->ops = ops;
    pipe->user = user;
    pipe->last = &pipe->first;
    pipe->pinger = bn_timer_create(loop, on_ping, pipe);
    return pipe;
}

void bn_ssh_pipe_destroy(struct bn_ssh_pipe *pipe)
{
    if (!pipe)
        return;
    hang_up(pipe);
    bn_timer_destroy(pipe->pinger);
    free(pipe);
}

size_t bn_ssh_pipe_waiting(const struct bn_ssh_pipe *pipe)
{
    return pipe->waiting_bytes;
}

uint64_t bn_ssh_pipe_deaths(const struct bn_ssh_pipe *pipe)
{
    return pipe->deaths;
}

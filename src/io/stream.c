#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include "io/stream_private.h"

#define IOV_MAX_ONCE 64 /* chunks handed to the kernel in one call */
#define LINGER_MS    2000
#define FRESH_LOWAT  (16 << 10)
#define PLAIN_LOWAT  (128 << 10) /* else the kernel takes 2.4 MB for a peer that reads nothing */
#define TLS_PIECE    (16 << 10)  /* the largest TLS record */

/* A part of a shared block that waits to be sent. */
struct chunk {
    struct bn_bytes *bytes;
    uint32_t offset;
    uint32_t len;
};

/* What a broadcast touches stands first and together: with 10,000 of these, each further line of
   memory is fetched anew for each. */
struct bn_stream {
    int fd;
    bool handshaking;
    bool paused;
    bool in_data;
    bool closing;  /* send what is queued, then goodbye */
    bool said_bye; /* our side is shut; waiting for theirs */
    bool dead;     /* closed() is due or done */
    bool tls_wants_write;
    size_t queued;
    struct bn_tls *tls;
    uint64_t sent;
    int64_t stalled_since_mono_ms; /* 0: the kernel takes what we give */
    struct bn_loop *loop;
    const struct bn_stream_ops *ops;
    void *user;
    struct chunk *out;
    uint32_t out_head;
    uint32_t out_count;
    uint32_t out_cap;
    int watching; /* what the poll handle asks for now */
    char *kept;   /* input the owner has not used yet */
    size_t kept_len;
    struct bn_err *err;       /* why it died; NULL: the peer left */
    struct bn_list lingering; /* on the loop's list while waiting for the peer's goodbye */
    int64_t linger_until_mono_ms;
    const char *not_tls; /* until the first byte showed what the peer speaks */
    char address[INET6_ADDRSTRLEN];
    uv_poll_t poll;
};

static void poll_came(uv_poll_t *handle, int status, int events);

static void watch(struct bn_stream *stream)
{
    int wanted = 0;
    if (!stream->dead && stream->handshaking) { /* what is queued waits for the keys */
        wanted = UV_READABLE | (stream->tls_wants_write ? UV_WRITABLE : 0);
    } else if (!stream->dead) {
        if (!stream->paused || stream->said_bye)
            wanted |= UV_READABLE;
        if (stream->queued > 0 || stream->tls_wants_write)
            wanted |= UV_WRITABLE;
    }
    if (wanted == stream->watching)
        return;
    stream->watching = wanted;
    if (wanted)
        uv_poll_start(&stream->poll, wanted, poll_came);
    else
        uv_poll_stop(&stream->poll);
}

static void drop_queue(struct bn_stream *stream)
{
    for (uint32_t i = 0; i < stream->out_count; i++)
        bn_bytes_unref(stream->out[stream->out_head + i].bytes);
    free(stream->out);
    stream->out = NULL;
    stream->out_head = stream->out_count = stream->out_cap = 0;
    stream->queued = 0;
}

static void freed(uv_handle_t *handle)
{
    free(container_of(handle, struct bn_stream, poll));
}

static void finish_closing(void *user)
{
    struct bn_stream *stream = user;
    if (stream->ops && stream->ops->closed)
        stream->ops->closed(stream->user, stream->err);
    if (stream->tls) {
        bn_tls_goodbye(stream->tls);
        bn_tls_destroy(stream->tls);
    }
    bn_list_remove(&stream->lingering);
    if (stream->queued > 0) /* a peer that takes nothing: the kernel need not go on offering it */
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                sizeof(struct linger));
    drop_queue(stream);
    free(stream->kept);
    free(stream->err);
    uv_poll_stop(&stream->poll);
    uv_close((uv_handle_t *)&stream->poll, freed);
    close(stream->fd);
}

static void die(struct bn_stream *stream, const struct bn_err *err)
{
    if (stream->dead)
        return;
    stream->dead = true;
    if (err) {
        stream->err = bn_alloc(sizeof *stream->err);
        *stream->err = *err;
    }
    watch(stream);
    bn_loop_reap(stream->loop, finish_closing, stream);
}

static void die_errno(struct bn_stream *stream, const char *what)
{
    struct bn_err err;
    bn_fail(&err, BN_E_UPSTREAM, "%s: %s", what, strerror(errno));
    die(stream, &err);
}

/* --- sending
 * -------------------------------------------------------------------------------------- */

static void say_bye(struct bn_stream *stream)
{
    if (stream->said_bye || stream->dead)
        return;
    stream->said_bye = true;
    if (stream->tls)
        bn_tls_goodbye(stream->tls);
    if (shutdown(stream->fd, SHUT_WR) != 0) {
        die(stream, NULL);
        return;
    }
    stream->linger_until_mono_ms = bn_loop_clock(stream->loop)->mono_ms + LINGER_MS;
    bn_list_remove(&stream->lingering);
    bn_list_append(bn_loop_lingerers(stream->loop), &stream->lingering);
    watch(stream);
}

static void took(struct bn_stream *stream, size_t n)
{
    stream->queued -= n;
    stream->sent += n;
    while (n > 0) {
        assert(stream->out); /* what was taken had been queued */
        struct chunk *chunk = &stream->out[stream->out_head];
        if (n < chunk->len) {
            chunk->offset += (uint32_t)n;
            chunk->len -= (uint32_t)n;
            return;
        }
        n -= chunk->len;
        bn_bytes_unref(chunk->bytes);
        stream->out_head++;
        stream->out_count--;
    }
    if (stream->out_count == 0) {
        free(stream->out);
        stream->out = NULL;
        stream->out_head = stream->out_cap = 0;
    }
}

/* Hands the kernel what it takes. False: it takes no more now, or the connection broke. */
static bool write_plain(struct bn_stream *stream)
{
    struct iovec iov[IOV_MAX_ONCE];
    int n = 0;
    for (; n < IOV_MAX_ONCE && (uint32_t)n < stream->out_count; n++) {
        struct chunk *chunk = &stream->out[stream->out_head + (uint32_t)n];
        iov[n] = (struct iovec){chunk->bytes->p + chunk->offset, chunk->len};
    }
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n};
    ssize_t sent = sendmsg(stream->fd, &msg, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (sent < 0) {
        die_errno(stream, "write");
        return false;
    }
    size_t wanted = 0;
    for (int i = 0; i < n; i++)
        wanted += iov[i].iov_len;
    took(stream, (size_t)sent);
    return (size_t)sent == wanted;
}

static bool write_record(struct bn_stream *stream, const char *piece, size_t len)
{
    size_t sent = 0;
    struct bn_err err;
    enum bn_tls_result result = bn_tls_write(stream->tls, piece, len, &sent, &err);
    stream->tls_wants_write = result == BN_TLS_WANT_WRITE;
    if (result == BN_TLS_OK) {
        took(stream, sent);
        return true;
    }
    if (result == BN_TLS_FAILED)
        die(stream, &err);
    else if (result == BN_TLS_CLOSED)
        die(stream, NULL);
    return false;
}

static bool write_joined(struct bn_stream *stream)
{
    char piece[TLS_PIECE];
    size_t len = 0;
    for (uint32_t i = 0; i < stream->out_count && len < sizeof piece; i++) {
        assert(stream->out); /* as it counts chunks */
        struct chunk *chunk = &stream->out[stream->out_head + i];
        size_t n = BN_MIN((size_t)chunk->len, sizeof piece - len);
        memcpy(piece + len, chunk->bytes->p + chunk->offset, n);
        len += n;
    }
    return write_record(stream, piece, len);
}

/* Chunks are joined to whole records; a broadcast is one chunk and goes as it lies. A repeated call
 * offers at least the same bytes again, as OpenSSL asks. */
static bool write_tls(struct bn_stream *stream)
{
    if (!stream->out || stream->out_count > 1)
        return write_joined(stream);
    const struct chunk *first = &stream->out[stream->out_head];
    return write_record(stream, first->bytes->p + first->offset,
            BN_MIN((size_t)first->len, (size_t)TLS_PIECE));
}

void bn_stream_flush(struct bn_stream *stream)
{
    if (stream->dead || stream->handshaking)
        return;
    size_t before = stream->queued;
    while (stream->queued > 0 && !stream->dead)
        if (!(stream->tls ? write_tls(stream) : write_plain(stream)))
            break;
    if (stream->dead)
        return;
    if (stream->queued == 0 || stream->queued < before)
        stream->stalled_since_mono_ms = 0;
    if (stream->queued > 0 && stream->stalled_since_mono_ms == 0)
        stream->stalled_since_mono_ms = bn_loop_clock(stream->loop)->mono_ms;
    if (stream->queued == 0 && stream->closing)
        say_bye(stream);
    watch(stream);
}

void bn_stream_put_bytes(struct bn_stream *stream, struct bn_bytes *bytes, size_t offset,
        size_t len)
{
    if (stream->dead || stream->said_bye || len == 0)
        return;
    if (stream->out_head + stream->out_count == stream->out_cap) {
        if (stream->out_head > 0) {
            memmove(stream->out, stream->out + stream->out_head,
                    stream->out_count * sizeof *stream->out);
            stream->out_head = 0;
        } else {
            stream->out_cap = stream->out_cap ? stream->out_cap * 2 : 4;
            stream->out = bn_realloc(stream->out, stream->out_cap * sizeof *stream->out);
        }
    }
    stream->out[stream->out_head + stream->out_count++] = (struct chunk){bn_bytes_ref(bytes),
            (uint32_t)offset, (uint32_t)len};
    stream->queued += len;
}

void bn_stream_put(struct bn_stream *stream, const void *p, size_t len)
{
    if (stream->dead || len == 0)
        return;
    struct bn_bytes *bytes = bn_bytes_create(p, len);
    bn_stream_put_bytes(stream, bytes, 0, len);
    bn_bytes_unref(bytes);
}

void bn_stream_send_bytes(struct bn_stream *stream, struct bn_bytes *bytes)
{
    if (stream->dead || stream->said_bye)
        return;
    size_t done = 0;
    if (stream->queued == 0 && !stream->tls) {
        ssize_t sent = send(stream->fd, bytes->p, bytes->len, MSG_NOSIGNAL);
        if (sent == (ssize_t)bytes->len) {
            stream->sent += bytes->len;
            return;
        }
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            die_errno(stream, "write");
            return;
        }
        done = sent > 0 ? (size_t)sent : 0;
        stream->sent += done;
        stream->stalled_since_mono_ms = bn_loop_clock(stream->loop)->mono_ms;
    }
    bn_stream_put_bytes(stream, bytes, done, bytes->len - done);
    if (stream->tls)
        bn_stream_flush(stream);
    else
        watch(stream);
}

/* --- receiving
 * ------------------------------------------------------------------------------------ */

/* Shows the owner what was kept and what is new; keeps what it does not use and then reads no more.
 */
static void show(struct bn_stream *stream, const char *p, size_t len)
{
    if (stream->said_bye || stream->closing)
        return; /* nobody listens any more; the bytes are only taken so that the peer can finish */
    if (stream->kept_len > 0) {
        stream->kept = bn_realloc(stream->kept, stream->kept_len + len);
        memcpy(stream->kept + stream->kept_len, p, len);
        p = stream->kept;
        len += stream->kept_len;
    }
    stream->in_data = true;
    size_t used = stream->ops->data(stream->user, p, len);
    stream->in_data = false;
    assert(used <= len);
    size_t left = len - used;
    char *kept = NULL;
    if (left > 0 && !stream->dead) {
        kept = bn_alloc(left);
        memcpy(kept, p + used, left);
        stream->paused = true;
    }
    free(stream->kept);
    stream->kept = kept;
    stream->kept_len = kept ? left : 0;
    watch(stream);
}

static void ended(struct bn_stream *stream)
{
    if (stream->queued > 0 && !stream->said_bye) {
        stream->paused =
                true; /* the peer only stopped talking: what it asked for is still on its way */
        bn_stream_close(stream);
        return;
    }
    die(stream, NULL);
}

static void read_plain(struct bn_stream *stream)
{
    char *scratch = bn_loop_scratch(stream->loop);
    ssize_t n = recv(stream->fd, scratch, BN_SCRATCH_BYTES, 0);
    if (n > 0)
        show(stream, scratch, (size_t)n);
    else if (n == 0)
        ended(stream);
    else if (errno != EAGAIN && errno != EINTR)
        die_errno(stream, "read");
}

static void read_tls(struct bn_stream *stream)
{
    char *scratch = bn_loop_scratch(stream->loop);
    do {
        size_t n = 0;
        struct bn_err err;
        enum bn_tls_result result = bn_tls_read(stream->tls, scratch, BN_SCRATCH_BYTES, &n, &err);
        if (result == BN_TLS_CLOSED)
            ended(stream);
        else if (result == BN_TLS_FAILED)
            die(stream, &err);
        if (result != BN_TLS_OK)
            return;
        show(stream, scratch, n);
    } while (!stream->dead && !stream->paused && bn_tls_has_pending(stream->tls));
}

/* 22 is the type of the record every TLS handshake begins with (RFC 8446 section 5.1). */
static bool is_not_tls(struct bn_stream *stream)
{
    char first;
    if (!stream->not_tls || recv(stream->fd, &first, 1, MSG_PEEK) != 1)
        return false;
    if (first != 22)
        return true;
    stream->not_tls = NULL;
    return false;
}

static void speak_plainly(struct bn_stream *stream)
{
    bn_tls_destroy(stream->tls);
    stream->tls = NULL;
    stream->handshaking = false;
    drop_queue(stream); /* what was meant to be encrypted */
    bn_stream_put(stream, stream->not_tls, strlen(stream->not_tls));
    bn_stream_close(stream);
}

static void shake_hands(struct bn_stream *stream)
{
    struct bn_err err;
    if (is_not_tls(stream)) {
        speak_plainly(stream);
        return;
    }
    enum bn_tls_result result = bn_tls_handshake(stream->tls, &err);
    stream->tls_wants_write = result == BN_TLS_WANT_WRITE;
    if (result == BN_TLS_OK)
        stream->handshaking = false;
    else if (result == BN_TLS_FAILED)
        die(stream, &err);
    else if (result == BN_TLS_CLOSED)
        die(stream, NULL);
    if (!stream->dead)
        bn_stream_flush(stream);
    watch(stream);
}

static void poll_came(uv_poll_t *handle, int status, int events)
{
    struct bn_stream *stream = container_of(handle, struct bn_stream, poll);
    if (stream->dead)
        return;
    bn_loop_note_time(handle->loop);
    if (status < 0) {
        struct bn_err err;
        bn_fail(&err, BN_E_UPSTREAM, "poll: %s", uv_strerror(status));
        die(stream, &err);
        return;
    }
    if (stream->handshaking) {
        shake_hands(stream);
        return;
    }
    if ((events & UV_WRITABLE) && stream->queued > 0) {
        bn_stream_flush(stream);
        if (!stream->dead && stream->queued == 0 && !stream->closing && stream->ops->drained)
            stream->ops->drained(stream->user);
    }
    if (!stream->dead && (events & UV_READABLE) && (!stream->paused || stream->said_bye)) {
        if (stream->tls)
            read_tls(stream);
        else
            read_plain(stream);
    }
}

void bn_stream_pause(struct bn_stream *stream)
{
    stream->paused = true;
    watch(stream);
}

void bn_stream_resume(struct bn_stream *stream)
{
    if (stream->dead || stream->in_data)
        return;
    stream->paused = false;
    if (stream->kept_len > 0)
        show(stream, "", 0);
    if (!stream->dead && !stream->paused && stream->tls && bn_tls_has_pending(stream->tls))
        read_tls(stream);
    watch(stream);
}

/* --- life
 * ----------------------------------------------------------------------------------------- */

struct bn_stream *bn_stream_create(struct bn_loop *loop, int fd, struct bn_tls *tls)
{
    struct bn_stream *stream = bn_alloc(sizeof *stream);
    stream->loop = loop;
    stream->fd = fd;
    stream->tls = tls;
    stream->handshaking = tls != NULL;
    bn_list_init(&stream->lingering);
    uv_poll_init(bn_loop_uv(loop), &stream->poll, fd);
    int on = 1;
    int lowat = PLAIN_LOWAT;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
    return stream;
}

void bn_stream_set(struct bn_stream *stream, const struct bn_stream_ops *ops, void *user)
{
    stream->ops = ops;
    stream->user = user;
    watch(stream);
}

void bn_stream_set_not_tls(struct bn_stream *stream, const char *text)
{
    stream->not_tls = stream->tls ? text : NULL;
}

void bn_stream_set_address(struct bn_stream *stream, const char *address)
{
    bn_text_clip(stream->address, sizeof stream->address, bn_str(address));
}

const char *bn_stream_address(const struct bn_stream *stream)
{
    return stream->address;
}

bool bn_stream_is_tls(const struct bn_stream *stream)
{
    return stream->tls != NULL;
}

bool bn_stream_is_handshaking(const struct bn_stream *stream)
{
    return stream->handshaking;
}

int bn_stream_fd(const struct bn_stream *stream)
{
    return stream->fd;
}

void bn_stream_prefer_fresh(struct bn_stream *stream)
{
    int lowat = FRESH_LOWAT;
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
}

size_t bn_stream_queued(const struct bn_stream *stream)
{
    return stream->queued;
}

int64_t bn_stream_stalled_ms(const struct bn_stream *stream, int64_t mono_ms)
{
    return stream->stalled_since_mono_ms ? mono_ms - stream->stalled_since_mono_ms : 0;
}

uint64_t bn_stream_sent(const struct bn_stream *stream)
{
    return stream->sent;
}

void bn_stream_close(struct bn_stream *stream)
{
    if (stream->dead || stream->closing)
        return;
    stream->closing = true;
    if (stream->handshaking)
        die(stream, NULL);
    else
        bn_stream_flush(stream);
}

void bn_stream_abort(struct bn_stream *stream)
{
    die(stream, NULL);
}

void bn_streams_tick(struct bn_loop *loop)
{
    int64_t mono_ms = bn_loop_clock(loop)->mono_ms;
    bn_list_each_safe(it, tmp, bn_loop_lingerers(loop)) {
        struct bn_stream *stream = container_of(it, struct bn_stream, lingering);
        if (mono_ms >= stream->linger_until_mono_ms)
            die(stream, NULL);
    }
}

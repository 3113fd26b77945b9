#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "io/outbox.h"
#include "io/stream_private.h"

#define IOV_MAX_ONCE 64 /* chunks handed to the kernel in one call */
#define LINGER_MS    2000
#define FRESH_LOWAT  (16 << 10)
#define PLAIN_LOWAT  (128 << 10) /* else the kernel takes 2.4 MB for a peer that reads nothing */
#define TLS_PIECE    (16 << 10)  /* the largest TLS record */
#define RECORDS_ONCE 8           /* read before anything else is looked at */

/* What a broadcast touches stands first and together: with 10,000 of these, each further line of
   memory is fetched anew for each. */
struct bn_stream {
    int fd;
    bool handshaking;
    bool paused;
    bool in_data;
    bool closing;     /* send what is queued, then goodbye */
    bool bye_waits;   /* our goodbye does not fit yet */
    bool said_bye;    /* our side is shut; waiting for theirs */
    bool peer_ended;  /* their side is shut: nothing more is read */
    bool dead;        /* closed() is due or done */
    bool read_waits;  /* TLS must write before it can read on, or shake hands */
    bool write_waits; /* TLS must read before it can write on */
    struct bn_tls *tls;
    struct bn_outbox out;
    uint64_t sent;
    int64_t stalled_since_mono_ms; /* 0: the kernel takes what we give */
    struct bn_loop *loop;
    const struct bn_stream_ops *ops;
    void *user;
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

/* After a goodbye bytes are only taken so that the peer can finish. */
static bool reads(const struct bn_stream *stream)
{
    return (!stream->paused || stream->said_bye) && !stream->peer_ended;
}

/* Exactly what the next step needs: the kernel tells again and again what is possible, so asking
   for what cannot be used would turn the loop without end. TLS reads to write and writes to read
   when keys are renewed (RFC 8446 section 4.6.3). */
static int events_wanted(const struct bn_stream *stream)
{
    if (stream->dead)
        return 0;
    if (stream->handshaking) /* what is queued waits for the keys */
        return stream->read_waits ? UV_WRITABLE : UV_READABLE;
    int wanted = 0;
    if (stream->write_waits || (reads(stream) && !stream->read_waits))
        wanted |= UV_READABLE;
    if ((stream->out.bytes > 0 && !stream->write_waits) || stream->bye_waits ||
            (reads(stream) && stream->read_waits))
        wanted |= UV_WRITABLE;
    return wanted;
}

static void watch(struct bn_stream *stream)
{
    int wanted = events_wanted(stream);
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
    bn_outbox_took(&stream->out, stream->out.bytes);
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
    if (stream->out.bytes >
            0) /* a peer that takes nothing: the kernel need not go on offering it */
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

/* The last two seconds: of our goodbye, and of waiting for theirs. */
static void linger(struct bn_stream *stream)
{
    if (!bn_list_is_empty(&stream->lingering))
        return;
    stream->linger_until_mono_ms = bn_loop_clock(stream->loop)->mono_ms + LINGER_MS;
    bn_list_append(bn_loop_lingerers(stream->loop), &stream->lingering);
}

static void say_bye(struct bn_stream *stream)
{
    if (stream->said_bye || stream->dead)
        return;
    linger(stream);
    stream->bye_waits = stream->tls && bn_tls_goodbye(stream->tls) == BN_TLS_WANT_WRITE;
    if (stream->bye_waits) {
        watch(stream);
        return;
    }
    stream->said_bye = true;
    if (shutdown(stream->fd, SHUT_WR) != 0 || stream->peer_ended)
        die(stream, NULL);
    else
        watch(stream);
}

static void took(struct bn_stream *stream, size_t n)
{
    bn_outbox_took(&stream->out, n);
    stream->sent += n;
}

/* Hands the kernel what it takes. False: it takes no more now, or the connection broke. */
static bool write_plain(struct bn_stream *stream)
{
    struct iovec iov[IOV_MAX_ONCE];
    int n = bn_outbox_show(&stream->out, iov, IOV_MAX_ONCE);
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

/* Parts are joined to whole records; a broadcast is one part and goes as it lies. A repeated call
 * offers at least the same bytes again, as OpenSSL asks. */
static bool write_tls(struct bn_stream *stream)
{
    char scratch[TLS_PIECE];
    struct iovec piece = bn_outbox_join(&stream->out, scratch, sizeof scratch);
    size_t sent = 0;
    struct bn_err err;
    enum bn_tls_result result = bn_tls_write(stream->tls, piece.iov_base, piece.iov_len, &sent,
            &err);
    stream->write_waits = result == BN_TLS_WANT_READ;
    if (result == BN_TLS_OK) {
        took(stream, sent);
        return true;
    }
    if (result == BN_TLS_FAILED)
        die(stream, &err);
    else if (result == BN_TLS_CLOSED || result == BN_TLS_GONE)
        die(stream, NULL);
    return false;
}

static void hand_over(struct bn_stream *stream)
{
    size_t before = stream->out.bytes;
    while (stream->out.bytes > 0 && !stream->dead)
        if (!(stream->tls ? write_tls(stream) : write_plain(stream)))
            break;
    if (stream->dead)
        return;
    if (stream->out.bytes == 0 || stream->out.bytes < before)
        stream->stalled_since_mono_ms = 0;
    if (stream->out.bytes > 0 && stream->stalled_since_mono_ms == 0)
        stream->stalled_since_mono_ms = bn_loop_clock(stream->loop)->mono_ms;
    if (stream->out.bytes == 0 && stream->closing)
        say_bye(stream);
    watch(stream);
}

/* A socket that took nothing is asked again when it says so: trying sooner costs a call, and the
   little that then goes into the kernel would look as if the reader had read. */
void bn_stream_flush(struct bn_stream *stream)
{
    if (stream->dead || stream->handshaking)
        return;
    if (!stream->tls && stream->stalled_since_mono_ms)
        watch(stream);
    else
        hand_over(stream);
}

void bn_stream_put_bytes(struct bn_stream *stream, struct bn_bytes *bytes, size_t offset,
        size_t len)
{
    if (!stream->dead && !stream->said_bye && !stream->bye_waits)
        bn_outbox_put(&stream->out, bytes, offset, len);
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
    if (stream->out.bytes == 0 && !stream->tls) {
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

/* The peer sends no more. That is what a full close looks like as well, until something is written
   to it (RFC 9112 section 9.6): what is owed is sent, and then both sides are through. */
static void ended(struct bn_stream *stream)
{
    if (stream->said_bye || stream->write_waits) {
        die(stream, NULL);
        return;
    }
    stream->peer_ended = true;
    if (!stream->closing && !(stream->ops->ended && stream->ops->ended(stream->user))) {
        if (stream->out.bytes > 0)
            bn_stream_close(stream);
        else
            die(stream, NULL);
    }
    watch(stream);
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

/* A call gives one record. Who sends much sends the next at once, and a turn of the loop for each
   would cost a seventh of what passing them on takes; but records of one byte must not hold it up.
 */
static enum bn_tls_result read_records(struct bn_stream *stream, char *scratch, size_t *out_len,
        struct bn_err *err)
{
    enum bn_tls_result result = BN_TLS_OK;
    for (int i = 0; i < RECORDS_ONCE && result == BN_TLS_OK && *out_len < BN_SCRATCH_BYTES; i++) {
        size_t n = 0;
        result = bn_tls_read(stream->tls, scratch + *out_len, BN_SCRATCH_BYTES - *out_len, &n, err);
        *out_len += result == BN_TLS_OK ? n : 0;
    }
    return result;
}

static void read_tls(struct bn_stream *stream)
{
    char *scratch = bn_loop_scratch(stream->loop);
    enum bn_tls_result result;
    do {
        size_t len = 0;
        struct bn_err err;
        result = read_records(stream, scratch, &len, &err);
        stream->read_waits = result == BN_TLS_WANT_WRITE;
        if (len > 0)
            show(stream, scratch, len);
        if (stream->dead || stream->paused)
            return; /* an end that came behind what is not used yet is found again */
        if (result == BN_TLS_CLOSED)
            ended(stream);
        else if (result == BN_TLS_GONE)
            die(stream, NULL);
        else if (result == BN_TLS_FAILED)
            die(stream, &err);
    } while (result == BN_TLS_OK && !stream->dead && bn_tls_has_pending(stream->tls));
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
    stream->read_waits = result == BN_TLS_WANT_WRITE;
    if (result == BN_TLS_OK)
        stream->handshaking = false;
    else if (result == BN_TLS_FAILED)
        die(stream, &err);
    else if (result == BN_TLS_CLOSED || result == BN_TLS_GONE)
        die(stream, NULL);
    if (!stream->dead)
        bn_stream_flush(stream);
    watch(stream);
}

static void send_more(struct bn_stream *stream)
{
    hand_over(stream);
    if (!stream->dead && stream->out.bytes == 0 && !stream->closing && stream->ops->drained)
        stream->ops->drained(stream->user);
}

static void read_more(struct bn_stream *stream)
{
    if (stream->tls)
        read_tls(stream);
    else
        read_plain(stream);
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
    if ((events & UV_WRITABLE) && (stream->out.bytes > 0 || stream->bye_waits))
        send_more(stream);
    if (!stream->dead && (events & (stream->read_waits ? UV_WRITABLE : UV_READABLE)) &&
            reads(stream))
        read_more(stream);
    if (!stream->dead && stream->write_waits)
        send_more(stream);
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
    if (!stream->dead && reads(stream) && stream->tls && bn_tls_has_pending(stream->tls))
        read_tls(stream);
    if (!stream->dead && stream->write_waits) /* what was read may have been what it waited for */
        send_more(stream);
    watch(stream);
}

/* --- life
 * ----------------------------------------------------------------------------------------- */

struct bn_stream *bn_stream_create(struct bn_loop *loop, int fd, struct bn_tls *tls)
{
    struct bn_stream *stream = bn_alloc(sizeof *stream);
    if (uv_poll_init(bn_loop_uv(loop), &stream->poll, fd) != 0) {
        free(stream); /* the kernel watches no more descriptors */
        return NULL;
    }
    stream->loop = loop;
    stream->fd = fd;
    stream->tls = tls;
    stream->handshaking = tls && !bn_tls_is_ready(tls);
    bn_list_init(&stream->lingering);
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
    return stream->out.bytes;
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

/*
 * stream: a socket with bounded buffers and a "full" state, plain or TLS; listen and accept.
 *
 * Bytes to send are shared blocks (base/bytes) or copies; nothing is held while idle. Loop thread
 * only.
 */
#pragma once

#include "base/bytes.h"
#include "base/text.h"

#include "io/loop.h"
#include "io/tls.h"

struct bn_stream;
struct bn_listener;

struct bn_stream_ops {
    /* Bytes came. Returns how many were used; the rest is kept and shown again, with more, after
       bn_stream_resume(): until then nothing is read (back-pressure). */
    size_t (*data)(void *user, const char *p, size_t len);
    /* Everything queued has been handed to the kernel, after a time when it had not. */
    void (*drained)(void *user);
    /* The peer will send no more; perhaps it left altogether, which shows when something is sent to
       it. True: an answer is still due, and the owner ends the stream once it has put it. False,
       or no function: what is queued is sent and the stream ends. */
    bool (*ended)(void *user);
    /* The last call: the peer left (err NULL) or something broke. The stream is freed after this
     * turn. */
    void (*closed)(void *user, const struct bn_err *err);
};

struct bn_listener_config {
    char host[64];             /* "127.0.0.1", "::", "0.0.0.0" */
    int port;                  /* 0: any free one */
    struct bn_tls_config *tls; /* NULL: plain */
    /* Said in clear to a peer that speaks no TLS to a TLS port, before goodbye; NULL: nothing. Must
       outlive the listener. */
    const char *not_tls;
    /* A new connection; set its ops in the call, or close it. */
    void (*accepted)(void *user, struct bn_stream *stream);
    void *user;
};

/* "port 8470 is used by pid 812 (grafana)" when that can be known. */
BN_MUST_CHECK bool bn_listener_open(struct bn_loop *loop, const struct bn_listener_config *config,
        struct bn_listener **out, struct bn_err *err);
/* Could it be opened now? The sentence is the same, and this may be asked while the processes of
   others can still be looked into. */
BN_MUST_CHECK bool bn_listener_check(const char *host, int port, struct bn_err *err);
void bn_listener_close(struct bn_listener *listener); /* NULL is fine */
int bn_listener_port(const struct bn_listener *listener);
/* For connections accepted from now on; takes its own reference. */
void bn_listener_set_tls(struct bn_listener *listener, struct bn_tls_config *tls);

void bn_stream_set(struct bn_stream *stream, const struct bn_stream_ops *ops, void *user);
const char *bn_stream_address(const struct bn_stream *stream); /* "192.0.2.7" or "2001:db8::1" */
bool bn_stream_is_tls(const struct bn_stream *stream);
int bn_stream_fd(const struct bn_stream *stream);

/* Queues a copy, or a reference. Sent by bn_stream_flush(), which the owner calls once per turn. */
void bn_stream_put(struct bn_stream *stream, const void *p, size_t len);
void bn_stream_put_bytes(struct bn_stream *stream, struct bn_bytes *bytes, size_t offset,
        size_t len);
void bn_stream_flush(struct bn_stream *stream);
/* Sends at once when nothing is queued: the fan-out path, one system call, no copy. What the kernel
   does not take is queued by reference. */
void bn_stream_send_bytes(struct bn_stream *stream, struct bn_bytes *bytes);

/* For live listeners: the kernel asks for more only when little is left unsent, so that what is
   sent late is fresh (TCP_NOTSENT_LOWAT 16 KiB, REALTIME 4). */
void bn_stream_prefer_fresh(struct bn_stream *stream);

size_t bn_stream_queued(const struct bn_stream *stream); /* bytes not yet handed to the kernel */
int64_t bn_stream_stalled_ms(const struct bn_stream *stream, int64_t mono_ms); /* 0: not stalled */
uint64_t bn_stream_sent(const struct bn_stream *stream); /* bytes, since the start */

void bn_stream_pause(struct bn_stream *stream);
void bn_stream_resume(struct bn_stream *stream);

/* Sends what is queued, then says goodbye and waits at most 2 s for the peer, so that the last
   answer is not lost to a reset. closed() is still called. */
void bn_stream_close(struct bn_stream *stream);
void bn_stream_abort(
        struct bn_stream *stream); /* at once; closed() is called at the end of the turn */

bool bn_stream_is_handshaking(const struct bn_stream *stream); /* TLS not yet agreed */
/* Each second: ends streams whose peer did not say goodbye in time. */
void bn_streams_tick(struct bn_loop *loop);

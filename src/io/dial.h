/*
 * dial: a connection to another server that stands, was judged and is ready to speak; or why not.
 *
 * Name, policy, TCP, TLS, in that order, each measured and all under one time limit. An address is
 * judged before it is called, a certificate before a byte is sent. When an address does not answer
 * within 250 ms the next one is called beside it, and the first that stands is taken (RFC 8305). On
 * the loop's thread, which must not be hit by SIGPIPE (see tls_client).
 */
#pragma once

#include "base/target.h"

#include "io/stream.h"
#include "io/tls_peer.h"

/* Why there is no answer; the words stand in the history of checks. */
#define BN_FETCH_FAULTS(X)          \
    X(NONE, "ok")                   \
    X(DNS, "dns")                   \
    X(REFUSED, "refused")           \
    X(UNREACHABLE, "unreachable")   \
    X(TIMEOUT, "timeout")           \
    X(RESET, "reset")               \
    X(TLS, "tls")                   \
    X(UNTRUSTED, "untrusted")       \
    X(CERT_CHANGED, "cert_changed") \
    X(NOT_ALLOWED, "not_allowed")   \
    X(TOO_BIG, "too_big")           \
    X(PROTOCOL, "protocol")         \
    X(CANCELLED, "cancelled")

enum bn_fetch_fault {

#define X(name, word) BN_FETCH_##name,
    BN_FETCH_FAULTS(X)
#undef X
};

/* How far it came. */
enum bn_fetch_phase {
    BN_PHASE_DNS,
    BN_PHASE_TCP,
    BN_PHASE_TLS,
    BN_PHASE_ANSWER, /* asked, and no answer had begun */
    BN_PHASE_BODY,   /* the answer had begun */
};

const char *bn_fetch_fault_word(enum bn_fetch_fault fault);
const char *bn_fetch_phase_word(enum bn_fetch_phase phase); /* "dns" "tcp" "tls" "answer" "body" */
/* "timed out after 5.0 s in the TLS handshake" */
void bn_fetch_timeout_text(char *out, size_t size, enum bn_fetch_phase phase, double took_ms);

#define BN_DIAL_KEY_SIZE 400

struct bn_dial_to {
    const char *host; /* name, IPv4 or IPv6 address without brackets, 253 bytes at most */
    int port;
    bool is_plain;    /* no TLS */
    bool is_fresh;    /* nothing remembered is used, neither addresses nor sessions */
    int64_t limit_ms; /* for all of it, above 0 */
    /* Trust and pin are given, the rest comes back. Must live until done() or the cancellation;
       NULL when plain. */
    struct bn_tls_peer *peer;
};

struct bn_dialled {
    struct bn_stream *stream; /* ready: set its ops in the call, or abort it; NULL with a fault */
    enum bn_fetch_fault fault;
    enum bn_fetch_phase phase;  /* of a fault */
    char text[BN_ERR_TEXT_MAX]; /* of a fault: one sentence without the host's name */
    /* Milliseconds; NaN for a phase that did not end, or was not needed. */
    double dns_ms;
    double tcp_ms;
    double tls_ms;
    bool is_resumed;                 /* with a TLS session of before */
    bool was_tls;                    /* a TLS handshake began */
    char address[BN_ADDR_TEXT_SIZE]; /* that was called last; "" is none */
};

struct bn_dialer; /* one per loop: its TLS sessions and the names it knows */
struct bn_dial;   /* one attempt */

/* sessions_max: TLS sessions remembered. The policy is copied. */
BN_MUST_CHECK bool bn_dialer_create(struct bn_loop *loop, const struct bn_target_policy *policy,
        size_t sessions_max, struct bn_dialer **out, struct bn_err *err);
/* Nothing may be under way; streams handed over may live on. NULL is fine. */
void bn_dialer_destroy(struct bn_dialer *dialer);

/* done() is called once, later, unless cancelled first; what it is shown is gone with its end, and
   so is the dial. */
struct bn_dial *bn_dial_start(struct bn_dialer *dialer, const struct bn_dial_to *to,
        void (*done)(void *user, const struct bn_dialled *result), void *user);
void bn_dial_cancel(struct bn_dial *dial); /* at any moment before done(); NULL is fine */

/* What may be reused by whom: one text for one endpoint under one trust. */
void bn_dial_key(const struct bn_dial_to *to, char out[BN_DIAL_KEY_SIZE]);

/*
 * tls_client: TLS connections of ours to other servers, each judged by whom it may talk to
 * (OpenSSL).
 *
 * One SSL_CTX for all connections of a thread: making one costs more than the handshake it is for.
 * Sessions are remembered by key, the least recently used goes first. One thread only. Writing to a
 * connection that is gone raises SIGPIPE: the thread blocks it, or the process ignores it.
 */
#pragma once

#include "io/tls.h"
#include "io/tls_peer.h"

struct bn_tls_client;

/* The system's authorities are looked for when somebody is first to be trusted by one. */
BN_MUST_CHECK bool bn_tls_client_create(size_t sessions_max, struct bn_tls_client **out,
        struct bn_err *err);
/* Connections still open keep what they need. NULL is fine. */
void bn_tls_client_unref(struct bn_tls_client *client);

struct bn_tls_to {
    const char *host;         /* name or address: what the certificate must bear (BN_TRUST_CA) */
    const char *key;          /* names host, port, trust and pin: sessions are not shared across */
    bool is_fresh;            /* no session is resumed */
    struct bn_tls_peer *peer; /* must live until the handshake is over */
};

/* Client side of fd, which stays the caller's. NULL: there is no memory. */
struct bn_tls *bn_tls_client_open(struct bn_tls_client *client, int fd, const struct bn_tls_to *to);
/* OK: peer has vouched for whom it is, also when an earlier session was resumed. FAILED: err, or
   peer->is_refused, says why. */
enum bn_tls_result bn_tls_client_shake(struct bn_tls *tls, struct bn_err *err);

bool bn_tls_client_is_resumed(const struct bn_tls *tls);
size_t bn_tls_client_sessions(const struct bn_tls_client *client); /* remembered now */

/*
 * tls: TLS 1.2 and 1.3 for a stream, with certificates that can be replaced while running
 * (OpenSSL).
 *
 * Non-blocking over the stream's own descriptor; buffers are released while idle
 * (SSL_MODE_RELEASE_BUFFERS: 17 KB instead of 30 per connection, REALTIME 10).
 */
#pragma once

#include "base/err.h"

struct bn_tls_config; /* a certificate, its key and policy; counted, old connections keep theirs */
struct bn_tls;        /* one connection; the client side is made by tls_client */

enum bn_tls_result {
    BN_TLS_OK,
    BN_TLS_WANT_READ,  /* call again when the descriptor is readable */
    BN_TLS_WANT_WRITE, /* … writable */
    BN_TLS_CLOSED,     /* the peer sends no more */
    BN_TLS_GONE,       /* the connection was reset */
    BN_TLS_FAILED,     /* err says why */
};

/* Loads a PEM chain and key; refuses a key that does not match, an unreadable file, with its name.
 */
BN_MUST_CHECK bool bn_tls_config_create(const char *cert_path, const char *key_path,
        struct bn_tls_config **out, struct bn_err *err);
void bn_tls_config_unref(struct bn_tls_config *config); /* NULL is fine */
struct bn_tls_config *bn_tls_config_ref(struct bn_tls_config *config);

struct bn_tls *bn_tls_create(struct bn_tls_config *config, int fd); /* server side */
void bn_tls_destroy(struct bn_tls *tls); /* NULL is fine; does not close fd */

enum bn_tls_result bn_tls_handshake(struct bn_tls *tls, struct bn_err *err);
enum bn_tls_result bn_tls_read(struct bn_tls *tls, void *out, size_t size, size_t *out_len,
        struct bn_err *err);
enum bn_tls_result bn_tls_write(struct bn_tls *tls, const void *p, size_t len, size_t *out_len,
        struct bn_err *err);
bool bn_tls_is_ready(const struct bn_tls *tls);    /* the handshake is over */
bool bn_tls_has_pending(const struct bn_tls *tls); /* decrypted bytes wait inside: read again */
/* close_notify. WANT_WRITE: it does not fit now; anything else: there is no more to be said. */
enum bn_tls_result bn_tls_goodbye(struct bn_tls *tls);

const char *bn_tls_library(void); /* "OpenSSL 3.0.22 …": the one that was loaded */

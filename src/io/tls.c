#include "io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tls_private.h"

struct bn_tls_config {
    SSL_CTX *ctx;
    uint32_t refs;
};

/* The first error says what happened, the later ones who passed it on. */
static bool fail_openssl(struct bn_err *err, const char *what)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (ERR_SYSTEM_ERROR(code))
        reason = strerror(ERR_GET_REASON(code));
    ERR_clear_error();
    return bn_fail(err, BN_E_INVALID, "%s: %s", what, reason ? reason : "unknown reason");
}

/* We speak HTTP/1.1 only; a client that insists on another protocol is told so in the handshake. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
        const unsigned char *offers, unsigned int len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offers, len) !=
            OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Nobody sits at the server to type a passphrase; OpenSSL would ask its terminal and wait. */
static int no_passphrase(char *out, int size, int is_writing, void *was_asked)
{
    (void)out;
    (void)size;
    (void)is_writing;
    *(bool *)was_asked = true;
    return 0;
}

static bool load_key(SSL_CTX *ctx, const char *path, struct bn_err *err)
{
    char what[150];
    bool was_asked = false;
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &was_asked);
    bool ok = SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1 &&
              SSL_CTX_check_private_key(ctx) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    if (ok)
        return true;
    if (was_asked) {
        ERR_clear_error();
        return bn_fail(err, BN_E_INVALID,
                "cannot use the key %.100s: it is encrypted, and nobody is there to type its passphrase",
                path);
    }
    snprintf(what, sizeof what, "cannot use the key %.100s", path);
    return fail_openssl(err, what);
}

static void set_policy(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One record a call: who sends key updates without end would keep the loop inside SSL_read. */
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_cipher_list(ctx,
            "ECDHE+AESGCM:ECDHE+CHACHA20"); /* of TLS 1.2: forward secrecy and AEAD only */
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    SSL_CTX_set_session_cache_mode(ctx,
            SSL_SESS_CACHE_OFF); /* tickets resume; a cache would cost memory */
}

bool bn_tls_config_create(const char *cert_path, const char *key_path, struct bn_tls_config **out,
        struct bn_err *err)
{
    char what[150];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return fail_openssl(err, "TLS");
    set_policy(ctx);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1) {
        SSL_CTX_free(ctx);
        snprintf(what, sizeof what, "cannot use the certificate %.100s", cert_path);
        return fail_openssl(err, what);
    }
    if (!load_key(ctx, key_path, err)) {
        SSL_CTX_free(ctx);
        return false;
    }
    struct bn_tls_config *config = bn_alloc(sizeof *config);
    config->ctx = ctx;
    config->refs = 1;
    *out = config;
    return true;
}

struct bn_tls_config *bn_tls_config_ref(struct bn_tls_config *config)
{
    config->refs++;
    return config;
}

void bn_tls_config_unref(struct bn_tls_config *config)
{
    if (!config || --config->refs > 0)
        return;
    SSL_CTX_free(config->ctx);
    free(config);
}

struct bn_tls *bn_tls_create(struct bn_tls_config *config, int fd)
{
    SSL *ssl = SSL_new(config->ctx);
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(ssl);
    struct bn_tls *tls = bn_alloc(sizeof *tls);
    tls->ssl = ssl;
    tls->config = bn_tls_config_ref(config);
    return tls;
}

void bn_tls_destroy(struct bn_tls *tls)
{
    if (!tls)
        return;
    if (tls->client)
        bn_tls_client_let_go(tls);
    SSL_free(tls->ssl);
    bn_tls_config_unref(tls->config);
    free(tls);
}

static enum bn_tls_result result_of(struct bn_tls *tls, int rc, const char *what,
        struct bn_err *err)
{
    switch (SSL_get_error(tls->ssl, rc)) {
    case SSL_ERROR_NONE: return BN_TLS_OK;
    case SSL_ERROR_WANT_READ: return BN_TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE: return BN_TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN: return BN_TLS_CLOSED;
    case SSL_ERROR_SYSCALL:
        tls->broken = true;
        ERR_clear_error();
        if (errno == 0 || errno == ECONNRESET || errno == EPIPE)
            return BN_TLS_GONE;
        bn_fail(err, BN_E_UPSTREAM, "%s: %s", what, strerror(errno));
        return BN_TLS_FAILED;
    default:
        tls->broken = true;
        fail_openssl(err, what);
        return BN_TLS_FAILED;
    }
}

enum bn_tls_result bn_tls_handshake(struct bn_tls *tls, struct bn_err *err)
{
    ERR_clear_error();
    errno = 0;
    return result_of(tls, SSL_do_handshake(tls->ssl), "TLS handshake", err);
}

enum bn_tls_result bn_tls_read(struct bn_tls *tls, void *out, size_t size, size_t *out_len,
        struct bn_err *err)
{
    ERR_clear_error();
    errno = 0;
    return result_of(tls, SSL_read_ex(tls->ssl, out, size, out_len), "TLS read", err);
}

enum bn_tls_result bn_tls_write(struct bn_tls *tls, const void *p, size_t len, size_t *out_len,
        struct bn_err *err)
{
    ERR_clear_error();
    errno = 0;
    return result_of(tls, SSL_write_ex(tls->ssl, p, len, out_len), "TLS write", err);
}

bool bn_tls_is_ready(const struct bn_tls *tls)
{
    return SSL_is_init_finished(tls->ssl) == 1;
}

bool bn_tls_has_pending(const struct bn_tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1;
}

enum bn_tls_result bn_tls_goodbye(struct bn_tls *tls)
{
    if (tls->broken || !SSL_is_init_finished(tls->ssl))
        return BN_TLS_OK;
    ERR_clear_error();
    int rc = SSL_shutdown(tls->ssl);
    bool waits = rc < 0 && SSL_get_error(tls->ssl, rc) == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    return waits ? BN_TLS_WANT_WRITE : BN_TLS_OK;
}

const char *bn_tls_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

#include "io/tls_peer.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHA256_BYTES 32

static void write_pairs(const unsigned char digest[SHA256_BYTES], char out[BN_FINGERPRINT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[3 * i] = digits[digest[i] >> 4];
        out[3 * i + 1] = digits[digest[i] & 15];
        out[3 * i + 2] = i + 1 < SHA256_BYTES ? ':' : '\0';
    }
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bn_fingerprint_read(const char *text, char out[BN_FINGERPRINT_SIZE])
{
    unsigned char digest[SHA256_BYTES];
    bool has_colons = strchr(text, ':') != NULL;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        if (has_colons && i > 0 && *text++ != ':')
            return false;
        int high = digit_of(text[0]);
        int low = high < 0 ? -1 : digit_of(text[1]);
        if (low < 0)
            return false;
        digest[i] = (unsigned char)(high << 4 | low);
        text += 2;
    }
    if (*text)
        return false;
    write_pairs(digest, out);
    return true;
}

static void note_certificate(struct bn_tls_peer *peer, X509 *cert)
{
    unsigned char digest[SHA256_BYTES];
    unsigned int len = 0;
    struct tm tm;
    peer->fingerprint[0] = '\0';
    peer->expires_at = 0;
    if (!cert || !X509_digest(cert, EVP_sha256(), digest, &len) || len != SHA256_BYTES)
        return;
    write_pairs(digest, peer->fingerprint);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
        peer->expires_at = (int64_t)timegm(&tm) * 1000;
}

/* Fingerprints are no secrets: an ordinary comparison does. */
static bool is_pinned(const struct bn_tls_peer *peer)
{
    return peer->fingerprint[0] && strcmp(peer->fingerprint, peer->pin) == 0;
}

static void refuse(struct bn_tls_peer *peer, const char *why)
{
    peer->is_refused = true;
    snprintf(peer->why, sizeof peer->why, "%s", why);
}

static int judge(X509_STORE_CTX *store, void *arg)
{
    struct bn_tls_peer *peer = arg;
    note_certificate(peer, X509_STORE_CTX_get0_cert(store));
    if (peer->trust == BN_TRUST_CA) {
        if (X509_verify_cert(store) > 0)
            return 1;
        refuse(peer, X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
        return 0;
    }
    /* The session remembers this: no authority has vouched for it, whoever resumes it later. */
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    if (peer->trust == BN_TRUST_PIN && is_pinned(peer))
        return 1;
    refuse(peer, peer->trust == BN_TRUST_PIN ? "another certificate than the pinned one"
                                             : "the certificate was only looked at");
    return 0;
}

void bn_tls_peer_judge(void *ssl_ctx, struct bn_tls_peer *peer)
{
    SSL_CTX *ctx = ssl_ctx;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL); /* what judge() says is what counts */
    SSL_CTX_set_cert_verify_callback(ctx, judge, peer);
    /* Later handshakes on the connection would be judged by a peer that is gone (and by nobody's
       wish: TLS 1.3 has none). */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    /* A server that closes an idle connection does not say so in TLS; without this its session
       would be thrown away with the connection. What is cut short is seen by its length. */
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* until keep_session() */
}

/* At the end of a handshake OpenSSL takes the ticket it used out of use, for most servers send
   another; those that do not would be greeted in full every second time. So sessions are only
   kept track of from now on: before the tickets of TLS 1.3 come, after the session of TLS 1.2. */
static void keep_session(SSL *ssl)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    int (*keep)(SSL * ssl, SSL_SESSION * session) = SSL_CTX_sess_get_new_cb(ctx);
    if (!keep || SSL_CTX_get_session_cache_mode(ctx) != SSL_SESS_CACHE_OFF)
        return;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (SSL_version(ssl) >= TLS1_3_VERSION || SSL_session_reused(ssl))
        return;
    SSL_SESSION *session = SSL_get1_session(ssl);
    if (session && !keep(ssl, session))
        SSL_SESSION_free(session);
}

bool bn_tls_peer_may_use(void *ssl, struct bn_tls_peer *peer)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    note_certificate(peer, cert);
    X509_free(cert);
    keep_session(ssl);
    if (peer->trust == BN_TRUST_CA && SSL_get_verify_result(ssl) == X509_V_OK)
        return true;
    if (peer->trust == BN_TRUST_PIN && is_pinned(peer))
        return true;
    refuse(peer, peer->trust == BN_TRUST_PIN ? "another certificate than the pinned one"
                                             : "no authority of this system vouches for it");
    return false;
}

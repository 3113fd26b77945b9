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

void bn_tls_peer_reset(struct bn_tls_peer *peer)
{
    peer->fingerprint[0] = peer->why[0] = '\0';
    peer->expires_at = 0;
    peer->is_refused = peer->is_other_name = false;
}

static void refuse(struct bn_tls_peer *peer, const char *why)
{
    peer->is_refused = true;
    snprintf(peer->why, sizeof peer->why, "%s", why);
}

static int judge_by_authority(X509_STORE_CTX *store, struct bn_tls_peer *peer)
{
    if (X509_verify_cert(store) > 0)
        return 1;
    const int error = X509_STORE_CTX_get_error(store);
    peer->is_other_name = error == X509_V_ERR_HOSTNAME_MISMATCH ||
                          error == X509_V_ERR_IP_ADDRESS_MISMATCH;
    refuse(peer, X509_verify_cert_error_string(error));
    return 0;
}

int bn_tls_peer_judge(void *x509_store_ctx, struct bn_tls_peer *peer)
{
    X509_STORE_CTX *store = x509_store_ctx;
    note_certificate(peer, X509_STORE_CTX_get0_cert(store));
    if (peer->trust == BN_TRUST_CA)
        return judge_by_authority(store, peer);
    /* The session remembers this: no authority has vouched for it, whoever resumes it later. */
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    if (peer->trust == BN_TRUST_PIN && is_pinned(peer))
        return 1;
    refuse(peer, peer->trust == BN_TRUST_PIN ? "another certificate than the pinned one"
                                             : "the certificate was only looked at");
    return 0;
}

bool bn_tls_peer_may_use(void *ssl, struct bn_tls_peer *peer)
{
    if (!peer->fingerprint[0]) { /* nobody showed it: it is the one of the session */
        X509 *cert = SSL_get1_peer_certificate(ssl);
        note_certificate(peer, cert);
        X509_free(cert);
    }
    if (peer->trust == BN_TRUST_CA && SSL_get_verify_result(ssl) == X509_V_OK) {
        if (peer->expires_at > (int64_t)time(NULL) * 1000)
            return true;
        refuse(peer, "certificate has expired"); /* since the session was made */
        return false;
    }
    if (peer->trust == BN_TRUST_PIN && is_pinned(peer))
        return true;
    refuse(peer, peer->trust == BN_TRUST_PIN ? "another certificate than the pinned one"
                                             : "no authority of this system vouches for it");
    return false;
}

/*
 * tls_peer: whom a TLS connection of ours may talk to; the certificate judged before a byte is
 * sent.
 *
 * Used by tls_client. A certificate is named by the SHA-256 of its DER bytes, in upper-case
 * hexadecimal pairs joined by colons, as Proxmox VE writes it.
 */
#pragma once

#include "base/base.h"

#define BN_FINGERPRINT_SIZE 96 /* 32 pairs, 31 colons, a NUL */

enum bn_trust {
    BN_TRUST_CA,   /* an authority of the system signed it, and it bears the host's name */
    BN_TRUST_PIN,  /* it is the one with that fingerprint, whoever signed it */
    BN_TRUST_LOOK, /* nobody: the handshake ends after the certificate was seen */
};

/* One connection attempt. The first two are given, the rest is found out. */
struct bn_tls_peer {
    enum bn_trust trust;
    char pin[BN_FINGERPRINT_SIZE];

    char fingerprint[BN_FINGERPRINT_SIZE]; /* "" until a certificate was seen */
    int64_t expires_at;                    /* wall milliseconds; 0 is unknown */
    bool is_refused;                       /* seen, and not trusted */
    bool is_other_name;                    /* refused: made out to another host name or address */
    char why[96];                          /* of a refusal: OpenSSL's words for what is wrong */
};

void bn_tls_peer_reset(struct bn_tls_peer *peer); /* nothing was found out yet */
/* In the middle of a handshake: x509_store_ctx holds what the server shows. 0 ends the handshake.
 */
int bn_tls_peer_judge(void *x509_store_ctx, struct bn_tls_peer *peer);
/* Of a connection about to be used: an earlier one may have made its session, and of a resumed one
   nobody shows a certificate again. False: it must not be used. */
bool bn_tls_peer_may_use(void *ssl, struct bn_tls_peer *peer);
/* "AA:BB:…", 32 pairs; small letters are accepted, and no colons. out is in the usual form. */
BN_MUST_CHECK bool bn_fingerprint_read(const char *text, char out[BN_FINGERPRINT_SIZE]);

/*
 * ssh_key: what a private key for SSH is, without opening it: its kind, the fingerprint of its
 * public half where it is written in clear, and whether a passphrase is needed.
 *
 * OpenSSH's own format (PROTOCOL.key of OpenSSH) and PEM (RFC 7468, RFC 1421 section 4.6.1.1).
 * Whether it opens is found out by whoever logs in with it.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

struct bn_ssh_key {
    char label[96]; /* "ssh-ed25519 SHA256:…", or "RSA private key" when that is all one sees */
    bool is_encrypted; /* a passphrase opens it */
};

/* False: err says under the name of field what stands there instead: a public key, a key of PuTTY,
   a kind no server takes any more, something cut. Never shows any of it. */
BN_MUST_CHECK bool bn_ssh_key_read(struct bn_str text, const char *field, struct bn_ssh_key *out,
        struct bn_err *err);
/* "SHA256:" and 43 characters of base64 without padding, as ssh-keygen -l prints it. */
bool bn_ssh_fingerprint_is_valid(struct bn_str text);

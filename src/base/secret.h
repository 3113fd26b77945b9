/*
 * secret: random, hashes, constant-time compare, passwords, sealing of stored tokens (libsodium).
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#define BN_HASH_SIZE     32  /* SHA-256 */
#define BN_PWHASH_SIZE   128 /* "$argon2id$v=19$m=65536,t=3,p=1$…" and its NUL */
#define BN_SEAL_KEY_SIZE 32

/* Once, before anything else here. Fails only when the kernel gives no randomness. */
BN_MUST_CHECK bool bn_secret_start(struct bn_err *err);

void bn_random(void *out, size_t len);
uint64_t bn_random_u64(void);
/* Random text of n characters of base32 without look-alikes (2-9 A-H J-N P-Z), for codes people
   type; 5 bits each. out needs n + 1 bytes. */
void bn_random_code(char *out, size_t n);

void bn_sha256(const void *from, size_t len, uint8_t out[BN_HASH_SIZE]);
bool bn_equal_secret(const void *a, const void *b, size_t len); /* constant time */
void bn_wipe(void *p, size_t len);

/* argon2id, t=3, m=64 MiB, p=1 (SECURITY 4): about 70 ms and 64 MiB. Worker threads only. */
BN_MUST_CHECK bool bn_password_hash(struct bn_str password, char out[BN_PWHASH_SIZE],
        struct bn_err *err);
/* hash NULL or "" spends the same time on a dummy and answers false (no account enumeration). */
bool bn_password_verify(const char *hash, struct bn_str password);

/* The id stands in every text sealed with the key, so that keys can change one row at a time. */
struct bn_seal_key {
    char id[32]; /* not empty, no '.' */
    uint8_t bytes[BN_SEAL_KEY_SIZE];
};

/* XChaCha20-Poly1305 with a random nonce; aad binds the text to its row, so that rows cannot be
   swapped: "v1|table|column|row|tenant". Text form: "v1.<key id>.<base64url(nonce || ciphertext)>".
   plain is at most 64 KiB; out needs bn_seal_size() bytes. false when it does not fit. */
size_t bn_seal_size(const struct bn_seal_key *key, size_t plain_len);
BN_MUST_CHECK bool bn_seal(const struct bn_seal_key *key, const char *aad, struct bn_str plain,
        char *out, size_t size);
/* false when anything of it is not as it was sealed, or out is too small; out gets no NUL. */
BN_MUST_CHECK bool bn_unseal(const struct bn_seal_key *key, const char *aad, struct bn_str sealed,
        char *out, size_t size, size_t *out_len);

const char *bn_secret_library(void); /* "1.0.18": the libsodium that was loaded */

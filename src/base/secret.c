#include "base/secret.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_PASSES   3
#define PASSWORD_BYTES    (64 << 20)
#define STORED_PASSES_MAX 10 /* a row may have been written by somebody else: what it costs to */
#define STORED_KIB_MAX    262144 /* verify is bounded before it is spent */
#define STORED_LANES_MAX  4
#define NONCE_SIZE        crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE          crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEALED_PLAIN_MAX  65536 /* a token, a key file; never a document */

_Static_assert(BN_HASH_SIZE == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(BN_PWHASH_SIZE >= crypto_pwhash_STRBYTES, "argon2id text");
_Static_assert(BN_SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "XChaCha20");

bool bn_secret_start(struct bn_err *err)
{
    if (sodium_init() < 0)
        return bn_fail(err, BN_E_INTERNAL, "the kernel gives no random numbers");
    return true;
}

void bn_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

uint64_t bn_random_u64(void)
{
    uint64_t value;
    randombytes_buf(&value, sizeof value);
    return value;
}

void bn_random_code(char *out, size_t n)
{
    static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    _Static_assert(sizeof alphabet - 1 == 32, "5 bits each");
    randombytes_buf(out, n);
    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[(unsigned char)out[i] & 31];
    out[n] = 0;
}

void bn_sha256(const void *from, size_t len, uint8_t out[BN_HASH_SIZE])
{
    crypto_hash_sha256(out, from, len);
}

bool bn_equal_secret(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void bn_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

bool bn_password_hash(struct bn_str password, char out[BN_PWHASH_SIZE], struct bn_err *err)
{
    char text[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(text, password.p ? password.p : "", password.len, PASSWORD_PASSES,
                PASSWORD_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return bn_fail(err, BN_E_UNAVAILABLE, "hashing a password needs 64 MiB of memory");
    memcpy(out, text, sizeof text);
    return true;
}

/* Reads "name=digits" and what follows it; false when it is not there or above max. */
static bool take_parameter(struct bn_str *rest, const char *name, char end, uint64_t max)
{
    struct bn_str piece = bn_str_cut(rest, end);
    uint64_t value;
    if (!bn_str_starts(piece, name))
        return false;
    size_t n = strlen(name);
    return bn_parse_u64((struct bn_str){piece.p + n, piece.len - n}, &value) && value > 0 &&
           value <= max;
}

static bool is_bounded(const char *hash)
{
    struct bn_str rest = bn_str(hash);
    if (rest.len >= crypto_pwhash_STRBYTES || !bn_str_starts(rest, "$argon2id$v=19$"))
        return false;
    bn_str_cut(&rest, '$');
    bn_str_cut(&rest, '$');
    bn_str_cut(&rest, '$');
    return take_parameter(&rest, "m=", ',', STORED_KIB_MAX) &&
           take_parameter(&rest, "t=", ',', STORED_PASSES_MAX) &&
           take_parameter(&rest, "p=", '$', STORED_LANES_MAX);
}

bool bn_password_verify(const char *hash, struct bn_str password)
{
    /* A well-formed hash of nobody's password, with the parameters every stored one has. */
    static const char dummy[] = "$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5J3MgaGFzaCEhIQ"
                                "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    bool known = hash && is_bounded(hash);
    char text[crypto_pwhash_STRBYTES] = {0};
    bool fits = bn_text_copy(text, sizeof text, bn_str(known ? hash : dummy));
    assert(fits);
    bool same = crypto_pwhash_str_verify(text, password.p ? password.p : "", password.len) == 0;
    return known && same;
}

/* Both ways need "v1.<key id>." exactly; a key id with a point in it could be read two ways. */
static bool make_prefix(char *out, size_t size, const struct bn_seal_key *key)
{
    if (!key->id[0] || strchr(key->id, '.'))
        return false;
    int n = snprintf(out, size, "v1.%s.", key->id);
    return n > 0 && (size_t)n < size;
}

size_t bn_seal_size(const struct bn_seal_key *key, size_t plain_len)
{
    return strlen("v1..") + strlen(key->id) + bn_b64url_size(NONCE_SIZE + plain_len + TAG_SIZE);
}

bool bn_seal(const struct bn_seal_key *key, const char *aad, struct bn_str plain, char *out,
        size_t size)
{
    char prefix[64];
    if (plain.len > SEALED_PLAIN_MAX || !make_prefix(prefix, sizeof prefix, key) ||
            size < bn_seal_size(key, plain.len))
        return false;
    size_t box_len = NONCE_SIZE + plain.len + TAG_SIZE;
    uint8_t *box = bn_alloc(box_len);
    randombytes_buf(box, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_SIZE, NULL,
            (const unsigned char *)plain.p, plain.len, (const unsigned char *)aad, strlen(aad),
            NULL, box, key->bytes);
    size_t prefix_len = strlen(prefix);
    memcpy(out, prefix, prefix_len);
    bn_b64url_encode(box, box_len, out + prefix_len);
    free(box);
    return true;
}

/* box is nonce, ciphertext and tag; what it decrypts to replaces the ciphertext. */
static bool open_box(const struct bn_seal_key *key, const char *aad, uint8_t *box, size_t box_len)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(box + NONCE_SIZE, NULL, NULL,
                   box + NONCE_SIZE, box_len - NONCE_SIZE, (const unsigned char *)aad, strlen(aad),
                   box, key->bytes) == 0;
}

bool bn_unseal(const struct bn_seal_key *key, const char *aad, struct bn_str sealed, char *out,
        size_t size, size_t *out_len)
{
    char prefix[64];
    if (!make_prefix(prefix, sizeof prefix, key) || !bn_str_starts(sealed, prefix))
        return false;
    size_t prefix_len = strlen(prefix);
    struct bn_str text = {sealed.p + prefix_len, sealed.len - prefix_len};
    if (text.len >= bn_b64url_size(NONCE_SIZE + SEALED_PLAIN_MAX + TAG_SIZE))
        return false;
    size_t box_len = 0;
    uint8_t *box = bn_alloc(text.len);
    bool ok = bn_b64url_decode(text, box, text.len, &box_len) && box_len >= NONCE_SIZE + TAG_SIZE &&
              box_len - NONCE_SIZE - TAG_SIZE <= size && open_box(key, aad, box, box_len);
    if (ok) {
        *out_len = box_len - NONCE_SIZE - TAG_SIZE;
        if (*out_len > 0)
            memcpy(out, box + NONCE_SIZE, *out_len);
    }
    sodium_memzero(box, text.len);
    free(box);
    return ok;
}

const char *bn_secret_library(void)
{
    return sodium_version_string();
}

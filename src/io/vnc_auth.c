#include "io/vnc_auth.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/secret.h"

/* Three times the same key makes one DES of triple DES: encrypt, decrypt, encrypt. Plain DES would
   need OpenSSL's legacy provider, which not every machine has. */
#define KEY_BYTES (3 * BN_VNC_PASSWORD_BYTES)

static uint8_t reversed(uint8_t byte)
{
    uint8_t out = 0;
    for (int i = 0; i < 8; i++)
        out = (uint8_t)(out | ((byte >> i & 1) << (7 - i)));
    return out;
}

static void make_key(const char *password, uint8_t key[KEY_BYTES])
{
    const size_t len = strnlen(password, BN_VNC_PASSWORD_BYTES);
    memset(key, 0, KEY_BYTES);
    for (size_t i = 0; i < KEY_BYTES; i++)
        if (i % BN_VNC_PASSWORD_BYTES < len)
            key[i] = reversed((uint8_t)password[i % BN_VNC_PASSWORD_BYTES]);
}

bool bn_vnc_answer(const char *password, const uint8_t challenge[BN_VNC_ANSWER_BYTES],
        uint8_t out[BN_VNC_ANSWER_BYTES])
{
    uint8_t key[KEY_BYTES];
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    make_key(password, key);
    const bool is_good = ctx && EVP_EncryptInit_ex(ctx, EVP_des_ede3_ecb(), NULL, key, NULL) == 1 &&
                         EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                         EVP_EncryptUpdate(ctx, out, &len, challenge, BN_VNC_ANSWER_BYTES) == 1 &&
                         len == BN_VNC_ANSWER_BYTES;
    EVP_CIPHER_CTX_free(ctx);
    bn_wipe(key, sizeof key);
    return is_good;
}

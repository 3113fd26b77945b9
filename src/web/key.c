#include "web/key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#define ID_LEN 16 /* 80 bits: nobody meets another's by chance */

void bn_key_make(struct bn_key *key, char out_text[BN_KEY_TEXT_SIZE])
{
    uint8_t bytes[BN_HASH_SIZE];
    char secret[44];
    bn_random(bytes, sizeof bytes);
    bn_b64url_encode(bytes, sizeof bytes, secret);
    bn_random_code(key->id, ID_LEN);
    for (char *p = key->id; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    snprintf(out_text, BN_KEY_TEXT_SIZE, "bnk_%.*s_%s", ID_LEN, key->id, secret);
    snprintf(key->prefix, sizeof key->prefix, "bnk_%.8s…", key->id);
    bn_sha256(out_text, strlen(out_text), bytes);
    bn_b64url_encode(bytes, sizeof bytes, key->hash);
    bn_wipe(secret, sizeof secret);
}

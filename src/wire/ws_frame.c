#include <assert.h>
#include <string.h>

#include "wire/ws.h"

#define MASKED     0x80
#define REASON_MAX 123

size_t bn_ws_header(uint8_t out[BN_WS_HEADER_MAX], enum bn_ws_op op, bool deflated, uint64_t len,
        const uint8_t mask[4])
{
    size_t n = 2;
    out[0] = (uint8_t)(0x80 | (deflated ? 0x40 : 0) | op);
    out[1] = mask ? MASKED : 0;
    if (len < 126) {
        out[1] |= (uint8_t)len;
    } else {
        size_t bytes = len <= UINT16_MAX ? 2 : 8;
        out[1] |= bytes == 2 ? 126 : 127;
        for (size_t i = 0; i < bytes; i++)
            out[n++] = (uint8_t)(len >> 8 * (bytes - 1 - i));
    }
    if (mask) {
        memcpy(out + n, mask, 4);
        n += 4;
    }
    return n;
}

void bn_ws_mask_to(char *to, const char *from, size_t len, const uint8_t mask[4])
{
    uint64_t eight;
    uint8_t twice[8];
    size_t i = 0;
    memcpy(twice, mask, 4);
    memcpy(twice + 4, mask, 4);
    memcpy(&eight, twice, sizeof eight);
    /* Four words at a time: compilers make two vector operations of it. */
    for (; len - i >= 32; i += 32) {
        uint64_t words[4];
        memcpy(words, from + i, sizeof words);
        for (size_t k = 0; k < 4; k++)
            words[k] ^= eight;
        memcpy(to + i, words, sizeof words);
    }
    for (; len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, from + i, sizeof word);
        word ^= eight;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < len; i++)
        to[i] = (char)(from[i] ^ (char)mask[i & 3]);
}

void bn_ws_mask(char *p, size_t len, const uint8_t mask[4])
{
    bn_ws_mask_to(p, p, len, mask);
}

bool bn_ws_may_send_code(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

size_t bn_ws_close_payload(uint8_t out[125], int code, const char *reason)
{
    if (code == 1005)
        return 0;
    assert(bn_ws_may_send_code(code));
    size_t len = strnlen(reason, REASON_MAX + 1);
    if (len > REASON_MAX) {
        len = REASON_MAX;
        while (len > 0 && ((unsigned char)reason[len] & 0xc0) == 0x80)
            len--;
    }
    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)code;
    memcpy(out + 2, reason, len);
    return len + 2;
}

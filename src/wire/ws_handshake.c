#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "wire/ws.h"

/* --- SHA-1 (RFC 3174), for the handshake's constant only ---------------------------------------
 */

static uint32_t turn(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64])
{
    uint32_t w[80];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (size_t i = 16; i < 80; i++)
        w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (size_t i = 0; i < 80; i++) {
        uint32_t mix, constant;
        if (i < 20) {
            mix = (b & c) | (~b & d);
            constant = 0x5a827999;
        } else if (i < 40) {
            mix = b ^ c ^ d;
            constant = 0x6ed9eba1;
        } else if (i < 60) {
            mix = (b & c) | (b & d) | (c & d);
            constant = 0x8f1bbcdc;
        } else {
            mix = b ^ c ^ d;
            constant = 0xca62c1d6;
        }
        uint32_t next = turn(a, 5) + mix + e + w[i] + constant;
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

#define KEY_TEXT_BYTES 60 /* the key's 24 and the GUID's 36: two blocks with their padding */

static void sha1(const uint8_t text[KEY_TEXT_BYTES], uint8_t out[20])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t padded[128] = {0};
    memcpy(padded, text, KEY_TEXT_BYTES);
    padded[KEY_TEXT_BYTES] = 0x80;
    padded[126] = KEY_TEXT_BYTES * 8 >> 8; /* the length in bits ends the last block */
    padded[127] = KEY_TEXT_BYTES * 8 & 255;
    sha1_block(state, padded);
    sha1_block(state, padded + 64);
    for (size_t i = 0; i < 20; i++)
        out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* --- the key ------------------------------------------------------------------------------------
 */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_base64(const uint8_t *from, size_t len, char *out)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = BN_MIN(len - i, (size_t)3);
        uint8_t p[3] = {0};
        memcpy(p, from + i, n);
        uint32_t three = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (size_t k = 0; k < 4; k++)
            *out++ = k <= n ? base64[three >> (18 - 6 * k) & 63] : '=';
    }
    *out = 0;
}

void bn_ws_key_text(const uint8_t key[16], char out[25])
{
    encode_base64(key, 16, out);
}

bool bn_ws_accept_key(struct bn_str key, char out[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[KEY_TEXT_BYTES];
    uint8_t hash[20];
    /* 16 bytes are 22 digits and "=="; the 4 spare bits of the last digit are not looked at, for
       RFC 6455's own example in section 4.1 has some set. */
    if (key.len != 24 || key.p[22] != '=' || key.p[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++)
        if (!memchr(base64, key.p[i], 64))
            return false;
    memcpy(text, key.p, 24);
    memcpy(text + 24, guid, sizeof guid - 1);
    sha1(text, hash);
    encode_base64(hash, sizeof hash, out);
    return true;
}

/* --- extensions ---------------------------------------------------------------------------------
 */

/* Sec-WebSocket-Extensions is read as a stream of words and separators (RFC 6455 section 9.1). */
struct words {
    struct bn_str rest;
    struct bn_str word; /* a token, or what stands in a quoted string */
    bool is_quoted;
    char what; /* 'w' word, ',' ';' '=' separators, 0 end, '?' neither */
};

static bool is_token_byte(unsigned char c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

/* A quoted value must be a token once unquoted, so nothing in it ever needs a backslash. */
static void next_word(struct words *w)
{
    w->rest = bn_str_trim(w->rest);
    struct bn_str rest = w->rest;
    w->word = (struct bn_str){rest.p, 0};
    w->what = 0;
    if (rest.len == 0)
        return;
    w->is_quoted = rest.p[0] == '"';
    size_t start = w->is_quoted ? 1 : 0;
    size_t n = start;
    while (n < rest.len && is_token_byte((unsigned char)rest.p[n]))
        n++;
    w->word = (struct bn_str){rest.p + start, n - start};
    w->what = n > start ? 'w' : '?';
    if (w->is_quoted && (n == rest.len || rest.p[n++] != '"'))
        w->what = '?';
    else if (n == 0 && memchr(",;=", rest.p[n++], 3))
        w->what = rest.p[0];
    w->rest = (struct bn_str){rest.p + n, rest.len - n};
}

/* One offer and what was found in it. */
struct offer {
    bool is_ours; /* permessage-deflate, with parameters we can serve */
    bool server_alone, client_alone, server_window, client_window; /* seen so far */
    int window;                                                    /* bits for what we send */
};

/* 8..15 without leading zeros (RFC 7692 section 7.1.2); 0 when it is anything else. */
static int window_bits(struct bn_str value)
{
    if (value.len == 1 && (value.p[0] == '8' || value.p[0] == '9'))
        return value.p[0] - '0';
    if (value.len == 2 && value.p[0] == '1' && value.p[1] >= '0' && value.p[1] <= '5')
        return 10 + value.p[1] - '0';
    return 0;
}

/* value.p is NULL when none was given. False: the offer cannot be accepted. */
static bool read_param(struct offer *offer, struct bn_str name, struct bn_str value)
{
    bool *seen = NULL;
    bool is_good = !value.p;
    if (bn_str_is(name, "server_no_context_takeover")) {
        seen = &offer->server_alone;
    } else if (bn_str_is(name, "client_no_context_takeover")) {
        seen = &offer->client_alone;
    } else if (bn_str_is(name, "server_max_window_bits")) {
        seen = &offer->server_window;
        offer->window = value.p ? window_bits(value) : 0;
        is_good = offer->window > 0;
    } else if (bn_str_is(name, "client_max_window_bits")) {
        seen = &offer->client_window;
        is_good = !value.p || window_bits(value) > 0;
    }
    if (!seen || *seen || !is_good)
        return false;
    *seen = true;
    return true;
}

/* Reads one element of the list up to ',' or the end; false when the header is ill-formed. */
static bool read_offer(struct words *w, struct offer *offer)
{
    *offer = (struct offer){.is_ours = bn_str_is(w->word, "permessage-deflate"), .window = 15};
    next_word(w);
    while (w->what == ';') {
        next_word(w);
        struct bn_str name = w->word;
        struct bn_str value = {NULL, 0};
        if (w->what != 'w' || w->is_quoted)
            return false;
        next_word(w);
        if (w->what == '=') {
            next_word(w);
            if (w->what != 'w')
                return false;
            value = w->word;
            next_word(w);
        }
        offer->is_ours = offer->is_ours && read_param(offer, name, value);
    }
    return w->what == ',' || w->what == 0;
}

int bn_ws_choose_deflate(struct bn_str offers, char *out, size_t size)
{
    struct words w = {.rest = offers};
    struct offer chosen = {0};
    next_word(&w);
    while (w.what) {
        struct offer offer = {0};
        if (w.what == 'w' && !w.is_quoted) {
            if (!read_offer(&w, &offer))
                return 0;
            if (!chosen.is_ours || (offer.is_ours && offer.window > chosen.window))
                chosen = offer; /* the first that allows the most */
        } else if (w.what != ',') {
            return 0;
        }
        if (w.what == ',')
            next_word(&w);
    }
    if (!chosen.is_ours)
        return 0;
    char window[32] = "";
    if (chosen.server_window)
        snprintf(window, sizeof window, "; server_max_window_bits=%d", chosen.window);
    int n = snprintf(out, size,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover%s", window);
    assert(n > 0 && (size_t)n < size);
    return chosen.window;
}

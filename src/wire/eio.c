#include "wire/eio.h"

#include <assert.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A text may hold NUL, which base/text refuses. */
static bool is_utf8(struct bn_str text)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code;
        at += bn_utf8_next(text.p + at, text.len - at, &code);
        if (code == BN_UTF8_BAD)
            return false;
    }
    return true;
}

bool bn_eio_read(struct bn_str text, struct bn_eio_packet *out)
{
    if (text.len == 0 || text.p[0] < '0' || text.p[0] > '6' || !is_utf8(text))
        return false;
    *out = (struct bn_eio_packet){.type = (enum bn_eio_type)(text.p[0] - '0'),
            .data = {text.p + 1, text.len - 1}};
    return true;
}

/* --- base64 (RFC 4648 section 4), padded ------------------------------------------------------ */

static int value_of(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Four digits, or a last group with padding. Returns how many bytes they are; 0: none. */
static size_t decode_group(const char *p, bool is_last, char out[3])
{
    int v[4];
    size_t n = 4;
    if (is_last && p[3] == '=')
        n = p[2] == '=' ? 2 : 3;
    for (size_t i = 0; i < 4; i++) {
        v[i] = i < n ? value_of(p[i]) : 0;
        if (v[i] < 0)
            return 0;
    }
    out[0] = (char)(v[0] << 2 | v[1] >> 4);
    out[1] = (char)((v[1] & 15) << 4 | v[2] >> 2);
    out[2] = (char)((v[2] & 3) << 6 | v[3]);
    return n - 1;
}

static bool decode(struct bn_str text, struct bn_buf *out)
{
    bn_buf_reset(out);
    if (text.len % 4 != 0)
        return false;
    for (size_t at = 0; at < text.len; at += 4) {
        char group[3];
        const size_t n = decode_group(text.p + at, at + 4 == text.len, group);
        if (n == 0)
            return false;
        bn_buf_put(out, group, n);
    }
    return bn_buf_ok(out);
}

static void encode(struct bn_buf *out, struct bn_str bytes)
{
    for (size_t at = 0; at < bytes.len; at += 3) {
        const size_t n = BN_MIN(bytes.len - at, (size_t)3);
        uint8_t b[3] = {0};
        memcpy(b, bytes.p + at, n);
        const char group[4] = {digits[b[0] >> 2], digits[(b[0] & 3) << 4 | b[1] >> 4],
                n > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=',
                n > 2 ? digits[b[2] & 63] : '='};
        bn_buf_put(out, group, sizeof group);
    }
}

/* --- bodies ----------------------------------------------------------------------------------- */

bool bn_eio_next(struct bn_str *rest, struct bn_buf *scratch, struct bn_eio_packet *out)
{
    const struct bn_str piece = bn_str_cut(rest, BN_EIO_SEPARATOR);
    if (piece.len == 0 || piece.p[0] != 'b')
        return bn_eio_read(piece, out);
    if (!decode((struct bn_str){piece.p + 1, piece.len - 1}, scratch))
        return false;
    *out = (struct bn_eio_packet){BN_EIO_MESSAGE, true, bn_buf_str(scratch)};
    return true;
}

void bn_eio_put_text(struct bn_buf *out, const struct bn_eio_packet *packet)
{
    assert(!packet->is_binary);
    bn_buf_putc(out, (char)('0' + packet->type));
    bn_buf_put(out, packet->data.p, packet->data.len);
}

void bn_eio_put(struct bn_buf *body, const struct bn_eio_packet *packet)
{
    if (body->len > 0)
        bn_buf_putc(body, BN_EIO_SEPARATOR);
    if (!packet->is_binary) {
        bn_eio_put_text(body, packet);
        return;
    }
    bn_buf_putc(body, 'b');
    encode(body, packet->data);
}

size_t bn_eio_size(const struct bn_eio_packet *packet)
{
    return 2 + (packet->is_binary ? (packet->data.len + 2) / 3 * 4 : packet->data.len);
}

void bn_eio_put_opening(struct bn_buf *out, const struct bn_eio_opening *opening)
{
    bn_buf_printf(out,
            "{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%d,\"pingTimeout\":%d,"
            "\"maxPayload\":%zu}",
            opening->sid, opening->offers_websocket ? "\"websocket\"" : "",
            opening->ping_interval_ms, opening->ping_timeout_ms, opening->payload_max);
}

#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct bn_str bn_str(const char *text)
{
    return (struct bn_str){text, text ? strlen(text) : 0};
}

bool bn_str_is(struct bn_str a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || memcmp(a.p, b, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool bn_str_is_nocase(struct bn_str a, const char *b)
{
    if (a.len != strlen(b))
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b[i]))
            return false;
    return true;
}

bool bn_str_starts(struct bn_str a, const char *prefix)
{
    size_t n = strlen(prefix);
    return n <= a.len && (n == 0 || memcmp(a.p, prefix, n) == 0);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bn_str bn_str_trim(struct bn_str a)
{
    while (a.len > 0 && is_blank(a.p[0])) {
        a.p++;
        a.len--;
    }
    while (a.len > 0 && is_blank(a.p[a.len - 1]))
        a.len--;
    return a;
}

struct bn_str bn_str_cut(struct bn_str *rest, char sep)
{
    struct bn_str piece = *rest;
    const char *at = rest->len > 0 ? memchr(rest->p, sep, rest->len) : NULL;
    if (!at) {
        *rest = (struct bn_str){NULL, 0};
        return piece;
    }
    piece.len = (size_t)(at - rest->p);
    rest->p = at + 1;
    rest->len -= piece.len + 1;
    return piece;
}

bool bn_text_copy(char *out, size_t size, struct bn_str from)
{
    if (from.len >= size) {
        if (size > 0)
            out[0] = 0;
        return false;
    }
    if (from.len > 0)
        memcpy(out, from.p, from.len);
    out[from.len] = 0;
    return true;
}

void bn_text_clip(char *out, size_t size, struct bn_str from)
{
    if (size == 0)
        return;
    size_t n = BN_MIN(from.len, size - 1);
    /* A sequence has at most three continuation bytes; more of them is no UTF-8 to protect. */
    if (n < from.len)
        for (int back = 0; back < 3 && n > 0 && ((unsigned char)from.p[n] & 0xC0) == 0x80; back++)
            n--;
    if (n > 0)
        memcpy(out, from.p, n);
    out[n] = 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool bn_parse_u64(struct bn_str text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.p[i]))
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, (uint64_t)(text.p[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool bn_parse_i64(struct bn_str text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = text.len > 0 && text.p[0] == '-';
    if (negative) {
        text.p++;
        text.len--;
    }
    uint64_t magnitude;
    if (!bn_parse_u64(text, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    int64_t value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bn_parse_hex(struct bn_str text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.p[i]);
        if (digit < 0 || value >> 60)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *out = value;
    return true;
}

static size_t skip_digits(struct bn_str text, size_t i)
{
    while (i < text.len && is_digit(text.p[i]))
        i++;
    return i;
}

/* The number of RFC 8259 with leading zeros allowed: strtod alone would take hex, "inf" and blanks.
 */
static bool is_decimal(struct bn_str text)
{
    size_t i = text.len > 0 && text.p[0] == '-';
    size_t from = i;
    i = skip_digits(text, i);
    if (i == from)
        return false;
    if (i < text.len && text.p[i] == '.') {
        from = i + 1;
        i = skip_digits(text, from);
        if (i == from)
            return false;
    }
    if (i < text.len && lower(text.p[i]) == 'e') {
        i++;
        if (i < text.len && (text.p[i] == '+' || text.p[i] == '-'))
            i++;
        from = i;
        i = skip_digits(text, from);
        if (i == from)
            return false;
    }
    return i == text.len;
}

/* An embedding program may have called setlocale(), and then strtod() would want a decimal comma.
 */
static locale_t c_locale(void)
{
    static _Atomic(locale_t) shared;
    locale_t have = atomic_load(&shared);
    if (have)
        return have;
    locale_t made = newlocale(LC_ALL_MASK, "C", NULL);
    if (atomic_compare_exchange_strong(&shared, &have, made))
        return made;
    freelocale(made);
    return have;
}

bool bn_parse_f64(struct bn_str text, double *out)
{
    char copy[512]; /* a double needs 17 digits; whoever sends more than 511 bytes sends no number
                     */
    if (!is_decimal(text) || !bn_text_copy(copy, sizeof copy, text))
        return false;
    double value = strtod_l(copy, NULL, c_locale());
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

/* Digits, then one of the units; *out = digits * factor. */
static bool parse_with_unit(struct bn_str text, size_t unit_len, int64_t factor, int64_t *out)
{
    int64_t value;
    text.len -= unit_len;
    if (text.len == 0 || !is_digit(text.p[0]) || !bn_parse_i64(text, 0, INT64_MAX, &value))
        return false;
    if (__builtin_mul_overflow(value, factor, &value))
        return false;
    *out = value;
    return true;
}

bool bn_parse_duration_ms(struct bn_str text, int64_t *out)
{
    if (text.len >= 2 && text.p[text.len - 2] == 'm' && text.p[text.len - 1] == 's')
        return parse_with_unit(text, 2, 1, out);
    if (text.len == 0)
        return false;
    switch (text.p[text.len - 1]) {
    case 's': return parse_with_unit(text, 1, 1000, out);
    case 'm': return parse_with_unit(text, 1, 60 * 1000, out);
    case 'h': return parse_with_unit(text, 1, 60 * 60 * 1000, out);
    case 'd': return parse_with_unit(text, 1, 24 * 60 * 60 * 1000, out);
    default: return false;
    }
}

bool bn_parse_size(struct bn_str text, int64_t *out)
{
    switch (text.len > 0 ? text.p[text.len - 1] : 0) {
    case 'K': return parse_with_unit(text, 1, 1 << 10, out);
    case 'M': return parse_with_unit(text, 1, 1 << 20, out);
    case 'G': return parse_with_unit(text, 1, 1 << 30, out);
    default: return parse_with_unit(text, 0, 1, out);
    }
}

/* How many bytes the sequence that begins with `lead` has, and what its second byte may be (RFC
   3629 section 4); 0 when no sequence begins so. */
static size_t sequence_shape(unsigned char lead, unsigned char *out_low, unsigned char *out_high)
{
    *out_low = 0x80;
    *out_high = 0xBF;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    if (lead < 0xE0)
        return 2;
    if (lead == 0xE0)
        *out_low = 0xA0; /* overlong */
    else if (lead == 0xED)
        *out_high = 0x9F; /* surrogates */
    else if (lead == 0xF0)
        *out_low = 0x90; /* overlong */
    else if (lead == 0xF4)
        *out_high = 0x8F; /* above U+10FFFF */
    return lead < 0xF0 ? 3 : 4;
}

size_t bn_utf8_next(const char *p, size_t len, uint32_t *out_code)
{
    const unsigned char *u = (const unsigned char *)p;
    unsigned char low;
    unsigned char high;
    if (u[0] < 0x80) {
        *out_code = u[0];
        return 1;
    }
    size_t n = sequence_shape(u[0], &low, &high);
    *out_code = BN_UTF8_BAD;
    if (n == 0)
        return 1;
    uint32_t code = u[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (i >= len || u[i] < low || u[i] > high)
            return i;
        code = code << 6 | (u[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *out_code = code;
    return n;
}

bool bn_utf8_is_valid(const char *p, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t i = 0;
    while (i < len) {
        uint64_t word;
        /* Eight bytes of ASCII without NUL at once: no high bit, and none borrows. */
        if (len - i >= sizeof word) {
            memcpy(&word, p + i, sizeof word);
            if (((word | (word - ones)) & (ones << 7)) == 0) {
                i += sizeof word;
                continue;
            }
        }
        uint32_t code;
        size_t n = bn_utf8_next(p + i, len - i, &code);
        if (code == 0 || code == BN_UTF8_BAD)
            return false;
        i += n;
    }
    return true;
}

static const char b64_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t bn_b64url_size(size_t len)
{
    return len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0) + 1;
}

void bn_b64url_encode(const void *from, size_t len, char *out)
{
    const unsigned char *p = from;
    for (; len >= 3; len -= 3, p += 3) {
        uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *out++ = b64_alphabet[bits >> 18];
        *out++ = b64_alphabet[bits >> 12 & 63];
        *out++ = b64_alphabet[bits >> 6 & 63];
        *out++ = b64_alphabet[bits & 63];
    }
    if (len > 0) {
        uint32_t bits = (uint32_t)p[0] << 16 | (len > 1 ? (uint32_t)p[1] << 8 : 0);
        *out++ = b64_alphabet[bits >> 18];
        *out++ = b64_alphabet[bits >> 12 & 63];
        if (len > 1)
            *out++ = b64_alphabet[bits >> 6 & 63];
    }
    *out = 0;
}

static int b64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool bn_b64url_decode(struct bn_str text, void *out, size_t size, size_t *out_len)
{
    size_t tail = text.len % 4;
    size_t len = text.len / 4 * 3 + (tail ? tail - 1 : 0);
    if (tail == 1 || len > size)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (b64_value(text.p[i]) < 0)
            return false;
    /* RFC 4648 3.5: the bits nobody reads must be zero, or two texts would mean the same bytes. */
    if (tail && b64_value(text.p[text.len - 1]) & (tail == 2 ? 15 : 3))
        return false;
    unsigned char *p = out;
    uint32_t bits = 0;
    for (size_t i = 0, n = 0; i < text.len; i++) {
        bits = bits << 6 | (uint32_t)b64_value(text.p[i]);
        if (i % 4 != 0)
            p[n++] = (unsigned char)(bits >> (6 - i % 4 * 2));
    }
    *out_len = len;
    return true;
}

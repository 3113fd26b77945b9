#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/clock.h"

#define DECIMALS_MAX 15

void bn_json_init(struct bn_json *json, struct bn_buf *buf)
{
    *json = (struct bn_json){.buf = buf};
}

/* As bn_buf_put, without the call when there is room: a message is mostly pieces of a few bytes. */
static inline void put(struct bn_buf *buf, const void *bytes, size_t len)
{
    if (buf->failed || len > buf->cap - buf->len) {
        bn_buf_put(buf, bytes, len);
    } else if (len > 0) {
        memcpy(buf->p + buf->len, bytes, len);
        buf->len += len;
    }
}

/* What goes before a value: a comma, unless it is the first there or the value of a key. */
static inline void begin_value(struct bn_json *json)
{
    uint32_t here = UINT32_C(1) << json->depth;
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    assert(!(json->objects & here)); /* an object's value needs a key first */
    if (json->filled & here) {
        assert(json->depth > 0); /* one text, one value */
        put(json->buf, ",", 1);
    }
    json->filled |= here;
}

static void open_level(struct bn_json *json, const char *bracket, bool is_object)
{
    begin_value(json);
    assert(json->depth < BN_JSON_DEPTH_MAX);
    json->depth++;
    uint32_t here = UINT32_C(1) << json->depth;
    json->filled &= ~here;
    json->objects = is_object ? json->objects | here : json->objects & ~here;
    put(json->buf, bracket, 1);
}

static void close_level(struct bn_json *json, const char *bracket, bool is_object)
{
    assert(json->depth > 0 && !json->after_key);
    assert((json->objects >> json->depth & 1) == is_object);
    json->depth--;
    put(json->buf, bracket, 1);
}

void bn_json_object(struct bn_json *json)
{
    open_level(json, "{", true);
}

void bn_json_object_end(struct bn_json *json)
{
    close_level(json, "}", true);
}

void bn_json_array(struct bn_json *json)
{
    open_level(json, "[", false);
}

void bn_json_array_end(struct bn_json *json)
{
    close_level(json, "]", false);
}

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* The length of the longest beginning of p that is printable ASCII and needs no escape. */
static size_t plain_run(const char *p, size_t len)
{
    size_t i = 0;
#ifdef __SSE2__
    /* Signed on purpose: bytes from 0x80 are negative and so below 0x20 too. */
    const __m128i space = _mm_set1_epi8(0x20);
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    const __m128i del = _mm_set1_epi8(0x7F);
    for (; len - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i low = _mm_or_si128(_mm_cmplt_epi8(v, space), _mm_cmpeq_epi8(v, del));
        __m128i sign = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
        int special = _mm_movemask_epi8(_mm_or_si128(low, sign));
        if (special)
            return i + (size_t)__builtin_ctz((unsigned)special);
    }
#endif
    while (i < len && is_plain((unsigned char)p[i]))
        i++;
    return i;
}

static void put_escape(struct bn_buf *buf, uint32_t code)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15],
            hex[code & 15]};
    switch (code) {
    case '"':
    case '\\': text[1] = (char)code; break;
    case '\b': text[1] = 'b'; break;
    case '\f': text[1] = 'f'; break;
    case '\n': text[1] = 'n'; break;
    case '\r': text[1] = 'r'; break;
    case '\t': text[1] = 't'; break;
    default: put(buf, text, 6); return;
    }
    put(buf, text, 2);
}

/* Beyond ASCII: C1 controls (a terminal obeys them) and the two line ends JavaScript used to stop
 * at. */
static inline bool is_escaped_code(uint32_t code)
{
    return (code >= 0x80 && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

/* The length of the sequence at p when it may be copied as it is, else 0. */
static inline size_t kept_sequence(const char *p, size_t len)
{
    uint32_t code;
    size_t n = bn_utf8_next(p, len, &code);
    return code == BN_UTF8_BAD || code < 0x80 || is_escaped_code(code) ? 0 : n;
}

/* Writes what stands at p in its place and returns how many bytes it stood for. */
static size_t put_special(struct bn_buf *buf, const char *p, size_t len)
{
    uint32_t code;
    size_t n = bn_utf8_next(p, len, &code);
    if (code == BN_UTF8_BAD)
        put(buf, "\xEF\xBF\xBD", 3);
    else
        put_escape(buf, code);
    return n;
}

static void put_string(struct bn_buf *buf, const char *p, size_t len)
{
    size_t run = plain_run(p, len);
    put(buf, "\"", 1);
    while (true) {
        /* A run goes on over well-formed UTF-8; only what must change interrupts the copying. */
        while (run < len) {
            size_t n = kept_sequence(p + run, len - run);
            if (n == 0)
                break;
            run += n;
            run += plain_run(p + run, len - run);
        }
        put(buf, p, run);
        p += run;
        len -= run;
        if (len == 0)
            break;
        size_t n = put_special(buf, p, len);
        p += n;
        len -= n;
        run = plain_run(p, len);
    }
    put(buf, "\"", 1);
}

void bn_json_key(struct bn_json *json, const char *key)
{
    uint32_t here = UINT32_C(1) << json->depth;
    assert((json->objects & here) && !json->after_key);
    if (json->filled & here)
        put(json->buf, ",", 1);
    json->filled |= here;
    put_string(json->buf, key, strlen(key));
    put(json->buf, ":", 1);
    json->after_key = true;
}

void bn_json_str(struct bn_json *json, struct bn_str value)
{
    begin_value(json);
    put_string(json->buf, value.p, value.len);
}

void bn_json_text(struct bn_json *json, const char *value)
{
    if (value)
        bn_json_str(json, bn_str(value));
    else
        bn_json_null(json);
}

void bn_json_i64(struct bn_json *json, int64_t value)
{
    begin_value(json);
    bn_buf_put_i64(json->buf, value);
}

void bn_json_u64(struct bn_json *json, uint64_t value)
{
    begin_value(json);
    bn_buf_put_u64(json->buf, value);
}

/* whole and `decimals` digits after the point; a rounded-away number has no sign. */
static void put_decimal(struct bn_buf *buf, bool negative, uint64_t whole, uint64_t part,
        int decimals)
{
    char text[DECIMALS_MAX + 1];
    if (negative && (whole || part))
        put(buf, "-", 1);
    bn_buf_put_u64(buf, whole);
    if (part == 0)
        return;
    text[0] = '.';
    for (int i = decimals; i > 0; i--) {
        text[i] = (char)('0' + part % 10);
        part /= 10;
    }
    while (text[decimals] == '0')
        decimals--;
    put(buf, text, (size_t)decimals + 1);
}

/* With an exponent: many readers refuse a whole number that does not fit 64 bits. */
static void put_huge(struct bn_buf *buf, double value)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%.17g", value);
    for (int i = 0; i < n; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (digit || text[i] == '-' || text[i] == '+' || text[i] == 'e')
            put(buf, text + i, 1);
        else if (text[i - 1] >= '0' && text[i - 1] <= '9')
            put(buf, ".", 1); /* whatever the locale has there, perhaps of several bytes */
    }
}

void bn_json_f64(struct bn_json *json, double value, int decimals)
{
    static const double powers[DECIMALS_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
            1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    double size = fabs(value);
    if (!isfinite(value)) {
        bn_json_null(json);
        return;
    }
    begin_value(json);
    if (size >= 0x1p63) {
        put_huge(json->buf, value);
        return;
    }
    decimals = BN_MIN(BN_MAX(decimals, 0), DECIMALS_MAX);
    /* Whole and fraction are exact, so only the digits asked for are rounded. */
    uint64_t whole = (uint64_t)size;
    uint64_t part = (uint64_t)((size - (double)whole) * powers[decimals] + 0.5);
    if (part >= (uint64_t)powers[decimals]) {
        part = 0;
        whole++;
    }
    put_decimal(json->buf, value < 0, whole, part, decimals);
}

void bn_json_bool(struct bn_json *json, bool value)
{
    begin_value(json);
    if (value)
        put(json->buf, "true", 4);
    else
        put(json->buf, "false", 5);
}

void bn_json_null(struct bn_json *json)
{
    begin_value(json);
    put(json->buf, "null", 4);
}

void bn_json_time(struct bn_json *json, int64_t wall_ms)
{
    char text[BN_TIME_TEXT_SIZE];
    if (wall_ms == 0) {
        bn_json_null(json);
        return;
    }
    bn_time_text(wall_ms, text);
    begin_value(json);
    put(json->buf, "\"", 1);
    put(json->buf, text, BN_TIME_TEXT_SIZE - 1);
    put(json->buf, "\"", 1);
}

void bn_json_raw(struct bn_json *json, const char *p, size_t len)
{
    begin_value(json);
    put(json->buf, p, len);
}

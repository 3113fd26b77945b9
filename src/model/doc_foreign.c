#include "model/doc_foreign.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* --- making it well-formed ------------------------------------------------------------------- */

/* The code of "\uXXXX" at p, or -1. */
static int32_t escape_at(const char *p, size_t len)
{
    uint64_t code;
    if (len < 6 || p[0] != '\\' || p[1] != 'u' || !bn_parse_hex((struct bn_str){p + 2, 4}, &code))
        return -1;
    return (int32_t)code;
}

/* A backslash and what it belongs to; returns how many bytes that is. */
static size_t put_escape(struct bn_buf *out, const char *p, size_t len)
{
    int32_t code = escape_at(p, len);
    if (code < 0) {
        size_t n = BN_MIN(len, 2);
        bn_buf_put(out, p, n);
        return n;
    }
    if (code >= 0xD800 && code < 0xDC00) {
        int32_t low = escape_at(p + 6, len - 6);
        if (low >= 0xDC00 && low < 0xE000) {
            bn_buf_put(out, p, 12);
            return 12;
        }
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000))
        bn_buf_puts(out, REPLACEMENT);
    else
        bn_buf_put(out, p, 6);
    return 6;
}

/* From the byte after the opening quote to the closing one. */
static size_t put_string(struct bn_buf *out, const char *p, size_t len)
{
    size_t i = 0;
    while (i < len && p[i] != '"') {
        const unsigned char c = (unsigned char)p[i];
        uint32_t code;
        if (c == '\\') {
            i += put_escape(out, p + i, len - i);
            continue;
        }
        size_t n = bn_utf8_next(p + i, len - i, &code);
        if (c < 0x20 || code == BN_UTF8_BAD)
            bn_buf_puts(out, REPLACEMENT);
        else
            bn_buf_put(out, p + i, n);
        i += n;
    }
    if (i < len)
        bn_buf_putc(out, p[i++]);
    return i;
}

static bool mend(struct bn_str text, struct bn_buf *out, struct bn_err *err)
{
    int depth = 0;
    for (size_t i = 0; i < text.len;) {
        char c = text.p[i++];
        bn_buf_putc(out, c ? c : '?'); /* a NUL would end the text for the library */
        if (c == '"')
            i += put_string(out, text.p + i, text.len - i);
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        if (depth > BN_FOREIGN_DEPTH)
            return bn_fail(err, BN_E_UPSTREAM, "the answer is nested deeper than %d levels",
                    BN_FOREIGN_DEPTH);
    }
    return bn_buf_ok(out) || bn_fail(err, BN_E_TOO_BIG, "the answer is too large");
}

/* --- parsing --------------------------------------------------------------------------------- */

bool bn_doc_parse_foreign(struct bn_str text, struct bn_doc **out, struct bn_err *err)
{
    json_error_t error;
    BN_BUF_AUTO mended;
    bn_buf_init(&mended, 3 * text.len + 1); /* each byte may become U+FFFD */
    if (!mend(text, &mended, err))
        return false;
    json_t *value = json_loadb(mended.p, mended.len, JSON_DECODE_ANY, &error);
    if (!value && json_error_code(&error) == json_error_numeric_overflow)
        value = json_loadb(mended.p, mended.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    if (!value && text.len == 0)
        return bn_fail(err, BN_E_UPSTREAM, "the answer is empty");
    if (!value) {
        const char *near = strstr(error.text, " near ");
        int len = near ? (int)(near - error.text) : (int)strlen(error.text);
        return bn_fail(err, BN_E_UPSTREAM, "the answer is no JSON: line %d column %d: %.*s",
                error.line, error.column, len, error.text);
    }
    *out = (struct bn_doc *)(void *)value;
    return true;
}

/* --- members --------------------------------------------------------------------------------- */

static int64_t cut_to_i64(double value)
{
    if (value >= 9223372036854775807.0)
        return INT64_MAX;
    if (value <= -9223372036854775807.0)
        return -INT64_MAX; /* INT64_MIN is "unknown" */
    return llround(value);
}

bool bn_foreign_f64(const struct bn_doc *object, const char *name, double *out)
{
    const struct bn_doc *value = bn_doc_at(object, name);
    struct bn_str text;
    if (!value)
        return false;
    if (bn_doc_get_f64(value, out))
        return true;
    return bn_doc_get_text(value, &text) && bn_parse_f64(bn_str_trim(text), out);
}

bool bn_foreign_i64(const struct bn_doc *object, const char *name, int64_t *out)
{
    const struct bn_doc *value = bn_doc_at(object, name);
    struct bn_str text;
    double real;
    if (!value)
        return false;
    if (bn_doc_get_i64(value, out) ||
            (bn_doc_get_text(value, &text) &&
                    bn_parse_i64(bn_str_trim(text), -INT64_MAX, INT64_MAX, out)))
        return true;
    if (!bn_foreign_f64(object, name, &real) || isnan(real))
        return false;
    *out = cut_to_i64(real);
    return true;
}

bool bn_foreign_bool(const struct bn_doc *object, const char *name, bool *out)
{
    const struct bn_doc *value = bn_doc_at(object, name);
    struct bn_str text;
    int64_t number;
    if (!value)
        return false;
    if (bn_doc_get_bool(value, out))
        return true;
    if (bn_doc_get_text(value, &text) && text.len == 0) {
        *out = false;
        return true;
    }
    if (!bn_foreign_i64(object, name, &number))
        return false;
    *out = number != 0;
    return true;
}

void bn_foreign_text(const struct bn_doc *object, const char *name, char *out, size_t size)
{
    const struct bn_doc *value = bn_doc_at(object, name);
    struct bn_str text;
    int64_t number;
    out[0] = '\0';
    if (value && bn_doc_get_text(value, &text))
        bn_text_clip(out, size, text);
    else if (value && bn_doc_get_i64(value, &number))
        snprintf(out, size, "%" PRId64, number);
}

#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256

/* "00" … "99": two digits per division halve the divisions of a number. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

void bn_buf_init(struct bn_buf *buf, size_t max)
{
    *buf = (struct bn_buf){.max = max};
}

void bn_buf_finish(struct bn_buf *buf)
{
    free(buf->p);
    *buf = (struct bn_buf){.max = buf->max};
}

bool bn_buf_ok(const struct bn_buf *buf)
{
    return !buf->failed;
}

struct bn_str bn_buf_str(const struct bn_buf *buf)
{
    return (struct bn_str){buf->p ? buf->p : "", buf->len};
}

/* Room for len more bytes; the quick answer is inlined into every append. */
static bool grow(struct bn_buf *buf, size_t len)
{
    if (buf->failed || len > buf->max - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + len;
    size_t cap = buf->cap ? buf->cap : FIRST_SIZE;
    while (cap < need && cap <= buf->max / 2)
        cap *= 2;
    cap = cap < need ? buf->max : BN_MIN(cap, buf->max);
    buf->p = bn_realloc(buf->p, cap);
    buf->cap = cap;
    return true;
}

static inline bool has_room(struct bn_buf *buf, size_t len)
{
    if (buf->p && !buf->failed && len <= buf->cap - buf->len)
        return true;
    return grow(buf, len);
}

void bn_buf_put(struct bn_buf *buf, const void *bytes, size_t len)
{
    if (len == 0 || !has_room(buf, len))
        return;
    memcpy(buf->p + buf->len, bytes, len);
    buf->len += len;
}

void bn_buf_puts(struct bn_buf *buf, const char *text)
{
    bn_buf_put(buf, text, strlen(text));
}

void bn_buf_putc(struct bn_buf *buf, char c)
{
    if (has_room(buf, 1))
        buf->p[buf->len++] = c;
}

static void put_number(struct bn_buf *buf, bool negative, uint64_t value)
{
    char text[21];
    char *p = text + sizeof text;
    while (value >= 100) {
        p -= 2;
        memcpy(p, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        p -= 2;
        memcpy(p, pairs + value * 2, 2);
    } else {
        *--p = (char)('0' + value);
    }
    if (negative)
        *--p = '-';
    bn_buf_put(buf, p, (size_t)(text + sizeof text - p));
}

void bn_buf_put_i64(struct bn_buf *buf, int64_t value)
{
    put_number(buf, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void bn_buf_put_u64(struct bn_buf *buf, uint64_t value)
{
    put_number(buf, false, value);
}

void bn_buf_printf(struct bn_buf *buf, const char *fmt, ...)
{
    if (buf->failed)
        return;
    size_t space = buf->cap - buf->len;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(space ? buf->p + buf->len : NULL, space, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n > buf->max - buf->len) {
        buf->failed = true;
        return;
    }
    if ((size_t)n < space) {
        buf->len += (size_t)n;
        return;
    }
    /* vsnprintf wants a byte for its NUL, which the ceiling may not have left. */
    char *text = bn_alloc((size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    bn_buf_put(buf, text, (size_t)n);
    free(text);
}

char *bn_buf_room(struct bn_buf *buf, size_t len)
{
    return has_room(buf, len) ? buf->p + buf->len : NULL;
}

void bn_buf_added(struct bn_buf *buf, size_t len)
{
    assert(len <= buf->cap - buf->len);
    buf->len += len;
}

void bn_buf_drop(struct bn_buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len -= len;
    if (len > 0 && buf->len > 0)
        memmove(buf->p, buf->p + len, buf->len);
}

void bn_buf_reset(struct bn_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

char *bn_buf_steal(struct bn_buf *buf, size_t *out_len)
{
    if (buf->failed)
        return NULL;
    char *p = buf->p ? buf->p : bn_alloc(1);
    if (out_len)
        *out_len = buf->len;
    *buf = (struct bn_buf){.max = buf->max};
    return p;
}

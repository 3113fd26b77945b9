#include "wire/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http_head.h"

/* A head is collected line by line (START..WHOLE), a body passes through (NO_BODY..END_LF). */
enum state {
    START,    /* idle; one empty line before a request is forgiven (RFC 9112 section 2.2) */
    START_LF, /* after the CR of that line */
    LINE,     /* inside a line of the head */
    LINE_LF,  /* after the CR that ends it */
    WHOLE,    /* the empty line was seen */
    NO_BODY,
    SIZED,         /* Content-Length bytes */
    CHUNK_FIRST,   /* the first digit of a chunk's size */
    CHUNK_SIZE,    /* further digits */
    CHUNK_BLANK,   /* blanks after the size: only an extension may follow */
    CHUNK_EXT,     /* an extension, ignored */
    CHUNK_LF,      /* after the CR of the size line */
    CHUNK_DATA,    /* bytes of the chunk */
    CHUNK_END,     /* CR after the bytes */
    CHUNK_END_LF,  /* LF after that */
    TRAILER_FIRST, /* a trailer's first byte, or the CR that ends the request */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF, /* LF of the last empty line */
    ENDED,
    BROKEN,
};

static_assert(sizeof(struct bn_http) <= 320, "an idle connection stays small");
static_assert(BN_HTTP_HEAD_BYTES_MAX <= UINT16_MAX, "line_len is 16 bits");
static_assert(BN_HTTP_FIELDS_MAX + 2 <= UINT8_MAX, "line_count is 8 bits");

void bn_http_init(struct bn_http *http)
{
    memset(http, 0, sizeof *http);
    bn_buf_init(&http->raw, BN_HTTP_HEAD_BYTES_MAX);
}

void bn_http_finish(struct bn_http *http)
{
    free(http->head);
    http->head = NULL;
    bn_buf_finish(&http->raw);
}

void bn_http_next(struct bn_http *http)
{
    bn_http_finish(http);
    bn_http_init(http);
}

bool bn_http_is_busy(const struct bn_http *http)
{
    return http->raw.len > 0 && http->state < ENDED;
}

/* --- the head ----------------------------------------------------------------------------------
 */

/* Goes over the bytes of lines until the empty one; returns how many were looked at. What is no
   text is refused here at once, so that a client that never sends CR LF is answered, not waited
   for. */
static size_t scan_lines(struct bn_http *http, const char *p, size_t len)
{
    size_t i = 0;
    while (i < len) {
        if (http->state == LINE_LF) {
            if (p[i++] != '\n') {
                bn_fail(&http->err, BN_E_INVALID,
                        "a CR in the request head must be followed by LF");
                break;
            }
            http->state = http->line_len ? LINE : WHOLE;
            if (http->state == WHOLE)
                return i;
            http->line_len = 0;
            if (++http->line_count > BN_HTTP_FIELDS_MAX + 1) {
                bn_fail(&http->err, BN_E_TOO_BIG, "a request must not have more than %d fields",
                        BN_HTTP_FIELDS_MAX);
                break;
            }
        }
        size_t start = i;
        while (i < len && bn_http_is_text((unsigned char)p[i]))
            i++;
        http->line_len += (uint16_t)(i - start);
        if (i == len)
            break;
        if (p[i] == '\n')
            bn_fail(&http->err, BN_E_INVALID,
                    "lines of the request head must end with CR LF, got a LF alone");
        else if (p[i] != '\r')
            bn_fail(&http->err, BN_E_INVALID,
                    "the request head must not hold control bytes, got 0x%02x",
                    (unsigned)(unsigned char)p[i]);
        if (p[i++] != '\r')
            break;
        http->state = LINE_LF;
    }
    return i;
}

static void begin_body(struct bn_http *http)
{
    http->left = 0;
    http->line_len = 0;
    if (http->head->body_bytes < 0) {
        http->state = CHUNK_FIRST;
    } else if (http->head->body_bytes > 0) {
        http->left = (uint64_t)http->head->body_bytes;
        http->state = SIZED;
    } else {
        http->state = NO_BODY;
    }
}

static size_t take_head(struct bn_http *http, const char *p, size_t len, enum bn_http_event *event)
{
    /* Never looks beyond the ceiling, so what is refused does not depend on how the bytes were cut.
     */
    size_t want = BN_MIN(len, BN_HTTP_HEAD_BYTES_MAX - http->raw.len);
    size_t used = scan_lines(http, p, want);
    if (http->err.code)
        return used;
    bn_buf_put(&http->raw, p, used);
    if (http->state == WHOLE && http->line_count == 0) {
        bn_fail(&http->err, BN_E_INVALID,
                "a request must start with a request line, got empty lines");
    } else if (http->state == WHOLE) {
        size_t fields = http->line_count - 1u;
        http->head = bn_alloc(sizeof *http->head + fields * sizeof *http->head->fields);
        if (bn_http_head_read(http->head, http->raw.p, http->raw.len, &http->err)) {
            begin_body(http);
            *event = BN_HTTP_HEAD;
        }
    } else if (http->raw.len == BN_HTTP_HEAD_BYTES_MAX) {
        bn_fail(&http->err, BN_E_TOO_BIG, "a request head must not exceed %d bytes",
                BN_HTTP_HEAD_BYTES_MAX);
    }
    return used;
}

/* The empty line forgiven before a request. */
static size_t take_start(struct bn_http *http, const char *p, size_t len)
{
    size_t i = 0;
    if (http->state == START && p[i] == '\r') {
        http->state = START_LF;
        i++;
    }
    if (i == len)
        return i;
    if (http->state == START_LF && p[i++] != '\n') {
        bn_fail(&http->err, BN_E_INVALID, "a CR before the request line must be followed by LF");
        return i;
    }
    http->state = LINE;
    return i;
}

/* --- the body ----------------------------------------------------------------------------------
 */

static size_t take_data(struct bn_http *http, const char *p, size_t len, enum bn_http_event *event)
{
    size_t n = len < http->left ? len : (size_t)http->left;
    http->body = (struct bn_str){p, n};
    http->left -= n;
    if (http->left == 0)
        http->state = http->state == SIZED ? NO_BODY : CHUNK_END;
    *event = BN_HTTP_BODY;
    return n;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of "1a;name=value CR LF". */
static void take_size(struct bn_http *http, unsigned char c)
{
    int digit = hex_digit(c);
    bool in_size = http->state == CHUNK_FIRST || http->state == CHUNK_SIZE;
    if (++http->line_len > BN_HTTP_CHUNK_LINE_MAX) {
        bn_fail(&http->err, BN_E_TOO_BIG, "a chunk's size line must not exceed %d bytes",
                BN_HTTP_CHUNK_LINE_MAX);
    } else if (in_size && digit >= 0) {
        if (http->left > (uint64_t)INT64_MAX >> 4)
            bn_fail(&http->err, BN_E_TOO_BIG, "a chunk's size must be below 2^63");
        http->left = http->left << 4 | (unsigned)digit;
        http->state = CHUNK_SIZE;
    } else if (http->state == CHUNK_FIRST) {
        bn_fail(&http->err, BN_E_INVALID, "a chunk must start with its size in hex, got 0x%02x",
                (unsigned)c);
    } else if (http->state == CHUNK_EXT && bn_http_is_text(c)) {
        return;
    } else if (c == ';') {
        http->state = CHUNK_EXT;
    } else if (c == '\r' && http->state != CHUNK_BLANK) {
        http->state = CHUNK_LF;
    } else if (c == ' ' || c == '\t') {
        http->state = CHUNK_BLANK;
    } else {
        bn_fail(&http->err, BN_E_INVALID,
                "a chunk's size must be followed by CR LF or ';', got 0x%02x", (unsigned)c);
    }
}

/* One byte of the trailer section, whose lines are checked like those of a head and then ignored.
 */
static void take_trailer(struct bn_http *http, unsigned char c)
{
    if (++http->line_len > BN_HTTP_TRAILER_BYTES_MAX) {
        bn_fail(&http->err, BN_E_TOO_BIG, "trailers must not exceed %d bytes",
                BN_HTTP_TRAILER_BYTES_MAX);
    } else if (http->state == TRAILER_FIRST && c == '\r') {
        http->state = END_LF;
    } else if (http->state == TRAILER_VALUE) {
        if (c == '\r')
            http->state = TRAILER_LF;
        else if (!bn_http_is_text(c))
            bn_fail(&http->err, BN_E_INVALID, "a trailer must be text ended by CR LF, got 0x%02x",
                    (unsigned)c);
    } else if (http->state == TRAILER_NAME && c == ':') {
        http->state = TRAILER_VALUE;
    } else if (bn_http_is_tchar(c)) {
        http->state = TRAILER_NAME;
    } else {
        bn_fail(&http->err, BN_E_INVALID,
                "a trailer must be \"name: value\", got 0x%02x in its name", (unsigned)c);
    }
}

static void take_lf(struct bn_http *http, unsigned char c)
{
    if (c != '\n') {
        bn_fail(&http->err, BN_E_INVALID,
                "a CR in a chunked body must be followed by LF, got 0x%02x", (unsigned)c);
        return;
    }
    switch (http->state) {
    case CHUNK_LF:
        http->line_len = 0;
        http->state = http->left ? CHUNK_DATA : TRAILER_FIRST;
        break;
    case CHUNK_END_LF: http->state = CHUNK_FIRST; break;
    case TRAILER_LF:
        http->line_len++;
        http->state = TRAILER_FIRST;
        break;
    default: http->state = NO_BODY; break;
    }
}

/* The lines around the chunks; stops at the bytes of a chunk and at the end of the request. */
static size_t take_chunk_lines(struct bn_http *http, const char *p, size_t len)
{
    size_t i = 0;
    while (i < len && http->state >= CHUNK_FIRST && http->state != CHUNK_DATA && !http->err.code) {
        unsigned char c = (unsigned char)p[i++];
        switch (http->state) {
        case CHUNK_END:
            if (c != '\r')
                bn_fail(&http->err, BN_E_INVALID,
                        "a chunk must end with CR LF after its size, got 0x%02x", (unsigned)c);
            http->state = CHUNK_END_LF;
            break;
        case CHUNK_LF:
        case CHUNK_END_LF:
        case TRAILER_LF:
        case END_LF: take_lf(http, c); break;
        case TRAILER_FIRST:
        case TRAILER_NAME:
        case TRAILER_VALUE: take_trailer(http, c); break;
        default: take_size(http, c); break;
        }
    }
    return i;
}

static size_t advance(struct bn_http *http, const char *p, size_t len, enum bn_http_event *event)
{
    size_t used = 0;
    if (http->state <= START_LF && len > 0)
        used = take_start(http, p, len);
    else if (http->state >= CHUNK_FIRST && http->state <= END_LF)
        used = take_chunk_lines(http, p, len);
    if (http->err.code)
        return used;
    if (http->state == NO_BODY)
        http->state = ENDED;
    if (http->state == ENDED)
        *event = BN_HTTP_DONE;
    else if (used < len && http->state <= LINE_LF)
        used += take_head(http, p + used, len - used, event);
    else if (used < len)
        used += take_data(http, p + used, len - used, event);
    return used;
}

uint64_t bn_http_announced(const struct bn_http *http)
{
    return http->left;
}

size_t bn_http_parse(struct bn_http *http, const char *p, size_t len, enum bn_http_event *out_event)
{
    size_t used = 0;
    *out_event = BN_HTTP_MORE;
    http->body = (struct bn_str){NULL, 0};
    if (http->state != BROKEN)
        used = advance(http, p, len, out_event);
    if (http->err.code) {
        http->state = BROKEN;
        *out_event = BN_HTTP_BAD;
    }
    return used;
}

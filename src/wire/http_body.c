#include "wire/http_body.h"

#include "wire/http_head.h"

enum state {
    DONE,
    SIZED,         /* Content-Length bytes */
    TO_END,        /* all bytes there are */
    CHUNK_DATA,    /* bytes of the chunk */
    CHUNK_FIRST,   /* the first digit of a chunk's size; from here on lines */
    CHUNK_SIZE,    /* further digits */
    CHUNK_BLANK,   /* blanks after the size: only an extension may follow */
    CHUNK_EXT,     /* an extension, ignored */
    CHUNK_LF,      /* after the CR of the size line */
    CHUNK_END,     /* CR after the bytes */
    CHUNK_END_LF,  /* LF after that */
    TRAILER_FIRST, /* a trailer's first byte, or the CR that ends the message */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF, /* LF of the last empty line */
};

void bn_http_body_begin(struct bn_http_body *body, int64_t bytes)
{
    *body = (struct bn_http_body){0};
    if (bytes == BN_HTTP_BODY_CHUNKED) {
        body->state = CHUNK_FIRST;
    } else if (bytes == BN_HTTP_BODY_TO_END) {
        body->state = TO_END;
    } else if (bytes > 0) {
        body->left = (uint64_t)bytes;
        body->state = SIZED;
    }
}

bool bn_http_body_is_done(const struct bn_http_body *body)
{
    return body->state == DONE;
}

static size_t take_data(struct bn_http_body *body, const char *p, size_t len, struct bn_str *piece)
{
    size_t n = len;
    if (body->state != TO_END) {
        n = len < body->left ? len : (size_t)body->left;
        body->left -= n;
        if (body->left == 0)
            body->state = body->state == SIZED ? DONE : CHUNK_END;
    }
    *piece = (struct bn_str){p, n};
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
static void take_size(struct bn_http_body *body, unsigned char c, struct bn_err *err)
{
    int digit = hex_digit(c);
    bool in_size = body->state == CHUNK_FIRST || body->state == CHUNK_SIZE;
    if (++body->line_len > BN_HTTP_CHUNK_LINE_MAX) {
        bn_fail(err, BN_E_TOO_BIG, "a chunk's size line must not exceed %d bytes",
                BN_HTTP_CHUNK_LINE_MAX);
    } else if (in_size && digit >= 0) {
        if (body->left > (uint64_t)INT64_MAX >> 4)
            bn_fail(err, BN_E_TOO_BIG, "a chunk's size must be below 2^63");
        body->left = body->left << 4 | (unsigned)digit;
        body->state = CHUNK_SIZE;
    } else if (body->state == CHUNK_FIRST) {
        bn_fail(err, BN_E_INVALID, "a chunk must start with its size in hex, got 0x%02x",
                (unsigned)c);
    } else if (body->state == CHUNK_EXT && bn_http_is_text(c)) {
        return;
    } else if (c == ';') {
        body->state = CHUNK_EXT;
    } else if (c == '\r' && body->state != CHUNK_BLANK) {
        body->state = CHUNK_LF;
    } else if (c == ' ' || c == '\t') {
        body->state = CHUNK_BLANK;
    } else {
        bn_fail(err, BN_E_INVALID, "a chunk's size must be followed by CR LF or ';', got 0x%02x",
                (unsigned)c);
    }
}

/* One byte of the trailer section, whose lines are checked like those of a head and then ignored.
 */
static void take_trailer(struct bn_http_body *body, unsigned char c, struct bn_err *err)
{
    if (++body->line_len > BN_HTTP_TRAILER_BYTES_MAX) {
        bn_fail(err, BN_E_TOO_BIG, "trailers must not exceed %d bytes", BN_HTTP_TRAILER_BYTES_MAX);
    } else if (body->state == TRAILER_FIRST && c == '\r') {
        body->state = END_LF;
    } else if (body->state == TRAILER_VALUE) {
        if (c == '\r')
            body->state = TRAILER_LF;
        else if (!bn_http_is_text(c))
            bn_fail(err, BN_E_INVALID, "a trailer must be text ended by CR LF, got 0x%02x",
                    (unsigned)c);
    } else if (body->state == TRAILER_NAME && c == ':') {
        body->state = TRAILER_VALUE;
    } else if (bn_http_is_tchar(c)) {
        body->state = TRAILER_NAME;
    } else {
        bn_fail(err, BN_E_INVALID, "a trailer must be \"name: value\", got 0x%02x in its name",
                (unsigned)c);
    }
}

static void take_lf(struct bn_http_body *body, unsigned char c, struct bn_err *err)
{
    if (c != '\n') {
        bn_fail(err, BN_E_INVALID, "a CR in a chunked body must be followed by LF, got 0x%02x",
                (unsigned)c);
        return;
    }
    switch (body->state) {
    case CHUNK_LF:
        body->line_len = 0;
        body->state = body->left ? CHUNK_DATA : TRAILER_FIRST;
        break;
    case CHUNK_END_LF: body->state = CHUNK_FIRST; break;
    case TRAILER_LF:
        body->line_len++;
        body->state = TRAILER_FIRST;
        break;
    default: body->state = DONE; break;
    }
}

/* The lines around the chunks; stops at the bytes of a chunk and at the end of the message. */
static size_t take_lines(struct bn_http_body *body, const char *p, size_t len, struct bn_err *err)
{
    size_t i = 0;
    while (i < len && body->state >= CHUNK_FIRST && !err->code) {
        unsigned char c = (unsigned char)p[i++];
        switch (body->state) {
        case CHUNK_END:
            if (c != '\r')
                bn_fail(err, BN_E_INVALID, "a chunk must end with CR LF after its size, got 0x%02x",
                        (unsigned)c);
            body->state = CHUNK_END_LF;
            break;
        case CHUNK_LF:
        case CHUNK_END_LF:
        case TRAILER_LF:
        case END_LF: take_lf(body, c, err); break;
        case TRAILER_FIRST:
        case TRAILER_NAME:
        case TRAILER_VALUE: take_trailer(body, c, err); break;
        default: take_size(body, c, err); break;
        }
    }
    return i;
}

size_t bn_http_body_take(struct bn_http_body *body, const char *p, size_t len,
        struct bn_str *out_piece, struct bn_err *err)
{
    size_t used = take_lines(body, p, len, err);
    if (err->code || used == len || body->state == DONE)
        return used;
    return used + take_data(body, p + used, len - used, out_piece);
}

#include "wire/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http_body.h"
#include "wire/http_head.h"

/* A head is collected line by line (START..WHOLE), then its body passes through. */
enum state {
    START,    /* idle; one empty line before a request is forgiven (RFC 9112 section 2.2) */
    START_LF, /* after the CR of that line */
    LINE,     /* inside a line of the head */
    LINE_LF,  /* after the CR that ends it */
    WHOLE,    /* the empty line was seen */
    BODY,
    ENDED,
    BROKEN,
};

static_assert(sizeof(struct bn_http) <= 328, "an idle connection stays small");
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
            bn_http_body_begin(&http->rest, http->head->body_bytes);
            http->state = BODY;
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

static size_t advance(struct bn_http *http, const char *p, size_t len, enum bn_http_event *event)
{
    size_t used = 0;
    if (http->state <= START_LF && len > 0)
        used = take_start(http, p, len);
    else if (http->state == BODY)
        used = bn_http_body_take(&http->rest, p, len, &http->body, &http->err);
    if (http->err.code)
        return used;
    if (http->body.len)
        *event = BN_HTTP_BODY;
    else if (http->state == BODY && bn_http_body_is_done(&http->rest))
        http->state = ENDED;
    if (http->state == ENDED)
        *event = BN_HTTP_DONE;
    else if (used < len && http->state <= LINE_LF)
        used += take_head(http, p + used, len - used, event);
    return used;
}

uint64_t bn_http_announced(const struct bn_http *http)
{
    return http->rest.left;
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

/* Chunked bodies. The first byte chooses: 0 mod 3, the rest follows the head of a chunked request,
   and a reader written straight from the grammar (RFC 9112 section 7.1) must agree on what the body
   is, where it ends and whether it is one; 1 mod 3, the rest is pieces (a length byte each) that
   come back from our own writer; 2 mod 3, the rest is whole requests. Whatever it is, every cut in
   two says the same. */
#include <assert.h>
#include <ctype.h>

#include "wire_log.h"

#define CUTS_MAX  40 /* of an input of more than twice as much: at each end; and every CUTS_STEP */
#define CUTS_STEP 997

#define HEAD "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- the grammar --------------------------------------------------------------------------------
 */

struct reader {
    const unsigned char *p;
    const unsigned char *end;
    bool is_short; /* the text ended where the grammar wants more */
};

static bool is_text(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool next_is(struct reader *r, unsigned char c)
{
    r->is_short = r->p == r->end;
    if (r->is_short || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool crlf(struct reader *r)
{
    return next_is(r, '\r') && next_is(r, '\n');
}

static bool text_line(struct reader *r)
{
    while (r->p < r->end && is_text(*r->p))
        r->p++;
    return crlf(r);
}

/* chunk-size [ BWS ";" anything that is text ] CRLF */
static bool size_line(struct reader *r, uint64_t *out)
{
    const unsigned char *start = r->p;
    uint64_t value = 0;
    while (r->p < r->end && strchr("0123456789abcdefABCDEF", *r->p) && *r->p) {
        if (value > (uint64_t)INT64_MAX >> 4)
            return false;
        value = value << 4 | strtoul((char[]){(char)*r->p, 0}, NULL, 16);
        r->p++;
    }
    r->is_short = r->p == r->end;
    if (r->p == start || r->is_short)
        return false;
    const unsigned char *blank = r->p;
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t'))
        r->p++;
    r->is_short = r->p == r->end;
    if (r->is_short || (*r->p != ';' && r->p != blank))
        return false;
    *out = value;
    bool is_line = *r->p == ';' ? text_line(r) : crlf(r);
    return is_line && r->p - start <= BN_HTTP_CHUNK_LINE_MAX + 1;
}

static bool trailer_line(struct reader *r)
{
    static const char signs[] = "!#$%&'*+-.^_`|~";
    const unsigned char *start = r->p;
    while (r->p < r->end && *r->p && (strchr(signs, *r->p) || (*r->p < 0x80 && isalnum(*r->p))))
        r->p++;
    r->is_short = r->p == r->end;
    if (r->p == start)
        return false;
    return next_is(r, ':') && text_line(r);
}

/* True when text begins with a whole body; its bytes go to out. Limits of length are ours, so what
   is near one is not asked here. */
static bool read_body(struct reader *r, struct bn_buf *out)
{
    uint64_t left = 1;
    while (left) {
        if (!size_line(r, &left))
            return false;
        r->is_short = left > (uint64_t)(r->end - r->p);
        if (r->is_short)
            return false;
        bn_buf_put(out, r->p, (size_t)left);
        r->p += left;
        if (left > 0 && !crlf(r))
            return false;
    }
    const unsigned char *trailers = r->p;
    while (r->p < r->end && *r->p != '\r')
        if (!trailer_line(r))
            return false;
    /* The limit is of all bytes before the last LF, which ends the message. */
    return crlf(r) && r->p - trailers - 1 <= BN_HTTP_TRAILER_BYTES_MAX;
}

/* --- both asked ---------------------------------------------------------------------------------
 */

/* What the parser makes of the same: DONE, MORE or BAD, the body, and how much it used. */
static enum bn_http_event parse_body(const uint8_t *data, size_t size, struct bn_buf *out,
        size_t *out_used)
{
    struct bn_http http;
    enum bn_http_event event;
    size_t used = 0;
    bn_http_init(&http);
    bn_http_parse(&http, HEAD, sizeof HEAD - 1, &event);
    assert(event == BN_HTTP_HEAD && http.head->body_bytes == -1);
    do {
        used += bn_http_parse(&http, (const char *)data + used, size - used, &event);
        if (event == BN_HTTP_BODY)
            bn_buf_put(out, http.body.p, http.body.len);
    } while (event == BN_HTTP_BODY);
    assert(bn_http_is_busy(&http) == (event == BN_HTTP_MORE));
    *out_used = used;
    bn_http_finish(&http);
    return event;
}

static void check_grammar(const uint8_t *data, size_t size)
{
    BN_BUF_AUTO want;
    BN_BUF_AUTO got;
    struct reader r = {.p = data, .end = data + size};
    size_t used;
    bn_buf_init(&want, size + 1);
    bn_buf_init(&got, size + 1);
    bool is_body = read_body(&r, &want);
    enum bn_http_event event = parse_body(data, size, &got, &used);
    assert(is_body == (event == BN_HTTP_DONE));
    if (is_body) {
        assert(used == (size_t)(r.p - data));
        assert(got.len == want.len && (!got.len || memcmp(got.p, want.p, got.len) == 0));
    }
    /* Waiting for more is right only when the grammar does; the limits make up the difference. */
    if (event == BN_HTTP_MORE)
        assert(r.is_short && used == size);
}

/* Our own writer and this parser. */
static void check_pieces(const uint8_t *data, size_t size)
{
    BN_BUF_AUTO wire;
    BN_BUF_AUTO want;
    BN_BUF_AUTO got;
    size_t used;
    bn_buf_init(&wire, 64 * size + 64);
    bn_buf_init(&want, size + 1);
    bn_buf_init(&got, size + 1);
    while (size > 0) {
        size_t n = BN_MIN(1u + *data, size - 1);
        data++;
        size--;
        if (n == 0)
            break; /* a piece of nothing would end the body */
        bn_http_put_chunk(&wire, (struct bn_str){(const char *)data, n});
        bn_buf_put(&want, data, n);
        data += n;
        size -= n;
    }
    bn_http_put_chunk(&wire, BN_STR(""));
    assert(bn_buf_ok(&wire));
    enum bn_http_event event = parse_body((const uint8_t *)wire.p, wire.len, &got, &used);
    assert(event == BN_HTTP_DONE && used == wire.len);
    assert(got.len == want.len && (!got.len || memcmp(got.p, want.p, got.len) == 0));
}

/* --- every cut ----------------------------------------------------------------------------------
 */

static void run(struct wire_log *log, struct bn_str before, struct bn_str bytes, size_t cut)
{
    struct bn_http http;
    bn_http_init(&http);
    wire_log_init(log);
    bool goes_on = !before.len || wire_log_http(log, &http, before.p, before.len);
    if (goes_on && wire_log_http(log, &http, bytes.p, cut))
        wire_log_http(log, &http, bytes.p + cut, bytes.len - cut);
    bn_buf_puts(&log->text, bn_http_is_busy(&http) ? "\nBUSY" : "");
    bn_http_finish(&http);
}

static void check_cuts(struct bn_str before, struct bn_str bytes)
{
    struct wire_log whole;
    run(&whole, before, bytes, bytes.len);
    for (size_t at = 0; at < bytes.len; at++) {
        struct wire_log cut;
        if (at >= CUTS_MAX && at + CUTS_MAX < bytes.len && at % CUTS_STEP)
            continue;
        run(&cut, before, bytes, at);
        assert(cut.text.len == whole.text.len);
        assert(!cut.text.len || memcmp(cut.text.p, whole.text.p, cut.text.len) == 0);
        bn_buf_finish(&cut.text);
    }
    bn_buf_finish(&whole.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct bn_str bytes = {(const char *)data + 1, size - 1};
    if (data[0] % 3 == 0)
        check_grammar(data + 1, size - 1);
    if (data[0] % 3 == 1)
        check_pieces(data + 1, size - 1);
    else
        check_cuts(data[0] % 3 == 0 ? BN_STR(HEAD) : BN_STR(""), bytes);
    return 0;
}

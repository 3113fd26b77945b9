/*
 * http: HTTP/1.1 requests in, heads and body pieces out; strict, bounded, and knowing no socket.
 *
 * RFC 9112 with what is ambiguous refused: both Content-Length and Transfer-Encoding, differing or
 * repeated lengths, obsolete line folding, bare LF or CR, blanks before ':', a missing or repeated
 * Host, control bytes, any transfer coding but "chunked", absolute-form other than http(s)://.
 *
 *     size_t used = bn_http_parse(&http, p, len, &event);
 *
 * Feed bytes as they come, cut anywhere, until MORE; after HEAD and BODY call again even when no
 * bytes are left (len 0), for that call may say DONE. After HEAD read http.head; BODY events show
 * pieces of the body in http.body, inside the bytes just fed (valid until the next call); DONE ends
 * the request and bn_http_next() makes the parser ready for the next one (pipelining, upgrades: the
 * bytes not used are untouched). After BAD the connection is beyond repair: answer http.err once,
 * then close. The first parser error wins whatever the cuts were: same bytes, same events.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include "wire/http_body.h"

#define BN_HTTP_HEAD_BYTES_MAX \
    (16 << 10) /* request line and fields; browsers send 1-4 KiB: 431-like too_big */
#define BN_HTTP_TARGET_BYTES_MAX 4096 /* long enough for every filter in a URL; beyond: too_big */
#define BN_HTTP_FIELDS_MAX       64   /* browsers send about 20 */
#define BN_HTTP_METHOD_BYTES_MAX 16
#define BN_HTTP_SEGMENTS_MAX     16 /* path segments; our longest route has 9 */
#define BN_HTTP_PARAMS_MAX       64 /* query parameters, e.g. topics of an event stream */

enum bn_http_event {
    BN_HTTP_MORE, /* all bytes used, feed more */
    BN_HTTP_HEAD, /* head is complete; call again to go on with the body */
    BN_HTTP_BODY, /* body holds the next piece of it */
    BN_HTTP_DONE, /* the request ended; bn_http_next() before more is fed */
    BN_HTTP_BAD,  /* err says what was wrong; feed nothing more */
};

struct bn_http_field {
    struct bn_str name;  /* as sent; compare with bn_str_is_nocase */
    struct bn_str value; /* trimmed */
};

struct bn_http_head {
    struct bn_str method;  /* "GET"; a token of at most 16 bytes */
    struct bn_str target;  /* as sent, origin-form or "*" (absolute-form is reduced to its path) */
    struct bn_str path;    /* before '?', still percent-encoded */
    struct bn_str query;   /* after '?', still percent-encoded, or "" */
    struct bn_str host;    /* "name", "name:port", "[v6]:port"; "" only with HTTP/1.0 */
    bool minor_0;          /* HTTP/1.0: no keep-alive, no chunked */
    bool keep_alive;       /* what the client wants after this answer */
    bool expects_continue; /* and a body follows */
    bool wants_upgrade;    /* Connection: upgrade is listed and Upgrade is present */
    int64_t body_bytes;    /* Content-Length, 0 for none, -1 for chunked */
    size_t field_count;
    struct bn_http_field fields[]; /* as many as were sent */
};

struct bn_http {
    struct bn_http_head *head; /* from HEAD to bn_http_next(), with all it shows; NULL otherwise */
    struct bn_str body;        /* on BODY */
    struct bn_err err;         /* on BAD: invalid (400), too_big (413; heads too) */
    /* private; an idle parser is these 328 bytes and nothing on the heap */
    uint16_t line_len;
    uint8_t line_count;
    uint8_t state;
    struct bn_buf raw;
    struct bn_http_body rest;
};

void bn_http_init(struct bn_http *http);
void bn_http_finish(struct bn_http *http);
/* Ready for the next request; releases the memory of the head, so an idle connection owns nothing.
 */
void bn_http_next(struct bn_http *http);
size_t bn_http_parse(struct bn_http *http, const char *p, size_t len,
        enum bn_http_event *out_event);
/* True between the first byte of a request and its DONE: an idle connection may be closed quietly.
 */
bool bn_http_is_busy(const struct bn_http *http);

/* After BODY: bytes of the body, or of the chunk, that were announced and are still to come. */
uint64_t bn_http_announced(const struct bn_http *http);

/* The first field of that name, or a str with p NULL. Fields that decide something and may come
   only once (Host, Content-Length, Transfer-Encoding, Content-Type, Authorization, Origin, Expect,
   Last-Event-ID, Sec-Fetch-*, Sec-WebSocket-Key, Sec-WebSocket-Version) were refused when repeated.
 */
struct bn_str bn_http_find(const struct bn_http_head *head, const char *name);
/* True when a comma-separated field lists the token (case-insensitive), over all fields of that
 * name. */
bool bn_http_lists(const struct bn_http_head *head, const char *name, const char *token);
/* The value of one cookie, over all Cookie fields (the first wins), or p NULL. Names are
 * case-sensitive. */
struct bn_str bn_http_cookie(const struct bn_http_head *head, const char *name);
/* The best of "br", "gzip", "" (identity) that Accept-Encoding allows: the highest q, and of equals
   the first named here. q=0 is respected; without the field it is "". */
const char *bn_http_accepted_coding(const struct bn_http_head *head);

/* Splits and decodes a path once: "/api/v1/a%20b" → api, v1, "a b". Refused as invalid: bad
   escapes, %00 and control bytes, decoded '/' or '\', segments "." and "..", empty segments except
   a last one, ill-formed UTF-8; too_big: more segments than BN_HTTP_SEGMENTS_MAX. "/" has no
   segments; "/a/" has two, the last one empty. out points into scratch (size >= path.len + 1,
   asserted), where a NUL follows each segment. */
BN_MUST_CHECK bool bn_http_split_path(struct bn_str path, char *scratch, size_t size,
        struct bn_str out[BN_HTTP_SEGMENTS_MAX], size_t *out_count, struct bn_err *err);

struct bn_http_param {
    struct bn_str name;
    struct bn_str value;
};

/* Decodes a query (percent and '+'); same refusals for escapes, control bytes and UTF-8. Empty
   pieces
   ("a=1&&b=2") are passed over, "a" is a with the value "". Repeated names are kept in order; the
   caller refuses those it did not expect. A NUL follows each name and value in scratch
   (size >= query.len + 1, asserted). */
BN_MUST_CHECK bool bn_http_split_query(struct bn_str query, char *scratch, size_t size,
        struct bn_http_param out[BN_HTTP_PARAMS_MAX], size_t *out_count, struct bn_err *err);

/* Response head: status line and fields; Date and the empty line at the end are the caller's
   business. Values with control bytes other than HTAB are an assertion. */
const char *bn_http_reason(int status); /* "" when unknown */
void bn_http_put_status(struct bn_buf *buf, int status);
void bn_http_put_field(struct bn_buf *buf, const char *name, struct bn_str value);
void bn_http_put_chunk(struct bn_buf *buf,
        struct bn_str piece); /* piece.len 0 writes the last chunk */

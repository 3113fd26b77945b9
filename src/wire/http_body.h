/*
 * http_body: the bytes of one message's body, taken out of their framing as they come.
 *
 * What http and http_answer share: chunked (RFC 9112 section 7.1), so many bytes, or all until the
 * connection ends. Extensions of chunks and trailers are checked, bounded and ignored.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#define BN_HTTP_CHUNK_LINE_MAX    256  /* size and extensions; extensions are ignored */
#define BN_HTTP_TRAILER_BYTES_MAX 4096 /* checked, then ignored: nothing of ours reads trailers */

#define BN_HTTP_BODY_CHUNKED -1
#define BN_HTTP_BODY_TO_END  -2

struct bn_http_body {
    uint64_t left; /* bytes of the body, or of the chunk, still to come */
    uint16_t line_len;
    uint8_t state;
};

/* bytes: how many, or one of the two above. */
void bn_http_body_begin(struct bn_http_body *body, int64_t bytes);
/* Returns how many bytes were used, all of them unless the body is done, a piece is shown or err
   (zeroed by the caller) is written. *out_piece lies within p[0..len), or is left as it was. */
size_t bn_http_body_take(struct bn_http_body *body, const char *p, size_t len,
        struct bn_str *out_piece, struct bn_err *err);
/* Nothing more belongs to it; never true of one that ends with the connection. */
bool bn_http_body_is_done(const struct bn_http_body *body);

/*
 * gunzip: a gzip stream (RFC 1952) unpacked piece by piece, never beyond the room it is given.
 *
 *     bn_gunzip_init(&g); bn_gunzip_put(&g, p, len, &out, &err) ...; bn_gunzip_end(&g, &err)
 *
 * What comes out is bounded by out's max, whatever went in, so a bomb costs no more than that. The
 * memory of zlib (about 40 KB) stands from the first byte of a stream to its last.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct bn_gunzip {
    /* private */
    struct z_stream_s *stream; /* while one is being unpacked */
    uint8_t state;
};

void bn_gunzip_init(struct bn_gunzip *g);
void bn_gunzip_finish(struct bn_gunzip *g);

/* Unpacks len more bytes to the end of out, which the caller may empty between two calls. False:
   invalid, what came is no gzip; too_big, out->max was reached and out->failed is set. After that
   nothing more is taken. Streams may follow one another (RFC 1952 section 2.2). */
BN_MUST_CHECK bool bn_gunzip_put(struct bn_gunzip *g, const char *p, size_t len, struct bn_buf *out,
        struct bn_err *err);

/* No more will come. False, as invalid, when the stream was cut or refused; no bytes at all are an
   empty body. Rubbish behind the stream was refused by bn_gunzip_put. */
BN_MUST_CHECK bool bn_gunzip_end(struct bn_gunzip *g, struct bn_err *err);

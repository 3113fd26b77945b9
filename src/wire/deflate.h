/*
 * deflate: raw deflate blocks that can be joined, and inflation under a ceiling (zlib lives here
 * and in gunzip).
 *
 * A block made here starts from a fresh state and ends at a byte border (Z_SYNC_FLUSH, with its
 * final 00 00 FF FF), so any row of blocks is one valid stream. That is how one compression serves
 * every listener: a permessage-deflate message is blocks joined, minus the last four bytes
 * (REALTIME 4).
 */
#pragma once

#include "base/buf.h"

#define BN_DEFLATE_MIN_BYTES \
    256 /* shorter pieces travel as stored blocks: deflate gains nothing there */

/* Appends one block holding p[0..len): deflated at level 1 when that shrinks it, stored otherwise.
   out must have room for the stored form, len + 5 * (len / 65535 + 2); else out->failed. */
void bn_deflate_block(struct bn_buf *out, const char *p, size_t len);

/* Inflates a whole permessage-deflate message (without its 00 00 FF FF tail) into out, whose max is
   the limit. False: ill-formed, or out->failed because it grew beyond the limit. */
BN_MUST_CHECK bool bn_inflate_message(struct bn_buf *out, const char *p, size_t len);

/* gzip (RFC 1952) of a whole body, for dynamic answers; false, with out->len unchanged, when it
   would not shrink or out has not room for len bytes. */
BN_MUST_CHECK bool bn_gzip(struct bn_buf *out, const char *p, size_t len);

/* zlib's states are made once per thread and kept (about 600 KB once all three were used); a thread
   that ends calls this first. Harmless when nothing was made; what is called later makes them anew.
 */
void bn_deflate_finish_thread(void);

const char *bn_deflate_library(void); /* "1.2.13": the zlib that was loaded */

#include "wire/deflate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#define STORED_MAX   65535 /* bytes of one stored block (RFC 1951 section 3.2.4) */
#define STORED_HEAD  5     /* type, length, complement of the length */
#define INFLATE_STEP 4096  /* room made at a time; most messages fit in one */

/* zlib's states are a few hundred kilobytes each: kept per thread rather than made per message. */
struct states {
    z_stream block;
    z_stream gzip;
    z_stream inflate;
    bool has_block;
    bool has_gzip;
    bool has_inflate;
};

static _Thread_local struct states *states;

static struct states *get_states(void)
{
    if (!states)
        states = bn_alloc(sizeof *states);
    return states;
}

/* Both fail only for want of memory, where bn_alloc stops the process as well. */
static z_stream *get_deflate(z_stream *stream, bool *has, int level, int window_bits)
{
    if (*has) {
        deflateReset(stream);
        return stream;
    }
    int said = deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    assert(said == Z_OK);
    *has = true;
    return stream;
}

static z_stream *get_inflate(void)
{
    struct states *s = get_states();
    if (s->has_inflate) {
        inflateReset(&s->inflate);
        return &s->inflate;
    }
    int said = inflateInit2(&s->inflate, -15);
    assert(said == Z_OK);
    s->has_inflate = true;
    return &s->inflate;
}

void bn_deflate_finish_thread(void)
{
    if (!states)
        return;
    if (states->has_block)
        deflateEnd(&states->block);
    if (states->has_gzip)
        deflateEnd(&states->gzip);
    if (states->has_inflate)
        inflateEnd(&states->inflate);
    free(states);
    states = NULL;
}

static void set_input(z_stream *stream, const char *p, size_t len)
{
    assert(len <= UINT32_MAX / 2);
    stream->next_in = (const Bytef *)p;
    stream->avail_in = (uInt)len;
}

static char *put_stored_head(char *to, size_t len)
{
    to[0] = 0;
    to[1] = (char)(len & 0xff);
    to[2] = (char)(len >> 8);
    to[3] = (char)(~len & 0xff);
    to[4] = (char)(~len >> 8 & 0xff);
    return to + STORED_HEAD;
}

/* Stored blocks and the empty one whose length field is the 00 00 FF FF every block ends with. */
static void store(char *to, const char *p, size_t len)
{
    while (len > 0) {
        size_t n = BN_MIN(len, (size_t)STORED_MAX);
        to = put_stored_head(to, n);
        memcpy(to, p, n);
        to += n;
        p += n;
        len -= n;
    }
    put_stored_head(to, 0);
}

void bn_deflate_block(struct bn_buf *out, const char *p, size_t len)
{
    size_t stored = len + STORED_HEAD * ((len + STORED_MAX - 1) / STORED_MAX + 1);
    char *room = bn_buf_room(out, stored);
    if (!room)
        return;
    if (len >= BN_DEFLATE_MIN_BYTES) {
        struct states *s = get_states();
        z_stream *stream = get_deflate(&s->block, &s->has_block, 1, -15);
        set_input(stream, p, len);
        stream->next_out = (Bytef *)room;
        stream->avail_out = (uInt)stored;
        deflate(stream, Z_SYNC_FLUSH);
        /* Room left over means that all was taken and flushed, and that it shrank. */
        if (stream->avail_out > 0) {
            bn_buf_added(out, stored - stream->avail_out);
            return;
        }
    }
    store(room, p, len);
    bn_buf_added(out, stored);
}

/* One step into out, or into one spare byte when out is full: a byte that comes out then is one too
   many. Returns zlib's word. */
static int inflate_step(z_stream *stream, struct bn_buf *out)
{
    char spare;
    size_t left = out->max - out->len;
    size_t size = left ? BN_MIN(left, (size_t)INFLATE_STEP) : sizeof spare;
    char *room = left ? bn_buf_room(out, size) : &spare;
    stream->next_out = (Bytef *)room;
    stream->avail_out = (uInt)size;
    int said = inflate(stream, Z_SYNC_FLUSH);
    if (left)
        bn_buf_added(out, size - stream->avail_out);
    else if (stream->avail_out == 0)
        out->failed = true;
    return said;
}

bool bn_inflate_message(struct bn_buf *out, const char *p, size_t len)
{
    z_stream *stream = get_inflate();
    set_input(stream, p, len);
    while (!out->failed) {
        int said = inflate_step(stream, out);
        if (said != Z_OK && said != Z_BUF_ERROR && said != Z_STREAM_END)
            return false;
        /* The tail that was cut off is the length of an empty stored block, so a whole message ends
           where zlib waits for just that. (Feeding the tail instead would let a stored block that
           was cut short take it for its last four bytes.) */
        if (stream->avail_in == 0 && stream->avail_out > 0)
            return inflateSyncPoint(stream) == 1;
        /* A block marked as the last one may still be followed by others (RFC 7692
         * section 7.2.3.4). */
        if (said == Z_STREAM_END)
            inflateReset(stream);
    }
    return false;
}

bool bn_gzip(struct bn_buf *out, const char *p, size_t len)
{
    /* The frame alone is 18 bytes, so what is this short cannot shrink. */
    if (len <= 18 || out->failed || out->max - out->len < len)
        return false;
    char *room = bn_buf_room(out, len - 1);
    struct states *s = get_states();
    z_stream *stream = get_deflate(&s->gzip, &s->has_gzip, 6, 15 + 16);
    set_input(stream, p, len);
    stream->next_out = (Bytef *)room;
    stream->avail_out = (uInt)(len - 1);
    if (deflate(stream, Z_FINISH) != Z_STREAM_END)
        return false;
    bn_buf_added(out, len - 1 - stream->avail_out);
    return true;
}

const char *bn_deflate_library(void)
{
    return zlibVersion();
}

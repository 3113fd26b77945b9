#include "wire/gunzip.h"

#include <assert.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#define STEP_BYTES 16384 /* room made at a time */

enum state {
    BETWEEN, /* before the first stream, or after a whole one */
    INSIDE,
    BROKEN,
};

/* zlib's own would answer NULL, which bn_alloc does not. */
static voidpf get_memory(voidpf user, uInt count, uInt size)
{
    (void)user;
    return bn_alloc((size_t)count * size);
}

static void free_memory(voidpf user, voidpf p)
{
    (void)user;
    free(p);
}

static void drop_stream(struct bn_gunzip *g)
{
    if (!g->stream)
        return;
    inflateEnd(g->stream);
    free(g->stream);
    g->stream = NULL;
}

void bn_gunzip_init(struct bn_gunzip *g)
{
    *g = (struct bn_gunzip){0};
}

void bn_gunzip_finish(struct bn_gunzip *g)
{
    drop_stream(g);
}

static void refuse(struct bn_gunzip *g)
{
    drop_stream(g);
    g->state = BROKEN;
}

static void make_stream(struct bn_gunzip *g)
{
    g->stream = bn_alloc(sizeof *g->stream);
    g->stream->zalloc = get_memory;
    g->stream->zfree = free_memory;
    int said = inflateInit2(g->stream, 15 + 16);
    assert(said == Z_OK);
}

/* One step into out, or into one spare byte when out is full: a byte that comes out then is one too
   many. Returns zlib's word. */
static int unpack(struct bn_gunzip *g, struct bn_buf *out)
{
    char spare = 0;
    size_t left = out->max - out->len;
    size_t size = left ? BN_MIN(left, (size_t)STEP_BYTES) : sizeof spare;
    char *room = left ? bn_buf_room(out, size) : &spare;
    g->stream->next_out = (Bytef *)room;
    g->stream->avail_out = (uInt)size;
    int said = inflate(g->stream, Z_SYNC_FLUSH);
    if (left)
        bn_buf_added(out, size - g->stream->avail_out);
    else if (g->stream->avail_out == 0)
        out->failed = true;
    return said;
}

/* After a step: was there still room, and is it gzip? */
static bool judge(struct bn_gunzip *g, int said, const struct bn_buf *out, struct bn_err *err)
{
    if (out->failed) {
        refuse(g);
        return bn_fail(err, BN_E_TOO_BIG, "what is unpacked must not exceed %zu bytes", out->max);
    }
    if (said == Z_STREAM_END)
        g->state = BETWEEN;
    if (said == Z_STREAM_END || said == Z_OK || said == Z_BUF_ERROR)
        return true;
    assert(said == Z_DATA_ERROR);
    bn_fail(err, BN_E_INVALID, "what came is no gzip: %s", g->stream->msg);
    refuse(g);
    return false;
}

bool bn_gunzip_put(struct bn_gunzip *g, const char *p, size_t len, struct bn_buf *out,
        struct bn_err *err)
{
    assert(len <= UINT32_MAX / 2 && !out->failed);
    if (g->state == BROKEN)
        return bn_fail(err, BN_E_INVALID, "nothing may follow what was refused");
    if (len == 0)
        return true;
    if (!g->stream)
        make_stream(g);
    g->stream->next_in = (const Bytef *)p;
    g->stream->avail_in = (uInt)len;
    do {
        if (g->state == BETWEEN)
            inflateReset(g->stream);
        g->state = INSIDE;
        if (!judge(g, unpack(g, out), out, err))
            return false;
    } while (g->stream->avail_in > 0 || (g->state == INSIDE && g->stream->avail_out == 0));
    if (g->state == BETWEEN)
        drop_stream(g);
    return true;
}

bool bn_gunzip_end(struct bn_gunzip *g, struct bn_err *err)
{
    if (g->state == BETWEEN)
        return true;
    if (g->state == INSIDE)
        bn_fail(err, BN_E_INVALID, "the gzip stream was cut");
    else
        bn_fail(err, BN_E_INVALID, "the gzip stream was refused");
    refuse(g);
    return false;
}

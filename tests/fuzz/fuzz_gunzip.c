/* The first byte chooses: even, the rest is packed by zlib and must come back in just its room and
   not in a byte less; odd, the rest is a stream of somebody else, which comes to the same whole,
   byte by byte and cut by the second byte. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "wire/gunzip.h"

#define ROOM_BYTES 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True when all was taken and ended well; err keeps the first refusal. */
static bool unpack(struct bn_buf *out, const char *p, size_t len, size_t step, struct bn_err *err)
{
    struct bn_gunzip g;
    bool is_fine = true;
    bn_gunzip_init(&g);
    *err = (struct bn_err){0};
    for (size_t n, at = 0; at < len && is_fine; at += n) {
        n = BN_MIN(step, len - at);
        char *piece = memcpy(malloc(n), p + at, n);
        is_fine = bn_gunzip_put(&g, piece, n, out, err);
        free(piece);
    }
    if (is_fine)
        is_fine = bn_gunzip_end(&g, err);
    assert(!g.stream && is_fine == (err->code == BN_E_OK));
    assert(out->failed == (err->code == BN_E_TOO_BIG) && out->len <= out->max);
    bn_gunzip_finish(&g);
    return is_fine;
}

static void check_stream(const char *p, size_t len, size_t step)
{
    struct bn_buf whole;
    struct bn_err err, again;
    size_t steps[] = {1, step};
    bn_buf_init(&whole, ROOM_BYTES);
    bool is_fine = unpack(&whole, p, len, len, &err);
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct bn_buf cut;
        bn_buf_init(&cut, ROOM_BYTES);
        bool is_fine_again = unpack(&cut, p, len, steps[i], &again);
        assert(is_fine_again == is_fine && strcmp(again.text, err.text) == 0);
        assert(cut.len == whole.len && (!cut.len || memcmp(cut.p, whole.p, cut.len) == 0));
        bn_buf_finish(&cut);
    }
    bn_buf_finish(&whole);
}

static void check_packed(const char *p, size_t len)
{
    struct bn_buf from, out;
    struct bn_err err;
    z_stream z = {.next_in = (const Bytef *)p, .avail_in = (uInt)len};
    int said = deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert(said == Z_OK);
    uLong most = deflateBound(&z, len);
    bn_buf_init(&from, most);
    z.next_out = (Bytef *)bn_buf_room(&from, most);
    z.avail_out = (uInt)most;
    said = deflate(&z, Z_FINISH);
    assert(said == Z_STREAM_END);
    bn_buf_added(&from, z.total_out);
    deflateEnd(&z);
    bn_buf_init(&out, len ? len : 1);
    bool is_fine = unpack(&out, from.p, from.len, 7, &err);
    assert(is_fine && out.len == len && (!len || memcmp(out.p, p, len) == 0));
    bn_buf_finish(&out);
    if (len > 1) {
        bn_buf_init(&out, len - 1);
        is_fine = unpack(&out, from.p, from.len, 7, &err);
        assert(!is_fine && err.code == BN_E_TOO_BIG && memcmp(out.p, p, len - 1) == 0);
        bn_buf_finish(&out);
    }
    bn_buf_finish(&from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *p = (const char *)data + 2;
    if (data[0] & 1)
        check_stream(p, size - 2, 2 + data[1] % 61);
    else
        check_packed(p, size - 2);
    return 0;
}

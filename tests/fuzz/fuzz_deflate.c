/* The first byte chooses: even, the rest is a row of pieces (a length byte each, times 8) that must
   come back from blocks joined and from gzip; odd, the rest is a message somebody else compressed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "wire/deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const char *p, size_t len)
{
    struct bn_buf blocks, want, got;
    bn_buf_init(&blocks, 1 << 20);
    bn_buf_init(&want, 1 << 20);
    do {
        size_t n = len ? BN_MIN(8u * (uint8_t)*p, len - 1) : 0;
        p += len > 0;
        len -= len > 0;
        bn_deflate_block(&blocks, p, n);
        bn_buf_put(&want, p, n);
        p += n;
        len -= n;
    } while (len);
    assert(bn_buf_ok(&blocks) && memcmp(blocks.p + blocks.len - 4, "\0\0\xff\xff", 4) == 0);
    bn_buf_init(&got, want.len);
    bool is_fine = bn_inflate_message(&got, blocks.p, blocks.len - 4);
    assert(is_fine && got.len == want.len);
    assert(!got.len || memcmp(got.p, want.p, got.len) == 0);
    bn_buf_finish(&blocks);
    bn_buf_finish(&want);
    bn_buf_finish(&got);
}

static void check_gzip(const char *p, size_t len)
{
    struct bn_buf out;
    bn_buf_init(&out, 1 << 20);
    if (bn_gzip(&out, p, len)) {
        Bytef *back = malloc(len);
        z_stream z = {.next_in = (const Bytef *)out.p,
                .avail_in = (uInt)out.len,
                .next_out = back,
                .avail_out = (uInt)len};
        assert(out.len < len);
        int said = inflateInit2(&z, 15 + 16);
        assert(said == Z_OK);
        said = inflate(&z, Z_FINISH);
        assert(said == Z_STREAM_END && z.total_out == len && memcmp(back, p, len) == 0);
        inflateEnd(&z);
        free(back);
    }
    assert(bn_buf_ok(&out));
    bn_buf_finish(&out);
}

/* Whatever comes out with room enough comes out in just that room, and not in a byte less. */
static void check_message(const char *p, size_t len)
{
    struct bn_buf wide, tight;
    bn_buf_init(&wide, 100000);
    bool is_fine = bn_inflate_message(&wide, p, len);
    assert(wide.len <= 100000 && !(is_fine && wide.failed));
    bn_buf_init(&tight, wide.len);
    bool is_fine_again = bn_inflate_message(&tight, p, len);
    assert(wide.failed || is_fine == is_fine_again);
    assert(!tight.len || memcmp(tight.p, wide.p, tight.len) == 0);
    bn_buf_finish(&tight);
    if (is_fine && wide.len) {
        bn_buf_init(&tight, wide.len - 1);
        is_fine = bn_inflate_message(&tight, p, len);
        assert(!is_fine && tight.failed);
        bn_buf_finish(&tight);
    }
    bn_buf_finish(&wide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *p = (const char *)data + 1;
    if (data[0] & 1) {
        check_message(p, size - 1);
    } else {
        check_row(p, size - 1);
        check_gzip(p, size - 1);
    }
    if (size % 16 == 0)
        bn_deflate_finish_thread(); /* what a thread has for this is made anew when it is needed */
    return 0;
}

/* Any bytes as a body of Engine.IO's long polling: packets up to the first that is none; written
   again they are the same bytes, and read again the same packets. */
#include <assert.h>
#include <string.h>

#include "wire/eio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_str rest = {(const char *)data, size};
    BN_BUF_AUTO scratch;
    BN_BUF_AUTO body;
    bn_buf_init(&scratch, size + 1);
    bn_buf_init(&body, size + 8);
    struct bn_eio_packet packet = {0};
    const char *done = (const char *)data;
    while (rest.p && bn_eio_next(&rest, &scratch, &packet)) {
        const size_t before = body.len;
        assert(packet.type <= BN_EIO_NOOP);
        bn_eio_put(&body, &packet);
        assert(body.len - before <= bn_eio_size(&packet));
        done = rest.p ? rest.p - 1 : (const char *)data + size;
        if (!packet.is_binary && before == 0) {
            struct bn_eio_packet same;
            const bool is_text = bn_eio_read(bn_buf_str(&body), &same);
            assert(is_text && same.type == packet.type && same.data.len == packet.data.len);
        }
    }
    /* Base64 has bits nobody looks at in a last group: those apart, the bytes are the same. */
    const size_t taken = (size_t)(done - (const char *)data);
    assert(body.len == taken);
    for (size_t i = 0; i < taken; i++)
        assert(body.p[i] == (char)data[i] || memchr(data, 'b', i));
    return 0;
}

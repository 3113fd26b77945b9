#include "io/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct bn_outbox_part {
    struct bn_bytes *bytes;
    uint32_t offset;
    uint32_t len;
};

void bn_outbox_put(struct bn_outbox *outbox, struct bn_bytes *bytes, size_t offset, size_t len)
{
    if (len == 0)
        return;
    if (outbox->head + outbox->count == outbox->room) {
        if (outbox->head > outbox->room / 2) { /* else one byte taken would move all, each time */
            memmove(outbox->parts, outbox->parts + outbox->head,
                    outbox->count * sizeof *outbox->parts);
            outbox->head = 0;
        } else {
            outbox->room = outbox->room ? outbox->room * 2 : 4;
            outbox->parts = bn_realloc(outbox->parts, outbox->room * sizeof *outbox->parts);
        }
    }
    outbox->parts[outbox->head + outbox->count++] = (struct bn_outbox_part){bn_bytes_ref(bytes),
            (uint32_t)offset, (uint32_t)len};
    outbox->bytes += len;
}

void bn_outbox_took(struct bn_outbox *outbox, size_t n)
{
    assert(n <= outbox->bytes);
    outbox->bytes -= n;
    while (n > 0) {
        assert(outbox->parts); /* what was taken had been put */
        struct bn_outbox_part *part = &outbox->parts[outbox->head];
        if (n < part->len) {
            part->offset += (uint32_t)n;
            part->len -= (uint32_t)n;
            return;
        }
        n -= part->len;
        bn_bytes_unref(part->bytes);
        outbox->head++;
        outbox->count--;
    }
    if (outbox->count > 0)
        return;
    free(outbox->parts);
    *outbox = (struct bn_outbox){0};
}

int bn_outbox_show(const struct bn_outbox *outbox, struct iovec *iov, int max)
{
    int n = 0;
    for (; n < max && (uint32_t)n < outbox->count; n++) {
        const struct bn_outbox_part *part = &outbox->parts[outbox->head + (uint32_t)n];
        iov[n] = (struct iovec){part->bytes->p + part->offset, part->len};
    }
    return n;
}

struct iovec bn_outbox_join(const struct bn_outbox *outbox, char *scratch, size_t size)
{
    size_t len = 0;
    if (outbox->count == 1) {
        const struct bn_outbox_part *part = &outbox->parts[outbox->head];
        return (struct iovec){part->bytes->p + part->offset, BN_MIN((size_t)part->len, size)};
    }
    for (uint32_t i = 0; i < outbox->count && len < size; i++) {
        const struct bn_outbox_part *part = &outbox->parts[outbox->head + i];
        size_t n = BN_MIN((size_t)part->len, size - len);
        memcpy(scratch + len, part->bytes->p + part->offset, n);
        len += n;
    }
    return (struct iovec){scratch, len};
}

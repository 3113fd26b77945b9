#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct bn_bytes *bn_bytes_create(const void *from, size_t len)
{
    assert(len <= UINT32_MAX);
    struct bn_bytes *bytes = bn_alloc(sizeof *bytes + len);
    bytes->refs = 1;
    bytes->len = (uint32_t)len;
    if (from && len > 0)
        memcpy(bytes->p, from, len);
    return bytes;
}

void bn_bytes_unref(struct bn_bytes *bytes)
{
    if (!bytes)
        return;
    assert(bytes->refs > 0);
    if (--bytes->refs == 0)
        free(bytes);
}

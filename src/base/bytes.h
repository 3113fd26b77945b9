/*
 * bytes: an immutable, counted block of bytes that many connections send; the one shared type.
 *
 * Loop thread only: the count is not atomic on purpose.
 */
#pragma once

#include "base/base.h"

struct bn_bytes {
    uint32_t refs;
    uint32_t len;
    char p[];
};

/* A block with one reference; from NULL leaves the content (zeros) to the caller before sharing. */
struct bn_bytes *bn_bytes_create(const void *from, size_t len);

static inline struct bn_bytes *bn_bytes_ref(struct bn_bytes *bytes)
{
    bytes->refs++;
    return bytes;
}

void bn_bytes_unref(struct bn_bytes *bytes); /* NULL is fine */

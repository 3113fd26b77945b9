#include "base/hash.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

/* A 64x64 multiplication folded to 64 bits: the mixing step of wyhash, for which no pair of inputs
   is known to collide under every seed. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t bn_hash(uint64_t seed, const void *bytes, size_t len)
{
    const char *p = bytes;
    uint64_t hash = seed ^ len;
    uint64_t word;
    for (; len >= sizeof word; len -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        hash = mix(hash ^ word, UINT64_C(0xa0761d6478bd642f));
    }
    word = 0;
    if (len > 0)
        memcpy(&word, p, len);
    return mix(hash ^ word, UINT64_C(0xe7037ed1a0b428db));
}

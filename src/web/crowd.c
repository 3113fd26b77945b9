#include "web/crowd.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

struct place {
    struct bn_addr addr;
    int64_t count;
    UT_hash_handle hh;
};

struct bn_crowd {
    struct place *places;
};

struct bn_crowd *bn_crowd_create(void)
{
    return bn_alloc(sizeof(struct bn_crowd));
}

void bn_crowd_destroy(struct bn_crowd *crowd)
{
    struct place *place;
    struct place *next;
    if (!crowd)
        return;
    HASH_ITER(hh, crowd->places, place, next)
    {
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): next was read before place was freed
        HASH_DEL(crowd->places, place);
        free(place);
    }
    free(crowd);
}

static struct bn_addr place_of(const struct bn_addr *addr)
{
    return bn_addr_is_v4(addr) ? *addr : bn_addr_masked(addr, 64);
}

int64_t bn_crowd_add(struct bn_crowd *crowd, const struct bn_addr *addr)
{
    struct bn_addr at = place_of(addr);
    struct place *place;
    HASH_FIND(hh, crowd->places, &at, sizeof at, place);
    if (!place) {
        place = bn_alloc(sizeof *place);
        place->addr = at;
        HASH_ADD(hh, crowd->places, addr, sizeof at, place);
    }
    return ++place->count;
}

void bn_crowd_remove(struct bn_crowd *crowd, const struct bn_addr *addr)
{
    struct bn_addr at = place_of(addr);
    struct place *place;
    HASH_FIND(hh, crowd->places, &at, sizeof at, place);
    assert(place);
    if (--place->count > 0)
        return;
    HASH_DEL(crowd->places, place);
    free(place);
}

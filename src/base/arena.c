#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN     16
#define BLOCK_MIN 4096
#define BLOCK_MAX 65536 /* growth stops here; one larger piece gets a block of its own size */

struct bn_arena_block {
    struct bn_arena_block *next;
    size_t size;
    size_t used;
    _Alignas(ALIGN) char p[];
};

void bn_arena_init(struct bn_arena *arena, size_t max)
{
    *arena = (struct bn_arena){.max = max};
}

/* Frees every block but `keep`, which may be NULL. */
static void drop_blocks(struct bn_arena *arena, struct bn_arena_block *keep)
{
    struct bn_arena_block *block = arena->head;
    while (block) {
        struct bn_arena_block *next = block->next;
        if (block != keep)
            free(block);
        block = next;
    }
    arena->head = keep;
    arena->used = 0;
}

void bn_arena_finish(struct bn_arena *arena)
{
    drop_blocks(arena, NULL);
}

void bn_arena_reset(struct bn_arena *arena)
{
    /* The largest block of ordinary size: one huge request must not stay with the connection. */
    struct bn_arena_block *keep = NULL;
    for (struct bn_arena_block *block = arena->head; block; block = block->next)
        if (block->size <= BLOCK_MAX && (!keep || block->size > keep->size))
            keep = block;
    drop_blocks(arena, keep);
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
}

static struct bn_arena_block *add_block(struct bn_arena *arena, size_t size)
{
    size_t room = arena->head ? BN_MIN(arena->head->size * 2, (size_t)BLOCK_MAX) : BLOCK_MIN;
    room = BN_MAX(room, size);
    struct bn_arena_block *block = bn_alloc(sizeof *block + room);
    block->size = room;
    block->next = arena->head;
    arena->head = block;
    return block;
}

void *bn_arena_take(struct bn_arena *arena, size_t size)
{
    size_t left = arena->max - arena->used;
    if (size > left)
        return NULL;
    size_t rounded = (BN_MAX(size, (size_t)1) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (rounded > left || rounded < size)
        return NULL;
    struct bn_arena_block *block = arena->head;
    if (!block || rounded > block->size - block->used)
        block = add_block(arena, rounded);
    void *p = block->p + block->used;
    block->used += rounded;
    arena->used += rounded;
    return memset(p, 0, rounded);
}

char *bn_arena_copy(struct bn_arena *arena, struct bn_str text)
{
    char *p = bn_arena_take(arena, text.len + 1);
    if (p && text.len > 0)
        memcpy(p, text.p, text.len);
    return p;
}

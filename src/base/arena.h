/*
 * arena: memory that ends with a request or a turn; nobody frees pieces.
 */
#pragma once

#include "base/base.h"
#include "base/text.h"

struct bn_arena {
    struct bn_arena_block *head;
    size_t used; /* bytes handed out since the last reset */
    size_t max;  /* ceiling in bytes; beyond it bn_arena_take returns NULL */
};

void bn_arena_init(struct bn_arena *arena, size_t max);
void bn_arena_finish(struct bn_arena *arena);
void bn_arena_reset(struct bn_arena *arena); /* keeps one block for the next use */

void *bn_arena_take(struct bn_arena *arena,
        size_t size); /* zeroed, 16-byte aligned; NULL over the ceiling */
char *bn_arena_copy(struct bn_arena *arena,
        struct bn_str text); /* with a NUL; NULL over the ceiling */

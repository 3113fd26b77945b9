#include "base/arena.h"

#include "bn_test.h"

BN_TEST(pieces_are_zeroed_aligned_and_apart)
{
    struct bn_arena arena;
    bn_arena_init(&arena, 1 << 20);
    unsigned char *before = NULL;
    for (size_t size = 0; size < 200; size++) {
        unsigned char *p = bn_arena_take(&arena, size);
        CHECK(p != NULL && p != before);
        CHECK_INT((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            CHECK_INT(p[i], 0);
        memset(p, 0xAA, size);
        before = p;
    }
    bn_arena_finish(&arena);
}

BN_TEST(pieces_keep_what_was_written_into_them)
{
    struct bn_arena arena;
    unsigned char *pieces[300];
    bn_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        pieces[i] = bn_arena_take(&arena, 1 + i * 7);
        memset(pieces[i], (int)i & 0xFF, 1 + i * 7);
    }
    for (size_t i = 0; i < COUNT(pieces); i++)
        for (size_t k = 0; k < 1 + i * 7; k++)
            CHECK_INT(pieces[i][k], i & 0xFF);
    bn_arena_finish(&arena);
}

BN_TEST(nothing_is_given_beyond_the_ceiling)
{
    struct bn_arena arena;
    bn_arena_init(&arena, 1024);
    CHECK(bn_arena_take(&arena, 1025) == NULL);
    CHECK(bn_arena_take(&arena, SIZE_MAX) == NULL);
    CHECK(bn_arena_take(&arena, SIZE_MAX - 8) == NULL);
    CHECK_INT(arena.used, 0);
    CHECK(bn_arena_take(&arena, 1000) != NULL);
    CHECK_INT(arena.used, 1008);
    CHECK(bn_arena_take(&arena, 17) == NULL);
    CHECK(bn_arena_take(&arena, 16) != NULL);
    CHECK(bn_arena_take(&arena, 0) == NULL);
    CHECK_INT(arena.used, 1024);
    bn_arena_reset(&arena);
    CHECK_INT(arena.used, 0);
    CHECK(bn_arena_take(&arena, 1024) != NULL);
    bn_arena_finish(&arena);
}

BN_TEST(a_ceiling_at_the_end_of_the_address_space_does_not_wrap)
{
    struct bn_arena arena;
    bn_arena_init(&arena, SIZE_MAX);
    CHECK(bn_arena_take(&arena, 1) != NULL);
    CHECK(bn_arena_take(&arena, SIZE_MAX - 16) == NULL);
    bn_arena_finish(&arena);
}

BN_TEST(a_reset_arena_gives_zeroed_memory_again_from_the_block_it_kept)
{
    struct bn_arena arena;
    bn_arena_init(&arena, 1 << 20);
    unsigned char *first = bn_arena_take(&arena, 500);
    memset(first, 0xAA, 500);
    struct bn_arena_block *block = arena.head;
    bn_arena_reset(&arena);
    CHECK(arena.head == block);
    unsigned char *again = bn_arena_take(&arena, 500);
    CHECK(again == first);
    for (size_t i = 0; i < 500; i++)
        CHECK_INT(again[i], 0);
    bn_arena_finish(&arena);
    CHECK(arena.head == NULL);
}

BN_TEST(one_huge_request_does_not_stay_with_the_arena)
{
    struct bn_arena arena;
    bn_arena_init(&arena, 4 << 20);
    CHECK(bn_arena_take(&arena, 2 << 20) != NULL);
    bn_arena_reset(&arena);
    CHECK(arena.head == NULL);
    CHECK(bn_arena_take(&arena, 100) != NULL);
    struct bn_arena_block *small = arena.head;
    CHECK(bn_arena_take(&arena, 2 << 20) != NULL);
    bn_arena_reset(&arena);
    CHECK(arena.head == small);
    bn_arena_finish(&arena);
}

BN_TEST(the_largest_block_of_ordinary_size_stays)
{
    struct bn_arena arena;
    bn_arena_init(&arena, 1 << 20);
    CHECK(bn_arena_take(&arena, 500) != NULL);
    struct bn_arena_block *first = arena.head;
    CHECK(bn_arena_take(&arena, 20000) != NULL);
    struct bn_arena_block *largest = arena.head;
    CHECK(largest != first);
    bn_arena_reset(&arena);
    CHECK(arena.head == largest);
    bn_arena_finish(&arena);
}

BN_TEST(a_size_that_wraps_when_it_is_rounded_up_is_refused)
{
    struct bn_arena arena;
    bn_arena_init(&arena, SIZE_MAX);
    CHECK(bn_arena_take(&arena, SIZE_MAX) == NULL);
    bn_arena_finish(&arena);
}

BN_TEST(copies_end_in_nul)
{
    struct bn_arena arena;
    bn_arena_init(&arena, 32);
    CHECK_STR(bn_arena_copy(&arena, (struct bn_str){"pve-3 and more", 5}), "pve-3");
    CHECK_STR(bn_arena_copy(&arena, bn_str(NULL)), "");
    CHECK(bn_arena_copy(&arena, BN_STR("x")) == NULL);
    bn_arena_finish(&arena);
    bn_arena_finish(&arena);
}

BN_TEST_MAIN()

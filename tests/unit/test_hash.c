#include <stdlib.h>

#include "base/hash.h"

#include "bn_test.h"

BN_TEST(the_same_bytes_and_seed_give_the_same_hash)
{
    char a[] = "mount//var/lib";
    char b[] = "xmount//var/lib";
    CHECK(bn_hash(7, a, sizeof a) == bn_hash(7, b + 1, sizeof a));
}

BN_TEST(seed_length_and_every_bit_count)
{
    uint8_t bytes[24] = {0};
    for (size_t len = 0; len < sizeof bytes; len++)
        for (size_t other = 0; other < len; other++)
            CHECK(bn_hash(7, bytes, len) != bn_hash(7, bytes, other));
    uint64_t plain = bn_hash(7, bytes, sizeof bytes);
    CHECK(plain != bn_hash(8, bytes, sizeof bytes));
    for (size_t i = 0; i < 8 * sizeof bytes; i++) {
        bytes[i / 8] = (uint8_t)(1u << (i % 8));
        CHECK(plain != bn_hash(7, bytes, sizeof bytes));
        bytes[i / 8] = 0;
    }
}

/* 4,096 balls into 4,096 slots leave about 1/e of them empty when the low bits are good. */
BN_TEST(counted_names_spread_over_the_slots)
{
    enum { N = 4096 };

    uint8_t slots[N] = {0};
    int used = 0;
    for (int i = 0; i < N; i++) {
        char name[24];
        int len = snprintf(name, sizeof name, "veth%d", i);
        uint64_t hash = bn_hash(99, name, (size_t)len);
        used += slots[hash % N] == 0;
        slots[hash % N] = 1;
    }
    CHECK(used > N * 60 / 100 && used < N * 67 / 100);
}

BN_TEST_MAIN()

#include "base/bytes.h"

#include "bn_test.h"

BN_TEST(a_block_is_a_copy_with_one_reference)
{
    char from[] = "hello";
    struct bn_bytes *bytes = bn_bytes_create(from, 5);
    from[0] = 'j';
    CHECK_INT(bytes->refs, 1);
    CHECK_INT(bytes->len, 5);
    CHECK_MEM(bytes->p, "hello", 5);
    bn_bytes_unref(bytes);
}

BN_TEST(the_last_one_frees_it)
{
    struct bn_bytes *bytes = bn_bytes_create("x", 1);
    CHECK(bn_bytes_ref(bytes) == bytes);
    CHECK_INT(bytes->refs, 2);
    bn_bytes_unref(bytes);
    CHECK_INT(bytes->refs, 1);
    CHECK_MEM(bytes->p, "x", 1);
    bn_bytes_unref(bytes); /* the sanitizer counts what is left */
}

BN_TEST(content_may_come_later_and_may_be_nothing)
{
    struct bn_bytes *bytes = bn_bytes_create(NULL, 3);
    CHECK_MEM(bytes->p, "\0\0\0", 3);
    memcpy(bytes->p, "abc", 3);
    bn_bytes_unref(bytes);
    bytes = bn_bytes_create("", 0);
    CHECK_INT(bytes->len, 0);
    bn_bytes_unref(bytes);
    bn_bytes_unref(NULL);
}

BN_TEST(a_length_that_does_not_fit_the_count_is_a_programming_error)
{
    CHECK_ABORTS(bn_bytes_create(NULL, (size_t)UINT32_MAX + 1));
}

BN_TEST_MAIN()

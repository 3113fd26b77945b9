/*
 * bn_test: the few words every test is written with, over cmocka.
 *
 *   BN_TEST(hub_says_only_what_changed) { … CHECK_INT(heard, 1); … }
 *   BN_TEST_MAIN()
 *
 * A test name is a sentence. Tests register themselves; one program is one module's tests.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BN_TESTS_MAX 256

static struct CMUnitTest bn_tests[BN_TESTS_MAX];
static size_t bn_test_count;

#define BN_TEST(sentence)                                                                          \
    static void sentence(void **state);                                                            \
    __attribute__((constructor)) static void register_##sentence(void)                             \
    {                                                                                              \
        bn_tests[bn_test_count++] = (struct CMUnitTest){#sentence, sentence, NULL, NULL, NULL};    \
    }                                                                                              \
    static void sentence(void **state __attribute__((unused)))

#define CHECK(cond)          assert_true(cond)
#define CHECK_INT(got, want) assert_int_equal((long long)(got), (long long)(want))
#define CHECK_STR(got, want) assert_string_equal((got), (want))
#define CHECK_MEM(got, want, len) assert_memory_equal((got), (want), (len))
#define CHECK_NEAR(got, want, by) assert_float_equal((float)(got), (float)(want), (float)(by))

/* `binnacle_test NAME` runs the tests whose sentence contains NAME. */
#define BN_TEST_MAIN()                                                                             \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        char filter[200];                                                                          \
        if (argc > 1) {                                                                            \
            snprintf(filter, sizeof filter, "*%s*", argv[1]);                                      \
            cmocka_set_test_filter(filter);                                                        \
        }                                                                                          \
        return _cmocka_run_group_tests(__FILE__, bn_tests, bn_test_count, NULL, NULL);             \
    }

/*
 * bn_test: the few words every test is written with, over cmocka.
 *
 *   BN_TEST(hub_says_only_what_changed) { … CHECK_INT(heard, 1); … }
 *   BN_TEST_MAIN()
 *
 * A test name is a sentence. Tests register themselves; one program is one module's tests.
 */
#pragma once

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off: cmocka needs setjmp and stdarg before it */
#include <cmocka.h>
/* clang-format on */

#define BN_TESTS_MAX 256

static struct CMUnitTest bn_tests[BN_TESTS_MAX];
static size_t bn_test_count;

#define BN_TEST(sentence)                                                                       \
    static void sentence(void **state);                                                         \
    __attribute__((constructor)) static void register_##sentence(void)                          \
    {                                                                                           \
        if (bn_test_count == BN_TESTS_MAX)                                                      \
            abort();                                                                            \
        bn_tests[bn_test_count++] = (struct CMUnitTest){#sentence, sentence, NULL, NULL, NULL}; \
    }                                                                                           \
    static void sentence(void **state __attribute__((unused)))

#define CHECK(cond)               assert_true(cond)
#define CHECK_INT(got, want)      assert_int_equal((long long)(got), (long long)(want))
#define CHECK_STR(got, want)      assert_string_equal((got), (want))
#define CHECK_MEM(got, want, len) assert_memory_equal((got), (want), (len))
#define CHECK_NEAR(got, want, by) bn_check_near((got), (want), (by), __FILE__, __LINE__)

static inline void bn_check_near(double got, double want, double by, const char *file, int line)
{
    if (fabs(got - want) <= by)
        return;
    print_error("%.17g is not within %g of %.17g\n", got, by, want);
    _fail(file, line);
}

/* The statement must end the process by abort(), as a failed assert does; it runs in a child. */
#define CHECK_ABORTS(statement)                                            \
    do {                                                                   \
        int status_ = 0;                                                   \
        fflush(NULL);                                                      \
        pid_t child_ = fork();                                             \
        if (child_ == 0) {                                                 \
            signal(SIGABRT, SIG_DFL);                                      \
            close(2);                                                      \
            statement;                                                     \
            _exit(0);                                                      \
        }                                                                  \
        assert_true(child_ > 0 && waitpid(child_, &status_, 0) == child_); \
        assert_true(WIFSIGNALED(status_) && WTERMSIG(status_) == SIGABRT); \
    } while (0)

/* `binnacle_test NAME` runs the tests whose sentence contains NAME. A peer that hangs up is an
   error of a write, as in the server (app/assemble.c): OpenSSL writes without MSG_NOSIGNAL. */
#define BN_TEST_MAIN()                                                                 \
    int main(int argc, char **argv)                                                    \
    {                                                                                  \
        char filter[200];                                                              \
        signal(SIGPIPE, SIG_IGN);                                                      \
        if (argc > 1) {                                                                \
            snprintf(filter, sizeof filter, "*%s*", argv[1]);                          \
            cmocka_set_test_filter(filter);                                            \
        }                                                                              \
        return _cmocka_run_group_tests(__FILE__, bn_tests, bn_test_count, NULL, NULL); \
    }

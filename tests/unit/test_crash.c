/* base/crash: a point kills when it is the one that is named, the time that is said, and else is
   nothing. */
#include <sys/wait.h>

#include "base/crash.h"

#include "bn_test.h"

static int status_of(const char *wanted, int times)
{
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        if (wanted)
            setenv("BINNACLE_CRASH_AT", wanted, 1);
        for (int i = 0; i < times; i++) {
            BN_CRASH_POINT(store_begun);
            BN_CRASH_POINT(store_committed);
        }
        _exit(0);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

BN_TEST(a_point_that_is_named_kills_and_no_other)
{
#ifdef BN_CRASH_POINTS
    const int killed = SIGKILL;
#else
    const int killed = 0;
#endif
    CHECK_INT(status_of("store_committed", 1), killed);
    CHECK_INT(status_of("store_committed:3", 3), killed);
    CHECK_INT(status_of("store_committed:3", 2), 0);
    CHECK_INT(status_of("store_commit", 1), 0);
    CHECK_INT(status_of("start_loaded", 1), 0);
    CHECK_INT(status_of(NULL, 1), 0);
}

BN_TEST(each_point_has_a_name_of_its_own)
{
    for (int i = 0; i < BN_CRASH_COUNT; i++)
        for (int k = 0; k < i; k++)
            CHECK(strcmp(bn_crash_word((enum bn_crash_point)i),
                          bn_crash_word((enum bn_crash_point)k)) != 0);
    CHECK(BN_CRASH_COUNT >= 25);
}

BN_TEST_MAIN()

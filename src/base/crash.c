#include "base/crash.h"

#ifdef BN_CRASH_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#endif

const char *bn_crash_word(enum bn_crash_point point)
{
    static const char *const words[] = {
#define X(name) #name,
            BN_CRASH_LIST(X)
#undef X
    };
    return words[point];
}

#ifdef BN_CRASH_POINTS
void bn_crash_at(enum bn_crash_point point)
{
    static atomic_long passed;
    const char *wanted = getenv("BINNACLE_CRASH_AT");
    const char *name = bn_crash_word(point);
    const size_t len = strlen(name);
    if (!wanted || strncmp(wanted, name, len) != 0 || (wanted[len] && wanted[len] != ':'))
        return;
    const long nth = wanted[len] ? strtol(wanted + len + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 == nth)
        raise(SIGKILL); /* not abort: nothing of ours may run any more */
}
#endif

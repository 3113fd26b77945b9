#include "source/rate.h"

#include <time.h>

#include "base/clock.h"

void bn_moment_now(void *user, struct bn_moment *out)
{
    struct timespec boot;
    (void)user;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    out->mono_ns = bn_clock_mono_ns();
    out->boot_ns = (int64_t)boot.tv_sec * BN_SECOND_NS + boot.tv_nsec;
}

int64_t bn_elapsed(struct bn_moment *before, const struct bn_moment *now)
{
    bool is_first = before->mono_ns == 0 && before->boot_ns == 0;
    int64_t mono_ns = now->mono_ns - before->mono_ns;
    int64_t boot_ns = now->boot_ns - before->boot_ns;
    *before = *now;
    if (is_first || mono_ns <= 0 || mono_ns > BN_GAP_NS || boot_ns > BN_GAP_NS)
        return 0;
    return mono_ns;
}

double bn_rate(uint64_t now, uint64_t before, int64_t elapsed_ns)
{
    if (elapsed_ns <= 0 || now == BN_ABSENT || before == BN_ABSENT || now < before)
        return NAN;
    return (double)(now - before) * 1e9 / (double)elapsed_ns;
}

int64_t bn_gauge(uint64_t value)
{
    return value > (uint64_t)INT64_MAX ? BN_UNKNOWN : (int64_t)value;
}

#include "source/second.h"

/* Timers count whole milliseconds and may be one early: that must not land in the second before. */
#define PHASE_MS 20

int64_t bn_second_after_ms(int64_t now_ms)
{
    int64_t into_ms = (now_ms - PHASE_MS) % 1000;
    if (into_ms < 0)
        into_ms += 1000;
    return into_ms > 500 ? 2000 - into_ms : 1000 - into_ms;
}

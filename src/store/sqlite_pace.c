#include "store/sqlite_pace.h"

#include "base/base.h"

#include "model/limits.h"

#define FIRST 16
#define MOST  1024 /* a step that finds nothing to do is short too: it must not learn too much */

void bn_pace_init(struct bn_pace *pace)
{
    pace->units = FIRST;
}

void bn_pace_note(struct bn_pace *pace, int64_t took_ns)
{
    int64_t aim_ns = BN_STORE_STEP_MS * INT64_C(1000000);
    if (took_ns > aim_ns)
        pace->units = BN_MAX(pace->units / 2, 1);
    else if (took_ns < aim_ns / 4)
        pace->units = BN_MIN(pace->units * 2, MOST);
}

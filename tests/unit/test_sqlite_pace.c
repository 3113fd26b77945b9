#include "bn_test.h"
#include "model/limits.h"
#include "store/sqlite_pace.h"

#define AIM_NS (BN_STORE_STEP_MS * INT64_C(1000000))

BN_TEST(a_step_that_was_too_long_is_halved)
{
    struct bn_pace pace;
    bn_pace_init(&pace);
    CHECK_INT(pace.units, 16);
    bn_pace_note(&pace, AIM_NS + 1);
    CHECK_INT(pace.units, 8);
    for (int i = 0; i < 10; i++)
        bn_pace_note(&pace, 100 * AIM_NS);
    CHECK_INT(pace.units, 1); /* but something is done */
}

BN_TEST(a_short_step_is_doubled_up_to_a_bound)
{
    struct bn_pace pace;
    bn_pace_init(&pace);
    bn_pace_note(&pace, AIM_NS / 4 - 1);
    CHECK_INT(pace.units, 32);
    for (int i = 0; i < 10; i++)
        bn_pace_note(&pace, 0);
    CHECK_INT(pace.units, 1024);
}

BN_TEST(a_step_in_between_stays_as_it_is)
{
    struct bn_pace pace;
    bn_pace_init(&pace);
    bn_pace_note(&pace, AIM_NS);
    CHECK_INT(pace.units, 16);
    bn_pace_note(&pace, AIM_NS / 4);
    CHECK_INT(pace.units, 16);
}

BN_TEST_MAIN()

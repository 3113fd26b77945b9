#include "bn_test.h"
#include "source/second.h"

BN_TEST(every_second_gets_exactly_one_sample_however_late_the_timer_is)
{
    static const int late_ms[] = {0, 1, 3, 0, 40, 0, 0, 479, 0, 12, 200, 1, -1, -1, 0, 7};
    int64_t now_ms = INT64_C(1763668800000) + 333;
    int64_t last_s = now_ms / 1000;
    for (int i = 0; i < 10000; i++) {
        now_ms += bn_second_after_ms(now_ms) +
                  late_ms[(size_t)i % (sizeof late_ms / sizeof *late_ms)];
        CHECK_INT(now_ms / 1000, last_s + 1);
        last_s = now_ms / 1000;
    }
}

BN_TEST(no_two_samples_are_closer_than_half_a_second)
{
    for (int64_t now_ms = -3000; now_ms < 3000; now_ms++) {
        int64_t after_ms = bn_second_after_ms(now_ms);
        CHECK(after_ms >= 500);
        CHECK(after_ms < 1500);
    }
}

BN_TEST_MAIN()

#include <stdlib.h>

#include "bn_test.h"
#include "live/series.h"
#include "model/limits.h"

#define T0 INT64_C(1795204620) /* a whole minute, in seconds */

struct told {
    char name[BN_SERIES_NAME_MAX];
    struct bn_point point;
};

static struct told told[64];
static size_t told_count;

static void tell(void *user, const char *name, const struct bn_point *point)
{
    CHECK(user == &told_count);
    CHECK(told_count < COUNT(told));
    snprintf(told[told_count].name, sizeof told[0].name, "%s", name);
    told[told_count++].point = *point;
}

static void add_core(struct bn_series_set *set, const char *id, double busy_pct, int64_t second)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "%s", id);
    fact.u.core.busy_pct = busy_pct;
    bn_series_add(set, &fact, second * 1000 + 250, tell, &told_count);
}

static void begin(struct bn_series_set *set)
{
    bn_series_init(set);
    told_count = 0;
}

static float second_of(const struct bn_series_set *set, const char *name, int64_t second)
{
    float value;
    const struct bn_series *series = bn_series_find(set, name);
    assert_non_null(series);
    bn_series_read(series, second, second + 1, &value);
    return value;
}

BN_TEST(a_name_is_kind_id_and_field)
{
    char name[BN_SERIES_NAME_MAX];
    bn_series_name(name, BN_KIND_MOUNT, "/var/lib", "used_bytes");
    CHECK_STR(name, "mount//var/lib.used_bytes");
    bn_series_name(name, BN_KIND_HOST, "local", "load1");
    CHECK_STR(name, "host/local.load1");
}

BN_TEST(a_fact_adds_its_known_series_fields_and_no_others)
{
    struct bn_series_set set;
    struct bn_fact fact;
    begin(&set);
    bn_fact_init(&fact, BN_KIND_HOST, "default");
    snprintf(fact.u.host.id, sizeof fact.u.host.id, "local");
    fact.u.host.load1 = 0.5;
    fact.u.host.process_count = 120;
    fact.u.host.core_count = 8;
    bn_series_add(&set, &fact, T0 * 1000LL, tell, &told_count);
    CHECK_INT(set.count, 2);
    CHECK_NEAR(second_of(&set, "host/local.load1", T0), 0.5, 0);
    CHECK_NEAR(second_of(&set, "host/local.process_count", T0), 120, 0);
    CHECK(bn_series_find(&set, "host/local.core_count") == NULL);
    CHECK(bn_series_find(&set, "host/local.load5") == NULL);
    CHECK(bn_series_find(&set, "host/other.load1") == NULL);
    bn_series_finish(&set);
    CHECK(bn_series_find(&set, "host/local.load1") == NULL);
}

BN_TEST(records_without_series_and_gone_rows_add_nothing)
{
    struct bn_series_set set;
    struct bn_fact fact;
    begin(&set);
    bn_fact_init(&fact, BN_KIND_PROC, "default");
    snprintf(fact.u.proc.id, sizeof fact.u.proc.id, "1.2");
    fact.u.proc.cpu_pct = 5;
    bn_series_add(&set, &fact, T0 * 1000LL, tell, &told_count);
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    fact.op = BN_GONE;
    fact.u.core.busy_pct = 5;
    bn_series_add(&set, &fact, T0 * 1000LL, tell, &told_count);
    CHECK_INT(set.count, 0);
    bn_series_finish(&set);
}

BN_TEST(missed_seconds_and_unknown_values_are_gaps)
{
    struct bn_series_set set;
    float out[8];
    begin(&set);
    add_core(&set, "0", 1, T0);
    add_core(&set, "0", NAN, T0 + 1);
    add_core(&set, "0", 3, T0 + 2);
    add_core(&set, "0", 6, T0 + 5);
    bn_series_read(bn_series_find(&set, "core/0.busy_pct"), T0 - 1, T0 + 7, out);
    CHECK(isnan(out[0]) && isnan(out[2]) && isnan(out[4]) && isnan(out[5]) && isnan(out[7]));
    CHECK_NEAR(out[1], 1, 0);
    CHECK_NEAR(out[3], 3, 0);
    CHECK_NEAR(out[6], 6, 0);
    bn_series_finish(&set);
}

BN_TEST(ten_seconds_become_one_point_when_the_next_ten_begin)
{
    struct bn_series_set set;
    begin(&set);
    for (int i = 0; i < 10; i++)
        add_core(&set, "0", i == 4 ? 40 : i, T0 + i);
    CHECK_INT(told_count, 0);
    add_core(&set, "0", 99, T0 + 10);
    CHECK_INT(told_count, 1);
    CHECK_STR(told[0].name, "core/0.busy_pct");
    CHECK_INT(told[0].point.at_ms, T0 * 1000LL);
    CHECK_NEAR(told[0].point.min, 0, 0);
    CHECK_NEAR(told[0].point.max, 40, 0);
    CHECK_NEAR(told[0].point.avg, (45 - 4 + 40) / 10.0, 1e-5);
    bn_series_finish(&set);
}

BN_TEST(a_point_begins_at_a_multiple_of_ten_seconds_whenever_the_first_value_came)
{
    struct bn_series_set set;
    begin(&set);
    add_core(&set, "0", 7, T0 + 18);
    add_core(&set, "0", 9, T0 + 21);
    CHECK_INT(told_count, 1);
    CHECK_INT(told[0].point.at_ms, (T0 + 10) * 1000LL);
    CHECK_NEAR(told[0].point.avg, 7, 0);
    bn_series_finish(&set);
}

BN_TEST(several_facts_of_one_second_leave_the_last_and_count_all)
{
    struct bn_series_set set;
    begin(&set);
    add_core(&set, "0", 10, T0);
    add_core(&set, "0", 30, T0);
    CHECK_NEAR(second_of(&set, "core/0.busy_pct", T0), 30, 0);
    bn_series_close(&set, tell, &told_count);
    CHECK_INT(told_count, 1);
    CHECK_NEAR(told[0].point.avg, 20, 0);
    CHECK_NEAR(told[0].point.min, 10, 0);
    bn_series_finish(&set);
}

BN_TEST(closing_tells_what_is_being_filled_once)
{
    struct bn_series_set set;
    begin(&set);
    add_core(&set, "0", 5, T0 + 3);
    add_core(&set, "1", 6, T0 + 3);
    bn_series_close(&set, tell, &told_count);
    CHECK_INT(told_count, 2);
    CHECK_INT(told[0].point.at_ms, T0 * 1000LL);
    bn_series_close(&set, tell, &told_count);
    CHECK_INT(told_count, 2);
    bn_series_finish(&set);
}

BN_TEST(the_ring_holds_an_hour_and_forgets_what_is_older)
{
    struct bn_series_set set;
    begin(&set);
    for (int i = 0; i < BN_SERIES_SECONDS + 5; i++) {
        add_core(&set, "0", i % 100, T0 + i);
        told_count = 0;
    }
    float *out = bn_alloc_array(BN_SERIES_SECONDS + 5, sizeof *out);
    bn_series_read(bn_series_find(&set, "core/0.busy_pct"), T0, T0 + BN_SERIES_SECONDS + 5, out);
    for (int i = 0; i < 5; i++)
        CHECK(isnan(out[i]));
    for (int i = 5; i < BN_SERIES_SECONDS + 5; i++)
        CHECK_NEAR(out[i], i % 100, 0);
    free(out);
    bn_series_finish(&set);
}

BN_TEST(a_small_step_back_of_the_clock_is_waited_out)
{
    struct bn_series_set set;
    begin(&set);
    add_core(&set, "0", 1, T0 + 60);
    add_core(&set, "0", 2, T0);
    add_core(&set, "0", 3, T0 + 59);
    CHECK(isnan(second_of(&set, "core/0.busy_pct", T0)));
    CHECK(isnan(second_of(&set, "core/0.busy_pct", T0 + 59)));
    add_core(&set, "0", 4, T0 + 61);
    CHECK_NEAR(second_of(&set, "core/0.busy_pct", T0 + 60), 1, 0);
    CHECK_NEAR(second_of(&set, "core/0.busy_pct", T0 + 61), 4, 0);
    bn_series_close(&set, tell, &told_count);
    CHECK_INT(told_count, 1);
    CHECK_NEAR(told[0].point.avg, 2.5, 0);
    bn_series_finish(&set);
}

BN_TEST(a_large_step_back_starts_the_series_anew_and_keeps_the_point)
{
    struct bn_series_set set;
    begin(&set);
    add_core(&set, "0", 1, T0 + 161);
    add_core(&set, "0", 2, T0 + 100);
    const struct bn_series *series = bn_series_find(&set, "core/0.busy_pct");
    CHECK_INT(series->first_s, T0 + 100);
    CHECK_INT(series->last_s, T0 + 100);
    CHECK_INT(told_count, 1);
    CHECK_INT(told[0].point.at_ms, (T0 + 160) * 1000LL);
    CHECK_NEAR(second_of(&set, "core/0.busy_pct", T0 + 100), 2, 0);
    add_core(&set, "0", 3, T0 + 165);
    CHECK(isnan(second_of(&set, "core/0.busy_pct", T0 + 161)));
    bn_series_finish(&set);
}

BN_TEST(a_leap_of_the_clock_leaves_no_old_value_in_the_ring)
{
    struct bn_series_set set;
    begin(&set);
    for (int i = 0; i < 100; i++)
        add_core(&set, "0", 7, T0 + i);
    int64_t later = T0 + 3500;
    add_core(&set, "0", 8, later);
    float *out = bn_alloc_array(BN_SERIES_SECONDS, sizeof *out);
    bn_series_read(bn_series_find(&set, "core/0.busy_pct"), later + 1 - BN_SERIES_SECONDS,
            later + 1, out);
    for (int64_t s = later + 1 - BN_SERIES_SECONDS; s <= later; s++) {
        float value = out[s - (later + 1 - BN_SERIES_SECONDS)];
        if (s >= T0 && s < T0 + 100)
            CHECK_NEAR(value, 7, 0);
        else
            CHECK(s == later ? value == 8.0F : isnan(value));
    }
    free(out);
    bn_series_finish(&set);
}

BN_TEST(what_a_silent_series_was_filling_is_closed_by_the_others)
{
    struct bn_series_set set;
    begin(&set);
    add_core(&set, "0", 5, T0 + 3);
    add_core(&set, "1", 6, T0 + 3);
    add_core(&set, "1", 6, T0 + 14);
    CHECK_INT(told_count, 2);
    CHECK_STR(told[0].name, "core/0.busy_pct");
    CHECK_INT(told[0].point.at_ms, T0 * 1000LL);
    bn_series_finish(&set);
}

BN_TEST(a_series_silent_for_an_hour_is_forgotten_and_may_come_back)
{
    struct bn_series_set set;
    begin(&set);
    add_core(&set, "0", 5, T0);
    add_core(&set, "1", 5, T0);
    add_core(&set, "1", 5, T0 + BN_SERIES_SECONDS);
    CHECK_INT(set.count, 2);
    add_core(&set, "1", 5, T0 + BN_SERIES_SECONDS + 10);
    CHECK_INT(set.count, 1);
    CHECK(bn_series_find(&set, "core/0.busy_pct") == NULL);
    CHECK(bn_series_find(&set, "core/1.busy_pct") != NULL);
    add_core(&set, "0", 9, T0 + BN_SERIES_SECONDS + 11);
    CHECK_INT(bn_series_find(&set, "core/0.busy_pct")->first_s, T0 + BN_SERIES_SECONDS + 11);
    bn_series_finish(&set);
}

BN_TEST(a_full_set_refuses_new_names_counts_them_and_goes_on_with_the_others)
{
    struct bn_series_set set;
    struct bn_fact fact;
    begin(&set);
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    fact.u.core.busy_pct = 1;
    for (int i = 0; i < BN_SERIES_MAX + 3; i++) {
        snprintf(fact.u.core.id, sizeof fact.u.core.id, "%d", i);
        bn_series_add(&set, &fact, T0 * 1000LL, NULL, NULL);
    }
    CHECK_INT(set.count, BN_SERIES_MAX);
    CHECK_INT(set.refused, 3);
    CHECK(bn_series_find(&set, "core/19999.busy_pct") != NULL);
    CHECK(bn_series_find(&set, "core/20000.busy_pct") == NULL);
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "5");
    fact.u.core.busy_pct = 2;
    bn_series_add(&set, &fact, T0 * 1000LL, NULL, NULL);
    CHECK_NEAR(second_of(&set, "core/5.busy_pct", T0), 2, 0);
    CHECK_INT(set.refused, 3);
    bn_series_finish(&set);
}

BN_TEST(numbers_no_float_can_hold_are_gaps)
{
    struct bn_series_set set;
    struct bn_fact fact;
    begin(&set);
    bn_fact_init(&fact, BN_KIND_NIC, "default");
    snprintf(fact.u.nic.id, sizeof fact.u.nic.id, "eth0");
    fact.u.nic.rx_bps = 1e300;
    fact.u.nic.tx_bps = INFINITY;
    bn_series_add(&set, &fact, T0 * 1000LL, NULL, NULL);
    CHECK_INT(set.count, 0);
    bn_series_finish(&set);
}

BN_TEST(rows_of_different_kinds_with_one_id_are_different_series)
{
    struct bn_series_set set;
    struct bn_fact fact;
    begin(&set);
    bn_fact_init(&fact, BN_KIND_HOST, "default");
    snprintf(fact.u.host.id, sizeof fact.u.host.id, "local");
    fact.u.host.cpu_pct = 10;
    bn_series_add(&set, &fact, T0 * 1000LL, NULL, NULL);
    bn_fact_init(&fact, BN_KIND_SELF, "default");
    snprintf(fact.u.self.id, sizeof fact.u.self.id, "local");
    fact.u.self.cpu_pct = 20;
    bn_series_add(&set, &fact, T0 * 1000LL, NULL, NULL);
    CHECK_NEAR(second_of(&set, "host/local.cpu_pct", T0), 10, 0);
    CHECK_NEAR(second_of(&set, "self/local.cpu_pct", T0), 20, 0);
    bn_series_finish(&set);
}

BN_TEST_MAIN()

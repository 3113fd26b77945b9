#include "base/text.h"

#include "bn_test.h"
#include "model/doc.h"
#include "store/place.h"
#include "web/history.h"

#define S    INT64_C(1000)
#define MIN  (60 * S)
#define HOUR (60 * MIN)
#define DAY  (24 * HOUR)
#define NOW  INT64_C(1795204807250) /* 2026-11-20T20:00:07.250Z */

/* --- which level ----------------------------------------------------------------------------- */

static struct bn_grid grid_of(int64_t length_ms, size_t points_max, bool has_seconds)
{
    struct bn_grid grid;
    bn_grid_choose(NOW - length_ms, NOW, NOW, points_max, has_seconds, &grid);
    CHECK_INT(grid.from_ms % grid.step_ms, 0);
    CHECK(grid.from_ms <= NOW - length_ms && grid.from_ms > NOW - length_ms - grid.step_ms);
    CHECK(grid.from_ms + (int64_t)grid.count * grid.step_ms >= NOW);
    CHECK(grid.from_ms + (int64_t)(grid.count - 1) * grid.step_ms < NOW);
    CHECK(grid.count <= points_max);
    return grid;
}

static void check_grid(struct bn_grid grid, int level, int64_t step_ms)
{
    CHECK_INT(grid.level, level);
    CHECK_INT(grid.step_ms, step_ms);
}

BN_TEST(each_named_range_has_the_finest_level_that_fits_nine_thousand_points)
{
    check_grid(grid_of(5 * MIN, 9000, true), BN_HISTORY_SECONDS, S);
    check_grid(grid_of(HOUR, 9000, true), BN_HISTORY_SECONDS, S);
    check_grid(grid_of(DAY, 9000, false), 0, 10 * S);
    check_grid(grid_of(7 * DAY, 9000, false), 2, 15 * MIN);
    check_grid(grid_of(30 * DAY, 9000, false), 2, 15 * MIN);
    check_grid(grid_of(365 * DAY, 9000, false), 3, HOUR);
}

BN_TEST(without_seconds_in_memory_short_ranges_come_in_steps_of_ten)
{
    check_grid(grid_of(5 * MIN, 9000, false), 0, 10 * S);
    check_grid(grid_of(HOUR, 9000, false), 0, 10 * S);
}

BN_TEST(fewer_points_make_longer_steps)
{
    check_grid(grid_of(HOUR, 1000, true), 0, 10 * S);
    check_grid(grid_of(DAY, 1500, false), 1, MIN);
    check_grid(grid_of(DAY, 100, false), 2, 15 * MIN);
    check_grid(grid_of(365 * DAY, 1000, false), 3, 9 * HOUR);
    CHECK_INT(grid_of(365 * DAY, 10, false).level, 3);
}

BN_TEST(a_level_that_no_longer_keeps_the_start_is_passed_over)
{
    struct bn_grid grid;
    bn_grid_choose(NOW - 3 * DAY, NOW - 3 * DAY + HOUR, NOW, 9000, false, &grid);
    check_grid(grid, 1, MIN);
    bn_grid_choose(NOW - 15 * DAY, NOW - 15 * DAY + HOUR, NOW, 9000, false, &grid);
    check_grid(grid, 2, 15 * MIN);
    CHECK(grid.count == 4 || grid.count == 5);
    bn_grid_choose(NOW - 400 * DAY, NOW - 400 * DAY + HOUR, NOW, 9000, false, &grid);
    check_grid(grid, 3, HOUR);
}

/* --- an answer ------------------------------------------------------------------------------- */

struct asked {
    struct place place;
    struct bn_series_set set;
    struct bn_history history;
};

static void begin(struct asked *asked, const char *name, int64_t from_ms, int64_t to_ms)
{
    memset(asked, 0, sizeof *asked);
    bn_series_init(&asked->set);
    struct bn_history *history = &asked->history;
    snprintf(history->tenant, sizeof history->tenant, "default");
    history->from_ms = from_ms;
    history->to_ms = to_ms;
    history->now_ms = NOW;
    history->points_max = BN_HISTORY_POINTS;
    history->count = 1;
    snprintf(history->series[0].name, BN_SERIES_NAME_MAX, "%s", name);
}

static void finish(struct asked *asked)
{
    bn_history_finish(&asked->history);
    bn_series_finish(&asked->set);
}

static void measure(struct asked *asked, double value, int64_t at_ms)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "0");
    fact.u.core.busy_pct = value;
    bn_series_add(&asked->set, &fact, at_ms, NULL, NULL);
}

static const char *answer(struct asked *asked)
{
    struct bn_err err;
    bn_history_copy(&asked->history, &asked->set);
    if (!bn_history_run(&asked->history, &err))
        fail_msg("%s", err.text);
    bn_buf_putc(&asked->history.json, 0);
    return asked->history.json.p;
}

BN_TEST(seconds_of_memory_are_answered_as_they_were_measured)
{
    struct asked asked;
    begin(&asked, "core/0.busy_pct", NOW - 4 * S, NOW);
    measure(&asked, 1.5, NOW - 4 * S);
    measure(&asked, 2.25, NOW - 3 * S);
    measure(&asked, 4, NOW - S);
    measure(&asked, 5, NOW);
    CHECK_STR(answer(&asked),
            "{\"from\":\"2026-11-20T20:00:03.000Z\",\"to\":\"2026-11-20T20:00:07.250Z\","
            "\"step_ms\":1000,\"series\":{\"core/0.busy_pct\":{\"avg\":[1.5,2.25,null,4,5],"
            "\"min\":[1.5,2.25,null,4,5],\"max\":[1.5,2.25,null,4,5]}}}");
    finish(&asked);
}

BN_TEST(the_second_that_is_passing_is_no_gap)
{
    struct asked asked;
    begin(&asked, "core/0.busy_pct", NOW - 2 * S, NOW);
    measure(&asked, 1, NOW - 2 * S);
    measure(&asked, 2, NOW - S);
    CHECK(strstr(answer(&asked), "\"avg\":[1,2],") != NULL);
    CHECK(strstr(asked.history.json.p, "\"to\":\"2026-11-20T20:00:07.000Z\"") != NULL);
    finish(&asked);
}

BN_TEST(a_series_nobody_measures_is_all_gaps)
{
    struct asked asked;
    begin(&asked, "core/7.busy_pct", NOW - 3 * S, NOW);
    measure(&asked, 1, NOW);
    CHECK(strstr(answer(&asked), "\"core/7.busy_pct\":{\"avg\":[null,null,null],") != NULL);
    finish(&asked);
}

BN_TEST(seconds_in_memory_become_the_steps_the_store_has_not_yet)
{
    struct asked asked;
    begin(&asked, "core/0.busy_pct", NOW - 2 * HOUR, NOW);
    for (int i = 26; i >= 0; i--)
        measure(&asked, i, NOW - i * S);
    const char *text = answer(&asked);
    CHECK(strstr(text, "\"step_ms\":10000") != NULL);
    /* 27 values from :41 to :07; the step of 40..49 has nine of them. */
    CHECK(strstr(text, "null,null,22,12.5,3.5],\"min\":[") != NULL);
    CHECK(strstr(text, "null,null,18,8,0],\"max\":[") != NULL);
    CHECK(strstr(text, "null,null,26,17,7]}}}") != NULL);
    finish(&asked);
}

BN_TEST(large_numbers_are_whole_and_small_ones_have_three_decimals)
{
    struct asked asked;
    begin(&asked, "nic/eth0.rx_bps", NOW - 2 * S, NOW);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_NIC, "default");
    snprintf(fact.u.nic.id, sizeof fact.u.nic.id, "eth0");
    const double values[] = {123456.7, 0.12345, 999.9996};
    for (int i = 0; i < 3; i++) {
        fact.u.nic.rx_bps = values[i];
        bn_series_add(&asked.set, &fact, NOW - (2 - i) * S, NULL, NULL);
    }
    CHECK(strstr(answer(&asked), "\"avg\":[123457,0.123,1000]") != NULL);
    finish(&asked);
}

/* --- with a store ---------------------------------------------------------------------------- */

static void keep(struct bn_store *store, const char *series, int64_t at_ms, float value)
{
    struct bn_point point = {.at_ms = at_ms, .min = value - 1, .avg = value, .max = value + 1};
    bn_store_point(store, "default", series, &point);
}

static void open_store(struct asked *asked, int64_t now_ms)
{
    place_init(&asked->place);
    asked->place.now_ms = now_ms;
    asked->history.store = place_open(&asked->place);
}

static void close_store(struct asked *asked)
{
    bn_store_close(asked->history.store);
    place_finish(&asked->place);
}

/* Points have no acknowledgement; a record behind them in the queue has. */
static void settle(struct bn_store *store)
{
    struct bn_err err;
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_TENANT, "default");
    snprintf(fact.u.tenant.id, sizeof fact.u.tenant.id, "default");
    snprintf(fact.u.tenant.name, sizeof fact.u.tenant.name, "Default");
    bn_store_put(store, &fact);
    CHECK(bn_store_keep(store, &err));
}

BN_TEST(kept_points_are_read_and_the_newest_step_comes_from_memory)
{
    struct asked asked;
    begin(&asked, "core/0.busy_pct", NOW - 2 * HOUR, NOW);
    open_store(&asked, NOW);
    keep(asked.history.store, "core/0.busy_pct", NOW - NOW % (10 * S) - 20 * S, 40);
    keep(asked.history.store, "core/0.busy_pct", NOW - NOW % (10 * S) - 10 * S, 50);
    settle(asked.history.store);
    measure(&asked, 7, NOW - 12 * S);
    measure(&asked, 60, NOW);
    const char *text = answer(&asked);
    CHECK(strstr(text, "null,40,50,60],\"min\":[") != NULL);
    CHECK(strstr(text, "null,39,49,60],\"max\":[") != NULL);
    close_store(&asked);
    finish(&asked);
}

BN_TEST(after_a_restart_a_short_range_shows_what_the_store_knew_before)
{
    struct asked asked;
    begin(&asked, "core/0.busy_pct", NOW - 5 * MIN, NOW);
    open_store(&asked, NOW);
    keep(asked.history.store, "core/0.busy_pct", NOW - NOW % (10 * S) - 200 * S, 40);
    settle(asked.history.store);
    measure(&asked, 60, NOW - S);
    measure(&asked, 61, NOW);
    const char *text = answer(&asked);
    CHECK(strstr(text, "\"step_ms\":10000") != NULL);
    CHECK(strstr(text, "null,40,null") != NULL);
    CHECK(strstr(text, "null,60.5],\"min\":[") != NULL);
    close_store(&asked);
    finish(&asked);
}

BN_TEST(a_series_younger_than_the_range_is_shown_by_the_second)
{
    struct asked asked;
    begin(&asked, "core/0.busy_pct", NOW - 5 * MIN, NOW);
    open_store(&asked, NOW);
    settle(asked.history.store);
    measure(&asked, 60, NOW - S);
    measure(&asked, 61, NOW);
    const char *text = answer(&asked);
    CHECK(strstr(text, "\"step_ms\":1000,") != NULL);
    CHECK(strstr(text, "null,60,61],\"min\":[") != NULL);
    close_store(&asked);
    finish(&asked);
}

BN_TEST(a_day_of_kept_points_has_as_many_cells_as_it_has_steps)
{
    struct asked asked;
    begin(&asked, "core/0.busy_pct", NOW - DAY, NOW);
    open_store(&asked, NOW);
    for (int64_t at = NOW - NOW % (10 * S) - DAY; at < NOW - 20 * S; at += 10 * S)
        keep(asked.history.store, "core/0.busy_pct", at, (float)(at / S % 100));
    settle(asked.history.store);
    measure(&asked, 3, NOW);
    answer(&asked);
    struct bn_str text = {asked.history.json.p, asked.history.json.len - 1};
    BN_DOC_AUTO *doc = NULL;
    struct bn_err err;
    CHECK(bn_doc_parse(text, &doc, &err));
    const struct bn_doc *one = bn_doc_at(bn_doc_at(doc, "series"), "core/0.busy_pct");
    const char *const columns[] = {"avg", "min", "max"};
    for (int c = 0; c < 3; c++) {
        size_t gaps = 0;
        const struct bn_doc *column = bn_doc_at(one, columns[c]);
        CHECK_INT(bn_doc_count(column), 8641);
        for (size_t i = 0; i < 8641; i++)
            gaps += bn_doc_is_null(bn_doc_item(column, i));
        CHECK_INT(gaps, 1); /* the last whole step: neither kept nor in memory */
    }
    close_store(&asked);
    finish(&asked);
}

BN_TEST(steps_longer_than_the_coarsest_level_join_several_of_its_points)
{
    struct asked asked;
    int64_t from_ms = NOW - NOW % DAY - 100 * DAY;
    begin(&asked, "core/0.busy_pct", from_ms, from_ms + 60 * DAY);
    asked.history.points_max = 60;
    open_store(&asked, from_ms + 8 * HOUR);
    keep(asked.history.store, "core/0.busy_pct", from_ms + 5 * HOUR, 10);
    keep(asked.history.store, "core/0.busy_pct", from_ms + 7 * HOUR, 30);
    settle(asked.history.store);
    bn_store_tidy(asked.history.store);
    bn_store_close(asked.history.store);
    asked.place.now_ms = NOW;
    asked.history.store = place_open(&asked.place);
    const char *text = answer(&asked);
    CHECK(strstr(text, "\"step_ms\":86400000") != NULL);
    CHECK(strstr(text, "\"avg\":[20,null") != NULL);
    CHECK(strstr(text, "\"min\":[9,null") != NULL);
    CHECK(strstr(text, "\"max\":[31,null") != NULL);
    close_store(&asked);
    finish(&asked);
}

BN_TEST_MAIN()

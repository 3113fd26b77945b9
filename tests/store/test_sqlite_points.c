#include <math.h>

#include "sql.h"
#include "store_test.h"

#define HOUR   INT64_C(3600000)
#define NOON   (INT64_C(498611) * HOUR) /* some hour of 2026 */
#define SERIES "host/local.load1"

static void add(struct bn_store *store, int64_t at_ms, float min, float avg, float max)
{
    struct bn_point point = {at_ms, min, avg, max};
    bn_store_point(store, "default", SERIES, &point);
}

static size_t read_span(struct bn_store *store, int level, int64_t from_ms, int64_t to_ms,
        struct bn_point *out)
{
    struct bn_span span = {"default", SERIES, level, from_ms, to_ms};
    struct bn_err err;
    if (!bn_store_read_series(store, &span, out, &err))
        fail_msg("read: %s", err.text);
    return (size_t)((to_ms - from_ms) / bn_level_step_ms[level]);
}

static void check_point(const struct bn_point *got, float min, float avg, float max)
{
    if (isnan(avg)) {
        CHECK(isnan(got->min) && isnan(got->avg) && isnan(got->max));
        return;
    }
    CHECK_NEAR(got->min, min, 1e-4);
    CHECK_NEAR(got->avg, avg, 1e-4);
    CHECK_NEAR(got->max, max, 1e-4);
}

/* Writes what was added so far without folding it. */
static void write_points(struct bn_store *store)
{
    static int n;
    char id[24];
    snprintf(id, sizeof id, "w%d", ++n);
    struct bn_fact fact = user_fact(id, id);
    put_now(store, &fact);
}

BN_TEST(points_are_read_back_from_the_tail_and_from_their_blocks)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON + HOUR;
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < 360; i++)
        if (i % 7 != 3)
            add(store, NOON + i * 10000, (float)i - 1, (float)i, (float)i + 1);
    write_points(store);
    struct bn_point out[720];
    for (int round = 0; round < 3; round++) {
        CHECK_INT(read_span(store, 0, NOON - 60000, NOON + 2 * HOUR - 60000, out), 720);
        for (int i = 0; i < 720; i++) {
            int k = i - 6;
            bool is_known = k >= 0 && k < 360 && k % 7 != 3;
            CHECK_INT(out[i].at_ms, NOON + k * 10000);
            check_point(&out[i], (float)k - 1, is_known ? (float)k : NAN, (float)k + 1);
        }
        if (round == 0)
            flush_and_tidy(store);
        if (round == 1) {
            bn_store_close(store);
            store = place_open(&place);
        }
    }
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(an_unknown_series_and_another_tenant_are_all_gaps)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON;
    struct bn_store *store = place_open(&place);
    add(store, NOON, 1, 1, 1);
    write_points(store);
    struct bn_point out[6];
    struct bn_err err;
    struct bn_span other = {"other", SERIES, 0, NOON, NOON + 60000};
    struct bn_span unknown = {"default", "core/9.busy_pct", 3, NOON, NOON + 2 * HOUR};
    CHECK(bn_store_read_series(store, &other, out, &err));
    check_point(&out[0], 0, NAN, 0);
    CHECK(bn_store_read_series(store, &unknown, out, &err));
    check_point(&out[0], 0, NAN, 0);
    struct bn_span bad = {"default", SERIES, 0, NOON + 1, NOON + 60000};
    CHECK(!bn_store_read_series(store, &bad, out, &err));
    CHECK_INT(err.code, BN_E_INVALID);
    bad = (struct bn_span){"default", SERIES, BN_LEVELS, NOON, NOON};
    CHECK(!bn_store_read_series(store, &bad, out, &err));
    CHECK_STR(err.text, "level must be 0..3, got 4");
    bn_store_close(store);
    place_finish(&place);
}

/* What a level must show, computed the plain way from the points themselves. */
struct plain {
    double sum;
    float min;
    float max;
    int n;
};

static void check_level(struct bn_store *store, int level, const struct bn_point *points, size_t n)
{
    int64_t step = bn_level_step_ms[level];
    int64_t hours = 30;
    size_t count = (size_t)(hours * HOUR / step);
    struct plain *want = calloc(count, sizeof *want);
    struct bn_point *got = calloc(count, sizeof *got);
    for (size_t i = 0; i < n; i++) {
        struct plain *w = &want[(points[i].at_ms - NOON) / step];
        w->min = w->n ? fminf(w->min, points[i].min) : points[i].min;
        w->max = w->n ? fmaxf(w->max, points[i].max) : points[i].max;
        w->sum += points[i].avg;
        w->n++;
    }
    CHECK_INT(read_span(store, level, NOON, NOON + hours * HOUR, got), count);
    for (size_t i = 0; i < count; i++)
        check_point(&got[i], want[i].min, want[i].n ? (float)(want[i].sum / want[i].n) : NAN,
                want[i].max);
    free(want);
    free(got);
}

BN_TEST(every_level_shows_min_mean_and_max_of_the_ten_second_points_under_it)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = NULL;
    struct bn_point *points = calloc(30 * 360, sizeof *points);
    size_t n = 0;
    uint32_t random = 1;
    place.now_ms = NOON;
    for (int hour = 0; hour < 30; hour++) {
        store = store ? store : place_open(&place);
        place.now_ms = NOON + hour * HOUR + 1800000;
        for (int i = 0; i < 360; i++) {
            random = random * 1664525 + 1013904223;
            if ((random >> 24) < 60 || (hour > 10 && hour < 14) || (hour == 20 && i < 200))
                continue; /* gaps: single ones, three hours, most of one */
            float avg = (float)(random >> 16 & 1023) / 8;
            points[n] = (struct bn_point){NOON + hour * HOUR + i * 10000, avg - 1, avg, avg + 2};
            add(store, points[n].at_ms, avg - 1, avg, avg + 2);
            n++;
            if (i % 100 == 99)
                write_points(store);
        }
        if (hour % 3 == 0)
            flush_and_tidy(store); /* some hours are folded, some wait in the tail ... */
        if (hour % 4 == 1) {
            bn_store_close(store); /* ... across restarts */
            store = NULL;
        }
    }
    store = store ? store : place_open(&place);
    write_points(store);
    for (int round = 0; round < 2; round++) {
        for (int level = 0; level < BN_LEVELS; level++)
            check_level(store, level, points, n);
        flush_and_tidy(store);
    }
    bn_store_close(store);
    free(points);
    place_finish(&place);
}

BN_TEST(a_late_point_replaces_and_its_intervals_follow)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON + HOUR;
    struct bn_store *store = place_open(&place);
    struct bn_point out[6];
    for (int i = 0; i < 6; i++)
        add(store, NOON + i * 10000, 1, 1, 1);
    flush_and_tidy(store);
    add(store, NOON + 20000, 7, 7, 7);
    add(store, NOON + 20000, 13, 13, 13); /* of two the later */
    for (int round = 0; round < 2; round++) {
        write_points(store);
        read_span(store, 0, NOON, NOON + 60000, out);
        check_point(&out[2], 13, 13, 13);
        check_point(&out[3], 1, 1, 1);
        for (int level = 1; level < BN_LEVELS; level++) {
            read_span(store, level, NOON, NOON + bn_level_step_ms[level], out);
            check_point(&out[0], 1, 3, 13);
        }
        flush_and_tidy(store);
    }
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(points_of_a_broken_clock_or_without_a_number_are_lost_and_counted)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON;
    struct bn_store *store = place_open(&place);
    struct bn_store_stats stats;
    add(store, 0, 1, 1, 1);
    add(store, -HOUR, 1, 1, 1);
    add(store, NOON - 50 * HOUR, 1, 1, 1);
    add(store, NOON + 50 * HOUR, 1, 1, 1);
    add(store, NOON, NAN, NAN, NAN);
    add(store, NOON - 46 * HOUR, 1, 1, 1);
    write_points(store);
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_points, 5);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(points_alone_reach_the_disk_within_two_seconds)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON;
    struct bn_store *store = place_open(&place);
    struct bn_point out[1] = {{.avg = NAN}};
    add(store, NOON, 1, 2, 3);
    CHECK_INT(bn_store_flush(store), 0);
    for (int i = 0; i < 40 && isnan(out[0].avg); i++) {
        pause_ms(50);
        read_span(store, 0, NOON, NOON + 10000, out);
    }
    check_point(&out[0], 1, 2, 3);
    bn_store_close(store);
    place_finish(&place);
}

/* --- retention ----------------------------------------------------------------------------------
 */

BN_TEST(each_level_forgets_at_its_age)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = NULL;
    place.now_ms = NOON;
    store = place_open(&place);
    static const int64_t days[] = {1, 5, 30, 200, 800}; /* after the first point */
    add(store, NOON, 1, 1, 1);
    flush_and_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM blocks"), 4);
    static const int64_t left[] = {4, 3, 2, 1, 0};
    for (size_t i = 0; i < COUNT(days); i++) {
        place.now_ms = NOON + days[i] * 24 * HOUR;
        flush_and_tidy(store);
        CHECK_INT(ask_sql(&place, "SELECT count(*) FROM blocks"), left[i]);
    }
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM series"), 0);
    add(store, place.now_ms, 1, 1, 1); /* the forgotten series begins anew */
    flush_and_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM series"), 1);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_straggler_does_not_replace_the_hour_whose_points_are_forgotten)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON;
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < 360; i++)
        add(store, NOON + i * 10000, 5, 5, 5);
    flush_and_tidy(store);
    ask_sql(&place, "DELETE FROM blocks WHERE level = 0");
    add(store, NOON + 20000, 99, 99, 99);
    flush_and_tidy(store);
    struct bn_point out[1];
    for (int level = 1; level < BN_LEVELS; level++) {
        read_span(store, level, NOON, NOON + bn_level_step_ms[level], out);
        check_point(&out[0], 5, 5, 5);
    }
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(old_audit_entries_and_ended_sessions_are_forgotten)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON;
    struct bn_store *store = place_open(&place);
    struct bn_fact old = audit_fact("old", NOON - 366 * 24 * HOUR);
    struct bn_fact recent = audit_fact("recent", NOON - 364 * 24 * HOUR);
    bn_store_put(store, &old);
    bn_store_put(store, &recent);

    static const struct {
        const char *id;
        int64_t expires_at;
    } sessions[] = {{"ended", NOON - 25 * HOUR}, {"open", NOON + HOUR}, {"unknown", 0}};

    for (size_t i = 0; i < COUNT(sessions); i++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_SESSION, "default");
        snprintf(fact.u.session.id, sizeof fact.u.session.id, "%s", sessions[i].id);
        fact.u.session.expires_at = sessions[i].expires_at;
        bn_store_put(store, &fact);
    }
    flush_and_tidy(store);
    struct bn_audit page[4];
    struct bn_err err;
    size_t n = 4;
    CHECK(bn_store_read_audit(store, "default", "", page, &n, &err));
    CHECK_INT(n, 1);
    CHECK_STR(page[0].id, "recent");
    CHECK_INT(count_rows(store), 2);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(the_files_stay_below_their_size_and_the_coarse_history_survives)
{
    struct place place;
    place_init(&place);
    struct bn_store_config config = place_config(&place);
    config.bytes_max = 6 << 20;
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    place.now_ms = NOON;
    CHECK(bn_store_open(&config, &store, notice, &err));
    /* 40 series for 40 hours: 7 MB of ten-second points. */
    for (int hour = 0; hour < 40; hour++) {
        place.now_ms = NOON + hour * HOUR;
        for (int series = 0; series < 40; series++) {
            char name[32];
            snprintf(name, sizeof name, "core/%d.busy_pct", series);
            for (int i = 0; i < 360; i++) {
                struct bn_point point = {NOON + hour * HOUR + i * 10000, 1, (float)i, 400};
                bn_store_point(store, "default", name, &point);
            }
        }
        flush_and_tidy(store);
        struct bn_store_stats stats;
        bn_store_get_stats(store, &stats);
        CHECK(stats.db_bytes + stats.wal_bytes <= config.bytes_max);
        CHECK(stats.lost_points == 0);
    }
    char path[300];
    struct stat st;
    place_path(&place, "binnacle.db", path);
    CHECK_INT(stat(path, &st), 0);
    CHECK(st.st_size <= config.bytes_max);
    CHECK(st.st_size > config.bytes_max / 2); /* and not less than needed */
    CHECK(ask_sql(&place, "SELECT count(*) FROM blocks WHERE level = 0") < 40 * 40);
    struct bn_point out[40];
    struct bn_span span = {"default", "core/7.busy_pct", 3, NOON, NOON + 40 * HOUR};
    CHECK(bn_store_read_series(store, &span, out, &err));
    for (int i = 0; i < 40; i++)
        check_point(&out[i], 1, 179.5F, 400);
    span = (struct bn_span){"default", "core/7.busy_pct", 0, NOON + 39 * HOUR, NOON + 40 * HOUR};
    struct bn_point fine[360];
    CHECK(bn_store_read_series(store, &span, fine, &err));
    check_point(&fine[359], 1, 359, 400);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_day_of_ten_second_points_is_read_in_five_milliseconds)
{
    struct place place;
    place_init(&place);
    place.now_ms = NOON + 24 * HOUR;
    struct bn_store *store = place_open(&place);
    for (int series = 0; series < 20; series++)
        for (int i = 0; i < 24 * 360; i++) {
            struct bn_point point = {NOON + i * 10000, 1, 2, 3};
            char name[32];
            snprintf(name, sizeof name, "core/%d.busy_pct", series);
            bn_store_point(store, "default", name, &point);
            if (i % 2000 == 1999)
                flush_and_tidy(store);
        }
    flush_and_tidy(store);
    static struct bn_point out[24 * 360];
    struct bn_span span = {"default", "core/11.busy_pct", 0, NOON, NOON + 24 * HOUR};
    struct bn_err err;
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        int64_t from_ns = bn_clock_mono_ns();
        CHECK(bn_store_read_series(store, &span, out, &err));
        best_ns = BN_MIN(best_ns, bn_clock_mono_ns() - from_ns);
    }
    check_point(&out[24 * 360 - 1], 1, 2, 3);
    print_message("24 h at 10 s in %.2f ms\n", (double)best_ns / 1e6);
    CHECK(best_ns < 5000000);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST_MAIN()

#include "sql.h"
#include "store/sqlite_writer.h"

#define HOUR INT64_C(3600000)
#define NOON (498612 * HOUR)

static void add(struct bn_store *store, const char *name, int64_t at_ms)
{
    bn_store_point(store, "default", name, &(struct bn_point){at_ms, 1, 1, 1});
}

/* As many series as a tenant may have, each with one coarse block that begins hours_ago. */
static void fill(const struct place *place, int64_t hours_ago)
{
    char sql[400];
    snprintf(sql, sizeof sql,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
            " INSERT INTO series(tenant, name) SELECT 'default', 'nic/veth' || i || '.rx_bps' FROM n",
            BN_SERIES_MAX);
    ask_sql(place, sql);
    for (int level = 0; level < 2; level++) {
        snprintf(sql, sizeof sql,
                "INSERT INTO blocks(series, level, start, data)"
                " SELECT id, %d, %lld + id, zeroblob(12) FROM series",
                level, (long long)(NOON - hours_ago * HOUR));
        ask_sql(place, sql);
    }
}

static struct bn_store *begin(struct place *place)
{
    place_init(place);
    place->now_ms = NOON;
    return place_open(place);
}

static void end(struct place *place, struct bn_store *store)
{
    bn_store_close(store);
    place_finish(place);
}

BN_TEST(where_series_fill_a_tenant_those_silent_longest_make_room)
{
    struct place place;
    struct bn_store *store = begin(&place);
    struct bn_store_stats stats;
    fill(&place, 40);
    add(store, "nic/new.rx_bps", NOON - 20000);
    flush_and_tidy(store); /* refused, and noted */
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_points, 1);
    add(store, "nic/new.rx_bps", NOON - 10000);
    flush_and_tidy(store);
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_points, 1);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM series WHERE name = 'nic/new.rx_bps'"), 1);
    int64_t left = ask_sql(&place, "SELECT count(*) FROM series");
    CHECK(left <= BN_SERIES_MAX / 16 * 15 + 1 && left > BN_SERIES_MAX / 16 * 15 - 64);
    /* oldest first: what is left of the old ones is the end of them */
    CHECK_INT(ask_sql(&place, "SELECT min(id) FROM series"), BN_SERIES_MAX - left + 2);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM blocks WHERE series NOT IN"
                              " (SELECT id FROM series)"),
            0);
    end(&place, store);
}

BN_TEST(series_that_spoke_lately_stay_and_a_new_one_is_refused)
{
    struct place place;
    struct bn_store *store = begin(&place);
    struct bn_store_stats stats;
    fill(&place, 1);
    for (int i = 2; i > 0; i--) {
        add(store, "nic/new.rx_bps", NOON - i * 10000);
        flush_and_tidy(store);
    }
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_points, 2);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM series"), BN_SERIES_MAX);
    end(&place, store);
}

BN_TEST(numbers_of_series_that_fell_silent_are_forgotten)
{
    struct place place;
    struct bn_store *store = begin(&place);
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "nic/veth%d.rx_bps", i);
        add(store, name, NOON - 30000);
    }
    flush_and_tidy(store);
    CHECK_INT(store->writer.ids.count, 1000);
    for (int i = 2; i > 0; i--) {
        add(store, "nic/veth7.rx_bps", NOON - i * 10000);
        flush_and_tidy(store);
    }
    CHECK_INT(store->writer.ids.count, 1);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM series"), 1000);
    end(&place, store);
}

BN_TEST_MAIN()

/* Attempts to reach servers: each for two days, by the hour for two years. */
#include "check_facts.h"
#include "sql.h"

static size_t read_hours(struct bn_store *store, const char *id, struct bn_check_hour *out,
        size_t n)
{
    struct bn_check_span span = {"default", id, 0, INT64_MAX};
    struct bn_err err;
    if (!bn_store_read_check_hours(store, &span, out, &n, &err))
        fail_msg("%s", err.text);
    return n;
}

static int64_t lost(struct bn_store *store)
{
    struct bn_store_stats stats;
    bn_store_get_stats(store, &stats);
    return stats.lost_checks;
}

BN_TEST(a_check_comes_back_as_it_was_and_what_was_unknown_stays_unknown)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check out[3];
    add_server(store, "a");
    struct bn_check full = check_of("a", NOW, 143);
    full.dns_ms = 0;
    full.tcp_ms = 12.345;
    full.tls_ms = 40.001;
    full.wait_ms = 90.5;
    snprintf(full.error_class, sizeof full.error_class, "http");
    snprintf(full.error_phase, sizeof full.error_phase, "answer");
    snprintf(full.error, sizeof full.error, "a sentence with \xc3\xa4 and '\"");
    full.timeout_used_ms = 10000;
    full.retry_count = 0;
    full.used_vpn = 0;
    full.http_status = 595;
    full.nodes = 3;
    snprintf(full.address, sizeof full.address, "2001:db8::3");
    struct bn_check bare = check_of("a", NOW - 1, -1);
    bare.error_class[0] = '\0';
    bare.used_vpn = BN_UNKNOWN;
    full.is_quorate = bare.is_quorate = BN_UNKNOWN; /* not kept with each */
    bn_store_check(store, "default", &full);
    bn_store_check(store, "default", &bare);
    flush_and_tidy(store);
    CHECK_INT(read_checks(store, "a", out, 3), 2);
    CHECK_INT(bn_record_diff(&bn_check_type, &out[0], &full), 0);
    CHECK_INT(bn_record_diff(&bn_check_type, &out[1], &bare), 0);
    CHECK_INT(ask_sql(&place,
                      "SELECT count(*) FROM checks WHERE success = 0 AND coalesce("
                      "response_ms, dns_us, tcp_us, tls_us, wait_us, error_class, error_phase,"
                      " error, timeout_ms, retries, used_vpn, http_status, nodes, address) IS"
                      " NULL"),
            1);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(who_asks_next_need_not_wait_for_the_second_to_pass)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check out[40];
    add_server(store, "a");
    bn_store_settle(store); /* nothing waits */
    for (int i = 1; i <= 30; i++) {
        tell(store, "a", NOW + i, 10);
        (void)bn_store_flush(store);
        bn_store_settle(store);
        CHECK_INT(read_checks(store, "a", out, 40), i);
    }
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(an_attempt_that_is_under_way_is_no_history)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check out[1];
    add_server(store, "a");
    struct bn_check check = check_of("a", NOW, 1);
    check.success = BN_UNKNOWN;
    bn_store_check(store, "default", &check);
    flush_and_tidy(store);
    CHECK_INT(read_checks(store, "a", out, 1), 0);
    CHECK_INT(lost(store), 0);
    bn_store_close(store);
    place_finish(&place);
}

#define GROUPED                                                                                     \
    "SELECT server, at - at % 3600000 AS hour, count(*), sum(success), sum(success AND response_ms" \
    " IS NOT NULL), coalesce(sum(response_ms), 0), min(response_ms), max(response_ms)"              \
    " FROM checks GROUP BY server, hour"

static void check_grouping(const struct place *place, int64_t hours)
{
    CHECK_INT(ask_sql(place, "SELECT count(*) FROM check_hours"), hours);
    CHECK_INT(ask_sql(place, "SELECT count(*) FROM (SELECT * FROM check_hours EXCEPT " GROUPED ")"),
            0);
    CHECK_INT(ask_sql(place, "SELECT count(*) FROM (" GROUPED " EXCEPT SELECT * FROM check_hours)"),
            0);
}

/* Three servers, 30 hours of them; one has a gap and one never succeeds. */
BN_TEST(hours_are_what_grouping_the_attempts_gives)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check_hour out[40];
    uint32_t random = 1;
    static const char *const ids[] = {"a", "b", "c"};
    for (size_t i = 0; i < COUNT(ids); i++)
        add_server(store, ids[i]);
    for (int64_t at = NOW - 30 * HOUR; at <= NOW; at += EVERY)
        for (size_t i = 0; i < COUNT(ids); i++) {
            random = random * 1664525 + 1013904223;
            bool is_gap = i == 1 && at > NOW - 20 * HOUR && at < NOW - 10 * HOUR;
            bool fails = i == 2 || random % 7 == 0;
            struct bn_check check = check_of(ids[i], at, fails ? -1 : (int64_t)(random >> 22));
            if (random % 11 == 0)
                check.response_time_ms = BN_UNKNOWN;
            if (!is_gap)
                bn_store_check(store, "default", &check);
        }
    flush_and_tidy(store);
    check_grouping(&place, 31 + 22 + 31);
    CHECK_INT(read_hours(store, "c", out, COUNT(out)), 31);
    CHECK_INT(out[1].attempts, HOUR / EVERY);
    CHECK_INT(out[1].successes, 0);
    CHECK_INT(out[1].ms_sum, 0);
    CHECK_INT(out[1].ms_min, BN_UNKNOWN);
    CHECK_INT(read_hours(store, "b", out, COUNT(out)), 22); /* a gap is no row */
    for (size_t i = 1; i < 22; i++)
        CHECK(out[i].at_ms > out[i - 1].at_ms && out[i].at_ms % HOUR == 0);
    CHECK(out[11].at_ms - out[10].at_ms > 5 * HOUR || out[10].at_ms - out[9].at_ms > 5 * HOUR);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_span_takes_its_beginning_and_not_its_end_and_no_more_than_asked)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check checks[4];
    struct bn_check_hour hours[4];
    struct bn_err err;
    int64_t begin = NOW - NOW % HOUR;
    add_server(store, "a");
    for (int i = -2; i <= 2; i++)
        tell(store, "a", begin + i * HOUR, 100 + i);
    flush_and_tidy(store);
    struct bn_check_span span = {"default", "a", begin - HOUR, begin + HOUR};
    size_t n = 4;
    CHECK(bn_store_read_checks(store, &span, checks, &n, &err));
    CHECK_INT(n, 2);
    CHECK_INT(checks[0].at, begin); /* newest first */
    CHECK_INT(checks[1].at, begin - HOUR);
    n = 4;
    CHECK(bn_store_read_check_hours(store, &span, hours, &n, &err));
    CHECK_INT(n, 2);
    CHECK_INT(hours[0].at_ms, begin - HOUR); /* oldest first */
    CHECK_INT(hours[0].ms_sum, 99);
    n = 1;
    CHECK(bn_store_read_checks(store, &span, checks, &n, &err));
    CHECK_INT(n, 1);
    CHECK_INT(checks[0].at, begin);
    span.tenant = "other";
    n = 4;
    CHECK(bn_store_read_checks(store, &span, checks, &n, &err));
    CHECK_INT(n, 0); /* a tenant's history is nobody else's */
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(the_same_check_twice_counts_once)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check_hour out[2];
    add_server(store, "a");
    for (int i = 0; i < 3; i++) {
        tell(store, "a", NOW, 100);
        tell(store, "a", NOW, 900); /* the first is what was told */
        flush_and_tidy(store);
    }
    CHECK_INT(read_hours(store, "a", out, 2), 1);
    CHECK_INT(out[0].attempts, 1);
    CHECK_INT(out[0].ms_max, 100);
    check_grouping(&place, 1);
    bn_store_close(store);
    place_finish(&place);
}

/* 2026-10-25 in Berlin has 25 hours; ours are 24. */
BN_TEST(hours_are_those_of_utc_whatever_the_clock_on_the_wall_does)
{
    struct place place;
    const int64_t day = INT64_C(1792886400000);
    struct bn_store *store = open_at(&place, day + 24 * HOUR);
    struct bn_check_hour out[30];
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    add_server(store, "a");
    for (int64_t at = day; at < day + 24 * HOUR; at += HOUR / 6)
        tell(store, "a", at, 5);
    flush_and_tidy(store);
    CHECK_INT(read_hours(store, "a", out, COUNT(out)), 24);
    for (int i = 0; i < 24; i++) {
        CHECK_INT(out[i].at_ms, day + i * HOUR);
        CHECK_INT(out[i].attempts, 6);
    }
    unsetenv("TZ");
    tzset();
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(attempts_go_after_two_days_and_their_hours_after_two_years)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    add_server(store, "a");
    add_server(store, "b");
    for (int64_t i = 0; i < 100; i++) {
        tell(store, "a", NOW - i * 60000, 7);
        tell(store, "b", NOW - i * 60000, 7);
    }
    flush_and_tidy(store);
    place.now_ms = NOW + BN_CHECK_KEEP_MS - 50 * 60000 + 1;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM checks"), 2 * 50);
    CHECK_INT(ask_sql(&place, "SELECT sum(attempts) FROM check_hours"), 200);
    place.now_ms = NOW + BN_CHECK_KEEP_MS + 1;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM checks"), 0);
    CHECK_INT(ask_sql(&place, "SELECT sum(attempts) FROM check_hours"), 200);
    place.now_ms = NOW + BN_CHECK_HOUR_KEEP_MS - 2 * HOUR;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT sum(attempts) FROM check_hours"), 200);
    place.now_ms = NOW + BN_CHECK_HOUR_KEEP_MS + 2 * HOUR;
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM check_hours"), 0);
    check_integrity(&place);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_check_from_a_clock_that_is_days_off_is_counted_and_not_kept)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    add_server(store, "a");
    tell(store, "a", NOW - 48 * HOUR, 1);
    tell(store, "a", NOW + 48 * HOUR, 1);
    tell(store, "a", -5, 1);
    tell(store, "a", NOW - 46 * HOUR, 1);
    flush_and_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM checks"), 1);
    CHECK_INT(lost(store), 3);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_file_that_is_too_large_loses_attempts_before_it_loses_their_hours)
{
    struct place place;
    bn_store_close(open_at(&place, NOW));
    struct bn_store_config config = place_config(&place);
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    config.bytes_max = 2 << 20;
    CHECK(bn_store_open(&config, &store, notice, &err));
    add_server(store, "a");
    for (int64_t i = 0; i < 16000; i++) {
        struct bn_check check = check_of("a", NOW - i * 10000, -1);
        memset(check.error, 'e', sizeof check.error - 1);
        bn_store_check(store, "default", &check);
    }
    flush_and_tidy(store);
    int64_t checks = ask_sql(&place, "SELECT count(*) FROM checks");
    CHECK(checks >= 3 * 360 && checks < 13 * 360);
    CHECK_INT(ask_sql(&place, "SELECT max(at) FROM checks") == NOW, 1);
    CHECK_INT(ask_sql(&place, "SELECT sum(attempts) FROM check_hours"), 16000);
    CHECK(ask_sql(&place, "SELECT page_count FROM pragma_page_count") * 4096 < config.bytes_max);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_deleted_server_takes_its_checks_along_and_leaves_the_others)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check out[2];
    struct bn_check_hour hour[1];
    add_server(store, "a");
    add_server(store, "b");
    for (int64_t i = 0; i < 5000; i++) {
        tell(store, "a", NOW - i * 10000, 5);
        tell(store, "b", NOW - i * 10000, 5);
    }
    CHECK_INT(bn_store_flush(store), 0);
    remove_server(store, "a");    /* the writer takes them in this order */
    tell(store, "a", NOW + 1, 5); /* was under way */
    CHECK_INT(read_checks(store, "a", out, 2), 0);
    CHECK_INT(read_hours(store, "a", hour, 1), 0);
    add_server(store, "a");
    tell(store, "a", NOW + 2, 6);
    (void)bn_store_flush(store);
    bn_store_tidy(store);
    CHECK_INT(read_checks(store, "a", out, 2), 2);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM checks"), 5002);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM check_servers"), 2);
    CHECK_INT(ask_sql(&place, "SELECT sum(attempts) FROM check_hours"), 5002);
    CHECK_INT(read_checks(store, "b", out, 2), 2);
    CHECK_INT(lost(store), 0);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_check_of_no_server_is_nothing)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    struct bn_check out[1];
    tell(store, "nobody", NOW, 5);
    flush_and_tidy(store);
    CHECK_INT(read_checks(store, "nobody", out, 1), 0);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM check_servers"), 0);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(more_than_may_wait_are_dropped_and_counted)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    add_server(store, "a");
    for (int64_t i = 0; i < BN_STORE_CHECKS_MAX + 7; i++)
        tell(store, "a", NOW - i * 5000, 5);
    CHECK_INT(lost(store), 7);
    flush_and_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT sum(attempts) FROM check_hours"), BN_STORE_CHECKS_MAX);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_flood_in_many_turns_is_all_there_when_tidying_ends)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    add_server(store, "a");
    for (int64_t i = 0; i < 12000; i++) {
        tell(store, "a", NOW - i * 10000, 5);
        if (i % 500 == 499)
            (void)bn_store_flush(store);
    }
    bn_store_tidy(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM checks"), 12000);
    CHECK_INT(lost(store), 0);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(checks_that_wait_are_written_when_the_store_closes)
{
    struct place place;
    struct bn_store *store = open_at(&place, NOW);
    add_server(store, "a");
    for (int64_t i = 0; i < 12000; i++) {
        tell(store, "a", NOW - i * 10000, 5);
        if (i % 500 == 499)
            (void)bn_store_flush(store);
    }
    bn_store_close(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM checks"), 12000);
    place_finish(&place);
}

BN_TEST(a_file_of_the_first_schema_gains_the_tables)
{
    struct place place;
    struct bn_check out[1];
    struct bn_store *store = open_at(&place, NOW);
    add_server(store, "a");
    bn_store_close(store);
    (void)ask_sql(&place, "DROP TABLE checks");
    (void)ask_sql(&place, "DROP TABLE check_hours");
    (void)ask_sql(&place, "DROP TABLE check_servers");
    (void)ask_sql(&place, "DROP TABLE operations");
    (void)ask_sql(&place, "DROP TABLE alerts");
    (void)ask_sql(&place, "DROP TABLE consoles");
    (void)ask_sql(&place, "DROP TABLE pieces");
    (void)ask_sql(&place, "PRAGMA user_version = 1");
    store = place_open(&place);
    tell(store, "a", NOW, 5);
    flush_and_tidy(store);
    CHECK_INT(read_checks(store, "a", out, 1), 1);
    CHECK(ask_sql(&place, "PRAGMA user_version") >= 6);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(checks_of_a_file_that_knew_no_addresses_stay_and_have_none)
{
    struct place place;
    struct bn_check out[2];
    struct bn_store *store = open_at(&place, NOW);
    add_server(store, "a");
    tell(store, "a", NOW - 1000, 5);
    flush_and_tidy(store);
    bn_store_close(store);
    (void)ask_sql(&place, "ALTER TABLE checks DROP COLUMN address");
    (void)ask_sql(&place, "DROP TABLE consoles"); /* these came later */
    (void)ask_sql(&place, "DROP TABLE pieces");
    (void)ask_sql(&place, "DROP INDEX operations_one_on_a_target");
    (void)ask_sql(&place, "ALTER TABLE operations DROP COLUMN object");
    (void)ask_sql(&place, "DROP INDEX operations_of_one");
    (void)ask_sql(&place, "ALTER TABLE operations DROP COLUMN parent_id");
    (void)ask_sql(&place, "PRAGMA user_version = 4");
    store = place_open(&place);
    struct bn_check check = check_of("a", NOW, 5);
    snprintf(check.address, sizeof check.address, "10.0.0.3");
    bn_store_check(store, "default", &check);
    flush_and_tidy(store);
    CHECK_INT(read_checks(store, "a", out, 2), 2);
    CHECK_STR(out[0].address, "10.0.0.3");
    CHECK_STR(out[1].address, "");
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST_MAIN()

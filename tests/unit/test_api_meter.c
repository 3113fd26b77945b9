#include "bn_test.h"
#include "model/doc.h"
#include "store/place.h"
#include "web/api_meter.h"
#include "web/history.h"
#include "web/web_private.h"
#include "web_rig.h"

static void begin(struct web_rig *rig, struct bn_store *store)
{
    web_rig_init(rig, store, bn_meter_routes, bn_meter_route_count);
}

static void measure_core(struct web_rig *rig, const char *id, double busy_pct)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "%s", id);
    fact.u.core.busy_pct = busy_pct;
    bn_hub_tell(&rig->hub, &fact);
    web_rig_round(rig);
}

static void measure_self(struct web_rig *rig)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SELF, "default");
    snprintf(fact.u.self.id, sizeof fact.u.self.id, "local");
    fact.u.self.rss_bytes = 12345678;
    bn_hub_tell(&rig->hub, &fact);
    web_rig_round(rig);
}

static void check_get(struct web_rig *rig, const char *key, const char *target, int status,
        const char *part)
{
    const char *body;
    int got = web_rig_get(rig, key, target, &body);
    if (got != status || !strstr(body, part))
        fail_msg("%s: %d %.600s", target, got, body);
}

BN_TEST(names_are_sorted_and_those_of_ourselves_are_for_administrators)
{
    struct web_rig rig;
    begin(&rig, NULL);
    check_get(&rig, "reader", "/api/v1/series", 200, "{\"series\":[]}");
    measure_core(&rig, "1", 5);
    measure_core(&rig, "0", 5);
    measure_self(&rig);
    check_get(&rig, "reader", "/api/v1/series", 200,
            "{\"series\":[\"core/0.busy_pct\",\"core/1.busy_pct\"]}");
    check_get(&rig, "admin", "/api/v1/series", 200,
            "{\"series\":[\"core/0.busy_pct\",\"core/1.busy_pct\",\"self/local.rss_bytes\"]}");
    check_get(&rig, "reader", "/api/v1/series?x=1", 400, "unknown parameter \\\"x\\\"");
    check_get(&rig, NULL, "/api/v1/series", 401, "unauthorized");
    web_rig_finish(&rig);
}

BN_TEST(a_series_is_answered_with_its_seconds)
{
    struct web_rig rig;
    begin(&rig, NULL);
    measure_core(&rig, "0", 12.5);
    check_get(&rig, "reader", "/api/v1/history?series=core/0.busy_pct&range=5m", 200, "null,12.5");
    check_get(&rig, "reader", "/api/v1/history?series=core%2F0.busy_pct&range=5m", 200,
            "\"step_ms\":1000,\"series\":{\"core/0.busy_pct\":{\"avg\":[");
    check_get(&rig, "reader", "/api/v1/history?series=core/9.busy_pct&range=24h&points=100", 200,
            "\"step_ms\":900000,\"series\":{\"core/9.busy_pct\":{\"avg\":[null,");
    check_get(&rig, NULL, "/api/v1/history?series=core/0.busy_pct&range=5m", 401, "unauthorized");
    web_rig_finish(&rig);
}

BN_TEST(several_series_share_one_grid)
{
    struct web_rig rig;
    const char *body;
    begin(&rig, NULL);
    measure_core(&rig, "0", 10);
    measure_core(&rig, "1", 20);
    CHECK_INT(web_rig_get(&rig, "reader",
                      "/api/v1/history?series=core/0.busy_pct&series=core/1.busy_pct&range=1h",
                      &body),
            200);
    BN_DOC_AUTO *doc = NULL;
    CHECK(bn_doc_parse(bn_str(body), &doc, NULL));
    const struct bn_doc *series = bn_doc_at(doc, "series");
    size_t n = bn_doc_count(bn_doc_at(bn_doc_at(series, "core/0.busy_pct"), "avg"));
    CHECK(n >= 3600 && n <= 3601);
    CHECK_INT(bn_doc_count(bn_doc_at(bn_doc_at(series, "core/1.busy_pct"), "max")), n);
    web_rig_finish(&rig);
}

BN_TEST(what_cannot_be_answered_is_refused_by_name)
{
    static const struct {
        const char *query;
        const char *sentence;
    } cases[] = {
            {"range=5m", "series is required"},
            {"series=core/0.busy_pct", "either range or from is required, and not both"},
            {"series=core/0.busy_pct&range=2m",
                    "range must be 5m, 1h, 24h, 7d, 30d or 1y, got \\\"2m\\\""},
            {"series=core/0.busy_pct&range=5m&range=1h", "range was given 2 times"},
            {"series=core/0.busy_pct&range=5m&from=2026-11-20T00:00:00Z",
                    "either range or from is required, and not both"},
            {"series=core/0.busy_pct&range=5m&to=2026-11-20T00:00:00Z",
                    "to goes with from, not with range"},
            {"series=core/0.busy_pct&from=yesterday", "from must be a time like"},
            {"series=core/0.busy_pct&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
                    "from must be before to and before now"},
            {"series=core/0.busy_pct&from=2999-01-01T00:00:00Z",
                    "from must be before to and before now"},
            {"series=core/0.busy_pct&from=1990-01-01T00:00:00Z&to=1990-01-02T00:00:00Z",
                    "to must be within the last two years"},
            {"series=core/0.busy_pct&range=5m&points=9",
                    "points must be 10..100000, got \\\"9\\\""},
            {"series=core/0.busy_pct&range=5m&points=1e9",
                    "points must be 10..100000, got \\\"1e9\\\""},
            {"series=core/0.busy_pct&series=core/0.busy_pct&range=5m",
                    "\\\"core/0.busy_pct\\\" was given twice"},
            {"series=&range=5m", "unknown series \\\"\\\""},
            {"series=core&range=5m", "unknown series \\\"core\\\""},
            {"series=core/.busy_pct&range=5m", "unknown series"},
            {"series=core/0.mhz&range=5m", "unknown series \\\"core/0.mhz\\\""},
            {"series=user/0.password&range=5m", "unknown series"},
            {"series=ghost/0.x&range=5m", "unknown series"},
            {"series=core/0.busy_pct&range=5m&bucket=1h", "unknown parameter \\\"bucket\\\""},
    };
    struct web_rig rig;
    begin(&rig, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char target[400];
        snprintf(target, sizeof target, "/api/v1/history?%s", cases[i].query);
        check_get(&rig, "reader", target, 400, cases[i].sentence);
    }
    web_rig_finish(&rig);
}

static void be_busy(void *user)
{
    (void)user;
    pause_ms(300);
}

static void rest(void *user)
{
    (void)user;
}

BN_TEST(a_question_waits_for_its_turn_is_refused_or_told_that_the_server_goes)
{
    static const struct bn_job_ops busy = {be_busy, rest};
    static const char asked[] =
            "GET /api/v1/history?series=core/0.busy_pct&range=5m HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Connection: close\r\nAuthorization: Bearer bnk_reader_x\r\n\r\n";
    struct web_rig rig;
    const char *body;
    begin(&rig, NULL);
    measure_core(&rig, "0", 12.5);
    for (int i = 0; i < 2; i++)
        CHECK(bn_worker_do(rig.query_worker, &busy, NULL, NULL));
    const int waits = web_rig_send(&rig, asked);
    WEB_AWAIT(&rig, HASH_COUNT(rig.web->requests) > 0);
    while (bn_worker_do(rig.query_worker, &busy, NULL, NULL))
        continue; /* until there is no room */
    CHECK_INT(web_rig_answer(&rig, web_rig_send(&rig, asked), &body), 503);
    bn_worker_destroy(rig.query_worker);
    rig.query_worker = NULL;
    CHECK_INT(web_rig_answer(&rig, waits, &body), 503);
    CHECK(strstr(body, "the server is stopping"));
    web_rig_finish(&rig);
}

BN_TEST(the_past_of_ourselves_is_for_administrators)
{
    struct web_rig rig;
    begin(&rig, NULL);
    measure_self(&rig);
    check_get(&rig, "reader", "/api/v1/history?series=self/local.rss_bytes&range=5m", 403,
            "\\\"self/local.rss_bytes\\\" is for administrators");
    check_get(&rig, "admin", "/api/v1/history?series=self/local.rss_bytes&range=5m", 200,
            "null,12345678");
    web_rig_finish(&rig);
}

BN_TEST(as_many_series_as_an_address_takes_are_answered_and_one_more_is_refused)
{
    struct web_rig rig;
    char target[4000];
    begin(&rig, NULL);
    for (int extra = 0; extra < 2; extra++) {
        int len = snprintf(target, sizeof target, "/api/v1/history?range=24h");
        for (int i = 0; i < BN_HISTORY_SERIES_MAX + extra; i++)
            len += snprintf(target + len, sizeof target - (size_t)len, "&series=core/%d.busy_pct",
                    i);
        /* 100,000 points for 60 series: 24 h come by the minute. */
        check_get(&rig, "reader", target, extra ? 400 : 200,
                extra ? "at most 60 series at once" : "\"step_ms\":60000");
    }
    web_rig_finish(&rig);
}

BN_TEST(a_range_by_times_begins_and_ends_there)
{
    struct web_rig rig;
    char target[300];
    char from[BN_TIME_TEXT_SIZE];
    char to[BN_TIME_TEXT_SIZE];
    char want[200];
    begin(&rig, NULL);
    int64_t end = rig.clock.now_ms - rig.clock.now_ms % 3600000;
    bn_time_text(end - 7200000, from);
    bn_time_text(end, to);
    snprintf(target, sizeof target, "/api/v1/history?series=core/0.busy_pct&from=%s&to=%s", from,
            to);
    snprintf(want, sizeof want, "{\"from\":\"%s\",\"to\":\"%s\",\"step_ms\":10000,", from, to);
    check_get(&rig, "reader", target, 200, want);
    snprintf(target, sizeof target,
            "/api/v1/history?series=core/0.busy_pct&from=1990-01-01T00:00:00Z&to=%s&points=1000",
            to);
    check_get(&rig, "reader", target, 200, "\"step_ms\":64800000,");
    web_rig_finish(&rig);
}

static void keep_day(struct bn_store *store, int64_t now_ms)
{
    for (int64_t at = now_ms - now_ms % 10000 - 86400000; at < now_ms - 10000; at += 10000) {
        struct bn_point point = {.at_ms = at, .min = 1.25F, .avg = 12.345F, .max = 99.5F};
        bn_store_point(store, "default", "core/0.busy_pct", &point);
    }
}

BN_TEST(a_day_of_the_store_is_answered_through_a_socket)
{
    struct web_rig rig;
    struct place place;
    struct bn_err err;
    const char *body;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    begin(&rig, store);
    keep_day(store, rig.clock.now_ms);
    CHECK(bn_store_keep(store, &err));
    bn_store_tidy(store);
    measure_core(&rig, "0", 50);
    int64_t begun_ns = bn_clock_mono_ns();
    CHECK_INT(web_rig_get(&rig, "reader", "/api/v1/history?series=core/0.busy_pct&range=24h",
                      &body),
            200);
    if (getenv("BN_SHOW"))
        print_message("24 h at 10 s: %.1f ms, %zu bytes\n",
                (double)(bn_clock_mono_ns() - begun_ns) / 1e6, strlen(body));
    BN_DOC_AUTO *doc = NULL;
    CHECK(bn_doc_parse(bn_str(body), &doc, NULL));
    const struct bn_doc *avg = bn_doc_at(bn_doc_at(bn_doc_at(doc, "series"), "core/0.busy_pct"),
            "avg");
    size_t gaps = 0;
    CHECK(bn_doc_count(avg) >= 8640 && bn_doc_count(avg) <= 8641);
    for (size_t i = 0; i < bn_doc_count(avg); i++)
        gaps += bn_doc_is_null(bn_doc_item(avg, i));
    CHECK(gaps <= 1);
    CHECK(strstr(body, "12.345,12.345,") != NULL);
    web_rig_finish(&rig);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST_MAIN()

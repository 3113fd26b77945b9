#include "bn_test.h"
#include "live/infra.h"
#include "people_rig.h"
#include "web/api_infra.h"
#include "web/past.h"

/* The routes over what is known of one server's checks, with a store behind them. */

#define HISTORY "/api/v1/servers/s1/history"
#define STATS   "/api/v1/servers/s1/stats"
#define MINUTE  INT64_C(60000)

static struct people_rig rig;

static void put_server(const char *tenant, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, tenant);
    bn_server_set_defaults(&fact.u.server);
    fact.u.server.is_active = 0;
    snprintf(fact.u.server.id, sizeof fact.u.server.id, "%s", id);
    snprintf(fact.u.server.name, sizeof fact.u.server.name, "%s", id);
    snprintf(fact.u.server.host, sizeof fact.u.server.host, "%s.lan", id);
    people_ask(&rig, &fact);
}

/* ms < 0: it failed; BN_UNKNOWN: it succeeded, nobody knows how fast. */
static void check_at(int64_t at, int64_t ms)
{
    struct bn_fact fact;
    struct bn_check *check = &fact.u.check;
    bn_fact_init(&fact, BN_KIND_CHECK, BN_TENANT_DEFAULT);
    snprintf(check->id, sizeof check->id, "s1/%lld", (long long)at);
    snprintf(check->server_id, sizeof check->server_id, "s1");
    check->at = at;
    check->success = ms >= 0 || ms == BN_UNKNOWN;
    check->response_time_ms = ms >= 0 ? ms : BN_UNKNOWN;
    if (check->success != 1) {
        snprintf(check->error_class, sizeof check->error_class, "timeout");
        snprintf(check->error_phase, sizeof check->error_phase, "tls");
        snprintf(check->error, sizeof check->error, "no answer of %lld", (long long)at);
    }
    bn_hub_tell(&rig.web.hub, &fact);
    web_rig_round(&rig.web);
}

static int64_t began_ms; /* the clock goes on meanwhile */

static int64_t now_ms(void)
{
    return began_ms;
}

static void begin(void)
{
    people_init(&rig);
    bn_web_add_routes(rig.web.web, bn_infra_routes, bn_infra_route_count);
    put_server(BN_TENANT_DEFAULT, "s1");
    began_ms = rig.web.clock.now_ms;
}

static void end(void)
{
    people_finish(&rig);
}

static void ask(const char *path, int status, const char *part)
{
    char line[300];
    snprintf(line, sizeof line, "GET %s", path);
    people_check(&rig, rig.vera, line, "", status, part);
}

static bool says(const char *part)
{
    return strstr(rig.web.answer.p, part) != NULL;
}

static size_t count_of(const char *part)
{
    size_t n = 0;
    for (const char *at = rig.web.answer.p; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

static void bucket_text(int64_t at, char out[80])
{
    char text[BN_TIME_TEXT_SIZE];
    bn_time_text(at - at % BN_PAST_HOUR_MS, text);
    snprintf(out, 80, "{\"time\":\"%.13s:00:00Z\",", text);
}

BN_TEST(without_attempts_nothing_is_invented)
{
    begin();
    ask(HISTORY, 200,
            "\"history\":{\"hourly\":[],\"summary\":{\"totalAttempts\":0,\"successCount\":0,"
            "\"avgResponseTime\":null}}");
    CHECK(!says("\"raw\""));
    ask(HISTORY "?raw=1", 200, "\"raw\":[],\"raw_truncated\":false");
    ask(STATS, 200,
            "{\"attempts\":0,\"successes\":0,\"success_rate\":null,\"avg_response_time_ms\":null,"
            "\"p95_response_time_ms\":null,\"learned_timeout_ms\":null,\"errors\":[]}");
    end();
}

/* What was told a moment ago counts, though the store writes checks once a second only. */
BN_TEST(the_hour_is_complete_to_the_last_attempt)
{
    char hour[80];
    begin();
    for (int i = 0; i < 20; i++) {
        check_at(now_ms() + i, i == 0 ? -1 : 100 + i);
        ask(HISTORY, 200, "\"hourly\":[{");
        char total[40];
        snprintf(total, sizeof total, "\"totalAttempts\":%d,", i + 1);
        if (!says(total))
            fail_msg("not %s: %s", total, rig.web.answer.p);
    }
    bucket_text(now_ms(), hour);
    CHECK(says(hour));
    end();
}

BN_TEST(rates_and_means_are_rounded_and_what_took_no_time_counts)
{
    char hour[80];
    begin();
    const int64_t earlier = now_ms() - 5 * 60 * MINUTE;
    check_at(earlier, 0);
    check_at(earlier + 1, 1);
    check_at(earlier + 2, -1);
    ask(HISTORY, 200, "\"successRate\":67,\"avgResponseTime\":1,\"attempts\":3}");
    bucket_text(earlier, hour);
    CHECK(says(hour));
    const int64_t later = earlier + 2 * 60 * MINUTE;
    check_at(later, BN_UNKNOWN);
    for (int i = 1; i < 8; i++)
        check_at(later + i, -1);
    ask(HISTORY, 200, "\"successRate\":13,\"avgResponseTime\":null,\"attempts\":8}");
    CHECK_INT(count_of("\"time\":"), 2); /* the hours between are absent */
    CHECK(says("{\"totalAttempts\":11,\"successCount\":3,\"avgResponseTime\":1}"));
    end();
}

BN_TEST(a_day_is_at_most_25_hours_rolling_and_ascending)
{
    begin();
    for (int i = 30; i >= 0; i--)
        check_at(now_ms() - i * 60 * MINUTE, 10 + i);
    ask(HISTORY "?range=24h", 200, "\"bucket\":\"1h\"");
    CHECK_INT(count_of("\"time\":"), 25);
    char first[80];
    char last[80];
    bucket_text(now_ms() - 24 * 60 * MINUTE, first);
    bucket_text(now_ms(), last);
    CHECK(strstr(rig.web.answer.p, first) < strstr(rig.web.answer.p, last));
    ask(HISTORY "?range=1h", 200, "\"totalAttempts\":2,");
    ask(HISTORY "?range=6h", 200, "\"totalAttempts\":7,");
    ask(HISTORY "?range=7d", 200, "\"totalAttempts\":31,");
    CHECK(says("\"bucket\":\"1h\""));
    ask(HISTORY "?range=1y", 200, "\"bucket\":\"1d\"");
    CHECK(says("T00:00:00Z\",\"successRate\":100"));
    CHECK(count_of("\"time\":") >= 2 && count_of("\"time\":") <= 3);
    CHECK(says("\"totalAttempts\":31,"));
    ask(HISTORY "?range=2y&bucket=1h", 200, "\"totalAttempts\":31,");
    CHECK_INT(count_of("\"time\":"), 31);
    end();
}

BN_TEST(attempts_come_as_they_were_oldest_first_and_a_cut_is_said)
{
    begin();
    check_at(now_ms() - 25 * 60 * MINUTE, 1);
    check_at(now_ms() - 2 * 60 * MINUTE, 222);
    check_at(now_ms() - 59 * MINUTE, -1);
    ask(HISTORY "?raw=1&range=7d", 200, "\"raw_truncated\":false");
    CHECK_INT(count_of("\"server_id\":\"s1\""), 2); /* of the last day, whatever the range */
    CHECK(strstr(rig.web.answer.p, "\"response_time_ms\":222") <
            strstr(rig.web.answer.p, "\"error_class\":\"timeout\""));
    CHECK(says("\"dns_ms\":null"));
    ask(HISTORY "?raw=1&range=1h", 200, "\"error_class\":\"timeout\"");
    CHECK(!says("\"response_time_ms\":222"));
    end();
}

/* Straight to the store: some thousands of attempts by HTTP would be a load test. */
BN_TEST(of_too_many_attempts_the_newest_are_there)
{
    struct bn_past past = {.server_id = "s1",
            .range_ms = BN_PAST_DAY_MS,
            .bucket_ms = BN_PAST_HOUR_MS,
            .has_raw = true};
    struct bn_check check;
    struct bn_err err;
    begin();
    bn_record_clear(&bn_check_type, &check);
    snprintf(check.server_id, sizeof check.server_id, "s1");
    check.success = 1;
    for (int64_t i = 0; i <= BN_PAST_RAW_MAX; i++) {
        check.at = now_ms() - 60 * MINUTE + i * 10;
        check.response_time_ms = i + 1000000;
        bn_store_check(rig.store, BN_TENANT_DEFAULT, &check);
    }
    (void)bn_store_flush(rig.store);
    snprintf(past.tenant, sizeof past.tenant, "%s", BN_TENANT_DEFAULT);
    past.now_ms = now_ms();
    past.store = rig.store;
    CHECK(bn_past_run(&past, &err));
    bn_buf_putc(&past.json, '\0');
    CHECK(strstr(past.json.p, "\"raw_truncated\":true"));
    CHECK(!strstr(past.json.p, "\"response_time_ms\":1000000,"));
    CHECK(strstr(past.json.p, "\"raw\":[{\"id\":\"s1/"));
    CHECK(strstr(past.json.p, "\"response_time_ms\":1000001,"));
    bn_past_finish(&past);
    end();
}

BN_TEST(wrong_words_are_refused_by_name)
{
    static const struct {
        const char *query;
        const char *part;
    } cases[] = {
            {"?range=", "\"field\":\"range\""},
            {"?range=24", "\"field\":\"range\""},
            {"?range=0h", "\"field\":\"range\""},
            {"?range=-1h", "\"field\":\"range\""},
            {"?range=1.5h", "\"field\":\"range\""},
            {"?range=5m", "range must be hours, days or years like 24h, 7d or 1y"},
            {"?range=731d", "at most two years, got \\\"731d\\\""},
            {"?range=17521h", "\"field\":\"range\""},
            {"?range=3y", "\"field\":\"range\""},
            {"?bucket=2h", "bucket must be 1h or 1d, got \\\"2h\\\""},
            {"?bucket=", "\"field\":\"bucket\""},
            {"?raw=yes", "raw must be 0 or 1, got \\\"yes\\\""},
            {"?from=1", "from"},
            {"?range=1h&range=2h", "range"},
    };

    char path[120];
    begin();
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(path, sizeof path, "%s%s", HISTORY, cases[i].query);
        ask(path, 400, cases[i].part);
    }
    ask(HISTORY "?range=730d", 200, "");
    ask(STATS "?last=5", 400, "last");
    end();
}

BN_TEST(nobody_sees_the_past_of_what_is_not_theirs)
{
    begin();
    people_add_tenant(&rig, "other");
    put_server("other", "theirs");
    ask("/api/v1/servers/theirs/history", 404, "there is no such server");
    ask("/api/v1/servers/theirs/stats", 404, "there is no such server");
    ask("/api/v1/servers/nobody/history", 404, "there is no such server");
    people_check(&rig, NULL, "GET " HISTORY, "", 401, "unauthorized");
    people_check(&rig, NULL, "GET " STATS, "", 401, "unauthorized");
    people_check(&rig, "bnk_reader_x", "GET " HISTORY, "", 200, "");
    end();
}

BN_TEST(figures_are_of_the_last_hundred_with_the_last_five_errors)
{
    begin();
    for (int i = 0; i < 7; i++) /* they are older than the last hundred */
        check_at(now_ms() - 200 * MINUTE + i, -1);
    for (int i = 0; i < 97; i++)
        check_at(now_ms() - 100 * MINUTE + i, 100 + i);
    for (int i = 0; i < 3; i++)
        check_at(now_ms() - 3 * MINUTE + i, -1);
    ask(STATS, 200, "{\"attempts\":100,\"successes\":97,\"success_rate\":97,");
    CHECK(says("\"avg_response_time_ms\":148,\"p95_response_time_ms\":192,"
               "\"learned_timeout_ms\":5000,"));
    CHECK_INT(count_of("\"error_class\":\"timeout\",\"error_phase\":\"tls\",\"error\":\"no answer"),
            3);
    for (int i = 0; i < 4; i++)
        check_at(now_ms() - MINUTE + i, -1);
    ask(STATS, 200, "\"success_rate\":93,");
    CHECK_INT(count_of("\"error_class\""), 5);
    char newest[80];
    char text[BN_TIME_TEXT_SIZE];
    bn_time_text(now_ms() - MINUTE + 3, text);
    snprintf(newest, sizeof newest, "\"errors\":[{\"at\":\"%s\"", text);
    CHECK(says(newest));
    end();
}

BN_TEST_MAIN()

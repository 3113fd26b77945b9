#include "web/past.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define JSON_BYTES_MAX (16 << 20) /* 17,522 hours of 100 bytes, BN_PAST_RAW_MAX attempts of 800 */
#define HOURS_TO_DAYS  31         /* days; a longer range is told by the day unless asked */

/* --- what is asked for ----------------------------------------------------------------------- */

bool bn_past_range(struct bn_str text, int64_t *out_ms, struct bn_err *err)
{
    const int64_t unit_ms = text.len < 2                  ? 0
                            : text.p[text.len - 1] == 'h' ? BN_PAST_HOUR_MS
                            : text.p[text.len - 1] == 'd' ? BN_PAST_DAY_MS
                            : text.p[text.len - 1] == 'y' ? 365 * BN_PAST_DAY_MS
                                                          : 0;
    int64_t n;
    if (unit_ms && bn_parse_i64((struct bn_str){text.p, text.len - 1}, 1,
                           BN_CHECK_HOUR_KEEP_MS / unit_ms, &n)) {
        *out_ms = n * unit_ms;
        return true;
    }
    return bn_fail_field(err, "range",
            "range must be hours, days or years like 24h, 7d or 1y, at most two years, got "
            "\"%.*s\"",
            (int)BN_MIN(text.len, (size_t)40), text.p ? text.p : "");
}

bool bn_past_bucket(struct bn_str text, int64_t range_ms, int64_t *out_ms, struct bn_err *err)
{
    if (!text.p)
        *out_ms = range_ms > HOURS_TO_DAYS * BN_PAST_DAY_MS ? BN_PAST_DAY_MS : BN_PAST_HOUR_MS;
    else if (bn_str_is(text, "1h"))
        *out_ms = BN_PAST_HOUR_MS;
    else if (bn_str_is(text, "1d"))
        *out_ms = BN_PAST_DAY_MS;
    else
        return bn_fail_field(err, "bucket", "bucket must be 1h or 1d, got \"%.*s\"",
                (int)BN_MIN(text.len, (size_t)40), text.p);
    return true;
}

/* --- hours ----------------------------------------------------------------------------------- */

static void add_hour(struct bn_check_hour *sum, const struct bn_check_hour *hour)
{
    sum->attempts += hour->attempts;
    sum->successes += hour->successes;
    sum->ms_count += hour->ms_count;
    sum->ms_sum += hour->ms_sum;
}

static void put_mean(struct bn_json *json, const struct bn_check_hour *hour)
{
    bn_json_key(json, "avgResponseTime");
    if (hour->ms_count > 0)
        bn_json_i64(json, (hour->ms_sum + hour->ms_count / 2) / hour->ms_count);
    else
        bn_json_null(json);
}

/* "2026-11-20T19:00:00Z", as E3 has it. */
static void put_bucket_time(struct bn_json *json, int64_t at_ms)
{
    char text[BN_TIME_TEXT_SIZE];
    bn_time_text(at_ms, text);
    memcpy(text + sizeof "2026-11-20T19:00:00" - 1, "Z", 2);
    bn_json_text(json, text);
}

static void put_bucket(struct bn_json *json, const struct bn_check_hour *sum)
{
    bn_json_object(json);
    bn_json_key(json, "time");
    put_bucket_time(json, sum->at_ms);
    bn_json_key(json, "successRate");
    const int64_t attempts = BN_MAX(sum->attempts, 1);
    bn_json_i64(json, (200 * sum->successes + attempts) / (2 * attempts));
    put_mean(json, sum);
    bn_json_key(json, "attempts");
    bn_json_i64(json, sum->attempts);
    bn_json_object_end(json);
}

static void put_buckets(const struct bn_past *past, struct bn_json *json,
        const struct bn_check_hour *hours, size_t n, struct bn_check_hour *out_total)
{
    *out_total = (struct bn_check_hour){0};
    bn_json_key(json, "hourly");
    bn_json_array(json);
    for (size_t i = 0; i < n;) {
        const int64_t at_ms = hours[i].at_ms - hours[i].at_ms % past->bucket_ms;
        struct bn_check_hour sum = {.at_ms = at_ms};
        for (; i < n && hours[i].at_ms < at_ms + past->bucket_ms; i++)
            add_hour(&sum, &hours[i]);
        put_bucket(json, &sum);
        add_hour(out_total, &sum);
    }
    bn_json_array_end(json);
}

static void put_summary(struct bn_json *json, const struct bn_check_hour *total)
{
    bn_json_key(json, "summary");
    bn_json_object(json);
    bn_json_key(json, "totalAttempts");
    bn_json_i64(json, total->attempts);
    bn_json_key(json, "successCount");
    bn_json_i64(json, total->successes);
    put_mean(json, total);
    bn_json_object_end(json);
}

static int64_t from_of(const struct bn_past *past)
{
    const int64_t from_ms = past->now_ms - past->range_ms;
    return from_ms - from_ms % past->bucket_ms;
}

static bool put_hours(const struct bn_past *past, struct bn_json *json, struct bn_err *err)
{
    const struct bn_check_span span = {past->tenant, past->server_id, from_of(past), INT64_MAX};
    /* A clock that was ahead may have left some of the future. */
    size_t n = (size_t)((past->now_ms - span.from_ms) / BN_PAST_HOUR_MS) + 50;
    struct bn_check_hour *hours = bn_alloc_array(n, sizeof *hours);
    struct bn_check_hour total;
    bool ok = !past->store || bn_store_read_check_hours(past->store, &span, hours, &n, err);
    if (ok) {
        put_buckets(past, json, hours, past->store ? n : 0, &total);
        put_summary(json, &total);
    }
    free(hours);
    return ok;
}

/* --- attempts -------------------------------------------------------------------------------- */

static void put_attempts(struct bn_json *json, const struct bn_check *checks, size_t n)
{
    const bool is_cut = n > BN_PAST_RAW_MAX;
    bn_json_key(json, "raw");
    bn_json_array(json);
    for (size_t i = is_cut ? BN_PAST_RAW_MAX : n; i > 0; i--) { /* they come newest first */
        bn_json_object(json);
        bn_record_json(&bn_check_type, &checks[i - 1], BN_MASK_ALL, BN_ABSENT_NULL, json);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
    bn_json_key(json, "raw_truncated");
    bn_json_bool(json, is_cut);
}

static bool put_raw(const struct bn_past *past, struct bn_json *json, struct bn_err *err)
{
    const int64_t range_ms = BN_MIN(past->range_ms, BN_PAST_RAW_MS);
    const struct bn_check_span span = {past->tenant, past->server_id, past->now_ms - range_ms,
            INT64_MAX};
    size_t n = BN_PAST_RAW_MAX + 1;
    struct bn_check *checks = bn_alloc_array(n, sizeof *checks);
    bool ok = !past->store || bn_store_read_checks(past->store, &span, checks, &n, err);
    if (ok)
        put_attempts(json, checks, past->store ? n : 0);
    free(checks);
    return ok;
}

/* --- the answer ------------------------------------------------------------------------------ */

bool bn_past_run(struct bn_past *past, struct bn_err *err)
{
    struct bn_json json;
    bn_buf_init(&past->json, JSON_BYTES_MAX);
    bn_json_init(&json, &past->json);
    if (past->store)
        bn_store_settle(past->store);
    bn_json_object(&json);
    bn_json_key(&json, "from");
    bn_json_time(&json, from_of(past));
    bn_json_key(&json, "to");
    bn_json_time(&json, past->now_ms);
    bn_json_key(&json, "bucket");
    bn_json_text(&json, past->bucket_ms == BN_PAST_DAY_MS ? "1d" : "1h");
    bn_json_key(&json, "history");
    bn_json_object(&json);
    if (!put_hours(past, &json, err) || (past->has_raw && !put_raw(past, &json, err)))
        return false;
    bn_json_object_end(&json);
    bn_json_object_end(&json);
    return bn_buf_ok(&past->json) || bn_fail(err, BN_E_TOO_BIG, "the answer is too large");
}

void bn_past_finish(struct bn_past *past)
{
    bn_buf_finish(&past->json);
}

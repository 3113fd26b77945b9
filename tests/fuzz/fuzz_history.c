/* The question of a chart: any query string for GET /api/v1/history and /api/v1/series. Refused
   with a sentence, or answered with JSON whose columns have as many numbers as its steps, min <=
   avg <= max, and only values that were measured: a second's value is its number modulo 60, so each
   step knows what it may hold. The order of the parameters does not matter. A first byte chooses
   what the server knows: bit 0 a store, bit 1 an hour of seconds, bit 2 an asker who may see
   little. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "fuzz_folder.h"
#include "web/api_meter.h"
#include "web/history.h"
#include "web/web_private.h"

#define NOW_MS INT64_C(1795204807250) /* 2026-11-20T20:00:07.250Z */
#define NOW_S  (NOW_MS / 1000)
#define VALUES 60

#define SET(member, text) bn_text_clip(member, sizeof(member), BN_STR(text))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bn_clock fixed_clock = {.now_ms = NOW_MS, .mono_ms = 5000};
static struct bn_hub hubs[2]; /* with little in memory, and with an hour */
static struct bn_hub *hub;
static struct bn_store *store;
static int status; /* of the last answer */
static struct bn_err refusal;
static struct bn_buf answer;

/* --- in the place of the server ----------------------------------------------------------------
 */

struct bn_hub *bn_web_hub(struct bn_web *web)
{
    (void)web;
    return hub;
}

const struct bn_clock *bn_web_clock(struct bn_web *web)
{
    (void)web;
    return &fixed_clock;
}

struct bn_worker *bn_web_query_worker(struct bn_web *web)
{
    (void)web;
    return NULL;
}

/* Work is done at once. */
bool bn_worker_do(struct bn_worker *worker, const struct bn_job_ops *ops, void *job,
        struct bn_err *err)
{
    (void)worker;
    (void)err;
    ops->work(job);
    ops->done(job);
    return true;
}

static struct bn_request *asking;

struct bn_request *bn_request_find(struct bn_web *web, uint64_t ticket)
{
    (void)web;
    assert(ticket == asking->ticket);
    return asking;
}

void bn_reply_err(struct bn_request *req, const struct bn_err *err)
{
    (void)req;
    assert(status == 0);
    status = bn_code_status(err->code);
    refusal = *err;
}

void bn_reply_json(struct bn_request *req, int code, const struct bn_buf *body)
{
    (void)req;
    assert(status == 0 && !body->failed);
    status = code;
    bn_buf_reset(&answer);
    bn_buf_put(&answer, body->p, body->len);
}

/* --- what the server knows ---------------------------------------------------------------------
 */

static void quiet(void *user)
{
    (void)user;
}

static int64_t now_ms(void *user)
{
    (void)user;
    return NOW_MS;
}

static void keep(void *user, const char *name, const struct bn_point *point)
{
    (void)user;
    (void)name;
    (void)point;
}

static void fill_memory(struct bn_hub *into, int64_t from_s, int64_t to_s)
{
    struct bn_tenant_live *tenant = bn_live_find(&into->live, BN_TENANT_DEFAULT);
    for (int64_t s = from_s; s < to_s; s++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_HOST, BN_TENANT_DEFAULT);
        SET(fact.u.host.id, "local");
        fact.u.host.at = s * 1000;
        fact.u.host.load1 = (double)(s % VALUES);
        bn_series_add(&tenant->series, &fact, s * 1000, keep, NULL);
        bn_fact_init(&fact, BN_KIND_SELF, BN_TENANT_DEFAULT);
        SET(fact.u.self.id, "local");
        fact.u.self.at = s * 1000;
        fact.u.self.cpu_pct = (double)(s % VALUES);
        bn_series_add(&tenant->series, &fact, s * 1000, keep, NULL);
    }
}

/* Two hours before the memory of the second hub, in steps of ten seconds. */
static void fill_store(void)
{
    struct bn_store_config config = {.now_ms = now_ms};
    struct bn_err err;
    char notice[200];
    snprintf(config.dir, sizeof config.dir, "%s", fuzz_folder);
    bool ok = bn_store_open(&config, &store, notice, &err);
    assert(ok);
    for (int64_t s = NOW_S / 10 * 10 - 7200; s < NOW_S / 10 * 10; s += 10) {
        const float low = (float)(s % VALUES);
        const struct bn_point point = {s * 1000, low, low + 4.5F, low + 9};
        bn_store_point(store, BN_TENANT_DEFAULT, "host/local.load1", &point);
    }
    (void)bn_store_flush(store);
    bn_store_tidy(store);
}

static void close_store(void)
{
    bn_store_close(store);
}

static void start_once(void)
{
    bn_log_set_fd(-1);
    bn_buf_init(&answer, 64 << 20);
    fuzz_folder_make();
    for (size_t i = 0; i < COUNT(hubs); i++)
        bn_hub_init(&hubs[i], &fixed_clock, NULL, quiet, NULL);
    fill_memory(&hubs[0], NOW_S - 100, NOW_S);
    fill_memory(&hubs[1], NOW_S - 3599, NOW_S + 1);
    fill_store();
    if (atexit(close_store) != 0)
        abort();
}

/* --- what an answer must be --------------------------------------------------------------------
 */

static int64_t time_at(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);
    int64_t ms;
    bool ok = bn_time_parse(json_string_value(value), json_string_length(value), &ms);
    assert(ok);
    return ms;
}

/* A step of so many seconds: all that is known of it lies between its smallest and largest. */
static void check_point(int64_t from_ms, int64_t step_ms, double min, double avg, double max)
{
    int64_t first = from_ms / 1000 % VALUES;
    bool is_whole_minute = first + step_ms / 1000 > VALUES;
    double lowest = is_whole_minute ? 0 : (double)first;
    double highest = is_whole_minute ? VALUES - 1 : (double)(first + step_ms / 1000 - 1);
    assert(min >= lowest && max <= highest && min <= avg && avg <= max);
    assert(step_ms > 1000 || (min == max && avg == lowest));
}

static void check_series(const json_t *one, int64_t from_ms, int64_t step_ms, size_t count)
{
    const json_t *min = json_object_get(one, "min");
    const json_t *avg = json_object_get(one, "avg");
    const json_t *max = json_object_get(one, "max");
    assert(json_array_size(min) == count && json_array_size(avg) == count &&
            json_array_size(max) == count);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(avg, i);
        bool is_known = !json_is_null(value);
        assert(!json_is_null(json_array_get(min, i)) == is_known &&
                !json_is_null(json_array_get(max, i)) == is_known);
        if (is_known)
            check_point(from_ms + (int64_t)i * step_ms, step_ms,
                    json_number_value(json_array_get(min, i)), json_number_value(value),
                    json_number_value(json_array_get(max, i)));
    }
}

static void check_history(const struct bn_request *req)
{
    json_t *body = json_loadb(answer.p, answer.len, JSON_REJECT_DUPLICATES, NULL);
    assert(json_is_object(body));
    int64_t from_ms = time_at(body, "from");
    int64_t to_ms = time_at(body, "to");
    int64_t step_ms = json_integer_value(json_object_get(body, "step_ms"));
    json_t *series = json_object_get(body, "series");
    size_t asked = 0;
    assert(step_ms >= 1000 && from_ms % step_ms == 0 && from_ms < to_ms && to_ms <= NOW_MS);
    size_t count = (size_t)((to_ms - from_ms + step_ms - 1) / step_ms);
    for (size_t i = 0; i < req->query_count; i++) {
        if (!bn_str_is(req->query[i].name, "series"))
            continue;
        const json_t *one = json_object_get(series, req->query[i].value.p);
        assert(one && (req->who.rights & (1u << BN_RIGHT_ADMIN) ||
                              !bn_str_starts(req->query[i].value, "self/")));
        check_series(one, from_ms, step_ms, count);
        asked++;
    }
    struct bn_str points = bn_query(req, "points", NULL);
    int64_t most = BN_HISTORY_POINTS;
    if (points.p && !bn_parse_i64(points, 10, BN_QUERY_POINTS_MAX, &most))
        abort();
    assert(json_object_size(series) == asked && count <= (size_t)most);
    json_decref(body);
}

static void check_names(const struct bn_request *req)
{
    json_t *body = json_loadb(answer.p, answer.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *names = json_object_get(body, "series");
    bool is_admin = req->who.rights & (1u << BN_RIGHT_ADMIN);
    assert(json_array_size(names) == (is_admin ? 2 : 1));
    json_decref(body);
}

/* --- one input ----------------------------------------------------------------------------------
 */

static void ask(struct bn_request *req, void (*handler)(struct bn_request *req))
{
    status = 0;
    refusal = (struct bn_err){.code = BN_E_OK};
    asking = req;
    handler(req);
    assert(status == 200 || status == 400 || status == 403 || status == 413 || status == 422);
    assert((status == 200) == (refusal.code == BN_E_OK));
    assert(status == 200 || refusal.text[0]);
}

/* The same parameters from the last to the first, series in their order. */
static void turn_round(struct bn_request *req)
{
    struct bn_http_param turned[BN_HTTP_PARAMS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < req->query_count; i++)
        if (bn_str_is(req->query[i].name, "series"))
            turned[n++] = req->query[i];
    for (size_t i = req->query_count; i > 0; i--)
        if (!bn_str_is(req->query[i - 1].name, "series"))
            turned[n++] = req->query[i - 1];
    memcpy(req->query, turned, n * sizeof *turned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_request req = {.ticket = 7};
    struct bn_err err = {.code = BN_E_OK};
    if (size == 0 || size > BN_HTTP_TARGET_BYTES_MAX)
        return 0;
    if (!fuzz_folder[0])
        start_once();
    hub = &hubs[data[0] >> 1 & 1];
    hub->store = data[0] & 1 ? store : NULL;
    req.who.rights = 1u << BN_RIGHT_READ | (data[0] & 4 ? 0 : 1u << BN_RIGHT_ADMIN);
    SET(req.who.tenant, BN_TENANT_DEFAULT);
    char *scratch = malloc(size);
    struct bn_str query = {(const char *)data + 1, size - 1};
    if (!bn_http_split_query(query, scratch, size, req.query, &req.query_count, &err)) {
        assert(err.text[0]);
        free(scratch);
        return 0;
    }
    ask(&req, bn_api_meter_series);
    assert((status == 200) == (req.query_count == 0));
    if (status == 200)
        check_names(&req);
    ask(&req, bn_api_meter_history);
    if (status == 200)
        check_history(&req);
    int first = status;
    char *said = malloc(answer.len + 1);
    size_t len = answer.len;
    memcpy(said, answer.p ? answer.p : "", len);
    turn_round(&req);
    ask(&req, bn_api_meter_history);
    assert((status == 200) == (first == 200));
    assert(status != 200 || (answer.len == len && memcmp(answer.p, said, len) == 0));
    free(said);
    free(scratch);
    return 0;
}

#include "web/api_meter.h"

#include <stdlib.h>
#include <string.h>

#include "web/history.h"

#define SERIES_JSON_MAX (8 << 20) /* BN_SERIES_MAX names of at most 160 bytes, some escaped */

static const char *const history_query[] = {"*series", "range", "from", "to", "points", NULL};

static const struct {
    const char *word;
    int64_t length_ms;
} ranges[] = {
        {"5m", 5 * 60000LL},
        {"1h", 3600000LL},
        {"24h", 24 * 3600000LL},
        {"7d", 7 * 24 * 3600000LL},
        {"30d", 30 * 24 * 3600000LL},
        {"1y", 365 * 24 * 3600000LL},
};

/* --- who may see which series ---------------------------------------------------------------- */

/* The kind of "kind/id.field", when that field of that kind is a series; else BN_KIND_COUNT. */
static size_t kind_of(struct bn_str name)
{
    const char *slash = memchr(name.p, '/', name.len);
    const char *dot = memrchr(name.p, '.', name.len);
    if (!slash || !dot || dot < slash + 2)
        return BN_KIND_COUNT;
    struct bn_str word = {name.p, (size_t)(slash - name.p)};
    struct bn_str field_name = {dot + 1, (size_t)(name.p + name.len - dot - 1)};
    size_t kind = 0;
    while (kind < BN_KIND_COUNT && !bn_str_is(word, bn_kinds[kind].word))
        kind++;
    if (kind == BN_KIND_COUNT)
        return kind;
    const struct bn_field *field = bn_field_find(bn_kinds[kind].type, field_name);
    return field && (field->flags & BN_F_SERIES) ? kind : BN_KIND_COUNT;
}

/* Whoever may not listen to a topic may not read its past either. */
static bool may_see(const struct bn_who *who, size_t kind)
{
    for (size_t i = 0; i < bn_topic_count; i++)
        if (strcmp(bn_topics[i].name, bn_kinds[kind].topic) == 0)
            return bn_who_may(who, bn_topics[i].right);
    return false;
}

/* --- names ----------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct bn_series *const *x = a;
    const struct bn_series *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void write_names(const struct bn_series_set *set, const struct bn_who *who,
        struct bn_json *json)
{
    const struct bn_series **all = bn_alloc_array(set->count, sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i < set->slot_count; i++) {
        for (const struct bn_series *it = set->slots[i]; it; it = it->next_slot) {
            size_t kind = kind_of(bn_str(it->name));
            if (kind < BN_KIND_COUNT && may_see(who, kind))
                all[n++] = it;
        }
    }
    qsort(all, n, sizeof *all, compare_names);
    for (size_t i = 0; i < n; i++)
        bn_json_text(json, all[i]->name);
    free(all);
}

void bn_api_meter_series(struct bn_request *req)
{
    struct bn_err err;
    if (!bn_query_only(req, (const char *const[]){NULL}, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live, req->who.tenant);
    BN_BUF_AUTO buf;
    struct bn_json json;
    bn_buf_init(&buf, SERIES_JSON_MAX);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_json_key(&json, "series");
    bn_json_array(&json);
    if (tenant)
        write_names(&tenant->series, &req->who, &json);
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &buf);
}

/* --- what is asked for ----------------------------------------------------------------------- */

static bool parse_time(struct bn_str text, const char *name, int64_t *out, struct bn_err *err)
{
    return bn_time_parse(text.p, text.len, out) ||
           bn_fail_field(err, name, "%s must be a time like \"2026-11-20T19:57:04Z\", got \"%.*s\"",
                   name, BN_ARG(text));
}

static bool parse_range(struct bn_str text, int64_t *out_length_ms, struct bn_err *err)
{
    for (size_t i = 0; i < COUNT(ranges); i++) {
        if (bn_str_is(text, ranges[i].word)) {
            *out_length_ms = ranges[i].length_ms;
            return true;
        }
    }
    return bn_fail_field(err, "range", "range must be 5m, 1h, 24h, 7d, 30d or 1y, got \"%.*s\"",
            BN_ARG(text));
}

static bool read_span(const struct bn_request *req, struct bn_history *out, struct bn_err *err)
{
    struct bn_str range = bn_query(req, "range", NULL);
    struct bn_str from = bn_query(req, "from", NULL);
    struct bn_str to = bn_query(req, "to", NULL);
    int64_t length_ms = 0;
    out->to_ms = out->now_ms;
    if ((range.p != NULL) == (from.p != NULL))
        return bn_fail_field(err, "range", "either range or from is required, and not both");
    if (range.p) {
        if (to.p)
            return bn_fail_field(err, "to", "to goes with from, not with range");
        if (!parse_range(range, &length_ms, err))
            return false;
        out->from_ms = out->now_ms - length_ms;
        return true;
    }
    if (!parse_time(from, "from", &out->from_ms, err) ||
            (to.p && !parse_time(to, "to", &out->to_ms, err)))
        return false;
    if (out->from_ms >= out->to_ms || out->from_ms >= out->now_ms)
        return bn_fail_field(err, "from", "from must be before to and before now");
    /* Nothing is kept longer than the coarsest level, and nothing is known of the future. */
    int64_t kept_ms = out->now_ms - bn_level_keep_ms[BN_LEVELS - 1];
    if (out->to_ms <= kept_ms)
        return bn_fail_field(err, "to", "to must be within the last two years");
    out->from_ms = BN_MAX(out->from_ms, kept_ms);
    out->to_ms = BN_MIN(out->to_ms, out->now_ms);
    return true;
}

static bool add_name(const struct bn_request *req, struct bn_str name, struct bn_history *out,
        struct bn_err *err)
{
    size_t kind = kind_of(name);
    if (kind == BN_KIND_COUNT || name.len >= BN_SERIES_NAME_MAX)
        return bn_fail_field(err, "series", "unknown series \"%.*s\"", BN_ARG(name));
    if (!may_see(&req->who, kind))
        return bn_fail(err, BN_E_FORBIDDEN, "\"%.*s\" is for administrators", BN_ARG(name));
    if (out->count == BN_HISTORY_SERIES_MAX)
        return bn_fail_field(err, "series", "at most %d series at once", BN_HISTORY_SERIES_MAX);
    for (size_t i = 0; i < out->count; i++)
        if (bn_str_is(name, out->series[i].name))
            return bn_fail_field(err, "series", "\"%.*s\" was given twice", BN_ARG(name));
    bn_text_clip(out->series[out->count++].name, BN_SERIES_NAME_MAX, name);
    return true;
}

static bool read_points(const struct bn_request *req, struct bn_history *out, struct bn_err *err)
{
    struct bn_str points = bn_query(req, "points", NULL);
    int64_t value = BN_HISTORY_POINTS;
    if (points.p && !bn_parse_i64(points, BN_HISTORY_POINTS_MIN, BN_QUERY_POINTS_MAX, &value))
        return bn_fail_field(err, "points", "points must be %d..%d, got \"%.*s\"",
                BN_HISTORY_POINTS_MIN, BN_QUERY_POINTS_MAX, BN_ARG(points));
    out->points_max = BN_MIN((size_t)value, BN_QUERY_POINTS_MAX / out->count);
    return true;
}

static bool read_query(const struct bn_request *req, struct bn_history *out, struct bn_err *err)
{
    if (!bn_query_only(req, history_query, err) || !read_span(req, out, err))
        return false;
    for (size_t i = 0; i < req->query_count; i++)
        if (bn_str_is(req->query[i].name, "series") &&
                !add_name(req, req->query[i].value, out, err))
            return false;
    if (out->count == 0)
        return bn_fail_field(err, "series", "series is required");
    return read_points(req, out, err);
}

/* --- the answer, by a worker ----------------------------------------------------------------- */

struct job {
    struct bn_web *web; /* for done() only */
    uint64_t ticket;
    bool ok;
    struct bn_err err;
    struct bn_history history;
};

static void destroy_job(struct job *job)
{
    bn_history_finish(&job->history);
    free(job);
}

static void work(void *user)
{
    struct job *job = user;
    job->ok = bn_history_run(&job->history, &job->err);
}

static void done(void *user)
{
    struct job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->ok)
        bn_reply_json(req, 200, &job->history.json);
    else if (req)
        bn_reply_err(req, &job->err);
    destroy_job(job);
}

void bn_api_meter_history(struct bn_request *req)
{
    static const struct bn_job_ops ops = {work, done};
    struct bn_hub *hub = bn_web_hub(req->web);
    struct bn_tenant_live *tenant = bn_live_find(&hub->live, req->who.tenant);
    struct bn_err err;
    struct job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    /* What is said when the server stops before the job had its turn. */
    bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is stopping");
    job->history.store = hub->store;
    job->history.now_ms = bn_web_clock(req->web)->now_ms;
    bn_text_clip(job->history.tenant, BN_TENANT_MAX, bn_str(req->who.tenant));
    bool ok = tenant || bn_fail(&err, BN_E_NOT_FOUND, "the tenant is gone");
    ok = ok && read_query(req, &job->history, &err);
    if (ok)
        bn_history_copy(&job->history, &tenant->series);
    ok = ok && bn_worker_do(bn_web_query_worker(req->web), &ops, job, &err);
    if (ok)
        return;
    bn_reply_err(req, &err);
    destroy_job(job);
}

const struct bn_route bn_meter_routes[] = {
        {.method = "GET",
                .path = "/api/v1/series",
                .right = BN_RIGHT_READ,
                .handler = bn_api_meter_series,
                .summary = "Names of what was measured in the last hour"},
        {.method = "GET",
                .path = "/api/v1/history",
                .right = BN_RIGHT_READ,
                .handler = bn_api_meter_history,
                .summary = "Points of series over a range of time",
                .query = history_query},
};

const size_t bn_meter_route_count = COUNT(bn_meter_routes);

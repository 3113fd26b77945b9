#include <stdlib.h>
#include <string.h>

#include "web/api_infra.h"
#include "web/guest_right.h"
#include "web/server.h"
#include "wire/csv.h"

#define LIST_BYTES_MAX (1 << 20) /* 50 operations with long sentences */
#define FILE_BYTES_MAX                                                         \
    (48 << 20) /* BN_OPERATIONS_CSV_MAX of them, if all were as long as can be \
                */
#define WORD_MAX   16
#define VMID_MAX   999999999
#define GUESTS_MAX (8 << 20) /* BN_ASSIGNMENTS_MAX of them, all of one person */

#define FILTERS                                                                            \
    "status", "type", "server_id", "target_id", "vmid", "node", "parent_id", "created_by", \
            "created_by_kind", "since", "until"

const char *const bn_operations_query[] = {FILTERS, "page", NULL};
const char *const bn_operations_csv_query[] = {FILTERS, NULL};

/* --- a question to the store ----------------------------------------------------------------- */

struct history_job {
    struct bn_web *web;
    uint64_t ticket;
    struct bn_store *store; /* NULL: nothing is kept */
    char tenant[BN_TENANT_MAX];
    char status[WORD_MAX];
    char type[WORD_MAX];
    char created_by_kind[WORD_MAX];
    char server_id[BN_ID_MAX];
    char target_id[BN_ID_MAX];
    char parent_id[BN_ID_MAX];
    char created_by[BN_ID_MAX];
    char node[64];
    int64_t vmid; /* 0: of any */
    int64_t since_ms;
    int64_t until_ms; /* 0: whenever */
    int64_t page;     /* from 1 */
    bool of_guests;   /* of these only, for somebody who is restricted */
    struct bn_buf guests;
    bool was_read;
    struct bn_err err;
    struct bn_buf file; /* of CSV */
    int64_t total;      /* of a page */
    size_t count;
    struct bn_operation operations[BN_OPERATIONS_PAGE];
};

static struct history_job *job_create(const struct bn_request *req)
{
    struct history_job *job = bn_alloc(sizeof *job);
    job->web = req->web;
    job->ticket = req->ticket;
    job->store = bn_web_hub(req->web)->store;
    job->page = 1;
    memcpy(job->tenant, req->who.tenant, sizeof job->tenant);
    bn_buf_init(&job->file, FILE_BYTES_MAX);
    bn_buf_init(&job->guests, GUESTS_MAX);
    job->of_guests = bn_is_restricted(&req->who);
    if (job->of_guests)
        bn_put_assigned_guests(req, &job->guests);
    return job;
}

static void job_destroy(struct history_job *job)
{
    bn_buf_finish(&job->file);
    bn_buf_finish(&job->guests);
    free(job);
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static struct bn_operation_query query_of(const struct history_job *job)
{
    return (struct bn_operation_query){.tenant = job->tenant,
            .since_ms = job->since_ms,
            .until_ms = job->until_ms,
            .status = or_null(job->status),
            .type = or_null(job->type),
            .server_id = or_null(job->server_id),
            .target_id = or_null(job->target_id),
            .parent_id = or_null(job->parent_id),
            .created_by = or_null(job->created_by),
            .created_by_kind = or_null(job->created_by_kind),
            .vmid = job->vmid,
            .node = or_null(job->node),
            .guests = job->of_guests ? job->guests.p : NULL,
            .skip = (job->page - 1) * BN_OPERATIONS_PAGE};
}

static void start(struct bn_request *req, struct history_job *job, const struct bn_job_ops *ops)
{
    struct bn_err err;
    if (bn_worker_do(bn_web_query_worker(req->web), ops, job, &err))
        return;
    job_destroy(job);
    bn_reply_err(req, &err);
}

static void reply_failed(struct bn_request *req, struct history_job *job)
{
    if (job->err.code == BN_E_OK)
        bn_fail(&job->err, BN_E_UNAVAILABLE, "the server is going down");
    bn_reply_err(req, &job->err);
}

/* --- which ones ------------------------------------------------------------------------------ */

/* A word of that field, or more; "" when it is not asked for. */
static bool read_word(const struct bn_request *req, const char *name, const char *more,
        char out[WORD_MAX], struct bn_err *err)
{
    const struct bn_field *field = bn_field_find(&bn_operation_type, bn_str(name));
    const struct bn_str text = bn_query(req, name, "");
    if (!bn_text_copy(out, WORD_MAX, text))
        return bn_fail_field(err, name, "%s is no word of an operation", name);
    if (!text.len || (more && bn_str_is(text, more)))
        return true;
    for (size_t i = 0; field->words[i]; i++)
        if (bn_str_is(text, field->words[i]))
            return true;
    return bn_fail_field(err, name, "no operation has the %s \"%s\"", name, out);
}

static bool read_ids(const struct bn_request *req, struct history_job *job, struct bn_err *err)
{
    const struct {
        const char *name;
        const char *what;
        char *out;
    } ids[] = {{"server_id", "the id of a server", job->server_id},
            {"target_id", "the id of a target", job->target_id},
            {"parent_id", "the id of a batch", job->parent_id},
            {"created_by", "the name or the id of a user or key", job->created_by}};

    for (size_t i = 0; i < COUNT(ids); i++)
        if (!bn_text_copy(ids[i].out, BN_ID_MAX, bn_query(req, ids[i].name, "")))
            return bn_fail_field(err, ids[i].name, "%s must be %s", ids[i].name, ids[i].what);
    return true;
}

static bool read_time(const struct bn_request *req, const char *name, int64_t *out,
        struct bn_err *err)
{
    const struct bn_str text = bn_query(req, name, "");
    return !text.len || bn_time_parse(text.p, text.len, out) ||
           bn_fail_field(err, name, "%s must be a time like 2026-11-20T20:00:00Z", name);
}

static bool read_query(const struct bn_request *req, const char *const *names,
        struct history_job *job, struct bn_err *err)
{
    const struct bn_str vmid = bn_query(req, "vmid", "");
    if (!bn_query_only(req, names, err) || !read_word(req, "status", "active", job->status, err) ||
            !read_word(req, "type", NULL, job->type, err) ||
            !read_word(req, "created_by_kind", "nobody", job->created_by_kind, err) ||
            !read_ids(req, job, err) || !read_time(req, "since", &job->since_ms, err) ||
            !read_time(req, "until", &job->until_ms, err))
        return false;
    if (vmid.len && !bn_parse_i64(vmid, 1, VMID_MAX, &job->vmid))
        return bn_fail_field(err, "vmid", "vmid must be 1..%d", VMID_MAX);
    if (!bn_text_copy(job->node, sizeof job->node, bn_query(req, "node", "")))
        return bn_fail_field(err, "node", "node must be the name of a node");
    return bn_parse_i64(bn_query(req, "page", "1"), 1, 1000000, &job->page) ||
           bn_fail_field(err, "page", "page must be 1..1000000");
}

/* NULL: req has been answered. */
static struct history_job *job_of(struct bn_request *req, const char *const *names)
{
    struct bn_err err;
    struct history_job *job = job_create(req);
    if (read_query(req, names, job, &err))
        return job;
    job_destroy(job);
    bn_reply_err(req, &err);
    return NULL;
}

/* --- a page ---------------------------------------------------------------------------------- */

static void page_work(void *user)
{
    struct history_job *job = user;
    const struct bn_operation_query query = query_of(job);
    job->count = job->store ? BN_OPERATIONS_PAGE : 0;
    job->was_read = !job->store || bn_store_read_operations(job->store, &query, job->operations,
                                           &job->count, &job->total, &job->err);
}

static void put_page(struct bn_json *json, const struct history_job *job)
{
    bn_json_object(json);
    bn_json_key(json, "operations");
    bn_json_array(json);
    for (size_t i = 0; i < job->count; i++) {
        bn_json_object(json);
        bn_record_json(&bn_operation_type, &job->operations[i], BN_MASK_ALL, BN_ABSENT_NULL, json);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
    bn_json_key(json, "page");
    bn_json_i64(json, job->page);
    bn_json_key(json, "pages");
    bn_json_i64(json, BN_MAX((job->total + BN_OPERATIONS_PAGE - 1) / BN_OPERATIONS_PAGE, 1));
    bn_json_key(json, "total");
    bn_json_i64(json, job->total);
    bn_json_object_end(json);
}

static void page_done(void *user)
{
    struct history_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->was_read) {
        BN_BUF_AUTO out;
        bn_buf_init(&out, LIST_BYTES_MAX);
        struct bn_json json;
        bn_json_init(&json, &out);
        put_page(&json, job);
        bn_reply_json(req, 200, &out);
    } else if (req) {
        reply_failed(req, job);
    }
    job_destroy(job);
}

void bn_operations_list(struct bn_request *req)
{
    static const struct bn_job_ops ops = {page_work, page_done};
    struct history_job *job = job_of(req, bn_operations_query);
    if (job)
        start(req, job, &ops);
}

/* --- a file ---------------------------------------------------------------------------------- */

static void put_cell(struct bn_csv_out *out, const struct bn_field *field,
        const struct bn_operation *operation)
{
    const void *at = (const char *)operation + field->offset;
    int64_t number = 0;
    char time[BN_TIME_TEXT_SIZE];
    if (bn_field_is_unknown(field, operation)) {
        bn_csv_word(out, "");
        return;
    }
    if (field->type == BN_T_TEXT) {
        bn_csv_text(out, bn_str(at));
        return;
    }
    memcpy(&number, at, sizeof number);
    if (field->type == BN_T_ENUM)
        bn_csv_word(out, field->words[number]);
    else if (field->type == BN_T_BOOL)
        bn_csv_word(out, number ? "true" : "false");
    else if (field->type == BN_T_I64)
        bn_csv_i64(out, number);
    else {
        bn_time_text(number, time);
        bn_csv_word(out, time);
    }
}

/* A row for each, with all fields as in JSON; the last column is how long it took. */
static bool put_row(void *user, const struct bn_operation *operation)
{
    struct history_job *job = user;
    struct bn_csv_out out = {.buf = &job->file};
    for (size_t i = 0; i < bn_operation_type.field_count; i++)
        put_cell(&out, &bn_operation_type.fields[i], operation);
    if (bn_operation_is_over(operation))
        bn_csv_i64(&out, operation->completed_at - operation->started_at);
    else
        bn_csv_word(&out, "");
    bn_csv_row_end(&out);
    return bn_buf_ok(&job->file);
}

static void put_header(struct bn_buf *file)
{
    struct bn_csv_out out = {.buf = file};
    for (size_t i = 0; i < bn_operation_type.field_count; i++)
        bn_csv_word(&out, bn_operation_type.fields[i].name);
    bn_csv_word(&out, "duration_ms");
    bn_csv_row_end(&out);
}

/* Row by row on a worker: in memory there is the file alone. */
static void file_work(void *user)
{
    struct history_job *job = user;
    const struct bn_operation_query query = query_of(job);
    const struct bn_operation_walk walk = {BN_OPERATIONS_CSV_MAX, put_row, job};
    put_header(&job->file);
    job->was_read = !job->store || bn_store_walk_operations(job->store, &query, &walk, &job->err);
    if (job->was_read && !bn_buf_ok(&job->file))
        job->was_read = bn_fail(&job->err, BN_E_TOO_BIG, "the file grew beyond %d MiB",
                FILE_BYTES_MAX >> 20);
    if (!job->was_read && job->err.code == BN_E_TOO_BIG)
        (void)!bn_fail(&job->err, BN_E_TOO_BIG,
                "more than %d operations do not go into one file: "
                "narrow it with since and until",
                BN_OPERATIONS_CSV_MAX);
}

static void file_done(void *user)
{
    struct history_job *job = user;
    struct bn_request *req = bn_request_find(job->web, job->ticket);
    if (req && job->was_read) {
        bn_reply_field(req, "Content-Disposition",
                "attachment; filename=\"binnacle-operations.csv\"");
        bn_reply(req, 200, "text/csv; charset=utf-8", bn_buf_str(&job->file));
    } else if (req) {
        reply_failed(req, job);
    }
    job_destroy(job);
}

void bn_operations_csv(struct bn_request *req)
{
    static const struct bn_job_ops ops = {file_work, file_done};
    struct history_job *job = job_of(req, bn_operations_csv_query);
    if (job)
        start(req, job, &ops);
}

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "web/api_import.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/web_private.h"

#define ANSWER_MAX (128 << 10) /* 16 results */

/* Rows of one question that are being tried. */
struct trial {
    struct bn_web *web;
    uint64_t ticket;
    bool is_list; /* asked for by indexes: answered as a list */
    size_t waiting;
    struct bn_buf body;
    struct bn_json json;
};

struct attempt {
    struct trial *trial;
    size_t index;
};

/* --- the answer ------------------------------------------------------------------------------ */

static void begin_answer(struct trial *trial)
{
    bn_buf_init(&trial->body, ANSWER_MAX);
    bn_json_init(&trial->json, &trial->body);
    if (!trial->is_list)
        return;
    bn_json_object(&trial->json);
    bn_json_key(&trial->json, "results");
    bn_json_array(&trial->json);
}

static void one_less(struct trial *trial)
{
    if (--trial->waiting > 0)
        return;
    struct bn_request *req = bn_request_find(trial->web, trial->ticket);
    if (trial->is_list) {
        bn_json_array_end(&trial->json);
        bn_json_object_end(&trial->json);
    }
    if (req)
        bn_reply_json(req, 200, &trial->body);
    bn_buf_finish(&trial->body);
    free(trial);
}

/* result is an object: the row's number goes before its members. */
static void put_result(struct trial *trial, size_t index, struct bn_str result)
{
    if (!trial->is_list) {
        bn_json_raw(&trial->json, result.p, result.len);
        return;
    }
    BN_BUF_AUTO whole;
    bn_buf_init(&whole, ANSWER_MAX);
    bn_buf_printf(&whole, "{\"index\":%zu,", index);
    bn_buf_put(&whole, result.p + 1, result.len - 1);
    bn_json_raw(&trial->json, whole.p, whole.len);
}

static void on_result(void *user, struct bn_str result)
{
    struct attempt *attempt = user;
    struct trial *trial = attempt->trial;
    trial->web->tests_running--;
    put_result(trial, attempt->index, result);
    free(attempt);
    one_less(trial);
}

/* What stops one row of a list stops no other. */
static void put_refusal(struct trial *trial, size_t index, const struct bn_err *err)
{
    struct bn_json *json = &trial->json;
    bn_json_object(json);
    bn_json_key(json, "index");
    bn_json_i64(json, (int64_t)index);
    bn_json_key(json, "success");
    bn_json_bool(json, false);
    bn_json_key(json, "error");
    bn_json_text(json, err->text);
    bn_json_key(json, "error_class");
    bn_json_text(json, bn_code_word(err->code));
    bn_json_object_end(json);
}

/* --- the question ---------------------------------------------------------------------------- */

static const struct bn_import_row *find_row(const struct bn_import *import, size_t index,
        struct bn_err *err)
{
    for (size_t i = 0; i < import->count; i++)
        if (import->rows[i].index == index)
            return &import->rows[i];
    bn_fail_field(err, "index", "the file has no data row %zu", index);
    return NULL;
}

/* The server of the row as it would be, its token sealed. That its place is another row's as well
   is no reason not to try it. */
static bool take_row(const struct bn_request *req, const struct bn_import *import,
        const struct bn_import_row *row, struct bn_server *out, struct bn_err *err)
{
    for (size_t i = 0; i < row->note_count; i++) {
        const struct bn_import_note *note = &import->notes[row->note_at + i];
        if (note->is_warning || (row->state == BN_IMPORT_DUPLICATE && row->duplicate_of >= 0))
            continue;
        *err = note->err;
        return false;
    }
    *out = row->server;
    if (!row->other)
        bn_text_clip(out->id, sizeof out->id, BN_STR("test"));
    return !row->token[0] || bn_server_seal(req, row->token, out, err);
}

static bool begin_one(struct bn_request *req, const struct bn_import *import, size_t index,
        struct trial *trial, struct bn_err *err)
{
    struct bn_server server;
    const struct bn_import_row *row = find_row(import, index, err);
    if (!row || !take_row(req, import, row, &server, err))
        return false;
    struct attempt *attempt = bn_alloc(sizeof *attempt);
    *attempt = (struct attempt){trial, index};
    const struct bn_server_test then = {on_result, attempt};
    if (!bn_server_test_begin(req, &server, server.connection_timeout_ms, &then, err)) {
        free(attempt);
        return false;
    }
    req->web->tests_running++;
    trial->waiting++;
    return true;
}

/* False: req has been answered. */
static bool may_begin(struct bn_request *req, size_t count)
{
    struct bn_err err;
    const char *who = req->who.user_id[0] ? req->who.user_id : req->who.key_id;
    if (req->web->tests_running + count > BN_IMPORT_TESTS_RUNNING) {
        bn_fail(&err, BN_E_TOO_MANY, "%zu rows are being tried already: try again in a second",
                req->web->tests_running);
        bn_reply_field(req, "Retry-After", "1");
        bn_reply_err(req, &err);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!bn_may_try(req, BN_TRY_IMPORT, bn_str(who), "trying the rows of a file"))
            return false;
    return true;
}

static void try_rows(struct bn_request *req, const struct bn_import_ask *ask)
{
    struct trial *trial = bn_alloc(sizeof *trial);
    struct bn_err err = {.code = BN_E_OK};
    *trial = (struct trial){.web = req->web,
            .ticket = req->ticket,
            .is_list = ask->is_list,
            .waiting = 1};
    begin_answer(trial);
    for (size_t i = 0; i < ask->index_count; i++)
        if (!begin_one(req, &ask->import, ask->indexes[i], trial, &err) && trial->is_list)
            put_refusal(trial, ask->indexes[i], &err);
    if (!trial->is_list && trial->waiting == 1) {
        bn_reply_err(req, &err);
        trial->ticket = 0;
    }
    one_less(trial);
}

void bn_servers_import_test(struct bn_request *req)
{
    struct bn_import_ask *ask = bn_alloc(sizeof *ask);
    struct bn_err err;
    bool is_good = bn_import_ask_read(req, true, ask, &err);
    ask->import.on_duplicate = BN_DUPLICATE_UPDATES; /* a kept token goes to no other place */
    if (!is_good || !bn_import_judge(req, &ask->import, &err))
        bn_reply_err(req, &err);
    else if (may_begin(req, ask->index_count))
        try_rows(req, ask);
    bn_import_ask_finish(ask);
    free(ask);
}

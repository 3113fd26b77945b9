#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/batch.h"
#include "web/api_dispatch.h"
#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/api_targets.h"
#include "web/server.h"

#define BODY_MAX   (32 << 10) /* BN_BATCH_TARGETS_MAX ids */
#define ANSWER_MAX (256 << 10)

static void batch_begin(struct bn_request *req);

struct bn_batch_form {
    struct bn_operate_form one;
    char target_ids[8]; /* never filled: BN_F_IDS */
    int64_t concurrency;
};

static const struct bn_field batch_fields[] = {
        BN_FIELD_AS(struct bn_batch_form, one.type, "type", BN_T_ENUM, .flags = BN_F_REQUIRED,
                .words = bn_operate_words, .doc = "what to do on each"),
        BN_FIELD_AS(struct bn_batch_form, one.service, "params.service", BN_T_TEXT,
                .doc = "which service; left out: each target's own"),
        BN_FIELD_AS(struct bn_batch_form, one.command, "params.command", BN_T_TEXT,
                .doc = "of a command: what runs there, one line or several"),
        BN_FIELD(struct bn_batch_form, target_ids, BN_T_TEXT, .flags = BN_F_IDS | BN_F_REQUIRED,
                .doc = "on which targets, each once"),
        BN_FIELD(struct bn_batch_form, concurrency, BN_T_I64, .min = 1, .max = BN_BATCH_AT_ONCE_MAX,
                .doc = "on so many at once; 8"),
};

static const struct bn_record_type batch_form_type = {
        .name = "batch_form",
        .size = sizeof(struct bn_batch_form),
        .fields = batch_fields,
        .field_count = COUNT(batch_fields),
};

const struct bn_route bn_batch_routes[] = {
        {.method = "POST",
                .path = "/api/v1/operations/batch",
                .right = BN_RIGHT_OPERATE,
                .handler = batch_begin,
                .body_max = BODY_MAX,
                .summary = "Do the same on many targets: one operation whose children are under "
                           "parent_id of the list",
                .takes = &batch_form_type},
};

const size_t bn_batch_route_count = COUNT(bn_batch_routes);

/* --- what is wanted -------------------------------------------------------------------------- */

/* A batch that somebody waits for. */
struct asked {
    struct bn_web *web;
    uint64_t ticket;
    char tenant[BN_TENANT_MAX];
    char address[48];
    char actor[64];
    struct bn_batch_item *items;
    size_t count;
};

static void asked_destroy(struct asked *asked)
{
    free(asked->items);
    free(asked);
}

static struct asked *asked_create(const struct bn_request *req, size_t most)
{
    struct asked *asked = bn_alloc(sizeof *asked);
    asked->web = req->web;
    asked->ticket = req->ticket;
    asked->items = bn_alloc_array(most, sizeof *asked->items);
    memcpy(asked->tenant, req->who.tenant, sizeof asked->tenant);
    bn_text_clip(asked->address, sizeof asked->address, bn_str(req->address));
    bn_text_clip(asked->actor, sizeof asked->actor, bn_str(req->who.name));
    return asked;
}

static bool is_taken(const struct asked *asked, const char *id)
{
    for (size_t i = 0; i < asked->count; i++)
        if (strcmp(asked->items[i].target_id, id) == 0)
            return true;
    return false;
}

/* One that cannot be done says so of itself; the others are done. */
static void judge(const struct bn_request *req, const struct bn_operate_form *form,
        struct bn_batch_item *item)
{
    struct bn_err err;
    item->target = bn_target_with_id(req, bn_str(item->target_id), &err);
    if (item->target && bn_operate_wish(req, item->target, form, &item->wanted, &err))
        return;
    item->target = NULL;
    bn_text_clip(item->message, sizeof item->message, bn_str(err.text));
}

static bool take_ids(const struct bn_request *req, const struct bn_batch_form *form,
        const struct bn_doc *ids, struct asked *asked, struct bn_err *err)
{
    const size_t count = bn_doc_count(ids);
    for (size_t i = 0; i < count; i++) {
        struct bn_str id;
        struct bn_batch_item *item = &asked->items[asked->count];
        if (!bn_doc_get_text(bn_doc_item(ids, i), &id) ||
                !bn_text_copy(item->target_id, sizeof item->target_id, id) || !id.len)
            return bn_fail_field(err, "target_ids", "target_ids must be a list of ids");
        if (is_taken(asked, item->target_id))
            return bn_fail_field(err, "target_ids", "target_ids names \"%.90s\" twice",
                    item->target_id);
        judge(req, &form->one, item);
        asked->count++;
    }
    return true;
}

/* NULL: err says which field is wrong. */
static struct asked *read_body(const struct bn_request *req, struct bn_batch_form *form,
        struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    uint64_t given = 0;
    bn_record_clear(&batch_form_type, form);
    form->concurrency = BN_BATCH_AT_ONCE;
    if (!bn_doc_parse(req->body, &doc, err) ||
            !bn_record_read(&batch_form_type, doc, form, &given, err) ||
            !bn_record_check(&batch_form_type, form, err))
        return NULL;
    if (form->concurrency == BN_UNKNOWN)
        form->concurrency = BN_BATCH_AT_ONCE;
    const struct bn_doc *ids = bn_doc_at(doc, "target_ids");
    const size_t count = ids ? bn_doc_count(ids) : 0;
    if (count < 1 || count > BN_BATCH_TARGETS_MAX) {
        bn_fail_field(err, "target_ids", "target_ids must be a list of 1 to %d ids",
                BN_BATCH_TARGETS_MAX);
        return NULL;
    }
    struct asked *asked = asked_create(req, count);
    if (take_ids(req, form, ids, asked, err))
        return asked;
    asked_destroy(asked);
    return NULL;
}

/* --- what is answered ------------------------------------------------------------------------ */

static void put_text(struct bn_json *json, const char *name, const char *text)
{
    bn_json_key(json, name);
    if (text[0])
        bn_json_text(json, text);
    else
        bn_json_null(json);
}

static void put_item(struct bn_json *json, const struct bn_batch_item *item)
{
    static const char *const words[] = {[BN_BATCH_REFUSED] = "refused",
            [BN_BATCH_STARTED] = "started",
            [BN_BATCH_RUNNING] = "already_running"};
    bn_json_object(json);
    put_text(json, "target_id", item->target_id);
    put_text(json, "operation_id", item->id);
    put_text(json, "status", words[item->fate]);
    put_text(json, "message", item->message);
    bn_json_object_end(json);
}

static void put_error(struct bn_json *json, const struct bn_request *req, const struct bn_err *err)
{
    bn_json_key(json, "error");
    bn_json_object(json);
    put_text(json, "code", bn_code_word(err->code));
    put_text(json, "message", err->text);
    put_text(json, "request_id", req->id);
    bn_json_object_end(json);
}

/* err: none could begin, and each says why. */
static void reply(struct bn_request *req, const struct asked *asked, const char *id,
        const struct bn_err *err)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, ANSWER_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    if (err)
        put_error(&json, req, err);
    put_text(&json, "operation_id", id);
    bn_json_key(&json, "targets");
    bn_json_array(&json);
    for (size_t i = 0; i < asked->count; i++)
        put_item(&json, &asked->items[i]);
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    bn_reply_json(req, err ? 409 : 202, &out);
}

/* The batch, and each command that it will send. */
static void note(const struct asked *asked, const struct bn_operation *batch,
        const struct bn_err *err)
{
    char action[32];
    char detail[200];
    snprintf(action, sizeof action, "target.%s", batch->action);
    snprintf(detail, sizeof detail, "%lld at once, %.100s", (long long)batch->concurrency,
            batch->id);
    bn_audit_deed(asked->web, asked->tenant, asked->address,
            &(struct bn_deed){.actor = asked->actor,
                    .action = "operation.batch",
                    .object = batch->subject,
                    .detail = err ? err->text : detail,
                    .ok = !err});
    for (size_t i = 0; !err && i < asked->count; i++)
        if (asked->items[i].fate == BN_BATCH_STARTED)
            bn_audit_deed(asked->web, asked->tenant, asked->address,
                    &(struct bn_deed){.actor = asked->actor,
                            .action = action,
                            .object = asked->items[i].wanted.subject,
                            .detail = asked->items[i].wanted.command,
                            .ok = true});
}

static void on_begun(void *user, const struct bn_operation *batch, const struct bn_err *err)
{
    struct asked *asked = user;
    struct bn_request *req = bn_request_find(asked->web, asked->ticket);
    note(asked, batch, err);
    if (req && err)
        bn_reply_err(req, err);
    else if (req)
        reply(req, asked, batch->id, NULL);
    asked_destroy(asked);
}

static void fill(const struct bn_request *req, const struct asked *asked,
        const struct bn_batch_form *form, struct bn_operation *out)
{
    static const char *const verbs[] = {"restart", "status", "test", "logs", "command"};
    const char *service = form->one.service;
    bn_record_clear(&bn_operation_type, out);
    bn_text_clip(out->action, sizeof out->action, bn_str(verbs[form->one.type]));
    bn_text_clip(out->object, sizeof out->object, bn_str(service));
    snprintf(out->subject, sizeof out->subject, "%.100s%s%zu target%s", service,
            service[0] ? " on " : "", asked->count, asked->count == 1 ? "" : "s");
    out->concurrency = form->concurrency;
    bn_operation_made_by(req, out);
}

static void batch_begin(struct bn_request *req)
{
    struct bn_batch_form form;
    struct bn_operation wanted;
    struct bn_err err;
    struct asked *asked = read_body(req, &form, &err);
    if (!asked) {
        bn_reply_err(req, &err);
        return;
    }
    if (!bn_operate_is_possible(req)) {
        asked_destroy(asked);
        return;
    }
    fill(req, asked, &form, &wanted);
    const struct bn_batch_order order = {.tenant = asked->tenant,
            .wanted = &wanted,
            .items = asked->items,
            .count = asked->count,
            .begun = on_begun,
            .user = asked};
    if (bn_batch_do(bn_web_parts(req->web)->batches, &order, &err))
        return;
    if (err.code == BN_E_CONFLICT)
        reply(req, asked, "", &err);
    else
        bn_reply_err(req, &err);
    asked_destroy(asked);
}

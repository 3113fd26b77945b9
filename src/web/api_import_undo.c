#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/api_import.h"
#include "web/api_people.h"
#include "web/many.h"
#include "web/undo.h"
#include "web/web_private.h"

#define ANSWER_MAX (2 << 20) /* 1,000 names */

struct taking_back {
    struct bn_web *web;
    char tenant[BN_TENANT_MAX];
    char id[BN_UNDO_ID_SIZE];
};

static void on_taken_back(void *user, const struct bn_err *err)
{
    struct taking_back *back = user;
    struct bn_undo *undo = bn_undos_find(back->web->undos, back->tenant, bn_str(back->id),
            bn_web_clock(back->web)->mono_ms);
    if (undo && err)
        undo->is_under_way = false; /* it can be asked for again */
    else if (undo)
        bn_undos_remove(back->web->undos, undo);
    free(back);
}

/* Why this row is left as it is; NULL: it is as the import left it. */
static const char *why_left(const struct bn_undo_row *row, const struct bn_server *now)
{
    if (!now)
        return "was removed since";
    return bn_undo_is_unchanged(row, now) ? NULL : "was changed since";
}

static bool ask_row(struct bn_many *many, const struct bn_undo *undo, const struct bn_undo_row *row,
        const struct bn_server *now, struct bn_err *err)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SERVER, undo->tenant);
    fact.op = row->was_there ? BN_PUT : BN_GONE;
    fact.u.server = row->was_there ? undo->befores[row->before] : *now;
    return bn_many_ask(many, &fact, err);
}

static void put_left(struct bn_json *json, const struct bn_undo_row *row, const char *why)
{
    bn_json_object(json);
    bn_json_key(json, "id");
    bn_json_text(json, row->id);
    bn_json_key(json, "name");
    bn_json_text(json, row->name);
    bn_json_key(json, "why");
    bn_json_text(json, why);
    bn_json_object_end(json);
}

static void note(const struct bn_request *req, size_t removed, size_t restored, size_t left)
{
    char detail[160];
    snprintf(detail, sizeof detail, "%zu removed, %zu restored, %zu left", removed, restored, left);
    bn_audit_request(req, &(struct bn_deed){.action = "server.import.undo",
                                  .object = "an import",
                                  .detail = detail,
                                  .ok = true});
}

static void take_back(struct bn_request *req, struct bn_undo *undo)
{
    struct bn_many *many = bn_many_create(req, "nothing was taken back", ANSWER_MAX);
    struct taking_back *back = bn_alloc(sizeof *back);
    struct bn_json json;
    size_t counts[2] = {0, 0}; /* removed, restored */
    back->web = req->web;
    memcpy(back->tenant, undo->tenant, sizeof back->tenant);
    memcpy(back->id, undo->id, sizeof back->id);
    many->done = on_taken_back;
    many->user = back;
    undo->is_under_way = true;
    bn_json_init(&json, &many->body);
    bn_json_object(&json);
    bn_json_key(&json, "left");
    bn_json_array(&json);
    for (size_t i = 0; i < undo->count; i++) {
        const struct bn_undo_row *row = &undo->rows[i];
        const struct bn_server *now = bn_live_get_newest(&bn_web_hub(req->web)->live, undo->tenant,
                BN_KIND_SERVER, row->id);
        struct bn_err err;
        const char *why = why_left(row, now);
        if (!why && !ask_row(many, undo, row, now, &err))
            why = err.text;
        if (why)
            put_left(&json, row, why);
        else
            counts[row->was_there]++;
    }
    bn_json_array_end(&json);
    bn_json_key(&json, "removed");
    bn_json_i64(&json, (int64_t)counts[0]);
    bn_json_key(&json, "restored");
    bn_json_i64(&json, (int64_t)counts[1]);
    bn_json_object_end(&json);
    note(req, counts[0], counts[1], undo->count - counts[0] - counts[1]);
    bn_many_end(many);
}

static bool may_take_back(const struct bn_request *req, const struct bn_undo *undo,
        struct bn_err *err)
{
    const char *who = req->who.user_id[0] ? req->who.user_id : req->who.key_id;
    if (undo->is_under_way)
        return bn_fail(err, BN_E_CONFLICT, "this import is being taken back already");
    return strcmp(undo->who, who) == 0 || bn_who_may(&req->who, BN_RIGHT_ADMIN) ||
           bn_fail(err, BN_E_FORBIDDEN,
                   "only who imported it or an administrator may take an import back");
}

void bn_servers_import_undo(struct bn_request *req)
{
    struct bn_err err;
    struct bn_undo *undo = bn_undos_find(req->web->undos, req->who.tenant, req->params[0],
            bn_web_clock(req->web)->mono_ms);
    if (!undo)
        bn_fail(&err, BN_E_NOT_FOUND,
                "there is nothing to take back: it was done, its ten minutes are over, newer "
                "imports took its place, or the server was restarted");
    if (!undo || !may_take_back(req, undo, &err))
        bn_reply_err(req, &err);
    else
        take_back(req, undo);
}

#include "web/api_targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/forms.h"
#include "web/late.h"
#include "web/target_form.h"

#define FORM_MAX       16384     /* a key of 4 KiB and texts, escaped */
#define LIST_BYTES_MAX (4 << 20) /* 1,000 targets with long texts */

static void targets_list(struct bn_request *req);
static void target_add(struct bn_request *req);
static void target_change(struct bn_request *req);
static void target_remove(struct bn_request *req);

const struct bn_route bn_target_routes[] = {
        {.method = "GET",
                .path = "/api/v1/targets",
                .right = BN_RIGHT_READ,
                .handler = targets_list,
                .summary = "Machines to act on over SSH, newest first; topic work.targets is the "
                           "same, live"},
        {.method = "POST",
                .path = "/api/v1/targets",
                .right = BN_RIGHT_OPERATE,
                .handler = target_add,
                .body_max = FORM_MAX,
                .summary = "Add a target; its password or key is sealed and never shown again",
                .takes = &bn_target_form_type,
                .gives = &bn_target_type},
        {.method = "PATCH",
                .path = "/api/v1/targets/{id}",
                .right = BN_RIGHT_OPERATE,
                .handler = target_change,
                .body_max = FORM_MAX,
                .summary = "Change a target, or confirm its host key; a password must be given "
                           "again for another place",
                .takes = &bn_target_change_form_type,
                .gives = &bn_target_type},
        {.method = "DELETE",
                .path = "/api/v1/targets/{id}",
                .right = BN_RIGHT_ADMIN,
                .handler = target_remove,
                .summary = "Remove a target; its operations stay in the history"},
};

const size_t bn_target_route_count = COUNT(bn_target_routes);

/* --- listing --------------------------------------------------------------------------------- */

const struct bn_target *bn_target_with_id(const struct bn_request *req, struct bn_str id,
        struct bn_err *err)
{
    char text[BN_ID_MAX];
    const struct bn_target *target = NULL;
    if (bn_text_copy(text, sizeof text, id))
        target = bn_live_get_newest(&bn_web_hub(req->web)->live, req->who.tenant, BN_KIND_TARGET,
                text);
    if (!target)
        bn_fail(err, BN_E_NOT_FOUND, "there is no such target");
    return target;
}

static void put_target(struct bn_json *json, const struct bn_target *target)
{
    bn_json_object(json);
    bn_record_json(&bn_target_type, target, BN_MASK_ALL, BN_ABSENT_NULL, json);
    bn_json_object_end(json);
}

static int newest_first(const void *a, const void *b)
{
    const struct bn_target *one = *(const struct bn_target *const *)a;
    const struct bn_target *other = *(const struct bn_target *const *)b;
    if (one->created_at != other->created_at)
        return one->created_at > other->created_at ? -1 : 1;
    return strcmp(one->id, other->id);
}

static void targets_list(struct bn_request *req)
{
    const struct bn_tenant_live *tenant = bn_live_find(&bn_web_hub(req->web)->live,
            req->who.tenant);
    const struct bn_table *table = &tenant->tables[BN_KIND_TARGET];
    const struct bn_target **targets = bn_alloc((table->count + 1) * sizeof *targets);
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    size_t count = 0;
    bn_table_each(row, table) targets[count++] = (const void *)row->record;
    qsort(targets, count, sizeof *targets, newest_first);
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "targets");
    bn_json_array(&json);
    for (size_t i = 0; i < count; i++)
        put_target(&json, targets[i]);
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    free(targets);
    bn_reply_json(req, 200, &out);
}

/* --- adding and changing --------------------------------------------------------------------- */

static void note(const struct bn_request *req, const char *action, const struct bn_target *target,
        const char *detail)
{
    bn_audit_request(req, &(struct bn_deed){.action = action,
                                  .object = target->name,
                                  .detail = detail,
                                  .ok = true});
}

/* The pieces from `from` on, of a key there is not any more. */
static void drop_parts(const struct bn_request *req, const struct bn_target *target, int64_t from)
{
    for (int64_t i = from; i < target->key_parts; i++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_TARGET_KEY, req->who.tenant);
        fact.op = BN_GONE;
        bn_target_key_id(target->id, i, fact.u.target_key.id);
        bn_hub_tell(bn_web_hub(req->web), &fact);
    }
}

/* In the same turn as the target itself, so that the store keeps them together. */
static void tell_parts(const struct bn_request *req, struct bn_target_entry *entry)
{
    for (int64_t i = 0; i < entry->target.key_parts; i++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_TARGET_KEY, req->who.tenant);
        fact.u.target_key = entry->parts[i];
        bn_hub_tell(bn_web_hub(req->web), &fact);
    }
}

/* False: req has been answered. */
static bool keep(struct bn_request *req, int status, struct bn_target_entry *entry)
{
    const struct bn_target *before = entry->before;
    struct bn_fact fact;
    struct bn_late *late = bn_late_create(req, status);
    struct bn_json json;
    bn_fact_init(&fact, BN_KIND_TARGET, req->who.tenant);
    fact.u.target = entry->target;
    bn_json_init(&json, &late->body);
    put_target(&json, &fact.u.target);
    const struct bn_target was = before ? *before : (struct bn_target){0};
    if (!bn_late_ask(req, late, &fact))
        return false;
    if (entry->has_key)
        tell_parts(req, entry);
    if (before && (entry->has_key || !entry->target.key_parts))
        drop_parts(req, &was, entry->target.key_parts);
    return true;
}

static void target_add(struct bn_request *req)
{
    struct bn_target_form form;
    struct bn_target_entry entry;
    struct bn_err err;
    uint64_t given = 0;
    uint8_t id[16];
    char detail[400];
    if (!bn_form_read(req, &bn_target_form_type, &form, &given))
        return;
    struct bn_target *target = &entry.target;
    bn_target_set_defaults(target);
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, target->id);
    bn_text_clip(target->created_by, sizeof target->created_by, bn_str(req->who.name));
    target->created_at = target->updated_at = bn_web_clock(req->web)->now_ms;
    entry.before = NULL;
    if (!bn_target_take_form(req, &bn_target_form_type, &form, given, &entry, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    snprintf(detail, sizeof detail, "%s@%s:%lld, %s", target->username, target->host,
            (long long)target->port, bn_platform_word(target->platform));
    if (keep(req, 201, &entry))
        note(req, "target.add", target, detail);
}

/* The names of what differs; of the host key also the values, which are no secrets. */
static void list_changes(const struct bn_target *before, const struct bn_target *after, char *out,
        size_t size)
{
    const uint64_t mask = bn_record_diff(&bn_target_type, before, after);
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < bn_target_type.field_count; i++) {
        const struct bn_field *field = &bn_target_type.fields[i];
        const bool is_secret = (field->flags & BN_F_SECRET) != 0;
        if (!(mask & BN_BIT(i)) || ((field->flags & BN_F_FIXED) && !is_secret))
            continue;
        const int n = snprintf(out + len, size - len, "%s%s", len ? ", " : "", field->name);
        len = BN_MIN(len + (size_t)n, size - 1);
    }
    if (strcmp(before->host_key, after->host_key) != 0)
        snprintf(out + len, size - len, " (%s, now %s)",
                before->host_key[0] ? before->host_key : "none",
                after->host_key[0] ? after->host_key : "none");
}

static void target_change(struct bn_request *req)
{
    struct bn_target_form form;
    struct bn_target_entry entry;
    struct bn_err err;
    uint64_t given = 0;
    char detail[400];
    const struct bn_target *before = bn_target_with_id(req, req->params[0], &err);
    if (!before) {
        bn_reply_err(req, &err);
        return;
    }
    if (!bn_form_read(req, &bn_target_change_form_type, &form, &given))
        return;
    entry.target = *before;
    entry.target.updated_at = bn_web_clock(req->web)->now_ms;
    entry.before = before;
    if (!bn_target_take_form(req, &bn_target_change_form_type, &form, given, &entry, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    list_changes(before, &entry.target, detail, sizeof detail);
    if (keep(req, 200, &entry))
        note(req, "target.change", &entry.target, detail);
}

static void target_remove(struct bn_request *req)
{
    struct bn_err err;
    struct bn_fact fact;
    char detail[400];
    const struct bn_target *target = bn_target_with_id(req, req->params[0], &err);
    if (!target) {
        bn_reply_err(req, &err);
        return;
    }
    bn_fact_init(&fact, BN_KIND_TARGET, req->who.tenant);
    fact.op = BN_GONE;
    fact.u.target = *target;
    snprintf(detail, sizeof detail, "%s@%s:%lld", target->username, target->host,
            (long long)target->port);
    if (!bn_late_ask(req, bn_late_create(req, 204), &fact))
        return;
    drop_parts(req, &fact.u.target, 0);
    note(req, "target.delete", &fact.u.target, detail);
}

#include <stdlib.h>
#include <string.h>

#include "web/api_infra.h"
#include "web/api_people.h"
#include "web/late.h"
#include "web/server.h"

#define LIST_BYTES_MAX (32 << 20) /* BN_ALERTS_MAX with long sentences */

const char *const bn_alerts_query[] = {"state", NULL};

static int newest_first(const void *a, const void *b)
{
    const struct bn_alert *left = *(const struct bn_alert *const *)a;
    const struct bn_alert *right = *(const struct bn_alert *const *)b;
    if (left->fired_at != right->fired_at)
        return left->fired_at < right->fired_at ? 1 : -1;
    return strcmp(left->id, right->id);
}

/* BN_UNKNOWN: any state. */
static bool read_state(const struct bn_request *req, int64_t *out, struct bn_err *err)
{
    const struct bn_str text = bn_query(req, "state", "");
    if (!bn_query_only(req, bn_alerts_query, err))
        return false;
    if (!text.len)
        *out = BN_UNKNOWN;
    else if (bn_str_is(text, "firing"))
        *out = BN_ALERT_FIRING;
    else if (bn_str_is(text, "resolved"))
        *out = BN_ALERT_RESOLVED;
    else
        return bn_fail_field(err, "state", "state must be firing or resolved");
    return true;
}

void bn_alerts_list(struct bn_request *req)
{
    const struct bn_table *table =
            &bn_live_find(&bn_web_hub(req->web)->live, req->who.tenant)->tables[BN_KIND_ALERT];
    struct bn_err err;
    int64_t state = BN_UNKNOWN;
    size_t count = 0;
    if (!read_state(req, &state, &err)) {
        bn_reply_err(req, &err);
        return;
    }
    const struct bn_alert **alerts = bn_alloc((table->count + 1) * sizeof *alerts);
    bn_table_each(row, table)
    {
        const struct bn_alert *alert = (const void *)row->record;
        if (state == BN_UNKNOWN || alert->state == state)
            alerts[count++] = alert;
    }
    qsort(alerts, count, sizeof *alerts, newest_first);
    BN_BUF_AUTO out;
    bn_buf_init(&out, LIST_BYTES_MAX);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_json_key(&json, "alerts");
    bn_json_array(&json);
    for (size_t i = 0; i < count; i++) {
        bn_json_object(&json);
        bn_record_json(&bn_alert_type, alerts[i], BN_MASK_ALL, BN_ABSENT_NULL, &json);
        bn_json_object_end(&json);
    }
    bn_json_array_end(&json);
    bn_json_object_end(&json);
    free(alerts);
    bn_reply_json(req, 200, &out);
}

/* --- one is known ---------------------------------------------------------------------------- */

/* NULL: there is none that could be dismissed, and why. */
static const struct bn_alert *to_dismiss(const struct bn_request *req, struct bn_err *err)
{
    char id[BN_ID_MAX];
    const struct bn_alert *alert = NULL;
    if (bn_text_copy(id, sizeof id, req->params[0]))
        alert = bn_live_get(&bn_web_hub(req->web)->live, req->who.tenant, BN_KIND_ALERT, id);
    if (!alert)
        bn_fail(err, BN_E_NOT_FOUND, "there is no such alert");
    else if (alert->state == BN_ALERT_RESOLVED)
        bn_fail(err, BN_E_CONFLICT, "this alert is over");
    else
        return alert;
    return NULL;
}

void bn_alert_dismiss(struct bn_request *req)
{
    struct bn_err err;
    struct bn_fact fact;
    const struct bn_alert *alert = to_dismiss(req, &err);
    if (!alert) {
        bn_reply_err(req, &err);
        return;
    }
    if (alert->dismissed_at) { /* the first who knew stays named */
        bn_reply_empty(req, 204);
        return;
    }
    bn_fact_init(&fact, BN_KIND_ALERT, req->who.tenant);
    fact.u.alert = *alert;
    fact.u.alert.dismissed_at = bn_web_hub(req->web)->clock->now_ms;
    bn_text_clip(fact.u.alert.dismissed_by, sizeof fact.u.alert.dismissed_by,
            bn_str(req->who.name));
    if (bn_late_ask(req, bn_late_create(req, 204), &fact))
        bn_audit_request(req, &(struct bn_deed){.action = "alert.dismiss",
                                      .object = fact.u.alert.subject,
                                      .detail = fact.u.alert.message,
                                      .ok = true});
}

#include <stdlib.h>
#include <string.h>

#include "web/api_infra.h"
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

#include "live/summary.h"
#include "web/api_infra.h"

void bn_summary_show(struct bn_request *req)
{
    struct bn_live *live = &bn_web_hub(req->web)->live;
    const struct bn_summary *known = bn_live_get(live, req->who.tenant, BN_KIND_SUMMARY, "all");
    struct bn_summary summary;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    struct bn_json json;
    bn_json_init(&json, &out);
    if (known) {
        summary = *known;
    } else {
        bn_summary_count(bn_live_find(live, req->who.tenant), &summary);
        summary.updated_at = bn_web_clock(req->web)->now_ms;
    }
    bn_json_object(&json);
    bn_record_json(&bn_summary_type, &summary, BN_MASK_ALL, BN_ABSENT_NULL, &json);
    bn_json_object_end(&json);
    bn_reply_json(req, 200, &out);
}

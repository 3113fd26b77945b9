#include <stdio.h>
#include <string.h>

#include "web/live.h"

#define STATE_BYTES_MAX (64 << 20)

const char *const bn_live_state_query[] = {"topic", "since", "wait", "tenant", NULL};

static void reply_value(struct bn_request *req, struct bn_topic *topic)
{
    struct bn_bytes *value = bn_topic_value(topic);
    char etag[64];
    snprintf(etag, sizeof etag, "\"%s.%llu\"", topic->epoch, (unsigned long long)topic->seq);
    bn_reply_field(req, "ETag", etag);
    bn_reply_field(req, "Cache-Control", "no-cache");
    if (bn_request_knows(req, etag)) {
        bn_reply_empty(req, 304);
        return;
    }
    BN_BUF_AUTO out;
    bn_buf_init(&out, STATE_BYTES_MAX);
    bn_buf_printf(&out, "{\"e\":\"%s\",\"s\":%llu,\"v\":", topic->epoch,
            (unsigned long long)topic->seq);
    bn_buf_put(&out, value->p, value->len);
    bn_buf_puts(&out, "}\n");
    bn_reply_json(req, 200, &out);
}

static void reply_patch(struct bn_request *req, struct bn_topic *topic, uint64_t after)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, STATE_BYTES_MAX);
    bn_buf_printf(&out, "{\"e\":\"%s\",\"s\":%llu,\"from\":%llu,\"p\":", topic->epoch,
            (unsigned long long)topic->seq, (unsigned long long)after);
    struct bn_msg *range = bn_topic_range(topic, after);
    if (!range) {
        reply_value(req, topic);
        return;
    }
    bn_buf_put(&out, range->forms[BN_FORM_JSON]->p, range->forms[BN_FORM_JSON]->len);
    bn_buf_puts(&out, "}\n");
    bn_msg_unref(range);
    bn_reply_json(req, 200, &out);
}

static void reply_events(struct bn_request *req, struct bn_topic *topic, uint64_t after)
{
    uint64_t oldest = bn_topic_oldest(topic);
    BN_BUF_AUTO out;
    bn_buf_init(&out, STATE_BYTES_MAX);
    bn_buf_printf(&out, "{\"e\":\"%s\",\"s\":%llu", topic->epoch, (unsigned long long)topic->seq);
    if (after + 1 < oldest) {
        bn_buf_printf(&out, ",\"gap\":[%llu,%llu]", (unsigned long long)after + 1,
                (unsigned long long)oldest - 1);
        after = oldest - 1;
    }
    bn_buf_puts(&out, ",\"ev\":[");
    for (uint64_t seq = after + 1; seq <= topic->seq; seq++) {
        struct bn_msg *event = bn_topic_get_event(topic, seq);
        struct bn_str data = bn_topic_event_data(event);
        bn_buf_printf(&out, "%s[%llu,", seq == after + 1 ? "" : ",", (unsigned long long)seq);
        bn_buf_put(&out, data.p, data.len);
        bn_buf_putc(&out, ']');
        bn_msg_unref(event);
    }
    bn_buf_puts(&out, "]}\n");
    bn_reply_json(req, 200, &out);
}

static void reply_since(struct bn_request *req, struct bn_topic *topic, uint64_t after)
{
    if (topic->info->content == BN_LOG)
        reply_events(req, topic, after);
    else
        reply_patch(req, topic, after);
}

/* "epoch.seq"; false when it cannot be continued from there, which is answered with everything. A
   log continues from any position of its epoch: what is gone of it is said to be gone. */
static bool read_since(struct bn_str since, const struct bn_topic *topic, uint64_t *after)
{
    struct bn_str rest = since;
    struct bn_str epoch = bn_str_cut(&rest, '.');
    uint64_t seq;
    if (!rest.p || !bn_parse_u64(rest, &seq))
        return false;
    *after = seq;
    return topic->info->content == BN_LOG ? bn_str_is(epoch, topic->epoch) && seq <= topic->seq
                                          : bn_topic_can_resume(topic, epoch, seq);
}

static struct bn_topic *find_topic(struct bn_request *req, int64_t *wait_s, struct bn_err *err)
{
    struct bn_str name = bn_query(req, "topic", NULL);
    if (!bn_query_only(req, bn_live_state_query, err) || !bn_live_tenant_is_own(req, err))
        return NULL;
    if (!bn_parse_i64(bn_query(req, "wait", "0"), 0, BN_POLL_WAIT_MAX_S, wait_s)) {
        bn_fail_field(err, "wait", "wait must be 0..%d seconds", BN_POLL_WAIT_MAX_S);
        return NULL;
    }
    struct bn_topic *topic = name.p ? bn_hub_topic(req->web->config.hub, req->who.tenant, name)
                                    : NULL;
    if (!name.p)
        bn_fail_field(err, "topic", "say which topic: ?topic=meter.host");
    else if (!topic)
        bn_fail(err, BN_E_NOT_FOUND, "there is no topic \"%.*s\"", BN_ARG(name));
    else if (!bn_who_may(&req->who, topic->info->right))
        bn_fail(err, BN_E_FORBIDDEN, "%s may not read this topic", req->who.name);
    else
        return topic;
    return NULL;
}

void bn_live_state(struct bn_request *req)
{
    struct bn_answering *a = container_of(req, struct bn_answering, req);
    struct bn_web *web = req->web;
    struct bn_err err;
    int64_t wait_s;
    uint64_t after = 0;
    struct bn_topic *topic = find_topic(req, &wait_s, &err);
    if (!topic) {
        bn_reply_err(req, &err);
        return;
    }
    struct bn_str since = bn_query(req, "since", NULL);
    bool resumes = since.p && read_since(since, topic, &after);
    if (!resumes && topic->info->content == BN_STATE) {
        reply_value(req, topic);
        return;
    }
    if (!resumes)
        after = bn_topic_oldest(topic) - 1;
    if (after < topic->seq || wait_s == 0 || !resumes) {
        reply_since(req, topic, after);
        return;
    }
    if (web->poll_count >= BN_POLLS_MAX) {
        bn_reply_field(req, "Retry-After", "5");
        bn_fail(&err, BN_E_UNAVAILABLE, "%d requests are waiting for changes already",
                BN_POLLS_MAX);
        bn_reply_err(req, &err);
        return;
    }
    a->poll_topic = topic;
    a->poll_after = after;
    a->poll_until_mono_ms = web->config.clock->mono_ms + wait_s * 1000;
    bn_list_append(&web->polls, &a->poll_link);
    web->poll_count++;
}

void bn_live_state_hurry(struct bn_answering *a)
{
    bn_list_remove(&a->poll_link);
    reply_since(&a->req, a->poll_topic, a->poll_after);
}

void bn_live_state_flush(struct bn_web *web)
{
    bn_list_each_safe(it, tmp, &web->polls) {
        struct bn_answering *a = container_of(it, struct bn_answering, poll_link);
        if (a->poll_topic->seq > a->poll_after)
            bn_live_state_hurry(a);
    }
}

/* False: it was answered, for whoever asks may not wait any more. */
static bool may_wait(struct bn_answering *a)
{
    struct bn_err err;
    if (!bn_sessions_refresh(a->req.web->config.sessions, &a->req.who))
        bn_fail(&err, BN_E_UNAUTHORIZED, "the session or key ended");
    else if (!bn_who_may(&a->req.who, a->poll_topic->info->right))
        bn_fail(&err, BN_E_FORBIDDEN, "%s may not read this topic", a->req.who.name);
    else
        return true;
    bn_list_remove(&a->poll_link);
    bn_reply_err(&a->req, &err);
    return false;
}

void bn_live_state_check(struct bn_web *web)
{
    bn_list_each_safe(it, tmp, &web->polls)
        (void)may_wait(container_of(it, struct bn_answering, poll_link));
}

void bn_live_state_tick(struct bn_web *web, int64_t mono_ms)
{
    bn_list_each_safe(it, tmp, &web->polls) {
        struct bn_answering *a = container_of(it, struct bn_answering, poll_link);
        if (may_wait(a) && (mono_ms >= a->poll_until_mono_ms || web->draining))
            bn_live_state_hurry(a);
    }
}

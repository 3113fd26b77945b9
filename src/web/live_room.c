#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "web/guard.h"
#include "web/live.h"

/* How many live connections a person has. Keys are programs: they have no such limit. */
struct bn_ear_count {
    UT_hash_handle hh;
    int64_t n;
    char user_id[BN_ID_MAX];
};

static struct bn_ear_count *find_count(const struct bn_web *web, const struct bn_who *who)
{
    struct bn_ear_count *count = NULL;
    if (who->kind == BN_WHO_USER)
        HASH_FIND_STR(web->ear_counts, who->user_id, count);
    return count;
}

static void count_in(struct bn_web *web, const struct bn_who *who)
{
    struct bn_ear_count *count = find_count(web, who);
    if (who->kind != BN_WHO_USER)
        return;
    if (!count) {
        count = bn_alloc(sizeof *count);
        memcpy(count->user_id, who->user_id, sizeof count->user_id);
        HASH_ADD_STR(web->ear_counts, user_id, count);
    }
    count->n++;
}

static void count_out(struct bn_web *web, const struct bn_who *who)
{
    struct bn_ear_count *count = find_count(web, who);
    if (!count || --count->n > 0)
        return;
    HASH_DEL(web->ear_counts, count);
    free(count);
}

/* A proxy's address says nothing of who listens behind it. */
void bn_live_note_denial(struct bn_live_conn *live, const struct bn_topic *topic)
{
    struct bn_web *web = live->conn->web;
    const char *address = bn_stream_address(live->stream);
    web->stats.denied++;
    bn_sessions_note_denial(web->config.sessions, &live->who,
            bn_guard_is_proxy(&web->config, address) ? "" : address, topic->info->name,
            "not for this listener");
}

void bn_live_note(const struct bn_live_conn *live, const char *event, const char *topic)
{
    bn_log(BN_DEBUG, event, BN_KV("topic", topic), BN_KV("by", live->who.name));
}

static void note_wire(const struct bn_live_conn *live, const char *event)
{
    const bool is_sse = live->dialect->proto == BN_PROTO_SSE;
    bn_log(BN_DEBUG, event, BN_KV("wire", is_sse ? "sse" : "websocket"),
            BN_KV("by", live->who.name), BN_KV("from", bn_stream_address(live->stream)));
}

bool bn_live_tenant_is_own(const struct bn_request *req, struct bn_err *err)
{
    struct bn_str tenant = bn_query(req, "tenant", NULL);
    return !tenant.p || bn_str_is(tenant, req->who.tenant) ||
           bn_fail(err, BN_E_NOT_FOUND, "you have no tenant \"%.*s\"", BN_ARG(tenant));
}

bool bn_live_has_room(struct bn_request *req)
{
    struct bn_web *web = req->web;
    int64_t limit = web->config.listeners_max;
    bool is_admin = bn_who_may(&req->who, BN_RIGHT_ADMIN);
    struct bn_err err;
    if (bn_str_is(req->head->method, "HEAD")) {
        bn_reply_empty(req, 200);
        return false;
    }
    if (!bn_live_tenant_is_own(req, &err)) {
        bn_reply_err(req, &err);
        return false;
    }
    if (web->draining) {
        bn_reply_field(req, "Retry-After", "2");
        bn_fail(&err, BN_E_UNAVAILABLE, "the server is shutting down");
        bn_reply_err(req, &err);
        return false;
    }
    if (web->stats.listeners >= limit + (is_admin ? BN_LISTENERS_RESERVED : 0)) {
        char retry[8];
        BN_BUF_AUTO body;
        bn_buf_init(&body, 1024);
        web->tally.rejected[BN_REJECT_LISTENERS]++;
        snprintf(retry, sizeof retry, "%d",
                2 + (int)(bn_random_u64() % 8)); /* so that they do not come back at once */
        bn_reply_field(req, "Retry-After", retry);
        bn_buf_printf(&body,
                "{\"error\":{\"code\":\"unavailable\",\"message\":\"max_clients: all %lld live connections are in "
                "use\",\"request_id\":\"%s\"},\"limit\":%lld,\"in_use\":%lld}\n",
                (long long)limit, req->id, (long long)limit, (long long)web->stats.listeners);
        bn_reply_json(req, 503, &body);
        return false;
    }
    const struct bn_ear_count *count = find_count(web, &req->who);
    if (count && count->n >= BN_LISTENERS_PER_USER_MAX) {
        web->tally.rejected[BN_REJECT_USER]++;
        bn_reply_field(req, "Retry-After", "5");
        bn_fail(&err, BN_E_TOO_MANY, "%s has %d live connections already", req->who.name,
                BN_LISTENERS_PER_USER_MAX);
        bn_reply_err(req, &err);
        return false;
    }
    return true;
}

struct bn_live_conn *bn_live_open(struct bn_request *req, const struct bn_dialect *dialect)
{
    struct bn_conn *conn = container_of(req, struct bn_answering, req)->conn;
    struct bn_web *web = conn->web;
    struct bn_live_conn *live = bn_alloc(sizeof *live);
    int64_t mono_ms = web->config.clock->mono_ms;
    live->conn = conn;
    live->stream = conn->stream;
    live->dialect = dialect;
    live->who = req->who;
    live->tokens = BN_LIVE_MESSAGES_BURST * 1000;
    live->tokens_at_mono_ms = live->since_mono_ms = mono_ms;
    live->heard_mono_ms = live->said_mono_ms = mono_ms;
    /* Those that came together must not all be asked for a sign of life in the same turn. */
    live->beat_mono_ms = mono_ms - (int64_t)(bn_random_u64() % BN_LIVE_HEARTBEAT_MS);
    bn_sink_init(&live->sink, &web->config.hub->topics, live);
    bn_list_append(&web->ears, &live->link);
    web->stats.listeners++;
    web->tally.listeners[dialect->proto]++;
    count_in(web, &live->who);
    conn->live = live;
    bn_stream_prefer_fresh(conn->stream);
    note_wire(live, "live.open");
    return live;
}

void bn_live_closed(struct bn_live_conn *live)
{
    note_wire(live, "live.close");
    live->conn->web->stats.listeners--;
    live->conn->web->tally.listeners[live->dialect->proto]--;
    count_out(live->conn->web, &live->who);
    live->conn->live = NULL;
    bn_list_remove(&live->link);
    bn_sink_finish(&live->sink);
    if (live->ws)
        bn_ws_finish(live->ws);
    free(live->ws);
    free(live);
}

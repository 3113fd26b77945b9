#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "web/live.h"
#include "wire/sse.h"

#define RETRY_MS     2000
#define ID_BYTES_MAX (BN_LIVE_TOPICS_MAX * 80)
#define LINES_MAX    (64 << 20)

const char *const bn_live_sse_query[] = {"*topic", "since", "tenant", NULL};

/* The name of an event is the type of its message: {"t":"NAME",… */
static void type_of(const char *p, size_t len, char out[16])
{
    struct bn_str rest = {p + 6, len > 6 ? len - 6 : 0};
    bn_text_clip(out, 16, bn_str_cut(&rest, '"'));
}

static struct bn_bytes *make_sse(const struct bn_msg *msg)
{
    const struct bn_bytes *json = msg->forms[BN_FORM_JSON];
    char name[16];
    BN_BUF_AUTO out;
    bn_buf_init(&out, (size_t)json->len + 256);
    type_of(json->p, json->len, name);
    bn_sse_event(&out, name, (struct bn_str){json->p, json->len - 1});
    return bn_bytes_create(out.p, out.len);
}

/* Where the listener stands in a topic while msgs are still to come. */
static uint64_t position(const struct bn_sub *sub, struct bn_msg *const *msgs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (msgs[i]->alias == sub->topic->alias)
            return msgs[i]->from;
    return sub->sent;
}

/* "id: base64url([[k,"e",s],…])": where this listener stands in everything it hears, before msgs.
 */
static size_t put_id(struct bn_live_conn *live, struct bn_msg *const *msgs, size_t count)
{
    BN_BUF_AUTO json;
    bn_buf_init(&json, ID_BYTES_MAX);
    for (const struct bn_sub *sub = live->sink.subs; sub; sub = sub->next)
        bn_buf_printf(&json, "%s[%u,\"%s\",%llu]", json.len ? "," : "[", sub->topic->alias,
                sub->topic->epoch, (unsigned long long)position(sub, msgs, count));
    if (json.len == 0)
        return 0; /* it hears nothing */
    bn_buf_putc(&json, ']');
    BN_BUF_AUTO line;
    bn_buf_init(&line, ID_BYTES_MAX * 2);
    bn_buf_puts(&line, "id: ");
    bn_b64url_encode(json.p, json.len, bn_buf_room(&line, bn_b64url_size(json.len)));
    bn_buf_added(&line, bn_b64url_size(json.len) - 1);
    bn_buf_putc(&line, '\n');
    bn_stream_put(live->stream, line.p, line.len);
    return line.len;
}

static struct bn_sent send(struct bn_live_conn *live, struct bn_msg *const *msgs, size_t count)
{
    struct bn_sent sent = {0};
    for (size_t i = 0; i < count; i++) {
        /* Fields of an event come in any order: the id first, then what all share. */
        sent.bytes += put_id(live, msgs + i + 1, count - i - 1);
        struct bn_bytes *lines = bn_msg_form(msgs[i], BN_FORM_SSE, make_sse);
        bn_stream_put_bytes(live->stream, lines, 0, lines->len);
        sent.bytes += lines->len;
    }
    bn_stream_flush(live->stream);
    return sent;
}

static void say(struct bn_live_conn *live, struct bn_str lines)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, LINES_MAX);
    struct bn_str rest = lines;
    while (rest.p) {
        struct bn_str line = bn_str_cut(&rest, '\n');
        if (line.len == 0)
            continue;
        char name[16];
        type_of(line.p, line.len, name);
        bn_sse_event(&out, name, line);
    }
    bn_stream_put(live->stream, out.p, out.len);
    bn_live_count_said(live, out.len, false);
    live->said_mono_ms = live->conn->web->config.clock->mono_ms;
    bn_conn_dirty(live->conn);
}

static void tell(struct bn_live_conn *live, const struct bn_telling *telling)
{
    BN_BUF_AUTO lines;
    size_t done = 0;
    bn_buf_init(&lines, LINES_MAX);
    for (size_t i = 0; i < telling->share_count; i++) {
        const struct bn_share *share = &telling->shares[i];
        const struct bn_bytes *json = share->msg->forms[BN_FORM_JSON];
        bn_buf_put(&lines, telling->text.p + done, share->at - done);
        bn_buf_put(&lines, json->p, json->len);
        done = share->at;
    }
    bn_buf_put(&lines, telling->text.p + done, telling->text.len - done);
    if (bn_buf_ok(&lines))
        say(live, bn_buf_str(&lines));
}

static void heartbeat(struct bn_live_conn *live)
{
    if (bn_stream_queued(live->stream) > 0)
        return;
    bn_stream_put(live->stream, ": hb\n\n", 6);
    bn_conn_dirty(live->conn);
}

static void end(struct bn_live_conn *live, int code, const char *why)
{
    (void)code;
    (void)why;
    live->conn->must_close = true;
    bn_conn_dirty(live->conn);
}

static const struct bn_dialect dialect = {BN_PROTO_SSE, send, say, tell, heartbeat, end};

/* Where the client says it stands: Last-Event-ID, or ?since= for the first connection. NULL:
 * nowhere. */
static struct bn_doc *read_positions(const struct bn_request *req)
{
    struct bn_str id = bn_http_find(req->head, "Last-Event-ID");
    if (!id.p)
        id = bn_query(req, "since", NULL);
    if (!id.p || id.len == 0 || id.len > ID_BYTES_MAX)
        return NULL;
    char *text = bn_arena_take(req->arena, id.len);
    size_t len;
    struct bn_doc *doc;
    if (!text || !bn_b64url_decode(id, text, id.len, &len) ||
            !bn_doc_parse((struct bn_str){text, len}, &doc, NULL))
        return NULL;
    return doc;
}

/* [[k,"e",s],…] → the wish {"e":…,"s":…} for one topic, or NULL. */
static struct bn_doc *wish_for(const struct bn_doc *positions, const struct bn_topic *topic)
{
    for (size_t i = 0; topic && i < bn_doc_count(positions); i++) {
        const struct bn_doc *at = bn_doc_item(positions, i);
        int64_t alias;
        int64_t seq;
        struct bn_str epoch;
        struct bn_doc *wish;
        char text[80];
        if (bn_doc_count(at) != 3 || !bn_doc_get_i64(bn_doc_item(at, 0), &alias) ||
                alias != topic->alias || !bn_doc_get_text(bn_doc_item(at, 1), &epoch) ||
                !bn_doc_get_i64(bn_doc_item(at, 2), &seq) || !bn_str_is(epoch, topic->epoch))
            continue;
        int n = snprintf(text, sizeof text, "{\"e\":\"%s\",\"s\":%lld}", topic->epoch,
                (long long)seq);
        return bn_doc_parse((struct bn_str){text, (size_t)n}, &wish, NULL) ? wish : NULL;
    }
    return NULL;
}

static_assert(BN_HTTP_PARAMS_MAX <= BN_LIVE_TOPICS_MAX, "a query has too few topics to refuse");

static bool check(const struct bn_request *req, struct bn_err *err)
{
    return bn_query_only(req, bn_live_sse_query, err) &&
           (bn_query(req, "topic", NULL).p ||
                   bn_fail_field(err, "topic", "say which topics: ?topic=meter.host&topic=…"));
}

static void open_stream(struct bn_request *req)
{
    struct bn_answering *a = container_of(req, struct bn_answering, req);
    struct bn_live_conn *live = bn_live_open(req, &dialect);
    BN_BUF_AUTO out;
    bn_buf_init(&out, LINES_MAX);
    live->greeted = true;
    bn_reply_field(req, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    bn_reply_field(req, "Connection",
            "close"); /* the end of the stream is the end of the connection */
    bn_reply_head(a, 200, "text/event-stream; charset=utf-8", -1, &out);
    bn_sse_retry(&out, RETRY_MS);
    bn_stream_put(live->stream, out.p, out.len);
    BN_DOC_AUTO *positions = read_positions(req);
    for (size_t i = 0; i < req->query_count; i++) {
        if (!bn_str_is(req->query[i].name, "topic"))
            continue;
        struct bn_str name = req->query[i].value;
        struct bn_topic *topic = bn_hub_topic(live->conn->web->config.hub, live->who.tenant, name);
        BN_DOC_AUTO *wish = wish_for(positions, topic);
        BN_TELLING_AUTO reply;
        bn_telling_init(&reply);
        bn_live_subscribe(live, 0, name, wish, 0, &reply);
        if (bn_buf_ok(&reply.text)) {
            bn_live_count_said(live, put_id(live, NULL, 0), false);
            tell(live, &reply);
        }
    }
}

void bn_live_sse(struct bn_request *req)
{
    struct bn_err err;
    if (!check(req, &err))
        bn_reply_err(req, &err);
    else if (bn_live_has_room(req))
        open_stream(req);
}

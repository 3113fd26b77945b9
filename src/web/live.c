#include "web/live.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_BYTES_MAX (64 << 20) /* snapshots are bounded by their tables */
#define TAKE_MAX        64         /* messages in one write */
#define TOPICS_WANTED   "sub: topics is a list of [name, {position}], each once"
#define TAIL_MAX        BN_LOG_RING_EVENTS
#define PACE_MS         100   /* how finely paces slower than every change are kept */
#define PEOPLE_CHECK_MS 10000 /* a change of rights the store took back is told to nobody */
/* Ticks are a second apart, and those told the same thing together must not all be told so together
   that nothing followed. */
#define HUSH_SPREAD_MS 2000

/* --- the end
 * ---------------------------------------------------------------------------------------- */

void bn_live_end(struct bn_live_conn *live, int code, const char *why, int64_t retry_ms)
{
    if (live->ended)
        return;
    char bye[200];
    int n = retry_ms > 0 ? snprintf(bye, sizeof bye,
                                   "{\"t\":\"bye\",\"code\":%d,\"msg\":\"%s\",\"retry\":%lld}\n",
                                   code, why, (long long)retry_ms)
                         : snprintf(bye, sizeof bye, "{\"t\":\"bye\",\"code\":%d,\"msg\":\"%s\"}\n",
                                   code, why);
    live->ended = true;
    bn_sink_finish(&live->sink);
    live->dialect->say(live, (struct bn_str){bye, (size_t)n});
    live->dialect->end(live, code, why);
}

/* --- what clients say
 * ------------------------------------------------------------------------------- */

static void reply_refusal(int64_t id, struct bn_str name, enum bn_code code, const char *why,
        struct bn_buf *out)
{
    struct bn_json json;
    bn_json_init(&json, out);
    bn_json_object(&json);
    bn_json_key(&json, "t");
    bn_json_text(&json, "sub");
    bn_json_key(&json, "id");
    bn_json_i64(&json, id);
    bn_json_key(&json, "topic");
    bn_json_str(&json, name);
    bn_json_key(&json, "error");
    bn_json_object(&json);
    bn_json_key(&json, "code");
    bn_json_text(&json, bn_code_word(code));
    bn_json_key(&json, "message");
    bn_json_text(&json, why);
    bn_json_object_end(&json);
    bn_json_object_end(&json);
    bn_buf_putc(out, '\n');
}

static void reply_begin(int64_t id, const struct bn_topic *topic, const char *mode,
        struct bn_buf *out)
{
    bn_buf_printf(out,
            "{\"t\":\"sub\",\"id\":%lld,\"k\":%u,\"topic\":\"%s\",\"mode\":\"%s\",\"e\":\"%s\",\"s\":%llu",
            (long long)id, topic->alias, topic->name, mode, topic->epoch,
            (unsigned long long)topic->seq);
}

void bn_telling_init(struct bn_telling *telling)
{
    bn_buf_init(&telling->text, REPLY_BYTES_MAX);
    telling->share_count = 0;
}

void bn_telling_reset(struct bn_telling *telling)
{
    for (size_t i = 0; i < telling->share_count; i++)
        bn_msg_unref(telling->shares[i].msg);
    telling->share_count = 0;
    bn_buf_reset(&telling->text);
}

void bn_telling_finish(struct bn_telling *telling)
{
    bn_telling_reset(telling);
    bn_buf_finish(&telling->text);
}

static void share(struct bn_telling *telling, struct bn_msg *take_msg)
{
    assert(telling->share_count < BN_SHARES_MAX);
    telling->shares[telling->share_count++] = (struct bn_share){telling->text.len, take_msg};
}

static void reply_state(int64_t id, struct bn_topic *topic, bool resumes, uint64_t after,
        struct bn_telling *out)
{
    if (resumes && after == topic->seq) {
        reply_begin(id, topic, "same", &out->text);
    } else if (resumes) {
        reply_begin(id, topic, "resumed", &out->text);
        bn_buf_printf(&out->text, ",\"from\":%llu,\"p\":", (unsigned long long)after);
        share(out, bn_topic_range(topic, after)); /* can_resume said yes: it is there */
    } else {
        reply_begin(id, topic, "snapshot", &out->text);
        bn_buf_puts(&out->text, ",\"v\":");
        share(out, bn_topic_whole(topic));
    }
    bn_buf_puts(&out->text, "}\n");
}

static void reply_log(int64_t id, struct bn_topic *topic, bool resumes, uint64_t after,
        struct bn_buf *out)
{
    uint64_t oldest = bn_topic_oldest(topic);
    reply_begin(id, topic,
            resumes && after == topic->seq ? "same"
            : resumes                      ? "resumed"
                                           : "tail",
            out);
    if (after + 1 < oldest) {
        bn_buf_printf(out, ",\"gap\":[%llu,%llu]", (unsigned long long)after + 1,
                (unsigned long long)oldest - 1);
        after = oldest - 1;
    }
    if (!resumes || after < topic->seq) {
        bn_buf_puts(out, ",\"ev\":[");
        for (uint64_t seq = after + 1; seq <= topic->seq; seq++) {
            struct bn_msg *event = bn_topic_get_event(topic, seq);
            struct bn_str data = bn_topic_event_data(event);
            bn_buf_printf(out, "%s[%llu,", seq == after + 1 ? "" : ",", (unsigned long long)seq);
            bn_buf_put(out, data.p, data.len);
            bn_buf_putc(out, ']');
            bn_msg_unref(event);
        }
        bn_buf_putc(out, ']');
    }
    bn_buf_puts(out, "}\n");
}

/* The position a client claims; false when it claims none. */
static bool read_position(const struct bn_doc *wish, struct bn_str *epoch, uint64_t *seq)
{
    int64_t s;
    const struct bn_doc *e = wish ? bn_doc_at(wish, "e") : NULL;
    const struct bn_doc *at = wish ? bn_doc_at(wish, "s") : NULL;
    if (!e || !at || !bn_doc_get_text(e, epoch) || !bn_doc_get_i64(at, &s) || s < 0)
        return false;
    *seq = (uint64_t)s;
    return true;
}

static uint64_t tail_begin(const struct bn_topic *topic, const struct bn_doc *wish)
{
    int64_t tail = 0;
    const struct bn_doc *wanted = wish ? bn_doc_at(wish, "tail") : NULL;
    if (wanted && !bn_doc_get_i64(wanted, &tail))
        tail = 0;
    uint64_t kept = topic->seq + 1 - bn_topic_oldest(topic);
    return topic->seq - BN_MIN((uint64_t)BN_MIN(BN_MAX(tail, 0), TAIL_MAX), kept);
}

void bn_live_subscribe(struct bn_live_conn *live, int64_t id, struct bn_str name,
        const struct bn_doc *wish, int32_t min_ms, struct bn_telling *out)
{
    struct bn_topic *topic = bn_hub_topic(live->conn->web->config.hub, live->who.tenant, name);
    if (!topic || !bn_who_may(&live->who, topic->info->right)) {
        if (topic)
            bn_live_note_denial(live, topic);
        reply_refusal(id, name, topic ? BN_E_FORBIDDEN : BN_E_NOT_FOUND,
                topic ? "you may not listen to this topic" : "there is no such topic", &out->text);
        return;
    }
    struct bn_sub *old = bn_sink_find(&live->sink, topic);
    if (old)
        bn_sink_leave(&live->sink, old);
    struct bn_str epoch = {0};
    uint64_t after = 0;
    bool claims = read_position(wish, &epoch, &after);
    bool resumes = claims && bn_str_is(epoch, topic->epoch) && after <= topic->seq;
    if (topic->info->content == BN_STATE)
        resumes = resumes && bn_topic_can_resume(topic, epoch, after);
    if (claims)
        live->conn->web->tally.resumes[!resumes              ? BN_RESUME_SNAPSHOT
                                       : after == topic->seq ? BN_RESUME_SAME
                                                             : BN_RESUME_RESUMED]++;
    if (topic->info->content == BN_STATE)
        reply_state(id, topic, resumes, after, out);
    else
        reply_log(id, topic, resumes, resumes ? after : tail_begin(topic, wish), &out->text);
    bn_sink_join(&live->sink, topic, topic->seq, min_ms);
    bn_live_note(live, "live.join", topic->name);
}

/* The name of topics[i]; false when it is none, or stands there before as well. */
static bool read_topic(const struct bn_doc *topics, size_t i, struct bn_str *out)
{
    const struct bn_doc *item = bn_doc_item(topics, i);
    if (!bn_doc_count(item) || !bn_doc_get_text(bn_doc_item(item, 0), out))
        return false;
    for (size_t j = 0; j < i; j++) {
        struct bn_str other;
        if (bn_doc_get_text(bn_doc_item(bn_doc_item(topics, j), 0), &other) &&
                other.len == out->len && memcmp(other.p, out->p, out->len) == 0)
            return false;
    }
    return true;
}

/* One it hears already it may ask for again. */
static bool has_room_for(struct bn_live_conn *live, struct bn_str name)
{
    if (live->sink.sub_count < BN_LIVE_TOPICS_MAX)
        return true;
    const struct bn_topic *topic = bn_topic_find(live->sink.set, live->who.tenant, name);
    return topic && bn_sink_find(&live->sink, topic);
}

/* False: the replies grew beyond all bounds, and the connection was ended. */
static bool tell_replies(struct bn_live_conn *live, struct bn_telling *out)
{
    if (!bn_buf_ok(&out->text)) {
        bn_live_end(live, 4000, "the reply grew too large", 5000);
        return false;
    }
    if (out->text.len > 0)
        live->dialect->tell(live, out);
    bn_telling_reset(out);
    return true;
}

static bool hear_sub(struct bn_live_conn *live, const struct bn_doc *doc)
{
    const struct bn_doc *topics = bn_doc_at(doc, "topics");
    const struct bn_doc *value = bn_doc_at(doc, "id");
    int64_t id = 0;
    int64_t min_ms = 0;
    if (value && !bn_doc_get_i64(value, &id))
        id = 0;
    value = bn_doc_at(doc, "min");
    if (value && (!bn_doc_get_i64(value, &min_ms) || min_ms < 0))
        min_ms = 0;
    min_ms = BN_MIN(min_ms, BN_LIVE_PACE_MAX_MS);
    if (!bn_doc_is_list(topics)) { /* silence would be a riddle */
        bn_live_end(live, 4101, TOPICS_WANTED, 0);
        return false;
    }
    BN_TELLING_AUTO out;
    bn_telling_init(&out);
    for (size_t i = 0; i < bn_doc_count(topics); i++) {
        struct bn_str name;
        if (!read_topic(topics, i, &name)) {
            bn_live_end(live, 4101, TOPICS_WANTED, 0);
            return false;
        }
        if (i >= BN_LIVE_TOPICS_MAX || !has_room_for(live, name)) {
            bn_live_end(live, 4104, "too many topics", 0);
            return false;
        }
        bn_live_subscribe(live, id, name, bn_doc_item(bn_doc_item(topics, i), 1), (int32_t)min_ms,
                &out);
        if ((out.text.len > BN_OUTBOX_BYTES_MAX || out.share_count == BN_SHARES_MAX) &&
                !tell_replies(live, &out))
            return false;
    }
    return tell_replies(live, &out);
}

static void hear_unsub(struct bn_live_conn *live, const struct bn_doc *doc)
{
    const struct bn_doc *topics = bn_doc_at(doc, "topics");
    for (size_t i = 0; i < bn_doc_count(topics); i++) {
        struct bn_str name;
        if (!bn_doc_get_text(bn_doc_item(topics, i), &name))
            continue;
        struct bn_topic *topic = bn_topic_find(live->sink.set, live->who.tenant, name);
        struct bn_sub *sub = topic ? bn_sink_find(&live->sink, topic) : NULL;
        if (!sub)
            continue;
        bn_sink_leave(&live->sink, sub);
        bn_live_note(live, "live.leave", topic->name);
    }
}

static void hear_rate(struct bn_live_conn *live, const struct bn_doc *doc)
{
    int64_t alias;
    int64_t min_ms;
    const struct bn_doc *k = bn_doc_at(doc, "k");
    const struct bn_doc *min = bn_doc_at(doc, "min");
    if (!k || !min || !bn_doc_get_i64(k, &alias) || alias < 0 || alias > UINT32_MAX ||
            !bn_doc_get_i64(min, &min_ms) || min_ms < 0)
        return;
    struct bn_sub *sub = bn_sink_find_alias(&live->sink, (uint32_t)alias);
    if (sub)
        bn_sink_set_rate(&live->sink, sub,
                min_ms == 0 ? -1 : (int32_t)BN_MIN(min_ms, BN_LIVE_PACE_MAX_MS));
}

static bool hear_hello(struct bn_live_conn *live, const struct bn_doc *doc)
{
    int64_t version = 0;
    const struct bn_doc *v = bn_doc_at(doc, "v");
    if (!v || !bn_doc_get_i64(v, &version) || version != 1) {
        bn_live_end(live, 4106, "this server speaks version 1", 0);
        return false;
    }
    if (live->greeted)
        return true;
    live->greeted = true;
    char welcome[300];
    char sid[14];
    bn_random_code(sid, sizeof sid - 1);
    int n = snprintf(welcome, sizeof welcome,
            "{\"t\":\"welcome\",\"v\":1,\"sid\":\"%s\",\"node\":\"%s\",\"now\":%lld,\"hb\":%d,"
            "\"max\":{\"topics\":%d,\"in\":%d}}\n",
            sid, live->conn->web->node, (long long)live->conn->web->config.clock->now_ms,
            BN_LIVE_HEARTBEAT_MS, BN_LIVE_TOPICS_MAX, BN_LIVE_MESSAGE_MAX);
    live->dialect->say(live, (struct bn_str){welcome, (size_t)n});
    return true;
}

static bool hear_line(struct bn_live_conn *live, struct bn_str line)
{
    BN_DOC_AUTO *doc = NULL;
    struct bn_err err;
    struct bn_str type;
    if (!bn_doc_parse(line, &doc, &err) || !bn_doc_is_object(doc) ||
            !bn_doc_get_text(bn_doc_at(doc, "t"), &type)) {
        bn_live_end(live, 4101, "a message is JSON objects with a type t", 0);
        return false;
    }
    if (bn_str_is(type, "hello"))
        return hear_hello(live, doc);
    if (!live->greeted) {
        bn_live_end(live, 4101, "hello comes first", 0);
        return false;
    }
    if (bn_str_is(type, "sub"))
        return hear_sub(live, doc);
    if (bn_str_is(type, "unsub"))
        hear_unsub(live, doc);
    else if (bn_str_is(type, "rate"))
        hear_rate(live, doc);
    return true; /* pong needs no more than having been heard; unknown types are ignored */
}

/* Token bucket: BN_LIVE_MESSAGES_PS a second, with a burst. */
bool bn_live_may_speak(struct bn_live_conn *live)
{
    int64_t mono_ms = live->conn->web->config.clock->mono_ms;
    int64_t tokens = live->tokens + (mono_ms - live->tokens_at_mono_ms) * BN_LIVE_MESSAGES_PS;
    live->tokens_at_mono_ms = mono_ms;
    live->tokens = (int32_t)BN_MIN(tokens, (int64_t)BN_LIVE_MESSAGES_BURST * 1000);
    if (live->tokens < 1000) {
        bn_live_end(live, 4008, "too many messages", 5000);
        return false;
    }
    live->tokens -= 1000;
    return true;
}

bool bn_live_hear(struct bn_live_conn *live, struct bn_str text)
{
    struct bn_str rest = text;
    bool is_empty = true;
    live->heard_mono_ms = live->conn->web->config.clock->mono_ms;
    while (rest.p && !live->ended) {
        struct bn_str line = bn_str_trim(bn_str_cut(&rest, '\n'));
        if (line.len == 0)
            continue;
        is_empty = false;
        if (!bn_live_may_speak(live) || !hear_line(live, line))
            return false;
    }
    return !live->ended && (!is_empty || bn_live_may_speak(live));
}

/* --- what listeners get
 * ----------------------------------------------------------------------------- */

static void start_pace(struct bn_web *web)
{
    if (web->pace_runs) /* starting it anew with every change would put its end off for ever */
        return;
    web->pace_runs = true;
    bn_timer_start(web->pace, PACE_MS, 0);
}

static void pump(struct bn_web *web, struct bn_live_conn *live)
{
    int64_t mono_ms = web->config.clock->mono_ms;
    struct bn_msg *msgs[TAKE_MAX];
    do {
        if (live->ended || bn_stream_queued(live->stream) > 0)
            return; /* one write in flight; positions remember the rest */
        size_t n = bn_sink_take(&live->sink, mono_ms, msgs, TAKE_MAX, BN_LIVE_INFLIGHT_MAX);
        if (n == 0)
            break;
        struct bn_sent sent = live->dialect->send(live, msgs, n);
        live->said_mono_ms = mono_ms;
        web->stats.messages++;
        web->tally.bytes[live->dialect->proto][sent.is_deflated] += sent.bytes;
        bn_tally_write(&web->tally);
        for (size_t i = 0; i < n; i++) {
            web->tally.frames[live->dialect->proto][msgs[i]->mode]++;
            bn_msg_unref(msgs[i]);
        }
    } while (live->sink.has_more);
    if (live->sink.is_waiting)
        start_pace(web);
}

static void date_writes(struct bn_web *web)
{
    if (web->tally.undated > 0)
        bn_tally_date(&web->tally, bn_clock_mono_ns() - web->config.hub->topics.committed_ns);
}

void bn_live_pump(struct bn_live_conn *live)
{
    pump(live->conn->web, live);
    date_writes(live->conn->web);
}

/* Some listeners asked for a slower pace, and its time may be over. */
void bn_live_pace(void *user)
{
    struct bn_web *web = user;
    bool is_waiting = false;
    web->pace_runs = false;
    bn_list_each(it, &web->ears) {
        struct bn_live_conn *live = container_of(it, struct bn_live_conn, link);
        if (!live->sink.is_waiting)
            continue;
        bn_sink_poll(&live->sink, web->config.clock->mono_ms);
        is_waiting |= live->sink.is_waiting;
    }
    if (is_waiting)
        start_pace(web);
}

/* One listener ahead: while the kernel sends to this one, memory brings the next one's stream. */
void bn_live_flush(struct bn_web *web)
{
    struct bn_topics *topics = &web->config.hub->topics;
    struct bn_sink *next = bn_sink_next_due(topics);
    while (next) {
        struct bn_sink *sink = next;
        next = bn_sink_next_due(topics);
        if (next && !next->pump)
            __builtin_prefetch(((struct bn_live_conn *)next->owner)->stream);
        if (sink->pump) {
            sink->pump(sink->owner);
            continue;
        }
        pump(web, sink->owner);
        if (web->tally.undated >= BN_TALLY_WRITES)
            date_writes(web);
    }
    date_writes(web);
    if (!bn_list_is_empty(&web->polls))
        bn_live_state_flush(web);
}

void bn_live_drained(struct bn_live_conn *live)
{
    if (!live->ended)
        bn_live_pump(live);
    bn_stream_resume(live->stream); /* what it said while it did not read is heard now */
}

/* --- time passes
 * -------------------------------------------------------------------------------------- */

/* A listener keeps what its owner may still hear; a session that ended takes its sockets along
 * (T16). */
static void check_owner(struct bn_live_conn *live)
{
    if (!bn_sessions_refresh(live->conn->web->config.sessions, &live->who)) {
        bn_live_end(live, 4100, "the session ended", 0);
        return;
    }
    struct bn_sub *next;
    for (struct bn_sub *sub = live->sink.subs; sub; sub = next) {
        next = sub->next;
        if (bn_who_may(&live->who, sub->topic->info->right))
            continue;
        char off[120];
        int n = snprintf(off, sizeof off,
                "{\"t\":\"off\",\"k\":%u,\"code\":2403,\"msg\":\"permission revoked\"}\n",
                sub->topic->alias);
        bn_sink_leave(&live->sink, sub);
        live->dialect->say(live, (struct bn_str){off, (size_t)n});
    }
}

/* The page believes in a silent connection for so long only. */
static void say_hb(struct bn_live_conn *live, int64_t mono_ms)
{
    char hb[64];
    int64_t sooner_ms = 1000 + live->beat_mono_ms % HUSH_SPREAD_MS; /* beats are spread already */
    if (mono_ms - live->said_mono_ms < BN_LIVE_HEARTBEAT_MS - sooner_ms)
        return;
    int n = snprintf(hb, sizeof hb, "{\"t\":\"hb\",\"now\":%lld}\n",
            (long long)live->conn->web->config.clock->now_ms);
    live->dialect->say(live, (struct bn_str){hb, (size_t)n});
}

static void tick_one(struct bn_live_conn *live, int64_t mono_ms)
{
    if (live->ended)
        return;
    if (live->conn->web->config.clock->now_ms >= live->who.until_ms)
        check_owner(live);
    if (live->end_at_mono_ms && mono_ms >= live->end_at_mono_ms)
        bn_live_end(live, 4001, "restarting", 500 + (int64_t)(bn_random_u64() % 1500));
    else if (!live->greeted && mono_ms - live->since_mono_ms > BN_LIVE_HELLO_MS)
        bn_live_end(live, 4105, "no hello in time", 0);
    else if (live->ws && mono_ms - live->heard_mono_ms > BN_LIVE_PONG_MS)
        bn_live_end(live, 4003, "no pong in time", 1000);
    if (live->ended)
        return;
    if (mono_ms - live->beat_mono_ms >= BN_LIVE_HEARTBEAT_MS) {
        live->beat_mono_ms = mono_ms;
        live->dialect->heartbeat(live);
    }
    if (live->ws)
        say_hb(live, mono_ms);
}

void bn_live_check_owners(struct bn_web *web)
{
    web->people_changed = false;
    web->people_checked_mono_ms = web->config.clock->mono_ms;
    bn_list_each_safe(it, tmp, &web->ears) {
        struct bn_live_conn *live = container_of(it, struct bn_live_conn, link);
        if (!live->ended)
            check_owner(live);
    }
    bn_live_state_check(web);
}

void bn_live_tick(struct bn_web *web, int64_t mono_ms)
{
    if (mono_ms - web->people_checked_mono_ms >= PEOPLE_CHECK_MS)
        bn_live_check_owners(web);
    bn_list_each_safe(it, tmp, &web->ears)
        tick_one(container_of(it, struct bn_live_conn, link), mono_ms);
    bn_live_state_tick(web, mono_ms);
}

void bn_live_drain(struct bn_web *web, int64_t window_ms)
{
    int64_t mono_ms = web->config.clock->mono_ms;
    bn_list_each_safe(it, tmp, &web->ears) {
        struct bn_live_conn *live = container_of(it, struct bn_live_conn, link);
        if (window_ms <= 0)
            bn_live_end(live, 4001, "restarting", 500 + (int64_t)(bn_random_u64() % 1500));
        else
            live->end_at_mono_ms = mono_ms + (int64_t)(bn_random_u64() % (uint64_t)window_ms);
    }
}

static const char *const ws_query[] = {"tenant", NULL};

const struct bn_route bn_live_routes[] = {
        {.method = "GET",
                .path = "/api/v1/live",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_live_ws,
                .summary = "The live protocol live/1 over WebSocket",
                .query = ws_query},
        {.method = "GET",
                .path = "/api/v1/events",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_live_sse,
                .summary = "The same topics as Server-Sent Events",
                .query = bn_live_sse_query},
        {.method = "GET",
                .path = "/api/v1/state",
                .right = BN_RIGHT_GUESTS,
                .handler = bn_live_state,
                .summary = "One topic now, or its next change",
                .query = bn_live_state_query},
};

const size_t bn_live_route_count = COUNT(bn_live_routes);

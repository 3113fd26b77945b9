/* What a listener says, and what happens meanwhile. Lines that begin with '!' are the world's (a
   letter each, see happen()); the others between two of them are one message of live/1. Two
   listeners hear the same, one of them line by line, and must be told the same; what they are told
   is JSON; what a state topic told, folded as docs/protocol.md says, is its value; sequences have
   no holes; after `bye` nothing follows. "$h" and "$l" in a line are the epochs of two topics. */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

#include "io/stream_private.h"
#include "web/live.h"

#define ALIASES   16 /* four topics; aliases count from one */
#define LINES_MAX 150

#define SET(member, text) bn_text_clip(member, sizeof(member), BN_STR(text))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct known {
    bool is_joined;
    json_t *value; /* of a state topic, as far as it was told; NULL: not known */
    json_int_t seq;
};

struct ear {
    struct bn_conn conn;
    struct bn_live_conn live;
    struct bn_buf said;
    struct known known[ALIASES];
    bool has_ended;
};

static struct world {
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_web *web;
    struct bn_stream *stream;
    int peer;
    struct bn_hub hub;
    struct bn_sessions *sessions;
    struct ear ears[2];
    int tick;
} world;

/* --- what a listener makes of it ----------------------------------------------------------------
 */

static json_t *fold(json_t *value, const json_t *patch)
{
    void *at;
    if (!json_is_object(patch))
        return json_incref((json_t *)(uintptr_t)patch);
    json_t *out = json_is_object(value) ? json_copy(value) : json_object();
    for (at = json_object_iter((json_t *)(uintptr_t)patch); at;
            at = json_object_iter_next((json_t *)(uintptr_t)patch, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *change = json_object_iter_value(at);
        if (json_is_null(change))
            json_object_del(out, key);
        else
            json_object_set_new(out, key, fold(json_object_get(out, key), change));
    }
    return out;
}

static json_int_t number_at(const json_t *line, const char *name)
{
    const json_t *value = json_object_get(line, name);
    assert(json_is_integer(value));
    return json_integer_value(value);
}

static struct known *known_at(struct ear *ear, const json_t *line)
{
    json_int_t k = number_at(line, "k");
    assert(k >= 0 && k < ALIASES);
    return &ear->known[k];
}

static void set_value(struct known *known, json_t *take_value)
{
    json_decref(known->value);
    known->value = take_value;
}

/* from..seq by a patch; a listener that never knew the value at from goes on not knowing. */
static void apply(struct known *known, json_int_t from, json_int_t seq, const json_t *patch)
{
    if (known->value) {
        assert(known->seq == from);
        set_value(known, fold(known->value, patch));
    }
    known->seq = seq;
}

static void hear_sub_reply(struct ear *ear, const json_t *line)
{
    if (json_object_get(line, "error"))
        return;
    struct known *known = known_at(ear, line);
    const char *mode = json_string_value(json_object_get(line, "mode"));
    json_int_t seq = number_at(line, "s");
    assert(mode);
    if (strcmp(mode, "snapshot") == 0)
        set_value(known, json_incref(json_object_get(line, "v")));
    else if (!known->value || !known->is_joined || known->seq != seq)
        set_value(known, NULL); /* the position it claimed was not one it had */
    known->is_joined = true;
    known->seq = seq;
}

static void hear_line(struct ear *ear, struct bn_str text)
{
    json_error_t error;
    json_t *line = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, &error);
    assert(json_is_object(line));
    const char *type = json_string_value(json_object_get(line, "t"));
    assert(type && !ear->has_ended);
    if (strcmp(type, "welcome") == 0) { /* holds an id of its own */
        bn_buf_puts(&ear->said, "welcome\n");
    } else if (strcmp(type, "bye") == 0) { /* and a wait by lot */
        bn_buf_printf(&ear->said, "bye %d\n", (int)number_at(line, "code"));
    } else {
        bn_buf_put(&ear->said, text.p, text.len);
        bn_buf_putc(&ear->said, '\n');
    }
    if (strcmp(type, "sub") == 0) {
        hear_sub_reply(ear, line);
    } else if (strcmp(type, "d") == 0) {
        struct known *known = known_at(ear, line);
        json_int_t seq = number_at(line, "s");
        json_int_t from = json_object_get(line, "from") ? number_at(line, "from") : seq - 1;
        assert(known->is_joined && from == known->seq && from < seq);
        apply(known, from, seq, json_object_get(line, "p"));
    } else if (strcmp(type, "snap") == 0) {
        struct known *known = known_at(ear, line);
        set_value(known, json_incref(json_object_get(line, "v")));
        known->seq = number_at(line, "s");
    } else if (strcmp(type, "e") == 0) {
        struct known *known = known_at(ear, line);
        assert(known->is_joined && number_at(line, "s") == known->seq + 1);
        known->seq++;
    } else if (strcmp(type, "gap") == 0) {
        struct known *known = known_at(ear, line);
        assert(number_at(line, "from") == known->seq + 1);
        known->seq = number_at(line, "to");
    } else if (strcmp(type, "off") == 0) {
        known_at(ear, line)->is_joined = false;
    }
    json_decref(line);
}

static void hear_lines(struct bn_live_conn *live, struct bn_str lines)
{
    struct ear *ear = container_of(live, struct ear, live);
    struct bn_str rest = lines;
    assert(lines.len > 0 && lines.p[lines.len - 1] == '\n');
    while (rest.p && rest.len)
        hear_line(ear, bn_str_cut(&rest, '\n'));
}

/* --- the wire -----------------------------------------------------------------------------------
 */

static void say(struct bn_live_conn *live, struct bn_str lines)
{
    live->said_mono_ms = world.clock.mono_ms;
    hear_lines(live, lines);
}

static struct bn_sent send_msgs(struct bn_live_conn *live, struct bn_msg *const *msgs, size_t count)
{
    struct bn_sent sent = {0, false};
    for (size_t i = 0; i < count; i++) {
        const struct bn_bytes *json = msgs[i]->forms[BN_FORM_JSON];
        hear_lines(live, (struct bn_str){json->p, json->len});
        sent.bytes += json->len;
    }
    return sent;
}

static void tell(struct bn_live_conn *live, const struct bn_telling *telling)
{
    BN_BUF_AUTO all;
    size_t done = 0;
    bn_buf_init(&all, 1 << 20);
    for (size_t i = 0; i < telling->share_count; i++) {
        const struct bn_bytes *json = telling->shares[i].msg->forms[BN_FORM_JSON];
        bn_buf_put(&all, telling->text.p + done, telling->shares[i].at - done);
        bn_buf_put(&all, json->p, json->len);
        done = telling->shares[i].at;
    }
    bn_buf_put(&all, telling->text.p + done, telling->text.len - done);
    assert(bn_buf_ok(&all));
    say(live, bn_buf_str(&all));
}

static void heartbeat(struct bn_live_conn *live)
{
    bn_buf_puts(&container_of(live, struct ear, live)->said, "hb\n");
}

static void end(struct bn_live_conn *live, int code, const char *why)
{
    struct ear *ear = container_of(live, struct ear, live);
    assert(live->ended && !ear->has_ended && code >= 4000 && *why);
    ear->has_ended = true;
}

static const struct bn_dialect dialect = {BN_PROTO_WS, send_msgs, say, tell, heartbeat, end};

/* --- the world ----------------------------------------------------------------------------------
 */

static void quiet(void *user)
{
    (void)user;
}

static size_t take_all(void *user, const char *p, size_t len)
{
    (void)user;
    (void)p;
    return len;
}

static void closed(void *user, const struct bn_err *err)
{
    (void)user;
    (void)err;
}

static void flush(void)
{
    while (bn_hub_turn(&world.hub))
        ;
    bn_live_flush(world.web);
}

static void told(struct bn_fact *fact)
{
    bn_hub_tell(&world.hub, fact);
    flush();
}

static void tell_host(int64_t load)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_HOST, BN_TENANT_DEFAULT);
    SET(fact.u.host.id, "local");
    fact.u.host.at = world.clock.now_ms;
    fact.u.host.process_count = load % 3 ? load : BN_UNKNOWN;
    fact.u.host.load1 = (double)load / 8;
    told(&fact);
}

static void tell_core(int nth, bool is_gone)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, BN_TENANT_DEFAULT);
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "%d", nth % 4);
    fact.u.core.busy_pct = world.tick % 100;
    fact.op = is_gone ? BN_GONE : BN_PUT;
    told(&fact);
}

static void tell_self(void)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SELF, BN_TENANT_DEFAULT);
    SET(fact.u.self.id, "local");
    told(&fact);
}

static void tell_line(void)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_LINE, BN_TENANT_DEFAULT);
    snprintf(fact.u.line.id, sizeof fact.u.line.id, "%d", world.tick);
    SET(fact.u.line.event, "a.word");
    told(&fact);
}

static void put_user(const char *id, enum bn_role role, bool is_disabled)
{
    struct bn_fact fact;
    struct bn_err err;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    snprintf(fact.u.user.id, sizeof fact.u.user.id, "%s", id);
    snprintf(fact.u.user.name, sizeof fact.u.user.name, "%s", id);
    fact.u.user.role = role;
    fact.u.user.disabled = is_disabled;
    bool ok = bn_hub_ask(&world.hub, &fact, NULL, NULL, &err);
    assert(ok);
    flush();
    bn_live_check_owners(world.web);
}

static void let_pass(int64_t ms)
{
    world.clock.now_ms += ms;
    world.clock.mono_ms += ms;
    bn_live_pace(world.web);
    bn_live_flush(world.web);
    bn_live_tick(world.web, world.clock.mono_ms);
}

static void drain(int64_t window_ms)
{
    bn_live_drain(world.web, window_ms);
    world.ears[1].live.end_at_mono_ms = world.ears[0].live.end_at_mono_ms; /* by lot */
}

/* One byte waits on the wire of both, or goes. */
static void block(bool is_blocked)
{
    char byte[64];
    if (is_blocked == (bn_stream_queued(world.stream) > 0))
        return;
    if (is_blocked) {
        bn_stream_put(world.stream, "x", 1);
        return;
    }
    bn_stream_flush(world.stream);
    assert(bn_stream_queued(world.stream) == 0);
    if (read(world.peer, byte, sizeof byte) < 0)
        abort();
    for (size_t i = 0; i < COUNT(world.ears); i++)
        bn_live_drained(&world.ears[i].live);
}

static void happen(char what)
{
    static const int64_t lengths_ms[] = {10, 100, 1000, 4000, 16000, 50000};
    world.tick++;
    switch (what) {
    case 'h': tell_host(world.tick); break;
    case 'H':
        for (int i = 0; i < 20; i++)
            tell_host(world.tick + i);
        break;
    case 'c': tell_core(world.tick, false); break;
    case 'g': tell_core(world.tick + 2, true); break;
    case 's': tell_self(); break;
    case 'l': tell_line(); break;
    case 'r': put_user("u1", BN_ROLE_VIEWER, false); break;
    case 'x': put_user("u1", BN_ROLE_ADMIN, true); break;
    case 'd': drain(3000); break;
    case 'D': drain(0); break;
    case 'b': block(true); break;
    case 'u': block(false); break;
    default:
        if (what >= '1' && what <= '6')
            let_pass(lengths_ms[what - '1']);
        break;
    }
}

/* --- beginning and ending ----------------------------------------------------------------------
 */

static void start_once(void)
{
    static const struct bn_stream_ops ops = {take_all, quiet, NULL, closed};
    struct bn_err err;
    int pair[2];
    bool ok = bn_secret_start(&err) && bn_loop_create(&world.loop, &world.clock, &err);
    ok = ok && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0;
    assert(ok);
    bn_log_set_fd(-1);
    world.peer = pair[1];
    world.stream = bn_stream_create(world.loop, pair[0], NULL);
    bn_stream_set(world.stream, &ops, &world);
    bn_hub_init(&world.hub, &world.clock, NULL, quiet, NULL);
    const struct bn_web_config config = {.loop = world.loop,
            .hub = &world.hub,
            .clock = &world.clock,
            .listeners_max = 10};
    world.web = bn_web_create(&config);
    bn_hub_finish(&world.hub); /* each input has its own */
}

static void begin(void)
{
    world.clock = (struct bn_clock){.now_ms = 1795000000000, .mono_ms = 5000000};
    world.tick = 0;
    bn_hub_init(&world.hub, &world.clock, NULL, quiet, NULL);
    world.sessions = world.web->config.sessions = bn_sessions_create(&world.hub);
    world.web->people_checked_mono_ms = world.clock.mono_ms;
    put_user("u0", BN_ROLE_ADMIN, false); /* one administrator has to stay */
    put_user("u1", BN_ROLE_ADMIN, false);
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    fact.replay = true;
    SET(fact.u.key.id, "k1");
    SET(fact.u.key.name, "k1");
    SET(fact.u.key.scopes, "all");
    SET(fact.u.key.user_id, "u1");
    SET(fact.u.key.hash, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    bn_hub_replay(&world.hub, &fact);
    tell_host(7);
    for (size_t i = 0; i < COUNT(world.ears); i++) {
        struct ear *ear = &world.ears[i];
        memset(ear, 0, sizeof *ear);
        bn_buf_init(&ear->said, 64 << 20);
        ear->conn = (struct bn_conn){.web = world.web, .stream = world.stream};
        struct bn_live_conn *live = &ear->live;
        live->conn = &ear->conn;
        live->stream = world.stream;
        live->dialect = &dialect;
        live->who = (struct bn_who){.kind = BN_WHO_KEY, .tenant = "default", .key_id = "k1"};
        live->tokens = BN_LIVE_MESSAGES_BURST * 1000;
        live->tokens_at_mono_ms = live->since_mono_ms = live->heard_mono_ms = live->said_mono_ms =
                live->beat_mono_ms = world.clock.mono_ms;
        bool is_there = bn_sessions_refresh(world.sessions, &live->who);
        assert(is_there);
        bn_sink_init(&live->sink, &world.hub.topics, live);
        bn_list_append(&world.web->ears, &live->link);
    }
}

static void check_values(struct ear *ear)
{
    for (size_t i = 0; i < bn_topic_count; i++) {
        struct bn_topic *topic = bn_topic_find(&world.hub.topics, BN_TENANT_DEFAULT,
                bn_str(bn_topics[i].name));
        struct bn_sub *sub = topic ? bn_sink_find(&ear->live.sink, topic) : NULL;
        if (!sub || topic->info->content != BN_STATE)
            continue;
        const struct known *known = &ear->known[topic->alias];
        assert(known->is_joined && (uint64_t)known->seq == sub->sent);
        if (!known->value || sub->sent != topic->seq)
            continue;
        const struct bn_bytes *bytes = bn_topic_value(topic);
        json_t *value = json_loadb(bytes->p, bytes->len, 0, NULL);
        assert(json_equal(value, known->value));
        json_decref(value);
    }
}

static void finish(void)
{
    block(false);
    for (size_t i = 0; i < COUNT(world.ears); i++) {
        struct ear *ear = &world.ears[i];
        check_values(ear);
        for (size_t k = 0; k < ALIASES; k++)
            set_value(&ear->known[k], NULL);
        bn_buf_finish(&ear->said);
        bn_sink_finish(&ear->live.sink);
        bn_list_remove(&ear->live.link);
    }
    bn_hub_finish(&world.hub);
    bn_sessions_destroy(world.sessions);
}

/* --- one input ----------------------------------------------------------------------------------
 */

static const char *epoch_of(const char *name)
{
    const struct bn_topic *topic = bn_topic_find(&world.hub.topics, BN_TENANT_DEFAULT,
            bn_str(name));
    return topic ? topic->epoch : "none";
}

static void put_line(struct bn_buf *out, struct bn_str line)
{
    for (size_t i = 0; i < line.len; i++) {
        char next = i + 1 < line.len ? line.p[i + 1] : 0;
        if (line.p[i] == '$' && (next == 'h' || next == 'l')) {
            bn_buf_puts(out, epoch_of(next == 'h' ? "meter.host" : "self.log"));
            i++;
        } else {
            bn_buf_putc(out, line.p[i]);
        }
    }
    bn_buf_putc(out, '\n');
}

static bool is_blank(struct bn_str text)
{
    while (text.p)
        if (bn_str_trim(bn_str_cut(&text, '\n')).len)
            return false;
    return true;
}

/* One message to both; line by line only what is not blank, for a message of nothing counts too. */
static void hear(struct bn_buf *message)
{
    struct bn_live_conn *whole = &world.ears[0].live;
    struct bn_live_conn *cut = &world.ears[1].live;
    struct bn_str rest = bn_buf_str(message);
    if (!message->len || whole->ended)
        return;
    bool goes_on = bn_live_hear(whole, rest);
    assert(goes_on == !whole->ended);
    if (is_blank(rest))
        (void)!bn_live_hear(cut, rest);
    while (rest.p && !cut->ended) {
        struct bn_str line = bn_str_cut(&rest, '\n');
        if (bn_str_trim(line).len)
            (void)!bn_live_hear(cut, line);
    }
    bn_buf_reset(message);
    assert(whole->sink.sub_count == cut->sink.sub_count);
    assert(whole->sink.sub_count <= BN_LIVE_TOPICS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_str rest = {size ? (const char *)data : "", size};
    BN_BUF_AUTO message;
    bn_buf_init(&message, 1 << 20);
    if (!world.web)
        start_once();
    begin();
    for (int i = 0; rest.p && i < LINES_MAX; i++) {
        struct bn_str line = bn_str_cut(&rest, '\n');
        if (!line.len || line.p[0] != '!') {
            put_line(&message, line);
            continue;
        }
        hear(&message);
        for (size_t j = 1; j < line.len && j < 40; j++)
            happen(line.p[j]);
    }
    hear(&message);
    flush();
    const struct bn_buf *a = &world.ears[0].said;
    const struct bn_buf *b = &world.ears[1].said;
    assert(a->len == b->len && (!a->len || memcmp(a->p, b->p, a->len) == 0));
    assert(world.ears[0].has_ended == world.ears[0].live.ended);
    finish();
    return 0;
}

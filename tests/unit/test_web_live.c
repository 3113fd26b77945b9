#include <fcntl.h>
#include <math.h>

#include "model/people.h"
#include "web/live.h"
#include "web_rig.h"

/* --- a listener without a socket ------------------------------------------------------------- */

/* What it was told, one line each. */
struct ear {
    struct bn_live_conn live;
    struct bn_conn conn;
    struct bn_buf told;
    int code; /* it was ended with; 0: it was not */
    int beats;
};

static struct ear *ear_of(struct bn_live_conn *live)
{
    return container_of(live, struct ear, live);
}

static struct bn_sent ear_send(struct bn_live_conn *live, struct bn_msg *const *msgs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bn_buf_put(&ear_of(live)->told, msgs[i]->forms[BN_FORM_JSON]->p,
                msgs[i]->forms[BN_FORM_JSON]->len);
    return (struct bn_sent){0};
}

static void ear_say(struct bn_live_conn *live, struct bn_str lines)
{
    live->said_mono_ms = live->conn->web->config.clock->mono_ms;
    bn_buf_put(&ear_of(live)->told, lines.p, lines.len);
}

static void ear_tell(struct bn_live_conn *live, const struct bn_telling *telling)
{
    ear_say(live, bn_buf_str(&telling->text));
}

static void ear_heartbeat(struct bn_live_conn *live)
{
    ear_of(live)->beats++;
}

static void ear_end(struct bn_live_conn *live, int code, const char *why)
{
    (void)why;
    ear_of(live)->code = code;
}

static const struct bn_dialect ear_dialect = {BN_PROTO_WS, ear_send, ear_say, ear_tell,
        ear_heartbeat, ear_end};

static void ear_open(struct ear *ear, struct web_rig *rig, const char *key)
{
    memset(ear, 0, sizeof *ear);
    bn_buf_init(&ear->told, 1 << 20);
    ear->conn.web = rig->web;
    struct bn_live_conn *live = &ear->live;
    live->conn = &ear->conn;
    live->dialect = &ear_dialect;
    live->greeted = true;
    live->tokens = BN_LIVE_MESSAGES_BURST * 1000;
    live->tokens_at_mono_ms = live->since_mono_ms = live->heard_mono_ms = live->said_mono_ms =
            live->beat_mono_ms = rig->clock.mono_ms;
    live->who = (struct bn_who){.kind = BN_WHO_KEY, .tenant = "default"};
    snprintf(live->who.key_id, sizeof live->who.key_id, "%s", key);
    CHECK(bn_sessions_refresh(rig->sessions, &live->who));
    bn_sink_init(&live->sink, &rig->hub.topics, live);
    bn_list_append(&rig->web->ears, &live->link);
}

static void ear_close(struct ear *ear)
{
    bn_list_remove(&ear->live.link);
    bn_sink_finish(&ear->live.sink);
    bn_buf_finish(&ear->told);
}

static void hear(struct ear *ear, const char *text)
{
    CHECK(bn_live_hear(&ear->live, bn_str(text)));
}

static struct bn_sub *sub_to(struct ear *ear, struct web_rig *rig, const char *topic)
{
    return bn_sink_find(&ear->live.sink, bn_topic_find(&rig->hub.topics, "default", bn_str(topic)));
}

static void begin(struct web_rig *rig)
{
    web_rig_init(rig, NULL, NULL, 0);
}

/* --- paces ----------------------------------------------------------------------------------- */

BN_TEST(a_pace_beyond_an_hour_is_an_hour_not_every_change)
{
    struct web_rig rig;
    struct ear ear;
    begin(&rig);
    ear_open(&ear, &rig, "reader");
    hear(&ear, "{\"t\":\"sub\",\"id\":1,\"topics\":[[\"meter.host\"]],\"min\":7200000}");
    struct bn_sub *sub = sub_to(&ear, &rig, "meter.host");
    CHECK_INT(sub->min_ms, BN_LIVE_PACE_MAX_MS);
    char rate[80];
    snprintf(rate, sizeof rate, "{\"t\":\"rate\",\"k\":%u,\"min\":1}", sub->topic->alias);
    hear(&ear, rate);
    CHECK_INT(sub->min_ms, 1);
    snprintf(rate, sizeof rate, "{\"t\":\"rate\",\"k\":%u,\"min\":99999999999}", sub->topic->alias);
    hear(&ear, rate);
    CHECK_INT(sub->min_ms, BN_LIVE_PACE_MAX_MS);
    ear_close(&ear);
    web_rig_finish(&rig);
}

BN_TEST(a_number_that_is_no_alias_paces_no_topic_whose_alias_ends_alike)
{
    struct web_rig rig;
    struct ear ear;
    begin(&rig);
    ear_open(&ear, &rig, "reader");
    hear(&ear, "{\"t\":\"sub\",\"id\":1,\"topics\":[[\"meter.host\"]],\"min\":1000}");
    struct bn_sub *sub = sub_to(&ear, &rig, "meter.host");
    char rate[80];
    snprintf(rate, sizeof rate, "{\"t\":\"rate\",\"k\":%lld,\"min\":5}",
            (1LL << 32) + sub->topic->alias);
    hear(&ear, rate);
    CHECK_INT(sub->min_ms, 1000);
    snprintf(rate, sizeof rate, "{\"t\":\"rate\",\"k\":%lld,\"min\":5}",
            sub->topic->alias - (1LL << 32));
    hear(&ear, rate);
    CHECK_INT(sub->min_ms, 1000);
    ear_close(&ear);
    web_rig_finish(&rig);
}

/* --- how many topics ------------------------------------------------------------------------- */

BN_TEST(who_hears_all_the_topics_he_may_can_still_ask_for_one_of_them_again)
{
    static struct bn_topic_info infos[BN_LIVE_TOPICS_MAX + 1];
    static char names[BN_LIVE_TOPICS_MAX + 1][16];
    struct web_rig rig;
    struct ear ear;
    char ask[100];
    begin(&rig);
    ear_open(&ear, &rig, "reader");
    for (int i = 0; i <= BN_LIVE_TOPICS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "many.%d", i);
        infos[i] = (struct bn_topic_info){names[i], BN_LOG, BN_RIGHT_READ, BN_KIND_NONE};
        bn_topic_create(&rig.hub.topics, &infos[i], "default");
    }
    for (int i = 0; i < BN_LIVE_TOPICS_MAX; i++) {
        snprintf(ask, sizeof ask, "{\"t\":\"sub\",\"id\":1,\"topics\":[[\"many.%d\"]]}", i);
        ear.live.tokens = BN_LIVE_MESSAGES_BURST * 1000;
        hear(&ear, ask);
    }
    hear(&ear, "{\"t\":\"sub\",\"id\":2,\"topics\":[[\"many.7\"]]}");
    CHECK_INT(ear.code, 0);
    CHECK_INT(ear.live.sink.sub_count, BN_LIVE_TOPICS_MAX);
    CHECK(!bn_live_hear(&ear.live, BN_STR("{\"t\":\"sub\",\"id\":3,\"topics\":[[\"many.200\"]]}")));
    CHECK_INT(ear.code, 4104);
    ear_close(&ear);
    web_rig_finish(&rig);
}

/* --- signs of life --------------------------------------------------------------------------- */

BN_TEST(nothing_said_for_fifteen_seconds_is_never_nothing_said_for_longer)
{
    struct web_rig rig;
    struct ear ear;
    struct bn_ws ws;
    begin(&rig);
    ear_open(&ear, &rig, "reader");
    ear.live.ws = &ws; /* only whether there is one */
    int64_t begun_mono_ms = rig.clock.mono_ms;
    ear.live.said_mono_ms = begun_mono_ms + 1000; /* a word right after the last beat */
    for (int64_t s = 2; s <= 17; s++) {
        rig.clock.mono_ms = begun_mono_ms + s * 1000;
        ear.live.heard_mono_ms = rig.clock.mono_ms;
        bn_live_tick(rig.web, rig.clock.mono_ms);
    }
    bn_buf_putc(&ear.told, 0);
    CHECK_INT(ear.beats, 1);
    CHECK(bn_str_starts(bn_str(ear.told.p), "{\"t\":\"hb\",\"now\":"));
    CHECK(!strstr(ear.told.p + 1, "\"hb\"") || strrchr(ear.told.p, '{') == ear.told.p);
    ear.live.ws = NULL;
    ear_close(&ear);
    web_rig_finish(&rig);
}

/* --- whoever may not hear any more ------------------------------------------------------------ */

static void set_key(struct web_rig *rig, const char *id, const char *scopes, int64_t expires_at)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, "default");
    memcpy(&fact.u, bn_live_get(&rig->hub.live, "default", BN_KIND_KEY, id), sizeof fact.u.key);
    snprintf(fact.u.key.scopes, sizeof fact.u.key.scopes, "%s", scopes);
    fact.u.key.expires_at = expires_at;
    bn_hub_replay(&rig->hub, &fact);
}

BN_TEST(a_key_that_expires_takes_its_listeners_along_within_a_second)
{
    struct web_rig rig;
    struct ear ear;
    begin(&rig);
    bn_live_tick(rig.web, rig.clock.mono_ms); /* all have just been looked at */
    set_key(&rig, "reader", "read", rig.clock.now_ms + 1500);
    ear_open(&ear, &rig, "reader");
    hear(&ear, "{\"t\":\"sub\",\"id\":1,\"topics\":[[\"meter.host\"]]}");
    rig.clock.now_ms += 1000;
    rig.clock.mono_ms += 1000;
    bn_live_tick(rig.web, rig.clock.mono_ms);
    CHECK_INT(ear.code, 0);
    rig.clock.now_ms += 1000;
    rig.clock.mono_ms += 1000;
    bn_live_tick(rig.web, rig.clock.mono_ms);
    CHECK_INT(ear.code, 4100);
    CHECK(strstr(ear.told.p, "\"code\":4100"));
    ear_close(&ear);
    web_rig_finish(&rig);
}

/* --- requests that wait ----------------------------------------------------------------------- */

/* A request whose answer may be long in coming. */
static int ask(struct web_rig *rig, const char *key, const char *target)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)rig->port)};
    char head[1024];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    int len = snprintf(head, sizeof head,
            "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer bnk_%s_x\r\n\r\n", target,
            key);
    CHECK_INT(send(fd, head, (size_t)len, MSG_NOSIGNAL), len);
    return fd;
}

static void wait_for_polls(struct web_rig *rig, size_t count)
{
    WEB_AWAIT(rig, rig->web->poll_count == count);
}

static void check_answer(struct web_rig *rig, int fd, const char *status, const char *part)
{
    char text[4096];
    ssize_t n = -1;
    WEB_AWAIT(rig, (n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) >= 0);
    close(fd);
    if (n <= 0)
        fail_msg("no answer");
    text[n] = 0;
    if (!bn_str_starts(bn_str(text + 9), status) || !strstr(text, part))
        fail_msg("%s", text);
}

static void tell_line(struct web_rig *rig)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_LINE, "default");
    snprintf(fact.u.line.id, sizeof fact.u.line.id, "1");
    snprintf(fact.u.line.text, sizeof fact.u.line.text, "hidden");
    bn_hub_tell(&rig->hub, &fact);
}

static void target_of(struct web_rig *rig, const char *name, char *out, size_t size)
{
    const struct bn_topic *topic = bn_topic_find(&rig->hub.topics, "default", bn_str(name));
    snprintf(out, size, "/api/v1/state?topic=%s&since=%s.%llu&wait=25", name, topic->epoch,
            (unsigned long long)topic->seq);
}

BN_TEST(who_waits_and_loses_the_right_is_told_so_and_not_that_a_session_ended)
{
    struct web_rig rig;
    char target[160];
    begin(&rig);
    target_of(&rig, "self.log", target, sizeof target);
    int fd = ask(&rig, "admin", target);
    wait_for_polls(&rig, 1);
    set_key(&rig, "admin", "read", 0);
    bn_live_tick(rig.web, rig.clock.mono_ms);
    check_answer(&rig, fd, "403", "key:admin may not read this topic");
    web_rig_finish(&rig);
}

BN_TEST(who_waits_hears_nothing_that_became_known_after_the_key_was_gone)
{
    struct web_rig rig;
    struct bn_fact fact;
    char target[160];
    begin(&rig);
    target_of(&rig, "self.log", target, sizeof target);
    int fd = ask(&rig, "admin", target);
    wait_for_polls(&rig, 1);
    bn_fact_init(&fact, BN_KIND_KEY, "default");
    fact.op = BN_GONE;
    snprintf(fact.u.key.id, sizeof fact.u.key.id, "admin");
    bn_hub_tell(&rig.hub, &fact);
    tell_line(&rig); /* in the same turn, so that no second passes between */
    check_answer(&rig, fd, "401", "the session or key ended");
    web_rig_finish(&rig);
}

BN_TEST(more_requests_that_wait_than_there_is_room_for_are_sent_away)
{
    struct web_rig rig;
    const char *body;
    char target[160];
    begin(&rig);
    target_of(&rig, "self.log", target, sizeof target);
    rig.web->poll_count = BN_POLLS_MAX;
    CHECK_INT(web_rig_get(&rig, "admin", target, &body), 503);
    CHECK(strstr(body, "4096 requests are waiting for changes already"));
    CHECK(strstr(rig.answer.p, "Retry-After: 5"));
    rig.web->poll_count = 0;
    web_rig_finish(&rig);
}

BN_TEST_MAIN()

#include <stdlib.h>

#include "bn_test.h"
#include "topic/sink.h"
#include "topic/topic.h"

#define KEYS 40

/* One tenant's "meter.host" with its root and one section, as the hub sets it up. */
struct scene {
    struct bn_topics topics;
    struct bn_table host;
    struct bn_table cores;
    struct bn_topic *topic;
    struct bn_topic *log;
    struct bn_sink sink;
};

static const struct bn_topic_info state_info = {"meter.host", BN_STATE, BN_RIGHT_READ,
        BN_KIND_NONE};
static const struct bn_topic_info log_info = {"self.log", BN_LOG, BN_RIGHT_ADMIN, BN_KIND_NONE};

static void scene_init(struct scene *scene)
{
    bn_topics_init(&scene->topics);
    bn_table_init(&scene->host, &bn_host_type, 1);
    bn_table_init(&scene->cores, &bn_core_type, 1024);
    scene->topic = bn_topic_create(&scene->topics, &state_info, "default");
    scene->log = bn_topic_create(&scene->topics, &log_info, "default");
    bn_topic_show(scene->topic, "", &scene->host, true);
    bn_topic_show(scene->topic, "cores", &scene->cores, false);
    bn_sink_init(&scene->sink, &scene->topics, NULL);
}

static void scene_finish(struct scene *scene)
{
    bn_sink_finish(&scene->sink);
    bn_topics_finish(&scene->topics);
    bn_table_finish(&scene->cores);
    bn_table_finish(&scene->host);
}

static void put_core(struct scene *scene, const char *id, double busy_pct)
{
    struct bn_core core;
    uint64_t changed;
    bn_record_clear(&bn_core_type, &core);
    snprintf(core.id, sizeof core.id, "%s", id);
    core.busy_pct = busy_pct;
    struct bn_row *row = bn_table_put(&scene->cores, &core, &changed);
    assert_non_null(row);
    if (changed)
        bn_topic_change(scene->topic, &scene->cores, row, changed);
}

static void drop_core(struct scene *scene, const char *id)
{
    if (bn_table_remove(&scene->cores, id))
        bn_topic_gone(scene->topic, &scene->cores, id);
}

static void put_load(struct scene *scene, double load1)
{
    struct bn_host host;
    uint64_t changed;
    bn_record_clear(&bn_host_type, &host);
    snprintf(host.id, sizeof host.id, "local");
    host.load1 = load1;
    struct bn_row *row = bn_table_put(&scene->host, &host, &changed);
    if (changed)
        bn_topic_change(scene->topic, &scene->host, row, changed);
}

static void text_of(const struct bn_msg *msg, char *out, size_t size)
{
    const struct bn_bytes *json = msg->forms[BN_FORM_JSON];
    snprintf(out, size, "%.*s", (int)json->len, json->p);
}

static void check_value(struct scene *scene, const char *want)
{
    char got[2000];
    const struct bn_bytes *value = bn_topic_value(scene->topic);
    snprintf(got, sizeof got, "%.*s", (int)value->len, value->p);
    CHECK_STR(got, want);
}

static void check_delta(struct scene *scene, uint64_t after, const char *want)
{
    char got[2000];
    struct bn_msg *msg = bn_topic_delta(scene->topic, after);
    assert_non_null(msg);
    text_of(msg, got, sizeof got);
    bn_msg_unref(msg);
    CHECK_STR(got, want);
}

BN_TEST(a_turn_is_one_sequence_however_much_changed_in_it)
{
    struct scene scene;
    scene_init(&scene);
    put_core(&scene, "0", 10);
    put_core(&scene, "1", 20);
    put_core(&scene, "0", 11);
    bn_topics_commit(&scene.topics);
    CHECK_INT(scene.topic->seq, 1);
    bn_topics_commit(&scene.topics);
    CHECK_INT(scene.topic->seq, 1);
    check_value(&scene,
            "{\"cores\":{\"0\":{\"id\":\"0\",\"busy_pct\":11},\"1\":{\"id\":\"1\",\"busy_pct\":20}}}");
    scene_finish(&scene);
}

BN_TEST(a_delta_says_only_what_changed)
{
    struct scene scene;
    scene_init(&scene);
    put_core(&scene, "0", 10);
    put_load(&scene, 1);
    bn_topics_commit(&scene.topics);
    put_core(&scene, "0", 12.5);
    bn_topics_commit(&scene.topics);
    check_delta(&scene, 1,
            "{\"t\":\"d\",\"k\":1,\"s\":2,\"p\":{\"cores\":{\"0\":{\"busy_pct\":12.5}}}}\n");
    put_load(&scene, 2);
    bn_topics_commit(&scene.topics);
    check_delta(&scene, 2, "{\"t\":\"d\",\"k\":1,\"s\":3,\"p\":{\"load1\":2}}\n");
    check_delta(&scene, 1,
            "{\"t\":\"d\",\"k\":1,\"s\":3,\"from\":1,\"p\":{\"load1\":2,\"cores\":{\"0\":{\"busy_pct\":12.5}}}}\n");
    scene_finish(&scene);
}

BN_TEST(a_row_that_is_gone_is_null_and_one_that_came_back_is_told_whole)
{
    struct scene scene;
    scene_init(&scene);
    put_core(&scene, "0", 10);
    put_core(&scene, "1", 10);
    bn_topics_commit(&scene.topics);
    drop_core(&scene, "0");
    bn_topics_commit(&scene.topics);
    check_delta(&scene, 1, "{\"t\":\"d\",\"k\":1,\"s\":2,\"p\":{\"cores\":{\"0\":null}}}\n");
    put_core(&scene, "0", 30);
    bn_topics_commit(&scene.topics);
    check_delta(&scene, 1,
            "{\"t\":\"d\",\"k\":1,\"s\":3,\"from\":1,\"p\":{\"cores\":{\"0\":{\"id\":\"0\","
            "\"busy_pct\":30,\"mhz\":null}}}}\n");
    scene_finish(&scene);
}

BN_TEST(a_field_that_became_unknown_is_null_in_the_delta_and_absent_in_the_value)
{
    struct scene scene;
    scene_init(&scene);
    put_core(&scene, "0", 10);
    bn_topics_commit(&scene.topics);
    put_core(&scene, "0", NAN);
    bn_topics_commit(&scene.topics);
    check_delta(&scene, 1,
            "{\"t\":\"d\",\"k\":1,\"s\":2,\"p\":{\"cores\":{\"0\":{\"busy_pct\":null}}}}\n");
    check_value(&scene, "{\"cores\":{\"0\":{\"id\":\"0\"}}}");
    scene_finish(&scene);
}

BN_TEST(a_change_is_encoded_once_for_a_hundred_listeners)
{
    struct scene scene;
    struct bn_sink sinks[100];
    scene_init(&scene);
    for (size_t i = 0; i < COUNT(sinks); i++) {
        bn_sink_init(&sinks[i], &scene.topics, NULL);
        bn_sink_join(&sinks[i], scene.topic, scene.topic->seq, 0);
    }
    put_core(&scene, "0", 10);
    bn_topics_commit(&scene.topics);
    uint64_t before = scene.topics.encoded;
    struct bn_msg *first = NULL;
    for (size_t i = 0; i < COUNT(sinks); i++) {
        struct bn_msg *msg;
        CHECK_INT(bn_sink_take(&sinks[i], 0, &msg, 1, 65536), 1);
        if (i == 0)
            first = msg;
        CHECK(msg == first);
        bn_msg_unref(msg);
        bn_sink_finish(&sinks[i]);
    }
    CHECK_INT(scene.topics.encoded - before, 1);
    scene_finish(&scene);
}

BN_TEST(what_replies_carry_is_encoded_once_while_the_sequence_stands)
{
    struct scene scene;
    char got[500];
    scene_init(&scene);
    put_core(&scene, "0", 10);
    bn_topics_commit(&scene.topics);
    put_core(&scene, "1", 20);
    bn_topics_commit(&scene.topics);
    uint64_t before = scene.topics.encoded;
    struct bn_msg *range = bn_topic_range(scene.topic, 1);
    struct bn_msg *whole = bn_topic_whole(scene.topic);
    for (int i = 0; i < 100; i++) {
        struct bn_msg *again = bn_topic_range(scene.topic, 1);
        CHECK(again == range);
        bn_msg_unref(again);
        again = bn_topic_whole(scene.topic);
        CHECK(again == whole);
        bn_msg_unref(again);
    }
    CHECK(bn_topic_value(scene.topic) == whole->forms[BN_FORM_JSON]);
    CHECK_INT(scene.topics.encoded - before, 2);
    text_of(range, got, sizeof got);
    CHECK_STR(got, "{\"cores\":{\"1\":{\"id\":\"1\",\"busy_pct\":20,\"mhz\":null}}}");
    text_of(whole, got, sizeof got);
    CHECK_STR(got,
            "{\"cores\":{\"0\":{\"id\":\"0\",\"busy_pct\":10},\"1\":{\"id\":\"1\",\"busy_pct\":20}}}");
    put_core(&scene, "1", 30);
    bn_topics_commit(&scene.topics);
    struct bn_msg *longer = bn_topic_range(scene.topic, 1);
    CHECK(longer != range);
    CHECK_INT(longer->to, 3);
    text_of(longer, got, sizeof got);
    CHECK_STR(got, "{\"cores\":{\"1\":{\"id\":\"1\",\"busy_pct\":30,\"mhz\":null}}}");
    CHECK(!bn_topic_range(scene.topic, 4));
    CHECK(!bn_topic_range(scene.log, 0));
    bn_msg_unref(longer);
    bn_msg_unref(range);
    bn_msg_unref(whole);
    scene_finish(&scene);
}

BN_TEST(a_slow_listener_gets_one_merged_delta_and_the_merging_is_counted)
{
    struct scene scene;
    struct bn_msg *msg;
    char got[500];
    scene_init(&scene);
    bn_sink_join(&scene.sink, scene.topic, 0, 0);
    for (int i = 1; i <= 5; i++) {
        put_core(&scene, "0", i);
        bn_topics_commit(&scene.topics);
    }
    CHECK_INT(bn_sink_take(&scene.sink, 0, &msg, 1, 65536), 1);
    text_of(msg, got, sizeof got);
    bn_msg_unref(msg);
    CHECK_STR(got,
            "{\"t\":\"d\",\"k\":1,\"s\":5,\"from\":0,\"p\":{\"cores\":{\"0\":{\"id\":\"0\",\"busy_pct\":5,"
            "\"mhz\":null}}}}\n");
    CHECK_INT(scene.topics.conflated, 4);
    CHECK_INT(bn_sink_take(&scene.sink, 0, &msg, 1, 65536), 0);
    scene_finish(&scene);
}

BN_TEST(what_is_older_than_the_memory_is_told_as_a_snapshot)
{
    struct scene scene;
    struct bn_msg *msg;
    char got[500];
    scene_init(&scene);
    bn_sink_join(&scene.sink, scene.topic, 0, 0);
    for (int i = 1; i <= BN_TOPIC_RING_COMMITS + 1; i++) {
        put_core(&scene, "0", i);
        bn_topics_commit(&scene.topics);
    }
    CHECK(!bn_topic_can_resume(scene.topic, bn_str(scene.topic->epoch), 0));
    CHECK(bn_topic_can_resume(scene.topic, bn_str(scene.topic->epoch), 1));
    CHECK(!bn_topic_can_resume(scene.topic, BN_STR("another"), 1));
    CHECK(!bn_topic_can_resume(scene.topic, bn_str(scene.topic->epoch), scene.topic->seq + 1));
    CHECK_INT(bn_sink_take(&scene.sink, 0, &msg, 1, 65536), 1);
    text_of(msg, got, sizeof got);
    bn_msg_unref(msg);
    assert_non_null(strstr(got, "\"t\":\"snap\""));
    assert_non_null(strstr(got, "\"v\":{\"cores\":{\"0\":{\"id\":\"0\",\"busy_pct\":1025}}}"));
    scene_finish(&scene);
}

BN_TEST(a_pace_holds_changes_back_and_a_pause_holds_them_all)
{
    struct scene scene;
    struct bn_msg *msg;
    scene_init(&scene);
    struct bn_sub *sub = bn_sink_join(&scene.sink, scene.topic, 0, 1000);
    put_core(&scene, "0", 1);
    bn_topics_commit(&scene.topics);
    CHECK_INT(bn_sink_take(&scene.sink, 5000, &msg, 1, 65536), 1);
    bn_msg_unref(msg);
    put_core(&scene, "0", 2);
    bn_topics_commit(&scene.topics);
    CHECK_INT(bn_sink_take(&scene.sink, 5900, &msg, 1, 65536), 0);
    CHECK(scene.sink.is_waiting);
    CHECK_INT(bn_sink_take(&scene.sink, 6000, &msg, 1, 65536), 1);
    bn_msg_unref(msg);
    bn_sink_set_rate(&scene.sink, sub, -1);
    put_core(&scene, "0", 3);
    bn_topics_commit(&scene.topics);
    CHECK_INT(bn_sink_take(&scene.sink, 99000, &msg, 1, 65536), 0);
    bn_sink_set_rate(&scene.sink, sub, 1);
    CHECK_INT(bn_sink_take(&scene.sink, 99000, &msg, 1, 65536), 1);
    bn_msg_unref(msg);
    scene_finish(&scene);
}

BN_TEST(a_log_tells_every_event_and_announces_exactly_those_that_are_gone)
{
    struct scene scene;
    struct bn_msg *msgs[64];
    char got[500];
    scene_init(&scene);
    bn_sink_join(&scene.sink, scene.log, 0, 0);
    for (int i = 1; i <= BN_LOG_RING_EVENTS + 20; i++) {
        char json[32];
        int n = snprintf(json, sizeof json, "{\"n\":%d}", i);
        bn_topic_event(scene.log, (struct bn_str){json, (size_t)n});
    }
    bn_topics_commit(&scene.topics);
    size_t n = bn_sink_take(&scene.sink, 0, msgs, COUNT(msgs), 1 << 20);
    CHECK_INT(n, 64);
    text_of(msgs[0], got, sizeof got);
    CHECK_STR(got, "{\"t\":\"gap\",\"k\":2,\"from\":1,\"to\":20,\"why\":\"slow\"}\n");
    text_of(msgs[1], got, sizeof got);
    CHECK_STR(got, "{\"t\":\"e\",\"k\":2,\"s\":21,\"d\":{\"n\":21}}\n");
    CHECK(scene.sink.has_more);
    size_t events = 0;
    for (;;) {
        for (size_t i = 0; i < n; i++)
            bn_msg_unref(msgs[i]);
        events += n;
        n = bn_sink_take(&scene.sink, 0, msgs, COUNT(msgs), 1 << 20);
        if (n == 0)
            break;
    }
    CHECK_INT(events, BN_LOG_RING_EVENTS + 1);
    CHECK_INT(scene.topics.gaps, 20);
    struct bn_msg *last = bn_topic_get_event(scene.log, scene.log->seq);
    struct bn_str data = bn_topic_event_data(last);
    snprintf(got, sizeof got, "%.*s", BN_ARG(data));
    CHECK_STR(got, "{\"n\":1020}");
    bn_msg_unref(last);
    scene_finish(&scene);
}

BN_TEST(a_log_is_bounded_in_bytes_too)
{
    struct scene scene;
    scene_init(&scene);
    char *big = malloc(100000);
    memset(big, '1', 100000);
    for (int i = 0; i < 20; i++)
        bn_topic_event(scene.log, (struct bn_str){big, 100000});
    free(big);
    CHECK_INT(scene.log->seq + 1 - bn_topic_oldest(scene.log), 5);
    scene_finish(&scene);
}

BN_TEST(a_topic_is_found_in_its_tenant_only)
{
    struct scene scene;
    scene_init(&scene);
    CHECK(bn_topic_find(&scene.topics, "default", BN_STR("meter.host")) == scene.topic);
    CHECK(!bn_topic_find(&scene.topics, "other", BN_STR("meter.host")));
    CHECK(!bn_topic_find(&scene.topics, "default", BN_STR("meter.hos")));
    scene_finish(&scene);
}

/* --- a listener that folds patches always ends up with what the server knows
 * ------------------------- */

struct folded {
    bool there[KEYS];
    int value[KEYS];
};

/* Reads {"cores":{"3":{…"busy_pct":7…},"4":null}} with just enough of a parser for what we write.
 */
static void fold(struct folded *folded, const char *json)
{
    const char *p = strstr(json, "\"cores\":{");
    for (p = p ? p + 9 : NULL; p && *p == '"';) {
        int key = (int)strtol(p + 1, NULL, 10);
        p = strchr(p + 1, '"') + 2;
        if (*p == 'n') {
            folded->there[key] = false;
            p += 4;
        } else {
            const char *end = strchr(p, '}');
            const char *busy = strstr(p, "\"busy_pct\":");
            folded->there[key] = true;
            if (busy && busy < end)
                folded->value[key] = (int)strtol(busy + 11, NULL, 10);
            p = end + 1;
        }
        if (*p == ',')
            p++;
    }
}

static void listen(struct scene *scene, struct folded *folded)
{
    struct bn_msg *msg;
    if (bn_sink_take(&scene->sink, 0, &msg, 1, 65536) == 0)
        return;
    char *text = malloc(msg->forms[BN_FORM_JSON]->len + 1);
    text_of(msg, text, msg->forms[BN_FORM_JSON]->len + 1);
    if (strstr(text, "\"t\":\"snap\""))
        memset(folded, 0, sizeof *folded);
    fold(folded, text);
    free(text);
    bn_msg_unref(msg);
}

BN_TEST(whoever_folds_what_he_hears_knows_what_the_server_knows)
{
    for (unsigned seed = 1; seed <= 30; seed++) {
        struct scene scene;
        struct folded folded = {0};
        unsigned random = seed;
        scene_init(&scene);
        bn_sink_join(&scene.sink, scene.topic, 0, 0);
        for (int step = 0; step < 3000; step++) {
            random = random * 1103515245u + 12345u;
            unsigned r = random >> 8;
            char key[12];
            snprintf(key, sizeof key, "%u", r % KEYS);
            if (r / KEYS % 5 == 0)
                drop_core(&scene, key);
            else
                put_core(&scene, key, r / 1000 % 100);
            if (r / 7 % 3 == 0)
                bn_topics_commit(&scene.topics);
            if (r / 11 % (seed * 20) == 0)
                listen(&scene, &folded);
        }
        bn_topics_commit(&scene.topics);
        listen(&scene, &folded);
        for (int i = 0; i < KEYS; i++) {
            char key[12];
            snprintf(key, sizeof key, "%d", i);
            const struct bn_row *row = bn_table_find(&scene.cores, key);
            CHECK_INT(folded.there[i], row != NULL);
            if (row)
                CHECK_INT(folded.value[i],
                        ((const struct bn_core *)(const void *)row->record)->busy_pct);
        }
        scene_finish(&scene);
    }
}

BN_TEST_MAIN()

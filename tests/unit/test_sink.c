#include <stdlib.h>

#include "bn_test.h"
#include "model/meter.h"
#include "topic/sink.h"

/* Two state topics and a log, as a hub sets them up. */
struct scene {
    struct bn_topics topics;
    struct bn_table tables[2];
    struct bn_topic *state[2];
    struct bn_topic *log;
};

static const struct bn_topic_info infos[] = {{"one", BN_STATE, BN_RIGHT_READ, BN_KIND_NONE},
        {"two", BN_STATE, BN_RIGHT_READ, BN_KIND_NONE},
        {"log", BN_LOG, BN_RIGHT_READ, BN_KIND_NONE}};

static void scene_init(struct scene *scene)
{
    bn_topics_init(&scene->topics);
    for (int i = 0; i < 2; i++) {
        bn_table_init(&scene->tables[i], &bn_core_type, 100);
        scene->state[i] = bn_topic_create(&scene->topics, &infos[i], "default");
        bn_topic_show(scene->state[i], "cores", &scene->tables[i], false);
    }
    scene->log = bn_topic_create(&scene->topics, &infos[2], "default");
}

static void scene_finish(struct scene *scene)
{
    bn_topics_finish(&scene->topics);
    for (int i = 0; i < 2; i++)
        bn_table_finish(&scene->tables[i]);
}

static void change(struct scene *scene, int i)
{
    static double percent;
    struct bn_core core;
    uint64_t changed;
    percent = percent > 99 ? 0 : percent + 0.5;
    bn_record_clear(&bn_core_type, &core);
    snprintf(core.id, sizeof core.id, "0");
    core.busy_pct = percent;
    struct bn_row *row = bn_table_put(&scene->tables[i], &core, &changed);
    bn_topic_change(scene->state[i], &scene->tables[i], row, changed);
}

static void say(struct scene *scene)
{
    bn_topic_event(scene->log, BN_STR("{}"));
}

static void commit(struct scene *scene)
{
    bn_topics_commit(&scene->topics);
}

/* Takes all that is due and answers how many messages that were. */
static size_t take(struct bn_sink *sink, int64_t now_mono_ms)
{
    struct bn_msg *msgs[200];
    size_t n = bn_sink_take(sink, now_mono_ms, msgs, COUNT(msgs), 1 << 20);
    for (size_t i = 0; i < n; i++)
        bn_msg_unref(msgs[i]);
    return n;
}

static size_t count_due(struct scene *scene)
{
    size_t n = 0;
    for (struct bn_sink *sink; (sink = bn_sink_next_due(&scene->topics)); n++)
        take(sink, 0);
    return n;
}

BN_TEST(a_listener_is_due_once_however_many_of_its_topics_have_news)
{
    struct scene scene;
    struct bn_sink sink;
    scene_init(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    bn_sink_join(&sink, scene.state[0], 0, 0);
    bn_sink_join(&sink, scene.state[1], 0, 0);
    CHECK_INT(count_due(&scene), 0);
    change(&scene, 0);
    change(&scene, 1);
    CHECK_INT(count_due(&scene), 0);
    commit(&scene);
    CHECK(bn_sink_next_due(&scene.topics) == &sink);
    CHECK_INT(take(&sink, 0), 2);
    CHECK_INT(count_due(&scene), 0);
    bn_sink_finish(&sink);
    scene_finish(&scene);
}

BN_TEST(every_listener_of_a_topic_becomes_due_and_nobody_else)
{
    struct scene scene;
    struct bn_sink sinks[50];
    scene_init(&scene);
    for (size_t i = 0; i < COUNT(sinks); i++) {
        bn_sink_init(&sinks[i], &scene.topics, NULL);
        bn_sink_join(&sinks[i], scene.state[i % 2], 0, 0);
    }
    change(&scene, 0);
    commit(&scene);
    CHECK_INT(count_due(&scene), 25);
    change(&scene, 1);
    commit(&scene);
    CHECK_INT(count_due(&scene), 25);
    for (size_t i = 0; i < COUNT(sinks); i++) {
        CHECK_INT(sinks[i].subs->sent, 1);
        bn_sink_finish(&sinks[i]);
    }
    scene_finish(&scene);
}

BN_TEST(listeners_may_leave_and_join_while_others_are_being_told)
{
    for (int leaver = 0; leaver < 5; leaver++) {
        struct scene scene;
        struct bn_sink sinks[6];
        scene_init(&scene);
        for (size_t i = 0; i < COUNT(sinks); i++)
            bn_sink_init(&sinks[i], &scene.topics, NULL);
        for (size_t i = 0; i < 5; i++)
            bn_sink_join(&sinks[i], scene.state[0], 0, 0);
        change(&scene, 0);
        commit(&scene);
        struct bn_sink *first = bn_sink_next_due(&scene.topics);
        CHECK(first == &sinks[0]);
        bn_sink_finish(&sinks[leaver]);
        bn_sink_join(&sinks[5], scene.state[0], scene.state[0]->seq, 0);
        CHECK_INT(count_due(&scene), leaver == 0 ? 4 : 3);
        for (size_t i = 0; i < COUNT(sinks); i++)
            bn_sink_finish(&sinks[i]);
        CHECK_INT(scene.topics.sub_count, 0);
        scene_finish(&scene);
    }
}

BN_TEST(a_topic_that_has_news_again_before_all_were_told_starts_over)
{
    struct scene scene;
    struct bn_sink sinks[3];
    scene_init(&scene);
    for (size_t i = 0; i < COUNT(sinks); i++) {
        bn_sink_init(&sinks[i], &scene.topics, NULL);
        bn_sink_join(&sinks[i], scene.state[0], 0, 0);
    }
    change(&scene, 0);
    commit(&scene);
    CHECK_INT(take(bn_sink_next_due(&scene.topics), 0), 1);
    change(&scene, 0);
    commit(&scene);
    CHECK_INT(count_due(&scene), 3);
    for (size_t i = 0; i < COUNT(sinks); i++) {
        CHECK_INT(sinks[i].subs->sent, 2);
        bn_sink_finish(&sinks[i]);
    }
    scene_finish(&scene);
}

BN_TEST(who_joins_behind_is_due_at_once_and_who_joins_up_to_date_is_not)
{
    struct scene scene;
    struct bn_sink behind;
    struct bn_sink ahead;
    scene_init(&scene);
    change(&scene, 0);
    commit(&scene);
    CHECK_INT(count_due(&scene), 0);
    bn_sink_init(&behind, &scene.topics, NULL);
    bn_sink_init(&ahead, &scene.topics, NULL);
    bn_sink_join(&ahead, scene.state[0], 1, 0);
    CHECK(!bn_sink_next_due(&scene.topics));
    bn_sink_join(&behind, scene.state[0], 0, 0);
    CHECK(bn_sink_next_due(&scene.topics) == &behind);
    CHECK(!bn_sink_next_due(&scene.topics));
    bn_sink_finish(&behind);
    bn_sink_finish(&ahead);
    scene_finish(&scene);
}

BN_TEST(a_listener_that_leaves_is_not_due_any_more)
{
    struct scene scene;
    struct bn_sink sink;
    scene_init(&scene);
    change(&scene, 0);
    commit(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    bn_sink_join(&sink, scene.state[0], 0, 0);
    bn_sink_finish(&sink);
    CHECK(!bn_sink_next_due(&scene.topics));
    scene_finish(&scene);
}

BN_TEST(subscriptions_are_found_by_topic_and_by_alias_and_kept_in_order)
{
    struct scene scene;
    struct bn_sink sink;
    scene_init(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    struct bn_sub *a = bn_sink_join(&sink, scene.state[0], 0, 0);
    struct bn_sub *b = bn_sink_join(&sink, scene.log, 0, 0);
    struct bn_sub *c = bn_sink_join(&sink, scene.state[1], 0, 0);
    CHECK(sink.subs == a && a->next == b && b->next == c && !c->next);
    CHECK_INT(sink.sub_count, 3);
    CHECK(bn_sink_find(&sink, scene.log) == b);
    CHECK(bn_sink_find_alias(&sink, scene.state[1]->alias) == c);
    CHECK(!bn_sink_find_alias(&sink, 99));
    bn_sink_leave(&sink, b);
    CHECK(a->next == c);
    CHECK(!bn_sink_find(&sink, scene.log));
    CHECK_INT(scene.log->sub_count, 0);
    CHECK_INT(scene.topics.sub_count, 2);
    bn_sink_finish(&sink);
    CHECK_INT(sink.sub_count, 0);
    scene_finish(&scene);
}

BN_TEST(a_paused_topic_makes_nobody_due_and_is_told_when_it_goes_on)
{
    struct scene scene;
    struct bn_sink sink;
    scene_init(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    struct bn_sub *sub = bn_sink_join(&sink, scene.state[0], 0, -1);
    for (int i = 0; i < 5; i++) {
        change(&scene, 0);
        commit(&scene);
    }
    CHECK(!bn_sink_next_due(&scene.topics));
    bn_sink_poll(&sink, 1000);
    CHECK(!bn_sink_next_due(&scene.topics));
    bn_sink_set_rate(&sink, sub, 100);
    CHECK(bn_sink_next_due(&scene.topics) == &sink);
    CHECK_INT(take(&sink, 1000), 1);
    CHECK_INT(sub->sent, 5);
    CHECK(!sink.is_waiting);
    bn_sink_finish(&sink);
    scene_finish(&scene);
}

BN_TEST(a_pace_that_has_not_passed_says_that_it_waits_and_a_poll_makes_it_due)
{
    struct scene scene;
    struct bn_sink sink;
    scene_init(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    bn_sink_join(&sink, scene.state[0], 0, 500);
    change(&scene, 0);
    commit(&scene);
    CHECK_INT(take(&sink, 1000), 1);
    change(&scene, 0);
    commit(&scene);
    CHECK_INT(take(&sink, 1499), 0);
    CHECK(sink.is_waiting);
    while (bn_sink_next_due(&scene.topics)) {
    }
    bn_sink_poll(&sink, 1499);
    CHECK(!bn_sink_next_due(&scene.topics));
    bn_sink_poll(&sink, 1500);
    bn_sink_poll(&sink, 1500);
    CHECK(bn_sink_next_due(&scene.topics) == &sink);
    CHECK(!bn_sink_next_due(&scene.topics));
    CHECK_INT(take(&sink, 1500), 1);
    CHECK(!sink.is_waiting);
    bn_sink_finish(&sink);
    scene_finish(&scene);
}

BN_TEST(a_take_is_bounded_in_messages_and_bytes_and_says_that_more_is_due)
{
    struct scene scene;
    struct bn_sink sink;
    struct bn_msg *msgs[10];
    scene_init(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    bn_sink_join(&sink, scene.log, 0, 0);
    bn_sink_join(&sink, scene.state[0], 0, 0);
    for (int i = 0; i < 12; i++)
        say(&scene);
    change(&scene, 0);
    commit(&scene);
    CHECK_INT(bn_sink_take(&sink, 0, msgs, 10, 1 << 20), 10);
    CHECK(sink.has_more);
    for (uint64_t i = 0; i < 10; i++) {
        CHECK_INT(msgs[i]->to, i + 1);
        bn_msg_unref(msgs[i]);
    }
    CHECK_INT(bn_sink_take(&sink, 0, msgs, 10, 1), 1); /* one always, or nobody would ever finish */
    CHECK(sink.has_more);
    bn_msg_unref(msgs[0]);
    CHECK_INT(take(&sink, 0), 2);
    CHECK(!sink.has_more);
    CHECK_INT(take(&sink, 0), 0);
    bn_sink_finish(&sink);
    scene_finish(&scene);
}

BN_TEST(messages_say_which_topic_they_are_of_and_which_range_they_bring)
{
    struct scene scene;
    struct bn_sink sink;
    struct bn_msg *msgs[4];
    scene_init(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    bn_sink_join(&sink, scene.state[1], 0, 0);
    bn_sink_join(&sink, scene.log, 0, 0);
    for (int i = 0; i < 3; i++) {
        change(&scene, 1);
        commit(&scene);
    }
    for (int i = 0; i < BN_LOG_RING_EVENTS + 1; i++)
        say(&scene);
    commit(&scene);
    CHECK_INT(bn_sink_take(&sink, 0, msgs, 4, 1 << 20), 4);
    CHECK_INT(msgs[0]->alias, scene.state[1]->alias);
    CHECK_INT(msgs[0]->from, 0);
    CHECK_INT(msgs[0]->to, 3);
    CHECK_INT(msgs[1]->alias, scene.log->alias);
    CHECK_INT(msgs[1]->from, 0); /* the gap: event 1 is gone */
    CHECK_INT(msgs[1]->to, 1);
    CHECK_INT(msgs[2]->from, 1);
    CHECK_INT(msgs[2]->to, 2);
    for (int i = 0; i < 4; i++)
        bn_msg_unref(msgs[i]);
    bn_sink_finish(&sink);
    scene_finish(&scene);
}

/* A tab that is hidden while a change waits for its pace must not keep a timer running. */
BN_TEST(who_pauses_or_leaves_what_it_waited_for_waits_no_more)
{
    struct scene scene;
    struct bn_sink sink;
    scene_init(&scene);
    bn_sink_init(&sink, &scene.topics, NULL);
    struct bn_sub *one = bn_sink_join(&sink, scene.state[0], 0, 5000);
    struct bn_sub *two = bn_sink_join(&sink, scene.state[1], 0, 5000);
    for (int i = 0; i < 2; i++) {
        change(&scene, 0);
        change(&scene, 1);
        commit(&scene);
        take(&sink, 1000);
    }
    CHECK(sink.is_waiting);
    bn_sink_poll(&sink, 1100);
    CHECK(sink.is_waiting);
    bn_sink_set_rate(&sink, one, -1);
    bn_sink_poll(&sink, 1200);
    CHECK(sink.is_waiting);
    bn_sink_leave(&sink, two);
    bn_sink_poll(&sink, 1300);
    CHECK(!sink.is_waiting);
    bn_sink_finish(&sink);
    scene_finish(&scene);
}

BN_TEST_MAIN()

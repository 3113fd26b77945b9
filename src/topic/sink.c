#include "topic/sink.h"

#include <stdlib.h>
#include <string.h>

void bn_sink_init(struct bn_sink *sink, struct bn_topics *set, void *owner)
{
    memset(sink, 0, sizeof *sink);
    sink->set = set;
    sink->owner = owner;
    bn_list_init(&sink->due_link);
}

void bn_sink_finish(struct bn_sink *sink)
{
    while (sink->sub_count > 0)
        bn_sink_leave(sink, sink->subs[sink->sub_count - 1]);
    free(sink->subs);
    sink->subs = NULL;
    sink->sub_cap = 0;
    bn_list_remove(&sink->due_link);
}

static void become_due(struct bn_sink *sink)
{
    if (bn_list_is_empty(&sink->due_link))
        bn_list_append(&sink->set->due_sinks, &sink->due_link);
}

struct bn_sub *bn_sink_join(struct bn_sink *sink, struct bn_topic *topic, uint64_t sent,
        int32_t min_ms)
{
    struct bn_sub *sub = bn_alloc(sizeof *sub);
    *sub = (struct bn_sub){.topic = topic, .sink = sink, .sent = sent, .min_ms = min_ms};
    if (sink->sub_count == sink->sub_cap) {
        sink->sub_cap = sink->sub_cap ? sink->sub_cap * 2 : 2;
        sink->subs = bn_realloc(sink->subs, sink->sub_cap * sizeof *sink->subs);
    }
    sink->subs[sink->sub_count++] = sub;
    bn_list_append(&topic->subs, &sub->topic_link);
    topic->sub_count++;
    topic->set->sub_count++;
    if (sent < topic->seq)
        become_due(sink);
    return sub;
}

struct bn_sub *bn_sink_find(struct bn_sink *sink, const struct bn_topic *topic)
{
    for (size_t i = 0; i < sink->sub_count; i++)
        if (sink->subs[i]->topic == topic)
            return sink->subs[i];
    return NULL;
}

struct bn_sub *bn_sink_find_alias(struct bn_sink *sink, uint32_t alias)
{
    for (size_t i = 0; i < sink->sub_count; i++)
        if (sink->subs[i]->topic->alias == alias)
            return sink->subs[i];
    return NULL;
}

void bn_sink_leave(struct bn_sink *sink, struct bn_sub *sub)
{
    size_t i = 0;
    while (sink->subs[i] != sub)
        i++;
    sink->subs[i] = sink->subs[--sink->sub_count];
    bn_list_remove(&sub->topic_link);
    sub->topic->sub_count--;
    sub->topic->set->sub_count--;
    free(sub);
}

void bn_sink_set_rate(struct bn_sink *sink, struct bn_sub *sub, int32_t min_ms)
{
    sub->min_ms = min_ms;
    sub->next_due_mono_ms = 0; /* what has gathered is told now, then at the new pace */
    if (min_ms >= 0 && sub->sent < sub->topic->seq)
        become_due(sink);
}

/* What a take fills. */
struct harvest {
    struct bn_msg **out;
    size_t count;
    size_t max;
    size_t bytes;
    size_t bytes_max;
};

static bool is_full(const struct harvest *harvest)
{
    return harvest->count == harvest->max ||
           (harvest->count > 0 && harvest->bytes >= harvest->bytes_max);
}

static void gather(struct harvest *harvest, struct bn_msg *take_msg)
{
    harvest->out[harvest->count++] = take_msg;
    harvest->bytes += take_msg->forms[BN_FORM_JSON]->len;
}

static void take_state(struct bn_sub *sub, struct harvest *harvest)
{
    struct bn_topic *topic = sub->topic;
    struct bn_msg *msg = bn_topic_delta(topic, sub->sent);
    topic->set->conflated += topic->seq - sub->sent - 1;
    gather(harvest, msg ? msg : bn_topic_snap(topic));
    sub->sent = topic->seq;
}

static void take_log(struct bn_sub *sub, struct harvest *harvest)
{
    struct bn_topic *topic = sub->topic;
    uint64_t oldest = bn_topic_oldest(topic);
    if (sub->sent + 1 < oldest) {
        gather(harvest, bn_topic_gap(topic, sub->sent + 1, oldest - 1));
        sub->sent = oldest - 1;
    }
    while (sub->sent < topic->seq && !is_full(harvest))
        gather(harvest, bn_topic_get_event(topic, ++sub->sent));
}

size_t bn_sink_take(struct bn_sink *sink, int64_t now_mono_ms, struct bn_msg **out, size_t max,
        size_t bytes_max)
{
    struct harvest harvest = {.out = out, .max = max, .bytes_max = bytes_max};
    sink->is_waiting = false;
    sink->has_more = false;
    for (size_t i = 0; i < sink->sub_count; i++) {
        struct bn_sub *sub = sink->subs[i];
        if (sub->sent >= sub->topic->seq || sub->min_ms < 0)
            continue;
        if (now_mono_ms < sub->next_due_mono_ms) {
            sink->is_waiting = true;
            continue;
        }
        if (is_full(&harvest)) {
            sink->has_more = true;
            break;
        }
        if (sub->topic->events)
            take_log(sub, &harvest);
        else
            take_state(sub, &harvest);
        if (sub->sent < sub->topic->seq)
            sink->has_more = true;
        else
            sub->next_due_mono_ms = now_mono_ms + sub->min_ms;
    }
    return harvest.count;
}

void bn_sink_poll(struct bn_sink *sink, int64_t now_mono_ms)
{
    for (size_t i = 0; i < sink->sub_count; i++) {
        const struct bn_sub *sub = sink->subs[i];
        if (sub->sent < sub->topic->seq && sub->min_ms >= 0 &&
                now_mono_ms >= sub->next_due_mono_ms) {
            become_due(sink);
            return;
        }
    }
}

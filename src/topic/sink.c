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
    while (sink->subs)
        bn_sink_leave(sink, sink->subs);
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
    struct bn_sub **end = &sink->subs;
    while (*end)
        end = &(*end)->next;
    *end = sub;
    sink->sub_count++;
    bn_list_append(&topic->subs, &sub->topic_link);
    topic->sub_count++;
    topic->set->sub_count++;
    topic->set->log_sub_count += topic->info->content == BN_LOG;
    if (sent < topic->seq)
        become_due(sink);
    return sub;
}

struct bn_sub *bn_sink_find(struct bn_sink *sink, const struct bn_topic *topic)
{
    struct bn_sub *sub = sink->subs;
    while (sub && sub->topic != topic)
        sub = sub->next;
    return sub;
}

struct bn_sub *bn_sink_find_alias(struct bn_sink *sink, uint32_t alias)
{
    struct bn_sub *sub = sink->subs;
    while (sub && sub->topic->alias != alias)
        sub = sub->next;
    return sub;
}

void bn_sink_leave(struct bn_sink *sink, struct bn_sub *sub)
{
    struct bn_sub **at = &sink->subs;
    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    sink->sub_count--;
    if (sub->topic->cursor == &sub->topic_link)
        sub->topic->cursor = sub->topic_link.next;
    bn_list_remove(&sub->topic_link);
    sub->topic->sub_count--;
    sub->topic->set->sub_count--;
    sub->topic->set->log_sub_count -= sub->topic->info->content == BN_LOG;
    free(sub);
}

void bn_sink_set_rate(struct bn_sink *sink, struct bn_sub *sub, int32_t min_ms)
{
    sub->min_ms = min_ms;
    sub->next_due_mono_ms = 0; /* what has gathered is told now, then at the new pace */
    if (min_ms >= 0 && sub->sent < sub->topic->seq)
        become_due(sink);
}

/* The next sub of a topic that is behind. What the one after it will need is fetched while this
   one's listener is written to: with 10,000 of them none of it is in the processor's cache. */
static struct bn_sub *next_behind(struct bn_topic *topic)
{
    while (topic->cursor != &topic->subs) {
        struct bn_sub *sub = container_of(topic->cursor, struct bn_sub, topic_link);
        topic->cursor = sub->topic_link.next;
        if (topic->cursor != &topic->subs) {
            const struct bn_sub *then = container_of(topic->cursor, struct bn_sub, topic_link);
            __builtin_prefetch(then->sink);
            __builtin_prefetch(then->topic_link.next);
        }
        if (sub->sent < topic->seq && sub->min_ms >= 0)
            return sub;
    }
    return NULL;
}

struct bn_sink *bn_sink_next_due(struct bn_topics *set)
{
    if (!bn_list_is_empty(&set->due_sinks)) {
        struct bn_sink *sink = container_of(set->due_sinks.next, struct bn_sink, due_link);
        bn_list_remove(&sink->due_link);
        return sink;
    }
    while (!bn_list_is_empty(&set->due)) {
        struct bn_topic *topic = container_of(set->due.next, struct bn_topic, due_link);
        struct bn_sub *sub = next_behind(topic);
        if (sub)
            return sub->sink;
        bn_list_remove(&topic->due_link);
    }
    return NULL;
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
    for (struct bn_sub *sub = sink->subs; sub; sub = sub->next) {
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

bool bn_sink_is_behind(const struct bn_sink *sink)
{
    for (const struct bn_sub *sub = sink->subs; sub; sub = sub->next)
        if (sub->sent < sub->topic->seq && sub->min_ms >= 0)
            return true;
    return false;
}

void bn_sink_poll(struct bn_sink *sink, int64_t now_mono_ms)
{
    sink->is_waiting = false; /* what it waited for may have been left or paused meanwhile */
    for (const struct bn_sub *sub = sink->subs; sub; sub = sub->next) {
        if (sub->sent >= sub->topic->seq || sub->min_ms < 0)
            continue;
        sink->is_waiting = true;
        if (now_mono_ms >= sub->next_due_mono_ms) {
            become_due(sink);
            return;
        }
    }
}

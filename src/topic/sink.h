/*
 * sink: one listener's subscriptions; a position each, never a queue.
 *
 * A listener that cannot take more costs its positions and nothing else, at any rate: when it can
 * take again it gets, per topic, one merged delta (state) or the events it missed and a gap for
 * those that are gone (log).
 */
#pragma once

#include "topic/topic.h"

struct bn_sub {
    struct bn_list topic_link; /* private */
    struct bn_topic *topic;
    struct bn_sink *sink;
    struct bn_sub *next; /* of the same sink, in the order they were joined; NULL: the last */
    uint64_t sent;       /* last sequence handed to the listener */
    int64_t next_due_mono_ms;
    int32_t min_ms; /* least time between two messages of this topic; -1: paused */
};

struct bn_sink {
    struct bn_sub *subs;
    struct bn_topics *set;
    void *owner; /* the web connection */
    uint32_t sub_count;
    bool is_waiting; /* a sub has something that is not due yet: ask again with bn_sink_poll */
    bool has_more;   /* the last take left something that is due */
    struct bn_list due_link;   /* private */
    void (*pump)(void *owner); /* takes what is due; NULL: a listener of live/1 (web/live) */
};

void bn_sink_init(struct bn_sink *sink, struct bn_topics *set, void *owner);
void bn_sink_finish(struct bn_sink *sink); /* leaves every topic */

/* Joins at position sent (already told in the reply). The sub stays valid until it is left. */
struct bn_sub *bn_sink_join(struct bn_sink *sink, struct bn_topic *topic, uint64_t sent,
        int32_t min_ms);
struct bn_sub *bn_sink_find(struct bn_sink *sink, const struct bn_topic *topic); /* may be NULL */
struct bn_sub *bn_sink_find_alias(struct bn_sink *sink, uint32_t alias);         /* may be NULL */
void bn_sink_leave(struct bn_sink *sink, struct bn_sub *sub);
void bn_sink_set_rate(struct bn_sink *sink, struct bn_sub *sub, int32_t min_ms);

/* The next listener with something to say, or NULL: whoever writes asks until then, once a turn.
   Each is named once per topic that has news; it may also be one that cannot take anything now. */
struct bn_sink *bn_sink_next_due(struct bn_topics *set);

/* Collects what is due now into out (references move to the caller), at most max messages and about
   bytes_max bytes of JSON; positions advance. Log gaps come as messages of their own. Returns how
   many; has_more says that something due is left: call again when the listener has taken these. */
size_t bn_sink_take(struct bn_sink *sink, int64_t now_mono_ms, struct bn_msg **out, size_t max,
        size_t bytes_max);

/* Is there something it has not been handed, and has not paused? */
bool bn_sink_is_behind(const struct bn_sink *sink);

/* Makes a sink due when it is: after a rate has passed. is_waiting says whether to ask again. */
void bn_sink_poll(struct bn_sink *sink, int64_t now_mono_ms);

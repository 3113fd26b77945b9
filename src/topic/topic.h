/*
 * topic: what is told, numbered; per tenant, with enough memory of the past to resume.
 *
 * A state topic shows tables: its value is their rows, its deltas are RFC 7396 merge patches of what
 * changed, and any range of sequences has one delta made from the rows as they are now. A log topic
 * keeps its last events. A position is (epoch, sequence); +1 per turn in which something changed.
 */
#pragma once

#include "model/fact.h"
#include "model/limits.h"
#include "model/table.h"
#include "topic/msg.h"

#define BN_EPOCH_MAX    14 /* 64 random bits in base36, and a NUL */
#define BN_SECTIONS_MAX 8

struct bn_sink;
struct bn_topics;

struct bn_section {
    const char *name; /* "" is the root of the value */
    const struct bn_table *table;
    bool is_single;
};

struct bn_topic {
    struct bn_list link;       /* private: of the set */
    struct bn_list dirty_link; /* private */
    struct bn_topics *set;
    const struct bn_topic_info *info;
    char tenant[BN_TENANT_MAX];
    uint32_t alias; /* `k` on the wire */
    char epoch[BN_EPOCH_MAX];
    uint64_t seq; /* of the last commit */
    struct bn_section sections[BN_SECTIONS_MAX];
    size_t section_count;
    struct bn_list subs;
    size_t sub_count;
    struct bn_ring *ring; /* private: commits of a state topic, events of a log topic */
    struct bn_msg *newest;   /* private: seq-1 → seq */
    struct bn_msg *merged;   /* private: the last merged range, for the next listener as slow */
    struct bn_msg *snapshot; /* private: at seq */
};

struct bn_topics {
    struct bn_list all;
    struct bn_list dirty;      /* topics with changes of this turn */
    struct bn_list due_sinks;  /* sinks with something to say: web/ flushes them */
    uint32_t next_alias;
    uint64_t encoded;          /* messages encoded, for the test that says: once */
    uint64_t conflated;        /* changes merged for slow listeners */
    uint64_t gaps;             /* log events listeners were told they missed */
    size_t sub_count;
};

void bn_topics_init(struct bn_topics *set);
void bn_topics_finish(struct bn_topics *set);

struct bn_topic *bn_topic_create(struct bn_topics *set, const struct bn_topic_info *info, const char *tenant);
/* The only lookup: a session's tenant is part of it. NULL: no such topic there. */
struct bn_topic *bn_topic_find(struct bn_topics *set, const char *tenant, struct bn_str name);
void bn_topic_show(struct bn_topic *topic, const char *section, const struct bn_table *table, bool is_single);

/* A row of a section changed (mask of fields), or is gone. Told at the end of the turn. */
void bn_topic_change(struct bn_topic *topic, const char *section, const char *key, uint64_t changed, bool is_gone);
/* An event of a log topic; json is one value. */
void bn_topic_event(struct bn_topic *topic, struct bn_str json, int64_t now_mono_ms);
/* Ends the turn: numbers this turn's changes and puts the listeners' sinks on due_sinks. */
void bn_topics_commit(struct bn_topics *set);

/* Messages: a new reference each, or NULL. */
struct bn_msg *bn_topic_snapshot(struct bn_topic *topic);       /* {…} the value itself */
/* after..seq as one message: {"t":"d",…}. NULL when `after` is no longer remembered. State topics. */
struct bn_msg *bn_topic_delta(struct bn_topic *topic, uint64_t after);
/* The event with that sequence; NULL when it is no longer (or not yet) there. Log topics. */
struct bn_msg *bn_topic_get_event(struct bn_topic *topic, uint64_t seq);
uint64_t bn_topic_oldest(const struct bn_topic *topic); /* oldest event kept; seq + 1 when there is none */
/* Can a listener at (epoch, after) be continued without a snapshot? */
bool bn_topic_can_resume(const struct bn_topic *topic, struct bn_str epoch, uint64_t after);

/*
 * topic: what is told, numbered; per tenant, with enough memory of the past to resume.
 *
 * A state topic shows tables: its value is their rows, its deltas are RFC 7396 merge patches of
 * what changed, and any range of sequences has one delta made from the rows as they are now. A log
 * topic keeps its last events. A position is (epoch, sequence); +1 per turn in which something
 * changed.
 */
#pragma once

#include <uthash.h>

#include "model/fact.h"
#include "model/limits.h"
#include "model/table.h"
#include "topic/msg.h"

#define BN_EPOCH_MAX      14 /* 64 random bits in base36, and a NUL */
#define BN_SECTIONS_MAX   8
#define BN_TOPIC_NAME_MAX (32 + BN_ID_MAX) /* a family and a row's key, with NUL */
#define BN_MERGED_MAX \
    4 /* merged ranges remembered per commit: listeners are slow in few different ways */

struct bn_section {
    const char *name; /* "" is the root of the value */
    const struct bn_table *table;
    bool is_single;
    const struct bn_field *of; /* only rows in which it is the member; NULL: all rows */
    const char *member;        /* of the family, this topic */
};

struct bn_topics {
    struct bn_list all;
    struct bn_topic *by_name; /* private: a hash of tenant and name */
    struct bn_list dirty;     /* topics with changes of this turn */
    struct bn_list due;       /* topics whose listeners have not been offered what is new */
    struct bn_list due_sinks; /* sinks that have something to say for a reason of their own */
    uint32_t next_alias;
    uint64_t published;   /* commits of state topics, and events */
    int64_t committed_ns; /* monotonic: the last commit of a turn in which something had changed */
    int64_t encode_ns;    /* spent on it */
    uint64_t encoded;     /* messages and values encoded, for the test that says: once */
    uint64_t conflated;   /* changes merged for slow listeners */
    uint64_t gaps;        /* log events listeners were told they missed */
    size_t count;
    size_t sub_count;
    size_t log_sub_count; /* of those, to log topics */
};

struct bn_topic {
    struct bn_list link;       /* private: of the set */
    struct bn_list dirty_link; /* private */
    struct bn_list due_link;   /* private */
    struct bn_list *cursor;    /* private: of subs, the next to be offered what is new */
    struct bn_topics *set;
    const struct bn_topic_info *info;
    UT_hash_handle hh;                           /* private */
    char key[BN_TENANT_MAX + BN_TOPIC_NAME_MAX]; /* private: "TENANT NAME" */
    const char *name;                            /* into key: what listeners call it */
    int64_t idle_since_mono_ms; /* private: a family's member nobody listens to; 0: none */
    char tenant[BN_TENANT_MAX];
    uint32_t alias; /* `k` on the wire */
    char epoch[BN_EPOCH_MAX];
    uint64_t seq; /* of the last commit, or the last event */
    struct bn_section sections[BN_SECTIONS_MAX];
    size_t section_count;
    struct bn_list subs;
    size_t sub_count;
    /* private */
    struct bn_changes *changes; /* what changed when, of a state topic */
    struct bn_events *events;   /* the last events of a log topic */
    struct bn_msg *newest;      /* seq - 1 to seq */
    struct bn_msg *merged[BN_MERGED_MAX];
    size_t merged_next;
    struct bn_msg *ranges[BN_MERGED_MAX]; /* the bare patches of replies */
    size_t ranges_next;
    struct bn_msg *whole; /* the bare value */
    struct bn_msg *snap;
};

void bn_topics_init(struct bn_topics *set);
void bn_topics_finish(struct bn_topics *set); /* every sink must have left */

struct bn_topic *bn_topic_create(struct bn_topics *set, const struct bn_topic_info *info,
        const char *tenant);
/* The member of a family that is named by that key. It goes by itself when nobody has listened for
   a while (bn_topics_sweep). */
struct bn_topic *bn_topic_create_member(struct bn_topics *set, const struct bn_topic_info *info,
        const char *tenant, const char *key);
/* Once a second or so: members of families nobody has listened to for BN_TOPIC_IDLE_MS go. */
void bn_topics_sweep(struct bn_topics *set, int64_t mono_ms);
/* The only lookup: a session's tenant is part of it. NULL: no such topic there. */
struct bn_topic *bn_topic_find(struct bn_topics *set, const char *tenant, struct bn_str name);
void bn_topic_show(struct bn_topic *topic, const char *section, const struct bn_table *table,
        bool is_single);

/* Of a family's member: only those rows of the table in which that text names the member. What
   changes in others is not to be told here. */
void bn_topic_show_own(struct bn_topic *topic, const char *section, const struct bn_table *table,
        const struct bn_field *of);

/* A row of a shown table changed (mask of fields). Told at the end of the turn. */
void bn_topic_change(struct bn_topic *topic, const struct bn_table *table, struct bn_row *row,
        uint64_t changed);
/* The row with that key is no more. */
void bn_topic_gone(struct bn_topic *topic, const struct bn_table *table, const char *key);
/* An event of a log topic; json is one value. */
void bn_topic_event(struct bn_topic *topic, struct bn_str json);
/* Ends the turn: numbers this turn's changes; bn_sink_next_due() then finds who listens. */
void bn_topics_commit(struct bn_topics *set);

/* What the memory of the past takes. */
size_t bn_topic_ring_bytes(const struct bn_topic *topic);

/* The value now, as JSON; borrowed until the next commit. State topics. */
struct bn_bytes *bn_topic_value(struct bn_topic *topic);
/* Messages; a new reference each, encoded once while the sequence stands. */
struct bn_msg *bn_topic_snap(struct bn_topic *topic); /* {"t":"snap",…}: a position was lost */
/* after..seq as one message, {"t":"d",…}; NULL when `after` is no longer remembered. State topics.
 */
struct bn_msg *bn_topic_delta(struct bn_topic *topic, uint64_t after);
/* Only the patch of such a message, {…}, and only the value of a snap: to be put into a reply. */
struct bn_msg *bn_topic_range(struct bn_topic *topic, uint64_t after);
struct bn_msg *bn_topic_whole(struct bn_topic *topic);
/* The event with that sequence; NULL when it is no longer (or not yet) there. Log topics. */
struct bn_msg *bn_topic_get_event(struct bn_topic *topic, uint64_t seq);
struct bn_str bn_topic_event_data(
        const struct bn_msg *event); /* the value given to bn_topic_event */
uint64_t bn_topic_oldest(
        const struct bn_topic *topic); /* oldest event kept; seq + 1 when none is */
/* {"t":"gap",…}: events from..to of a log topic are gone. */
struct bn_msg *bn_topic_gap(struct bn_topic *topic, uint64_t from, uint64_t to);
/* Can a listener at (epoch, after) be continued without a snapshot or gap? */
bool bn_topic_can_resume(const struct bn_topic *topic, struct bn_str epoch, uint64_t after);

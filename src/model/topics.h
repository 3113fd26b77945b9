/*
 * topics: what can be listened to, by whom, and which rows have a topic each.
 */
#pragma once

#include "model/people.h"

/*    name             content right  members    meaning
   A name that ends with a slash is a family: behind it stands the key of a row of that kind. */
#define BN_TOPICS(X)                                                                   \
    X("meter.host", STATE, READ, NONE)         /* this machine now                  */ \
    X("self", STATE, ADMIN, NONE)              /* what Binnacle spends              */ \
    X("self.log", LOG, ADMIN, NONE)            /* our own log lines                 */ \
    X("people.audit", LOG, ADMIN, NONE)        /* who did what                      */ \
    X("infra.servers", STATE, READ, NONE)      /* servers with their state; nodes   */ \
    X("infra.vms", STATE, READ, NONE)          /* guests of all servers             */ \
    X("infra.checks/", LOG, READ, SERVER)      /* the attempts on one server        */ \
    X("work.operations", STATE, READ, NONE)    /* under way, and just over        */   \
    X("work.operations/", STATE, READ, TARGET) /* those on one target */               \
    X("work.output/", LOG, READ, OPERATION)    /* what a command on a target writes */ \
    X("work.consoles", STATE, ADMIN, NONE)     /* open, and just closed            */  \
    X("work.targets", STATE, READ, NONE)       /* machines to act on by SSH       */   \
    X("summary", STATE, READ, NONE)            /* the fleet in numbers            */   \
    X("alerts", STATE, READ, NONE)             /* firing, and just over           */

enum bn_content { BN_STATE, BN_LOG };

struct bn_topic_info {
    const char *name;
    enum bn_content content;
    enum bn_right right; /* what a listener needs */
    uint8_t member_of; /* enum bn_kind whose rows are the family's members; BN_KIND_NONE: a topic */
};

extern const struct bn_topic_info bn_topics[];
extern const size_t bn_topic_count;

/*
 * alert: what wants attention by a rule, from when it fired to when it was over.
 */
#pragma once

#include "model/field.h"

/* In the order of their words. */
enum bn_alert_rule { BN_ALERT_SERVER_OFFLINE };

enum bn_alert_severity { BN_ALERT_CRITICAL, BN_ALERT_WARNING, BN_ALERT_INFO };

enum bn_alert_state { BN_ALERT_FIRING, BN_ALERT_RESOLVED };

enum bn_alert_subject { BN_ALERT_OF_SERVER };

/* FEATURES B20, K33. One that is resolved does not change any more. */
struct bn_alert {
    char id[BN_ID_MAX];
    int64_t rule;         /* enum bn_alert_rule */
    int64_t severity;     /* enum bn_alert_severity */
    int64_t state;        /* enum bn_alert_state */
    int64_t subject_kind; /* enum bn_alert_subject */
    char subject_id[BN_ID_MAX];
    char subject[128]; /* its name, for people */
    char message[384]; /* a sentence */
    int64_t since;     /* wall milliseconds: what it is about began */
    int64_t fired_at;
    int64_t resolved_at;  /* 0 while it fires */
    int64_t dismissed_at; /* 0: nobody has said that he knows */
    char dismissed_by[64];
    int64_t silenced_until; /* until then it neither counts nor notifies; 0: it does */
    int64_t is_demo;        /* about something of a demo: nobody is called for it */
};

extern const struct bn_record_type bn_alert_type;

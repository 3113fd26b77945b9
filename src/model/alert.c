#include "model/alert.h"

/* In the order of their enumerations. */
static const char *const rule_words[] = {"server_offline", NULL};
static const char *const severity_words[] = {"critical", "warning", "info", NULL};
static const char *const state_words[] = {"firing", "resolved", NULL};
static const char *const subject_words[] = {"server", NULL};

static const struct bn_field alert_fields[] = {
        BN_FIELD(struct bn_alert, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "128 random bits"),
        BN_FIELD(struct bn_alert, rule, BN_T_ENUM, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .words = rule_words, .doc = "what was watched for"),
        BN_FIELD(struct bn_alert, severity, BN_T_ENUM, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .words = severity_words, .doc = "how bad it is"),
        BN_FIELD(struct bn_alert, state, BN_T_ENUM, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .words = state_words, .doc = "resolved is its end"),
        BN_FIELD(struct bn_alert, subject_kind, BN_T_ENUM, .flags = BN_F_FIXED,
                .words = subject_words, .doc = "what kind of thing it is about"),
        BN_FIELD(struct bn_alert, subject_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the id of what it is about"),
        BN_FIELD(struct bn_alert, subject, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the name of what it is about"),
        BN_FIELD(struct bn_alert, message, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what is so, as a sentence"),
        BN_FIELD(struct bn_alert, since, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time what it is about began"),
        BN_FIELD(struct bn_alert, fired_at, BN_T_TIME, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .doc = "time it fired"),
        BN_FIELD(struct bn_alert, resolved_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of its end; absent while it fires"),
        BN_FIELD(struct bn_alert, dismissed_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time somebody said that he knows; absent until then"),
        BN_FIELD(struct bn_alert, dismissed_by, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "who said so: a user, or key: and the name of a key"),
        BN_FIELD(struct bn_alert, silenced_until, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "until then it neither counts nor notifies; absent when it does"),
        BN_FIELD(struct bn_alert, is_demo, BN_T_BOOL, .flags = BN_F_FIXED,
                .doc = "it is about a server of a demo: nobody is notified"),
};

const struct bn_record_type bn_alert_type = {
        .name = "alert",
        .table = "alerts",
        .size = sizeof(struct bn_alert),
        .fields = alert_fields,
        .field_count = COUNT(alert_fields),
};

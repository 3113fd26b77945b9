/*
 * action: what can be done on a target over SSH, as a table: which command, what it needs, how it
 * is run and how its end is known. A new action is a row here.
 *
 * Nothing a person typed reaches a shell: services are whole words of harmless characters
 * (bn_service_name_check), and only administrators write commands.
 */
#pragma once

#include "base/buf.h"

#include "model/right.h"
#include "model/target.h"
#include "model/work.h"

/* How its command runs. */
enum bn_action_way {
    BN_WAY_WATCHED,  /* as a command of the session: it ends with it */
    BN_WAY_DETACHED, /* on its own, with its output and exit status in files: it outlives the link
                      */
    BN_WAY_DIALOGUE, /* typed after a prompt, its output looked through for words */
};

struct bn_action {
    enum bn_work_type type;
    enum bn_platform platform;
    const char *verb; /* bn_operation.action */
    enum bn_action_way way;
    enum bn_right right; /* who may begin it */
    bool needs_service;  /* {service} stands in its command */
    bool changes;        /* something is different afterwards: by sudo, and looked at again */
    const char *command; /* {service} and {custom} are filled in; "": nothing runs, or what an
                            administrator wrote */
    const char *success; /* of a dialogue: what says that it went well; "": the prompt alone */
    const char *failure; /* and what says that it did not; "": nothing does */
    const char *prompt;  /* of a dialogue */
    int64_t limit_ms;    /* from its start */
    int64_t estimate_ms; /* what people are told to expect */
    const char *doing;   /* "restarting {service}", for people */
};

/* Of a target's platform; NULL: it cannot be done there. A custom target with a prompt is a
 * dialogue. */
const struct bn_action *bn_action_find(int64_t type, const struct bn_target *target);
/* All of them, for lists. */
extern const struct bn_action bn_actions[];
extern const size_t bn_action_count;

/* The command as it is sent. False: it does not fit, or service is none that may be named. */
BN_MUST_CHECK bool bn_action_command(const struct bn_action *action, const struct bn_target *target,
        const char *service, char out[512], struct bn_err *err);
/* One that an administrator wrote, as it is sent: several lines are fine. */
BN_MUST_CHECK bool bn_command_check(const char *command, const char *field, struct bn_err *err);
/* "restarting nginx.service". */
void bn_action_doing(const struct bn_action *action, const char *service, char *out, size_t size);
/* What a dialogue waits for on that target. */
const char *bn_action_prompt(const struct bn_action *action, const struct bn_target *target);
const char *bn_action_success(const struct bn_action *action, const struct bn_target *target);
const char *bn_action_failure(const struct bn_action *action, const struct bn_target *target);
enum bn_action_way bn_action_way(const struct bn_action *action, const struct bn_target *target);

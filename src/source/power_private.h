/*
 * power_private: what the files of power share.
 */
#pragma once

#include "source/power.h"
#include "source/pve.h"
#include "source/pve_read.h"
#include "source/pve_tasks.h"

enum bn_power_stage {
    BN_POWER_ASK,    /* the operation is being kept, then the server is asked */
    BN_POWER_SEARCH, /* for the task, whose answer was lost */
    BN_POWER_FOLLOW, /* the task */
    BN_POWER_HA,     /* the guest, because the task only asked the manager */
    BN_POWER_LOG,    /* what the task said */
};

struct bn_power {
    struct bn_power_config config;
    struct bn_timer *timer;
    struct bn_list jobs;
};

/* What is done to one guest. */
struct bn_power_job {
    struct bn_fetch_job fetch; /* the question under way */
    struct bn_list link;
    struct bn_power *power;
    struct bn_work *work; /* NULL once it has ended */
    char tenant[BN_TENANT_MAX];
    char node[64]; /* the guest's now: a manager may move it */
    char token_hint[96];
    enum bn_power_stage stage;
    bool is_asking;
    bool is_by_other; /* another member of the cluster was asked, with another token */
    bool was_resumed;
    bool wants_cancel;
    int64_t begun_mono_ms;
    int64_t next_mono_ms;
    int64_t deadline_mono_ms;
    int64_t wait_ms; /* between questions */
    int log_tries;
    bool is_log_tail;        /* its last lines were asked for, not its first */
    struct bn_pve_task task; /* as it ended */
    struct bn_output *lines; /* what it said */
    size_t line_count;
    char found_node[64];          /* by the collector thread: where the guest is, "" nowhere */
    bool was_found;               /* it was looked for, and the answer was readable */
    char asked_id[BN_ID_MAX];     /* the server last asked */
    char posted_id[BN_ID_MAX];    /* the one that was asked to do it ... */
    int64_t posted_ms;            /* ... and when, wall clock */
    int64_t ask_ms;               /* how long a question may take; 0: as usual */
    struct bn_pve_task_row *rows; /* of the search */
    size_t row_count;
    int tries;              /* to read the list */
    int looks;              /* ... in which it was not */
    int64_t search_mono_ms; /* until then */
    enum bn_code lost_code;
    char lost_why[96];
    bn_power_begun begun; /* NULL once told */
    void *user;
    struct bn_operation last; /* as it ended, for begun */
    struct bn_err err;
};

/* One of the actions: its word, what has been done then, the state it leads to, and how long it may
   take. */
struct bn_power_verb {
    const char *word;
    const char *past;
    const char *leads_to; /* "running", "stopped" or NULL: not to be seen in the state */
    int64_t limit_ms;
};

const struct bn_power_verb *bn_power_verb(const char *word); /* NULL: there is no such action */
const char *bn_power_server_name(const struct bn_power_job *job);

/* power_task.c */
void bn_power_step(struct bn_power_job *job); /* its next question is due */
/* Its end; the job is no more, unless somebody still waits to hear that it began. */
void bn_power_end(struct bn_power_job *job, enum bn_work_status status);

/* power_search.c */
#define BN_POWER_ROWS_MAX 50 /* tasks of one guest, newest first; what we began is a minute old */
/* The request was sent and its answer did not come. */
void bn_power_lost(struct bn_power_job *job, enum bn_code code, const char *why);
void bn_power_search(struct bn_power_job *job);

/* power.c */
/* Ends it as failed, before it began. */
void bn_power_refuse(struct bn_power_job *job, enum bn_code code, const char *error,
        const char *hint);
/* Its upid stands in the work: it is followed. */
void bn_power_found(struct bn_power_job *job);
/* Hands the question to the fetch; false: it could not be asked. */
BN_MUST_CHECK bool bn_power_ask(struct bn_power_job *job, const char *method, const char *path,
        void (*done)(struct bn_fetch_job *fetch), struct bn_err *err);
void bn_power_look(struct bn_power_job *job, void (*done)(struct bn_fetch_job *fetch));
/* "/api2/json/nodes/pve1/tasks/UPID…" and what follows. */
void bn_power_task_path(const char *upid, const char *rest, char *out, size_t size);

/*
 * dispatch_private: one operation on a target, and what the files of source/dispatch* call of each
 * other.
 */
#pragma once

#include "base/crash.h"

#include "source/dispatch.h"
#include "source/reach.h"

enum bn_dispatch_stage {
    BN_DISPATCH_QUEUED,  /* kept; its session has not been opened yet */
    BN_DISPATCH_CONNECT, /* a session is being opened, one jump after the other */
    BN_DISPATCH_PROBE,   /* may it be done, and how is the service now */
    BN_DISPATCH_PROMPT,  /* of a dialogue: its prompt is waited for */
    BN_DISPATCH_SEND,    /* that it is sent is being kept */
    BN_DISPATCH_RUN,
    BN_DISPATCH_VERIFY, /* is the service well afterwards */
    BN_DISPATCH_TELL,   /* it went wrong: what the journal says of it */
    BN_DISPATCH_KEEP,   /* it is over; what it wrote is being kept, some at a time */
    BN_DISPATCH_TIDY,   /* it has ended; its files on the target are removed */
};

/* What `systemctl show` says of a unit. */
struct bn_unit_state {
    char load[24];   /* "loaded", "not-found" */
    char active[24]; /* "active", "failed" */
    char sub[24];    /* "running" */
    char result[24]; /* "exit-code" */
    int64_t restarts;
    int64_t status;
    bool has_systemctl;
    char sudo[200]; /* what sudo said when it would not; "": it would */
};

struct bn_dispatch_job {
    struct bn_list link;
    struct bn_dispatch *dispatch;
    struct bn_work *work; /* NULL: it has ended */
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    struct bn_target target; /* as it was when it began */
    const struct bn_action *action;
    enum bn_action_way way;
    enum bn_dispatch_stage stage;
    struct bn_reach *reach; /* NULL: not connected */
    bool is_begun;          /* the store has kept that it begins */
    bool is_held;           /* until its turn comes */
    bool is_ready;          /* logged in to the target */
    bool is_running;
    bool is_done;                  /* to be destroyed at the next tick */
    bool is_kept;                  /* its end */
    int64_t kept_to;               /* offset up to which its output is kept */
    enum bn_work_status over_with; /* of KEEP: its end */
    int tries;
    int64_t again_mono_ms; /* 0: not waiting */
    int64_t wait_ms;
    int64_t begun_mono_ms;
    int64_t deadline_mono_ms; /* of its command; 0: not sent yet */
    bool is_resumed;          /* what runs there is only followed */
    struct bn_ssh_end ended;  /* why the last session ended */
    struct bn_buf said;       /* an answer that we read */
    struct bn_buf script;     /* input of what runs, from script_at on */
    size_t script_at;
    struct bn_transcript transcript;
    int64_t told_mono_ms;
    int told_budget; /* pieces that may still be told this second */
    int64_t budget_mono_ms;
    int64_t next_mono_ms; /* of a verification or a nudge */
    struct bn_unit_state before;
    int64_t verify_ms; /* wall time of its beginning */
    int64_t verify_mono_ms;
    bool was_prompted; /* a dialogue: the command was typed */
    size_t looked_at;  /* how far its answer was looked through */
    bn_dispatch_begun begun;
    void *user;
};

struct bn_dispatch {
    struct bn_dispatch_config config;
    struct bn_timer *timer;
    struct bn_list jobs;
    size_t count;
};

/* --- dispatch.c: sessions and ends */
int64_t bn_dispatch_mono_ms(const struct bn_dispatch_job *job);
void bn_dispatch_step(struct bn_dispatch_job *job, int64_t progress, const char *phase);
void bn_dispatch_end(struct bn_dispatch_job *job, enum bn_work_status status);
void bn_dispatch_fail(struct bn_dispatch_job *job, const char *error, const char *hint);
/* Its session is not needed any more. */
void bn_dispatch_hang_up(struct bn_dispatch_job *job);
void bn_dispatch_destroy(struct bn_dispatch_job *job);
struct bn_ssh_session *bn_dispatch_session(const struct bn_dispatch_job *job);
/* Nothing came of it, try again in a while. */
void bn_dispatch_again(struct bn_dispatch_job *job);

/* --- dispatch_run.c: what is done with one */
void bn_dispatch_ready(struct bn_dispatch_job *job);   /* logged in to the target */
void bn_dispatch_tick(struct bn_dispatch_job *job);    /* each 100 ms */
void bn_dispatch_send(struct bn_dispatch_job *job);    /* its command, once that is kept */
void bn_dispatch_tidy(struct bn_dispatch_job *job);    /* removes its files */
void bn_dispatch_cut(struct bn_dispatch_job *job);     /* its session has ended */
bool bn_dispatch_stop_it(struct bn_dispatch_job *job); /* somebody cancels it */
void bn_dispatch_drop(struct bn_dispatch_job *job);    /* somebody ended it */

/* --- dispatch_dialogue.c */
void bn_dispatch_talk(struct bn_dispatch_job *job); /* until its prompt is there */
void bn_dispatch_type(struct bn_dispatch_job *job); /* and then its command */
void bn_dispatch_talk_tick(struct bn_dispatch_job *job);

/* --- dispatch_script.c: what the far shell is given, and what it answers */
void bn_dispatch_put_start(struct bn_buf *out, const char *id, const char *command);
void bn_dispatch_put_follow(struct bn_buf *out, const char *id);
void bn_dispatch_put_tidy(struct bn_buf *out, const char *id);
void bn_dispatch_put_probe(struct bn_buf *out, const char *service, const char *sudo_command);
void bn_dispatch_read_unit(struct bn_str said, struct bn_unit_state *out);
/* Of a follower: the command's own exit status; false: it said none. */
bool bn_dispatch_read_exit(struct bn_str said, int64_t *out);

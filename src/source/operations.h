/*
 * operations: each operation under way as it goes on, kept step by step, and put out of sight a
 * while after its end.
 *
 * Whoever does the work changes the record and says so; it is written as fast as the store takes
 * it, at most a few times a second, and its end until the store has kept it. What an earlier run of
 * the server left under way and nobody takes up again is ended as failed. Loop thread.
 */
#pragma once

#include "hub/hub.h"
#include "io/loop.h"

struct bn_operations;

struct bn_operations_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    bool no_remote; /* nothing is done over SSH: what was left on targets ends here */
};

/* After the store was loaded. Operations of power with a task, those on a target whose command may
   have begun, and batches with what waits in them stay as they are: source/power, source/dispatch
   and source/batch take them up again. */
struct bn_operations *bn_operations_start(const struct bn_operations_config *config);
/* What is under way stays so in the store: the next start finds it. NULL is fine. */
void bn_operations_stop(struct bn_operations *operations);

/* Once: the store has kept what was told (err NULL) or refused it. */
typedef void (*bn_work_kept)(void *user, const struct bn_err *err);

/* One that is under way. Its owner changes `now` and calls bn_work_told. */
struct bn_work {
    struct bn_operation now;
    char tenant[BN_TENANT_MAX];
    /* private */
    struct bn_list link;
    struct bn_operations *operations;
    bool is_new;           /* the store has not kept it yet */
    bool is_dirty;         /* changed since it was last written */
    bool is_keeping;       /* the store has not spoken of the last write */
    int64_t tell_mono_ms;  /* an ordinary step waits until then */
    int64_t again_mono_ms; /* after a refusal everything does */
    bn_work_kept kept;     /* of what is dirty */
    void *kept_user;
    bn_work_kept asked_kept; /* of what is being kept */
    void *asked_user;
    struct bn_operation *forced; /* as somebody else ended it; NULL: nobody did */
    bool is_dropped;             /* of a forced one: its owner is done with it, too */
};

/* One to begin: status, progress, times and, where it has none, its id are filled in. */
struct bn_work_first {
    const char *tenant;
    const struct bn_operation *operation;
    bn_work_kept kept; /* NULL for nobody; when it comes with an error there is no such work */
    void *user;
};

/* NULL: not admitted, `conflict` when the same is being done already, and kept will not come. */
struct bn_work *bn_work_begin(struct bn_operations *operations, const struct bn_work_first *first,
        struct bn_err *err);
/* One that an earlier run left under way. */
struct bn_work *bn_work_resume(struct bn_operations *operations, const char *tenant,
        const struct bn_operation *left);
/* `now` was changed. kept may be NULL. */
void bn_work_told(struct bn_work *work, bn_work_kept kept, void *user);
/* So far, and what it does; progress below what it was is as before. */
void bn_work_step(struct bn_work *work, int64_t progress, const char *phase);
/* The same for steps of which there are few: each is told, however soon the next comes. */
void bn_work_step_now(struct bn_work *work, int64_t progress, const char *phase);
/* Its end; message, error and hint stand in `now`. The work is not the caller's any more. */
void bn_work_end(struct bn_work *work, enum bn_work_status status, bn_work_kept kept, void *user);

/* One that is ended by somebody other than its owner, whether it still has one or not. */
struct bn_work_force {
    const char *tenant;
    const struct bn_operation *left; /* as it is known */
    enum bn_work_status status;      /* its end */
    const char *message;
    const char *error; /* of one that failed */
    const char *hint;  /* what to do, "" for nothing */
    bn_work_kept kept; /* NULL for nobody */
    void *user;
};

/* It has ended from now on: what its owner tells of it is not heard, and whatever that waits for is
   answered `conflict`. False: `conflict`, it begins or ends this moment. */
BN_MUST_CHECK bool bn_work_force_end(struct bn_operations *operations,
        const struct bn_work_force *force, struct bn_err *err);
/* For its owner: nobody wants to hear more of it. */
bool bn_work_is_forced(const struct bn_work *work);
/* Somebody does it still, or it is being written. */
bool bn_work_is_at(struct bn_operations *operations, const char *tenant, const char *id);
/* A line of what its task said, to be kept with it; before its end. */
void bn_work_line(struct bn_work *work, const struct bn_output *line);

/* A new id: 128 random bits. */
void bn_operation_make_id(char out[BN_ID_MAX]);
/* "12 s", "4 min 3 s". */
void bn_duration_say(int64_t ms, char *out, size_t size);

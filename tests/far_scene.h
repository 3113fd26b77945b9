/*
 * far_scene: what source/dispatch stands on, played by the test on a clock that the test moves:
 * timers, the store, and machines reached over SSH.
 *
 * These are definitions of the functions of io/loop.h, store/store.h, source/reach.h and io/ssh.h
 * that dispatch and the hub call, so the linker leaves the real ones out. What happens, and when,
 * is said by two hooks: of a session to be opened, and of a run that has all its input. They keep
 * the promises of io/ssh: callbacks come later, a run with a limit ends at it, a login ends after
 * FAR_LOGIN_MS at most, and a run is done before its session ends.
 */
#pragma once

#include "bn_test.h"
#include "io/loop.h"
#include "source/dispatch_private.h"

#define FAR_COMMANDS_MAX 256
#define FAR_LOGIN_MS     (BN_SSH_CONNECT_MS + 2 * BN_SSH_KEX_MS + BN_SSH_AUTH_MS + BN_SSH_GRACE_MS)
#define FAR_NEVER        INT64_MAX

enum far_kind { FAR_SCRIPT, FAR_PROBE, FAR_START, FAR_FOLLOW, FAR_TIDY, FAR_LINE, FAR_DIALOGUE };

enum far_fate { FAR_WELL, FAR_HANGS, FAR_LOST };

/* What one operation did on its machine; the number in its id is its index. */
struct far_command {
    int started; /* times */
    int64_t ends_mono_ms;
    int status;
    bool is_killed; /* without an exit status */
    bool is_tidied;
};

struct far_run {
    enum far_kind kind;
    enum far_fate fate;
    const struct bn_ssh_run_ops *ops;
    struct bn_dispatch_job *job;
    struct far_command *command;
    bool is_on;
    bool has_begun;
    int64_t due_mono_ms;   /* the next thing it does */
    int64_t limit_mono_ms; /* FAR_NEVER: none */
    char line[600];
    char input[8192];
    size_t input_len;
    int step; /* of a dialogue */
    /* how it goes */
    int status;
    const char *said; /* by a probe, a line, or a dialogue after its command */
    const char *prompt;
    int64_t think_ms; /* of a dialogue: before its prompt, and before its answer */
};

struct bn_reach {
    struct bn_list link;
    const struct bn_reach_ops *ops;
    void *user;
    struct bn_target target;
    struct bn_ssh_session *session; /* the same, as io/ssh.h has it */
    bool is_open;
    int64_t due_mono_ms; /* it opens, or ends */
    struct bn_ssh_end end;
    struct far_run run;
};

struct bn_timer {
    struct bn_list link;
    void (*fn)(void *user);
    void *user;
    int64_t every_ms;
    int64_t due_mono_ms;
};

struct far_batch {
    struct bn_list link;
    uint64_t number;
    int64_t due_mono_ms;
    bool is_refused;
    size_t count;
    struct bn_operation operations[16];
};

static struct {
    struct bn_clock clock;
    struct bn_list timers, reaches, batches;
    struct far_batch *batch; /* being filled */
    uint64_t batch_number;
    struct far_command commands[FAR_COMMANDS_MAX];
    struct bn_operation disk[FAR_COMMANDS_MAX];
    bool is_on_disk[FAR_COMMANDS_MAX];
    int dialogues_typed;
    /* hooks */
    bool (*may_open)(struct bn_err *err); /* NULL: always */
    void (*opens)(struct bn_reach *reach);
    void (*runs)(struct far_run *run);
    void (*keeps)(struct far_batch *batch);
} far;

static inline int far_number(const char *id)
{
    return (int)strtol(id + 1, NULL, 10) % FAR_COMMANDS_MAX;
}

/* --- timers ---------------------------------------------------------------------------------- */

struct bn_timer *bn_timer_create(struct bn_loop *loop, void (*fn)(void *user), void *user)
{
    struct bn_timer *timer = bn_alloc(sizeof *timer);
    (void)loop;
    timer->fn = fn;
    timer->user = user;
    bn_list_append(&far.timers, &timer->link);
    return timer;
}

void bn_timer_start(struct bn_timer *timer, int64_t after_ms, int64_t every_ms)
{
    timer->every_ms = every_ms;
    timer->due_mono_ms = far.clock.mono_ms + after_ms;
}

void bn_timer_destroy(struct bn_timer *timer)
{
    if (!timer)
        return;
    bn_list_remove(&timer->link);
    free(timer);
}

static inline void far_tick(void)
{
    bn_list_each_safe(it, tmp, &far.timers) {
        struct bn_timer *timer = container_of(it, struct bn_timer, link);
        if (far.clock.mono_ms < timer->due_mono_ms)
            continue;
        timer->due_mono_ms = far.clock.mono_ms + timer->every_ms;
        timer->fn(timer->user);
    }
}

/* --- the store ------------------------------------------------------------------------------- */

void bn_store_put(struct bn_store *store, const struct bn_fact *fact)
{
    (void)store;
    if (!far.batch) {
        far.batch = bn_alloc(sizeof *far.batch);
        far.batch->number = ++far.batch_number;
    }
    if (fact->kind != BN_KIND_OPERATION || fact->op != BN_PUT)
        return;
    CHECK(far.batch->count < COUNT(far.batch->operations));
    far.batch->operations[far.batch->count++] = fact->u.operation;
}

void bn_store_point(struct bn_store *store, const char *tenant, const char *series,
        const struct bn_point *point)
{
    (void)store;
    (void)tenant;
    (void)series;
    (void)point;
}

void bn_store_check(struct bn_store *store, const char *tenant, const struct bn_check *check)
{
    (void)store;
    (void)tenant;
    (void)check;
}

uint64_t bn_store_flush(struct bn_store *store)
{
    struct far_batch *batch = far.batch;
    (void)store;
    if (!batch)
        return 0;
    far.batch = NULL;
    batch->due_mono_ms = far.clock.mono_ms;
    if (far.keeps)
        far.keeps(batch);
    bn_list_append(&far.batches, &batch->link);
    return batch->number;
}

/* It stands on the disk as under way, and the first n of the batch do not end it. */
static inline bool far_is_active(int number, const struct far_batch *batch, size_t n)
{
    bool is_active = far.is_on_disk[number] && !bn_operation_is_over(&far.disk[number]);
    for (size_t i = 0; i < n && is_active; i++)
        is_active = strcmp(batch->operations[i].id, far.disk[number].id) != 0 ||
                    !bn_operation_is_over(&batch->operations[i]);
    return is_active;
}

/* The unique index of the database: of the same deed on the same thing one is under way. */
static inline bool far_has_room(const struct far_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct bn_operation *now = &batch->operations[i];
        for (int k = 0; k < FAR_COMMANDS_MAX && !bn_operation_is_over(now); k++)
            if (far_is_active(k, batch, i) && strcmp(far.disk[k].id, now->id) != 0 &&
                    bn_operation_is_same_deed(&far.disk[k], now))
                return false;
    }
    return true;
}

static inline void far_write(const struct far_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const int number = far_number(batch->operations[i].id);
        far.disk[number] = batch->operations[i];
        far.is_on_disk[number] = true;
    }
}

void bn_store_collect(struct bn_store *store, void (*each)(void *user, const struct bn_ack *ack),
        void *user)
{
    (void)store;
    while (!bn_list_is_empty(&far.batches)) {
        struct far_batch *batch = container_of(far.batches.next, struct far_batch, link);
        struct bn_ack ack = {.batch = batch->number, .ok = !batch->is_refused};
        if (far.clock.mono_ms < batch->due_mono_ms)
            return;
        if (!ack.ok)
            bn_fail(&ack.err, BN_E_STORAGE, "the disk is full");
        else if (far_has_room(batch))
            far_write(batch);
        else
            ack.ok = bn_fail(&ack.err, BN_E_CONFLICT, "it is under way already");
        bn_list_remove(&batch->link);
        free(batch);
        each(user, &ack);
    }
}

void bn_store_collect_foreign(struct bn_store *store,
        void (*each)(void *user, const struct bn_fact *fact), void *user)
{
    (void)store;
    (void)each;
    (void)user;
}

/* Binnacle is killed: of what the store was given it has written the first so many batches. */
static inline void far_lose(size_t written)
{
    bn_list_each_safe(it, tmp, &far.batches) {
        struct far_batch *batch = container_of(it, struct far_batch, link);
        if (written > 0 && !batch->is_refused && far_has_room(batch))
            far_write(batch);
        written -= written > 0;
        bn_list_remove(it);
        free(batch);
    }
    free(far.batch);
    far.batch = NULL;
}

/* --- reaching a machine ---------------------------------------------------------------------- */

bool bn_reach_open(const struct bn_reach_config *config, const struct bn_reach_to *to,
        struct bn_reach **out, struct bn_err *err)
{
    (void)config;
    if (far.may_open && !far.may_open(err))
        return false;
    struct bn_reach *reach = bn_alloc(sizeof *reach);
    reach->ops = to->ops;
    reach->user = to->user;
    reach->target = *to->target;
    reach->session = (struct bn_ssh_session *)reach;
    reach->due_mono_ms = far.clock.mono_ms + 5;
    if (far.opens)
        far.opens(reach);
    CHECK(reach->end.fault || reach->due_mono_ms <= far.clock.mono_ms + FAR_LOGIN_MS);
    bn_list_append(&far.reaches, &reach->link);
    *out = reach;
    return true;
}

void bn_reach_close(struct bn_reach *reach)
{
    if (!reach)
        return;
    bn_list_remove(&reach->link);
    free(reach);
}

struct bn_ssh_session *bn_reach_session(const struct bn_reach *reach)
{
    return reach && reach->is_open ? reach->session : NULL;
}

/* --- runs ------------------------------------------------------------------------------------ */

static inline void far_plan(struct far_run *run)
{
    run->has_begun = true;
    run->due_mono_ms = far.clock.mono_ms + 10;
    if (far.runs)
        far.runs(run);
    if (run->fate == FAR_HANGS && run->kind != FAR_DIALOGUE)
        run->due_mono_ms = FAR_NEVER;
}

bool bn_ssh_run(struct bn_ssh_session *session, const struct bn_ssh_run *what,
        const struct bn_ssh_run_ops *ops, void *user, struct bn_err *err)
{
    struct bn_reach *reach = (struct bn_reach *)session;
    struct bn_dispatch_job *job = user;
    (void)err;
    CHECK(reach && reach->is_open && !reach->run.is_on);
    reach->run = (struct far_run){.kind = what->term                    ? FAR_DIALOGUE
                                          : strcmp(what->command, "sh") ? FAR_LINE
                                                                        : FAR_SCRIPT,
            .ops = ops,
            .job = job,
            .command = &far.commands[far_number(job->id)],
            .is_on = true,
            .due_mono_ms = far.clock.mono_ms + 1,
            .limit_mono_ms = what->limit_ms ? far.clock.mono_ms + what->limit_ms : FAR_NEVER,
            .prompt = "admin:",
            .said = ""};
    snprintf(reach->run.line, sizeof reach->run.line, "%s", what->command);
    return true;
}

size_t bn_ssh_send(struct bn_ssh_session *session, const char *p, size_t len)
{
    struct far_run *run = &((struct bn_reach *)session)->run;
    size_t taken = BN_MIN(len, sizeof run->input - 1 - run->input_len);
    if (!run->is_on)
        return 0;
    if (run->kind == FAR_SCRIPT && taken > 300 && run->input_len == 0)
        taken = 300; /* the rest when there is room */
    memcpy(run->input + run->input_len, p, taken);
    run->input_len += taken;
    run->input[run->input_len] = '\0';
    return taken;
}

void bn_ssh_send_end(struct bn_ssh_session *session)
{
    struct far_run *run = &((struct bn_reach *)session)->run;
    if (!run->is_on || run->kind != FAR_SCRIPT)
        return;
    run->kind = strstr(run->input, "cat >watch")        ? FAR_START
                : strstr(run->input, "binnacle absent") ? FAR_FOLLOW
                : strstr(run->input, "Systemctl=yes")   ? FAR_PROBE
                                                        : FAR_TIDY;
    far_plan(run);
}

static inline void far_say(struct far_run *run, enum bn_ssh_output to, const char *text)
{
    if (text[0])
        run->ops->output(run->job, to, text, strlen(text));
}

static inline void far_done(struct far_run *run, enum bn_ssh_fault fault, int status)
{
    struct bn_ssh_result result = {.fault = fault,
            .has_status = fault == BN_SSH_FAULT_NONE && status >= 0,
            .status = (uint32_t)BN_MAX(status, 0)};
    snprintf(result.text, sizeof result.text, "%s",
            fault == BN_SSH_FAULT_TIMEOUT ? "the command took too long" : "");
    run->is_on = false;
    run->ops->done(run->job, &result);
}

static inline void far_followed(struct bn_reach *reach)
{
    struct far_run *run = &reach->run;
    const struct far_command *command = run->command;
    char text[40];
    if (!command->started || command->is_tidied) {
        far_say(run, BN_SSH_STDERR, "binnacle absent\n");
    } else if (far.clock.mono_ms < command->ends_mono_ms) {
        run->due_mono_ms = command->ends_mono_ms;
        return;
    } else if (command->is_killed) {
        far_say(run, BN_SSH_STDERR, "binnacle gone\n");
    } else {
        snprintf(text, sizeof text, "binnacle exit %d\n", command->status);
        far_say(run, BN_SSH_STDOUT, "Stopping\nStarted\n");
        if (reach->run.is_on)
            far_say(run, BN_SSH_STDERR, text);
    }
    if (reach->run.is_on)
        far_done(run, BN_SSH_FAULT_NONE, 0);
}

/* A machine that is talked to: a prompt, then what was said to a line. Its output may come when the
   session is gone already: each callback may close it. */
static inline void far_talk(struct bn_reach *reach)
{
    struct far_run *run = &reach->run;
    char *end = strchr(run->input, '\n');
    run->due_mono_ms = FAR_NEVER;
    if (run->step == 0) {
        run->step = 1;
        run->due_mono_ms = far.clock.mono_ms + run->think_ms;
        far_say(run, BN_SSH_STDOUT, "Welcome\r\n");
    } else if (run->step == 1) {
        run->step = 2;
        run->due_mono_ms = far.clock.mono_ms + 20;
        far_say(run, BN_SSH_STDOUT, run->prompt);
    } else if (end && run->step == 2) {
        const bool is_empty = end == run->input;
        if (!is_empty) {
            run->command->started++;
            run->step = 3;
        }
        memmove(run->input, end + 1, strlen(end));
        run->input_len = strlen(run->input);
        run->due_mono_ms = far.clock.mono_ms + (is_empty ? 20 : run->think_ms);
        far_say(run, BN_SSH_STDOUT, is_empty ? run->prompt : "utils service restart x\r\n");
    } else if (run->step == 3 && run->fate == FAR_WELL) {
        run->step = 4;
        far_say(run, BN_SSH_STDOUT, run->said);
    } else if (run->step == 2) {
        run->due_mono_ms = far.clock.mono_ms + 20;
    }
}

static inline void far_lost(struct bn_reach *reach)
{
    const struct bn_reach_ops *ops = reach->ops;
    const struct bn_target target = reach->target;
    struct bn_ssh_end end = reach->end;
    void *user = reach->user;
    if (end.fault == BN_SSH_FAULT_NONE)
        end.fault = BN_SSH_FAULT_LOST;
    if (reach->run.is_on) {
        far_done(&reach->run, BN_SSH_FAULT_LOST, -1);
        for (struct bn_list *it = far.reaches.next; it != &reach->link; it = it->next)
            if (it == &far.reaches)
                return; /* it was closed in its place */
    }
    bn_reach_close(reach);
    ops->ended(user, &target, &end);
}

static inline void far_run_on(struct bn_reach *reach)
{
    struct far_run *run = &reach->run;
    if (far.clock.mono_ms >= run->limit_mono_ms) {
        far_done(run, BN_SSH_FAULT_TIMEOUT, -1);
        return;
    }
    if (!run->has_begun) {
        run->due_mono_ms = FAR_NEVER;
        if (run->kind != FAR_SCRIPT)
            far_plan(run);
        if (run->ops->started)
            run->ops->started(run->job);
        if (reach->run.is_on && run->kind == FAR_SCRIPT && run->ops->room)
            run->ops->room(run->job);
        return;
    }
    if (run->kind == FAR_START && !run->command->started) {
        run->command->started++;
        run->command->ends_mono_ms += far.clock.mono_ms;
    }
    if (run->fate == FAR_LOST && run->kind != FAR_DIALOGUE) {
        far_lost(reach);
        return;
    }
    switch (run->kind) {
    case FAR_START:
    case FAR_FOLLOW: far_followed(reach); break;
    case FAR_DIALOGUE: far_talk(reach); break;
    case FAR_TIDY:
        run->command->is_tidied = true;
        far_done(run, BN_SSH_FAULT_NONE, 0);
        break;
    default:
        far_say(run, BN_SSH_STDOUT, run->said);
        if (reach->run.is_on)
            far_done(run, BN_SSH_FAULT_NONE, run->status);
    }
}

static inline int64_t far_due(const struct bn_reach *reach)
{
    const struct far_run *run = &reach->run;
    return run->is_on ? BN_MIN(reach->due_mono_ms, BN_MIN(run->due_mono_ms, run->limit_mono_ms))
                      : reach->due_mono_ms;
}

/* The next thing out there, or NULL. */
static inline struct bn_reach *far_next(void)
{
    struct bn_reach *first = NULL;
    bn_list_each(it, &far.reaches) {
        struct bn_reach *reach = container_of(it, struct bn_reach, link);
        if (!first || far_due(reach) < far_due(first))
            first = reach;
    }
    return first && far_due(first) != FAR_NEVER ? first : NULL;
}

static inline void far_happen(struct bn_reach *reach)
{
    if (far.clock.mono_ms < reach->due_mono_ms) {
        far_run_on(reach);
    } else if (!reach->is_open && reach->end.fault == BN_SSH_FAULT_NONE) {
        reach->is_open = true;
        reach->due_mono_ms = far.clock.mono_ms + BN_SSH_TOTAL_MS;
        reach->ops->opened(reach->user, reach->session);
    } else {
        far_lost(reach);
    }
}

/* Goes on to the next thing that happens out there, by so much at most, and lets all of it happen.
 */
static inline void far_advance(int64_t most_ms)
{
    struct bn_reach *next = far_next();
    const int64_t step_ms = next ? BN_MIN(BN_MAX(far_due(next) - far.clock.mono_ms, 0), most_ms)
                                 : most_ms;
    far.clock.mono_ms += step_ms;
    far.clock.now_ms += step_ms;
    while ((next = far_next()) && far_due(next) <= far.clock.mono_ms)
        far_happen(next);
}

static inline void far_begin(void)
{
    memset(&far, 0, sizeof far);
    bn_list_init(&far.timers);
    bn_list_init(&far.reaches);
    bn_list_init(&far.batches);
    far.clock = (struct bn_clock){1764400000000, 5000};
}

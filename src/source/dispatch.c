#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "live/work.h"
#include "source/dispatch_private.h"

#define TICK_MS      100
#define KEEP_AT_ONCE 48 /* pieces: 100 KB each tick, as much as a command writes in most cases */

int64_t bn_dispatch_mono_ms(const struct bn_dispatch_job *job)
{
    return job->dispatch->config.clock->mono_ms;
}

struct bn_ssh_session *bn_dispatch_session(const struct bn_dispatch_job *job)
{
    return bn_reach_session(job->reach);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void on_piece(void *user, const struct bn_transcript_piece *piece);

static struct bn_dispatch_job *job_create(struct bn_dispatch *dispatch, const char *tenant,
        const struct bn_target *target, const struct bn_action *action)
{
    struct bn_dispatch_job *job = bn_alloc(sizeof *job);
    job->dispatch = dispatch;
    bn_text_clip(job->tenant, sizeof job->tenant, bn_str(tenant));
    job->target = *target;
    job->action = action;
    job->way = bn_action_way(action, target);
    job->begun_mono_ms = dispatch->config.clock->mono_ms;
    bn_buf_init(&job->said, BN_REMOTE_ANSWER_MAX);
    bn_buf_init(&job->script, BN_REMOTE_ANSWER_MAX);
    bn_transcript_init(&job->transcript, BN_OUTPUT_HEAD_MAX, BN_OUTPUT_TAIL_MAX);
    job->transcript.told = on_piece;
    job->transcript.user = job;
    bn_list_append(&dispatch->jobs, &job->link);
    dispatch->count++;
    return job;
}

void bn_dispatch_destroy(struct bn_dispatch_job *job)
{
    bn_dispatch_hang_up(job);
    bn_list_remove(&job->link);
    job->dispatch->count--;
    bn_transcript_finish(&job->transcript);
    bn_buf_finish(&job->said);
    bn_buf_finish(&job->script);
    free(job);
}

static struct bn_dispatch_job *job_find(struct bn_dispatch *dispatch, const char *tenant,
        const char *id)
{
    bn_list_each(it, &dispatch->jobs) {
        struct bn_dispatch_job *job = container_of(it, struct bn_dispatch_job, link);
        if (job->work && strcmp(job->id, id) == 0 && strcmp(job->tenant, tenant) == 0)
            return job;
    }
    return NULL;
}

/* --- output ---------------------------------------------------------------------------------- */

static void fill_piece(const struct bn_dispatch_job *job, const struct bn_transcript_piece *from,
        struct bn_piece *out)
{
    snprintf(out->id, sizeof out->id, "%.64s/%012lld", job->id, (long long)from->at);
    bn_text_clip(out->operation_id, sizeof out->operation_id, bn_str(job->id));
    out->at = from->at;
    out->bytes = from->bytes;
    bn_text_clip(out->text, sizeof out->text, (struct bn_str){from->text, from->len});
}

static void keep_piece(const struct bn_dispatch_job *job, const struct bn_transcript_piece *piece)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_PIECE, job->tenant);
    fill_piece(job, piece, &fact.u.piece);
    bn_hub_tell(job->dispatch->config.hub, &fact);
}

/* What is followed from its first byte on is kept at its end; the head of the rest as it comes, for
   nobody could read it again. */
static bool is_kept_at_once(const struct bn_dispatch_job *job,
        const struct bn_transcript_piece *piece)
{
    return job->way != BN_WAY_DETACHED && piece->is_head;
}

static void on_piece(void *user, const struct bn_transcript_piece *piece)
{
    struct bn_dispatch_job *job = user;
    const int64_t now = bn_dispatch_mono_ms(job);
    struct bn_fact fact;
    BN_CRASH_POINT(dispatch_output);
    if (is_kept_at_once(job, piece))
        keep_piece(job, piece);
    if (now - job->budget_mono_ms >= 1000) {
        job->budget_mono_ms = now;
        job->told_budget = BN_OUTPUT_TELL_PS;
    }
    if (job->told_budget == 0)
        return; /* more than anybody reads: its offsets say so */
    job->told_budget--;
    bn_fact_init(&fact, BN_KIND_CHUNK, job->tenant);
    fill_piece(job, piece, &fact.u.chunk.piece);
    bn_hub_tell(job->dispatch->config.hub, &fact);
}

/* So many pieces of what was not kept yet: all at once would be megabytes in flight. False: there
   are more. */
static bool keep_some(struct bn_dispatch_job *job, int most)
{
    bn_list_each(it, &job->transcript.pieces) {
        const struct bn_transcript_piece *piece = container_of(it, struct bn_transcript_piece,
                link);
        if (piece->at < job->kept_to || is_kept_at_once(job, piece))
            continue;
        if (most-- == 0)
            return false;
        keep_piece(job, piece);
        job->kept_to = piece->at + piece->bytes;
    }
    return true;
}

/* --- ends ------------------------------------------------------------------------------------ */

void bn_dispatch_hang_up(struct bn_dispatch_job *job)
{
    bn_reach_close(job->reach);
    job->reach = NULL;
    job->is_ready = job->is_running = false;
}

void bn_dispatch_step(struct bn_dispatch_job *job, int64_t progress, const char *phase)
{
    if (job->work)
        bn_work_step_now(job->work, progress, phase);
}

/* Its files on the target go when nothing depends on them any more. */
static void end_kept(void *user, const struct bn_err *err)
{
    struct bn_dispatch_job *job = user;
    BN_CRASH_POINT(dispatch_end_kept);
    job->is_kept = true;
    if (!err && bn_dispatch_session(job) && !job->is_running)
        bn_dispatch_tidy(job);
    else
        job->is_done = true;
}

static void end_now(struct bn_dispatch_job *job, enum bn_work_status status)
{
    struct bn_work *work = job->work;
    const bool is_tidied = job->way == BN_WAY_DETACHED && work->now.sent_at &&
                           status != BN_WORK_CANCELLED && work->now.timed_out != 1 &&
                           bn_dispatch_session(job) && !job->is_running;
    job->work = NULL;
    job->again_mono_ms = 0;
    if (is_tidied) {
        job->stage = BN_DISPATCH_TIDY;
        bn_work_end(work, status, end_kept, job);
        return;
    }
    bn_dispatch_hang_up(job);
    job->is_done = true;
    bn_work_end(work, status, NULL, NULL);
}

/* What it wrote is kept first, so that whoever reads of its end reads all of it. */
void bn_dispatch_end(struct bn_dispatch_job *job, enum bn_work_status status)
{
    BN_CRASH_POINT(dispatch_ending);
    bn_transcript_flush(&job->transcript, true);
    if (keep_some(job, KEEP_AT_ONCE)) {
        end_now(job, status);
        return;
    }
    job->stage = BN_DISPATCH_KEEP;
    job->over_with = status;
    job->again_mono_ms = 0;
}

void bn_dispatch_fail(struct bn_dispatch_job *job, const char *error, const char *hint)
{
    struct bn_operation *now = &job->work->now;
    bn_text_clip(now->error, sizeof now->error, bn_str(error));
    bn_text_clip(now->hint, sizeof now->hint, bn_str(hint));
    now->message[0] = '\0';
    bn_dispatch_end(job, BN_WORK_FAILED);
}

/* --- reaching it ----------------------------------------------------------------------------- */

static bool may_pass(enum bn_ssh_fault fault)
{
    return fault == BN_SSH_FAULT_DNS || fault == BN_SSH_FAULT_REFUSED ||
           fault == BN_SSH_FAULT_UNREACHABLE || fault == BN_SSH_FAULT_TIMEOUT ||
           fault == BN_SSH_FAULT_LOST || fault == BN_SSH_FAULT_RUNNER;
}

void bn_dispatch_again(struct bn_dispatch_job *job)
{
    bn_dispatch_hang_up(job);
    job->wait_ms = job->wait_ms ? BN_MIN(job->wait_ms * 2, BN_REMOTE_AGAIN_MAX_MS)
                                : BN_REMOTE_AGAIN_MS;
    job->again_mono_ms = bn_dispatch_mono_ms(job) + job->wait_ms;
    job->stage = BN_DISPATCH_QUEUED;
}

/* It was not reached. What runs there already is looked for as long as it may run. */
static void not_reached(struct bn_dispatch_job *job, const struct bn_target *target)
{
    struct bn_dispatch_words words;
    const struct bn_ssh_end *end = &job->ended;
    bn_dispatch_explain(target, end, &words);
    if (may_pass(end->fault) && (job->is_resumed || ++job->tries < BN_REMOTE_TRIES)) {
        bn_text_clip(job->work->now.message, sizeof job->work->now.message, bn_str(words.error));
        bn_work_told(job->work, NULL, NULL);
        if (!job->is_resumed)
            job->wait_ms = BN_REMOTE_AGAIN_MS / 2;
        bn_dispatch_again(job);
        return;
    }
    if (job->is_resumed) {
        job->work->now.timed_out = job->work->now.has_warnings = 1;
        snprintf(words.hint, sizeof words.hint,
                "The command had been sent: look at %.80s yourself.", job->target.name);
    }
    bn_dispatch_fail(job, words.error, words.hint);
}

static void on_ended(void *user, const struct bn_target *at, const struct bn_ssh_end *end)
{
    struct bn_dispatch_job *job = user;
    const bool was_ready = job->is_ready;
    job->reach = NULL;
    job->ended = *end;
    job->is_ready = job->is_running = false;
    if (!job->work) {
        job->is_done |= job->is_kept;
        return;
    }
    if (job->stage == BN_DISPATCH_KEEP)
        return;
    if (was_ready)
        bn_dispatch_cut(job);
    else
        not_reached(job, at);
}

static void on_opened(void *user, struct bn_ssh_session *session)
{
    struct bn_dispatch_job *job = user;
    (void)session;
    BN_CRASH_POINT(dispatch_connected);
    job->is_ready = true;
    job->wait_ms = 0;
    bn_dispatch_ready(job);
}

static void connect_now(struct bn_dispatch_job *job)
{
    static const struct bn_reach_ops ops = {on_opened, on_ended};
    const struct bn_dispatch_config *config = &job->dispatch->config;
    const struct bn_reach_config reach = {config->hub, config->ssh, config->key};
    const struct bn_reach_to to = {job->tenant, &job->target, &ops, job};
    struct bn_err err;
    job->again_mono_ms = 0;
    job->stage = BN_DISPATCH_CONNECT;
    if (!job->is_resumed)
        bn_dispatch_step(job, 10, "Testing SSH connection");
    const bool is_opening = bn_reach_open(&reach, &to, &job->reach, &err);
    BN_CRASH_POINT(dispatch_connecting);
    if (is_opening)
        return;
    if (err.code == BN_E_TOO_MANY || err.code == BN_E_UNAVAILABLE)
        bn_dispatch_again(job); /* its turn comes */
    else
        bn_dispatch_fail(job, err.text, "");
}

/* --- beginning ------------------------------------------------------------------------------- */

static void begun_kept(void *user, const struct bn_err *err)
{
    struct bn_dispatch_job *job = user;
    const bn_dispatch_begun begun = job->begun;
    const struct bn_operation operation = job->work->now;
    BN_CRASH_POINT(dispatch_begun);
    job->begun = NULL;
    job->is_begun = true;
    if (err) { /* there is no such work */
        job->work = NULL;
        job->is_done = true;
    }
    if (begun)
        begun(job->user, &operation, err);
    if (!err && job->work && !job->is_held)
        connect_now(job);
}

static void say_subject(const struct bn_target *target, struct bn_operation *out)
{
    if (out->object[0])
        snprintf(out->subject, sizeof out->subject, "%.80s on %.100s", out->object, target->name);
    else
        bn_text_clip(out->subject, sizeof out->subject, bn_str(target->name));
}

bool bn_dispatch_do(struct bn_dispatch *dispatch, const struct bn_dispatch_order *order,
        struct bn_err *err)
{
    struct bn_operation *wanted = order->wanted;
    const struct bn_target *target = order->target;
    const struct bn_action *action = bn_action_find(wanted->type, target);
    if (!action)
        return bn_fail(err, BN_E_INVALID, "this cannot be done on a target of the platform %s",
                bn_platform_word(target->platform));
    bn_text_clip(wanted->target_id, sizeof wanted->target_id, bn_str(target->id));
    bn_text_clip(wanted->action, sizeof wanted->action, bn_str(action->verb));
    say_subject(target, wanted);
    struct bn_dispatch_job *job = job_create(dispatch, order->tenant, target, action);
    job->is_held = order->is_held;
    job->begun = order->begun;
    job->user = order->user;
    const struct bn_work_first first = {.tenant = order->tenant,
            .operation = wanted,
            .kept = begun_kept,
            .user = job};
    job->work = bn_work_begin(dispatch->config.operations, &first, err);
    if (!job->work) {
        bn_dispatch_destroy(job);
        return false;
    }
    bn_text_clip(job->id, sizeof job->id, bn_str(job->work->now.id));
    bn_text_clip(wanted->id, sizeof wanted->id, bn_str(job->id));
    return true;
}

bool bn_dispatch_is_held(struct bn_dispatch *dispatch, const char *tenant, const char *id)
{
    const struct bn_dispatch_job *job = job_find(dispatch, tenant, id);
    return job && job->is_held;
}

/* While it waited its target may have become another, or none. */
void bn_dispatch_release(struct bn_dispatch *dispatch, const char *tenant, const char *id)
{
    struct bn_dispatch_job *job = job_find(dispatch, tenant, id);
    char error[200];
    if (!job || !job->is_held || !job->is_begun)
        return;
    const struct bn_target *target = bn_live_get(&dispatch->config.hub->live, tenant,
            BN_KIND_TARGET, job->work->now.target_id);
    const struct bn_action *action = target ? bn_action_find(job->work->now.type, target) : NULL;
    const bool is_unwanted = target && job->work->now.type == BN_WORK_COMMAND &&
                             target->allows_commands != 1;
    job->is_held = false;
    if (!target || target->is_active != 1 || !action || is_unwanted) {
        snprintf(error, sizeof error, "%.100s was %s before its turn came: nothing was done.",
                target ? target->name : "The target",
                !target       ? "removed"
                : !action     ? "made one of another platform"
                : is_unwanted ? "closed to commands"
                              : "switched off");
        bn_dispatch_fail(job, error, "");
        return;
    }
    job->target = *target;
    job->action = action;
    job->way = bn_action_way(action, target);
    connect_now(job);
}

bool bn_dispatch_cancel(struct bn_dispatch *dispatch, const char *tenant, const char *id,
        struct bn_err *err)
{
    struct bn_dispatch_job *job = job_find(dispatch, tenant, id);
    if (!job)
        return bn_fail(err, BN_E_NOT_FOUND, "it is not under way here");
    return bn_dispatch_stop_it(job) ||
           bn_fail(err, BN_E_CONFLICT,
                   "it begins, is being sent or has ended this moment: ask again");
}

const struct bn_transcript *bn_dispatch_output(struct bn_dispatch *dispatch, const char *tenant,
        const char *id)
{
    struct bn_dispatch_job *job = job_find(dispatch, tenant, id);
    return job ? &job->transcript : NULL;
}

size_t bn_dispatch_count(const struct bn_dispatch *dispatch)
{
    return dispatch->count;
}

/* --- the clock ------------------------------------------------------------------------------- */

static void on_tick(void *user)
{
    struct bn_dispatch *dispatch = user;
    const int64_t now = dispatch->config.clock->mono_ms;
    bn_list_each_safe(it, tmp, &dispatch->jobs) {
        struct bn_dispatch_job *job = container_of(it, struct bn_dispatch_job, link);
        if (job->is_done) {
            BN_CRASH_POINT(dispatch_tidied);
            bn_dispatch_destroy(job);
            continue;
        }
        if (now - job->told_mono_ms >= BN_OUTPUT_TELL_MS &&
                bn_transcript_is_gathering(&job->transcript)) {
            job->told_mono_ms = now;
            bn_transcript_flush(&job->transcript, false);
        }
        if (job->work && bn_work_is_forced(job->work) && job->stage != BN_DISPATCH_KEEP)
            bn_dispatch_drop(job);
        if (job->work && job->stage == BN_DISPATCH_KEEP) {
            if (keep_some(job, KEEP_AT_ONCE))
                end_now(job, job->over_with);
        } else if (job->work) {
            bn_dispatch_tick(job);
        }
        if (job->work && job->again_mono_ms && now >= job->again_mono_ms)
            connect_now(job);
    }
}

/* --- what an earlier run left ---------------------------------------------------------------- */

/* Only what runs on its own can be found again; what waits in a batch is begun when its turn comes.
 */
static void take_up(struct bn_dispatch *dispatch, const char *tenant,
        const struct bn_operation *left)
{
    static const struct bn_target none = {.name = "the target"};
    const struct bn_target *target = bn_live_get(&dispatch->config.hub->live, tenant,
            BN_KIND_TARGET, left->target_id);
    const struct bn_action *action = target ? bn_action_find(left->type, target) : NULL;
    struct bn_dispatch_job *job = job_create(dispatch, tenant, target ? target : &none,
            action ? action : &bn_actions[0]);
    const int64_t gone_ms = BN_MAX(dispatch->config.clock->now_ms - left->sent_at, 0);
    bn_text_clip(job->id, sizeof job->id, bn_str(left->id));
    job->work = bn_work_resume(dispatch->config.operations, tenant, left);
    job->is_begun = true;
    if (!left->sent_at) { /* of a batch: nothing was done yet, so it may be begun once more */
        job->is_held = true;
        return;
    }
    job->is_resumed = true;
    if (!action || job->way != BN_WAY_DETACHED) {
        job->work->now.timed_out = 1;
        bn_dispatch_fail(job,
                "interrupted by a restart of Binnacle, after the command had been sent",
                "How it ended is not known: look at the target yourself.");
        return;
    }
    job->deadline_mono_ms = bn_dispatch_mono_ms(job) + BN_MAX(action->limit_ms - gone_ms, 30000);
    job->stage = BN_DISPATCH_QUEUED;
    job->again_mono_ms = bn_dispatch_mono_ms(job);
}

struct bn_dispatch *bn_dispatch_start(const struct bn_dispatch_config *config)
{
    struct bn_dispatch *dispatch = bn_alloc(sizeof *dispatch);
    dispatch->config = *config;
    bn_list_init(&dispatch->jobs);
    for (const struct bn_tenant_live *tenant = config->hub->live.tenants; tenant;
            tenant = tenant->next) {
        bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
        {
            const struct bn_operation *left = (const void *)row->record;
            if (!bn_operation_is_over(left) && bn_operation_is_remote(left) &&
                    (left->sent_at || bn_work_is_of_batch(tenant, left)))
                take_up(dispatch, tenant->id, left);
        }
    }
    BN_CRASH_POINT(start_taken_up);
    dispatch->timer = bn_timer_create(config->loop, on_tick, dispatch);
    bn_timer_start(dispatch->timer, TICK_MS, TICK_MS);
    return dispatch;
}

void bn_dispatch_stop(struct bn_dispatch *dispatch)
{
    if (!dispatch)
        return;
    bn_timer_destroy(dispatch->timer);
    bn_list_each_safe(it, tmp, &dispatch->jobs)
        bn_dispatch_destroy(container_of(it, struct bn_dispatch_job, link));
    free(dispatch);
}

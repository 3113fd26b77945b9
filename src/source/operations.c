#include "source/operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/secret.h"

#include "live/work.h"

#define TICK_MS  250
#define SWEEP_MS 5000 /* ended ones leave so much later at most */

struct bn_operations {
    struct bn_operations_config config;
    struct bn_timer *timer;
    struct bn_list works;
    int64_t sweep_mono_ms;
};

static void keep(struct bn_work *work);

static int64_t mono_ms(const struct bn_work *work)
{
    return work->operations->config.clock->mono_ms;
}

/* --- words ----------------------------------------------------------------------------------- */

void bn_operation_make_id(char out[BN_ID_MAX])
{
    uint8_t id[16];
    bn_random(id, sizeof id);
    bn_b64url_encode(id, sizeof id, out);
}

void bn_duration_say(int64_t ms, char *out, size_t size)
{
    const long long s = BN_MAX(ms, 0) / 1000;
    if (s < 60)
        snprintf(out, size, "%lld s", s);
    else if (s < 3600)
        snprintf(out, size, "%lld min %lld s", s / 60, s % 60);
    else
        snprintf(out, size, "%lld h %lld min", s / 3600, s / 60 % 60);
}

static void note_begin(const struct bn_operation *operation)
{
    bn_log(BN_INFO, "operation.begin", BN_KV("id", operation->id),
            BN_KV("action", operation->action), BN_KV("subject", operation->subject),
            BN_KV("by", operation->created_by));
}

/* What a machine said stands behind a colon in sentences about it, and in no log but that of who
   looks for a fault (FEATURES J47). */
static void note_end(const struct bn_operation *operation)
{
    char cause[sizeof operation->error];
    const char *text = operation->error[0] ? operation->error : operation->message;
    const bool is_quoting = bn_operation_is_remote(operation) || operation->type == BN_WORK_BATCH;
    const char *quote = is_quoting ? strstr(text, ": ") : NULL;
    bn_text_clip(cause, sizeof cause,
            (struct bn_str){text, quote ? (size_t)(quote - text) : strlen(text)});
    bn_log(BN_INFO, "operation.end", BN_KV("id", operation->id),
            BN_KV("status", bn_work_status_word(operation->status)),
            BN_KV_I64("ms", operation->completed_at - operation->started_at), BN_KV("text", cause));
    if (quote)
        bn_log(BN_DEBUG, "operation.said", BN_KV("id", operation->id), BN_KV("text", text));
}

/* A sentence made of clipped names may hold half a character, which no record may. */
static void mend(char *text, size_t size)
{
    const size_t len = strnlen(text, size - 1);
    size_t to = 0;
    for (size_t at = 0; at < len;) {
        uint32_t code;
        const size_t n = bn_utf8_next(text + at, len - at, &code);
        if (code != BN_UTF8_BAD) {
            memmove(text + to, text + at, n);
            to += n;
        }
        at += n;
    }
    text[to] = '\0';
}

static void mend_all(struct bn_operation *operation)
{
    mend(operation->subject, sizeof operation->subject);
    mend(operation->phase, sizeof operation->phase);
    mend(operation->message, sizeof operation->message);
    mend(operation->error, sizeof operation->error);
    mend(operation->hint, sizeof operation->hint);
}

/* --- keeping --------------------------------------------------------------------------------- */

static struct bn_work *work_create(struct bn_operations *operations, const char *tenant,
        const struct bn_operation *operation)
{
    struct bn_work *work = bn_alloc(sizeof *work);
    work->operations = operations;
    work->now = *operation;
    bn_text_clip(work->tenant, sizeof work->tenant, bn_str(tenant));
    bn_list_append(&operations->works, &work->link);
    return work;
}

static void work_destroy(struct bn_work *work)
{
    bn_list_remove(&work->link);
    free(work->forced);
    free(work);
}

/* What it is, for all but its owner. */
static struct bn_operation *end_of(struct bn_work *work)
{
    return work->forced ? work->forced : &work->now;
}

static void say_forced(struct bn_err *out)
{
    (void)!bn_fail(out, BN_E_CONFLICT, "somebody ended this operation meanwhile");
}

static bool is_done_with(const struct bn_work *work)
{
    return !work->is_dirty && !work->is_keeping && (!work->forced || work->is_dropped);
}

/* What its owner asked to be kept is of no use any more, whatever the store says. */
static void answer(const struct bn_work *work, const struct bn_operation *kept_now,
        const struct bn_err *err)
{
    struct bn_err ended;
    if (!work->asked_kept)
        return;
    if (!err && work->forced && !bn_operation_is_over(kept_now)) {
        say_forced(&ended);
        err = &ended;
    }
    work->asked_kept(work->asked_user, err);
}

static void on_kept(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct bn_work *work = user;
    struct bn_work was = *work; /* who is to be answered: what follows may end it */
    const bool never_was = err && work->is_new;
    BN_CRASH_POINT(work_kept);
    work->is_keeping = false;
    work->is_new = work->is_new && err;
    work->asked_kept = NULL;
    if (err) {
        work->is_dirty = true;
        work->again_mono_ms = mono_ms(work) + BN_WORK_KEEP_AGAIN_MS;
    }
    if (never_was) { /* whoever began it may look at it once more */
        answer(&was, &fact->u.operation, err);
        work_destroy(work);
        return;
    }
    if (!err && bn_operation_is_over(&fact->u.operation) && is_done_with(work))
        work_destroy(work);
    else
        keep(work);
    answer(&was, &fact->u.operation, err);
}

static bool ask(struct bn_work *work, struct bn_err *err)
{
    struct bn_fact fact;
    struct bn_operation *now = end_of(work);
    mend_all(now);
    bn_fact_init(&fact, BN_KIND_OPERATION, work->tenant);
    fact.u.operation = *now;
    work->is_dirty = false;
    work->is_keeping = true;
    work->asked_kept = work->kept;
    work->asked_user = work->kept_user;
    work->kept = NULL;
    work->tell_mono_ms = mono_ms(work) + BN_WORK_TELL_MS;
    return bn_hub_ask(work->operations->config.hub, &fact, on_kept, work, err);
}

/* Writes what is new, unless it may wait or has to. */
static void keep(struct bn_work *work)
{
    const int64_t now = mono_ms(work);
    const bool may_wait = !work->kept && !bn_operation_is_over(end_of(work));
    struct bn_err err;
    if (!work->is_dirty || work->is_keeping || now < work->again_mono_ms ||
            (may_wait && now < work->tell_mono_ms))
        return;
    if (ask(work, &err))
        return;
    const bn_work_kept kept = work->asked_kept; /* somebody else ended it, or its tenant is gone */
    void *user = work->asked_user;
    bn_log(BN_WARN, "operation.lost", BN_KV("id", work->now.id), BN_KV("text", err.text));
    work->is_keeping = false;
    if (bn_operation_is_over(end_of(work)) && is_done_with(work))
        work_destroy(work);
    if (kept)
        kept(user, &err);
}

struct bn_work *bn_work_begin(struct bn_operations *operations, const struct bn_work_first *first,
        struct bn_err *err)
{
    struct bn_work *work = work_create(operations, first->tenant, first->operation);
    struct bn_operation *now = &work->now;
    if (!now->id[0])
        bn_operation_make_id(now->id);
    now->status = BN_WORK_PENDING;
    now->progress = 0;
    now->started_at = now->updated_at = operations->config.clock->now_ms;
    BN_CRASH_POINT(work_before_begin);
    work->is_new = true;
    work->kept = first->kept;
    work->kept_user = first->user;
    if (!ask(work, err)) {
        work_destroy(work);
        return NULL;
    }
    BN_CRASH_POINT(work_begun);
    note_begin(now);
    return work;
}

struct bn_work *bn_work_resume(struct bn_operations *operations, const char *tenant,
        const struct bn_operation *left)
{
    return work_create(operations, tenant, left);
}

void bn_work_told(struct bn_work *work, bn_work_kept kept, void *user)
{
    struct bn_err err;
    if (work->forced) {
        say_forced(&err);
        if (kept)
            kept(user, &err);
        return;
    }
    work->now.updated_at = work->operations->config.clock->now_ms;
    work->is_dirty = true;
    if (kept) {
        work->kept = kept;
        work->kept_user = user;
    }
    keep(work);
}

static bool take_step(struct bn_operation *now, int64_t progress, const char *phase)
{
    if (progress <= now->progress && strcmp(now->phase, phase) == 0 &&
            now->status == BN_WORK_IN_PROGRESS)
        return false;
    now->status = BN_WORK_IN_PROGRESS;
    now->progress = BN_MAX(now->progress, progress);
    bn_text_clip(now->phase, sizeof now->phase, bn_str(phase));
    return true;
}

void bn_work_step(struct bn_work *work, int64_t progress, const char *phase)
{
    if (take_step(&work->now, progress, phase))
        bn_work_told(work, NULL, NULL);
}

static void step_kept(void *user, const struct bn_err *err)
{
    (void)user;
    (void)err;
}

void bn_work_step_now(struct bn_work *work, int64_t progress, const char *phase)
{
    if (!take_step(&work->now, progress, phase) || work->forced)
        return;
    BN_CRASH_POINT(work_before_step);
    bn_log(BN_INFO, "operation.step", BN_KV("id", work->now.id), BN_KV_I64("progress", progress),
            BN_KV("phase", phase));
    bn_work_told(work, work->kept ? work->kept : step_kept, work->kept ? work->kept_user : NULL);
}

static void set_end(const struct bn_work *work, struct bn_operation *out,
        enum bn_work_status status)
{
    out->status = status;
    out->progress = status == BN_WORK_CANCELLED ? out->progress : 100;
    out->phase[0] = '\0';
    out->completed_at = work->operations->config.clock->now_ms;
    note_end(out);
}

void bn_work_end(struct bn_work *work, enum bn_work_status status, bn_work_kept kept, void *user)
{
    if (work->forced) { /* it has ended already */
        work->is_dropped = true;
        if (is_done_with(work))
            work_destroy(work);
        if (kept)
            kept(user, NULL);
        return;
    }
    set_end(work, &work->now, status);
    BN_CRASH_POINT(work_before_end);
    bn_work_told(work, kept, user);
}

/* --- ended by somebody else ------------------------------------------------------------------ */

bool bn_work_is_forced(const struct bn_work *work)
{
    return work->forced != NULL;
}

static struct bn_work *work_find(struct bn_operations *operations, const char *tenant,
        const char *id)
{
    bn_list_each(it, &operations->works) {
        struct bn_work *work = container_of(it, struct bn_work, link);
        if (strcmp(work->now.id, id) == 0 && strcmp(work->tenant, tenant) == 0)
            return work;
    }
    return NULL;
}

bool bn_work_is_at(struct bn_operations *operations, const char *tenant, const char *id)
{
    return work_find(operations, tenant, id) != NULL;
}

/* Written before whatever its owner wanted to be written next. */
static void force(struct bn_work *work, const struct bn_work_force *force)
{
    const bn_work_kept displaced = work->kept;
    void *displaced_user = work->kept_user;
    struct bn_err err;
    work->forced = bn_alloc(sizeof *work->forced);
    *work->forced = work->now;
    bn_text_clip(work->forced->message, sizeof work->forced->message, bn_str(force->message));
    bn_text_clip(work->forced->error, sizeof work->forced->error, bn_str(force->error));
    bn_text_clip(work->forced->hint, sizeof work->forced->hint, bn_str(force->hint));
    work->forced->has_warnings = force->status == BN_WORK_COMPLETED; /* nobody looked */
    work->forced->updated_at = work->operations->config.clock->now_ms;
    set_end(work, work->forced, force->status);
    work->is_dirty = true;
    work->again_mono_ms = 0;
    work->kept = force->kept;
    work->kept_user = force->user;
    keep(work);
    say_forced(&err);
    if (displaced)
        displaced(displaced_user, &err);
}

bool bn_work_force_end(struct bn_operations *operations, const struct bn_work_force *wanted,
        struct bn_err *err)
{
    struct bn_work *work = work_find(operations, wanted->tenant, wanted->left->id);
    if (work && (work->is_new || work->forced || bn_operation_is_over(&work->now)))
        return bn_fail(err, BN_E_CONFLICT, "it begins or ends this moment: ask again");
    if (!work) { /* nobody does it any more */
        work = bn_work_resume(operations, wanted->tenant, wanted->left);
        work->is_dropped = true;
    }
    force(work, wanted);
    return true;
}

void bn_work_line(struct bn_work *work, const struct bn_output *line)
{
    struct bn_fact fact;
    struct bn_err err;
    bn_fact_init(&fact, BN_KIND_OUTPUT, work->tenant);
    fact.u.output = *line;
    snprintf(fact.u.output.id, sizeof fact.u.output.id, "%.64s/%06lld", work->now.id,
            (long long)line->n);
    if (!bn_hub_ask(work->operations->config.hub, &fact, NULL, NULL, &err))
        bn_log(BN_DEBUG, "operation.line", BN_KV("text", err.text));
}

/* --- the clock ------------------------------------------------------------------------------- */

static void sweep_tenant(struct bn_operations *operations, const struct bn_tenant_live *tenant)
{
    bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
    {
        const struct bn_operation *operation = (const void *)row->record;
        struct bn_fact fact;
        if (!bn_operation_is_over(operation) ||
                operations->config.clock->now_ms < operation->completed_at + BN_OPERATION_PAST_MS)
            continue;
        bn_fact_init(&fact, BN_KIND_OPERATION, tenant->id);
        fact.op = BN_PAST;
        fact.u.operation = *operation;
        bn_hub_tell(operations->config.hub, &fact);
    }
}

static void on_tick(void *user)
{
    struct bn_operations *operations = user;
    const int64_t now = operations->config.clock->mono_ms;
    bn_list_each_safe(it, tmp, &operations->works)
        keep(container_of(it, struct bn_work, link));
    if (now < operations->sweep_mono_ms)
        return;
    operations->sweep_mono_ms = now + SWEEP_MS;
    for (const struct bn_tenant_live *tenant = operations->config.hub->live.tenants; tenant;
            tenant = tenant->next)
        sweep_tenant(operations, tenant);
}

/* --- what an earlier run left ---------------------------------------------------------------- */

static bool is_taken_up(const struct bn_operations *operations, const struct bn_tenant_live *tenant,
        const struct bn_operation *operation)
{
    if (operation->type == BN_WORK_VM_POWER)
        return operation->upid[0] != '\0';
    return !operations->config.no_remote &&
           (operation->type == BN_WORK_BATCH ||
                   (bn_operation_is_remote(operation) &&
                           (operation->sent_at || bn_work_is_of_batch(tenant, operation))));
}

static void end_left(struct bn_operations *operations, const struct bn_tenant_live *tenant)
{
    bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
    {
        const struct bn_operation *left = (const void *)row->record;
        if (bn_operation_is_over(left) || is_taken_up(operations, tenant, left))
            continue;
        struct bn_work *work = bn_work_resume(operations, tenant->id, left);
        bn_text_clip(work->now.error, sizeof work->now.error,
                left->sent_at
                        ? BN_STR("interrupted by a restart of Binnacle, after the command had been sent")
                        : BN_STR("interrupted by a restart of Binnacle"));
        work->now.timed_out = left->sent_at != 0;
        bn_work_end(work, BN_WORK_FAILED, NULL, NULL);
    }
}

struct bn_operations *bn_operations_start(const struct bn_operations_config *config)
{
    struct bn_operations *operations = bn_alloc(sizeof *operations);
    operations->config = *config;
    bn_list_init(&operations->works);
    for (const struct bn_tenant_live *tenant = config->hub->live.tenants; tenant;
            tenant = tenant->next)
        end_left(operations, tenant);
    operations->timer = bn_timer_create(config->loop, on_tick, operations);
    bn_timer_start(operations->timer, TICK_MS, TICK_MS);
    return operations;
}

void bn_operations_stop(struct bn_operations *operations)
{
    if (!operations)
        return;
    bn_timer_destroy(operations->timer);
    bn_list_each_safe(it, tmp, &operations->works)
        work_destroy(container_of(it, struct bn_work, link));
    free(operations);
}

#include "source/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/work.h"

#define TICK_MS    200
#define CANCELLING "Cancelling" /* as its phase: the next start knows it by this */
#define WAITING    "Waiting for its turn in the batch"

struct child {
    char id[BN_ID_MAX];
    bool is_held; /* until its turn comes */
    bool is_over;
    int64_t status; /* enum bn_work_status, of one that is over */
    int64_t progress;
};

struct batch {
    struct bn_list link;
    struct bn_batches *batches;
    struct bn_work *work; /* NULL: it has ended, or never was */
    char tenant[BN_TENANT_MAX];
    char id[BN_ID_MAX];
    bool is_kept;
    bool is_cancelling;
    struct child *children;
    size_t count;
    int64_t gone;         /* of an earlier run's, those nobody knows any more: over */
    bool is_warned;       /* one of them succeeded with a warning */
    char why_failed[320]; /* the first that did */
    bn_batch_begun begun;
    void *user;
};

struct bn_batches {
    struct bn_batches_config config;
    struct bn_timer *timer;
    struct bn_list all;
    size_t count;
};

/* How its children are. */
struct tally {
    int64_t running;
    int64_t done, failed, cancelled;
    int64_t progress; /* of all, 0..100 */
};

/* --- batches --------------------------------------------------------------------------------- */

static struct batch *batch_create(struct bn_batches *batches, const char *tenant, size_t most)
{
    struct batch *batch = bn_alloc(sizeof *batch);
    batch->batches = batches;
    batch->children = bn_alloc_array(most + 1, sizeof *batch->children);
    bn_text_clip(batch->tenant, sizeof batch->tenant, bn_str(tenant));
    bn_list_append(&batches->all, &batch->link);
    batches->count++;
    return batch;
}

static void batch_destroy(struct batch *batch)
{
    bn_list_remove(&batch->link);
    batch->batches->count--;
    free(batch->children);
    free(batch);
}

static void add_child(struct batch *batch, const char *id, bool is_held)
{
    struct child *child = &batch->children[batch->count++];
    memset(child, 0, sizeof *child);
    bn_text_clip(child->id, sizeof child->id, bn_str(id));
    child->is_held = is_held;
}

/* --- how its children are -------------------------------------------------------------------- */

static void note_end(struct batch *batch, struct child *child, const struct bn_operation *now)
{
    child->is_over = true;
    child->status = now ? now->status : BN_WORK_CANCELLED; /* somebody deleted it */
    if (!now)
        return;
    batch->is_warned |= now->status == BN_WORK_COMPLETED && now->has_warnings == 1;
    if (now->status == BN_WORK_FAILED && !batch->why_failed[0])
        bn_text_clip(batch->why_failed, sizeof batch->why_failed, bn_str(now->error));
}

static void look_at(struct batch *batch, struct child *child)
{
    const struct bn_operation *now = bn_live_get(&batch->batches->config.hub->live, batch->tenant,
            BN_KIND_OPERATION, child->id);
    if (child->is_over)
        return;
    if (!now || bn_operation_is_over(now))
        note_end(batch, child, now);
    else
        child->progress = BN_MAX(child->progress, now->progress);
}

static struct tally count_children(struct batch *batch)
{
    struct tally tally = {.done = batch->gone, .progress = batch->gone * 100};
    const struct bn_operation *now = &batch->work->now;
    for (size_t i = 0; i < batch->count; i++) {
        struct child *child = &batch->children[i];
        look_at(batch, child);
        tally.running += !child->is_over && !child->is_held;
        tally.done += child->is_over;
        tally.failed += child->is_over && child->status == BN_WORK_FAILED;
        tally.cancelled += child->is_over && child->status == BN_WORK_CANCELLED;
        tally.progress += child->is_over ? 100 : child->progress;
    }
    tally.progress = BN_MIN(tally.progress / BN_MAX(now->children, 1), 99);
    tally.done = BN_MIN(tally.done, now->children);
    return tally;
}

/* --- what is told ---------------------------------------------------------------------------- */

/* "12 of 50 done, 2 failed". */
static void say(const struct batch *batch, const struct tally *tally, char *out, size_t size)
{
    const struct bn_operation *now = &batch->work->now;
    char failed[40] = "";
    char cancelled[40] = "";
    char refused[60] = "";
    if (tally->failed)
        snprintf(failed, sizeof failed, ", %lld failed", (long long)tally->failed);
    if (tally->cancelled)
        snprintf(cancelled, sizeof cancelled, ", %lld cancelled", (long long)tally->cancelled);
    if (now->children_refused > 0)
        snprintf(refused, sizeof refused, "; %lld more could not begin",
                (long long)now->children_refused);
    snprintf(out, size, "%lld of %lld done%s%s%s", (long long)tally->done, (long long)now->children,
            failed, cancelled, refused);
}

static void nobody_waits(void *user, const struct bn_err *err)
{
    (void)user;
    (void)err;
}

static void tell(struct batch *batch, const struct tally *tally)
{
    struct bn_operation *now = &batch->work->now;
    const struct bn_operation before = *now;
    now->status = BN_WORK_IN_PROGRESS;
    now->progress = BN_MAX(now->progress, tally->progress);
    now->children_done = tally->done;
    now->children_failed = tally->failed;
    if (batch->is_cancelling)
        bn_text_clip(now->phase, sizeof now->phase, BN_STR(CANCELLING));
    else
        snprintf(now->phase, sizeof now->phase, "Running, %lld at once",
                (long long)now->concurrency);
    say(batch, tally, now->message, sizeof now->message);
    /* That it is cancelled is written at once: the next start would begin what waits. */
    if (bn_record_diff(&bn_operation_type, &before, now))
        bn_work_told(batch->work, strcmp(before.phase, now->phase) != 0 ? nobody_waits : NULL,
                NULL);
}

static enum bn_work_status end_of(const struct batch *batch, const struct tally *tally)
{
    if (batch->is_cancelling || tally->cancelled == tally->done)
        return BN_WORK_CANCELLED;
    return tally->failed + tally->cancelled < tally->done ? BN_WORK_COMPLETED : BN_WORK_FAILED;
}

static void finish(struct batch *batch, const struct tally *tally)
{
    struct bn_work *work = batch->work;
    struct bn_operation *now = &work->now;
    const enum bn_work_status status = end_of(batch, tally);
    tell(batch, tally);
    now->has_warnings = status == BN_WORK_COMPLETED &&
                        (tally->failed || tally->cancelled || now->children_refused > 0 ||
                                batch->is_warned);
    if (status == BN_WORK_FAILED)
        snprintf(now->error, sizeof now->error, "It succeeded on none of %lld%s%.240s",
                (long long)now->children, batch->why_failed[0] ? ": " : ".", batch->why_failed);
    batch->work = NULL;
    bn_work_end(work, status, NULL, NULL);
    batch_destroy(batch);
}

/* --- the next ones --------------------------------------------------------------------------- */

/* One that begins, is being sent or has ended this moment is asked again in a while. */
static void stop_children(struct batch *batch)
{
    struct bn_err err;
    const struct bn_batches_config *config = &batch->batches->config;
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->children[i].is_over)
            (void)!bn_dispatch_cancel(config->dispatch, batch->tenant, batch->children[i].id, &err);
}

static void release(struct batch *batch, int64_t running)
{
    const struct bn_batches_config *config = &batch->batches->config;
    for (size_t i = 0; i < batch->count && running < batch->work->now.concurrency; i++) {
        struct child *child = &batch->children[i];
        if (!child->is_held || child->is_over)
            continue;
        child->is_held = false;
        running++;
        bn_dispatch_release(config->dispatch, batch->tenant, child->id);
    }
}

static void go_on(struct batch *batch)
{
    const struct tally tally = count_children(batch);
    if (tally.done >= batch->work->now.children) {
        finish(batch, &tally);
        return;
    }
    if (batch->is_cancelling)
        stop_children(batch);
    else
        release(batch, tally.running);
    tell(batch, &tally);
}

static void on_tick(void *user)
{
    struct bn_batches *batches = user;
    bn_list_each_safe(it, tmp, &batches->all) {
        struct batch *batch = container_of(it, struct batch, link);
        if (batch->is_kept)
            go_on(batch);
    }
}

/* --- beginning ------------------------------------------------------------------------------- */

static void on_kept(void *user, const struct bn_err *err)
{
    struct batch *batch = user;
    const bn_batch_begun begun = batch->begun;
    void *begun_user = batch->user;
    const struct bn_operation now = batch->work->now;
    batch->is_kept = !err;
    if (err) /* nor were its children, which were in the same breath */
        batch_destroy(batch);
    begun(begun_user, &now, err);
}

/* The one that does the same; NULL: it may begin. */
static const struct bn_operation *same_as(const struct batch *batch,
        const struct bn_batch_item *item)
{
    return bn_work_find_same(bn_live_find(&batch->batches->config.hub->live, batch->tenant),
            &item->wanted);
}

static void note_running(struct bn_batch_item *item, const struct bn_operation *same)
{
    item->fate = BN_BATCH_RUNNING;
    memcpy(item->id, same->id, sizeof item->id);
    snprintf(item->message, sizeof item->message, "%.150s: %s is under way already", same->subject,
            same->action);
}

/* How many may begin; the others have their fate. */
static size_t judge(const struct batch *batch, const struct bn_batch_order *order)
{
    size_t n = 0;
    for (size_t i = 0; i < order->count; i++) {
        struct bn_batch_item *item = &order->items[i];
        const struct bn_operation *same = item->target ? same_as(batch, item) : NULL;
        item->fate = item->target ? BN_BATCH_STARTED : BN_BATCH_REFUSED;
        item->id[0] = '\0';
        if (same)
            note_running(item, same);
        n += item->fate == BN_BATCH_STARTED;
    }
    return n;
}

static void begin_child(struct batch *batch, struct bn_batch_item *item)
{
    struct bn_err err;
    const struct bn_dispatch_order dispatch = {.tenant = batch->tenant,
            .target = item->target,
            .wanted = &item->wanted,
            .is_held = true};
    memcpy(item->wanted.parent_id, batch->id, sizeof item->wanted.parent_id);
    bn_text_clip(item->wanted.phase, sizeof item->wanted.phase, BN_STR(WAITING));
    if (bn_dispatch_do(batch->batches->config.dispatch, &dispatch, &err)) {
        memcpy(item->id, item->wanted.id, sizeof item->id);
        add_child(batch, item->id, true);
        return;
    }
    item->fate = BN_BATCH_REFUSED;
    bn_text_clip(item->message, sizeof item->message, bn_str(err.text));
}

static void set_numbers(const struct bn_batch_order *order, struct bn_operation *out)
{
    out->children = out->children_refused = out->children_done = out->children_failed = 0;
    for (size_t i = 0; i < order->count; i++) {
        out->children += order->items[i].fate == BN_BATCH_STARTED;
        out->children_refused += order->items[i].fate == BN_BATCH_REFUSED;
    }
}

/* In one turn, which is one transaction: the batch and all its children, or nothing. */
bool bn_batch_do(struct bn_batches *batches, const struct bn_batch_order *order, struct bn_err *err)
{
    if (batches->count >= BN_BATCHES_MAX)
        return bn_fail(err, BN_E_TOO_MANY, "%d batches are under way: wait for one to end",
                BN_BATCHES_MAX);
    struct batch *batch = batch_create(batches, order->tenant, order->count);
    bn_operation_make_id(batch->id);
    batch->begun = order->begun;
    batch->user = order->user;
    const bool may_begin = judge(batch, order) > 0 ||
                           bn_fail(err, BN_E_CONFLICT, "it could begin on none of the targets");
    memcpy(order->wanted->id, batch->id, sizeof batch->id);
    order->wanted->type = BN_WORK_BATCH;
    set_numbers(order, order->wanted);
    const struct bn_work_first first = {order->tenant, order->wanted, on_kept, batch};
    batch->work = may_begin ? bn_work_begin(batches->config.operations, &first, err) : NULL;
    if (!batch->work) {
        batch_destroy(batch);
        return false;
    }
    for (size_t i = 0; i < order->count; i++)
        if (order->items[i].fate == BN_BATCH_STARTED)
            begin_child(batch, &order->items[i]);
    set_numbers(order, &batch->work->now);
    return true;
}

static struct batch *batch_find(struct bn_batches *batches, const char *tenant, const char *id)
{
    bn_list_each(it, &batches->all) {
        struct batch *batch = container_of(it, struct batch, link);
        if (strcmp(batch->id, id) == 0 && strcmp(batch->tenant, tenant) == 0)
            return batch;
    }
    return NULL;
}

bool bn_batch_cancel(struct bn_batches *batches, const char *tenant, const char *id,
        struct bn_err *err)
{
    struct batch *batch = batch_find(batches, tenant, id);
    if (!batch)
        return bn_fail(err, BN_E_NOT_FOUND, "it is not under way here");
    batch->is_cancelling = true;
    if (batch->is_kept)
        go_on(batch);
    return true;
}

size_t bn_batch_count(const struct bn_batches *batches)
{
    return batches->count;
}

/* --- what an earlier run left ---------------------------------------------------------------- */

static void take_up(struct bn_batches *batches, const struct bn_tenant_live *tenant,
        const struct bn_operation *left)
{
    const struct bn_table *table = &tenant->tables[BN_KIND_OPERATION];
    struct batch *batch = batch_create(batches, tenant->id, BN_BATCH_TARGETS_MAX);
    memcpy(batch->id, left->id, sizeof batch->id);
    batch->work = bn_work_resume(batches->config.operations, tenant->id, left);
    batch->is_kept = true;
    batch->is_cancelling = strcmp(left->phase, CANCELLING) == 0;
    bn_table_each(row, table)
    {
        const struct bn_operation *one = (const void *)row->record;
        if (strcmp(one->parent_id, left->id) == 0 && batch->count < BN_BATCH_TARGETS_MAX)
            add_child(batch, one->id,
                    bn_dispatch_is_held(batches->config.dispatch, tenant->id, one->id));
    }
    batch->gone = BN_MAX(left->children - (int64_t)batch->count, 0);
    (void)count_children(batch); /* before those that ended long ago leave */
}

struct bn_batches *bn_batches_start(const struct bn_batches_config *config)
{
    struct bn_batches *batches = bn_alloc(sizeof *batches);
    batches->config = *config;
    bn_list_init(&batches->all);
    for (const struct bn_tenant_live *tenant = config->hub->live.tenants; tenant;
            tenant = tenant->next) {
        bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
        {
            const struct bn_operation *left = (const void *)row->record;
            if (left->type == BN_WORK_BATCH && !bn_operation_is_over(left))
                take_up(batches, tenant, left);
        }
    }
    batches->timer = bn_timer_create(config->loop, on_tick, batches);
    bn_timer_start(batches->timer, TICK_MS, TICK_MS);
    return batches;
}

void bn_batches_stop(struct bn_batches *batches)
{
    if (!batches)
        return;
    bn_timer_destroy(batches->timer);
    bn_list_each_safe(it, tmp, &batches->all)
        batch_destroy(container_of(it, struct batch, link));
    free(batches);
}

#include "live/work.h"

#include <string.h>

static const struct bn_operation *find_in(const struct bn_table *table,
        const struct bn_operation *wanted)
{
    bn_table_each(row, table)
    {
        const struct bn_operation *other = (const void *)row->record;
        if (!bn_operation_is_over(other) && bn_operation_is_same_deed(other, wanted) &&
                strcmp(other->id, wanted->id) != 0)
            return other;
    }
    return NULL;
}

static const struct bn_operation *with_id(const struct bn_table *table, const char *id)
{
    const struct bn_row *row = bn_table_find(table, id);
    return row ? (const void *)row->record : NULL;
}

const struct bn_operation *bn_work_find_same(const struct bn_tenant_live *tenant,
        const struct bn_operation *wanted)
{
    const struct bn_table *coming = &tenant->coming[BN_KIND_OPERATION];
    const struct bn_operation *same = find_in(coming, wanted);
    if (same)
        return same;
    same = find_in(&tenant->tables[BN_KIND_OPERATION], wanted);
    if (!same)
        return NULL;
    const struct bn_operation *newer = with_id(coming, same->id);
    return newer && bn_operation_is_over(newer) ? NULL : same;
}

bool bn_work_is_of_batch(const struct bn_tenant_live *tenant, const struct bn_operation *operation)
{
    const struct bn_operation *batch = operation->parent_id[0]
                                               ? with_id(&tenant->tables[BN_KIND_OPERATION],
                                                         operation->parent_id)
                                               : NULL;
    return batch && batch->type == BN_WORK_BATCH && !bn_operation_is_over(batch);
}

/* --- admit ----------------------------------------------------------------------------------- */

/* completed_at is set exactly when it ends (FEATURES J2). */
static bool check_end(const struct bn_operation *operation, struct bn_err *err)
{
    if (bn_operation_is_over(operation) == (operation->completed_at != 0))
        return true;
    return bn_fail_field(err, "completed_at", "an operation has completed_at when it has ended: %s",
            bn_work_status_word(operation->status));
}

static bool check_step(const struct bn_operation *before, const struct bn_operation *after,
        struct bn_err *err)
{
    if (bn_operation_is_over(before))
        return bn_fail(err, BN_E_CONFLICT, "this operation has ended: %s",
                bn_work_status_word(before->status));
    if (after->progress < before->progress)
        return bn_fail_field(err, "progress", "progress never falls: it was %lld, got %lld",
                (long long)before->progress, (long long)after->progress);
    return before->status != BN_WORK_IN_PROGRESS || after->status != BN_WORK_PENDING ||
           bn_fail_field(err, "status", "an operation that was in progress is not pending again");
}

static bool check_new(const struct bn_tenant_live *tenant, const struct bn_operation *operation,
        struct bn_err *err)
{
    const struct bn_operation *same = bn_operation_is_over(operation)
                                              ? NULL
                                              : bn_work_find_same(tenant, operation);
    return !same || bn_fail(err, BN_E_CONFLICT, "%.150s: %s is under way already",
                            same->subject[0] ? same->subject : "this", same->action);
}

bool bn_work_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err)
{
    const struct bn_operation *operation = &fact->u.operation;
    if (fact->kind != BN_KIND_OPERATION)
        return true;
    const struct bn_operation *coming = with_id(&tenant->coming[BN_KIND_OPERATION], operation->id);
    const struct bn_operation *known = with_id(&tenant->tables[BN_KIND_OPERATION], operation->id);
    const struct bn_operation *before = coming ? coming : known;
    if (fact->op == BN_GONE)
        return ((!before || (bn_operation_is_over(before) && !coming)) &&
                       !bn_work_is_of_batch(tenant, operation)) ||
               bn_fail(err, BN_E_CONFLICT,
                       "what is under way is not deleted, nor what belongs to such a batch");
    if (fact->op == BN_PAST)
        return (known && !coming && bn_operation_is_over(known)) ||
               bn_fail(err, BN_E_CONFLICT, "an operation that goes on stays in sight");
    if (!check_end(operation, err))
        return false;
    return before ? check_step(before, operation, err) : check_new(tenant, operation, err);
}

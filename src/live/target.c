#include "live/target.h"

#include <string.h>
#include <strings.h>

/* As it will be when all is kept. */
static const struct bn_target *newest(const struct bn_tenant_live *tenant, const char *id)
{
    const struct bn_row *row = bn_table_find(&tenant->coming[BN_KIND_TARGET], id);
    if (!row)
        row = bn_table_find(&tenant->tables[BN_KIND_TARGET], id);
    return row ? (const void *)row->record : NULL;
}

static const struct bn_target *named(const struct bn_table *table, const struct bn_target *target)
{
    bn_table_each(row, table)
    {
        const struct bn_target *other = (const void *)row->record;
        if (strcasecmp(other->name, target->name) == 0 && strcmp(other->id, target->id) != 0)
            return other;
    }
    return NULL;
}

/* Before the store says so, for then the pieces of its key would be kept already. */
static bool check_name(const struct bn_tenant_live *tenant, const struct bn_target *target,
        struct bn_err *err)
{
    const struct bn_target *other = named(&tenant->coming[BN_KIND_TARGET], target);
    if (!other)
        other = named(&tenant->tables[BN_KIND_TARGET], target);
    if (!other)
        return true;
    bn_fail_field(err, "name", "there is already a target with the name %s", other->name);
    if (err)
        err->code = BN_E_CONFLICT;
    return false;
}

static bool check_jumps(const struct bn_tenant_live *tenant, const struct bn_target *target,
        struct bn_err *err)
{
    const char *id = target->jump_id;
    for (int jumps = 0; id[0]; jumps++) {
        const struct bn_target *jump = newest(tenant, id);
        if (strcmp(id, target->id) == 0)
            return bn_fail_field(err, "jump_id", "jump_id leads back to the target itself");
        if (!jump)
            return bn_fail_field(err, "jump_id", "jump_id must be a target, and there is no %.40s",
                    id);
        if (jumps == BN_TARGET_JUMPS_MAX)
            return bn_fail_field(err, "jump_id", "jump_id leads through more than %d targets",
                    BN_TARGET_JUMPS_MAX);
        id = jump->jump_id;
    }
    return true;
}

static const struct bn_target *one_behind(const struct bn_table *table, const char *id)
{
    bn_table_each(row, table)
    {
        const struct bn_target *target = (const void *)row->record;
        if (strcmp(target->jump_id, id) == 0)
            return target;
    }
    return NULL;
}

static bool check_alone(const struct bn_tenant_live *tenant, const char *id, struct bn_err *err)
{
    const struct bn_target *behind = one_behind(&tenant->coming[BN_KIND_TARGET], id);
    if (!behind)
        behind = one_behind(&tenant->tables[BN_KIND_TARGET], id);
    return !behind || bn_fail(err, BN_E_CONFLICT, "%.100s is reached through it: change that first",
                              behind->name);
}

bool bn_target_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err)
{
    if (fact->kind != BN_KIND_TARGET || fact->replay)
        return true;
    return fact->op == BN_PUT ? check_name(tenant, &fact->u.target, err) &&
                                        check_jumps(tenant, &fact->u.target, err)
                              : check_alone(tenant, fact->u.target.id, err);
}

#include "live/live.h"

#include <stdlib.h>
#include <string.h>

#include "live/people.h"

static struct bn_tenant_live *tenant_create(struct bn_live *live, const char *id)
{
    struct bn_tenant_live *tenant = bn_alloc(sizeof *tenant);
    bn_text_clip(tenant->id, sizeof tenant->id, bn_str(id));
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++)
        if (bn_kinds[kind].rows_max > 0)
            bn_table_init(&tenant->tables[kind], bn_kinds[kind].type, bn_kinds[kind].rows_max);
    bn_series_init(&tenant->series);
    struct bn_tenant_live **end = &live->tenants;
    while (*end)
        end = &(*end)->next;
    *end = tenant;
    live->tenant_count++;
    return tenant;
}

static void tenant_destroy(struct bn_tenant_live *tenant)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++)
        if (tenant->tables[kind].type)
            bn_table_finish(&tenant->tables[kind]);
    bn_series_finish(&tenant->series);
    free(tenant);
}

void bn_live_init(struct bn_live *live)
{
    memset(live, 0, sizeof *live);
    tenant_create(live, BN_TENANT_DEFAULT);
}

void bn_live_finish(struct bn_live *live)
{
    while (live->tenants) {
        struct bn_tenant_live *tenant = live->tenants;
        live->tenants = tenant->next;
        tenant_destroy(tenant);
    }
    live->last = NULL;
}

struct bn_tenant_live *bn_live_find(struct bn_live *live, const char *id)
{
    if (live->last && strcmp(live->last->id, id) == 0)
        return live->last;
    for (struct bn_tenant_live *tenant = live->tenants; tenant; tenant = tenant->next) {
        if (strcmp(tenant->id, id) == 0) {
            live->last = tenant;
            return tenant;
        }
    }
    return NULL;
}

const void *bn_live_get(struct bn_live *live, const char *tenant_id, enum bn_kind kind,
        const char *key)
{
    struct bn_tenant_live *tenant = bn_live_find(live, tenant_id);
    if (!tenant || !tenant->tables[kind].type)
        return NULL;
    const struct bn_row *row = bn_table_find(&tenant->tables[kind], key);
    return row ? row->record : NULL;
}

bool bn_live_admit(struct bn_live *live, const struct bn_fact *fact, struct bn_err *err)
{
    const struct bn_kind_info *info = &bn_kinds[fact->kind];
    const char *key = bn_record_key(info->type, &fact->u);
    struct bn_tenant_live *tenant = bn_live_find(live, fact->tenant);
    if (!tenant)
        return bn_fail(err, BN_E_NOT_FOUND, "there is no tenant \"%s\"", fact->tenant);
    if (!key[0])
        return bn_fail(err, BN_E_INVALID, "a %s needs an id", info->word);
    if (fact->op == BN_PUT && !bn_record_check(info->type, &fact->u, err))
        return false;
    const struct bn_table *table = &tenant->tables[fact->kind];
    if (table->type) {
        bool known = (fact->op == BN_GONE || table->count >= table->max) &&
                     bn_table_find(table, key);
        if (fact->op == BN_GONE && !known)
            return bn_fail(err, BN_E_NOT_FOUND, "there is no %s \"%s\"", info->word, key);
        if (fact->op == BN_PUT && !known && table->count >= table->max)
            return bn_fail(err, BN_E_TOO_MANY, "there are %zu of %s already, which is the limit",
                    table->max, info->word);
    }
    return info->class == BN_SAMPLE || bn_people_admit(tenant, fact, err);
}

void bn_live_apply(struct bn_live *live, const struct bn_fact *fact, struct bn_change *out)
{
    const struct bn_kind_info *info = &bn_kinds[fact->kind];
    struct bn_tenant_live *tenant = bn_live_find(live, fact->tenant);
    struct bn_table *table = &tenant->tables[fact->kind];
    const char *key = bn_record_key(info->type, &fact->u);
    *out = (struct bn_change){.tenant = tenant, .table = table->type ? table : NULL, .key = key};
    if (!table->type) { /* an event: it happened, whatever was known */
        out->changed = BN_MASK_ALL;
        return;
    }
    if (fact->op == BN_GONE) {
        out->is_gone = bn_table_remove(table, key);
        out->changed = out->is_gone ? BN_MASK_ALL : 0;
        return;
    }
    size_t before = table->count;
    out->row = bn_table_put(table, &fact->u, &out->changed);
    out->is_new = table->count > before;
    if (fact->kind == BN_KIND_TENANT && out->is_new && !bn_live_find(live, key))
        out->tenant_made = tenant_create(live, key);
}

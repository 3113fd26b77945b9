#include "live/live.h"

#include <stdlib.h>
#include <string.h>

#include "live/alert.h"
#include "live/console.h"
#include "live/infra.h"
#include "live/people.h"
#include "live/places.h"
#include "live/target.h"
#include "live/work.h"

static struct bn_tenant_live *tenant_create(struct bn_live *live, const char *id)
{
    struct bn_tenant_live *tenant = bn_alloc(sizeof *tenant);
    bn_text_clip(tenant->id, sizeof tenant->id, bn_str(id));
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        if (bn_kinds[kind].rows_max > 0)
            bn_table_init(&tenant->tables[kind], bn_kinds[kind].type, bn_kinds[kind].rows_max);
        if (bn_kinds[kind].is_kept_first)
            bn_table_init(&tenant->coming[kind], bn_kinds[kind].type, bn_kinds[kind].rows_max);
    }
    bn_series_init(&tenant->series);
    tenant->servers_max = live->servers_max;
    struct bn_tenant_live **end = &live->tenants;
    while (*end)
        end = &(*end)->next;
    *end = tenant;
    live->tenant_count++;
    return tenant;
}

static void tenant_destroy(struct bn_tenant_live *tenant)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        if (tenant->tables[kind].type)
            bn_table_finish(&tenant->tables[kind]);
        if (tenant->coming[kind].type)
            bn_table_finish(&tenant->coming[kind]);
    }
    bn_series_finish(&tenant->series);
    bn_places_finish(&tenant->places);
    bn_infra_finish(tenant);
    free(tenant);
}

void bn_live_init(struct bn_live *live)
{
    memset(live, 0, sizeof *live);
    live->servers_max = BN_SERVERS_MAX_DEFAULT;
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

const void *bn_live_get_newest(struct bn_live *live, const char *tenant_id, enum bn_kind kind,
        const char *key)
{
    struct bn_tenant_live *tenant = bn_live_find(live, tenant_id);
    const struct bn_row *row = NULL;
    if (tenant && tenant->coming[kind].type)
        row = bn_table_find(&tenant->coming[kind], key);
    return row ? row->record : bn_live_get(live, tenant_id, kind, key);
}

/* That is no row yet. */
static size_t count_coming(const struct bn_tenant_live *tenant, enum bn_kind kind)
{
    size_t count = 0;
    if (!tenant->coming[kind].type)
        return 0;
    bn_table_each(row, &tenant->coming[kind])
            count += bn_table_find(&tenant->tables[kind],
                             bn_record_key(bn_kinds[kind].type, row->record)) == NULL;
    return count;
}

/* Its rows leave what is known now long before they leave the store. */
static bool is_history(const struct bn_fact *fact)
{
    return fact->kind == BN_KIND_OPERATION && fact->op == BN_GONE;
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
        const size_t count = table->count + count_coming(tenant, (enum bn_kind)fact->kind);
        bool known = (fact->op != BN_PUT || count >= table->max) && bn_table_find(table, key);
        if (fact->op != BN_PUT && !known && !is_history(fact))
            return bn_fail(err, BN_E_NOT_FOUND, "there is no %s \"%s\"", info->word, key);
        if (fact->op == BN_PUT && !known && count >= table->max)
            return bn_fail(err, BN_E_TOO_MANY, "there are %zu of %s already, which is the limit",
                    table->max, info->word);
    }
    return bn_infra_admit(tenant, fact, err) && bn_work_admit(tenant, fact, err) &&
           bn_alert_admit(tenant, fact, err) && bn_console_admit(tenant, fact, err) &&
           bn_target_admit(tenant, fact, err) &&
           (info->class == BN_SAMPLE || bn_people_admit(tenant, fact, err));
}

/* The row of that table is about to be this one, or none. */
static void move_server(struct bn_tenant_live *tenant, const struct bn_table *table,
        const struct bn_fact *fact, const struct bn_server *to)
{
    if (fact->kind != BN_KIND_SERVER)
        return;
    const struct bn_row *row = bn_table_find(table, fact->u.server.id);
    bn_places_move(&tenant->places, row ? (const void *)row->record : NULL, to);
}

void bn_live_expect(struct bn_live *live, const struct bn_fact *fact)
{
    struct bn_tenant_live *tenant = bn_live_find(live, fact->tenant);
    uint64_t changed;
    if (fact->op != BN_PUT)
        return;
    move_server(tenant, &tenant->coming[fact->kind], fact, &fact->u.server);
    (void)bn_table_put(&tenant->coming[fact->kind], &fact->u, &changed);
}

void bn_live_unexpect(struct bn_live *live, const struct bn_fact *fact)
{
    struct bn_tenant_live *tenant = bn_live_find(live, fact->tenant);
    move_server(tenant, &tenant->coming[fact->kind], fact, NULL);
    (void)bn_table_remove(&tenant->coming[fact->kind],
            bn_record_key(bn_kinds[fact->kind].type, &fact->u));
}

/* That an attempt begins is no event of its own: the server shows it. */
static bool is_event(const struct bn_fact *fact)
{
    return fact->kind != BN_KIND_CHECK || bn_check_is_over(&fact->u.check);
}

static struct bn_row *put(struct bn_tenant_live *tenant, struct bn_table *table,
        const struct bn_fact *fact, uint64_t *out_changed)
{
    struct bn_server server;
    if (fact->kind != BN_KIND_SERVER)
        return bn_table_put(table, &fact->u, out_changed);
    server = fact->u.server;
    bn_infra_carry(tenant, &server);
    move_server(tenant, table, fact, &server);
    return bn_table_put(table, &server, out_changed);
}

bool bn_live_derive(struct bn_live *live, const struct bn_fact *fact, struct bn_change *out)
{
    return bn_infra_derive(bn_live_find(live, fact->tenant), fact, out);
}

void bn_live_apply(struct bn_live *live, const struct bn_fact *fact, struct bn_change *out)
{
    const struct bn_kind_info *info = &bn_kinds[fact->kind];
    struct bn_tenant_live *tenant = bn_live_find(live, fact->tenant);
    struct bn_table *table = &tenant->tables[fact->kind];
    const char *key = bn_record_key(info->type, &fact->u);
    *out = (struct bn_change){.tenant = tenant,
            .kind = (enum bn_kind)fact->kind,
            .table = table->type ? table : NULL,
            .key = key};
    if (!table->type) { /* an event: it happened, whatever was known */
        out->changed = is_event(fact) ? BN_MASK_ALL : 0;
        return;
    }
    if (fact->op != BN_PUT) {
        move_server(tenant, table, fact, NULL);
        out->is_gone = bn_table_remove(table, key);
        out->changed = out->is_gone ? BN_MASK_ALL : 0;
        if (fact->kind == BN_KIND_SERVER)
            bn_infra_forget(tenant, key);
        return;
    }
    size_t before = table->count;
    out->row = put(tenant, table, fact, &out->changed);
    out->is_new = table->count > before;
    if (fact->kind == BN_KIND_TENANT && out->is_new && !bn_live_find(live, key))
        out->tenant_made = tenant_create(live, key);
}

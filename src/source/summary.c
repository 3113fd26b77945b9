#include "source/summary.h"

#include <stdlib.h>

#include "live/summary.h"

struct bn_summary_source {
    struct bn_hub *hub;
    struct bn_timer *timer;
    int64_t counted_mono_ms;
    bool is_due; /* the timer runs */
};

/* Nothing is told when nothing but the time would be new. */
static void tell(struct bn_summary_source *source, const struct bn_tenant_live *tenant)
{
    struct bn_fact fact;
    const struct bn_row *row = bn_table_find(&tenant->tables[BN_KIND_SUMMARY], "all");
    const struct bn_summary *before = row ? (const void *)row->record : NULL;
    bn_fact_init(&fact, BN_KIND_SUMMARY, tenant->id);
    bn_summary_count(tenant, &fact.u.summary);
    if (before) {
        fact.u.summary.updated_at = before->updated_at;
        if (bn_record_diff(&bn_summary_type, before, &fact.u.summary) == 0)
            return;
    }
    fact.u.summary.updated_at = source->hub->clock->now_ms;
    bn_hub_tell(source->hub, &fact);
}

static void count(void *user)
{
    struct bn_summary_source *source = user;
    source->is_due = false;
    source->counted_mono_ms = source->hub->clock->mono_ms;
    for (const struct bn_tenant_live *it = source->hub->live.tenants; it; it = it->next)
        tell(source, it);
}

static void changed(void *user, const struct bn_fact *fact)
{
    struct bn_summary_source *source = user;
    const int64_t due = source->counted_mono_ms + BN_SUMMARY_EVERY_MS;
    (void)fact;
    if (source->is_due)
        return;
    source->is_due = true;
    bn_timer_start(source->timer, BN_MAX(due - source->hub->clock->mono_ms, 0), 0);
}

struct bn_summary_source *bn_summary_start(struct bn_loop *loop, struct bn_hub *hub)
{
    static const enum bn_kind kinds[] = {BN_KIND_TENANT, BN_KIND_SERVER, BN_KIND_NODE,
            BN_KIND_STORAGE, BN_KIND_VM};
    struct bn_summary_source *source = bn_alloc(sizeof *source);
    source->hub = hub;
    source->timer = bn_timer_create(loop, count, source);
    source->counted_mono_ms = hub->clock->mono_ms - BN_SUMMARY_EVERY_MS;
    for (size_t i = 0; i < COUNT(kinds); i++)
        bn_hub_watch(hub, kinds[i], changed, source);
    changed(source, NULL);
    return source;
}

void bn_summary_stop(struct bn_summary_source *source)
{
    if (!source)
        return;
    bn_timer_destroy(source->timer);
    free(source);
}

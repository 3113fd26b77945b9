#include "live/alert.h"

static const struct bn_alert *with_id(const struct bn_table *table, const char *id)
{
    const struct bn_row *row = bn_table_find(table, id);
    return row ? (const void *)row->record : NULL;
}

bool bn_alert_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err)
{
    const struct bn_alert *alert = &fact->u.alert;
    if (fact->kind != BN_KIND_ALERT || fact->op == BN_GONE)
        return true;
    const struct bn_alert *coming = with_id(&tenant->coming[BN_KIND_ALERT], alert->id);
    const struct bn_alert *known = with_id(&tenant->tables[BN_KIND_ALERT], alert->id);
    const struct bn_alert *before = coming ? coming : known;
    if (fact->op == BN_PAST)
        return (known && !coming && known->state == BN_ALERT_RESOLVED) ||
               bn_fail(err, BN_E_CONFLICT, "an alert that fires stays in sight");
    if ((alert->state == BN_ALERT_RESOLVED) != (alert->resolved_at != 0))
        return bn_fail_field(err, "resolved_at", "an alert has resolved_at when it is resolved");
    return !before || before->state != BN_ALERT_RESOLVED ||
           bn_fail(err, BN_E_CONFLICT, "this alert is resolved: it does not change any more");
}

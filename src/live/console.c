#include "live/console.h"

static const struct bn_console *with_id(const struct bn_table *table, const char *id)
{
    const struct bn_row *row = bn_table_find(table, id);
    return row ? (const void *)row->record : NULL;
}

bool bn_console_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err)
{
    const struct bn_console *console = &fact->u.console;
    if (fact->kind != BN_KIND_CONSOLE || fact->op == BN_GONE)
        return true;
    const struct bn_console *coming = with_id(&tenant->coming[BN_KIND_CONSOLE], console->id);
    const struct bn_console *known = with_id(&tenant->tables[BN_KIND_CONSOLE], console->id);
    const struct bn_console *before = coming ? coming : known;
    if (fact->op == BN_PAST)
        return (known && !coming && known->ended_at != 0) ||
               bn_fail(err, BN_E_CONFLICT, "a console that is open stays in sight");
    return !before || before->ended_at == 0 ||
           bn_fail(err, BN_E_CONFLICT, "this console has ended: it does not change any more");
}

#include <stdio.h>
#include <string.h>

#include "web/console.h"

#define JUST_MS 5000 /* an operation that was over so shortly before may be why */

/* "30 minutes" */
static const char *span_words(int64_t ms, char out[32])
{
    const bool is_hours = ms % 3600000 == 0;
    const bool is_minutes = ms % 60000 == 0;
    const long long count = ms / (is_hours ? 3600000 : is_minutes ? 60000 : 1000);
    snprintf(out, 32, "%lld %s%s", count,
            is_hours     ? "hour"
            : is_minutes ? "minute"
                         : "second",
            count == 1 ? "" : "s");
    return out;
}

void bn_console_say_idle(const struct bn_console_session *session, int64_t limit_ms,
        char out[BN_CONSOLE_WHY_SIZE])
{
    char span[32];
    if (session->record.view_only == 1)
        snprintf(out, BN_CONSOLE_WHY_SIZE, "it was only watched for %s: open it again to go on",
                span_words(limit_ms, span));
    else
        snprintf(out, BN_CONSOLE_WHY_SIZE, "nothing was typed for %s", span_words(limit_ms, span));
}

void bn_console_say_longest(int64_t limit_ms, char out[BN_CONSOLE_WHY_SIZE])
{
    char span[32];
    snprintf(out, BN_CONSOLE_WHY_SIZE, "a console is open for %s at most",
            span_words(limit_ms, span));
}

/* Other actions leave its screen as it is. */
static bool ends_consoles(const struct bn_operation *it)
{
    return strcmp(it->action, "stop") == 0 || strcmp(it->action, "shutdown") == 0 ||
           strcmp(it->action, "reboot") == 0;
}

static bool is_of_guest(const struct bn_operation *it, const struct bn_console *record)
{
    return it->type == BN_WORK_VM_POWER && it->vmid == record->vmid &&
           strcmp(it->server_id, record->server_id) == 0;
}

/* Why its guest goes down now, or went just now: the latest; NULL: nothing by us. */
static const struct bn_operation *deed_on(const struct bn_console_session *session)
{
    struct bn_hub *hub = session->web->config.hub;
    const struct bn_tenant_live *tenant = bn_live_find(&hub->live, session->tenant);
    const int64_t since_ms = session->web->config.clock->now_ms - JUST_MS;
    const struct bn_operation *latest = NULL;
    if (!tenant)
        return NULL;
    bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
    {
        const struct bn_operation *it = (const void *)row->record;
        if (is_of_guest(it, &session->record) && ends_consoles(it) &&
                (!bn_operation_is_over(it) || it->completed_at >= since_ms) &&
                (!latest || it->started_at > latest->started_at))
            latest = it;
    }
    return latest;
}

void bn_console_say_closed(const struct bn_console_session *session, const char *why,
        char out[BN_CONSOLE_WHY_SIZE])
{
    const struct bn_operation *deed = strcmp(why, BN_REMOTE_LEFT) == 0 ? deed_on(session) : NULL;
    if (deed)
        snprintf(out, BN_CONSOLE_WHY_SIZE, "%s: %.40s asked it to %s", why, deed->created_by,
                strcmp(deed->action, "shutdown") == 0 ? "shut down" : deed->action);
    else
        bn_text_clip(out, BN_CONSOLE_WHY_SIZE, bn_str(why));
}

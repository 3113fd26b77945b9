#include "hub/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/secret.h"

void bn_audit_stamp(struct bn_audit *entry, int64_t now_ms)
{
    char tail[9];
    bn_random_code(tail, sizeof tail - 1);
    entry->at = now_ms;
    snprintf(entry->id, sizeof entry->id, "%012" PRIx64 "%s", (uint64_t)now_ms, tail);
}

void bn_audit_note(struct bn_hub *hub, const char *tenant, const struct bn_audit *entry)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_AUDIT, tenant);
    fact.u.audit = *entry;
    bn_audit_stamp(&fact.u.audit, hub->clock->now_ms);
    bn_hub_tell(hub, &fact);
}

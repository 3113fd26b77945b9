#include "web/denial.h"

#include "hub/audit.h"
#include "model/limits.h"

const struct bn_throttle_rule bn_throttle_denial = {
        .free_tries = BN_DENIALS_AT_ONCE,
        .first_wait_ms = 60 * 1000,
        .wait_max_ms = 60 * 60 * 1000,
        .forget_ms = 60 * 60 * 1000,
};

bool bn_denial_note(struct bn_hub *hub, struct bn_throttle *throttle,
        const struct bn_denial *denial)
{
    struct bn_audit entry = {.ok = 0};
    if (!bn_throttle_try(throttle, bn_str(denial->asker), hub->clock->mono_ms).may_try)
        return false;
    bn_text_clip(entry.actor, sizeof entry.actor, bn_str(denial->actor));
    bn_text_clip(entry.action, sizeof entry.action, bn_str(denial->action));
    bn_text_clip(entry.object, sizeof entry.object, bn_str(denial->object));
    bn_text_clip(entry.detail, sizeof entry.detail, bn_str(denial->detail));
    bn_text_clip(entry.address, sizeof entry.address, bn_str(denial->address));
    bn_audit_note(hub, denial->tenant, &entry);
    return true;
}

/*
 * alerts: watches for what wants attention by a rule, and tells when it fires and when it is over.
 *
 * A server that has been offline without a break for the time set fires once, and is over when it
 * answers again and does not flap, or is disabled or removed. While a server is silenced its alerts
 * come and go all the same, and say until when they keep still. Works with no page open. Loop
 * thread.
 */
#pragma once

#include "hub/hub.h"
#include "io/loop.h"

struct bn_alerts;

struct bn_alerts_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    int64_t offline_ms; /* so long before it fires, BN_OFFLINE_ALERT_MIN_MS … _MAX_MS */
};

/* After the store was loaded: alerts that fire are known again. A server that was offline before is
   first asked again by source/fleet; the time counts from the first failed check that is known. */
struct bn_alerts *bn_alerts_start(const struct bn_alerts_config *config);
/* What fires stays so in the store: the next start finds it. NULL is fine. */
void bn_alerts_stop(struct bn_alerts *alerts);

/*
 * summary: a tenant's fleet in numbers, counted from its rows.
 */
#pragma once

#include "live/live.h"

/* Everything but updated_at, which stays unknown. A few milliseconds for 50,000 guests. */
void bn_summary_count(const struct bn_tenant_live *tenant, struct bn_summary *out);

/*
 * summary: counts each tenant's fleet again when something of it changed, and tells the SUMMARY.
 */
#pragma once

#include "hub/hub.h"
#include "io/loop.h"

struct bn_summary_source;

/* After the store is loaded; loop thread. At the first change at once, then at most each
   BN_SUMMARY_EVERY_MS. */
struct bn_summary_source *bn_summary_start(struct bn_loop *loop, struct bn_hub *hub);
/* After the last turn of the hub; NULL is fine. */
void bn_summary_stop(struct bn_summary_source *source);

/*
 * audit: who did what, from where, and whether it was done.
 */
#pragma once

#include "hub/hub.h"

/* Notes one entry; id and time are set here. Texts that are too long are shortened; detail never
   holds a secret. The entry is kept in the same turn as what it tells of. */
void bn_audit_note(struct bn_hub *hub, const char *tenant, const struct bn_audit *entry);
/* The same without a hub, for the command line: fills id and time. Ids grow with time. */
void bn_audit_stamp(struct bn_audit *entry, int64_t now_ms);

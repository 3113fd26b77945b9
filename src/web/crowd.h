/*
 * crowd: how many connections each address holds, so that one of them cannot take all.
 *
 * An IPv6 address counts by its /64, which is what one subscriber gets. Entries exist only while
 * they count something.
 */
#pragma once

#include "base/addr.h"

struct bn_crowd;

struct bn_crowd *bn_crowd_create(void);
void bn_crowd_destroy(struct bn_crowd *crowd); /* NULL is fine */
/* One more of that address: how many there are now. */
int64_t bn_crowd_add(struct bn_crowd *crowd, const struct bn_addr *addr);
void bn_crowd_remove(struct bn_crowd *crowd, const struct bn_addr *addr); /* one that was added */

/*
 * inbox: where facts of other threads wait for the next turn; the only door they have.
 *
 * Bounded on purpose: when it is full the fact is counted as lost and the caller goes on with its
 * own work.
 */
#pragma once

#include "model/fact.h"

struct bn_inbox;

struct bn_inbox *bn_inbox_create(size_t max, void (*wake)(void *user), void *user);
void bn_inbox_destroy(struct bn_inbox *inbox);

bool bn_inbox_put(struct bn_inbox *inbox, const struct bn_fact *fact); /* any thread; false: full */
/* All that wait, oldest first, in memory that is the caller's until its next take. */
struct bn_fact *bn_inbox_take(struct bn_inbox *inbox, size_t *out_count);
size_t bn_inbox_depth(struct bn_inbox *inbox);  /* any thread */
uint64_t bn_inbox_lost(struct bn_inbox *inbox); /* any thread */

/*
 * host_sample: one sample of a machine at a time, without a clock or a loop of its own.
 */
#pragma once

#include "source/host_parts.h"

/* Owns what it keeps open and remembers between samples. Nothing is read yet. */
struct bn_host_sampler *bn_host_sampler_create(const struct bn_host_world *world);
void bn_host_sampler_destroy(struct bn_host_sampler *s); /* NULL is fine; never waits */

/* Reads what is due and tells it: first rows, then the machine itself. now_ms is wall time. True
   when something long was begun: call bn_host_sample_more() between turns until it says false. */
bool bn_host_sample(struct bn_host_sampler *s, int64_t now_ms);
bool bn_host_sample_more(struct bn_host_sampler *s);

/* CPU time of this thread, for worlds that have no other. */
int64_t bn_host_cost_now(void *user);

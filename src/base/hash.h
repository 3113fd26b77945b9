/*
 * hash: a seeded 64-bit hash of bytes, for tables whose keys strangers choose.
 */
#pragma once

#include "base/base.h"

/* Fast, not cryptographic. With a seed nobody knows (bn_random_u64()), names that share a slot
   cannot be prepared. The same bytes and seed give the same hash within one process only. */
uint64_t bn_hash(uint64_t seed, const void *bytes, size_t len);

/*
 * types: the page's TypeScript types, printed from the record tables.
 */
#pragma once

#include "base/buf.h"

/* Appends ui/src/model.gen.ts: one interface per kind of record, in the order of the kinds. What
   does not fit fails the buffer. */
void bn_types_put(struct bn_buf *out);

/*
 * types: the page's TypeScript types, printed from the record tables.
 */
#pragma once

#include "base/buf.h"

/* ui/src/model.gen.ts as it must be; a test compares. */
void bn_types_put(struct bn_buf *out);

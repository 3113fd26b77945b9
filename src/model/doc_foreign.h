/*
 * doc_foreign: JSON of servers that are not ours, read for what it means rather than for how it is
 * written.
 *
 * PVE-API 13.2: depth is bounded, of two members with one name the last counts, what is no UTF-8 or
 * no character becomes U+FFFD, and numbers too large for 64 bits become the nearest real ones.
 */
#pragma once

#include "model/doc.h"

#define BN_FOREIGN_DEPTH 64 /* the deepest answer seen has 9 levels */

/* text is bounded by the caller. Free with bn_doc_destroy. "the answer is no JSON: line 3 …" */
BN_MUST_CHECK bool bn_doc_parse_foreign(struct bn_str text, struct bn_doc **out,
        struct bn_err *err);

/* A member that may be a number, a number in a string, "", null or missing (PVE-API 4.4). False:
   nothing a number can be made of; *out stays. Reals are rounded, and what does not fit is cut to
   the nearest that does. */
bool bn_foreign_i64(const struct bn_doc *object, const char *name, int64_t *out);
bool bn_foreign_f64(const struct bn_doc *object, const char *name, double *out);
/* 0, 1, "0", "1", true, false; "" is false. */
bool bn_foreign_bool(const struct bn_doc *object, const char *name, bool *out);
/* Clipped to fit; "" for whatever is no text. A number becomes its digits. */
void bn_foreign_text(const struct bn_doc *object, const char *name, char *out, size_t size);

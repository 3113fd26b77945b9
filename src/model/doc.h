/*
 * doc: JSON that came from outside, read with caps; jansson stays behind it.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* A parsed JSON document or a value inside one; jansson stays behind this. */
struct bn_doc;
#define BN_JSON_READ_DEPTH 16 /* deeper input is refused by name */

/* Whole-text JSON (RFC 8259), duplicate keys refused, depth and size bounded by the caller's
   buffer. The error says where: "JSON line 3 column 7: …". Free with bn_doc_destroy. */
BN_MUST_CHECK bool bn_doc_parse(struct bn_str text, struct bn_doc **out, struct bn_err *err);
void bn_doc_destroy(struct bn_doc *doc);
void bn_doc_cleanup(struct bn_doc **doc);
#define BN_DOC_AUTO BN_CLEANUP(bn_doc_cleanup) struct bn_doc

/* For requests that are not records: members by name. Strings live as long as the doc. */
BN_MUST_CHECK bool bn_doc_text(const struct bn_doc *doc, const char *name, struct bn_str *out,
        struct bn_err *err);
/* Absent or null gives *out = absent. */
BN_MUST_CHECK bool bn_doc_text_or(const struct bn_doc *doc, const char *name, const char *absent,
        struct bn_str *out, struct bn_err *err);
BN_MUST_CHECK bool bn_doc_i64_or(const struct bn_doc *doc, const char *name, int64_t absent,
        int64_t *out, struct bn_err *err);
/* Refuses members that are not in the NULL-terminated list: `unknown field "prot"`. */
BN_MUST_CHECK bool bn_doc_only(const struct bn_doc *doc, const char *const *names,
        struct bn_err *err);

/* Walking, for the live protocol: borrowed children, NULL when absent or of another type. */
/* An object's member of any type. */
const struct bn_doc *bn_doc_at(const struct bn_doc *doc, const char *name);
size_t bn_doc_count(const struct bn_doc *array); /* 0 unless an array */
const struct bn_doc *bn_doc_item(const struct bn_doc *array, size_t i);
/* Members one by one, in no promised order: begin with *at NULL; NULL after the last. */
const struct bn_doc *bn_doc_next(const struct bn_doc *object, void **at, const char **out_name);
bool bn_doc_is_object(const struct bn_doc *doc);
bool bn_doc_is_list(const struct bn_doc *doc); /* false for NULL */
bool bn_doc_is_null(const struct bn_doc *value);
bool bn_doc_get_text(const struct bn_doc *value, struct bn_str *out);
bool bn_doc_get_i64(const struct bn_doc *value, int64_t *out);
bool bn_doc_get_f64(const struct bn_doc *value, double *out); /* whole numbers too */
bool bn_doc_get_bool(const struct bn_doc *value, bool *out);
/* For sentences: "text", "a whole number", "an object", …; "nothing" for NULL. */
const char *bn_doc_type_word(const struct bn_doc *value);

const char *bn_doc_library(void); /* "2.14": the jansson that was loaded */

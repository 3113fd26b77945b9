/*
 * field: what a record is made of, said once; checks, differences, JSON, SQL, TypeScript follow.
 *
 * A record is a flat struct without pointers: copied by assignment, compared by table, bounded by
 * its type. Its table describes data, never behaviour.
 */
#pragma once

#include <math.h>

#include "base/err.h"
#include "base/json.h"

enum bn_type {
    BN_T_TEXT, /* char[n], NUL-terminated UTF-8; "" is unknown */
    BN_T_I64,  /* int64_t; BN_UNKNOWN is unknown */
    BN_T_F64,  /* double; NaN is unknown */
    BN_T_BOOL, /* int64_t 0 or 1 */
    BN_T_ENUM, /* int64_t index into words */
    BN_T_TIME, /* int64_t wall milliseconds; 0 is unknown; JSON is RFC 3339 */
};

#define BN_UNKNOWN    INT64_MIN /* an int64_t nobody measured; never shown as a number */
#define BN_ID_MAX     96        /* with NUL; a longer mount point or id is shortened with a hash */
#define BN_FIELDS_MAX 60        /* per record: one bit each in a mask, and a few bits to spare */

enum {
    BN_F_REQUIRED = 1, /* a writer must give it */
    BN_F_SECRET = 2,   /* stored, never shown, never logged */
    BN_F_KEY = 4,      /* the record's id within its kind and tenant; text, exactly one */
    BN_F_SERIES = 8,   /* kept as a series point (number fields of samples) */
    BN_F_FIXED = 16,   /* set by the server; a request that names it is refused */
    BN_F_UNIQUE = 32,  /* text no two records of a kind and tenant share, case aside */
    BN_F_DERIVED =
            64,     /* follows from other facts: set by live/ alone, no column; the last fields */
    BN_F_IDS = 128, /* of a form: a list of ids, read by its route; the record does not hold it */
};

struct bn_field {
    const char *name; /* "port"; with a dot, "auth.kind", a member of the object before the dot,
                         whose members stand side by side */
    uint16_t offset;
    uint16_t size; /* bytes of the member */
    uint8_t type;
    uint8_t flags;
    uint8_t decimals; /* BN_T_F64 in JSON, below 1,000; larger values are written whole */
    int64_t min;      /* I64 and F64, when min < max */
    int64_t max;
    const char *const *words; /* BN_T_ENUM, NULL-terminated */
    const char *doc;          /* unit and meaning, one short phrase */
};

#define BN_FIELD(type_, member_, kind_, ...) BN_FIELD_TO(type_, member_, kind_, 2, __VA_ARGS__)
/* The same with so many decimals. */
#define BN_FIELD_TO(type_, member_, kind_, decimals_, ...)                               \
    {                                                                                    \
        .name = #member_, .offset = offsetof(type_, member_),                            \
        .size = sizeof(((type_ *)0)->member_), .type = (kind_), .decimals = (decimals_), \
        __VA_ARGS__                                                                      \
    }

/* The same by another name than the member's. */
#define BN_FIELD_AS(type_, member_, name_, kind_, ...)                                     \
    {                                                                                      \
        .name = (name_), .offset = offsetof(type_, member_),                               \
        .size = sizeof(((type_ *)0)->member_), .type = (kind_), .decimals = 2, __VA_ARGS__ \
    }

struct bn_doc;

struct bn_record_type {
    const char *name;  /* "user": the word on every floor, and the TypeScript interface */
    const char *table; /* SQL table that keeps it, or NULL: not kept as rows */
    size_t size;
    const struct bn_field *fields;
    size_t field_count;
};

#define BN_MASK_ALL UINT64_MAX
#define BN_BIT(i)   (UINT64_C(1) << (i))

const struct bn_field *bn_field_find(const struct bn_record_type *type, struct bn_str name);
/* "auth" of "auth.kind"; empty when the field is no member of an object. */
struct bn_str bn_field_object(const struct bn_field *field);
size_t bn_field_index(const struct bn_record_type *type, const char *name); /* asserts it exists */
const char *bn_record_key(const struct bn_record_type *type, const void *record);
bool bn_field_is_unknown(const struct bn_field *field, const void *record);
/* The value of a number, bool, enum or time field; NaN when unknown or text. */
double bn_field_number(const struct bn_field *field, const void *record);

/* Sets every field to unknown (texts "", numbers unknown, bools 0). */
void bn_record_clear(const struct bn_record_type *type, void *record);

/* Ranges, words, UTF-8, required. err names the field: "port must be 1..65535, got 80060". */
BN_MUST_CHECK bool bn_record_check(const struct bn_record_type *type, const void *record,
        struct bn_err *err);

/* Bit i is set when field i differs. */
uint64_t bn_record_diff(const struct bn_record_type *type, const void *a, const void *b);

enum bn_absent { BN_ABSENT_OMIT, BN_ABSENT_NULL };

/* Writes the members in mask into an object the caller has opened; secrets are always left out.
   Unknown values are omitted (snapshots) or written as null (patches, REST). */
void bn_record_json(const struct bn_record_type *type, const void *record, uint64_t mask,
        enum bn_absent absent, struct bn_json *json);

/* The document must be an object. Reads the named members into record; unknown names, FIXED fields
   and wrong types are refused by name; null means unknown. *out_given has a bit per member present.
 */
BN_MUST_CHECK bool bn_record_read(const struct bn_record_type *type, const struct bn_doc *doc,
        void *record, uint64_t *out_given, struct bn_err *err);

/* `export interface User { … }` with the docs as comments. Every field may be missing: absent (live
   values) or null (REST) is unknown, and the page treats both as missing. */
void bn_record_typescript(const struct bn_record_type *type, struct bn_buf *out);

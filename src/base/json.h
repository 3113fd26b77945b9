/*
 * json: a streaming writer over buf; commas and escapes are its business, not the caller's.
 *
 * Strings are written as valid UTF-8: ill-formed bytes become U+FFFD, control characters, U+2028
 * and U+2029 are escaped. NaN and infinities are null. Reading is jansson (model/field).
 */
#pragma once

#include "base/buf.h"

#define BN_JSON_DEPTH_MAX 16 /* deeper nesting is a programming error and asserts */

struct bn_json {
    struct bn_buf *buf;
    /* private */
    uint32_t filled;  /* bit per depth: something was already written there */
    uint32_t objects; /* bit per depth: it is an object, whose values need keys */
    uint8_t depth;
    bool after_key;
};

void bn_json_init(struct bn_json *json, struct bn_buf *buf);

void bn_json_object(struct bn_json *json); /* { */
void bn_json_object_end(struct bn_json *json);
void bn_json_array(struct bn_json *json); /* [ */
void bn_json_array_end(struct bn_json *json);
void bn_json_key(struct bn_json *json, const char *key); /* escaped, then ':' */

void bn_json_str(struct bn_json *json, struct bn_str value);
void bn_json_text(struct bn_json *json, const char *value); /* NULL writes null */
void bn_json_i64(struct bn_json *json, int64_t value);
void bn_json_u64(struct bn_json *json, uint64_t value);
void bn_json_f64(struct bn_json *json, double value,
        int decimals); /* at most that many; no trailing zeros */
void bn_json_bool(struct bn_json *json, bool value);
void bn_json_null(struct bn_json *json);
void bn_json_time(struct bn_json *json, int64_t wall_ms); /* RFC 3339; 0 writes null */
/* A value already encoded as JSON. */
void bn_json_raw(struct bn_json *json, const char *p, size_t len);

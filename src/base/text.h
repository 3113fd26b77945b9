/*
 * text: string views, bounded copies, strict numbers and durations.
 */
#pragma once

#include "base/base.h"

/* Bytes somebody else owns; not NUL-terminated. */
struct bn_str {
    const char *p;
    size_t len;
};

/* For printf: "%.*s", BN_ARG(str) */
#define BN_ARG(str) (int)(str).len, (str).p
#define BN_STR(lit) ((struct bn_str){"" lit, sizeof(lit) - 1})

struct bn_str bn_str(const char *text);
bool bn_str_is(struct bn_str a, const char *b);
bool bn_str_is_nocase(struct bn_str a, const char *b); /* ASCII */
bool bn_str_starts(struct bn_str a, const char *prefix);
struct bn_str bn_str_trim(struct bn_str a); /* SP and HTAB at both ends */

/* Cuts at the first sep: returns what was before it and leaves the rest in *rest; the last piece
   leaves rest->p NULL. Loop: while (rest.p) { piece = bn_str_cut(&rest, ','); … } */
struct bn_str bn_str_cut(struct bn_str *rest, char sep);

/* Copies with a NUL; false (and out = "") when it does not fit. */
BN_MUST_CHECK bool bn_text_copy(char *out, size_t size, struct bn_str from);

/* Copies as much as fits, never cutting a UTF-8 sequence; for labels that may be shortened. */
void bn_text_clip(char *out, size_t size, struct bn_str from);

/* Decimal, whole string, no sign but '-', no leading '+', blanks or overflow. */
BN_MUST_CHECK bool bn_parse_i64(struct bn_str text, int64_t min, int64_t max, int64_t *out);
BN_MUST_CHECK bool bn_parse_u64(struct bn_str text, uint64_t *out);
BN_MUST_CHECK bool bn_parse_hex(struct bn_str text, uint64_t *out);
BN_MUST_CHECK bool bn_parse_f64(struct bn_str text, double *out);

/* "250ms" "30s" "5m" "2h" "14d"; a bare number is refused: the unit is part of the value. */
BN_MUST_CHECK bool bn_parse_duration_ms(struct bn_str text, int64_t *out);
/* "64K" "16M" "1G" (powers of 1024) or plain bytes. */
BN_MUST_CHECK bool bn_parse_size(struct bn_str text, int64_t *out);

/* Well-formed UTF-8 without NUL (RFC 3629: no overlong forms, surrogates or above U+10FFFF). */
bool bn_utf8_is_valid(const char *p, size_t len);

#define BN_UTF8_BAD UINT32_MAX /* no code point */

/* Reads one code point from the len > 0 bytes at p and returns how many bytes it took. Ill-formed
   bytes give BN_UTF8_BAD and the length to replace by one U+FFFD (Unicode 3.9, maximal subpart). */
size_t bn_utf8_next(const char *p, size_t len, uint32_t *out_code);

/* Unpadded base64url (RFC 4648 section 5). encode writes a NUL into the bn_b64url_size() bytes. */
size_t bn_b64url_size(size_t len);
void bn_b64url_encode(const void *from, size_t len, char *out);
BN_MUST_CHECK bool bn_b64url_decode(struct bn_str text, void *out, size_t size, size_t *out_len);

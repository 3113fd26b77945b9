/*
 * http_head: one complete request head (request line and fields) read and judged at once.
 *
 * Private to wire/: http.c collects the bytes, this module reads them.
 */
#pragma once

#include "wire/http.h"

/* SP, HTAB, visible ASCII and obs-text: what may stand in a field value (RFC 9110 section 5.5). */
static inline bool bn_http_is_text(unsigned char c)
{
    return c >= ' ' ? c != 0x7f : c == '\t';
}

/* tchar of RFC 9110 section 5.6.2: what names, methods and tokens are made of. */
static inline bool bn_http_is_tchar(unsigned char c)
{
    static const uint32_t bits[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return bits[c >> 5] >> (c & 31) & 1;
}

bool bn_http_is_token(struct bn_str text);
bool bn_http_is_visible(struct bn_str text); /* no blanks, no control bytes, ASCII */
/* host [":" port] with what a DNS name, an IPv4 or a bracketed IPv6 address is made of; narrower
   than RFC 3986's reg-name, which would let quotes, commas and escapes into an allow-list
   comparison. */
bool bn_http_is_host(struct bn_str host);
/* What a refusal may quote: short and printable, or nothing of it. */
struct bn_str bn_http_shown(struct bn_str text);
/* The digits of Content-Length; below 2^63. */
BN_MUST_CHECK bool bn_http_read_length(struct bn_str text, int64_t *out, struct bn_err *err);
/* "name: value" with the blanks around the value cut off; line is text. */
BN_MUST_CHECK bool bn_http_read_field(struct bn_str line, struct bn_http_field *out,
        struct bn_err *err);
/* As bn_http_find and bn_http_lists, of the fields of any head. */
struct bn_str bn_http_fields_find(const struct bn_http_field *fields, size_t count,
        const char *name);
bool bn_http_fields_list(const struct bn_http_field *fields, size_t count, const char *name,
        const char *token);
bool bn_http_value_lists(struct bn_str value, const char *token);

/* Reads raw[0..len), which ends with CRLF CRLF, holds no other CR or LF than in CRLF and only bytes
   of bn_http_is_text otherwise. head (zeroed) has room for one field per line after the first; its
   views point into raw, where an absolute-form target may be rearranged. On failure head is
   undefined. */
BN_MUST_CHECK bool bn_http_head_read(struct bn_http_head *head, char *raw, size_t len,
        struct bn_err *err);

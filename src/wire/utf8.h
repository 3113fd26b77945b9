/*
 * utf8: UTF-8 judged as it arrives, failing at the first byte that can no longer become
 * well-formed.
 *
 * Private to wire/. Unlike bn_utf8_is_valid, U+0000 is text here: RFC 6455 allows it in messages.
 */
#pragma once

#include "base/base.h"

/* 0 between characters; otherwise what the next byte must be: low bound, high bound << 8, and the
   number of continuation bytes still missing << 16. */
#define BN_UTF8_BETWEEN 0u

/* False at the first wrong byte. Whole text is well-formed when this is true and *state is BETWEEN.
 */
BN_MUST_CHECK bool bn_utf8_feed(uint32_t *state, const char *p, size_t len);

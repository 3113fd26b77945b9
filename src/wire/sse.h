/*
 * sse: event-stream lines (WHATWG HTML section 9.2), written only.
 */
#pragma once

#include "base/buf.h"

/* "event: NAME\ndata: …\n\n" with one data line per line of data (CR, LF and CRLF all split). */
void bn_sse_event(struct bn_buf *out, const char *name, struct bn_str data);
/* The same with an "id: …" line first; id must not hold CR, LF or NUL (assertion). */
void bn_sse_event_id(struct bn_buf *out, const char *id, const char *name, struct bn_str data);
void bn_sse_comment(struct bn_buf *out, const char *text); /* ": text\n\n" */
void bn_sse_retry(struct bn_buf *out, int64_t retry_ms);

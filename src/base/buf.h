/*
 * buf: bytes being built, with a ceiling and sticky failure.
 *
 * Appends return nothing; whoever sends the result asks bn_buf_ok() once. A buffer cannot be made
 * without saying how large it may become.
 */
#pragma once

#include "base/base.h"
#include "base/text.h"

struct bn_buf {
    char *p;
    size_t len;
    size_t cap;
    size_t max; /* bytes; an append beyond it sets failed and changes nothing more */
    bool failed;
};

void bn_buf_init(struct bn_buf *buf, size_t max);
void bn_buf_finish(struct bn_buf *buf);
#define BN_BUF_AUTO BN_CLEANUP(bn_buf_finish) struct bn_buf

bool bn_buf_ok(const struct bn_buf *buf);
struct bn_str bn_buf_str(const struct bn_buf *buf);

void bn_buf_put(struct bn_buf *buf, const void *bytes, size_t len);
void bn_buf_puts(struct bn_buf *buf, const char *text);
void bn_buf_putc(struct bn_buf *buf, char c);
void bn_buf_put_i64(struct bn_buf *buf, int64_t value);
void bn_buf_put_u64(struct bn_buf *buf, uint64_t value);
void bn_buf_printf(struct bn_buf *buf, const char *fmt, ...) BN_PRINTF(2, 3);

/* Room for len more bytes, to be written by the caller, who then calls bn_buf_added(); NULL when it
   would pass the ceiling (failed is then set). */
char *bn_buf_room(struct bn_buf *buf, size_t len);
void bn_buf_added(struct bn_buf *buf, size_t len);

/* Forgets the first len bytes (len <= buf->len) and keeps the rest. */
void bn_buf_drop(struct bn_buf *buf, size_t len);
/* Empty and not failed; the memory stays for the next use. */
void bn_buf_reset(struct bn_buf *buf);
/* The memory moves to the caller (free()); the buffer is empty. NULL when failed. */
char *bn_buf_steal(struct bn_buf *buf, size_t *out_len);

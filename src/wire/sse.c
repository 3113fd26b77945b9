#include "wire/sse.h"

#include <assert.h>
#include <string.h>

/* Writes "prefix: line\n" for every line of text; a text that ends with a line end has an empty
   last line, so that the reader gets back exactly what went in (with LF for every line end). */
static void put_lines(struct bn_buf *out, const char *prefix, struct bn_str text)
{
    size_t i = 0;
    for (;;) {
        size_t start = i;
        while (i < text.len && text.p[i] != '\n' && text.p[i] != '\r')
            i++;
        bn_buf_puts(out, prefix);
        bn_buf_put(out, text.p + start, i - start);
        bn_buf_putc(out, '\n');
        if (i == text.len)
            return;
        i += text.len - i > 1 && text.p[i] == '\r' && text.p[i + 1] == '\n' ? 2 : 1;
    }
}

static void put_line(struct bn_buf *out, const char *prefix, const char *text)
{
    assert(!strpbrk(text, "\r\n"));
    bn_buf_puts(out, prefix);
    bn_buf_puts(out, text);
    bn_buf_putc(out, '\n');
}

void bn_sse_event(struct bn_buf *out, const char *name, struct bn_str data)
{
    put_line(out, "event: ", name);
    put_lines(out, "data: ", data);
    bn_buf_putc(out, '\n');
}

void bn_sse_event_id(struct bn_buf *out, const char *id, const char *name, struct bn_str data)
{
    put_line(out, "id: ", id);
    bn_sse_event(out, name, data);
}

void bn_sse_comment(struct bn_buf *out, const char *text)
{
    put_lines(out, ": ", bn_str(text));
    bn_buf_putc(out, '\n');
}

void bn_sse_retry(struct bn_buf *out, int64_t retry_ms)
{
    assert(retry_ms >= 0);
    bn_buf_puts(out, "retry: ");
    bn_buf_put_i64(out, retry_ms);
    bn_buf_puts(out, "\n\n");
}

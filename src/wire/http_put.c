#include <assert.h>
#include <string.h>

#include "wire/http.h"
#include "wire/http_head.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
};

const char *bn_http_reason(int status)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

void bn_http_put_status(struct bn_buf *buf, int status)
{
    assert(status >= 100 && status <= 999);
    bn_buf_puts(buf, "HTTP/1.1 ");
    bn_buf_put_i64(buf, status);
    bn_buf_putc(buf, ' ');
    bn_buf_puts(buf, bn_http_reason(status));
    bn_buf_puts(buf, "\r\n");
}

void bn_http_put_field(struct bn_buf *buf, const char *name, struct bn_str value)
{
    assert(*name);
    for (const char *p = name; *p; p++)
        assert(bn_http_is_tchar((unsigned char)*p));
    for (size_t i = 0; i < value.len; i++)
        assert(bn_http_is_text((unsigned char)value.p[i]));
    bn_buf_puts(buf, name);
    bn_buf_puts(buf, ": ");
    bn_buf_put(buf, value.p, value.len);
    bn_buf_puts(buf, "\r\n");
}

void bn_http_put_chunk(struct bn_buf *buf, struct bn_str piece)
{
    bn_buf_printf(buf, "%zx\r\n", piece.len);
    bn_buf_put(buf, piece.p, piece.len);
    bn_buf_puts(buf, "\r\n");
}

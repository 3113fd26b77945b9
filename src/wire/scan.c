#include "wire/scan.h"

#include <string.h>

bool bn_scan_line(struct bn_str *text, struct bn_str *out_line)
{
    if (text->len == 0)
        return false;
    const char *end = memchr(text->p, '\n', text->len);
    if (!end) {
        text->p += text->len;
        text->len = 0;
        return false;
    }
    size_t len = (size_t)(end - text->p);
    *out_line = (struct bn_str){text->p, len};
    text->p += len + 1;
    text->len -= len + 1;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bn_str bn_scan_word(struct bn_str *line)
{
    size_t from = 0;
    while (from < line->len && is_blank(line->p[from]))
        from++;
    size_t to = from;
    while (to < line->len && !is_blank(line->p[to]))
        to++;
    struct bn_str word = {line->p ? line->p + from : NULL, to - from};
    if (line->p)
        line->p += to;
    line->len -= to;
    return word;
}

bool bn_scan_u64(struct bn_str *line, uint64_t *out)
{
    uint64_t value = 0;
    struct bn_str word = bn_scan_word(line);
    *out = BN_ABSENT;
    if (word.len == 0)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        unsigned digit = (unsigned)(unsigned char)word.p[i] - '0';
        if (digit > 9)
            return false;
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return value != BN_ABSENT;
}

size_t bn_scan_numbers(struct bn_str *line, uint64_t *out, size_t n)
{
    size_t count = 0;
    while (count < n && bn_scan_u64(line, &out[count]))
        count++;
    for (size_t i = count; i < n; i++)
        out[i] = BN_ABSENT;
    return count;
}

bool bn_scan_prefix(struct bn_str *line, const char *prefix)
{
    size_t len = strlen(prefix);
    if (line->len < len || memcmp(line->p, prefix, len) != 0)
        return false;
    line->p += len;
    line->len -= len;
    return true;
}

/* The length of the UTF-8 character at p, 0 when it is none. */
static size_t utf8_length(const char *p, size_t left)
{
    unsigned char c = (unsigned char)p[0];
    size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (n == 0 || n > left || !bn_utf8_is_valid(p, n))
        return 0;
    return n;
}

/* Control characters of ASCII and of Latin 1 (U+0080 to U+009F). */
static bool is_control(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];
    return c < 0x20 || c == 0x7F || (n == 2 && c == 0xC2 && (unsigned char)p[1] < 0xA0);
}

void bn_scan_label(char *out, size_t size, struct bn_str from)
{
    size_t used = 0;
    from = bn_str_trim(from);
    for (size_t i = 0; i < from.len;) {
        size_t n = utf8_length(from.p + i, from.len - i);
        bool keep = n > 0 && !is_control(from.p + i, n);
        if (used + (keep ? n : 1) >= size)
            break;
        if (keep)
            memcpy(out + used, from.p + i, n);
        else
            out[used] = '?';
        used += keep ? n : 1;
        i += n > 0 ? n : 1;
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    if (size > 0)
        out[used] = 0;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

size_t bn_scan_unescape(struct bn_str from, char *out, size_t size)
{
    size_t used = 0;
    if (size == 0)
        return 0;
    for (size_t i = 0; i < from.len && used + 1 < size; used++) {
        const char *p = from.p + i;
        bool escaped = from.len - i >= 4 && p[0] == '\\' && p[1] >= '0' && p[1] <= '3' &&
                       is_octal(p[2]) && is_octal(p[3]);
        out[used] = escaped ? (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0')) : p[0];
        i += escaped ? 4 : 1;
    }
    out[used] = 0;
    return used;
}

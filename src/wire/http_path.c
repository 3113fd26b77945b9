#include <assert.h>
#include <string.h>

#include "wire/http.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Where decoded pieces go, and what is being decoded, for the refusals. */
struct decoding {
    const char *what; /* "path" or "query" */
    bool plus_is_space;
    char *to;
};

/* Decodes one piece and ends it with a NUL. */
static bool decode(struct decoding *d, struct bn_str text, struct bn_str *out, struct bn_err *err)
{
    char *start = d->to;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.p[i + 1]) : -1;
            int low = text.len - i > 2 ? hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return bn_fail(err, BN_E_INVALID,
                        "every %% in a %s must be followed by two hex digits", d->what);
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && d->plus_is_space) {
            c = ' ';
        }
        if ((unsigned char)c < ' ' || c == 0x7f)
            return bn_fail(err, BN_E_INVALID, "a %s must not hold control bytes, got 0x%02x",
                    d->what, (unsigned)(unsigned char)c);
        *d->to++ = c;
    }
    *out = (struct bn_str){start, (size_t)(d->to - start)};
    *d->to++ = 0;
    if (!bn_utf8_is_valid(out->p, out->len))
        return bn_fail(err, BN_E_INVALID, "a %s must be UTF-8", d->what);
    return true;
}

/* A decoded segment is a name, never a way: what could climb or split again is refused. */
static bool check_segment(struct bn_str segment, struct bn_err *err)
{
    if (bn_str_is(segment, ".") || bn_str_is(segment, ".."))
        return bn_fail(err, BN_E_INVALID, "a path must not hold the segments \".\" and \"..\"");
    if (segment.len &&
            (memchr(segment.p, '/', segment.len) || memchr(segment.p, '\\', segment.len)))
        return bn_fail(err, BN_E_INVALID, "a path segment must not hold '/' or '\\'");
    return true;
}

bool bn_http_split_path(struct bn_str path, char *scratch, size_t size,
        struct bn_str out[BN_HTTP_SEGMENTS_MAX], size_t *out_count, struct bn_err *err)
{
    assert(size > path.len);
    struct decoding d = {.what = "path", .to = scratch};
    struct bn_str rest = path;
    size_t count = 0;
    if (bn_str_cut(&rest, '/').len > 0 || !rest.p)
        return bn_fail(err, BN_E_INVALID, "a path must start with '/'");
    while (rest.p && path.len > 1) {
        struct bn_str piece = bn_str_cut(&rest, '/');
        if (piece.len == 0 && rest.p)
            return bn_fail(err, BN_E_INVALID, "a path must not hold empty segments");
        if (count == BN_HTTP_SEGMENTS_MAX)
            return bn_fail(err, BN_E_TOO_BIG, "a path must not have more than %d segments",
                    BN_HTTP_SEGMENTS_MAX);
        if (!decode(&d, piece, &out[count], err) || !check_segment(out[count], err))
            return false;
        count++;
    }
    *out_count = count;
    return true;
}

bool bn_http_split_query(struct bn_str query, char *scratch, size_t size,
        struct bn_http_param out[BN_HTTP_PARAMS_MAX], size_t *out_count, struct bn_err *err)
{
    assert(size > query.len);
    struct decoding d = {.what = "query", .plus_is_space = true, .to = scratch};
    struct bn_str rest = query;
    size_t count = 0;
    while (rest.p) {
        struct bn_str value = bn_str_cut(&rest, '&');
        if (value.len == 0)
            continue;
        if (count == BN_HTTP_PARAMS_MAX)
            return bn_fail(err, BN_E_TOO_BIG, "a query must not have more than %d parameters",
                    BN_HTTP_PARAMS_MAX);
        struct bn_str name = bn_str_cut(&value, '=');
        if (!decode(&d, name, &out[count].name, err))
            return false;
        /* "a" without '=' owns one byte of scratch only: its value is the NUL behind the name. */
        out[count].value = (struct bn_str){d.to - 1, 0};
        if (value.p && !decode(&d, value, &out[count].value, err))
            return false;
        count++;
    }
    *out_count = count;
    return true;
}

/* Any bytes as a path and as a query: what is accepted holds what http.h promises, and, escaped
   byte by byte, means the same again. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_escaped(struct bn_buf *buf, struct bn_str text)
{
    for (size_t i = 0; i < text.len; i++)
        bn_buf_printf(buf, "%%%02X", (unsigned)(uint8_t)text.p[i]);
}

static bool is_same(struct bn_str a, struct bn_str b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static void check_text(struct bn_str text)
{
    assert(text.p[text.len] == 0);
    assert(strlen(text.p) == text.len);
    assert(bn_utf8_is_valid(text.p, text.len));
    assert(!strpbrk(text.p, "\r\n\t\x7f"));
}

static void check_path(struct bn_str path)
{
    struct bn_str segments[BN_HTTP_SEGMENTS_MAX];
    struct bn_str again[BN_HTTP_SEGMENTS_MAX];
    size_t count = 0;
    size_t again_count = 0;
    struct bn_err err = {0};
    char *scratch = malloc(path.len + 1);
    if (!bn_http_split_path(path, scratch, path.len + 1, segments, &count, &err)) {
        assert(err.code == BN_E_INVALID || err.code == BN_E_TOO_BIG);
        free(scratch);
        return;
    }
    struct bn_buf escaped;
    bn_buf_init(&escaped, 1 << 20);
    bn_buf_puts(&escaped, count ? "" : "/");
    for (size_t i = 0; i < count; i++) {
        check_text(segments[i]);
        assert(!strpbrk(segments[i].p, "/\\"));
        assert(strcmp(segments[i].p, ".") != 0 && strcmp(segments[i].p, "..") != 0);
        assert(segments[i].len > 0 || i == count - 1);
        bn_buf_putc(&escaped, '/');
        put_escaped(&escaped, segments[i]);
    }
    char *second = malloc(escaped.len + 1);
    bool is_fine = bn_http_split_path(bn_buf_str(&escaped), second, escaped.len + 1, again,
            &again_count, &err);
    assert(is_fine && again_count == count);
    for (size_t i = 0; i < count; i++)
        assert(is_same(segments[i], again[i]));
    free(second);
    free(scratch);
    bn_buf_finish(&escaped);
}

static void check_query(struct bn_str query)
{
    static struct bn_http_param params[BN_HTTP_PARAMS_MAX];
    static struct bn_http_param again[BN_HTTP_PARAMS_MAX];
    size_t count = 0;
    size_t again_count = 0;
    struct bn_err err = {0};
    char *scratch = malloc(query.len + 1);
    if (!bn_http_split_query(query, scratch, query.len + 1, params, &count, &err)) {
        assert(err.code == BN_E_INVALID || err.code == BN_E_TOO_BIG);
        free(scratch);
        return;
    }
    struct bn_buf escaped;
    bn_buf_init(&escaped, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        check_text(params[i].name);
        check_text(params[i].value);
        bn_buf_putc(&escaped, '&');
        put_escaped(&escaped, params[i].name);
        bn_buf_putc(&escaped, '=');
        put_escaped(&escaped, params[i].value);
    }
    char *second = malloc(escaped.len + 1);
    bool is_fine = bn_http_split_query(bn_buf_str(&escaped), second, escaped.len + 1, again,
            &again_count, &err);
    assert(is_fine && again_count == count);
    for (size_t i = 0; i < count; i++)
        assert(is_same(params[i].name, again[i].name) && is_same(params[i].value, again[i].value));
    free(second);
    free(scratch);
    bn_buf_finish(&escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_str text = {(const char *)data, size};
    check_path(text);
    check_query(text);
    return 0;
}

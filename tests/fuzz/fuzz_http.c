/* Any bytes as requests: the same lines whole, byte by byte and cut by the first byte; heads that
   hold what http.h promises; and every question that can be asked of a head answered without harm.
 */
#include <assert.h>

#include "wire_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(const struct bn_http_head *head)
{
    bool has_length = bn_http_find(head, "content-length").p;
    bool has_coding = bn_http_find(head, "transfer-encoding").p;
    assert(!(has_length && has_coding));
    assert((head->body_bytes == -1) == has_coding);
    assert(has_length || head->body_bytes <= 0);
    assert(head->field_count <= BN_HTTP_FIELDS_MAX);
    assert(head->target.len > 0 && head->target.len <= BN_HTTP_TARGET_BYTES_MAX);
    assert(head->path.len <= head->target.len);
    assert(head->host.len > 0 || head->minor_0);
    assert(!(head->minor_0 && (head->keep_alive || head->wants_upgrade || has_coding)));
    for (size_t i = 0; i < head->host.len; i++)
        assert(head->host.p[i] > ' ' && !strchr("@/\\,%?#\"", head->host.p[i]));
    for (size_t i = 0; i < head->field_count; i++) {
        struct bn_http_field field = head->fields[i];
        assert(field.name.len > 0 && !memchr(field.name.p, ' ', field.name.len));
        assert(!field.value.len || (!memchr(field.value.p, '\r', field.value.len) &&
                                           !memchr(field.value.p, '\n', field.value.len)));
    }
    bn_http_accepted_coding(head);
    bn_http_cookie(head, "a");
    bn_http_lists(head, "connection", "close");
}

static void check_heads(const uint8_t *data, size_t size)
{
    struct bn_http http;
    enum bn_http_event event = BN_HTTP_DONE;
    bn_http_init(&http);
    while (event != BN_HTTP_MORE && event != BN_HTTP_BAD) {
        size_t used = bn_http_parse(&http, (const char *)data, size, &event);
        data += used;
        size -= used;
        if (event == BN_HTTP_HEAD)
            check_head(http.head);
        if (event == BN_HTTP_DONE)
            bn_http_next(&http);
    }
    assert(event == BN_HTTP_BAD || size == 0);
    assert((event == BN_HTTP_BAD) == (http.err.code != BN_E_OK));
    bn_http_finish(&http);
}

static void run(struct wire_log *log, const uint8_t *data, size_t size, size_t step)
{
    struct bn_http http;
    bn_http_init(&http);
    wire_log_init(log);
    for (size_t n, at = 0; at < size; at += n) {
        n = BN_MIN(step, size - at);
        if (!wire_log_http(log, &http, (const char *)data + at, n))
            break;
    }
    bn_buf_puts(&log->text, bn_http_is_busy(&http) ? "\nBUSY" : "");
    bn_http_finish(&http);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct wire_log whole;
    size_t steps[] = {1, 2 + data[0] % 61};
    check_heads(data + 1, size - 1);
    run(&whole, data + 1, size - 1, size);
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct wire_log cut;
        run(&cut, data + 1, size - 1, steps[i]);
        assert(cut.text.len == whole.text.len);
        assert(!cut.text.len || memcmp(cut.text.p, whole.text.p, cut.text.len) == 0);
        bn_buf_finish(&cut.text);
    }
    bn_buf_finish(&whole.text);
    return 0;
}

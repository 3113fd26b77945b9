/* Any bytes as answers: the same lines whole, byte by byte and cut by the first byte, whose lowest
   bit says whether HEAD was asked; heads that hold what http_answer.h promises; and the connection
   ending wherever the bytes do. */
#include <assert.h>

#include "wire_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_up(struct bn_http_answer *answer, uint8_t how)
{
    bn_http_answer_init(answer);
    if (how & 1)
        bn_http_answer_expect_head(answer);
}

static void check_head(const struct bn_http_answer_head *head)
{
    bool has_length = bn_http_answer_find(head, "content-length").p;
    bool has_coding = bn_http_answer_find(head, "transfer-encoding").p;
    assert(head->status == 101 || (head->status >= 200 && head->status <= 999));
    assert(!(has_length && has_coding) && !(has_coding && head->minor_0));
    assert(head->body_bytes <= 0 || has_length);
    assert(head->body_bytes != -1 || has_coding);
    assert(head->body_bytes >= -1 || !(head->keep_alive || has_length || has_coding));
    assert(!head->body_bytes || (head->status != 204 && head->status != 304));
    assert(head->field_count <= BN_HTTP_ANSWER_FIELDS_MAX);
    for (size_t i = 0; i < head->reason.len; i++)
        assert((unsigned char)head->reason.p[i] >= ' ' || head->reason.p[i] == '\t');
    for (size_t i = 0; i < head->field_count; i++) {
        struct bn_http_field field = head->fields[i];
        assert(field.name.len > 0 && !memchr(field.name.p, ' ', field.name.len));
        assert(!field.value.len || (!memchr(field.value.p, '\r', field.value.len) &&
                                           !memchr(field.value.p, '\n', field.value.len) &&
                                           !memchr(field.value.p, 0, field.value.len)));
    }
    bn_http_answer_lists(head, "connection", "close");
}

static void check_heads(uint8_t how, const uint8_t *data, size_t size)
{
    struct bn_http_answer answer;
    enum bn_http_event event = BN_HTTP_DONE;
    set_up(&answer, how);
    while (event != BN_HTTP_MORE && event != BN_HTTP_BAD) {
        size_t used = bn_http_answer_parse(&answer, (const char *)data, size, &event);
        data += used;
        size -= used;
        if (event == BN_HTTP_HEAD)
            check_head(answer.head);
        if (event == BN_HTTP_DONE)
            bn_http_answer_next(&answer);
    }
    assert(event == BN_HTTP_BAD || size == 0);
    assert((event == BN_HTTP_BAD) == (answer.err.code != BN_E_OK));
    bool is_busy = bn_http_answer_is_busy(&answer);
    bool is_to_end = answer.head && answer.head->body_bytes == -2;
    enum bn_http_event end = bn_http_answer_end(&answer);
    assert(end == (event == BN_HTTP_MORE && is_busy && is_to_end ? BN_HTTP_DONE : BN_HTTP_BAD));
    assert(event == BN_HTTP_BAD || end == BN_HTTP_DONE || answer.err.code == BN_E_UPSTREAM);
    bn_http_answer_finish(&answer);
}

static void run(struct wire_log *log, const uint8_t *data, size_t size, size_t step)
{
    struct bn_http_answer answer;
    set_up(&answer, data[0]);
    wire_log_init(log);
    for (size_t n, at = 1; at < size; at += n) {
        n = BN_MIN(step, size - at);
        if (!wire_log_answer(log, &answer, (const char *)data + at, n))
            break;
    }
    wire_log_answer_end(log, &answer);
    bn_http_answer_finish(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct wire_log whole;
    size_t steps[] = {1, 2 + data[0] % 61};
    check_heads(data[0], data + 1, size - 1);
    run(&whole, data, size, size);
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct wire_log cut;
        run(&cut, data, size, steps[i]);
        assert(cut.text.len == whole.text.len);
        assert(!cut.text.len || memcmp(cut.text.p, whole.text.p, cut.text.len) == 0);
        bn_buf_finish(&cut.text);
    }
    bn_buf_finish(&whole.text);
    return 0;
}

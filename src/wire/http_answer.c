#include "wire/http_answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http_head.h"

enum state {
    HEAD,  /* collecting one */
    WHOLE, /* its empty line was seen */
    BODY,
    ENDED,
    BROKEN,
};

enum line_end { UNKNOWN, WITH_CR, LF_ALONE };

static_assert(sizeof(struct bn_http_answer) <= 336, "an idle connection stays small");
static_assert(BN_HTTP_ANSWER_HEAD_BYTES_MAX <= UINT16_MAX, "line_len is 16 bits");
static_assert(BN_HTTP_ANSWER_FIELDS_MAX + 2 <= UINT8_MAX, "line_count is 8 bits");

void bn_http_answer_init(struct bn_http_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    bn_buf_init(&answer->raw, BN_HTTP_ANSWER_HEAD_BYTES_MAX);
}

void bn_http_answer_finish(struct bn_http_answer *answer)
{
    free(answer->head);
    answer->head = NULL;
    bn_buf_finish(&answer->raw);
}

void bn_http_answer_next(struct bn_http_answer *answer)
{
    bn_http_answer_finish(answer);
    bn_http_answer_init(answer);
}

void bn_http_answer_expect_head(struct bn_http_answer *answer)
{
    answer->is_for_head = true;
}

bool bn_http_answer_is_busy(const struct bn_http_answer *answer)
{
    return (answer->raw.len > 0 || answer->interim_count > 0) && answer->state < ENDED;
}

/* --- the lines of a head ------------------------------------------------------------------------
 */

static void end_line(struct bn_http_answer *answer, enum line_end line_end)
{
    if (answer->line_end != UNKNOWN && answer->line_end != line_end) {
        bn_fail(&answer->err, BN_E_INVALID,
                "lines of an answer's head must all end with CR LF or all with LF, got both");
        return;
    }
    answer->line_end = (uint8_t)line_end;
    if (answer->line_len == 0) {
        answer->state = WHOLE;
        return;
    }
    answer->line_len = 0;
    if (++answer->line_count > BN_HTTP_ANSWER_FIELDS_MAX + 1)
        bn_fail(&answer->err, BN_E_TOO_BIG, "an answer must not have more than %d fields",
                BN_HTTP_ANSWER_FIELDS_MAX);
}

/* What is no answer is refused at its first byte, so that whoever speaks another protocol there is
   not waited for; and so is what must not stand in a field. */
static void take_byte(struct bn_http_answer *answer, unsigned char c)
{
    static const char start[] = "HTTP/";
    bool is_after_cr = answer->is_after_cr;
    answer->is_after_cr = c == '\r';
    if (answer->line_count == 0 && answer->line_len < sizeof start - 1 &&
            c != (unsigned char)start[answer->line_len])
        bn_fail(&answer->err, BN_E_INVALID,
                "an answer must begin with \"HTTP/\", got 0x%02x as its byte %u", (unsigned)c,
                answer->line_len + 1u);
    else if (c == '\n')
        end_line(answer, is_after_cr ? WITH_CR : LF_ALONE);
    else if (answer->line_count > 0 && is_after_cr)
        bn_fail(&answer->err, BN_E_INVALID, "a CR in an answer's head must be followed by LF");
    else if (answer->line_count > 0 && c != '\r' && !bn_http_is_text(c))
        bn_fail(&answer->err, BN_E_INVALID,
                "a field of an answer must not hold control bytes, got 0x%02x", (unsigned)c);
    else if (c != '\r')
        answer->line_len++;
}

/* The next line of a head, without its end; "" is the last. */
static struct bn_str cut_line(struct bn_str *rest)
{
    struct bn_str line = bn_str_cut(rest, '\n');
    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Joins folded fields: the end of the line before becomes blanks (RFC 9112 section 5.2). */
static bool unfold(struct bn_buf *raw, struct bn_err *err)
{
    bool is_first = true;
    for (char *lf = memchr(raw->p, '\n', raw->len); lf + 1 < raw->p + raw->len;
            lf = memchr(lf + 1, '\n', raw->len - (size_t)(lf + 1 - raw->p))) {
        const char *p = lf + 1;
        while (is_blank(*p))
            p++;
        if (p > lf + 1 && (is_first || *p == '\r' || *p == '\n'))
            return bn_fail(err, BN_E_INVALID,
                    is_first ? "an answer's first field must not be folded"
                             : "an answer's head must not have lines of blanks alone");
        if (p > lf + 1) {
            lf[0] = ' ';
            lf[-1] = lf[-1] == '\r' ? ' ' : lf[-1];
        }
        is_first = false;
    }
    return true;
}

/* --- what a head says ---------------------------------------------------------------------------
 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the blank after the code may be missing when there is no reason. */
static bool read_status_line(struct bn_http_answer *answer, struct bn_str line)
{
    struct bn_http_answer_head *head = answer->head;
    struct bn_str version = {line.p, BN_MIN(line.len, (size_t)8)};
    head->minor_0 = bn_str_is(version, "HTTP/1.0");
    if (!head->minor_0 && !bn_str_is(version, "HTTP/1.1"))
        return bn_fail(&answer->err, BN_E_INVALID,
                "an answer's version must be HTTP/1.1 or HTTP/1.0, got \"%.*s\"",
                BN_ARG(bn_http_shown(version)));
    const char *code = line.p + 9;
    if (line.len < 12 || line.p[8] != ' ' || code[0] == '0' || !is_digit(code[0]) ||
            !is_digit(code[1]) || !is_digit(code[2]) || (line.len > 12 && line.p[12] != ' '))
        return bn_fail(&answer->err, BN_E_INVALID,
                "an answer's status must be three digits between blanks, from 100 on");
    head->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + code[2] - '0';
    char *reason = answer->raw.p + 12;
    for (char *p = reason; p < line.p + line.len; p++)
        if (!bn_http_is_text((unsigned char)*p))
            *p = ' ';
    head->reason = bn_str_trim((struct bn_str){reason, line.len - 12});
    return true;
}

/* Equal lengths, in one field or several, are one (RFC 9112 section 6.3); *out is -1 without. */
static bool read_lengths(const struct bn_http_answer_head *head, int64_t *out, struct bn_err *err)
{
    *out = -1;
    for (size_t i = 0; i < head->field_count; i++) {
        struct bn_str rest = head->fields[i].value;
        while (rest.p && bn_str_is_nocase(head->fields[i].name, "content-length")) {
            int64_t length;
            if (!bn_http_read_length(bn_str_trim(bn_str_cut(&rest, ',')), &length, err))
                return false;
            if (*out >= 0 && *out != length)
                return bn_fail(err, BN_E_INVALID,
                        "an answer must have one Content-Length, got %lld and %lld",
                        (long long)*out, (long long)length);
            *out = length;
        }
    }
    return true;
}

static bool read_coding(const struct bn_http_answer_head *head, bool *out, struct bn_err *err)
{
    *out = false;
    for (size_t i = 0; i < head->field_count; i++) {
        struct bn_str value = head->fields[i].value;
        if (!bn_str_is_nocase(head->fields[i].name, "transfer-encoding"))
            continue;
        if (*out)
            return bn_fail(err, BN_E_INVALID, "Transfer-Encoding must not be sent twice");
        if (!bn_str_is_nocase(value, "chunked"))
            return bn_fail(err, BN_E_INVALID, "Transfer-Encoding must be \"chunked\", got \"%.*s\"",
                    BN_ARG(bn_http_shown(value)));
        *out = true;
    }
    if (*out && head->minor_0)
        return bn_fail(err, BN_E_INVALID, "HTTP/1.0 has no Transfer-Encoding");
    return true;
}

/* Where the body ends (RFC 9112 section 6.3). */
static bool judge_framing(struct bn_http_answer *answer)
{
    struct bn_http_answer_head *head = answer->head;
    int64_t length;
    bool is_chunked;
    if (!read_lengths(head, &length, &answer->err) || !read_coding(head, &is_chunked, &answer->err))
        return false;
    if (is_chunked && length >= 0)
        return bn_fail(&answer->err, BN_E_INVALID,
                "Content-Length and Transfer-Encoding must not come together");
    if (answer->is_for_head || head->status < 200 || head->status == 204 || head->status == 304)
        head->body_bytes = 0;
    else if (is_chunked)
        head->body_bytes = BN_HTTP_BODY_CHUNKED;
    else
        head->body_bytes = length >= 0 ? length : BN_HTTP_BODY_TO_END;
    return true;
}

/* The last field that says either wins: pveproxy puts its own after that of the node whose answer
   it passes on (PVE-API 1). Within one field "close" does (RFC 9112 section 9.6). */
static bool keeps_alive(const struct bn_http_answer_head *head)
{
    bool keeps = !head->minor_0;
    for (size_t i = 0; i < head->field_count; i++) {
        if (!bn_str_is_nocase(head->fields[i].name, "connection"))
            continue;
        if (bn_http_value_lists(head->fields[i].value, "close"))
            keeps = false;
        else if (bn_http_value_lists(head->fields[i].value, "keep-alive"))
            keeps = true;
    }
    return keeps && head->body_bytes != BN_HTTP_BODY_TO_END && head->status != 101;
}

static bool read_head(struct bn_http_answer *answer)
{
    struct bn_http_answer_head *head = answer->head;
    if (!unfold(&answer->raw, &answer->err))
        return false;
    struct bn_str rest = bn_buf_str(&answer->raw);
    if (!read_status_line(answer, cut_line(&rest)))
        return false;
    for (struct bn_str line = cut_line(&rest); line.len > 0; line = cut_line(&rest))
        if (!bn_http_read_field(line, &head->fields[head->field_count++], &answer->err))
            return false;
    if (!judge_framing(answer))
        return false;
    head->keep_alive = keeps_alive(head);
    return true;
}

/* --- events -------------------------------------------------------------------------------------
 */

/* "100 Continue" and its like: what was asked is still to be answered. */
static void pass_over(struct bn_http_answer *answer)
{
    uint8_t count = answer->interim_count;
    bool is_for_head = answer->is_for_head;
    if (count == BN_HTTP_ANSWER_INTERIM_MAX) {
        bn_fail(&answer->err, BN_E_INVALID, "an answer must not follow more than %d of status 1xx",
                BN_HTTP_ANSWER_INTERIM_MAX);
        return;
    }
    bn_http_answer_next(answer);
    answer->interim_count = count + 1;
    answer->is_for_head = is_for_head;
}

static void take_whole(struct bn_http_answer *answer, enum bn_http_event *event)
{
    size_t fields = answer->line_count - 1u;
    answer->head = bn_alloc(sizeof *answer->head + fields * sizeof *answer->head->fields);
    if (!read_head(answer))
        return;
    if (answer->head->status < 200 && answer->head->status != 101) {
        pass_over(answer);
        return;
    }
    bn_http_body_begin(&answer->rest, answer->head->body_bytes);
    answer->state = BODY;
    *event = BN_HTTP_HEAD;
}

static size_t take_head(struct bn_http_answer *answer, const char *p, size_t len,
        enum bn_http_event *event)
{
    /* Never looks beyond the ceiling, so what is refused does not depend on how the bytes were cut.
     */
    size_t want = BN_MIN(len, BN_HTTP_ANSWER_HEAD_BYTES_MAX - answer->raw.len);
    size_t used = 0;
    while (used < want && answer->state == HEAD && !answer->err.code)
        take_byte(answer, (unsigned char)p[used++]);
    if (answer->err.code)
        return used;
    bn_buf_put(&answer->raw, p, used);
    if (answer->state == WHOLE)
        take_whole(answer, event);
    else if (answer->raw.len == BN_HTTP_ANSWER_HEAD_BYTES_MAX)
        bn_fail(&answer->err, BN_E_TOO_BIG, "an answer's head must not exceed %d bytes",
                BN_HTTP_ANSWER_HEAD_BYTES_MAX);
    return used;
}

static size_t advance(struct bn_http_answer *answer, const char *p, size_t len,
        enum bn_http_event *event)
{
    size_t used = 0;
    while (used < len && answer->state == HEAD && !answer->err.code)
        used += take_head(answer, p + used, len - used, event);
    if (*event == BN_HTTP_HEAD || answer->err.code)
        return used;
    if (answer->state == BODY)
        used = bn_http_body_take(&answer->rest, p, len, &answer->body, &answer->err);
    if (answer->body.len)
        *event = BN_HTTP_BODY;
    else if (answer->state == BODY && bn_http_body_is_done(&answer->rest))
        answer->state = ENDED;
    if (answer->state == ENDED)
        *event = BN_HTTP_DONE;
    return used;
}

static enum bn_http_event said(struct bn_http_answer *answer, enum bn_http_event event)
{
    if (!answer->err.code)
        return event;
    answer->state = BROKEN;
    return BN_HTTP_BAD;
}

size_t bn_http_answer_parse(struct bn_http_answer *answer, const char *p, size_t len,
        enum bn_http_event *out_event)
{
    size_t used = 0;
    *out_event = BN_HTTP_MORE;
    answer->body = (struct bn_str){NULL, 0};
    if (answer->state != BROKEN)
        used = advance(answer, p, len, out_event);
    *out_event = said(answer, *out_event);
    return used;
}

enum bn_http_event bn_http_answer_end(struct bn_http_answer *answer)
{
    answer->body = (struct bn_str){NULL, 0};
    bool is_whole = answer->state == ENDED ||
                    (answer->state == BODY &&
                            (bn_http_body_is_done(&answer->rest) ||
                                    answer->head->body_bytes == BN_HTTP_BODY_TO_END));
    if (is_whole)
        answer->state = ENDED;
    else if (answer->state == BODY)
        bn_fail(&answer->err, BN_E_UPSTREAM,
                answer->head->body_bytes == BN_HTTP_BODY_CHUNKED
                        ? "the answer ended before its last chunk"
                        : "the answer ended before its announced length");
    else if (answer->state != BROKEN)
        bn_fail(&answer->err, BN_E_UPSTREAM,
                bn_http_answer_is_busy(answer) ? "the answer ended inside its head"
                                               : "closed without an answer");
    return said(answer, BN_HTTP_DONE);
}

struct bn_str bn_http_answer_find(const struct bn_http_answer_head *head, const char *name)
{
    return bn_http_fields_find(head->fields, head->field_count, name);
}

bool bn_http_answer_lists(const struct bn_http_answer_head *head, const char *name,
        const char *token)
{
    return bn_http_fields_list(head->fields, head->field_count, name, token);
}

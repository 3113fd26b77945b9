/*
 * wire_log: what a codec said about some bytes, as lines that can be compared.
 *
 * Unit tests and fuzzers feed the same bytes cut in different ways and want the same lines. Pieces
 * of one body become one line, for where they were cut is not what was said.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "wire/csv.h"
#include "wire/http.h"
#include "wire/http_answer.h"
#include "wire/ws.h"

struct wire_log {
    struct bn_buf text; /* "\n" before each line */
    bool in_body;
};

static inline void wire_log_init(struct wire_log *log)
{
    bn_buf_init(&log->text, 64 << 20);
    log->in_body = false;
}

/* Printable ASCII as it is, the rest escaped: the form vectors are written in. */
static inline void wire_log_bytes(struct wire_log *log, struct bn_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c == '\r')
            bn_buf_puts(&log->text, "\\r");
        else if (c == '\n')
            bn_buf_puts(&log->text, "\\n");
        else if (c == '\t')
            bn_buf_puts(&log->text, "\\t");
        else if (c < ' ' || c > '~' || c == '\\')
            bn_buf_printf(&log->text, "\\x%02x", c);
        else
            bn_buf_putc(&log->text, (char)c);
    }
}

static inline void wire_log_line(struct wire_log *log, const char *word)
{
    log->in_body = false;
    bn_buf_putc(&log->text, '\n');
    bn_buf_puts(&log->text, word);
}

static inline void wire_log_word(struct wire_log *log, const char *before, struct bn_str word)
{
    bn_buf_puts(&log->text, before);
    wire_log_bytes(log, word);
}

static inline void wire_log_err(struct wire_log *log, const struct bn_err *err)
{
    bn_buf_printf(&log->text, " %s: %s", bn_code_word(err->code), err->text);
}

static inline void wire_log_head(struct wire_log *log, const struct bn_http_head *head)
{
    wire_log_line(log, "HEAD ");
    wire_log_word(log, "", head->method);
    wire_log_word(log, " ", head->target);
    wire_log_word(log, " path=", head->path);
    wire_log_word(log, " query=", head->query);
    wire_log_word(log, " host=", head->host);
    bn_buf_printf(&log->text, " body=%lld", (long long)head->body_bytes);
    bn_buf_puts(&log->text, head->minor_0 ? " 1.0" : "");
    bn_buf_puts(&log->text, head->keep_alive ? "" : " close");
    bn_buf_puts(&log->text, head->expects_continue ? " continue" : "");
    bn_buf_puts(&log->text, head->wants_upgrade ? " upgrade" : "");
    for (size_t i = 0; i < head->field_count; i++) {
        if (bn_str_is_nocase(head->fields[i].name, "host"))
            continue;
        wire_log_line(log, "FIELD ");
        wire_log_word(log, "", head->fields[i].name);
        wire_log_word(log, head->fields[i].value.len ? ": " : ":", head->fields[i].value);
    }
}

/* Feeds one piece, going on over pipelined requests. False after BAD. Every piece is copied to a
   block of just its size, so that reading beyond it is seen. */
static inline bool wire_log_http(struct wire_log *log, struct bn_http *http, const char *p,
        size_t len)
{
    char *piece = memcpy(malloc(len ? len : 1), p, len);
    enum bn_http_event event = BN_HTTP_DONE;
    size_t used = 0;
    while (event != BN_HTTP_MORE && event != BN_HTTP_BAD) {
        used += bn_http_parse(http, piece + used, len - used, &event);
        if (used > len || (event == BN_HTTP_MORE && used < len))
            abort();
        if (event == BN_HTTP_HEAD)
            wire_log_head(log, http->head);
        if (event == BN_HTTP_BODY && (!http->body.len || http->body.p < piece))
            abort();
        if (event == BN_HTTP_BODY && !log->in_body)
            wire_log_line(log, "BODY ");
        if (event == BN_HTTP_BODY)
            wire_log_bytes(log, http->body);
        log->in_body = event == BN_HTTP_BODY || (log->in_body && event == BN_HTTP_MORE);
        if (event == BN_HTTP_DONE) {
            wire_log_line(log, "DONE");
            bn_http_next(http);
        }
        if (event == BN_HTTP_BAD) {
            wire_log_line(log, "BAD");
            wire_log_err(log, &http->err);
        }
    }
    free(piece);
    return event != BN_HTTP_BAD;
}

static inline void wire_log_answer_head(struct wire_log *log,
        const struct bn_http_answer_head *head)
{
    wire_log_line(log, "HEAD ");
    bn_buf_printf(&log->text, "%d [", head->status);
    wire_log_bytes(log, head->reason);
    bn_buf_printf(&log->text, "] body=%lld", (long long)head->body_bytes);
    bn_buf_puts(&log->text, head->minor_0 ? " 1.0" : "");
    bn_buf_puts(&log->text, head->keep_alive ? "" : " close");
    for (size_t i = 0; i < head->field_count; i++) {
        wire_log_line(log, "FIELD ");
        wire_log_word(log, "", head->fields[i].name);
        wire_log_word(log, head->fields[i].value.len ? ": " : ":", head->fields[i].value);
    }
}

/* Feeds one piece, going on over answers that follow; after a 101 what is left is another
   protocol's. False after BAD. */
static inline bool wire_log_answer(struct wire_log *log, struct bn_http_answer *answer,
        const char *p, size_t len)
{
    char *piece = memcpy(malloc(len ? len : 1), p, len);
    enum bn_http_event event = BN_HTTP_DONE;
    size_t used = 0;
    while (event != BN_HTTP_MORE && event != BN_HTTP_BAD) {
        bool was_in_body = log->in_body;
        used += bn_http_answer_parse(answer, piece + used, len - used, &event);
        if (used > len || (event == BN_HTTP_MORE && used < len))
            abort();
        if (event == BN_HTTP_HEAD)
            wire_log_answer_head(log, answer->head);
        if (event == BN_HTTP_BODY && (!answer->body.len || answer->body.p < piece))
            abort();
        bool is_switched = event == BN_HTTP_DONE && answer->head->status == 101;
        if ((event == BN_HTTP_BODY || is_switched) && !was_in_body)
            wire_log_line(log, is_switched ? "AFTER " : "BODY ");
        if (is_switched)
            wire_log_bytes(log, (struct bn_str){piece + used, len - used});
        if (event == BN_HTTP_BODY)
            wire_log_bytes(log, answer->body);
        log->in_body = event == BN_HTTP_BODY || is_switched ||
                       (was_in_body && event == BN_HTTP_MORE);
        if (is_switched)
            break;
        if (event == BN_HTTP_DONE) {
            wire_log_line(log, "DONE");
            bn_http_answer_next(answer);
        }
        if (event == BN_HTTP_BAD) {
            wire_log_line(log, "BAD");
            wire_log_err(log, &answer->err);
        }
    }
    free(piece);
    return event != BN_HTTP_BAD;
}

/* The connection ended. */
static inline void wire_log_answer_end(struct wire_log *log, struct bn_http_answer *answer)
{
    enum bn_http_event event = bn_http_answer_end(answer);
    wire_log_line(log, event == BN_HTTP_BAD ? "END BAD" : "END DONE");
    if (event == BN_HTTP_BAD)
        wire_log_err(log, &answer->err);
}

static inline bool wire_log_ws(struct wire_log *log, struct bn_ws *ws, const char *p, size_t len)
{
    static const char *const words[] = {"CONT", "TEXT", "BINARY", "", "", "", "", "", "CLOSE",
            "PING", "PONG"};
    char *piece = memcpy(malloc(len ? len : 1), p, len);
    enum bn_ws_event event = BN_WS_MESSAGE;
    size_t used = 0;
    while (event != BN_WS_MORE && event != BN_WS_BAD) {
        used += bn_ws_parse(ws, piece + used, len - used, &event);
        if (used > len || (event == BN_WS_MORE && used < len))
            abort();
        if (event == BN_WS_PIECE && (!ws->payload.len || ws->payload.p < piece))
            abort();
        if (event == BN_WS_MORE)
            break;
        if (event == BN_WS_PIECE) {
            if (!log->in_body)
                wire_log_line(log, "PIECE ");
            wire_log_bytes(log, ws->payload);
            log->in_body = true;
            continue;
        }
        wire_log_line(log, event == BN_WS_BAD ? "BAD" : words[ws->op]);
        if (event == BN_WS_BAD || ws->op == BN_WS_CLOSE)
            bn_buf_printf(&log->text, " %d", ws->close_code);
        if (event == BN_WS_BAD)
            wire_log_err(log, &ws->err);
        else
            wire_log_word(log, ws->payload.len ? " " : "", ws->payload);
    }
    free(piece);
    return event != BN_WS_BAD;
}

/* A row as "ROW LINE [field]["quoted field]". */
static inline void wire_log_csv_event(struct wire_log *log, const struct bn_csv *csv,
        enum bn_csv_event event)
{
    if (event == BN_CSV_BAD) {
        wire_log_line(log, "BAD");
        wire_log_err(log, &csv->err);
    } else if (event == BN_CSV_ROW) {
        wire_log_line(log, "ROW ");
        bn_buf_put_u64(&log->text, csv->row.line);
        bn_buf_putc(&log->text, ' ');
        for (size_t i = 0; i < csv->row.count; i++) {
            wire_log_word(log, csv->row.quoted >> i & 1 ? "[\"" : "[", csv->row.field[i]);
            bn_buf_putc(&log->text, ']');
        }
    }
}

static inline bool wire_log_csv(struct wire_log *log, struct bn_csv *csv, const char *p, size_t len)
{
    char *piece = memcpy(malloc(len ? len : 1), p, len);
    enum bn_csv_event event = BN_CSV_ROW;
    size_t used = 0;
    while (event == BN_CSV_ROW) {
        used += bn_csv_parse(csv, piece + used, len - used, &event);
        if (used > len || (event == BN_CSV_MORE && used < len))
            abort();
        wire_log_csv_event(log, csv, event);
    }
    free(piece);
    return event != BN_CSV_BAD;
}

/* After the last piece, unless that was BAD. */
static inline void wire_log_csv_end(struct wire_log *log, struct bn_csv *csv)
{
    enum bn_csv_event event;
    while ((event = bn_csv_end(csv)) == BN_CSV_ROW)
        wire_log_csv_event(log, csv, event);
    wire_log_csv_event(log, csv, event);
}

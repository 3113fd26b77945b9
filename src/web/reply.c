#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#include "web/web_private.h"

#define HEAD_BYTES_MAX 8192
#define BODY_BYTES_MAX (64 << 20)

static const char *date_text(struct bn_web *web)
{
    int64_t now_s = web->config.clock->now_ms / 1000;
    if (now_s != web->date_s) {
        struct tm tm;
        time_t t = (time_t)now_s;
        web->date_s = now_s;
        strftime(web->date, sizeof web->date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
    }
    return web->date;
}

/* What every answer bears, so that no page of another origin can read, frame or reuse it (SECURITY
 * B15). */
static void put_guards(const struct bn_request *req, int status, const char *type,
        struct bn_buf *out)
{
    bn_buf_puts(out, "X-Content-Type-Options: nosniff\r\n"
                     "Referrer-Policy: no-referrer\r\n"
                     "Cross-Origin-Resource-Policy: same-origin\r\n"
                     "Cross-Origin-Opener-Policy: same-origin\r\n"
                     "X-Frame-Options: DENY\r\n");
    if (type && strncmp(type, "text/html", 9) == 0)
        bn_buf_puts(out,
                "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
                "img-src 'self' data:; connect-src 'self'; "
                "base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
                "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
                "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n");
    else if (status != 304) /* its fields replace those of the page it confirms (RFC 9111 3.2) */
        bn_buf_puts(out, "Content-Security-Policy: default-src 'none'; base-uri 'none'; "
                         "frame-ancestors 'none'; form-action 'none'\r\n");
    if (req->is_secure)
        bn_buf_puts(out, "Strict-Transport-Security: max-age=31536000\r\n");
}

void bn_reply_head(struct bn_answering *a, int status, const char *type, int64_t length,
        struct bn_buf *out)
{
    struct bn_conn *conn = a->conn;
    bn_http_put_status(out, status);
    bn_http_put_field(out, "Date", bn_str(date_text(conn->web)));
    if (type)
        bn_http_put_field(out, "Content-Type", bn_str(type));
    if (length >= 0 && status != 204 && status != 304)
        bn_buf_printf(out, "Content-Length: %lld\r\n", (long long)length);
    if (!a->fields.len || !memmem(a->fields.p, a->fields.len, "Cache-Control:", 14))
        bn_buf_puts(out, "Cache-Control: no-store\r\n");
    put_guards(&a->req, status, type, out);
    if (a->fields.len > 0)
        bn_buf_put(out, a->fields.p, a->fields.len);
    if (conn->must_close)
        bn_buf_puts(out, "Connection: close\r\n");
    bn_buf_puts(out, "\r\n");
}

static void answer(struct bn_request *req, int status, const char *type, const char *p, size_t len)
{
    struct bn_answering *a = container_of(req, struct bn_answering, req);
    struct bn_conn *conn = a->conn;
    assert(!a->has_answer);
    a->has_answer = true;
    if (!a->is_done) /* what is still to come of the request would be read as the next one */
        conn->must_close = true;
    if (req->head && !req->head->keep_alive)
        conn->must_close = true;
    BN_BUF_AUTO head;
    bn_buf_init(&head, HEAD_BYTES_MAX);
    bn_reply_head(a, status, type, (int64_t)len, &head);
    assert(bn_buf_ok(&head));
    bn_stream_put(conn->stream, head.p, head.len);
    if (!a->wants_head_only && status != 204 && status != 304)
        bn_stream_put(conn->stream, p, len);
    bn_conn_answered(conn);
}

void bn_reply_bytes(struct bn_request *req, int status, const char *type, const char *p, size_t len)
{
    answer(req, status, type, p, len);
}

void bn_reply(struct bn_request *req, int status, const char *type, struct bn_str body)
{
    answer(req, status, type, body.p, body.len);
}

void bn_reply_json(struct bn_request *req, int status, const struct bn_buf *body)
{
    struct bn_err err;
    if (bn_buf_ok(body)) {
        answer(req, status, "application/json; charset=utf-8", body->p, body->len);
        return;
    }
    bn_fail(&err, BN_E_INTERNAL, "the answer grew beyond %zu bytes", body->max);
    bn_reply_err(req, &err);
}

void bn_reply_empty(struct bn_request *req, int status)
{
    answer(req, status, NULL, "", 0);
}

static void write_err(struct bn_buf *buf, const struct bn_err *err, const char *hint,
        const char *request_id)
{
    struct bn_json json;
    bn_json_init(&json, buf);
    bn_json_object(&json);
    bn_json_key(&json, "error");
    bn_json_object(&json);
    bn_json_key(&json, "code");
    bn_json_text(&json, bn_code_word(err->code));
    bn_json_key(&json, "message");
    bn_json_text(&json, err->text);
    if (err->field[0]) {
        bn_json_key(&json, "field");
        bn_json_text(&json, err->field);
    }
    if (hint[0]) {
        bn_json_key(&json, "hint");
        bn_json_text(&json, hint);
    }
    bn_json_key(&json, "request_id");
    bn_json_text(&json, request_id);
    bn_json_object_end(&json);
    bn_json_object_end(&json);
    bn_buf_putc(buf, '\n');
}

/* A wrong set-up code is an entry of its own, and so nothing of a stranger who got past the head.
 */
static void note_denial(struct bn_request *req, const struct bn_err *err)
{
    const struct bn_answering *a = container_of(req, struct bn_answering, req);
    char object[96];
    req->web->stats.denied++;
    if (!req->route || (req->who.kind == BN_WHO_NOBODY && !a->refused))
        return;
    snprintf(object, sizeof object, "%s %s", req->route->method, req->route->path);
    bn_sessions_note_denial(req->web->config.sessions, &req->who, req->address, object, err->text);
}

static void reply_err_status(struct bn_request *req, const struct bn_err *err, int status)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 4096);
    write_err(&buf, err, "", req->id);
    if (status == 403)
        note_denial(req, err);
    if (status >= 500 && status != 503 && status != 507)
        bn_log(BN_WARN, "request.failed", BN_KV("request", req->id),
                BN_KV("code", bn_code_word(err->code)), BN_KV("text", err->text));
    bn_reply_json(req, status, &buf);
}

void bn_reply_err(struct bn_request *req, const struct bn_err *err)
{
    const struct bn_answering *a = container_of(req, struct bn_answering, req);
    reply_err_status(req, err, a->refusal_status ? a->refusal_status : bn_code_status(err->code));
}

void bn_reply_refusal(struct bn_request *req, const struct bn_err *err, const char *hint)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 4096);
    write_err(&buf, err, hint, req->id);
    bn_reply_json(req, bn_code_status(err->code), &buf);
}

void bn_reply_field(struct bn_request *req, const char *name, const char *value)
{
    struct bn_answering *a = container_of(req, struct bn_answering, req);
    bn_http_put_field(&a->fields, name, bn_str(value));
}

bool bn_request_knows(const struct bn_request *req, const char *etag)
{
    struct bn_str rest = bn_http_find(req->head, "If-None-Match");
    while (rest.p) {
        struct bn_str tag = bn_str_trim(bn_str_cut(&rest, ','));
        if (bn_str_starts(tag, "W/")) /* what a compressing proxy makes of ours */
            tag = (struct bn_str){tag.p + 2, tag.len - 2};
        if (bn_str_is(tag, etag) || bn_str_is(tag, "*"))
            return true;
    }
    return false;
}

/* The name needs no escaping: a Host is letters, digits, "-._:[]" or refused before. */
void bn_reply_stranger(struct bn_request *req)
{
    struct bn_str name = bn_guard_host_name(req->head->host);
    BN_BUF_AUTO page;
    bn_buf_init(&page, 4096);
    bn_buf_printf(&page,
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Binnacle</title>\n"
            "<h1>This server does not know the name %.*s</h1>\n"
            "<p>It answers to IP addresses, to localhost and to names it was told, so that no "
            "foreign page can reach it under a name of its own.\n"
            "<p>To add this name, write <code>allow_host = %.*s</code> into "
            "<code>binnacle.conf</code> in the data folder, or start the server with "
            "<code>--allow-host %.*s</code>.\n",
            BN_ARG(name), BN_ARG(name), BN_ARG(name));
    bn_reply(req, 421, "text/html; charset=utf-8", bn_buf_str(&page));
}

void bn_reply_bad(struct bn_conn *conn, int status, const struct bn_err *err)
{
    struct bn_answering a = {.conn = conn, .req.is_secure = bn_stream_is_tls(conn->stream)};
    bn_buf_init(&a.fields, 64);
    if (err->code == BN_E_UNAVAILABLE || err->code == BN_E_TOO_MANY)
        bn_http_put_field(&a.fields, "Retry-After", BN_STR("2"));
    conn->must_close = true;
    BN_BUF_AUTO body;
    bn_buf_init(&body, 4096);
    write_err(&body, err, "", "-");
    BN_BUF_AUTO head;
    bn_buf_init(&head, HEAD_BYTES_MAX);
    bn_reply_head(&a, status ? status : bn_code_status(err->code),
            "application/json; charset=utf-8", (int64_t)body.len, &head);
    bn_stream_put(conn->stream, head.p, head.len);
    bn_stream_put(conn->stream, body.p, body.len);
    bn_buf_finish(&a.fields);
}

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"

#include "io/fetch_private.h"

#define MS_NS 1000000

/* --- the end --------------------------------------------------------------------------------- */

static double ms_between(int64_t from_ns, int64_t to_ns)
{
    return from_ns && to_ns ? (double)(to_ns - from_ns) / MS_NS : NAN;
}

static void measure(struct bn_fetch_call *call)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    answer->is_kept = call->is_kept;
    answer->wait_ms = ms_between(call->sent_ns, call->first_ns);
    answer->total_ms = ms_between(call->begun_ns, bn_clock_mono_ns());
}

static void free_call(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct bn_fetch_call, timer));
}

/* No secret outlives the call: what is not sent by now never will be. */
static void wipe_request(struct bn_fetch_call *call)
{
    if (call->request)
        bn_wipe(call->request->p, call->request->len);
    bn_bytes_unref(call->request);
    bn_wipe(call->job->request.authorization, sizeof call->job->request.authorization);
}

static void end(struct bn_fetch_call *call, bool may_keep)
{
    struct bn_fetch *fetch = call->fetch;
    struct bn_fetch_job *job = call->job;
    struct bn_fetch_host *host = call->host;
    measure(call);
    bn_fetch_conn_leave(call, may_keep);
    wipe_request(call);
    bn_http_answer_finish(&call->http);
    bn_gunzip_finish(&call->gunzip);
    fetch->body_bytes -= job->answer.body.len;
    fetch->running_count--;
    bn_list_remove(&job->link);
    job->call = NULL;
    uv_close((uv_handle_t *)&call->timer, free_call);
    bn_fetch_answered(fetch, job);
    bn_fetch_conn_next(host, fetch);
}

void bn_fetch_call_fail(struct bn_fetch_call *call, enum bn_fetch_fault fault,
        enum bn_fetch_phase phase, const char *text)
{
    struct bn_fetch_answer *answer = &call->job->answer;
    answer->fault = fault;
    answer->phase = phase;
    bn_text_clip(answer->text, sizeof answer->text, bn_str(text));
    end(call, false);
}

void bn_fetch_call_cancel(struct bn_fetch_call *call)
{
    bn_fetch_call_fail(call, BN_FETCH_CANCELLED, BN_PHASE_DNS, "Binnacle is stopping");
}

static enum bn_fetch_phase phase_of(const struct bn_fetch_call *call)
{
    return call->first_ns ? BN_PHASE_BODY : BN_PHASE_ANSWER;
}

static void on_timer(uv_timer_t *timer)
{
    struct bn_fetch_call *call = container_of(timer, struct bn_fetch_call, timer);
    char text[120];
    bn_loop_note_time(timer->loop);
    const int64_t now_ns = bn_clock_mono_ns();
    const double took_ms = (double)(now_ns - call->begun_ns) / MS_NS;
    if (took_ms < (double)call->job->request.total_ms) {
        uv_timer_start(timer, on_timer, 1, 0); /* a little too early */
        return;
    }
    if (!call->conn) {
        snprintf(text, sizeof text,
                "timed out after %.1f s in waiting for earlier requests to that host",
                took_ms / 1000);
        bn_fetch_call_fail(call, BN_FETCH_TIMEOUT, BN_PHASE_DNS, text);
        return;
    }
    bn_fetch_timeout_text(text, sizeof text, phase_of(call), took_ms);
    bn_fetch_call_fail(call, BN_FETCH_TIMEOUT, phase_of(call), text);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void fail_too_big(struct bn_fetch_call *call)
{
    char text[120];
    if (bn_buf_ok(&call->job->answer.body))
        snprintf(text, sizeof text, "%s", "the answer is larger than what may be held at once");
    else
        snprintf(text, sizeof text, "the answer is larger than %zu KiB",
                call->job->request.answer_max >> 10);
    bn_fetch_call_fail(call, BN_FETCH_TOO_BIG, BN_PHASE_BODY, text);
}

static void fail_bad(struct bn_fetch_call *call, const struct bn_err *err)
{
    char text[BN_ERR_TEXT_MAX];
    const bool has_head = call->job->answer.status != 0;
    if (err->code == BN_E_TOO_BIG) {
        snprintf(text, sizeof text, "the answer is larger than what is read of one: %.120s",
                err->text);
        bn_fetch_call_fail(call, BN_FETCH_TOO_BIG, BN_PHASE_BODY, text);
        return;
    }
    if (has_head)
        snprintf(text, sizeof text, "the answer is broken: %.150s", err->text);
    else
        snprintf(text, sizeof text, "what came is no HTTP answer: %.150s", err->text);
    bn_fetch_call_fail(call, BN_FETCH_PROTOCOL, has_head ? BN_PHASE_BODY : BN_PHASE_ANSWER, text);
}

/* False: it cannot be read, and the call is over. */
static bool read_head(struct bn_fetch_call *call)
{
    const struct bn_http_answer_head *head = call->http.head;
    struct bn_fetch_answer *answer = &call->job->answer;
    const struct bn_str type = bn_http_answer_find(head, "Content-Type");
    const struct bn_str coding = bn_http_answer_find(head, "Content-Encoding");
    char text[BN_ERR_TEXT_MAX];
    answer->status = head->status;
    bn_text_clip(answer->reason, sizeof answer->reason, head->reason);
    bn_text_clip(answer->type, sizeof answer->type, type.p ? type : BN_STR(""));
    if (head->status == 101) {
        bn_fetch_call_fail(call, BN_FETCH_PROTOCOL, BN_PHASE_BODY,
                "the answer changes to a protocol nobody asked for");
        return false;
    }
    call->is_gzip = bn_str_is_nocase(coding, "gzip") || bn_str_is_nocase(coding, "x-gzip");
    if (call->is_gzip || coding.len == 0 || bn_str_is_nocase(coding, "identity"))
        return true;
    snprintf(text, sizeof text, "the answer is compressed in a way nobody asked for: %.*s",
            (int)BN_MIN(coding.len, 40), coding.p);
    bn_fetch_call_fail(call, BN_FETCH_PROTOCOL, BN_PHASE_BODY, text);
    return false;
}

static bool read_body(struct bn_fetch_call *call)
{
    struct bn_fetch *fetch = call->fetch;
    struct bn_buf *body = &call->job->answer.body;
    const struct bn_str piece = call->http.body;
    const size_t before = body->len;
    struct bn_err err;
    bool is_ok = true;
    if (call->is_gzip)
        is_ok = bn_gunzip_put(&call->gunzip, piece.p, piece.len, body, &err);
    else if (fetch->body_bytes + piece.len <= fetch->config.bodies_max)
        bn_buf_put(body, piece.p, piece.len);
    else {
        fail_too_big(call);
        return false;
    }
    fetch->body_bytes += body->len - before;
    if (!bn_buf_ok(body) || fetch->body_bytes > fetch->config.bodies_max)
        fail_too_big(call);
    else if (!is_ok)
        fail_bad(call, &err);
    else
        return true;
    return false;
}

/* Whole; what follows it on the connection was not asked for. */
static void read_end(struct bn_fetch_call *call, bool is_alone)
{
    struct bn_err err;
    if (call->is_gzip && !bn_gunzip_end(&call->gunzip, &err)) {
        fail_bad(call, &err);
        return;
    }
    call->job->answer.fault = BN_FETCH_NONE;
    end(call, is_alone && call->http.head->keep_alive && bn_stream_queued(call->conn->stream) == 0);
}

void bn_fetch_call_data(struct bn_fetch_call *call, const char *p, size_t len)
{
    if (!call->first_ns)
        call->first_ns = bn_clock_mono_ns();
    for (;;) {
        enum bn_http_event event;
        const size_t used = bn_http_answer_parse(&call->http, p, len, &event);
        p += used;
        len -= used;
        switch (event) {
        case BN_HTTP_MORE: return;
        case BN_HTTP_HEAD:
            if (!read_head(call))
                return;
            break;
        case BN_HTTP_BODY:
            if (!read_body(call))
                return;
            break;
        case BN_HTTP_DONE: read_end(call, len == 0); return;
        default: fail_bad(call, &call->http.err); return;
        }
    }
}

/* A kept connection may have died while nobody looked: a question is asked once more on a new one
   (PVE-API 13.10). */
static bool asks_again(struct bn_fetch_call *call)
{
    if (!call->is_kept || call->first_ns)
        return false;
    call->may_use_kept = call->is_kept = false;
    call->sent_ns = 0;
    bn_fetch_conn_leave(call, false);
    bn_fetch_conn_want(call);
    return true;
}

void bn_fetch_call_ended(struct bn_fetch_call *call)
{
    if (asks_again(call))
        return;
    if (!call->first_ns)
        bn_fetch_call_fail(call, BN_FETCH_RESET, BN_PHASE_ANSWER,
                "closed the connection without an answer");
    else if (bn_http_answer_end(&call->http) == BN_HTTP_DONE)
        read_end(call, false);
    else
        bn_fetch_call_fail(call, BN_FETCH_PROTOCOL,
                call->job->answer.status ? BN_PHASE_BODY : BN_PHASE_ANSWER, call->http.err.text);
}

void bn_fetch_call_broke(struct bn_fetch_call *call)
{
    if (!asks_again(call))
        bn_fetch_call_fail(call, BN_FETCH_RESET, phase_of(call), "the connection broke");
}

/* --- the request ----------------------------------------------------------------------------- */

#define HEAD_SIZE 2400 /* the texts of bn_fetch_request, and what is between them */

static int write_head(const struct bn_fetch_request *request, bool has_body, char out[HEAD_SIZE])
{
    const bool is_v6 = strchr(request->host, ':') != NULL;
    const bool has_secret = request->authorization[0] != '\0';
    const bool has_type = has_body && request->body_type[0] != '\0';
    char port[16] = "";
    char length[48] = "";
    if (request->port != (request->is_plain ? 80 : 443))
        snprintf(port, sizeof port, ":%d", request->port);
    if (has_body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", request->body.len);
    return snprintf(out, HEAD_SIZE,
            "%s %s HTTP/1.1\r\nHost: %s%s%s%s\r\n%s%s%sUser-Agent: Binnacle/" BN_VERSION
            "\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n%s%s%s%s\r\n",
            request->method, request->path, is_v6 ? "[" : "", request->host, is_v6 ? "]" : "", port,
            has_secret ? "Authorization: " : "", request->authorization, has_secret ? "\r\n" : "",
            has_type ? "Content-Type: " : "", has_type ? request->body_type : "",
            has_type ? "\r\n" : "", length);
}

static struct bn_bytes *write_request(const struct bn_fetch_request *request)
{
    char head[HEAD_SIZE];
    const bool has_body = strcmp(request->method, "GET") != 0 &&
                          strcmp(request->method, "DELETE") != 0;
    const size_t len = (size_t)write_head(request, has_body, head);
    const size_t body = has_body ? request->body.len : 0;
    struct bn_bytes *bytes = bn_bytes_create(NULL, len + body);
    memcpy(bytes->p, head, len);
    if (body > 0)
        memcpy(bytes->p + len, request->body.p, body);
    bn_wipe(head, sizeof head);
    return bytes;
}

static void set_timer(struct bn_fetch_call *call)
{
    const int64_t spent_ms = (bn_clock_mono_ns() - call->begun_ns) / MS_NS;
    const int64_t left_ms = BN_MAX(call->job->request.total_ms - spent_ms, 0);
    uv_timer_start(&call->timer, on_timer, (uint64_t)left_ms, 0);
}

void bn_fetch_call_send(struct bn_fetch_call *call)
{
    set_timer(call);
    call->sent_ns = bn_clock_mono_ns();
    bn_stream_put_bytes(call->conn->stream, call->request, 0, call->request->len);
    bn_stream_flush(call->conn->stream);
}

void bn_fetch_call_start(struct bn_fetch *fetch, struct bn_fetch_job *job)
{
    struct bn_fetch_answer *answer = &job->answer;
    struct bn_fetch_call *call = bn_alloc(sizeof *call);
    const struct bn_dial_to to = {.host = job->request.host,
            .port = job->request.port,
            .is_plain = job->request.is_plain,
            .peer = &job->peer};
    call->fetch = fetch;
    call->job = job;
    call->begun_ns = bn_clock_mono_ns();
    call->may_use_kept = strcmp(job->request.method, "GET") == 0 && !job->request.is_fresh;
    call->request = write_request(&job->request);
    bn_list_init(&call->link);
    bn_http_answer_init(&call->http);
    bn_gunzip_init(&call->gunzip);
    bn_dial_key(&to, call->key);
    uv_timer_init(bn_loop_uv(fetch->own), &call->timer);
    answer->dns_ms = answer->tcp_ms = answer->tls_ms = NAN;
    job->call = call;
    bn_list_append(&fetch->running, &job->link);
    fetch->running_count++;
    set_timer(call);
    bn_fetch_conn_want(call);
}

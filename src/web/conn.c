#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"

#include "web/console.h"
#include "web/crowd.h"
#include "web/setup_code.h"
#include "web/socketio.h"
#include "web/web_private.h"

#define ARENA_BYTES_MAX (1 << 20) /* per request: decoded paths and queries, what handlers copy */
#define DISCARD_MAX     (64 << 10) /* of a refused body is read past; beyond, the connection closes */

/* --- one request
 * ----------------------------------------------------------------------------------- */

static struct bn_answering *request_create(struct bn_conn *conn)
{
    struct bn_web *web = conn->web;
    struct bn_answering *a = bn_alloc(sizeof *a);
    a->conn = conn;
    bn_arena_init(&a->arena, ARENA_BYTES_MAX);
    bn_buf_init(&a->fields, 4096);
    bn_buf_init(&a->body, BN_BODY_BYTES_MAX);
    bn_list_init(&a->poll_link);
    a->begun_ns = bn_clock_mono_ns();
    a->req.web = web;
    a->req.ticket = ++web->next_ticket;
    a->req.head = conn->http->head;
    a->req.arena = &a->arena;
    bn_random_code(a->req.id, sizeof a->req.id - 1);
    HASH_ADD(hh, web->requests, req.ticket, sizeof a->req.ticket, a);
    web->stats.requests++;
    return a;
}

static void request_destroy(struct bn_answering *a)
{
    HASH_DELETE(hh, a->conn->web->requests, a);
    bn_socketio_request_gone(a);
    if (a->poll_topic)
        a->conn->web->poll_count--;
    bn_list_remove(&a->poll_link);
    bn_arena_finish(&a->arena);
    if (a->body.p)
        bn_wipe(a->body.p, a->body.len); /* passwords and tokens come in bodies */
    bn_buf_finish(&a->body);
    bn_buf_finish(&a->fields);
    free(a);
}

struct bn_request *bn_request_find(struct bn_web *web, uint64_t ticket)
{
    struct bn_answering *a = NULL;
    HASH_FIND(hh, web->requests, &ticket, sizeof ticket, a);
    return a ? &a->req : NULL;
}

static void refuse(struct bn_answering *a, const struct bn_err *err)
{
    if (a->refused)
        return;
    a->refused = true;
    a->refusal = *err;
}

static bool strip_base(const struct bn_web *web, struct bn_str *path)
{
    size_t len = strlen(web->config.base_path);
    if (len == 0)
        return true;
    if (path->len < len || memcmp(path->p, web->config.base_path, len) != 0 ||
            (path->len > len && path->p[len] != '/'))
        return false;
    *path = path->len > len ? (struct bn_str){path->p + len, path->len - len} : BN_STR("/");
    return true;
}

static bool identify(struct bn_request *req, struct bn_err *err)
{
    return bn_sessions_identify(req->web->config.sessions, req->head, req->is_secure, req->address,
            &req->who, err);
}

/* The method is not one of the place's. */
static bool fail_method(struct bn_answering *a, const char *allowed, struct bn_err *err)
{
    bn_reply_field(&a->req, "Allow", allowed);
    a->refusal_status = 405;
    return bn_fail(err, BN_E_INVALID, "%.*s is not possible here, only %s",
            BN_ARG(a->req.head->method), allowed);
}

/* A route, or a file of the page, or a refusal. */
static bool find_route(struct bn_answering *a, struct bn_err *err)
{
    struct bn_request *req = &a->req;
    struct bn_web *web = req->web;
    struct bn_str path = req->head->path;
    if (!strip_base(web, &path))
        return bn_fail(err, BN_E_NOT_FOUND, "nothing here: this server lives under %s/",
                web->config.base_path);
    struct bn_str segments[BN_HTTP_SEGMENTS_MAX];
    size_t count;
    char *scratch = bn_arena_take(req->arena, path.len + 1);
    char *query_scratch = bn_arena_take(req->arena, req->head->query.len + 1);
    if (!bn_http_split_path(path, scratch, path.len + 1, segments, &count, err) ||
            !bn_http_split_query(req->head->query, query_scratch, req->head->query.len + 1,
                    req->query, &req->query_count, err))
        return false;
    char allowed[64];
    req->route = bn_web_route(web, req->head->method, segments, count, req->params, allowed);
    if (req->route)
        return true;
    if (allowed[0])
        return fail_method(a, allowed, err);
    a->page_path = bn_assets_find(req, path);
    if (!a->page_path.p && bn_str_starts(path, "/api/") && !identify(req, err))
        return false; /* strangers do not learn what there is */
    if (!a->page_path.p)
        return bn_fail(err, BN_E_NOT_FOUND, "there is no %.*s", BN_ARG(path));
    bool reads = !bn_guard_is_unsafe(req->head->method);
    return reads || fail_method(a, "GET, HEAD", err);
}

/* Login, right, origin: in this order, so that who may not come in learns nothing else. */
static bool check_asker(struct bn_answering *a, struct bn_err *err)
{
    struct bn_request *req = &a->req;
    const struct bn_route *route = req->route;
    bool unsafe = bn_guard_is_unsafe(req->head->method) || req->head->wants_upgrade;
    if (route->right == BN_RIGHT_NONE) {
        if (unsafe && !route->judges_origin && bn_guard_is_foreign(req->head, req->is_secure))
            return bn_fail(err, BN_E_FORBIDDEN, "this request comes from a page of another site");
        return true;
    }
    if (!identify(req, err))
        return false;
    if (unsafe && req->who.kind == BN_WHO_USER && !bn_guard_origin(req->head, req->is_secure))
        return bn_fail(err, BN_E_FORBIDDEN, "this request needs an Origin header of this site");
    if (!bn_who_may(&req->who, route->right))
        return bn_fail(err, BN_E_FORBIDDEN, "%s may not do this", req->who.name);
    return true;
}

/* "application/json; charset=utf-8" is application/json; "application/jsonp" is not. wanted: one,
   or several with commas between them. */
static bool is_type(struct bn_str type, struct bn_str wanted)
{
    const struct bn_str name = bn_str_trim(bn_str_cut(&type, ';'));
    char text[64];
    if (name.len == 0 || !bn_text_copy(text, sizeof text, name))
        return false;
    while (wanted.p)
        if (bn_str_is_nocase(bn_str_trim(bn_str_cut(&wanted, ',')), text))
            return true;
    return false;
}

static bool check_body(const struct bn_request *req, struct bn_err *err)
{
    int64_t bytes = req->head->body_bytes;
    if (bytes != 0 && (!req->route || req->route->body_max == 0))
        return bn_fail(err, BN_E_INVALID, "no body is expected here");
    if (bytes == 0)
        return true;
    if (bytes > (int64_t)req->route->body_max)
        return bn_fail(err, BN_E_TOO_BIG, "the body may have at most %zu bytes, this one has %lld",
                req->route->body_max, (long long)bytes);
    const char *wanted = req->route->body_type ? req->route->body_type : "application/json";
    if (strcmp(wanted, "*") == 0)
        return true;
    struct bn_str type = bn_http_find(req->head, "Content-Type");
    if (!is_type(type, bn_str(wanted)))
        return bn_fail_field(err, "Content-Type", "send Content-Type: %s", wanted);
    return true;
}

/* Names of the settings, the one used at set-up, and any while set-up waits for its code. */
static bool host_is_known(const struct bn_web *web, struct bn_str host)
{
    if (bn_guard_host(&web->config, host))
        return true;
    const struct bn_tenant *tenant = bn_live_get(&web->config.hub->live, BN_TENANT_DEFAULT,
            BN_KIND_TENANT, BN_TENANT_DEFAULT);
    if (tenant && tenant->host[0] && bn_str_is_nocase(bn_guard_host_name(host), tenant->host))
        return true;
    return bn_setup_code_is_open(bn_sessions_dir(web->config.sessions));
}

static void head_came(struct bn_conn *conn)
{
    struct bn_answering *a = request_create(conn);
    struct bn_request *req = &a->req;
    struct bn_err err = {0};
    conn->request = a;
    conn->is_first = false;
    conn->body_seen = conn->body_judged = 0;
    conn->since_mono_ms = conn->web->config.clock->mono_ms;
    a->wants_head_only = bn_str_is(req->head->method, "HEAD");
    a->req.address = bn_stream_address(a->conn->stream);
    a->req.is_secure = bn_stream_is_tls(a->conn->stream);
    bn_guard_client(&a->conn->web->config, &a->req);
    if (!host_is_known(conn->web, req->head->host)) {
        a->refusal_status = 421;
        bn_fail(&err, BN_E_FORBIDDEN,
                "this server does not know the name \"%.*s\": add it with --allow-host",
                BN_ARG(req->head->host));
        refuse(a, &err);
    } else if (!find_route(a, &err) || (req->route && !check_asker(a, &err)) ||
               !check_body(req, &err)) {
        refuse(a, &err);
    }
    if (a->refused && req->head->body_bytes != 0 &&
            (req->head->expects_continue || req->head->body_bytes < 0 ||
                    req->head->body_bytes > DISCARD_MAX)) {
        bn_reply_err(req, &a->refusal); /* not worth reading: answer now, then close */
    } else if (!a->refused && req->head->expects_continue) {
        bn_stream_put(conn->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        bn_conn_dirty(conn);
    }
}

static void body_came(struct bn_conn *conn)
{
    struct bn_answering *a = conn->request;
    conn->body_seen += conn->http->body.len;
    if (!a || a->refused)
        return;
    const uint64_t left = a->req.route->body_max - a->body.len; /* what may still come */
    if (conn->http->body.len > left ||
            bn_http_announced(conn->http) > left - conn->http->body.len) {
        struct bn_err err;
        bn_fail(&err, BN_E_TOO_BIG, "the body may have at most %zu bytes", a->req.route->body_max);
        refuse(a, &err);
        bn_reply_err(&a->req, &err);
        return;
    }
    bn_buf_put(&a->body, conn->http->body.p, conn->http->body.len);
}

/* A person who came by an unknown name gets a page that says what to do. */
static void answer_refusal(struct bn_answering *a)
{
    struct bn_str accepts = bn_http_find(a->req.head, "Accept");
    if (a->refusal_status == 421 && accepts.p && memmem(accepts.p, accepts.len, "text/html", 9))
        bn_reply_stranger(&a->req);
    else
        bn_reply_err(&a->req, &a->refusal);
}

static void request_came(struct bn_conn *conn)
{
    struct bn_answering *a = conn->request;
    assert(a); /* its head came first */
    a->is_done = true;
    a->in_handler = true;
    a->req.body = bn_buf_str(&a->body);
    if (a->refused)
        answer_refusal(a);
    else if (a->req.route)
        a->req.route->handler(&a->req);
    else
        bn_assets_serve(&a->req, a->page_path);
    if (conn->request == a)
        a->in_handler = false;
}

/* --- one connection
 * --------------------------------------------------------------------------------- */

void bn_conn_dirty(struct bn_conn *conn)
{
    if (bn_list_is_empty(&conn->dirty_link))
        bn_list_append(&conn->web->dirty, &conn->dirty_link);
}

/* A listener never asks again: its parser's memory goes (a quarter of what it costs). */
static void drop_parser(struct bn_conn *conn)
{
    if (!conn->http)
        return;
    bn_http_finish(conn->http);
    free(conn->http);
    conn->http = NULL;
}

/* What comes is of another protocol than HTTP. */
static bool is_upgraded(const struct bn_conn *conn)
{
    return conn->live || conn->console || conn->socketio;
}

static void forget_request(struct bn_conn *conn)
{
    request_destroy(conn->request);
    conn->request = NULL;
    conn->since_mono_ms = conn->web->config.clock->mono_ms;
    if (is_upgraded(conn))
        drop_parser(conn);
    else
        bn_http_next(conn->http);
}

/* Called by the reply: forgets the request, or leaves that to conn_data further up the stack. */
void bn_conn_answered(struct bn_conn *conn)
{
    bn_conn_dirty(conn);
    if (conn->request->in_handler || !conn->request->is_done)
        return;
    forget_request(conn);
    if (!conn->must_close)
        bn_stream_resume(conn->stream);
}

static void bad_request(struct bn_conn *conn)
{
    if (conn->request && !conn->request->has_answer) {
        refuse(conn->request, &conn->http->err);
        bn_reply_err(&conn->request->req, &conn->http->err);
    } else if (!conn->request) {
        bn_reply_bad(conn, 0, &conn->http->err);
    }
    conn->must_close = true;
    bn_conn_dirty(conn);
}

/* Feeds the parser. Stops while a request waits for its answer: pipelined ones stay with the
 * stream. */
static size_t http_data(struct bn_conn *conn, const char *p, size_t len)
{
    size_t used = 0;
    enum bn_http_event event = BN_HTTP_BODY;
    if (!bn_http_is_busy(conn->http))
        conn->since_mono_ms = conn->web->config.clock->mono_ms;
    while (!conn->must_close && !is_upgraded(conn) && (used < len || event != BN_HTTP_MORE)) {
        used += bn_http_parse(conn->http, p + used, len - used, &event);
        if (event == BN_HTTP_MORE)
            break;
        if (event == BN_HTTP_BAD)
            bad_request(conn);
        else if (event == BN_HTTP_HEAD)
            head_came(conn);
        else if (event == BN_HTTP_BODY)
            body_came(conn);
        if (event != BN_HTTP_DONE)
            continue;
        request_came(conn);
        if (is_upgraded(conn)) {
            forget_request(conn);
            break; /* what follows is of another protocol */
        }
        if (!conn->request->has_answer)
            return used; /* pipelined requests stay with the stream until then */
        forget_request(conn);
        event = BN_HTTP_MORE;
        if (bn_stream_queued(conn->stream) > BN_OUTBOX_BYTES_MAX)
            return used; /* a client that asks and does not read: the rest waits */
    }
    return conn->must_close ? len : used;
}

static size_t conn_data(void *user, const char *p, size_t len)
{
    struct bn_conn *conn = user;
    size_t used = 0;
    if (!is_upgraded(conn)) {
        bool reads_nothing = bn_stream_queued(conn->stream) > BN_OUTBOX_BYTES_MAX;
        if (reads_nothing || (conn->request && conn->request->is_done))
            return 0; /* the stream keeps it until the answer, or what is queued, has gone */
        used = http_data(conn, p, len);
    }
    if (conn->live && used < len)
        used += bn_live_data(conn->live, p + used, len - used);
    if (conn->console && used < len)
        used += bn_console_data(conn->console, p + used, len - used);
    if (conn->socketio && used < len)
        used += bn_socketio_data(conn->socketio, p + used, len - used);
    return used;
}

void bn_conn_drained(struct bn_conn *conn)
{
    if (conn->live)
        bn_live_drained(conn->live);
    else if (conn->console)
        bn_console_drained(conn->console);
    else if (conn->socketio)
        bn_socketio_drained(conn->socketio);
    else if (!conn->request && !conn->must_close)
        bn_stream_resume(conn->stream);
}

static void conn_drained(void *user)
{
    bn_conn_drained(user);
}

/* Who has asked and shut its side waits for the answer, as far as we can see: `nc -N`, HTTP/1.0
   tools. One that waits for a change is answered with what there is, for it may as well be gone,
   and that shows with the first byte sent. Listeners have nothing to wait for: they are gone. */
static bool conn_ended(void *user)
{
    struct bn_conn *conn = user;
    struct bn_answering *a = conn->request;
    if (is_upgraded(conn) || !a || !a->is_done || a->held)
        return false;
    conn->must_close = conn->is_owed = true;
    conn->since_mono_ms = conn->web->config.clock->mono_ms;
    if (a->poll_topic)
        bn_live_state_hurry(a);
    return true;
}

static void conn_closed(void *user, const struct bn_err *err)
{
    (void)err; /* people leave; that is not news */
    struct bn_conn *conn = user;
    if (conn->live)
        bn_live_closed(conn->live);
    if (conn->console)
        bn_console_left(conn->console);
    if (conn->socketio)
        bn_socketio_left(conn->socketio);
    if (conn->request)
        request_destroy(conn->request);
    struct bn_addr addr;
    if (conn->is_counted && bn_addr_parse(bn_str(bn_stream_address(conn->stream)), &addr))
        bn_crowd_remove(conn->web->crowd, &addr);
    drop_parser(conn);
    bn_list_remove(&conn->link);
    bn_list_remove(&conn->dirty_link);
    conn->web->stats.connections--;
    conn->web->stats.sent_bytes += bn_stream_sent(conn->stream);
    free(conn);
}

static const struct bn_stream_ops conn_ops = {conn_data, conn_drained, conn_ended, conn_closed};

/* Is there room for one more, and for one more of that address? Proxies are many people. */
static bool has_room(struct bn_conn *conn, struct bn_err *err)
{
    struct bn_web *web = conn->web;
    const char *address = bn_stream_address(conn->stream);
    struct bn_addr addr;
    if (web->stats.connections > web->config.connections_max)
        return bn_fail(err, BN_E_UNAVAILABLE, "all %lld connections are in use",
                (long long)web->config.connections_max);
    if (!bn_addr_parse(bn_str(address), &addr) || bn_addr_is_loopback(&addr) ||
            bn_guard_is_proxy(&web->config, address))
        return true;
    conn->is_counted = true;
    return bn_crowd_add(web->crowd, &addr) <= BN_CONNECTIONS_PER_IP_MAX ||
           bn_fail(err, BN_E_TOO_MANY, "%s has %d connections already", address,
                   BN_CONNECTIONS_PER_IP_MAX);
}

void bn_conn_accepted(void *user, struct bn_stream *stream)
{
    struct bn_web *web = user;
    struct bn_err err;
    struct bn_conn *conn = bn_alloc(sizeof *conn);
    conn->web = web;
    conn->stream = stream;
    conn->is_first = true;
    conn->since_mono_ms = web->config.clock->mono_ms;
    conn->http = bn_alloc(sizeof *conn->http);
    bn_http_init(conn->http);
    bn_list_init(&conn->dirty_link);
    bn_list_append(&web->conns, &conn->link);
    web->stats.connections++;
    bn_stream_set(stream, &conn_ops, conn);
    if (has_room(conn, &err))
        return;
    web->tally.rejected[conn->is_counted ? BN_REJECT_ADDRESS : BN_REJECT_CONNECTIONS]++;
    bn_reply_bad(conn, 0, &err);
    bn_conn_dirty(conn);
}

/* Judged anew each time: most of a body sent at once buys no right to hold back the rest. */
static bool is_slow_body(struct bn_conn *conn, int64_t mono_ms)
{
    int64_t waited_ms = mono_ms - conn->since_mono_ms;
    if (waited_ms <= BN_BODY_GRACE_MS)
        return false;
    if (conn->body_seen - conn->body_judged < (uint64_t)waited_ms * BN_BODY_MIN_BPS / 1000)
        return true;
    conn->body_judged = conn->body_seen;
    conn->since_mono_ms = mono_ms;
    return false;
}

/* Slow on purpose or dead: what is waited for has a deadline (SECURITY T03). */
static const char *overdue(struct bn_conn *conn, int64_t mono_ms)
{
    int64_t waited_ms = mono_ms - conn->since_mono_ms;
    if (bn_stream_stalled_ms(conn->stream, mono_ms) >
            (conn->console ? BN_CONSOLE_STALL_MS : BN_WRITE_STALL_MS))
        return "reader";
    if (conn->must_close && !conn->request)
        return NULL; /* on its way out: the stream sees to that */
    if (conn->is_owed)
        return waited_ms > BN_OWED_MS ? "owed" : NULL;
    if (is_upgraded(conn) || (conn->request && conn->request->is_done))
        return NULL;
    if (bn_stream_is_handshaking(conn->stream))
        return waited_ms > BN_HANDSHAKE_TIMEOUT_MS ? "handshake" : NULL;
    if (conn->request)
        return is_slow_body(conn, mono_ms) ? "body" : NULL;
    if (bn_http_is_busy(conn->http) || conn->is_first)
        return waited_ms > BN_HEAD_TIMEOUT_MS ? "head" : NULL;
    return waited_ms > BN_IDLE_TIMEOUT_MS ? "idle" : NULL;
}

/* 408 (RFC 9110 section 15.5.9): the code's own 504 would say that somebody behind us was late.
   False: there is nothing to answer, or it has been answered. */
static bool say_too_late(struct bn_conn *conn)
{
    struct bn_answering *a = conn->request;
    struct bn_err err;
    if (a ? a->has_answer : !bn_http_is_busy(conn->http))
        return false;
    if (a) {
        bn_fail(&err, BN_E_TIMEOUT, "the request body came slower than %d bytes a second",
                BN_BODY_MIN_BPS);
        a->refusal_status = 408;
        bn_reply_err(&a->req, &err);
    } else {
        bn_fail(&err, BN_E_TIMEOUT, "the request head took longer than %d s",
                BN_HEAD_TIMEOUT_MS / 1000);
        bn_reply_bad(conn, 408, &err);
    }
    bn_conn_dirty(conn);
    return true;
}

void bn_conn_tick(struct bn_web *web, int64_t mono_ms)
{
    bn_list_each_safe(it, tmp, &web->conns) {
        struct bn_conn *conn = container_of(it, struct bn_conn, link);
        const char *why = overdue(conn, mono_ms);
        if (!why)
            continue;
        if (strcmp(why, "reader") == 0)
            web->stats.slow_closed++;
        bool asks = strcmp(why, "head") == 0 || strcmp(why, "body") == 0;
        if (!asks || !say_too_late(conn))
            bn_stream_abort(conn->stream);
    }
}

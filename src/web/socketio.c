#include "web/socketio.h"

#include <stdlib.h>
#include <string.h>

#include "model/limits.h"
#include "web/socketio_work.h"
#include "web/upgrade.h"

/* A WebSocket of a session, or of none any more. */
struct bn_socketio_pipe {
    struct bn_conn *conn;
    struct bn_eio_session *session;
    struct bn_ws ws;
};

static void put_cors(struct bn_request *req)
{
    struct bn_str origin = bn_http_find(req->head, "Origin");
    char *text = origin.p ? bn_arena_copy(req->arena, origin) : NULL;
    if (!text || bn_guard_origin(req->head, req->is_secure))
        return;
    bn_reply_field(req, "Access-Control-Allow-Origin", text);
    bn_reply_field(req, "Vary", "Origin");
}

static void reply_refusal(struct bn_request *req, const struct bn_eio_refusal *refusal)
{
    BN_BUF_AUTO body;
    bn_buf_init(&body, 400);
    bn_eio_put_refusal(&body, refusal);
    if (refusal->status == 403)
        req->web->stats.denied++;
    bn_reply(req, refusal->status, "application/json", bn_buf_str(&body));
}

/* --- what the sessions ask for ---------------------------------------------------------------- */

static void host_answer(void *poll, struct bn_str body)
{
    struct bn_answering *a = poll;
    a->held = NULL;
    put_cors(&a->req);
    bn_reply(&a->req, 200, "text/plain; charset=UTF-8", body);
}

/* A POST is whole when it comes here: none is ever under way. */
static void host_cut(void *post)
{
    (void)post;
}

static void send_frame(struct bn_conn *conn, enum bn_ws_op op, const void *p, size_t len)
{
    uint8_t header[BN_WS_HEADER_MAX];
    bn_stream_put(conn->stream, header, bn_ws_header(header, op, false, len, NULL));
    bn_stream_put(conn->stream, p, len);
    bn_conn_dirty(conn);
}

static void host_send(void *socket, struct bn_bytes *bytes, bool is_binary)
{
    struct bn_conn *conn = ((struct bn_socketio_pipe *)socket)->conn;
    uint8_t header[BN_WS_HEADER_MAX];
    const enum bn_ws_op op = is_binary ? BN_WS_BINARY : BN_WS_TEXT;
    bn_stream_put(conn->stream, header, bn_ws_header(header, op, false, bytes->len, NULL));
    bn_stream_put_bytes(conn->stream, bytes, 0, bytes->len);
    bn_conn_dirty(conn);
}

static void close_pipe(struct bn_socketio_pipe *pipe, int code, const char *why)
{
    uint8_t payload[125];
    struct bn_conn *conn = pipe->conn;
    if (conn->must_close)
        return;
    send_frame(conn, BN_WS_CLOSE, payload, bn_ws_close_payload(payload, code, why));
    conn->must_close = true;
}

/* Who takes nothing will not take a goodbye either. */
static void host_close(void *socket)
{
    struct bn_socketio_pipe *pipe = socket;
    pipe->session = NULL;
    if (bn_stream_queued(pipe->conn->stream) > BN_SIO_BACKLOG_BYTES)
        bn_stream_abort(pipe->conn->stream);
    else
        close_pipe(pipe, 1000, "");
}

static size_t host_queued(const void *socket)
{
    return bn_stream_queued(((const struct bn_socketio_pipe *)socket)->conn->stream);
}

static void host_forget(struct bn_eio_session *session)
{
    free(bn_eio_owner(session));
}

static const struct bn_eio_host host = {host_answer, host_cut, host_send, host_close, host_queued,
        host_forget};

/* --- who may come in -------------------------------------------------------------------------- */

/* Is it one of ours, or one that the settings name? Programs have none. */
static bool origin_may(const struct bn_request *req)
{
    const struct bn_web_config *config = &req->web->config;
    struct bn_str origin = bn_http_find(req->head, "Origin");
    if (!bn_guard_is_foreign(req->head, req->is_secure))
        return true;
    for (size_t i = 0; i < config->origin_count; i++)
        if (origin.p && bn_str_is_nocase(origin, config->origins[i]))
            return true;
    return false;
}

static size_t count_sessions(const struct bn_eio *eio,
        bool (*is_one)(const struct bn_socketio_owner *owner, const void *than), const void *than)
{
    size_t n = 0;
    struct bn_eio_session *session = NULL;
    while ((session = bn_eio_next_session(eio, session))) {
        const struct bn_socketio_owner *owner = bn_eio_owner(session);
        n += owner && is_one(owner, than);
    }
    return n;
}

static bool is_of_user(const struct bn_socketio_owner *owner, const void *than)
{
    const struct bn_who *who = than;
    return owner->who.kind == BN_WHO_USER && strcmp(owner->who.user_id, who->user_id) == 0 &&
           strcmp(owner->who.tenant, who->tenant) == 0;
}

static bool is_stranger(const struct bn_socketio_owner *owner, const void *than)
{
    (void)than;
    return !owner->is_known;
}

static bool is_stranger_from(const struct bn_socketio_owner *owner, const void *than)
{
    return !owner->is_known && strcmp(owner->address, than) == 0;
}

/* One address must not take the places of all others; what comes from here may be many. */
static bool address_is_full(const struct bn_request *req)
{
    struct bn_addr addr;
    if (!bn_addr_parse(bn_str(req->address), &addr) || bn_addr_is_loopback(&addr))
        return false;
    return count_sessions(req->web->socketio->eio, is_stranger_from, req->address) >=
           BN_SIO_STRANGERS_PER_IP_MAX;
}

/* Why no new session may begin, or NULL. */
static const char *forbidden(const struct bn_request *req, const struct bn_who *who)
{
    const struct bn_web *web = req->web;
    const struct bn_eio *eio = web->socketio->eio;
    if (web->draining)
        return "the server is shutting down";
    if ((int64_t)bn_eio_count(eio) + web->stats.listeners >= web->config.listeners_max)
        return "too many connections";
    if (who->kind == BN_WHO_USER && count_sessions(eio, is_of_user, who) >= BN_SIO_PER_USER_MAX)
        return "too many connections of one person";
    if (who->kind == BN_WHO_NOBODY &&
            (address_is_full(req) ||
                    count_sessions(eio, is_stranger, NULL) >= BN_SIO_STRANGERS_MAX))
        return "too many connections without a login";
    return NULL;
}

/* Has the login behind it ended, perhaps in this very turn? Then it still hears goodbye. */
static bool is_ending(const struct bn_web *web, const struct bn_eio_session *session)
{
    struct bn_who who = ((const struct bn_socketio_owner *)bn_eio_owner(session))->who;
    return bn_eio_is_leaving(session) || !bn_sessions_refresh(web->config.sessions, &who);
}

/* False: it is somebody else's, as far as the request says who asks. */
static bool is_owner(const struct bn_web *web, const struct bn_eio_session *session,
        const struct bn_who *who)
{
    const struct bn_socketio_owner *owner = bn_eio_owner(session);
    if (owner->who.kind == BN_WHO_NOBODY)
        return true;
    if (who->kind == BN_WHO_NOBODY)
        return is_ending(web, session);
    return owner->who.kind == who->kind && strcmp(owner->who.tenant, who->tenant) == 0 &&
           strcmp(owner->who.session_id, who->session_id) == 0 &&
           strcmp(owner->who.key_id, who->key_id) == 0;
}

static void identify(struct bn_request *req, struct bn_socketio_owner *out)
{
    struct bn_err err = {0};
    *out = (struct bn_socketio_owner){.since_mono_ms = req->web->config.clock->mono_ms};
    bn_text_clip(out->address, sizeof out->address, bn_str(req->address));
    out->is_known = bn_sessions_identify(req->web->config.sessions, req->head, req->is_secure,
            req->address, &out->who, &err);
    if (!out->is_known)
        bn_text_clip(out->refusal, sizeof out->refusal, bn_str(err.text));
}

static enum bn_eio_verdict judge(struct bn_request *req, const struct bn_socketio_owner *asker,
        struct bn_eio_session **out_session, struct bn_eio_refusal *out_refusal)
{
    const struct bn_eio_ask ask = {.method = req->head->method,
            .transport = bn_query(req, "transport", NULL),
            .sid = bn_query(req, "sid", NULL),
            .version = bn_query(req, "EIO", NULL),
            .origin = bn_http_find(req->head, "Origin"),
            .forbidden = bn_query(req, "sid", NULL).p ? NULL : forbidden(req, &asker->who),
            .is_upgrade = req->head->wants_upgrade};
    *out_session = NULL;
    const enum bn_eio_verdict verdict = bn_eio_judge(req->web->socketio->eio, &ask, out_session,
            out_refusal);
    if (verdict != BN_EIO_REFUSED && *out_session &&
            !is_owner(req->web, *out_session, &asker->who)) {
        *out_refusal = (struct bn_eio_refusal){400, 1, "Session ID unknown"};
        return BN_EIO_REFUSED;
    }
    return verdict;
}

/* --- requests --------------------------------------------------------------------------------- */

static struct bn_eio_session *open_session(struct bn_request *req, void *socket,
        const struct bn_socketio_owner *asker)
{
    struct bn_socketio_owner *owner = bn_alloc(sizeof *owner);
    struct bn_eio_session *session = bn_eio_open(req->web->socketio->eio, socket);
    *owner = *asker;
    bn_eio_set_owner(session, owner);
    return session;
}

static void hold(struct bn_request *req, struct bn_eio_session *session)
{
    struct bn_answering *a = container_of(req, struct bn_answering, req);
    a->held = session;
    if (bn_eio_poll(session, a))
        return;
    a->held = NULL;
    put_cors(req);
    reply_refusal(req, &bn_eio_bad_request);
}

static void take_post(struct bn_request *req, struct bn_eio_session *session)
{
    struct bn_str type = bn_http_find(req->head, "Content-Type");
    const bool is_octets = bn_str_is_nocase(bn_str_trim(bn_str_cut(&type, ';')),
            "application/octet-stream");
    bool is_good = bn_eio_post_begin(session, req);
    if (is_good && is_octets)
        bn_eio_post_gone(session, req);
    else if (is_good)
        is_good = bn_eio_post(session, req->body);
    if (is_good && !is_octets)
        bn_reply(req, 200, "text/html", BN_STR("ok"));
    else
        reply_refusal(req, &bn_eio_bad_request);
}

/* session NULL: a new one. */
static void take_socket(struct bn_request *req, struct bn_eio_session *session,
        const struct bn_socketio_owner *asker)
{
    struct bn_conn *conn = container_of(req, struct bn_answering, req)->conn;
    struct bn_upgrade upgrade;
    if (!bn_upgrade_check(req, "", &upgrade))
        return;
    struct bn_socketio_pipe *pipe = bn_alloc(sizeof *pipe);
    pipe->conn = conn;
    conn->socketio = pipe;
    bn_ws_init(&pipe->ws, BN_WS_SERVER, BN_SIO_PAYLOAD_BYTES, false);
    bn_upgrade_answer(req, "", &upgrade);
    pipe->session = session ? session : open_session(req, pipe, asker);
    if (session && !bn_eio_join(session, pipe)) {
        pipe->session = NULL;
        close_pipe(pipe, 1000, "");
    }
}

static void handle(struct bn_request *req)
{
    static const struct bn_eio_refusal no_origin = {403, 4, "this page's origin may not connect"};
    struct bn_socketio_owner asker;
    struct bn_eio_session *session;
    struct bn_eio_refusal refusal;
    if (!origin_may(req)) {
        reply_refusal(req, &no_origin);
        return;
    }
    identify(req, &asker);
    const enum bn_eio_verdict verdict = judge(req, &asker, &session, &refusal);
    if (verdict == BN_EIO_REFUSED || verdict == BN_EIO_POSTS)
        put_cors(req); /* the others have it from host_answer() */
    if (verdict == BN_EIO_REFUSED)
        reply_refusal(req, &refusal);
    else if (verdict == BN_EIO_POSTS)
        take_post(req, session);
    else if (verdict == BN_EIO_POLLS)
        hold(req, session);
    else if (verdict == BN_EIO_JOINS || req->head->wants_upgrade)
        take_socket(req, session, &asker);
    else
        hold(req, open_session(req, NULL, &asker));
}

static void preflight(struct bn_request *req)
{
    struct bn_str wanted = bn_http_find(req->head, "Access-Control-Request-Headers");
    char *text = wanted.p ? bn_arena_copy(req->arena, wanted) : NULL;
    if (origin_may(req)) {
        put_cors(req);
        bn_reply_field(req, "Access-Control-Allow-Methods", "GET, POST");
        bn_reply_field(req, "Access-Control-Max-Age", "600");
        if (text)
            bn_reply_field(req, "Access-Control-Allow-Headers", text);
    }
    bn_reply_empty(req, 204);
}

void bn_socketio_request_gone(struct bn_answering *a)
{
    struct bn_eio_session *session = a->held;
    a->held = NULL;
    if (session)
        bn_eio_poll_gone(session, a);
}

/* --- a WebSocket ------------------------------------------------------------------------------ */

/* False: nothing more is read of it. */
static bool hear(struct bn_socketio_pipe *pipe, enum bn_ws_event event)
{
    const struct bn_ws *ws = &pipe->ws;
    if (event == BN_WS_BAD)
        close_pipe(pipe, ws->close_code, ws->err.text);
    else if (event == BN_WS_MESSAGE && pipe->session)
        bn_eio_heard(pipe->session, pipe, ws->op == BN_WS_BINARY, ws->payload);
    else if (event == BN_WS_CONTROL && ws->op == BN_WS_PING)
        send_frame(pipe->conn, BN_WS_PONG, ws->payload.p, ws->payload.len);
    else if (event == BN_WS_CONTROL && ws->op == BN_WS_CLOSE)
        close_pipe(pipe, ws->close_code == 1005 ? 1000 : ws->close_code, "");
    return !pipe->conn->must_close;
}

static void leave_session(struct bn_socketio_pipe *pipe)
{
    struct bn_eio_session *session = pipe->session;
    pipe->session = NULL;
    if (session)
        bn_eio_socket_gone(session, pipe);
}

size_t bn_socketio_data(struct bn_socketio_pipe *pipe, const char *p, size_t len)
{
    size_t used = 0;
    enum bn_ws_event event = BN_WS_MORE;
    if (pipe->conn->must_close)
        return len;
    do {
        if (bn_stream_queued(pipe->conn->stream) > BN_OUTBOX_BYTES_MAX)
            return used; /* it asks and does not read: what it says waits */
        used += bn_ws_parse(&pipe->ws, p + used, len - used, &event);
        if (event != BN_WS_MORE && !hear(pipe, event)) {
            leave_session(pipe);
            return len;
        }
    } while (event != BN_WS_MORE);
    return used;
}

void bn_socketio_drained(struct bn_socketio_pipe *pipe)
{
    if (pipe->session)
        bn_eio_drained(pipe->session, pipe);
    bn_stream_resume(pipe->conn->stream);
}

void bn_socketio_left(struct bn_socketio_pipe *pipe)
{
    pipe->conn->socketio = NULL;
    leave_session(pipe);
    bn_ws_finish(&pipe->ws);
    free(pipe);
}

/* --- time, and the end ------------------------------------------------------------------------ */

static void check_owner(struct bn_socketio *socketio, struct bn_eio_session *session)
{
    struct bn_socketio_owner *owner = bn_eio_owner(session);
    if (owner->who.kind != BN_WHO_NOBODY &&
            !bn_sessions_refresh(socketio->web->config.sessions, &owner->who))
        bn_socketio_work_dismiss(session);
    else
        bn_socketio_work_check(session);
}

void bn_socketio_check_owners(struct bn_web *web)
{
    struct bn_eio_session *next = bn_eio_next_session(web->socketio->eio, NULL);
    while (next) {
        struct bn_eio_session *session = next;
        next = bn_eio_next_session(web->socketio->eio, session);
        check_owner(web->socketio, session);
    }
}

/* What ends by itself ends here; the rest was noticed when it changed. */
static void tick_one(struct bn_socketio *socketio, struct bn_eio_session *session)
{
    const struct bn_socketio_owner *owner = bn_eio_owner(session);
    const struct bn_clock *clock = socketio->web->config.clock;
    if (!owner->is_known && clock->mono_ms - owner->since_mono_ms >= BN_SIO_STRANGER_MS)
        bn_eio_close(session, "no token in time");
    else
        check_owner(socketio, session);
}

void bn_socketio_tick(struct bn_web *web)
{
    struct bn_socketio *socketio = web->socketio;
    struct bn_eio_session *next = bn_eio_next_session(socketio->eio, NULL);
    while (next) {
        struct bn_eio_session *session = next;
        next = bn_eio_next_session(socketio->eio, session);
        tick_one(socketio, session);
    }
    bn_sio_server_tick(socketio->server, socketio->eio);
    bn_eio_tick(socketio->eio);
}

void bn_socketio_flush(struct bn_web *web)
{
    bn_eio_flush(web->socketio->eio);
}

void bn_socketio_drain(struct bn_web *web)
{
    struct bn_eio_session *next = bn_eio_next_session(web->socketio->eio, NULL);
    while (next) {
        struct bn_eio_session *session = next;
        next = bn_eio_next_session(web->socketio->eio, session);
        bn_eio_end(session, "server shutting down");
    }
}

struct bn_socketio *bn_socketio_create(struct bn_web *web)
{
    struct bn_socketio *socketio = bn_alloc(sizeof *socketio);
    socketio->web = web;
    socketio->server = bn_sio_server_create(&(struct bn_sio_config){.app = &bn_socketio_work_app,
            .user = socketio,
            .connect_ms = BN_SIO_CONNECT_MS,
            .bytes_max = BN_SIO_BACKLOG_BYTES,
            .packets_ps = BN_SIO_MESSAGES_PS,
            .packets_burst = BN_SIO_MESSAGES_BURST});
    socketio->eio = bn_eio_create(&(struct bn_eio_config){.clock = web->config.clock,
            .host = &host,
            .app = &bn_sio_eio_app,
            .user = socketio->server,
            .ping_interval_ms = BN_SIO_PING_MS,
            .ping_timeout_ms = BN_SIO_PONG_MS,
            .upgrade_ms = BN_SIO_UPGRADE_MS,
            .payload_max = BN_SIO_PAYLOAD_BYTES,
            .backlog_max = BN_SIO_BACKLOG_BYTES});
    return socketio;
}

void bn_socketio_destroy(struct bn_socketio *socketio)
{
    if (!socketio)
        return;
    bn_eio_destroy(socketio->eio);
    bn_sio_server_destroy(socketio->server);
    bn_socketio_told_destroy(socketio->told);
    free(socketio);
}

const struct bn_route bn_socketio_routes[] = {
        {.method = "GET",
                .path = "/socket.io/",
                .right = BN_RIGHT_NONE,
                .handler = handle,
                .judges_origin = true,
                .summary =
                        "Socket.IO 5 over Engine.IO 4: a session begins, a poll, or a WebSocket"},
        {.method = "POST",
                .path = "/socket.io/",
                .right = BN_RIGHT_NONE,
                .handler = handle,
                .judges_origin = true,
                .body_max = BN_SIO_PAYLOAD_BYTES,
                .body_type = "*",
                .summary = "Socket.IO: what a client that polls says"},
        {.method = "OPTIONS",
                .path = "/socket.io/",
                .right = BN_RIGHT_NONE,
                .handler = preflight,
                .judges_origin = true,
                .summary = "Socket.IO: may a page of that origin ask?"},
};

const size_t bn_socketio_route_count = COUNT(bn_socketio_routes);

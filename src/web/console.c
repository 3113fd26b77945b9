#include "web/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/api_people.h"
#include "web/guest_right.h"
#include "web/upgrade.h"

#define BEAT_MS      15000 /* journey 5 */
#define BYE_MS       1000  /* what a browser has not taken a tick after the end it never will */
#define END_AGAIN_MS 5000  /* after the store refused it */

/* --- the record ------------------------------------------------------------------------------ */

static void destroy(struct bn_console_session *session)
{
    bn_list_remove(&session->link);
    bn_ws_finish(&session->ws);
    bn_wipe(session->secret, sizeof session->secret);
    free(session);
}

static void note_end(const struct bn_console_session *session)
{
    const struct bn_console *record = &session->record;
    char detail[256];
    snprintf(detail, sizeof detail, "%s, %lld s, %lld B in, %lld B out: %.120s",
            bn_console_kind_word(record->kind),
            (long long)((record->ended_at - record->started_at) / 1000),
            (long long)record->bytes_in, (long long)record->bytes_out, record->reason);
    bn_audit_deed(session->web, session->tenant, record->address,
            &(struct bn_deed){.actor = record->user_name,
                    .action = "console.close",
                    .object = record->subject,
                    .detail = detail,
                    .ok = true});
}

static void on_end_kept(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct bn_console_session *session = user;
    (void)fact;
    session->is_keeping = false;
    session->owes_end = err != NULL;
    if (err)
        session->since_mono_ms = session->web->config.clock->mono_ms;
}

static void put_end(struct bn_console_session *session)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CONSOLE, session->tenant);
    fact.u.console = session->record;
    session->owes_end = false;
    session->is_keeping = bn_hub_ask(session->web->config.hub, &fact, on_end_kept, session, NULL);
}

static void keep_end(struct bn_console_session *session)
{
    put_end(session);
    note_end(session);
}

static void on_kept(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct bn_console_session *session = user;
    (void)fact;
    session->is_keeping = false;
    if (session->state != BN_CONSOLE_OVER) {
        session->kept(session, err);
    } else if (!err) {
        keep_end(session);
    }
}

bool bn_console_keep(struct bn_console_session *session,
        void (*kept)(struct bn_console_session *session, const struct bn_err *err),
        struct bn_err *err)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CONSOLE, session->tenant);
    fact.u.console = session->record;
    session->kept = kept;
    session->is_keeping = true;
    if (bn_hub_ask(session->web->config.hub, &fact, on_kept, session, err))
        return true;
    session->is_keeping = false;
    return false;
}

static void send_close(struct bn_console_session *session, int code, const char *why)
{
    uint8_t header[BN_WS_HEADER_MAX];
    uint8_t payload[125];
    struct bn_conn *conn = session->conn;
    const size_t len = bn_ws_close_payload(payload, code, why);
    bn_stream_put(conn->stream, header, bn_ws_header(header, BN_WS_CLOSE, false, len, NULL));
    bn_stream_put(conn->stream, payload, len);
    conn->must_close = true;
    bn_conn_dirty(conn);
}

/* Whoever asked for it may still wait for it to open. */
static void tell_asker(const struct bn_console_session *session, const char *why)
{
    struct bn_request *req = bn_request_find(session->web, session->ticket);
    struct bn_err err;
    if (!req)
        return;
    bn_fail(&err, BN_E_UNAVAILABLE, "the console was ended before it was open: %s", why);
    bn_reply_err(req, &err);
}

void bn_console_end(struct bn_console_session *session, int code, const char *why)
{
    if (session->state == BN_CONSOLE_OVER)
        return;
    const bool was_kept = session->state >= BN_CONSOLE_WAITING;
    if (!was_kept)
        tell_asker(session, why);
    bn_wipe(session->secret, sizeof session->secret);
    session->state = BN_CONSOLE_OVER;
    session->since_mono_ms = session->web->config.clock->mono_ms;
    bn_remote_close(session->guest);
    session->guest = NULL;
    if (session->conn)
        send_close(session, code, why);
    session->record.ended_at = session->web->config.clock->now_ms;
    bn_text_clip(session->record.reason, sizeof session->record.reason, bn_str(why));
    if (was_kept)
        keep_end(session);
}

void bn_console_forget(struct bn_console_session *session)
{
    bn_remote_close(session->guest);
    destroy(session);
}

/* --- which there are ------------------------------------------------------------------------- */

struct bn_console_session *bn_console_create(const struct bn_request *req,
        struct bn_console *wanted, struct bn_err *err)
{
    struct bn_web *web = req->web;
    if (web->draining) {
        bn_fail(err, BN_E_UNAVAILABLE, "the server is shutting down");
        return NULL;
    }
    if (!bn_console_has_room(req, wanted, err))
        return NULL;
    struct bn_console_session *session = bn_alloc(sizeof *session);
    bn_random_code(wanted->id, 26); /* 130 bits */
    session->web = web;
    session->state = BN_CONSOLE_OPENING;
    session->who = req->who;
    session->ticket = req->ticket;
    session->record = *wanted;
    session->since_mono_ms = web->config.clock->mono_ms;
    memcpy(session->tenant, req->who.tenant, sizeof session->tenant);
    bn_ws_init(&session->ws, BN_WS_SERVER, BN_CONSOLE_MESSAGE_MAX, false);
    bn_list_append(&web->consoles, &session->link);
    return session;
}

struct bn_console_session *bn_console_find(const struct bn_web *web, const char *tenant,
        struct bn_str id)
{
    bn_list_each(it, &web->consoles) {
        struct bn_console_session *session = container_of(it, struct bn_console_session, link);
        if (session->state != BN_CONSOLE_OVER && strcmp(session->tenant, tenant) == 0 &&
                bn_str_is(id, session->record.id))
            return session;
    }
    return NULL;
}

/* --- the pipe -------------------------------------------------------------------------------- */

/* The browser does not take what it is sent: nothing more is added. */
static bool is_full(const struct bn_console_session *session)
{
    return bn_stream_queued(session->conn->stream) > BN_CONSOLE_PIPE_MAX;
}

static void to_browser(struct bn_console_session *session, enum bn_ws_op op, const char *p,
        size_t len)
{
    uint8_t header[BN_WS_HEADER_MAX];
    const size_t n = bn_ws_header(header, op, false, len, NULL);
    struct bn_bytes *frame = bn_bytes_create(NULL, n + len);
    memcpy(frame->p, header, n);
    if (len > 0)
        memcpy(frame->p + n, p, len);
    bn_stream_put_bytes(session->conn->stream, frame, 0, n + len);
    bn_bytes_unref(frame);
    bn_conn_dirty(session->conn);
}

static bool guest_said(void *user, const char *p, size_t len)
{
    struct bn_console_session *session = user;
    if (session->state != BN_CONSOLE_JOINED)
        return true;
    session->record.bytes_out += (int64_t)len;
    to_browser(session, BN_WS_BINARY, p, len);
    if (is_full(session))
        bn_stream_flush(session->conn->stream);
    return !is_full(session);
}

static void guest_drained(void *user)
{
    struct bn_console_session *session = user;
    if (!session->guest_is_full)
        return;
    session->guest_is_full = false;
    if (session->conn)
        bn_stream_resume(session->conn->stream);
}

static void guest_closed(void *user, const char *why)
{
    struct bn_console_session *session = user;
    char words[BN_CONSOLE_WHY_SIZE];
    session->guest = NULL;
    bn_console_say_closed(session, why, words);
    bn_console_end(session, BN_CONSOLE_CLOSE_GUEST, words);
}

static const struct bn_remote_ops guest_ops = {guest_said, guest_drained, guest_closed};

static void put(struct bn_console_session *session, const char *p, size_t len)
{
    session->record.bytes_in += (int64_t)len;
    bn_remote_put(session->guest, p, len);
}

/* Once for each time. */
static bool take_act(bool *has_acted)
{
    const bool is = *has_acted;
    *has_acted = false;
    return is;
}

/* Did the person act? What is not understood may be anything. */
static bool put_screen(struct bn_console_session *session, const char *p, size_t len,
        bool *is_known)
{
    struct bn_rfb_input *input = &session->input.screen;
    BN_BUF_AUTO allowed;
    bn_buf_init(&allowed, len + sizeof input->held);
    const bool is_view_only = session->record.view_only == 1;
    *is_known = bn_rfb_input_feed(input, p, len, is_view_only ? &allowed : NULL);
    if (is_view_only)
        put(session, allowed.p, allowed.len);
    else
        put(session, p, len);
    return take_act(&input->has_acted) || !*is_known;
}

static bool put_terminal(struct bn_console_session *session, const char *p, size_t len,
        bool *is_known)
{
    struct bn_term_input *input = &session->input.terminal;
    BN_BUF_AUTO out;
    bn_buf_init(&out, len + sizeof input->held);
    *is_known = bn_term_input_feed(input,
            session->record.view_only == 1 ? BN_TERM_LOOK : BN_TERM_ALL, p, len, &out);
    put(session, out.p, out.len);
    return take_act(&input->has_acted) || !*is_known;
}

/* What the browser said for the guest. */
static void to_guest(struct bn_console_session *session, const char *p, size_t len)
{
    bool is_known = true;
    if (len == 0)
        return;
    const bool has_acted = session->record.kind == BN_CONSOLE_VNC
                                   ? put_screen(session, p, len, &is_known)
                                   : put_terminal(session, p, len, &is_known);
    if (has_acted)
        session->typed_mono_ms = session->heard_mono_ms;
    session->guest_is_full = bn_remote_queued(session->guest) > BN_CONSOLE_PIPE_MAX;
    if (!is_known && session->record.view_only == 1)
        bn_console_end(session, 1003,
                "a message came that is not known, and who may only look says known ones only");
}

static void greet(struct bn_console_session *session, const char *p, size_t len)
{
    enum bn_rfb_event event = BN_RFB_MORE;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 64);
    const size_t used = bn_rfb_parse(&session->rfb, p, len, &out, &event);
    if (out.len > 0)
        to_browser(session, BN_WS_BINARY, out.p, out.len);
    if (event == BN_RFB_BAD) {
        bn_console_end(session, 1002, session->rfb.err.text);
        return;
    }
    if (event != BN_RFB_DONE)
        return;
    session->is_greeting = false;
    bn_remote_take(session->guest, &guest_ops, session);
    if (session->state == BN_CONSOLE_JOINED)
        to_guest(session, p + used, len - used);
}

/* False: nothing more is read of it. */
static bool hear(struct bn_console_session *session, enum bn_ws_event event)
{
    const struct bn_ws *ws = &session->ws;
    if (event == BN_WS_BAD)
        bn_console_end(session, ws->close_code, ws->err.text);
    else if (event == BN_WS_MESSAGE && ws->op != BN_WS_BINARY)
        bn_console_end(session, 1003, "a console is bytes: send binary messages");
    else if (event == BN_WS_MESSAGE && session->is_greeting)
        greet(session, ws->payload.p, ws->payload.len);
    else if (event == BN_WS_MESSAGE)
        to_guest(session, ws->payload.p, ws->payload.len);
    else if (ws->op == BN_WS_PING && !is_full(session))
        to_browser(session, BN_WS_PONG, ws->payload.p, ws->payload.len);
    else if (ws->op == BN_WS_CLOSE)
        bn_console_end(session, 1000, "closed by the person");
    return session->state == BN_CONSOLE_JOINED;
}

size_t bn_console_data(struct bn_console_session *session, const char *p, size_t len)
{
    size_t used = 0;
    enum bn_ws_event event = BN_WS_CONTROL;
    if (session->state != BN_CONSOLE_JOINED)
        return len;
    session->heard_mono_ms = session->web->config.clock->mono_ms;
    while (event != BN_WS_MORE) {
        if (session->guest_is_full) {
            bn_stream_pause(session->conn->stream);
            return used;
        }
        used += bn_ws_parse(&session->ws, p + used, len - used, &event);
        if (event != BN_WS_MORE && !hear(session, event))
            return len;
    }
    return used;
}

void bn_console_drained(struct bn_console_session *session)
{
    if (session->guest && !session->is_greeting)
        bn_remote_resume(session->guest);
}

void bn_console_left(struct bn_console_session *session)
{
    session->conn = NULL;
    bn_console_end(session, 1000, "the browser left");
}

void bn_console_join(struct bn_request *req, struct bn_console_session *session)
{
    struct bn_conn *conn = container_of(req, struct bn_answering, req)->conn;
    struct bn_upgrade upgrade;
    if (!bn_upgrade_check(req, "binary", &upgrade))
        return;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 64);
    bn_wipe(session->secret, sizeof session->secret);
    session->state = BN_CONSOLE_JOINED;
    session->conn = conn;
    conn->console = session;
    session->since_mono_ms = session->heard_mono_ms = session->typed_mono_ms =
            session->beat_mono_ms = session->web->config.clock->mono_ms;
    bn_upgrade_answer(req, "binary", &upgrade);
    session->is_greeting = session->record.kind == BN_CONSOLE_VNC;
    if (session->is_greeting)
        bn_rfb_input_init(&session->input.screen);
    else
        bn_term_input_init(&session->input.terminal);
    if (session->is_greeting) {
        bn_rfb_init(&session->rfb, BN_RFB_SERVER, &out);
        to_browser(session, BN_WS_BINARY, out.p, out.len);
    } else {
        bn_remote_take(session->guest, &guest_ops, session);
    }
}

/* --- time passes ----------------------------------------------------------------------------- */

/* It is a target's, and that is still there. */
static bool is_of_target(const struct bn_console_session *session)
{
    const struct bn_target *target = bn_live_get(&session->web->config.hub->live, session->tenant,
            BN_KIND_TARGET, session->record.target_id);
    return target && target->is_active == 1;
}

static bool may_go_on(const struct bn_console_session *session)
{
    const struct bn_request req = {.web = session->web, .who = session->who};
    const struct bn_console *record = &session->record;
    struct bn_err err;
    if (record->vmid == BN_UNKNOWN) /* of a node or a target */
        return bn_who_may(&session->who, BN_RIGHT_ADMIN);
    return bn_may_act_on_guest(&req, record->server_id, record->vmid,
            record->view_only == 1 ? "console" : "type", &err);
}

/* Its owner's session, his right to that guest, and its server are all still there (T16). */
static void check_owner(struct bn_console_session *session)
{
    struct bn_web *web = session->web;
    const struct bn_console *record = &session->record;
    const struct bn_server *server = bn_live_get(&web->config.hub->live, session->tenant,
            BN_KIND_SERVER, record->server_id);
    if (!bn_sessions_refresh(web->config.sessions, &session->who))
        bn_console_end(session, BN_CONSOLE_CLOSE_RIGHT, "the session ended");
    else if (record->target_id[0] && !is_of_target(session))
        bn_console_end(session, BN_CONSOLE_CLOSE_RIGHT, "the target was removed or switched off");
    else if (!record->target_id[0] && (!server || server->is_active == 0))
        bn_console_end(session, BN_CONSOLE_CLOSE_RIGHT, "the server was removed or disabled");
    else if (!may_go_on(session))
        bn_console_end(session, BN_CONSOLE_CLOSE_RIGHT, "the right to this console was taken away");
}

static bool is_longer(int64_t ms, int64_t limit_ms)
{
    return limit_ms > 0 && ms >= limit_ms;
}

static void end_idle(struct bn_console_session *session, int64_t limit_ms)
{
    char why[BN_CONSOLE_WHY_SIZE];
    bn_console_say_idle(session, limit_ms, why);
    bn_console_end(session, BN_CONSOLE_CLOSE_IDLE, why);
}

static void end_longest(struct bn_console_session *session, int64_t limit_ms)
{
    char why[BN_CONSOLE_WHY_SIZE];
    bn_console_say_longest(limit_ms, why);
    bn_console_end(session, BN_CONSOLE_CLOSE_LONGEST, why);
}

static void tick_joined(struct bn_console_session *session, int64_t mono_ms)
{
    const struct bn_web_config *config = &session->web->config;
    if (is_longer(mono_ms - session->typed_mono_ms, config->console_idle_ms))
        end_idle(session, config->console_idle_ms);
    else if (is_longer(mono_ms - session->since_mono_ms, config->console_longest_ms))
        end_longest(session, config->console_longest_ms);
    else if (mono_ms - session->heard_mono_ms >= BN_CONSOLE_STALL_MS && !session->guest_is_full)
        bn_console_end(session, BN_CONSOLE_CLOSE_GUEST, "the browser did not answer any more");
    if (session->state != BN_CONSOLE_JOINED || mono_ms - session->beat_mono_ms < BEAT_MS)
        return;
    session->beat_mono_ms = mono_ms;
    bn_sessions_note_use(session->web->config.sessions, &session->who);
    if (bn_stream_queued(session->conn->stream) == 0)
        to_browser(session, BN_WS_PING, "", 0);
}

static void tick_over(struct bn_console_session *session, int64_t mono_ms)
{
    const int64_t since_ms = mono_ms - session->since_mono_ms;
    if (session->conn && since_ms >= BYE_MS && bn_stream_queued(session->conn->stream) > 0)
        bn_stream_abort(session->conn->stream);
    if (session->owes_end && since_ms >= END_AGAIN_MS)
        put_end(session);
    if (!session->conn && !session->is_keeping && !session->owes_end && !session->is_opening)
        destroy(session);
}

static bool is_somebodys(const struct bn_web *web, const char *id)
{
    bn_list_each(it, &web->consoles)
        if (strcmp(container_of(it, struct bn_console_session, link)->record.id, id) == 0)
            return true;
    return false;
}

/* Open without a session: of a run that ended without a word. */
static void close_left(struct bn_web *web, const char *tenant, const struct bn_console *console)
{
    struct bn_hub *hub = web->config.hub;
    const struct bn_console *newest = bn_live_get_newest(&hub->live, tenant, BN_KIND_CONSOLE,
            console->id);
    struct bn_fact fact;
    if (is_somebodys(web, console->id) || (newest && newest->ended_at != 0))
        return;
    bn_fact_init(&fact, BN_KIND_CONSOLE, tenant);
    fact.u.console = *console;
    fact.u.console.ended_at = web->config.clock->now_ms;
    snprintf(fact.u.console.reason, sizeof fact.u.console.reason,
            "Binnacle ended without noting when");
    if (!bn_hub_ask(hub, &fact, NULL, NULL, NULL))
        return; /* the next tick asks again */
}

/* An ended one leaves what is known now after a while, as operations do. */
static void look_at(struct bn_web *web, const char *tenant, const struct bn_console *console)
{
    struct bn_fact fact;
    if (console->ended_at == 0)
        close_left(web, tenant, console);
    if (console->ended_at == 0 ||
            web->config.clock->now_ms < console->ended_at + BN_CONSOLE_PAST_MS)
        return;
    bn_fact_init(&fact, BN_KIND_CONSOLE, tenant);
    fact.op = BN_PAST;
    fact.u.console = *console;
    bn_hub_tell(web->config.hub, &fact);
}

void bn_console_tick(struct bn_web *web, int64_t mono_ms)
{
    bn_list_each_safe(it, tmp, &web->consoles) {
        struct bn_console_session *session = container_of(it, struct bn_console_session, link);
        if (session->state == BN_CONSOLE_WAITING &&
                mono_ms - session->since_mono_ms >= BN_CONSOLE_TICKET_MS)
            bn_console_end(session, 1000, "no browser came for it in time");
        if (session->state == BN_CONSOLE_JOINED)
            tick_joined(session, mono_ms);
        if (session->state == BN_CONSOLE_WAITING || session->state == BN_CONSOLE_JOINED)
            check_owner(session);
        if (session->state == BN_CONSOLE_OVER)
            tick_over(session, mono_ms);
    }
    for (const struct bn_tenant_live *tenant = web->config.hub->live.tenants; tenant;
            tenant = tenant->next)
        bn_table_each(row, &tenant->tables[BN_KIND_CONSOLE])
                look_at(web, tenant->id, (const void *)row->record);
}

void bn_console_check_owners(struct bn_web *web)
{
    bn_list_each_safe(it, tmp, &web->consoles) {
        struct bn_console_session *session = container_of(it, struct bn_console_session, link);
        if (session->state == BN_CONSOLE_WAITING || session->state == BN_CONSOLE_JOINED)
            check_owner(session);
    }
}

void bn_console_drain(struct bn_web *web)
{
    bn_list_each_safe(it, tmp, &web->consoles) {
        struct bn_console_session *session = container_of(it, struct bn_console_session, link);
        bn_console_end(session, 1001, "Binnacle is being restarted");
    }
}

void bn_console_destroy_all(struct bn_web *web)
{
    bn_list_each_safe(it, tmp, &web->consoles)
        bn_console_forget(container_of(it, struct bn_console_session, link));
}

#include "web/eio_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/secret.h"

#include "model/limits.h"

/* One packet that waits; of text with its type in front. */
struct waiting {
    struct bn_list link;
    struct bn_bytes *bytes;
    bool is_binary;
};

struct bn_eio_session {
    UT_hash_handle hh; /* while it has not ended */
    struct bn_list link;
    struct bn_list dirty_link;
    struct bn_eio *eio;
    void *user;
    void *owner;
    char sid[BN_EIO_SID_SIZE];
    bool is_leaving; /* closed by the app: what waits is still delivered */
    bool has_ended;
    bool was_told; /* the app, of either */
    bool awaits_pong;
    bool is_probed; /* the candidate has said `2probe` */
    const char *why;
    void *poll, *post, *socket, *candidate;
    int64_t beat_mono_ms;  /* when the next ping is due, or the pong of the last one */
    int64_t until_mono_ms; /* of a leaving one that polls */
    int64_t candidate_until_mono_ms;
    struct bn_list waiting;
    size_t waiting_bytes;
};

struct bn_eio {
    struct bn_eio_config config;
    struct bn_eio_session *by_sid;
    struct bn_list sessions; /* those that have not ended */
    struct bn_list ended;
    struct bn_list dirty; /* something may leave, or it is to be told */
};

struct bn_eio *bn_eio_create(const struct bn_eio_config *config)
{
    struct bn_eio *eio = bn_alloc(sizeof *eio);
    eio->config = *config;
    bn_list_init(&eio->sessions);
    bn_list_init(&eio->ended);
    bn_list_init(&eio->dirty);
    return eio;
}

void bn_eio_destroy(struct bn_eio *eio)
{
    if (!eio)
        return;
    bn_list_each_safe(it, tmp, &eio->sessions)
        bn_eio_end(container_of(it, struct bn_eio_session, link), "server shutting down");
    bn_eio_flush(eio);
    free(eio);
}

struct bn_eio_session *bn_eio_find(const struct bn_eio *eio, struct bn_str sid)
{
    struct bn_eio_session *session = NULL;
    HASH_FIND(hh, eio->by_sid, sid.p, sid.len, session);
    return session;
}

bool bn_eio_has_socket(const struct bn_eio_session *session)
{
    return session->socket != NULL;
}

size_t bn_eio_count(const struct bn_eio *eio)
{
    return HASH_COUNT(eio->by_sid);
}

void *bn_eio_user(const struct bn_eio_session *session)
{
    return session->user;
}

void *bn_eio_app_user(const struct bn_eio_session *session)
{
    return session->eio->config.user;
}

void bn_eio_set_user(struct bn_eio_session *session, void *user)
{
    session->user = user;
}

const struct bn_clock *bn_eio_clock(const struct bn_eio_session *session)
{
    return session->eio->config.clock;
}

void *bn_eio_owner(const struct bn_eio_session *session)
{
    return session->owner;
}

void bn_eio_set_owner(struct bn_eio_session *session, void *owner)
{
    session->owner = owner;
}

static int64_t now(const struct bn_eio_session *session)
{
    return session->eio->config.clock->mono_ms;
}

static const struct bn_eio_host *host_of(const struct bn_eio_session *session)
{
    return session->eio->config.host;
}

static void touch(struct bn_eio_session *session)
{
    if (bn_list_is_empty(&session->dirty_link))
        bn_list_append(&session->eio->dirty, &session->dirty_link);
}

/* --- what waits ------------------------------------------------------------------------------- */

static void forget(struct bn_eio_session *session, struct waiting *waiting)
{
    session->waiting_bytes -= waiting->bytes->len + sizeof *waiting;
    bn_list_remove(&waiting->link);
    bn_bytes_unref(waiting->bytes);
    free(waiting);
}

/* The packet as it stands in a body. */
static struct bn_eio_packet packet_of(const struct waiting *waiting)
{
    const struct bn_bytes *bytes = waiting->bytes;
    if (waiting->is_binary)
        return (struct bn_eio_packet){BN_EIO_MESSAGE, true, {bytes->p, bytes->len}};
    return (struct bn_eio_packet){(enum bn_eio_type)(bytes->p[0] - '0'), false,
            {bytes->p + 1, bytes->len - 1}};
}

static void answer(struct bn_eio_session *session, struct bn_str body)
{
    void *poll = session->poll;
    session->poll = NULL;
    if (poll)
        host_of(session)->answer(poll, body);
}

/* As many as one answer may hold, one at least; or that this is the end, which then is told (true):
   alone, because clients that find both in one answer act on the end first. */
static bool answer_with_waiting(struct bn_eio_session *session)
{
    const bool is_over = session->is_leaving && bn_list_is_empty(&session->waiting);
    BN_BUF_AUTO body;
    bn_buf_init(&body, BN_EIO_ANSWER_BYTES + 2 * session->waiting_bytes + 64);
    bn_list_each_safe(it, tmp, &session->waiting) {
        struct waiting *waiting = container_of(it, struct waiting, link);
        const struct bn_eio_packet packet = packet_of(waiting);
        if (body.len > 0 && body.len + bn_eio_size(&packet) > BN_EIO_ANSWER_BYTES)
            break;
        bn_eio_put(&body, &packet);
        forget(session, waiting);
    }
    if (is_over)
        bn_eio_put(&body, &(struct bn_eio_packet){.type = BN_EIO_CLOSE});
    answer(session, bn_buf_str(&body));
    return is_over;
}

static void put(struct bn_eio_session *session, struct bn_bytes *bytes, bool is_binary)
{
    const struct bn_eio_config *config = &session->eio->config;
    if (session->is_leaving || session->has_ended)
        return;
    if (session->socket) {
        config->host->send(session->socket, bytes, is_binary);
        if (config->host->queued(session->socket) > config->backlog_max)
            bn_eio_end(session, "too slow");
        return;
    }
    struct waiting *waiting = bn_alloc(sizeof *waiting);
    waiting->bytes = bn_bytes_ref(bytes);
    waiting->is_binary = is_binary;
    bn_list_append(&session->waiting, &waiting->link);
    session->waiting_bytes += bytes->len + sizeof *waiting;
    if (session->waiting_bytes > config->backlog_max)
        bn_eio_end(session, "too slow");
    touch(session);
}

static void put_text(struct bn_eio_session *session, const char *text)
{
    struct bn_bytes *bytes = bn_bytes_create(text, strlen(text));
    put(session, bytes, false);
    bn_bytes_unref(bytes);
}

void bn_eio_send(struct bn_eio_session *session, struct bn_bytes *bytes, bool is_binary)
{
    assert(is_binary || (bytes->len > 0 && bytes->p[0] == '4'));
    put(session, bytes, is_binary);
}

bool bn_eio_is_idle(const struct bn_eio_session *session)
{
    return session->socket ? host_of(session)->queued(session->socket) == 0
                           : bn_list_is_empty(&session->waiting);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void close_candidate(struct bn_eio_session *session)
{
    void *candidate = session->candidate;
    session->candidate = NULL;
    session->is_probed = false;
    if (candidate)
        host_of(session)->close(candidate);
}

static void end(struct bn_eio_session *session, const char *why, struct bn_str last)
{
    if (session->has_ended)
        return;
    void *post = session->post;
    void *socket = session->socket;
    session->has_ended = true;
    if (!session->why)
        session->why = why;
    HASH_DEL(session->eio->by_sid, session);
    bn_list_remove(&session->link);
    bn_list_append(&session->eio->ended, &session->link);
    session->post = session->socket = NULL;
    answer(session, last);
    close_candidate(session);
    if (post)
        host_of(session)->cut(post);
    if (socket)
        host_of(session)->close(socket);
    touch(session);
}

void bn_eio_end(struct bn_eio_session *session, const char *why)
{
    end(session, why, BN_STR("1"));
}

void bn_eio_close(struct bn_eio_session *session, const char *why)
{
    if (session->has_ended || session->is_leaving)
        return;
    session->is_leaving = true;
    session->why = why;
    session->until_mono_ms = now(session) + BN_EIO_LEAVE_MS;
    touch(session);
}

bool bn_eio_is_leaving(const struct bn_eio_session *session)
{
    return session->is_leaving;
}

static void destroy(struct bn_eio_session *session)
{
    if (host_of(session)->forget)
        host_of(session)->forget(session);
    bn_list_each_safe(it, tmp, &session->waiting)
        forget(session, container_of(it, struct waiting, link));
    bn_list_remove(&session->link);
    bn_list_remove(&session->dirty_link);
    bn_wipe(session->sid, sizeof session->sid);
    free(session);
}

/* --- the beginning ---------------------------------------------------------------------------- */

static void say_opening(struct bn_eio_session *session)
{
    const struct bn_eio_config *config = &session->eio->config;
    const struct bn_eio_opening opening = {session->sid, !session->socket, config->ping_interval_ms,
            config->ping_timeout_ms, config->payload_max};
    BN_BUF_AUTO text;
    bn_buf_init(&text, 400);
    bn_buf_putc(&text, '0');
    bn_eio_put_opening(&text, &opening);
    bn_buf_putc(&text, '\0');
    put_text(session, text.p);
}

struct bn_eio_session *bn_eio_open(struct bn_eio *eio, void *socket)
{
    uint8_t secret[16];
    struct bn_eio_session *session = bn_alloc(sizeof *session);
    bn_random(secret, sizeof secret);
    bn_b64url_encode(secret, sizeof secret, session->sid);
    session->eio = eio;
    session->socket = socket;
    session->beat_mono_ms = now(session) + eio->config.ping_interval_ms;
    bn_list_init(&session->waiting);
    bn_list_init(&session->dirty_link);
    bn_list_append(&eio->sessions, &session->link);
    HASH_ADD_KEYPTR(hh, eio->by_sid, session->sid, strlen(session->sid), session);
    say_opening(session);
    eio->config.app->opened(session);
    return session;
}

/* --- what clients say ------------------------------------------------------------------------- */

static void hear(struct bn_eio_session *session, const struct bn_eio_packet *packet)
{
    const struct bn_eio_config *config = &session->eio->config;
    if (packet->type == BN_EIO_MESSAGE) {
        config->app->message(session, packet->is_binary, packet->data);
    } else if (packet->type == BN_EIO_CLOSE) {
        end(session, "transport close", BN_STR("6"));
    } else if (packet->type == BN_EIO_PING) { /* in this version the server asks */
        bn_eio_end(session, "parse error");
    } else if (packet->type == BN_EIO_PONG && session->awaits_pong) {
        session->awaits_pong = false;
        session->beat_mono_ms = now(session) + config->ping_interval_ms;
    }
}

static bool listens(const struct bn_eio_session *session)
{
    return !session->has_ended && !session->is_leaving;
}

bool bn_eio_poll(struct bn_eio_session *session, void *poll)
{
    if (session->poll) {
        bn_eio_end(session, "parse error"); /* two at once: it has lost count */
        return false;
    }
    session->poll = poll;
    touch(session);
    return true;
}

void bn_eio_poll_gone(struct bn_eio_session *session, const void *poll)
{
    if (session->poll != poll)
        return;
    session->poll = NULL;
    bn_eio_end(session, "transport close");
}

bool bn_eio_post_begin(struct bn_eio_session *session, void *post)
{
    if (session->post) {
        bn_eio_end(session, "parse error");
        return false;
    }
    session->post = post;
    return true;
}

bool bn_eio_post(struct bn_eio_session *session, struct bn_str body)
{
    BN_BUF_AUTO scratch;
    bn_buf_init(&scratch, body.len + 1);
    session->post = NULL;
    while (body.p && listens(session)) {
        struct bn_eio_packet packet;
        if (!bn_eio_next(&body, &scratch, &packet)) {
            bn_eio_end(session, "parse error");
            return false;
        }
        hear(session, &packet);
    }
    return true;
}

void bn_eio_post_drop(struct bn_eio_session *session)
{
    session->post = NULL;
}

void bn_eio_post_gone(struct bn_eio_session *session, const void *post)
{
    if (session->post != post)
        return;
    session->post = NULL;
    bn_eio_end(session, "transport close");
}

/* --- WebSockets ------------------------------------------------------------------------------- */

bool bn_eio_join(struct bn_eio_session *session, void *socket)
{
    if (session->socket || session->candidate || !listens(session))
        return false;
    session->candidate = socket;
    session->candidate_until_mono_ms = now(session) + session->eio->config.upgrade_ms;
    return true;
}

static void send_text(struct bn_eio_session *session, void *socket, const char *text)
{
    struct bn_bytes *bytes = bn_bytes_create(text, strlen(text));
    host_of(session)->send(socket, bytes, false);
    bn_bytes_unref(bytes);
}

/* The WebSocket takes over: first of all with what waits. */
static void promote(struct bn_eio_session *session)
{
    session->socket = session->candidate;
    session->candidate = NULL;
    session->is_probed = false;
    answer(session, BN_STR("6"));
    bn_list_each_safe(it, tmp, &session->waiting) {
        struct waiting *waiting = container_of(it, struct waiting, link);
        host_of(session)->send(session->socket, waiting->bytes, waiting->is_binary);
        forget(session, waiting);
    }
    touch(session);
}

static void hear_candidate(struct bn_eio_session *session, bool is_binary, struct bn_str message)
{
    if (!is_binary && !session->is_probed && bn_str_is(message, "2probe")) {
        session->is_probed = true;
        send_text(session, session->candidate, "3probe");
        touch(session); /* a poll that waits ends now, so that the client can go on */
    } else if (!is_binary && session->is_probed && bn_str_is(message, "5")) {
        promote(session);
    } else {
        close_candidate(session);
    }
}

void bn_eio_heard(struct bn_eio_session *session, const void *socket, bool is_binary,
        struct bn_str message)
{
    struct bn_eio_packet packet = {BN_EIO_MESSAGE, is_binary, message};
    if (!listens(session))
        return;
    if (socket == session->candidate)
        hear_candidate(session, is_binary, message);
    else if (socket != session->socket)
        return;
    else if (is_binary || bn_eio_read(message, &packet))
        hear(session, &packet);
    else
        bn_eio_end(session, "parse error");
}

void bn_eio_drained(struct bn_eio_session *session, const void *socket)
{
    if (socket == session->socket && listens(session))
        session->eio->config.app->drained(session);
}

void bn_eio_socket_gone(struct bn_eio_session *session, const void *socket)
{
    if (socket == session->candidate) {
        session->candidate = NULL;
        session->is_probed = false;
    } else if (socket == session->socket) {
        session->socket = NULL;
        bn_eio_end(session, "transport close");
    }
}

/* --- a turn, and time ------------------------------------------------------------------------- */

static void flush_one(struct bn_eio_session *session)
{
    const bool had_waiting = !bn_list_is_empty(&session->waiting);
    bool is_over = session->is_leaving && session->socket;
    if (session->poll && (had_waiting || session->is_leaving))
        is_over = answer_with_waiting(session);
    else if (session->poll && session->is_probed)
        answer(session, BN_STR("6"));
    if (is_over)
        bn_eio_end(session, session->why);
    if (!session->was_told && !listens(session)) {
        session->was_told = true;
        session->eio->config.app->closed(session, session->why);
    } else if (had_waiting && bn_list_is_empty(&session->waiting) && listens(session)) {
        session->eio->config.app->drained(session);
    }
}

static void reap(struct bn_eio *eio)
{
    bn_list_each_safe(it, tmp, &eio->ended) {
        struct bn_eio_session *session = container_of(it, struct bn_eio_session, link);
        if (session->was_told && bn_list_is_empty(&session->dirty_link))
            destroy(session);
    }
}

void bn_eio_flush(struct bn_eio *eio)
{
    while (!bn_list_is_empty(&eio->dirty)) {
        struct bn_eio_session *session = container_of(eio->dirty.next, struct bn_eio_session,
                dirty_link);
        bn_list_remove(&session->dirty_link);
        flush_one(session);
    }
    reap(eio);
}

static void tick_one(struct bn_eio_session *session)
{
    const struct bn_eio_config *config = &session->eio->config;
    const int64_t mono_ms = now(session);
    if (session->candidate && mono_ms >= session->candidate_until_mono_ms)
        close_candidate(session);
    if (session->is_leaving) {
        if (mono_ms >= session->until_mono_ms)
            bn_eio_end(session, session->why);
        return;
    }
    if (mono_ms < session->beat_mono_ms)
        return;
    if (session->awaits_pong) {
        bn_eio_end(session, "ping timeout");
        return;
    }
    session->awaits_pong = true;
    session->beat_mono_ms = mono_ms + config->ping_timeout_ms;
    put_text(session, "2");
}

void bn_eio_tick(struct bn_eio *eio)
{
    bn_list_each_safe(it, tmp, &eio->sessions)
        tick_one(container_of(it, struct bn_eio_session, link));
}

struct bn_eio_session *bn_eio_next_session(const struct bn_eio *eio,
        const struct bn_eio_session *after)
{
    struct bn_list *next = after ? after->link.next : eio->sessions.next;
    return next == &eio->sessions ? NULL : container_of(next, struct bn_eio_session, link);
}

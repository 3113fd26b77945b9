#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/console_private.h"

#define EARLY_MAX  (256 << 10) /* a terminal's greeting; a screen is silent before it is asked */
#define TEXT_MAX   1024        /* of a text message: Proxmox VE sends none */
#define BEAT_MS    20000       /* routers forget connections that say nothing for long */
#define SILENCE_MS 65000       /* three beats without an answer: it is gone */
#define BYE_MS     1000        /* what it has not taken a tick later it never will */
#define ANSWER_MAX 64

static struct bn_remote *remote_of(void *user)
{
    return user;
}

/* --- the end --------------------------------------------------------------------------------- */

static void destroy(struct bn_remote *guest)
{
    bn_list_remove(&guest->link);
    bn_http_answer_finish(&guest->answer);
    bn_ws_finish(&guest->ws);
    bn_buf_finish(&guest->early);
    free(guest);
}

void bn_remote_drop(struct bn_remote *guest)
{
    guest->ops = NULL;
    guest->opening = NULL;
    guest->is_closed = true;
    if (guest->stream)
        bn_stream_abort(guest->stream);
    else
        destroy(guest);
}

void bn_remote_lose(struct bn_remote *guest, const char *why)
{
    const struct bn_remote_ops *ops = guest->ops;
    struct bn_opening *opening = guest->opening;
    void *user = guest->user;
    if (guest->is_closed)
        return;
    guest->ops = NULL;
    guest->opening = NULL;
    guest->is_closed = true;
    if (guest->stream)
        bn_stream_abort(guest->stream);
    if (opening)
        bn_opening_broke(opening, why);
    else if (ops)
        ops->closed(user, why[0] ? why : BN_REMOTE_LEFT);
}

static void on_closed(void *user, const struct bn_err *err)
{
    struct bn_remote *guest = remote_of(user);
    guest->stream = NULL;
    if (guest->is_ready && !guest->ops && !guest->is_closed)
        return; /* held: whoever holds it learns it when he takes it */
    bn_remote_lose(guest, err ? err->text : "");
    destroy(guest);
}

/* --- what goes out --------------------------------------------------------------------------- */

static void put_frame(struct bn_remote *guest, enum bn_ws_op op, const char *p, size_t len)
{
    uint8_t header[BN_WS_HEADER_MAX];
    uint8_t mask[4];
    if (!guest->stream || guest->is_closed)
        return;
    bn_random(mask, sizeof mask);
    const size_t n = bn_ws_header(header, op, false, len, mask);
    struct bn_bytes *frame = bn_bytes_create(NULL, n + len);
    memcpy(frame->p, header, n);
    bn_ws_mask_to(frame->p + n, p, len, mask);
    bn_stream_put_bytes(guest->stream, frame, 0, n + len);
    bn_bytes_unref(frame);
    bn_stream_flush(guest->stream);
    if (guest->ops && bn_stream_queued(guest->stream) == 0) /* perhaps with what waited before it */
        guest->ops->drained(guest->user);
}

void bn_remote_close(struct bn_remote *guest)
{
    uint8_t code[125];
    if (!guest)
        return;
    if (guest->way) {
        guest->way->close(guest);
        return;
    }
    guest->ops = NULL;
    if (guest->is_open)
        put_frame(guest, BN_WS_CLOSE, (char *)code, bn_ws_close_payload(code, 1000, ""));
    guest->is_closed = true;
    guest->closed_mono_ms = guest->consoles->config.clock->mono_ms;
    if (guest->stream)
        bn_stream_close(guest->stream);
    else
        destroy(guest);
}

void bn_remote_put(struct bn_remote *guest, const char *p, size_t len)
{
    if (guest->way) {
        guest->way->put(guest, p, len);
        return;
    }
    if (len > 0)
        put_frame(guest, BN_WS_BINARY, p, len);
}

size_t bn_remote_queued(const struct bn_remote *guest)
{
    if (guest->way)
        return guest->way->queued(guest);
    return guest->stream ? bn_stream_queued(guest->stream) : 0;
}

/* --- logging in ------------------------------------------------------------------------------ */

static void ready(struct bn_remote *guest)
{
    guest->is_ready = true;
    bn_stream_pause(guest->stream); /* held until somebody takes it */
    bn_opening_done(guest->opening);
}

static void keep_early(struct bn_remote *guest, const char *p, size_t len)
{
    bn_buf_put(&guest->early, p, len);
    if (!bn_buf_ok(&guest->early))
        bn_remote_lose(guest, "the guest said more than is held before somebody listens");
}

/* False: it is refused. */
static bool answer_challenge(struct bn_remote *guest, struct bn_buf *out)
{
    uint8_t answer[BN_VNC_ANSWER_BYTES];
    if (!bn_vnc_answer(guest->opening->password, guest->rfb.challenge, answer)) {
        bn_remote_lose(guest, "this machine's OpenSSL has no DES, which VNC needs");
        return false;
    }
    bn_rfb_answer(&guest->rfb, answer, out);
    return true;
}

static void login_screen(struct bn_remote *guest, const char *p, size_t len)
{
    enum bn_rfb_event event = BN_RFB_MORE;
    size_t used = 0;
    BN_BUF_AUTO out;
    bn_buf_init(&out, ANSWER_MAX);
    while (used < len && (event == BN_RFB_MORE || event == BN_RFB_CHALLENGE)) {
        used += bn_rfb_parse(&guest->rfb, p + used, len - used, &out, &event);
        if (event == BN_RFB_CHALLENGE && !answer_challenge(guest, &out))
            return;
    }
    bn_remote_put(guest, out.p, out.len);
    if (event == BN_RFB_BAD) {
        bn_remote_lose(guest, guest->rfb.err.text);
        return;
    }
    if (event != BN_RFB_DONE)
        return;
    keep_early(guest, p + used, len - used);
    if (!guest->is_closed)
        ready(guest);
}

/* "OK", then bytes of the terminal; anything else is a refusal (PVE-API 9.4). */
static void login_terminal(struct bn_remote *guest, const char *p, size_t len)
{
    keep_early(guest, p, len);
    if (guest->is_closed || guest->early.len < 2)
        return;
    if (memcmp(guest->early.p, "OK", 2) != 0) {
        bn_remote_lose(guest, "");
        return;
    }
    bn_buf_drop(&guest->early, 2);
    ready(guest);
}

static void begin_login(struct bn_remote *guest)
{
    struct bn_opening *opening = guest->opening;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 1024);
    opening->step = BN_CONSOLE_LOGIN;
    guest->is_open = true;
    if (guest->kind == BN_CONSOLE_VNC) {
        bn_rfb_init(&guest->rfb, BN_RFB_CLIENT, &out);
        return;
    }
    bn_buf_printf(&out, "%s:%s\n", opening->login, opening->ticket);
    bn_remote_put(guest, out.p, out.len);
    bn_wipe(out.p, out.len);
}

/* --- what comes in --------------------------------------------------------------------------- */

static void hear(struct bn_remote *guest, const char *p, size_t len)
{
    if (len == 0) /* the end of a message that came in pieces */
        return;
    if (!guest->is_ready && guest->kind == BN_CONSOLE_VNC)
        login_screen(guest, p, len);
    else if (!guest->is_ready)
        login_terminal(guest, p, len);
    else if (!guest->ops->data(guest->user, p, len))
        guest->is_full = true;
}

static void on_event(struct bn_remote *guest, enum bn_ws_event event)
{
    const struct bn_ws *ws = &guest->ws;
    if (event == BN_WS_BAD)
        bn_remote_lose(guest, ws->err.text);
    else if (event == BN_WS_PIECE || event == BN_WS_MESSAGE)
        hear(guest, ws->payload.p, ws->payload.len);
    else if (ws->op == BN_WS_PING && bn_remote_queued(guest) <= BN_CONSOLE_PIPE_MAX)
        put_frame(guest, BN_WS_PONG, ws->payload.p, ws->payload.len);
    else if (ws->op == BN_WS_CLOSE)
        bn_remote_lose(guest, "");
}

/* Nobody listens yet, or he has enough. */
static bool waits(const struct bn_remote *guest)
{
    return guest->is_ready && (!guest->ops || guest->is_full);
}

static size_t frames_came(struct bn_remote *guest, const char *p, size_t len)
{
    size_t used = 0;
    enum bn_ws_event event = BN_WS_MESSAGE;
    while (!guest->is_closed && !waits(guest) && (used < len || event != BN_WS_MORE)) {
        used += bn_ws_parse(&guest->ws, p + used, len - used, &event);
        if (event == BN_WS_MORE)
            break;
        on_event(guest, event);
    }
    if (guest->is_closed)
        return len;
    if (waits(guest))
        bn_stream_pause(guest->stream);
    return used;
}

static size_t answer_came(struct bn_remote *guest, const char *p, size_t len)
{
    struct bn_str protocol;
    struct bn_err err;
    enum bn_http_event event = BN_HTTP_BODY;
    size_t used = 0;
    while (event == BN_HTTP_BODY)
        used += bn_http_answer_parse(&guest->answer, p + used, len - used, &event);
    if (event == BN_HTTP_MORE)
        return used;
    if (event == BN_HTTP_BAD) {
        bn_remote_lose(guest, guest->answer.err.text);
        return len;
    }
    if (!bn_ws_judge_answer(&guest->ask, guest->answer.head, &protocol, &err)) {
        bn_remote_lose(guest, err.text);
        return len;
    }
    used += bn_http_answer_parse(&guest->answer, p + used, len - used, &event); /* DONE */
    bn_http_answer_finish(&guest->answer);
    begin_login(guest);
    return used;
}

static size_t on_data(void *user, const char *p, size_t len)
{
    struct bn_remote *guest = remote_of(user);
    size_t used = 0;
    guest->heard_mono_ms = guest->consoles->config.clock->mono_ms;
    if (guest->is_closed)
        return len;
    if (!guest->is_open)
        used = answer_came(guest, p, len);
    if (guest->is_open && used < len)
        used += frames_came(guest, p + used, len - used);
    return used;
}

static void on_drained(void *user)
{
    struct bn_remote *guest = remote_of(user);
    if (guest->ops)
        guest->ops->drained(guest->user);
}

/* --- beginning ------------------------------------------------------------------------------- */

static const struct bn_stream_ops stream_ops = {on_data, on_drained, NULL, on_closed};

struct bn_remote *bn_remote_create(struct bn_opening *opening, struct bn_stream *stream)
{
    struct bn_remote *guest = bn_alloc(sizeof *guest);
    guest->consoles = opening->consoles;
    guest->opening = opening;
    guest->stream = stream;
    guest->kind = opening->wish.kind;
    bn_list_append(&guest->consoles->guests, &guest->link);
    bn_http_answer_init(&guest->answer);
    bn_ws_init(&guest->ws, BN_WS_CLIENT, TEXT_MAX, false);
    bn_ws_stream_binary(&guest->ws);
    bn_buf_init(&guest->early, EARLY_MAX);
    guest->heard_mono_ms = guest->beat_mono_ms = guest->consoles->config.clock->mono_ms;
    bn_stream_set(stream, &stream_ops, guest);
    return guest;
}

bool bn_remote_begin(struct bn_remote *guest, struct bn_err *err)
{
    struct bn_fetch_request *request = &guest->opening->fetch.request;
    const bool is_v6 = strchr(request->host, ':') != NULL;
    const struct bn_http_field fields[] = {
            {BN_STR("Authorization"), bn_str(request->authorization)}};
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    snprintf(guest->host, sizeof guest->host, "%s%s%s:%d", is_v6 ? "[" : "", request->host,
            is_v6 ? "]" : "", request->port);
    guest->ask = (struct bn_ws_ask){.host = bn_str(guest->host),
            .target = bn_str(request->path),
            .protocols = BN_STR("binary"),
            .fields = fields,
            .field_count = COUNT(fields)};
    bn_random(guest->ask.key, sizeof guest->ask.key);
    const bool is_good = bn_ws_put_request(&out, &guest->ask, err);
    guest->ask.fields = NULL; /* they were for this moment */
    guest->ask.field_count = 0;
    guest->ask.target = BN_STR("");
    if (is_good) {
        bn_stream_put(guest->stream, out.p, out.len);
        bn_stream_flush(guest->stream);
    }
    if (out.p)
        bn_wipe(out.p, out.len);
    bn_wipe(request->authorization, sizeof request->authorization);
    return is_good;
}

/* --- taken ----------------------------------------------------------------------------------- */

void bn_remote_take(struct bn_remote *guest, const struct bn_remote_ops *ops, void *user)
{
    if (guest->way) {
        guest->way->take(guest, ops, user);
        return;
    }
    guest->ops = ops;
    guest->user = user;
    if (!guest->stream) {
        bn_remote_lose(guest, "");
        destroy(guest);
        return;
    }
    if (guest->early.len > 0)
        guest->is_full = !ops->data(user, guest->early.p, guest->early.len);
    bn_buf_finish(&guest->early);
    if (!guest->is_full && !guest->is_closed)
        bn_stream_resume(guest->stream);
}

void bn_remote_resume(struct bn_remote *guest)
{
    if (guest->way) {
        guest->way->resume(guest);
        return;
    }
    if (!guest->is_full)
        return;
    guest->is_full = false;
    if (guest->stream)
        bn_stream_resume(guest->stream);
}

/* A ping now and then, so that nothing between us forgets the connection; Proxmox VE answers. */
void bn_remote_tick(struct bn_remote *guest, int64_t mono_ms)
{
    if (guest->is_closed && guest->stream && mono_ms - guest->closed_mono_ms >= BYE_MS &&
            bn_stream_queued(guest->stream) > 0)
        bn_stream_abort(guest->stream);
    if (!guest->is_open || guest->is_closed)
        return;
    if (waits(guest)) { /* what it answers lies unread */
        guest->heard_mono_ms = mono_ms;
        return;
    }
    if (mono_ms - guest->heard_mono_ms > SILENCE_MS) {
        bn_remote_lose(guest, "the connection to Proxmox VE was lost");
        return;
    }
    if (mono_ms - guest->beat_mono_ms < BEAT_MS)
        return;
    guest->beat_mono_ms = mono_ms;
    put_frame(guest, BN_WS_PING, "", 0);
}

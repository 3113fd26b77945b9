#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/live.h"
#include "web/upgrade.h"
#include "wire/deflate.h"

#define PROTOCOL "live.1"
#define TAIL_BYTES                                                                \
    4 /* 00 00 FF FF at the end of a block, which a message leaves out (RFC 7692) \
       */
#define MESSAGES_ONCE 64

/* --- what is shared: frames of one change
 * ------------------------------------------------------------ */

static struct bn_bytes *frame_of(enum bn_ws_op op, const void *p, size_t len, bool deflated)
{
    uint8_t header[BN_WS_HEADER_MAX];
    size_t n = bn_ws_header(header, op, deflated, len, NULL);
    struct bn_bytes *frame = bn_bytes_create(NULL, n + len);
    memcpy(frame->p, header, n);
    if (len > 0)
        memcpy(frame->p + n, p, len);
    return frame;
}

static struct bn_bytes *make_frame(const struct bn_msg *msg)
{
    const struct bn_bytes *json = msg->forms[BN_FORM_JSON];
    return frame_of(BN_WS_TEXT, json->p, json->len, false);
}

static struct bn_bytes *make_block(const struct bn_msg *msg)
{
    const struct bn_bytes *json = msg->forms[BN_FORM_JSON];
    BN_BUF_AUTO out;
    bn_buf_init(&out, (size_t)json->len * 2 + 1024);
    bn_deflate_block(&out, json->p, json->len);
    return bn_bytes_create(out.p, out.len);
}

static struct bn_bytes *make_deflate_frame(const struct bn_msg *msg)
{
    const struct bn_bytes *block = msg->forms[BN_FORM_BLOCK];
    return frame_of(BN_WS_TEXT, block->p, block->len - TAIL_BYTES, true);
}

/* --- one listener
 * -------------------------------------------------------------------------------------- */

static struct bn_sent send_one(struct bn_live_conn *live, struct bn_msg *msg)
{
    bool is_deflated = live->deflate && msg->forms[BN_FORM_JSON]->len >= BN_DEFLATE_MIN_BYTES;
    struct bn_bytes *frame;
    if (is_deflated) {
        bn_msg_form(msg, BN_FORM_BLOCK, make_block);
        frame = bn_msg_form(msg, BN_FORM_DEFLATE_FRAME, make_deflate_frame);
    } else {
        frame = bn_msg_form(msg, BN_FORM_FRAME, make_frame);
    }
    size_t len = frame->len;
    bn_stream_send_bytes(live->stream, frame);
    return (struct bn_sent){len, is_deflated};
}

static struct bn_bytes *part_of(const struct bn_live_conn *live, struct bn_msg *msg)
{
    return live->deflate ? bn_msg_form(msg, BN_FORM_BLOCK, make_block) : msg->forms[BN_FORM_JSON];
}

/* One message: an own header, then parts, which are blocks when it is compressed. */
static struct bn_sent put_parts(struct bn_live_conn *live, struct bn_bytes *const *parts,
        size_t count)
{
    uint8_t header[BN_WS_HEADER_MAX];
    size_t cut = live->deflate ? TAIL_BYTES : 0;
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i]->len;
    size_t head = bn_ws_header(header, BN_WS_TEXT, live->deflate, len - cut, NULL);
    bn_stream_put(live->stream, header, head);
    for (size_t i = 0; i < count; i++)
        bn_stream_put_bytes(live->stream, parts[i], 0, parts[i]->len - (i + 1 == count ? cut : 0));
    return (struct bn_sent){head + len - cut, live->deflate};
}

/* Several changes in one message. */
static struct bn_sent send(struct bn_live_conn *live, struct bn_msg *const *msgs, size_t count)
{
    if (count == 1)
        return send_one(live, msgs[0]);
    struct bn_bytes *parts[MESSAGES_ONCE];
    for (size_t i = 0; i < count; i++)
        parts[i] = part_of(live, msgs[i]);
    struct bn_sent sent = put_parts(live, parts, count);
    bn_stream_flush(live->stream);
    return sent;
}

static void put_bytes(struct bn_live_conn *live, struct bn_bytes *take_frame, bool is_deflated)
{
    bn_live_count_said(live, take_frame->len, is_deflated);
    bn_stream_put_bytes(live->stream, take_frame, 0, take_frame->len);
    bn_bytes_unref(take_frame);
    bn_conn_dirty(live->conn);
}

static void put_frame(struct bn_live_conn *live, enum bn_ws_op op, const void *p, size_t len)
{
    put_bytes(live, frame_of(op, p, len, false), false);
}

static void say(struct bn_live_conn *live, struct bn_str lines)
{
    live->said_mono_ms = live->conn->web->config.clock->mono_ms;
    if (!live->deflate || lines.len < BN_DEFLATE_MIN_BYTES) {
        put_frame(live, BN_WS_TEXT, lines.p, lines.len);
        return;
    }
    BN_BUF_AUTO out;
    bn_buf_init(&out, lines.len * 2 + 1024);
    bn_deflate_block(&out, lines.p, lines.len);
    put_bytes(live, frame_of(BN_WS_TEXT, out.p, out.len - TAIL_BYTES, true), true);
}

static struct bn_bytes *own_part(const struct bn_live_conn *live, const char *p, size_t len)
{
    if (!live->deflate)
        return bn_bytes_create(p, len);
    BN_BUF_AUTO out;
    bn_buf_init(&out, len * 2 + 1024);
    bn_deflate_block(&out, p, len);
    return bn_bytes_create(out.p, out.len);
}

/* Ten thousand listeners that come back at once own a few words each of what they are told. */
static void tell(struct bn_live_conn *live, const struct bn_telling *telling)
{
    struct bn_bytes *parts[2 * BN_SHARES_MAX + 1];
    size_t count = 0;
    size_t done = 0;
    if (telling->share_count == 0) {
        say(live, bn_buf_str(&telling->text));
        return;
    }
    for (size_t i = 0; i < telling->share_count; i++) {
        const struct bn_share *share = &telling->shares[i];
        parts[count++] = own_part(live, telling->text.p + done, share->at - done);
        parts[count++] = bn_bytes_ref(part_of(live, share->msg));
        done = share->at;
    }
    parts[count++] = own_part(live, telling->text.p + done, telling->text.len - done);
    live->said_mono_ms = live->conn->web->config.clock->mono_ms;
    struct bn_sent sent = put_parts(live, parts, count);
    bn_live_count_said(live, sent.bytes, sent.is_deflated);
    bn_conn_dirty(live->conn);
    for (size_t i = 0; i < count; i++)
        bn_bytes_unref(parts[i]);
}

/* Every RFC 6455 client answers it by itself. */
static void heartbeat(struct bn_live_conn *live)
{
    if (bn_stream_queued(live->stream) ==
            0) /* else it does not read: the write's own deadline decides */
        put_frame(live, BN_WS_PING, "", 0);
}

static void end(struct bn_live_conn *live, int code, const char *why)
{
    uint8_t payload[125];
    put_frame(live, BN_WS_CLOSE, payload, bn_ws_close_payload(payload, code, why));
    live->conn->must_close = true;
}

static const struct bn_dialect dialect = {BN_PROTO_WS, send, say, tell, heartbeat, end};

/* False: the connection is ending, nothing more is read. */
static bool on_control(struct bn_live_conn *live)
{
    struct bn_ws *ws = live->ws;
    live->heard_mono_ms = live->conn->web->config.clock->mono_ms;
    if (ws->op != BN_WS_CLOSE && !bn_live_may_speak(live))
        return false;
    if (ws->op == BN_WS_PING)
        put_frame(live, BN_WS_PONG, ws->payload.p, ws->payload.len);
    if (ws->op != BN_WS_CLOSE)
        return true;
    live->ended = true;
    end(live, ws->close_code == 1005 ? 1000 : ws->close_code, "");
    return false;
}

static bool on_event(struct bn_live_conn *live, enum bn_ws_event event)
{
    if (event == BN_WS_CONTROL)
        return on_control(live);
    if (event == BN_WS_BAD) {
        live->ended = true;
        end(live, live->ws->close_code, live->ws->err.text);
        return false;
    }
    if (live->ws->op == BN_WS_BINARY) {
        bn_live_end(live, 4101, "messages are text", 0);
        return false;
    }
    return bn_live_hear(live, live->ws->payload);
}

size_t bn_live_data(struct bn_live_conn *live, const char *p, size_t len)
{
    size_t used = 0;
    enum bn_ws_event event;
    if (!live->ws || live->ended) /* an event stream listens only; after a bye nothing counts */
        return len;
    do {
        if (bn_stream_queued(live->stream) > BN_OUTBOX_BYTES_MAX)
            return used; /* it asks and does not read: what it says waits */
        used += bn_ws_parse(live->ws, p + used, len - used, &event);
        if (event != BN_WS_MORE && !on_event(live, event))
            return len;
    } while (event != BN_WS_MORE);
    return used;
}

/* --- the upgrade
 * ----------------------------------------------------------------------------------------- */

void bn_live_ws(struct bn_request *req)
{
    struct bn_upgrade upgrade;
    if (!bn_upgrade_check(req, PROTOCOL, &upgrade) || !bn_live_has_room(req))
        return;
    int window = bn_ws_choose_deflate(bn_http_find(req->head, "Sec-WebSocket-Extensions"),
            upgrade.extension, sizeof upgrade.extension);
    if (window <= 0)
        upgrade.extension[0] = '\0';
    struct bn_live_conn *live = bn_live_open(req, &dialect);
    live->deflate = window == 15; /* what all share looks back that far */
    live->ws = bn_alloc(sizeof *live->ws);
    bn_ws_init(live->ws, BN_WS_SERVER, BN_LIVE_MESSAGE_MAX, window > 0);
    bn_upgrade_answer(req, PROTOCOL, &upgrade);
}

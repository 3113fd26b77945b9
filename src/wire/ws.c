#include "wire/ws.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/deflate.h"
#include "wire/utf8.h"

enum state {
    HEADER, /* collecting header bytes, each judged as it comes */
    PAYLOAD,
    CLOSED, /* after a close frame nothing counts (RFC 6455 section 1.4) */
    BROKEN,
};

#define FIN         0x80
#define RSV1        0x40
#define RSV23       0x30
#define MASKED      0x80
#define CONTROL_MAX 125
#define MESSAGE_MAX (1u << 30)

/* Exists while bytes of a message or of a control frame are held, so idle connections own none. */
struct bn_ws_inside {
    struct bn_buf message;
    struct bn_buf inflated;
    char control[CONTROL_MAX];
};

static_assert(sizeof(struct bn_ws) <= 344, "an idle connection stays small");

void bn_ws_init(struct bn_ws *ws, enum bn_ws_role role, size_t message_max, bool deflate)
{
    assert(message_max > 0 && message_max <= MESSAGE_MAX);
    memset(ws, 0, sizeof *ws);
    ws->role = (uint8_t)role;
    ws->message_max = message_max;
    ws->deflate = deflate;
}

void bn_ws_stream_binary(struct bn_ws *ws)
{
    assert(ws->role == BN_WS_CLIENT && !ws->deflate);
    ws->streams_binary = true;
}

static bool is_streamed(const struct bn_ws *ws)
{
    return ws->streams_binary && ws->message_op == BN_WS_BINARY;
}

static void drop_inside(struct bn_ws *ws)
{
    if (!ws->inside)
        return;
    bn_buf_finish(&ws->inside->message);
    bn_buf_finish(&ws->inside->inflated);
    free(ws->inside);
    ws->inside = NULL;
}

void bn_ws_finish(struct bn_ws *ws)
{
    drop_inside(ws);
}

/* What of a compressed message may arrive: incompressible data grows by 5 bytes per 16 KiB. */
static size_t arriving_max(const struct bn_ws *ws)
{
    return ws->message_deflated ? ws->message_max + ws->message_max / 1024 + 64 : ws->message_max;
}

static struct bn_ws_inside *get_inside(struct bn_ws *ws)
{
    if (!ws->inside) {
        ws->inside = bn_alloc(sizeof *ws->inside);
        bn_buf_init(&ws->inside->message, ws->message_max + ws->message_max / 1024 + 64);
        bn_buf_init(&ws->inside->inflated, ws->message_max);
    }
    return ws->inside;
}

static bool refuse(struct bn_ws *ws, int close_code, const char *sentence)
{
    ws->close_code = close_code;
    return bn_fail(&ws->err, close_code == 1009 ? BN_E_TOO_BIG : BN_E_INVALID, "%s", sentence);
}

/* --- the header ---------------------------------------------------------------------------------
 */

static bool is_control(const struct bn_ws *ws)
{
    return ws->header[0] & 8;
}

/* FIN, RSV and opcode against what may come now. */
static bool judge_first(struct bn_ws *ws)
{
    unsigned first = ws->header[0];
    unsigned op = first & 15;
    if (first & RSV23)
        return refuse(ws, 1002, "a frame must not set RSV2 or RSV3");
    if (op > BN_WS_PONG || (op > BN_WS_BINARY && op < BN_WS_CLOSE))
        return refuse(ws, 1002, "a frame must not use a reserved opcode");
    if (first & RSV1 && !ws->deflate)
        return refuse(ws, 1002, "a frame must not set RSV1: no compression was negotiated");
    if (first & RSV1 && op != BN_WS_TEXT && op != BN_WS_BINARY)
        return refuse(ws, 1002, "only the first frame of a message may set RSV1");
    if (is_control(ws) && !(first & FIN))
        return refuse(ws, 1002, "a control frame must not be fragmented");
    if (op == BN_WS_CONT && ws->message_op == BN_WS_CONT)
        return refuse(ws, 1002, "a continuation frame must follow an unfinished message");
    if (!is_control(ws) && op != BN_WS_CONT && ws->message_op != BN_WS_CONT)
        return refuse(ws, 1002, "a new message must wait for the unfinished one");
    return true;
}

static bool judge_second(struct bn_ws *ws)
{
    bool is_masked = ws->header[1] & MASKED;
    if (ws->role == BN_WS_SERVER && !is_masked)
        return refuse(ws, 1002, "a client must mask its frames");
    if (ws->role == BN_WS_CLIENT && is_masked)
        return refuse(ws, 1002, "a server must not mask its frames");
    if (is_control(ws) && (ws->header[1] & 127) > CONTROL_MAX)
        return refuse(ws, 1002, "a control frame must not exceed 125 bytes");
    return true;
}

static size_t length_bytes(const struct bn_ws *ws)
{
    unsigned length = ws->header[1] & 127;
    return length == 127 ? 8 : length == 126 ? 2 : 0;
}

/* Empty ones count as well, so a message cannot go on forever; 1024 for the smallest limits. */
static uint32_t fragments_max(const struct bn_ws *ws)
{
    return (uint32_t)BN_MAX(ws->message_max / BN_WS_FRAGMENT_BYTES, (size_t)1024);
}

/* The length is complete: is it minimal (RFC 6455 section 5.2), and is there room for it? */
static bool judge_length(struct bn_ws *ws)
{
    size_t bytes = length_bytes(ws);
    uint64_t length = bytes ? 0 : ws->header[1] & 127u;
    for (size_t i = 0; i < bytes; i++)
        length = length << 8 | ws->header[2 + i];
    if (length >> 63)
        return refuse(ws, 1002, "a frame's length must be below 2^63");
    if ((bytes == 2 && length < 126) || (bytes == 8 && length <= UINT16_MAX))
        return refuse(ws, 1002, "a frame's length must use the fewest bytes");
    ws->frame_len = length;
    ws->left = length;
    if (is_control(ws))
        return true;
    if ((ws->header[0] & 15) != BN_WS_CONT) {
        ws->message_op = ws->header[0] & 15;
        ws->message_deflated = ws->header[0] & RSV1;
        ws->utf8 = BN_UTF8_BETWEEN;
        ws->fragments = 0;
    }
    if (is_streamed(ws))
        return true; /* nothing of it is held: it may be as long as it likes */
    if (++ws->fragments > fragments_max(ws)) {
        ws->close_code = 1008;
        return bn_fail(&ws->err, BN_E_INVALID, "a message must not have more than %u fragments",
                fragments_max(ws));
    }
    size_t held = ws->inside ? ws->inside->message.len : 0;
    if (length > arriving_max(ws) - held)
        return refuse(ws, 1009, "a message must not exceed the limit");
    return true;
}

/* Takes header bytes until it is complete, or until a violation shows. */
static size_t take_header(struct bn_ws *ws, const char *p, size_t len)
{
    size_t i = 0;
    while (i < len && ws->state == HEADER) {
        ws->header[ws->header_len++] = (uint8_t)p[i++];
        size_t before_mask = 2 + length_bytes(ws);
        size_t whole = before_mask + (ws->role == BN_WS_SERVER ? 4 : 0);
        if (ws->header_len == 1 && !judge_first(ws))
            break;
        if (ws->header_len == 2 && !judge_second(ws))
            break;
        if (ws->header_len >= 2 && ws->header_len == before_mask && !judge_length(ws))
            break;
        if (ws->header_len >= 2 && ws->header_len == whole)
            ws->state = PAYLOAD;
    }
    return i;
}

/* --- the payload --------------------------------------------------------------------------------
 */

/* Copies a piece of the frame's payload, unmasked as its place in the frame asks. */
static void copy_payload(struct bn_ws *ws, char *to, const char *p, size_t len)
{
    uint64_t done = ws->frame_len - ws->left;
    ws->left -= len;
    if (ws->role == BN_WS_CLIENT) {
        memcpy(to, p, len);
        return;
    }
    const uint8_t *mask = ws->header + ws->header_len - 4;
    uint8_t turned[4];
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = mask[(done + i) & 3];
    bn_ws_mask_to(to, p, len, turned);
}

static size_t take_payload(struct bn_ws *ws, const char *p, size_t len, enum bn_ws_event *event)
{
    size_t n = len < ws->left ? len : (size_t)ws->left;
    if (n == 0)
        return 0;
    if (!is_control(ws) && is_streamed(ws)) {
        ws->payload = (struct bn_str){p, n};
        ws->left -= n;
        ws->op = BN_WS_BINARY;
        *event = BN_WS_PIECE;
        return n;
    }
    struct bn_ws_inside *inside = get_inside(ws);
    if (is_control(ws)) {
        copy_payload(ws, inside->control + (ws->frame_len - ws->left), p, n);
        return n;
    }
    char *room = bn_buf_room(&inside->message, n);
    assert(room); /* judge_length() saw to it */
    copy_payload(ws, room, p, n);
    bn_buf_added(&inside->message, n);
    if (ws->message_op == BN_WS_TEXT && !ws->message_deflated && !bn_utf8_feed(&ws->utf8, room, n))
        refuse(ws, 1007, "a text message must be UTF-8");
    return n;
}

static bool end_control(struct bn_ws *ws)
{
    ws->payload = BN_STR("");
    if (ws->frame_len)
        ws->payload = (struct bn_str){ws->inside->control, (size_t)ws->frame_len};
    if (ws->op != BN_WS_CLOSE)
        return true;
    ws->close_code = 1005;
    if (ws->payload.len == 1)
        return refuse(ws, 1002, "a close frame must be empty or start with a 2-byte code");
    if (ws->payload.len >= 2) {
        const uint8_t *code = (const uint8_t *)ws->payload.p;
        int close_code = code[0] << 8 | code[1];
        uint32_t utf8 = BN_UTF8_BETWEEN;
        ws->payload.p += 2;
        ws->payload.len -= 2;
        if (!bn_ws_may_send_code(close_code))
            return refuse(ws, 1002, "a close frame must not carry a reserved code");
        if (!bn_utf8_feed(&utf8, ws->payload.p, ws->payload.len) || utf8 != BN_UTF8_BETWEEN)
            return refuse(ws, 1007, "the reason of a close frame must be UTF-8");
        ws->close_code = close_code;
    }
    ws->state = CLOSED;
    return true;
}

static bool inflate_message(struct bn_ws *ws)
{
    struct bn_ws_inside *inside = get_inside(ws);
    if (!bn_inflate_message(&inside->inflated, inside->message.p, inside->message.len))
        return inside->inflated.failed
                       ? refuse(ws, 1009, "a message must not exceed the limit, inflated")
                       : refuse(ws, 1007,
                                 "a compressed message must be well-formed deflate blocks");
    ws->payload = inside->inflated.len ? bn_buf_str(&inside->inflated) : BN_STR("");
    if (ws->message_op == BN_WS_TEXT && !bn_utf8_feed(&ws->utf8, ws->payload.p, ws->payload.len))
        return refuse(ws, 1007, "a text message must be UTF-8");
    return true;
}

static bool end_message(struct bn_ws *ws)
{
    ws->payload = BN_STR("");
    if (ws->inside && ws->inside->message.len)
        ws->payload = bn_buf_str(&ws->inside->message);
    if (ws->message_deflated && !inflate_message(ws))
        return false;
    if (ws->message_op == BN_WS_TEXT && ws->utf8 != BN_UTF8_BETWEEN)
        return refuse(ws, 1007, "a text message must not end inside a UTF-8 character");
    ws->message_op = BN_WS_CONT;
    return true;
}

static void end_frame(struct bn_ws *ws, enum bn_ws_event *event)
{
    bool is_done = true;
    ws->state = HEADER;
    ws->header_len = 0;
    ws->op = (enum bn_ws_op)(is_control(ws) ? ws->header[0] & 15 : ws->message_op);
    if (is_control(ws))
        is_done = end_control(ws);
    else if (ws->header[0] & FIN)
        is_done = end_message(ws);
    else
        return;
    if (is_done)
        *event = is_control(ws) ? BN_WS_CONTROL : BN_WS_MESSAGE;
}

size_t bn_ws_parse(struct bn_ws *ws, const char *p, size_t len, enum bn_ws_event *out_event)
{
    size_t used = 0;
    *out_event = BN_WS_MORE;
    ws->payload = (struct bn_str){NULL, 0};
    bool is_between = (ws->message_op == BN_WS_CONT || is_streamed(ws)) && ws->state != PAYLOAD;
    if (is_between || ws->state == CLOSED)
        drop_inside(ws);
    if (ws->state == CLOSED)
        return len;
    do {
        if (ws->state == HEADER)
            used += take_header(ws, p + used, len - used);
        if (ws->state == PAYLOAD)
            used += take_payload(ws, p + used, len - used, out_event);
        if (ws->state == PAYLOAD && ws->left == 0 && *out_event == BN_WS_MORE && !ws->err.code)
            end_frame(ws, out_event);
    } while (used < len && *out_event == BN_WS_MORE && !ws->err.code);
    if (ws->err.code) {
        ws->state = BROKEN;
        ws->payload = (struct bn_str){NULL, 0};
        drop_inside(ws);
        *out_event = BN_WS_BAD;
    }
    return used;
}

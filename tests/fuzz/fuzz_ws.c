/* Any bytes as frames, in both roles, with compression and without: the same lines whole, byte by
   byte and cut by the second byte; and what was read, written as the other side would, is read
   again. The first byte sets up the parser: bit 0 client, bit 1 deflate, bits 2-3 the limit, and of
   a client without deflate bit 4 a stream, whose pieces must be what messages would have been. */
#include <assert.h>

#include "wire/deflate.h"
#include "wire_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const size_t limits[] = {16, 300, 5000, 70000};

static bool is_stream(uint8_t how)
{
    return (how & 0x13) == 0x11;
}

static void set_up(struct bn_ws *ws, uint8_t how)
{
    bn_ws_init(ws, how & 1 ? BN_WS_CLIENT : BN_WS_SERVER, limits[how >> 2 & 3], how & 2);
    if (is_stream(how))
        bn_ws_stream_binary(ws);
}

static void run(struct wire_log *log, uint8_t how, const uint8_t *data, size_t size, size_t step)
{
    struct bn_ws ws;
    set_up(&ws, how);
    wire_log_init(log);
    for (size_t n, at = 0; at < size; at += n) {
        n = BN_MIN(step, size - at);
        if (!wire_log_ws(log, &ws, (const char *)data + at, n))
            break;
    }
    bn_ws_finish(&ws);
}

/* Writes the message as this parser's other side sends it, compressed when that was agreed. */
static void check_again(const struct bn_ws *said, uint8_t how)
{
    static const uint8_t mask[4] = {0xde, 0xad, 0xbe, 0xef};
    struct bn_buf wire;
    struct bn_ws ws;
    uint8_t header[BN_WS_HEADER_MAX];
    enum bn_ws_event event;
    const uint8_t *key = how & 1 ? NULL : mask;
    bool is_deflated = how & 2 && (said->op == BN_WS_TEXT || said->op == BN_WS_BINARY);
    bn_buf_init(&wire, 1 << 20);
    if (is_deflated)
        bn_deflate_block(&wire, said->payload.p, said->payload.len);
    else
        bn_buf_put(&wire, said->payload.p, said->payload.len);
    wire.len -= is_deflated ? 4 : 0;
    if (key && wire.len)
        bn_ws_mask(wire.p, wire.len, key);
    set_up(&ws, how);
    size_t n = bn_ws_header(header, said->op, is_deflated, wire.len, key);
    size_t used = bn_ws_parse(&ws, (const char *)header, n, &event);
    if (wire.len)
        used += bn_ws_parse(&ws, wire.p, wire.len, &event);
    assert(used == n + wire.len);
    assert(event == (said->op >= BN_WS_CLOSE ? BN_WS_CONTROL : BN_WS_MESSAGE));
    assert(ws.op == said->op && ws.payload.len == said->payload.len);
    assert(memcmp(ws.payload.p, said->payload.p, ws.payload.len) == 0);
    bn_ws_finish(&ws);
    bn_buf_finish(&wire);
}

/* A close frame with what is left as its reason: cut between letters, and understood. */
static void check_close(int code, const uint8_t *data, size_t size)
{
    char reason[200];
    uint8_t payload[125];
    size_t len = 0;
    for (size_t i = 0; i < BN_MIN(size, sizeof reason - 1); i++)
        reason[len++] = (char)(data[i] ? data[i] : '0');
    reason[len] = 0;
    size_t n = bn_ws_close_payload(payload, code, reason);
    assert(n >= 2 && n <= sizeof payload && payload[0] * 256 + payload[1] == code);
    assert(memcmp(payload + 2, reason, n - 2) == 0 && bn_ws_close_payload(payload, 1005, "") == 0);
    assert(!bn_utf8_is_valid(reason, len) || bn_utf8_is_valid((const char *)payload + 2, n - 2));
}

/* A stream of binary messages, put together, is what whole ones are to a parser with room for all.
 */
static void check_stream(const uint8_t *data, size_t size)
{
    struct bn_ws parts, whole;
    struct bn_buf message;
    enum bn_ws_event event = BN_WS_MESSAGE, want;
    bn_buf_init(&message, size);
    bn_ws_init(&parts, BN_WS_CLIENT, 1 << 20, false);
    bn_ws_init(&whole, BN_WS_CLIENT, 1 << 20, false);
    bn_ws_stream_binary(&parts);
    while (event != BN_WS_MORE && event != BN_WS_BAD) {
        size_t used = 0;
        do {
            used += bn_ws_parse(&parts, (const char *)data + used, size - used, &event);
            if (event == BN_WS_PIECE)
                bn_buf_put(&message, parts.payload.p, parts.payload.len);
        } while (event == BN_WS_PIECE);
        size_t used_whole = bn_ws_parse(&whole, (const char *)data, size, &want);
        /* What has no limit may be longer than what has one. */
        if (want == BN_WS_BAD && (whole.close_code == 1009 || whole.close_code == 1008))
            break;
        assert(event == want && used == used_whole);
        assert(event != BN_WS_BAD || strcmp(parts.err.text, whole.err.text) == 0);
        if (event == BN_WS_MESSAGE && parts.op == BN_WS_BINARY) {
            assert(message.len == whole.payload.len);
            assert(!message.len || memcmp(message.p, whole.payload.p, message.len) == 0);
            bn_buf_reset(&message);
        }
        data += used;
        size -= used;
    }
    bn_ws_finish(&parts);
    bn_ws_finish(&whole);
    bn_buf_finish(&message);
}

static void check_messages(uint8_t how, const uint8_t *data, size_t size)
{
    struct bn_ws ws;
    enum bn_ws_event event = BN_WS_MESSAGE;
    set_up(&ws, how);
    while (event != BN_WS_MORE && event != BN_WS_BAD) {
        size_t used = bn_ws_parse(&ws, (const char *)data, size, &event);
        data += used;
        size -= used;
        if (event == BN_WS_PIECE)
            continue;
        if (event == BN_WS_MESSAGE) {
            assert(ws.op == BN_WS_TEXT || ws.op == BN_WS_BINARY);
            assert(ws.payload.len <= limits[how >> 2 & 3]);
        }
        bool is_shown = event == BN_WS_MESSAGE && !(is_stream(how) && ws.op == BN_WS_BINARY);
        if (is_shown || (event == BN_WS_CONTROL && ws.op != BN_WS_CLOSE))
            check_again(&ws, how);
    }
    assert((event == BN_WS_BAD) == (ws.err.code != BN_E_OK));
    assert(event != BN_WS_BAD || bn_ws_may_send_code(ws.close_code));
    if (event == BN_WS_BAD)
        check_close(ws.close_code, data, size);
    bn_ws_finish(&ws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct wire_log whole;
    size_t steps[] = {1, 2 + data[1] % 61};
    check_messages(data[0], data + 2, size - 2);
    if (is_stream(data[0]))
        check_stream(data + 2, size - 2);
    run(&whole, data[0], data + 2, size - 2, size);
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct wire_log cut;
        run(&cut, data[0], data + 2, size - 2, steps[i]);
        assert(cut.text.len == whole.text.len);
        assert(!cut.text.len || memcmp(cut.text.p, whole.text.p, cut.text.len) == 0);
        bn_buf_finish(&cut.text);
    }
    bn_buf_finish(&whole.text);
    return 0;
}

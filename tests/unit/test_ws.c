#include "bn_test.h"
#include "bn_vectors.h"
#include "wire/ws.h"

/*
 * Frames in vectors: `frame: WORDS = payload`, with the words
 *   cont text binary close ping pong op=N    the opcode
 *   nofin rsv1 rsv2 rsv3                     the other bits of the first byte
 *   mask nomask                              instead of what the sending side must do
 *   len16 len64 len=N                        a longer form of the length; a length that is not true
 *   code=N                                   two bytes before the payload
 *   *N                                       the payload N times
 * and options: client, deflate, stream, max=N. This encoder is the test's own, so that reading is
 * not checked by writing.
 */
static const uint8_t vector_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

struct frame {
    unsigned first;
    bool is_masked;
    size_t length_bytes;
    uint64_t claimed;
    bool is_claimed;
    long code;
    size_t times;
};

static struct bn_ws parser;

static bool has_option(const struct bn_vector *vector, const char *word)
{
    return strstr(vector->options, word) != NULL;
}

static void read_word(struct frame *frame, const char *word)
{
    static const char *const ops[] = {"cont", "text", "binary", "", "", "", "", "", "close", "ping",
            "pong"};
    for (unsigned i = 0; i < COUNT(ops); i++)
        if (strcmp(word, ops[i]) == 0) {
            frame->first |= i;
            return;
        }
    if (strcmp(word, "nofin") == 0)
        frame->first &= ~0x80u;
    else if (strncmp(word, "rsv", 3) == 0)
        frame->first |= 0x80u >> (word[3] - '0');
    else if (strncmp(word, "op=", 3) == 0)
        frame->first |= (unsigned)strtoul(word + 3, NULL, 10);
    else if (strcmp(word, "mask") == 0 || strcmp(word, "nomask") == 0)
        frame->is_masked = word[0] == 'm';
    else if (strcmp(word, "len16") == 0 || strcmp(word, "len64") == 0)
        frame->length_bytes = word[3] == '1' ? 2 : 8;
    else if (strncmp(word, "len=", 4) == 0) {
        frame->is_claimed = true;
        frame->claimed = strtoull(word + 4, NULL, 0);
    } else if (strncmp(word, "code=", 5) == 0)
        frame->code = strtol(word + 5, NULL, 10);
    else if (word[0] == '*')
        frame->times = strtoul(word + 1, NULL, 10);
    else
        fail_msg("unknown word \"%s\" in a frame", word);
}

static void put_frame(struct bn_buf *out, const struct frame *frame, const struct bn_buf *payload)
{
    uint64_t length = frame->is_claimed ? frame->claimed : payload->len;
    size_t bytes = frame->length_bytes ? frame->length_bytes
                   : length > 65535    ? 8
                   : length > 125      ? 2
                                       : 0;
    uint64_t small = bytes == 8 ? 127 : bytes == 2 ? 126 : length;
    bn_buf_putc(out, (char)frame->first);
    bn_buf_putc(out, (char)(small | (frame->is_masked ? 0x80 : 0)));
    for (size_t i = bytes; i-- > 0;)
        bn_buf_putc(out, (char)(length >> 8 * i));
    if (frame->is_masked)
        bn_buf_put(out, vector_mask, 4);
    for (size_t i = 0; i < payload->len; i++)
        bn_buf_putc(out, (char)(payload->p[i] ^ (frame->is_masked ? vector_mask[i % 4] : 0)));
}

static void frame_line(struct bn_vector *vector, const char *line)
{
    char words[80];
    const char *equals = strstr(line, " =");
    struct frame frame = {.first = 0x80,
            .is_masked = !has_option(vector, "client"),
            .code = -1,
            .times = 1};
    struct bn_buf payload;
    CHECK(equals != NULL);
    bn_text_clip(words, sizeof words, (struct bn_str){line, (size_t)(equals - line)});
    for (char *save, *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
        read_word(&frame, word);
    bn_buf_init(&payload, 4 << 20);
    if (frame.code >= 0) {
        bn_buf_putc(&payload, (char)(frame.code >> 8));
        bn_buf_putc(&payload, (char)frame.code);
    }
    while (frame.times--)
        bn_vector_unescape(&payload, equals + (equals[2] == ' ' ? 3 : 2));
    put_frame(&vector->in, &frame, &payload);
    bn_buf_finish(&payload);
}

static void begin(const struct bn_vector *vector)
{
    const char *max = strstr(vector->options, "max=");
    bn_ws_init(&parser, has_option(vector, "client") ? BN_WS_CLIENT : BN_WS_SERVER,
            max ? strtoul(max + 4, NULL, 10) : 65536, has_option(vector, "deflate"));
    if (has_option(vector, "stream"))
        bn_ws_stream_binary(&parser);
}

static bool feed(struct wire_log *log, const char *p, size_t len)
{
    return wire_log_ws(log, &parser, p, len);
}

static void end(struct wire_log *log)
{
    enum bn_ws_event event;
    if (bn_ws_parse(&parser, "", 0, &event) == 0 && parser.inside)
        wire_log_line(log, "HOLDS");
    bn_ws_finish(&parser);
}

BN_TEST(every_vector_says_the_same_however_it_is_cut)
{
    static const struct bn_codec codec = {.frame = frame_line,
            .begin = begin,
            .feed = feed,
            .end = end};
    CHECK(bn_vectors_run("ws", &codec) >= 120);
}

/* Feeds one whole frame as the other side would send it; returns the event. */
static enum bn_ws_event feed_frame(struct bn_ws *ws, enum bn_ws_op op, const char *text, size_t len)
{
    static char bytes[200];
    uint8_t header[BN_WS_HEADER_MAX];
    enum bn_ws_event event;
    const uint8_t *mask = ws->role == BN_WS_SERVER ? vector_mask : NULL;
    size_t n = bn_ws_header(header, op, false, len, mask);
    memcpy(bytes, header, n);
    bn_ws_mask_to(bytes + n, text, len, mask ? mask : (const uint8_t[4]){0});
    CHECK_INT(bn_ws_parse(ws, bytes, n + len, &event), n + len);
    return event;
}

BN_TEST(what_one_side_writes_the_other_reads)
{
    for (int role = BN_WS_SERVER; role <= BN_WS_CLIENT; role++) {
        struct bn_ws ws;
        bn_ws_init(&ws, (enum bn_ws_role)role, 1000, false);
        CHECK_INT(feed_frame(&ws, BN_WS_TEXT, "hello", 5), BN_WS_MESSAGE);
        CHECK_INT(ws.op, BN_WS_TEXT);
        CHECK(bn_str_is(ws.payload, "hello"));
        CHECK_INT(feed_frame(&ws, BN_WS_PING, "x", 1), BN_WS_CONTROL);
        CHECK_INT(ws.op, BN_WS_PING);
        CHECK(bn_str_is(ws.payload, "x"));
        bn_ws_finish(&ws);
    }
}

BN_TEST(an_idle_parser_owns_nothing)
{
    struct bn_ws ws;
    enum bn_ws_event event;
    CHECK(sizeof ws <= 400);
    bn_ws_init(&ws, BN_WS_SERVER, 1000, true);
    CHECK_INT(feed_frame(&ws, BN_WS_TEXT, "hello", 5), BN_WS_MESSAGE);
    CHECK(ws.inside != NULL);
    bn_ws_parse(&ws, "", 0, &event);
    CHECK_INT(event, BN_WS_MORE);
    CHECK(ws.inside == NULL);
    CHECK_INT(feed_frame(&ws, BN_WS_TEXT, "", 0), BN_WS_MESSAGE);
    CHECK(ws.inside == NULL);
    CHECK(ws.payload.p != NULL);
    bn_ws_finish(&ws);
}

/* 64 bytes a piece: as outside suites cut 4 MiB where the limit is 16. */
BN_TEST(a_larger_limit_allows_more_fragments)
{
    static const char empty[] = "\x00\x80\0\0\0\0";
    struct bn_ws ws;
    enum bn_ws_event event;
    bn_ws_init(&ws, BN_WS_SERVER, 2048 * 64, false);
    bn_ws_parse(&ws, "\x02\x80\0\0\0\0", 6, &event);
    for (int i = 2; i <= 2048; i++) {
        bn_ws_parse(&ws, empty, 6, &event);
        CHECK_INT(event, BN_WS_MORE);
    }
    bn_ws_parse(&ws, empty, 6, &event);
    CHECK_INT(event, BN_WS_BAD);
    CHECK_INT(ws.close_code, 1008);
    CHECK_STR(ws.err.text, "a message must not have more than 2048 fragments");
    bn_ws_finish(&ws);
}

BN_TEST(bad_is_said_again_when_asked_again)
{
    struct bn_ws ws;
    enum bn_ws_event event;
    bn_ws_init(&ws, BN_WS_SERVER, 1000, false);
    bn_ws_parse(&ws, "\x83", 1, &event);
    CHECK_INT(event, BN_WS_BAD);
    CHECK_INT(bn_ws_parse(&ws, "\x81\x80", 2, &event), 0);
    CHECK_INT(event, BN_WS_BAD);
    CHECK_INT(ws.close_code, 1002);
    CHECK_INT(ws.err.code, BN_E_INVALID);
    bn_ws_finish(&ws);
}

BN_TEST(a_streamed_message_is_shown_where_it_came_in_and_held_nowhere)
{
    static const char first[] = "\x02\x7f\0\0\1\0\0\0\0\0abc"; /* of a terabyte */
    struct bn_ws ws;
    enum bn_ws_event event;
    bn_ws_init(&ws, BN_WS_CLIENT, 1, false);
    bn_ws_stream_binary(&ws);
    CHECK_INT(bn_ws_parse(&ws, first, sizeof first - 1, &event), sizeof first - 1);
    CHECK_INT(event, BN_WS_PIECE);
    CHECK_INT(ws.op, BN_WS_BINARY);
    CHECK(ws.payload.p == first + 10);
    CHECK_INT(ws.payload.len, 3);
    CHECK(ws.inside == NULL);
    CHECK_INT(bn_ws_parse(&ws, "", 0, &event), 0);
    CHECK_INT(event, BN_WS_MORE);
    CHECK(ws.payload.p == NULL);
    bn_ws_finish(&ws);
}

BN_TEST(the_end_of_a_streamed_message_needs_no_further_byte)
{
    struct bn_ws ws;
    enum bn_ws_event event;
    bn_ws_init(&ws, BN_WS_CLIENT, 1, false);
    bn_ws_stream_binary(&ws);
    CHECK_INT(feed_frame(&ws, BN_WS_BINARY, "hello", 5), BN_WS_PIECE);
    CHECK_INT(bn_ws_parse(&ws, "", 0, &event), 0);
    CHECK_INT(event, BN_WS_MESSAGE);
    CHECK_INT(ws.op, BN_WS_BINARY);
    CHECK_INT(ws.payload.len, 0);
    CHECK_INT(bn_ws_parse(&ws, "", 0, &event), 0);
    CHECK_INT(event, BN_WS_MORE);
    bn_ws_finish(&ws);
}

BN_TEST(a_streamed_message_may_have_any_number_of_fragments)
{
    struct bn_ws ws;
    enum bn_ws_event event;
    bn_ws_init(&ws, BN_WS_CLIENT, 1, false);
    bn_ws_stream_binary(&ws);
    bn_ws_parse(&ws, "\x02", 2, &event);
    for (int i = 0; i < 5000; i++) {
        bn_ws_parse(&ws, "\0", 2, &event);
        CHECK_INT(event, BN_WS_MORE);
    }
    bn_ws_parse(&ws, "\x80", 2, &event);
    CHECK_INT(event, BN_WS_MESSAGE);
    bn_ws_finish(&ws);
}

BN_TEST_MAIN()

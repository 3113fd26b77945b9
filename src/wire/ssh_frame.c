#include "wire/ssh_frame.h"

#include <assert.h>
#include <string.h>

struct shape {
    uint8_t numbers;
    uint8_t texts;
    uint16_t max[BN_SSH_TEXTS_MAX]; /* bytes of each text */
};

static const struct shape shapes[BN_SSH_FRAME_KINDS] = {
        [BN_SSH_OPEN] = {6, 7,
                {BN_SSH_USER_MAX, BN_SSH_SECRET_MAX, BN_SSH_KEY_MAX, BN_SSH_SECRET_MAX,
                        BN_SSH_WORD_MAX, BN_SSH_WORD_MAX, BN_SSH_HOST_MAX}},
        [BN_SSH_RUN] = {4, 2, {BN_SSH_COMMAND_MAX, BN_SSH_WORD_MAX}},
        [BN_SSH_INPUT] = {0, 1, {BN_SSH_DATA_MAX}},
        [BN_SSH_RESIZE] = {2, 0, {0}},
        [BN_SSH_TAKE] = {1, 0, {0}},
        [BN_SSH_HELLO] = {0, 1, {BN_SSH_TEXT_MAX}}, /* "", or why it will not work */
        [BN_SSH_PHASE] = {1, 0, {0}},
        [BN_SSH_OPENED] = {0, 3, {BN_SSH_WORD_MAX, BN_SSH_WORD_MAX, BN_SSH_TEXT_MAX}},
        [BN_SSH_OUTPUT] = {1, 1, {BN_SSH_DATA_MAX}},
        [BN_SSH_GIVE] = {1, 0, {0}},
        [BN_SSH_DONE] = {4, 2, {BN_SSH_WORD_MAX, BN_SSH_TEXT_MAX}},
        [BN_SSH_ENDED] = {2, 4,
                {BN_SSH_TEXT_MAX, BN_SSH_WORD_MAX, BN_SSH_WORD_MAX, BN_SSH_WORD_MAX}},
};

struct reader {
    const char *p;
    size_t left;
};

static void put_number(struct bn_buf *out, uint32_t value)
{
    const char bytes[4] = {(char)(value & 0xff), (char)(value >> 8 & 0xff),
            (char)(value >> 16 & 0xff), (char)(value >> 24)};
    bn_buf_put(out, bytes, sizeof bytes);
}

static bool take_number(struct reader *reader, uint32_t *out)
{
    const uint8_t *p = (const uint8_t *)reader->p;
    if (reader->left < 4)
        return false;
    *out = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    reader->p += 4;
    reader->left -= 4;
    return true;
}

static bool take_text(struct reader *reader, size_t max, struct bn_str *out)
{
    uint32_t len;
    if (!take_number(reader, &len) || len > max || len > reader->left)
        return false;
    *out = (struct bn_str){reader->p, len};
    reader->p += len;
    reader->left -= len;
    return true;
}

static bool holds_bytes(uint32_t kind)
{
    return kind == BN_SSH_INPUT || kind == BN_SSH_OUTPUT;
}

void bn_ssh_frame_encode(const struct bn_ssh_frame *frame, struct bn_buf *out)
{
    assert(frame->kind >= BN_SSH_OPEN && frame->kind < BN_SSH_FRAME_KINDS);
    const struct shape *shape = &shapes[frame->kind];
    bn_buf_putc(out, (char)frame->kind);
    put_number(out, frame->session);
    for (size_t i = 0; i < shape->numbers; i++)
        put_number(out, frame->number[i]);
    for (size_t i = 0; i < shape->texts; i++) {
        assert(frame->text[i].len <= shape->max[i]);
        put_number(out, (uint32_t)frame->text[i].len);
        bn_buf_put(out, frame->text[i].p, frame->text[i].len);
    }
}

bool bn_ssh_frame_decode(enum bn_ssh_side side, const char *p, size_t len, struct bn_ssh_frame *out,
        struct bn_err *err)
{
    struct reader reader = {p, len};
    struct bn_ssh_frame frame = {.kind = len > 0 ? (uint8_t)p[0] : 0};
    if (frame.kind < BN_SSH_OPEN || frame.kind >= BN_SSH_FRAME_KINDS)
        return bn_fail(err, BN_E_INVALID, "a message of the unknown kind %u", frame.kind);
    if ((frame.kind >= BN_SSH_HELLO) != (side == BN_SSH_FROM_RUNNER))
        return bn_fail(err, BN_E_INVALID, "a message of kind %u came from the wrong side",
                frame.kind);
    const struct shape *shape = &shapes[frame.kind];
    reader.p++;
    reader.left--;
    bool is_whole = take_number(&reader, &frame.session);
    for (size_t i = 0; is_whole && i < shape->numbers; i++)
        is_whole = take_number(&reader, &frame.number[i]);
    for (size_t i = 0; is_whole && i < shape->texts; i++)
        is_whole = take_text(&reader, shape->max[i], &frame.text[i]);
    if (!is_whole || reader.left > 0)
        return bn_fail(err, BN_E_INVALID, "a message of kind %u has the wrong length", frame.kind);
    for (size_t i = 0; !holds_bytes(frame.kind) && i < shape->texts; i++)
        if (memchr(frame.text[i].p, 0, frame.text[i].len))
            return bn_fail(err, BN_E_INVALID, "a message of kind %u holds a NUL", frame.kind);
    *out = frame;
    return true;
}

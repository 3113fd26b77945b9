#include "wire/rfb_input.h"

/* Of each message the bytes that say how long it is, and how many follow them at least. */
enum kind {
    BETWEEN,
    CLIENT_INIT,
    PIXEL_FORMAT,
    ENCODINGS,
    UPDATE_REQUEST,
    KEY,
    POINTER,
    CUT_TEXT,
    CONTINUOUS_UPDATES,
    FENCE,
    XVP,
    DESKTOP_SIZE,
    QEMU,
    KIND_COUNT,
};

static const struct {
    uint8_t type;
    uint8_t head;
    uint8_t rest;
    bool is_allowed; /* to one who may only look */
} kinds[KIND_COUNT] = {
        [CLIENT_INIT] = {0, 1, 0, true},
        [PIXEL_FORMAT] = {0, 1, 19, true},
        [ENCODINGS] = {2, 4, 0, true},
        [UPDATE_REQUEST] = {3, 1, 9, true},
        [KEY] = {4, 1, 7, false},
        [POINTER] = {5, 2, 4, false},
        [CUT_TEXT] = {6, 8, 0, false},
        [CONTINUOUS_UPDATES] = {150, 1, 9, true},
        [FENCE] = {248, 9, 0, true},
        [XVP] = {250, 1, 3, false},
        [DESKTOP_SIZE] = {251, 8, 0, false},
        [QEMU] = {255, 4, 0, false},
};

#define MORE_BUTTONS (-316) /* ExtendedMouseButtons, as a pseudo-encoding */
#define MORE_MARK    0x80   /* then in the mask of buttons: one more byte follows */

enum { QEMU_KEY = 0, QEMU_AUDIO = 1 };

enum { AUDIO_ON = 0, AUDIO_OFF = 1, AUDIO_FORMAT = 2 };

void bn_rfb_input_init(struct bn_rfb_input *in)
{
    *in = (struct bn_rfb_input){.kind = CLIENT_INIT, .need = 1};
}

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) << 16 | u16(p + 2);
}

static bool begin(struct bn_rfb_input *in, uint8_t type)
{
    for (int kind = PIXEL_FORMAT; kind < KIND_COUNT; kind++)
        if (kinds[kind].type == type) {
            in->kind = (uint8_t)kind;
            in->need = kinds[kind].head;
            return true;
        }
    return false;
}

/* Of lengths below zero the clipboard's extension speaks: they are as long as their number. */
static uint32_t cut_text_len(const uint8_t *p)
{
    const uint32_t len = u32(p);
    return len > INT32_MAX ? 0 - len : len;
}

static bool qemu_len(const uint8_t *head, uint32_t *out)
{
    if (head[1] == QEMU_KEY)
        *out = 8;
    else if (head[1] == QEMU_AUDIO && u16(head + 2) <= AUDIO_OFF)
        *out = 0;
    else if (head[1] == QEMU_AUDIO && u16(head + 2) == AUDIO_FORMAT)
        *out = 6;
    else
        return false;
    return true;
}

/* The head is whole: what follows it. */
static bool measure(struct bn_rfb_input *in)
{
    const uint8_t *head = in->held;
    in->left = kinds[in->kind].rest;
    switch ((enum kind)in->kind) {
    case ENCODINGS:
        in->left = 4 * u16(head + 2);
        in->knows_more_buttons = false;
        in->last = 0;
        return true;
    case KEY: in->has_acted = true; return true;
    case POINTER:
        in->has_acted = true;
        in->left += in->knows_more_buttons && (head[1] & MORE_MARK);
        return true;
    case CUT_TEXT: in->left = cut_text_len(head + 4); return true;
    case FENCE: in->left = head[8]; return true;
    case DESKTOP_SIZE: in->left = 16 * (uint32_t)head[6]; return true;
    case QEMU:
        in->has_acted = in->has_acted || head[1] == QEMU_KEY;
        return qemu_len(head, &in->left);
    default: return true;
    }
}

static void allow(const struct bn_rfb_input *in, const void *p, size_t len, struct bn_buf *allowed)
{
    static const uint8_t shared = 1;
    if (!allowed || !kinds[in->kind].is_allowed)
        return;
    if (in->kind == CLIENT_INIT)
        bn_buf_put(allowed, &shared, 1);
    else
        bn_buf_put(allowed, p, len);
}

static bool put_head(struct bn_rfb_input *in, uint8_t byte, struct bn_buf *allowed)
{
    in->held[in->got++] = byte;
    if (in->kind == BETWEEN && !begin(in, byte))
        return false;
    if (in->got < in->need)
        return true;
    if (!measure(in))
        return false;
    allow(in, in->held, in->got, allowed);
    return true;
}

/* Whether the next pointers may be longer. */
static void look_for_encoding(struct bn_rfb_input *in, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        in->last = in->last << 8 | p[i];
        if ((in->left - i) % 4 == 1 && in->last == (uint32_t)MORE_BUTTONS)
            in->knows_more_buttons = true;
    }
}

static size_t put_rest(struct bn_rfb_input *in, const uint8_t *p, size_t len,
        struct bn_buf *allowed)
{
    const size_t n = BN_MIN(len, (size_t)in->left);
    if (in->kind == ENCODINGS)
        look_for_encoding(in, p, n);
    allow(in, p, n, allowed);
    in->left -= (uint32_t)n;
    return n;
}

bool bn_rfb_input_feed(struct bn_rfb_input *in, const char *p, size_t len, struct bn_buf *allowed)
{
    const uint8_t *at = (const uint8_t *)p;
    const uint8_t *end = at + len;
    while (at < end && !in->is_lost) {
        if (in->left > 0)
            at += put_rest(in, at, (size_t)(end - at), allowed);
        else
            in->is_lost = !put_head(in, *at++, allowed);
        if (in->left == 0 && in->got == in->need) {
            in->kind = BETWEEN;
            in->got = in->need = 0;
        }
    }
    return !in->is_lost;
}

#include "source/transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "model/limits.h"

#define PIECE_COST 64 /* of memory, beside its text */
#define LONGEST    8  /* bytes of text that one byte or character may become */

enum { PLAIN, AFTER_CR, AFTER_ESC, IN_CSI, IN_OSC, OSC_ESC };

void bn_transcript_init(struct bn_transcript *t, int64_t head_max, int64_t tail_max)
{
    memset(t, 0, sizeof *t);
    bn_list_init(&t->pieces);
    t->head_max = head_max;
    t->tail_max = tail_max;
}

static void drop(struct bn_transcript *t, struct bn_transcript_piece *piece)
{
    if (!piece->is_head) {
        t->tail_len -= (int64_t)piece->len + PIECE_COST;
        t->tail_count--;
    }
    bn_list_remove(&piece->link);
    free(piece);
}

void bn_transcript_finish(struct bn_transcript *t)
{
    bn_list_each_safe(it, tmp, &t->pieces)
        drop(t, container_of(it, struct bn_transcript_piece, link));
}

/* --- pieces ---------------------------------------------------------------------------------- */

static void drop_oldest(struct bn_transcript *t)
{
    bn_list_each_safe(it, tmp, &t->pieces) {
        struct bn_transcript_piece *piece = container_of(it, struct bn_transcript_piece, link);
        if (piece->is_head)
            continue;
        if (tmp == &t->pieces) /* the newest */
            return;
        if (t->tail_len <= t->tail_max && t->tail_count <= BN_OUTPUT_PIECES_MAX)
            return;
        drop(t, piece);
    }
}

/* Once the head was full, it stays as it is: a short piece later does not belong to it. */
static void place(struct bn_transcript *t, struct bn_transcript_piece *piece)
{
    const int64_t cost = (int64_t)piece->len + PIECE_COST;
    t->is_head_over |= t->head_len + cost > t->head_max || t->head_count >= BN_OUTPUT_PIECES_MAX;
    piece->is_head = !t->is_head_over;
    if (piece->is_head) {
        t->head_len += cost;
        t->head_count++;
        return;
    }
    t->tail_len += cost;
    t->tail_count++;
    drop_oldest(t);
}

static void complete(struct bn_transcript *t)
{
    if (t->until == t->from)
        return;
    struct bn_transcript_piece *piece = bn_alloc(sizeof *piece + t->len + 1);
    piece->at = t->from;
    piece->bytes = t->until - t->from;
    piece->len = t->len;
    memcpy(piece->text, t->text, t->len);
    piece->text[t->len] = '\0';
    bn_list_append(&t->pieces, &piece->link);
    t->from = t->until;
    t->len = 0;
    place(t, piece);
    if (t->told)
        t->told(t->user, piece);
}

bool bn_transcript_is_gathering(const struct bn_transcript *t)
{
    return t->until > t->from;
}

int64_t bn_transcript_lost(const struct bn_transcript *t)
{
    int64_t shown = t->until - t->from + (int64_t)t->partial_len;
    bn_list_each(it, &t->pieces)
        shown += container_of(it, struct bn_transcript_piece, link)->bytes;
    return t->bytes - shown;
}

void bn_transcript_last(const struct bn_transcript *t, char *out, size_t size)
{
    size_t left = size - 1;
    size_t take = BN_MIN(left, t->len);
    char *end = out + left;
    memcpy(end - take, t->text + t->len - take, take);
    left -= take;
    for (struct bn_list *it = t->pieces.prev; it != &t->pieces && left; it = it->prev) {
        const struct bn_transcript_piece *piece = container_of(it, struct bn_transcript_piece,
                link);
        take = BN_MIN(left, piece->len);
        memcpy(out + left - take, piece->text + piece->len - take, take);
        left -= take;
    }
    memmove(out, out + left, size - 1 - left);
    out[size - 1 - left] = '\0';
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void put(struct bn_transcript *t, const char *p, size_t len)
{
    memcpy(t->text + t->len, p, len);
    t->len += len;
}

static void put_control(struct bn_transcript *t, unsigned char c)
{
    char text[8];
    const int len = snprintf(text, sizeof text, "\\x%02x", c);
    put(t, text, (size_t)len);
}

static void put_plain(struct bn_transcript *t, unsigned char c)
{
    if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7F))
        put(t, (const char *)&c, 1);
    else
        put_control(t, c);
}

/* Bytes of a sequence, until it is whole or wrong. */
static void put_utf8(struct bn_transcript *t)
{
    while (t->partial_len) {
        uint32_t code;
        const char *p = (const char *)t->partial;
        const size_t n = bn_utf8_next(p, t->partial_len, &code);
        const size_t whole = t->partial[0] >= 0xF0 ? 4 : t->partial[0] >= 0xE0 ? 3 : 2;
        /* A beginning that may still become right waits for more. */
        if (code == BN_UTF8_BAD && n == t->partial_len && t->partial_len < whole &&
                t->partial[0] >= 0xC2 && t->partial[0] <= 0xF4)
            return;
        if (code == BN_UTF8_BAD)
            put(t, "\xEF\xBF\xBD", 3);
        else if (code < 0x80)
            put_plain(t, (unsigned char)code);
        else if (code < 0xA0)
            put_control(t, (unsigned char)code); /* C1: a terminal would act on it */
        else
            put(t, p, n);
        t->until += (int64_t)n;
        t->partial_len -= n;
        memmove(t->partial, t->partial + n, t->partial_len);
    }
}

static void take_text(struct bn_transcript *t, unsigned char c)
{
    if (c < 0x80 && t->partial_len == 0) {
        put_plain(t, c);
        t->until++;
        return;
    }
    t->partial[t->partial_len++] = c;
    put_utf8(t);
}

static void give_up(struct bn_transcript *t)
{
    static const char bad[] = "\xEF\xBF\xBD";
    if (!t->partial_len)
        return;
    put(t, bad, sizeof bad - 1);
    t->until += (int64_t)t->partial_len;
    t->partial_len = 0;
}

/* What is left out still counts as bytes of the piece. */
static void take(struct bn_transcript *t, unsigned char c)
{
    if (t->state == AFTER_CR) {
        t->state = PLAIN;
        put(t, "\n", 1);
        if (c == '\n') {
            t->until++;
            return;
        }
    }
    switch (t->state) {
    case AFTER_ESC: t->state = c == '[' ? IN_CSI : c == ']' ? IN_OSC : PLAIN; break;
    case IN_CSI: t->state = c >= 0x40 && c <= 0x7E ? PLAIN : IN_CSI; break;
    case IN_OSC: t->state = c == 0x07 ? PLAIN : c == 0x1B ? OSC_ESC : IN_OSC; break;
    case OSC_ESC: t->state = c == '\\' ? PLAIN : IN_OSC; break;
    default:
        if (c < 0x80)
            give_up(t); /* what waits cannot become right any more */
        if (c != 0x1B && c != '\r') {
            take_text(t, c);
            return;
        }
        t->state = c == '\r' ? AFTER_CR : AFTER_ESC;
    }
    t->until++;
}

void bn_transcript_feed(struct bn_transcript *t, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        t->bytes++;
        take(t, (unsigned char)p[i]);
        if (t->len + 4 * LONGEST > sizeof t->text || t->until - t->from >= (64 << 10))
            complete(t);
    }
}

void bn_transcript_flush(struct bn_transcript *t, bool is_over)
{
    if (is_over)
        give_up(t);
    complete(t);
}

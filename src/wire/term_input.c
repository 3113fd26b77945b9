#include "wire/term_input.h"

#include <string.h>

#define LEN_DIGITS  9
#define SIZE_DIGITS 5

enum verdict { MORE, WHOLE, WRONG };

void bn_term_input_init(struct bn_term_input *in)
{
    *in = (struct bn_term_input){.got = 0};
}

/* "LEN:" at *at: it is one with what ends it, may still become one, or never. */
static enum verdict number(const struct bn_term_input *in, uint8_t *at, int digits, uint32_t *out)
{
    int n = 0;
    *out = 0;
    for (; *at < in->got; ++*at, n++) {
        const char c = in->held[*at];
        if (c == ':' && n > 0) {
            ++*at;
            return WHOLE;
        }
        if (c < '0' || c > '9' || n == digits)
            return WRONG;
        *out = *out * 10 + (uint32_t)(c - '0');
    }
    return MORE;
}

/* Of the bytes held. */
static enum verdict judge(const struct bn_term_input *in, uint32_t *out_len)
{
    uint32_t columns;
    uint8_t at = 2;
    *out_len = 0;
    if (in->held[0] == '2')
        return WHOLE;
    if (in->held[0] != '0' && in->held[0] != '1')
        return WRONG;
    if (in->got < 2)
        return MORE;
    if (in->held[1] != ':')
        return WRONG;
    if (in->held[0] == '0')
        return number(in, &at, LEN_DIGITS, out_len);
    const enum verdict verdict = number(in, &at, SIZE_DIGITS, &columns);
    return verdict == WHOLE ? number(in, &at, SIZE_DIGITS, &columns) : verdict;
}

static void put_head(struct bn_term_input *in, char byte, enum bn_term_mode mode,
        struct bn_buf *out)
{
    uint32_t len;
    in->held[in->got++] = byte;
    const enum verdict verdict = judge(in, &len);
    if (verdict == MORE)
        return;
    in->is_lost = verdict == WRONG;
    in->left = verdict == WHOLE ? len : 0;
    in->has_acted = in->has_acted || in->left > 0;
    if (mode == BN_TERM_ALL || (verdict == WHOLE && in->held[0] != '0'))
        bn_buf_put(out, in->held, in->got);
    in->got = 0;
}

bool bn_term_input_feed(struct bn_term_input *in, enum bn_term_mode mode, const char *p, size_t len,
        struct bn_buf *out)
{
    size_t at = 0;
    while (at < len && !in->is_lost) {
        const size_t n = BN_MIN(len - at, (size_t)in->left);
        if (n == 0) {
            put_head(in, p[at++], mode, out);
            continue;
        }
        if (mode == BN_TERM_ALL)
            bn_buf_put(out, p + at, n);
        in->left -= (uint32_t)n;
        at += n;
    }
    if (in->is_lost && mode == BN_TERM_ALL)
        bn_buf_put(out, p + at, len - at);
    return !in->is_lost;
}

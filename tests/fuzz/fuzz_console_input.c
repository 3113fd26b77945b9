/* Any bytes as what a browser says to a screen and to a terminal: the same whole and cut, nothing
   made up, of one who may only look nothing that types, and a terminal's heads never in two pieces.
 */
#include <assert.h>
#include <string.h>

#include "wire/rfb_input.h"
#include "wire/term_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct bn_buf passed;
    bool is_known;
    bool has_acted;
};

static void screen(struct outcome *out, const char *p, size_t size, size_t step)
{
    struct bn_rfb_input in;
    bn_rfb_input_init(&in);
    *out = (struct outcome){.is_known = true};
    bn_buf_init(&out->passed, size + 9);
    for (size_t at = 0; at < size; at += step)
        out->is_known = bn_rfb_input_feed(&in, p + at, BN_MIN(step, size - at), &out->passed);
    out->has_acted = in.has_acted;
    assert(bn_buf_ok(&out->passed));
    assert(out->passed.len <= size);
}

static void terminal(struct outcome *out, enum bn_term_mode mode, const char *p, size_t size,
        size_t step)
{
    struct bn_term_input in;
    bn_term_input_init(&in);
    *out = (struct outcome){.is_known = true};
    bn_buf_init(&out->passed, size + BN_TERM_HEAD_MAX);
    for (size_t at = 0; at < size; at += step)
        out->is_known = bn_term_input_feed(&in, mode, p + at, BN_MIN(step, size - at),
                &out->passed);
    out->has_acted = in.has_acted;
    assert(bn_buf_ok(&out->passed));
    assert(out->passed.len <= size);
    if (mode == BN_TERM_ALL && out->passed.len > 0)
        assert(memcmp(out->passed.p, p, out->passed.len) == 0);
    if (mode == BN_TERM_ALL && !out->is_known)
        assert(out->passed.len == size);
}

static void same(struct outcome *whole, struct outcome *cut)
{
    assert(whole->is_known == cut->is_known && whole->has_acted == cut->has_acted);
    assert(whole->passed.len == cut->passed.len);
    assert(cut->passed.len == 0 || memcmp(whole->passed.p, cut->passed.p, cut->passed.len) == 0);
    bn_buf_finish(&cut->passed);
}

/* What passed of one who may only look, read once more: nobody acts in it. */
static void looks_only(const struct outcome *passed)
{
    struct outcome again;
    screen(&again, passed->passed.p, passed->passed.len, passed->passed.len);
    assert(again.is_known && !again.has_acted && again.passed.len == passed->passed.len);
    bn_buf_finish(&again.passed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    const size_t step = 1 + size % 5;
    struct outcome whole;
    struct outcome cut;
    if (size == 0)
        return 0;
    screen(&whole, p, size, size);
    screen(&cut, p, size, step);
    same(&whole, &cut);
    if (whole.passed.len > 0)
        looks_only(&whole);
    bn_buf_finish(&whole.passed);
    for (enum bn_term_mode mode = BN_TERM_ALL; mode <= BN_TERM_LOOK; mode++) {
        terminal(&whole, mode, p, size, size);
        terminal(&cut, mode, p, size, step);
        same(&whole, &cut);
        bn_buf_finish(&whole.passed);
    }
    return 0;
}

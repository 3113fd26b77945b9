/* Any bytes as the beginning of a VNC connection, from a screen and from a browser: the same
   answers whole and cut, never more read than the handshake has, and every refusal has its
   sentence. */
#include <assert.h>
#include <string.h>

#include "wire/rfb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct bn_buf said;
    struct bn_rfb rfb;
    enum bn_rfb_event event;
    size_t used;
};

static void run(struct outcome *out, enum bn_rfb_role role, const uint8_t *data, size_t size,
        size_t step)
{
    *out = (struct outcome){.event = BN_RFB_MORE};
    bn_buf_init(&out->said, 100);
    bn_rfb_init(&out->rfb, role, &out->said);
    while (out->used < size && (out->event == BN_RFB_MORE || out->event == BN_RFB_CHALLENGE)) {
        out->used += bn_rfb_parse(&out->rfb, (const char *)data + out->used,
                BN_MIN(step, size - out->used), &out->said, &out->event);
        if (out->event == BN_RFB_CHALLENGE)
            bn_rfb_answer(&out->rfb, out->rfb.challenge, &out->said);
    }
    assert(bn_buf_ok(&out->said));
    if (out->event == BN_RFB_BAD)
        assert(out->rfb.err.text[0] &&
                bn_utf8_is_valid(out->rfb.err.text, strlen(out->rfb.err.text)));
}

static void both(enum bn_rfb_role role, const uint8_t *data, size_t size)
{
    struct outcome whole;
    struct outcome cut;
    run(&whole, role, data, size, size);
    run(&cut, role, data, size, 1 + size % 5);
    assert(whole.event == cut.event && whole.used == cut.used);
    assert(whole.said.len == cut.said.len);
    assert(cut.said.len == 0 || memcmp(whole.said.p, cut.said.p, cut.said.len) == 0);
    assert(strcmp(whole.rfb.err.text, cut.rfb.err.text) == 0);
    bn_buf_finish(&whole.said);
    bn_buf_finish(&cut.said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    both(BN_RFB_CLIENT, data, size);
    both(BN_RFB_SERVER, data, size);
    return 0;
}

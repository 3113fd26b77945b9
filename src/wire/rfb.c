#include "wire/rfb.h"

#include <assert.h>
#include <string.h>

#define VERSION       "RFB 003.008\n"
#define VERSION_BYTES 12

enum state {
    AT_VERSION,
    AT_TYPE_COUNT,
    AT_TYPES,
    AT_TYPE, /* a server's: what the browser chose */
    AT_CHALLENGE,
    AT_ANSWER, /* bn_rfb_answer() is due */
    AT_RESULT,
    AT_REASON_LEN,
    AT_REASON,
    AT_END,
};

enum type { TYPE_INVALID = 0, TYPE_NONE = 1, TYPE_VNC = 2 };

static void wait_for(struct bn_rfb *rfb, enum state state, size_t bytes)
{
    rfb->state = (uint8_t)state;
    rfb->need = (uint16_t)bytes;
    rfb->got = 0;
}

static enum bn_rfb_event bad(struct bn_rfb *rfb)
{
    wait_for(rfb, AT_END, 0);
    return BN_RFB_BAD;
}

static enum bn_rfb_event done(struct bn_rfb *rfb)
{
    wait_for(rfb, AT_END, 0);
    return BN_RFB_DONE;
}

void bn_rfb_init(struct bn_rfb *rfb, enum bn_rfb_role role, struct bn_buf *out)
{
    *rfb = (struct bn_rfb){.role = (uint8_t)role};
    wait_for(rfb, AT_VERSION, VERSION_BYTES);
    if (role == BN_RFB_SERVER)
        bn_buf_put(out, VERSION, VERSION_BYTES);
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "RFB 003.008\n"; 0 when it is none. 3.8 is 3008. */
static int version_of(const uint8_t p[VERSION_BYTES])
{
    static const char form[] = "RFB ddd.ddd\n";
    int version = 0;
    for (size_t i = 0; i < VERSION_BYTES; i++) {
        if (form[i] == 'd' ? !is_digit(p[i]) : p[i] != (uint8_t)form[i])
            return 0;
        if (form[i] == 'd')
            version = version * 10 + (p[i] - '0');
    }
    return version;
}

static enum bn_rfb_event screen_version(struct bn_rfb *rfb, struct bn_buf *out)
{
    const int version = version_of(rfb->held);
    if (!version) {
        bn_fail(&rfb->err, BN_E_UPSTREAM, "what answers is no VNC server");
        return bad(rfb);
    }
    /* QEMU and libvncserver speak 3.8 since 2007; who says more is answered with what we know
       (section 7.1.1). */
    if (version < 3008) {
        bn_fail(&rfb->err, BN_E_UPSTREAM, "the screen speaks VNC %d.%d, and 3.8 is needed",
                version / 1000, version % 1000);
        return bad(rfb);
    }
    bn_buf_put(out, VERSION, VERSION_BYTES);
    wait_for(rfb, AT_TYPE_COUNT, 1);
    return BN_RFB_MORE;
}

static enum bn_rfb_event choose_type(struct bn_rfb *rfb, struct bn_buf *out)
{
    if (memchr(rfb->held, TYPE_VNC, rfb->got)) {
        bn_buf_putc(out, TYPE_VNC);
        wait_for(rfb, AT_CHALLENGE, BN_RFB_CHALLENGE_BYTES);
        return BN_RFB_MORE;
    }
    if (memchr(rfb->held, TYPE_NONE, rfb->got)) {
        bn_buf_putc(out, TYPE_NONE);
        wait_for(rfb, AT_RESULT, 4);
        return BN_RFB_MORE;
    }
    bn_fail(&rfb->err, BN_E_UPSTREAM,
            "the screen asks for a security type that is not known here (%d)", rfb->held[0]);
    return bad(rfb);
}

/* Zero types, or a result that is no: why follows (section 7.1.2). */
static enum bn_rfb_event read_reason(struct bn_rfb *rfb)
{
    struct bn_str reason = {(const char *)rfb->held, rfb->got};
    for (int i = 0; i < 3 && rfb->got == BN_RFB_REASON_MAX; i++) /* a character cut in two */
        if (!bn_utf8_is_valid(reason.p, reason.len))
            reason.len--;
    if (reason.len > 0 && bn_utf8_is_valid(reason.p, reason.len))
        bn_fail(&rfb->err, BN_E_UPSTREAM, "the screen refused: %.*s", BN_ARG(reason));
    else
        bn_fail(&rfb->err, BN_E_UPSTREAM, "the screen refused without saying why");
    return bad(rfb);
}

static enum bn_rfb_event read_result(struct bn_rfb *rfb)
{
    if (read_u32(rfb->held) == 0)
        return done(rfb);
    wait_for(rfb, AT_REASON_LEN, 4);
    return BN_RFB_MORE;
}

static enum bn_rfb_event browser_version(struct bn_rfb *rfb, struct bn_buf *out)
{
    static const uint8_t one_type[] = {1, TYPE_NONE};
    if (version_of(rfb->held) != 3008) {
        bn_fail(&rfb->err, BN_E_INVALID, "this console speaks VNC 3.8");
        return bad(rfb);
    }
    bn_buf_put(out, one_type, sizeof one_type);
    wait_for(rfb, AT_TYPE, 1);
    return BN_RFB_MORE;
}

static enum bn_rfb_event browser_type(struct bn_rfb *rfb, struct bn_buf *out)
{
    static const uint8_t yes[4] = {0};
    if (rfb->held[0] != TYPE_NONE) {
        bn_fail(&rfb->err, BN_E_INVALID, "this console offered security type 1, not %d",
                rfb->held[0]);
        return bad(rfb);
    }
    bn_buf_put(out, yes, sizeof yes);
    return done(rfb);
}

/* All that was waited for is in held. */
static enum bn_rfb_event step(struct bn_rfb *rfb, struct bn_buf *out)
{
    switch ((enum state)rfb->state) {
    case AT_VERSION:
        return rfb->role == BN_RFB_CLIENT ? screen_version(rfb, out) : browser_version(rfb, out);
    case AT_TYPE_COUNT:
        if (rfb->held[0] == 0)
            wait_for(rfb, AT_REASON_LEN, 4);
        else
            wait_for(rfb, AT_TYPES, rfb->held[0]);
        return BN_RFB_MORE;
    case AT_TYPES: return choose_type(rfb, out);
    case AT_TYPE: return browser_type(rfb, out);
    case AT_CHALLENGE:
        memcpy(rfb->challenge, rfb->held, sizeof rfb->challenge);
        wait_for(rfb, AT_ANSWER, 0);
        return BN_RFB_CHALLENGE;
    case AT_RESULT: return read_result(rfb);
    case AT_REASON_LEN:
        wait_for(rfb, AT_REASON, BN_MIN(read_u32(rfb->held), BN_RFB_REASON_MAX));
        return rfb->need == 0 ? read_reason(rfb) : BN_RFB_MORE;
    default: return read_reason(rfb);
    }
}

size_t bn_rfb_parse(struct bn_rfb *rfb, const char *p, size_t len, struct bn_buf *out,
        enum bn_rfb_event *out_event)
{
    size_t used = 0;
    assert(rfb->state != AT_ANSWER && rfb->state != AT_END);
    *out_event = BN_RFB_MORE;
    while (*out_event == BN_RFB_MORE && used < len) {
        const size_t n = BN_MIN(len - used, (size_t)(rfb->need - rfb->got));
        memcpy(rfb->held + rfb->got, p + used, n);
        rfb->got = (uint16_t)(rfb->got + n);
        used += n;
        if (rfb->got == rfb->need)
            *out_event = step(rfb, out);
    }
    return used;
}

void bn_rfb_answer(struct bn_rfb *rfb, const uint8_t answer[BN_RFB_CHALLENGE_BYTES],
        struct bn_buf *out)
{
    assert(rfb->state == AT_ANSWER);
    bn_buf_put(out, answer, BN_RFB_CHALLENGE_BYTES);
    wait_for(rfb, AT_RESULT, 4);
}

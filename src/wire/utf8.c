#include "wire/utf8.h"

#include <string.h>

#define EXPECT(low, high, missing) \
    ((uint32_t)(low) | (uint32_t)(high) << 8 | (uint32_t)(missing) << 16)

/* What may follow a lead byte (Unicode 15, table 3-7), or 0 when c leads nothing. */
static uint32_t after_lead(unsigned char c)
{
    if (c >= 0xc2 && c <= 0xdf)
        return EXPECT(0x80, 0xbf, 1);
    if (c == 0xe0)
        return EXPECT(0xa0, 0xbf, 2);
    if (c == 0xed)
        return EXPECT(0x80, 0x9f, 2); /* no surrogates */
    if (c >= 0xe1 && c <= 0xef)
        return EXPECT(0x80, 0xbf, 2);
    if (c == 0xf0)
        return EXPECT(0x90, 0xbf, 3);
    if (c >= 0xf1 && c <= 0xf3)
        return EXPECT(0x80, 0xbf, 3);
    if (c == 0xf4)
        return EXPECT(0x80, 0x8f, 3); /* not above U+10FFFF */
    return 0;
}

static size_t skip_ascii(const char *p, size_t len)
{
    size_t i = 0;
    while (len - i >= 8) {
        uint64_t eight;
        memcpy(&eight, p + i, sizeof eight);
        if (eight & 0x8080808080808080u)
            break;
        i += 8;
    }
    while (i < len && (unsigned char)p[i] < 0x80)
        i++;
    return i;
}

bool bn_utf8_feed(uint32_t *state, const char *p, size_t len)
{
    uint32_t want = *state;
    size_t i = 0;
    while (i < len) {
        if (want == BN_UTF8_BETWEEN) {
            i += skip_ascii(p + i, len - i);
            if (i == len)
                break;
            want = after_lead((unsigned char)p[i++]);
            if (want == 0)
                return false;
            continue;
        }
        unsigned char c = (unsigned char)p[i++];
        if (c < (want & 0xff) || c > (want >> 8 & 0xff))
            return false;
        uint32_t missing = (want >> 16) - 1;
        want = missing ? EXPECT(0x80, 0xbf, missing) : BN_UTF8_BETWEEN;
    }
    *state = want;
    return true;
}

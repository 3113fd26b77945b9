#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool bn_addr_parse(struct bn_str text, struct bn_addr *out)
{
    if (text.len >= 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')
        text = (struct bn_str){text.p + 1, text.len - 2};
    char copy[BN_ADDR_TEXT_SIZE];
    if (!text.len || memchr(text.p, 0, text.len) || !bn_text_copy(copy, sizeof copy, text))
        return false;
    struct bn_addr addr;
    if (inet_pton(AF_INET, copy, addr.bytes + 12) == 1)
        memcpy(addr.bytes, v4_prefix, sizeof v4_prefix);
    else if (inet_pton(AF_INET6, copy, addr.bytes) != 1)
        return false;
    *out = addr;
    return true;
}

bool bn_addr_is_v4(const struct bn_addr *addr)
{
    return memcmp(addr->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

bool bn_addr_is_loopback(const struct bn_addr *addr)
{
    static const uint8_t one[16] = {[15] = 1};
    return bn_addr_is_v4(addr) ? addr->bytes[12] == 127 : memcmp(addr->bytes, one, 16) == 0;
}

void bn_addr_text(const struct bn_addr *addr, char out[BN_ADDR_TEXT_SIZE])
{
    const bool is_v4 = bn_addr_is_v4(addr);
    /* Fails only for a buffer that is too small, and this one is INET6_ADDRSTRLEN. */
    if (!inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? addr->bytes + 12 : addr->bytes, out,
                BN_ADDR_TEXT_SIZE))
        out[0] = 0;
}

struct bn_addr bn_addr_masked(const struct bn_addr *addr, uint8_t bits)
{
    struct bn_addr out = *addr;
    for (size_t i = 0; i < sizeof out.bytes; i++) {
        const int keep = (int)bits - (int)(i * 8);
        if (keep <= 0)
            out.bytes[i] = 0;
        else if (keep < 8)
            out.bytes[i] &= (uint8_t)(0xff << (8 - keep));
    }
    return out;
}

bool bn_net_has(const struct bn_net *net, const struct bn_addr *addr)
{
    const struct bn_addr masked = bn_addr_masked(addr, net->bits);
    return memcmp(masked.bytes, net->base.bytes, sizeof masked.bytes) == 0;
}

void bn_net_text(const struct bn_net *net, char out[BN_ADDR_TEXT_SIZE + 4])
{
    char addr[BN_ADDR_TEXT_SIZE];
    bn_addr_text(&net->base, addr);
    const int bits = bn_addr_is_v4(&net->base) && net->bits >= 96 ? net->bits - 96 : net->bits;
    snprintf(out, BN_ADDR_TEXT_SIZE + 4, "%s/%d", addr, bits);
}

bool bn_net_parse(struct bn_str text, struct bn_net *out, struct bn_err *err)
{
    struct bn_str rest = text;
    const struct bn_str head = bn_str_cut(&rest, '/');
    struct bn_net net;
    if (!bn_addr_parse(head, &net.base))
        return bn_fail(err, BN_E_INVALID,
                "an address or network like 10.0.0.0/8 or fd00::/8 is wanted, got \"%.*s\"",
                BN_ARG(text));
    const bool is_v4 = bn_addr_is_v4(&net.base);
    int64_t bits = is_v4 ? 32 : 128;
    if (rest.p && !bn_parse_i64(rest, 0, bits, &bits))
        return bn_fail(err, BN_E_INVALID, "the prefix of %.*s must be 0..%d, got \"%.*s\"",
                BN_ARG(head), is_v4 ? 32 : 128, BN_ARG(rest));
    net.bits = (uint8_t)(is_v4 ? bits + 96 : bits);
    const struct bn_addr masked = bn_addr_masked(&net.base, net.bits);
    if (memcmp(masked.bytes, net.base.bytes, sizeof masked.bytes) != 0) {
        char meant[BN_ADDR_TEXT_SIZE + 4];
        bn_net_text(&(struct bn_net){masked, net.bits}, meant);
        return bn_fail(err, BN_E_INVALID, "%.*s has bits set beyond its prefix; the network is %s",
                BN_ARG(text), meant);
    }
    *out = net;
    return true;
}

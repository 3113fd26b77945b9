#include "base/target.h"

#include <string.h>

/* In the order of the reasons an operator understands best. */
static const struct {
    const char *net;
    const char *what;
} closed[] = {
        {"0.0.0.0/8", "no host's address"},
        {"127.0.0.0/8", "this machine itself"},
        {"169.254.169.254/32", "where clouds keep their secrets"},
        {"169.254.0.0/16", "a link-local address"},
        {"100.100.100.200/32", "where clouds keep their secrets"},
        {"192.0.0.192/32", "where clouds keep their secrets"},
        {"224.0.0.0/4", "a multicast address"},
        {"240.0.0.0/4", "a reserved address"},
        {"::/128", "no host's address"},
        {"::1/128", "this machine itself"},
        {"fd00:ec2::254/128", "where clouds keep their secrets"},
        {"fe80::/10", "a link-local address"},
        {"ff00::/8", "a multicast address"},
};

static bool is_in(const char *net, const struct bn_addr *addr)
{
    struct bn_net parsed;
    return bn_net_parse(bn_str(net), &parsed, NULL) && bn_net_has(&parsed, addr);
}

/* The IPv4 address a transition mechanism would send the packet to. */
static bool read_inner(const struct bn_addr *addr, struct bn_addr *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    const uint8_t *b = addr->bytes;
    uint8_t inner[4];
    if (b[0] == 0x20 && b[1] == 0x02) /* 6to4, RFC 3056 */
        memcpy(inner, b + 2, 4);
    else if (is_in("64:ff9b::/96", addr) || is_in("::/96", addr)) /* RFC 6052; RFC 4291 2.5.5.1 */
        memcpy(inner, b + 12, 4);
    else if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0) /* Teredo, RFC 4380 */
        for (size_t i = 0; i < 4; i++)
            inner[i] = (uint8_t)~b[12 + i];
    else
        return false;
    memcpy(out->bytes, mapped, sizeof mapped);
    memcpy(out->bytes + sizeof mapped, inner, sizeof inner);
    return true;
}

static const char *why_closed(const struct bn_addr *addr)
{
    for (size_t i = 0; i < COUNT(closed); i++)
        if (is_in(closed[i].net, addr))
            return closed[i].what;
    return NULL;
}

bool bn_target_check(const struct bn_target_policy *policy, const struct bn_addr *addr,
        struct bn_err *err)
{
    struct bn_addr inner;
    char text[BN_ADDR_TEXT_SIZE];
    for (size_t i = 0; i < policy->allowed_count; i++)
        if (bn_net_has(&policy->allowed[i], addr))
            return true;
    const char *why = why_closed(addr);
    if (!why && read_inner(addr, &inner))
        why = why_closed(&inner);
    if (!why)
        return true;
    bn_addr_text(addr, text);
    return bn_fail(err, BN_E_FORBIDDEN, "%s is %s: --allow-target %s opens it", text, why, text);
}

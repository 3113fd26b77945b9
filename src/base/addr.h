/*
 * addr: an IP address as text and bytes, and whether it lies in a network.
 *
 * Pure: nothing is looked up. IPv4 is held as ::ffff:a.b.c.d, so one comparison serves both.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#define BN_ADDR_TEXT_SIZE 46 /* the longest IPv6 text and its NUL */

struct bn_addr {
    uint8_t bytes[16];
};

/* An address and how many leading bits of its 128 count. */
struct bn_net {
    struct bn_addr base;
    uint8_t bits; /* 0..128; an IPv4 /8 is 104 */
};

/* "10.0.0.1", "::1", "[::1]"; no port, no zone. */
BN_MUST_CHECK bool bn_addr_parse(struct bn_str text, struct bn_addr *out);
bool bn_addr_is_v4(const struct bn_addr *addr);
bool bn_addr_is_loopback(const struct bn_addr *addr);
/* The usual short form: "10.0.0.1", "fd00::1". */
void bn_addr_text(const struct bn_addr *addr, char out[BN_ADDR_TEXT_SIZE]);

/* "10.0.0.0/8", "fd00::/8", or one address. Bits beyond the prefix must be zero: what was meant is
   unclear otherwise, and the sentence names the network that would be right. */
BN_MUST_CHECK bool bn_net_parse(struct bn_str text, struct bn_net *out, struct bn_err *err);
bool bn_net_has(const struct bn_net *net, const struct bn_addr *addr);
void bn_net_text(const struct bn_net *net, char out[BN_ADDR_TEXT_SIZE + 4]);
/* The address with everything after the first bits cleared: what throttling counts as one place. */
struct bn_addr bn_addr_masked(const struct bn_addr *addr, uint8_t bits);

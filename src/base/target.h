/*
 * target: which addresses operators may make us call, and why the others are refused.
 *
 * Proxmox, SSH and stream servers stand in private networks as a rule, so those pass. What only
 * this machine or its hypervisor should hear does not (SECURITY 4, SSRF class a; FEATURES M9):
 * loopback, link-local, multicast, the unspecified network, and the addresses where clouds keep
 * metadata. Addresses that carry an IPv4 address inside (6to4, NAT64, Teredo) are judged by that
 * one too.
 */
#pragma once

#include "base/addr.h"

#define BN_TARGETS_MAX 32 /* networks opened by --allow-target */

/* Copied to whoever calls; never changed afterwards. */
struct bn_target_policy {
    struct bn_net allowed[BN_TARGETS_MAX];
    size_t allowed_count;
};

/* forbidden: "127.0.0.1 is this machine itself: --allow-target 127.0.0.1 opens it". */
BN_MUST_CHECK bool bn_target_check(const struct bn_target_policy *policy,
        const struct bn_addr *addr, struct bn_err *err);

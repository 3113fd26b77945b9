/*
 * addresses: the IP addresses of this machine's network interfaces.
 */
#pragma once

#include "base/err.h"

#define BN_ADDRESS_TEXT_MAX 64

enum bn_address_rank { BN_ADDRESS_IPV4, BN_ADDRESS_IPV6 };

/* Calls each() with every IPv4 address and every IPv6 address that is not link-local, in the
   kernel's order. Takes some microseconds per address. */
BN_MUST_CHECK bool bn_addresses_each(void (*each)(void *user, const char *nic,
                                             enum bn_address_rank rank, const char *address),
        void *user, struct bn_err *err);

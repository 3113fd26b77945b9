/*
 * endpoint: where a server is, as people write it: a name or an address, perhaps in a URL.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

struct bn_endpoint {
    char host[254]; /* without brackets */
    int64_t port;   /* 0: not written */
};

/* "pve1.company.com", "10.0.0.5:8006", "[fd00::1]:8006", "fd00::1", "https://pve1:8006/" with what
   the address bar of a browser has after it: "/#v1:0:…". The sentence says what is wrong with it,
   under the name of field. */
BN_MUST_CHECK bool bn_endpoint_read(struct bn_str text, const char *field, struct bn_endpoint *out,
        struct bn_err *err);
/* A name as DNS has it or an address, nothing else: no port, no brackets, no zone, and none of the
   numbers that a resolver would read as an address ("127.1", "2130706433"). */
bool bn_endpoint_is_host(struct bn_str host);

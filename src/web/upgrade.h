/*
 * upgrade: a request becomes a WebSocket (RFC 6455 section 4.2), or is told why not.
 */
#pragma once

#include "web/route.h"

struct bn_upgrade {
    char accept[29];
    char extension[128]; /* of the answer; "" none */
};

/* Is the request a handshake for that sub-protocol, which may be left out? False: it has been
   answered. */
BN_MUST_CHECK bool bn_upgrade_check(struct bn_request *req, const char *protocol,
        struct bn_upgrade *out);
/* The 101, queued. */
void bn_upgrade_answer(struct bn_request *req, const char *protocol,
        const struct bn_upgrade *upgrade);

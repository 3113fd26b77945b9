/*
 * term_input: what a page says to Proxmox VE's termproxy (PVE-API 9.4), message by message; knowing
 * no socket.
 *
 *     0:LEN:bytes     typed
 *     1:COLS:ROWS:    another size
 *     2               still here
 *
 * termproxy forgets the beginning of a message when the rest of it comes later, and then takes what
 * was typed for messages. So a head is held back here until it is whole, and what is passed on ends
 * within none. One who may only look gets through what is no typing.
 */
#pragma once

#include "base/buf.h"

#define BN_TERM_HEAD_MAX 14 /* "0:999999999:", "1:65535:65535:" */

struct bn_term_input {
    bool has_acted; /* something was typed; the caller clears it */
    /* private; nothing on the heap */
    bool is_lost;
    uint8_t got;
    uint32_t left; /* bytes that were typed and are still to come */
    char held[BN_TERM_HEAD_MAX];
};

enum bn_term_mode { BN_TERM_ALL, BN_TERM_LOOK };

void bn_term_input_init(struct bn_term_input *in);
/* Cut anywhere; what may pass is appended to out, which needs room for len and BN_TERM_HEAD_MAX
   bytes. False: what came is no message of these, from then on always; what it was passes if all
   may. */
BN_MUST_CHECK bool bn_term_input_feed(struct bn_term_input *in, enum bn_term_mode mode,
        const char *p, size_t len, struct bn_buf *out);

/*
 * rfb_input: what a VNC client says after its greeting (RFC 6143 section 7.5), told apart by length
 * and kind; knowing no socket.
 *
 * With the messages of noVNC beyond the RFC (rfbproto, QEMU). Only the beginning of a message is
 * read, to know how long it is and whether it is a key, a pointer, or of the kinds that keep a
 * picture coming. So one who may look and not type can be let through in part, and a screen that
 * moves by itself is not taken for a person.
 *
 * What passes of one who may only look: ClientInit (always "shared", as another would throw the
 * others out), SetPixelFormat, SetEncodings, FramebufferUpdateRequest, EnableContinuousUpdates and
 * ClientFence. KeyEvent, PointerEvent, ClientCutText, SetDesktopSize, xvp and QEMU's own messages
 * are dropped whole.
 */
#pragma once

#include "base/buf.h"

struct bn_rfb_input {
    bool has_acted; /* a key or a pointer came; the caller clears it */
    /* private; nothing on the heap */
    bool is_lost;
    bool knows_more_buttons; /* it said that it knows pointers of seven bytes */
    uint8_t kind;            /* index of the message's row, or 0 between messages */
    uint8_t got;
    uint8_t need;
    uint32_t left; /* bytes of the message that are still to come */
    uint32_t last; /* four bytes, as they come */
    uint8_t held[9];
};

/* A client that will send its ClientInit. */
void bn_rfb_input_init(struct bn_rfb_input *in);
/* Cut anywhere. What one may say who may only look is appended to allowed, which needs room for len
   and 9 bytes; NULL: all is let through by the caller and only has_acted is wanted. False: a
   message of a type that is not known, so that nobody knows where the next one begins; from then on
   always. */
BN_MUST_CHECK bool bn_rfb_input_feed(struct bn_rfb_input *in, const char *p, size_t len,
        struct bn_buf *allowed);

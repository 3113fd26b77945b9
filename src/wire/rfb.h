/*
 * rfb: the first words of a VNC connection (RFC 6143 section 7.1), both ends; knowing no socket.
 *
 * A console is relayed, not read: only the handshake is ours, so that the password of a screen
 * stays on this side and the browser is let in without one. The client speaks to the screen until
 * its security result; the server greets the browser, offers no security (type 1) and says yes.
 * From ClientInit on the bytes belong to the two others.
 *
 *     size_t used = bn_rfb_parse(&rfb, p, len, &out, &event);
 *
 * Cut anywhere, fed until MORE; what is to be sent is appended to out. After CHALLENGE call
 * bn_rfb_answer() before more is fed. DONE leaves the bytes after it unused; after BAD the
 * connection is beyond repair and err says why, with the screen's own reason where it gave one.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define BN_RFB_CHALLENGE_BYTES 16
#define BN_RFB_REASON_MAX      160 /* bytes of a reason that are shown; the rest is not waited for */

enum bn_rfb_event {
    BN_RFB_MORE,      /* all bytes used, feed more */
    BN_RFB_CHALLENGE, /* client: challenge wants its answer */
    BN_RFB_DONE,      /* both are through; what follows is relayed */
    BN_RFB_BAD,       /* err says what was wrong */
};

enum bn_rfb_role { BN_RFB_CLIENT, BN_RFB_SERVER };

struct bn_rfb {
    uint8_t challenge[BN_RFB_CHALLENGE_BYTES]; /* on CHALLENGE */
    struct bn_err err;                         /* on BAD: upstream, or invalid from a browser */
    /* private; nothing on the heap */
    uint8_t role;
    uint8_t state;
    uint16_t need;
    uint16_t got;
    uint8_t held[256];
};

/* A server's greeting is put into out at once; a client waits for the screen's. */
void bn_rfb_init(struct bn_rfb *rfb, enum bn_rfb_role role, struct bn_buf *out);
size_t bn_rfb_parse(struct bn_rfb *rfb, const char *p, size_t len, struct bn_buf *out,
        enum bn_rfb_event *out_event);
/* The challenge encrypted with the password (section 7.2.2; io/vnc_auth has it). */
void bn_rfb_answer(struct bn_rfb *rfb, const uint8_t answer[BN_RFB_CHALLENGE_BYTES],
        struct bn_buf *out);

/*
 * ws: RFC 6455 frames and messages, both ends, with limits; knowing no socket.
 *
 *     size_t used = bn_ws_parse(&ws, p, len, &event);
 *
 * Cut anywhere, fed until MORE; after MESSAGE and CONTROL call again even when no bytes are left
 * (len 0), for that call lets the payload's memory go. Fragments are joined; control frames may
 * come between them. Text is checked as UTF-8 while it arrives, byte by byte. With
 * permessage-deflate (RFC 7692, no context takeover either way) messages are inflated under the
 * same size limit during inflation: the limit is of what comes out. Any violation gives BAD at the
 * first byte that shows it, with close_code (1002, 1007, 1008, 1009) and a sentence. What follows a
 * CLOSE is swallowed.
 *
 * Who relays bytes asks for them as they come: after bn_ws_stream_binary() a binary message is
 * shown in PIECEs, of whatever length it is and in however many frames, and nothing of it is held;
 * an empty MESSAGE says that it ended.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define BN_WS_FRAGMENT_BYTES 64 /* a message of message_max bytes may come in pieces this small */
#define BN_WS_HEADER_MAX     14

enum bn_ws_op {
    BN_WS_CONT = 0,
    BN_WS_TEXT = 1,
    BN_WS_BINARY = 2,
    BN_WS_CLOSE = 8,
    BN_WS_PING = 9,
    BN_WS_PONG = 10
};

enum bn_ws_event {
    BN_WS_MORE,    /* all bytes used, feed more */
    BN_WS_MESSAGE, /* op (TEXT or BINARY) and payload: a whole message */
    BN_WS_PIECE,   /* op (BINARY) and payload: the next bytes of a message, inside those just fed */
    BN_WS_CONTROL, /* op (CLOSE, PING, PONG) and payload; for CLOSE payload is the reason,
                      close_code the code (1005 if none) */
    BN_WS_BAD,     /* close_code and err; feed nothing more */
};

enum bn_ws_role { BN_WS_SERVER, BN_WS_CLIENT }; /* a server demands masks, a client refuses them */

struct bn_ws {
    enum bn_ws_op op;
    struct bn_str payload; /* valid until the next call */
    int close_code;
    struct bn_err err;
    /* private; an idle parser is these 344 bytes and nothing on the heap */
    uint8_t role;
    uint8_t state;
    bool deflate; /* permessage-deflate was negotiated */
    bool message_deflated;
    bool streams_binary;
    uint8_t message_op; /* BN_WS_CONT between messages */
    uint8_t header_len;
    uint8_t header[BN_WS_HEADER_MAX];
    uint32_t fragments;
    uint32_t utf8;
    size_t message_max;
    uint64_t left; /* bytes of the frame's payload still to come */
    uint64_t frame_len;
    struct bn_ws_inside *inside; /* buffers, while something is in them */
};

/* message_max is bytes of one whole message, inflated (1..2^30). */
void bn_ws_init(struct bn_ws *ws, enum bn_ws_role role, size_t message_max, bool deflate);
/* After init, of a client without deflate: what a server sends needs no unmasking, so it can be
   shown where it lies. message_max is for texts then. */
void bn_ws_stream_binary(struct bn_ws *ws);
void bn_ws_finish(struct bn_ws *ws);
size_t bn_ws_parse(struct bn_ws *ws, const char *p, size_t len, enum bn_ws_event *out_event);

/* Frame header for a whole message; mask NULL for servers. deflated sets RSV1. Returns 2..14 bytes.
 */
size_t bn_ws_header(uint8_t out[BN_WS_HEADER_MAX], enum bn_ws_op op, bool deflated, uint64_t len,
        const uint8_t mask[4]);
/* Masks and unmasks len bytes, the first with mask[0]; to may be from, else they must not overlap.
 */
void bn_ws_mask_to(char *to, const char *from, size_t len, const uint8_t mask[4]);
void bn_ws_mask(char *p, size_t len, const uint8_t mask[4]); /* in place */

/* A close frame's payload: code and reason (UTF-8, cut to 123 bytes at a border of it). Returns its
   length; 1005 means no payload at all: 0. Other codes nobody may send are an assertion. */
size_t bn_ws_close_payload(uint8_t out[125], int code, const char *reason);

bool bn_ws_may_send_code(int code); /* 1000-1003, 1007-1014, 3000-4999 (RFC 6455 section 7.4) */

/* Sec-WebSocket-Accept for a key; false unless the key is 16 bytes of base64. out needs 29 bytes.
   (SHA-1 here is RFC 6455's handshake constant, not security; written in this module, 60 lines.) */
BN_MUST_CHECK bool bn_ws_accept_key(struct bn_str key, char out[29]);

/* Sec-WebSocket-Key: 16 random bytes, made anew for each handshake, as base64. */
void bn_ws_key_text(const uint8_t key[16], char out[25]);

/* Reads Sec-WebSocket-Extensions offers. When a permessage-deflate offer can be accepted without
   context takeover, writes the answer field's value (needs 128 bytes) and returns the window that
   was agreed for what the server sends, 8..15 bits: with fewer than 15 only what is no longer than
   2^bits bytes may be sent compressed, because our one compression for all looks back 2^15. Returns
   0 otherwise. Offers with unknown or repeated parameters or bad window bits are passed over, never
   an error (RFC 7692 section 5). Several header fields are the caller's to join with ", ". */
int bn_ws_choose_deflate(struct bn_str offers, char *out, size_t size);

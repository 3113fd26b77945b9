/*
 * eio: Engine.IO 4 packets as WebSocket messages and as bodies of long polling; knowing no socket.
 *
 *     while (rest.p)
 *         if (!bn_eio_next(&rest, &scratch, &packet)) …
 *
 * A body holds packets with a record separator between them; a binary one is `b` and base64. A
 * WebSocket message is one packet: text begins with its type, binary is the bytes of a message.
 * A packet is refused for its first byte, for bytes that are not UTF-8 and for base64 that is none.
 */
#pragma once

#include "base/buf.h"

#define BN_EIO_SEPARATOR '\x1e'

enum bn_eio_type {
    BN_EIO_OPEN,
    BN_EIO_CLOSE,
    BN_EIO_PING,
    BN_EIO_PONG,
    BN_EIO_MESSAGE,
    BN_EIO_UPGRADE,
    BN_EIO_NOOP
};

struct bn_eio_packet {
    enum bn_eio_type type;
    bool is_binary;     /* a MESSAGE of bytes */
    struct bn_str data; /* without the type */
};

/* What the first packet of a session says. */
struct bn_eio_opening {
    const char *sid; /* letters, digits, '-' and '_' */
    bool offers_websocket;
    int ping_interval_ms;
    int ping_timeout_ms;
    size_t payload_max; /* bytes a client may send at once */
};

/* One text message of a WebSocket. False: it is no packet. data lies in text. */
BN_MUST_CHECK bool bn_eio_read(struct bn_str text, struct bn_eio_packet *out);
/* Cuts the next packet off a body; rest->p is NULL after the last. False: what comes next is no
   packet, and what stands behind it counts no more. data lies in rest or, binary, in scratch, where
   it is valid until the next call. scratch must have room for three quarters of the body. */
BN_MUST_CHECK bool bn_eio_next(struct bn_str *rest, struct bn_buf *scratch,
        struct bn_eio_packet *out);
/* Appends a packet to a body, after a separator when the body is not empty. */
void bn_eio_put(struct bn_buf *body, const struct bn_eio_packet *packet);
/* The packet as one text message; not for binary ones. */
void bn_eio_put_text(struct bn_buf *out, const struct bn_eio_packet *packet);
/* Bytes that bn_eio_put() appends at most. */
size_t bn_eio_size(const struct bn_eio_packet *packet);
/* The data of an OPEN packet. */
void bn_eio_put_opening(struct bn_buf *out, const struct bn_eio_opening *opening);

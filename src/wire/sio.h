/*
 * sio: Socket.IO 5 packets inside Engine.IO messages, read and written; knowing no socket.
 *
 *     event = bn_sio_text(&sio, text);         a message of text
 *     event = bn_sio_binary(&sio, bytes);      one of bytes: an attachment
 *
 * One decoder per connection. A packet with attachments is announced by its text and whole with the
 * last of them; nothing may come in between. After BAD the connection is to be closed, without a
 * word (the protocol has none). What a packet says is checked: the payload that belongs to its
 * type, at most BN_SIO_ATTACHMENTS_MAX attachments, their places, names of a bounded length.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include "wire/sio_json.h"

#define BN_SIO_ATTACHMENTS_MAX BN_SIO_MARKS_MAX /* as the reference since its fix of 2026 */
#define BN_SIO_NAME_MAX        255              /* bytes of a namespace, and of an event's name */

enum bn_sio_type {
    BN_SIO_CONNECT,
    BN_SIO_DISCONNECT,
    BN_SIO_EVENT,
    BN_SIO_ACK,
    BN_SIO_CONNECT_ERROR,
    BN_SIO_BINARY_EVENT,
    BN_SIO_BINARY_ACK
};

struct bn_sio_packet {
    enum bn_sio_type type; /* as it was sent: EVENT and BINARY_EVENT mean the same */
    struct bn_str nsp;     /* "/" when it was left out */
    bool has_id;
    uint64_t id;
    struct bn_str json; /* "" when there is none; of events and acks a list */
    struct bn_sio_marks marks;
    size_t attachment_count;
    struct bn_str attachments[BN_SIO_ATTACHMENTS_MAX];
};

enum bn_sio_event {
    BN_SIO_MORE,   /* attachments are still to come */
    BN_SIO_PACKET, /* packet, valid until the next call */
    BN_SIO_BAD,    /* err says what was wrong; feed nothing more */
};

struct bn_sio {
    struct bn_sio_packet packet; /* on PACKET */
    struct bn_err err;           /* on BAD */
    /* private */
    size_t wanted;      /* attachments still to come */
    struct bn_buf held; /* the text of a packet that waits, and its attachments */
    size_t ends[BN_SIO_ATTACHMENTS_MAX + 1];
};

/* bytes_max: of one packet with all its attachments. */
void bn_sio_init(struct bn_sio *sio, size_t bytes_max);
void bn_sio_finish(struct bn_sio *sio);
enum bn_sio_event bn_sio_text(struct bn_sio *sio, struct bn_str text);
enum bn_sio_event bn_sio_binary(struct bn_sio *sio, struct bn_str bytes);

bool bn_sio_is_event(const struct bn_sio_packet *packet); /* with attachments or without */
bool bn_sio_is_ack(const struct bn_sio_packet *packet);
/* The name of an event; false when it is a number, which nobody listens to. */
BN_MUST_CHECK bool bn_sio_event_name(const struct bn_sio_packet *packet,
        char out[BN_SIO_NAME_MAX + 1]);

/* --- writing ---------------------------------------------------------------------------------- */

/* A list of arguments being written, and the attachments that stand in it. */
struct bn_sio_args {
    struct bn_buf json; /* without the brackets */
    size_t attachment_count;
    struct bn_str attachments[BN_SIO_ATTACHMENTS_MAX]; /* borrowed */
    bool has_too_many;
};

void bn_sio_args_init(struct bn_sio_args *args, size_t bytes_max);
void bn_sio_args_finish(struct bn_sio_args *args);
#define BN_SIO_ARGS_AUTO BN_CLEANUP(bn_sio_args_finish) struct bn_sio_args
bool bn_sio_args_ok(const struct bn_sio_args *args);

void bn_sio_put_text(struct bn_sio_args *args, struct bn_str text); /* as a string */
void bn_sio_put_json(struct bn_sio_args *args, struct bn_str json); /* well-formed, as it is */
void bn_sio_put_binary(struct bn_sio_args *args, struct bn_str bytes);
/* An item of a packet's list, or any value inside it, with the attachments that stand in it, which
   are numbered anew. */
void bn_sio_put_item(struct bn_sio_args *args, const struct bn_sio_packet *packet,
        struct bn_str item);

/* Which packet, to whom; id is NULL for none. */
struct bn_sio_head {
    enum bn_sio_type type; /* EVENT or ACK become the binary ones when there are attachments */
    struct bn_str nsp;
    const uint64_t *id;
};

/* The text of a packet with those arguments (EVENT, ACK); its attachments follow as messages of
   their own. */
void bn_sio_put_args(struct bn_buf *out, const struct bn_sio_head *head,
        const struct bn_sio_args *args);
/* The text of any other packet; json may be "". */
void bn_sio_put_plain(struct bn_buf *out, const struct bn_sio_head *head, struct bn_str json);

/*
 * msg: one change of one topic, encoded once per form however many listen.
 */
#pragma once

#include "base/bytes.h"

/* How the same change looks on different wires; each is made on first need. */
enum bn_form {
    BN_FORM_JSON,          /* live/1: one object and a line feed; always there */
    BN_FORM_FRAME,         /* a whole WebSocket text message holding only it */
    BN_FORM_BLOCK,         /* a deflate block of it, to be joined with others */
    BN_FORM_DEFLATE_FRAME, /* a whole compressed WebSocket message holding only it */
    BN_FORM_SSE,           /* event-stream lines, without the id */
    BN_FORM_COUNT
};

/* What a message is to whoever counts them. */
enum bn_mode {
    BN_MODE_DELTA,
    BN_MODE_MERGED,
    BN_MODE_SNAPSHOT,
    BN_MODE_EVENT,
    BN_MODE_GAP,
    BN_MODE_COUNT
};

struct bn_msg {
    uint32_t refs;
    uint32_t alias;    /* `k`: of its topic */
    uint64_t from;     /* the sequence it starts after */
    uint64_t to;       /* the sequence it leads to */
    enum bn_mode mode; /* BN_MODE_DELTA unless its maker says otherwise */
    struct bn_bytes *forms[BN_FORM_COUNT];
};

/* Takes the JSON bytes; one reference. */
struct bn_msg *bn_msg_create(uint32_t alias, uint64_t from, uint64_t to,
        struct bn_bytes *take_json);
struct bn_msg *bn_msg_ref(struct bn_msg *msg);
void bn_msg_unref(struct bn_msg *msg); /* NULL is fine */

/* The form's bytes, made by make() from the JSON when it is asked for the first time. */
struct bn_bytes *bn_msg_form(struct bn_msg *msg, enum bn_form form,
        struct bn_bytes *(*make)(const struct bn_msg *msg));

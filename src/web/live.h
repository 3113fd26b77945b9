/*
 * live: the live protocol live/1; subscriptions, replies and flushes for whatever wire a listener
 * uses.
 *
 * Private to web/. The dialects (live_ws, live_sse) say how a message looks on their wire; state by
 * request (live_state) reads the same topics.
 */
#pragma once

#include "topic/sink.h"
#include "web/web_private.h"

#define BN_SHARES_MAX 16

/* Replies to one listener: whole lines of live/1, with values that all listeners share put in. */
struct bn_telling {
    struct bn_buf text;
    size_t share_count;

    struct bn_share {
        size_t at; /* in text */
        struct bn_msg *msg;
    } shares[BN_SHARES_MAX];
};

void bn_telling_init(struct bn_telling *telling);
void bn_telling_reset(struct bn_telling *telling); /* empty; what was shared is let go */
void bn_telling_finish(struct bn_telling *telling);
#define BN_TELLING_AUTO BN_CLEANUP(bn_telling_finish) struct bn_telling

/* What a write put on the wire. */
struct bn_sent {
    size_t bytes;
    bool is_deflated;
};

struct bn_dialect {
    enum bn_proto proto;
    /* Queues messages as one write; they stay the caller's. */
    struct bn_sent (*send)(struct bn_live_conn *live, struct bn_msg *const *msgs, size_t count);
    /* Queues text that is for this listener alone: whole lines of live/1. */
    void (*say)(struct bn_live_conn *live, struct bn_str lines);
    /* Queues replies. */
    void (*tell)(struct bn_live_conn *live, const struct bn_telling *telling);
    /* A sign of life that is no message of the protocol. */
    void (*heartbeat)(struct bn_live_conn *live);
    /* After a `bye`: ends the connection with that close code. */
    void (*end)(struct bn_live_conn *live, int code, const char *why);
};

struct bn_live_conn {
    struct bn_sink sink;      /* what a broadcast touches stands first, as in io/stream */
    struct bn_stream *stream; /* of conn */
    const struct bn_dialect *dialect;
    int64_t said_mono_ms;
    bool deflate;
    bool greeted; /* hello was said */
    bool ended;
    int32_t tokens; /* messages it may still send now, in thousandths */
    int64_t tokens_at_mono_ms;
    struct bn_conn *conn;
    struct bn_ws *ws;    /* WebSocket only */
    struct bn_list link; /* of web->ears */
    int64_t since_mono_ms;
    int64_t heard_mono_ms;
    int64_t beat_mono_ms;
    int64_t end_at_mono_ms; /* a drain sends it away then; 0: no */
    struct bn_who who;
};

/* ?tenant= chooses among the asker's own; any other is not there. */
BN_MUST_CHECK bool bn_live_tenant_is_own(const struct bn_request *req, struct bn_err *err);
/* Room for one more listener of that asker? Administrators have BN_LISTENERS_RESERVED to
   themselves. On refusal the request has been answered (503 with limit and in_use, 429 per user).
 */
bool bn_live_has_room(struct bn_request *req);
/* Turns the connection of a request into a listener; the request ends without an ordinary answer.
 */
struct bn_live_conn *bn_live_open(struct bn_request *req, const struct bn_dialect *dialect);

/* Counts what was said to one listener alone. */
static inline void bn_live_count_said(struct bn_live_conn *live, size_t bytes, bool is_deflated)
{
    live->conn->web->tally.bytes[live->dialect->proto][is_deflated] += bytes;
}

/* Counts one thing a client said. False: too many, and the connection was ended. */
bool bn_live_may_speak(struct bn_live_conn *live);
/* One message of a client: lines of JSON. False: the connection was ended. */
bool bn_live_hear(struct bn_live_conn *live, struct bn_str text);
/* Subscribes and writes the reply for one topic into out, which has room for a share. wish (may be
   NULL) holds e, s, tail. */
void bn_live_subscribe(struct bn_live_conn *live, int64_t id, struct bn_str name,
        const struct bn_doc *wish, int32_t min_ms, struct bn_telling *out);
/* What somebody listens to, or no longer does, for who looks for a fault. */
void bn_live_note(const struct bn_live_conn *live, const char *event, const char *topic);
void bn_live_note_denial(struct bn_live_conn *live, const struct bn_topic *topic);
void bn_live_end(struct bn_live_conn *live, int code, const char *why, int64_t retry_ms);
/* Sends what is due and can be sent. */
void bn_live_pump(struct bn_live_conn *live);

extern const char *const bn_live_sse_query[];
extern const char *const bn_live_state_query[];
void bn_live_ws(struct bn_request *req);
void bn_live_sse(struct bn_request *req);
void bn_live_state(struct bn_request *req);
void bn_live_state_flush(struct bn_web *web);
void bn_live_state_check(struct bn_web *web); /* who waits and may not any more is told so */

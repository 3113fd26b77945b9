/*
 * eio_session: sessions of Engine.IO 4 over whatever HTTP server there is: polling, upgrade, pings.
 *
 * A session is a way for messages in both directions, by long polling, by a WebSocket, or by the
 * first until the second stands. The host brings requests and sockets and does what is asked of it
 * (bn_eio_host); the app sends and hears (bn_eio_app). Nothing waits here without a bound: a client
 * that takes nothing is sent away when backlog_max bytes wait for it.
 *
 * The app is never called from inside a call of its own: what it asks for (a close, an answer to a
 * poll) happens in bn_eio_flush(), once a turn. Loop thread only.
 */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"

#include "wire/eio.h"

#define BN_EIO_SID_SIZE 23 /* 128 random bits as base64url, and a NUL */

struct bn_eio;
struct bn_eio_session;

/* What holds a request or a socket. Each is told of its session's end before it is gone. */
struct bn_eio_host {
    /* Answers a held poll with 200 and that body; it is forgotten here. */
    void (*answer)(void *poll, struct bn_str body);
    /* Ends the connection of a POST whose body is still coming; it is forgotten here. */
    void (*cut)(void *post);
    /* Queues one WebSocket message, text or binary. */
    void (*send)(void *socket, struct bn_bytes *bytes, bool is_binary);
    /* Says goodbye after what is queued; it is forgotten here. */
    void (*close)(void *socket);
    size_t (*queued)(const void *socket); /* bytes it has not handed on yet */
    /* The last of it: what bn_eio_owner() is may go. NULL: nothing to do. */
    void (*forget)(struct bn_eio_session *session);
};

struct bn_eio_app {
    void (*opened)(struct bn_eio_session *session);
    /* data is valid during the call. */
    void (*message)(struct bn_eio_session *session, bool is_binary, struct bn_str data);
    /* All that was sent has gone; for apps that send what is new when there is room. */
    void (*drained)(struct bn_eio_session *session);
    /* Once, the last call. */
    void (*closed)(struct bn_eio_session *session, const char *why);
};

struct bn_eio_config {
    const struct bn_clock *clock;
    const struct bn_eio_host *host;
    const struct bn_eio_app *app;
    void *user; /* of the app */
    int ping_interval_ms;
    int ping_timeout_ms;
    int upgrade_ms;     /* from the candidate's opening to its `5` */
    size_t payload_max; /* bytes of a POST or of a message */
    size_t backlog_max; /* bytes that wait for one client */
};

struct bn_eio *bn_eio_create(const struct bn_eio_config *config); /* copies it */
void bn_eio_destroy(struct bn_eio *eio); /* ends all sessions; NULL is fine */
size_t bn_eio_count(const struct bn_eio *eio);
struct bn_eio_session *bn_eio_find(const struct bn_eio *eio, struct bn_str sid); /* may be NULL */
bool bn_eio_has_socket(const struct bn_eio_session *session); /* it does not poll any more */

/* --- requests --------------------------------------------------------------------------------- */

/* What a request says; p NULL where it says nothing. */
struct bn_eio_ask {
    struct bn_str method;
    struct bn_str transport;
    struct bn_str sid;
    struct bn_str version; /* EIO */
    struct bn_str origin;  /* judged for its bytes only */
    const char *forbidden; /* why no new session may begin now, or NULL */
    bool is_upgrade;       /* to a WebSocket */
};

enum bn_eio_verdict {
    BN_EIO_REFUSED,
    BN_EIO_OPENS, /* a new session: bn_eio_open() */
    BN_EIO_POLLS, /* bn_eio_poll() */
    BN_EIO_POSTS, /* bn_eio_post_begin() */
    BN_EIO_JOINS, /* bn_eio_join() with a WebSocket */
};

struct bn_eio_refusal {
    int status;
    int code;
    const char *message;
};

/* In the order of the protocol's table. session and refusal are written by what they belong to. */
enum bn_eio_verdict bn_eio_judge(const struct bn_eio *eio, const struct bn_eio_ask *ask,
        struct bn_eio_session **out_session, struct bn_eio_refusal *out_refusal);
void bn_eio_put_refusal(struct bn_buf *out, const struct bn_eio_refusal *refusal); /* JSON */
/* As a refusal: of a request that breaks the rules of a session. */
extern const struct bn_eio_refusal bn_eio_bad_request;

/* A session begins, on a WebSocket or (socket NULL) on polling: then bn_eio_poll() follows. */
struct bn_eio_session *bn_eio_open(struct bn_eio *eio, void *socket);
void *bn_eio_user(const struct bn_eio_session *session); /* the app's, NULL at first */
void bn_eio_set_user(struct bn_eio_session *session, void *user);
void *bn_eio_app_user(const struct bn_eio_session *session); /* config.user */
const struct bn_clock *bn_eio_clock(const struct bn_eio_session *session);
void *bn_eio_owner(const struct bn_eio_session *session); /* the host's, NULL at first */
void bn_eio_set_owner(struct bn_eio_session *session, void *owner);

/* Holds a GET until there is something to say. False: there was one already; that one has been
   answered, the session has ended, and this one is to be refused. */
BN_MUST_CHECK bool bn_eio_poll(struct bn_eio_session *session, void *poll);
void bn_eio_poll_gone(struct bn_eio_session *session, const void *poll);

/* A POST's head has come. False as with polls; the other one has been cut. */
BN_MUST_CHECK bool bn_eio_post_begin(struct bn_eio_session *session, void *post);
/* Its body has come. False: it was none, and the session has ended. */
BN_MUST_CHECK bool bn_eio_post(struct bn_eio_session *session, struct bn_str body);
void bn_eio_post_drop(struct bn_eio_session *session); /* too large: the session goes on */
void bn_eio_post_gone(struct bn_eio_session *session, const void *post); /* or of another type */

/* A WebSocket opened for a session that polls. False: it may not, and is to be closed. */
BN_MUST_CHECK bool bn_eio_join(struct bn_eio_session *session, void *socket);
void bn_eio_heard(struct bn_eio_session *session, const void *socket, bool is_binary,
        struct bn_str message);
void bn_eio_drained(struct bn_eio_session *session, const void *socket);
void bn_eio_socket_gone(struct bn_eio_session *session, const void *socket);

/* --- messages --------------------------------------------------------------------------------- */

/* bytes: of a text message with its leading '4', of a binary one as they are. Takes no reference of
   the caller's. After a close nothing is sent. */
void bn_eio_send(struct bn_eio_session *session, struct bn_bytes *bytes, bool is_binary);
/* Has all that was sent gone? */
bool bn_eio_is_idle(const struct bn_eio_session *session);
/* What was sent still leaves; a client that polls learns it with its next poll. */
void bn_eio_close(struct bn_eio_session *session, const char *why);
/* The same, but nothing more is owed to it. */
void bn_eio_end(struct bn_eio_session *session, const char *why);

bool bn_eio_is_leaving(const struct bn_eio_session *session); /* closed, and not over yet */

/* Once a turn, after everything else: polls are answered, who has ended is told and freed. */
void bn_eio_flush(struct bn_eio *eio);
/* Now and then: pings, and what has been waited for too long. */
void bn_eio_tick(struct bn_eio *eio);
/* All sessions, one by one: begin with NULL. The one given may be closed meanwhile. */
struct bn_eio_session *bn_eio_next_session(const struct bn_eio *eio,
        const struct bn_eio_session *after);

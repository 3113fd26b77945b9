/*
 * socketio: /socket.io/ of this server: who may come in, from which pages, and by which wire.
 *
 * The rules of the protocol are those of eio_session and sio_server, what events mean is
 * socketio_work's business. A session belongs to whoever opened it: a request that names it and is
 * somebody else's is told that there is none. It ends with the login or key behind it (T16).
 */
#pragma once

#include "web/sio_server.h"
#include "web/web_private.h"

struct bn_socketio_told;

struct bn_socketio {
    struct bn_web *web;
    struct bn_eio *eio;
    struct bn_sio_server *server;
    struct bn_socketio_told *told; /* socketio_work: the last change as it was told */
};

/* Who is behind a session; bn_eio_owner() of it. */
struct bn_socketio_owner {
    struct bn_who who; /* of the first request; kind NOBODY: a token must follow */
    char refusal[200]; /* why that request's login was none */
    char address[48];
    int64_t since_mono_ms;
    bool is_known; /* by the login, or by a token since */
};

extern const struct bn_route bn_socketio_routes[];
extern const size_t bn_socketio_route_count;

struct bn_socketio *bn_socketio_create(struct bn_web *web);
void bn_socketio_destroy(struct bn_socketio *socketio); /* after all connections; NULL is fine */

size_t bn_socketio_data(struct bn_socketio_pipe *pipe, const char *p, size_t len);
void bn_socketio_drained(struct bn_socketio_pipe *pipe);
void bn_socketio_left(struct bn_socketio_pipe *pipe);
void bn_socketio_request_gone(struct bn_answering *a); /* any request; polls among them end */

void bn_socketio_flush(struct bn_web *web);
void bn_socketio_tick(struct bn_web *web);
void bn_socketio_check_owners(struct bn_web *web);
void bn_socketio_drain(struct bn_web *web); /* everybody is sent away, and comes back elsewhere */

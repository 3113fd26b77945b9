/*
 * socketio_work: what Socket.IO clients hear of operations: a room for each target, and one for
 * all.
 *
 * The events are those of source 002 (docs/protocol.md). A room is a view of the topic of
 * operations: on joining what there is now, then each operation as it is when it changed. A client
 * that takes nothing costs its position and nothing else; when it can take again it hears of each
 * operation that changed once.
 */
#pragma once

#include "web/socketio.h"

extern const struct bn_sio_app bn_socketio_work_app;

/* The login behind the session ended: its sockets are told goodbye and it is closed. */
void bn_socketio_work_dismiss(struct bn_eio_session *session);
/* The same for sockets whose own token ended, and rooms whose right was taken away. */
void bn_socketio_work_check(struct bn_eio_session *session);
void bn_socketio_told_destroy(struct bn_socketio_told *told); /* NULL is fine */

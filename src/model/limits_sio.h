/*
 * limits_sio: the bounds of Socket.IO, one line each, with its reason.
 */
#pragma once

/* --- Socket.IO (SOCKETIO 2.1, 3, 8) --- */
#define BN_SIO_NAMESPACES_MAX 16        /* of one connection; beyond: it is ended */
#define BN_EIO_ANSWER_BYTES   (1 << 20) /* of one poll; the rest waits for the next */
#define BN_EIO_LEAVE_MS       30000     /* for the last poll of one that was sent away */

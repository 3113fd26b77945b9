/*
 * limits_sio: the bounds of Socket.IO, one line each, with its reason.
 */
#pragma once

/* --- Socket.IO (SOCKETIO 2.1, 3, 8) --- */
#define BN_SIO_PING_MS              25000      /* as the reference: below the 60 s of proxies */
#define BN_SIO_PONG_MS              20000      /* then a peer is dead: within 46 s (FEATURES J17) */
#define BN_SIO_UPGRADE_MS           10000      /* from a WebSocket's opening to its taking over */
#define BN_SIO_CONNECT_MS           45000      /* to a namespace, as the reference … */
#define BN_SIO_STRANGER_MS          10000      /* … and of one that came without a login */
#define BN_SIO_PAYLOAD_BYTES        (64 << 10) /* what a client sends at once: 413, close 1009 */
#define BN_SIO_BACKLOG_BYTES        (256 << 10) /* waiting for one client; beyond: closed, too slow */
#define BN_SIO_MESSAGES_PS          50          /* packets a second, and a burst; beyond: closed */
#define BN_SIO_MESSAGES_BURST       500 /* at once: a list of 200 targets joins and leaves */
#define BN_SIO_ROOMS_MAX            200 /* targets one client watches; beyond: an error event */
#define BN_SIO_SNAPSHOT_MAX         100 /* operations told on joining, newest first: 150 KB at most */
#define BN_SIO_UPDATES_MAX          100 /* told one by one; of more at once all there is, anew */
#define BN_SIO_PER_USER_MAX         50  /* sessions of one person; beyond: 403 */
#define BN_SIO_STRANGERS_MAX        256 /* sessions whose token has not come yet; beyond: 403 … */
#define BN_SIO_STRANGERS_PER_IP_MAX 16  /* … also of one address, this machine's own excepted */
#define BN_SIO_NAMESPACES_MAX       16  /* of one connection; beyond: it is ended */
#define BN_EIO_ANSWER_BYTES         (1 << 20) /* of one poll; the rest waits for the next */
#define BN_EIO_LEAVE_MS             30000     /* for the last poll of one that was sent away */

/*
 * sio_server: Socket.IO 5 over sessions of Engine.IO: namespaces, events, acks; no HTTP.
 *
 * A connection is one Engine.IO session; in each namespace it is connected to it has a socket with
 * an id of its own. Who may connect, and what events mean, is the app's business. What breaks the
 * protocol ends the connection without a word, as the protocol wants it.
 */
#pragma once

#include "web/eio_session.h"
#include "wire/sio.h"

struct bn_sio_server;
struct bn_sio_conn;

struct bn_sio_socket {
    struct bn_list link; /* private */
    struct bn_sio_conn *conn;
    char sid[BN_EIO_SID_SIZE]; /* never the session's, which is a secret */
    uint64_t next_id;          /* of what is asked of the client */
    void *user;                /* the app's; NULL at first */
    char pid[BN_EIO_SID_SIZE]; /* told with the sid when an app that recovers connections sets it */
    const char *why;           /* private: of its end */
    bool is_over;              /* nothing is sent any more; told by disconnected() */
    size_t nsp_len;
    char nsp[];
};

struct bn_sio_app {
    /* May it connect? False: refusal holds the object the client is told. auth is an object or "".
       What is sent to the socket here arrives before the word that it is connected, which clients
       keep back until then; an app that recovers connections sets sid and pid. */
    bool (*connect)(struct bn_sio_socket *socket, struct bn_str auth, struct bn_buf *refusal);
    /* The client was told; auth as before. */
    void (*connected)(struct bn_sio_socket *socket, struct bn_str auth);
    /* name is "" for a number. The packet is valid during the call. */
    void (*event)(struct bn_sio_socket *socket, const char *name,
            const struct bn_sio_packet *packet);
    void (*ack)(struct bn_sio_socket *socket, uint64_t id, const struct bn_sio_packet *packet);
    /* Once per connected socket, its last call; never inside a call of the app's own. */
    void (*disconnected)(struct bn_sio_socket *socket, const char *why);
    void (*drained)(struct bn_sio_socket *socket); /* all that was sent has gone */
};

struct bn_sio_config {
    const struct bn_sio_app *app;
    void *user;
    int connect_ms;   /* to the first namespace */
    size_t bytes_max; /* of one packet with its attachments */
    int packets_ps;   /* a second, and a burst; 0: as many as they like */
    int packets_burst;
};

struct bn_sio_server *bn_sio_server_create(const struct bn_sio_config *config);
void bn_sio_server_destroy(struct bn_sio_server *server); /* after the sessions; NULL is fine */
/* The app of the sessions; user of their config is the server. */
extern const struct bn_eio_app bn_sio_eio_app;

void *bn_sio_server_user(const struct bn_sio_socket *socket);
struct bn_eio_session *bn_sio_session(const struct bn_sio_socket *socket);

/* --- to the client ---------------------------------------------------------------------------- */

void bn_sio_emit(struct bn_sio_socket *socket, const struct bn_sio_args *args);
/* The same, asking for an ack; returns its id. */
uint64_t bn_sio_ask(struct bn_sio_socket *socket, const struct bn_sio_args *args);
void bn_sio_acknowledge(struct bn_sio_socket *socket, uint64_t id, const struct bn_sio_args *args);
/* "4" and a packet of that namespace without attachments, encoded once for many. */
struct bn_bytes *bn_sio_encode(const char *nsp, const struct bn_sio_args *args);
void bn_sio_emit_bytes(struct bn_sio_socket *socket, struct bn_bytes *bytes);
/* Has all that was sent to its client gone? */
bool bn_sio_is_idle(const struct bn_sio_socket *socket);
/* Out of this namespace; the client does not come back by itself. */
void bn_sio_disconnect(struct bn_sio_socket *socket, const char *why);

/* Each second or so: who has connected to nothing in time goes. */
void bn_sio_server_tick(struct bn_sio_server *server, struct bn_eio *eio);
/* All sockets one by one, first NULL; those that are over are passed over. */
struct bn_sio_socket *bn_sio_next_socket(const struct bn_eio *eio,
        const struct bn_sio_socket *after);
/* Those of one session; fn may disconnect the one it is given. */
void bn_sio_each_socket(struct bn_eio_session *session,
        void (*fn)(struct bn_sio_socket *socket, void *user), void *user);

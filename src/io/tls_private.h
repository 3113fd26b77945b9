/*
 * tls_private: what tls and tls_client share: one connection, of either side.
 */
#pragma once

#include "io/tls.h"
#include "io/tls_client.h"

struct ssl_st;

struct bn_tls {
    struct ssl_st *ssl;
    struct bn_tls_config *config; /* server side */
    struct bn_tls_client *client; /* client side: counted, as config is */
    struct bn_tls_peer *peer;     /* client side, until the handshake is over */
    char *key;                    /* client side: under which its session is remembered */
    bool broken;                  /* after a fatal error OpenSSL must not be asked to say goodbye */
};

/* Of a connection about to be freed: its session stays good for the next one. */
void bn_tls_client_let_go(struct bn_tls *tls);

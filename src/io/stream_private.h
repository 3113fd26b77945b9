/*
 * stream_private: what listen and stream share and nobody else needs.
 */
#pragma once

#include "io/stream.h"

/* Takes the descriptor (non-blocking) and the TLS object. NULL: the kernel will not watch it, and
   both stay the caller's. */
struct bn_stream *bn_stream_create(struct bn_loop *loop, int fd, struct bn_tls *tls);
void bn_stream_set_not_tls(struct bn_stream *stream,
        const char *text); /* bn_listener_config.not_tls */
void bn_stream_set_address(struct bn_stream *stream, const char *address);

/* The loop's list of streams that have said goodbye and wait for the peer's. */
struct bn_list *bn_loop_lingerers(struct bn_loop *loop);

/* Who listens on a port already: " by pid 812 (grafana)", or "" when that cannot be known. */
void bn_port_owner(int port, char *out, size_t size);

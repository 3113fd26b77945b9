/*
 * ssh_pipe: the server's end of the socket to its SSH runner, and the runner begun anew when it
 * died.
 *
 * Loop thread only.
 */
#pragma once

#include "base/buf.h"

#include "io/loop.h"
#include "io/ssh_forker.h"
#include "wire/ssh_frame.h"

/* --- the SSH runner --- */
#define BN_SSH_PING_MS     2000  /* while there are sessions */
#define BN_SSH_PONG_MS     10000 /* a runner that does not answer so long is ended */
#define BN_SSH_REST_MS     1000  /* after the second death in a row, then twice as long each time */
#define BN_SSH_REST_MAX_MS 60000 /* and whoever lived so long died the first time */

struct bn_ssh_pipe;

struct bn_ssh_pipe_ops {
    void (*heard)(void *user, const struct bn_ssh_frame *frame);
    void (*broken)(void *user, const char *text); /* the runner died, and every session with it */
};

struct bn_ssh_pipe *bn_ssh_pipe_create(struct bn_loop *loop, struct bn_ssh_forker *forker,
        const struct bn_ssh_pipe_ops *ops, void *user);
void bn_ssh_pipe_destroy(struct bn_ssh_pipe *pipe);

/* True: there is a runner, perhaps since now. False: unavailable, and when it will be. */
BN_MUST_CHECK bool bn_ssh_pipe_begin(struct bn_ssh_pipe *pipe, struct bn_err *err);
void bn_ssh_pipe_send(struct bn_ssh_pipe *pipe, const struct bn_ssh_frame *frame);
/* An encoded frame, whose bytes are wiped once they are gone, and a descriptor (-1: none). Both are
   the pipe's from now on. */
void bn_ssh_pipe_send_secret(struct bn_ssh_pipe *pipe, struct bn_buf *take, int take_fd);
void bn_ssh_pipe_set_busy(struct bn_ssh_pipe *pipe, bool is_busy); /* there are sessions */
size_t bn_ssh_pipe_waiting(const struct bn_ssh_pipe *pipe);        /* bytes */
uint64_t bn_ssh_pipe_deaths(const struct bn_ssh_pipe *pipe);

/*
 * ssh_runner: the process that speaks SSH (libssh), for all sessions at once, without waiting for
 * any.
 *
 * It sees what a stranger sends and nothing else: each session brings its connected socket, its
 * user and its secret, which is wiped once it was used. Its one link to the server is a socket of
 * messages (wire/ssh_frame); when that closes, it ends. See docs/decisions/017.
 */
#pragma once

#include "base/base.h"

/* What the libraries do once, and with files, before the process is confined. */
void bn_ssh_runner_prepare(void);
/* Serves until the socket closes. unsafe: "", or why it must not serve; then it says only that.
   The exit code. */
int bn_ssh_runner_main(int fd, const char *unsafe);
/* _exit(), after the sanitizers and the coverage had their say. */
_Noreturn void bn_ssh_runner_end(int code);

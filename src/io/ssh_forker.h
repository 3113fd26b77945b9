/*
 * ssh_forker: a small process forked before anything secret is read, which forks SSH runners when
 * it is asked to.
 *
 * A runner that died is started anew, and must not be a copy of a server full of keys. So the copy
 * is made when there is nothing to copy, kept, and copied again. It has one socket, executes and
 * opens nothing (ssh_confine), and ends with whoever started it.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

struct bn_ssh_forker {
    int fd;            /* -1: none */
    pid_t pid;         /* its own */
    pid_t runner;      /* of the runner; 0: none, or not known yet */
    int runner_status; /* of the one that ended last, as wait(2) tells */
    bool has_status;
};

/* Before the first thread and before anything secret is in memory. */
BN_MUST_CHECK bool bn_ssh_forker_start(struct bn_ssh_forker *forker, struct bn_err *err);
/* Ends it and its runner, and waits for them, two seconds at most. True when both ended well. What
   was never started is fine. */
bool bn_ssh_forker_stop(struct bn_ssh_forker *forker);

/* A runner with this end of a socket pair; the caller closes his copy. One that still runs is ended
   first. */
BN_MUST_CHECK bool bn_ssh_forker_fork(struct bn_ssh_forker *forker, int fd, struct bn_err *err);
void bn_ssh_forker_kill(struct bn_ssh_forker *forker); /* the runner, at once */
void bn_ssh_forker_look(struct bn_ssh_forker *forker); /* reads what it told about its runner */

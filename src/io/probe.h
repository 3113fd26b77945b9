/*
 * probe: a thread for one question that may hang; nobody ever waits for it, not even the end of the
 * program.
 */
#pragma once

#include "base/err.h"

struct bn_probe;

/* The job holds the question and its answer; it belongs to the thread while it works, and to the
   caller otherwise. It holds no pointer into the server. */
struct bn_probe_ops {
    void (*work)(void *job); /* on the thread; takes as long as it takes */
    void (*free)(void *job); /* on whichever thread is the last to hold it */
};

/* what is the beginning of a sentence: "the file system at /mnt". The job is the probe's from then
   on; when this fails it stays the caller's. */
BN_MUST_CHECK bool bn_probe_create(const char *what, const struct bn_probe_ops *ops, void *job,
        struct bn_probe **out, struct bn_err *err);
/* Returns at once; a thread that hangs is left behind and frees what it holds if it ever returns.
   NULL is fine. */
void bn_probe_destroy(struct bn_probe *probe);

/* Begins the work; does nothing while it is under way. */
void bn_probe_ask(struct bn_probe *probe);
/* The job with its answer, once for each question; the caller may read it until it asks again.
   NULL: nothing new. */
void *bn_probe_take(struct bn_probe *probe);

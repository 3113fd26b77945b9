/*
 * tasks: what Proxmox VE did of late, asked when somebody wants to know why, and remembered.
 *
 * Nobody waits for it: whoever looks gets what is known, and a question goes out beside when that
 * is old. What was told once is kept while the server does not answer. Loop thread only.
 */
#pragma once

#include "base/secret.h"

#include "hub/hub.h"
#include "io/fetch.h"
#include "live/why.h"
#include "source/fleet.h"

struct bn_tasks;

#define BN_TASKS_AT_ONCE  8     /* questions; beyond, what is known is told */
#define BN_TASKS_WAIT_MS  5000  /* for one: a live member answers at once (PVE-API 10) */
#define BN_TASKS_FRESH_MS 15000 /* an answer, as Proxmox VE would have it (PVE-API 11) */

struct bn_tasks_config {
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_fetch *fetch;
    struct bn_fleet *fleet;        /* NULL, or who speaks for a server that does not answer */
    const struct bn_seal_key *key; /* of the tokens */
};

struct bn_tasks *bn_tasks_create(const struct bn_tasks_config *config);
/* After the fetch it uses has ended; NULL is fine. */
void bn_tasks_destroy(struct bn_tasks *tasks);

enum bn_tasks_state {
    BN_TASKS_KNOWN,   /* as of BN_TASKS_FRESH_MS ago at most */
    BN_TASKS_ASKING,  /* an answer is on its way: look again in a second or two */
    BN_TASKS_UNKNOWN, /* it could not be asked, or did not answer; what is there was told before */
};

/* What is known of the server's cluster, at most *n, then *n are there, newest first. */
enum bn_tasks_state bn_tasks_look(struct bn_tasks *tasks, const char *tenant,
        const struct bn_server *server, struct bn_why_task *out, size_t *n);

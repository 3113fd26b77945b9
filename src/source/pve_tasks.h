/*
 * pve_tasks: the list of a node's or a cluster's tasks, as a Proxmox VE tells it.
 *
 * What is no task is left out; a time that is not told is 0. Called on the collector thread.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* A row of GET /nodes/{n}/tasks or GET /cluster/tasks (PVE-API 8.3). */
struct bn_pve_task_row {
    char upid[256]; /* valid: bn_pve_upid_node */
    char node[64];
    char type[32];    /* "qmstop", "vzdump" … */
    char id[64];      /* of a guest's task its number; may be "" */
    char user[128];   /* who, with the token: "root@pam!bnc" */
    int64_t begun_ms; /* wall clock of the node, whole seconds */
    int64_t ended_ms; /* 0: it runs, or nobody knows */
    char status[160]; /* "OK", "WARNINGS: 2", the error; "" while it runs */
};

/* At most *n of them in the order of the answer, then *n are there; what comes after is left out.
 */
BN_MUST_CHECK bool bn_pve_read_tasks(struct bn_str body, struct bn_pve_task_row *out, size_t *n,
        struct bn_err *err);

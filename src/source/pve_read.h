/*
 * pve_read: answers of the Proxmox VE API as records; knows no socket, no clock, no server.
 *
 * What is absent is unknown and never 0; what is nonsense (PVE-API 4.4: negative processor times,
 * more memory used than there is) is cut to what can be. Called on the collector thread.
 */
#pragma once

#include "base/text.h"

#include "model/infra.h"
#include "model/summary.h"
#include "model/work.h"

struct bn_doc;

/* {"data":[…]}: the list of an answer, for readers of their own. The document is the caller's to
   free with bn_doc_destroy, also after a failure. */
BN_MUST_CHECK bool bn_pve_open_list(struct bn_str body, struct bn_doc **doc,
        const struct bn_doc **out, struct bn_err *err);

/* A guest as listed: the counters run since its start, so rates need two listings. Bytes;
   BN_UNKNOWN where they are not told. */
struct bn_pve_guest {
    struct bn_vm vm;
    int64_t net_in;
    int64_t net_out;
    int64_t disk_read;
    int64_t disk_write;
};

/* GET /cluster/resources. */
struct bn_pve_listing {
    struct bn_pve_guest *guests;
    size_t guest_count;
    struct bn_node *nodes;
    size_t node_count;
    struct bn_storage *storages; /* a shared one once, however many nodes list it */
    size_t storage_count;
    bool has_numbers; /* of nodes: without them the token lacks Sys.Audit (PVE-API 5) */
    size_t skipped;   /* rows of guests and nodes that name nothing, or beyond the limits */
};

/* The limits are those of one server. Free with bn_pve_listing_finish, also after a failure. */
BN_MUST_CHECK bool bn_pve_read_resources(struct bn_str body, const char *server_id,
        struct bn_pve_listing *out, struct bn_err *err);
void bn_pve_listing_finish(struct bn_pve_listing *listing);

/* GET /cluster/status. */
struct bn_pve_member {
    char node[64];
    char ip[46];
    bool is_online;
    bool is_local; /* the one we talk to */
};

#define BN_PVE_MEMBERS_MAX 128 /* corosync's own limit is lower */

struct bn_pve_cluster {
    char name[64];      /* "" for a node of its own */
    int64_t is_quorate; /* unknown for a node of its own: there is no quorum to lose */
    struct bn_pve_member members[BN_PVE_MEMBERS_MAX];
    size_t member_count;
};

BN_MUST_CHECK bool bn_pve_read_cluster(struct bn_str body, struct bn_pve_cluster *out,
        struct bn_err *err);

/* GET /nodes: how many there are. */
BN_MUST_CHECK bool bn_pve_read_nodes(struct bn_str body, int64_t *out_count, struct bn_err *err);

/* The same: the certificate of each node, SHA-256 as elsewhere. Nodes without one are left out. */
typedef char bn_fingerprint[96];
size_t bn_pve_read_fingerprints(struct bn_str body, bn_fingerprint *out, size_t max);

/* GET /version: "9.2.2" as it stands there, and its parts, -1 where it says none. */
struct bn_pve_version {
    char text[24];
    int major;
    int minor;
};

BN_MUST_CHECK bool bn_pve_read_version(struct bn_str body, struct bn_pve_version *out,
        struct bn_err *err);

/* A data member that is a string: the UPID of an action. */
BN_MUST_CHECK bool bn_pve_read_upid(struct bn_str body, char *out, size_t size, struct bn_err *err);

/* GET /nodes/{n}/tasks/{upid}/status. */
struct bn_pve_task {
    bool is_running;
    char exit_status[160]; /* "" while it runs; OK, WARNINGS: 3, or the error */
};

BN_MUST_CHECK bool bn_pve_read_task(struct bn_str body, struct bn_pve_task *out,
        struct bn_err *err);
bool bn_pve_task_is_ok(const struct bn_pve_task *task);       /* OK, also with warnings */
int64_t bn_pve_task_warnings(const struct bn_pve_task *task); /* how many; 0 for none */

/* GET /nodes/{n}/tasks/{upid}/log: the last lines of the answer, at most *n, then *n are there;
   *out_total is how many the whole log has. Control characters are left out, and so is the line
   that stands for an empty log. */
BN_MUST_CHECK bool bn_pve_read_log(struct bn_str body, struct bn_output *out, size_t *n,
        int64_t *out_total, struct bn_err *err);

/* GET /nodes/{n}/{qemu|lxc}/{vmid}/status/current: Proxmox's own word, "running" or "stopped". */
BN_MUST_CHECK bool bn_pve_read_guest_status(struct bn_str body, char *out, size_t size,
        struct bn_err *err);

/* What an answer that is no success says, by PVE-API 4.2: errors, message, reason, or the code. */
void bn_pve_read_refusal(int status, const char *reason, struct bn_str body, char *out,
        size_t size);

/* "UPID:{node}:…:" with its last colon (PVE-API 8.2). The node in it is the one to ask. */
bool bn_pve_upid_node(const char *upid, char *out, size_t size);
/* Its type, "qmstart", "hastop"; "" when it is no UPID. */
void bn_pve_upid_type(const char *upid, char *out, size_t size);
/* Letters, digits and dashes inside: what may stand in a path (PVE-API 13.11). */
bool bn_pve_node_is_valid(const char *node);

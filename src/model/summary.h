/*
 * summary: a tenant's fleet in numbers, with the storages that are told for their sake.
 */
#pragma once

#include "model/field.h"

/* A storage: of one node, or shared by the nodes of its cluster and told once for them all. */
struct bn_storage {
    char id[BN_ID_MAX]; /* SERVER ID/storage/NODE/NAME, of a shared one SERVER ID/storage/NAME */
    char server_id[BN_ID_MAX];
    char node[64]; /* "" for a shared one */
    char name[64];
    char type[32];    /* dir, nfs, zfspool, … as Proxmox VE says */
    char content[96]; /* images, rootdir, backup, … separated by commas */
    char status[16];  /* available, unknown */
    int64_t is_shared;
    int64_t disk;
    int64_t maxdisk;
};

/* What a tenant has, counted. Unknown is what nobody has told yet; what is known to be none is 0.
 */
struct bn_summary {
    char id[BN_ID_MAX]; /* "all" */
    int64_t updated_at;
    int64_t servers_total; /* that are not switched off */
    int64_t servers_online;
    int64_t servers_offline;
    int64_t servers_unknown; /* not checked yet */
    int64_t servers_flapping;
    int64_t servers_disabled;
    int64_t clusters_without_quorum;
    int64_t nodes_total;
    int64_t nodes_online;
    int64_t nodes_offline;
    int64_t nodes_unknown; /* whoever would know does not answer, or their numbers stand still */
    int64_t vms_total;     /* templates are no guests */
    int64_t vms_running;
    int64_t vms_stopped;
    int64_t vms_paused;
    int64_t vms_other; /* unknown, in error, or with words of later versions */
    int64_t containers_total;
    int64_t containers_running;
    int64_t containers_stopped;
    int64_t containers_paused;
    int64_t containers_other;
    int64_t cpu_cores; /* of nodes that are online, as what follows */
    double cpu_pct;
    int64_t mem_used;
    int64_t mem_total;
    double mem_pct;
    int64_t storage_used; /* a shared storage counts once */
    int64_t storage_total;
    double storage_pct;
};

extern const struct bn_record_type bn_storage_type;
extern const struct bn_record_type bn_summary_type;

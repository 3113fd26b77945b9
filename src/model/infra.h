/*
 * infra: Proxmox VE servers as operators entered them, what checking them found, their nodes and
 * guests.
 */
#pragma once

#include "model/field.h"

#define BN_FAIL_AFTER 1 /* failures in a row before a server is offline, if nothing is said */

/* Shown states of a server (FEATURES B1); `checking` while an attempt is under way. */
enum bn_server_status {
    BN_SERVER_UNKNOWN,
    BN_SERVER_CHECKING,
    BN_SERVER_ONLINE,
    BN_SERVER_OFFLINE,
};

/* An entry of the registry. Fields from connection_status on are derived: live/ sets them from
   CHECK facts, no request may, and they are not kept as columns. */
struct bn_server {
    char id[BN_ID_MAX];
    char name[101];
    char host[254];
    int64_t port;
    char token[640];     /* sealed: USER@REALM!TOKENID=SECRET */
    char token_hint[96]; /* "root@pam!bnc=••••3f9a" */
    int64_t verify_ssl;  /* false: the certificate of the first contact is pinned */
    char fingerprint[96];
    int64_t is_pin_auto; /* set by the first contact, and nobody has said that it is right */
    int64_t is_active;
    int64_t connection_timeout_ms;
    int64_t fail_after; /* BN_FAIL_AFTER when unknown */
    int64_t vpn_enabled;
    char vpn_host[254];
    int64_t vpn_port;
    char tags[128];
    char site[64];
    char notes[256];
    int64_t silenced_until; /* wall milliseconds; 0: not, as in the past */
    int64_t is_demo;
    char created_by[64];
    int64_t created_at;
    int64_t updated_at;

    int64_t connection_status;
    char error_class[24]; /* while it counts as offline, of the last attempt: a word of io/fetch,
                             "auth", "forbidden", "http" … */
    char health_check_error[192];
    int64_t last_health_check_at;
    int64_t last_connected_at;
    int64_t learned_timeout_ms;
    int64_t avg_response_time_ms;
    double success_rate;
    int64_t nodes;
    char version[24];
    char cluster[64];
    int64_t is_quorate; /* unknown: no cluster */
    char seen_fingerprint[96];
    int64_t cert_expires_at;
    double flap_pct;
    int64_t is_flapping;
    int64_t failed_in_row;        /* attempts since the last success */
    char listed_under[BN_ID_MAX]; /* another server of the same cluster, or "": itself */
};

/* One attempt to reach a server: FEATURES B5. Response times of successes only. */
struct bn_check {
    char id[BN_ID_MAX]; /* SERVER ID/milliseconds */
    char server_id[BN_ID_MAX];
    int64_t at;
    int64_t success;
    int64_t response_time_ms;
    double dns_ms;
    double tcp_ms;
    double tls_ms;
    double wait_ms;
    char error_class[24];
    char error_phase[12];
    char error[192];
    int64_t timeout_used_ms;
    int64_t retry_count;
    int64_t used_vpn;
    int64_t http_status;
    int64_t nodes;
    char version[24];
    char cluster[64];
    int64_t is_quorate;
    char seen_fingerprint[96];
    int64_t cert_expires_at;
    char listed_under[BN_ID_MAX]; /* not kept: it follows from the checks of several servers */
    char address[48];             /* its name led there; "" when it is called by its address */
};

/* A node of a server's cluster, from /cluster/resources and /cluster/status. */
struct bn_node {
    char id[BN_ID_MAX]; /* SERVER ID/NODE */
    char server_id[BN_ID_MAX];
    char node[64];
    char status[16]; /* online, offline, unknown */
    double cpu;
    int64_t maxcpu;
    int64_t mem;
    int64_t maxmem;
    int64_t disk;
    int64_t maxdisk;
    int64_t uptime;
    int64_t is_stale; /* its numbers have not moved although it is called online */
};

enum bn_vm_type { BN_VM_QEMU, BN_VM_LXC };

/* A guest. status is Proxmox's own word, and new words are data. */
struct bn_vm {
    char id[BN_ID_MAX]; /* SERVER ID/VMID */
    char server_id[BN_ID_MAX];
    char node[64];
    int64_t vmid;
    int64_t type;
    char name[128];
    char status[24];
    double cpu; /* share of its own processors */
    int64_t maxcpu;
    int64_t mem;
    int64_t maxmem;
    int64_t disk;
    int64_t maxdisk;
    int64_t uptime;
    int64_t template;
    double net_in_bps;
    double net_out_bps;
    double disk_read_bps;
    double disk_write_bps;
    char tags[160];
    char pool[64];
    char lock[24];
    char ha_state[24];
    int64_t is_stale; /* its node does not answer: these are the last known values */
};

extern const struct bn_record_type bn_server_type;
extern const struct bn_record_type bn_check_type;
extern const struct bn_record_type bn_node_type;
extern const struct bn_record_type bn_vm_type;

/*
 * procfs_io: the kernel's texts about what moves bytes: disks, interfaces, mounts, TCP connections.
 *
 * Each `_next` takes the text by reference and goes on behind the row it returns; garbled rows are
 * passed over. Names point into the text.
 */
#pragma once

#include "wire/scan.h"

/* Since boot; a sector is 512 bytes whatever the disk. */
struct bn_procfs_disk {
    struct bn_str name;
    uint64_t reads;
    uint64_t read_sectors;
    uint64_t read_ms; /* summed over requests */
    uint64_t writes;
    uint64_t write_sectors;
    uint64_t write_ms;
    uint64_t busy_ms; /* with at least one request in flight */
};

/* /proc/diskstats: disks and partitions alike. */
bool bn_procfs_disk_next(struct bn_str *text, struct bn_procfs_disk *out);

/* Since the interface was made. Errors and drops are the kernel's sums, not to be added to their
 * parts. */
struct bn_procfs_nic {
    struct bn_str name;
    uint64_t rx_bytes;
    uint64_t rx_packets;
    uint64_t rx_errors;
    uint64_t rx_drops;
    uint64_t tx_bytes;
    uint64_t tx_packets;
    uint64_t tx_errors;
    uint64_t tx_drops;
};

/* /proc/net/dev */
bool bn_procfs_nic_next(struct bn_str *text, struct bn_procfs_nic *out);

struct bn_procfs_mount {
    uint64_t device; /* major << 32 | minor: the same for every place one file system is mounted at
                      */
    struct bn_str root; /* the part of it that is mounted; "/" for all. Escaped: bn_scan_unescape */
    struct bn_str point; /* escaped */
    struct bn_str type;
    struct bn_str source; /* escaped */
    bool is_read_only;    /* here; its file system may be written elsewhere, then also is_sealed */
    bool is_sealed;
};

/* /proc/self/mountinfo, in the order of mounting: a later one on the same point hides the earlier.
 */
bool bn_procfs_mount_next(struct bn_str *text, struct bn_procfs_mount *out);

/* Connections by state, indexed by the kernel's numbers (include/net/tcp_states.h). */
#define BN_TCP_STATES 13

enum bn_tcp_state {
    BN_TCP_ESTABLISHED = 1,
    BN_TCP_SYN_SENT,
    BN_TCP_SYN_RECV,
    BN_TCP_FIN_WAIT1,
    BN_TCP_FIN_WAIT2,
    BN_TCP_TIME_WAIT,
    BN_TCP_CLOSE,
    BN_TCP_CLOSE_WAIT,
    BN_TCP_LAST_ACK,
    BN_TCP_LISTEN,
    BN_TCP_CLOSING,
    BN_TCP_NEW_SYN_RECV, /* a SYN_RECV the kernel keeps cheaply */
};

/* Adds the whole lines of /proc/net/tcp or tcp6 to counts and returns how many bytes they are, so
   that a long table is read in pieces: the rest is put before the next piece. */
size_t bn_procfs_tcp(struct bn_str text, uint64_t counts[BN_TCP_STATES]);

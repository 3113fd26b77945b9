/*
 * meter: what a machine measures of itself: host, cores, mounts, disks, interfaces, processes,
 * units.
 *
 * Rates are per second over the last interval, computed from monotonic time; the first sample after
 * a start, a counter that went backwards, and a device that just appeared have no rate: unknown,
 * not 0.
 */
#pragma once

#include "model/field.h"

/* One machine; the topic's root. id is "local" for the one Binnacle runs on. */
struct bn_host {
    char id[BN_ID_MAX];
    char name[64];
    char os[96]; /* PRETTY_NAME of os-release */
    char kernel[96];
    char cpu_model[96];
    char arch[16];
    char virtualization[24]; /* "kvm", "docker", … or "" */
    int64_t at;              /* time of the sample */
    int64_t booted_at;
    int64_t core_count;
    double cpu_pct; /* busy share of all cores, 0..100, without iowait and idle */
    double user_pct;
    double system_pct;
    double iowait_pct;
    double steal_pct;
    double load1;
    double load5;
    double load15;
    int64_t mem_total_bytes;
    int64_t mem_used_bytes; /* total - available */
    int64_t mem_available_bytes;
    int64_t mem_cached_bytes;
    int64_t mem_buffers_bytes;
    int64_t swap_total_bytes;
    int64_t swap_used_bytes;
    double swap_in_bps;
    double swap_out_bps;
    int64_t process_count;
    int64_t thread_count;
    int64_t running_count;
    int64_t blocked_count;
    double context_switches_ps;
    double interrupts_ps;
    double forks_ps;
    int64_t fd_used;
    int64_t fd_max;
    double cpu_pressure_pct; /* PSI some avg10, where the kernel offers it */
    double memory_pressure_pct;
    double io_pressure_pct;
    int64_t tcp_established; /* connections by state, IPv4 and IPv6 */
    int64_t tcp_listen;
    int64_t tcp_time_wait;
    int64_t tcp_close_wait;
    int64_t tcp_syn_sent;
    int64_t tcp_syn_recv;
    int64_t tcp_fin_wait; /* FIN_WAIT1 and FIN_WAIT2 */
    int64_t tcp_other;    /* CLOSE, LAST_ACK, CLOSING */
    int64_t units_ok;     /* systemd units active or reloading; unknown without systemd */
    int64_t units_failed; /* all of them, whether told by name or not */
    int64_t units_changing;
    int64_t units_inactive;
    char units_why[128];  /* why they are unknown; "" while they are known */
    double temperature_c; /* hottest sensor */
};

struct bn_core {
    char id[16]; /* "0", "1", … */
    double busy_pct;
    double mhz;
};

struct bn_mount {
    char id[BN_ID_MAX]; /* mount point */
    char device[96];
    char type[24];
    int64_t read_only;
    int64_t total_bytes;
    int64_t used_bytes;
    int64_t available_bytes; /* for users without privilege */
    double used_pct;         /* used / (used + available), as df says it */
    int64_t inodes_total;
    int64_t inodes_used;
};

struct bn_disk {
    char id[32]; /* "sda", "nvme0n1": whole disks */
    char model[64];
    int64_t size_bytes;
    double read_bps;
    double write_bps;
    double read_iops;
    double write_iops;
    double busy_pct;
    double await_ms; /* mean time of the interval's requests; unknown when there were none */
};

struct bn_nic {
    char id[32]; /* "eth0" */
    char mac[24];
    char address[64]; /* first IPv4, else first global IPv6 */
    int64_t is_up;
    int64_t speed_mbps; /* unknown for virtual ones */
    double rx_bps;      /* bytes per second */
    double tx_bps;
    double rx_pps;
    double tx_pps;
    double rx_errors_ps; /* errors and drops */
    double tx_errors_ps;
    int64_t rx_bytes; /* since boot */
    int64_t tx_bytes;
};

struct bn_proc {
    char id[32]; /* "pid.starttime": a pid used again is another process */
    int64_t pid;
    char name[64];
    char user[32];
    char state[4];
    double cpu_pct;       /* of one core: 200 means two cores busy */
    int64_t memory_bytes; /* resident */
    int64_t thread_count;
    int64_t started_at;
    char command[160]; /* arguments, clipped; never the environment */
};

struct bn_unit {
    char id[BN_ID_MAX]; /* the name, shortened with a hash when it is long */
    char name[256];
    char description[160];
    char sub_state[32];
    int64_t failed_at;
};

extern const struct bn_record_type bn_host_type;
extern const struct bn_record_type bn_core_type;
extern const struct bn_record_type bn_mount_type;
extern const struct bn_record_type bn_disk_type;
extern const struct bn_record_type bn_nic_type;
extern const struct bn_record_type bn_proc_type;
extern const struct bn_record_type bn_unit_type;

/*
 * procfs: the kernel's texts about the whole machine: processors, memory, load, pressure, names.
 *
 * Pure: bytes in, values out. What a text does not hold is BN_ABSENT, NaN or "". Garbled lines are
 * passed over; a text cut anywhere gives the values before the cut and never a wrong one.
 */
#pragma once

#include "wire/scan.h"

/* Clock ticks (USER_HZ) since boot. guest is already inside user, guest_nice inside nice: not
 * repeated. */
struct bn_procfs_cpu {
    uint64_t user;
    uint64_t nice;
    uint64_t system;
    uint64_t idle;
    uint64_t iowait; /* from here on 0 where an old kernel does not say it */
    uint64_t irq;
    uint64_t softirq;
    uint64_t steal;
};

struct bn_procfs_stat {
    bool has_cpu;
    struct bn_procfs_cpu cpu; /* all processors together */
    uint64_t interrupts;
    uint64_t context_switches;
    uint64_t forks;
    uint64_t booted_s; /* wall seconds */
    uint64_t running;
    uint64_t blocked;
};

/* /proc/stat without the lines of single processors. */
void bn_procfs_stat(struct bn_str text, struct bn_procfs_stat *out);
/* The next "cpuN" line of /proc/stat; false at the end. Begin with the whole text. */
bool bn_procfs_core_next(struct bn_str *text, uint64_t *out_number, struct bn_procfs_cpu *out);

struct bn_procfs_meminfo { /* bytes */
    uint64_t total;
    uint64_t free;
    uint64_t available;
    uint64_t buffers;
    uint64_t cached;
    uint64_t reclaimable; /* SReclaimable: what free(1) counts as cache too */
    uint64_t swap_total;
    uint64_t swap_free;
};

void bn_procfs_meminfo(struct bn_str text, struct bn_procfs_meminfo *out);

struct bn_procfs_vmstat { /* pages since boot */
    uint64_t swapped_in;
    uint64_t swapped_out;
};

void bn_procfs_vmstat(struct bn_str text, struct bn_procfs_vmstat *out);

struct bn_procfs_loadavg {
    double load[3];   /* 1, 5 and 15 minutes */
    uint64_t threads; /* kernel scheduling entities: threads of all processes */
};

void bn_procfs_loadavg(struct bn_str text, struct bn_procfs_loadavg *out);

/* "some avg10" of /proc/pressure/X in percent; NaN when it is not there. */
double bn_procfs_pressure(struct bn_str text);

struct bn_procfs_files {
    uint64_t used;
    uint64_t max; /* BN_ABSENT when the kernel names no bound a number can hold (2^53 and above) */
};

/* /proc/sys/fs/file-nr */
void bn_procfs_file_nr(struct bn_str text, struct bn_procfs_files *out);

struct bn_procfs_cpuinfo {
    char model[96];
    bool is_virtual; /* the "hypervisor" flag of x86 */
};

/* The first processor of /proc/cpuinfo; the rest is not read. */
void bn_procfs_cpuinfo(struct bn_str text, struct bn_procfs_cpuinfo *out);

/* PRETTY_NAME of os-release(5), unquoted; "" when it is not there. Not the kernel's text: its last
   line may lack the newline. */
void bn_procfs_os_release(struct bn_str text, char *out, size_t size);

/* The name of uid in a passwd(5) text; false when it is not listed. */
bool bn_procfs_user(struct bn_str text, uint64_t uid, char *out, size_t size);

/* A file of one number ("42\n", "-1\n"); false when it is anything else. */
bool bn_procfs_number(struct bn_str text, int64_t *out);

/*
 * procfs_pid: the kernel's texts about one process.
 *
 * A process may name itself anything: names and arguments come out as labels (bn_scan_label).
 */
#pragma once

#include "wire/scan.h"

struct bn_procfs_pid {
    struct bn_str
            name; /* into the text, without its parentheses; bytes as the process chose them */
    char state;   /* 'R', 'S', 'D', 'Z', 'T', … */
    uint64_t cpu_ticks; /* user and system time */
    uint64_t threads;
    uint64_t started_ticks; /* after boot */
    uint64_t resident_pages;
};

/* /proc/[pid]/stat; false when it is cut or garbled. */
bool bn_procfs_pid_stat(struct bn_str text, struct bn_procfs_pid *out);

/* The effective user of /proc/[pid]/status; false when it is not there. */
bool bn_procfs_pid_user(struct bn_str text, uint64_t *out_uid);

/* /proc/[pid]/cmdline as one line, clipped. Values that look like secrets are written as "***":
   after
   `--password=`, as the word after `--token`, in `postgres://user:secret@host`. Heuristics: they
   lower what a reader of the process list learns, they do not make arguments a safe place. */
void bn_procfs_pid_command(struct bn_str text, char *out, size_t size);

/*
 * host: samples the machine Binnacle runs on, once a second, and tells what it found.
 *
 * Facts of the kinds HOST, CORE, MOUNT, DISK, NIC, PROC and UNIT of the default tenant; BN_GONE for
 * rows that vanished. What is not known is unknown, never 0:
 *
 *   rates          over the time between two readings of the monotonic clock; unknown for the first
 *                  reading, after a counter went backwards, and when more than 5 s lie between (the
 *                  machine slept, or we were stopped)
 *   processes      scanned every 2 s (5 s above 500 of them, rarer still when a scan costs more
 * than a quarter of a percent of a core); told: the top 15 by CPU and the top 15 by memory TCP
 * states     counted every second while that costs less than a thousandth of a core, else rarer,
 *                  down to every 30 s; sock_diag, or /proc/net/tcp where that is not offered
 *   mounts         every 10 s: real file systems once per device, under the shortest path of the
 * whole; of tmpfs only /, /tmp and /run. Network file systems (nfs, cifs, fuse.*, …) are asked on
 * threads of their own; one that hangs has no sizes after 15 s disks          whole ones with a
 * size, md and dm included as iostat(1) does; not loop, ram, zram, floppies and optical ones. model
 * is the volume's name for dm, the level for md interfaces     all but lo (lo when it is alone);
 * state every 5 s, addresses every 10 s temperature_c  the hottest sensor of the processor, else of
 * the board, every 5 s; sensors of disks are left alone because asking a failing disk takes seconds
 *   mhz            where the kernel says it (cpufreq), every 5 s
 *   units          asked of systemd over D-Bus every 10 s, on a thread of its own, with a deadline
 * of 5 s; rarer, down to once a minute, when an answer takes long or none comes. The failed ones
 * are rows, the first 64 by name
 *
 * Inside a container the numbers are those of the container's /proc, whatever that shows.
 */
#pragma once

#include "base/err.h"

#include "io/loop.h"
#include "model/fact.h"

struct bn_host_source;

/* Samples from the first turn on. root is "" for this machine, else a folder that holds proc/, sys/
   and etc/. tell() is called on the loop thread; the fact is the caller's to copy. */
BN_MUST_CHECK bool bn_host_source_start(struct bn_loop *loop,
        void (*tell)(void *user, const struct bn_fact *fact), void *user, const char *root,
        struct bn_host_source **out, struct bn_err *err);
void bn_host_source_stop(struct bn_host_source *source); /* NULL is fine; never waits */

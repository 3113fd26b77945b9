/*
 * soak_machine: a recorded machine in a folder of its own whose counters move every second, and
 * whose processes, containers and mounts come and go.
 */
#pragma once

#include "base/buf.h"

#include "soak_folder.h"

#define SOAK_BEGIN_MS INT64_C(1795204800000) /* a full hour: blocks of the store begin with it */
#define SOAK_PROCS    8

enum soak_hot { SOAK_STAT, SOAK_LOADAVG, SOAK_NET_DEV, SOAK_DISKSTATS, SOAK_HOT };

struct soak_machine {
    char root[64];
    int cores;
    int64_t second;
    struct bn_buf text;   /* one for all: what is measured are the allocations of others */
    int hot[SOAK_HOT];    /* written every second, so kept open */
    size_t len[SOAK_HOT]; /* of the text in each */
};

static inline void soak_write(struct soak_machine *m, const char *path)
{
    soak_need(bn_buf_ok(&m->text), "a text is too long");
    soak_put(m->root, path, bn_buf_str(&m->text));
    bn_buf_reset(&m->text);
}

/* The file keeps its length as long as it can: cutting it is what costs. */
static inline void soak_write_hot(struct soak_machine *m, enum soak_hot which)
{
    static const char *const paths[] = {"proc/stat", "proc/loadavg", "proc/net/dev",
            "proc/diskstats"};
    char path[128];
    size_t len = m->text.len;
    snprintf(path, sizeof path, "%s/%s", m->root, paths[which]);
    if (!m->hot[which])
        m->hot[which] = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    soak_need(bn_buf_ok(&m->text) && pwrite(m->hot[which], m->text.p, len, 0) == (ssize_t)len,
            path);
    if (len < m->len[which])
        soak_need(ftruncate(m->hot[which], (off_t)len) == 0, path);
    m->len[which] = len;
    bn_buf_reset(&m->text);
}

static inline void soak_cpus(struct soak_machine *m)
{
    long long s = m->second;
    long long busy = s * 37;
    bn_buf_printf(&m->text, "cpu  %lld 0 0 %lld 0 0 0 0 0 0\n", busy * m->cores, s * 63 * m->cores);
    for (int i = 0; i < m->cores; i++)
        bn_buf_printf(&m->text, "cpu%d %lld 0 0 %lld 0 0 0 0 0 0\n", i, s * (i % 90) + s % 7,
                s * (100 - i % 90));
    bn_buf_printf(&m->text,
            "intr %lld 0\nctxt %lld\nbtime 1763600000\nprocesses %lld\n"
            "procs_running 3\nprocs_blocked 0\n",
            s * 900, s * 1200, 4000 + s / 3);
    soak_write_hot(m, SOAK_STAT);
}

/* A new container each ten minutes: its interface has a name nobody saw before. */
static inline void soak_devices(struct soak_machine *m)
{
    long long s = m->second;
    bn_buf_puts(&m->text, "Inter-|   Receive  |  Transmit\n face |bytes    packets\n");
    bn_buf_printf(&m->text, "  eno1: %lld %lld 0 0 0 0 0 0 %lld %lld 0 0 0 0 0 0\n", s * 1000,
            s * 10, s * 2000, s * 20);
    bn_buf_printf(&m->text, "veth%06llx: %lld 1 0 0 0 0 0 0 %lld 1 0 0 0 0 0 0\n", s / 600, s, s);
    soak_write_hot(m, SOAK_NET_DEV);
    bn_buf_printf(&m->text, "   8  0 sda %lld 0 %lld %lld %lld 0 %lld %lld 0 %lld %lld\n", s * 5,
            s * 80, s * 3, s * 2, s * 16, s, s * 4, s * 4);
    soak_write_hot(m, SOAK_DISKSTATS);
}

static inline void soak_processes(struct soak_machine *m)
{
    long long s = m->second;
    char path[128];
    for (long long i = 0; i < SOAK_PROCS; i++) {
        long long pid = 5000 + (s / 60 + i) % 20000;
        bn_buf_printf(&m->text,
                "%lld (job %lld) R 1 %lld %lld 0 -1 0 0 0 0 0 %lld 0 0 0 20 0 3 0 %lld 99999 900\n",
                pid, i, pid, pid, s * (i + 1) % 100000, s / 60 * 6000 + i);
        snprintf(path, sizeof path, "proc/%lld/stat", pid);
        soak_write(m, path);
    }
    snprintf(path, sizeof path, "%s/proc/%lld", m->root, 5000 + (s / 60 + 19999) % 20000);
    soak_remove(path);
}

static inline void soak_mounts(struct soak_machine *m)
{
    bn_buf_puts(&m->text, "1 0 8:1 / / rw - xfs /dev/sda1 rw\n");
    if (m->second / 300 % 2)
        bn_buf_puts(&m->text, "2 0 8:2 / /srv rw - xfs /dev/sda2 rw\n"
                              "3 0 0:50 / /mnt/nas rw - nfs4 192.0.2.40:/export rw\n");
    soak_write(m, "proc/self/mountinfo");
}

/* The load is one that the points of the store can be held against. */
static inline double soak_load(int64_t second)
{
    return (double)(second % 1000) / 100;
}

static inline void soak_move(struct soak_machine *m)
{
    bn_buf_printf(&m->text, "%.2f 1.00 1.00 2/300 4000\n", soak_load(m->second));
    soak_write_hot(m, SOAK_LOADAVG);
    soak_cpus(m);
    soak_devices(m);
    if (m->second % 20 == 0)
        soak_processes(m);
    if (m->second % 300 == 0)
        soak_mounts(m);
}

/*
 * host_top: the processes worth telling: those with most CPU time and those with most memory.
 */
#pragma once

#include "source/host_parts.h"

#define BN_PROC_TOP_EACH  15
#define BN_PROC_TOP_MAX   (2 * BN_PROC_TOP_EACH)
#define BN_PROC_USERS_MAX 32

/* One process as a scan found it. */
struct bn_proc_seen {
    int64_t pid;
    uint64_t started_ticks; /* after boot; with pid the identity of a process */
    uint64_t cpu_ticks;
    struct bn_moment at;
    int64_t thread_count;
    int64_t memory_bytes;
    double cpu_pct; /* NaN when seen for the first time */
    char state;
    char name[64];
};

struct bn_proc_list {
    struct bn_proc_seen *items;
    size_t count;
    size_t cap;
};

/* A row that is told. */
struct bn_proc_told {
    struct bn_proc record;
    uint64_t started_ticks;
    int64_t details_ns; /* when user and command line were read; 0 never */
    bool is_seen;
};

struct bn_proc_top {
    struct bn_proc_told told[BN_PROC_TOP_MAX];
    size_t told_count;

    struct {
        uint64_t uid;
        char name[32];
    } users[BN_PROC_USERS_MAX];

    size_t user_count;
    int64_t users_ns;
};

/* Tells the top of list and what left it. Zero to begin with; owns nothing. Processes without any
   CPU time in the interval, and kernel threads (which have no memory), are not in the top. */
void bn_proc_top_tell(struct bn_proc_top *top, struct bn_host_sampler *s,
        const struct bn_proc_list *list);

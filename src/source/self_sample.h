/*
 * self_sample: one SELF record from two readings of what Binnacle has spent.
 */
#pragma once

#include "model/self.h"
#include "source/host_file.h"
#include "source/rate.h"
#include "source/self.h"

/* What the kernel says of this process. */
struct bn_self_process {
    uint64_t cpu_ns; /* of all threads, since the start */
    uint64_t rss_bytes;
    uint64_t fd_count;
    uint64_t thread_count;
};

struct bn_self_reader {
    struct bn_host_reader reader;
    struct bn_host_file stat;
    int64_t fd_next_ns; /* when descriptors are counted again */
    uint64_t fd_count;
};

void bn_self_reader_init(struct bn_self_reader *reader);
void bn_self_reader_finish(struct bn_self_reader *reader);
void bn_self_read(struct bn_self_reader *reader, struct bn_self_process *out);

/* What the last sample saw; zero to begin with. */
struct bn_self_before {
    struct bn_moment at;
    struct bn_self_process process;
    struct bn_self_figures figures;
};

void bn_self_figures_clear(struct bn_self_figures *figures);

/* Fills what the readings say into a cleared record, and remembers them for the next. */
void bn_self_sample(struct bn_self_before *before, const struct bn_moment *at,
        const struct bn_self_process *process, const struct bn_self_figures *figures,
        struct bn_self *out);

/*
 * fs_probe: how full a file system is, asked on a thread of its own when it may hang.
 *
 * statvfs(2) on a network file system whose server is gone waits for as long as the server stays
 * gone, and no signal short of death interrupts it. A probe is one thread for one mount point;
 * nobody ever waits for it, not even the end of the program.
 */
#pragma once

#include "base/err.h"

struct bn_fs_size {
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t available_bytes; /* for users without privilege */
    uint64_t
            inodes_total; /* 0 where inodes are made as needed (btrfs, some network file systems) */
    uint64_t inodes_free;
};

/* Asks at once and takes as long as the file system takes. False: it is no folder, or no answer. */
typedef bool (*bn_fs_read_fn)(const char *path, struct bn_fs_size *out);
bool bn_fs_read(const char *path, struct bn_fs_size *out);

struct bn_fs_probe;

BN_MUST_CHECK bool bn_fs_probe_create(const char *path, bn_fs_read_fn read,
        struct bn_fs_probe **out, struct bn_err *err);
/* Returns at once; a thread that hangs is left behind and frees what it holds if it ever returns.
   NULL is fine. */
void bn_fs_probe_destroy(struct bn_fs_probe *probe);

/* Begins a reading; does nothing while one is under way. */
void bn_fs_probe_ask(struct bn_fs_probe *probe);

enum bn_fs_answer {
    BN_FS_NOTHING, /* nothing new; the last answer was taken already or none has come */
    BN_FS_SIZE,    /* *out is written */
    BN_FS_FAILED,  /* the file system refused */
};

/* The answer to the last question, once. */
enum bn_fs_answer bn_fs_probe_take(struct bn_fs_probe *probe, struct bn_fs_size *out);

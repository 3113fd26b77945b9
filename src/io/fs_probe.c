#include "io/fs_probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/probe.h"

struct job {
    bn_fs_read_fn read;
    char *path;
    bool is_read;
    struct bn_fs_size size;
};

struct bn_fs_probe {
    struct bn_probe *probe;
};

bool bn_fs_read(const char *path, struct bn_fs_size *out)
{
    struct statvfs fs;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fstatvfs(fd, &fs) == 0;
    close(fd);
    if (!ok)
        return false;
    uint64_t unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
    *out = (struct bn_fs_size){.total_bytes = fs.f_blocks * unit,
            .free_bytes = fs.f_bfree * unit,
            .available_bytes = fs.f_bavail * unit,
            .inodes_total = fs.f_files,
            .inodes_free = fs.f_ffree};
    return true;
}

static void work(void *user)
{
    struct job *job = user;
    job->is_read = job->read(job->path, &job->size);
}

static void free_job(void *user)
{
    struct job *job = user;
    free(job->path);
    free(job);
}

static const struct bn_probe_ops ops = {.work = work, .free = free_job};

bool bn_fs_probe_create(const char *path, bn_fs_read_fn read, struct bn_fs_probe **out,
        struct bn_err *err)
{
    char what[96];
    struct bn_probe *probe;
    struct job *job = bn_alloc(sizeof *job);
    job->read = read;
    job->path = bn_strdup(path);
    snprintf(what, sizeof what, "the file system at %.64s", path);
    if (!bn_probe_create(what, &ops, job, &probe, err)) {
        free_job(job);
        return false;
    }
    *out = bn_alloc(sizeof **out);
    (*out)->probe = probe;
    return true;
}

void bn_fs_probe_destroy(struct bn_fs_probe *probe)
{
    if (!probe)
        return;
    bn_probe_destroy(probe->probe);
    free(probe);
}

void bn_fs_probe_ask(struct bn_fs_probe *probe)
{
    bn_probe_ask(probe->probe);
}

enum bn_fs_answer bn_fs_probe_take(struct bn_fs_probe *probe, struct bn_fs_size *out)
{
    const struct job *job = bn_probe_take(probe->probe);
    if (!job)
        return BN_FS_NOTHING;
    if (!job->is_read)
        return BN_FS_FAILED;
    *out = job->size;
    return BN_FS_SIZE;
}

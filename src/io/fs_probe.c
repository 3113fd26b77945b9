#include "io/fs_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STACK_BYTES (256 << 10)

enum stage { IDLE, WANTED, READING, GONE };

struct bn_fs_probe {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    pthread_t thread;
    enum stage stage;
    enum bn_fs_answer answer;
    struct bn_fs_size size;
    bn_fs_read_fn read;
    char *path;
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

static void free_probe(struct bn_fs_probe *probe)
{
    pthread_mutex_destroy(&probe->lock);
    pthread_cond_destroy(&probe->wanted);
    free(probe->path);
    free(probe);
}

static void *run(void *user)
{
    struct bn_fs_probe *probe = user;
    bool left_behind = false;
    pthread_mutex_lock(&probe->lock);
    while (probe->stage != GONE) {
        struct bn_fs_size size;
        if (probe->stage != WANTED) {
            pthread_cond_wait(&probe->wanted, &probe->lock);
            continue;
        }
        probe->stage = READING;
        pthread_mutex_unlock(&probe->lock);
        bool ok = probe->read(probe->path, &size);
        pthread_mutex_lock(&probe->lock);
        left_behind = probe->stage == GONE;
        if (left_behind)
            break;
        probe->stage = IDLE;
        probe->answer = ok ? BN_FS_SIZE : BN_FS_FAILED;
        if (ok)
            probe->size = size;
    }
    pthread_mutex_unlock(&probe->lock);
    if (left_behind)
        free_probe(probe);
    return NULL;
}

/* Signals are the loop's: this thread takes none. */
static int start_thread(struct bn_fs_probe *probe)
{
    pthread_attr_t attr;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int failed = pthread_create(&probe->thread, &attr, run, probe);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

bool bn_fs_probe_create(const char *path, bn_fs_read_fn read, struct bn_fs_probe **out,
        struct bn_err *err)
{
    struct bn_fs_probe *probe = bn_alloc(sizeof *probe);
    pthread_mutex_init(&probe->lock, NULL);
    pthread_cond_init(&probe->wanted, NULL);
    probe->read = read;
    probe->path = bn_strdup(path);
    int failed = start_thread(probe);
    if (failed) {
        free_probe(probe);
        return bn_fail(err, BN_E_UNAVAILABLE, "no thread for the file system at %.64s: %s", path,
                strerror(failed));
    }
    *out = probe;
    return true;
}

void bn_fs_probe_destroy(struct bn_fs_probe *probe)
{
    if (!probe)
        return;
    pthread_mutex_lock(&probe->lock);
    bool hangs = probe->stage == READING;
    pthread_t thread = probe->thread;
    probe->stage = GONE;
    pthread_cond_signal(&probe->wanted);
    if (hangs)
        pthread_detach(thread);
    pthread_mutex_unlock(&probe->lock);
    if (hangs)
        return; /* not ours any more */
    pthread_join(thread, NULL);
    free_probe(probe);
}

void bn_fs_probe_ask(struct bn_fs_probe *probe)
{
    pthread_mutex_lock(&probe->lock);
    if (probe->stage == IDLE) {
        probe->stage = WANTED;
        pthread_cond_signal(&probe->wanted);
    }
    pthread_mutex_unlock(&probe->lock);
}

enum bn_fs_answer bn_fs_probe_take(struct bn_fs_probe *probe, struct bn_fs_size *out)
{
    pthread_mutex_lock(&probe->lock);
    enum bn_fs_answer answer = probe->answer;
    if (answer == BN_FS_SIZE)
        *out = probe->size;
    probe->answer = BN_FS_NOTHING;
    pthread_mutex_unlock(&probe->lock);
    return answer;
}

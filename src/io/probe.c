#include "io/probe.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES (256 << 10)

enum stage { IDLE, WANTED, WORKING, ANSWERED, GONE };

struct bn_probe {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    pthread_t thread;
    enum stage stage; /* under lock */
    const struct bn_probe_ops *ops;
    void *job;
};

static void free_probe(struct bn_probe *probe)
{
    pthread_mutex_destroy(&probe->lock);
    pthread_cond_destroy(&probe->wanted);
    free(probe);
}

static void *run(void *user)
{
    struct bn_probe *probe = user;
    bool left_behind = false;
    pthread_mutex_lock(&probe->lock);
    while (probe->stage != GONE) {
        if (probe->stage != WANTED) {
            pthread_cond_wait(&probe->wanted, &probe->lock);
            continue;
        }
        probe->stage = WORKING;
        pthread_mutex_unlock(&probe->lock);
        probe->ops->work(probe->job);
        pthread_mutex_lock(&probe->lock);
        left_behind = probe->stage == GONE;
        if (left_behind)
            break;
        probe->stage = ANSWERED;
    }
    pthread_mutex_unlock(&probe->lock);
    if (left_behind) {
        probe->ops->free(probe->job);
        free_probe(probe);
    }
    return NULL;
}

/* Signals are the loop's: this thread takes none. */
static int start_thread(struct bn_probe *probe)
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

bool bn_probe_create(const char *what, const struct bn_probe_ops *ops, void *job,
        struct bn_probe **out, struct bn_err *err)
{
    struct bn_probe *probe = bn_alloc(sizeof *probe);
    pthread_mutex_init(&probe->lock, NULL);
    pthread_cond_init(&probe->wanted, NULL);
    probe->ops = ops;
    probe->job = job;
    int failed = start_thread(probe);
    if (failed) {
        free_probe(probe);
        return bn_fail(err, BN_E_UNAVAILABLE, "no thread for %.80s: %s", what, strerror(failed));
    }
    *out = probe;
    return true;
}

void bn_probe_destroy(struct bn_probe *probe)
{
    if (!probe)
        return;
    pthread_mutex_lock(&probe->lock);
    bool hangs = probe->stage == WORKING;
    pthread_t thread = probe->thread;
    probe->stage = GONE;
    pthread_cond_signal(&probe->wanted);
    if (hangs)
        pthread_detach(thread);
    pthread_mutex_unlock(&probe->lock);
    if (hangs)
        return; /* not ours any more */
    pthread_join(thread, NULL);
    probe->ops->free(probe->job);
    free_probe(probe);
}

void bn_probe_ask(struct bn_probe *probe)
{
    pthread_mutex_lock(&probe->lock);
    if (probe->stage == IDLE || probe->stage == ANSWERED) {
        probe->stage = WANTED;
        pthread_cond_signal(&probe->wanted);
    }
    pthread_mutex_unlock(&probe->lock);
}

void *bn_probe_take(struct bn_probe *probe)
{
    pthread_mutex_lock(&probe->lock);
    bool is_new = probe->stage == ANSWERED;
    if (is_new)
        probe->stage = IDLE;
    pthread_mutex_unlock(&probe->lock);
    return is_new ? probe->job : NULL;
}

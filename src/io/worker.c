#include "io/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 8

struct task {
    const struct bn_job_ops *ops;
    void *job;
    struct task *next;
};

struct queue {
    struct task *first;
    struct task *last;
    size_t count;
};

struct bn_worker {
    struct bn_loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct queue waiting; /* under lock */
    struct queue answers; /* under lock */
    bool stopping;        /* under lock */
    size_t queue_max;
    int thread_count;
    pthread_t threads[THREADS_MAX];
};

static void queue_put(struct queue *queue, struct task *task)
{
    task->next = NULL;
    if (queue->last)
        queue->last->next = task;
    else
        queue->first = task;
    queue->last = task;
    queue->count++;
}

static struct task *queue_take(struct queue *queue)
{
    struct task *task = queue->first;
    if (!task)
        return NULL;
    queue->first = task->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    return task;
}

static void *thread_main(void *arg)
{
    struct bn_worker *worker = arg;
    pthread_mutex_lock(&worker->lock);
    while (!worker->stopping) {
        struct task *task = queue_take(&worker->waiting);
        if (!task) {
            pthread_cond_wait(&worker->more, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        task->ops->work(task->job);
        pthread_mutex_lock(&worker->lock);
        queue_put(&worker->answers, task);
        bn_loop_wake(worker->loop);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static void join_all(struct bn_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_broadcast(&worker->more);
    pthread_mutex_unlock(&worker->lock);
    for (int i = 0; i < worker->thread_count; i++)
        pthread_join(worker->threads[i], NULL);
}

static void free_worker(struct bn_worker *worker)
{
    pthread_cond_destroy(&worker->more);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

bool bn_worker_create(struct bn_loop *loop, const char *name, int threads, size_t queue_max,
        struct bn_worker **out, struct bn_err *err)
{
    struct bn_worker *worker = bn_alloc(sizeof *worker);
    worker->loop = loop;
    worker->queue_max = queue_max;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->more, NULL);
    for (int i = 0; i < BN_MIN(threads, THREADS_MAX); i++) {
        if (pthread_create(&worker->threads[i], NULL, thread_main, worker) != 0) {
            join_all(worker);
            free_worker(worker);
            return bn_fail(err, BN_E_INTERNAL, "cannot start a %s thread", name);
        }
        char label[16];
        snprintf(label, sizeof label, "bn-%.11s", name);
        pthread_setname_np(worker->threads[i], label);
        worker->thread_count++;
    }
    *out = worker;
    return true;
}

void bn_worker_destroy(struct bn_worker *worker)
{
    if (!worker)
        return;
    join_all(worker);
    bn_worker_collect(worker);
    for (struct task *task; (task = queue_take(&worker->waiting));) {
        task->ops->done(task->job);
        free(task);
    }
    free_worker(worker);
}

bool bn_worker_do(struct bn_worker *worker, const struct bn_job_ops *ops, void *job,
        struct bn_err *err)
{
    struct task *task = bn_alloc(sizeof *task);
    *task = (struct task){.ops = ops, .job = job};
    pthread_mutex_lock(&worker->lock);
    bool fits = worker->waiting.count < worker->queue_max;
    if (fits) {
        queue_put(&worker->waiting, task);
        pthread_cond_signal(&worker->more);
    }
    pthread_mutex_unlock(&worker->lock);
    if (fits)
        return true;
    free(task);
    return bn_fail(err, BN_E_UNAVAILABLE,
            "busy: %zu such requests are waiting already, try again in a moment",
            worker->queue_max);
}

void bn_worker_collect(struct bn_worker *worker)
{
    for (;;) {
        pthread_mutex_lock(&worker->lock);
        struct task *task = queue_take(&worker->answers);
        pthread_mutex_unlock(&worker->lock);
        if (!task)
            return;
        task->ops->done(task->job);
        free(task);
    }
}

size_t bn_worker_depth(struct bn_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    size_t depth = worker->waiting.count;
    pthread_mutex_unlock(&worker->lock);
    return depth;
}

#include <pthread.h>
#include <unistd.h>

#include "bn_test.h"
#include "io/worker.h"

#define WAIT_MS 5000

struct job {
    int input;
    int result;
    int done;
    pthread_t worked_by;
};

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void work(void *user)
{
    struct job *job = user;
    job->worked_by = pthread_self();
    job->result = job->input * 2;
}

static void work_behind_gate(void *user)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    work(user);
}

static void done(void *user)
{
    ((struct job *)user)->done++;
}

static const struct bn_job_ops ops = {work, done};
static const struct bn_job_ops gated = {work_behind_gate, done};

static void collect_until(struct bn_loop *loop, struct bn_worker *worker, struct bn_clock *clock,
        const struct job *job)
{
    int64_t begun_ms = clock->mono_ms;
    while (!job->done && clock->mono_ms - begun_ms < WAIT_MS) {
        bn_loop_round(loop, 10, NULL, NULL);
        bn_worker_collect(worker);
    }
}

BN_TEST(work_is_done_elsewhere_and_its_answer_comes_home)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_worker *worker;
    struct job jobs[20] = {0};
    CHECK(bn_loop_create(&loop, &clock, NULL));
    CHECK(bn_worker_create(loop, "test", 2, 20, &worker, NULL));
    for (int i = 0; i < 20; i++) {
        jobs[i].input = i;
        CHECK(bn_worker_do(worker, &ops, &jobs[i], NULL));
    }
    for (int i = 0; i < 20; i++) {
        collect_until(loop, worker, &clock, &jobs[i]);
        CHECK_INT(jobs[i].done, 1);
        CHECK_INT(jobs[i].result, 2 * i);
        CHECK(!pthread_equal(jobs[i].worked_by, pthread_self()));
    }
    bn_worker_destroy(worker);
    bn_loop_destroy(loop);
}

BN_TEST(a_full_queue_refuses_and_the_job_stays_with_its_owner)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_worker *worker;
    struct bn_err err;
    struct job jobs[8] = {0};
    size_t taken = 0;
    CHECK(bn_loop_create(&loop, &clock, NULL));
    CHECK(bn_worker_create(loop, "test", 1, 3, &worker, NULL));
    pthread_mutex_lock(&gate);
    while (taken < 8 && bn_worker_do(worker, &gated, &jobs[taken], &err))
        taken++;
    CHECK(taken == 3 || taken == 4); /* three wait, and one may be at work already */
    CHECK_INT(err.code, BN_E_UNAVAILABLE);
    pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < taken; i++)
        collect_until(loop, worker, &clock, &jobs[i]);
    for (size_t i = 0; i < 8; i++)
        CHECK_INT(jobs[i].done, i < taken);
    CHECK_INT(bn_worker_depth(worker), 0);
    bn_worker_destroy(worker);
    bn_loop_destroy(loop);
}

BN_TEST(going_down_finishes_what_runs_and_hands_back_what_does_not)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_worker *worker;
    struct job jobs[5] = {0};
    CHECK(bn_loop_create(&loop, &clock, NULL));
    CHECK(bn_worker_create(loop, "test", 1, 10, &worker, NULL));
    for (int i = 0; i < 5; i++) {
        jobs[i].input = i + 1;
        CHECK(bn_worker_do(worker, &ops, &jobs[i], NULL));
    }
    bn_worker_destroy(worker);
    for (int i = 0; i < 5; i++)
        CHECK_INT(jobs[i].done, 1);
    bn_loop_destroy(loop);
}

BN_TEST_MAIN()

#include <stdatomic.h>

#include "bn_test.h"
#include "io/probe.h"

struct question {
    int asked;
    int answer;
};

static atomic_int begun;
static atomic_int freed;
static atomic_bool hangs;

static void work(void *job)
{
    struct question *question = job;
    atomic_fetch_add(&begun, 1);
    while (atomic_load(&hangs))
        usleep(1000);
    question->answer = 10 * ++question->asked;
}

static void free_question(void *job)
{
    free(job);
    atomic_fetch_add(&freed, 1);
}

static const struct bn_probe_ops ops = {.work = work, .free = free_question};

static struct bn_probe *start(void)
{
    struct bn_probe *probe;
    struct bn_err err;
    atomic_store(&begun, 0);
    atomic_store(&freed, 0);
    atomic_store(&hangs, false);
    if (!bn_probe_create("a test", &ops, bn_alloc(sizeof(struct question)), &probe, &err))
        fail_msg("%s", err.text);
    return probe;
}

/* The thread answers when it likes; five seconds are an eternity. */
static const struct question *wait_for(struct bn_probe *probe)
{
    const struct question *answer = NULL;
    for (int i = 0; i < 5000 && !answer; i++) {
        usleep(1000);
        answer = bn_probe_take(probe);
    }
    CHECK(answer != NULL);
    return answer;
}

static void wait_until(atomic_int *count, int want)
{
    for (int i = 0; i < 5000 && atomic_load(count) < want; i++)
        usleep(1000);
    CHECK_INT(atomic_load(count), want);
}

BN_TEST(an_answer_is_given_once_to_each_question)
{
    struct bn_probe *probe = start();
    CHECK(bn_probe_take(probe) == NULL);
    bn_probe_ask(probe);
    CHECK_INT(wait_for(probe)->answer, 10);
    CHECK(bn_probe_take(probe) == NULL);
    bn_probe_ask(probe);
    CHECK_INT(wait_for(probe)->answer, 20);
    CHECK_INT(atomic_load(&begun), 2);
    bn_probe_destroy(probe);
    CHECK_INT(atomic_load(&freed), 1);
}

BN_TEST(questions_while_one_is_open_are_no_further_questions)
{
    struct bn_probe *probe = start();
    atomic_store(&hangs, true);
    bn_probe_ask(probe);
    wait_until(&begun, 1);
    for (int i = 0; i < 10; i++)
        bn_probe_ask(probe);
    CHECK(bn_probe_take(probe) == NULL);
    atomic_store(&hangs, false);
    CHECK_INT(wait_for(probe)->answer, 10);
    usleep(5000);
    CHECK_INT(atomic_load(&begun), 1);
    bn_probe_destroy(probe);
}

BN_TEST(an_answer_nobody_took_makes_room_for_the_next)
{
    struct bn_probe *probe = start();
    bn_probe_ask(probe);
    wait_until(&begun, 1);
    while (atomic_load(&begun) < 2) {
        usleep(1000);
        bn_probe_ask(probe); /* once the first answer lies there */
    }
    int answer = 0;
    while (answer < 20)
        answer = wait_for(probe)->answer;
    CHECK(answer >= 20);
    bn_probe_destroy(probe);
}

BN_TEST(one_that_hangs_is_left_behind_and_frees_what_it_holds)
{
    struct bn_probe *probe = start();
    atomic_store(&hangs, true);
    bn_probe_ask(probe);
    wait_until(&begun, 1);
    bn_probe_destroy(probe); /* would wait for ever */
    CHECK_INT(atomic_load(&freed), 0);
    atomic_store(&hangs, false);
    wait_until(&freed, 1);
    usleep(20000); /* the leak checker wants the rest freed as well */
}

BN_TEST(one_that_was_never_asked_ends_at_once)
{
    for (int i = 0; i < 20; i++) {
        struct bn_probe *probe = start();
        if (i % 2)
            bn_probe_ask(probe);
        bn_probe_destroy(probe);
        wait_until(&freed, 1);
    }
    bn_probe_destroy(NULL);
}

BN_TEST_MAIN()

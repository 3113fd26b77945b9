#include <pthread.h>

#include "bn_test.h"
#include "hub/inbox.h"

#define WRITERS 4
#define EACH    500
#define SMALL   8

static int woken;

static void wake(void *user)
{
    (void)user;
    __atomic_add_fetch(&woken, 1, __ATOMIC_RELAXED);
}

static struct bn_fact fact_of(int64_t pid)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_PROC, "default");
    fact.u.proc.pid = pid;
    return fact;
}

BN_TEST(facts_come_out_in_the_order_they_went_in)
{
    size_t n;
    struct bn_inbox *inbox = bn_inbox_create(100, wake, NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 70; i++) {
            struct bn_fact fact = fact_of(i);
            CHECK(bn_inbox_put(inbox, &fact));
        }
        const struct bn_fact *facts = bn_inbox_take(inbox, &n);
        CHECK_INT(n, 70);
        for (int i = 0; i < 70; i++)
            CHECK_INT(facts[i].u.proc.pid, i);
    }
    bn_inbox_take(inbox, &n);
    CHECK_INT(n, 0);
    bn_inbox_destroy(inbox);
}

BN_TEST(at_the_wall_a_fact_is_refused_and_counted_and_the_earlier_ones_stay)
{
    size_t n;
    struct bn_inbox *inbox = bn_inbox_create(SMALL, NULL, NULL);
    for (int i = 0; i < SMALL + 3; i++) {
        struct bn_fact fact = fact_of(i);
        CHECK_INT(bn_inbox_put(inbox, &fact), i < SMALL);
    }
    CHECK_INT(bn_inbox_lost(inbox), 3);
    CHECK_INT(bn_inbox_depth(inbox), SMALL);
    const struct bn_fact *facts = bn_inbox_take(inbox, &n);
    CHECK_INT(n, SMALL);
    CHECK_INT(facts[SMALL - 1].u.proc.pid, SMALL - 1);
    bn_inbox_destroy(inbox);
}

BN_TEST(only_the_first_fact_wakes_the_loop)
{
    size_t n;
    struct bn_inbox *inbox = bn_inbox_create(SMALL, wake, NULL);
    struct bn_fact fact = fact_of(1);
    woken = 0;
    CHECK(bn_inbox_put(inbox, &fact));
    CHECK(bn_inbox_put(inbox, &fact));
    CHECK_INT(woken, 1);
    bn_inbox_take(inbox, &n);
    CHECK(bn_inbox_put(inbox, &fact));
    CHECK_INT(woken, 2);
    bn_inbox_destroy(inbox);
}

static void *write_many(void *user)
{
    for (int i = 0; i < EACH; i++) {
        struct bn_fact fact = fact_of(i);
        while (!bn_inbox_put(user, &fact))
            sched_yield();
    }
    return NULL;
}

BN_TEST(many_threads_lose_nothing_that_was_taken)
{
    struct bn_inbox *inbox = bn_inbox_create(64, wake, NULL);
    pthread_t threads[WRITERS];
    size_t total = 0;
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_many, inbox);
    while (total < WRITERS * EACH) {
        size_t n;
        bn_inbox_take(inbox, &n);
        total += n;
        sched_yield();
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(total, WRITERS * EACH);
    bn_inbox_destroy(inbox);
}

BN_TEST_MAIN()

#include "hub/inbox.h"

#include <pthread.h>
#include <stdlib.h>

/* Two arrays change places: one fills under the lock while the other is read without it. */
struct bn_inbox {
    pthread_mutex_t lock;
    struct bn_fact *filling;
    struct bn_fact *reading;
    size_t count;
    size_t filling_cap;
    size_t reading_cap;
    size_t max;
    uint64_t lost;
    void (*wake)(void *user);
    void *user;
};

struct bn_inbox *bn_inbox_create(size_t max, void (*wake)(void *user), void *user)
{
    struct bn_inbox *inbox = bn_alloc(sizeof *inbox);
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->max = max;
    inbox->wake = wake;
    inbox->user = user;
    return inbox;
}

void bn_inbox_destroy(struct bn_inbox *inbox)
{
    if (!inbox)
        return;
    pthread_mutex_destroy(&inbox->lock);
    free(inbox->filling);
    free(inbox->reading);
    free(inbox);
}

bool bn_inbox_put(struct bn_inbox *inbox, const struct bn_fact *fact)
{
    pthread_mutex_lock(&inbox->lock);
    bool fits = inbox->count < inbox->max;
    bool was_empty = inbox->count == 0;
    if (!fits) {
        inbox->lost++;
    } else {
        if (inbox->count == inbox->filling_cap) {
            inbox->filling_cap = inbox->filling_cap ? BN_MIN(inbox->filling_cap * 2, inbox->max)
                                                    : 64;
            inbox->filling = bn_realloc(inbox->filling,
                    inbox->filling_cap * sizeof *inbox->filling);
        }
        bn_fact_copy(&inbox->filling[inbox->count++], fact);
    }
    pthread_mutex_unlock(&inbox->lock);
    if (fits && was_empty && inbox->wake)
        inbox->wake(inbox->user);
    return fits;
}

struct bn_fact *bn_inbox_take(struct bn_inbox *inbox, size_t *out_count)
{
    pthread_mutex_lock(&inbox->lock);
    struct bn_fact *facts = inbox->filling;
    size_t cap = inbox->filling_cap;
    *out_count = inbox->count;
    if (inbox->count > 0) {
        inbox->filling = inbox->reading;
        inbox->filling_cap = inbox->reading_cap;
        inbox->reading = facts;
        inbox->reading_cap = cap;
        inbox->count = 0;
    }
    pthread_mutex_unlock(&inbox->lock);
    return facts;
}

size_t bn_inbox_depth(struct bn_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    size_t depth = inbox->count;
    pthread_mutex_unlock(&inbox->lock);
    return depth;
}

uint64_t bn_inbox_lost(struct bn_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    uint64_t lost = inbox->lost;
    pthread_mutex_unlock(&inbox->lock);
    return lost;
}

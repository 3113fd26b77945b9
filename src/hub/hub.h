/*
 * hub: the one way through; each turn every waiting fact is admitted, applied, recorded, published.
 */
#pragma once

#include "base/clock.h"

#include "live/live.h"
#include "store/store.h"
#include "store/store_work.h"
#include "topic/sink.h"

/* What became of a record someone waits for; called on the loop thread, once. */
typedef void (*bn_answer_fn)(void *user, const struct bn_fact *fact, const struct bn_err *err);

struct bn_hub {
    const struct bn_clock *clock;
    struct bn_store
            *store; /* NULL: nothing is kept (tests, benches); records are acknowledged at once */
    struct bn_live live;
    struct bn_topics topics;
    uint64_t fact_count;
    uint64_t refused_count; /* facts that were not admitted */
    struct bn_inbox *inbox;
    /* private */
    struct bn_fact *waiting; /* told by this thread, for the next turn */
    size_t waiting_count;
    size_t waiting_cap;
    bool was_asked;        /* since the turn */
    struct bn_fact *spare; /* changes places with waiting each turn */
    size_t spare_cap;
    struct bn_list asked; /* records applied but not yet acknowledged, oldest first */
    struct bn_watch *watches;
    int64_t swept_mono_ms;
};

void bn_hub_init(struct bn_hub *hub, const struct bn_clock *clock, struct bn_store *store,
        void (*wake)(void *user), void *user);
void bn_hub_finish(struct bn_hub *hub);

/* Any thread; next turn. False: the inbox is full, the fact is counted as lost. */
bool bn_hub_submit(struct bn_hub *hub, const struct bn_fact *fact);
/* Loop thread; this turn or the next. Cannot be refused for room: the caller is paced by its own
 * turn. */
void bn_hub_tell(struct bn_hub *hub, const struct bn_fact *fact);
/* Where a listener of that tenant joins: a topic, or the member of a family whose row exists. NULL:
   there is none. */
struct bn_topic *bn_hub_topic(struct bn_hub *hub, const char *tenant, struct bn_str name);
/* Loop thread, records (BN_PUT and BN_GONE; a BN_PAST is told, for nothing is written): admitted
   and applied now; answer(user, …) comes when the store has kept it (err NULL) or refused it
   (storage; what was applied is undone). False: not admitted, err says why, and answer will not be
   called. */
BN_MUST_CHECK bool bn_hub_ask(struct bn_hub *hub, const struct bn_fact *fact, bn_answer_fn answer,
        void *user, struct bn_err *err);
/* Facts read back from the store, before the first turn. */
void bn_hub_replay(struct bn_hub *hub, const struct bn_fact *fact);

/* Called on the loop thread for every change of that kind: samples when told, records when kept,
   and for facts replayed. Watchers must not ask or tell from inside replayed facts. */
void bn_hub_watch(struct bn_hub *hub, enum bn_kind kind,
        void (*fn)(void *user, const struct bn_fact *fact), void *user);

/* The turn: waiting facts, acknowledgements, the batch, the topics. True: more is waiting already.
 */
bool bn_hub_turn(struct bn_hub *hub);
/* Told or asked since the turn, by what came after it: the next turn should not wait. */
bool bn_hub_is_waiting(const struct bn_hub *hub);

/* At shutdown: whoever still waits for the store's word is answered `unavailable`. What the store
   has been given it may keep all the same. */
void bn_hub_abandon(struct bn_hub *hub);
bool bn_hub_is_asked(const struct bn_hub *hub); /* somebody waits for the store's word */

/* Closes the ten seconds being gathered, at shutdown; before the last flush of the store. */
void bn_hub_close_series(struct bn_hub *hub);

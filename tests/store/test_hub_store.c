#include "hub/hub.h"
#include "sql.h"
#include "store_test.h"

/* A hub over a real store, and another program beside it. */
struct rig {
    struct place place;
    struct bn_clock clock;
    struct bn_store *store;
    struct bn_hub hub;
    size_t answered;
    struct bn_err refusal; /* of the last that was refused */
};

static void replayed(void *user, const struct bn_fact *fact)
{
    bn_hub_replay(user, fact);
}

static void open_hub(struct rig *rig)
{
    struct bn_err err;
    rig->store = place_open(&rig->place);
    bn_hub_init(&rig->hub, &rig->clock, rig->store, NULL, NULL);
    CHECK(bn_store_load(rig->store, replayed, &rig->hub, &err));
}

static void close_hub(struct rig *rig)
{
    bn_hub_finish(&rig->hub);
    bn_store_close(rig->store);
}

static void answered(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct rig *rig = user;
    (void)fact;
    if (err)
        rig->refusal = *err;
    rig->answered++;
}

static void ask(struct rig *rig, const char *name)
{
    struct bn_err err;
    struct bn_fact fact = user_fact("u1", name);
    if (!bn_hub_ask(&rig->hub, &fact, answered, rig, &err))
        fail_msg("%s", err.text);
}

static void turn_and_keep(struct rig *rig)
{
    bn_hub_turn(&rig->hub);
    bn_store_tidy(rig->store);
    bn_hub_turn(&rig->hub);
}

static void put_beside(struct rig *rig, const struct bn_fact *fact)
{
    struct bn_store_config config = place_config(&rig->place);
    struct bn_store *guest;
    struct bn_err err;
    char notice[200];
    config.is_guest = true;
    CHECK(bn_store_open(&config, &guest, notice, &err));
    put_now(guest, fact);
    bn_store_close(guest);
}

static void write_beside(struct rig *rig, const char *name)
{
    struct bn_fact fact = user_fact("u1", name);
    put_beside(rig, &fact);
}

static const char *known(struct rig *rig)
{
    const struct bn_user *user = bn_live_get(&rig->hub.live, "default", BN_KIND_USER, "u1");
    assert_non_null(user);
    return user->name;
}

/* Until it is true; what another program wrote is looked for now and then. */
#define AWAIT(rig, condition)                                      \
    do {                                                           \
        const int64_t until_ns = bn_clock_mono_ns() + 20000000000; \
        while (!(condition)) {                                     \
            if (bn_clock_mono_ns() > until_ns)                     \
                fail_msg("waited in vain for %s", #condition);     \
            pause_ms(10);                                          \
            bn_hub_turn(&(rig)->hub);                              \
        }                                                          \
    } while (0)

BN_TEST(what_another_program_wrote_is_known_soon)
{
    struct rig rig = {0};
    place_init(&rig.place);
    open_hub(&rig);
    ask(&rig, "vega");
    turn_and_keep(&rig);
    write_beside(&rig, "guest");
    AWAIT(&rig, strcmp(known(&rig), "guest") == 0);
    close_hub(&rig);
    place_finish(&rig.place);
}

/* What the command line does stands in the audit, which is a topic as well. */
BN_TEST(a_deed_of_another_program_is_told_to_whoever_listens)
{
    struct rig rig = {0};
    struct bn_fact fact;
    place_init(&rig.place);
    open_hub(&rig);
    const struct bn_topic *topic = bn_topic_find(&rig.hub.topics, "default",
            BN_STR("people.audit"));
    CHECK_INT(topic->seq, 0);
    bn_fact_init(&fact, BN_KIND_AUDIT, "default");
    snprintf(fact.u.audit.id, sizeof fact.u.audit.id, "a1");
    snprintf(fact.u.audit.action, sizeof fact.u.audit.action, "user.change");
    fact.u.audit.at = 1000;
    put_beside(&rig, &fact);
    AWAIT(&rig, topic->seq > 0);
    CHECK_INT(topic->seq, 1);
    close_hub(&rig);
    place_finish(&rig.place);
}

/* A login that passed with the old password, while the command line gave a new one, writes the
   whole row of the user. */
BN_TEST(what_was_made_without_knowing_what_another_program_wrote_is_refused)
{
    struct rig rig = {0};
    place_init(&rig.place);
    open_hub(&rig);
    ask(&rig, "vega");
    turn_and_keep(&rig);
    CHECK_INT(rig.refusal.code, 0);
    write_beside(&rig, "guest");
    pause_ms(1500); /* the store looks every second; the hub has not heard of it yet */
    ask(&rig, "ours");
    turn_and_keep(&rig);
    CHECK_INT(rig.answered, 2);
    CHECK_INT(rig.refusal.code, BN_E_CONFLICT);
    CHECK_STR(rig.refusal.text, "another program changed this user just now: try again in 2 s");
    CHECK_STR(known(&rig), "guest");
    ask(&rig, "ours"); /* now it knows */
    turn_and_keep(&rig);
    CHECK_INT(rig.answered, 3);
    CHECK_STR(known(&rig), "ours");
    close_hub(&rig);
    open_hub(&rig);
    CHECK_STR(known(&rig), "ours");
    close_hub(&rig);
    place_finish(&rig.place);
}

/* The command line ended it; a request that came meanwhile says it was seen. */
BN_TEST(a_session_another_program_ended_does_not_come_back)
{
    struct rig rig = {0};
    struct bn_fact fact;
    struct bn_err err;
    place_init(&rig.place);
    open_hub(&rig);
    bn_fact_init(&fact, BN_KIND_SESSION, "default");
    snprintf(fact.u.session.id, sizeof fact.u.session.id, "s1");
    snprintf(fact.u.session.user_id, sizeof fact.u.session.user_id, "u1");
    memset(fact.u.session.hash, 'h', 43);
    ask(&rig, "vega");
    CHECK(bn_hub_ask(&rig.hub, &fact, answered, &rig, &err));
    turn_and_keep(&rig);
    CHECK_INT(rig.answered, 2);
    struct bn_fact gone = fact;
    gone.op = BN_GONE;
    put_beside(&rig, &gone);
    fact.u.session.seen_at = 1795000060000;
    CHECK(bn_hub_ask(&rig.hub, &fact, answered, &rig, &err));
    turn_and_keep(&rig);
    CHECK_INT(rig.refusal.code, BN_E_CONFLICT);
    AWAIT(&rig, !bn_live_get(&rig.hub.live, "default", BN_KIND_SESSION, "s1"));
    close_hub(&rig);
    CHECK_INT(ask_sql(&rig.place, "SELECT count(*) FROM sessions"), 0);
    place_finish(&rig.place);
}

BN_TEST_MAIN()

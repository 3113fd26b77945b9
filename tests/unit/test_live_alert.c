#include "bn_test.h"
#include "live/alert.h"

static struct bn_live live;
static struct bn_err err;

static struct bn_fact alert_fact(enum bn_alert_state state)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_ALERT, BN_TENANT_DEFAULT);
    struct bn_alert *alert = &fact.u.alert;
    snprintf(alert->id, sizeof alert->id, "a1");
    snprintf(alert->subject_id, sizeof alert->subject_id, "s1");
    alert->rule = BN_ALERT_SERVER_OFFLINE;
    alert->severity = BN_ALERT_CRITICAL;
    alert->state = state;
    alert->fired_at = 1000;
    alert->resolved_at = state == BN_ALERT_RESOLVED ? 2000 : 0;
    return fact;
}

static bool admit(const struct bn_fact *fact)
{
    return bn_live_admit(&live, fact, &err);
}

static void apply(const struct bn_fact *fact)
{
    struct bn_change change;
    CHECK(admit(fact));
    bn_live_apply(&live, fact, &change);
}

BN_TEST(what_fires_stays_in_sight_and_what_is_resolved_does_not_change)
{
    bn_live_init(&live);
    struct bn_fact firing = alert_fact(BN_ALERT_FIRING);
    struct bn_fact resolved = alert_fact(BN_ALERT_RESOLVED);
    apply(&firing);
    firing.op = BN_PAST;
    CHECK(!admit(&firing));
    CHECK_STR(err.text, "an alert that fires stays in sight");
    apply(&resolved);
    firing.op = BN_PUT;
    CHECK(!admit(&firing));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "this alert is resolved: it does not change any more");
    resolved.op = BN_PAST;
    apply(&resolved);
    CHECK(!bn_live_get(&live, BN_TENANT_DEFAULT, BN_KIND_ALERT, "a1"));
    bn_live_finish(&live);
}

BN_TEST(what_the_store_has_not_spoken_of_counts)
{
    bn_live_init(&live);
    struct bn_fact firing = alert_fact(BN_ALERT_FIRING);
    struct bn_fact resolved = alert_fact(BN_ALERT_RESOLVED);
    apply(&firing);
    bn_live_expect(&live, &resolved);
    CHECK(!admit(&firing));
    resolved.op = BN_PAST;
    CHECK(!admit(&resolved));
    resolved.op = BN_PUT;
    bn_live_unexpect(&live, &resolved);
    CHECK(admit(&firing));
    bn_live_finish(&live);
}

BN_TEST(one_has_the_time_of_its_end_when_it_is_over)
{
    bn_live_init(&live);
    struct bn_fact fact = alert_fact(BN_ALERT_FIRING);
    fact.u.alert.resolved_at = 2000;
    CHECK(!admit(&fact));
    CHECK_STR(err.field, "resolved_at");
    fact = alert_fact(BN_ALERT_RESOLVED);
    fact.u.alert.resolved_at = 0;
    CHECK(!admit(&fact));
    CHECK_STR(err.field, "resolved_at");
    bn_live_finish(&live);
}

BN_TEST(twenty_thousand_are_held_and_the_next_is_refused)
{
    bn_live_init(&live);
    struct bn_fact fact = alert_fact(BN_ALERT_FIRING);
    for (int i = 0; i < BN_ALERTS_MAX; i++) {
        snprintf(fact.u.alert.id, sizeof fact.u.alert.id, "n%d", i);
        apply(&fact);
    }
    snprintf(fact.u.alert.id, sizeof fact.u.alert.id, "more");
    CHECK(!admit(&fact));
    CHECK_INT(err.code, BN_E_TOO_MANY);
    bn_live_finish(&live);
}

BN_TEST_MAIN()

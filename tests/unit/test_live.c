#include "bn_test.h"
#include "live/live.h"

static struct bn_fact core_fact(const char *id, double busy_pct)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "%s", id);
    fact.u.core.busy_pct = busy_pct;
    return fact;
}

BN_TEST(the_default_tenant_is_there_from_the_start)
{
    struct bn_live live;
    bn_live_init(&live);
    assert_non_null(bn_live_find(&live, "default"));
    assert_null(bn_live_find(&live, "acme"));
    CHECK_INT(live.tenant_count, 1);
    bn_live_finish(&live);
}

BN_TEST(a_change_names_the_fields_that_differ)
{
    struct bn_live live;
    struct bn_change change;
    bn_live_init(&live);
    struct bn_fact fact = core_fact("0", 10);
    bn_live_apply(&live, &fact, &change);
    CHECK(change.is_new && change.changed && !change.is_gone);
    bn_live_apply(&live, &fact, &change);
    CHECK(!change.is_new);
    CHECK_INT(change.changed, 0);
    fact.u.core.busy_pct = 11;
    bn_live_apply(&live, &fact, &change);
    CHECK_INT(change.changed, BN_BIT(bn_field_index(&bn_core_type, "busy_pct")));
    fact.op = BN_GONE;
    bn_live_apply(&live, &fact, &change);
    CHECK(change.is_gone && !change.row);
    bn_live_apply(&live, &fact, &change);
    CHECK_INT(change.changed, 0);
    bn_live_finish(&live);
}

BN_TEST(what_is_refused_says_why)
{
    struct bn_live live;
    struct bn_err err;
    bn_live_init(&live);
    struct bn_fact fact = core_fact("", 1);
    CHECK(!bn_live_admit(&live, &fact, &err));
    CHECK_STR(err.text, "a core needs an id");
    fact = core_fact("0", 1);
    snprintf(fact.tenant, sizeof fact.tenant, "acme");
    CHECK(!bn_live_admit(&live, &fact, &err));
    CHECK_STR(err.text, "there is no tenant \"acme\"");
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    fact = core_fact("7", 1);
    fact.op = BN_GONE;
    CHECK(!bn_live_admit(&live, &fact, &err));
    CHECK_STR(err.text, "there is no core \"7\"");
    bn_live_finish(&live);
}

BN_TEST(a_new_tenant_has_tables_of_its_own)
{
    struct bn_live live;
    struct bn_change change;
    struct bn_fact fact;
    bn_live_init(&live);
    bn_fact_init(&fact, BN_KIND_TENANT, "default");
    snprintf(fact.u.tenant.id, sizeof fact.u.tenant.id, "acme");
    snprintf(fact.u.tenant.name, sizeof fact.u.tenant.name, "Acme");
    bn_live_apply(&live, &fact, &change);
    assert_non_null(change.tenant_made);
    struct bn_fact core = core_fact("0", 5);
    snprintf(core.tenant, sizeof core.tenant, "acme");
    bn_live_apply(&live, &core, &change);
    CHECK_STR(change.tenant->id, "acme");
    assert_non_null(bn_live_get(&live, "acme", BN_KIND_CORE, "0"));
    assert_null(bn_live_get(&live, "default", BN_KIND_CORE, "0"));
    bn_live_apply(&live, &fact, &change);
    assert_null(change.tenant_made);
    bn_live_finish(&live);
}

BN_TEST(an_event_changes_nothing_held_and_is_always_news)
{
    struct bn_live live;
    struct bn_change change;
    struct bn_fact fact;
    bn_live_init(&live);
    bn_fact_init(&fact, BN_KIND_LINE, "default");
    snprintf(fact.u.line.id, sizeof fact.u.line.id, "1");
    for (int i = 0; i < 2; i++) {
        bn_live_apply(&live, &fact, &change);
        CHECK(change.changed && !change.table && !change.row);
    }
    bn_live_finish(&live);
}

BN_TEST_MAIN()

#include "base/clock.h"

#include "bn_test.h"
#include "live/people.h"

static struct bn_live live;
static struct bn_err err;

static void say(const struct bn_fact *fact)
{
    struct bn_change change;
    bn_live_apply(&live, fact, &change);
}

static struct bn_fact user_fact(const char *id, const char *name, enum bn_role role)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.user.id, sizeof fact.u.user.id, bn_str(id));
    bn_text_clip(fact.u.user.name, sizeof fact.u.user.name, bn_str(name));
    fact.u.user.role = role;
    return fact;
}

static struct bn_fact session_fact(const char *user_id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_SESSION, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.session.id, sizeof fact.u.session.id, BN_STR("s1"));
    bn_text_clip(fact.u.session.user_id, sizeof fact.u.session.user_id, bn_str(user_id));
    memset(fact.u.session.hash, 'h', 43);
    return fact;
}

static struct bn_fact key_fact(const char *user_id, const char *scopes)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.key.id, sizeof fact.u.key.id, BN_STR("k1"));
    bn_text_clip(fact.u.key.name, sizeof fact.u.key.name, BN_STR("a key"));
    bn_text_clip(fact.u.key.user_id, sizeof fact.u.key.user_id, bn_str(user_id));
    bn_text_clip(fact.u.key.scopes, sizeof fact.u.key.scopes, bn_str(scopes));
    memset(fact.u.key.hash, 'h', 43);
    return fact;
}

static bool admits(const struct bn_fact *fact)
{
    memset(&err, 0, sizeof err);
    return bn_live_admit(&live, fact, &err);
}

static void begin(void)
{
    bn_live_init(&live);
    struct bn_fact fact = user_fact("u1", "Owner", BN_ROLE_ADMIN);
    CHECK(admits(&fact));
    say(&fact);
}

BN_TEST(a_user_name_is_taken_whatever_its_case)
{
    begin();
    struct bn_fact fact = user_fact("u2", "oWNER", BN_ROLE_VIEWER);
    CHECK(!admits(&fact));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.field, "name");
    CHECK_STR(err.text, "there is already a user named Owner");
    fact = user_fact("u1", "OWNER", BN_ROLE_ADMIN); /* the same person may change the case */
    CHECK(admits(&fact));
    bn_live_finish(&live);
}

BN_TEST(the_last_administrator_cannot_vanish_be_disabled_or_demoted)
{
    begin();
    struct bn_fact viewer = user_fact("u2", "viewer", BN_ROLE_VIEWER);
    struct bn_fact disabled = user_fact("u3", "former", BN_ROLE_ADMIN);
    disabled.u.user.disabled = 1;
    say(&viewer);
    say(&disabled);
    struct bn_fact gone = user_fact("u1", "Owner", BN_ROLE_ADMIN);
    gone.op = BN_GONE;
    CHECK(!admits(&gone));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "Owner is the last administrator: make somebody else one first");
    struct bn_fact fact = user_fact("u1", "Owner", BN_ROLE_MANAGER);
    CHECK(!admits(&fact));
    fact = user_fact("u1", "Owner", BN_ROLE_ADMIN);
    fact.u.user.disabled = 1;
    CHECK(!admits(&fact));
    viewer.u.user.role = BN_ROLE_ADMIN;
    say(&viewer);
    CHECK(admits(&fact));
    CHECK(admits(&gone));
    bn_live_finish(&live);
}

BN_TEST(a_session_needs_an_enabled_user)
{
    begin();
    struct bn_fact fact = session_fact("u1");
    CHECK(admits(&fact));
    fact = session_fact("u9");
    CHECK(!admits(&fact));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    struct bn_fact user = user_fact("u4", "off", BN_ROLE_VIEWER);
    user.u.user.disabled = 1;
    say(&user);
    fact = session_fact("u4");
    CHECK(!admits(&fact));
    CHECK_INT(err.code, BN_E_FORBIDDEN);
    fact = session_fact("u1");
    fact.u.session.hash[5] = 0;
    CHECK(!admits(&fact));
    bn_live_finish(&live);
}

BN_TEST(a_key_needs_known_scopes_and_a_maker)
{
    begin();
    struct bn_fact fact = key_fact("u1", "read,metrics");
    CHECK(admits(&fact));
    fact = key_fact("", "all");
    CHECK(admits(&fact));
    fact = key_fact("u9", "all");
    CHECK(!admits(&fact));
    fact = key_fact("u1", "read,write");
    CHECK(!admits(&fact));
    CHECK_STR(err.field, "scopes");
    CHECK_STR(err.text, "scopes must be of read,operate,admin,metrics,ingest,all, got \"write\"");
    fact = key_fact("u1", "read,read");
    CHECK(!admits(&fact));
    fact = key_fact("u1", "read,");
    CHECK(!admits(&fact));
    bn_live_finish(&live);
}

BN_TEST(replayed_facts_are_believed_in_any_order)
{
    begin();
    struct bn_fact fact = session_fact("u9");
    fact.replay = true;
    CHECK(admits(&fact));
    bn_live_finish(&live);
}

static struct bn_fact tenant_fact(const char *in, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_TENANT, in);
    bn_text_clip(fact.u.tenant.id, sizeof fact.u.tenant.id, bn_str(id));
    bn_text_clip(fact.u.tenant.name, sizeof fact.u.tenant.name, bn_str(id));
    return fact;
}

/* Its topics and rows would be another's: what does not fit is cut where it is looked up. */
BN_TEST(a_tenant_whose_id_is_too_long_to_be_found_again_is_refused)
{
    bn_live_init(&live);
    struct bn_fact fact = tenant_fact(BN_TENANT_DEFAULT, "a-tenant-whose-id-has-32-letters");
    CHECK(!bn_live_admit(&live, &fact, &err));
    CHECK_STR(err.text, "the id of a tenant may have 31 bytes, got 32");
    fact = tenant_fact(BN_TENANT_DEFAULT, "a-tenant-whose-id-has-31-letter");
    CHECK(bn_live_admit(&live, &fact, &err));
    bn_live_finish(&live);
}

/* Else the limit would be one of each tenant. */
BN_TEST(tenants_are_told_to_the_default_tenant_only)
{
    bn_live_init(&live);
    struct bn_fact fact = tenant_fact(BN_TENANT_DEFAULT, "blue");
    say(&fact);
    fact = tenant_fact("blue", "green");
    CHECK(!bn_live_admit(&live, &fact, &err));
    CHECK_STR(err.text, "tenants are made in \"default\", not in \"blue\"");
    bn_live_finish(&live);
}

BN_TEST(the_default_tenant_stays)
{
    begin();
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_TENANT, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.tenant.id, sizeof fact.u.tenant.id, BN_STR(BN_TENANT_DEFAULT));
    bn_text_clip(fact.u.tenant.name, sizeof fact.u.tenant.name, BN_STR("Default"));
    CHECK(admits(&fact));
    say(&fact);
    fact.op = BN_GONE;
    CHECK(!admits(&fact));
    CHECK_INT(err.code, BN_E_CONFLICT);
    bn_live_finish(&live);
}

BN_TEST_MAIN()

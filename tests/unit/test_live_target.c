#include "bn_test.h"
#include "live/target.h"

static struct bn_live live;

static struct bn_fact target_fact(const char *id, const char *jump_id, enum bn_fact_op op)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_TARGET, BN_TENANT_DEFAULT);
    struct bn_target *target = &fact.u.target;
    snprintf(target->id, sizeof target->id, "%s", id);
    snprintf(target->name, sizeof target->name, "name of %s", id);
    snprintf(target->host, sizeof target->host, "10.0.0.1");
    snprintf(target->username, sizeof target->username, "root");
    snprintf(target->jump_id, sizeof target->jump_id, "%s", jump_id);
    target->port = 22;
    target->auth_kind = BN_AUTH_PASSWORD;
    target->platform = BN_PLATFORM_SYSTEMD;
    fact.op = (uint8_t)op;
    return fact;
}

static bool take(const struct bn_fact *fact, struct bn_err *err)
{
    struct bn_change change;
    if (!bn_live_admit(&live, fact, err))
        return false;
    bn_live_apply(&live, fact, &change);
    return true;
}

static bool put(const char *id, const char *jump_id, struct bn_err *err)
{
    const struct bn_fact fact = target_fact(id, jump_id, BN_PUT);
    return take(&fact, err);
}

static bool drop(const char *id, struct bn_err *err)
{
    const struct bn_fact fact = target_fact(id, "", BN_GONE);
    return take(&fact, err);
}

BN_TEST(a_name_is_one_targets_also_while_it_is_on_its_way)
{
    struct bn_err err;
    bn_live_init(&live);
    CHECK(put("a", "", &err));
    CHECK(put("a", "", &err)); /* itself */
    struct bn_fact other = target_fact("b", "", BN_PUT);
    snprintf(other.u.target.name, sizeof other.u.target.name, "NAME OF A");
    CHECK(!take(&other, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.field, "name");
    CHECK_STR(err.text, "there is already a target with the name name of a");
    const struct bn_fact coming = target_fact("c", "", BN_PUT);
    bn_live_expect(&live, &coming);
    snprintf(other.u.target.name, sizeof other.u.target.name, "name of c");
    CHECK(!take(&other, NULL));
    bn_live_unexpect(&live, &coming);
    CHECK(take(&other, &err));
    bn_live_finish(&live);
}

BN_TEST(a_jump_host_exists_and_does_not_lead_back)
{
    struct bn_err err;
    bn_live_init(&live);
    CHECK(!put("a", "nobody", &err));
    CHECK_STR(err.text, "jump_id must be a target, and there is no nobody");
    CHECK(!put("a", "a", &err));
    CHECK_STR(err.text, "jump_id leads back to the target itself");
    CHECK(put("a", "", &err));
    CHECK(put("b", "a", &err));
    CHECK(!put("a", "b", &err));
    CHECK_STR(err.text, "jump_id leads back to the target itself");
    CHECK(put("c", "b", &err));
    CHECK(put("d", "c", &err)); /* through three: the wall */
    CHECK(!put("e", "d", &err));
    CHECK_STR(err.text, "jump_id leads through more than 3 targets");
    CHECK_STR(err.field, "jump_id");
    bn_live_finish(&live);
}

BN_TEST(what_others_are_reached_through_stays)
{
    struct bn_err err;
    bn_live_init(&live);
    CHECK(put("a", "", &err));
    CHECK(put("b", "a", &err));
    CHECK(!drop("a", &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "name of b is reached through it: change that first");
    CHECK(drop("b", &err));
    const struct bn_fact coming = target_fact("c", "a", BN_PUT);
    bn_live_expect(&live, &coming);
    CHECK(!drop("a", &err));
    bn_live_unexpect(&live, &coming);
    CHECK(drop("a", &err));
    bn_live_finish(&live);
}

/* The store gives rows back in any order. */
BN_TEST(what_was_kept_is_taken_as_it_was)
{
    struct bn_err err;
    bn_live_init(&live);
    struct bn_fact fact = target_fact("b", "a", BN_PUT);
    fact.replay = true;
    CHECK(take(&fact, &err));
    bn_live_finish(&live);
}

BN_TEST_MAIN()

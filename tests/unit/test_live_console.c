#include "bn_test.h"
#include "live/console.h"

#define NOW 1795000000000

static struct bn_live live;

static struct bn_fact console_fact(const char *id, int64_t ended_at, enum bn_fact_op op)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CONSOLE, BN_TENANT_DEFAULT);
    struct bn_console *console = &fact.u.console;
    snprintf(console->id, sizeof console->id, "%s", id);
    console->kind = BN_CONSOLE_VNC;
    console->started_at = NOW;
    console->ended_at = ended_at;
    fact.op = (uint8_t)op;
    return fact;
}

static bool take(const char *id, int64_t ended_at, enum bn_fact_op op, struct bn_err *err)
{
    struct bn_change change;
    const struct bn_fact fact = console_fact(id, ended_at, op);
    if (!bn_live_admit(&live, &fact, err))
        return false;
    bn_live_apply(&live, &fact, &change);
    return true;
}

BN_TEST(a_console_that_ended_does_not_change_and_leaves_by_its_own_fact)
{
    struct bn_err err;
    bn_live_init(&live);
    CHECK(take("a", 0, BN_PUT, &err));
    CHECK(!take("a", 0, BN_PAST, &err));
    CHECK_STR(err.text, "a console that is open stays in sight");
    CHECK(take("a", NOW + 5, BN_PUT, &err));
    CHECK(!take("a", NOW + 9, BN_PUT, &err));
    CHECK_STR(err.text, "this console has ended: it does not change any more");
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK(take("a", 0, BN_PAST, &err));
    CHECK(!bn_live_get(&live, BN_TENANT_DEFAULT, BN_KIND_CONSOLE, "a"));
    bn_live_finish(&live);
}

BN_TEST(what_is_not_kept_yet_counts)
{
    struct bn_err err;
    bn_live_init(&live);
    const struct bn_fact ended = console_fact("a", NOW + 5, BN_PUT);
    const struct bn_fact past = console_fact("a", 0, BN_PAST);
    CHECK(take("a", 0, BN_PUT, &err));
    bn_live_expect(&live, &ended);
    CHECK(!bn_live_admit(&live, &past, &err));
    CHECK(!take("a", NOW + 9, BN_PUT, &err));
    CHECK_STR(err.text, "this console has ended: it does not change any more");
    bn_live_finish(&live);
}

BN_TEST(as_many_consoles_as_the_limit_and_not_one_more)
{
    struct bn_err err;
    char id[16];
    bn_live_init(&live);
    for (int i = 0; i < BN_CONSOLES_MAX; i++) {
        snprintf(id, sizeof id, "c%d", i);
        CHECK(take(id, 0, BN_PUT, &err));
    }
    CHECK(!take("more", 0, BN_PUT, &err));
    CHECK_STR(err.text, "there are 1000 of console already, which is the limit");
    bn_live_finish(&live);
}

BN_TEST(a_console_is_a_screen_or_a_terminal)
{
    CHECK_STR(bn_console_kind_word(BN_CONSOLE_VNC), "vnc");
    CHECK_STR(bn_console_kind_word(BN_CONSOLE_TERMINAL), "terminal");
}

BN_TEST_MAIN()

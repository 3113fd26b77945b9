#include "bn_test.h"
#include "hub/audit.h"

static struct bn_audit told[2];
static int count;

static void take(void *user, const struct bn_fact *fact)
{
    (void)user;
    if (count < 2)
        told[count] = fact->u.audit;
    count++;
}

BN_TEST(an_entry_is_stamped_and_told_in_the_next_turn)
{
    struct bn_clock clock = {.now_ms = 1000};
    struct bn_hub hub;
    const struct bn_audit entry = {.actor = "auto", .action = "server.pin", .ok = 1};
    CHECK(bn_secret_start(NULL));
    bn_hub_init(&hub, &clock, NULL, NULL, NULL);
    bn_hub_watch(&hub, BN_KIND_AUDIT, take, NULL);
    bn_audit_note(&hub, BN_TENANT_DEFAULT, &entry);
    CHECK_INT(count, 0);
    bn_hub_turn(&hub);
    clock.now_ms = 2000;
    bn_audit_note(&hub, BN_TENANT_DEFAULT, &entry);
    bn_hub_turn(&hub);
    CHECK_INT(count, 2);
    CHECK_STR(told[0].actor, "auto");
    CHECK_INT(told[0].at, 1000);
    CHECK_INT(told[1].at, 2000);
    CHECK(strcmp(told[0].id, told[1].id) < 0); /* ids grow with time */
    bn_hub_finish(&hub);
}

BN_TEST_MAIN()

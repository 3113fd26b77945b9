#include "bn_test.h"
#include "live/work.h"

/* The rules without a hub: what is admitted is applied at once, or only expected. */

#define NOW 1795000000000

static struct bn_live live;

static void begin(void)
{
    bn_live_init(&live);
}

static void end(void)
{
    bn_live_finish(&live);
}

static struct bn_fact start_of(const char *id, const char *server, int64_t vmid)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_OPERATION, BN_TENANT_DEFAULT);
    struct bn_operation *operation = &fact.u.operation;
    snprintf(operation->id, sizeof operation->id, "%s", id);
    snprintf(operation->server_id, sizeof operation->server_id, "%s", server);
    snprintf(operation->action, sizeof operation->action, "start");
    snprintf(operation->subject, sizeof operation->subject, "web (100) on alpha");
    operation->type = BN_WORK_VM_POWER;
    operation->vmid = vmid;
    operation->status = BN_WORK_PENDING;
    operation->progress = 0;
    operation->started_at = NOW;
    return fact;
}

static bool admit(const struct bn_fact *fact, struct bn_err *err)
{
    return bn_live_admit(&live, fact, err);
}

static void take(const struct bn_fact *fact)
{
    struct bn_change change;
    struct bn_err err;
    if (!admit(fact, &err))
        fail_msg("%s", err.text);
    bn_live_unexpect(&live, fact);
    bn_live_apply(&live, fact, &change);
}

static void check_refused(const struct bn_fact *fact, enum bn_code code, const char *text)
{
    struct bn_err err;
    CHECK(!admit(fact, &err));
    CHECK_INT(err.code, code);
    CHECK_STR(err.text, text);
}

static const struct bn_tenant_live *tenant(void)
{
    return bn_live_find(&live, BN_TENANT_DEFAULT);
}

BN_TEST(of_fifty_starts_of_one_guest_one_is_admitted_also_while_the_first_is_being_kept)
{
    struct bn_err err;
    int admitted = 0;
    begin();
    for (int i = 0; i < 50; i++) {
        char id[16];
        snprintf(id, sizeof id, "o%d", i);
        const struct bn_fact fact = start_of(id, "s1", 100);
        if (!admit(&fact, &err)) {
            CHECK_INT(err.code, BN_E_CONFLICT);
            CHECK_STR(err.text, "web (100) on alpha: start is under way already");
            continue;
        }
        admitted++;
        bn_live_expect(&live, &fact);
    }
    CHECK_INT(admitted, 1);
    const struct bn_fact again = start_of("o99", "s1", 100);
    CHECK_STR(bn_work_find_same(tenant(), &again.u.operation)->id, "o0");
    end();
}

BN_TEST(other_guests_and_the_same_number_on_another_server_go_beside_it)
{
    begin();
    const struct bn_fact first = start_of("o1", "s1", 100);
    const struct bn_fact beside = start_of("o2", "s1", 101);
    const struct bn_fact elsewhere = start_of("o3", "s2", 100);
    take(&first);
    take(&beside);
    take(&elsewhere);
    CHECK_INT(tenant()->tables[BN_KIND_OPERATION].count, 3);
    end();
}

BN_TEST(when_it_has_ended_the_guest_is_free_again_as_soon_as_that_is_on_its_way)
{
    begin();
    struct bn_fact fact = start_of("o1", "s1", 100);
    const struct bn_fact next = start_of("o2", "s1", 100);
    take(&fact);
    check_refused(&next, BN_E_CONFLICT, "web (100) on alpha: start is under way already");
    fact.u.operation.status = BN_WORK_COMPLETED;
    fact.u.operation.progress = 100;
    fact.u.operation.completed_at = NOW + 1000;
    CHECK(admit(&fact, NULL));
    bn_live_expect(&live, &fact);
    CHECK(admit(&next, NULL));
    CHECK(!bn_work_find_same(tenant(), &next.u.operation));
    end();
}

BN_TEST(an_end_is_an_end)
{
    static const int64_t ends[] = {BN_WORK_COMPLETED, BN_WORK_FAILED, BN_WORK_CANCELLED};
    static const char *const words[] = {"completed", "failed", "cancelled"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char text[80];
        begin();
        struct bn_fact fact = start_of("o1", "s1", 100);
        fact.u.operation.status = ends[i];
        fact.u.operation.completed_at = NOW;
        take(&fact);
        snprintf(text, sizeof text, "this operation has ended: %s", words[i]);
        for (int64_t status = BN_WORK_PENDING; status <= BN_WORK_CANCELLED; status++) {
            fact.u.operation.status = status;
            fact.u.operation.completed_at = status > BN_WORK_IN_PROGRESS ? NOW : 0;
            check_refused(&fact, BN_E_CONFLICT, text);
        }
        end();
    }
}

BN_TEST(progress_never_falls_and_what_began_is_not_pending_again)
{
    begin();
    struct bn_fact fact = start_of("o1", "s1", 100);
    take(&fact);
    fact.u.operation.status = BN_WORK_IN_PROGRESS;
    fact.u.operation.progress = 30;
    take(&fact);
    fact.u.operation.progress = 29;
    check_refused(&fact, BN_E_INVALID, "progress never falls: it was 30, got 29");
    fact.u.operation.progress = 30;
    fact.u.operation.status = BN_WORK_PENDING;
    check_refused(&fact, BN_E_INVALID, "an operation that was in progress is not pending again");
    end();
}

BN_TEST(the_time_of_the_end_is_there_exactly_when_it_has_ended)
{
    begin();
    struct bn_fact fact = start_of("o1", "s1", 100);
    fact.u.operation.completed_at = NOW;
    check_refused(&fact, BN_E_INVALID, "an operation has completed_at when it has ended: pending");
    fact.u.operation.status = BN_WORK_FAILED;
    fact.u.operation.completed_at = 0;
    check_refused(&fact, BN_E_INVALID, "an operation has completed_at when it has ended: failed");
    end();
}

BN_TEST(only_what_has_ended_and_is_kept_leaves_the_sight)
{
    struct bn_change change;
    begin();
    struct bn_fact fact = start_of("o1", "s1", 100);
    struct bn_fact past = fact;
    past.op = BN_PAST;
    check_refused(&past, BN_E_NOT_FOUND, "there is no operation \"o1\"");
    take(&fact);
    check_refused(&past, BN_E_CONFLICT, "an operation that goes on stays in sight");
    fact.u.operation.status = BN_WORK_COMPLETED;
    fact.u.operation.completed_at = NOW;
    bn_live_expect(&live, &fact);
    check_refused(&past, BN_E_CONFLICT, "an operation that goes on stays in sight");
    bn_live_unexpect(&live, &fact);
    bn_live_apply(&live, &fact, &change);
    CHECK(admit(&past, NULL));
    bn_live_apply(&live, &past, &change);
    CHECK(change.is_gone);
    CHECK_INT(tenant()->tables[BN_KIND_OPERATION].count, 0);
    end();
}

BN_TEST(there_is_room_for_so_many_and_one_that_ended_makes_room)
{
    begin();
    struct bn_fact fact = start_of("first", "s0", 100);
    take(&fact);
    for (int i = 1; i < BN_OPERATIONS_MAX; i++) {
        struct bn_change change;
        char id[16];
        snprintf(id, sizeof id, "o%d", i);
        struct bn_fact run = start_of(id, "", 1);
        run.u.operation.type = BN_WORK_HEALTH_CHECK;
        bn_live_apply(&live, &run, &change);
    }
    struct bn_fact more = start_of("more", "s1", 100);
    check_refused(&more, BN_E_TOO_MANY, "there are 10000 of operation already, which is the limit");
    fact.u.operation.status = BN_WORK_COMPLETED;
    fact.u.operation.completed_at = NOW;
    take(&fact); /* an end has room */
    fact.op = BN_PAST;
    take(&fact);
    CHECK(admit(&more, NULL));
    end();
}

/* On a target: the same to the same service once; another service and another deed beside it. */
BN_TEST(on_a_target_one_deed_on_one_service_at_a_time)
{
    begin();
    struct bn_fact fact = start_of("o1", "", 0);
    struct bn_operation *operation = &fact.u.operation;
    operation->type = BN_WORK_SERVICE_RESTART;
    operation->vmid = BN_UNKNOWN;
    snprintf(operation->target_id, sizeof operation->target_id, "t1");
    snprintf(operation->object, sizeof operation->object, "nginx");
    snprintf(operation->subject, sizeof operation->subject, "nginx on web3");
    snprintf(operation->action, sizeof operation->action, "restart");
    take(&fact);
    snprintf(operation->id, sizeof operation->id, "o2");
    check_refused(&fact, BN_E_CONFLICT, "nginx on web3: restart is under way already");
    snprintf(operation->object, sizeof operation->object, "mail");
    CHECK(admit(&fact, NULL));
    snprintf(operation->object, sizeof operation->object, "nginx");
    operation->type = BN_WORK_SERVICE_STATUS;
    CHECK(admit(&fact, NULL));
    operation->type = BN_WORK_SERVICE_RESTART;
    snprintf(operation->target_id, sizeof operation->target_id, "t2");
    CHECK(admit(&fact, NULL));
    end();
}

BN_TEST(what_has_ended_is_deleted_in_sight_or_not_and_nothing_that_is_under_way)
{
    static const char refused[] =
            "what is under way is not deleted, nor what belongs to such a batch";
    struct bn_change change;
    begin();
    struct bn_fact fact = start_of("o1", "s1", 100);
    struct bn_fact batch = start_of("b1", "s2", 200);
    take(&fact);
    batch.u.operation.type = BN_WORK_BATCH;
    take(&batch);
    fact.op = BN_GONE;
    check_refused(&fact, BN_E_CONFLICT, refused);
    fact.op = BN_PUT;
    fact.u.operation.status = BN_WORK_FAILED;
    fact.u.operation.progress = 100;
    fact.u.operation.completed_at = NOW + 1000;
    CHECK(admit(&fact, NULL));
    bn_live_expect(&live, &fact);
    fact.op = BN_GONE;
    check_refused(&fact, BN_E_CONFLICT, refused); /* its end is not kept yet */
    fact.op = BN_PUT;
    bn_live_unexpect(&live, &fact);
    bn_live_apply(&live, &fact, &change);
    fact.op = BN_GONE;
    snprintf(fact.u.operation.parent_id, sizeof fact.u.operation.parent_id, "b1");
    check_refused(&fact, BN_E_CONFLICT, refused);
    fact.u.operation.parent_id[0] = '\0';
    take(&fact);
    CHECK(!bn_table_find(&tenant()->tables[BN_KIND_OPERATION], "o1"));
    take(&fact); /* of the history: it is not known here, and the store knows it */
    end();
}

BN_TEST_MAIN()

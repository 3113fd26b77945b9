#include "hub_rig.h"
#include "io/dial.h"
#include "source/batch.h"
#include "store/bad_disk.h"
#include "store/place.h"

/* Batches over a hub with a real store and a real SSH runner, on targets where nobody listens; the
   clock is the test's. */

#define TARGETS 5

static struct {
    struct place place;
    struct bn_store *store;
    struct bn_target_policy policy;
    struct bn_ssh_forker forker;
    struct bn_dialer *dialer;
    struct bn_ssh *ssh;
    struct bn_operations *operations;
    struct bn_dispatch *dispatch;
    struct bn_batches *batches;
    struct bn_batch_item items[BN_BATCH_TARGETS_MAX];
    int begun;
    struct bn_err err; /* of begun */
    char id[BN_ID_MAX];
    int most;         /* under way at once */
    int64_t progress; /* of the batch, as last seen */
} own;

static void open_all(void)
{
    own.store = place_open(&own.place);
    rig_open_hub(own.store);
    const struct bn_operations_config operations = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock};
    own.operations = bn_operations_start(&operations);
    own.ssh = bn_ssh_create(rig.loop, own.dialer, &own.forker);
    const struct bn_dispatch_config dispatch = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock,
            .ssh = own.ssh,
            .key = &rig.key,
            .operations = own.operations};
    own.dispatch = bn_dispatch_start(&dispatch);
    const struct bn_batches_config batches = {rig.loop, &rig.hub, &rig.clock, own.operations,
            own.dispatch};
    own.batches = bn_batches_start(&batches);
}

/* As a kill would: the store keeps what it was given. */
static void close_all(void)
{
    settle(0);
    bn_batches_stop(own.batches);
    bn_dispatch_stop(own.dispatch);
    bn_ssh_destroy(own.ssh);
    bn_operations_stop(own.operations);
    bn_hub_finish(&rig.hub);
    bn_store_close(own.store);
}

static void add_target(int number)
{
    struct bn_fact fact;
    char aad[BN_TARGET_AAD_SIZE];
    bn_fact_init(&fact, BN_KIND_TARGET, BN_TENANT_DEFAULT);
    struct bn_target *target = &fact.u.target;
    snprintf(target->id, sizeof target->id, "t%d", number);
    snprintf(target->name, sizeof target->name, "web%d", number);
    snprintf(target->host, sizeof target->host, "127.0.0.1");
    snprintf(target->username, sizeof target->username, "root");
    target->port = 1; /* nobody listens there */
    target->auth_kind = BN_AUTH_PASSWORD;
    target->platform = BN_PLATFORM_SYSTEMD;
    target->sudo = 0;
    target->is_active = 1;
    target->created_at = target->updated_at = rig.clock.now_ms;
    bn_target_aad(BN_TENANT_DEFAULT, target->id, "password", aad);
    CHECK(bn_seal(&rig.key, aad, BN_STR("secret"), target->password, sizeof target->password));
    put(&fact);
}

static void begin(void)
{
    struct bn_err err;
    memset(&own, 0, sizeof own);
    if (!bn_ssh_forker_start(&own.forker,
                &err)) /* while there is nothing it could have a copy of */
        fail_msg("%s", err.text);
    rig_begin();
    CHECK(bn_net_parse(BN_STR("127.0.0.0/8"), &own.policy.allowed[0], NULL));
    own.policy.allowed_count = 1;
    CHECK(bn_dialer_create(rig.loop, &own.policy, 8, &own.dialer, NULL));
    place_init(&own.place);
    open_all();
    for (int i = 0; i < TARGETS; i++)
        add_target(i);
    settle(0);
}

static void end(void)
{
    close_all();
    bn_loop_reap_now(rig.loop);
    for (int i = 0; i < 3; i++)
        bn_loop_round(rig.loop, 1, NULL, NULL);
    bn_dialer_destroy(own.dialer);
    place_finish(&own.place);
    bn_loop_destroy(rig.loop);
    CHECK(bn_ssh_forker_stop(&own.forker));
}

static void on_begun(void *user, const struct bn_operation *batch, const struct bn_err *err)
{
    (void)user;
    own.begun++;
    own.err = err ? *err : (struct bn_err){.code = BN_E_OK};
    memcpy(own.id, batch->id, sizeof own.id);
}

static bool ask(int64_t concurrency, struct bn_err *err)
{
    struct bn_operation wanted;
    bn_record_clear(&bn_operation_type, &wanted);
    snprintf(wanted.action, sizeof wanted.action, "test");
    snprintf(wanted.subject, sizeof wanted.subject, "%d targets", TARGETS);
    wanted.concurrency = concurrency;
    for (int i = 0; i < TARGETS; i++) {
        struct bn_batch_item *item = &own.items[i];
        memset(item, 0, sizeof *item);
        snprintf(item->target_id, sizeof item->target_id, "t%d", i);
        item->target = bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_TARGET,
                item->target_id);
        bn_record_clear(&bn_operation_type, &item->wanted);
        item->wanted.type = BN_WORK_SSH_TEST;
        memcpy(item->wanted.target_id, item->target_id, sizeof item->target_id);
        snprintf(item->wanted.command, sizeof item->wanted.command, "uname -sr");
    }
    const struct bn_batch_order order = {BN_TENANT_DEFAULT, &wanted, own.items, TARGETS, on_begun,
            NULL};
    return bn_batch_do(own.batches, &order, err);
}

static void start(int64_t concurrency)
{
    struct bn_err err;
    own.begun = 0;
    if (!ask(concurrency, &err))
        fail_msg("%s", err.text);
    CHECK_INT(own.begun, 0); /* when it is kept */
    AWAIT(own.begun == 1);
    CHECK_INT(own.err.code, BN_E_OK);
}

static const struct bn_operation *seen(const char *id)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_OPERATION, id);
}

static int count(int64_t status)
{
    int n = 0;
    for (int i = 0; i < TARGETS; i++) {
        const struct bn_operation *one = seen(own.items[i].id);
        n += one && one->status == status;
    }
    return n;
}

/* The batch; what must hold all the time is looked at on the way. */
static const struct bn_operation *look(void)
{
    const struct bn_operation *batch = seen(own.id);
    own.most = BN_MAX(own.most, count(BN_WORK_IN_PROGRESS));
    CHECK(batch && batch->progress >= own.progress);
    own.progress = batch->progress;
    return batch;
}

static const struct bn_operation *run_to_end(void)
{
    AWAIT_PASSING(bn_operation_is_over(look()), 50);
    return seen(own.id);
}

BN_TEST(so_many_at_once_and_one_end_when_all_have_ended)
{
    begin();
    start(2);
    CHECK_INT(count(BN_WORK_PENDING), TARGETS);
    CHECK_STR(seen(own.items[3].id)->parent_id, own.id);
    CHECK_STR(seen(own.items[3].id)->phase, "Waiting for its turn in the batch");
    AWAIT_PASSING(look()->status == BN_WORK_IN_PROGRESS, 50);
    CHECK_STR(seen(own.id)->phase, "Running, 2 at once");
    const struct bn_operation *batch = run_to_end();
    CHECK_INT(own.most, 2);
    CHECK_INT(batch->status, BN_WORK_FAILED);
    CHECK_INT(batch->progress, 100);
    CHECK_STR(batch->message, "5 of 5 done, 5 failed");
    CHECK(strstr(batch->error, "It succeeded on none of 5: SSH to web"));
    CHECK_INT(batch->children_done, 5);
    CHECK_INT(batch->children_failed, 5);
    CHECK_INT(bn_batch_count(own.batches), 0);
    end();
}

BN_TEST(a_start_finds_what_waited_and_counts_what_had_ended_long_ago)
{
    begin();
    start(1);
    AWAIT_PASSING(count(BN_WORK_FAILED) == 2, 50);
    const int64_t was = look()->progress;
    CHECK(was >= 20);
    close_all();
    pass(BN_OPERATION_PAST_MS + 60000); /* they left what is known now */
    own.place.now_ms = rig.clock.now_ms;
    open_all();
    CHECK_INT(bn_batch_count(own.batches), 1);
    AWAIT_PASSING(count(BN_WORK_FAILED) >= 1 && seen(own.id)->children_done >= 3, 50);
    const struct bn_operation *batch = run_to_end();
    CHECK_STR(batch->message, "5 of 5 done, 5 failed");
    CHECK_INT(own.most, 1);
    end();
}

BN_TEST(cancelled_what_waits_never_begins_also_when_it_ends_in_another_run)
{
    struct bn_err err;
    begin();
    start(1);
    AWAIT_PASSING(count(BN_WORK_IN_PROGRESS) == 1, 50);
    CHECK(!bn_batch_cancel(own.batches, "else", own.id, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    CHECK(bn_batch_cancel(own.batches, BN_TENANT_DEFAULT, own.id, &err));
    close_all();
    open_all();
    const struct bn_operation *batch = run_to_end();
    CHECK_INT(batch->status, BN_WORK_CANCELLED);
    CHECK_STR(batch->message, "5 of 5 done, 5 cancelled");
    CHECK(batch->progress < 100);
    end();
}

static bool force(const char *id, struct bn_err *err)
{
    return bn_work_force_end(own.operations,
            &(struct bn_work_force){.tenant = BN_TENANT_DEFAULT,
                    .left = seen(id),
                    .status = BN_WORK_FAILED,
                    .message = "",
                    .error = "Ended by ada: it hangs",
                    .hint = ""},
            err);
}

BN_TEST(a_child_that_is_ended_by_somebody_gives_its_place_to_the_next_and_a_batch_that_is_stays_so)
{
    struct bn_err err;
    begin();
    start(1);
    CHECK(force(own.items[0].id, &err)); /* it waits still, or just began */
    AWAIT(bn_operation_is_over(seen(own.items[0].id)));
    AWAIT_PASSING(count(BN_WORK_IN_PROGRESS) == 1, 50);
    CHECK(force(own.id, &err));
    CHECK(bn_batch_cancel(own.batches, BN_TENANT_DEFAULT, own.id, &err));
    AWAIT_PASSING(count(BN_WORK_FAILED) + count(BN_WORK_CANCELLED) == TARGETS, 50);
    AWAIT_PASSING(bn_batch_count(own.batches) == 0 && bn_dispatch_count(own.dispatch) == 0, 50);
    CHECK_INT(seen(own.id)->status, BN_WORK_FAILED);
    CHECK_STR(seen(own.id)->error, "Ended by ada: it hangs");
    CHECK_STR(seen(own.items[0].id)->error, "Ended by ada: it hangs");
    CHECK(!bn_work_is_at(own.operations, BN_TENANT_DEFAULT, own.id));
    CHECK(!bn_work_is_at(own.operations, BN_TENANT_DEFAULT, own.items[0].id));
    end();
}

BN_TEST(a_target_that_went_while_it_waited_fails_alone_and_one_that_is_cancelled_too)
{
    struct bn_fact fact;
    struct bn_err err;
    begin();
    start(1);
    AWAIT_PASSING(count(BN_WORK_IN_PROGRESS) == 1, 50);
    const struct bn_operation *first = seen(own.items[0].id);
    CHECK_INT(first->status, BN_WORK_IN_PROGRESS);
    bn_fact_init(&fact, BN_KIND_TARGET, BN_TENANT_DEFAULT);
    fact.op = BN_GONE;
    snprintf(fact.u.target.id, sizeof fact.u.target.id, "t3");
    put(&fact);
    bn_fact_init(&fact, BN_KIND_TARGET, BN_TENANT_DEFAULT);
    fact.u.target = *(const struct bn_target *)bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT,
            BN_KIND_TARGET, "t4");
    fact.u.target.is_active = 0;
    put(&fact);
    CHECK(bn_dispatch_cancel(own.dispatch, BN_TENANT_DEFAULT, own.items[2].id, &err));
    const struct bn_operation *batch = run_to_end();
    CHECK_STR(batch->message, "5 of 5 done, 4 failed, 1 cancelled");
    CHECK_STR(seen(own.items[3].id)->error,
            "The target was removed before its turn came: nothing was done.");
    CHECK_STR(seen(own.items[4].id)->error,
            "web4 was switched off before its turn came: nothing was done.");
    end();
}

BN_TEST(what_is_done_already_is_named_and_when_that_is_all_of_it_nothing_begins)
{
    struct bn_err err;
    char first[BN_ID_MAX];
    begin();
    start(1);
    memcpy(first, own.items[0].id, sizeof first);
    CHECK(!ask(8, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "it could begin on none of the targets");
    CHECK_INT(own.items[0].fate, BN_BATCH_RUNNING);
    CHECK_STR(own.items[0].id, first);
    CHECK_STR(own.items[0].message, "web0: test is under way already");
    CHECK_INT(bn_batch_count(own.batches), 1);
    end();
}

BN_TEST(the_disk_refuses_all_of_it_or_nothing)
{
    bad_disk_install();
    begin();
    bad_disk_plan(BAD_FULL, 1, INT32_MAX);
    struct bn_err err;
    CHECK(ask(2, &err));
    AWAIT(own.begun == 1);
    CHECK_INT(own.err.code, BN_E_STORAGE);
    CHECK(!seen(own.id));
    CHECK_INT(count(BN_WORK_PENDING), 0);
    CHECK_INT(bn_batch_count(own.batches), 0);
    AWAIT(bn_dispatch_count(own.dispatch) == 0);
    bad_disk_plan(BAD_FULL, 0, 0);
    end();
}

BN_TEST_MAIN()

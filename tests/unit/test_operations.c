#include "hub_rig.h"
#include "source/operations.h"
#include "store/bad_disk.h"
#include "store/place.h"

/* Operations over a hub with a real store; the clock is the test's. */

static struct {
    struct place place;
    struct bn_store *store;
    struct bn_operations *operations;
    int told; /* changes of the table */
    int kept;
    struct bn_err kept_err;
} own;

static void on_operation(void *user, const struct bn_fact *fact)
{
    (void)user;
    own.told += !fact->replay;
}

static void open_all(void)
{
    own.store = place_open(&own.place);
    rig_open_hub(own.store);
    bn_hub_watch(&rig.hub, BN_KIND_OPERATION, on_operation, NULL);
    const struct bn_operations_config config = {.loop = rig.loop,
            .hub = &rig.hub,
            .clock = &rig.clock};
    own.operations = bn_operations_start(&config);
}

static void close_all(void)
{
    bn_operations_stop(own.operations);
    bn_hub_finish(&rig.hub);
    bn_store_close(own.store);
}

static void begin(void)
{
    memset(&own, 0, sizeof own);
    rig_begin();
    place_init(&own.place);
    open_all();
}

static void end(void)
{
    close_all();
    place_finish(&own.place);
    bn_loop_destroy(rig.loop);
}

static void on_kept(void *user, const struct bn_err *err)
{
    (void)user;
    own.kept++;
    own.kept_err = err ? *err : (struct bn_err){.code = BN_E_OK};
}

static struct bn_operation check_run(const char *id)
{
    struct bn_operation operation;
    bn_record_clear(&bn_operation_type, &operation);
    snprintf(operation.id, sizeof operation.id, "%s", id);
    operation.type = BN_WORK_HEALTH_CHECK;
    snprintf(operation.subject, sizeof operation.subject, "2 servers");
    return operation;
}

static struct bn_work *start(const struct bn_operation *operation)
{
    struct bn_err err;
    struct bn_work *work = bn_work_begin(own.operations,
            &(struct bn_work_first){BN_TENANT_DEFAULT, operation, on_kept, NULL}, &err);
    if (!work)
        fail_msg("%s", err.text);
    return work;
}

static const struct bn_operation *seen(const char *id)
{
    return bn_live_get(&rig.hub.live, BN_TENANT_DEFAULT, BN_KIND_OPERATION, id);
}

static void stored(const char *id, struct bn_operation_told *out)
{
    struct bn_err err;
    if (!bn_store_read_operation(own.store, BN_TENANT_DEFAULT, id, out, &err))
        fail_msg("%s", err.text);
}

BN_TEST(it_is_known_when_it_is_kept_and_whoever_began_it_hears_so)
{
    begin();
    const struct bn_operation first = check_run("");
    struct bn_work *work = start(&first);
    char id[BN_ID_MAX];
    memcpy(id, work->now.id, sizeof id);
    CHECK_INT(strlen(id), 22);
    CHECK_INT(work->now.started_at, rig.clock.now_ms);
    CHECK(!seen(id));
    AWAIT(own.kept == 1);
    CHECK_INT(own.kept_err.code, BN_E_OK);
    CHECK(seen(id));
    CHECK_INT(seen(id)->status, BN_WORK_PENDING);
    end();
}

BN_TEST(of_many_steps_a_few_are_told_and_the_last_of_them_always)
{
    begin();
    const struct bn_operation first = check_run("o1");
    struct bn_work *work = start(&first);
    AWAIT(own.kept == 1);
    const int before = own.told;
    for (int i = 1; i <= 90; i++) {
        char phase[40];
        snprintf(phase, sizeof phase, "%d of 100 checked", i);
        bn_work_step(work, i, phase);
        round_once();
    }
    settle(600);
    CHECK(own.told - before <= 2); /* the test's clock stands still */
    pass(BN_WORK_TELL_MS);
    AWAIT(seen("o1")->progress == 90);
    CHECK_STR(seen("o1")->phase, "90 of 100 checked");
    bn_work_step(work, 20, "something else");
    pass(BN_WORK_TELL_MS);
    AWAIT(strcmp(seen("o1")->phase, "something else") == 0);
    CHECK_INT(seen("o1")->progress, 90); /* never falls */
    end();
}

BN_TEST(an_end_is_kept_at_once_with_its_lines)
{
    static struct bn_operation_told told;
    begin();
    const struct bn_operation first = check_run("o1");
    struct bn_work *work = start(&first);
    for (int i = 1; i <= BN_WORK_LINES_MAX; i++) {
        struct bn_output line;
        bn_record_clear(&bn_output_type, &line);
        line.n = i;
        snprintf(line.text, sizeof line.text, "line %d", i);
        bn_work_line(work, &line);
    }
    snprintf(work->now.message, sizeof work->now.message, "2 online, 0 offline");
    pass(3000);
    bn_work_end(work, BN_WORK_COMPLETED, on_kept, NULL); /* before the begin was kept */
    AWAIT(own.kept == 2);
    stored("o1", &told);
    CHECK_INT(told.operation.status, BN_WORK_COMPLETED);
    CHECK_INT(told.operation.progress, 100);
    CHECK_INT(told.operation.completed_at, rig.clock.now_ms);
    CHECK_STR(told.operation.message, "2 online, 0 offline");
    CHECK_INT(told.line_count, BN_WORK_LINES_MAX);
    CHECK_STR(told.lines[0].text, "line 1");
    CHECK_STR(told.lines[199].text, "line 200");
    end();
}

BN_TEST(half_a_character_of_a_clipped_name_does_not_stop_a_record)
{
    begin();
    struct bn_operation first = check_run("o1");
    snprintf(first.subject, sizeof first.subject, "web\xC3 (100)\xE2\x82");
    struct bn_work *work = start(&first);
    snprintf(work->now.error, sizeof work->now.error, "caf\xC3\xA9\xF0\x9F");
    bn_work_end(work, BN_WORK_FAILED, on_kept, NULL);
    AWAIT(own.kept == 2);
    CHECK_STR(seen("o1")->subject, "web (100)");
    CHECK_STR(seen("o1")->error, "caf\xC3\xA9");
    end();
}

BN_TEST(an_ended_one_leaves_the_sight_after_five_minutes_and_stays_in_the_store)
{
    static struct bn_operation_told told;
    begin();
    const struct bn_operation first = check_run("o1");
    const struct bn_operation goes_on = check_run("o2");
    bn_work_end(start(&first), BN_WORK_COMPLETED, NULL, NULL);
    (void)start(&goes_on);
    settle(600);
    pass(BN_OPERATION_PAST_MS - 1000);
    settle(600);
    CHECK(seen("o1"));
    pass(6000);
    AWAIT(!seen("o1"));
    CHECK(seen("o2"));
    stored("o1", &told);
    CHECK_INT(told.operation.status, BN_WORK_COMPLETED);
    end();
}

BN_TEST(what_a_restart_left_is_failed_unless_it_has_a_task_to_ask)
{
    begin();
    const struct bn_operation run = check_run("o1");
    struct bn_operation power = check_run("o2");
    struct bn_operation unsent = check_run("o3");
    power.type = unsent.type = BN_WORK_VM_POWER;
    power.vmid = 100;
    unsent.vmid = 101;
    snprintf(power.server_id, sizeof power.server_id, "s1");
    snprintf(unsent.server_id, sizeof unsent.server_id, "s1");
    snprintf(power.upid, sizeof power.upid,
            "UPID:n1:0008380E:0131F1BF:6A84EA54:qmstart:100:root@pam!t:");
    (void)start(&run);
    (void)start(&power);
    (void)start(&unsent);
    AWAIT(own.kept == 3);
    close_all();
    open_all();
    AWAIT(seen("o1")->status == BN_WORK_FAILED && seen("o3")->status == BN_WORK_FAILED);
    CHECK_STR(seen("o1")->error, "interrupted by a restart of Binnacle");
    CHECK(seen("o1")->completed_at);
    CHECK_INT(seen("o2")->status, BN_WORK_PENDING);
    unsent.vmid = 101; /* and its guest is free again */
    snprintf(unsent.id, sizeof unsent.id, "o4");
    (void)start(&unsent);
    AWAIT(own.kept == 4);
    CHECK_INT(own.kept_err.code, BN_E_OK);
    end();
}

static void spoil_the_disk(void)
{
    static bool is_installed;
    if (!is_installed)
        bad_disk_install();
    is_installed = true;
}

BN_TEST(an_end_the_disk_refused_is_kept_when_the_disk_is_well_and_a_begin_never_was)
{
    struct bn_store_stats stats;
    spoil_the_disk();
    begin();
    const struct bn_operation first = check_run("o1");
    const struct bn_operation second = check_run("o2");
    struct bn_work *work = start(&first);
    AWAIT(own.kept == 1);
    bad_disk_plan(BAD_FULL, 1, INT32_MAX);
    bn_work_end(work, BN_WORK_COMPLETED, on_kept, NULL);
    (void)start(&second);
    AWAIT(own.kept == 3);
    CHECK_INT(own.kept_err.code, BN_E_STORAGE);
    CHECK_INT(seen("o1")->status, BN_WORK_PENDING);
    CHECK(!seen("o2"));
    bad_disk_plan(BAD_FULL, 0, 0);
    do
        bn_store_get_stats(own.store, &stats);
    while (stats.degraded); /* it tries again by itself */
    settle(600);
    CHECK_INT(seen("o1")->status, BN_WORK_PENDING); /* not before its time */
    pass(BN_WORK_KEEP_AGAIN_MS);
    AWAIT(seen("o1")->status == BN_WORK_COMPLETED);
    CHECK(!seen("o2"));
    end();
}

BN_TEST(a_second_one_for_the_same_guest_is_refused_at_once)
{
    struct bn_err err;
    begin();
    struct bn_operation power = check_run("o1");
    power.type = BN_WORK_VM_POWER;
    power.vmid = 100;
    snprintf(power.server_id, sizeof power.server_id, "s1");
    snprintf(power.action, sizeof power.action, "stop");
    (void)start(&power);
    snprintf(power.id, sizeof power.id, "o2");
    CHECK(!bn_work_begin(own.operations,
            &(struct bn_work_first){BN_TENANT_DEFAULT, &power, on_kept, NULL}, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "2 servers: stop is under way already");
    end();
}

/* --- ended by somebody else ------------------------------------------------------------------ */

static struct {
    int answers;
    struct bn_err err;
} forced;

static void on_forced(void *user, const struct bn_err *err)
{
    (void)user;
    forced.answers++;
    forced.err = err ? *err : (struct bn_err){.code = BN_E_OK};
}

static bool force(const struct bn_operation *left, enum bn_work_status status, struct bn_err *err)
{
    memset(&forced, 0, sizeof forced);
    return bn_work_force_end(own.operations,
            &(struct bn_work_force){.tenant = BN_TENANT_DEFAULT,
                    .left = left,
                    .status = status,
                    .message = status == BN_WORK_COMPLETED ? "Ended by ada: it is well" : "",
                    .error = status == BN_WORK_FAILED ? "Ended by ada: it hangs" : "",
                    .hint = "look yourself",
                    .kept = on_forced},
            err);
}

static struct bn_operation power_of(const char *id)
{
    struct bn_operation power = check_run(id);
    power.type = BN_WORK_VM_POWER;
    power.vmid = 100;
    snprintf(power.server_id, sizeof power.server_id, "s1");
    snprintf(power.action, sizeof power.action, "stop");
    return power;
}

BN_TEST(one_ended_for_its_owner_stays_as_it_ended_whatever_the_owner_tells_and_its_guest_is_free)
{
    static struct bn_operation_told told;
    struct bn_err err;
    begin();
    const struct bn_operation power = power_of("o1");
    struct bn_work *work = start(&power);
    AWAIT(own.kept == 1);
    bn_work_step(work, 40, "waiting");
    pass(BN_WORK_TELL_MS);
    AWAIT(seen("o1")->progress == 40);
    CHECK(force(seen("o1"), BN_WORK_FAILED, &err));
    CHECK(bn_work_is_forced(work));
    CHECK(!force(seen("o1"), BN_WORK_FAILED, &err)); /* once */
    CHECK_INT(err.code, BN_E_CONFLICT);
    AWAIT(bn_operation_is_over(seen("o1")));
    const struct bn_operation next = power_of("o2");
    struct bn_work *second = start(&next); /* at once, while the owner still works */
    AWAIT(own.kept == 2 && own.kept_err.code == BN_E_OK);
    bn_work_step(work, 90, "nearly there");
    bn_work_step_now(work, 95, "nearly there");
    bn_work_told(work, on_kept, NULL);
    CHECK_INT(own.kept, 3);
    CHECK_INT(own.kept_err.code, BN_E_CONFLICT);
    CHECK(bn_work_is_at(own.operations, BN_TENANT_DEFAULT, "o1"));
    CHECK(!bn_work_is_at(own.operations, "another", "o1"));
    snprintf(work->now.message, sizeof work->now.message, "it stopped");
    bn_work_end(work, BN_WORK_COMPLETED, on_kept, NULL);
    CHECK_INT(own.kept_err.code, BN_E_OK);
    CHECK(!bn_work_is_at(own.operations, BN_TENANT_DEFAULT, "o1"));
    pass(1000);
    settle(300);
    CHECK_INT(seen("o1")->status, BN_WORK_FAILED);
    CHECK_STR(seen("o1")->error, "Ended by ada: it hangs");
    CHECK_STR(seen("o1")->hint, "look yourself");
    CHECK_INT(seen("o1")->progress, 100);
    CHECK(seen("o1")->completed_at);
    bn_work_end(second, BN_WORK_COMPLETED, NULL, NULL);
    settle(300);
    close_all();
    open_all();
    stored("o1", &told);
    CHECK_INT(told.operation.status, BN_WORK_FAILED);
    CHECK_STR(told.operation.error, "Ended by ada: it hangs");
    end();
}

BN_TEST(what_the_owner_waits_for_is_answered_as_a_conflict_and_the_owner_may_end_before_that_is_kept)
{
    struct bn_err err;
    begin();
    const struct bn_operation first = check_run("o1");
    struct bn_work *work = start(&first);
    CHECK(!force(&first, BN_WORK_FAILED, &err)); /* it is not kept yet that it begins */
    CHECK_STR(err.text, "it begins or ends this moment: ask again");
    AWAIT(own.kept == 1);
    pass(BN_WORK_TELL_MS);
    bn_work_told(work, on_kept, NULL); /* being kept */
    bn_work_told(work, on_kept, NULL); /* waits for that */
    CHECK_INT(own.kept, 1);
    CHECK(force(seen("o1"), BN_WORK_COMPLETED, &err));
    CHECK_INT(own.kept, 2); /* what waited */
    CHECK_INT(own.kept_err.code, BN_E_CONFLICT);
    bn_work_end(work, BN_WORK_CANCELLED, on_kept, NULL);
    CHECK_INT(own.kept, 3);
    AWAIT(forced.answers == 1);
    CHECK_INT(forced.err.code, BN_E_OK);
    CHECK_INT(own.kept, 4); /* what was being kept */
    CHECK_INT(own.kept_err.code, BN_E_CONFLICT);
    CHECK_INT(seen("o1")->status, BN_WORK_COMPLETED);
    CHECK_INT(seen("o1")->has_warnings, 1); /* nobody looked */
    CHECK_STR(seen("o1")->message, "Ended by ada: it is well");
    CHECK(!bn_work_is_at(own.operations, BN_TENANT_DEFAULT, "o1"));
    end();
}

BN_TEST(one_that_nobody_does_any_more_is_ended_too_and_what_the_disk_refuses_is_kept_later)
{
    struct bn_store_stats stats;
    struct bn_err err;
    struct bn_fact fact;
    spoil_the_disk();
    begin();
    bn_fact_init(&fact, BN_KIND_OPERATION, BN_TENANT_DEFAULT);
    fact.u.operation = check_run("o1");
    fact.u.operation.status = BN_WORK_PENDING;
    fact.u.operation.progress = 0;
    fact.u.operation.started_at = fact.u.operation.updated_at = rig.clock.now_ms;
    put(&fact);
    AWAIT(seen("o1"));
    bad_disk_plan(BAD_FULL, 1, INT32_MAX);
    CHECK(force(seen("o1"), BN_WORK_FAILED, &err));
    AWAIT(forced.answers == 1);
    CHECK_INT(forced.err.code, BN_E_STORAGE);
    CHECK_INT(seen("o1")->status, BN_WORK_PENDING);
    bad_disk_plan(BAD_FULL, 0, 0);
    do
        bn_store_get_stats(own.store, &stats);
    while (stats.degraded);
    pass(BN_WORK_KEEP_AGAIN_MS);
    AWAIT(seen("o1")->status == BN_WORK_FAILED);
    CHECK(!bn_work_is_at(own.operations, BN_TENANT_DEFAULT, "o1"));
    end();
}

BN_TEST(durations_are_said_in_two_units)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{-5, "0 s"}, {12345, "12 s"}, {59999, "59 s"}, {60000, "1 min 0 s"},
            {243000, "4 min 3 s"}, {3600000, "1 h 0 min"}, {90061000, "25 h 1 min"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];
        bn_duration_say(cases[i].ms, text, sizeof text);
        CHECK_STR(text, cases[i].text);
    }
}

BN_TEST_MAIN()

/* Operations on targets at the end of their time, and where things go wrong just then (FEATURES J9,
   J48): the machines are played, the clock is the test's. With a real sshd: tests/e2e. */
#include "base/log.h"
#include "base/secret.h"

#include "far_scene.h"

#define TENANT BN_TENANT_DEFAULT
#define LATE   1000 /* ms that an end may be behind its limit, in steps of 200 */

static struct {
    struct bn_hub hub;
    struct bn_operations *operations;
    struct bn_dispatch *dispatch;
    struct bn_target target;
    struct bn_operation last;
    int64_t begun_mono_ms;
    int begun, refused;
    int next;
    /* what is played */
    enum bn_ssh_fault fault; /* of each login */
    int64_t login_ms;
    enum far_kind kind; /* the kind of run that goes otherwise */
    enum far_fate fate;
    const char *said;
    const char *prompt;
    int64_t think_ms;
    int64_t lasts_ms;
    bool is_disk_full;
} own;

static void opens(struct bn_reach *reach)
{
    reach->end.fault = own.fault;
    reach->due_mono_ms = far.clock.mono_ms + own.login_ms;
    snprintf(reach->end.text, sizeof reach->end.text, "no answer in %lld s",
            (long long)own.login_ms / 1000);
}

static void runs(struct far_run *run)
{
    run->said = run->kind == FAR_PROBE
                        ? "Systemctl=yes\nLoadState=loaded\nActiveState=active\nSubState=running\n"
                          "Result=success\nNRestarts=0\n"
                        : own.said;
    run->think_ms = 100;
    if (run->kind == FAR_START)
        run->command->ends_mono_ms = own.lasts_ms;
    if (run->kind != own.kind)
        return;
    run->fate = own.fate;
    run->prompt = own.prompt;
    run->think_ms = own.think_ms;
    if (own.fate == FAR_LOST && run->kind == FAR_DIALOGUE)
        container_of(run, struct bn_reach, run)->due_mono_ms = far.clock.mono_ms + own.think_ms;
}

static void keeps(struct far_batch *batch)
{
    batch->is_refused = own.is_disk_full;
}

static void on_operation(void *user, const struct bn_fact *fact)
{
    (void)user;
    if (fact->op == BN_PUT)
        own.last = fact->u.operation;
}

static void wake(void *user)
{
    (void)user;
}

static void open_all(void)
{
    static const struct bn_seal_key key = {.id = "k"};
    static int store; /* nobody looks inside */
    struct bn_fact fact;
    bn_hub_init(&own.hub, &far.clock, (struct bn_store *)&store, wake, NULL);
    bn_hub_watch(&own.hub, BN_KIND_OPERATION, on_operation, NULL);
    bn_fact_init(&fact, BN_KIND_TARGET, TENANT);
    fact.replay = true;
    fact.u.target = own.target;
    bn_hub_replay(&own.hub, &fact);
    for (int i = 0; i < FAR_COMMANDS_MAX; i++) {
        if (!far.is_on_disk[i])
            continue;
        bn_fact_init(&fact, BN_KIND_OPERATION, TENANT);
        fact.replay = true;
        fact.u.operation = far.disk[i];
        bn_hub_replay(&own.hub, &fact);
    }
    own.operations = bn_operations_start(
            &(struct bn_operations_config){.hub = &own.hub, .clock = &far.clock});
    own.dispatch = bn_dispatch_start(&(struct bn_dispatch_config){.hub = &own.hub,
            .clock = &far.clock,
            .ssh = (struct bn_ssh *)&store,
            .key = &key,
            .operations = own.operations});
}

static void close_all(void)
{
    bn_dispatch_stop(own.dispatch);
    bn_operations_stop(own.operations);
    bn_hub_finish(&own.hub);
}

static void begin(enum bn_platform platform)
{
    bn_log_set_fd(-1);
    CHECK(bn_secret_start(NULL));
    memset(&own, 0, sizeof own);
    own.login_ms = 50;
    own.kind = FAR_SCRIPT; /* none */
    own.said = "x[STARTED]\r\nadmin:";
    own.prompt = "admin:";
    own.lasts_ms = 1000;
    bn_record_clear(&bn_target_type, &own.target);
    snprintf(own.target.id, sizeof own.target.id, "t1");
    snprintf(own.target.name, sizeof own.target.name, "web3");
    snprintf(own.target.host, sizeof own.target.host, "192.0.2.1");
    snprintf(own.target.username, sizeof own.target.username, "root");
    own.target.port = 22;
    own.target.platform = platform;
    far_begin();
    far.opens = opens;
    far.runs = runs;
    far.keeps = keeps;
    open_all();
}

static void end(void)
{
    close_all();
    CHECK(bn_list_is_empty(&far.reaches));
    CHECK(bn_list_is_empty(&far.timers));
    far_lose(0);
}

static void turn(void)
{
    far_advance(200);
    far_tick();
    while (bn_hub_turn(&own.hub))
        ;
}

static void pass(int64_t ms)
{
    for (const int64_t until = far.clock.mono_ms + ms; far.clock.mono_ms < until;)
        turn();
}

static void on_begun(void *user, const struct bn_operation *operation, const struct bn_err *err)
{
    (void)user;
    own.begun++;
    own.refused += err != NULL;
    CHECK_STR(operation->action, bn_action_find(operation->type, &own.target)->verb);
    CHECK_INT(err ? err->code : BN_E_OK, err ? BN_E_STORAGE : BN_E_OK);
}

static void ask(enum bn_work_type type)
{
    struct bn_operation wanted;
    struct bn_err err;
    const struct bn_action *action = bn_action_find(type, &own.target);
    bn_record_clear(&bn_operation_type, &wanted);
    wanted.type = type;
    snprintf(wanted.id, sizeof wanted.id, "o%06d", own.next++);
    snprintf(wanted.object, sizeof wanted.object, "%s", action->needs_service ? "nginx" : "");
    CHECK(bn_action_command(action, &own.target, wanted.object, wanted.command, &err));
    if (!bn_dispatch_do(own.dispatch,
                &(struct bn_dispatch_order){.tenant = TENANT,
                        .target = &own.target,
                        .wanted = &wanted,
                        .begun = on_begun},
                &err))
        fail_msg("%s", err.text);
    own.begun_mono_ms = far.clock.mono_ms;
}

/* It ends after so long, not earlier and hardly later, and its target is free again. */
static const struct bn_operation *ends_after(int64_t ms)
{
    pass(ms - 200);
    if (own.last.completed_at)
        fail_msg("ended too early: %s%s", own.last.error, own.last.message);
    pass(200 + LATE);
    if (!own.last.completed_at)
        fail_msg("goes on: %s, %s", own.last.phase, own.last.message);
    pass(15000);
    CHECK_INT(bn_dispatch_count(own.dispatch), 0);
    return &own.last;
}

static const struct far_command *command(void)
{
    return &far.commands[own.next - 1];
}

static void says(const struct bn_operation *now, enum bn_work_status status, const char *words)
{
    const char *text = now->error[0] ? now->error : now->message;
    CHECK_INT(now->status, status);
    if (!strstr(text, words))
        fail_msg("\"%s\" does not say \"%s\"", text, words);
}

/* --- before it is sent ----------------------------------------------------------------------- */

BN_TEST(a_machine_that_does_not_answer_is_tried_three_times_for_twenty_seconds_each)
{
    begin(BN_PLATFORM_SYSTEMD);
    own.fault = BN_SSH_FAULT_TIMEOUT;
    own.login_ms = BN_SSH_CONNECT_MS;
    ask(BN_WORK_SERVICE_RESTART);
    const struct bn_operation *now = ends_after(3LL * BN_SSH_CONNECT_MS + 2LL * BN_REMOTE_AGAIN_MS);
    says(now, BN_WORK_FAILED,
            "SSH to web3 failed while connecting (a firewall?): no answer in 20 s");
    CHECK_INT(now->sent_at, 0);
    CHECK_INT(now->timed_out, 0);
    end();
}

BN_TEST(a_machine_that_does_not_say_how_its_service_is_is_left_after_thirty_seconds)
{
    begin(BN_PLATFORM_SYSTEMD);
    own.kind = FAR_PROBE;
    own.fate = FAR_HANGS;
    ask(BN_WORK_SERVICE_RESTART);
    const struct bn_operation *now = ends_after(30000);
    says(now, BN_WORK_FAILED, "web3 did not say within 30 s how nginx is.");
    CHECK_STR(now->hint, "Nothing was changed.");
    CHECK_INT(now->sent_at, 0);
    CHECK_INT(command()->started, 0);
    end();
}

BN_TEST(a_prompt_that_does_not_come_is_waited_for_for_ninety_seconds)
{
    begin(BN_PLATFORM_VOS);
    own.kind = FAR_DIALOGUE;
    own.think_ms = 3600000;
    ask(BN_WORK_SERVICE_RESTART);
    const struct bn_operation *now = ends_after(BN_REMOTE_PROMPT_MS);
    says(now, BN_WORK_FAILED,
            "web3 did not show its prompt \"admin:\" within 90 s. Last it said: Welcome");
    CHECK_STR(now->hint, "Nothing was typed.");
    CHECK_INT(now->sent_at, 0);
    CHECK_INT(now->progress, 100);
    end();
}

BN_TEST(another_prompt_is_quoted)
{
    begin(BN_PLATFORM_VOS);
    own.kind = FAR_DIALOGUE;
    own.prompt = "login:";
    ask(BN_WORK_SERVICE_STATUS);
    says(ends_after(BN_REMOTE_PROMPT_MS), BN_WORK_FAILED, "login:");
    CHECK_INT(command()->started, 0);
    end();
}

/* --- whether it may have begun --------------------------------------------------------------- */

BN_TEST(what_is_typed_at_a_prompt_is_sent_when_the_prompt_was_seen)
{
    struct bn_err err;
    begin(BN_PLATFORM_VOS);
    own.kind = FAR_DIALOGUE;
    own.think_ms = 60000;
    ask(BN_WORK_SERVICE_RESTART);
    pass(50000);
    CHECK_INT(own.last.progress, 30);
    CHECK_INT(own.last.sent_at, 0);
    CHECK(bn_dispatch_cancel(own.dispatch, TENANT, own.last.id, &err));
    pass(500);
    says(&own.last, BN_WORK_CANCELLED, "Nothing was done.");
    ask(BN_WORK_SERVICE_RESTART);
    pass(61000);
    CHECK_INT(own.last.progress, 50);
    CHECK(own.last.sent_at);
    CHECK_INT(command()->started, 1);
    says(ends_after(59000), BN_WORK_COMPLETED, "nginx on web3 was restarted");
    CHECK_INT(command()->started, 1);
    end();
}

BN_TEST(a_dialogue_cut_off_by_a_restart_of_ours_was_sent_only_after_its_prompt)
{
    for (int is_typed = 0; is_typed < 2; is_typed++) {
        begin(BN_PLATFORM_VOS);
        own.kind = FAR_DIALOGUE;
        own.think_ms = 60000;
        ask(BN_WORK_SERVICE_RESTART);
        pass(is_typed ? 70000 : 50000);
        close_all();
        open_all();
        pass(1000);
        CHECK_INT(command()->started, is_typed);
        CHECK_INT(own.last.timed_out, is_typed);
        if (is_typed)
            says(&own.last, BN_WORK_FAILED, "after the command had been sent");
        else
            CHECK_STR(own.last.error, "interrupted by a restart of Binnacle");
        end();
    }
}

BN_TEST(a_dialogue_whose_link_is_lost_before_its_prompt_is_begun_again_and_afterwards_never)
{
    begin(BN_PLATFORM_VOS);
    own.kind = FAR_DIALOGUE;
    own.fate = FAR_LOST;
    own.think_ms = 5000; /* neither has its prompt come by then */
    own.prompt = "";
    ask(BN_WORK_SERVICE_RESTART);
    says(ends_after(3LL * 5000 + 2LL * BN_REMOTE_AGAIN_MS), BN_WORK_FAILED,
            "The link to web3 was lost before anything was sent");
    CHECK_INT(own.last.timed_out, 0);
    CHECK_INT(command()->started, 0);
    end();
}

/* --- after it was sent ----------------------------------------------------------------------- */

BN_TEST(a_restart_that_says_nothing_more_is_left_after_ten_minutes_with_a_warning)
{
    static const enum bn_platform platforms[] = {BN_PLATFORM_SYSTEMD, BN_PLATFORM_VOS};

    for (size_t i = 0; i < COUNT(platforms); i++) {
        begin(platforms[i]);
        own.lasts_ms = 3600000;
        own.kind = FAR_DIALOGUE;
        own.fate = FAR_HANGS;
        own.prompt = "admin:";
        own.think_ms = 100;
        ask(BN_WORK_SERVICE_RESTART);
        const struct bn_operation *now = ends_after(600000);
        says(now, BN_WORK_COMPLETED, "confirmation timed out. Manual verification recommended");
        CHECK_INT(now->timed_out, 1);
        CHECK_INT(now->has_warnings, 1);
        CHECK_INT(command()->started, 1);
        own.last.completed_at = 0;
        ask(BN_WORK_SERVICE_RESTART); /* the target is free */
        end();
    }
}

BN_TEST(a_look_that_says_nothing_more_has_failed)
{
    begin(BN_PLATFORM_VOS);
    own.kind = FAR_DIALOGUE;
    own.fate = FAR_HANGS;
    own.prompt = "admin:";
    ask(BN_WORK_SERVICE_STATUS);
    const struct bn_operation *now = ends_after(120000);
    says(now, BN_WORK_FAILED, "web3 did not finish it within 2 min 0 s.");
    CHECK_INT(now->timed_out, 1);
    end();

    begin(BN_PLATFORM_SYSTEMD);
    own.kind = FAR_LINE;
    own.fate = FAR_HANGS;
    ask(BN_WORK_LOGS);
    says(ends_after(60000), BN_WORK_FAILED, "the command took too long");
    end();
}

BN_TEST(a_restarted_service_of_which_nothing_is_heard_is_not_called_well)
{
    begin(BN_PLATFORM_SYSTEMD);
    ask(BN_WORK_SERVICE_RESTART);
    pass(800); /* sent; what is asked from now on hangs */
    own.kind = FAR_PROBE;
    own.fate = FAR_HANGS;
    const struct bn_operation *now = ends_after(10400);
    says(now, BN_WORK_COMPLETED, "restarted; the target did not say how it is since");
    CHECK_INT(now->has_warnings, 1);
    end();
}

/* --- the disk -------------------------------------------------------------------------------- */

BN_TEST(one_that_the_disk_refuses_is_told_to_whoever_began_it_and_never_was)
{
    begin(BN_PLATFORM_SYSTEMD);
    own.is_disk_full = true;
    ask(BN_WORK_SERVICE_RESTART);
    pass(1000);
    CHECK_INT(own.begun, 1);
    CHECK_INT(own.refused, 1);
    CHECK_INT(bn_dispatch_count(own.dispatch), 0);
    CHECK(!own.last.id[0]);
    CHECK_INT(command()->started, 0);
    own.is_disk_full = false;
    ask(BN_WORK_SERVICE_RESTART);
    says(ends_after(11000), BN_WORK_COMPLETED, "nginx is active (running), restarted in 1 s");
    end();
}

BN_TEST_MAIN()

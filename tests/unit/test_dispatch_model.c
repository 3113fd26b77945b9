/* SECURITY A22: 100,000 operations, each a sequence of events by chance (logins that fail, links
   that break, commands that hang, cancels, disks that refuse, Binnacle killed), against a model of
   what must hold whatever happens. BN_SEED repeats a run, BN_SEQUENCES says how many. */
#include <time.h>

#include "base/log.h"
#include "base/secret.h"

#include "far_scene.h"

#define SEQUENCES  100000
#define ENOUGH_S   40  /* of processor: valgrind does as many as it can; with ASan all take 15 */
#define WORLD      200 /* operations between two empty databases */
#define AT_ONCE    6
#define RESTART_MS 600000 /* FEATURES J9 */
#define LATE_MS    5000   /* SECURITY A22: how far an end may be behind its limit */
#define STEP_MS    2000   /* no more at once, so that a limit is not found later than that */
#define KEEPING_MS 2000   /* the store's longest word */
#define SLOTS_MOST 3      /* times that all sessions are taken, one after the other */
#define TENANT     BN_TENANT_DEFAULT

/* What we know of one, and what it may yet do. */
struct model {
    bool is_there, is_over, is_cancelled;
    int64_t status, progress, completed_at;
    char error[320], message[192];
    int target;
    char object[16];
    int64_t type;
    bool changes;
    int64_t bound_mono_ms; /* it has ended by then */
    int64_t limit_ms;
    bool was_sent;
};

static struct {
    struct bn_hub hub;
    struct bn_operations *operations;
    struct bn_dispatch *dispatch;
    struct bn_target targets[5];
    struct model models[WORLD];
    int begun; /* of this world */
    int slots; /* were taken so often */
    uint64_t seed, state;
    bool is_calm; /* no more misfortunes: all comes to its end */
    long sequences, conflicts, kills, cancels, refusals, ends[BN_WORK_CANCELLED + 1];
} own;

static bool is_enough(void)
{
    return clock() / CLOCKS_PER_SEC >= ENOUGH_S;
}

/* --- chance ---------------------------------------------------------------------------------- */

static uint64_t draw(void)
{
    own.state ^= own.state << 13;
    own.state ^= own.state >> 7;
    own.state ^= own.state << 17;
    return own.state * 2685821657736338717ULL >> 11;
}

static int64_t below(int64_t n)
{
    return (int64_t)(draw() % (uint64_t)n);
}

/* So many times in a thousand. */
static bool chance(int permille)
{
    return below(1000) < permille;
}

static bool misfortune(int permille)
{
    return !own.is_calm && chance(permille);
}

/* --- what happens out there ------------------------------------------------------------------ */

static bool may_open(struct bn_err *err)
{
    if (own.slots < SLOTS_MOST && misfortune(40)) {
        own.slots++;
        return bn_fail(err, chance(500) ? BN_E_TOO_MANY : BN_E_UNAVAILABLE, "all are taken");
    }
    own.slots = 0;
    return !misfortune(10) || bn_fail(err, BN_E_INVALID, "its password cannot be read");
}

static void opens(struct bn_reach *reach)
{
    reach->due_mono_ms = far.clock.mono_ms + 1 + below(misfortune(50) ? FAR_LOGIN_MS : 300);
    if (!misfortune(120))
        return;
    reach->end.fault = (enum bn_ssh_fault)(1 + below(BN_SSH_FAULT_COUNT - 1));
    snprintf(reach->end.text, sizeof reach->end.text, "no luck");
    if (reach->end.fault == BN_SSH_FAULT_TIMEOUT)
        reach->due_mono_ms = far.clock.mono_ms + FAR_LOGIN_MS;
}

static const char *probe_says(void)
{
    static const char well[] = "Systemctl=yes\nLoadState=loaded\nActiveState=active\n"
                               "SubState=running\nResult=success\nNRestarts=0\nExecMainStatus=0\n";
    static const char *const others[] = {"",
            "Systemctl=yes\nLoadState=not-found\nActiveState=inactive\n",
            "Systemctl=yes\nLoadState=loaded\nActiveState=failed\nResult=exit-code\nNRestarts=3\n",
            "Systemctl=yes\nLoadState=loaded\nActiveState=activating\nNRestarts=2\n",
            "Systemctl=yes\nLoadState=loaded\nActiveState=inactive\nResult=success\n",
            "Systemctl=yes\nLoadState=loaded\nActiveState=active\nSudo=sudo: a password is required\n"};
    return misfortune(150) ? others[below((int64_t)COUNT(others))] : well;
}

static void runs(struct far_run *run)
{
    static const int statuses[] = {0, 1, 3, 4, 127, 255, -1};
    static const char *const answers[] = {"x[STOPPING]\r\nx[STARTED]\r\nadmin:",
            "x[FAILED]\r\nadmin:", "x[STARTING]\r\n",
            "admin:", "Executed command unsuccessfully\r\n"};
    struct far_command *command = run->command;
    run->due_mono_ms = far.clock.mono_ms + 1 + below(misfortune(50) ? 20000 : 200);
    run->fate = misfortune(60) ? FAR_LOST : misfortune(50) ? FAR_HANGS : FAR_WELL;
    run->status = misfortune(200) ? statuses[below((int64_t)COUNT(statuses))] : 0;
    run->said = run->kind == FAR_PROBE ? probe_says() : "Linux 6.1\n";
    if (run->kind == FAR_DIALOGUE) {
        run->said = answers[misfortune(250) ? below((int64_t)COUNT(answers)) : 0];
        run->prompt = misfortune(60) ? "login:" : "admin:";
        run->think_ms = misfortune(60) ? below(200000) : below(500);
        if (run->fate == FAR_LOST) /* at any moment of it */
            container_of(run, struct bn_reach, run)->due_mono_ms = far.clock.mono_ms + below(2000);
    }
    if (run->kind != FAR_START)
        return;
    command->ends_mono_ms = below(misfortune(30) ? 2 * RESTART_MS : 4000);
    command->status = misfortune(120) ? 1 : 0;
    command->is_killed = misfortune(30);
    if (run->fate == FAR_HANGS && chance(500)) { /* it began, and we do not hear of it */
        command->started++;
        command->ends_mono_ms += far.clock.mono_ms;
    }
    if (run->fate == FAR_LOST && chance(300)) { /* it was not even begun */
        run->kind = FAR_LINE;
    }
}

static void keeps(struct far_batch *batch)
{
    batch->due_mono_ms += misfortune(20) ? below(KEEPING_MS) : below(20);
    batch->is_refused = misfortune(8);
    if (!batch->is_refused)
        return;
    own.refusals++;
    for (size_t i = 0; i < batch->count; i++) /* what is refused is asked again later */
        own.models[far_number(batch->operations[i].id)].bound_mono_ms += BN_WORK_KEEP_AGAIN_MS +
                                                                         2LL * KEEPING_MS;
}

/* --- what must hold -------------------------------------------------------------------------- */

#define HOLDS(what)                                                                             \
    do {                                                                                        \
        if (!(what))                                                                            \
            fail_msg("seed %llu, %s at %lld ms: %s (status %lld, \"%s\" \"%s\", begun %d)",     \
                    (unsigned long long)own.seed, now->id, (long long)far.clock.mono_ms, #what, \
                    (long long)now->status, now->error, now->message,                           \
                    far.commands[far_number(now->id)].started);                                 \
    } while (0)

/* An end says the truth about what was done out there. */
static void check_end(const struct model *model, const struct bn_operation *now)
{
    const struct far_command *command = &far.commands[far_number(now->id)];
    const bool is_detached = model->changes && model->target != 2 && model->target != 4;
    own.ends[now->status]++;
    HOLDS(now->completed_at >= now->started_at);
    if (strstr(now->error, "nothing was changed") || strstr(now->error, "was not sent") ||
            strstr(now->message, "Nothing was done"))
        HOLDS(command->started == 0);
    if (!is_detached)
        return;
    if (now->status == BN_WORK_COMPLETED && !now->timed_out)
        HOLDS(command->started == 1 && command->ends_mono_ms <= far.clock.mono_ms &&
                command->status == 0 && !command->is_killed);
    if (now->status == BN_WORK_COMPLETED && !now->has_warnings && model->target < 2)
        HOLDS(strstr(now->message, " is active (") || strstr(now->message, " is inactive ("));
}

static void check_step(struct model *model, const struct bn_operation *now)
{
    HOLDS(now->progress >= model->progress);
    HOLDS(far.commands[far_number(now->id)].started <= 1);
    if (model->is_over) {
        HOLDS(now->status == model->status && now->completed_at == model->completed_at);
        HOLDS(strcmp(now->error, model->error) == 0 && strcmp(now->message, model->message) == 0);
        return;
    }
    if (now->sent_at && !model->was_sent) { /* from now on what it does has its own limit */
        model->was_sent = true;
        model->bound_mono_ms += model->limit_ms;
    }
    model->is_there = true;
    model->status = now->status;
    model->progress = now->progress;
    model->completed_at = now->completed_at;
    snprintf(model->error, sizeof model->error, "%s", now->error);
    snprintf(model->message, sizeof model->message, "%s", now->message);
    model->is_over = bn_operation_is_over(now);
    if (model->is_over)
        check_end(model, now);
}

static void on_operation(void *user, const struct bn_fact *fact)
{
    (void)user;
    if (fact->op == BN_PUT)
        check_step(&own.models[far_number(fact->u.operation.id)], &fact->u.operation);
}

/* No two of the same deed on the same thing, and none later than it may be. */
static void check_all(void)
{
    const struct bn_tenant_live *tenant = bn_live_find(&own.hub.live, TENANT);
    const struct bn_operation *active[AT_ONCE * 4];
    size_t count = 0;
    bn_table_each(row, &tenant->tables[BN_KIND_OPERATION])
    {
        const struct bn_operation *now = (const void *)row->record;
        if (bn_operation_is_over(now))
            continue;
        HOLDS(far.clock.mono_ms <= own.models[far_number(now->id)].bound_mono_ms + LATE_MS);
        for (size_t i = 0; i < count; i++)
            HOLDS(active[i]->type != now->type || strcmp(active[i]->object, now->object) != 0 ||
                    strcmp(active[i]->target_id, now->target_id) != 0);
        CHECK(count < COUNT(active));
        active[count++] = now;
    }
}

/* --- Binnacle -------------------------------------------------------------------------------- */

static void wake(void *user)
{
    (void)user;
}

static void open_all(void)
{
    static const struct bn_seal_key key = {.id = "k"};
    static int store; /* nobody looks inside */
    bn_hub_init(&own.hub, &far.clock, (struct bn_store *)&store, wake, NULL);
    bn_hub_watch(&own.hub, BN_KIND_OPERATION, on_operation, NULL);
    for (size_t i = 0; i < COUNT(own.targets); i++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_TARGET, TENANT);
        fact.replay = true;
        fact.u.target = own.targets[i];
        bn_hub_replay(&own.hub, &fact);
    }
    for (int i = 0; i < own.begun; i++) {
        struct bn_fact fact;
        if (!far.is_on_disk[i] ||
                (bn_operation_is_over(&far.disk[i]) &&
                        far.disk[i].completed_at + BN_OPERATION_PAST_MS <= far.clock.now_ms))
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

/* What was told is on the disk; of what was not, the first so many batches are. */
static void kill_it(void)
{
    const int64_t down_ms = below(20000);
    own.kills++;
    far_lose((size_t)below(3));
    close_all();
    CHECK(bn_list_is_empty(&far.reaches) && bn_list_is_empty(&far.timers));
    far.clock.mono_ms += down_ms;
    far.clock.now_ms += down_ms;
    for (int i = 0; i < own.begun; i++) /* it is looked for again, for 30 s at least */
        own.models[i].bound_mono_ms += down_ms + 30000 + FAR_LOGIN_MS;
    open_all();
}

/* --- people ---------------------------------------------------------------------------------- */

static void begin_one(void)
{
    static const char *const services[] = {"nginx", "mail"};
    const int number = own.begun;
    const int64_t which = below((int64_t)COUNT(own.targets));
    const struct bn_target *target = &own.targets[which];
    struct bn_operation wanted;
    struct bn_err err;
    bn_record_clear(&bn_operation_type, &wanted);
    wanted.type = chance(600) ? BN_WORK_SERVICE_RESTART : BN_WORK_SERVICE_RESTART + below(4);
    const struct bn_action *action = bn_action_find(wanted.type, target);
    if (!action)
        return;
    const char *service = action->needs_service ? services[below(2)] : "";
    snprintf(wanted.id, sizeof wanted.id, "o%06d", number);
    snprintf(wanted.object, sizeof wanted.object, "%s", service);
    if (!bn_action_command(action, target, service, wanted.command, &err))
        fail_msg("%s", err.text);
    const struct bn_dispatch_order order = {.tenant = TENANT, .target = target, .wanted = &wanted};
    struct model *model = &own.models[number];
    *model = (struct model){.target = (int)which,
            .type = wanted.type,
            .changes = action->changes,
            .limit_ms = action->limit_ms + 2LL * BN_REMOTE_WATCH_MS + 2LL * 10000};
    /* Until it is sent: tries of a login, each with the wait after it, and with a probe. */
    model->bound_mono_ms = far.clock.mono_ms + 2LL * KEEPING_MS +
                           BN_REMOTE_TRIES *
                                   (FAR_LOGIN_MS + 30000 + BN_REMOTE_AGAIN_MAX_MS +
                                           SLOTS_MOST * BN_REMOTE_AGAIN_MAX_MS + KEEPING_MS);
    if (!bn_dispatch_do(own.dispatch, &order, &err)) {
        CHECK_INT(err.code, BN_E_CONFLICT);
        own.conflicts++;
        return;
    }
    own.begun++;
    own.sequences++;
}

static void cancel_one(void)
{
    char id[16];
    struct bn_err err;
    if (!own.begun)
        return;
    snprintf(id, sizeof id, "o%06d", (int)(own.begun - 1 - below(BN_MIN(own.begun, AT_ONCE))));
    own.cancels += bn_dispatch_cancel(own.dispatch, TENANT, id, &err);
}

/* --- worlds ---------------------------------------------------------------------------------- */

static void turn(void)
{
    far_advance(chance(300) ? 120 : STEP_MS);
    far_tick();
    while (bn_hub_turn(&own.hub))
        ;
    check_all();
}

static void live_through_a_world(int most)
{
    far_begin();
    far.may_open = may_open;
    far.opens = opens;
    far.runs = runs;
    far.keeps = keeps;
    memset(own.models, 0, sizeof own.models);
    own.begun = own.slots = 0;
    own.is_calm = false;
    open_all();
    while (own.begun < most) {
        if (bn_dispatch_count(own.dispatch) < AT_ONCE && chance(500))
            begin_one();
        if (chance(20))
            cancel_one();
        if (chance(5))
            kill_it();
        turn();
    }
    own.is_calm = true; /* what is under way comes to its end, by its limit if not before */
    for (int64_t until = far.clock.mono_ms + 4LL * RESTART_MS;
            bn_dispatch_count(own.dispatch) && far.clock.mono_ms < until;)
        turn();
    CHECK_INT(bn_dispatch_count(own.dispatch), 0);
    CHECK(bn_list_is_empty(&far.reaches));
    for (int i = 0; i < 60; i++)
        turn();
    for (int i = 0; i < own.begun; i++) /* what nobody was told of was not done */
        CHECK(own.models[i].is_there ? own.models[i].is_over : far.commands[i].started == 0);
    far_lose(0);
    close_all();
}

static void fill_target(int i, enum bn_platform platform, bool sudo, const char *prompt)
{
    struct bn_target *target = &own.targets[i];
    bn_record_clear(&bn_target_type, target);
    snprintf(target->id, sizeof target->id, "t%d", i);
    snprintf(target->name, sizeof target->name, "web%d", i);
    snprintf(target->host, sizeof target->host, "192.0.2.%d", i + 1);
    target->port = 22;
    snprintf(target->username, sizeof target->username, "root");
    target->platform = platform;
    target->sudo = sudo;
    target->is_active = 1;
    if (platform != BN_PLATFORM_CUSTOM)
        return;
    snprintf(target->custom_command, sizeof target->custom_command, "utils service restart x");
    snprintf(target->custom_prompt, sizeof target->custom_prompt, "%s", prompt);
}

BN_TEST(whatever_happens_each_operation_ends_in_time_and_once_and_says_the_truth)
{
    const char *seed = getenv("BN_SEED");
    const char *sequences = getenv("BN_SEQUENCES");
    const long wanted = sequences ? strtol(sequences, NULL, 10) : SEQUENCES;
    struct bn_clock now;
    bn_clock_read(&now);
    bn_log_set_fd(-1);
    bn_log_set_level(BN_ERROR);
    CHECK(bn_secret_start(NULL));
    own.seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)now.now_ms;
    own.state = own.seed * 0x9E3779B97F4A7C15ULL | 1;
    fill_target(0, BN_PLATFORM_SYSTEMD, true, "");
    fill_target(1, BN_PLATFORM_SYSTEMD, false, "");
    fill_target(2, BN_PLATFORM_VOS, false, "");
    fill_target(3, BN_PLATFORM_CUSTOM, false, "");
    fill_target(4, BN_PLATFORM_CUSTOM, false, "admin:");
    while (own.sequences < wanted && !is_enough())
        live_through_a_world((int)BN_MIN(WORLD, wanted - own.sequences));
    print_message("seed %llu: %ld sequences, %ld conflicts, %ld kills, %ld cancels, %ld refusals; "
                  "ended: %ld completed, %ld failed, %ld cancelled\n",
            (unsigned long long)own.seed, own.sequences, own.conflicts, own.kills, own.cancels,
            own.refusals, own.ends[BN_WORK_COMPLETED], own.ends[BN_WORK_FAILED],
            own.ends[BN_WORK_CANCELLED]);
}

BN_TEST_MAIN()

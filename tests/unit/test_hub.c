#include "bn_test.h"
#include "hub/hub.h"
#include "hub/inbox.h"

struct scene {
    struct bn_clock clock;
    struct bn_hub hub;
    struct bn_sink sink;
    char last[4000];
    size_t heard;
    size_t answers;
    enum bn_code answer_code;
};

static void scene_init(struct scene *scene, const char *topic)
{
    memset(scene, 0, sizeof *scene);
    scene->clock = (struct bn_clock){.now_ms = 1763668624000, .mono_ms = 1000};
    bn_hub_init(&scene->hub, &scene->clock, NULL, NULL, NULL);
    bn_sink_init(&scene->sink, &scene->hub.topics, scene);
    if (topic)
        bn_sink_join(&scene->sink, bn_topic_find(&scene->hub.topics, "default", bn_str(topic)), 0,
                0);
}

static void scene_finish(struct scene *scene)
{
    bn_sink_finish(&scene->sink);
    bn_hub_finish(&scene->hub);
}

/* Runs a turn and reads what the listener is told. */
static void turn(struct scene *scene)
{
    struct bn_msg *msgs[16];
    bn_hub_turn(&scene->hub);
    size_t n = bn_sink_take(&scene->sink, scene->clock.mono_ms, msgs, 16, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        const struct bn_bytes *json = msgs[i]->forms[BN_FORM_JSON];
        snprintf(scene->last, sizeof scene->last, "%.*s", (int)json->len, json->p);
        bn_msg_unref(msgs[i]);
    }
    scene->heard += n;
}

static struct bn_fact core_fact(const char *id, double busy_pct)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "%s", id);
    fact.u.core.busy_pct = busy_pct;
    return fact;
}

static struct bn_fact user_fact(const char *id, const char *name)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, "default");
    snprintf(fact.u.user.id, sizeof fact.u.user.id, "%s", id);
    snprintf(fact.u.user.name, sizeof fact.u.user.name, "%s", name);
    snprintf(fact.u.user.password, sizeof fact.u.user.password, "$argon2id$x");
    fact.u.user.role = BN_ROLE_ADMIN;
    fact.u.user.disabled = 0;
    fact.u.user.created_at = 1763668624000;
    return fact;
}

static void answered(void *user, const struct bn_fact *fact, const struct bn_err *err)
{
    struct scene *scene = user;
    (void)fact;
    scene->answers++;
    scene->answer_code = err ? err->code : BN_E_OK;
}

BN_TEST(hub_says_only_what_changed_and_nothing_twice)
{
    struct scene scene;
    scene_init(&scene, "meter.host");
    struct bn_fact fact = core_fact("0", 10);
    CHECK(bn_hub_submit(&scene.hub, &fact));
    CHECK(bn_hub_submit(&scene.hub, &fact));
    turn(&scene);
    CHECK_INT(scene.heard, 1);
    fact.u.core.busy_pct = 11;
    CHECK(bn_hub_submit(&scene.hub, &fact));
    turn(&scene);
    CHECK_STR(scene.last,
            "{\"t\":\"d\",\"k\":1,\"s\":2,\"p\":{\"cores\":{\"0\":{\"busy_pct\":11}}}}\n");
    CHECK(bn_hub_submit(&scene.hub, &fact));
    turn(&scene);
    CHECK_INT(scene.heard, 2);
    scene_finish(&scene);
}

BN_TEST(what_is_not_valid_is_not_applied_and_counted)
{
    struct scene scene;
    scene_init(&scene, "meter.host");
    struct bn_fact fact = core_fact("", 10);
    bn_hub_tell(&scene.hub, &fact);
    fact = core_fact("0", 1);
    snprintf(fact.tenant, sizeof fact.tenant, "nobody");
    bn_hub_tell(&scene.hub, &fact);
    turn(&scene);
    CHECK_INT(scene.heard, 0);
    CHECK_INT(scene.hub.refused_count, 2);
    scene_finish(&scene);
}

BN_TEST(a_table_that_is_full_takes_no_new_row_and_still_takes_changes)
{
    struct scene scene;
    scene_init(&scene, "meter.host");
    size_t max = bn_kinds[BN_KIND_CORE].rows_max;
    for (size_t i = 0; i <= max; i++) {
        char id[16];
        snprintf(id, sizeof id, "%zu", i);
        struct bn_fact fact = core_fact(id, 1);
        bn_hub_tell(&scene.hub, &fact);
    }
    turn(&scene);
    CHECK_INT(scene.hub.refused_count, 1);
    struct bn_fact fact = core_fact("0", 99);
    bn_hub_tell(&scene.hub, &fact);
    turn(&scene);
    const struct bn_core *core = bn_live_get(&scene.hub.live, "default", BN_KIND_CORE, "0");
    CHECK_INT(core->busy_pct, 99);
    scene_finish(&scene);
}

BN_TEST(hub_tells_the_tenant_and_nobody_else)
{
    struct scene scene;
    scene_init(&scene, "meter.host");
    struct bn_fact tenant;
    bn_fact_init(&tenant, BN_KIND_TENANT, "default");
    snprintf(tenant.u.tenant.id, sizeof tenant.u.tenant.id, "acme");
    snprintf(tenant.u.tenant.name, sizeof tenant.u.tenant.name, "Acme");
    tenant.u.tenant.created_at = 1763668624000;
    bn_hub_tell(&scene.hub, &tenant);
    turn(&scene);
    struct bn_topic *theirs = bn_topic_find(&scene.hub.topics, "acme", BN_STR("meter.host"));
    assert_non_null(theirs);
    struct bn_fact fact = core_fact("0", 10);
    snprintf(fact.tenant, sizeof fact.tenant, "acme");
    bn_hub_tell(&scene.hub, &fact);
    turn(&scene);
    CHECK_INT(scene.heard, 0);
    CHECK_INT(theirs->seq, 1);
    CHECK(!bn_live_get(&scene.hub.live, "default", BN_KIND_CORE, "0"));
    scene_finish(&scene);
}

BN_TEST(a_record_is_applied_at_once_and_answered_when_it_is_kept)
{
    struct scene scene;
    struct bn_err err;
    scene_init(&scene, NULL);
    struct bn_fact fact = user_fact("u1", "vega");
    CHECK(bn_hub_ask(&scene.hub, &fact, answered, &scene, &err));
    assert_non_null(bn_live_get(&scene.hub.live, "default", BN_KIND_USER, "u1"));
    CHECK_INT(scene.answers, 0);
    turn(&scene);
    CHECK_INT(scene.answers, 1);
    CHECK_INT(scene.answer_code, BN_E_OK);
    scene_finish(&scene);
}

BN_TEST(whoever_waits_at_the_end_is_answered_and_nobody_waits_any_more)
{
    struct scene scene;
    struct bn_err err;
    scene_init(&scene, NULL);
    struct bn_fact fact = user_fact("u1", "vega");
    CHECK(!bn_hub_is_asked(&scene.hub));
    CHECK(bn_hub_ask(&scene.hub, &fact, answered, &scene, &err));
    CHECK(bn_hub_is_asked(&scene.hub));
    bn_hub_abandon(&scene.hub);
    CHECK_INT(scene.answers, 1);
    CHECK_INT(scene.answer_code, BN_E_UNAVAILABLE);
    CHECK(!bn_hub_is_asked(&scene.hub));
    turn(&scene);
    CHECK_INT(scene.answers, 1);
    scene_finish(&scene);
}

BN_TEST(a_record_that_breaks_a_rule_is_refused_before_anything_changed)
{
    struct scene scene;
    struct bn_err err;
    scene_init(&scene, NULL);
    struct bn_fact fact = user_fact("u1", "vega");
    CHECK(bn_hub_ask(&scene.hub, &fact, NULL, NULL, &err));
    fact = user_fact("u2", "VEGA");
    CHECK(!bn_hub_ask(&scene.hub, &fact, answered, &scene, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK(!bn_live_get(&scene.hub.live, "default", BN_KIND_USER, "u2"));
    turn(&scene);
    CHECK_INT(scene.answers, 0);
    scene_finish(&scene);
}

BN_TEST(an_event_is_told_in_its_log_and_not_held)
{
    struct scene scene;
    scene_init(&scene, "self.log");
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_LINE, "default");
    snprintf(fact.u.line.id, sizeof fact.u.line.id, "1");
    snprintf(fact.u.line.event, sizeof fact.u.line.event, "test.event");
    CHECK(bn_hub_submit(&scene.hub, &fact));
    turn(&scene);
    assert_non_null(strstr(scene.last, "\"t\":\"e\""));
    assert_non_null(strstr(scene.last, "\"event\":\"test.event\""));
    scene_finish(&scene);
}

static void tell_another(void *user, const struct bn_fact *fact)
{
    struct scene *scene = user;
    struct bn_fact more = core_fact("watched", fact->u.core.busy_pct);
    if (strcmp(fact->u.core.id, "watched") != 0)
        for (int i = 0; i < 200; i++)
            bn_hub_tell(&scene->hub, &more);
}

BN_TEST(what_a_watcher_tells_waits_for_the_next_turn)
{
    struct scene scene;
    scene_init(&scene, "meter.host");
    bn_hub_watch(&scene.hub, BN_KIND_CORE, tell_another, &scene);
    struct bn_fact fact = core_fact("0", 10);
    for (int i = 0; i < 100; i++)
        bn_hub_tell(&scene.hub, &fact);
    CHECK(bn_hub_turn(&scene.hub));
    CHECK(!bn_live_get(&scene.hub.live, "default", BN_KIND_CORE, "watched"));
    CHECK(!bn_hub_turn(&scene.hub));
    assert_non_null(bn_live_get(&scene.hub.live, "default", BN_KIND_CORE, "watched"));
    scene_finish(&scene);
}

BN_TEST(a_full_inbox_refuses_and_counts_and_the_others_are_all_there)
{
    struct scene scene;
    scene_init(&scene, NULL);
    for (int i = 0; i < BN_INBOX_FACTS_MAX + 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i % 500);
        struct bn_fact fact = core_fact(id, i);
        CHECK_INT(bn_hub_submit(&scene.hub, &fact), i < BN_INBOX_FACTS_MAX);
    }
    CHECK_INT(bn_inbox_lost(scene.hub.inbox), 5);
    CHECK_INT(bn_inbox_depth(scene.hub.inbox), BN_INBOX_FACTS_MAX);
    turn(&scene);
    CHECK_INT(scene.hub.fact_count, BN_INBOX_FACTS_MAX);
    CHECK_INT(bn_inbox_depth(scene.hub.inbox), 0);
    scene_finish(&scene);
}

BN_TEST(replayed_facts_are_known_and_not_told)
{
    struct scene scene;
    scene_init(&scene, "meter.host");
    struct bn_fact fact = core_fact("0", 10);
    fact.replay = true;
    bn_hub_replay(&scene.hub, &fact);
    turn(&scene);
    assert_non_null(bn_live_get(&scene.hub.live, "default", BN_KIND_CORE, "0"));
    CHECK_INT(scene.heard, 0);
    scene_finish(&scene);
}

static void put_target(struct scene *scene, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_TARGET, "default");
    struct bn_target *target = &fact.u.target;
    snprintf(target->id, sizeof target->id, "%s", id);
    snprintf(target->name, sizeof target->name, "web %s", id);
    snprintf(target->host, sizeof target->host, "192.0.2.1");
    snprintf(target->username, sizeof target->username, "root");
    snprintf(target->password, sizeof target->password, "sealed");
    target->port = 22;
    target->auth_kind = BN_AUTH_PASSWORD;
    target->platform = BN_PLATFORM_SYSTEMD;
    target->sudo = 0;
    target->is_active = 1;
    target->created_at = target->updated_at = scene->clock.now_ms;
    bn_hub_tell(&scene->hub, &fact);
    turn(scene);
}

static struct bn_fact operation_on(const char *target, const char *id, int64_t progress)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_OPERATION, "default");
    struct bn_operation *operation = &fact.u.operation;
    snprintf(operation->id, sizeof operation->id, "%s", id);
    snprintf(operation->target_id, sizeof operation->target_id, "%s", target);
    snprintf(operation->action, sizeof operation->action, "restart");
    operation->type = BN_WORK_SERVICE_RESTART;
    operation->status = BN_WORK_IN_PROGRESS;
    operation->progress = progress;
    operation->started_at = 1763668624000;
    return fact;
}

BN_TEST(what_is_done_on_one_target_is_told_where_one_listens_for_that_target_and_nothing_else_is)
{
    struct scene scene;
    scene_init(&scene, NULL);
    put_target(&scene, "t1");
    put_target(&scene, "t2");
    CHECK(!bn_hub_topic(&scene.hub, "default", BN_STR("work.operations/t3")));
    CHECK(!bn_hub_topic(&scene.hub, "default", BN_STR("work.operations/")));
    struct bn_fact one = operation_on("t1", "o1", 10);
    struct bn_fact two = operation_on("t2", "o2", 10);
    bn_hub_tell(&scene.hub, &one);
    bn_hub_tell(&scene.hub, &two);
    turn(&scene);
    struct bn_topic *topic = bn_hub_topic(&scene.hub, "default", BN_STR("work.operations/t1"));
    CHECK(topic && topic == bn_hub_topic(&scene.hub, "default", BN_STR("work.operations/t1")));
    const struct bn_bytes *value = bn_topic_value(topic);
    CHECK(memmem(value->p, value->len, "\"o1\":{", 6));
    CHECK(!memmem(value->p, value->len, "\"o2\":{", 6));
    bn_sink_join(&scene.sink, topic, topic->seq, 0);
    two.u.operation.progress = 50;
    bn_hub_tell(&scene.hub, &two);
    turn(&scene);
    CHECK_INT(scene.heard, 0); /* of another target */
    one.u.operation.progress = 30;
    bn_hub_tell(&scene.hub, &one);
    turn(&scene);
    CHECK_INT(scene.heard, 1);
    assert_non_null(strstr(scene.last, "\"p\":{\"operations\":{\"o1\":{\"progress\":30}}}"));
    one.u.operation.status = BN_WORK_COMPLETED;
    one.u.operation.progress = 100;
    one.u.operation.completed_at = scene.clock.now_ms;
    bn_hub_tell(&scene.hub, &one);
    turn(&scene);
    one.op = BN_PAST;
    bn_hub_tell(&scene.hub, &one);
    turn(&scene);
    CHECK_INT(scene.heard, 3);
    assert_non_null(strstr(scene.last, "\"p\":{\"operations\":{\"o1\":null}}"));
    value = bn_topic_value(topic);
    CHECK(value->len == strlen("{\"operations\":{}}"));
    scene_finish(&scene);
}

BN_TEST_MAIN()

#include "hub_rig.h"
#include "pve_peer.h"
#include "source/tasks.h"

/* One server on loopback that lists its tasks; the clock is the test's. */

#define LIST "/api2/json/cluster/tasks"

static struct pve pve;

static struct {
    struct bn_tasks *tasks;
    struct bn_server server;
    struct bn_why_task seen[BN_TASKS_KEPT_MAX];
    size_t count;
    char list[32 << 10];
} own;

static void begin(void)
{
    const struct peer_answer answers[] = {{LIST, OK("{\"data\":[]}"), 0, true}};
    memset(&own, 0, sizeof own);
    rig_begin();
    rig_open_hub(NULL);
    rig.fetch = pve_fetch(rig.loop);
    const struct bn_tasks_config config = {&rig.hub, &rig.clock, rig.fetch, NULL, &rig.key};
    own.tasks = bn_tasks_create(&config);
    pve_open(&pve, rig.loop, "a", answers, COUNT(answers));
    bn_record_clear(&bn_server_type, &own.server);
    pve_server(&pve, "s1", &rig.key, &own.server);
}

static void end(void)
{
    bn_fetch_destroy(rig.fetch);
    bn_tasks_destroy(own.tasks);
    pve_close(&pve);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
}

static enum bn_tasks_state look(void)
{
    own.count = COUNT(own.seen);
    return bn_tasks_look(own.tasks, BN_TENANT_DEFAULT, &own.server, own.seen, &own.count);
}

static enum bn_tasks_state look_until(enum bn_tasks_state state)
{
    AWAIT(look() != BN_TASKS_ASKING);
    CHECK_INT(look(), state);
    return state;
}

/* One more task in the list, so many seconds before now; `ended` < 0: it runs. */
static void list(const char *type, int64_t ago_s, int64_t ended_ago_s)
{
    const int64_t now_s = rig.clock.now_ms / 1000;
    char end[32] = "";
    if (!own.list[0])
        snprintf(own.list, sizeof own.list, OK("{\"data\":[]}"));
    const size_t len = strlen(own.list) - 2;
    if (ended_ago_s >= 0)
        snprintf(end, sizeof end, ",\"endtime\":%lld", (long long)(now_s - ended_ago_s));
    snprintf(own.list + len, sizeof own.list - len,
            "%s{\"upid\":\"UPID:pve1:00000001:00000001:%08llX:%s::root@pam:\"%s}]}",
            own.list[len - 1] == '[' ? "" : ",", (unsigned long long)(now_s - ago_s), type, end);
    pve.answers[0].bytes = own.list;
}

BN_TEST(who_looks_does_not_wait_and_knows_it_a_moment_later)
{
    begin();
    list("vzdump", 600, 60);
    list("vzdump", 300, -1);
    list("vncproxy", 200, 100);   /* no load */
    list("vzdump", 90000, 89000); /* of yesterday */
    CHECK_INT(look(), BN_TASKS_ASKING);
    CHECK_INT(own.count, 0);
    look_until(BN_TASKS_KNOWN);
    CHECK_INT(own.count, 2);
    CHECK(own.seen[0].is_running && !own.seen[1].is_running);
    CHECK_STR(own.seen[0].type, "vzdump");
    CHECK_STR(own.seen[0].node, "pve1");
    CHECK_INT(own.seen[1].to_ms - own.seen[1].from_ms, 540000);
    CHECK(own.seen[0].to_ms >= own.seen[0].from_ms + 299000);
    CHECK_INT(pve.peer.requests, 1);
    CHECK(strstr(pve.peer.asked, "Authorization: PVEAPIToken=" PVE_TOKEN));
    end();
}

BN_TEST(it_is_asked_again_after_a_while_and_what_left_the_list_is_remembered)
{
    begin();
    list("vzdump", 600, -1);
    (void)look();
    look_until(BN_TASKS_KNOWN);
    pass(BN_TASKS_FRESH_MS - 1);
    CHECK_INT(look(), BN_TASKS_KNOWN);
    CHECK_INT(pve.peer.requests, 1);
    own.list[0] = '\0';
    list("qmigrate", 10, 5);
    pass(1);
    CHECK_INT(look(), BN_TASKS_ASKING);
    CHECK_INT(own.count, 1); /* what was known meanwhile */
    look_until(BN_TASKS_KNOWN);
    CHECK_INT(own.count, 2);
    CHECK_STR(own.seen[0].type, "qmigrate");
    CHECK_INT(pve.peer.requests, 2);
    end();
}

BN_TEST(without_an_answer_what_was_told_stays_and_is_said_to_be_old)
{
    begin();
    list("vzdump", 600, 60);
    (void)look();
    look_until(BN_TASKS_KNOWN);
    pve.answers[0].bytes = "HTTP/1.1 403 Permission check failed\r\nConnection: close\r\n\r\n";
    pass(BN_TASKS_FRESH_MS);
    CHECK_INT(look(), BN_TASKS_ASKING);
    look_until(BN_TASKS_UNKNOWN);
    CHECK_INT(own.count, 1);
    CHECK_INT(pve.peer.requests, 2); /* and not again at once */
    end();
}

BN_TEST(to_whom_nothing_may_be_said_nothing_is)
{
    begin();
    own.server.is_active = 0;
    CHECK_INT(look(), BN_TASKS_UNKNOWN);
    own.server.is_active = 1;
    own.server.updated_at = 1;
    own.server.fingerprint[0] = '\0'; /* the first contact was not yet */
    CHECK_INT(look(), BN_TASKS_UNKNOWN);
    own.server.updated_at = 2;
    fingerprint_of("a", own.server.fingerprint);
    snprintf(own.server.error_class, sizeof own.server.error_class, "auth");
    CHECK_INT(look(), BN_TASKS_UNKNOWN);
    settle(100);
    CHECK_INT(pve.peer.requests, 0);
    end();
}

BN_TEST(no_more_are_remembered_than_there_is_room_and_the_newest_stay)
{
    begin();
    for (int i = 0; i < BN_TASKS_KEPT_MAX + 10; i++)
        list("vzdump", 60 + i * 10, 55 + i * 10);
    (void)look();
    look_until(BN_TASKS_KNOWN);
    CHECK_INT(own.count, BN_TASKS_KEPT_MAX);
    CHECK(own.seen[0].from_ms > own.seen[BN_TASKS_KEPT_MAX - 1].from_ms);
    CHECK_INT((own.seen[0].from_ms - own.seen[BN_TASKS_KEPT_MAX - 1].from_ms) / 10000,
            BN_TASKS_KEPT_MAX - 1);
    end();
}

BN_TEST(questions_at_once_and_servers_remembered_have_an_end)
{
    begin();
    for (int i = 0; i < BN_TASKS_SERVERS_MAX + 5; i++) {
        own.server.updated_at = i + 1; /* another one each time */
        CHECK_INT(look(), i < BN_TASKS_AT_ONCE ? BN_TASKS_ASKING : BN_TASKS_UNKNOWN);
    }
    AWAIT(pve.peer.requests == BN_TASKS_AT_ONCE);
    settle(100); /* their answers find nobody */
    end();
}

BN_TEST_MAIN()

#include "power_scene.h"
#include "source/pve.h"

/* The answer to a request was lost: what it began is looked for in the list of tasks. */

#define NODE     "/api2/json/nodes/n1"
#define OURS     "root@pam!t"
#define NO_TASKS OK("{\"data\":[]}")

enum { AT_STOP, AT_TASKS, AT_STATUS, AT_LOG };

static struct {
    char upid[128];
    char list[2048];
    char status_path[200];
    char log_path[200];
} own;

/* "UPID:n1:…:TYPE:ID:USER:", begun so many seconds before now. */
static void make_upid(const char *type, const char *id, const char *user, int64_t ago_s)
{
    snprintf(own.upid, sizeof own.upid, "UPID:n1:0008380E:0131F1BF:%08llX:%s:%s:%s:",
            (unsigned long long)(rig.clock.now_ms / 1000 - ago_s), type, id, user);
}

static void begin(void)
{
    memset(&own, 0, sizeof own);
    rig_begin();
    rig_open_hub(NULL);
    make_upid("qmstop", "100", OURS, 0);
    snprintf(own.status_path, sizeof own.status_path, NODE "/tasks/%s/status", own.upid);
    snprintf(own.log_path, sizeof own.log_path, NODE "/tasks/%s/log", own.upid);
    const struct peer_answer answers[] = {{NODE "/qemu/100/status/stop", "", 0, true},
            {NODE "/tasks", NO_TASKS, 0, true},
            {own.status_path, OK("{\"data\":{\"status\":\"stopped\",\"exitstatus\":\"OK\"}}"), 0,
                    true},
            {own.log_path, OK("{\"data\":[{\"n\":1,\"t\":\"TASK OK\"}],\"total\":1}"), 0, true}};
    scene_begin(answers, COUNT(answers));
}

/* The list has that one task, after one of another guest. */
static void list(void)
{
    snprintf(own.list, sizeof own.list,
            OK("{\"data\":[{\"upid\":\"UPID:n1:0008380E:0131F1BF:6A84EA54:qmstop:101:" OURS
               ":\",\"status\":\"OK\"},{\"upid\":\"%s\"},{\"upid\":7},null]}"),
            own.upid);
    pve.answers[AT_TASKS].bytes = own.list;
}

static void check_found(void)
{
    stop_it();
    AWAIT_PASSING(scene.begun, 300);
    CHECK_INT(scene.err.code, BN_E_OK);
    CHECK_STR(seen()->upid, own.upid);
    AWAIT_PASSING(is_over(), 300);
    CHECK_INT(seen()->status, BN_WORK_COMPLETED);
    CHECK_INT(count_asked("POST "), 1);
}

BN_TEST(the_task_is_found_in_the_list_and_followed_and_nothing_is_sent_twice)
{
    begin();
    list();
    check_found();
    CHECK_INT(count_asked("GET " NODE "/tasks?source=all&vmid=100&limit=50 "), 1);
    end();
}

BN_TEST(it_may_stand_there_a_moment_later)
{
    begin();
    stop_it();
    AWAIT_PASSING(count_asked("/tasks?") >= 2, 300);
    CHECK(strstr(seen()->phase, "alpha did not answer: looking for the task it may have begun"));
    CHECK_INT(scene.begun, 0);
    list();
    AWAIT_PASSING(scene.begun, 300);
    CHECK_INT(scene.err.code, BN_E_OK);
    end();
}

/* The cluster's network cut the answer of the node behind the one that was asked. */
BN_TEST(an_answer_lost_behind_the_one_asked_is_lost_too)
{
    begin();
    pve.answers[AT_STOP].bytes = "HTTP/1.1 596 Broken pipe\r\nConnection: close\r\n\r\n";
    list();
    check_found();
    end();
}

static void check_given_up(const char *tail)
{
    stop_it();
    AWAIT_PASSING(scene.begun, 300);
    CHECK_INT(scene.err.code, BN_E_UPSTREAM);
    CHECK(strstr(scene.err.text, "alpha was asked, but did not answer ("));
    if (!strstr(scene.err.text, tail))
        fail_msg("%s", scene.err.text);
    AWAIT_PASSING(is_over(), 300);
    CHECK_INT(seen()->status, BN_WORK_FAILED);
    CHECK_STR(seen()->hint, "look at the guest before you try again");
    CHECK_INT(count_asked("POST "), 1);
}

BN_TEST(a_list_without_it_means_that_most_likely_nothing_was_done)
{
    begin();
    check_given_up("and no such task stands in its list: most likely nothing was done");
    CHECK(count_asked("/tasks?") >= 3);
    end();
}

BN_TEST(without_a_list_nobody_knows)
{
    begin();
    pve.answers[AT_TASKS].bytes = "HTTP/1.1 595 Connection refused\r\nConnection: close\r\n\r\n";
    check_given_up("): whether it began is not known");
    end();
}

BN_TEST(what_others_do_to_it_and_what_was_done_before_is_not_ours)
{
    static const struct {
        const char *type;
        const char *id;
        const char *user;
        int64_t ago_s;
    } cases[] = {{"qmstop", "100", "ada@pam", 0}, {"qmstop", "100", "root@pam!tt", 0},
            {"qmstop", "1000", OURS, 0}, {"qmstart", "100", OURS, 0}, {"vzstop", "100", OURS, 0},
            {"qmstop", "100", OURS, 600}, {"qmstop", "100", OURS, -600},
            {"hastart", "100", OURS, 0}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        begin();
        make_upid(cases[i].type, cases[i].id, cases[i].user, cases[i].ago_s);
        list();
        check_given_up("most likely nothing was done");
        end();
    }
}

BN_TEST(a_task_that_an_earlier_action_began_is_not_taken_for_a_new_one)
{
    begin();
    list();
    check_found();
    scene.begun = 0;
    pve.peer.asked[0] = '\0';
    pve.peer.asked_len = 0;
    check_given_up("most likely nothing was done");
    end();
}

BN_TEST(while_it_is_looked_for_it_cannot_be_cancelled)
{
    struct bn_err err;
    begin();
    stop_it();
    AWAIT_PASSING(count_asked("/tasks?") >= 1, 300);
    CHECK(!bn_power_cancel(scene.power, BN_TENANT_DEFAULT, scene.id, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    end();
}

BN_TEST_MAIN()

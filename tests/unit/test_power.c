#include "power_scene.h"
#include "source/pve.h"

/* One server of canned answers on loopback, and a hub without a store; the clock is the test's. */

#define UPID      "UPID:n1:0008380E:0131F1BF:6A84EA54:qmstop:100:root@pam!t:"
#define HA_UPID   "UPID:n1:0008380E:0131F1BF:6A84EA54:hastop:100:root@pam!t:"
#define TASK      "/api2/json/nodes/n1/tasks/"
#define RUNNING   OK("{\"data\":{\"status\":\"running\"}}")
#define ENDED(as) OK("{\"data\":{\"status\":\"stopped\",\"exitstatus\":\"" as "\"}}")
#define LOG       OK("{\"data\":[{\"n\":1,\"t\":\"stopping\"},{\"n\":2,\"t\":\"TASK OK\"}],\"total\":2}")

enum {
    AT_STOP,
    AT_STATUS,
    AT_LOG,
    AT_HA_STATUS,
    AT_HA_LOG,
    AT_GUEST,
    AT_RESOURCES,
    AT_TASK,
    AT_TASKS
};

static struct {
    int said;
    size_t said_count;
} own;

/* A tick of the clock and what it asks. */
static void quiet(void)
{
    settle(350);
}

static void begin(void)
{
    memset(&own, 0, sizeof own);
    rig_begin();
    rig_open_hub(NULL);
    const struct peer_answer answers[] = {{"/api2/json/nodes/n1/qemu/100/status/stop",
                                                  OK("{\"data\":\"" UPID "\"}"), 0, true},
            {TASK UPID "/status", RUNNING, 0, true}, {TASK UPID "/log", LOG, 0, true},
            {TASK HA_UPID "/status", ENDED("OK"), 0, true}, {TASK HA_UPID "/log", LOG, 0, true},
            {"/api2/json/nodes/n1/qemu/100/status/current",
                    OK("{\"data\":{\"status\":\"running\"}}"), 0, true},
            {"/api2/json/cluster/resources", OK("{\"data\":[]}"), 0, true},
            {TASK UPID, OK("{\"data\":null}"), 0, true},
            {"/api2/json/nodes/n1/tasks", OK("{\"data\":[]}"), 0, true}};
    scene_begin(answers, COUNT(answers));
}

static void answer(int at, const char *bytes)
{
    pve.answers[at].bytes = bytes;
}

static void stop_begins(void)
{
    stop_it();
    AWAIT(scene.begun);
    CHECK_INT(scene.err.code, BN_E_OK);
}

static const struct bn_operation *await_end(void)
{
    AWAIT_PASSING(is_over(), 500);
    return seen();
}

static void check_failed(const char *error)
{
    const struct bn_operation *operation = await_end();
    CHECK_STR(operation->error, error);
    CHECK_INT(operation->status, BN_WORK_FAILED);
    CHECK_INT(operation->progress, 100);
}

/* --- to its end ------------------------------------------------------------------------------ */

BN_TEST(it_is_asked_once_followed_and_ends_with_how_long_it_took)
{
    begin();
    stop_begins();
    CHECK_STR(seen()->upid, UPID);
    CHECK_INT(seen()->status, BN_WORK_IN_PROGRESS);
    CHECK_STR(seen()->phase, "the task runs on n1");
    pass(12000);
    AWAIT(count_asked("/status HTTP") >= 1);
    quiet(); /* that it runs has come back */
    answer(AT_STATUS, ENDED("OK"));
    pass(1000);
    const int64_t started_at = seen()->started_at;
    AWAIT(bn_operation_is_over(seen()));
    CHECK_INT(seen()->status, BN_WORK_COMPLETED);
    CHECK_STR(seen()->message, "stopped after 13 s");
    CHECK_INT(seen()->completed_at - started_at, 13000);
    CHECK_INT(count_asked("POST "), 1);
    CHECK(strstr(pve.peer.asked, "Content-Length: 0"));
    CHECK(strstr(pve.peer.asked, "Authorization: PVEAPIToken=" PVE_TOKEN));
    end();
}

BN_TEST(warnings_are_counted_and_kept)
{
    begin();
    answer(AT_STATUS, ENDED("WARNINGS: 1"));
    stop_begins();
    const struct bn_operation *operation = await_end();
    CHECK_INT(operation->status, BN_WORK_COMPLETED);
    CHECK_INT(operation->has_warnings, 1);
    CHECK(strstr(operation->message, ", with 1 warning"));
    CHECK(!strstr(operation->message, "warnings"));
    end();
}

BN_TEST(a_task_that_takes_long_is_asked_less_often)
{
    begin();
    stop_begins();
    pass(16000);
    quiet();
    for (int i = 0; i < 12; i++) { /* second by second */
        pass(1000);
        quiet();
    }
    const size_t asked = count_asked("/status HTTP");
    CHECK(asked >= 4 && asked <= 8);
    end();
}

BN_TEST(what_a_manager_does_is_followed_until_the_guest_is_so)
{
    begin();
    answer(AT_STOP, OK("{\"data\":\"" HA_UPID "\"}"));
    stop_begins();
    pass(1000);
    AWAIT(strstr(seen()->phase,
            "high-availability manager was asked: waiting until it is stopped"));
    pass(2000);
    AWAIT(count_asked("/status/current") >= 1);
    quiet();
    CHECK(!bn_operation_is_over(seen()));
    answer(AT_GUEST, OK("{\"data\":{\"status\":\"stopped\"}}"));
    const struct bn_operation *operation = await_end();
    CHECK_INT(operation->status, BN_WORK_COMPLETED);
    end();
}

BN_TEST(a_log_longer_than_what_is_kept_is_read_again_for_its_last_lines)
{
    static char log[64 << 10];
    size_t len = (size_t)snprintf(log, sizeof log, OK("{\"total\":450,\"data\":["));
    for (int i = 1; i <= 200; i++)
        len += (size_t)snprintf(log + len, sizeof log - len, "%s{\"n\":%d,\"t\":\"line %d\"}",
                i > 1 ? "," : "", i, i);
    snprintf(log + len, sizeof log - len, "]}");
    begin();
    answer(AT_LOG, log);
    answer(AT_STATUS, ENDED("OK"));
    stop_begins();
    (void)await_end();
    CHECK_INT(count_asked("/log?start=0&limit=200"), 1);
    CHECK_INT(count_asked("/log?start=250&limit=200"), 1);
    end();
}

/* --- what goes wrong ------------------------------------------------------------------------- */

BN_TEST(the_sentence_of_a_task_that_failed_is_told)
{
    begin();
    answer(AT_STATUS, ENDED("VM quit/powerdown failed - got timeout"));
    stop_begins();
    check_failed("web (100) on alpha did not do it in time: a guest may ignore a shutdown, and a "
                 "stop does not ask it");
    end();
}

BN_TEST(a_task_without_an_end_is_given_up_with_a_word)
{
    begin();
    stop_begins();
    pass(5 * 60 * 1000 + 1000);
    const struct bn_operation *operation = await_end();
    CHECK_INT(operation->status, BN_WORK_FAILED);
    CHECK(strncmp(operation->error, "it had not ended after 5 min ", 29) == 0);
    CHECK(strstr(operation->error, " s and is not followed any more; it may still end"));
    CHECK_STR(seen()->hint, "look at the task in Proxmox VE");
    end();
}

BN_TEST(a_server_that_does_not_answer_is_asked_again_and_the_page_knows)
{
    begin();
    stop_begins();
    pve.peer.closes_at_once = true;
    pass(1000);
    AWAIT(strncmp(seen()->phase, "alpha does not answer (", 23) == 0);
    CHECK(strstr(seen()->phase, "): asking again"));
    pve.peer.closes_at_once = false;
    answer(AT_STATUS, "HTTP/1.1 595 No route to host\r\nConnection: close\r\n\r\n");
    pass(6000);
    AWAIT(strstr(seen()->phase, "595"));
    answer(AT_STATUS, OK("nothing"));
    pass(6000);
    quiet();
    CHECK(!bn_operation_is_over(seen()));
    answer(AT_STATUS, ENDED("OK"));
    CHECK_INT(await_end()->status, BN_WORK_COMPLETED);
    end();
}

BN_TEST(a_task_nobody_knows_any_more_is_no_success)
{
    begin();
    stop_begins();
    answer(AT_STATUS, "HTTP/1.1 400 Parameter verification failed.\r\nConnection: close\r\n\r\n"
                      "{\"data\":null,\"errors\":{\"upid\":\"no such task\"}}");
    check_failed("what became of the task is not known: HTTP 400: upid: no such task");
    end();
}

static void check_refusal(const char *bytes, enum bn_code code, const char *text)
{
    begin();
    answer(AT_STOP, bytes);
    stop_it();
    AWAIT(scene.begun);
    CHECK_INT(scene.err.code, code);
    CHECK_STR(scene.err.text, text);
    check_failed(text);
    CHECK_INT(count_asked("POST "), 1);
    stop_it(); /* and the guest is free again */
    end();
}

BN_TEST(each_refusal_has_its_sentence)
{
    check_refusal("HTTP/1.1 403 Permission check failed (/vms/100, VM.PowerMgmt)\r\n"
                  "Connection: close\r\n\r\n",
            BN_E_UPSTREAM, "the token lacks VM.PowerMgmt on /vms/100");
    check_refusal("HTTP/1.1 401 No ticket\r\nConnection: close\r\n\r\n", BN_E_UPSTREAM,
            "authentication failed (401): No ticket");
    check_refusal("HTTP/1.1 500 VM 100 not running\r\nConnection: close\r\n\r\n", BN_E_UPSTREAM,
            "web (100) on alpha is not running");
    check_refusal("HTTP/1.1 500 cluster not ready - no quorum?\r\nConnection: close\r\n\r\n",
            BN_E_UPSTREAM,
            "the cluster of web (100) on alpha has no quorum: nothing starts or stops until enough "
            "nodes are back");
    check_refusal("HTTP/1.1 595 Connection refused\r\nConnection: close\r\n\r\n", BN_E_UPSTREAM,
            "alpha answers, but its node n1 does not (595): Connection refused");
    check_refusal(OK("{\"data\":\"a task\"}"), BN_E_UPSTREAM,
            "this is no task of a Proxmox VE: no UPID");
    check_refusal(
            "HTTP/1.1 500 Configuration file 'nodes/n1/qemu-server/100.conf' does not exist\r\n"
            "Connection: close\r\n\r\n",
            BN_E_UPSTREAM, "web (100) on alpha is not there any more");
}

BN_TEST(a_guest_that_moved_is_named_where_it_is)
{
    begin();
    answer(AT_STOP, "HTTP/1.1 500 Configuration file 'x' does not exist\r\n"
                    "Connection: close\r\n\r\n");
    answer(AT_RESOURCES, OK("{\"data\":[{\"type\":\"qemu\",\"vmid\":100,\"node\":\"n2\"},"
                            "{\"type\":\"qemu\",\"vmid\":101,\"node\":\"n3\"}]}"));
    stop_it();
    AWAIT(scene.begun);
    CHECK_STR(scene.err.text, "web (100) on alpha is on node n2 now, not on n1: do it there");
    end();
}

BN_TEST(a_server_that_is_not_there_was_not_asked)
{
    begin();
    pve_close(&pve);
    stop_it();
    AWAIT(scene.begun);
    CHECK(strstr(scene.err.text, "alpha was not reached, so nothing was done: "));
    end();
}

BN_TEST(a_token_that_cannot_be_opened_is_said_and_nothing_is_sent)
{
    begin();
    memset(rig.key.bytes, 7, sizeof rig.key.bytes);
    stop_it();
    AWAIT(scene.begun);
    CHECK_STR(scene.err.text, "the token cannot be opened with this master key: enter it again");
    CHECK_INT(pve.peer.requests, 0);
    end();
}

/* --- beside it ------------------------------------------------------------------------------- */

BN_TEST(a_second_action_on_the_guest_is_refused_until_the_first_has_ended)
{
    struct bn_operation wanted = a_stop();
    struct bn_err err;
    begin();
    stop_begins();
    snprintf(wanted.action, sizeof wanted.action, "start");
    CHECK(!bn_power_do(scene.power, BN_TENANT_DEFAULT, &wanted, on_begun, NULL, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.text, "web (100) on alpha: stop is under way already");
    end();
}

BN_TEST(a_cancelled_task_is_asked_to_stop_and_ends_as_cancelled)
{
    struct bn_err err;
    begin();
    stop_begins();
    CHECK(!bn_power_cancel(scene.power, "else", scene.id, &err));
    CHECK_INT(err.code, BN_E_NOT_FOUND);
    CHECK(bn_power_cancel(scene.power, BN_TENANT_DEFAULT, scene.id, &err));
    AWAIT_PASSING(strcmp(seen()->phase, "the task was asked to stop") == 0, 300);
    CHECK_INT(count_asked("DELETE " TASK UPID " "), 1);
    answer(AT_STATUS, ENDED("received interrupt"));
    const struct bn_operation *operation = await_end();
    CHECK_INT(operation->status, BN_WORK_CANCELLED);
    CHECK_STR(operation->message, "cancelled: its task was stopped");
    end();
}

BN_TEST(one_that_somebody_ended_is_not_followed_any_more)
{
    struct bn_err err;
    begin();
    stop_begins();
    const struct bn_work_force force = {.tenant = BN_TENANT_DEFAULT,
            .left = seen(),
            .status = BN_WORK_FAILED,
            .message = "",
            .error = "Ended by ada: it hangs",
            .hint = ""};
    CHECK(bn_work_force_end(scene.operations, &force, &err));
    AWAIT(bn_operation_is_over(seen()));
    AWAIT_PASSING(!bn_work_is_at(scene.operations, BN_TENANT_DEFAULT, scene.id), 300);
    CHECK_INT(count_asked("DELETE "), 0); /* its task is left alone */
    const size_t asked = (size_t)count_asked("/status HTTP");
    pass(60000);
    settle(300);
    CHECK_INT(count_asked("/status HTTP"), asked);
    CHECK_STR(seen()->error, "Ended by ada: it hangs");
    end();
}

BN_TEST(what_may_not_be_cancelled_goes_on_and_says_so)
{
    struct bn_err err;
    begin();
    stop_begins();
    answer(AT_TASK, "HTTP/1.1 403 Permission check failed (/nodes/n1, Sys.Modify)\r\n"
                    "Connection: close\r\n\r\n");
    CHECK(bn_power_cancel(scene.power, BN_TENANT_DEFAULT, scene.id, &err));
    AWAIT_PASSING(strstr(seen()->phase, "it could not be cancelled: the token lacks Sys.Modify"),
            300);
    answer(AT_STATUS, ENDED("OK"));
    CHECK_INT(await_end()->status, BN_WORK_COMPLETED);
    end();
}

static void on_said(void *user, const struct bn_output *lines, size_t n)
{
    (void)user;
    own.said++;
    own.said_count = n;
    if (n)
        CHECK_STR(lines[0].text, "stopping");
}

BN_TEST(what_a_task_says_can_be_asked_while_it_runs)
{
    begin();
    CHECK(!bn_power_log(scene.power, BN_TENANT_DEFAULT, "nobody", on_said, NULL));
    stop_begins();
    CHECK(bn_power_log(scene.power, BN_TENANT_DEFAULT, scene.id, on_said, NULL));
    AWAIT(own.said == 1);
    CHECK_INT(own.said_count, 2);
    answer(AT_LOG, OK("no JSON"));
    CHECK(bn_power_log(scene.power, BN_TENANT_DEFAULT, scene.id, on_said, NULL));
    AWAIT(own.said == 2);
    CHECK_INT(own.said_count, 0);
    end();
}

BN_TEST(one_that_was_left_under_way_is_taken_up_again)
{
    begin();
    stop_begins();
    bn_fetch_destroy(rig.fetch);
    bn_power_stop(scene.power);
    bn_operations_stop(scene.operations);
    rig.fetch = pve_fetch(rig.loop);
    open_power();
    answer(AT_STATUS, ENDED("OK"));
    const struct bn_operation *operation = await_end();
    CHECK_INT(operation->status, BN_WORK_COMPLETED);
    CHECK_STR(operation->message, "stopped while Binnacle was restarted");
    CHECK_INT(count_asked("POST "), 1);
    end();
}

/* --- words ----------------------------------------------------------------------------------- */

BN_TEST(what_proxmox_says_is_told_in_words_that_say_what_to_do)
{
    static const struct {
        const char *said;
        const char *text;
    } cases[] = {{"VM is locked (backup)",
                         "web (100) on alpha is locked (backup): wait until that has ended"},
            {"CT is locked (snapshot-delete)",
                    "web (100) on alpha is locked (snapshot-delete): wait until that has ended"},
            {"you can't start a vm if it's a template",
                    "web (100) on alpha is a template, and a template does not run"},
            {"VM 100 already running", "web (100) on alpha is running already"},
            {"VM is paused - cannot shutdown", "web (100) on alpha is paused: resume it first"},
            {"unexpected status",
                    "the task on web (100) on alpha was killed before it ended: look at the guest"},
            {"QEMU exited with code 1", "QEMU exited with code 1"},
            {"", "web (100) on alpha: the task ended without saying how"}};
    const struct bn_operation operation = a_stop();
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[BN_ERR_TEXT_MAX];
        bn_power_explain(&operation, cases[i].said, text, sizeof text);
        CHECK_STR(text, cases[i].text);
    }
}

BN_TEST_MAIN()

#include "hub_rig.h"
#include "pve_peer.h"
#include "source/rrd.h"

/* One server on loopback; the clock is the test's. */

#define GUEST "/api2/json/nodes/n1/qemu/100/rrddata"

static struct pve pve;

static struct {
    struct bn_rrd *rrd;
    struct bn_server server;
    int told;
    uint64_t last_ticket;
    struct bn_rrd_answer last;
    char json[400];
} own;

static void begin(void)
{
    const struct peer_answer answers[] = {{GUEST, OK("{\"data\":[{\"time\":60,\"cpu\":0.5}]}"), 0,
                                                  true},
            {"/api2/json/nodes/n1/rrddata", OK("{\"data\":[{\"time\":60,\"loadavg\":1.5}]}"), 0,
                    true}};
    memset(&own, 0, sizeof own);
    rig_begin();
    rig_open_hub(NULL);
    rig.fetch = pve_fetch(rig.loop);
    const struct bn_rrd_config config = {&rig.hub, &rig.clock, rig.fetch, &rig.key};
    own.rrd = bn_rrd_create(&config);
    pve_open(&pve, rig.loop, "a", answers, COUNT(answers));
    bn_record_clear(&bn_server_type, &own.server);
    pve_server(&pve, "s1", &rig.key, &own.server);
}

static void end(void)
{
    bn_fetch_destroy(rig.fetch);
    bn_rrd_destroy(own.rrd);
    pve_close(&pve);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
}

static void await_told(int count)
{
    AWAIT(own.told >= count);
    CHECK_INT(own.told, count);
}

static void told(void *user, uint64_t ticket, const struct bn_rrd_answer *answer)
{
    CHECK(user == &own);
    own.told++;
    own.last_ticket = ticket;
    own.last = *answer;
    own.json[0] = '\0';
    if (answer->json)
        bn_text_clip(own.json, sizeof own.json, bn_buf_str(answer->json));
}

static bool ask(const char *type, int64_t vmid, const char *range, struct bn_err *err)
{
    static uint64_t ticket;
    const struct bn_rrd_subject subject = {BN_TENANT_DEFAULT, &own.server, "n1", type, vmid, range};
    const struct bn_rrd_waiter waiter = {told, &own, ++ticket};
    return bn_rrd_ask(own.rrd, &subject, &waiter, err);
}

static struct bn_rrd_stats stats(void)
{
    struct bn_rrd_stats out;
    bn_rrd_get_stats(own.rrd, &out);
    return out;
}

BN_TEST(ten_who_watch_cost_one_question_and_so_does_who_comes_within_twenty_seconds)
{
    begin();
    for (int i = 0; i < 10; i++)
        CHECK(ask("qemu", 100, "hour", NULL));
    CHECK_INT(own.told, 0);
    await_told(10);
    CHECK_INT(pve.peer.requests, 1);
    CHECK(strstr(pve.peer.asked, GUEST "?timeframe=hour&cf=AVERAGE HTTP/1.1"));
    CHECK(strstr(pve.peer.asked, "Authorization: PVEAPIToken=" PVE_TOKEN));
    CHECK(strstr(own.json, "{\"range\":\"hour\",\"step_s\":null,\"points\":[{\"time\":"
                           "\"1970-01-01T00:01:00.000Z\",\"cpu\":0.5,"));
    pass(BN_RRD_KEEP_MS - 1);
    CHECK(ask("qemu", 100, "hour", NULL));
    CHECK_INT(own.told, 11); /* at once */
    pass(1);
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(12);
    CHECK_INT(pve.peer.requests, 2);
    CHECK_INT(stats().kept, 1);
    end();
}

BN_TEST(another_range_subject_or_server_is_another_question)
{
    begin();
    CHECK(ask("qemu", 100, "hour", NULL));
    CHECK(ask("qemu", 100, "day", NULL));
    CHECK(ask(NULL, 0, "hour", NULL));
    own.server.updated_at++; /* somebody changed it */
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(4);
    CHECK_INT(pve.peer.requests, 4);
    CHECK(strstr(pve.peer.asked, "/api2/json/nodes/n1/rrddata?timeframe=hour"));
    end();
}

BN_TEST(a_refusal_is_told_to_all_who_wait_with_what_to_do_and_is_not_kept)
{
    begin();
    pve.answers[0].bytes = "HTTP/1.1 403 Permission check failed (/vms/100, VM.Audit)\r\n"
                           "Connection: close\r\n\r\n{\"data\":null}";
    CHECK(ask("qemu", 100, "hour", NULL));
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(2);
    CHECK(!own.last.json);
    CHECK_INT(own.last.err.code, BN_E_UPSTREAM);
    CHECK(strstr(own.last.err.text, "the token lacks VM.Audit on /vms/100"));
    CHECK_STR(own.last.hint, "pveum acl modify /vms/100 --tokens 'root@pam!t' --roles PVEAuditor");
    pve.answers[0].bytes = OK("<html>");
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(3);
    CHECK(strstr(own.last.err.text, "no JSON"));
    CHECK_INT(stats().asked, 2);
    CHECK_INT(stats().kept, 0);
    end();
}

BN_TEST(answers_kept_are_bounded_and_so_are_questions)
{
    struct bn_err err;
    begin();
    pve.peer.closes_at_once = true;
    for (int i = 0; i < BN_RRD_AT_ONCE; i++)
        CHECK(ask("qemu", 1000 + i, "hour", NULL));
    CHECK(!ask("qemu", 9999, "hour", &err));
    CHECK_INT(err.code, BN_E_UNAVAILABLE);
    CHECK(ask("qemu", 1000, "hour", &err)); /* joins */
    CHECK_INT(stats().under_way, BN_RRD_AT_ONCE);
    await_told(BN_RRD_AT_ONCE + 1);
    CHECK_INT(stats().under_way, 0);
    pve.peer.closes_at_once = false;
    static const char *const ranges[] = {"hour", "day", "week", "month", "year"};
    for (int i = 0; i < BN_RRD_KEPT_MAX + 10; i++) {
        const int before = own.told;
        own.server.updated_at++;
        CHECK(ask("qemu", 100, ranges[i % 5], NULL));
        await_told(before + 1);
    }
    CHECK(stats().kept <= BN_RRD_KEPT_MAX + 1);
    CHECK(stats().kept >= BN_RRD_KEPT_MAX);
    CHECK(stats().kept_bytes > 0);
    end();
}

BN_TEST(at_the_end_who_waits_is_told_once)
{
    begin();
    CHECK(ask("qemu", 100, "hour", NULL));
    bn_rrd_hurry(own.rrd);
    CHECK_INT(own.told, 1);
    CHECK_INT(own.last.err.code, BN_E_UNAVAILABLE);
    bn_rrd_hurry(NULL);
    end();
    CHECK_INT(own.told, 1);
}

BN_TEST_MAIN()

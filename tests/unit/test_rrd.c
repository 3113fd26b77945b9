#include "bn_test.h"
#include "certs.h"
#include "http_peer.h"
#include "source/rrd.h"

/* One server on loopback; the clock is the test's. */

#define TOKEN    "root@pam!t=0123456789abcdef"
#define OK(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body
#define GUEST    "/api2/json/nodes/n1/qemu/100/rrddata"

static struct {
    struct bn_clock wall;
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_hub hub;
    struct bn_fetch *fetch;
    struct bn_rrd *rrd;
    struct bn_seal_key key;
    struct peer peer;
    struct peer_answer answers[2];
    struct bn_tls_config *tls;
    struct bn_server server;
    int told;
    uint64_t last_ticket;
    struct bn_rrd_answer last;
    char json[400];
} rig;

static void begin(void)
{
    struct bn_fetch_config fetch = {.at_once = 200,
            .queue_max = 200,
            .per_host = 2,
            .idle_max = 8,
            .bodies_max = 1 << 20,
            .keep_ms = 100};
    char aad[BN_TOKEN_AAD_SIZE];
    memset(&rig, 0, sizeof rig);
    CHECK(bn_secret_start(NULL));
    CHECK(bn_loop_create(&rig.loop, &rig.wall, NULL));
    rig.clock = rig.wall;
    bn_hub_init(&rig.hub, &rig.clock, NULL, bn_loop_wake, rig.loop);
    CHECK(bn_net_parse(BN_STR("127.0.0.0/8"), &fetch.policy.allowed[0], NULL));
    fetch.policy.allowed_count = 1;
    CHECK(bn_fetch_create(rig.loop, &fetch, &rig.fetch, NULL));
    snprintf(rig.key.id, sizeof rig.key.id, "k");
    const struct bn_rrd_config config = {&rig.hub, &rig.clock, rig.fetch, &rig.key};
    rig.rrd = bn_rrd_create(&config);
    rig.answers[0] = (struct peer_answer){GUEST, OK("{\"data\":[{\"time\":60,\"cpu\":0.5}]}"), 0,
            true};
    rig.answers[1] = (struct peer_answer){"/api2/json/nodes/n1/rrddata",
            OK("{\"data\":[{\"time\":60,\"loadavg\":1.5}]}"), 0, true};
    rig.peer.answers = rig.answers;
    rig.peer.answer_count = COUNT(rig.answers);
    rig.tls = load("a");
    peer_open(&rig.peer, rig.loop, rig.tls);
    bn_record_clear(&bn_server_type, &rig.server);
    snprintf(rig.server.id, sizeof rig.server.id, "s1");
    snprintf(rig.server.host, sizeof rig.server.host, "127.0.0.1");
    snprintf(rig.server.token_hint, sizeof rig.server.token_hint, "root@pam!t=x");
    rig.server.port = bn_listener_port(rig.peer.listener);
    fingerprint_of("a", rig.server.fingerprint);
    bn_token_aad(BN_TENANT_DEFAULT, "s1", aad);
    CHECK(bn_seal(&rig.key, aad, BN_STR(TOKEN), rig.server.token, sizeof rig.server.token));
}

static void end(void)
{
    bn_fetch_destroy(rig.fetch);
    bn_rrd_destroy(rig.rrd);
    peer_close(&rig.peer);
    bn_tls_config_unref(rig.tls);
    bn_hub_finish(&rig.hub);
    bn_loop_destroy(rig.loop);
}

static bool turn(void *user)
{
    (void)user;
    bn_fetch_collect(rig.fetch);
    bn_streams_tick(rig.loop);
    return bn_hub_turn(&rig.hub);
}

static void await_told(int count)
{
    const int64_t begun_ms = rig.wall.mono_ms;
    while (rig.told < count) {
        if (rig.wall.mono_ms - begun_ms > 20000)
            fail_msg("waited in vain for answer %d", count);
        bn_loop_round(rig.loop, 5, turn, NULL);
    }
    CHECK_INT(rig.told, count);
}

static void told(void *user, uint64_t ticket, const struct bn_rrd_answer *answer)
{
    CHECK(user == &rig);
    rig.told++;
    rig.last_ticket = ticket;
    rig.last = *answer;
    rig.json[0] = '\0';
    if (answer->json)
        bn_text_clip(rig.json, sizeof rig.json, bn_buf_str(answer->json));
}

static bool ask(const char *type, int64_t vmid, const char *range, struct bn_err *err)
{
    static uint64_t ticket;
    const struct bn_rrd_subject subject = {BN_TENANT_DEFAULT, &rig.server, "n1", type, vmid, range};
    const struct bn_rrd_waiter waiter = {told, &rig, ++ticket};
    return bn_rrd_ask(rig.rrd, &subject, &waiter, err);
}

static struct bn_rrd_stats stats(void)
{
    struct bn_rrd_stats out;
    bn_rrd_get_stats(rig.rrd, &out);
    return out;
}

BN_TEST(ten_who_watch_cost_one_question_and_so_does_who_comes_within_twenty_seconds)
{
    begin();
    for (int i = 0; i < 10; i++)
        CHECK(ask("qemu", 100, "hour", NULL));
    CHECK_INT(rig.told, 0);
    await_told(10);
    CHECK_INT(rig.peer.requests, 1);
    CHECK(strstr(rig.peer.asked, GUEST "?timeframe=hour&cf=AVERAGE HTTP/1.1"));
    CHECK(strstr(rig.peer.asked, "Authorization: PVEAPIToken=" TOKEN));
    CHECK(strstr(rig.json, "{\"range\":\"hour\",\"step_s\":null,\"points\":[{\"time\":"
                           "\"1970-01-01T00:01:00.000Z\",\"cpu\":0.5,"));
    rig.clock.mono_ms += BN_RRD_KEEP_MS - 1;
    CHECK(ask("qemu", 100, "hour", NULL));
    CHECK_INT(rig.told, 11); /* at once */
    rig.clock.mono_ms += 1;
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(12);
    CHECK_INT(rig.peer.requests, 2);
    CHECK_INT(stats().kept, 1);
    end();
}

BN_TEST(another_range_subject_or_server_is_another_question)
{
    begin();
    CHECK(ask("qemu", 100, "hour", NULL));
    CHECK(ask("qemu", 100, "day", NULL));
    CHECK(ask(NULL, 0, "hour", NULL));
    rig.server.updated_at++; /* somebody changed it */
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(4);
    CHECK_INT(rig.peer.requests, 4);
    CHECK(strstr(rig.peer.asked, "/api2/json/nodes/n1/rrddata?timeframe=hour"));
    end();
}

BN_TEST(a_refusal_is_told_to_all_who_wait_with_what_to_do_and_is_not_kept)
{
    begin();
    rig.answers[0].bytes = "HTTP/1.1 403 Permission check failed (/vms/100, VM.Audit)\r\n"
                           "Connection: close\r\n\r\n{\"data\":null}";
    CHECK(ask("qemu", 100, "hour", NULL));
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(2);
    CHECK(!rig.last.json);
    CHECK_INT(rig.last.err.code, BN_E_UPSTREAM);
    CHECK(strstr(rig.last.err.text, "the token lacks VM.Audit on /vms/100"));
    CHECK_STR(rig.last.hint, "pveum acl modify /vms/100 --tokens 'root@pam!t' --roles PVEAuditor");
    rig.answers[0].bytes = OK("<html>");
    CHECK(ask("qemu", 100, "hour", NULL));
    await_told(3);
    CHECK(strstr(rig.last.err.text, "no JSON"));
    CHECK_INT(stats().asked, 2);
    CHECK_INT(stats().kept, 0);
    end();
}

BN_TEST(answers_kept_are_bounded_and_so_are_questions)
{
    struct bn_err err;
    begin();
    rig.peer.closes_at_once = true;
    for (int i = 0; i < BN_RRD_AT_ONCE; i++)
        CHECK(ask("qemu", 1000 + i, "hour", NULL));
    CHECK(!ask("qemu", 9999, "hour", &err));
    CHECK_INT(err.code, BN_E_UNAVAILABLE);
    CHECK(ask("qemu", 1000, "hour", &err)); /* joins */
    CHECK_INT(stats().under_way, BN_RRD_AT_ONCE);
    await_told(BN_RRD_AT_ONCE + 1);
    CHECK_INT(stats().under_way, 0);
    rig.peer.closes_at_once = false;
    static const char *const ranges[] = {"hour", "day", "week", "month", "year"};
    for (int i = 0; i < BN_RRD_KEPT_MAX + 10; i++) {
        const int before = rig.told;
        rig.server.updated_at++;
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
    bn_rrd_hurry(rig.rrd);
    CHECK_INT(rig.told, 1);
    CHECK_INT(rig.last.err.code, BN_E_UNAVAILABLE);
    bn_rrd_hurry(NULL);
    end();
    CHECK_INT(rig.told, 1);
}

BN_TEST_MAIN()

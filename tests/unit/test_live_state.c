#include "bn_test.h"
#include "people_rig.h"
#include "web/live.h"

/* What asks about topics without a socket of its own: states, event streams, and how many may. */

static struct people_rig rig;

static void measure(double busy_pct)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.core.id, sizeof fact.u.core.id, BN_STR("0"));
    fact.u.core.busy_pct = busy_pct;
    bn_hub_tell(&rig.web.hub, &fact);
    web_rig_round(&rig.web);
}

static int send_get(const char *who, const char *target)
{
    char line[400];
    snprintf(line, sizeof line, "GET %s", target);
    return people_send(&rig, who, line, "");
}

static void check_get(const char *who, const char *target, int status, const char *part)
{
    people_check_answer(&rig, send_get(who, target), status, part);
}

/* The target that waits for the next change of the topic. */
static void wait_target(const char *topic, char out[200])
{
    const struct bn_topic *at = bn_topic_find(&rig.web.hub.topics, BN_TENANT_DEFAULT,
            bn_str(topic));
    CHECK(at);
    snprintf(out, 200, "/api/v1/state?topic=%s&wait=30&since=%s.%llu", topic, at->epoch,
            (unsigned long long)at->seq);
}

static const struct bn_session *session_of(const char *user)
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    CHECK_INT(bn_sessions_of(rig.web.sessions, BN_TENANT_DEFAULT, user, all), 1);
    return all[0];
}

BN_TEST(what_cannot_be_asked_is_refused_by_name)
{
    static const struct {
        const char *target;
        int status;
        const char *part;
    } rows[] = {
            {"/api/v1/state", 400, "say which topic: ?topic=meter.host"},
            {"/api/v1/state?topic=ghost", 404, "there is no topic \\\"ghost\\\""},
            {"/api/v1/state?topic=self", 403, "vera may not read this topic"},
            {"/api/v1/state?topic=meter.host&wait=61", 400, "wait must be 0..60 seconds"},
            {"/api/v1/state?topic=meter.host&tenant=other", 404,
                    "you have no tenant \\\"other\\\""},
            {"/api/v1/events", 400, "say which topics"},
            {"/api/v1/events?topic=meter.host&x=1", 400, "unknown parameter \\\"x\\\""},
            {"/api/v1/events?topic=meter.host&tenant=other", 404,
                    "you have no tenant \\\"other\\\""},
    };

    people_init(&rig);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_get(rig.vera, rows[i].target, rows[i].status, rows[i].part);
    check_get(rig.vera, "/api/v1/state?topic=meter.host&tenant=default", 200, "\"v\":");
    people_finish(&rig);
}

BN_TEST(a_position_that_cannot_be_continued_gets_everything)
{
    static const char *const positions[] = {"", "x", "x.1", "1", ".", "x.-1", "x.1.1"};
    people_init(&rig);
    measure(12.5);
    for (size_t i = 0; i < COUNT(positions); i++) {
        char target[200];
        snprintf(target, sizeof target, "/api/v1/state?topic=meter.host&wait=30&since=%s",
                positions[i]);
        check_get(rig.vera, target, 200, "\"busy_pct\":12.5");
    }
    people_finish(&rig);
}

BN_TEST(who_waits_is_answered_with_the_change)
{
    char target[200];
    people_init(&rig);
    measure(12.5);
    wait_target("meter.host", target);
    const int fd = send_get(rig.vera, target);
    people_await_waiting(&rig, 1);
    CHECK_INT(rig.web.web->poll_count, 1);
    measure(50);
    people_check_answer(&rig, fd, 200, "\"p\":{\"cores\":{\"0\":{\"busy_pct\":50}}}");
    CHECK_INT(rig.web.web->poll_count, 0);
    people_finish(&rig);
}

BN_TEST(who_waits_and_leaves_is_forgotten)
{
    char target[200];
    people_init(&rig);
    measure(12.5);
    wait_target("meter.host", target);
    const int fd = send_get(rig.vera, target);
    people_await_waiting(&rig, 1);
    people_reset(fd);
    people_await_waiting(&rig, 0);
    CHECK_INT(rig.web.web->poll_count, 0);
    measure(50);
    people_finish(&rig);
}

BN_TEST(who_waits_while_the_session_ends_is_told_so)
{
    char target[200];
    people_init(&rig);
    measure(12.5);
    wait_target("meter.host", target);
    const int fd = send_get(rig.vera, target);
    people_await_waiting(&rig, 1);
    CHECK(bn_sessions_end(rig.web.sessions, BN_TENANT_DEFAULT, session_of("vera")->id, NULL, NULL,
            NULL));
    people_check_answer(&rig, fd, 401, "the session or key ended");
    people_finish(&rig);
}

BN_TEST(so_many_may_wait_and_no_more)
{
    char target[200];
    people_init(&rig);
    measure(12.5);
    wait_target("meter.host", target);
    rig.web.web->poll_count += 4096; /* as many as the limit; each would cost two descriptors */
    check_get(rig.vera, target, 503, "4096 requests are waiting for changes already");
    CHECK(strstr(rig.web.answer.p, "Retry-After: 5\r\n"));
    rig.web.web->poll_count -= 4096;
    people_finish(&rig);
}

BN_TEST(who_waits_when_the_server_goes_is_answered)
{
    char target[200];
    people_init(&rig);
    measure(12.5);
    wait_target("meter.host", target);
    const int fd = send_get(rig.vera, target);
    people_await_waiting(&rig, 1);
    bn_web_drain(rig.web.web, 0);
    people_check_answer(&rig, fd, 200, "\"p\":{}");
    people_finish(&rig);
}

/* --- room ------------------------------------------------------------------------------------- */

BN_TEST(a_head_of_a_stream_is_answered_without_one)
{
    people_init(&rig);
    people_check(&rig, rig.vera, "HEAD /api/v1/events?topic=meter.host", "", 200, "");
    CHECK_INT(rig.web.web->stats.listeners, 0);
    people_finish(&rig);
}

BN_TEST(a_listener_too_many_is_refused_and_administrators_have_room_of_their_own)
{
    static const char target[] = "/api/v1/events?topic=meter.host";
    people_init(&rig);
    rig.web.web->stats.listeners += 10; /* the limit of the rig */
    check_get(rig.vera, target, 503,
            "max_clients: all 10 live connections are in use\",\"request_id\":");
    CHECK(strstr(rig.web.answer.p, "\"limit\":10,\"in_use\":10}"));
    const int fd = send_get(rig.ada, target);
    WEB_AWAIT(&rig.web, rig.web.web->stats.listeners == 11);
    people_reset(fd);
    WEB_AWAIT(&rig.web, rig.web.web->stats.listeners == 10);
    rig.web.web->stats.listeners -= 10;
    people_finish(&rig);
}

BN_TEST(a_person_has_so_many_listeners_and_a_key_has_no_such_limit)
{
    static const char target[] = "/api/v1/events?topic=meter.host";
    static int fds[BN_LISTENERS_PER_USER_MAX + 1];
    struct bn_web_stats *stats;
    people_init(&rig);
    stats = &rig.web.web->stats;
    rig.web.web->config.listeners_max = rig.web.web->config.connections_max = 300;
    for (int i = 0; i <= BN_LISTENERS_PER_USER_MAX; i++) {
        fds[i] = send_get(i == 0 ? "bnk_reader_x" : rig.vera, target);
        WEB_AWAIT(&rig.web, stats->listeners == i + 1);
    }
    check_get(rig.vera, target, 429, "vera has 200 live connections already");
    CHECK(strstr(rig.web.answer.p, "Retry-After: 5\r\n"));
    people_reset(fds[1]);
    WEB_AWAIT(&rig.web, stats->listeners == BN_LISTENERS_PER_USER_MAX);
    fds[1] = send_get(rig.vera, target); /* one left, so one may come */
    WEB_AWAIT(&rig.web, stats->listeners == BN_LISTENERS_PER_USER_MAX + 1);
    for (int i = 0; i <= BN_LISTENERS_PER_USER_MAX; i++)
        close(fds[i]);
    people_finish(&rig);
}

BN_TEST(no_listener_begins_while_the_server_goes)
{
    people_init(&rig);
    web_rig_round(&rig.web);
    rig.web.web->draining = true; /* as in the turn of the signal, before connections are closed */
    check_get(rig.vera, "/api/v1/events?topic=meter.host", 503, "the server is shutting down");
    CHECK(strstr(rig.web.answer.p, "Retry-After: 2\r\n"));
    people_finish(&rig);
}

BN_TEST_MAIN()

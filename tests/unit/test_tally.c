#include "web/live.h"
#include "web_rig.h"

/* --- how long a change was on its way -------------------------------------------------------- */

BN_TEST(each_write_of_a_batch_is_counted_with_the_time_since_the_commit)
{
    struct bn_tally tally = {0};
    for (int i = 0; i < 3; i++)
        bn_tally_write(&tally);
    bn_tally_date(&tally, 900 * 1000);
    bn_tally_write(&tally);
    bn_tally_date(&tally, 1000 * 1000); /* an upper end belongs to its bucket */
    bn_tally_write(&tally);
    bn_tally_date(&tally, 60 * 1000 * 1000);
    bn_tally_write(&tally);
    bn_tally_date(&tally, INT64_C(9000) * 1000 * 1000);
    CHECK_INT(tally.delays[0], 4);
    CHECK_INT(tally.delays[6], 1);
    CHECK_INT(tally.delays[BN_DELAYS - 1], 1);
    CHECK_INT(tally.delay_count, 6);
    CHECK_INT(tally.delay_ns, (3 * 900 + 1000 + 60 * 1000 + 9000 * 1000) * INT64_C(1000));
    CHECK_INT(tally.undated, 0);
}

/* --- what /metrics says ---------------------------------------------------------------------- */

static double metric(const char *text, const char *name)
{
    char start[160];
    int len = snprintf(start, sizeof start, "\nbinnacle_%s ", name);
    const char *at = strstr(text, start);
    double value = -1;
    if (!at || !bn_parse_f64((struct bn_str){at + len, strcspn(at + len, "\n")}, &value))
        fail_msg("there is no %s", name);
    return value;
}

static const char *metrics(struct web_rig *rig)
{
    const char *body;
    CHECK_INT(web_rig_get(rig, "reader", "/metrics", &body), 200);
    return body;
}

static int open_stream(struct web_rig *rig, const char *target)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)rig->port)};
    char head[512];
    int64_t before = rig->web->stats.listeners;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    int len = snprintf(head, sizeof head,
            "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer bnk_admin_x\r\n\r\n",
            target);
    CHECK_INT(send(fd, head, (size_t)len, MSG_NOSIGNAL), len);
    WEB_AWAIT(rig, rig->web->stats.listeners == before + 1);
    return fd;
}

static void measure(struct web_rig *rig, double busy_pct)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_CORE, "default");
    snprintf(fact.u.core.id, sizeof fact.u.core.id, "0");
    fact.u.core.busy_pct = busy_pct;
    bn_hub_tell(&rig->hub, &fact);
    web_rig_round(rig);
}

static void log_line(struct web_rig *rig, const char *id)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_LINE, "default");
    snprintf(fact.u.line.id, sizeof fact.u.line.id, "%s", id);
    bn_hub_tell(&rig->hub, &fact);
    web_rig_round(rig);
}

BN_TEST(what_listeners_were_told_is_counted_by_what_it_was)
{
    struct web_rig rig;
    web_rig_init(&rig, NULL, NULL, 0);
    measure(&rig, 1);
    int fd = open_stream(&rig, "/api/v1/events?topic=meter.host&topic=self.log");
    measure(&rig, 2);
    measure(&rig, 3);
    log_line(&rig, "1");
    const char *text = metrics(&rig);
    CHECK_INT(metric(text, "live_connections{proto=\"ws\"}"), 0);
    CHECK_INT(metric(text, "live_connections{proto=\"sse\"}"), 1);
    CHECK_INT(metric(text, "live_subscriptions{kind=\"state\"}"), 1);
    CHECK_INT(metric(text, "live_subscriptions{kind=\"log\"}"), 1);
    CHECK_INT(metric(text, "live_publish_total"), 4);
    CHECK_INT(metric(text, "live_frames_sent_total{proto=\"sse\",mode=\"delta\"}"), 2);
    CHECK_INT(metric(text, "live_frames_sent_total{proto=\"sse\",mode=\"event\"}"), 1);
    CHECK_INT(metric(text, "live_frames_sent_total{proto=\"sse\",mode=\"merged\"}"), 0);
    CHECK_INT(metric(text, "live_frames_sent_total{proto=\"ws\",mode=\"delta\"}"), 0);
    CHECK(metric(text, "live_bytes_sent_total{proto=\"sse\",z=\"0\"}") > 300);
    CHECK_INT(metric(text, "live_bytes_sent_total{proto=\"sse\",z=\"1\"}"), 0);
    CHECK_INT(metric(text, "live_publish_to_write_seconds_count"), 3);
    CHECK_INT(metric(text, "live_publish_to_write_seconds_bucket{le=\"+Inf\"}"), 3);
    CHECK(metric(text, "live_publish_to_write_seconds_sum") > 0);
    CHECK(metric(text, "live_ring_bytes") > 0);
    CHECK(metric(text, "live_encode_seconds_sum") > 0);
    CHECK_INT(metric(text, "live_encode_seconds_count"), metric(text, "live_encoded_total"));
    CHECK_INT(metric(text, "live_inflight_bytes"), 0);
    CHECK_INT(metric(text, "live_dirty_connections"), 0);
    close(fd);
    WEB_AWAIT(&rig, rig.web->stats.listeners == 0);
    CHECK_INT(metric(metrics(&rig), "live_connections{proto=\"sse\"}"), 0);
    CHECK_INT(metric(metrics(&rig), "live_subscriptions{kind=\"log\"}"), 0);
    web_rig_finish(&rig);
}

/* "id: " of a stream is a position in base64; the same as JSON would be too long to write here. */
static void position(const struct bn_topic *topic, uint64_t seq, char out[200])
{
    char json[100];
    int len = snprintf(json, sizeof json, "[[%u,\"%s\",%llu]]", topic->alias, topic->epoch,
            (unsigned long long)seq);
    bn_b64url_encode(json, (size_t)len, out);
}

BN_TEST(answers_to_positions_are_counted_by_what_they_were_and_others_are_not)
{
    struct web_rig rig;
    int fds[4];
    char id[200];
    char target[300];
    web_rig_init(&rig, NULL, NULL, 0);
    for (int i = 1; i <= 3; i++)
        measure(&rig, i);
    const struct bn_topic *topic = bn_topic_find(&rig.hub.topics, "default", BN_STR("meter.host"));
    fds[0] = open_stream(&rig, "/api/v1/events?topic=meter.host");
    for (uint64_t i = 1; i <= 3; i++) {
        position(topic, topic->seq + i - 2, id); /* behind, here, in the future */
        snprintf(target, sizeof target, "/api/v1/events?topic=meter.host&since=%s", id);
        fds[i] = open_stream(&rig, target);
    }
    const char *text = metrics(&rig);
    CHECK_INT(metric(text, "live_resume_total{result=\"resumed\"}"), 1);
    CHECK_INT(metric(text, "live_resume_total{result=\"same\"}"), 1);
    CHECK_INT(metric(text, "live_resume_total{result=\"snapshot\"}"), 1);
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    web_rig_finish(&rig);
}

BN_TEST(who_found_no_room_is_counted_by_what_was_full)
{
    struct web_rig rig;
    const char *body;
    web_rig_init(&rig, NULL, NULL, 0);
    rig.web->config.listeners_max = 0;
    CHECK_INT(web_rig_get(&rig, "reader", "/api/v1/events?topic=meter.host", &body), 503);
    CHECK_INT(metric(metrics(&rig), "live_rejected_total{reason=\"listeners\"}"), 1);
    rig.web->config.connections_max = 0;
    CHECK_INT(web_rig_get(&rig, "reader", "/healthz", &body), 503);
    rig.web->config.connections_max = 10;
    CHECK_INT(metric(metrics(&rig), "live_rejected_total{reason=\"connections\"}"), 1);
    CHECK_INT(metric(metrics(&rig), "live_rejected_total{reason=\"user\"}"), 0);
    web_rig_finish(&rig);
}

BN_TEST(series_that_found_no_room_are_counted)
{
    struct web_rig rig;
    web_rig_init(&rig, NULL, NULL, 0);
    measure(&rig, 1);
    rig.hub.live.tenants->series.refused = 7;
    const char *text = metrics(&rig);
    CHECK_INT(metric(text, "series"), 1);
    CHECK_INT(metric(text, "series_refused_total"), 7);
    web_rig_finish(&rig);
}

BN_TEST_MAIN()

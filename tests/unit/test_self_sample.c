#include <math.h>

#include "base/clock.h"
#include "base/log.h"

#include "bn_test.h"
#include "source/self_sample.h"

static struct bn_self cleared(void)
{
    struct bn_self self;
    bn_record_clear(&bn_self_type, &self);
    return self;
}

BN_TEST(rates_come_of_counters_and_gauges_stay_as_they_are)
{
    struct bn_self_before before = {.at = {0, 0}};
    struct bn_self_process process = {5000000000, 1 << 20, 12, 3};
    struct bn_self_figures figures;
    struct bn_moment at = {7 * BN_SECOND_NS, 7 * BN_SECOND_NS};
    bn_self_figures_clear(&figures);
    figures.turns = 1000;
    figures.messages = 50;
    figures.sent_bytes = 1000;
    figures.connections = 9;
    struct bn_self self = cleared();
    bn_self_sample(&before, &at, &process, &figures, &self);
    CHECK(isnan(self.cpu_pct) && isnan(self.turns_ps) && isnan(self.sent_bps));
    CHECK_INT(self.rss_bytes, 1 << 20);
    CHECK_INT(self.fd_count, 12);
    CHECK_INT(self.thread_count, 3);
    CHECK_INT(self.connections, 9);
    CHECK_INT(self.listeners, BN_UNKNOWN);
    CHECK(isnan(self.loop_lag_ms));

    at.mono_ns += 2 * BN_SECOND_NS;
    at.boot_ns += 2 * BN_SECOND_NS;
    process.cpu_ns += 30000000; /* 30 ms in 2 s: 1.5 % of a core */
    figures.turns = 1400;
    figures.messages = 49; /* a part was made anew */
    figures.sent_bytes = 5000;
    figures.worst_lag_ms = 3.5;
    figures.is_degraded = true;
    figures.degraded_why = "the disk is full\n";
    self = cleared();
    bn_self_sample(&before, &at, &process, &figures, &self);
    CHECK_NEAR(self.cpu_pct, 1.5, 1e-9);
    CHECK_NEAR(self.turns_ps, 200, 1e-9);
    CHECK(isnan(self.messages_ps));
    CHECK(isnan(self.facts_ps));
    CHECK_NEAR(self.sent_bps, 2000, 1e-9);
    CHECK_NEAR(self.loop_lag_ms, 3.5, 1e-9);
    CHECK_INT(self.degraded, 1);
    CHECK_STR(self.degraded_why, "the disk is full?");
}

BN_TEST(this_process_has_memory_threads_and_descriptors)
{
    struct bn_self_reader reader;
    struct bn_self_process one;
    struct bn_self_process two;
    bn_self_reader_init(&reader);
    bn_self_read(&reader, &one);
    int fds[2];
    CHECK_INT(pipe(fds), 0);
    for (volatile unsigned spin = 0; spin < 50000000; spin++)
        ;
    reader.fd_next_ns = 0;
    bn_self_read(&reader, &two);
    CHECK(one.rss_bytes > 1 << 20 && one.rss_bytes < (uint64_t)8 << 30);
    CHECK_INT(one.thread_count, 1);
    CHECK(two.cpu_ns > one.cpu_ns + 1000000);
    CHECK(two.fd_count == one.fd_count + 2 || two.fd_count == one.fd_count + 3);
    close(fds[0]);
    close(fds[1]);
    bn_self_reader_finish(&reader);
}

/* --- on a loop ---------------------------------------------------------------------------------
 */

static struct bn_self last;
static int heard;

static void hear(void *user, const struct bn_fact *fact)
{
    struct bn_err err;
    CHECK_INT(fact->kind, BN_KIND_SELF);
    CHECK_STR(fact->tenant, "default");
    if (!bn_record_check(&bn_self_type, &fact->u, &err))
        fail_msg("%s", err.text);
    last = fact->u.self;
    (*(int *)user)++;
}

static void fill(void *user, struct bn_self_figures *figures)
{
    uint64_t *turns = user;
    figures->turns = *turns += 100;
    figures->db_bytes = 4096;
}

BN_TEST(the_source_tells_itself_each_second)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_self_source *source;
    struct bn_err err;
    uint64_t turns = 0;
    bn_log_set_fd(-1);
    bn_log(BN_WARN, "test.warning", BN_KV("why", "to be counted"));
    if (!bn_loop_create(&loop, &clock, &err) || !bn_self_source_start(loop,
                                                        &(struct bn_self_config){.tell = hear,
                                                                .tell_user = &heard,
                                                                .fill = fill,
                                                                .fill_user = &turns},
                                                        &source, &err))
        fail_msg("%s", err.text);
    int64_t until_ns = bn_clock_mono_ns() + 10 * BN_SECOND_NS;
    while (heard < 2 && bn_clock_mono_ns() < until_ns)
        bn_loop_round(loop, 100, NULL, NULL);
    CHECK_INT(heard, 2);
    CHECK_STR(last.id, "local");
    CHECK_STR(last.version, BN_VERSION);
    CHECK(last.cpu_pct >= 0 && last.cpu_pct < 100);
    CHECK(last.turns_ps > 60 && last.turns_ps < 210);
    CHECK_INT(last.db_bytes, 4096);
    CHECK_INT(last.warnings, 1);
    CHECK(last.started_at > 0 && last.started_at <= last.at);
    bn_self_source_stop(source);
    bn_self_source_stop(NULL);
    bn_loop_destroy(loop);
}

BN_TEST_MAIN()

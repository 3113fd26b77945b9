#include <math.h>
#include <sys/resource.h>

#include "base/clock.h"

#include "bn_test.h"
#include "source/host.h"
#include "source/host_sample.h"

/* The machine that runs this test: ranges only, since it is whatever it is. */

static struct {
    struct bn_host host;
    size_t hosts;
    int64_t last_s; /* of the sample before the last */
    double cores_busy;
    size_t cores;
    size_t disks;
    size_t nics;
    size_t mounts;
    bool has_root;
    struct bn_proc child;
    int64_t child_pid;
    double child_pct;
} heard;

static void hear(void *user, const struct bn_fact *fact)
{
    (void)user;
    struct bn_err err;
    const struct bn_record_type *type = bn_kinds[fact->kind].type;
    if (fact->op == BN_GONE)
        return;
    if (!bn_record_check(type, &fact->u, &err))
        fail_msg("%s %s: %s", type->name, bn_record_key(type, &fact->u), err.text);
    switch ((enum bn_kind)fact->kind) {
    case BN_KIND_HOST:
        heard.last_s = heard.host.at / 1000;
        heard.host = fact->u.host;
        heard.hosts++;
        break;
    case BN_KIND_CORE: heard.cores++; break;
    case BN_KIND_DISK: heard.disks++; break;
    case BN_KIND_NIC: heard.nics++; break;
    case BN_KIND_MOUNT:
        heard.mounts++;
        heard.has_root |= strcmp(fact->u.mount.id, "/") == 0 && fact->u.mount.total_bytes > 0;
        break;
    case BN_KIND_PROC:
        if (fact->u.proc.pid == heard.child_pid) {
            heard.child = fact->u.proc;
            if (fact->u.proc.cpu_pct > heard.child_pct)
                heard.child_pct = fact->u.proc.cpu_pct;
        }
        break;
    default: fail_msg("a fact of kind %d", fact->kind);
    }
}

static void sample(struct bn_host_sampler *s)
{
    struct bn_clock clock;
    bn_clock_read(&clock);
    bool more = bn_host_sample(s, clock.now_ms);
    while (more)
        more = bn_host_sample_more(s);
}

static bool is_share(double pct)
{
    return pct >= 0 && pct <= 100;
}

BN_TEST(this_machine_is_within_reason_and_a_busy_child_shows)
{
    memset(&heard, 0, sizeof heard);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        for (volatile unsigned spin = 0;; spin++)
            ;
    }
    heard.child_pid = child;
    struct bn_host_sampler *s = bn_host_sampler_create(&(struct bn_host_world){.root = "",
            .tell = hear,
            .moment = bn_moment_now,
            .cost_ns = bn_host_cost_now,
            .fs_read = bn_fs_read});
    sample(s);
    CHECK(isnan(heard.host.cpu_pct));
    for (int i = 0; i < 2; i++) {
        usleep(1100000);
        sample(s);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);

    const struct bn_host *host = &heard.host;
    CHECK(is_share(host->cpu_pct) && is_share(host->user_pct) && is_share(host->system_pct));
    CHECK(host->cpu_pct >= 10.0 / (double)host->core_count);
    CHECK(heard.child_pct > 2 && heard.child_pct < 150); /* others want the cores as well */
    CHECK(heard.child.started_at > host->booted_at);
    CHECK(heard.child.user[0] != 0);
    CHECK(strstr(heard.child.command, "test_host_live") != NULL);
    CHECK_INT(host->core_count, sysconf(_SC_NPROCESSORS_ONLN));
    CHECK_INT(heard.cores, 3 * host->core_count);
    CHECK(host->mem_total_bytes > 64 << 20);
    CHECK(host->mem_used_bytes > 0 && host->mem_used_bytes <= host->mem_total_bytes);
    CHECK(host->booted_at > 0 && host->booted_at < host->at);
    CHECK(host->process_count >= 2 && host->thread_count >= 2); /* read one after the other */
    CHECK(host->load1 >= 0);
    CHECK(host->context_switches_ps > 0);
    CHECK(host->tcp_established != BN_UNKNOWN);
    CHECK(host->name[0] && host->kernel[0] && host->arch[0]);
    CHECK(heard.nics >= 3);
    CHECK(heard.has_root);
    bn_host_sampler_destroy(s);
}

/* --- on a loop ---------------------------------------------------------------------------------
 */

BN_TEST(the_source_samples_each_second_and_stops)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_host_source *source;
    struct bn_err err;
    memset(&heard, 0, sizeof heard);
    heard.child_pid = -1;
    if (!bn_loop_create(&loop, &clock, &err) ||
            !bn_host_source_start(loop, hear, NULL, "", &source, &err))
        fail_msg("%s", err.text);
    int64_t until_ns = bn_clock_mono_ns() + 10 * BN_SECOND_NS;
    while (heard.hosts < 3 && bn_clock_mono_ns() < until_ns)
        bn_loop_round(loop, 100, NULL, NULL);
    CHECK_INT(heard.hosts, 3);
    CHECK(is_share(heard.host.cpu_pct));
    CHECK_INT(heard.host.at / 1000, heard.last_s + 1);
    bn_host_source_stop(source);
    bn_host_source_stop(NULL);
    bn_loop_destroy(loop);
}

BN_TEST(a_folder_without_proc_is_refused_by_name)
{
    struct bn_clock clock;
    struct bn_loop *loop;
    struct bn_host_source *source = NULL;
    struct bn_err err;
    char long_name[400];
    if (!bn_loop_create(&loop, &clock, &err))
        fail_msg("%s", err.text);
    CHECK(!bn_host_source_start(loop, hear, NULL, "/nowhere", &source, &err));
    CHECK_STR(err.text, "there is no /nowhere/proc/stat: this machine cannot be measured");
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    CHECK(!bn_host_source_start(loop, hear, NULL, long_name, &source, &err));
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK(source == NULL);
    bn_loop_destroy(loop);
}

BN_TEST_MAIN()

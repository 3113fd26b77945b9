#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#include "source/host_parts.h"
#include "wire/procfs.h"

#define CORES_MAX    1024
#define MHZ_EVERY_NS (5 * BN_SECOND_NS)
#define MHZ_AT_ONCE  64
/* Kernels before 5.18 measure a clock rate by sleeping 20 ms on the spot. Three slow answers in a
   row and we do not ask again. */
#define MHZ_SLOW_NS INT64_C(2000000)
#define MHZ_STRIKES 3
/* idle and iowait of a tickless processor may step back a little (proc(5)): that is none, not a
 * fault. */
#define BACKWARD_TICKS 100

struct core {
    bool is_known;
    bool is_seen;
    bool is_told;
    struct bn_procfs_cpu ticks;
    double mhz;
};

struct bn_host_cpus {
    struct bn_host_file stat;
    struct bn_moment before;
    bool has_before;
    struct bn_procfs_stat last;
    struct core *cores;
    size_t core_cap;
    struct bn_host_due mhz_due;
    size_t mhz_next;
    int mhz_strikes;
};

/* Percent of the interval's ticks. */
struct shares {
    double busy;
    double user;
    double system;
    double iowait;
    double steal;
};

struct bn_host_cpus *bn_host_cpus_create(void)
{
    struct bn_host_cpus *cpus = bn_alloc(sizeof *cpus);
    cpus->stat = (struct bn_host_file)BN_HOST_FILE("/proc/stat");
    return cpus;
}

void bn_host_cpus_destroy(struct bn_host_cpus *cpus)
{
    bn_host_file_close(&cpus->stat);
    free(cpus->cores);
    free(cpus);
}

static bool forward(uint64_t now, uint64_t before, double *out)
{
    if (now < before)
        return false;
    *out = (double)(now - before);
    return true;
}

static bool about_forward(uint64_t now, uint64_t before, double *out)
{
    if (now < before && before - now <= BACKWARD_TICKS) {
        *out = 0;
        return true;
    }
    return forward(now, before, out);
}

static struct shares shares_of(const struct bn_procfs_cpu *now, const struct bn_procfs_cpu *before)
{
    double user;
    double nice;
    double system;
    double idle;
    double iowait;
    double irq;
    double softirq;
    double steal;
    struct shares unknown = {NAN, NAN, NAN, NAN, NAN};
    if (!forward(now->user, before->user, &user) || !forward(now->nice, before->nice, &nice) ||
            !forward(now->system, before->system, &system) ||
            !about_forward(now->idle, before->idle, &idle) ||
            !about_forward(now->iowait, before->iowait, &iowait) ||
            !forward(now->irq, before->irq, &irq) ||
            !forward(now->softirq, before->softirq, &softirq) ||
            !forward(now->steal, before->steal, &steal))
        return unknown;
    double busy = user + nice + system + irq + softirq + steal;
    double total = busy + idle + iowait;
    if (total <= 0)
        return unknown;
    return (struct shares){.busy = 100 * busy / total,
            .user = 100 * (user + nice) / total,
            .system = 100 * (system + irq + softirq) / total,
            .iowait = 100 * iowait / total,
            .steal = 100 * steal / total};
}

/* --- clock rates -------------------------------------------------------------------------------
 */

static void read_mhz(struct bn_host_cpus *cpus, struct bn_host_sampler *s)
{
    if (cpus->mhz_strikes >= MHZ_STRIKES || cpus->core_cap == 0 ||
            !bn_host_is_due(&cpus->mhz_due, s, MHZ_EVERY_NS))
        return;
    for (size_t k = 0; k < BN_MIN(cpus->core_cap, MHZ_AT_ONCE); k++) {
        size_t i = cpus->mhz_next++ % cpus->core_cap;
        int64_t khz;
        if (!cpus->cores[i].is_known)
            continue;
        int64_t from_ns = bn_clock_mono_ns();
        bool has = bn_host_read_number(&s->reader, &khz,
                "/sys/devices/system/cpu/cpu%zu/cpufreq/scaling_cur_freq", i);
        bool slow = bn_clock_mono_ns() - from_ns > MHZ_SLOW_NS;
        cpus->mhz_strikes = slow ? cpus->mhz_strikes + 1 : 0;
        cpus->cores[i].mhz = has && khz > 0 ? (double)khz / 1000 : NAN;
        if (cpus->mhz_strikes == MHZ_STRIKES) {
            for (size_t c = 0; c < cpus->core_cap; c++)
                cpus->cores[c].mhz = NAN;
            return;
        }
    }
}

/* --- cores -------------------------------------------------------------------------------------
 */

static struct core *core_at(struct bn_host_cpus *cpus, uint64_t number)
{
    if (number >= CORES_MAX)
        return NULL;
    if (number >= cpus->core_cap) {
        size_t cap = BN_MAX((size_t)number + 1, cpus->core_cap * 2);
        cpus->cores = bn_realloc(cpus->cores, cap * sizeof *cpus->cores);
        for (size_t i = cpus->core_cap; i < cap; i++)
            cpus->cores[i] = (struct core){.mhz = NAN};
        cpus->core_cap = cap;
    }
    return &cpus->cores[number];
}

static void tell_core(struct bn_host_sampler *s, uint64_t number, const struct core *core,
        const struct bn_procfs_cpu *ticks, int64_t elapsed_ns)
{
    char id[24];
    snprintf(id, sizeof id, "%u", (unsigned)number);
    struct bn_core *out = &bn_host_fact(s, BN_KIND_CORE, id)->core;
    if (elapsed_ns > 0 && core->is_known)
        out->busy_pct = shares_of(ticks, &core->ticks).busy;
    out->mhz = core->mhz;
    bn_host_tell(s);
}

static void sample_cores(struct bn_host_cpus *cpus, struct bn_host_sampler *s, struct bn_str text,
        int64_t elapsed_ns)
{
    uint64_t number;
    struct bn_procfs_cpu ticks;
    int64_t count = 0;
    for (size_t i = 0; i < cpus->core_cap; i++)
        cpus->cores[i].is_seen = false;
    while (bn_procfs_core_next(&text, &number, &ticks)) {
        struct core *core = core_at(cpus, number);
        count++;
        if (!core)
            continue;
        tell_core(s, number, core, &ticks, elapsed_ns);
        core->ticks = ticks;
        core->is_seen = core->is_known = core->is_told = true;
    }
    for (size_t i = 0; i < cpus->core_cap; i++) {
        struct core *core = &cpus->cores[i];
        if (core->is_seen || !core->is_told)
            continue;
        char id[24];
        snprintf(id, sizeof id, "%zu", i);
        bn_host_tell_gone(s, BN_KIND_CORE, id);
        *core = (struct core){.mhz = NAN};
    }
    s->host.core_count = count > 0 ? count : BN_UNKNOWN;
}

/* --- the whole machine -------------------------------------------------------------------------
 */

/* The kernel computes the time of boot from two clocks; a correction of one of them is no new boot.
 */
static int64_t boot_time_ms(int64_t known_ms, uint64_t booted_s)
{
    if (booted_s == BN_ABSENT || booted_s > (uint64_t)INT64_MAX / 1000)
        return 0;
    int64_t ms = (int64_t)booted_s * 1000;
    return known_ms && ms - known_ms <= 2000 && known_ms - ms <= 2000 ? known_ms : ms;
}

static void sample_machine(struct bn_host_cpus *cpus, struct bn_host_sampler *s,
        const struct bn_procfs_stat *now, int64_t elapsed_ns)
{
    struct bn_host *host = &s->host;
    const struct bn_procfs_stat *last = &cpus->last;
    struct shares shares = {NAN, NAN, NAN, NAN, NAN};
    if (elapsed_ns > 0 && cpus->has_before && now->has_cpu && last->has_cpu)
        shares = shares_of(&now->cpu, &last->cpu);
    int64_t rate_ns = cpus->has_before ? elapsed_ns : 0;
    host->cpu_pct = shares.busy;
    host->user_pct = shares.user;
    host->system_pct = shares.system;
    host->iowait_pct = shares.iowait;
    host->steal_pct = shares.steal;
    host->interrupts_ps = bn_rate(now->interrupts, last->interrupts, rate_ns);
    host->context_switches_ps = bn_rate(now->context_switches, last->context_switches, rate_ns);
    host->forks_ps = bn_rate(now->forks, last->forks, rate_ns);
    host->running_count = bn_gauge(now->running);
    host->blocked_count = bn_gauge(now->blocked);
    host->booted_at = boot_time_ms(host->booted_at, now->booted_s);
}

void bn_host_cpus_sample(struct bn_host_cpus *cpus, struct bn_host_sampler *s)
{
    struct bn_moment at;
    struct bn_procfs_stat stat;
    struct bn_str text = bn_host_read(&s->reader, &cpus->stat);
    s->world.moment(s->world.user, &at);
    int64_t elapsed_ns = bn_elapsed(&cpus->before, &at);
    bn_procfs_stat(text, &stat);
    sample_machine(cpus, s, &stat, elapsed_ns);
    read_mhz(cpus, s);
    sample_cores(cpus, s, text, elapsed_ns);
    cpus->last = stat;
    cpus->has_before = true;
}

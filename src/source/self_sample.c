#include "source/self_sample.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "wire/procfs_pid.h"

/* Counting 10,000 descriptors one by one takes some milliseconds: at most a thousandth of a core.
 */
#define FD_SHARE  1000
#define FD_MAX_NS (30 * BN_SECOND_NS)

void bn_self_reader_init(struct bn_self_reader *reader)
{
    *reader = (struct bn_self_reader){.stat = BN_HOST_FILE("/proc/self/stat"),
            .fd_count = BN_ABSENT};
    bn_host_reader_init(&reader->reader, "");
}

void bn_self_reader_finish(struct bn_self_reader *reader)
{
    bn_host_file_close(&reader->stat);
    bn_host_reader_finish(&reader->reader);
}

static uint64_t count_entries(const char *path)
{
    uint64_t count = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return BN_ABSENT;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count - 1; /* the one that reads them */
}

/* Since Linux 6.2 the folder's size is the number of descriptors; before, it is 0. */
static uint64_t fd_count(struct bn_self_reader *reader)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (uint64_t)st.st_size;
    int64_t now_ns = bn_clock_mono_ns();
    if (now_ns < reader->fd_next_ns)
        return reader->fd_count;
    reader->fd_count = count_entries("/proc/self/fd");
    int64_t cost_ns = bn_clock_mono_ns() - now_ns;
    reader->fd_next_ns = now_ns + BN_MIN(cost_ns * FD_SHARE, FD_MAX_NS);
    return reader->fd_count;
}

void bn_self_read(struct bn_self_reader *reader, struct bn_self_process *out)
{
    struct bn_procfs_pid stat;
    struct timespec spent;
    *out = (struct bn_self_process){BN_ABSENT, BN_ABSENT, BN_ABSENT, BN_ABSENT};
    /* The text counts in hundredths of a second, and 1 % of a core is one of them per second. */
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0)
        out->cpu_ns = (uint64_t)spent.tv_sec * (uint64_t)BN_SECOND_NS + (uint64_t)spent.tv_nsec;
    if (bn_procfs_pid_stat(bn_host_read(&reader->reader, &reader->stat), &stat)) {
        out->thread_count = stat.threads;
        if (stat.resident_pages != BN_ABSENT)
            out->rss_bytes = stat.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    out->fd_count = fd_count(reader);
}

void bn_self_figures_clear(struct bn_self_figures *figures)
{
    *figures = (struct bn_self_figures){.turns = BN_ABSENT,
            .facts = BN_ABSENT,
            .messages = BN_ABSENT,
            .sent_bytes = BN_ABSENT,
            .requests = BN_ABSENT,
            .inbox_lost = BN_ABSENT,
            .conflated = BN_ABSENT,
            .gaps = BN_ABSENT,
            .slow_closed = BN_ABSENT,
            .store_lost = BN_ABSENT,
            .inbox_depth = BN_ABSENT,
            .connections = BN_ABSENT,
            .listeners = BN_ABSENT,
            .subscriptions = BN_ABSENT,
            .topics = BN_ABSENT,
            .store_queue = BN_ABSENT,
            .db_bytes = BN_ABSENT,
            .wal_bytes = BN_ABSENT,
            .worst_lag_ms = NAN,
            .store_ms = NAN};
}

static void fill_figures(struct bn_self *out, const struct bn_self_figures *now)
{
    out->loop_lag_ms = now->worst_lag_ms;
    out->store_ms = now->store_ms;
    out->inbox_depth = bn_gauge(now->inbox_depth);
    out->inbox_lost = bn_gauge(now->inbox_lost);
    out->connections = bn_gauge(now->connections);
    out->listeners = bn_gauge(now->listeners);
    out->subscriptions = bn_gauge(now->subscriptions);
    out->topics = bn_gauge(now->topics);
    out->conflated = bn_gauge(now->conflated);
    out->gaps = bn_gauge(now->gaps);
    out->slow_closed = bn_gauge(now->slow_closed);
    out->store_queue = bn_gauge(now->store_queue);
    out->store_lost = bn_gauge(now->store_lost);
    out->db_bytes = bn_gauge(now->db_bytes);
    out->wal_bytes = bn_gauge(now->wal_bytes);
    out->degraded = now->is_degraded;
    if (now->is_degraded && now->degraded_why)
        bn_scan_label(out->degraded_why, sizeof out->degraded_why, bn_str(now->degraded_why));
}

void bn_self_sample(struct bn_self_before *before, const struct bn_moment *at,
        const struct bn_self_process *process, const struct bn_self_figures *figures,
        struct bn_self *out)
{
    const struct bn_self_figures *last = &before->figures;
    int64_t elapsed_ns = bn_elapsed(&before->at, at);
    out->cpu_pct = bn_rate(process->cpu_ns, before->process.cpu_ns, elapsed_ns) / 1e7;
    out->rss_bytes = bn_gauge(process->rss_bytes);
    out->fd_count = bn_gauge(process->fd_count);
    out->thread_count = bn_gauge(process->thread_count);
    out->turns_ps = bn_rate(figures->turns, last->turns, elapsed_ns);
    out->facts_ps = bn_rate(figures->facts, last->facts, elapsed_ns);
    out->messages_ps = bn_rate(figures->messages, last->messages, elapsed_ns);
    out->sent_bps = bn_rate(figures->sent_bytes, last->sent_bytes, elapsed_ns);
    out->requests_ps = bn_rate(figures->requests, last->requests, elapsed_ns);
    fill_figures(out, figures);
    out->warnings = bn_gauge(bn_log_count(BN_WARN));
    out->errors = bn_gauge(bn_log_count(BN_ERROR));
    before->process = *process;
    before->figures = *figures;
    before->figures.degraded_why = NULL;
}

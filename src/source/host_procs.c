#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/host_parts.h"
#include "source/host_top.h"
#include "wire/procfs_pid.h"

/* Every 2 s; with many processes less often, so that it stays below a quarter of a percent of a
 * core. */
#define SCAN_EVERY_NS  (2 * BN_SECOND_NS)
#define SCAN_MANY_NS   (5 * BN_SECOND_NS)
#define MANY           500
#define SCAN_SHARE     400
#define SCAN_MAX_NS    (30 * BN_SECOND_NS)
#define SCAN_AT_ONCE   64    /* processes per turn: measured 8 us each */
#define PROCESSES_MAX  65536 /* more are counted, not compared */
#define STAT_BYTES_MAX 1024

struct bn_host_procs {
    DIR *dir;
    bool is_scanning;
    int64_t next_ns;
    int64_t period_ns;
    int64_t cost_ns;
    int64_t seen;
    struct bn_proc_list before; /* by pid */
    struct bn_proc_list now;
    size_t hint; /* where the next pid probably stands in before */
    double ticks_per_s;
    int64_t page_bytes;
    struct bn_proc_top top;
};

struct bn_host_procs *bn_host_procs_create(void)
{
    struct bn_host_procs *procs = bn_alloc(sizeof *procs);
    procs->ticks_per_s = (double)sysconf(_SC_CLK_TCK);
    procs->page_bytes = sysconf(_SC_PAGESIZE);
    procs->period_ns = SCAN_EVERY_NS;
    return procs;
}

void bn_host_procs_destroy(struct bn_host_procs *procs)
{
    if (procs->dir)
        closedir(procs->dir);
    free(procs->before.items);
    free(procs->now.items);
    free(procs);
}

/* --- one process -------------------------------------------------------------------------------
 */

static bool parse_pid(const char *name, int64_t *out)
{
    return isdigit((unsigned char)name[0]) && bn_parse_i64(bn_str(name), 1, INT32_MAX, out);
}

static struct bn_proc_seen *add(struct bn_proc_list *list)
{
    if (list->count == PROCESSES_MAX)
        return NULL;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 256;
        list->items = bn_realloc(list->items, list->cap * sizeof *list->items);
    }
    return &list->items[list->count++];
}

/* Both lists are in the order of pids, as the kernel gives them: the search only walks on. */
static const struct bn_proc_seen *find_before(struct bn_host_procs *procs, int64_t pid)
{
    const struct bn_proc_list *list = &procs->before;
    if (procs->hint > 0 && list->items[procs->hint - 1].pid >= pid)
        procs->hint = 0; /* the folder was not in order */
    while (procs->hint < list->count && list->items[procs->hint].pid < pid)
        procs->hint++;
    if (procs->hint == list->count || list->items[procs->hint].pid != pid)
        return NULL;
    return &list->items[procs->hint++];
}

static double cpu_pct(const struct bn_host_procs *procs, const struct bn_proc_seen *before,
        const struct bn_proc_seen *now)
{
    int64_t mono_ns = now->at.mono_ns - before->at.mono_ns;
    int64_t boot_ns = now->at.boot_ns - before->at.boot_ns;
    int64_t gap_ns = 2 * procs->period_ns + BN_GAP_NS;
    if (before->started_ticks != now->started_ticks || mono_ns > gap_ns || boot_ns > gap_ns)
        return NAN;
    return 100 * bn_rate(now->cpu_ticks, before->cpu_ticks, mono_ns) / procs->ticks_per_s;
}

static void read_process(struct bn_host_procs *procs, struct bn_host_sampler *s, int64_t pid)
{
    char path[32];
    char text[STAT_BYTES_MAX];
    struct bn_procfs_pid stat;
    snprintf(path, sizeof path, "%d/stat", (int)pid);
    int fd = openat(dirfd(procs->dir), path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* it has ended */
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n <= 0 || !bn_procfs_pid_stat((struct bn_str){text, (size_t)n}, &stat))
        return;
    struct bn_proc_seen *now = add(&procs->now);
    if (!now)
        return;
    *now = (struct bn_proc_seen){.pid = pid,
            .started_ticks = stat.started_ticks,
            .cpu_ticks = stat.cpu_ticks,
            .thread_count = bn_gauge(stat.threads),
            .memory_bytes = stat.resident_pages > (uint64_t)(INT64_MAX / procs->page_bytes)
                                    ? BN_UNKNOWN
                                    : (int64_t)stat.resident_pages * procs->page_bytes,
            .cpu_pct = NAN,
            .state = stat.state};
    bn_scan_label(now->name, sizeof now->name, stat.name);
    s->world.moment(s->world.user, &now->at);
    const struct bn_proc_seen *before = find_before(procs, pid);
    if (before)
        now->cpu_pct = cpu_pct(procs, before, now);
}

/* --- one scan ----------------------------------------------------------------------------------
 */

/* The kernel lists processes by number, so that there is nothing to move but in recorded folders.
 */
static void put_in_order(struct bn_proc_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct bn_proc_seen item = list->items[i];
        size_t at = i;
        for (; at > 0 && list->items[at - 1].pid > item.pid; at--)
            list->items[at] = list->items[at - 1];
        if (at != i)
            list->items[at] = item;
    }
}

static void end_scan(struct bn_host_procs *procs, struct bn_host_sampler *s)
{
    int64_t floor_ns = procs->seen > MANY ? SCAN_MANY_NS : SCAN_EVERY_NS;
    procs->is_scanning = false;
    s->host.process_count = procs->seen;
    bn_proc_top_tell(&procs->top, s, &procs->now);
    put_in_order(&procs->now);
    struct bn_proc_list swap = procs->before;
    procs->before = procs->now;
    procs->now = swap;
    procs->period_ns = bn_host_pace(procs->cost_ns, floor_ns, SCAN_SHARE, SCAN_MAX_NS);
    procs->next_ns = s->at.mono_ns + procs->period_ns;
}

void bn_host_procs_sample(struct bn_host_procs *procs, struct bn_host_sampler *s)
{
    char path[512];
    if (procs->is_scanning || s->at.mono_ns < procs->next_ns - BN_SECOND_NS / 2)
        return;
    if (!procs->dir) {
        if (!bn_host_path(&s->reader, path, sizeof path, "/proc"))
            return;
        procs->dir = opendir(path);
        if (!procs->dir) {
            procs->next_ns = s->at.mono_ns + SCAN_MAX_NS;
            return;
        }
    }
    rewinddir(procs->dir);
    procs->is_scanning = true;
    procs->seen = 0;
    procs->cost_ns = 0;
    procs->now.count = 0;
    procs->hint = 0;
}

bool bn_host_procs_more(struct bn_host_procs *procs, struct bn_host_sampler *s)
{
    if (!procs->is_scanning)
        return false;
    int64_t from_ns = s->world.cost_ns(s->world.user);
    const struct dirent *entry = NULL;
    for (int i = 0; i < SCAN_AT_ONCE;) {
        int64_t pid;
        entry = readdir(procs->dir);
        if (!entry)
            break;
        if (!parse_pid(entry->d_name, &pid))
            continue;
        procs->seen++;
        i++;
        read_process(procs, s, pid);
    }
    procs->cost_ns += s->world.cost_ns(s->world.user) - from_ns;
    if (!entry)
        end_scan(procs, s);
    return entry != NULL;
}

#include "source/host_top.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wire/procfs.h"
#include "wire/procfs_pid.h"

/* A process may become another program or another user without a new pid. */
#define DETAILS_EVERY_NS (30 * BN_SECOND_NS)
#define USERS_EVERY_NS   (600 * BN_SECOND_NS)
#define COMMAND_BYTES    2048
#define STATUS_BYTES     4096
#define PASSWD_BYTES     (1 << 20)

/* --- choosing ----------------------------------------------------------------------------------
 */

struct best {
    const struct bn_proc_seen *items[BN_PROC_TOP_EACH];
    double keys[BN_PROC_TOP_EACH];
    size_t count;
};

/* Largest first; of equals the one that came first stays before. */
static void offer(struct best *best, const struct bn_proc_seen *item, double key)
{
    size_t at = best->count;
    if (!(key > 0) || (at == BN_PROC_TOP_EACH && key <= best->keys[at - 1]))
        return;
    if (at == BN_PROC_TOP_EACH)
        at--;
    for (; at > 0 && best->keys[at - 1] < key; at--) {
        best->keys[at] = best->keys[at - 1];
        best->items[at] = best->items[at - 1];
    }
    best->keys[at] = key;
    best->items[at] = item;
    best->count = BN_MIN(best->count + 1, BN_PROC_TOP_EACH);
}

/* --- who and what ------------------------------------------------------------------------------
 */

/* From the local list only: asking the network for a name could take seconds. */
static const char *user_name(struct bn_proc_top *top, struct bn_host_sampler *s, uint64_t uid)
{
    if (s->at.mono_ns - top->users_ns > USERS_EVERY_NS || top->user_count == BN_PROC_USERS_MAX) {
        top->user_count = 0;
        top->users_ns = s->at.mono_ns;
    }
    for (size_t i = 0; i < top->user_count; i++)
        if (top->users[i].uid == uid)
            return top->users[i].name;
    size_t i = top->user_count++;
    top->users[i].uid = uid;
    struct bn_str text = bn_host_read_once(&s->reader, PASSWD_BYTES, "/etc/passwd");
    if (!bn_procfs_user(text, uid, top->users[i].name, sizeof top->users[i].name))
        snprintf(top->users[i].name, sizeof top->users[i].name, "%" PRIu64, uid);
    return top->users[i].name;
}

static void read_details(struct bn_proc_top *top, struct bn_host_sampler *s,
        struct bn_proc_told *told)
{
    uint64_t uid;
    int pid = (int)told->record.pid;
    struct bn_str text = bn_host_read_once(&s->reader, STATUS_BYTES, "/proc/%d/status", pid);
    told->details_ns = BN_MAX(s->at.mono_ns, 1);
    if (bn_procfs_pid_user(text, &uid))
        bn_text_clip(told->record.user, sizeof told->record.user, bn_str(user_name(top, s, uid)));
    text = bn_host_read_once(&s->reader, COMMAND_BYTES, "/proc/%d/cmdline", pid);
    bn_procfs_pid_command(text, told->record.command, sizeof told->record.command);
}

/* --- telling -----------------------------------------------------------------------------------
 */

static struct bn_proc_told *find_told(struct bn_proc_top *top, const struct bn_proc_seen *seen)
{
    for (size_t i = 0; i < top->told_count; i++)
        if (top->told[i].record.pid == seen->pid &&
                top->told[i].started_ticks == seen->started_ticks)
            return &top->told[i];
    return NULL;
}

static struct bn_proc_told *add_told(struct bn_proc_top *top, const struct bn_proc_seen *seen)
{
    struct bn_proc_told *told = &top->told[top->told_count++];
    *told = (struct bn_proc_told){.started_ticks = seen->started_ticks};
    bn_record_clear(bn_kinds[BN_KIND_PROC].type, &told->record);
    told->record.pid = seen->pid;
    snprintf(told->record.id, sizeof told->record.id, "%d.%" PRIu64, (int)seen->pid,
            seen->started_ticks);
    return told;
}

static int64_t started_at(const struct bn_host_sampler *s, uint64_t ticks)
{
    uint64_t per_s = (uint64_t)sysconf(_SC_CLK_TCK);
    if (!s->host.booted_at || ticks > (uint64_t)INT64_MAX / 1000)
        return 0;
    return s->host.booted_at + (int64_t)(ticks * 1000 / per_s);
}

static void put(struct bn_proc_top *top, struct bn_host_sampler *s, const struct bn_proc_seen *seen)
{
    struct bn_proc_told *told = find_told(top, seen);
    if (!told)
        told = add_told(top, seen);
    else if (told->is_seen)
        return; /* in both lists */
    told->is_seen = true;
    bool is_renamed = strcmp(told->record.name, seen->name) != 0;
    bn_text_clip(told->record.name, sizeof told->record.name, bn_str(seen->name));
    told->record.state[0] = seen->state >= 'A' && seen->state <= 'z' ? seen->state : '?';
    told->record.cpu_pct = seen->cpu_pct;
    told->record.memory_bytes = seen->memory_bytes;
    told->record.thread_count = seen->thread_count;
    told->record.started_at = started_at(s, seen->started_ticks);
    bool is_due = !told->details_ns || is_renamed ||
                  s->at.mono_ns - told->details_ns > DETAILS_EVERY_NS;
    /* Reading the arguments needs the process' memory map, which one stuck in the kernel may hold:
       whoever asks then waits with it. */
    if (is_due && seen->state != 'D')
        read_details(top, s, told);
    bn_host_fact(s, BN_KIND_PROC, told->record.id)->proc = told->record;
    bn_host_tell(s);
}

/* Rows that left go first: there is room for new ones then. */
static void drop_left(struct bn_proc_top *top, struct bn_host_sampler *s, const struct best *a,
        const struct best *b)
{
    for (size_t i = 0; i < a->count + b->count; i++) {
        const struct bn_proc_seen *seen = i < a->count ? a->items[i] : b->items[i - a->count];
        struct bn_proc_told *told = find_told(top, seen);
        if (told)
            told->is_seen = true;
    }
    size_t kept = 0;
    for (size_t i = 0; i < top->told_count; i++) {
        if (!top->told[i].is_seen) {
            bn_host_tell_gone(s, BN_KIND_PROC, top->told[i].record.id);
            continue;
        }
        top->told[i].is_seen = false;
        if (kept != i)
            top->told[kept] = top->told[i];
        kept++;
    }
    top->told_count = kept;
}

void bn_proc_top_tell(struct bn_proc_top *top, struct bn_host_sampler *s,
        const struct bn_proc_list *list)
{
    struct best cpu = {.count = 0};
    struct best memory = {.count = 0};
    for (size_t i = 0; i < list->count; i++) {
        const struct bn_proc_seen *seen = &list->items[i];
        offer(&cpu, seen, seen->cpu_pct);
        offer(&memory, seen, seen->memory_bytes == BN_UNKNOWN ? 0 : (double)seen->memory_bytes);
    }
    drop_left(top, s, &cpu, &memory);
    for (size_t i = 0; i < cpu.count; i++)
        put(top, s, cpu.items[i]);
    for (size_t i = 0; i < memory.count; i++)
        put(top, s, memory.items[i]);
    for (size_t i = 0; i < top->told_count; i++)
        top->told[i].is_seen = false;
}

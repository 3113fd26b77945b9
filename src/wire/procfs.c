#include "wire/procfs.h"

#include <math.h>
#include <string.h>

/* Above this a double, and so JavaScript, no longer tells neighbours apart. */
#define EXACT_MAX (UINT64_C(1) << 53)

/* --- /proc/stat --------------------------------------------------------------------------------
 */

static bool read_cpu(struct bn_str *line, struct bn_procfs_cpu *out)
{
    uint64_t value[8];
    if (bn_scan_numbers(line, value, COUNT(value)) < 4)
        return false;
    for (size_t i = 4; i < COUNT(value); i++)
        if (value[i] == BN_ABSENT)
            value[i] = 0;
    *out = (struct bn_procfs_cpu){value[0], value[1], value[2], value[3], value[4], value[5],
            value[6], value[7]};
    return true;
}

void bn_procfs_stat(struct bn_str text, struct bn_procfs_stat *out)
{
    struct bn_str line;
    *out = (struct bn_procfs_stat){.interrupts = BN_ABSENT,
            .context_switches = BN_ABSENT,
            .forks = BN_ABSENT,
            .booted_s = BN_ABSENT,
            .running = BN_ABSENT,
            .blocked = BN_ABSENT};
    while (bn_scan_line(&text, &line)) {
        if (bn_scan_prefix(&line, "cpu "))
            out->has_cpu = read_cpu(&line, &out->cpu);
        else if (bn_scan_prefix(&line, "intr "))
            bn_scan_u64(&line, &out->interrupts);
        else if (bn_scan_prefix(&line, "ctxt "))
            bn_scan_u64(&line, &out->context_switches);
        else if (bn_scan_prefix(&line, "btime "))
            bn_scan_u64(&line, &out->booted_s);
        else if (bn_scan_prefix(&line, "processes "))
            bn_scan_u64(&line, &out->forks);
        else if (bn_scan_prefix(&line, "procs_running "))
            bn_scan_u64(&line, &out->running);
        else if (bn_scan_prefix(&line, "procs_blocked "))
            bn_scan_u64(&line, &out->blocked);
    }
}

bool bn_procfs_core_next(struct bn_str *text, uint64_t *out_number, struct bn_procfs_cpu *out)
{
    struct bn_str line;
    while (bn_scan_line(text, &line)) {
        if (!bn_scan_prefix(&line, "cpu") || line.len == 0 || line.p[0] == ' ')
            continue;
        if (bn_scan_u64(&line, out_number) && read_cpu(&line, out))
            return true;
    }
    return false;
}

/* --- memory ------------------------------------------------------------------------------------
 */

/* "     12345 kB" */
static uint64_t kilobytes(struct bn_str line)
{
    uint64_t value;
    if (!bn_scan_u64(&line, &value) || value > UINT64_MAX / 2048)
        return BN_ABSENT;
    return value * 1024;
}

void bn_procfs_meminfo(struct bn_str text, struct bn_procfs_meminfo *out)
{
    const struct {
        const char *name;
        uint64_t *value;
    } wanted[] = {
            {"MemTotal:", &out->total},
            {"MemFree:", &out->free},
            {"MemAvailable:", &out->available},
            {"Buffers:", &out->buffers},
            {"Cached:", &out->cached},
            {"SReclaimable:", &out->reclaimable},
            {"SwapTotal:", &out->swap_total},
            {"SwapFree:", &out->swap_free},
    };
    struct bn_str line;
    for (size_t i = 0; i < COUNT(wanted); i++)
        *wanted[i].value = BN_ABSENT;
    while (bn_scan_line(&text, &line))
        for (size_t i = 0; i < COUNT(wanted); i++)
            if (bn_scan_prefix(&line, wanted[i].name)) {
                *wanted[i].value = kilobytes(line);
                break;
            }
}

void bn_procfs_vmstat(struct bn_str text, struct bn_procfs_vmstat *out)
{
    struct bn_str line;
    *out = (struct bn_procfs_vmstat){BN_ABSENT, BN_ABSENT};
    while (bn_scan_line(&text, &line)) {
        if (bn_scan_prefix(&line, "pswpin "))
            bn_scan_u64(&line, &out->swapped_in);
        else if (bn_scan_prefix(&line, "pswpout ")) {
            bn_scan_u64(&line, &out->swapped_out);
            return; /* a hundred lines follow */
        }
    }
}

/* --- load and pressure -------------------------------------------------------------------------
 */

static double share_or_nan(struct bn_str word)
{
    double value;
    return bn_parse_f64(word, &value) && value >= 0 ? value : NAN; /* what it reads is finite */
}

void bn_procfs_loadavg(struct bn_str text, struct bn_procfs_loadavg *out)
{
    struct bn_str line;
    *out = (struct bn_procfs_loadavg){{NAN, NAN, NAN}, BN_ABSENT};
    if (!bn_scan_line(&text, &line))
        return;
    for (size_t i = 0; i < COUNT(out->load); i++)
        out->load[i] = share_or_nan(bn_scan_word(&line));
    struct bn_str rest = bn_scan_word(&line); /* running/threads */
    bn_str_cut(&rest, '/');
    if (rest.p)
        bn_scan_u64(&rest, &out->threads);
}

double bn_procfs_pressure(struct bn_str text)
{
    struct bn_str line;
    while (bn_scan_line(&text, &line))
        if (bn_scan_prefix(&line, "some avg10="))
            return share_or_nan(bn_scan_word(&line));
    return NAN;
}

void bn_procfs_file_nr(struct bn_str text, struct bn_procfs_files *out)
{
    struct bn_str line;
    uint64_t value[3];
    *out = (struct bn_procfs_files){BN_ABSENT, BN_ABSENT};
    if (!bn_scan_line(&text, &line) || bn_scan_numbers(&line, value, 3) < 3 || value[1] > value[0])
        return;
    out->used = value[0] - value[1];
    if (value[2] < EXACT_MAX)
        out->max = value[2];
}

/* --- names -------------------------------------------------------------------------------------
 */

static bool has_word(struct bn_str line, const char *word)
{
    struct bn_str piece;
    while ((piece = bn_scan_word(&line)).len > 0)
        if (bn_str_is(piece, word))
            return true;
    return false;
}

void bn_procfs_cpuinfo(struct bn_str text, struct bn_procfs_cpuinfo *out)
{
    static const char *const names[] = {"model name", "cpu model", "uarch", "cpu"};
    struct bn_str line;
    size_t best = COUNT(names);
    *out = (struct bn_procfs_cpuinfo){.is_virtual = false};
    while (bn_scan_line(&text, &line)) {
        struct bn_str value = line;
        struct bn_str name = bn_str_trim(bn_str_cut(&value, ':'));
        if (name.len == 0 && line.len == 0)
            break; /* the next processor */
        if (!value.p)
            continue;
        for (size_t i = 0; i < best; i++)
            if (bn_str_is(name, names[i])) {
                bn_scan_label(out->model, sizeof out->model, value);
                best = i;
                break;
            }
        if (bn_str_is(name, "flags"))
            out->is_virtual = has_word(value, "hypervisor");
    }
}

/* Shell quoting as os-release(5) allows it, in place of a shell. */
static size_t unquote(struct bn_str from, char *out, size_t size)
{
    char quote = from.len > 0 && (from.p[0] == '"' || from.p[0] == '\'') ? from.p[0] : 0;
    size_t used = 0;
    for (size_t i = quote ? 1 : 0; i < from.len && used < size; i++) {
        char c = from.p[i];
        if (c == quote && quote)
            break;
        if (c == '\\' && quote != '\'' && i + 1 < from.len)
            c = from.p[++i];
        out[used++] = c;
    }
    return used;
}

void bn_procfs_os_release(struct bn_str text, char *out, size_t size)
{
    char plain[256];
    out[0] = 0;
    while (text.p) {
        struct bn_str line = bn_str_trim(bn_str_cut(&text, '\n'));
        if (!bn_scan_prefix(&line, "PRETTY_NAME="))
            continue;
        size_t len = unquote(line, plain, sizeof plain);
        bn_scan_label(out, size, (struct bn_str){plain, len});
    }
}

bool bn_procfs_user(struct bn_str text, uint64_t uid, char *out, size_t size)
{
    while (text.p) {
        struct bn_str line = bn_str_cut(&text, '\n');
        struct bn_str name = bn_str_cut(&line, ':');
        if (name.len == 0 || !line.p)
            continue;
        bn_str_cut(&line, ':');
        if (!line.p)
            continue;
        uint64_t id;
        if (!bn_parse_u64(bn_str_cut(&line, ':'), &id) || id != uid || !line.p)
            continue;
        bn_scan_label(out, size, name);
        return true;
    }
    return false;
}

bool bn_procfs_number(struct bn_str text, int64_t *out)
{
    struct bn_str line;
    if (!bn_scan_line(&text, &line))
        return false;
    return bn_parse_i64(bn_str_trim(line), INT64_MIN + 1, INT64_MAX, out);
}

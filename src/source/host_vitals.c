#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "source/host_parts.h"
#include "wire/procfs.h"

#define SENSORS_MAX    32
#define SENSOR_PATH    96
#define SENSE_EVERY_NS (5 * BN_SECOND_NS)
#define LOOK_EVERY_NS  (600 * BN_SECOND_NS)
/* A sensor on a slow bus holds up everybody; three slow answers in a row and it is left alone. */
#define SENSE_SLOW_NS INT64_C(2000000)
#define SENSE_STRIKES 3
/* Unconnected inputs of board chips read as 127 or -128 degrees; silicon stops working before that.
 */
#define COLDEST_MC (-40000)
#define HOTTEST_MC 125000

struct sensor {
    char path[SENSOR_PATH];
    int strikes;
};

struct bn_host_vitals {
    struct bn_host_file meminfo;
    struct bn_host_file vmstat;
    struct bn_host_file loadavg;
    struct bn_host_file file_nr;
    struct bn_host_file pressure[3];
    struct bn_moment swap_before;
    struct bn_procfs_vmstat swap;
    uint64_t page_bytes;
    struct bn_host_due sense_due;
    struct bn_host_due look_due;
    struct sensor sensors[SENSORS_MAX];
    size_t sensor_count;
};

struct bn_host_vitals *bn_host_vitals_create(void)
{
    struct bn_host_vitals *vitals = bn_alloc(sizeof *vitals);
    vitals->meminfo = (struct bn_host_file)BN_HOST_FILE("/proc/meminfo");
    vitals->vmstat = (struct bn_host_file)BN_HOST_FILE("/proc/vmstat");
    vitals->loadavg = (struct bn_host_file)BN_HOST_FILE("/proc/loadavg");
    vitals->file_nr = (struct bn_host_file)BN_HOST_FILE("/proc/sys/fs/file-nr");
    vitals->pressure[0] = (struct bn_host_file)BN_HOST_FILE("/proc/pressure/cpu");
    vitals->pressure[1] = (struct bn_host_file)BN_HOST_FILE("/proc/pressure/memory");
    vitals->pressure[2] = (struct bn_host_file)BN_HOST_FILE("/proc/pressure/io");
    vitals->swap = (struct bn_procfs_vmstat){BN_ABSENT, BN_ABSENT};
    vitals->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    return vitals;
}

void bn_host_vitals_destroy(struct bn_host_vitals *vitals)
{
    bn_host_file_close(&vitals->meminfo);
    bn_host_file_close(&vitals->vmstat);
    bn_host_file_close(&vitals->loadavg);
    bn_host_file_close(&vitals->file_nr);
    for (size_t i = 0; i < COUNT(vitals->pressure); i++)
        bn_host_file_close(&vitals->pressure[i]);
    free(vitals);
}

/* --- memory ------------------------------------------------------------------------------------
 */

static int64_t less(uint64_t total, uint64_t part)
{
    if (total == BN_ABSENT || part == BN_ABSENT || part > total)
        return BN_UNKNOWN;
    return bn_gauge(total - part);
}

static void sample_memory(struct bn_host_vitals *vitals, struct bn_host_sampler *s)
{
    struct bn_procfs_meminfo mem;
    struct bn_host *host = &s->host;
    bn_procfs_meminfo(bn_host_read(&s->reader, &vitals->meminfo), &mem);
    host->mem_total_bytes = bn_gauge(mem.total);
    host->mem_available_bytes = bn_gauge(mem.available);
    host->mem_used_bytes = less(mem.total, mem.available);
    host->mem_buffers_bytes = bn_gauge(mem.buffers);
    host->mem_cached_bytes = bn_gauge(mem.cached);
    if (mem.cached != BN_ABSENT && mem.reclaimable != BN_ABSENT)
        host->mem_cached_bytes = bn_gauge(mem.cached + mem.reclaimable); /* as free(1) */
    host->swap_total_bytes = bn_gauge(mem.swap_total);
    host->swap_used_bytes = less(mem.swap_total, mem.swap_free);
}

static void sample_swapping(struct bn_host_vitals *vitals, struct bn_host_sampler *s)
{
    struct bn_moment at;
    struct bn_procfs_vmstat now;
    double page = (double)vitals->page_bytes;
    bn_procfs_vmstat(bn_host_read(&s->reader, &vitals->vmstat), &now);
    s->world.moment(s->world.user, &at);
    int64_t elapsed_ns = bn_elapsed(&vitals->swap_before, &at);
    s->host.swap_in_bps = page * bn_rate(now.swapped_in, vitals->swap.swapped_in, elapsed_ns);
    s->host.swap_out_bps = page * bn_rate(now.swapped_out, vitals->swap.swapped_out, elapsed_ns);
    vitals->swap = now;
}

/* --- load --------------------------------------------------------------------------------------
 */

static double pressure(struct bn_host_sampler *s, struct bn_host_file *file)
{
    double pct = bn_procfs_pressure(bn_host_read(&s->reader, file));
    return pct <= 100 ? pct : NAN;
}

static void sample_load(struct bn_host_vitals *vitals, struct bn_host_sampler *s)
{
    struct bn_procfs_loadavg load;
    struct bn_procfs_files files;
    struct bn_host *host = &s->host;
    bn_procfs_loadavg(bn_host_read(&s->reader, &vitals->loadavg), &load);
    bn_procfs_file_nr(bn_host_read(&s->reader, &vitals->file_nr), &files);
    host->load1 = load.load[0];
    host->load5 = load.load[1];
    host->load15 = load.load[2];
    host->thread_count = bn_gauge(load.threads);
    host->fd_used = bn_gauge(files.used);
    host->fd_max = bn_gauge(files.max);
    host->cpu_pressure_pct = pressure(s, &vitals->pressure[0]);
    host->memory_pressure_pct = pressure(s, &vitals->pressure[1]);
    host->io_pressure_pct = pressure(s, &vitals->pressure[2]);
}

/* --- temperature -------------------------------------------------------------------------------
 */

static void add_sensor(struct bn_host_vitals *vitals, const char *folder, const char *name)
{
    struct sensor *sensor = &vitals->sensors[vitals->sensor_count];
    if (vitals->sensor_count == SENSORS_MAX)
        return;
    int n = snprintf(sensor->path, sizeof sensor->path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof sensor->path)
        return;
    sensor->strikes = 0;
    vitals->sensor_count++;
}

/* add(…, "temp1_input") for each input of one chip. */
static void add_chip(struct bn_host_vitals *vitals, struct bn_host_sampler *s, const char *folder)
{
    char path[512];
    if (!bn_host_path(&s->reader, path, sizeof path, "%s", folder))
        return;
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        struct bn_str name = bn_str(entry->d_name);
        if (bn_str_starts(name, "temp") && name.len > 6 &&
                strcmp(entry->d_name + name.len - 6, "_input") == 0)
            add_sensor(vitals, folder, entry->d_name);
    }
    if (dir)
        closedir(dir);
}

enum chip { CHIP_NONE, CHIP_BOARD, CHIP_CPU };

static enum chip chip_of(struct bn_str name)
{
    static const char *const of_cpu[] = {"coretemp", "k10temp", "k8temp", "zenpower", "cpu_thermal",
            "cpu-thermal", "soc_thermal", "x86_pkg_temp"};
    /* These ask the disk itself, which may take seconds when it is failing. */
    static const char *const of_disk[] = {"drivetemp", "nvme"};
    for (size_t i = 0; i < COUNT(of_disk); i++)
        if (bn_str_is(name, of_disk[i]))
            return CHIP_NONE;
    for (size_t i = 0; i < COUNT(of_cpu); i++)
        if (bn_str_starts(name, of_cpu[i]))
            return CHIP_CPU;
    return CHIP_BOARD;
}

/* Looks through /sys/class/hwmon (or thermal) for chips of that sort. */
static void look_in(struct bn_host_vitals *vitals, struct bn_host_sampler *s, enum chip wanted,
        const char *class)
{
    char path[512];
    bool is_zone = strcmp(class, "thermal") == 0;
    if (!bn_host_path(&s->reader, path, sizeof path, "/sys/class/%s", class))
        return;
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char folder[SENSOR_PATH];
        if (!bn_str_starts(bn_str(entry->d_name), is_zone ? "thermal_zone" : "hwmon"))
            continue;
        int n = snprintf(folder, sizeof folder, "/sys/class/%s/%s", class, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof folder)
            continue;
        struct bn_str name = bn_str_trim(
                bn_host_read_once(&s->reader, 64, "%s/%s", folder, is_zone ? "type" : "name"));
        if (name.len > 0 && name.p[name.len - 1] == '\n')
            name.len--;
        if (chip_of(name) != wanted)
            continue;
        if (is_zone)
            add_sensor(vitals, folder, "temp");
        else
            add_chip(vitals, s, folder);
    }
    if (dir)
        closedir(dir);
}

/* The processor's own sensors when there are any; board chips have inputs that are wired to
 * nothing. */
static void look_for_sensors(struct bn_host_vitals *vitals, struct bn_host_sampler *s)
{
    static const struct {
        enum chip chip;
        const char *class;
    } tries[] = {{CHIP_CPU, "hwmon"}, {CHIP_CPU, "thermal"}, {CHIP_BOARD, "hwmon"},
            {CHIP_BOARD, "thermal"}};

    vitals->sensor_count = 0;
    for (size_t i = 0; i < COUNT(tries) && vitals->sensor_count == 0; i++)
        look_in(vitals, s, tries[i].chip, tries[i].class);
}

static void sample_temperature(struct bn_host_vitals *vitals, struct bn_host_sampler *s)
{
    if (bn_host_is_due(&vitals->look_due, s, LOOK_EVERY_NS))
        look_for_sensors(vitals, s);
    if (!bn_host_is_due(&vitals->sense_due, s, SENSE_EVERY_NS))
        return;
    s->host.temperature_c = NAN;
    for (size_t i = 0; i < vitals->sensor_count; i++) {
        struct sensor *sensor = &vitals->sensors[i];
        int64_t mc;
        if (sensor->strikes >= SENSE_STRIKES)
            continue;
        int64_t from_ns = bn_clock_mono_ns();
        bool has = bn_host_read_number(&s->reader, &mc, "%s", sensor->path);
        sensor->strikes = bn_clock_mono_ns() - from_ns > SENSE_SLOW_NS ? sensor->strikes + 1 : 0;
        if (!has || mc <= COLDEST_MC || mc >= HOTTEST_MC)
            continue;
        double c = (double)mc / 1000;
        if (isnan(s->host.temperature_c) || c > s->host.temperature_c)
            s->host.temperature_c = c;
    }
}

void bn_host_vitals_sample(struct bn_host_vitals *vitals, struct bn_host_sampler *s)
{
    sample_memory(vitals, s);
    sample_swapping(vitals, s);
    sample_load(vitals, s);
    sample_temperature(vitals, s);
}

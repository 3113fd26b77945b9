#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source/host_parts.h"
#include "wire/procfs_io.h"

/* /proc/diskstats lists partitions too: four per disk are remembered as not to be told. */
#define ROWS_MAX      2048
#define LOOK_EVERY_NS (60 * BN_SECOND_NS)
#define SECTOR_BYTES  512

struct disk {
    struct bn_host_row row;
    bool is_told;
    bool has_before;
    struct bn_procfs_disk before; /* its name is not kept */
    struct bn_host_due look_due;
    bool is_shown;
    int64_t size_bytes;
    char model[64];
};

struct bn_host_disks {
    struct bn_host_file diskstats;
    struct bn_moment before;
    struct bn_host_rows rows;
};

struct bn_host_disks *bn_host_disks_create(void)
{
    struct bn_host_disks *disks = bn_alloc(sizeof *disks);
    disks->diskstats = (struct bn_host_file)BN_HOST_FILE("/proc/diskstats");
    bn_host_rows_init(&disks->rows, sizeof(struct disk), sizeof((struct bn_disk *)0)->id, ROWS_MAX);
    return disks;
}

void bn_host_disks_destroy(struct bn_host_disks *disks)
{
    bn_host_file_close(&disks->diskstats);
    bn_host_rows_finish(&disks->rows);
    free(disks);
}

/* Memory and media that come and go: what iostat(1) shows less these. */
static bool is_passed_over(struct bn_str name)
{
    static const char *const names[] = {"loop", "ram", "zram", "fd", "sr"};
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t len = strlen(names[i]);
        if (bn_str_starts(name, names[i]) && name.len > len && name.p[len] >= '0' &&
                name.p[len] <= '9')
            return true;
    }
    return false;
}

static void read_label(struct bn_host_sampler *s, char *out, size_t size, const char *name,
        const char *file)
{
    struct bn_str text = bn_host_read_once(&s->reader, 256, "/sys/block/%s/%s", name, file);
    if (text.len > 0 && text.p[text.len - 1] == '\n')
        text.len--;
    bn_scan_label(out, size, text);
}

/* Whole disks have a folder in /sys/block, partitions have not. A size of 0 is a reader without a
 * card. */
static void look_at(struct disk *disk, struct bn_host_sampler *s, struct bn_str kernel_name)
{
    char name[64];
    int64_t number;
    disk->is_shown = false;
    if (is_passed_over(kernel_name) || !bn_text_copy(name, sizeof name, kernel_name))
        return;
    for (char *p = name; *p; p++)
        if (*p == '/')
            *p = '!'; /* as sysfs writes cciss/c0d0 */
    if (name[0] == '.' || !bn_host_read_number(&s->reader, &number, "/sys/block/%s/size", name) ||
            number <= 0 || number > INT64_MAX / SECTOR_BYTES)
        return;
    disk->size_bytes = number * SECTOR_BYTES;
    if (bn_host_read_number(&s->reader, &number, "/sys/block/%s/hidden", name) && number == 1)
        return; /* one path of a multipath NVMe disk */
    disk->is_shown = true;
    read_label(s, disk->model, sizeof disk->model, name, "device/model");
    if (!disk->model[0])
        read_label(s, disk->model, sizeof disk->model, name, "dm/name");
    if (!disk->model[0])
        read_label(s, disk->model, sizeof disk->model, name, "md/level");
}

static void fill(struct bn_disk *out, const struct disk *disk, const struct bn_procfs_disk *now,
        int64_t elapsed_ns)
{
    const struct bn_procfs_disk *before = &disk->before;
    memcpy(out->model, disk->model, sizeof out->model);
    out->size_bytes = disk->size_bytes;
    if (!disk->has_before || elapsed_ns <= 0)
        return;
    double busy_ms_ps = bn_rate(now->busy_ms, before->busy_ms, elapsed_ns);
    double wait_ms_ps = bn_rate(now->read_ms, before->read_ms, elapsed_ns) +
                        bn_rate(now->write_ms, before->write_ms, elapsed_ns);
    out->read_bps = SECTOR_BYTES * bn_rate(now->read_sectors, before->read_sectors, elapsed_ns);
    out->write_bps = SECTOR_BYTES * bn_rate(now->write_sectors, before->write_sectors, elapsed_ns);
    out->read_iops = bn_rate(now->reads, before->reads, elapsed_ns);
    out->write_iops = bn_rate(now->writes, before->writes, elapsed_ns);
    /* The kernel counts in its own ticks, so a second may hold 1,004 ms. */
    out->busy_pct = isnan(busy_ms_ps) ? NAN : BN_MIN(busy_ms_ps / 10, 100);
    double requests_ps = out->read_iops + out->write_iops;
    out->await_ms = requests_ps > 0 ? wait_ms_ps / requests_ps : NAN;
}

static void tell_gone(void *user, void *row)
{
    const struct disk *disk = row;
    if (disk->is_told)
        bn_host_tell_gone(user, BN_KIND_DISK, disk->row.id);
}

void bn_host_disks_sample(struct bn_host_disks *disks, struct bn_host_sampler *s)
{
    struct bn_moment at;
    struct bn_procfs_disk now;
    struct bn_str text = bn_host_read(&s->reader, &disks->diskstats);
    s->world.moment(s->world.user, &at);
    int64_t elapsed_ns = bn_elapsed(&disks->before, &at);
    bn_host_rows_begin(&disks->rows);
    while (bn_procfs_disk_next(&text, &now)) {
        bool is_new;
        struct disk *disk = bn_host_rows_get(&disks->rows, now.name, &is_new);
        if (!disk)
            continue;
        if (bn_host_is_due(&disk->look_due, s, LOOK_EVERY_NS))
            look_at(disk, s, now.name);
        if (disk->is_shown) {
            fill(&bn_host_fact(s, BN_KIND_DISK, disk->row.id)->disk, disk, &now, elapsed_ns);
            bn_host_tell(s);
        } else if (disk->is_told) {
            bn_host_tell_gone(s, BN_KIND_DISK, disk->row.id);
        }
        disk->is_told = disk->is_shown;
        disk->before = now;
        disk->before.name = (struct bn_str){NULL, 0};
        disk->has_before = true;
    }
    bn_host_rows_end(&disks->rows, tell_gone, s);
}

/* Any bytes as any of the kernel's texts; the first byte says which. What is read of a text is the
   same when the text is cut: less of it, never other values. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/procfs.h"
#include "wire/procfs_io.h"
#include "wire/procfs_pid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_or_absent(uint64_t cut, uint64_t whole)
{
    assert(cut == BN_ABSENT || cut == whole);
}

static void check_label(const char *label, size_t size)
{
    assert(strlen(label) < size);
    assert(bn_utf8_is_valid(label, strlen(label)));
    for (const char *p = label; *p; p++)
        assert((unsigned char)*p >= 0x20 && *p != 0x7F);
}

static void read_stat(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_stat whole;
    struct bn_procfs_stat part;
    uint64_t number;
    uint64_t part_number;
    struct bn_procfs_cpu cpu;
    struct bn_procfs_cpu part_cpu;
    bn_procfs_stat(text, &whole);
    bn_procfs_stat(cut, &part);
    assert(!part.has_cpu || whole.has_cpu || text.len > cut.len);
    while (bn_procfs_core_next(&cut, &part_number, &part_cpu)) {
        assert(bn_procfs_core_next(&text, &number, &cpu));
        assert(number == part_number && number != BN_ABSENT);
        assert(memcmp(&cpu, &part_cpu, sizeof cpu) == 0);
    }
}

static void read_memory(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_meminfo mem;
    struct bn_procfs_vmstat vm;
    bn_procfs_meminfo(text, &mem);
    assert(mem.total == BN_ABSENT || mem.total % 1024 == 0);
    bn_procfs_vmstat(text, &vm);
    bn_procfs_meminfo(cut, &mem);
}

static void read_small(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_loadavg whole;
    struct bn_procfs_loadavg part;
    struct bn_procfs_files files;
    int64_t number;
    double pressure = bn_procfs_pressure(text);
    assert(isnan(pressure) || pressure >= 0);
    bn_procfs_loadavg(text, &whole);
    bn_procfs_loadavg(cut, &part);
    same_or_absent(part.threads, whole.threads);
    for (int i = 0; i < 3; i++)
        assert(isnan(part.load[i]) || part.load[i] == whole.load[i]);
    bn_procfs_file_nr(text, &files);
    assert(files.max == BN_ABSENT || files.max < UINT64_C(1) << 53);
    if (bn_procfs_number(text, &number))
        assert(number > INT64_MIN);
}

static void read_names(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_cpuinfo cpu;
    char name[24];
    uint64_t uid;
    bn_procfs_cpuinfo(text, &cpu);
    check_label(cpu.model, sizeof cpu.model);
    bn_procfs_os_release(text, name, sizeof name);
    check_label(name, sizeof name);
    if (bn_procfs_user(cut, 0, name, sizeof name))
        check_label(name, sizeof name);
    if (bn_procfs_pid_user(text, &uid))
        assert(uid != BN_ABSENT);
}

static void read_disks(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_disk disk;
    struct bn_procfs_disk part;
    while (bn_procfs_disk_next(&cut, &part)) {
        assert(bn_procfs_disk_next(&text, &disk));
        assert(disk.busy_ms == part.busy_ms && disk.name.len == part.name.len);
    }
}

static void read_nics(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_nic nic;
    struct bn_procfs_nic part;
    while (bn_procfs_nic_next(&cut, &part)) {
        assert(bn_procfs_nic_next(&text, &nic));
        assert(nic.rx_bytes == part.rx_bytes && nic.tx_drops == part.tx_drops);
    }
}

static void read_mounts(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_mount mount;
    struct bn_procfs_mount part;
    char point[64];
    while (bn_procfs_mount_next(&cut, &part)) {
        assert(bn_procfs_mount_next(&text, &mount));
        assert(mount.device == part.device && mount.type.len == part.type.len);
        size_t len = bn_scan_unescape(part.point, point, sizeof point);
        assert(len < sizeof point && point[len] == 0);
    }
}

static void read_tcp(struct bn_str text, struct bn_str cut)
{
    uint64_t whole[BN_TCP_STATES] = {0};
    uint64_t parts[BN_TCP_STATES] = {0};
    size_t used = bn_procfs_tcp(text, whole);
    size_t first = bn_procfs_tcp(cut, parts);
    assert(first <= cut.len && first <= used && used <= text.len);
    bn_procfs_tcp((struct bn_str){text.p + first, text.len - first}, parts);
    assert(memcmp(whole, parts, sizeof whole) == 0);
}

static void read_process(struct bn_str text, struct bn_str cut)
{
    struct bn_procfs_pid pid;
    char command[48];
    if (bn_procfs_pid_stat(text, &pid))
        assert(pid.cpu_ticks != BN_ABSENT && pid.name.len < text.len);
    if (memchr(text.p, '\n', text.len) == NULL)
        assert(!bn_procfs_pid_stat(text, &pid));
    bn_procfs_pid_command(cut, command, sizeof command);
    check_label(command, sizeof command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct bn_str text, struct bn_str cut) = {read_stat, read_memory,
            read_small, read_names, read_disks, read_nics, read_mounts, read_tcp, read_process};
    if (size < 2)
        return 0;
    struct bn_str text = {(const char *)data + 2, size - 2};
    size_t cut_len = text.len * data[1] / 255;
    char *block = malloc(cut_len ? cut_len : 1);
    if (!block)
        abort();
    memcpy(block, text.p, cut_len);
    readers[data[0] % COUNT(readers)](text, (struct bn_str){block, cut_len});
    free(block);
    return 0;
}

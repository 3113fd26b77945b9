#include "host_text.h"
#include "wire/procfs_io.h"

/* --- disks -------------------------------------------------------------------------------------
 */

static bool find_disk(struct bn_str text, const char *name, struct bn_procfs_disk *out)
{
    while (bn_procfs_disk_next(&text, out))
        if (bn_str_is(out->name, name))
            return true;
    return false;
}

BN_TEST(diskstats_of_twenty_columns_and_of_fourteen_say_the_same_things)
{
    struct bn_procfs_disk disk;
    struct bn_str text = host_text("bare64/proc/diskstats");
    CHECK(find_disk(text, "nvme0n1", &disk));
    CHECK_INT(disk.reads, 8123456);
    CHECK_INT(disk.read_sectors, 923456788);
    CHECK_INT(disk.read_ms, 912345);
    CHECK_INT(disk.writes, 20123456);
    CHECK_INT(disk.write_sectors, 2123456784);
    CHECK_INT(disk.write_ms, 19123456);
    CHECK_INT(disk.busy_ms, 9123456);
    CHECK(find_disk(text, "nvme0n1p2", &disk));
    host_text_free(text);

    text = host_text("old/proc/diskstats");
    CHECK(find_disk(text, "sda", &disk));
    CHECK_INT(disk.reads, 12345);
    CHECK_INT(disk.write_sectors, 181920);
    CHECK_INT(disk.busy_ms, 2324);
    host_text_free(text);
}

static void read_cut_disks(struct bn_str whole, struct bn_str cut)
{
    struct bn_procfs_disk got;
    struct bn_procfs_disk want;
    while (bn_procfs_disk_next(&cut, &got)) {
        CHECK(bn_procfs_disk_next(&whole, &want));
        CHECK_INT(got.name.len, want.name.len);
        CHECK(got.busy_ms == want.busy_ms);
        CHECK(got.write_sectors == want.write_sectors);
    }
}

static void read_disks(struct bn_str text)
{
    struct bn_procfs_disk disk;
    while (bn_procfs_disk_next(&text, &disk))
        CHECK(disk.name.len > 0);
}

BN_TEST(diskstats_cut_or_garbled_anywhere_lose_rows_and_nothing_else)
{
    struct bn_str text = host_text("bare64/proc/diskstats");
    host_text_cut(text, 1, read_cut_disks);
    host_text_garble(text, 1, read_disks);
    host_text_free(text);
}

/* --- interfaces --------------------------------------------------------------------------------
 */

static bool find_nic(struct bn_str text, const char *name, struct bn_procfs_nic *out)
{
    while (bn_procfs_nic_next(&text, out))
        if (bn_str_is(out->name, name))
            return true;
    return false;
}

BN_TEST(net_dev_gives_every_interface_even_with_its_counter_glued_on)
{
    struct bn_procfs_nic nic;
    struct bn_str text = host_text("bare64/proc/net/dev");
    CHECK(find_nic(text, "eno1", &nic));
    CHECK(nic.rx_bytes == UINT64_C(9123456789012));
    CHECK(nic.rx_packets == UINT64_C(8123456789));
    CHECK_INT(nic.rx_errors, 12);
    CHECK_INT(nic.rx_drops, 34);
    CHECK(nic.tx_bytes == UINT64_C(7123456789012));
    CHECK(nic.tx_packets == UINT64_C(6123456789));
    CHECK_INT(nic.tx_errors, 0);
    CHECK_INT(nic.tx_drops, 1);
    int n = 0;
    struct bn_str rest = text;
    while (bn_procfs_nic_next(&rest, &nic))
        n++;
    CHECK_INT(n, 7);
    host_text_free(text);

    text = host_text("old/proc/net/dev");
    CHECK(find_nic(text, "ens160", &nic));
    CHECK(nic.rx_bytes == UINT64_MAX - 1);
    CHECK(find_nic(text, "lo", &nic));
    CHECK(nic.rx_bytes == UINT32_MAX);
    host_text_free(text);
}

static void read_cut_nics(struct bn_str whole, struct bn_str cut)
{
    struct bn_procfs_nic got;
    struct bn_procfs_nic want;
    while (bn_procfs_nic_next(&cut, &got)) {
        CHECK(bn_procfs_nic_next(&whole, &want));
        CHECK(got.rx_bytes == want.rx_bytes);
        CHECK(got.tx_drops == want.tx_drops);
    }
}

static void read_nics(struct bn_str text)
{
    struct bn_procfs_nic nic;
    while (bn_procfs_nic_next(&text, &nic))
        CHECK(nic.name.len > 0);
}

BN_TEST(net_dev_cut_or_garbled_anywhere_loses_rows_and_nothing_else)
{
    struct bn_str text = host_text("bare64/proc/net/dev");
    host_text_cut(text, 1, read_cut_nics);
    host_text_garble(text, 1, read_nics);
    host_text_free(text);
}

/* --- mounts ------------------------------------------------------------------------------------
 */

static bool find_mount(struct bn_str text, const char *point, struct bn_procfs_mount *out)
{
    while (bn_procfs_mount_next(&text, out)) {
        char plain[256];
        bn_scan_unescape(out->point, plain, sizeof plain);
        if (strcmp(plain, point) == 0)
            return true;
    }
    return false;
}

BN_TEST(mountinfo_gives_device_type_source_and_what_is_read_only)
{
    struct bn_procfs_mount mount;
    struct bn_str text = host_text("bare64/proc/self/mountinfo");
    CHECK(find_mount(text, "/", &mount));
    CHECK(mount.device == (UINT64_C(253) << 32));
    CHECK(bn_str_is(mount.type, "ext4"));
    CHECK(bn_str_is(mount.source, "/dev/mapper/vg0-root"));
    CHECK(!mount.is_read_only && !mount.is_sealed);
    CHECK(find_mount(text, "/srv/backup disk", &mount));
    CHECK(mount.device == ((UINT64_C(8) << 32) | 1));
    CHECK(find_mount(text, "/mnt/old", &mount));
    CHECK(bn_str_is(mount.root, "/old"));
    CHECK(find_mount(text, "/mnt/share", &mount));
    CHECK(mount.is_read_only && mount.is_sealed);
    CHECK(bn_str_is(mount.type, "cifs"));
    CHECK(find_mount(text, "/mnt/nas", &mount));
    CHECK(bn_str_is(mount.source, "192.0.2.40:/export/nas"));
    host_text_free(text);
}

BN_TEST(a_mount_without_tags_or_without_a_source_is_read_all_the_same)
{
    struct bn_procfs_mount mount;
    struct bn_str text = host_text("old/proc/self/mountinfo");
    CHECK(find_mount(text, "/", &mount));
    CHECK(bn_str_is(mount.type, "xfs"));
    host_text_free(text);
    text = host_text("lxc/proc/self/mountinfo");
    CHECK(find_mount(text, "/sys", &mount));
    CHECK(mount.is_read_only);
    CHECK(bn_str_is(mount.type, "sysfs"));
    host_text_free(text);
    text = BN_STR("62 61 0:30 / /empty rw - tmpfs  rw,size=1k\n62 61 0:30 / /short rw - tmpfs\n");
    CHECK(find_mount(text, "/empty", &mount));
    CHECK_INT(mount.source.len, 0);
    CHECK(!find_mount(text, "/short", &mount));
    text = BN_STR("62 61 4294967296:30 / /major rw - tmpfs x rw\n"
                  "62 61 0:4294967296 / /minor rw - tmpfs x rw\n");
    CHECK(!find_mount(text, "/major", &mount));
    CHECK(!find_mount(text, "/minor", &mount));
}

static void read_cut_mounts(struct bn_str whole, struct bn_str cut)
{
    struct bn_procfs_mount got;
    struct bn_procfs_mount want;
    while (bn_procfs_mount_next(&cut, &got)) {
        CHECK(bn_procfs_mount_next(&whole, &want));
        CHECK(got.device == want.device);
        CHECK_INT(got.point.len, want.point.len);
        CHECK_INT(got.source.len, want.source.len);
        CHECK(got.is_read_only == want.is_read_only);
    }
}

static void read_mounts(struct bn_str text)
{
    struct bn_procfs_mount mount;
    while (bn_procfs_mount_next(&text, &mount))
        CHECK(mount.point.len > 0 && mount.type.len > 0);
}

BN_TEST(mountinfo_cut_or_garbled_anywhere_loses_rows_and_nothing_else)
{
    struct bn_str text = host_text("lxc/proc/self/mountinfo");
    host_text_cut(text, 1, read_cut_mounts);
    host_text_garble(text, 1, read_mounts);
    host_text_free(text);
}

/* --- connections -------------------------------------------------------------------------------
 */

BN_TEST(connections_are_counted_by_state)
{
    uint64_t counts[BN_TCP_STATES] = {0};
    struct bn_str text = host_text("bare64/proc/net/tcp");
    CHECK_INT(bn_procfs_tcp(text, counts), text.len);
    host_text_free(text);
    text = host_text("bare64/proc/net/tcp6");
    CHECK_INT(bn_procfs_tcp(text, counts), text.len);
    host_text_free(text);
    CHECK_INT(counts[BN_TCP_LISTEN], 3);
    CHECK_INT(counts[BN_TCP_ESTABLISHED], 3);
    CHECK_INT(counts[BN_TCP_TIME_WAIT], 2);
    CHECK_INT(counts[BN_TCP_CLOSE_WAIT], 1);
    CHECK_INT(counts[BN_TCP_SYN_SENT], 1);
    CHECK_INT(counts[BN_TCP_SYN_RECV], 1);
    CHECK_INT(counts[BN_TCP_FIN_WAIT1], 1);
    CHECK_INT(counts[BN_TCP_FIN_WAIT2], 1);
    CHECK_INT(counts[BN_TCP_LAST_ACK], 1);
    CHECK_INT(counts[0], 0);
}

static void read_in_two_pieces(struct bn_str whole, struct bn_str cut)
{
    uint64_t counts[BN_TCP_STATES] = {0};
    size_t used = bn_procfs_tcp(cut, counts);
    CHECK(used <= cut.len);
    used += bn_procfs_tcp((struct bn_str){whole.p + used, whole.len - used}, counts);
    CHECK_INT(used, whole.len);
    uint64_t sum = 0;
    for (size_t i = 0; i < BN_TCP_STATES; i++)
        sum += counts[i];
    CHECK_INT(sum, 12);
}

static void read_tcp(struct bn_str text)
{
    uint64_t counts[BN_TCP_STATES] = {0};
    CHECK(bn_procfs_tcp(text, counts) <= text.len);
    CHECK_INT(counts[0], 0);
}

BN_TEST(a_table_of_connections_read_in_pieces_counts_each_once)
{
    struct bn_str text = host_text("bare64/proc/net/tcp");
    host_text_cut(text, 1, read_in_two_pieces);
    host_text_garble(text, 1, read_tcp);
    host_text_free(text);
}

BN_TEST_MAIN()

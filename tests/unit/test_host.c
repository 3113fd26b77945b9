#include <math.h>
#include <sys/utsname.h>

#include "host_machine.h"
#include "source/host_sample.h"

/* Sizes of the recorded machine's file systems; whatever is not listed is no folder. */
static bool recorded_size(const char *path, struct bn_fs_size *out)
{
    static const struct {
        const char *path;
        struct bn_fs_size size;
    } known[] = {
            {"/", {100000, 40000, 30000, 1000, 400}},
            {"/boot/efi", {512, 256, 256, 0, 0}},
            {"/tmp", {1000, 1000, 1000, 10, 9}},
            {"/run", {2000, 1500, 1500, 20, 10}},
            {"/srv/backup disk", {8000, 1000, 1000, 80, 70}},
            {"/tank", {70000, 10000, 10000, 700, 100}},
            {"/tank/vm", {70000, 60000, 60000, 700, 100}},
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(known[i].path, path) == 0) {
            *out = known[i].size;
            return true;
        }
    return false;
}

/* The recorded machine after its first sample; then its texts of a second later. */
static void begin(struct machine *m)
{
    machine_start(m, "bare64", recorded_size);
    machine_sample(m);
}

static void second_later(struct machine *m)
{
    machine_become(m, "bare64_later");
    machine_wait_ms(m, 1000);
    machine_sample(m);
}

/* --- the first sample --------------------------------------------------------------------------
 */

BN_TEST(the_first_sample_has_what_stands_there_and_no_rate)
{
    struct machine m;
    begin(&m);
    const struct bn_host *host = machine_host(&m);
    CHECK_INT(host->at, m.now_ms);
    CHECK_INT(host->booted_at, 1763600000000);
    CHECK_INT(host->core_count, 64);
    CHECK_INT(host->mem_total_bytes, INT64_C(263856732) * 1024);
    CHECK_INT(host->mem_available_bytes, INT64_C(180123456) * 1024);
    CHECK_INT(host->mem_used_bytes, INT64_C(83733276) * 1024);
    CHECK_INT(host->mem_cached_bytes, INT64_C(65428872) * 1024);
    CHECK_INT(host->mem_buffers_bytes, INT64_C(918232) * 1024);
    CHECK_INT(host->swap_used_bytes, INT64_C(262144) * 1024);
    CHECK_NEAR(host->load1, 4.12, 1e-9);
    CHECK_INT(host->thread_count, 2345);
    CHECK_INT(host->running_count, 3);
    CHECK_INT(host->blocked_count, 0);
    CHECK_INT(host->fd_used, 21344);
    CHECK_INT(host->fd_max, BN_UNKNOWN);
    CHECK_NEAR(host->cpu_pressure_pct, 2.34, 1e-9);
    CHECK_NEAR(host->io_pressure_pct, 1.25, 1e-9);
    CHECK(isnan(host->cpu_pct) && isnan(host->user_pct) && isnan(host->iowait_pct));
    CHECK(isnan(host->context_switches_ps) && isnan(host->forks_ps));
    CHECK(isnan(host->swap_in_bps) && isnan(host->interrupts_ps));
    CHECK(isnan(MACHINE_ROW(&m, CORE, core, "63")->busy_pct));
    CHECK(isnan(MACHINE_ROW(&m, DISK, disk, "sda")->busy_pct));
    CHECK(isnan(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_bps));
    CHECK(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_bytes == INT64_C(9123456789012));
    CHECK(isnan(MACHINE_ROW(&m, PROC, proc, "1204.3000")->cpu_pct));
    CHECK_INT(m.gone, 0);
    machine_stop(&m);
}

BN_TEST(the_machine_says_what_it_is)
{
    struct machine m;
    struct utsname here;
    begin(&m);
    const struct bn_host *host = machine_host(&m);
    CHECK_STR(host->name, "vega");
    CHECK_STR(host->os, "Debian GNU/Linux 12 (bookworm)");
    CHECK_STR(host->kernel, "6.1.0-28-amd64");
    CHECK_STR(host->cpu_model, "AMD EPYC 7543 32-Core Processor");
    CHECK_STR(host->virtualization, "");
    uname(&here);
    CHECK_STR(host->arch, here.machine);
    CHECK_INT(host->units_ok, BN_UNKNOWN);
    CHECK_INT(host->units_failed, BN_UNKNOWN);
    machine_stop(&m);
}

/* --- rates -------------------------------------------------------------------------------------
 */

BN_TEST(a_second_later_every_rate_is_exact)
{
    struct machine m;
    begin(&m);
    second_later(&m);
    const struct bn_host *host = machine_host(&m);
    /* Core i was in programs for i of 100 ticks, the even ones one tick in the kernel as well. */
    CHECK_NEAR(host->user_pct, 63.0 * 32 / 64, 1e-9);
    CHECK_NEAR(host->system_pct, 0.5, 1e-9);
    CHECK_NEAR(host->cpu_pct, 63.0 * 32 / 64 + 0.5, 1e-9);
    CHECK_NEAR(host->iowait_pct, 0, 1e-9);
    CHECK_NEAR(host->steal_pct, 0, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, CORE, core, "0")->busy_pct, 1, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, CORE, core, "11")->busy_pct, 11, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, CORE, core, "62")->busy_pct, 63, 1e-9);
    CHECK_NEAR(host->interrupts_ps, 48123, 1e-6);
    CHECK_NEAR(host->context_switches_ps, 91234, 1e-6);
    CHECK_NEAR(host->forks_ps, 42, 1e-9);
    double page = (double)sysconf(_SC_PAGESIZE);
    CHECK_NEAR(host->swap_in_bps, 3 * page, 1e-6);
    CHECK_NEAR(host->swap_out_bps, 5 * page, 1e-6);
    CHECK_INT(host->running_count, 7);
    CHECK_INT(host->blocked_count, 1);
    CHECK_INT(host->fd_used, 21360);
    machine_stop(&m);
}

BN_TEST(disks_tell_bytes_requests_busy_time_and_waiting)
{
    struct machine m;
    begin(&m);
    second_later(&m);
    const struct bn_disk *disk = MACHINE_ROW(&m, DISK, disk, "nvme0n1");
    CHECK_STR(disk->model, "SAMSUNG MZQL2960HCJR-00A07");
    CHECK_INT(disk->size_bytes, INT64_C(1875385008) * 512);
    CHECK_NEAR(disk->read_bps, 4096 * 512, 1e-6);
    CHECK_NEAR(disk->write_bps, 8192 * 512, 1e-6);
    CHECK_NEAR(disk->read_iops, 100, 1e-9);
    CHECK_NEAR(disk->write_iops, 300, 1e-9);
    CHECK_NEAR(disk->busy_pct, 50, 1e-9);
    CHECK_NEAR(disk->await_ms, 0.5, 1e-9);
    disk = MACHINE_ROW(&m, DISK, disk, "sda");
    CHECK_NEAR(disk->busy_pct, 100, 1e-9);
    CHECK_NEAR(disk->await_ms, 9, 1e-9);
    CHECK_NEAR(disk->write_bps, 0, 1e-9);
    disk = MACHINE_ROW(&m, DISK, disk, "nvme1n1");
    CHECK_NEAR(disk->read_iops, 0, 1e-9);
    CHECK(isnan(disk->await_ms));
    CHECK_STR(MACHINE_ROW(&m, DISK, disk, "dm-0")->model, "vg0-root");
    CHECK_STR(MACHINE_ROW(&m, DISK, disk, "md127")->model, "raid1");
    static const char *const not_told[] = {"nvme0n1p1", "sda1", "loop0", "loop1", "ram0", "zram0",
            "sr0", "sdb"};
    for (size_t i = 0; i < COUNT(not_told); i++)
        CHECK(machine_find(&m, BN_KIND_DISK, not_told[i]) == NULL);
    machine_stop(&m);
}

BN_TEST(interfaces_tell_bytes_packets_errors_and_what_they_are)
{
    struct machine m;
    begin(&m);
    second_later(&m);
    const struct bn_nic *nic = MACHINE_ROW(&m, NIC, nic, "eno1");
    CHECK_STR(nic->mac, "3c:ec:ef:01:02:03");
    CHECK_INT(nic->is_up, 1);
    CHECK_INT(nic->speed_mbps, 10000);
    CHECK_NEAR(nic->rx_bps, 125000000, 1e-3);
    CHECK_NEAR(nic->tx_bps, 62500000, 1e-3);
    CHECK_NEAR(nic->rx_pps, 90000, 1e-6);
    CHECK_NEAR(nic->tx_pps, 45000, 1e-6);
    CHECK_NEAR(nic->rx_errors_ps, 3, 1e-9);
    CHECK_NEAR(nic->tx_errors_ps, 3, 1e-9);
    CHECK_INT(MACHINE_ROW(&m, NIC, nic, "eno2")->is_up, 0);
    CHECK_INT(MACHINE_ROW(&m, NIC, nic, "eno2")->speed_mbps, BN_UNKNOWN);
    CHECK_INT(MACHINE_ROW(&m, NIC, nic, "wg0")->is_up, 1);
    CHECK_INT(MACHINE_ROW(&m, NIC, nic, "wg0")->speed_mbps, BN_UNKNOWN);
    CHECK(machine_find(&m, BN_KIND_NIC, "lo") == NULL);
    machine_stop(&m);
}

BN_TEST(rates_are_per_second_whatever_the_interval)
{
    struct machine m;
    begin(&m);
    machine_become(&m, "bare64_later");
    machine_wait_ms(&m, 1250);
    machine_sample(&m);
    CHECK_NEAR(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_bps, 100000000, 1e-3);
    CHECK_NEAR(MACHINE_ROW(&m, DISK, disk, "nvme0n1")->read_iops, 80, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, DISK, disk, "nvme0n1")->busy_pct, 40, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, DISK, disk, "nvme0n1")->await_ms, 0.5, 1e-9);
    CHECK_NEAR(machine_host(&m)->forks_ps, 33.6, 1e-9);
    machine_stop(&m);
}

BN_TEST(an_interval_of_no_time_has_no_rate)
{
    struct machine m;
    begin(&m);
    machine_become(&m, "bare64_later");
    machine_sample(&m);
    CHECK(isnan(machine_host(&m)->cpu_pct));
    CHECK(isnan(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_bps));
    machine_stop(&m);
}

static void check_no_rates(struct machine *m)
{
    CHECK(isnan(machine_host(m)->cpu_pct));
    CHECK(isnan(machine_host(m)->forks_ps));
    CHECK(isnan(machine_host(m)->swap_in_bps));
    CHECK(isnan(MACHINE_ROW(m, CORE, core, "5")->busy_pct));
    CHECK(isnan(MACHINE_ROW(m, DISK, disk, "sda")->read_bps));
    CHECK(isnan(MACHINE_ROW(m, NIC, nic, "eno1")->rx_bps));
}

BN_TEST(a_gap_of_more_than_five_seconds_has_no_rates_and_the_next_second_has)
{
    struct machine m;
    begin(&m);
    machine_become(&m, "bare64_later");
    machine_wait_ms(&m, 5001);
    machine_sample(&m);
    check_no_rates(&m);
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_NEAR(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_bps, 0, 1e-9);
    machine_stop(&m);
}

BN_TEST(a_machine_that_slept_has_no_rates_for_that_interval)
{
    struct machine m;
    begin(&m);
    machine_become(&m, "bare64_later");
    machine_wait_ms(&m, 1000);
    m.at.boot_ns += 8 * 3600 * BN_SECOND_NS;
    machine_sample(&m);
    check_no_rates(&m);
    machine_stop(&m);
}

BN_TEST(counters_that_went_backwards_are_unknown_for_one_interval)
{
    struct machine m;
    machine_start(&m, "bare64", recorded_size);
    machine_become(&m, "bare64_later");
    machine_sample(&m);
    machine_become(&m, "bare64");
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK(isnan(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_bps));
    CHECK(isnan(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_errors_ps));
    CHECK_NEAR(MACHINE_ROW(&m, NIC, nic, "eno2")->rx_bps, 0, 1e-9);
    CHECK(isnan(MACHINE_ROW(&m, DISK, disk, "nvme0n1")->busy_pct));
    CHECK(isnan(MACHINE_ROW(&m, DISK, disk, "nvme0n1")->await_ms));
    CHECK(isnan(MACHINE_ROW(&m, CORE, core, "40")->busy_pct));
    CHECK(isnan(machine_host(&m)->cpu_pct));
    CHECK(isnan(machine_host(&m)->context_switches_ps));
    machine_wait_ms(&m, 1000);
    machine_become(&m, "bare64_later");
    machine_sample(&m);
    CHECK_NEAR(MACHINE_ROW(&m, NIC, nic, "eno1")->rx_bps, 125000000, 1e-3);
    CHECK_NEAR(MACHINE_ROW(&m, CORE, core, "40")->busy_pct, 41, 1e-9);
    machine_stop(&m);
}

BN_TEST(idle_time_that_steps_back_a_little_is_no_fault)
{
    struct machine m;
    machine_start(&m, "lxc", recorded_size);
    machine_sample(&m);
    machine_put(&m, "proc/stat",
            "cpu  8173 0 2345 912395 2 0 3 0 0 0\n"
            "cpu0 4173 0 1345 456345 6 0 1 0 0 0\n"
            "cpu1 4000 0 1000 455800 6 0 2 0 0 0\n");
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_NEAR(machine_host(&m)->cpu_pct, 50, 1e-9);
    CHECK_NEAR(machine_host(&m)->iowait_pct, 0, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, CORE, core, "0")->busy_pct, 100, 1e-9);
    CHECK(isnan(MACHINE_ROW(&m, CORE, core, "1")->busy_pct));
    machine_stop(&m);
}

BN_TEST(time_of_guests_is_not_counted_twice_and_stolen_time_is_busy)
{
    struct machine m;
    machine_start(&m, "lxc", recorded_size);
    machine_put(&m, "proc/stat",
            "cpu  100 10 100 1000 0 0 0 0 50 5\ncpu0 100 10 100 1000 0 0 0 0 50 5\n");
    machine_sample(&m);
    machine_put(&m, "proc/stat",
            "cpu  140 20 110 1020 5 1 2 12 90 15\ncpu0 140 20 110 1020 5 1 2 12 90 15\n");
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_NEAR(machine_host(&m)->cpu_pct, 75, 1e-9);
    CHECK_NEAR(machine_host(&m)->user_pct, 50, 1e-9);
    CHECK_NEAR(machine_host(&m)->system_pct, 13, 1e-9);
    CHECK_NEAR(machine_host(&m)->iowait_pct, 5, 1e-9);
    CHECK_NEAR(machine_host(&m)->steal_pct, 12, 1e-9);
    machine_stop(&m);
}

/* --- rows come and go --------------------------------------------------------------------------
 */

BN_TEST(a_core_that_is_switched_off_is_gone_once_and_comes_back_without_a_rate)
{
    static const char one[] = "cpu  100 0 0 900 0 0 0 0 0 0\ncpu0 100 0 0 900 0 0 0 0 0 0\n";
    static const char both[] = "cpu  300 0 0 2700 0 0 0 0 0 0\ncpu0 200 0 0 1800 0 0 0 0 0 0\n"
                               "cpu1 100 0 0 900 0 0 0 0 0 0\n";
    struct machine m;
    machine_start(&m, "lxc", recorded_size);
    machine_sample(&m);
    CHECK(machine_find(&m, BN_KIND_CORE, "1") != NULL);
    machine_put(&m, "proc/stat", one);
    for (int i = 0; i < 3; i++) {
        machine_wait_ms(&m, 1000);
        machine_sample(&m);
    }
    CHECK(machine_find(&m, BN_KIND_CORE, "1") == NULL);
    CHECK_INT(m.gone, 1);
    CHECK_INT(machine_host(&m)->core_count, 1);
    machine_put(&m, "proc/stat", both);
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK(isnan(MACHINE_ROW(&m, CORE, core, "1")->busy_pct));
    CHECK_NEAR(MACHINE_ROW(&m, CORE, core, "0")->busy_pct, 10, 1e-9);
    machine_stop(&m);
}

BN_TEST(a_disk_that_is_pulled_is_gone_and_a_new_one_has_no_rate_yet)
{
    struct machine m;
    machine_start(&m, "old", recorded_size);
    machine_sample(&m);
    CHECK_STR(MACHINE_ROW(&m, DISK, disk, "sda")->model, "Virtual disk");
    CHECK(machine_find(&m, BN_KIND_DISK, "fd0") == NULL);
    machine_put(&m, "proc/diskstats", "   8      16 sdb 9 9 9 9 9 9 9 9 0 9 9\n");
    machine_put(&m, "sys/block/sdb/size", "100\n");
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK(machine_find(&m, BN_KIND_DISK, "sda") == NULL);
    CHECK_INT(m.gone, 1);
    CHECK(isnan(MACHINE_ROW(&m, DISK, disk, "sdb")->read_bps));
    CHECK_INT(MACHINE_ROW(&m, DISK, disk, "sdb")->size_bytes, 51200);
    machine_put(&m, "proc/diskstats", "   8      16 sdb 19 9 9 9 9 9 9 9 0 9 9\n");
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_NEAR(MACHINE_ROW(&m, DISK, disk, "sdb")->read_iops, 10, 1e-9);
    machine_put(&m, "proc/diskstats", "");
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_INT(m.gone, 2);
    machine_stop(&m);
}

BN_TEST(a_disk_whose_medium_is_taken_out_is_gone)
{
    struct machine m;
    begin(&m);
    machine_put(&m, "sys/block/sda/size", "0\n");
    machine_wait_ms(&m, 60000);
    machine_sample(&m);
    CHECK(machine_find(&m, BN_KIND_DISK, "sda") == NULL);
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_INT(m.gone, 1);
    machine_stop(&m);
}

BN_TEST(the_loopback_is_told_where_it_is_alone)
{
    static const char head[] = "Inter-|   Receive\n face |bytes\n";
    static const char lo[] = "    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n";
    static const char eth[] = "  eth0: 200 2 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n";
    char text[512];
    struct machine m;
    machine_start(&m, "lxc", recorded_size);
    snprintf(text, sizeof text, "%s%s", head, lo);
    machine_put(&m, "proc/net/dev", text);
    machine_sample(&m);
    CHECK(machine_find(&m, BN_KIND_NIC, "lo") != NULL);
    snprintf(text, sizeof text, "%s%s%s", head, lo, eth);
    machine_put(&m, "proc/net/dev", text);
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK(machine_find(&m, BN_KIND_NIC, "lo") == NULL);
    CHECK(machine_find(&m, BN_KIND_NIC, "eth0") != NULL);
    CHECK_INT(m.gone, 1);
    machine_stop(&m);
}

BN_TEST(a_cable_that_is_pulled_shows_within_five_seconds)
{
    struct machine m;
    begin(&m);
    machine_put(&m, "sys/class/net/eno1/operstate", "down\n");
    machine_put(&m, "sys/class/net/eno1/speed", "-1\n");
    machine_wait_ms(&m, 5000);
    machine_sample(&m);
    CHECK_INT(MACHINE_ROW(&m, NIC, nic, "eno1")->is_up, 0);
    CHECK_INT(MACHINE_ROW(&m, NIC, nic, "eno1")->speed_mbps, BN_UNKNOWN);
    machine_stop(&m);
}

/* --- other machines ----------------------------------------------------------------------------
 */

BN_TEST(a_container_tells_what_its_proc_says)
{
    struct machine m;
    machine_start(&m, "lxc", recorded_size);
    machine_sample(&m);
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    const struct bn_host *host = machine_host(&m);
    CHECK_STR(host->virtualization, "lxc");
    CHECK_STR(host->os, "Alpine Linux v3.20");
    CHECK_INT(host->core_count, 2);
    CHECK_INT(host->mem_total_bytes, INT64_C(2) << 30);
    CHECK_INT(host->swap_total_bytes, 0);
    CHECK(isnan(host->cpu_pressure_pct));
    CHECK(isnan(host->swap_in_bps));
    CHECK(isnan(host->temperature_c));
    CHECK_INT(host->fd_used, BN_UNKNOWN);
    CHECK_INT(host->tcp_established, BN_UNKNOWN);
    CHECK(isnan(host->cpu_pct)); /* no tick has passed in it */
    CHECK(machine_find(&m, BN_KIND_MOUNT, "/") != NULL);
    machine_stop(&m);
}

BN_TEST(an_old_kernel_leaves_unknown_what_it_does_not_say)
{
    struct machine m;
    machine_start(&m, "old", recorded_size);
    machine_sample(&m);
    const struct bn_host *host = machine_host(&m);
    CHECK_STR(host->os, "CentOS Linux 7 (Core)");
    CHECK_STR(host->virtualization, "vmware");
    CHECK_INT(host->mem_available_bytes, BN_UNKNOWN);
    CHECK_INT(host->mem_used_bytes, BN_UNKNOWN);
    CHECK_INT(host->mem_total_bytes, INT64_C(1884040) * 1024);
    CHECK_INT(host->fd_max, 183842);
    CHECK(isnan(host->memory_pressure_pct));
    CHECK_INT(MACHINE_ROW(&m, NIC, nic, "ens160")->rx_bytes, BN_UNKNOWN);
    machine_stop(&m);
}

BN_TEST(what_carries_the_machine_is_found_in_its_names)
{
    static const struct {
        const char *path;
        const char *text;
        const char *want;
    } cases[] = {
            {"run/systemd/container", "systemd-nspawn", "systemd-nspawn"},
            {".dockerenv", "", "docker"},
            {"run/.containerenv", "", "podman"},
            {"sys/class/dmi/id/product_name", "KVM\n", "kvm"},
            {"sys/class/dmi/id/sys_vendor", "QEMU\n", "kvm"},
            {"sys/class/dmi/id/sys_vendor", "Xen\n", "xen"},
            {"proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2\n", "wsl"},
            {"sys/hypervisor/type", "xen\n", "xen"},
            {"sys/class/dmi/id/sys_vendor", "Unheard Of\n", "vm"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct machine m;
        machine_start(&m, "old", recorded_size);
        machine_put(&m, "sys/class/dmi/id/sys_vendor", "\n");
        machine_put(&m, "sys/class/dmi/id/product_name", "\n");
        machine_put(&m, cases[i].path, cases[i].text);
        machine_sample(&m);
        CHECK_STR(machine_host(&m)->virtualization, cases[i].want);
        machine_stop(&m);
    }
}

BN_TEST(a_machine_that_says_nothing_is_all_unknown_and_harms_nobody)
{
    struct machine m;
    machine_start(&m, "lxc", recorded_size);
    machine_remove(&m, "proc");
    machine_remove(&m, "etc");
    for (int i = 0; i < 40; i++) {
        machine_sample(&m);
        machine_wait_ms(&m, 1000);
    }
    CHECK_INT(m.row_count, 1);
    const struct bn_host *host = machine_host(&m);
    CHECK_INT(host->mem_total_bytes, BN_UNKNOWN);
    CHECK_INT(host->core_count, BN_UNKNOWN);
    CHECK_INT(host->process_count, BN_UNKNOWN);
    CHECK_INT(host->booted_at, 0);
    CHECK_STR(host->os, "");
    /* And it is looked for again. */
    machine_become(&m, "lxc");
    for (int i = 0; i < 40; i++) {
        machine_sample(&m);
        machine_wait_ms(&m, 1000);
    }
    CHECK_INT(machine_host(&m)->mem_total_bytes, INT64_C(2) << 30);
    CHECK_INT(machine_host(&m)->process_count, 1);
    machine_stop(&m);
}

/* --- sensors -----------------------------------------------------------------------------------
 */

BN_TEST(the_hottest_sensor_of_the_processor_is_told_before_those_of_disks_and_boards)
{
    struct machine m;
    begin(&m);
    CHECK_NEAR(machine_host(&m)->temperature_c, 51.25, 1e-9);
    machine_put(&m, "sys/class/hwmon/hwmon1/temp1_input", "66125\n");
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_NEAR(machine_host(&m)->temperature_c, 51.25, 1e-9);
    machine_wait_ms(&m, 4000);
    machine_sample(&m);
    CHECK_NEAR(machine_host(&m)->temperature_c, 66.125, 1e-9);
    machine_remove(&m, "sys/class/hwmon/hwmon1");
    machine_wait_ms(&m, 5000);
    machine_sample(&m);
    CHECK(isnan(machine_host(&m)->temperature_c));
    machine_put(&m, "sys/class/hwmon/hwmon2/temp3_input", "38000\n");
    machine_wait_ms(&m, 600000);
    machine_sample(&m);
    CHECK_NEAR(machine_host(&m)->temperature_c, 38, 1e-9); /* 127 degrees are a loose wire */
    machine_stop(&m);
}

BN_TEST(a_thermal_zone_serves_where_there_are_no_chips)
{
    struct machine m;
    machine_start(&m, "lxc", recorded_size);
    machine_put(&m, "sys/class/thermal/thermal_zone0/type", "acpitz\n");
    machine_put(&m, "sys/class/thermal/thermal_zone0/temp", "27800\n");
    machine_put(&m, "sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
    machine_put(&m, "sys/class/thermal/thermal_zone1/temp", "45000\n");
    machine_put(&m, "sys/class/thermal/cooling_device0/type", "Fan\n");
    machine_sample(&m);
    CHECK_NEAR(machine_host(&m)->temperature_c, 45, 1e-9);
    machine_stop(&m);
}

BN_TEST(clock_rates_are_told_where_the_kernel_says_them)
{
    struct machine m;
    begin(&m);
    machine_wait_ms(&m, 1000);
    machine_sample(&m);
    CHECK_NEAR(MACHINE_ROW(&m, CORE, core, "3")->mhz, 1530, 1e-9);
    CHECK(isnan(MACHINE_ROW(&m, CORE, core, "63")->mhz));
    machine_stop(&m);
}

BN_TEST_MAIN()

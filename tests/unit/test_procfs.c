#include <math.h>

#include "host_text.h"
#include "wire/procfs.h"

/* --- /proc/stat --------------------------------------------------------------------------------
 */

BN_TEST(stat_of_a_machine_with_64_processors_gives_all_of_them)
{
    struct bn_str text = host_text("bare64/proc/stat");
    struct bn_procfs_stat stat;
    bn_procfs_stat(text, &stat);
    CHECK(stat.has_cpu);
    CHECK(stat.interrupts == UINT64_C(9128374650));
    CHECK(stat.context_switches == UINT64_C(18273645501));
    CHECK_INT(stat.booted_s, 1763600000);
    CHECK_INT(stat.forks, 4123987);
    CHECK_INT(stat.running, 3);
    CHECK_INT(stat.blocked, 0);

    struct bn_str rest = text;
    struct bn_procfs_cpu core;
    struct bn_procfs_cpu sum = {0};
    uint64_t number;
    uint64_t n = 0;
    while (bn_procfs_core_next(&rest, &number, &core)) {
        CHECK_INT(number, n++);
        sum.user += core.user;
        sum.idle += core.idle;
        sum.softirq += core.softirq;
    }
    CHECK_INT(n, 64);
    CHECK(sum.user == stat.cpu.user);
    CHECK(sum.idle == stat.cpu.idle);
    CHECK(sum.softirq == stat.cpu.softirq);
    host_text_free(text);
}

BN_TEST(stat_of_an_old_kernel_has_no_interrupt_or_stolen_time)
{
    struct bn_str text = host_text("old/proc/stat");
    struct bn_procfs_stat stat;
    bn_procfs_stat(text, &stat);
    CHECK(stat.has_cpu);
    CHECK_INT(stat.cpu.user, 500);
    CHECK_INT(stat.cpu.nice, 10);
    CHECK_INT(stat.cpu.system, 300);
    CHECK_INT(stat.cpu.idle, 90000);
    CHECK_INT(stat.cpu.iowait, 40);
    CHECK_INT(stat.cpu.irq, 0);
    CHECK_INT(stat.cpu.steal, 0);
    host_text_free(text);
}

/* What a cut text says is either nothing or what the whole text says. */
static void same_or_absent(uint64_t cut, uint64_t whole)
{
    CHECK(cut == BN_ABSENT || cut == whole);
}

static void read_cut_stat(struct bn_str whole, struct bn_str cut)
{
    struct bn_procfs_stat want;
    struct bn_procfs_stat got;
    bn_procfs_stat(whole, &want);
    bn_procfs_stat(cut, &got);
    CHECK(!got.has_cpu || memcmp(&got.cpu, &want.cpu, sizeof got.cpu) == 0);
    same_or_absent(got.interrupts, want.interrupts);
    same_or_absent(got.context_switches, want.context_switches);
    same_or_absent(got.booted_s, want.booted_s);
    same_or_absent(got.forks, want.forks);
    same_or_absent(got.running, want.running);
    same_or_absent(got.blocked, want.blocked);
    struct bn_procfs_cpu cores[2];
    uint64_t number[2];
    while (bn_procfs_core_next(&cut, &number[0], &cores[0])) {
        CHECK(bn_procfs_core_next(&whole, &number[1], &cores[1]));
        CHECK(number[0] == number[1]);
        CHECK(memcmp(&cores[0], &cores[1], sizeof cores[0]) == 0);
    }
}

BN_TEST(stat_cut_anywhere_never_says_a_wrong_number)
{
    static const char *const paths[] = {"lxc/proc/stat", "old/proc/stat", "bare64/proc/stat"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct bn_str text = host_text(paths[i]);
        host_text_cut(text, i == 2 ? 13 : 1, read_cut_stat);
        host_text_free(text);
    }
}

static void read_stat(struct bn_str text)
{
    struct bn_procfs_stat stat;
    struct bn_procfs_cpu core;
    uint64_t number;
    bn_procfs_stat(text, &stat);
    while (bn_procfs_core_next(&text, &number, &core))
        ;
}

BN_TEST(stat_with_garbled_bytes_is_read_without_harm)
{
    struct bn_str text = host_text("lxc/proc/stat");
    host_text_garble(text, 1, read_stat);
    host_text_free(text);
}

/* --- memory ------------------------------------------------------------------------------------
 */

BN_TEST(meminfo_is_told_in_bytes)
{
    struct bn_str text = host_text("bare64/proc/meminfo");
    struct bn_procfs_meminfo mem;
    bn_procfs_meminfo(text, &mem);
    CHECK(mem.total == UINT64_C(263856732) * 1024);
    CHECK(mem.free == UINT64_C(120123456) * 1024);
    CHECK(mem.available == UINT64_C(180123456) * 1024);
    CHECK(mem.buffers == UINT64_C(918232) * 1024);
    CHECK(mem.cached == UINT64_C(61234568) * 1024);
    CHECK(mem.reclaimable == UINT64_C(4194304) * 1024);
    CHECK(mem.swap_total == UINT64_C(8388604) * 1024);
    CHECK(mem.swap_free == UINT64_C(8126460) * 1024);
    host_text_free(text);
}

BN_TEST(meminfo_of_an_old_kernel_does_not_know_what_is_available)
{
    struct bn_str text = host_text("old/proc/meminfo");
    struct bn_procfs_meminfo mem;
    bn_procfs_meminfo(text, &mem);
    CHECK(mem.available == BN_ABSENT);
    CHECK(mem.total == UINT64_C(1884040) * 1024);
    host_text_free(text);
    bn_procfs_meminfo(BN_STR("MemTotal: 18014398509481985 kB\nMemFree: x kB\n"), &mem);
    CHECK(mem.total == BN_ABSENT);
    CHECK(mem.free == BN_ABSENT);
}

static void read_cut_memory(struct bn_str whole, struct bn_str cut)
{
    struct bn_procfs_meminfo want;
    struct bn_procfs_meminfo got;
    bn_procfs_meminfo(whole, &want);
    bn_procfs_meminfo(cut, &got);
    same_or_absent(got.total, want.total);
    same_or_absent(got.free, want.free);
    same_or_absent(got.available, want.available);
    same_or_absent(got.buffers, want.buffers);
    same_or_absent(got.cached, want.cached);
    same_or_absent(got.reclaimable, want.reclaimable);
    same_or_absent(got.swap_total, want.swap_total);
    same_or_absent(got.swap_free, want.swap_free);
}

static void read_meminfo(struct bn_str text)
{
    struct bn_procfs_meminfo mem;
    bn_procfs_meminfo(text, &mem);
}

BN_TEST(meminfo_cut_or_garbled_anywhere_never_says_a_wrong_number)
{
    struct bn_str text = host_text("bare64/proc/meminfo");
    host_text_cut(text, 1, read_cut_memory);
    host_text_garble(text, 3, read_meminfo);
    host_text_free(text);
}

static void read_cut_vmstat(struct bn_str whole, struct bn_str cut)
{
    struct bn_procfs_vmstat want;
    struct bn_procfs_vmstat got;
    bn_procfs_vmstat(whole, &want);
    bn_procfs_vmstat(cut, &got);
    CHECK_INT(want.swapped_in, 120331);
    CHECK_INT(want.swapped_out, 981233);
    same_or_absent(got.swapped_in, want.swapped_in);
    same_or_absent(got.swapped_out, want.swapped_out);
}

BN_TEST(vmstat_gives_pages_swapped)
{
    struct bn_str text = host_text("bare64/proc/vmstat");
    host_text_cut(text, 1, read_cut_vmstat);
    host_text_free(text);
}

/* --- small texts -------------------------------------------------------------------------------
 */

BN_TEST(loadavg_gives_three_loads_and_the_threads)
{
    struct bn_procfs_loadavg load;
    bn_procfs_loadavg(BN_STR("4.12 3.87 3.65 7/2345 4123987\n"), &load);
    CHECK_NEAR(load.load[0], 4.12, 1e-6);
    CHECK_NEAR(load.load[1], 3.87, 1e-6);
    CHECK_NEAR(load.load[2], 3.65, 1e-6);
    CHECK_INT(load.threads, 2345);
}

BN_TEST(loadavg_without_numbers_gives_none)
{
    const struct bn_str texts[] = {
            BN_STR(""),
            BN_STR("4.12 3.87 3.65 7/2345 41"),
            BN_STR("-1 nan inf 7-3 1\n"),
            BN_STR("x\n"),
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct bn_procfs_loadavg load;
        bn_procfs_loadavg(texts[i], &load);
        CHECK(isnan(load.load[0]) && isnan(load.load[1]) && isnan(load.load[2]));
        CHECK(load.threads == BN_ABSENT);
    }
}

BN_TEST(pressure_is_the_ten_second_share_of_some_tasks)
{
    CHECK_NEAR(bn_procfs_pressure(BN_STR("some avg10=2.34 avg60=1.98 avg300=1.77 total=9182\n"
                                         "full avg10=9.00 avg60=0.00 avg300=0.00 total=0\n")),
            2.34, 1e-6);
    CHECK(isnan(bn_procfs_pressure(BN_STR("full avg10=9.00 avg60=0.00 avg300=0.00 total=0\n"))));
    CHECK(isnan(bn_procfs_pressure(BN_STR("some avg10=2.3"))));
    CHECK(isnan(bn_procfs_pressure(BN_STR("some avg10=high avg60=0\n"))));
}

BN_TEST(file_nr_of_a_kernel_without_a_bound_names_no_bound)
{
    struct bn_procfs_files files;
    bn_procfs_file_nr(BN_STR("21344\t32\t9223372036854775807\n"), &files);
    CHECK_INT(files.used, 21312);
    CHECK(files.max == BN_ABSENT);
    bn_procfs_file_nr(BN_STR("1344\t0\t183842\n"), &files);
    CHECK_INT(files.max, 183842);
    bn_procfs_file_nr(BN_STR("1\t2\t3\n"), &files);
    CHECK(files.used == BN_ABSENT);
    bn_procfs_file_nr(BN_STR("1344\t0\t18"), &files);
    CHECK(files.used == BN_ABSENT);
}

BN_TEST(cpuinfo_names_the_processor_and_says_when_it_is_virtual)
{
    struct bn_procfs_cpuinfo info;
    struct bn_str text = host_text("bare64/proc/cpuinfo");
    bn_procfs_cpuinfo(text, &info);
    CHECK_STR(info.model, "AMD EPYC 7543 32-Core Processor");
    CHECK(!info.is_virtual);
    host_text_free(text);
    text = host_text("lxc/proc/cpuinfo");
    bn_procfs_cpuinfo(text, &info);
    CHECK_STR(info.model, "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz");
    CHECK(info.is_virtual);
    host_text_free(text);
    bn_procfs_cpuinfo(BN_STR("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n"), &info);
    CHECK_STR(info.model, "POWER9, altivec supported");
    bn_procfs_cpuinfo(BN_STR("processor\t: 0\nBogoMIPS\t: 243.75\n\nmodel name\t: late\n"), &info);
    CHECK_STR(info.model, "");
}

BN_TEST(os_release_is_unquoted)
{
    char out[64];
    bn_procfs_os_release(BN_STR("NAME=x\nPRETTY_NAME=\"A \\\"B\\\" \\$5\"\nID=y\n"), out,
            sizeof out);
    CHECK_STR(out, "A \"B\" $5");
    bn_procfs_os_release(BN_STR("PRETTY_NAME='Alpine Linux v3.20'"), out, sizeof out);
    CHECK_STR(out, "Alpine Linux v3.20");
    bn_procfs_os_release(BN_STR("PRETTY_NAME=Void"), out, sizeof out);
    CHECK_STR(out, "Void");
    bn_procfs_os_release(BN_STR("PRETTY_NAME=\"open"), out, sizeof out);
    CHECK_STR(out, "open");
    bn_procfs_os_release(BN_STR("PRETTY_NAME=\"a name that is longer\""), out, 7);
    CHECK_STR(out, "a name");
    char line[400] = "PRETTY_NAME=";
    memset(line + 12, 'a', 300);
    bn_procfs_os_release(bn_str(line), out, sizeof out);
    CHECK_INT(strlen(out), sizeof out - 1);
    bn_procfs_os_release(BN_STR("XPRETTY_NAME=x\nPRETTY_NAME=\n"), out, sizeof out);
    CHECK_STR(out, "");
}

BN_TEST(users_are_found_by_number)
{
    struct bn_str text = host_text("bare64/etc/passwd");
    char out[32] = "same";
    CHECK(bn_procfs_user(text, 112, out, sizeof out));
    CHECK_STR(out, "postgres");
    CHECK(bn_procfs_user(text, 0, out, sizeof out));
    CHECK_STR(out, "root");
    CHECK(!bn_procfs_user(text, 4711, out, sizeof out));
    CHECK_STR(out, "root");
    host_text_free(text);
    CHECK(!bn_procfs_user(BN_STR("a:x:1\nb:x\n:x:1:1::\nc\n"), 1, out, sizeof out));
}

BN_TEST(a_file_of_one_number_holds_nothing_else)
{
    int64_t value = 7;
    CHECK(bn_procfs_number(BN_STR("-1\n"), &value));
    CHECK_INT(value, -1);
    CHECK(bn_procfs_number(BN_STR("48500\n"), &value));
    CHECK_INT(value, 48500);
    CHECK(!bn_procfs_number(BN_STR("48500"), &value));
    CHECK(!bn_procfs_number(BN_STR("4 5\n"), &value));
    CHECK(!bn_procfs_number(BN_STR("<unsupported>\n"), &value));
    CHECK(!bn_procfs_number(BN_STR(""), &value));
    CHECK_INT(value, 48500);
}

static void read_small(struct bn_str text)
{
    struct bn_procfs_loadavg load;
    struct bn_procfs_files files;
    struct bn_procfs_cpuinfo info;
    struct bn_procfs_vmstat vm;
    char name[24];
    int64_t value;
    bn_procfs_loadavg(text, &load);
    bn_procfs_pressure(text);
    bn_procfs_file_nr(text, &files);
    bn_procfs_cpuinfo(text, &info);
    bn_procfs_vmstat(text, &vm);
    bn_procfs_os_release(text, name, sizeof name);
    if (bn_procfs_user(text, 0, name, sizeof name))
        CHECK(name[0] != 0 && bn_utf8_is_valid(name, strlen(name)));
    if (bn_procfs_number(text, &value))
        CHECK(value > INT64_MIN);
}

static void read_small_cut(struct bn_str whole, struct bn_str cut)
{
    (void)whole;
    read_small(cut);
}

BN_TEST(small_texts_cut_or_garbled_anywhere_do_no_harm)
{
    static const char *const paths[] = {"bare64/proc/loadavg", "bare64/proc/pressure/cpu",
            "bare64/proc/sys/fs/file-nr", "lxc/proc/cpuinfo", "bare64/proc/vmstat",
            "bare64/etc/os-release", "lxc/etc/os-release", "bare64/etc/passwd"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct bn_str text = host_text(paths[i]);
        host_text_cut(text, 1, read_small_cut);
        host_text_garble(text, 1, read_small);
        host_text_free(text);
    }
}

BN_TEST_MAIN()

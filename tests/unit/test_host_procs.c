#include <math.h>

#include "host_machine.h"
#include "source/host_top.h"

static bool no_size(const char *path, struct bn_fs_size *out)
{
    (void)path;
    (void)out;
    return false;
}

static void begin(struct machine *m, const char *name)
{
    machine_start(m, name, no_size);
    machine_sample(m);
}

static void later(struct machine *m, int64_t ms)
{
    machine_wait_ms(m, ms);
    machine_sample(m);
}

static size_t proc_count(struct machine *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->row_count; i++)
        count += m->rows[i].kind == BN_KIND_PROC;
    return count;
}

static void put_process(struct machine *m, int pid, const char *name, unsigned ticks,
        unsigned start, unsigned pages)
{
    char path[64];
    char text[512];
    snprintf(path, sizeof path, "proc/%d/stat", pid);
    snprintf(text, sizeof text, "%d (%s) S 1 1 1 0 -1 0 0 0 0 0 %u 0 0 0 20 0 1 0 %u 4096 %u 0 0\n",
            pid, name, ticks, start, pages);
    machine_put(m, path, text);
}

BN_TEST(processes_are_told_with_owner_command_memory_and_start)
{
    struct machine m;
    begin(&m, "bare64");
    later(&m, 2000);
    CHECK_INT(machine_host(&m)->process_count, 9);
    const struct bn_proc *java = MACHINE_ROW(&m, PROC, proc, "1204.3000");
    CHECK_INT(java->pid, 1204);
    CHECK_STR(java->name, "java");
    CHECK_STR(java->user, "1001");
    CHECK_STR(java->state, "S");
    CHECK_INT(java->thread_count, 212);
    CHECK_INT(java->memory_bytes, 2097152 * sysconf(_SC_PAGESIZE));
    CHECK_INT(java->started_at, INT64_C(1763600000000) + 3000 * 1000 / sysconf(_SC_CLK_TCK));
    CHECK_STR(java->command, "/usr/lib/jvm/java-17/bin/java -Xmx12g "
                             "-Djavax.net.ssl.keyStorePassword=*** -jar /opt/app/app.jar");
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "812.1500")->user, "postgres");
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "2211.90000")->name, "tmux: (1) server");
    machine_stop(&m);
}

BN_TEST(cpu_time_of_a_process_is_percent_of_one_core)
{
    struct machine m;
    begin(&m, "bare64");
    machine_become(&m, "bare64_later");
    later(&m, 1000);
    CHECK(isnan(MACHINE_ROW(&m, PROC, proc, "1204.3000")->cpu_pct)); /* scanned every 2 s */
    later(&m, 1000);
    double hz = (double)sysconf(_SC_CLK_TCK);
    CHECK_NEAR(MACHINE_ROW(&m, PROC, proc, "1204.3000")->cpu_pct, 300 / hz / 2 * 100, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, PROC, proc, "1377.4000")->cpu_pct, 40 / hz / 2 * 100, 1e-9);
    CHECK_NEAR(MACHINE_ROW(&m, PROC, proc, "812.1500")->cpu_pct, 0, 1e-9);
    /* A thread of the kernel has no memory and is here for its time. */
    CHECK_NEAR(MACHINE_ROW(&m, PROC, proc, "57.60")->cpu_pct, 6 / hz / 2 * 100, 1e-9);
    CHECK(machine_find(&m, BN_KIND_PROC, "2.8") == NULL);
    CHECK(machine_find(&m, BN_KIND_PROC, "4001.200000") == NULL); /* a zombie has nothing */
    machine_stop(&m);
}

BN_TEST(a_process_that_ends_is_gone_and_its_number_used_again_is_another)
{
    struct machine m;
    begin(&m, "lxc");
    put_process(&m, 77, "first", 100, 500, 900);
    later(&m, 2000);
    CHECK(machine_find(&m, BN_KIND_PROC, "77.500") != NULL);
    put_process(&m, 77, "second", 200, 600, 900);
    later(&m, 2000);
    CHECK(machine_find(&m, BN_KIND_PROC, "77.500") == NULL);
    CHECK(isnan(MACHINE_ROW(&m, PROC, proc, "77.600")->cpu_pct));
    CHECK_INT(m.gone, 1);
    machine_remove(&m, "proc/77");
    later(&m, 2000);
    CHECK_INT(m.gone, 2);
    CHECK_INT(proc_count(&m), 1);
    machine_stop(&m);
}

BN_TEST(of_many_processes_the_fifteen_busiest_and_the_fifteen_largest_are_told)
{
    char id[32];
    struct machine m;
    begin(&m, "lxc");
    for (int i = 0; i < 300; i++)
        put_process(&m, 1000 + i, "many", 0, 1, (unsigned)i);
    later(&m, 2000);
    CHECK_INT(proc_count(&m), 15);
    for (int i = 0; i < 300; i++)
        put_process(&m, 1000 + i, "many", i < 100 ? (unsigned)(200 - i) : 0, 1, (unsigned)i);
    later(&m, 2000);
    CHECK_INT(proc_count(&m), 30);
    for (int i = 0; i < 15; i++) {
        snprintf(id, sizeof id, "%d.1", 1000 + i);
        CHECK(machine_find(&m, BN_KIND_PROC, id) != NULL);
        snprintf(id, sizeof id, "%d.1", 1299 - i);
        CHECK(machine_find(&m, BN_KIND_PROC, id) != NULL);
    }
    CHECK_INT(machine_host(&m)->process_count, 301);
    machine_stop(&m);
}

BN_TEST(a_stuck_process_is_not_asked_for_its_arguments)
{
    struct machine m;
    begin(&m, "bare64");
    machine_become(&m, "bare64_later");
    later(&m, 2000);
    const struct bn_proc *stuck = MACHINE_ROW(&m, PROC, proc, "3300.123456");
    CHECK_STR(stuck->state, "D");
    CHECK_STR(stuck->command, "");
    CHECK_STR(stuck->user, "");
    put_process(&m, 3300, "backup", 2000, 123456, 800);
    later(&m, 2000);
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "3300.123456")->command,
            "/usr/local/bin/backup --token *** --to s3://bucket/x");
    machine_stop(&m);
}

BN_TEST(a_process_that_becomes_another_program_is_looked_at_anew)
{
    struct machine m;
    begin(&m, "bare64");
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "2211.90000")->command, "tmux new -s a b");
    put_process(&m, 2211, "login", 900, 90000, 2100);
    machine_put(&m, "proc/2211/cmdline", "login");
    machine_put(&m, "proc/2211/status", "Name:\tlogin\nUid:\t0\t33\t0\t0\n");
    later(&m, 2000);
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "2211.90000")->command, "login");
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "2211.90000")->user, "www-data");
    machine_put(&m, "proc/2211/cmdline", "same name, other words");
    later(&m, 2000);
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "2211.90000")->command, "login");
    for (int i = 0; i < 16; i++)
        later(&m, 2000);
    CHECK_STR(MACHINE_ROW(&m, PROC, proc, "2211.90000")->command, "same name, other words");
    machine_stop(&m);
}

BN_TEST(long_scans_come_in_pieces)
{
    struct machine m;
    machine_start(&m, "lxc", no_size);
    for (int i = 0; i < 400; i++)
        put_process(&m, 1000 + i, "many", 0, 1, 1);
    int pieces = 1;
    bool more = bn_host_sample(m.sampler, m.now_ms);
    CHECK_INT(machine_host(&m)->process_count, BN_UNKNOWN);
    CHECK_INT(proc_count(&m), 0);
    for (; more; pieces++)
        more = bn_host_sample_more(m.sampler);
    CHECK(pieces >= 4);
    CHECK_INT(proc_count(&m), 15);
    later(&m, 1000);
    CHECK_INT(machine_host(&m)->process_count, 401);
    machine_stop(&m);
}

BN_TEST(a_dear_scan_is_made_less_often)
{
    CHECK_INT(bn_host_pace(1000000, 2 * BN_SECOND_NS, 400, 30 * BN_SECOND_NS), 2 * BN_SECOND_NS);
    CHECK_INT(bn_host_pace(20000000, 2 * BN_SECOND_NS, 400, 30 * BN_SECOND_NS), 8 * BN_SECOND_NS);
    CHECK_INT(bn_host_pace(900000000, 2 * BN_SECOND_NS, 400, 30 * BN_SECOND_NS), 30 * BN_SECOND_NS);
    CHECK_INT(bn_host_pace(INT64_MAX, 2 * BN_SECOND_NS, 400, 30 * BN_SECOND_NS), 30 * BN_SECOND_NS);
}

BN_TEST(tcp_connections_of_a_machine_without_diagnostics_are_counted_in_its_tables)
{
    struct machine m;
    begin(&m, "bare64");
    const struct bn_host *host = machine_host(&m);
    later(&m, 1000);
    CHECK_INT(host->tcp_established, 3);
    CHECK_INT(host->tcp_listen, 3);
    CHECK_INT(host->tcp_time_wait, 2);
    CHECK_INT(host->tcp_close_wait, 1);
    CHECK_INT(host->tcp_syn_sent, 1);
    CHECK_INT(host->tcp_syn_recv, 1);
    CHECK_INT(host->tcp_fin_wait, 2);
    CHECK_INT(host->tcp_other, 1);
    machine_stop(&m);
}

BN_TEST(a_long_table_of_connections_is_counted_whole)
{
    static char text[1 << 20];
    size_t len = 0;
    for (int i = 0; i < 6000; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                "%4d: 0100007F:%04X 0100007F:01BB 0%d 00000000:00000000 00:00000000 00000000   33 "
                "       0 981235 1 0000000000000000 20 4 30 10 -1\n",
                i, i, i % 3 == 0 ? 6 : 1);
    struct machine m;
    machine_start(&m, "lxc", no_size);
    machine_put(&m, "proc/net/tcp", text);
    int pieces = 1;
    for (bool more = bn_host_sample(m.sampler, m.now_ms); more; pieces++)
        more = bn_host_sample_more(m.sampler);
    later(&m, 1000);
    CHECK(pieces >= 3);
    CHECK_INT(machine_host(&m)->tcp_established, 4000);
    CHECK_INT(machine_host(&m)->tcp_time_wait, 2000);
    machine_stop(&m);
}

BN_TEST_MAIN()

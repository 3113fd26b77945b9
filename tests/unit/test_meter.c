#include "base/text.h"

#include "bn_test.h"
#include "model/meter.h"

static void check_series(const struct bn_record_type *type, const char *want)
{
    char list[1024] = "";
    size_t len = 0;
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].flags & BN_F_SERIES)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? " " : "",
                    type->fields[i].name);
    CHECK_STR(list, want);
}

BN_TEST(charts_have_these_series_of_a_machine)
{
    check_series(&bn_host_type,
            "cpu_pct user_pct system_pct iowait_pct steal_pct load1 load5 load15 "
            "mem_used_bytes mem_available_bytes mem_cached_bytes swap_used_bytes "
            "swap_in_bps swap_out_bps process_count thread_count running_count blocked_count "
            "context_switches_ps interrupts_ps fd_used cpu_pressure_pct memory_pressure_pct "
            "io_pressure_pct tcp_established tcp_listen tcp_time_wait tcp_close_wait "
            "tcp_syn_sent tcp_syn_recv tcp_fin_wait tcp_other units_failed temperature_c");
    check_series(&bn_core_type, "busy_pct");
    check_series(&bn_mount_type, "used_bytes used_pct inodes_used");
    check_series(&bn_disk_type, "read_bps write_bps read_iops write_iops busy_pct await_ms");
    check_series(&bn_nic_type, "rx_bps tx_bps rx_pps tx_pps rx_errors_ps tx_errors_ps");
    check_series(&bn_proc_type, "");
    check_series(&bn_unit_type, "");
}

BN_TEST(a_share_is_between_0_and_100_and_a_process_may_use_more_than_one_core)
{
    struct bn_core core;
    struct bn_err err;
    bn_record_clear(&bn_core_type, &core);
    snprintf(core.id, sizeof core.id, "0");
    core.busy_pct = 100;
    CHECK(bn_record_check(&bn_core_type, &core, &err));
    core.busy_pct = 100.5;
    CHECK(!bn_record_check(&bn_core_type, &core, &err));
    CHECK_STR(err.text, "busy_pct must be 0..100, got 100.5");

    struct bn_proc proc;
    bn_record_clear(&bn_proc_type, &proc);
    snprintf(proc.id, sizeof proc.id, "1.2");
    proc.cpu_pct = 250;
    CHECK(bn_record_check(&bn_proc_type, &proc, &err));
    proc.pid = 0;
    CHECK(!bn_record_check(&bn_proc_type, &proc, &err));
    CHECK_STR(err.field, "pid");
}

BN_TEST(no_measure_of_a_machine_is_below_zero_but_its_temperature)
{
    const struct bn_record_type *const types[] = {&bn_host_type, &bn_core_type, &bn_mount_type,
            &bn_disk_type, &bn_nic_type, &bn_proc_type, &bn_unit_type};
    for (size_t t = 0; t < COUNT(types); t++) {
        for (size_t i = 0; i < types[t]->field_count; i++) {
            const struct bn_field *field = &types[t]->fields[i];
            if (field->type != BN_T_I64 && field->type != BN_T_F64)
                continue;
            bool is_temperature = strcmp(field->name, "temperature_c") == 0;
            CHECK(field->min < field->max);
            CHECK((field->min < 0) == is_temperature);
        }
    }
}

BN_TEST(a_machine_nobody_measured_yet_is_valid_and_shows_nothing_but_its_id)
{
    struct bn_host host;
    BN_BUF_AUTO buf;
    struct bn_json json;
    bn_record_clear(&bn_host_type, &host);
    snprintf(host.id, sizeof host.id, "local");
    CHECK(bn_record_check(&bn_host_type, &host, NULL));
    bn_buf_init(&buf, 4096);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_record_json(&bn_host_type, &host, BN_MASK_ALL, BN_ABSENT_OMIT, &json);
    bn_json_object_end(&json);
    CHECK(bn_str_is(bn_buf_str(&buf), "{\"id\":\"local\"}"));
}

BN_TEST_MAIN()

#include "bn_test.h"
#include "model/work.h"

static struct bn_operation power(const char *server, int64_t vmid)
{
    struct bn_operation operation;
    bn_record_clear(&bn_operation_type, &operation);
    snprintf(operation.id, sizeof operation.id, "o1");
    snprintf(operation.server_id, sizeof operation.server_id, "%s", server);
    operation.type = BN_WORK_VM_POWER;
    operation.vmid = vmid;
    operation.status = BN_WORK_PENDING;
    operation.progress = 0;
    operation.started_at = 1795000000000;
    return operation;
}

BN_TEST(an_operation_is_judged_field_by_field)
{
    struct bn_operation operation = power("s1", 100);
    struct bn_err err;
    CHECK(bn_record_check(&bn_operation_type, &operation, &err));
    operation.progress = 101;
    CHECK(!bn_record_check(&bn_operation_type, &operation, &err));
    CHECK_STR(err.text, "progress must be 0..100, got 101");
    operation.progress = BN_UNKNOWN;
    CHECK(!bn_record_check(&bn_operation_type, &operation, &err));
    CHECK_STR(err.text, "progress is required");
    operation = power("s1", 0);
    CHECK(!bn_record_check(&bn_operation_type, &operation, &err));
    CHECK_STR(err.field, "vmid");
}

BN_TEST(nothing_of_an_operation_may_be_written_by_a_request)
{
    for (size_t i = 0; i < bn_operation_type.field_count; i++)
        CHECK(bn_operation_type.fields[i].flags & BN_F_FIXED);
}

BN_TEST(what_is_not_known_of_an_operation_is_null)
{
    const struct bn_operation operation = power("s1", 100);
    BN_BUF_AUTO out;
    bn_buf_init(&out, 8192);
    struct bn_json json;
    bn_json_init(&json, &out);
    bn_json_object(&json);
    bn_record_json(&bn_operation_type, &operation, BN_MASK_ALL, BN_ABSENT_NULL, &json);
    bn_json_object_end(&json);
    bn_buf_putc(&out, '\0');
    CHECK(strstr(out.p, "\"type\":\"vm_power\""));
    CHECK(strstr(out.p, "\"status\":\"pending\""));
    CHECK(strstr(out.p, "\"vm_type\":null"));
    CHECK(strstr(out.p, "\"target_id\":null"));
    CHECK(strstr(out.p, "\"error\":null"));
    CHECK(strstr(out.p, "\"completed_at\":null"));
}

BN_TEST(completed_failed_and_cancelled_are_ends)
{
    static const struct {
        int64_t status;
        const char *word;
        bool is_over;
    } cases[] = {{BN_WORK_PENDING, "pending", false}, {BN_WORK_IN_PROGRESS, "in_progress", false},
            {BN_WORK_COMPLETED, "completed", true}, {BN_WORK_FAILED, "failed", true},
            {BN_WORK_CANCELLED, "cancelled", true}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bn_operation operation = power("s1", 100);
        operation.status = cases[i].status;
        CHECK_INT(bn_operation_is_over(&operation), cases[i].is_over);
        CHECK_STR(bn_work_status_word(cases[i].status), cases[i].word);
    }
    CHECK_STR(bn_work_status_word(BN_UNKNOWN), "unknown");
    CHECK_STR(bn_work_status_word(5), "unknown");
}

BN_TEST(a_guest_is_its_server_and_its_number)
{
    const struct bn_operation a = power("s1", 100);
    struct bn_operation b = power("s1", 100);
    snprintf(b.action, sizeof b.action, "stop");
    CHECK(bn_operation_is_same_deed(&a, &b)); /* a start beside a stop helps nobody */
    b = power("s2", 100);
    CHECK(!bn_operation_is_same_deed(&a, &b));
    b = power("s1", 101);
    CHECK(!bn_operation_is_same_deed(&a, &b));
    b = power("s1", 100);
    b.type = BN_WORK_HEALTH_CHECK;
    CHECK(!bn_operation_is_same_deed(&a, &b));
    CHECK(!bn_operation_is_same_deed(&b, &b)); /* runs of checks may go beside each other */
}

BN_TEST_MAIN()

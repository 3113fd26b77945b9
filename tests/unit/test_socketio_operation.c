#include "bn_test.h"
#include "web/socketio_operation.h"

#define SET(member, text) bn_text_clip(member, sizeof(member), bn_str(text))

static void is_told(const struct bn_operation *operation, const char *want)
{
    struct bn_json json;
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    bn_json_init(&json, &out);
    bn_socketio_put_operation(&json, operation);
    bn_buf_putc(&out, '\0');
    CHECK_STR(out.p, want);
}

static struct bn_operation operation_new(void)
{
    struct bn_operation operation;
    bn_record_clear(&bn_operation_type, &operation);
    SET(operation.id, "op1");
    operation.type = BN_WORK_VM_POWER;
    operation.status = BN_WORK_IN_PROGRESS;
    operation.progress = 30;
    operation.started_at = 1000;
    SET(operation.server_id, "17");
    SET(operation.phase, "waiting");
    return operation;
}

BN_TEST(an_operation_under_way_tells_its_phase_and_no_end)
{
    struct bn_operation operation = operation_new();
    is_told(&operation,
            "{\"id\":\"op1\",\"connectionId\":17,\"type\":\"vm_power\",\"status\":\"in_progress\","
            "\"progress\":30,\"message\":\"waiting\",\"startedAt\":\"1970-01-01T00:00:01.000Z\","
            "\"metadata\":{}}");
}

BN_TEST(an_operation_that_ended_tells_how_and_when)
{
    struct bn_operation operation = operation_new();
    operation.status = BN_WORK_FAILED;
    operation.progress = 100;
    operation.completed_at = 2000;
    operation.vmid = 100;
    SET(operation.target_id, "web-\"1\"");
    SET(operation.message, "it failed");
    SET(operation.error, "no sudo");
    SET(operation.hint, "add a line");
    SET(operation.subject, "nginx on web-1");
    SET(operation.action, "start");
    SET(operation.node, "pve1");
    SET(operation.created_by, "ada");
    is_told(&operation,
            "{\"id\":\"op1\",\"connectionId\":\"web-\\\"1\\\"\",\"type\":\"vm_power\","
            "\"status\":\"failed\",\"progress\":100,\"message\":\"it failed\",\"error\":\"no sudo\","
            "\"startedAt\":\"1970-01-01T00:00:01.000Z\",\"completedAt\":\"1970-01-01T00:00:02.000Z\","
            "\"metadata\":{\"subject\":\"nginx on web-1\",\"action\":\"start\",\"node\":\"pve1\","
            "\"hint\":\"add a line\",\"vmid\":100},\"createdBy\":\"ada\"}");
    operation.message[0] = '\0';
    CHECK_STR(bn_socketio_target_of(&operation), "web-\"1\"");
}

BN_TEST(ids_are_numbers_where_they_are_written_as_numbers_are)
{
    static const char *const table[][2] = {{"", "null"}, {"7", "7"}, {"07", "\"07\""},
            {"0", "\"0\""}, {"a", "\"a\""}, {"-7", "\"-7\""},
            {"9007199254740992", "9007199254740992"}, {"9007199254740993", "\"9007199254740993\""}};
    for (size_t i = 0; i < COUNT(table); i++) {
        struct bn_json json;
        BN_BUF_AUTO out;
        bn_buf_init(&out, 100);
        bn_json_init(&json, &out);
        bn_json_array(&json);
        bn_socketio_put_id(&json, table[i][0]);
        bn_json_array_end(&json);
        out.len--;
        bn_buf_putc(&out, '\0');
        CHECK_STR(out.p + 1, table[i][1]);
    }
}

BN_TEST_MAIN()

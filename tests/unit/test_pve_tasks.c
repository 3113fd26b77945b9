#include "bn_test.h"
#include "source/pve_tasks.h"

#define UPID(begun, type, id) "UPID:pve1:0008380E:0131F1BF:" begun ":" type ":" id ":root@pam!t:"

static struct bn_pve_task_row rows[3];

static size_t read_tasks(const char *body)
{
    size_t n = COUNT(rows);
    struct bn_err err;
    if (!bn_pve_read_tasks(bn_str(body), rows, &n, &err))
        fail_msg("%s", err.text);
    return n;
}

BN_TEST(a_task_is_what_its_upid_says_and_how_it_ended)
{
    CHECK_INT(read_tasks("{\"data\":[{\"upid\":\"" UPID("6A84EA54", "vzdump",
                      "") "\",\"endtime\":1787096000,\"status\":\"WARNINGS: 2\",\"saved\":\"1\"},"
                          "{\"upid\":\"" UPID("6A84EA54", "qmstop",
                                  "100") "\",\"status\":\"RUNNING\"}]}"),
            2);
    CHECK_STR(rows[0].node, "pve1");
    CHECK_STR(rows[0].type, "vzdump");
    CHECK_STR(rows[0].id, "");
    CHECK_STR(rows[0].user, "root@pam!t");
    CHECK_INT(rows[0].begun_ms, INT64_C(0x6A84EA54) * 1000);
    CHECK_INT(rows[0].ended_ms, INT64_C(1787096000) * 1000);
    CHECK_STR(rows[0].status, "WARNINGS: 2");
    CHECK_STR(rows[1].id, "100");
    CHECK_INT(rows[1].ended_ms, 0);
    CHECK_STR(rows[1].status, "");
}

BN_TEST(times_may_be_texts_and_what_is_no_time_is_none)
{
    CHECK_INT(read_tasks("{\"data\":[{\"upid\":\"" UPID("6A84EA54", "vzdump",
                      "") "\",\"endtime\":\"1787096000\"},"
                          "{\"upid\":\"" UPID("6A84EA54", "vzdump",
                                  "") "\",\"endtime\":1e300},"
                                      "{\"upid\":\"" UPID("6A84EA54", "vzdump",
                                              "") "\",\"endtime\":5}]}"),
            3);
    CHECK_INT(rows[0].ended_ms, INT64_C(1787096000) * 1000);
    CHECK_INT(rows[1].ended_ms, 0);
    CHECK_INT(rows[2].ended_ms, rows[2].begun_ms); /* never before it began */
}

BN_TEST(what_is_no_task_is_left_out_and_no_more_than_asked_are_read)
{
    CHECK_INT(read_tasks(
                      "{\"data\":[null,7,{},{\"upid\":7},{\"upid\":\"UPID:../..:1:2:3:a:b:c:\"}]}"),
            0);
    CHECK_INT(read_tasks(
                      "{\"data\":["
                      "{\"upid\":\"" UPID("00000001", "a", "") "\"},{\"upid\":\"" UPID("00000002",
                              "b", "") "\"},{\"upid\":\"" UPID("00000003", "c",
                              "") "\"},{\"upid\":\"" UPID("00000004", "d", "") "\"}]}"),
            3);
    CHECK_STR(rows[2].type, "c");
}

BN_TEST(what_is_no_list_is_refused_and_cut_at_every_byte_too)
{
    static const char body[] = "{\"data\":[{\"upid\":\"" UPID("6A84EA54", "vzdump", "") "\"}]}";
    struct bn_err err;
    size_t n = 3;
    CHECK(!bn_pve_read_tasks(BN_STR("{\"data\":{}}"), rows, &n, &err));
    CHECK_STR(err.text, "this is no answer of a Proxmox VE: \"data\" is an object");
    CHECK_INT(n, 3);
    for (size_t len = 0; len < sizeof body - 1; len++) {
        n = 3;
        CHECK(!bn_pve_read_tasks((struct bn_str){body, len}, rows, &n, &err));
        CHECK_INT(err.code, BN_E_UPSTREAM);
    }
    n = 0;
    CHECK(bn_pve_read_tasks(bn_str(body), rows, &n, &err));
    CHECK_INT(n, 0);
}

BN_TEST_MAIN()

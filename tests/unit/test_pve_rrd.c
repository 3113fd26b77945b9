#include <math.h>

#include "base/buf.h"

#include "bn_test.h"
#include "model/limits.h"
#include "source/pve_rrd.h"

static char *text;

static struct bn_str recorded(const char *name)
{
    char path[400];
    snprintf(path, sizeof path, BN_TESTS_DIR "/fixtures/pve/%s", name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    text = bn_alloc(1 << 20);
    const size_t len = fread(text, 1, 1 << 20, file);
    fclose(file);
    return (struct bn_str){text, len};
}

static void read_it(struct bn_str body, enum bn_pve_rrd_of of, struct bn_pve_rrd *out)
{
    struct bn_err err;
    if (!bn_pve_read_rrd(body, of, out, &err))
        fail_msg("%s", err.text);
}

/* The whole answer as JSON; valid until the next. */
static const char *json_of(const struct bn_pve_rrd *rrd)
{
    static struct bn_buf out;
    struct bn_json json;
    bn_buf_finish(&out);
    bn_buf_init(&out, 1 << 22);
    bn_json_init(&json, &out);
    bn_pve_rrd_json(rrd, "hour", &json);
    bn_buf_putc(&out, 0);
    CHECK(bn_buf_ok(&out));
    return out.p;
}

BN_TEST(a_recorded_guest_of_version_9_has_rates_shares_and_sizes)
{
    struct bn_pve_rrd rrd;
    read_it(recorded("pve9/qemu_rrddata.json"), BN_RRD_GUEST, &rrd);
    CHECK_INT(rrd.count, 12);
    CHECK_INT(rrd.points[0].time_s, 1768327200);
    CHECK_NEAR(rrd.points[0].values[0], 0.0070435117676127, 1e-12);
    CHECK_NEAR(rrd.points[0].values[2], 2609766106.42524, 1e-3);
    CHECK(isnan(rrd.points[11].values[0])); /* only sizes were recorded: it was off */
    CHECK_NEAR(rrd.points[11].values[3], 2147483648, 0);
    const char *json = json_of(&rrd);
    CHECK(strstr(json, "{\"range\":\"hour\",\"step_s\":"));
    CHECK(strstr(json,
            "{\"time\":\"2026-01-13T18:00:00.000Z\",\"cpu\":0.007,\"maxcpu\":2,\"mem\":2609766106,"
            "\"maxmem\":8589934592,\"net_in_bps\":1310,\"net_out_bps\":35665,\"disk_read_bps\":0,"
            "\"disk_write_bps\":26718}"));
    CHECK(strstr(json, "\"cpu\":null,\"maxcpu\":2,\"mem\":null,\"maxmem\":2147483648,"
                       "\"net_in_bps\":null"));
    bn_pve_rrd_finish(&rrd);
    free(text);
}

BN_TEST(a_recorded_hour_of_version_7_has_a_point_a_minute)
{
    struct bn_pve_rrd rrd;
    read_it(recorded("pve7/qemu_rrddata_hour.json"), BN_RRD_GUEST, &rrd);
    CHECK_INT(rrd.count, 70);
    CHECK_INT(rrd.step_s, 60);
    CHECK(isnan(rrd.points[0].values[0]));
    bn_pve_rrd_finish(&rrd);
    free(text);
}

BN_TEST(recorded_nodes_have_load_swap_and_their_root_besides)
{
    struct bn_pve_rrd rrd;
    read_it(recorded("pve8/node_rrddata.json"), BN_RRD_NODE, &rrd);
    CHECK_INT(rrd.count, 12);
    CHECK_INT(rrd.step_s, 60);
    CHECK(strstr(json_of(&rrd), "\"mem\":5607787998,\"maxmem\":16540225536"));
    CHECK(strstr(json_of(&rrd), "\"iowait\":0.5553,\"loadavg\":4.89,\"swap\":0,\"maxswap\":0,"
                                "\"disk\":8952650138,\"maxdisk\":19037854106}"));
    bn_pve_rrd_finish(&rrd);
    free(text);
    read_it(recorded("pve9/node_rrddata.json"), BN_RRD_NODE, &rrd);
    CHECK_INT(rrd.count, 12);
    CHECK_INT(rrd.step_s, 60);
    bn_pve_rrd_finish(&rrd);
    free(text);
}

BN_TEST(nonsense_is_cut_to_what_can_be_and_what_is_absent_is_null)
{
    struct bn_pve_rrd rrd;
    read_it(BN_STR("{\"data\":[{\"time\":\"120\",\"cpu\":-5.75e-05,\"mem\":9,\"maxmem\":\"8\","
                   "\"netin\":-3,\"diskread\":\"NaN\"},{\"time\":60,\"cpu\":7},"
                   "{\"time\":60},{\"time\":0},{\"time\":99999999999999},{\"cpu\":1},7,null]}"),
            BN_RRD_GUEST, &rrd);
    CHECK_INT(rrd.count, 2);
    CHECK_INT(rrd.step_s, 60);
    CHECK_STR(json_of(&rrd),
            "{\"range\":\"hour\",\"step_s\":60,\"points\":["
            "{\"time\":\"1970-01-01T00:01:00.000Z\",\"cpu\":1,\"maxcpu\":null,\"mem\":null,"
            "\"maxmem\":null,\"net_in_bps\":null,\"net_out_bps\":null,\"disk_read_bps\":null,"
            "\"disk_write_bps\":null},"
            "{\"time\":\"1970-01-01T00:02:00.000Z\",\"cpu\":0,\"maxcpu\":null,\"mem\":8,\"maxmem\":8,"
            "\"net_in_bps\":0,\"net_out_bps\":null,\"disk_read_bps\":null,\"disk_write_bps\":null}"
            "]}");
    bn_pve_rrd_finish(&rrd);
}

/* After an upgrade a few rows of half an hour stand before the fine ones. */
BN_TEST(the_step_is_that_of_most_rows_and_of_none_it_is_unknown)
{
    struct bn_pve_rrd rrd;
    read_it(BN_STR("{\"data\":[{\"time\":1800},{\"time\":3600},{\"time\":3660},{\"time\":3720},"
                   "{\"time\":3780}]}"),
            BN_RRD_GUEST, &rrd);
    CHECK_INT(rrd.step_s, 60);
    bn_pve_rrd_finish(&rrd);
    read_it(BN_STR("{\"data\":[]}"), BN_RRD_GUEST, &rrd);
    CHECK_STR(json_of(&rrd), "{\"range\":\"hour\",\"step_s\":null,\"points\":[]}");
    bn_pve_rrd_finish(&rrd);
}

BN_TEST(of_too_many_rows_the_newest_are_kept)
{
    struct bn_pve_rrd rrd;
    BN_BUF_AUTO body;
    bn_buf_init(&body, 1 << 20);
    bn_buf_puts(&body, "{\"data\":[{\"time\":1}");
    for (int i = 2; i <= BN_RRD_ROWS_MAX + 5; i++)
        bn_buf_printf(&body, ",{\"time\":%d}", i);
    bn_buf_puts(&body, "]}");
    read_it(bn_buf_str(&body), BN_RRD_GUEST, &rrd);
    CHECK_INT(rrd.count, BN_RRD_ROWS_MAX);
    CHECK_INT(rrd.points[0].time_s, 6);
    CHECK_INT(rrd.points[BN_RRD_ROWS_MAX - 1].time_s, BN_RRD_ROWS_MAX + 5);
    bn_pve_rrd_finish(&rrd);
}

/* Cut at every byte: never read beyond, and never taken for an answer. */
BN_TEST(half_an_answer_is_none)
{
    static const char whole[] = "{\"data\":[{\"time\":60,\"cpu\":0.5},{\"time\":120,\"cpu\":1}]}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct bn_pve_rrd rrd;
        struct bn_err err;
        char *part = bn_alloc(len + 1);
        memcpy(part, whole, len);
        CHECK(!bn_pve_read_rrd((struct bn_str){part, len}, BN_RRD_GUEST, &rrd, &err));
        CHECK_INT(rrd.count, 0);
        bn_pve_rrd_finish(&rrd);
        free(part);
    }
}

BN_TEST(ranges_are_those_every_version_has)
{
    CHECK(bn_pve_rrd_range_is_known(BN_STR("hour")));
    CHECK(bn_pve_rrd_range_is_known(BN_STR("year")));
    CHECK(!bn_pve_rrd_range_is_known(BN_STR("decade"))); /* from version 9 on only */
    CHECK(!bn_pve_rrd_range_is_known(BN_STR("")));
    CHECK(!bn_pve_rrd_range_is_known(BN_STR("hour&cf=MAX")));
}

BN_TEST_MAIN()

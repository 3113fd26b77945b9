#include "base/text.h"

#include "bn_test.h"
#include "model/self.h"

BN_TEST(charts_have_these_series_of_ourselves)
{
    char list[1024] = "";
    size_t len = 0;
    for (size_t i = 0; i < bn_self_type.field_count; i++)
        if (bn_self_type.fields[i].flags & BN_F_SERIES)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? " " : "",
                    bn_self_type.fields[i].name);
    CHECK_STR(list,
            "cpu_pct rss_bytes fd_count turns_ps loop_lag_ms facts_ps connections listeners "
            "messages_ps sent_bps requests_ps store_queue store_ms db_bytes wal_bytes");
}

BN_TEST(a_counter_of_ours_cannot_be_negative)
{
    struct bn_self self;
    struct bn_err err;
    bn_record_clear(&bn_self_type, &self);
    snprintf(self.id, sizeof self.id, "local");
    self.gaps = 3;
    CHECK(bn_record_check(&bn_self_type, &self, &err));
    self.gaps = -1;
    CHECK(!bn_record_check(&bn_self_type, &self, &err));
    CHECK_STR(err.text, "gaps must be at least 0, got -1");
}

BN_TEST(a_log_line_has_no_series_and_shows_what_it_says)
{
    struct bn_line line;
    BN_BUF_AUTO buf;
    struct bn_json json;
    for (size_t i = 0; i < bn_line_type.field_count; i++)
        CHECK(!(bn_line_type.fields[i].flags & BN_F_SERIES));
    bn_record_clear(&bn_line_type, &line);
    snprintf(line.id, sizeof line.id, "7");
    snprintf(line.level, sizeof line.level, "warn");
    snprintf(line.text, sizeof line.text, "why=\"a b\"");
    bn_buf_init(&buf, 4096);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_record_json(&bn_line_type, &line, BN_MASK_ALL, BN_ABSENT_OMIT, &json);
    bn_json_object_end(&json);
    CHECK(bn_str_is(bn_buf_str(&buf),
            "{\"id\":\"7\",\"level\":\"warn\",\"text\":\"why=\\\"a b\\\"\"}"));
}

BN_TEST_MAIN()

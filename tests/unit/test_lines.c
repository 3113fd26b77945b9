#include "base/log.h"

#include "bn_test.h"
#include "source/lines.h"

static struct bn_line lines[16];
static size_t count;

static void hear(void *user, const struct bn_fact *fact)
{
    (void)user;
    CHECK_STR(fact->tenant, BN_TENANT_DEFAULT);
    CHECK(count < COUNT(lines));
    lines[count++] = fact->u.line;
}

static const struct bn_line *find(const char *event)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(lines[i].event, event) == 0)
            return &lines[i];
    return NULL;
}

BN_TEST(a_log_line_is_a_fact_in_its_parts)
{
    struct bn_clock clock;
    struct bn_hub hub;
    bn_log_set_fd(-1);
    bn_clock_read(&clock);
    bn_hub_init(&hub, &clock, NULL, NULL, NULL);
    bn_hub_watch(&hub, BN_KIND_LINE, hear, NULL);
    bn_log(BN_WARN, "lines.before", BN_KV("server", "pve-3"), BN_KV_I64("tries", 4));
    bn_lines_start(&hub); /* what was said before it began is told too */
    bn_log(BN_INFO, "lines.bare", BN_KV("a", "b"));
    bn_hub_turn(&hub);
    const struct bn_line *before = find("lines.before");
    const struct bn_line *bare = find("lines.bare");
    assert_non_null(before);
    assert_non_null(bare);
    CHECK_STR(before->level, "warn");
    CHECK_STR(before->text, "server=pve-3 tries=4");
    CHECK(before->at >= clock.now_ms - 1000 && before->at < clock.now_ms + 60000);
    CHECK_STR(bare->level, "info");
    CHECK_STR(bare->text, "a=b");
    int64_t first;
    int64_t second;
    CHECK(bn_parse_i64(bn_str(before->id), 0, INT64_MAX, &first));
    CHECK(bn_parse_i64(bn_str(bare->id), 0, INT64_MAX, &second));
    CHECK_INT(second, first + 1);
    bn_lines_stop();
    size_t told = count;
    bn_log(BN_WARN, "lines.after", BN_KV("a", "b"));
    bn_hub_turn(&hub);
    CHECK_INT(count, told);
    bn_hub_finish(&hub);
}

BN_TEST_MAIN()

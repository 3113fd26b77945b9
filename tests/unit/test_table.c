#include "base/secret.h"

#include "bn_test.h"
#include "model/meter.h"
#include "model/table.h"

static struct bn_core core_of(const char *id, double busy_pct)
{
    struct bn_core core;
    bn_record_clear(&bn_core_type, &core);
    snprintf(core.id, sizeof core.id, "%s", id);
    core.busy_pct = busy_pct;
    return core;
}

static uint64_t put(struct bn_table *table, const char *id, double busy_pct)
{
    struct bn_core core = core_of(id, busy_pct);
    uint64_t changed = 0;
    assert_non_null(bn_table_put(table, &core, &changed));
    return changed;
}

BN_TEST(an_empty_table_finds_nothing)
{
    struct bn_table table;
    bn_table_init(&table, &bn_core_type, 10);
    CHECK(bn_table_find(&table, "0") == NULL);
    CHECK(!bn_table_remove(&table, "0"));
    bn_table_finish(&table);
}

BN_TEST(a_put_says_what_it_changed)
{
    struct bn_table table;
    bn_table_init(&table, &bn_core_type, 10);
    CHECK(put(&table, "0", 5) == BN_MASK_ALL);
    CHECK(put(&table, "0", 5) == 0);
    CHECK(put(&table, "0", 6) == BN_BIT(bn_field_index(&bn_core_type, "busy_pct")));
    CHECK(put(&table, "1", 5) == BN_MASK_ALL);
    CHECK_INT(table.count, 2);
    const struct bn_core *core = (const void *)bn_table_find(&table, "0")->record;
    CHECK_NEAR(core->busy_pct, 6, 0);
    bn_table_finish(&table);
}

BN_TEST(a_full_table_refuses_new_keys_and_takes_known_ones)
{
    struct bn_table table;
    struct bn_core core = core_of("2", 1);
    uint64_t changed = 77;
    bn_table_init(&table, &bn_core_type, 2);
    put(&table, "0", 1);
    put(&table, "1", 1);
    CHECK(bn_table_put(&table, &core, &changed) == NULL);
    CHECK_INT(changed, 77);
    CHECK(put(&table, "1", 2) != 0);
    CHECK(bn_table_remove(&table, "0"));
    CHECK(put(&table, "2", 1) == BN_MASK_ALL);
    bn_table_finish(&table);
}

BN_TEST(rows_keep_their_place_and_order_while_the_table_grows)
{
    struct bn_table table;
    struct bn_row *rows[2000];
    char id[16];
    bn_table_init(&table, &bn_core_type, COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(id, sizeof id, "key-%zu", i);
        put(&table, id, (double)i / 100);
        rows[i] = bn_table_find(&table, id);
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(id, sizeof id, "key-%zu", i);
        CHECK(bn_table_find(&table, id) == rows[i]);
    }
    size_t n = 0;
    bn_table_each(row, &table) CHECK(row == rows[n++]);
    CHECK_INT(n, COUNT(rows));
    bn_table_finish(&table);
}

BN_TEST(removed_rows_are_gone_and_the_others_stay)
{
    struct bn_table table;
    char id[16];
    bn_table_init(&table, &bn_core_type, 1000);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++) {
            snprintf(id, sizeof id, "%d", i);
            put(&table, id, i % 100);
        }
        for (int i = 0; i < 500; i += 2) {
            snprintf(id, sizeof id, "%d", i);
            CHECK(bn_table_remove(&table, id));
            CHECK(!bn_table_remove(&table, id));
        }
        CHECK_INT(table.count, 250);
        for (int i = 0; i < 500; i++) {
            snprintf(id, sizeof id, "%d", i);
            CHECK((bn_table_find(&table, id) != NULL) == (i % 2 == 1));
        }
    }
    bn_table_finish(&table);
    CHECK_INT(table.count, 0);
    CHECK(bn_table_find(&table, "1") == NULL);
}

BN_TEST(a_row_may_be_removed_while_walking)
{
    struct bn_table table;
    bn_table_init(&table, &bn_core_type, 10);
    put(&table, "0", 1);
    put(&table, "1", 1);
    put(&table, "2", 1);
    bn_list_each_safe(it, tmp, &table.rows) {
        struct bn_row *row = container_of(it, struct bn_row, link);
        CHECK(bn_table_remove(&table, bn_record_key(&bn_core_type, row->record)));
    }
    CHECK_INT(table.count, 0);
    CHECK(put(&table, "1", 1) == BN_MASK_ALL);
    bn_table_finish(&table);
}

BN_TEST(keys_that_share_a_beginning_or_an_end_are_different_rows)
{
    const char *const ids[] = {"a", "aaaaaaaa", "aaaaaaaab", "baaaaaaaa", "aaaaaaaaaaaaaa", "b"};
    struct bn_table table;
    bn_table_init(&table, &bn_core_type, 10);
    for (size_t i = 0; i < COUNT(ids); i++)
        CHECK(put(&table, ids[i], (double)i) == BN_MASK_ALL);
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct bn_core *core = (const void *)bn_table_find(&table, ids[i])->record;
        CHECK_NEAR(core->busy_pct, i, 0);
    }
    CHECK(bn_table_find(&table, "aaaaaaa") == NULL);
    CHECK(bn_table_find(&table, "") == NULL);
    bn_table_finish(&table);
}

BN_TEST_MAIN()

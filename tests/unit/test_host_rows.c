#include "bn_test.h"
#include "source/host_rows.h"

struct item {
    struct bn_host_row row;
    int value;
};

static char gone_ids[256];

static void note_gone(void *user, void *row)
{
    int *count = user;
    const struct item *item = row;
    (*count)++;
    snprintf(gone_ids + strlen(gone_ids), sizeof gone_ids - strlen(gone_ids), "%s=%d ",
            item->row.id, item->value);
}

static void see(struct bn_host_rows *rows, const char *name, int value)
{
    bool is_new;
    struct item *item = bn_host_rows_get(rows, bn_str(name), &is_new);
    CHECK(item != NULL);
    CHECK(is_new == (item->value == 0));
    item->value = value;
}

BN_TEST(rows_not_seen_in_a_reading_are_gone)
{
    struct bn_host_rows rows;
    int gone = 0;
    gone_ids[0] = 0;
    bn_host_rows_init(&rows, sizeof(struct item), 16, 100);
    bn_host_rows_begin(&rows);
    see(&rows, "a", 1);
    see(&rows, "b", 2);
    see(&rows, "c", 3);
    bn_host_rows_end(&rows, note_gone, &gone);
    CHECK_INT(gone, 0);
    bn_host_rows_begin(&rows);
    see(&rows, "c", 3);
    see(&rows, "d", 4);
    bn_host_rows_end(&rows, note_gone, &gone);
    CHECK_INT(gone, 2);
    CHECK_STR(gone_ids, "a=1 b=2 ");
    CHECK_INT(rows.count, 2);
    CHECK(bn_host_rows_find(&rows, BN_STR("a")) == NULL);
    CHECK_INT(((struct item *)bn_host_rows_find(&rows, BN_STR("d")))->value, 4);
    bn_host_rows_finish(&rows);
}

BN_TEST(rows_have_a_ceiling)
{
    struct bn_host_rows rows;
    bool is_new;
    char name[16];
    bn_host_rows_init(&rows, sizeof(struct item), 16, 20);
    bn_host_rows_begin(&rows);
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "n%d", i);
        CHECK((bn_host_rows_get(&rows, bn_str(name), &is_new) != NULL) == (i < 20));
    }
    CHECK(bn_host_rows_get(&rows, BN_STR("n7"), &is_new) != NULL);
    CHECK(!is_new);
    bn_host_rows_finish(&rows);
}

static void check_id(const char *name, size_t size, const char *want)
{
    char out[BN_ID_MAX];
    bn_host_id(out, size, bn_str(name));
    CHECK_STR(out, want);
}

BN_TEST(ids_are_names_where_names_are_plain)
{
    check_id("/srv/backup disk", BN_ID_MAX, "/srv/backup disk");
    check_id("eth0", 5, "eth0");
    check_id("\xC3\xA9t\xC3\xA9", 16, "\xC3\xA9t\xC3\xA9");
}

BN_TEST(ids_of_other_names_end_in_their_hash)
{
    check_id("/a/very/long/path/of/somebody", 20, "/a/very/lo~abc436e8");
    check_id("/a/very/long/path/of/anybody", 20, "/a/very/lo~3606b46a");
    check_id("bad\xFF", 16, "bad?~aa11d8a5");
    check_id("blank ", 16, "blank~f2e8db53");
    char out[BN_ID_MAX];
    char name[4096];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    bn_host_id(out, sizeof out, bn_str(name));
    CHECK_INT(strlen(out), BN_ID_MAX - 1);
    CHECK(strchr(out, '~') == out + BN_ID_MAX - 10);
}

BN_TEST_MAIN()

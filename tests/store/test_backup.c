#include "sql.h"
#include "store_test.h"

#define NOON   (INT64_C(498611) * 3600000)
#define COPIES 10
#define USERS  60 /* between two copies */

/* Users and points go in and nobody waits for them: the writer is busy while a copy is made. */
static void put_some(struct bn_store *store, int round)
{
    for (int i = 0; i < USERS; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", round * USERS + i);
        struct bn_fact fact = user_fact(id, id);
        struct bn_point point = {NOON + (round * USERS + i) * 10000, 1, 2, 3};
        bn_store_put(store, &fact);
        bn_store_point(store, "default", "host/local.load1", &point);
        if (i % 10 == 9)
            CHECK(bn_store_flush(store) > 0);
    }
}

static void restore(const char *copy, size_t at_least)
{
    struct place place;
    char path[300];
    place_init(&place);
    place.now_ms = NOON;
    place_path(&place, "binnacle.db", path);
    CHECK_INT(rename(copy, path), 0);
    struct bn_store *store = place_open(&place);
    size_t rows = count_rows(store);
    if (rows < at_least)
        fail_msg("the copy has %zu records, %zu were acknowledged before it", rows, at_least);
    struct bn_fact fact = user_fact("new", "new");
    put_now(store, &fact);
    CHECK_INT(count_rows(store), rows + 1);
    bn_store_close(store);
    check_integrity(&place);
    place_finish(&place);
}

BN_TEST(a_copy_made_while_writing_is_whole_and_has_what_was_acknowledged)
{
    struct place place;
    struct heard heard = {0};
    place_init(&place);
    place.now_ms = NOON;
    struct bn_store *store = place_open(&place);
    for (int i = 0; i < COPIES; i++) {
        char copy[300];
        char sql[400];
        put_some(store, i);
        bn_store_collect(store, hear_ack, &heard);
        size_t acknowledged = heard.ok * 10;
        place_path(&place, "copy.db", copy);
        snprintf(sql, sizeof sql, "VACUUM INTO '%s'", copy);
        ask_sql(&place, sql); /* as docs/operations.md says */
        restore(copy, acknowledged);
    }
    await_acks(store, &heard, COPIES * USERS / 10);
    CHECK_INT(heard.ok, heard.count);
    CHECK_INT(count_rows(store), COPIES * USERS);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_restored_file_is_for_its_owner_alone)
{
    struct place place;
    char path[300];
    char sql[400];
    struct stat st;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    place_path(&place, "copy.db", path);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", path);
    ask_sql(&place, sql);
    bn_store_close(store);
    char db[300];
    place_path(&place, "binnacle.db", db);
    CHECK_INT(rename(path, db), 0);
    CHECK_INT(chmod(db, 0644), 0);
    bn_store_close(place_open(&place));
    CHECK_INT(stat(db, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    place_finish(&place);
}

BN_TEST_MAIN()

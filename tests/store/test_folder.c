#include <sys/mount.h>

#include "sql.h"
#include "store/folder.h"
#include "store_test.h"

static bool open_in(const char *dir, bool is_guest, struct bn_store **store, char notice[200],
        struct bn_err *err)
{
    struct bn_store_config config = {.is_guest = is_guest};
    snprintf(config.dir, sizeof config.dir, "%s", dir);
    return bn_store_open(&config, store, notice, err);
}

static void check_refused(const char *dir, const char *want)
{
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    CHECK(!open_in(dir, false, &store, notice, &err));
    CHECK_INT(err.code, BN_E_STORAGE);
    if (!strstr(err.text, want))
        fail_msg("\"%s\" is not in \"%s\"", want, err.text);
}

BN_TEST(one_server_per_folder_and_the_other_is_named)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    char want[80];
    snprintf(want, sizeof want, "another binnacle (pid %d) uses the data folder", (int)getpid());
    check_refused(place.dir, want);
    bn_store_close(store);
    store = place_open(&place);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_path_that_is_no_folder_is_refused_with_a_sentence)
{
    struct place place;
    place_init(&place);
    char path[300];
    place_path(&place, "no/such/folder", path);
    check_refused(path, "the folder above it is missing");
    place_path(&place, "file", path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    check_refused(path, "is not a folder");
    check_refused("", "must have 1..255 bytes");
    place_finish(&place);
}

BN_TEST(a_read_only_folder_is_refused_with_a_sentence)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    bn_store_close(store);
    if (geteuid() != 0) {
        CHECK_INT(chmod(place.dir, 0500), 0);
        char path[300];
        place_path(&place, "lock", path);
        CHECK_INT(chmod(path, 0400), 0);
        check_refused(place.dir, "cannot be written: Permission denied");
        CHECK_INT(chmod(place.dir, 0700), 0);
    } else if (mount("tmpfs", place.dir, "tmpfs", MS_RDONLY, "size=1m") == 0) {
        check_refused(place.dir, "cannot be written: Read-only file system");
        CHECK_INT(umount(place.dir), 0);
    } else {
        print_message("SKIPPED: mounting a read-only tmpfs is not allowed here\n");
    }
    place_finish(&place);
}

BN_TEST(a_newer_schema_is_refused_and_not_touched)
{
    struct place place;
    place_init(&place);
    bn_store_close(place_open(&place));
    ask_sql(&place, "PRAGMA user_version = 99");
    ask_sql(&place, "PRAGMA wal_checkpoint(TRUNCATE)");
    char path[300];
    struct stat before;
    struct stat after;
    place_path(&place, "binnacle.db", path);
    CHECK_INT(stat(path, &before), 0);
    check_refused(place.dir, "was written by a newer Binnacle (schema 99, this one knows ");
    CHECK_INT(stat(path, &after), 0);
    CHECK_INT(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    CHECK_INT(before.st_ino, after.st_ino);
    place_finish(&place);
}

BN_TEST(a_newer_schema_that_is_only_in_the_log_is_refused_too)
{
    struct place place;
    place_init(&place);
    bn_store_close(place_open(&place));
    char path[300];
    sqlite3 *db;
    place_path(&place, "binnacle.db", path);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    check_refused(place.dir, "was written by a newer Binnacle");
    sqlite3_close(db);
    CHECK_INT(ask_sql(&place, "PRAGMA user_version"), 99);
    place_finish(&place);
}

BN_TEST(the_database_of_another_program_is_refused_and_not_touched)
{
    struct place place;
    place_init(&place);
    char path[300];
    sqlite3 *db;
    place_path(&place, "binnacle.db", path);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE cookies(a); INSERT INTO cookies VALUES(1);", NULL, NULL, NULL);
    sqlite3_close(db);
    check_refused(place.dir, "is a database of another program");
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM cookies"), 1);
    place_finish(&place);
}

BN_TEST(a_column_a_field_table_gained_is_added_and_its_rows_stay)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    ann.u.user.last_login_at = 1795000000000;
    put_now(store, &ann);
    bn_store_close(store);
    ask_sql(&place, "ALTER TABLE users DROP COLUMN last_login_at");
    ask_sql(&place, "ALTER TABLE users DROP COLUMN role");
    ask_sql(&place, "ALTER TABLE users ADD COLUMN from_the_future TEXT");
    ask_sql(&place, "UPDATE users SET from_the_future = 'kept'");
    ask_sql(&place, "DROP TABLE api_keys");
    store = place_open(&place);
    struct heard heard = {0};
    struct bn_err err;
    CHECK(bn_store_load(store, hear_fact, &heard, &err));
    CHECK_INT(heard.facts, 1);
    CHECK_STR(heard.fact.u.user.name, "ann");
    CHECK_INT(heard.fact.u.user.last_login_at, 0);
    CHECK_INT(heard.fact.u.user.role, BN_UNKNOWN);
    put_now(store, &ann);
    heard = (struct heard){0};
    CHECK(bn_store_load(store, hear_fact, &heard, &err));
    CHECK_INT(bn_record_diff(&bn_user_type, &heard.fact.u, &ann.u), 0);
    bn_store_close(store);
    CHECK_INT(ask_sql(&place, "SELECT from_the_future = 'kept' FROM users"), 1);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM pragma_table_info('api_keys')") > 3, 1);
    place_finish(&place);
}

BN_TEST(a_column_of_another_type_needs_a_numbered_step_and_is_refused)
{
    struct place place;
    place_init(&place);
    bn_store_close(place_open(&place));
    ask_sql(&place, "ALTER TABLE users DROP COLUMN created_at");
    ask_sql(&place, "ALTER TABLE users ADD COLUMN created_at TEXT");
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    CHECK(!open_in(place.dir, false, &store, notice, &err));
    CHECK_INT(err.code, BN_E_INTERNAL);
    place_finish(&place);
}

BN_TEST(an_interrupted_migration_leaves_the_old_schema)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(store, &ann);
    bn_store_close(store);
    ask_sql(&place, "ALTER TABLE users DROP COLUMN role");
    ask_sql(&place, "DROP TABLE api_keys");
    ask_sql(&place, "CREATE TABLE api_keys_elsewhere(a)");
    ask_sql(&place,
            "CREATE INDEX api_keys ON api_keys_elsewhere(a)"); /* its table cannot be made */
    struct bn_err err;
    char notice[200];
    CHECK(!open_in(place.dir, false, &store, notice, &err));
    CHECK_INT(ask_sql(&place,
                      "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'role'"),
            0);
    ask_sql(&place, "DROP INDEX api_keys");
    store = place_open(&place);
    CHECK_INT(count_rows(store), 1);
    bn_store_close(store);
    place_finish(&place);
}

/* --- the reserve --------------------------------------------------------------------------------
 */

BN_TEST(the_reserve_takes_real_room_and_gives_it_back)
{
    struct place place;
    place_init(&place);
    struct bn_folder folder;
    struct bn_err err;
    CHECK(bn_folder_open(&folder, place.dir, false, &err));
    char path[300];
    struct stat st;
    place_path(&place, "reserve", path);
    CHECK(bn_folder_hold_reserve(&folder));
    CHECK(bn_folder_hold_reserve(&folder));
    CHECK_INT(stat(path, &st), 0);
    CHECK(st.st_blocks * 512 >= BN_STORE_RESERVE_BYTES);
    CHECK(bn_folder_has_room(&folder));
    bn_folder_release_reserve(&folder);
    CHECK_INT(stat(path, &st), -1);
    bn_folder_close(&folder);
    place_finish(&place);
}

BN_TEST_MAIN()

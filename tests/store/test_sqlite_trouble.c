#include <sys/mount.h>
#include <sys/statvfs.h>

#include "bad_disk.h"
#include "sql.h"
#include "store_test.h"

#define HOUR INT64_C(3600000)

/* --- one script under a failing disk -------------------------------------------------------------
 */

#define SCRIPT_BATCHES 40
#define SCRIPT_FACTS   5

struct script {
    struct bn_store *store;
    bool acked[SCRIPT_BATCHES * SCRIPT_FACTS];
    bool told[SCRIPT_BATCHES * SCRIPT_FACTS]; /* by collect_foreign, as it is on the disk */
    bool kept[SCRIPT_BATCHES * SCRIPT_FACTS]; /* found at the end */
    size_t refused;
};

static size_t number_of(const struct bn_fact *fact)
{
    int64_t number;
    CHECK(bn_parse_i64(bn_str(fact->u.user.id), 0, SCRIPT_BATCHES * SCRIPT_FACTS - 1, &number));
    return (size_t)number;
}

static void hear_row(void *user, const struct bn_fact *fact)
{
    struct script *script = user;
    script->told[number_of(fact)] = fact->op == BN_PUT;
}

static void find_row(void *user, const struct bn_fact *fact)
{
    struct script *script = user;
    script->kept[number_of(fact)] = true;
}

static void play(struct script *script, struct place *place)
{
    for (int i = 0; i < SCRIPT_BATCHES; i++) {
        for (int j = 0; j < SCRIPT_FACTS; j++) {
            char id[16];
            snprintf(id, sizeof id, "%d", i * SCRIPT_FACTS + j);
            struct bn_fact fact = user_fact(id, id);
            bn_store_put(script->store, &fact);
            struct bn_point point = {place->now_ms - HOUR + i * 10000, 1, 2, 3};
            bn_store_point(script->store, "default", &id[strlen(id) - 1], &point);
        }
        struct bn_err err = {0};
        bool ok = bn_store_keep(script->store, &err);
        if (!ok)
            CHECK_INT(err.code, BN_E_STORAGE);
        script->refused += !ok;
        for (int j = 0; j < SCRIPT_FACTS; j++)
            script->acked[i * SCRIPT_FACTS + j] = ok;
        if (i % 10 == 5)
            flush_and_tidy(script->store);
        bn_store_collect_foreign(script->store, hear_row, script);
    }
}

static bool is_degraded(struct bn_store *store)
{
    struct bn_store_stats stats;
    bn_store_get_stats(store, &stats);
    CHECK(!stats.degraded == !*stats.why);
    return stats.degraded;
}

static void await_recovery(struct bn_store *store, int most_ms)
{
    int64_t from_ns = bn_clock_mono_ns();
    while (is_degraded(store) && bn_clock_mono_ns() - from_ns < most_ms * INT64_C(1000000))
        pause_ms(5);
    CHECK(!is_degraded(store));
}

/* Opens on a good disk, plays with operations from..until-1 failing, looks what is left. */
static int play_with(enum bad_disk_how how, int from, int until)
{
    struct place place;
    struct script script = {0};
    place_init(&place);
    place.now_ms = 498611 * HOUR;
    script.store = place_open(&place);
    bad_disk_plan(how, from, until);
    play(&script, &place);
    int count = atomic_load(&bad_disk.count);
    int failed = atomic_load(&bad_disk.failed);
    bad_disk_plan(how, 0, 0);
    await_recovery(script.store, 5000);
    bn_store_collect_foreign(script.store, hear_row, &script);
    bn_store_close(script.store);

    script.store = place_open(&place);
    struct bn_err err;
    CHECK(bn_store_load(script.store, find_row, &script, &err));
    for (size_t i = 0; i < COUNT(script.acked); i++) {
        if (script.acked[i] && !script.kept[i])
            fail_msg("how %d from %d until %d: record %zu was acknowledged and is missing", how,
                    from, until, i);
        if (!script.acked[i] && script.kept[i] && !script.told[i])
            fail_msg(
                    "how %d from %d until %d: record %zu was refused, is there, and nobody said so",
                    how, from, until, i);
    }
    if (from == 0)
        CHECK_INT(script.refused, 0);
    if (failed > 0 && from < 10)
        CHECK(script.refused > 0);
    bn_store_close(script.store);
    check_integrity(&place);
    place_finish(&place);
    return count;
}

BN_TEST(a_disk_that_fails_at_any_operation_loses_nothing_acknowledged)
{
    int64_t from_ns = bn_clock_mono_ns();
    int operations = play_with(BAD_WRITE, 0, 0);
    int played = 0;
    CHECK(operations > 100);
    for (int k = 1; k <= operations; k++) {
        for (int how = 0; how < BAD_HOW_COUNT; how++) {
            if ((k + how) % sweep_step())
                continue;
            play_with((enum bad_disk_how)how, k, k % 3 ? k + 1 : k + 6);
            played++;
        }
        if (!is_sweep() && bn_clock_mono_ns() - from_ns > INT64_C(15000000000))
            break;
    }
    print_message("%d operations, %d times failed at one of them\n", operations, played);
    CHECK(played >= 10);
}

BN_TEST(while_the_disk_fails_records_are_refused_and_points_are_counted)
{
    struct place place;
    place_init(&place);
    place.now_ms = 498611 * HOUR;
    struct bn_store *store = place_open(&place);
    bad_disk_plan(BAD_WRITE, 1, 1000000000);
    struct bn_fact fact = user_fact("1", "ann");
    struct bn_err err;
    for (int i = 0; i < 10; i++) {
        struct bn_point point = {place.now_ms, 1, 1, 1};
        bn_store_put(store, &fact);
        bn_store_point(store, "default", "host/local.load1", &point);
        CHECK(!bn_store_keep(store, &err));
        CHECK_INT(err.code, BN_E_STORAGE);
        CHECK(is_degraded(store));
    }
    struct bn_store_stats stats;
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_points, 10);
    CHECK(strstr(stats.why, "the disk reports errors"));
    struct bn_point out[1];
    struct bn_span span = {"default", "host/local.load1", 0, place.now_ms, place.now_ms + 10000};
    CHECK(bn_store_read_series(store, &span, out, &err)); /* reading goes on */
    bad_disk_plan(BAD_WRITE, 0, 0);
    await_recovery(store, 5000);
    put_now(store, &fact);
    CHECK_INT(count_rows(store), 1);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(while_the_disk_fails_checks_are_dropped_and_counted_and_later_ones_kept)
{
    struct place place;
    struct bn_store_stats stats;
    struct bn_fact fact;
    struct bn_check check;
    struct bn_err err;
    place_init(&place);
    place.now_ms = 498611 * HOUR;
    struct bn_store *store = place_open(&place);
    bn_fact_init(&fact, BN_KIND_SERVER, "default");
    bn_text_clip(fact.u.server.id, sizeof fact.u.server.id, BN_STR("a"));
    put_now(store, &fact);
    bn_record_clear(&bn_check_type, &check);
    bn_text_clip(check.server_id, sizeof check.server_id, BN_STR("a"));
    check.success = 1;
    bad_disk_plan(BAD_WRITE, 1, 1000000000);
    for (int i = 0; i < 10; i++) {
        check.at = place.now_ms + i;
        bn_store_check(store, "default", &check);
        bn_store_put(store, &fact);
        CHECK(!bn_store_keep(store, &err));
    }
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_checks, 10);
    bad_disk_plan(BAD_WRITE, 0, 0);
    await_recovery(store, 5000);
    bn_store_check(store, "default", &check);
    put_now(store, &fact);
    struct bn_check_span span = {"default", "a", 0, INT64_MAX};
    struct bn_check out[10];
    size_t n = COUNT(out);
    CHECK(bn_store_read_checks(store, &span, out, &n, &err));
    CHECK_INT(n, 1);
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_checks, 10);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_close_on_a_dead_disk_ends_in_time)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    bad_disk_plan(BAD_WRITE, 1, 1000000000);
    for (int i = 0; i < 50; i++) {
        struct bn_fact fact = user_fact("1", "ann");
        bn_store_put(store, &fact);
        bn_store_flush(store);
    }
    int64_t from_ns = bn_clock_mono_ns();
    bn_store_close(store);
    CHECK(bn_clock_mono_ns() - from_ns < INT64_C(4600000000));
    bad_disk_plan(BAD_WRITE, 0, 0);
    place_finish(&place);
}

static void await_trouble(struct bn_store *store, const char *why)
{
    struct bn_store_stats stats;
    int64_t from_ns = bn_clock_mono_ns();
    do {
        pause_ms(10);
        bn_store_get_stats(store, &stats);
    } while (!stats.degraded && bn_clock_mono_ns() - from_ns < INT64_C(2000000000));
    CHECK(stats.degraded);
    CHECK(strstr(stats.why, why) != NULL);
}

BN_TEST(a_file_that_is_taken_away_is_noticed_and_nothing_more_is_acknowledged)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("1", "ann");
    struct bn_fact bob = user_fact("2", "bob");
    struct bn_err err;
    put_now(store, &ann);
    char path[300];
    char other[300];
    place_path(&place, "binnacle.db", path);
    place_path(&place, "elsewhere", other);
    CHECK_INT(rename(path, other), 0);
    await_trouble(store, "was removed or replaced");
    bn_store_put(store, &bob);
    CHECK(!bn_store_keep(store, &err));
    CHECK_INT(err.code, BN_E_STORAGE);
    CHECK_INT(rename(other, path), 0);
    await_recovery(store, 5000);
    put_now(store, &bob);
    CHECK_INT(count_rows(store), 2);
    bn_store_close(store);
    place_finish(&place);
}

/* --- a full disk ---------------------------------------------------------------------------------
 */

static void fill_disk(const struct place *place)
{
    char path[300];
    static char block[65536];
    place_path(place, "filler", path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    for (size_t size = sizeof block; size > 0; size /= 2)
        while (write(fd, block, size) == (ssize_t)size)
            ;
    close(fd);
}

/* Puts users until one is refused; what the log still has room for is kept. */
static size_t put_until_refused(struct bn_store *store)
{
    struct bn_err err = {0};
    size_t acked = 0;
    for (;; acked++) {
        char id[24];
        snprintf(id, sizeof id, "full%zu", acked);
        struct bn_fact fact = user_fact(id, id);
        bn_store_put(store, &fact);
        if (!bn_store_keep(store, &err))
            break;
        CHECK(acked < 100000);
    }
    CHECK_INT(err.code, BN_E_STORAGE);
    if (!strstr(err.text, "the disk is full"))
        fail_msg("said: %s", err.text);
    return acked;
}

/* Every one is answered at once, and the points with it are counted. */
static void check_refusals(struct bn_store *store, const struct place *place)
{
    struct heard heard = {0};
    struct bn_store_stats stats;
    for (size_t i = 0; i < 500; i++) {
        struct bn_point point = {place->now_ms, 1, 1, 1};
        struct bn_fact fact = user_fact("never", "never");
        bn_store_put(store, &fact);
        bn_store_point(store, "default", "host/local.load1", &point);
        CHECK(bn_store_flush(store) > 0);
        await_acks(store, &heard, i + 1);
    }
    CHECK_INT(heard.ok, 0);
    CHECK_INT(heard.last.err.code, BN_E_STORAGE);
    bn_store_get_stats(store, &stats);
    CHECK_INT(stats.lost_points, 500);
    CHECK(strstr(stats.why, "the disk is full"));
}

BN_TEST(a_full_disk_refuses_records_ends_sessions_and_recovers_by_itself)
{
    struct place place;
    place_init(&place);
    if (geteuid() != 0 || mount("tmpfs", place.dir, "tmpfs", 0, "size=24m,mode=0700") != 0) {
        print_message("SKIPPED: mounting a small tmpfs needs root\n");
        place_finish(&place);
        return;
    }
    place.now_ms = 498611 * HOUR;
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("ann", "ann");
    put_now(store, &ann);
    fill_disk(&place);
    size_t acked = put_until_refused(store);
    CHECK(is_degraded(store));
    ann.op = BN_GONE; /* somebody loses his account: the reserve has room for that */
    put_now(store, &ann);
    check_refusals(store, &place);
    pause_ms(1000); /* probes come, after 125, 250 and 500 ms, and find no room */
    CHECK(is_degraded(store));
    CHECK_INT(count_rows(store), acked);

    char path[300];
    place_path(&place, "filler", path);
    CHECK_INT(unlink(path), 0);
    await_recovery(store, 10000);
    struct bn_fact after = user_fact("after", "after");
    put_now(store, &after);
    place_path(&place, "reserve", path);
    CHECK_INT(access(path, F_OK), 0);
    CHECK_INT(count_rows(store), acked + 1);
    bn_store_close(store);
    check_integrity(&place);
    CHECK_INT(umount(place.dir), 0);
    place_finish(&place);
}

/* --- a pinned reader
 * ------------------------------------------------------------------------------ */

static void flood(struct bn_store *store, struct heard *heard, int n)
{
    for (int i = 0; i < 100; i++) {
        char id[40];
        snprintf(id, sizeof id, "%u.%d.%d", (unsigned)n * 2654435761U, n,
                i); /* all over the index */
        struct bn_fact fact = audit_fact(id, 1795000000000);
        memset(fact.u.audit.detail, 'x', sizeof fact.u.audit.detail - 1);
        bn_store_put(store, &fact);
    }
    bn_store_flush(store);
    bn_store_collect(store, hear_ack, heard);
}

BN_TEST(the_log_is_bounded_under_a_reader_that_never_ends_and_shortened_after_it)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact fact = user_fact("1", "ann");
    put_now(store, &fact);
    char path[300];
    sqlite3 *db;
    place_path(&place, "binnacle.db", path);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM users;", NULL, NULL, NULL), SQLITE_OK);

    struct bn_store_stats stats = {0};
    struct heard heard = {0};
    int64_t most = 0;
    int64_t from_ns = bn_clock_mono_ns();
    int n = 0;
    while (!stats.degraded && bn_clock_mono_ns() - from_ns < INT64_C(60000000000)) {
        flood(store, &heard, n++);
        bn_store_get_stats(store, &stats);
        most = BN_MAX(most, stats.wal_bytes);
        if (stats.queue > 20)
            pause_ms(5);
    }
    CHECK(stats.degraded);
    CHECK(strstr(stats.why, "another program keeps an old state"));
    for (int i = 0; i < 300; i++) {
        flood(store, &heard, n++);
        bn_store_get_stats(store, &stats);
        most = BN_MAX(most, stats.wal_bytes);
        pause_ms(2);
    }
    print_message("the log grew to %lld MiB\n", (long long)(most >> 20));
    CHECK(most <= 64 << 20);
    CHECK(most > 32 << 20);

    sqlite3_close(db);
    await_recovery(store, 5000);
    bn_store_get_stats(store, &stats);
    CHECK(stats.wal_bytes <= 4 << 20);
    await_acks(store, &heard, (size_t)n);
    CHECK(heard.ok < heard.count);
    put_now(store, &fact);
    bn_store_close(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM audit"), heard.ok * 100);
    place_finish(&place);
}

int main(int argc, char **argv)
{
    char filter[200];
    bad_disk_install();
    if (access("/dev/shm", W_OK) == 0) /* the errors are made here, not by a disk */
        setenv("TMPDIR", "/dev/shm", 0);
    if (argc > 1) {
        snprintf(filter, sizeof filter, "*%s*", argv[1]);
        cmocka_set_test_filter(filter);
    }
    return _cmocka_run_group_tests(__FILE__, bn_tests, bn_test_count, NULL, NULL);
}

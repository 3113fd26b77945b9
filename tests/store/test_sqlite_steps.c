/* How long a record waits while the store folds, throws away old history and writes its log back.
 */
#define PLACE_SYNCS
#include <pthread.h>
#include <stdatomic.h>

#include "old_history.h"
#include "sql.h"
#include "store_test.h"

#define NOW          INT64_C(1795000000000)
#define PROMISED_MS  50 /* A17 */
#define NOISE        20 /* times the longest wait of the idle store: a machine others use */
#define TRIES        3
#define IDLE_RECORDS 100
#define SERIES       20000
#define FRESH_SERIES 200
#define FRESH_POINTS 60
#define QUIET_LOAD   0.3
#define IDLE_MS      5

struct waits {
    double longest_ms;
    double lock_ms; /* the longest transaction */
    int64_t log_bytes;
    int count;
};

static void keep(struct bn_store *store, int records, struct waits *waits, int *number)
{
    struct bn_store_stats stats;
    for (int i = 0; i < records; i++) {
        char id[32];
        ++*number;
        snprintf(id, sizeof id, "%08x-%d", (unsigned)*number * 2654435761U, *number);
        struct bn_fact fact = audit_fact(id, NOW);
        bn_store_put(store, &fact);
    }
    struct bn_err err;
    int64_t from_ns = bn_clock_mono_ns();
    if (!bn_store_keep(store, &err))
        fail_msg("keep: %s", err.text);
    double ms = (double)(bn_clock_mono_ns() - from_ns) / 1e6;
    bn_store_get_stats(store, &stats);
    waits->longest_ms = BN_MAX(waits->longest_ms, ms);
    waits->lock_ms = BN_MAX(waits->lock_ms, stats.worst_ms);
    waits->log_bytes = BN_MAX(waits->log_bytes, stats.wal_bytes);
    waits->count++;
}

struct tidier {
    struct bn_store *store;
    atomic_bool is_done;
};

static void *tidy(void *user)
{
    struct tidier *tidier = user;
    bn_store_tidy(tidier->store);
    atomic_store(&tidier->is_done, true);
    return NULL;
}

static void put_fresh(struct bn_store *store)
{
    for (int series = 1; series <= FRESH_SERIES; series++)
        for (int i = 0; i < FRESH_POINTS; i++) {
            char name[32];
            struct bn_point point = {NOW - i * 10000, 1, 2, 3};
            snprintf(name, sizeof name, "core/%d.busy_pct", series);
            bn_store_point(store, "default", name, &point);
        }
    (void)bn_store_flush(store);
}

static void fill(struct place *place, int64_t megabytes)
{
    char path[300];
    int64_t series;
    sqlite3 *db;
    bn_store_close(place_open(place));
    place_path(place, "binnacle.db", path);
    CHECK(old_history(path, megabytes, NOW, &series));
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK(old_put_series(db, SERIES)); /* most of them without a block: they go */
    sqlite3_close(db);
}

/* Half of the history is too much for the size that is allowed. */
static void play(int64_t megabytes, struct waits *idle, struct waits *busy)
{
    struct place place;
    struct bn_err err;
    char notice[200];
    int number = 0;
    place_init(&place);
    place.now_ms = NOW;
    fill(&place, megabytes);
    struct bn_store_config config = place_config(&place);
    struct tidier tidier = {0};
    pthread_t thread;
    config.bytes_max = (megabytes << 20) / 2;
    CHECK(bn_store_open(&config, &tidier.store, notice, &err));
    while (idle->count < IDLE_RECORDS)
        keep(tidier.store, 1, idle, &number);
    put_fresh(tidier.store);
    CHECK_INT(pthread_create(&thread, NULL, tidy, &tidier), 0);
    while (!atomic_load(&tidier.is_done)) {
        keep(tidier.store, 1, busy, &number);
        pause_ms(1);
    }
    pthread_join(thread, NULL);
    bn_store_close(tidier.store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM audit"), number);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM tail"), 0);
    CHECK(ask_sql(&place, "SELECT count(*) FROM series") < SERIES / 2);
    CHECK(ask_sql(&place, "SELECT page_count FROM pragma_page_count") * 4096 < config.bytes_max);
    check_integrity(&place);
    place_finish(&place);
}

BN_TEST(a_record_does_not_wait_for_housekeeping)
{
    bool is_short = false;
    for (int i = 0; i < TRIES && !is_short; i++) {
        struct waits idle = {0};
        struct waits busy = {0};
        double load = 0;
        play(is_sweep() ? 512 : 12, &idle, &busy);
        bool is_quiet = getloadavg(&load, 1) == 1 && load < QUIET_LOAD && idle.longest_ms < IDLE_MS;
        double most_ms = PROMISED_MS + (is_quiet ? 0 : NOISE * idle.longest_ms);
        print_message(
                "longest wait for a record: idle %.1f ms, while tidying %.1f ms (%.1f times; %d "
                "records); longest transaction %.1f ms; load %.1f\n",
                idle.longest_ms, busy.longest_ms, busy.longest_ms / idle.longest_ms, busy.count,
                busy.lock_ms, load);
        CHECK(busy.count > 10);
        is_short = busy.longest_ms < most_ms && busy.lock_ms < most_ms;
    }
    CHECK(is_short);
}

static int64_t longest_log(int gap_ms)
{
    struct place place;
    struct waits waits = {0};
    int number = 0;
    place_init(&place);
    place.now_ms = NOW;
    struct bn_store *store = place_open(&place);
    while (waits.count < 200) {
        keep(store, 60, &waits, &number);
        pause_ms(gap_ms);
    }
    print_message("%d batches, longest wait %.1f ms, longest log %lld KiB\n", waits.count,
            waits.longest_ms, (long long)(waits.log_bytes >> 10));
    CHECK(waits.log_bytes > BN_STORE_LOG_BYTES);
    bn_store_close(store);
    place_finish(&place);
    return waits.log_bytes;
}

/* Batches in a stream, each waiting for the one before, fill 16 MiB within a second: from there on
   they would wait for each other. Where others use the disk, the stream is a little slower. */
BN_TEST(a_stream_of_records_does_not_wait_for_the_log)
{
    bool is_short = false;
    for (int gap_ms = 0; gap_ms < 12 && !is_short; gap_ms += 4)
        is_short = longest_log(gap_ms) < 16 << 20;
    CHECK(is_short);
}

BN_TEST_MAIN()

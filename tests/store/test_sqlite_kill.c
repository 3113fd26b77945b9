/* kill -9 at random moments under load: what was acknowledged is there, and the file is sound. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "sql.h"
#include "store_test.h"

#define ROUNDS   (is_sweep() ? 60 : 12)
#define NUMBERS  (1 << 20)
#define BATCH    5
#define LIMIT_MS 60000 /* fewer rounds on a machine that is busy, but never none */

static uint32_t acked[NUMBERS / 32];

/* In the child: records numbered from first, each acknowledged one told to the parent. */
struct child {
    int out;
    uint32_t first[1024]; /* by batch number modulo */
};

static void tell(void *user, const struct bn_ack *ack)
{
    struct child *child = user;
    uint32_t first = child->first[ack->batch % COUNT(child->first)];
    if (!ack->ok || write(child->out, &first, sizeof first) != sizeof first)
        _exit(3);
}

static void add_points(struct bn_store *store, uint32_t n)
{
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "core/%d.busy_pct", i);
        struct bn_clock clock;
        bn_clock_read(&clock);
        int64_t at_ms = clock.now_ms / 10000 * 10000 - (int64_t)(n % 3600) * 10000;
        struct bn_point point = {at_ms, 1, 2, 3};
        bn_store_point(store, "default", name, &point);
    }
}

static void *fold_all_the_time(void *store)
{
    for (;;)
        bn_store_tidy(store);
    return NULL;
}

static void write_until_killed(struct place *place, int out, uint32_t n)
{
    struct bn_store *store = place_open(place);
    struct child child = {.out = out};
    pthread_t tidier;
    if (n % 3 == 0) /* some rounds die in folds, retention and checkpoints */
        pthread_create(&tidier, NULL, fold_all_the_time, store);
    for (; n + BATCH < NUMBERS; n += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            char id[16];
            snprintf(id, sizeof id, "%u", n + i);
            struct bn_fact fact = audit_fact(id, 1795000000000);
            bn_store_put(store, &fact);
        }
        add_points(store, n);
        struct bn_store_stats stats;
        for (bn_store_get_stats(store, &stats); stats.queue > 100;
                bn_store_get_stats(store, &stats))
            pause_ms(1);
        child.first[(bn_store_flush(store)) % COUNT(child.first)] = n;
        bn_store_collect(store, tell, &child);
    }
    _exit(4);
}

static uint32_t hear_until_dead(int in, pid_t pid, int live_ms)
{
    uint32_t first;
    uint32_t count = 0;
    int64_t until_ns = 0;
    while (read(in, &first, sizeof first) == sizeof first) {
        for (uint32_t i = first; i < first + BATCH; i++)
            acked[i / 32] |= 1U << (i % 32);
        count += BATCH;
        if (!until_ns) /* its life begins with the first acknowledgement */
            until_ns = bn_clock_mono_ns() + live_ms * INT64_C(1000000);
        if (bn_clock_mono_ns() > until_ns)
            kill(pid, SIGKILL);
    }
    return count;
}

/* How many acknowledged numbers have no row. */
static size_t count_missing(const struct place *place)
{
    char path[300];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    static uint32_t found[NUMBERS / 32];
    memset(found, 0, sizeof found);
    place_path(place, "binnacle.db", path);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_prepare_v2(db, "SELECT id FROM audit", -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        uint32_t n = (uint32_t)sqlite3_column_int(stmt, 0);
        found[n / 32] |= 1U << (n % 32);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    size_t missing = 0;
    for (size_t i = 0; i < NUMBERS; i++)
        missing += (acked[i / 32] >> (i % 32) & 1) && !(found[i / 32] >> (i % 32) & 1);
    return missing;
}

BN_TEST(kill_nine_again_and_again_loses_nothing_that_was_acknowledged)
{
    struct place place;
    place_init(&place);
    uint32_t n = 0;
    uint32_t total = 0;
    int rounds = 0;
    int64_t from_ns = bn_clock_mono_ns();
    for (; rounds < ROUNDS && bn_clock_mono_ns() - from_ns < LIMIT_MS * INT64_C(1000000);
            rounds++) {
        int ends[2];
        CHECK_INT(pipe(ends), 0);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            write_until_killed(&place, ends[1], n);
        }
        close(ends[1]);
        total += hear_until_dead(ends[0], pid, (rounds * 37) % 90);
        close(ends[0]);
        int status;
        CHECK_INT(waitpid(pid, &status, 0), pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        n += 16384; /* numbers the dead child had queued are never reused */
        if (rounds % 6 == 5)
            check_integrity(&place);
    }
    struct bn_store *store = place_open(&place);
    bn_store_tidy(store);
    bn_store_close(store);
    check_integrity(&place);
    CHECK_INT(count_missing(&place), 0);
    print_message("%d kills, %u records acknowledged, 0 missing\n", rounds, total);
    CHECK(rounds >= 5);
    CHECK(total > 100);
    place_finish(&place);
}

BN_TEST_MAIN()

/*
 * bench_store: what the disk costs; records acknowledged, points kept, history read.
 *
 *   bench_store [DIR [DAYS]]     a folder that is made anew and removed; 7 days of 200 series
 *
 * Records are printed beside the same rows written by plain SQLite, one synced commit each, in the
 * same run; points as points per second; reading as milliseconds, median and 95th percentile.
 */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#include "store/store.h"

#define RECORDS 2000
#define SERIES  200
#define HOUR_MS INT64_C(3600000)

static int64_t now_ms = INT64_C(498611) * HOUR_MS;

static int64_t wall(void *user)
{
    (void)user;
    return now_ms;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

static struct bn_store *open_in(const char *dir)
{
    struct bn_store_config config = {.now_ms = wall};
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    if (!bn_text_copy(config.dir, sizeof config.dir, bn_str(dir)))
        die("DIR is too long");
    if (!bn_store_open(&config, &store, notice, &err))
        die(err.text);
    return store;
}

static double seconds_since(int64_t from_ns)
{
    return (double)(bn_clock_mono_ns() - from_ns) / 1e9;
}

/* --- records --------------------------------------------------------------------------------- */

static struct bn_fact record(int i)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_AUDIT, BN_TENANT_DEFAULT);
    snprintf(fact.u.audit.id, sizeof fact.u.audit.id, "%08x-%d", (unsigned)i * 2654435761U, i);
    snprintf(fact.u.audit.action, sizeof fact.u.audit.action, "user.add");
    fact.u.audit.at = now_ms;
    return fact;
}

static double plain_rate(const char *dir)
{
    char path[400];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    snprintf(path, sizeof path, "%s/plain.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die("cannot open plain.db");
    sqlite3_exec(db,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE a(tenant TEXT, id TEXT, action TEXT, at INTEGER, PRIMARY KEY(tenant, id))",
            NULL, NULL, NULL);
    sqlite3_prepare_v2(db, "INSERT INTO a VALUES('default', ?1, 'user.add', ?2)", -1, &stmt, NULL);
    int64_t from_ns = bn_clock_mono_ns();
    for (int i = 0; i < RECORDS; i++) {
        struct bn_fact fact = record(i);
        sqlite3_bind_text(stmt, 1, fact.u.audit.id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, now_ms);
        if (sqlite3_step(stmt) != SQLITE_DONE)
            die(sqlite3_errmsg(db));
        sqlite3_reset(stmt);
    }
    double rate = RECORDS / seconds_since(from_ns);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rate;
}

static void count_ack(void *user, const struct bn_ack *ack)
{
    if (!ack->ok)
        die(ack->err.text);
    ++*(int *)user;
}

/* Each waits for the one before it, as one person's clicks do. */
static double single_rate(struct bn_store *store)
{
    struct bn_err err;
    int64_t from_ns = bn_clock_mono_ns();
    for (int i = 0; i < RECORDS; i++) {
        struct bn_fact fact = record(i);
        bn_store_put(store, &fact);
        if (!bn_store_keep(store, &err))
            die(err.text);
    }
    return RECORDS / seconds_since(from_ns);
}

/* Each record is a batch of its own, as if each came in another turn; most `ahead` wait at once. */
static double record_rate(struct bn_store *store, int first, int ahead)
{
    int acked = 0;
    int64_t from_ns = bn_clock_mono_ns();
    for (int i = 0; i < RECORDS; i++) {
        struct bn_fact fact = record(first + i);
        bn_store_put(store, &fact);
        (void)bn_store_flush(store);
        for (bn_store_collect(store, count_ack, &acked); i + 1 - acked >= ahead;
                bn_store_collect(store, count_ack, &acked))
            usleep(50);
    }
    for (; acked < RECORDS; bn_store_collect(store, count_ack, &acked))
        usleep(50);
    return RECORDS / seconds_since(from_ns);
}

/* --- points ---------------------------------------------------------------------------------- */

static void name_of(char out[BN_SERIES_NAME_MAX], int i)
{
    snprintf(out, BN_SERIES_NAME_MAX, "core/%d.busy_pct", i);
}

static void put_hour(struct bn_store *store)
{
    struct bn_store_stats stats;
    for (int64_t at = now_ms; at < now_ms + HOUR_MS; at += 10000) {
        for (int i = 0; i < SERIES; i++) {
            char name[BN_SERIES_NAME_MAX];
            float value = (float)((uint64_t)(at / 10000 + i) * 2654435761U % 10000) / 100;
            struct bn_point point = {at, value * 0.9F, value, value * 1.1F};
            name_of(name, i);
            bn_store_point(store, BN_TENANT_DEFAULT, name, &point);
        }
        (void)bn_store_flush(store);
        for (bn_store_get_stats(store, &stats); stats.queue > 100;
                bn_store_get_stats(store, &stats))
            usleep(200);
    }
}

static void bench_points(struct bn_store *store, int hours)
{
    double worst_ms = 0;
    double tidy_s = 0;
    int64_t from_ns = bn_clock_mono_ns();
    struct bn_store_stats stats;
    for (int hour = 0; hour < hours; hour++, now_ms += HOUR_MS) {
        put_hour(store);
        int64_t tidy_ns = bn_clock_mono_ns();
        bn_store_tidy(store);
        tidy_s += seconds_since(tidy_ns);
        bn_store_get_stats(store, &stats);
        worst_ms = fmax(worst_ms, stats.worst_ms);
    }
    double s = seconds_since(from_ns);
    printf("points     %.1f M in %.1f s: %.0f k points/s; folds and retention %.1f s of it\n",
            hours * 360.0 * SERIES / 1e6, s, hours * 360.0 * SERIES / s / 1e3, tidy_s);
    printf("           longest transaction %.1f ms, lost %lld, file %.0f MB\n", worst_ms,
            (long long)stats.lost_points, (double)stats.db_bytes / 1e6);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench_reads(struct bn_store *store, const char *label, int level, int64_t back_ms)
{
    double ms[SERIES];
    int64_t step = bn_level_step_ms[level];
    int64_t to_ms = now_ms / step * step;
    struct bn_point *out = bn_alloc_array((size_t)(back_ms / step), sizeof *out);
    for (int i = 0; i < SERIES; i++) {
        char name[BN_SERIES_NAME_MAX];
        struct bn_err err;
        name_of(name, i * 37 % SERIES);
        struct bn_span span = {BN_TENANT_DEFAULT, name, level, to_ms - back_ms, to_ms};
        int64_t from_ns = bn_clock_mono_ns();
        if (!bn_store_read_series(store, &span, out, &err))
            die(err.text);
        ms[i] = seconds_since(from_ns) * 1e3;
    }
    qsort(ms, SERIES, sizeof ms[0], compare);
    printf("read %-5s %lld points of one series: median %.2f ms, p95 %.2f ms\n", label,
            (long long)(back_ms / step), ms[SERIES / 2], ms[SERIES * 95 / 100]);
    free(out);
}

static void remove_files(const char *dir)
{
    static const char *const names[] = {"binnacle.db", "binnacle.db-wal", "binnacle.db-shm", "lock",
            "reserve", "plain.db", "plain.db-wal", "plain.db-shm"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

int main(int argc, char **argv)
{
    char dir[256] = "/tmp/bench-store-XXXXXX";
    int64_t days = 7;
    bn_log_set_fd(-1);
    if (argc > 1 && !bn_text_copy(dir, sizeof dir, bn_str(argv[1])))
        die("DIR is too long");
    if (argc > 2 && !bn_parse_i64(bn_str(argv[2]), 1, 90, &days))
        die("DAYS must be 1..90");
    if (argc < 2 && !mkdtemp(dir))
        die("no folder");
    struct bn_store *store = open_in(dir);
    double plain = plain_rate(dir);
    double one = single_rate(store);
    double many = record_rate(store, RECORDS, 64);
    printf("records    plain SQLite %.0f/s; one at a time %.0f/s (%.2f x), 64 waiting %.0f/s (%.1f x)\n",
            plain, one, one / plain, many, many / plain);
    bench_points(store, (int)days * 24);
    bench_reads(store, "24h", 0, 24 * HOUR_MS);
    bench_reads(store, "7d", 1, BN_MIN(days, 7) * 24 * HOUR_MS);
    bench_reads(store, "1y", 3, 365 * 24 * HOUR_MS);
    bn_store_close(store);
    remove_files(dir);
    return 0;
}

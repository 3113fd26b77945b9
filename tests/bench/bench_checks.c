/*
 * bench_checks: a day of one server's history in a database full of checks; `bench_checks
 * [MILLIONS]`, ten unless said.
 *
 * Against grouping the raw rows in SQL on the same file, with the statement prepared and the
 * server's number known, each asked of the same servers in turns. Every server has 10,000 checks
 * in two days, however many millions there are, so the ratio does not depend on them. Built with
 * plain SQL, in the order of time as checks come in.
 */
#include <math.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#include "model/limits.h"
#include "remove_tree.h"
#include "store/store.h"
#include "web/past.h"

#define HOUR_MS    INT64_C(3600000)
#define NOW_MS     (498611 * HOUR_MS)
#define DAY_MS     (24 * HOUR_MS)
#define PER_SERVER 10000
#define SPAN_MS    (47 * HOUR_MS)
#define ROUNDS     2000
#define TRIES      3 /* the best counts: others may use the machine */
#define P99_BAR_MS 5.0
#define RATIO_BAR  50.0
#define WRITES     20 /* rounds of one check of each server */

static void die(const char *what)
{
    fprintf(stderr, "bench_checks: %s\n", what);
    exit(1);
}

static atomic_int_least64_t now_ms = NOW_MS; /* the writer's thread looks at it */

static int64_t moved_now(void *user)
{
    (void)user;
    return now_ms;
}

static struct bn_store *open_store(const char *dir)
{
    /* The whole file is read once after a start: not while it is measured. */
    struct bn_store_config config = {.bytes_max = 1LL << 40,
            .check_after_ms = DAY_MS,
            .now_ms = moved_now};
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    snprintf(config.dir, sizeof config.dir, "%s", dir);
    if (!bn_store_open(&config, &store, notice, &err))
        die(err.text);
    return store;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    return stmt;
}

static sqlite3 *open_file(const char *dir)
{
    char path[300];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/binnacle.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die("no file");
    return db;
}

static void server_id(char out[BN_ID_MAX], int server)
{
    snprintf(out, BN_ID_MAX, "%026d", server);
}

static void put_servers(sqlite3 *db, int servers)
{
    sqlite3_stmt *row = prepare(db, "INSERT INTO servers(tenant, id) VALUES('default', ?1)");
    sqlite3_stmt *number = prepare(db,
            "INSERT INTO check_servers(id, tenant, name) VALUES(?2, 'default', ?1)");
    for (int i = 1; i <= servers; i++) {
        char id[BN_ID_MAX];
        server_id(id, i);
        sqlite3_bind_text(row, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_text(number, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_int(number, 2, i);
        if (sqlite3_step(row) != SQLITE_DONE || sqlite3_step(number) != SQLITE_DONE)
            die(sqlite3_errmsg(db));
        sqlite3_reset(row);
        sqlite3_reset(number);
    }
    sqlite3_finalize(row);
    sqlite3_finalize(number);
}

/* One in twenty fails, with a sentence. */
static void put_checks(sqlite3 *db, int servers)
{
    uint32_t random = 1;
    sqlite3_stmt *stmt = prepare(db,
            "INSERT INTO checks(server, at, success, response_ms, dns_us, tcp_us, tls_us, wait_us,"
            " error_class, error_phase, error, timeout_ms, retries, used_vpn, http_status, nodes)"
            " VALUES(?1, ?2, ?3, ?4, 310, 1200, 5100, 9000 + ?4, ?5, ?6, ?7, 10000, 0, 0, ?8, ?9)");
    for (int64_t i = 0; i < PER_SERVER; i++)
        for (int server = 1; server <= servers; server++) {
            random = random * 1664525 + 1013904223;
            bool fails = random % 1000 < 50;
            sqlite3_clear_bindings(stmt);
            sqlite3_bind_int(stmt, 1, server);
            sqlite3_bind_int64(stmt, 2, NOW_MS - SPAN_MS + i * SPAN_MS / PER_SERVER + server);
            sqlite3_bind_int(stmt, 3, !fails);
            if (fails) {
                sqlite3_bind_text(stmt, 5, "timeout", -1, SQLITE_STATIC);
                sqlite3_bind_text(stmt, 6, "tcp", -1, SQLITE_STATIC);
                sqlite3_bind_text(stmt, 7, "no answer from pve1.example:8006 within 10 s", -1,
                        SQLITE_STATIC);
            } else {
                sqlite3_bind_int(stmt, 4, 20 + (int)(random >> 25));
                sqlite3_bind_int(stmt, 8, 200);
                sqlite3_bind_int(stmt, 9, 3);
            }
            if (sqlite3_step(stmt) != SQLITE_DONE)
                die(sqlite3_errmsg(db));
            sqlite3_reset(stmt);
        }
    sqlite3_finalize(stmt);
}

#define GROUPED                                                                                    \
    "count(*), sum(success), count(response_ms), coalesce(sum(response_ms), 0), min(response_ms)," \
    " max(response_ms) FROM checks"

static void build(const char *dir, int servers)
{
    bn_store_close(open_store(dir));
    sqlite3 *db = open_file(dir);
    run_sql(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -65536;"
                "BEGIN");
    put_servers(db, servers);
    put_checks(db, servers);
    run_sql(db, "INSERT INTO check_hours SELECT server, at - at % 3600000 AS hour, " GROUPED
                " GROUP BY server, hour; COMMIT");
    sqlite3_close(db);
}

/* What this thread spent, which others on the machine do not change. */
static double cpu_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static double ms_since(int64_t from_ns)
{
    return (double)(bn_clock_mono_ns() - from_ns) / 1e6;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static double read_hours(struct bn_store *store, int server, int64_t *out_sum)
{
    struct bn_check_hour hours[32];
    struct bn_err err;
    char id[BN_ID_MAX];
    server_id(id, server);
    struct bn_check_span span = {"default", id, NOW_MS - DAY_MS, NOW_MS};
    size_t n = COUNT(hours);
    int64_t from_ns = bn_clock_mono_ns();
    if (!bn_store_read_check_hours(store, &span, hours, &n, &err))
        die(err.text);
    double ms = ms_since(from_ns);
    *out_sum = 0;
    for (size_t i = 0; i < n; i++)
        *out_sum += hours[i].ms_sum;
    return ms;
}

static int64_t group_rows(sqlite3_stmt *stmt, int server)
{
    int64_t sum = 0;
    sqlite3_bind_int(stmt, 1, server);
    sqlite3_bind_int64(stmt, 2, NOW_MS - DAY_MS);
    sqlite3_bind_int64(stmt, 3, NOW_MS);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        sum += sqlite3_column_int64(stmt, 4);
    sqlite3_reset(stmt);
    return sum;
}

struct reads {
    double ms[ROUNDS];
    double hours_cpu_ms;
    double grouped_cpu_ms;
};

static void read_round(struct bn_store *store, sqlite3_stmt *stmt, int servers, struct reads *out)
{
    out->hours_cpu_ms = out->grouped_cpu_ms = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t sum;
        int64_t want;
        int server = 1 + (int)((int64_t)i * 7919 % servers);
        double begun_ms = cpu_ms();
        out->ms[i] = read_hours(store, server, &sum);
        double between_ms = cpu_ms();
        want = group_rows(stmt, server);
        out->grouped_cpu_ms += cpu_ms() - between_ms;
        out->hours_cpu_ms += between_ms - begun_ms;
        if (sum != want || sum == 0)
            die("the hours say something else than the rows");
    }
    qsort(out->ms, ROUNDS, sizeof out->ms[0], compare);
}

static bool bench_reads(struct bn_store *store, const char *dir, int servers)
{
    static struct reads reads;
    double best_ms = INFINITY;
    double ratio = 0;
    sqlite3 *db = open_file(dir);
    sqlite3_stmt *stmt = prepare(db, "SELECT at - at % 3600000 AS hour, " GROUPED
                                     " WHERE server = ?1 AND at >= ?2 AND at < ?3 GROUP BY hour");
    for (int i = 0; i < TRIES && (best_ms > P99_BAR_MS || ratio < RATIO_BAR); i++) {
        read_round(store, stmt, servers, &reads);
        best_ms = fmin(best_ms, reads.ms[ROUNDS * 99 / 100]);
        ratio = fmax(ratio, reads.grouped_cpu_ms / reads.hours_cpu_ms);
        printf("24 h of one server   median %.3f ms   p99 %.3f ms   worst %.3f ms   bar %.0f   %s\n",
                reads.ms[ROUNDS / 2], reads.ms[ROUNDS * 99 / 100], reads.ms[ROUNDS - 1], P99_BAR_MS,
                best_ms <= P99_BAR_MS ? "ok" : "MISSED");
        printf("CPU time of each     %.3f ms, of grouping its rows %.3f ms   ratio %.0f   bar %.0f   %s\n",
                reads.hours_cpu_ms / ROUNDS, reads.grouped_cpu_ms / ROUNDS, ratio, RATIO_BAR,
                ratio >= RATIO_BAR ? "ok" : "MISSED");
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return best_ms <= P99_BAR_MS && ratio >= RATIO_BAR;
}

/* The same as somebody who asks gets it: read, rounded and written as JSON. */
static bool bench_answers(struct bn_store *store, int servers)
{
    static double ms[ROUNDS];
    struct bn_past past = {.now_ms = NOW_MS,
            .range_ms = DAY_MS,
            .bucket_ms = HOUR_MS,
            .store = store};
    double best_ms = INFINITY;
    struct bn_err err;
    size_t bytes = 0;
    snprintf(past.tenant, sizeof past.tenant, "default");
    for (int try = 0; try < TRIES && best_ms > P99_BAR_MS; try++) {
        for (int i = 0; i < ROUNDS; i++) {
            server_id(past.server_id, 1 + (int)((int64_t)i * 7919 % servers));
            int64_t from_ns = bn_clock_mono_ns();
            if (!bn_past_run(&past, &err))
                die(err.text);
            ms[i] = ms_since(from_ns);
            bytes = past.json.len;
            bn_past_finish(&past);
        }
        qsort(ms, ROUNDS, sizeof ms[0], compare);
        best_ms = fmin(best_ms, ms[ROUNDS * 99 / 100]);
        printf("answer of 24 h       median %.3f ms   p99 %.3f ms   worst %.3f ms   %zu bytes   bar %.0f   %s\n",
                ms[ROUNDS / 2], ms[ROUNDS * 99 / 100], ms[ROUNDS - 1], bytes, P99_BAR_MS,
                best_ms <= P99_BAR_MS ? "ok" : "MISSED");
    }
    return best_ms <= P99_BAR_MS;
}

static void count_fact(void *user, const struct bn_fact *fact)
{
    int64_t *count = user;
    *count += fact->kind == BN_KIND_CHECK;
}

static void bench_load(struct bn_store *store)
{
    struct bn_err err;
    int64_t count = 0;
    int64_t from_ns = bn_clock_mono_ns();
    if (!bn_store_load(store, count_fact, &count, &err))
        die(err.text);
    double ms = ms_since(from_ns);
    printf("played back          %lld checks in %.0f ms: %.1f us each\n", (long long)count, ms,
            ms * 1e3 / (double)count);
}

static void bench_writes(struct bn_store *store, int servers)
{
    struct bn_check check;
    struct bn_store_stats stats;
    bn_record_clear(&bn_check_type, &check);
    check.success = 1;
    check.response_time_ms = 40;
    check.dns_ms = check.tcp_ms = check.tls_ms = check.wait_ms = 1.25;
    double worst_ms = 0;
    int64_t from_ns = bn_clock_mono_ns();
    bn_store_get_stats(store, &stats);
    for (int i = 0; i < WRITES; i++) {
        check.at = NOW_MS + i * 10000;
        for (int server = 1; server <= servers; server++) {
            server_id(check.server_id, server);
            bn_store_check(store, "default", &check);
        }
        (void)bn_store_flush(store);
        do
            bn_store_get_stats(store, &stats);
        while (stats.queue > 2 && usleep(1000) == 0);
        worst_ms = fmax(worst_ms, stats.worst_ms);
    }
    bn_store_tidy(store);
    double s = ms_since(from_ns) / 1e3;
    bn_store_get_stats(store, &stats);
    printf("written              %d checks in %.2f s with a round of retention: %.1f k/s, lost %lld,"
           " longest transaction %.1f ms\n",
            WRITES * servers, s, WRITES * servers / s / 1e3, (long long)stats.lost_checks,
            fmax(worst_ms, stats.worst_ms));
}

/* A deleted server, and what has become too old in five hours. */
static void bench_retention(struct bn_store *store)
{
    struct bn_store_stats stats;
    struct bn_fact fact;
    struct bn_err err;
    bn_fact_init(&fact, BN_KIND_SERVER, "default");
    fact.op = BN_GONE;
    server_id(fact.u.server.id, 1);
    bn_store_put(store, &fact);
    if (!bn_store_keep(store, &err))
        die(err.text);
    now_ms += 5 * HOUR_MS;
    bn_store_get_stats(store, &stats);
    int64_t from_ns = bn_clock_mono_ns();
    bn_store_tidy(store);
    double s = ms_since(from_ns) / 1e3;
    bn_store_get_stats(store, &stats);
    printf("thrown away          one server and four hours of the others in %.2f s, longest transaction"
           " %.1f ms\n",
            s, stats.worst_ms);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/bn-bench-XXXXXX";
    struct bn_store_stats stats;
    int64_t millions = 10;
    bn_log_set_fd(-1);
    if (argc > 1 && !bn_parse_i64(bn_str(argv[1]), 1, BN_SERVERS_MAX / 100, &millions))
        die("how many millions? 1 to 100");
    if (!mkdtemp(dir))
        die("no folder");
    int servers = (int)millions * 100;
    int64_t from_ns = bn_clock_mono_ns();
    build(dir, servers);
    struct bn_store *store = open_store(dir);
    bn_store_get_stats(store, &stats);
    printf("%d servers, %d checks, %.0f MB, built in %.1f s\n", servers, servers * PER_SERVER,
            (double)stats.db_bytes / 1e6, ms_since(from_ns) / 1e3);
    bool is_met = bench_reads(store, dir, servers);
    is_met &= bench_answers(store, servers);
    bench_load(store);
    bench_writes(store, servers);
    bench_retention(store);
    bn_store_close(store);
    remove_tree(dir);
    return is_met ? 0 : 1;
}

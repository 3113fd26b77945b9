/*
 * bench_history: a day of ten-second points, from the store to JSON, as a worker does it.
 *
 * Printed as milliseconds, median and worst of the rounds, against a bar of 20 ms for one series.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

#include "remove_tree.h"
#include "web/history.h"

#define ROUNDS 200
#define DAY_MS INT64_C(86400000)

static void die(const char *what)
{
    fprintf(stderr, "bench_history: %s\n", what);
    exit(1);
}

static void series_name(char out[BN_SERIES_NAME_MAX], size_t i)
{
    char id[16];
    snprintf(id, sizeof id, "%zu", i);
    bn_series_name(out, BN_KIND_CORE, id, "busy_pct");
}

static void keep_day(struct bn_store *store, int64_t now_ms)
{
    struct bn_err err;
    char name[BN_SERIES_NAME_MAX];
    for (int64_t at = now_ms - now_ms % 10000 - DAY_MS; at < now_ms - 10000; at += 10000) {
        for (size_t i = 0; i < BN_HISTORY_SERIES_MAX; i++) {
            float value = (float)((uint64_t)(at / 10000) * 2654435761U % 10000) / 100;
            struct bn_point point = {at, value * 0.9F, value, value * 1.1F};
            series_name(name, i);
            bn_store_point(store, "default", name, &point);
        }
        if (at / 10000 % 100 == 0 && !bn_store_keep(store, &err))
            die(err.text);
    }
    if (!bn_store_keep(store, &err))
        die(err.text);
    bn_store_tidy(store);
}

static double run_once(struct bn_store *store, int64_t now_ms, size_t count, size_t *out_bytes)
{
    static struct bn_series_set set;
    struct bn_err err;
    struct bn_history *history = bn_alloc(sizeof *history);
    history->store = store;
    history->now_ms = now_ms;
    history->to_ms = now_ms;
    history->from_ms = now_ms - DAY_MS;
    history->count = count;
    history->points_max = BN_MIN(BN_HISTORY_POINTS, BN_QUERY_POINTS_MAX / count);
    snprintf(history->tenant, sizeof history->tenant, "default");
    for (size_t i = 0; i < count; i++)
        series_name(history->series[i].name, i);
    int64_t begun_ns = bn_clock_mono_ns();
    bn_history_copy(history, &set);
    if (!bn_history_run(history, &err))
        die(err.text);
    double ms = (double)(bn_clock_mono_ns() - begun_ns) / 1e6;
    *out_bytes = history->json.len;
    bn_history_finish(history);
    free(history);
    return ms;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static void run(struct bn_store *store, int64_t now_ms, size_t count, double bar_ms)
{
    double ms[ROUNDS];
    size_t bytes = 0;
    for (size_t i = 0; i < ROUNDS; i++)
        ms[i] = run_once(store, now_ms, count, &bytes);
    qsort(ms, ROUNDS, sizeof ms[0], compare);
    printf("history, 24 h, %2zu series   median %6.2f ms   worst %6.2f ms   %8zu bytes   bar %3.0f   %s\n",
            count, ms[ROUNDS / 2], ms[ROUNDS - 1], bytes, bar_ms,
            ms[ROUNDS / 2] <= bar_ms ? "ok" : "MISSED");
}

int main(void)
{
    struct bn_store_config config = {.dir = "/tmp/bn-bench-XXXXXX"};
    struct bn_store *store;
    struct bn_clock clock;
    struct bn_err err;
    char notice[200];
    bn_log_set_fd(-1);
    if (!bn_secret_start(&err) || !mkdtemp(config.dir) ||
            !bn_store_open(&config, &store, notice, &err))
        die("no store");
    bn_clock_read(&clock);
    keep_day(store, clock.now_ms);
    run(store, clock.now_ms, 1, 20);
    run(store, clock.now_ms, 10, 200);
    run(store, clock.now_ms, BN_HISTORY_SERIES_MAX, 200);
    bn_store_close(store);
    remove_tree(config.dir);
    return 0;
}

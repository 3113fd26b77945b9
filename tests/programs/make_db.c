/*
 * make_db: a data folder of about the given size, with people, audit and years of history.
 *
 *   make_db DIR MEGABYTES     makes it
 *   make_db DIR               opens it and prints how long that took
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include "store/old_history.h"
#include "store/store.h"

static void fail(const char *what)
{
    fprintf(stderr, "make_db: %s\n", what);
    exit(1);
}

static struct bn_store *open_in(const char *dir)
{
    struct bn_store_config config = {.bytes_max = INT64_C(1) << 40};
    struct bn_store *store;
    struct bn_err err;
    char notice[200];
    if (!bn_text_copy(config.dir, sizeof config.dir, bn_str(dir)))
        fail("DIR is too long");
    if (!bn_store_open(&config, &store, notice, &err))
        fail(err.text);
    if (*notice)
        fail(notice);
    return store;
}

static void ignore(void *user, const struct bn_fact *fact)
{
    (void)fact;
    ++*(size_t *)user;
}

static void open_and_time(const char *dir)
{
    size_t rows = 0;
    struct bn_err err;
    int64_t from_ns = bn_clock_mono_ns();
    struct bn_store *store = open_in(dir);
    int64_t opened_ns = bn_clock_mono_ns();
    if (!bn_store_load(store, ignore, &rows, &err))
        fail(err.text);
    int64_t loaded_ns = bn_clock_mono_ns();
    struct bn_store_stats stats;
    bn_store_get_stats(store, &stats);
    printf("open %.1f ms, load %zu rows %.1f ms, file %lld MB\n",
            (double)(opened_ns - from_ns) / 1e6, rows, (double)(loaded_ns - opened_ns) / 1e6,
            (long long)(stats.db_bytes >> 20));
    bn_store_close(store);
}

static void put_people(const char *dir)
{
    struct bn_store *store = open_in(dir);
    struct bn_err err;
    struct bn_clock clock;
    bn_clock_read(&clock);
    for (int i = 0; i < 1000; i++) {
        struct bn_fact fact;
        bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
        snprintf(fact.u.user.id, sizeof fact.u.user.id, "user%d", i);
        snprintf(fact.u.user.name, sizeof fact.u.user.name, "person.%d", i);
        fact.u.user.role = BN_ROLE_VIEWER;
        fact.u.user.created_at = clock.now_ms;
        bn_store_put(store, &fact);
        bn_fact_init(&fact, BN_KIND_AUDIT, BN_TENANT_DEFAULT);
        snprintf(fact.u.audit.id, sizeof fact.u.audit.id, "audit%d", i);
        fact.u.audit.at = clock.now_ms;
        bn_store_put(store, &fact);
    }
    if (!bn_store_keep(store, &err))
        fail(err.text);
    bn_store_close(store);
}

static void put_history(const char *dir, int64_t megabytes)
{
    char path[400];
    int64_t series;
    struct bn_clock clock;
    bn_clock_read(&clock);
    snprintf(path, sizeof path, "%s/binnacle.db", dir);
    if (!old_history(path, megabytes, clock.now_ms, &series))
        fail("cannot write into what was just made");
}

int main(int argc, char **argv)
{
    int64_t megabytes = 0;
    if (argc < 2 || argc > 3)
        fail("usage: make_db DIR [MEGABYTES]");
    if (argc == 3 && !bn_parse_i64(bn_str(argv[2]), 1, 1000000, &megabytes))
        fail("MEGABYTES must be 1..1000000");
    if (megabytes) {
        put_people(argv[1]);
        put_history(argv[1], megabytes);
    }
    open_and_time(argv[1]);
    return 0;
}

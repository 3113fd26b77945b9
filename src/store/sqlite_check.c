#include <stdio.h>
#include <time.h>

#include "base/log.h"

#include "store/sqlite_writer.h"

#define AFTER_MS   30000 /* the start is over; nobody waits for the disk */
#define LONGEST_NS (INT64_C(300) * 1000000000)

/* True when it is time; false when the store closes first. */
static bool wait_for_calm(struct bn_store *store)
{
    int64_t after_ms = store->config.check_after_ms;
    int64_t until = bn_mono_ms() + (after_ms > 0 ? after_ms : AFTER_MS);
    struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&store->mutex);
    while (!store->is_closing && bn_mono_ms() < until)
        pthread_cond_clockwait(&store->news, &store->mutex, CLOCK_MONOTONIC, &at);
    bool goes_on = !store->is_closing && !store->is_reading_barred;
    store->is_checking = goes_on;
    pthread_mutex_unlock(&store->mutex);
    return goes_on;
}

/* History that is damaged is no reason to stop watching: it is said, and writing goes on until a
   write meets the damage. */
static void say_damage(struct bn_store *store, const char *what)
{
    pthread_mutex_lock(&store->mutex);
    store->stats.degraded = true;
    snprintf(store->stats.why, sizeof store->stats.why,
            "the database is damaged: stop Binnacle and restore a copy (%.60s)", what);
    pthread_mutex_unlock(&store->mutex);
    bn_log(BN_ERROR, "store.damaged", BN_KV("file", store->folder.db), BN_KV("what", what),
            BN_KV("text", "stop Binnacle and restore a copy, or move the file away to begin anew"));
}

static void check(struct bn_store *store)
{
    struct bn_conn conn;
    char why[160] = "";
    int rc = bn_conn_open(&conn, store->folder.db, BN_CONN_READ);
    if (rc == SQLITE_OK) {
        conn.stop = &store->stop_reading;
        conn.deadline_ns = bn_clock_mono_ns() + LONGEST_NS;
        rc = bn_schema_check_all(&conn, why);
        bn_conn_close(&conn);
    }
    if (bn_conn_is_damaged(rc) && !*why)
        snprintf(why, sizeof why, "%s", sqlite3_errstr(rc));
    if (*why)
        say_damage(store, why);
    pthread_mutex_lock(&store->mutex);
    store->is_checking = false;
    pthread_cond_broadcast(&store->news);
    pthread_mutex_unlock(&store->mutex);
}

void *bn_check_main(void *arg)
{
    struct bn_store *store = arg;
    if (wait_for_calm(store))
        check(store);
    bn_store_end_thread(store);
    return NULL;
}

/*
 * place: a folder that vanishes after the test, and a store in it.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include "bn_test.h"
#include "model/limits.h"
#include "remove_tree.h"
#include "store/store.h"

#ifndef PLACE_SYNCS /* a test that measures says so before it includes this */
#include "no_sync.h"
#endif

struct place {
    char dir[200];
    int64_t now_ms; /* 0: the kernel's */
};

BN_UNUSED static int64_t place_now(void *user)
{
    const struct place *place = user;
    struct bn_clock clock;
    bn_clock_read(&clock);
    return place->now_ms ? place->now_ms : clock.now_ms;
}

BN_UNUSED static void place_init(struct place *place)
{
    bn_log_set_fd(-1);
    memset(place, 0, sizeof *place);
    snprintf(place->dir, sizeof place->dir, "%s/bn-store-XXXXXX",
            getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(place->dir))
        fail_msg("mkdtemp: %s", strerror(errno));
}

BN_UNUSED static void place_finish(struct place *place)
{
    remove_tree(place->dir);
}

BN_UNUSED static struct bn_store_config place_config(struct place *place)
{
    struct bn_store_config config = {.user = place, .now_ms = place_now};
    snprintf(config.dir, sizeof config.dir, "%s", place->dir);
    return config;
}

BN_UNUSED static struct bn_store *place_open(struct place *place)
{
    struct bn_store_config config = place_config(place);
    struct bn_store *store = NULL;
    struct bn_err err;
    char notice[200];
    if (!bn_store_open(&config, &store, notice, &err))
        fail_msg("open: %s", err.text);
    if (*notice)
        fail_msg("notice: %s", notice);
    return store;
}

BN_UNUSED static void flush_and_tidy(struct bn_store *store)
{
    (void)bn_store_flush(store);
    bn_store_tidy(store);
}

BN_UNUSED static void place_path(const struct place *place, const char *name, char out[300])
{
    snprintf(out, 300, "%s/%s", place->dir, name);
}

BN_UNUSED static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/*
 * sqlite_checks: attempts to reach servers, each for two days and by the hour for two years.
 */
#pragma once

#include "store/sqlite.h"

/* A check as the loop thread gave it. */
struct bn_check_in {
    char tenant[BN_TENANT_MAX];
    struct bn_check check;
};

/* Inside a transaction: the checks of writer.batches, after their records. */
int bn_checks_write(struct bn_store *store);
/* Inside a transaction, before the SERVER fact itself is put: a server that goes takes its checks
   along, one that is somewhere else now begins anew. */
int bn_checks_follow(struct bn_store *store, const struct bn_fact *fact);
/* The newest of each server, oldest first, as facts flagged replay. */
int bn_checks_load(struct bn_conn *conn, void (*each)(void *user, const struct bn_fact *fact),
        void *user);

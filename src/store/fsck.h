/*
 * fsck: whether a database keeps what the program promises of it, looked at without changing it.
 */
#pragma once

#include "base/err.h"

#define BN_FSCK_SAID_MAX 20 /* problems told of one rule; the rest are counted */

/* One rule: what it says, and a row that breaks it; problem NULL: it holds, count is 0. Of many
   problems the first ones come, count is the number so far. Valid until it returns. */
typedef void (*bn_fsck_say)(void *user, const char *rule, const char *problem, int64_t count);

/* Reads the whole file dir/binnacle.db, also while a server runs on it; seconds for a gigabyte. Any
   thread. *out_problems is how many there are. False: it could not be read, or is newer than this
   program. */
BN_MUST_CHECK bool bn_fsck(const char *dir, bn_fsck_say say, void *user, int64_t *out_problems,
        struct bn_err *err);

/*
 * sqlite_work: operations, in pages of their history and with what their tasks said; alerts in
 * sight.
 */
#pragma once

#include "store/sqlite.h"

/* Operations or alerts not over and those that ended after that moment, oldest first, as facts
   flagged replay. */
int bn_work_load(struct bn_conn *conn, enum bn_kind kind, int64_t ended_after_ms,
        void (*each)(void *user, const struct bn_fact *fact), void *user);
/* What belongs to an operation that is deleted: lines and pieces. */
int bn_work_gone(struct bn_conn *conn, const struct bn_fact *fact);
/* Deletes some that ended before it, with their lines; units: about so many rows. */
int bn_work_cut(struct bn_conn *conn, int64_t ended_before_ms, int units, bool *out_more);

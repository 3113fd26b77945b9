/*
 * sqlite_notes: which rows another program changed, and which records were made without knowing it.
 */
#pragma once

#include "store/sqlite_writer.h"

int bn_note_put(struct bn_conn *conn, const struct bn_fact *fact); /* a guest's, with its row */

/* Before the writer begins: what is noted by now is in the rows that will be loaded. */
void bn_notes_begin(struct bn_store *store);
/* Inside a transaction: the rows behind new notes, as they are now, to bn_store_collect_foreign. */
int bn_notes_take(struct bn_store *store);
/* Inside a transaction: the first record of the batch made from a row as it was before another
   program changed it; NULL when there is none. */
int bn_notes_find_stale(struct bn_store *store, const struct bn_batch *batch,
        const struct bn_fact **out);

/*
 * changes: which rows changed at which sequence; the memory a state topic resumes from.
 *
 * It remembers rows and fields, never values: any range is told with the values of now. Bounded by
 * commits and by changes; the oldest commits are forgotten first.
 */
#pragma once

#include "model/limits.h"
#include "model/table.h"

struct bn_changed {
    uint64_t fields; /* mask */
    uint8_t section;
    bool was_gone; /* removed at some time in the range: what stands there now is told whole */
    char key[BN_ID_MAX];
};

struct bn_changes;

struct bn_changes *bn_changes_create(void);
void bn_changes_destroy(struct bn_changes *changes);

/* Adds a row's change to the commit being gathered; repeated changes of it in one commit are one.
   stamp names the commit and topic, for that purpose. */
void bn_changes_add(struct bn_changes *changes, uint64_t stamp, uint8_t section, struct bn_row *row,
        const char *key, uint64_t fields);
void bn_changes_add_gone(struct bn_changes *changes, uint8_t section, const char *key);
bool bn_changes_has_pending(const struct bn_changes *changes);
void bn_changes_commit(struct bn_changes *changes, uint64_t seq);

size_t bn_changes_bytes(const struct bn_changes *changes); /* the ring takes */

/* The smallest `after` from which everything up to now is remembered. */
uint64_t bn_changes_oldest_after(const struct bn_changes *changes, uint64_t seq);

/* What changed since `after`, each row once, sorted by section and key. Returns how many; *out is
   free()d by the caller. */
size_t bn_changes_since(const struct bn_changes *changes, uint64_t after, struct bn_changed **out);

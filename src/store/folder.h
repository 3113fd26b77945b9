/*
 * folder: the data folder: one server at a time, a reserve for full disks, damaged files moved
 * aside.
 *
 * Blocking calls; one thread at a time.
 */
#pragma once

#include "base/err.h"

#define BN_FOLDER_PATH_MAX 320

struct bn_folder {
    char dir[256];
    char db[BN_FOLDER_PATH_MAX]; /* dir/binnacle.db */
    int lock_fd;                 /* -1: somebody else owns the folder */
    uint64_t inode;              /* of the database file, to notice that somebody replaced it */
};

/* What stands in the place of the database, by its first 100 bytes. */
enum bn_folder_file {
    BN_FOLDER_NONE,    /* no file, or an empty one */
    BN_FOLDER_OURS,    /* ours or a new database without content */
    BN_FOLDER_NEWER,   /* ours, with a schema above schema_max */
    BN_FOLDER_FOREIGN, /* a database of another program */
    BN_FOLDER_DAMAGED, /* not a database */
};

/* Creates the folder (0700) when it is missing, refuses network file systems and folders that
   cannot be written, and locks it. With is_guest a folder another process owns is no error: lock_fd
   stays -1. */
BN_MUST_CHECK bool bn_folder_open(struct bn_folder *folder, const char *dir, bool is_guest,
        struct bn_err *err);
void bn_folder_close(struct bn_folder *folder);

/* Looks without opening the database. *out_schema is the number in its header. */
BN_MUST_CHECK bool bn_folder_look(const struct bn_folder *folder, uint32_t application_id,
        uint32_t schema_max, enum bn_folder_file *out, uint32_t *out_schema, struct bn_err *err);
/* Makes an empty database file, readable by its owner only; one that exists is left alone. */
BN_MUST_CHECK bool bn_folder_prepare(struct bn_folder *folder, struct bn_err *err);
/* Renames the database and its log aside, never over anything; the new name goes to aside. */
BN_MUST_CHECK bool bn_folder_quarantine(struct bn_folder *folder, char aside[BN_FOLDER_PATH_MAX],
        struct bn_err *err);
/* The file at the path is still the one bn_folder_mark saw. Does not open it: closing a descriptor
   of a database drops SQLite's locks on it. */
void bn_folder_mark(struct bn_folder *folder);
bool bn_folder_is_same(const struct bn_folder *folder);

/* Bytes of the database and of its write-ahead log; 0 for a file that is not there. */
void bn_folder_sizes(const struct bn_folder *folder, int64_t *out_db, int64_t *out_wal);

/* The reserve: false when the disk has no room for it. */
bool bn_folder_hold_reserve(const struct bn_folder *folder);
void bn_folder_release_reserve(const struct bn_folder *folder);
bool bn_folder_has_room(const struct bn_folder *folder); /* for as much again */

/* A note to the next start that this database has to be moved aside. */
void bn_folder_condemn(const struct bn_folder *folder);
bool bn_folder_is_condemned(const struct bn_folder *folder);

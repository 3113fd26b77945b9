/*
 * file: a small file read whole, or replaced whole so that a crash leaves the old or the new.
 *
 * Blocks on the disk: for starting up, the command line, and the rare request that must.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* Reads all of it and adds a NUL. not_found when there is none; too_big when it has size bytes or
   more; storage for anything else, with the path and the system's reason. */
BN_MUST_CHECK bool bn_file_read(const char *path, char *out, size_t size, size_t *out_len,
        struct bn_err *err);
/* Writes path.new with mode 0600, syncs it, and renames it over path.
   What root writes belongs to the owner of the folder. */
BN_MUST_CHECK bool bn_file_write(const char *path, struct bn_str text, struct bn_err *err);
bool bn_file_exists(const char *path);
/* True also when there was none. */
BN_MUST_CHECK bool bn_file_remove(const char *path, struct bn_err *err);

/*
 * fuzz_folder: a data folder for a fuzzer, in memory where that can be, gone when the program ends.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char fuzz_folder[64]; /* "" before fuzz_folder_make() */

/* Removes its files, except the one called so. */
static inline void fuzz_folder_empty(const char *except)
{
    DIR *dir = opendir(fuzz_folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[400];
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, except) == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", fuzz_folder, entry->d_name);
        if (unlink(path) != 0)
            abort();
    }
    if (dir)
        closedir(dir);
}

static inline void fuzz_folder_remove(void)
{
    fuzz_folder_empty("");
    rmdir(fuzz_folder);
}

static inline void fuzz_folder_make(void)
{
    const char *memory = "/dev/shm";
    const char *other = getenv("TMPDIR");
    snprintf(fuzz_folder, sizeof fuzz_folder, "%.30s/bn-fuzz-XXXXXX",
            access(memory, W_OK) == 0 ? memory
            : other                   ? other
                                      : "/tmp");
    if (!mkdtemp(fuzz_folder) || atexit(fuzz_folder_remove) != 0)
        abort();
}

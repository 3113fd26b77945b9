/*
 * host_folder: a folder of /proc and /sys texts that a test lays out, changes and takes away.
 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bn_test.h"

static const char *folder_from;
static const char *folder_to;

/* Written in place: whoever holds the file open reads the new text, as with /proc. */
static inline void folder_put(const char *root, const char *path, const void *bytes, size_t len)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *p = full + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(full, 0755);
            *p = '/';
        }
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, bytes, len), len);
    close(fd);
}

static inline int folder_copy_one(const char *path, const struct stat *st, int type,
        struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    static char bytes[1 << 18];
    if (type != FTW_F)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    folder_put(folder_to, path + strlen(folder_from) + 1, bytes, (size_t)n);
    return 0;
}

/* Lays the texts of a recorded machine (tests/fixtures/host) over those that are there. */
static inline void folder_copy(const char *root, const char *name)
{
    char from[512];
    snprintf(from, sizeof from, "%s/fixtures/host/%s", BN_TESTS_DIR, name);
    folder_from = from;
    folder_to = root;
    CHECK_INT(nftw(from, folder_copy_one, 16, FTW_PHYS), 0);
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
        struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void folder_remove(const char *root, const char *path)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    CHECK_INT(nftw(full, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

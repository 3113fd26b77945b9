/*
 * soak_folder: the texts of a recorded machine, laid out in a folder, for programs without cmocka.
 */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define SOAK_TEXT_MAX (256 << 10)

static const char *soak_from;
static const char *soak_to;

static inline void soak_need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "soak: %s\n", what);
    exit(2);
}

/* Written in place: whoever holds the file open reads the new text, as with /proc. */
static inline void soak_put(const char *root, const char *path, struct bn_str text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    for (char *p = full + 1; fd < 0 && *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(full, 0755);
            *p = '/';
        }
    if (fd < 0)
        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    soak_need(fd >= 0 && write(fd, text.p, text.len) == (ssize_t)text.len, full);
    close(fd);
}

static inline int soak_copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    static char bytes[SOAK_TEXT_MAX];
    (void)st;
    (void)ftw;
    if (type != FTW_F)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    soak_put(soak_to, path + strlen(soak_from) + 1, (struct bn_str){bytes, (size_t)BN_MAX(n, 0)});
    return 0;
}

static inline int soak_remove_one(const char *path, const struct stat *st, int type,
        struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void soak_remove(const char *path)
{
    nftw(path, soak_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

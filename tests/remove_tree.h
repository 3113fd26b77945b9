/*
 * remove_tree: a folder of a test with all that is in it, gone.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

BN_UNUSED static void remove_tree(const char *dir)
{
    DIR *folder = opendir(dir);
    struct dirent *entry;
    char path[600];
    while (folder && (entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (unlink(path) != 0)
            remove_tree(path);
    }
    if (folder)
        closedir(folder);
    rmdir(dir);
}

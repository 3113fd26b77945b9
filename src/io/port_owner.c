#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/stream_private.h"

/* The inode of the socket that listens on the port, 0 when none is seen. */
static unsigned long listening_inode(const char *path, int port)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    char line[512];
    unsigned long found = 0;
    while (!found && fgets(line, sizeof line, file)) {
        unsigned local_port = 0;
        unsigned state = 0;
        unsigned long inode = 0;
        // NOLINTNEXTLINE(cert-err34-c): the kernel wrote these numbers
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
                    &local_port, &state, &inode) == 3 &&
                (int)local_port == port && state == 0x0A)
            found = inode;
    }
    fclose(file);
    return found;
}

static bool process_holds(const char *pid, const char *wanted)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *fds = opendir(path);
    if (!fds)
        return false;
    bool holds = false;
    for (struct dirent *fd; !holds && (fd = readdir(fds));) {
        char link[600];
        char target[64];
        snprintf(link, sizeof link, "%s/%s", path, fd->d_name);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n > 0) {
            target[n] = 0;
            holds = strcmp(target, wanted) == 0;
        }
    }
    closedir(fds);
    return holds;
}

void bn_port_owner(int port, char *out, size_t size)
{
    out[0] = 0;
    unsigned long inode = listening_inode("/proc/net/tcp", port);
    if (!inode)
        inode = listening_inode("/proc/net/tcp6", port);
    DIR *proc = inode ? opendir("/proc") : NULL;
    if (!proc)
        return;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    for (struct dirent *entry; (entry = readdir(proc));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !process_holds(entry->d_name, wanted))
            continue;
        char path[300];
        char name[32] = "";
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *comm = fopen(path, "re");
        if (comm) {
            if (fgets(name, sizeof name, comm))
                name[strcspn(name, "\n")] = 0;
            fclose(comm);
        }
        snprintf(out, size, " by pid %.12s (%s)", entry->d_name, name);
        break;
    }
    closedir(proc);
}

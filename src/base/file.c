#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail_errno(struct bn_err *err, const char *what, const char *path)
{
    const int why = errno;
    return bn_fail(err, why == ENOENT ? BN_E_NOT_FOUND : BN_E_STORAGE, "cannot %s %s: %s", what,
            path, strerror(why));
}

static bool read_all(int fd, char *out, size_t size, size_t *out_len)
{
    size_t len = 0;
    while (len < size) {
        const ssize_t n = read(fd, out + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out_len = len;
    return true;
}

bool bn_file_read(const char *path, char *out, size_t size, size_t *out_len, struct bn_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "open", path);
    size_t len = 0;
    const bool was_read = read_all(fd, out, size, &len);
    const int why = errno;
    close(fd);
    errno = why;
    if (!was_read)
        return fail_errno(err, "read", path);
    if (len >= size)
        return bn_fail(err, BN_E_TOO_BIG, "%s is larger than %zu bytes", path, size - 1);
    out[len] = 0;
    *out_len = len;
    return true;
}

static bool write_all(int fd, struct bn_str text)
{
    while (text.len) {
        const ssize_t n = write(fd, text.p, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text.p += n;
        text.len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* What root writes into somebody's folder is theirs: else a command run with sudo would leave files
   that the server cannot read. */
static bool give_to_owner(int fd, const char *path)
{
    char folder[512];
    struct stat info;
    if (geteuid() != 0)
        return true;
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
            slash ? path : ".");
    return stat(folder, &info) == 0 && fchown(fd, info.st_uid, info.st_gid) == 0;
}

bool bn_file_write(const char *path, struct bn_str text, struct bn_err *err)
{
    char fresh[512];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return bn_fail(err, BN_E_INVALID, "the path %.100s… is longer than %zu bytes", path,
                sizeof fresh - 5);
    /* One left by a crash may have other permissions. */
    if (unlink(fresh) != 0 && errno != ENOENT)
        return fail_errno(err, "replace", fresh);
    const int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(err, "create", fresh);
    const bool written = give_to_owner(fd, path) && write_all(fd, text);
    const int why = errno;
    close(fd);
    errno = why;
    if (written && rename(fresh, path) == 0)
        return true;
    fail_errno(err, "write", path);
    unlink(fresh);
    return false;
}

bool bn_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool bn_file_remove(const char *path, struct bn_err *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    return fail_errno(err, "remove", path);
}

#include "source/host_file.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/procfs.h"

#define FIRST_BYTES 8192
#define SKIP_AFTER                                                                 \
    9 /* readings left out when a file is not there: an open() per second is waste \
       */
#define NUMBER_BYTES_MAX 64
#define PATH_BYTES_MAX   768

void bn_host_reader_init(struct bn_host_reader *reader, const char *root)
{
    *reader = (struct bn_host_reader){.kept = {NULL, 0}};
    bn_text_clip(reader->root, sizeof reader->root, bn_str(root));
}

void bn_host_reader_finish(struct bn_host_reader *reader)
{
    free(reader->kept.p);
    free(reader->once.p);
}

BN_PRINTF(4, 0)

static bool path_of(const struct bn_host_reader *reader, char *out, size_t size, const char *fmt,
        va_list args)
{
    size_t root = strlen(reader->root);
    if (root >= size)
        return false;
    memcpy(out, reader->root, root);
    int n = vsnprintf(out + root, size - root, fmt, args);
    return n >= 0 && (size_t)n < size - root;
}

bool bn_host_path(const struct bn_host_reader *reader, char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bool fits = path_of(reader, out, size, fmt, args);
    va_end(args);
    return fits;
}

/* Reads fd from its beginning into text; returns the length, -1 on failure. */
static ssize_t read_all(struct bn_host_text *text, int fd, size_t max)
{
    size_t len = 0;
    for (;;) {
        if (len == text->cap && len < max) {
            text->cap = text->cap ? text->cap * 2 : FIRST_BYTES;
            text->p = bn_realloc(text->p, text->cap);
        }
        size_t room = BN_MIN(text->cap, max) - len;
        if (room == 0)
            return (ssize_t)len;
        ssize_t n = pread(fd, text->p + len, room, (off_t)len);
        if (n < 0)
            return len > 0 ? (ssize_t)len : -1;
        if (n == 0)
            return (ssize_t)len;
        len += (size_t)n;
    }
}

int bn_host_file_fd(struct bn_host_reader *reader, struct bn_host_file *file)
{
    char path[PATH_BYTES_MAX];
    if (file->fd >= 0)
        return file->fd;
    if (file->skip > 0) {
        file->skip--;
        return -1;
    }
    if (bn_host_path(reader, path, sizeof path, "%s", file->path))
        file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0)
        file->skip = SKIP_AFTER;
    return file->fd;
}

struct bn_str bn_host_read(struct bn_host_reader *reader, struct bn_host_file *file)
{
    int fd = bn_host_file_fd(reader, file);
    if (fd < 0)
        return (struct bn_str){NULL, 0};
    ssize_t n = read_all(&reader->kept, fd, BN_HOST_TEXT_MAX);
    if (n < 0) {
        bn_host_file_close(file);
        file->skip = SKIP_AFTER;
        return (struct bn_str){NULL, 0};
    }
    return (struct bn_str){reader->kept.p, (size_t)n};
}

void bn_host_file_close(struct bn_host_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file->skip = 0;
}

static struct bn_str read_path(struct bn_host_reader *reader, size_t max, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return (struct bn_str){NULL, 0};
    ssize_t n = read_all(&reader->once, fd, max);
    close(fd);
    return n < 0 ? (struct bn_str){NULL, 0} : (struct bn_str){reader->once.p, (size_t)n};
}

struct bn_str bn_host_read_once(struct bn_host_reader *reader, size_t max, const char *fmt, ...)
{
    char path[PATH_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    bool fits = path_of(reader, path, sizeof path, fmt, args);
    va_end(args);
    return fits ? read_path(reader, max, path) : (struct bn_str){NULL, 0};
}

bool bn_host_read_number(struct bn_host_reader *reader, int64_t *out, const char *fmt, ...)
{
    char path[PATH_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    bool fits = path_of(reader, path, sizeof path, fmt, args);
    va_end(args);
    return fits && bn_procfs_number(read_path(reader, NUMBER_BYTES_MAX, path), out);
}

bool bn_host_exists(struct bn_host_reader *reader, const char *fmt, ...)
{
    char path[PATH_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    bool fits = path_of(reader, path, sizeof path, fmt, args);
    va_end(args);
    return fits && access(path, F_OK) == 0;
}

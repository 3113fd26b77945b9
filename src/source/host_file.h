/*
 * host_file: small files of /proc and /sys, read again each second without opening them anew.
 *
 * Reading from offset 0 of an open descriptor makes the kernel write the text anew; measured 6.7 us
 * for /proc/stat of two processors, 10.1 us when it is opened each time.
 */
#pragma once

#include "base/text.h"

/* Longer texts lose their end (a table of 20,000 mounts is about 3 MB). */
#define BN_HOST_TEXT_MAX (4 << 20)

struct bn_host_text { /* memory for one text, kept for the next */
    char *p;
    size_t cap;
};

struct bn_host_reader {
    char root[256]; /* "" for this machine, else a folder that holds proc/, sys/ and etc/ */
    struct bn_host_text kept;
    struct bn_host_text once;
};

/* A file that is read again and again; {.path = "/proc/stat", .fd = -1} to begin with. */
struct bn_host_file {
    const char *path;
    int fd;
    int skip; /* private: readings to leave out after a failure */
};

#define BN_HOST_FILE(path_)                  \
    {                                        \
        .path = (path_), .fd = -1, .skip = 0 \
    }

void bn_host_reader_init(struct bn_host_reader *reader, const char *root);
void bn_host_reader_finish(struct bn_host_reader *reader);

/* The whole text, valid until the next bn_host_read; {NULL, 0} when there is none. A file that is
   not there is looked for again every 10 readings only. */
struct bn_str bn_host_read(struct bn_host_reader *reader, struct bn_host_file *file);
void bn_host_file_close(struct bn_host_file *file);

/* The open descriptor of a kept file, -1 when it is not there. */
int bn_host_file_fd(struct bn_host_reader *reader, struct bn_host_file *file);

/* For files read now and then: opened, read (at most max bytes) and closed. The text is valid until
   the next _once; a text from bn_host_read stays valid. */
struct bn_str bn_host_read_once(struct bn_host_reader *reader, size_t max, const char *fmt, ...)
        BN_PRINTF(3, 4);
bool bn_host_read_number(struct bn_host_reader *reader, int64_t *out, const char *fmt, ...)
        BN_PRINTF(3, 4);
bool bn_host_exists(struct bn_host_reader *reader, const char *fmt, ...) BN_PRINTF(2, 3);

/* root + the formatted path; false when it does not fit. */
bool bn_host_path(const struct bn_host_reader *reader, char *out, size_t size, const char *fmt, ...)
        BN_PRINTF(4, 5);

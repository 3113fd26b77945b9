#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#include "model/limits.h"

#define LOCK_TRIES   20 /* a command line holds the folder for a moment only */
#define LOCK_WAIT_MS 50
#define HEADER_BYTES 100 /* sqlite.org/fileformat: the database header */

/* Not in linux/magic.h of every release. */
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif

static void path_in(const struct bn_folder *folder, const char *name, char out[BN_FOLDER_PATH_MAX])
{
    snprintf(out, BN_FOLDER_PATH_MAX, "%s/%s", folder->dir, name);
}

/* --- opening -------------------------------------------------------------------------------------
 */

static bool make_folder(const char *dir, struct bn_err *err)
{
    if (mkdir(dir, 0700) == 0)
        return true;
    if (errno == ENOENT)
        return bn_fail(err, BN_E_STORAGE,
                "cannot create the data folder %s: the folder above it is missing", dir);
    if (errno != EEXIST)
        return bn_fail(err, BN_E_STORAGE, "cannot create the data folder %s: %s", dir,
                strerror(errno));
    struct stat st;
    if (stat(dir, &st) != 0)
        return bn_fail(err, BN_E_STORAGE, "cannot enter the data folder %s: %s", dir,
                strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return bn_fail(err, BN_E_STORAGE, "the data folder %s is not a folder", dir);
    return true;
}

/* The write-ahead log needs shared memory between processes, which network file systems cannot
 * give. */
static bool refuse_network(const char *dir, struct bn_err *err)
{
    struct statfs fs;
    if (statfs(dir, &fs) != 0)
        return bn_fail(err, BN_E_STORAGE, "cannot enter the data folder %s: %s", dir,
                strerror(errno));
    const char *what = NULL;
    switch ((unsigned long)fs.f_type & 0xFFFFFFFF) {
    case NFS_SUPER_MAGIC: what = "NFS"; break;
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC: what = "SMB"; break;
    default: return true;
    }
    return bn_fail(err, BN_E_STORAGE,
            "the data folder %s is on a network drive (%s): choose one on a local disk", dir, what);
}

static int pid_in(int fd)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    int64_t pid = 0;
    struct bn_str line = bn_str_trim((struct bn_str){text, n > 0 ? strcspn(text, "\n") : 0});
    return bn_parse_i64(line, 1, INT32_MAX, &pid) ? (int)pid : 0;
}

static void write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    /* Only for the sentence a second server prints: a full disk may leave it empty. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        errno = 0;
}

static bool lock_folder(struct bn_folder *folder, bool is_guest, struct bn_err *err)
{
    char path[BN_FOLDER_PATH_MAX];
    path_in(folder, "lock", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return bn_fail(err, BN_E_STORAGE, "the data folder %s cannot be written: %s", folder->dir,
                strerror(errno));
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            write_pid(fd);
            folder->lock_fd = fd;
            return true;
        }
        if (errno != EWOULDBLOCK || is_guest)
            break;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_MS * 1000000L}, NULL);
    }
    int failed = errno;
    int pid = pid_in(fd);
    close(fd);
    if (failed == EWOULDBLOCK && is_guest)
        return true;
    if (failed == EWOULDBLOCK)
        return bn_fail(err, BN_E_STORAGE, "another binnacle (pid %d) uses the data folder %s", pid,
                folder->dir);
    return bn_fail(err, BN_E_STORAGE, "cannot lock the data folder %s: %s", folder->dir,
            strerror(failed));
}

/* A restored copy comes with the mode of wherever it was: password hashes are for nobody else. */
static bool close_to_others(const struct bn_folder *folder, struct bn_err *err)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char path[BN_FOLDER_PATH_MAX + 8];
        struct stat st;
        snprintf(path, sizeof path, "%s%s", folder->db, ends[i]);
        if (stat(path, &st) == 0 && (st.st_mode & 077) && chmod(path, 0600) != 0)
            return bn_fail(err, BN_E_STORAGE, "others may read %s, and that cannot be changed: %s",
                    path, strerror(errno));
    }
    return true;
}

bool bn_folder_open(struct bn_folder *folder, const char *dir, bool is_guest, struct bn_err *err)
{
    *folder = (struct bn_folder){.lock_fd = -1};
    if (!*dir || !bn_text_copy(folder->dir, sizeof folder->dir, bn_str(dir)))
        return bn_fail(err, BN_E_STORAGE,
                "the path of the data folder must have 1..%zu bytes, got %zu",
                sizeof folder->dir - 1, strlen(dir));
    path_in(folder, "binnacle.db", folder->db);
    return make_folder(folder->dir, err) && refuse_network(folder->dir, err) &&
           lock_folder(folder, is_guest, err) && (is_guest || close_to_others(folder, err));
}

void bn_folder_close(struct bn_folder *folder)
{
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    folder->lock_fd = -1;
}

/* --- the database file ----------------------------------------------------------------------- */

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* sqlite.org/fileformat 1.3: the page size, the fixed fractions and the format numbers. */
static bool header_is_sound(const uint8_t *p)
{
    uint32_t page = (uint32_t)p[16] << 8 | p[17];
    bool page_is_sound = page == 1 || (page >= 512 && (page & (page - 1)) == 0);
    return memcmp(p, "SQLite format 3", 16) == 0 && page_is_sound && p[21] == 64 && p[22] == 32 &&
           p[23] == 32 && p[18] <= 2 && p[19] <= 2;
}

bool bn_folder_look(const struct bn_folder *folder, uint32_t application_id, uint32_t schema_max,
        enum bn_folder_file *out, uint32_t *out_schema, struct bn_err *err)
{
    int fd = open(folder->db, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *out = BN_FOLDER_NONE;
        *out_schema = 0;
        return true;
    }
    uint8_t p[HEADER_BYTES] = {0};
    ssize_t n = fd < 0 ? -1 : pread(fd, p, sizeof p, 0);
    int failed = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return bn_fail(err, BN_E_STORAGE, "cannot read %s: %s", folder->db, strerror(failed));
    uint32_t id = be32(p + 68);
    *out_schema = be32(p + 60);
    if (n == 0)
        *out = BN_FOLDER_NONE;
    else if (n < HEADER_BYTES || !header_is_sound(p))
        *out = BN_FOLDER_DAMAGED;
    else if (id != application_id && (id != 0 || be32(p + 28) > 1))
        *out = BN_FOLDER_FOREIGN;
    else
        *out = *out_schema > schema_max ? BN_FOLDER_NEWER : BN_FOLDER_OURS;
    return true;
}

bool bn_folder_prepare(struct bn_folder *folder, struct bn_err *err)
{
    int fd = open(folder->db, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return bn_fail(err, BN_E_STORAGE, "the database %s cannot be written: %s", folder->db,
                strerror(errno));
    close(fd);
    return true;
}

static bool move_aside(const char *from, const char *to, struct bn_err *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 || errno == ENOENT)
        return true;
    return bn_fail(err, BN_E_STORAGE, "cannot move the damaged %s aside: %s", from,
            strerror(errno));
}

bool bn_folder_quarantine(struct bn_folder *folder, char aside[BN_FOLDER_PATH_MAX],
        struct bn_err *err)
{
    struct bn_clock clock;
    bn_clock_read(&clock);
    char when[BN_TIME_TEXT_SIZE];
    bn_time_text(clock.now_ms, when);
    for (int i = 0; i < 100; i++) {
        int n = i == 0 ? snprintf(aside, BN_FOLDER_PATH_MAX, "%s.damaged-%s", folder->db, when)
                       : snprintf(aside, BN_FOLDER_PATH_MAX, "%s.damaged-%s.%d", folder->db, when,
                                 i);
        if (n < BN_FOLDER_PATH_MAX && access(aside, F_OK) != 0)
            break;
    }
    /* The log first: a database without its log is older but whole, a log without its database is
       nothing and would be applied to the next one. */
    static const char *const ends[] = {"-wal", "-shm", ""};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char from[BN_FOLDER_PATH_MAX + 8];
        char to[BN_FOLDER_PATH_MAX + 8];
        snprintf(from, sizeof from, "%s%s", folder->db, ends[i]);
        snprintf(to, sizeof to, "%s%s", aside, ends[i]);
        if (!move_aside(from, to, err))
            return false;
    }
    char note[BN_FOLDER_PATH_MAX];
    path_in(folder, "damaged", note);
    unlink(note);
    return true;
}

void bn_folder_mark(struct bn_folder *folder)
{
    struct stat st;
    folder->inode = stat(folder->db, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

bool bn_folder_is_same(const struct bn_folder *folder)
{
    struct stat st;
    return stat(folder->db, &st) == 0 && (uint64_t)st.st_ino == folder->inode;
}

void bn_folder_sizes(const struct bn_folder *folder, int64_t *out_db, int64_t *out_wal)
{
    char wal[BN_FOLDER_PATH_MAX + 8];
    snprintf(wal, sizeof wal, "%s-wal", folder->db);
    struct stat st;
    *out_db = stat(folder->db, &st) == 0 ? (int64_t)st.st_size : 0;
    *out_wal = stat(wal, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* --- the reserve ----------------------------------------------------------------------------- */

/* A sixteenth of a small file system: where 6 MiB are all there is, 4 of them would never come back
 * free. */
static int64_t reserve_bytes(int fd)
{
    struct statvfs vfs;
    if (fstatvfs(fd, &vfs) != 0 || vfs.f_blocks == 0)
        return BN_STORE_RESERVE_BYTES;
    return BN_MIN((int64_t)(vfs.f_blocks * vfs.f_frsize / 16), (int64_t)BN_STORE_RESERVE_BYTES);
}

/* posix_fallocate and not a look at free blocks: quotas count too. */
static bool hold(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    struct stat st;
    const int64_t bytes = reserve_bytes(fd);
    bool held = fstat(fd, &st) == 0 && (int64_t)st.st_blocks * 512 >= bytes;
    if (!held)
        held = posix_fallocate(fd, 0, bytes) == 0;
    close(fd);
    if (!held)
        unlink(path);
    return held;
}

bool bn_folder_hold_reserve(const struct bn_folder *folder)
{
    char path[BN_FOLDER_PATH_MAX];
    path_in(folder, "reserve", path);
    return hold(path);
}

void bn_folder_release_reserve(const struct bn_folder *folder)
{
    char path[BN_FOLDER_PATH_MAX];
    path_in(folder, "reserve", path);
    unlink(path);
}

bool bn_folder_has_room(const struct bn_folder *folder)
{
    char path[BN_FOLDER_PATH_MAX];
    path_in(folder, "room", path);
    bool has_room = hold(path);
    unlink(path);
    return has_room;
}

/* --- condemned files ------------------------------------------------------------------------- */

void bn_folder_condemn(const struct bn_folder *folder)
{
    char path[BN_FOLDER_PATH_MAX];
    path_in(folder, "damaged", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
}

bool bn_folder_is_condemned(const struct bn_folder *folder)
{
    char path[BN_FOLDER_PATH_MAX];
    path_in(folder, "damaged", path);
    return access(path, F_OK) == 0;
}

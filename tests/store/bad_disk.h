/*
 * bad_disk: a file system between SQLite and the disk that fails when told to.
 *
 * Registered as SQLite's default, so the store under test is the one that ships.
 */
#pragma once

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

enum bad_disk_how { BAD_WRITE, BAD_FULL, BAD_SHORT, BAD_SYNC_AND_TRUNCATE, BAD_HOW_COUNT };

struct bad_disk {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    atomic_int count; /* writes, syncs and truncates so far */
    atomic_int from;  /* the first that fails; 0: none */
    atomic_int until; /* the first that works again */
    atomic_int how;
    atomic_int failed;
};

struct bad_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static struct bad_disk bad_disk;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct bad_file *)file)->real;
}

static int bad_now(void)
{
    int count = atomic_fetch_add(&bad_disk.count, 1) + 1;
    int from = atomic_load(&bad_disk.from);
    int fails = from && count >= from && count < atomic_load(&bad_disk.until);
    atomic_fetch_add(&bad_disk.failed, fails);
    return fails;
}

/* clang-format off */
#define PASS(name, member, params, args)                                                           \
    static int name params { return real_of(file)->pMethods->member args; }
PASS(bad_close, xClose, (sqlite3_file *file),
        (real_of(file)))
PASS(bad_read, xRead, (sqlite3_file *file, void *to, int len, sqlite3_int64 at),
        (real_of(file), to, len, at))
PASS(bad_size, xFileSize, (sqlite3_file *file, sqlite3_int64 *size),
        (real_of(file), size))
PASS(bad_lock, xLock, (sqlite3_file *file, int level),
        (real_of(file), level))
PASS(bad_unlock, xUnlock, (sqlite3_file *file, int level),
        (real_of(file), level))
PASS(bad_reserved, xCheckReservedLock, (sqlite3_file *file, int *out),
        (real_of(file), out))
PASS(bad_control, xFileControl, (sqlite3_file *file, int op, void *arg),
        (real_of(file), op, arg))
PASS(bad_sector, xSectorSize, (sqlite3_file *file),
        (real_of(file)))
PASS(bad_device, xDeviceCharacteristics, (sqlite3_file *file),
        (real_of(file)))
PASS(bad_shm_map, xShmMap, (sqlite3_file *file, int at, int size, int grow, void volatile **out),
        (real_of(file), at, size, grow, out))
PASS(bad_shm_lock, xShmLock, (sqlite3_file *file, int at, int n, int flags),
        (real_of(file), at, n, flags))
PASS(bad_shm_unmap, xShmUnmap, (sqlite3_file *file, int is_last),
        (real_of(file), is_last))

/* clang-format on */

static int bad_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    sqlite3_file *real = real_of(file);
    if (!bad_now())
        return real->pMethods->xWrite(real, from, len, at);
    int how = atomic_load(&bad_disk.how);
    if (how == BAD_SHORT)
        real->pMethods->xWrite(real, from, len / 2, at);
    return how == BAD_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int bad_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (bad_now())
        return SQLITE_IOERR_TRUNCATE;
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

/* The data has arrived in the kernel, as it has when a real sync fails. */
static int bad_sync(sqlite3_file *file, int flags)
{
    if (bad_now())
        return SQLITE_IOERR_FSYNC;
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static void bad_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static const sqlite3_io_methods bad_methods = {2, bad_close, bad_read, bad_write, bad_truncate,
        bad_sync, bad_size, bad_lock, bad_unlock, bad_reserved, bad_control, bad_sector, bad_device,
        bad_shm_map, bad_shm_lock, bad_shm_barrier, bad_shm_unmap, NULL, NULL};

static int bad_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    struct bad_file *bad = (struct bad_file *)file;
    bad->real = (sqlite3_file *)(void *)(bad + 1);
    int rc = bad_disk.real->xOpen(bad_disk.real, name, bad->real, flags, out);
    bad->base.pMethods = bad->real->pMethods ? &bad_methods : NULL;
    return rc;
}

static void bad_disk_install(void)
{
    bad_disk.real = sqlite3_vfs_find(NULL);
    bad_disk.vfs = *bad_disk.real;
    bad_disk.vfs.zName = "bad_disk";
    bad_disk.vfs.szOsFile = (int)sizeof(struct bad_file) + bad_disk.real->szOsFile;
    bad_disk.vfs.xOpen = bad_open;
    sqlite3_vfs_register(&bad_disk.vfs, 1);
}

/* Operations from..until-1, counted from now, fail. */
static void bad_disk_plan(enum bad_disk_how how, int from, int until)
{
    atomic_store(&bad_disk.count, 0);
    atomic_store(&bad_disk.failed, 0);
    atomic_store(&bad_disk.how, (int)how);
    atomic_store(&bad_disk.until, until);
    atomic_store(&bad_disk.from, from);
}

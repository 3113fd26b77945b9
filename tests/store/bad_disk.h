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

static int bad_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int bad_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), to, len, at);
}

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

static int bad_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int bad_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int bad_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int bad_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int bad_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int bad_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int bad_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int bad_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int bad_shm_lock(sqlite3_file *file, int at, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), at, n, flags);
}

static void bad_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int bad_shm_unmap(sqlite3_file *file, int is_last)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), is_last);
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

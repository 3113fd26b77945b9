/*
 * no_sync: syncs that return at once, for tests that cut no power.
 *
 * What a killed process wrote the kernel still holds; on a shared disk syncs took nine tenths of
 * these tests' time. They replace the C library's in the whole program, SQLite's calls as well.
 */
#pragma once

int fsync(int fd);
int fdatasync(int fd);

__attribute__((visibility("default"))) int fsync(int fd)
{
    (void)fd;
    return 0;
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

#include <malloc.h>

#include "host_machine.h"

/*
 * Ten thousand samples with the clock moved by hand. What the sampler keeps, it has after ten of
 * them; an allocation later on is growth in the making. Under the sanitizer each one is seen;
 * elsewhere the heap is weighed.
 */

typedef void (*malloc_hook)(const volatile void *, size_t);
typedef void (*free_hook)(const volatile void *);
int __sanitizer_install_malloc_and_free_hooks(malloc_hook, free_hook) __attribute__((weak));

static bool is_watched;
static size_t allocations;

static void saw_malloc(const volatile void *p, size_t size)
{
    (void)p;
    (void)size;
    allocations += is_watched;
}

static void saw_free(const volatile void *p)
{
    (void)p;
}

static bool fixed_size(const char *path, struct bn_fs_size *out)
{
    *out = (struct bn_fs_size){100000, 40000, 30000, 1000, 400};
    return path[1] != 'm'; /* not /mnt: those have threads, which are not counted here */
}

/* Swaps between two machines that differ in counters, processes, a disk, a core and a mount. */
static void become(struct machine *m, int turn)
{
    static const char *const mounts[] = {"1 0 8:1 / / rw - xfs /dev/sda1 rw\n",
            "1 0 8:1 / / rw - xfs /dev/sda1 rw\n2 0 8:2 / /srv rw - xfs /dev/sda2 rw\n"};
    static const char *const stats[] = {"cpu  100 0 0 900 0 0 0 0\ncpu0 50 0 0 450 0 0 0 0\n",
            "cpu  180 0 0 1020 0 0 0 0\ncpu0 90 0 0 510 0 0 0 0\ncpu1 90 0 0 510 0 0 0 0\n"};
    static const char *const disks[] = {"   8 0 sda 1 2 3 4 5 6 7 8 0 9 10\n",
            "   8 0 sda 11 2 3 4 5 6 7 8 0 9 10\n   8 16 sdb 1 2 3 4 5 6 7 8 0 9 10\n"};
    static const char *const procs[] =
            {"77 (old) S 1 1 1 0 -1 0 0 0 0 0 9 0 0 0 20 0 1 0 500 4096 900 0 0\n",
                    "77 (new) R 1 1 1 0 -1 0 0 0 0 0 99 0 0 0 20 0 1 0 600 4096 900 0 0\n"};
    machine_put(m, "proc/self/mountinfo", mounts[turn]);
    machine_put(m, "proc/stat", stats[turn]);
    machine_put(m, "proc/diskstats", disks[turn]);
    machine_put(m, "proc/77/stat", procs[turn]);
}

BN_TEST(ten_thousand_samples_allocate_nothing_after_the_first_ten)
{
    struct machine m;
    size_t weight = 0;
    bool has_hooks = __sanitizer_install_malloc_and_free_hooks &&
                     __sanitizer_install_malloc_and_free_hooks(saw_malloc, saw_free) > 0;
    machine_start(&m, "lxc", fixed_size);
    machine_put(&m, "sys/block/sda/size", "100\n");
    machine_put(&m, "sys/block/sdb/size", "100\n");
    machine_put(&m, "proc/77/cmdline", "seventy-seven");
    for (int i = 0; i < 10000; i++) {
        if (i % 5 == 0)
            become(&m, i / 5 % 2);
        if (i == 40) { /* ten scans and mount looks of either sort have been made */
            weight = mallinfo2().uordblks;
            allocations = 0;
        }
        is_watched = true;
        machine_sample(&m);
        is_watched = false;
        machine_wait_ms(&m, 1000);
    }
    CHECK_INT(allocations, 0);
    if (!has_hooks)
        CHECK(mallinfo2().uordblks <= weight);
    CHECK(m.gone > 3000);
    CHECK(m.row_count < 20);
    machine_stop(&m);
}

BN_TEST(the_watch_sees_an_allocation)
{
    if (!__sanitizer_install_malloc_and_free_hooks)
        skip();
    allocations = 0;
    is_watched = true;
    free(bn_alloc(10));
    is_watched = false;
    CHECK_INT(allocations, 1);
}

BN_TEST_MAIN()

#include <malloc.h>
#include <sqlite3.h>
#include <time.h>

#include "bn_test.h"
#include "soak_points.h"

#define SECONDS 7200

/* Bytes allocated now, whoever counts them, without SQLite's: its page cache fills for a day. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap_bytes(void)
{
    size_t all = __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                         : mallinfo2().uordblks;
    return all - (size_t)sqlite3_memory_used();
}

/* Four events of the log, which is a ring. glibc counts what a thread keeps for its next call as
   used, 12 to 24 KiB more or less from one look to the next; 40 bytes a second would still be seen.
 */
static size_t slack(void)
{
    return __sanitizer_get_current_allocated_bytes ? 8 << 10 : 48 << 10;
}

/* What stays: the store's thread borrows some for as long as it writes a batch. */
static size_t least_heap_bytes(void)
{
    size_t least = heap_bytes();
    for (int i = 0; i < 100; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        least = BN_MIN(least, heap_bytes());
    }
    return least;
}

BN_TEST(two_hours_leave_every_point_and_take_no_more_memory_after_the_first)
{
    static struct soak soak;
    struct bn_store_stats stats;
    size_t before = 0;
    bn_log_set_fd(-1);
    soak_init(&soak, "lxc", 2);
    while (soak.machine.second < SECONDS) {
        soak_second(&soak);
        if (soak.machine.second == SECONDS - 1200) /* by then an hour of rings is full */
            before = least_heap_bytes();
    }
    size_t after = least_heap_bytes();
    soak_settle(&soak);
    for (int level = 0; level < BN_LEVELS; level++) {
        struct soak_level found = {0};
        soak_check_level(&soak, level, SECONDS, &found);
        CHECK_INT(found.present, found.expected);
        CHECK_INT(found.wrong, 0);
    }
    bn_store_get_stats(soak.store, &stats);
    CHECK_INT(stats.lost_points, 0);
    CHECK_INT(soak.heard, SECONDS);
    CHECK_INT(soak.merged, SECONDS / 60 + SECONDS / 300);
    CHECK_INT(soak.answered, soak.asked);
    CHECK_INT(soak.hub.refused_count, 0);
    CHECK(after <= before + slack());
    soak_finish(&soak);
}

BN_TEST_MAIN()

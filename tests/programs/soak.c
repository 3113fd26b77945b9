/*
 * soak: a day of a machine with 64 cores in a minute; what must not grow, and every point there.
 *
 *   soak [--hours N] [--cores N]      exit code 1: memory grew, or points are missing
 */
#include <malloc.h>
#include <sqlite3.h>

#include "programs/flags.h"
#include "soak_points.h"

#define GROWTH_BYTES_MAX (1 << 20)

struct weight {
    int64_t rss_bytes;
    int64_t heap_bytes; /* allocated */
};

static struct weight weigh(void)
{
    char text[200] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    soak_need(file && fgets(text, sizeof text, file), "/proc/self/statm");
    fclose(file);
    struct bn_str rest = bn_str(text);
    int64_t pages = 0;
    bn_str_cut(&rest, ' ');
    soak_need(bn_parse_i64(bn_str_cut(&rest, ' '), 0, INT64_MAX, &pages), "statm");
    return (struct weight){pages * sysconf(_SC_PAGESIZE), (int64_t)mallinfo2().uordblks};
}

static void report(const struct soak *soak, int percent, struct weight weight)
{
    struct bn_store_stats stats;
    bn_store_get_stats(soak->store, &stats);
    printf("%3d %%  RSS %6.2f MB  heap %6.2f MB, of it SQLite %5.2f MB  database %6.2f MB  series %5zu  encodings %llu\n",
            percent, (double)weight.rss_bytes / 1e6, (double)weight.heap_bytes / 1e6,
            (double)sqlite3_memory_used() / 1e6, (double)(stats.db_bytes + stats.wal_bytes) / 1e6,
            soak->hub.live.tenants->series.count, (unsigned long long)soak->hub.topics.encoded);
    fflush(stdout);
}

static bool check_points(struct soak *soak, int64_t seconds)
{
    bool is_whole = true;
    struct bn_store_stats stats;
    for (int level = 0; level < BN_LEVELS; level++) {
        struct soak_level found = {0};
        soak_check_level(soak, level, seconds, &found);
        printf("level %lld s: %lld of %lld points of %zu series, %lld wrong\n",
                (long long)bn_level_step_ms[level] / 1000, (long long)found.present,
                (long long)found.expected, COUNT(soak_series), (long long)found.wrong);
        is_whole = is_whole && found.present == found.expected && found.wrong == 0;
    }
    bn_store_get_stats(soak->store, &stats);
    printf("lost points %lld, refused facts %llu, records asked %llu answered %llu\n",
            (long long)stats.lost_points, (unsigned long long)soak->hub.refused_count,
            (unsigned long long)soak->asked, (unsigned long long)soak->answered);
    return is_whole && stats.lost_points == 0 && soak->hub.refused_count == 0 &&
           soak->asked == soak->answered;
}

int main(int argc, char **argv)
{
    static struct soak soak;
    struct weight half = {0};
    struct weight end = {0};
    (void)argc;
    int64_t seconds = 3600 * flag_number(argv, "--hours", 24);
    int64_t from_ns = bn_clock_mono_ns();
    bn_log_set_fd(2);
    bn_log_set_level(BN_WARN);
    bn_memory_prepare();
    soak_init(&soak, "bare64", (int)flag_number(argv, "--cores", 64));
    while (soak.machine.second < seconds) {
        soak_second(&soak);
        int64_t done = soak.machine.second * 100 / seconds;
        bool is_mark = soak.machine.second * 100 % seconds == 0;
        if (!is_mark || (done % 25 != 0 && done != 10))
            continue;
        end = weigh();
        half = done == 50 ? end : half;
        report(&soak, (int)done, end);
    }
    soak_settle(&soak);
    bool is_whole = check_points(&soak, seconds);
    int64_t grown = end.rss_bytes - half.rss_bytes;
    printf("%lld messages to one listener, %llu merged ones to a slow one, %.1f s\n",
            (long long)soak.heard, (unsigned long long)soak.merged,
            (double)(bn_clock_mono_ns() - from_ns) / 1e9);
    printf("RSS grew %.2f MB in the second half\n", (double)grown / 1e6);
    soak_finish(&soak);
    return is_whole && grown <= GROWTH_BYTES_MAX ? 0 : 1;
}

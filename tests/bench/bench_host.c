/*
 * bench_host: what one sample of this machine costs, at the rates the server takes them.
 *
 * The clock is moved a second per sample by hand, so that processes, mounts and sensors are due as
 * often as they are in the server; what is measured is CPU time. The raw side reads the same files
 * as often and looks at nothing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/host_sample.h"

#define SAMPLES 300
#define ROUNDS  3 /* the cheapest counts: the machine is shared */

static struct bn_moment clock_of_samples = {BN_SECOND_NS, BN_SECOND_NS};
static size_t told;

static void tell(void *user, const struct bn_fact *fact)
{
    (void)user;
    told += fact->op == BN_PUT;
}

static void moment(void *user, struct bn_moment *out)
{
    (void)user;
    *out = clock_of_samples;
}

static double spent_us(void)
{
    return (double)bn_host_cost_now(NULL) / 1000;
}

/* --- the same files, raw -----------------------------------------------------------------------
 */

static const char *const kept[] = {"/proc/stat", "/proc/meminfo", "/proc/vmstat", "/proc/loadavg",
        "/proc/sys/fs/file-nr", "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io",
        "/proc/diskstats", "/proc/net/dev"};

static char text[1 << 20];

static void read_kept(const int *fds)
{
    for (size_t i = 0; i < COUNT(kept); i++) {
        off_t at = 0;
        ssize_t n;
        while (fds[i] >= 0 && (n = pread(fds[i], text, sizeof text, at)) > 0)
            at += n;
    }
}

static void read_processes(DIR *dir)
{
    const struct dirent *entry;
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[300];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "%s/stat", entry->d_name);
        int fd = openat(dirfd(dir), path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (read(fd, text, sizeof text) < 0)
            text[0] = 0;
        close(fd);
    }
}

static double raw_us(void)
{
    int fds[COUNT(kept)];
    DIR *dir = opendir("/proc");
    if (!dir)
        exit(1);
    for (size_t i = 0; i < COUNT(kept); i++)
        fds[i] = open(kept[i], O_RDONLY | O_CLOEXEC);
    double from_us = spent_us();
    for (int i = 0; i < SAMPLES; i++) {
        read_kept(fds);
        if (i % 2 == 0)
            read_processes(dir);
    }
    double us = (spent_us() - from_us) / SAMPLES;
    for (size_t i = 0; i < COUNT(kept); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    closedir(dir);
    return us;
}

/* --- the sampler -------------------------------------------------------------------------------
 */

static double sampler_us(double *out_worst_us, const char *root)
{
    struct bn_host_world world = {.root = root,
            .tell = tell,
            .moment = moment,
            .cost_ns = bn_host_cost_now,
            .fs_read = bn_fs_read};
    struct bn_host_sampler *s = bn_host_sampler_create(&world);
    double sum_us = 0;
    *out_worst_us = 0;
    told = 0;
    for (int i = -10; i < SAMPLES; i++) {
        double from_us = spent_us();
        for (bool more = bn_host_sample(s, 1763668800000 + i * 1000); more;)
            more = bn_host_sample_more(s);
        double us = spent_us() - from_us;
        clock_of_samples.mono_ns += BN_SECOND_NS;
        clock_of_samples.boot_ns += BN_SECOND_NS;
        if (i < 0)
            continue; /* files are opened, memory is made */
        sum_us += us;
        *out_worst_us = us > *out_worst_us ? us : *out_worst_us;
    }
    bn_host_sampler_destroy(s);
    return sum_us / SAMPLES;
}

/* --- one file, kept open or not ----------------------------------------------------------------
 */

static double open_us(void)
{
    double from_us = spent_us();
    for (int i = 0; i < 2000; i++) {
        int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
        while (read(fd, text, sizeof text) > 0)
            ;
        close(fd);
    }
    return (spent_us() - from_us) / 2000;
}

static double kept_us(void)
{
    int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    double from_us = spent_us();
    for (int i = 0; i < 2000; i++) {
        off_t at = 0;
        ssize_t n;
        while ((n = pread(fd, text, sizeof text, at)) > 0)
            at += n;
    }
    double us = (spent_us() - from_us) / 2000;
    close(fd);
    return us;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

int main(int argc, char **argv)
{
    const char *root = argc > 1 ? argv[1] : "";
    double raw = 1e12;
    double ours = 1e12;
    double worst = 1e12;
    for (int i = 0; i < ROUNDS; i++) {
        double worst_us;
        raw = least(raw, raw_us());
        ours = least(ours, sampler_us(&worst_us, root));
        worst = least(worst, worst_us);
    }
    printf("host sample        %8.1f us mean, %.1f us worst, %zu facts; %.3f %% of a core at 1 Hz\n",
            ours, worst, told / SAMPLES, ours / 1e4);
    printf("host raw reads     %8.1f us mean of the same files\n", raw);
    printf("host ratio         %8.2f x raw\n", ours / raw);
    printf("host /proc/stat    %8.1f us kept open, %.1f us opened anew\n", kept_us(), open_us());
    return 0;
}

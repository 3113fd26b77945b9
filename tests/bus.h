/*
 * bus: a D-Bus of a test's own in a folder of its own, with a manager on it that answers as told.
 */
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>

#include "bn_test.h"

struct bus {
    char folder[32];
    char address[64];
    pid_t daemon;
    pid_t manager;
};

static inline void bus_path(const struct bus *bus, const char *name, char out[64])
{
    snprintf(out, 64, "%s/%s", bus->folder, name);
}

/* The place where a bus could be; there is none yet. */
static inline void bus_prepare(struct bus *bus)
{
    *bus = (struct bus){.folder = "/tmp/bn_bus_XXXXXX"};
    CHECK(mkdtemp(bus->folder) != NULL);
    snprintf(bus->address, sizeof bus->address, "unix:path=%s/socket", bus->folder);
}

/* Starts a program, which ends with the test, and waits for the first line it says. */
static inline pid_t bus_spawn(const char *const *words, bool is_quiet)
{
    union {
        const char *const *ours;
        char *const *theirs; /* which it does not change */
    } argv = {words};

    int ends[2];
    char c = 0;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        if (is_quiet)
            dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
        execvp(words[0], argv.theirs);
        _exit(127);
    }
    CHECK(pid > 0);
    close(ends[1]);
    while (c != '\n')
        if (read(ends[0], &c, 1) != 1)
            fail_msg("%s ended before it was ready", words[0]);
    close(ends[0]);
    return pid;
}

static inline void bus_end(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

/* rules stand in the policy: "" lets everybody do everything. */
static inline void bus_open(struct bus *bus, const char *rules)
{
    char path[64];
    char option[80];
    bus_path(bus, "config", path);
    FILE *config = fopen(path, "w");
    CHECK(config != NULL);
    fprintf(config,
            "<busconfig><listen>%s</listen><auth>EXTERNAL</auth><policy context=\"default\">"
            "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>"
            "<allow own=\"*\"/>%s</policy></busconfig>\n",
            bus->address, rules);
    fclose(config);
    snprintf(option, sizeof option, "--config-file=%s", path);
    bus->daemon = bus_spawn((const char *const[]){"dbus-daemon", option, "--nofork", "--nopidfile",
                                    "--nosyslog", "--print-address=1", NULL},
            true);
}

/* The program stands beside the test; what follows are its options, up to NULL. */
static inline void bus_manage(struct bus *bus, ...)
{
    char program[512];
    const char *words[24] = {program, "--address", bus->address};
    size_t count = 3;
    va_list list;
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 16);
    while (len > 0 && program[len - 1] != '/')
        len--;
    CHECK(len > 0);
    snprintf(program + len, 16, "fake_systemd");
    va_start(list, bus);
    while (count < COUNT(words) - 1 && (words[count] = va_arg(list, const char *)))
        count++;
    va_end(list);
    bus->manager = bus_spawn(words, false);
}

static inline void bus_close(struct bus *bus)
{
    static const char *const files[] = {"config", "socket"};
    bus_end(&bus->manager);
    bus_end(&bus->daemon);
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[64];
        bus_path(bus, files[i], path);
        unlink(path);
    }
    rmdir(bus->folder);
}

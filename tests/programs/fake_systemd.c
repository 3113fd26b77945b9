/* fake_systemd: owns org.freedesktop.systemd1 on a bus and answers ListUnits as told. Says "ready"
   when it can be asked.

   fake_systemd --address unix:path=/tmp/x/bus --ok 132 --failed 1
       --ok --inactive --changing N   so many units of that kind
       --failed N, --names a,b,c      failed ones: smartd.service first, or these
       --since-ms N                   when they failed
       --trouble WORD                 hang: answers never; die: ends when it is asked;
                                      die_after: ends after the list, before the times;
                                      denied, busy: an error; shape: no list of units;
                                      strange: control bytes, text from right to left, 4 KiB names
 */
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/base.h"

#include "programs/flags.h"

#define UNIT_PATH "/org/freedesktop/systemd1/unit"

static char **args;
static const char *trouble;

static int fail(const char *what, int error)
{
    fprintf(stderr, "fake_systemd: %s: %s\n", what, strerror(-error));
    return 1;
}

static bool is_trouble(const char *word)
{
    return strcmp(trouble, word) == 0;
}

static int add(sd_bus_message *list, const char *name, const char *description, const char *active,
        const char *sub)
{
    char path[64];
    static int count;
    snprintf(path, sizeof path, UNIT_PATH "/u%d", count++);
    return sd_bus_message_append(list, "(ssssssouso)", name, description, "loaded", active, sub, "",
            path, 0, "", "/");
}

static int add_many(sd_bus_message *list, int64_t count, const char *kind, const char *active,
        const char *sub)
{
    char name[64];
    int done = 0;
    for (int64_t i = 0; i < count && done >= 0; i++) {
        snprintf(name, sizeof name, "%s-%lld.service", kind, (long long)i);
        done = add(list, name, "A service of the fake manager", active, sub);
    }
    return done;
}

static int add_named(sd_bus_message *list, const char *names)
{
    char name[256];
    int done = 0;
    struct bn_str rest = bn_str(names);
    while (rest.p && done >= 0) {
        bn_text_clip(name, sizeof name, bn_str_cut(&rest, ','));
        done = add(list, name, name, "failed", "failed");
    }
    return done;
}

static int add_failed(sd_bus_message *list)
{
    int64_t count = flag_number(args, "--failed", 0);
    const char *names = flag_text(args, "--names", NULL);
    if (names)
        return add_named(list, names);
    if (count == 0)
        return 0;
    int done = add(list, "smartd.service",
            "Self Monitoring and Reporting Technology (SMART) Daemon", "failed", "failed");
    return done < 0 ? done : add_many(list, count - 1, "job", "failed", "failed");
}

static int add_strange(sd_bus_message *list)
{
    char longest[4096];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = 0;
    int done = add(list, "tab\there\x1b[31m.service", "line\nbreak\r\x7f", "failed", "\x01");
    if (done >= 0)
        done = add(list, "abc\u202Egpj.service", "\u2066\u05d0\u05d1\u05d2", "failed", "failed");
    if (done >= 0)
        done = add(list, longest, longest, "failed", longest);
    if (done >= 0)
        done = add(list, "", "", "failed", "");
    if (done >= 0)
        done = add(list, "<b>.service", "&amp;", "failed", "\"");
    return done >= 0 ? add(list, "later.service", "", "a word of a later version", "") : done;
}

static int fill(sd_bus_message *list)
{
    int done = add_many(list, flag_number(args, "--ok", 0), "ok", "active", "running");
    if (done >= 0)
        done = add_many(list, flag_number(args, "--inactive", 0), "idle", "inactive", "dead");
    if (done >= 0)
        done = add_many(list, flag_number(args, "--changing", 0), "soon", "activating", "start");
    if (done >= 0)
        done = add_failed(list);
    return done >= 0 && is_trouble("strange") ? add_strange(list) : done;
}

static int list_units(sd_bus_message *call, void *user, sd_bus_error *error)
{
    sd_bus_message *list = NULL;
    (void)user;
    if (is_trouble("die"))
        _exit(0);
    if (is_trouble("hang"))
        return 1;
    if (is_trouble("denied"))
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "no");
    if (is_trouble("busy"))
        return sd_bus_error_set(error, "org.example.Busy", "later");
    int done = sd_bus_message_new_method_return(call, &list);
    if (is_trouble("shape")) {
        done = sd_bus_message_append(list, "as", 1, "smartd.service");
    } else if (done >= 0) {
        done = sd_bus_message_open_container(list, 'a', "(ssssssouso)");
        if (done >= 0)
            done = fill(list);
        if (done >= 0)
            done = sd_bus_message_close_container(list);
    }
    if (done >= 0)
        done = sd_bus_send(NULL, list, NULL);
    sd_bus_message_unref(list);
    return done < 0 ? done : 1;
}

static const sd_bus_vtable manager[] = {SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListUnits", "", "a(ssssssouso)", list_units, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};

static const sd_bus_vtable unit[] = {SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("InactiveEnterTimestamp", "t", NULL, 0, 0), SD_BUS_VTABLE_END};

/* Every unit failed at the same time. */
static int find_unit(sd_bus *bus, const char *path, const char *interface, void *user, void **found,
        sd_bus_error *error)
{
    static uint64_t since_us;
    (void)bus, (void)interface, (void)user, (void)error;
    if (is_trouble("die_after"))
        _exit(0);
    since_us = (uint64_t)flag_number(args, "--since-ms", 1763668800000) * 1000;
    *found = &since_us;
    return path[sizeof UNIT_PATH - 1] == '/';
}

/* The library holds a table's methods to the answer they promise; not so what is no table. */
static int misanswer(sd_bus_message *call, void *user, sd_bus_error *error)
{
    if (!sd_bus_message_is_method_call(call, "org.freedesktop.systemd1.Manager", "ListUnits"))
        return 0;
    return list_units(call, user, error);
}

static int offer(sd_bus *bus)
{
    int done = is_trouble("shape")
                       ? sd_bus_add_filter(bus, NULL, misanswer, NULL)
                       : sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
                                 "org.freedesktop.systemd1.Manager", manager, NULL);
    if (done >= 0)
        done = sd_bus_add_fallback_vtable(bus, NULL, UNIT_PATH, "org.freedesktop.systemd1.Unit",
                unit, find_unit, NULL);
    return done < 0 ? done : sd_bus_request_name(bus, "org.freedesktop.systemd1", 0);
}

int main(int argc, char **argv)
{
    sd_bus *bus = NULL;
    (void)argc;
    args = argv;
    trouble = flag_text(argv, "--trouble", "none");
    int done = sd_bus_new(&bus);
    if (done >= 0)
        done = sd_bus_set_address(bus, flag_text(argv, "--address", ""));
    if (done >= 0)
        done = sd_bus_set_bus_client(bus, 1);
    if (done >= 0)
        done = sd_bus_start(bus);
    if (done >= 0)
        done = offer(bus);
    if (done < 0)
        return fail("the bus", done);
    puts("ready");
    fflush(stdout);
    while (done >= 0) {
        done = sd_bus_process(bus, NULL);
        if (done == 0)
            done = sd_bus_wait(bus, UINT64_MAX);
    }
    sd_bus_close_unref(bus); /* the bus is gone: so are we */
    return 0;
}

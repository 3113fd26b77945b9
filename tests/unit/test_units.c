#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"

#include "bus.h"
#include "io/units.h"

#define ROOM 64

static struct bn_failed_unit rows[ROOM];
static struct bn_units units;
static struct bn_err err;
static struct bn_units_limits limits;

static bool ask(const char *address)
{
    memset(rows, 0xa5, sizeof rows);
    units = (struct bn_units){.failed = rows};
    return bn_units_read(address, &limits, &units, &err);
}

/* A bus with a manager on it, and a question with room for everything and time for a slow machine.
 */
#define OPEN(bus, ...)                                                        \
    do {                                                                      \
        bus_prepare(bus);                                                     \
        bus_open(bus, "");                                                    \
        bus_manage(bus, __VA_ARGS__, NULL);                                   \
        limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000}; \
    } while (0)

static void check_counts(uint64_t ok, uint64_t failed, uint64_t changing, uint64_t inactive)
{
    CHECK_INT(units.counts[BN_UNIT_OK], ok);
    CHECK_INT(units.counts[BN_UNIT_FAILED], failed);
    CHECK_INT(units.counts[BN_UNIT_CHANGING], changing);
    CHECK_INT(units.counts[BN_UNIT_INACTIVE], inactive);
}

static void check_refused(const char *address, enum bn_code code, const char *text)
{
    CHECK(!ask(address));
    CHECK_INT(err.code, code);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    check_counts(0, 0, 0, 0);
}

/* --- answers ----------------------------------------------------------------------------------
 */

BN_TEST(every_unit_is_counted_and_the_failed_one_is_named_with_its_time)
{
    struct bus bus;
    OPEN(&bus, "--ok", "132", "--failed", "1", "--changing", "3", "--inactive", "41", "--since-ms",
            "1763668800123");
    CHECK(ask(bus.address));
    check_counts(132, 1, 3, 41);
    CHECK_INT(units.failed_count, 1);
    CHECK_STR(rows[0].name, "smartd.service");
    CHECK_STR(rows[0].description, "Self Monitoring and Reporting Technology (SMART) Daemon");
    CHECK_STR(rows[0].sub_state, "failed");
    CHECK_INT(rows[0].failed_ms, 1763668800123);
    bus_close(&bus);
}

BN_TEST(a_manager_without_units_has_none_which_is_not_unknown)
{
    struct bus bus;
    OPEN(&bus, "--ok", "0");
    CHECK(ask(bus.address));
    check_counts(0, 0, 0, 0);
    bus_close(&bus);
}

BN_TEST(five_thousand_units_are_counted)
{
    struct bus bus;
    OPEN(&bus, "--ok", "4987", "--failed", "13");
    CHECK(ask(bus.address));
    check_counts(4987, 13, 0, 0);
    CHECK_INT(units.failed_count, 13);
    bus_close(&bus);
}

BN_TEST(of_more_failed_ones_than_are_told_the_first_by_name_are)
{
    struct bus bus;
    OPEN(&bus, "--names", "m.service,c.timer,z.mount,a.socket,b.service,y.service");
    limits.failed_max = 3;
    CHECK(ask(bus.address));
    check_counts(0, 6, 0, 0);
    CHECK_INT(units.failed_count, 3);
    CHECK_STR(rows[0].name, "a.socket");
    CHECK_STR(rows[1].name, "b.service");
    CHECK_STR(rows[2].name, "c.timer");
    limits.failed_max = 6;
    CHECK(ask(bus.address));
    CHECK_INT(units.failed_count, 6);
    CHECK_STR(rows[5].name, "z.mount");
    bus_close(&bus);
}

BN_TEST(as_many_units_as_the_limit_are_counted_and_one_more_is_refused)
{
    struct bus bus;
    OPEN(&bus, "--ok", "20");
    limits.units_max = 20;
    CHECK(ask(bus.address));
    check_counts(20, 0, 0, 0);
    limits.units_max = 19;
    check_refused(bus.address, BN_E_TOO_MANY, "systemd has more than 19 units");
    bus_close(&bus);
}

BN_TEST(strange_texts_are_brought_as_they_are_and_long_ones_are_clipped)
{
    struct bus bus;
    OPEN(&bus, "--ok", "2", "--trouble", "strange");
    CHECK(ask(bus.address));
    check_counts(2, 5, 1, 0);
    CHECK_INT(units.failed_count, 5);
    CHECK_STR(rows[0].name, "");
    CHECK_STR(rows[1].name, "<b>.service");
    CHECK_STR(rows[2].name, "abc\u202Egpj.service");
    CHECK_INT(strlen(rows[3].name), BN_UNIT_NAME_MAX - 1);
    CHECK_INT(strlen(rows[3].description), sizeof rows[3].description - 1);
    CHECK_STR(rows[4].name, "tab\there\x1b[31m.service");
    bus_close(&bus);
}

/* --- no answers -------------------------------------------------------------------------------
 */

BN_TEST(without_a_bus_it_says_where_it_looked)
{
    struct bus bus;
    bus_prepare(&bus);
    limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000};
    check_refused(bus.address, BN_E_UNAVAILABLE, bus.address);
    check_refused(bus.address, BN_E_UNAVAILABLE, "No such file or directory");
    bus_close(&bus);
}

BN_TEST(a_bus_that_appears_later_is_found_and_one_that_went_is_missed)
{
    struct bus bus;
    bus_prepare(&bus);
    limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000};
    check_refused(bus.address, BN_E_UNAVAILABLE, "No such file");
    bus_open(&bus, "");
    check_refused(bus.address, BN_E_UNAVAILABLE, "there is no systemd on the system bus");
    bus_manage(&bus, "--ok", "5", NULL);
    CHECK(ask(bus.address));
    check_counts(5, 0, 0, 0);
    bus_end(&bus.manager);
    check_refused(bus.address, BN_E_UNAVAILABLE, "there is no systemd on the system bus");
    bus_end(&bus.daemon);
    check_refused(bus.address, BN_E_UNAVAILABLE, "Connection refused");
    bus_close(&bus);
}

BN_TEST(a_manager_that_hangs_is_left_at_the_deadline)
{
    struct bus bus;
    OPEN(&bus, "--trouble", "hang");
    limits.deadline_ms = 200;
    int64_t from_ns = bn_clock_mono_ns();
    check_refused(bus.address, BN_E_TIMEOUT, "systemd did not answer in 200 ms");
    int64_t took_ms = (bn_clock_mono_ns() - from_ns) / 1000000;
    CHECK(took_ms >= 200 && took_ms < 15000);
    bus_close(&bus);
}

BN_TEST(a_manager_that_dies_when_it_is_asked_is_unknown)
{
    struct bus bus;
    OPEN(&bus, "--trouble", "die");
    check_refused(bus.address, BN_E_UNAVAILABLE, "systemd went away before it answered");
    bus_close(&bus);
}

BN_TEST(one_that_dies_before_it_says_since_when_leaves_the_time_unknown)
{
    struct bus bus;
    OPEN(&bus, "--ok", "132", "--failed", "2", "--trouble", "die_after");
    CHECK(ask(bus.address));
    check_counts(132, 2, 0, 0);
    CHECK_INT(units.failed_count, 2);
    CHECK_STR(rows[0].name, "job-0.service");
    CHECK_INT(rows[0].failed_ms, 0);
    CHECK_STR(rows[1].name, "smartd.service");
    CHECK_INT(rows[1].failed_ms, 0);
    bus_close(&bus);
}

BN_TEST(a_refusal_of_the_manager_is_told)
{
    struct bus bus;
    OPEN(&bus, "--trouble", "denied");
    check_refused(bus.address, BN_E_FORBIDDEN, "the system bus does not let us ask systemd");
    bus_close(&bus);
    OPEN(&bus, "--trouble", "busy");
    check_refused(bus.address, BN_E_UPSTREAM, "systemd answered org.example.Busy");
    bus_close(&bus);
}

BN_TEST(a_refusal_of_the_bus_is_told)
{
    struct bus bus;
    bus_prepare(&bus);
    bus_open(&bus,
            "<deny send_interface=\"org.freedesktop.systemd1.Manager\" send_member=\"ListUnits\"/>");
    bus_manage(&bus, "--ok", "132", NULL);
    limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000};
    check_refused(bus.address, BN_E_FORBIDDEN, "the system bus does not let us ask systemd");
    bus_close(&bus);
}

BN_TEST(an_answer_of_another_shape_is_no_list)
{
    struct bus bus;
    OPEN(&bus, "--trouble", "shape");
    check_refused(bus.address, BN_E_UPSTREAM, "what systemd answered is no list of units");
    bus_close(&bus);
}

/* --- what is no bus ---------------------------------------------------------------------------
 */

BN_TEST(addresses_that_are_no_sockets_are_refused)
{
    limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000};
    check_refused("unixexec:path=/bin/true", BN_E_INVALID,
            "the address of the system bus must begin with unix:, got unixexec:path=/bin/true");
    check_refused("unix:path=/nowhere;unixexec:path=/bin/true", BN_E_INVALID, "must begin with");
    check_refused("tcp:host=localhost,port=1", BN_E_INVALID, "must begin with");
    check_refused("", BN_E_INVALID, "must begin with");
    check_refused("unix:nothing=known", BN_E_UNAVAILABLE, "the system bus at unix:nothing=known");
}

/* Whoever calls is greeted with said, cut after len bytes; then nothing, or the end. */
struct stranger {
    struct bus bus;
    pid_t pid;
};

static void stranger_answers(int listener, const char *said, size_t len, bool stays)
{
    char heard[4096];
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (read(fd, heard, sizeof heard) > 0)
            (void)!write(fd, said, len);
        if (!stays)
            shutdown(fd, SHUT_WR);
        while (read(fd, heard, sizeof heard) > 0)
            ;
        close(fd);
    }
}

static void stranger_open(struct stranger *stranger, const char *said, size_t len, bool stays)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    bus_prepare(&stranger->bus);
    bus_path(&stranger->bus, "socket", at.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listener >= 0);
    CHECK(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 8) == 0);
    stranger->pid = fork();
    if (stranger->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        stranger_answers(listener, said, len, stays);
    }
    CHECK(stranger->pid > 0);
    close(listener);
}

static void stranger_close(struct stranger *stranger)
{
    bus_end(&stranger->pid);
    bus_close(&stranger->bus);
}

#define WELCOME "DATA\r\nOK 00112233445566778899aabbccddeeff\r\nERROR\r\n"

/* sd_bus_call() would wait 90 s for the login. */
BN_TEST(a_bus_that_accepts_and_says_nothing_is_left_at_the_deadline)
{
    static const char *const said[] = {"", "DATA\r\n", WELCOME};
    for (size_t i = 0; i < COUNT(said); i++) {
        struct stranger stranger;
        stranger_open(&stranger, said[i], strlen(said[i]), true);
        limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 100};
        int64_t from_ns = bn_clock_mono_ns();
        check_refused(stranger.bus.address, BN_E_TIMEOUT, "systemd did not answer in 100 ms");
        CHECK(bn_clock_mono_ns() - from_ns < INT64_C(15000000000));
        stranger_close(&stranger);
    }
}

/* The answer to Hello, ":1.1", and a list of no units. */
static const char speech[] = WELCOME "l\x02\x01\x01\x09\0\0\0\x01\0\0\0\x1d\0\0\0"
                                     "\x05\x01u\0\x01\0\0\0"
                                     "\x08\x01g\0\x01s\0\0"
                                     "\x06\x01s\0\x04\0\0\0:1.1\0\0\0\0"
                                     "\x04\0\0\0:1.1\0"
                                     "l\x02\x01\x01\x08\0\0\0\x02\0\0\0\x1b\0\0\0"
                                     "\x05\x01u\0\x02\0\0\0"
                                     "\x08\x01g\0\x0d"
                                     "a(ssssssouso)\0\0\0\0\0\0"
                                     "\0\0\0\0\0\0\0";

BN_TEST(a_bus_that_ends_in_mid_answer_is_unknown_wherever_it_is_cut)
{
    limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000};
    for (size_t len = 0; len <= sizeof speech; len++) {
        struct stranger stranger;
        stranger_open(&stranger, speech, len, false);
        bool is_read = ask(stranger.bus.address);
        if (is_read != (len == sizeof speech))
            fail_msg("cut after %zu of %zu bytes", len, sizeof speech);
        CHECK(is_read || err.code == BN_E_UNAVAILABLE);
        stranger_close(&stranger);
    }
}

BN_TEST(a_bus_that_hangs_up_at_once_is_not_taken_for_a_manager_that_went)
{
    static const char *const said[] = {"", "REJECTED EXTERNAL\r\n"};
    limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000};
    for (size_t i = 0; i < COUNT(said); i++) {
        struct stranger stranger;
        stranger_open(&stranger, said[i], strlen(said[i]), false);
        check_refused(stranger.bus.address, BN_E_UNAVAILABLE,
                i == 0 ? "hung up before it greeted us: it may not know the user"
                       : "the system bus");
        stranger_close(&stranger);
    }
}

/* As a service of systemd with DynamicUser= and without User= is one. Needs root to be another. */
BN_TEST(a_user_whom_the_bus_does_not_know_is_turned_away_with_that_reason)
{
    struct bus bus;
    OPEN(&bus, "--ok", "132");
    CHECK_INT(chmod(bus.folder, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && setuid(61999) != 0)
            _exit(2);
        bool is_read = ask(bus.address);
        bool is_known = geteuid() != 61999;
        _exit(is_known ? !is_read : is_read || !strstr(err.text, "it may not know the user 61999"));
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    bus_close(&bus);
}

BN_TEST(a_bus_that_talks_nonsense_is_unknown)
{
    struct stranger stranger;
    char noise[4096];
    limits = (struct bn_units_limits){10000, ROOM, .deadline_ms = 20000};
    uint32_t seed = 7;
    for (int round = 0; round < 40; round++) {
        size_t head = round % 2 ? sizeof WELCOME - 1 : 0;
        memcpy(noise, WELCOME, sizeof WELCOME - 1);
        for (size_t i = head; i < sizeof noise; i++)
            noise[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
        stranger_open(&stranger, noise, sizeof noise, false);
        CHECK(!ask(stranger.bus.address));
        stranger_close(&stranger);
    }
}

BN_TEST(the_environment_says_where_the_bus_is)
{
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
    CHECK_STR(bn_units_address(), "unix:path=/run/dbus/system_bus_socket");
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "", 1);
    CHECK_STR(bn_units_address(), "unix:path=/run/dbus/system_bus_socket");
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/elsewhere", 1);
    CHECK_STR(bn_units_address(), "unix:path=/elsewhere");
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

BN_TEST_MAIN()

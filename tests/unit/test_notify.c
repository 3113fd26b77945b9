#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "bn_test.h"
#include "io/notify.h"

/* A service manager: the receiving end. */
struct manager {
    int fd;
    char name[108];
};

static void listen_at(struct manager *manager, bool is_abstract)
{
    static int count;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(manager->name, sizeof manager->name, "%s/tmp/bn-notify-%d-%d", is_abstract ? "@" : "",
            (int)getpid(), ++count);
    size_t len = strlen(manager->name);
    memcpy(at.sun_path, manager->name, len);
    if (is_abstract)
        at.sun_path[0] = 0;
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(manager->fd, (struct sockaddr *)&at,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
            0);
    setenv("NOTIFY_SOCKET", manager->name, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static void hang_up(struct manager *manager)
{
    close(manager->fd);
    if (manager->name[0] == '/')
        unlink(manager->name);
    unsetenv("NOTIFY_SOCKET");
}

/* The next message, "" when there is none. */
static const char *hear(struct manager *manager)
{
    static char text[300];
    ssize_t n = recv(manager->fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void open_well(struct bn_notify *notify)
{
    struct bn_err err;
    if (!bn_notify_open(notify, &err))
        fail_msg("%s", err.text);
}

static void check_refused(const char *socket_name, const char *sentence)
{
    struct bn_notify notify;
    struct bn_err err;
    setenv("NOTIFY_SOCKET", socket_name, 1);
    CHECK(!bn_notify_open(&notify, &err));
    CHECK_STR(err.text, sentence);
    bn_notify_say(&notify, "READY=1"); /* nothing happens */
    bn_notify_beat(&notify, 1);
    bn_notify_close(&notify);
    unsetenv("NOTIFY_SOCKET");
}

BN_TEST(without_a_manager_nothing_is_said_and_nothing_fails)
{
    struct bn_notify notify;
    struct bn_err err;
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "1000000", 1);
    CHECK(bn_notify_open(&notify, &err));
    CHECK_INT(notify.fd, -1);
    CHECK_INT(notify.every_ms, 0);
    bn_notify_say(&notify, "READY=1");
    bn_notify_reloading(&notify);
    bn_notify_beat(&notify, 1000);
    bn_notify_close(&notify);
    bn_notify_close(&notify);
    setenv("NOTIFY_SOCKET", "", 1);
    CHECK(bn_notify_open(&notify, &err));
    CHECK_INT(notify.fd, -1);
}

BN_TEST(what_is_said_arrives_under_a_path_and_under_an_abstract_name)
{
    for (int is_abstract = 0; is_abstract < 2; is_abstract++) {
        struct manager manager;
        struct bn_notify notify;
        listen_at(&manager, is_abstract);
        open_well(&notify);
        bn_notify_say(&notify, "READY=1\nSTATUS=Serving");
        CHECK_STR(hear(&manager), "READY=1\nSTATUS=Serving");
        bn_notify_say(&notify, "STOPPING=1");
        CHECK_STR(hear(&manager), "STOPPING=1");
        bn_notify_reloading(&notify);
        const char *said = hear(&manager);
        CHECK(strncmp(said, "RELOADING=1\nMONOTONIC_USEC=", 27) == 0 && strlen(said) > 28);
        bn_notify_beat(&notify, 1); /* no watchdog was asked for */
        CHECK_STR(hear(&manager), "");
        bn_notify_close(&notify);
        hang_up(&manager);
    }
}

BN_TEST(signs_of_life_come_at_half_the_time_the_manager_grants)
{
    struct manager manager;
    struct bn_notify notify;
    listen_at(&manager, false);
    setenv("WATCHDOG_USEC", "30000000", 1);
    open_well(&notify);
    CHECK_INT(notify.every_ms, 15000);

    static const struct {
        int64_t at;
        const char *said;
    } turns[] = {{100, "WATCHDOG=1"}, {101, ""}, {15099, ""}, {15100, "WATCHDOG=1"}, {15200, ""},
            {99000, "WATCHDOG=1"}, {99001, ""}};

    for (size_t i = 0; i < COUNT(turns); i++) {
        bn_notify_beat(&notify, turns[i].at);
        CHECK_STR(hear(&manager), turns[i].said);
    }
    bn_notify_close(&notify);
    hang_up(&manager);
}

BN_TEST(a_watchdog_for_another_process_or_without_a_time_is_none)
{
    struct manager manager;
    struct bn_notify notify;
    char mine[16];
    listen_at(&manager, false);
    setenv("WATCHDOG_USEC", "1000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    open_well(&notify);
    CHECK_INT(notify.every_ms, 0);
    bn_notify_close(&notify);
    snprintf(mine, sizeof mine, "%d", (int)getpid());
    setenv("WATCHDOG_PID", mine, 1);
    open_well(&notify);
    CHECK_INT(notify.every_ms, 500);
    bn_notify_close(&notify);
    setenv("WATCHDOG_PID", "me", 1);
    open_well(&notify);
    CHECK_INT(notify.every_ms, 0);
    bn_notify_close(&notify);
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "0", 1);
    open_well(&notify);
    CHECK_INT(notify.every_ms, 0);
    bn_notify_close(&notify);
    hang_up(&manager);
}

BN_TEST(a_manager_that_does_not_read_costs_no_time_and_hears_the_next_sign_of_life)
{
    struct manager manager;
    struct bn_notify notify;
    listen_at(&manager, false);
    setenv("WATCHDOG_USEC", "1000000", 1);
    open_well(&notify);
    int sent = 0;
    while (sent < 100000 && send(notify.fd, "STATUS=1", 8, MSG_DONTWAIT) > 0)
        sent++;
    CHECK_INT(errno, EAGAIN);
    bn_notify_beat(&notify, 1000); /* no room */
    while (hear(&manager)[0])
        sent--;
    CHECK_INT(sent, 0);
    bn_notify_beat(&notify, 1001); /* it was not taken for said */
    CHECK_STR(hear(&manager), "WATCHDOG=1");
    bn_notify_close(&notify);
    hang_up(&manager);
}

BN_TEST(a_manager_that_is_gone_ends_nobody)
{
    struct manager manager;
    struct bn_notify notify;
    listen_at(&manager, false);
    setenv("WATCHDOG_USEC", "1000000", 1);
    open_well(&notify);
    hang_up(&manager);
    bn_notify_say(&notify, "STATUS=still here");
    bn_notify_beat(&notify, 1000);
    bn_notify_close(&notify);
}

BN_TEST(a_manager_that_cannot_be_reached_is_named)
{
    char name[200] = "/";
    char sentence[200];
    memset(name + 1, 'x', 150);
    snprintf(sentence, sizeof sentence, "NOTIFY_SOCKET %.80s: too long", name);
    check_refused(name, sentence);
    check_refused("/nonexistent/notify",
            "NOTIFY_SOCKET /nonexistent/notify: No such file or directory");
    check_refused("relative/notify",
            "NOTIFY_SOCKET relative/notify: not a path and no abstract name");
}

BN_TEST_MAIN()

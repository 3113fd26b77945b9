#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/clock.h"

#include "app/assemble.h"
#include "bn_test.h"

/* The whole server as its service manager sees it: a process of its own and what it says. */
struct service {
    char dir[64];
    int fd;
    pid_t pid;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void serve(const struct service *service)
{
    struct bn_config config;
    struct bn_err err;
    static char listen_flag[] = "--listen=127.0.0.1:0";
    static char level_flag[] = "--log-level=error";
    static char *env[] = {NULL};
    char data_flag[100];
    char *args[] = {listen_flag, level_flag, data_flag, NULL};
    snprintf(data_flag, sizeof data_flag, "--data=%s/data", service->dir);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, 1);
    if (!bn_config_load(3, args, env, &config, &err)) {
        fprintf(stderr, "%s\n", err.text);
        _exit(9);
    }
    exit(bn_serve(&config)); /* not _exit: the leak check wants to run */
}

static void begin(struct service *service, const char *watchdog_usec)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    *service = (struct service){.dir = "/tmp/bn-assemble-XXXXXX"};
    CHECK(mkdtemp(service->dir) != NULL);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", service->dir);
    service->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(service->fd, (struct sockaddr *)&at, sizeof at), 0);
    fflush(NULL);
    service->pid = fork();
    CHECK(service->pid >= 0);
    if (service->pid > 0)
        return;
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    unsetenv("WATCHDOG_PID");
    if (watchdog_usec)
        setenv("WATCHDOG_USEC", watchdog_usec, 1);
    else
        unsetenv("WATCHDOG_USEC");
    serve(service);
}

/* Its next message within that time, "" when it is silent. */
static const char *hear(struct service *service, int wait_ms)
{
    static char text[1000];
    struct pollfd fd = {.fd = service->fd, .events = POLLIN};
    ssize_t n = poll(&fd, 1, wait_ms) > 0 ? recv(service->fd, text, sizeof text - 1, 0) : 0;
    text[n > 0 ? n : 0] = 0;
    return text;
}

/* The next message that is no sign of life. */
static const char *hear_news(struct service *service)
{
    const char *said = hear(service, 20000);
    while (strcmp(said, "WATCHDOG=1") == 0)
        said = hear(service, 20000);
    return said;
}

static void await_ready(struct service *service)
{
    CHECK_STR(hear_news(service), "READY=1");
    const char *status = hear_news(service);
    CHECK(strncmp(status, "STATUS=Serving on http://127.0.0.1:", 35) == 0);
}

static void finish(struct service *service)
{
    int status;
    kill(service->pid, SIGTERM);
    CHECK_STR(hear_news(service), "STOPPING=1\nSTATUS=Saying goodbye to listeners");
    CHECK_INT(waitpid(service->pid, &status, 0), service->pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    close(service->fd);
    nftw(service->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

BN_TEST(the_manager_hears_ready_when_it_listens_and_stopping_when_it_goes)
{
    struct service service;
    begin(&service, NULL);
    await_ready(&service);
    CHECK_STR(hear(&service, 1200), ""); /* no watchdog, no signs of life */
    finish(&service);
}

BN_TEST(the_manager_hears_of_settings_read_again)
{
    struct service service;
    begin(&service, NULL);
    await_ready(&service);
    kill(service.pid, SIGHUP);
    CHECK(strncmp(hear_news(&service), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
    CHECK_STR(hear_news(&service), "READY=1");
    finish(&service);
}

BN_TEST(a_loop_that_runs_is_heard_and_one_that_stands_falls_silent)
{
    struct service service;
    begin(&service, "600000"); /* 600 ms: a sign of life every 300 */
    await_ready(&service);
    int64_t from_ns = bn_clock_mono_ns();
    for (int i = 0; i < 5; i++)
        CHECK_STR(hear(&service, 5000), "WATCHDOG=1");
    CHECK((bn_clock_mono_ns() - from_ns) / 1000000 >= 4 * 300 - 50);
    kill(service.pid, SIGSTOP);
    while (hear(&service, 50)[0])
        continue; /* what was under way */
    CHECK_STR(hear(&service, 1500), "");
    kill(service.pid, SIGCONT);
    CHECK_STR(hear(&service, 5000), "WATCHDOG=1");
    finish(&service);
}

BN_TEST(a_server_that_cannot_start_says_why_and_never_that_it_is_ready)
{
    struct service service;
    int status;
    begin(&service, NULL);
    await_ready(&service);
    struct service second = service;
    fflush(NULL);
    second.pid = fork(); /* the same folder: it is in use */
    CHECK(second.pid >= 0);
    if (second.pid == 0) {
        char name[100];
        snprintf(name, sizeof name, "%s/notify", service.dir);
        setenv("NOTIFY_SOCKET", name, 1);
        close(2);
        serve(&second);
    }
    CHECK(strncmp(hear_news(&service), "STATUS=", 7) == 0);
    CHECK_INT(waitpid(second.pid, &status, 0), second.pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 1);
    finish(&service);
}

BN_TEST_MAIN()

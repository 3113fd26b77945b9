#include "io/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define SAY_WAIT_US 500000

static bool fail(struct bn_notify *notify, const char *path, const char *why, struct bn_err *err)
{
    bn_notify_close(notify);
    return bn_fail(err, BN_E_UNAVAILABLE, "NOTIFY_SOCKET %.80s: %s", path, why);
}

/* Half of what the manager grants, when it means this process. */
static int64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    int64_t us;
    int64_t whose = getpid();
    if (!usec || !bn_parse_i64(bn_str(usec), 1, INT64_MAX, &us) ||
            (pid && !bn_parse_i64(bn_str(pid), 1, INT32_MAX, &whose)) || whose != getpid())
        return 0;
    return BN_MAX(us / 2000, 1);
}

bool bn_notify_open(struct bn_notify *notify, struct bn_err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    *notify = (struct bn_notify){.fd = -1};
    if (!path || !path[0])
        return true;
    size_t len = strlen(path);
    if (path[0] != '/' && path[0] != '@')
        return fail(notify, path, "not a path and no abstract name", err);
    if (len >= sizeof to.sun_path)
        return fail(notify, path, "too long", err);
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = 0;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (notify->fd < 0 || connect(notify->fd, (struct sockaddr *)&to, size) != 0)
        return fail(notify, path, strerror(errno), err);
    setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_usec = SAY_WAIT_US},
            sizeof(struct timeval));
    notify->every_ms = watchdog_ms();
    return true;
}

void bn_notify_close(struct bn_notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    *notify = (struct bn_notify){.fd = -1};
}

void bn_notify_say(struct bn_notify *notify, const char *lines)
{
    if (notify->fd >= 0)
        (void)send(notify->fd, lines, strlen(lines), MSG_NOSIGNAL); /* nobody else to tell */
}

void bn_notify_reloading(struct bn_notify *notify)
{
    char text[64];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
            (long long)(bn_clock_mono_ns() / 1000));
    bn_notify_say(notify, text);
}

void bn_notify_beat(struct bn_notify *notify, int64_t mono_ms)
{
    static const char text[] = "WATCHDOG=1";
    if (notify->fd < 0 || !notify->every_ms || mono_ms < notify->due_mono_ms)
        return;
    if (send(notify->fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        notify->due_mono_ms = mono_ms + notify->every_ms;
}

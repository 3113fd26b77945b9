/*
 * notify: tells the service manager how it goes (sd_notify(3)), without its library.
 *
 * Without NOTIFY_SOCKET in the environment every call does nothing. Loop thread.
 */
#pragma once

#include "base/err.h"

struct bn_notify {
    int fd;              /* -1: nobody listens */
    int64_t every_ms;    /* between two signs of life; 0: none are wanted */
    int64_t due_mono_ms; /* private */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. False: somebody should listen and cannot be
   reached; every call then does nothing. Half of WATCHDOG_USEC is every_ms. */
BN_MUST_CHECK bool bn_notify_open(struct bn_notify *notify, struct bn_err *err);
void bn_notify_close(struct bn_notify *notify);

/* "READY=1\nSTATUS=…", "STOPPING=1", …: assignments, one per line. Waits half a second at most for
   a manager that does not read; what it then did not take is lost. */
void bn_notify_say(struct bn_notify *notify, const char *lines);
/* RELOADING=1; the manager waits for the READY=1 that follows. */
void bn_notify_reloading(struct bn_notify *notify);
/* A sign of life when one is due. From the turn only: a loop that is blocked must fall silent.
   Never waits; what did not fit is tried in the next turn. */
void bn_notify_beat(struct bn_notify *notify, int64_t mono_ms);

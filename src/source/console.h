/*
 * console: the screen or terminal of a guest or node, opened at its Proxmox VE server and let
 * through as bytes.
 *
 * Four steps, each with its name for people: the server is asked for a proxy, once (PVE-API 9.1:
 * its ticket, port and password belong together), its WebSocket is called on the same host under
 * the same pin, and we log in: VNC authentication for a screen, the ticket's line for a terminal.
 * Then it is held, unread, until somebody takes it. Nothing of the server's tickets leaves this
 * module. Loop thread.
 */
#pragma once

#include "base/secret.h"

#include "io/dial.h"
#include "io/fetch.h"
#include "source/fleet.h"

struct bn_consoles;
struct bn_remote; /* the far end of a console: a guest's screen or terminal */

struct bn_consoles_config {
    struct bn_loop *loop;
    struct bn_hub *hub;
    const struct bn_clock *clock;
    struct bn_fetch *fetch;
    struct bn_dialer *dialer;      /* of the same loop */
    struct bn_fleet *fleet;        /* NULL, or who speaks for a server that does not answer */
    const struct bn_seal_key *key; /* of the tokens */
};

struct bn_consoles *bn_consoles_start(const struct bn_consoles_config *config);
/* After the fetch it uses has ended; what is open ends without a word. NULL is fine. */
void bn_consoles_stop(struct bn_consoles *consoles);

struct bn_console_wish {
    char tenant[BN_TENANT_MAX];
    char server_id[BN_ID_MAX];
    char node[64];
    enum bn_vm_type vm_type;
    int64_t vmid; /* 0: the node itself, whose shell it is */
    enum bn_console_kind kind;
};

/* Why there is none: which step failed, and what to do. */
struct bn_console_refusal {
    struct bn_err err;
    const char *step; /* "proxy" "connect" "upgrade" "login" */
    char con[8];      /* "CON-02" (journey 5), or "" */
    char hint[256];   /* the command that grants what is missing, or "" */
};

/* Once: guest is ready and the caller's, or NULL with a refusal. */
typedef void (*bn_console_opened)(void *user, struct bn_remote *guest,
        const struct bn_console_refusal *refusal);

/* False: not begun, `unavailable` when BN_CONSOLES_OPENING_MAX are being opened; opened will not
   come. */
BN_MUST_CHECK bool bn_console_open(struct bn_consoles *consoles, const struct bn_console_wish *wish,
        bn_console_opened opened, void *user, struct bn_err *err);

/* --- a guest ----------------------------------------------------------------------------------
 */

/* When it left without a word. */
#define BN_REMOTE_LEFT "the guest's side closed the console"

struct bn_remote_ops {
    /* Bytes of the guest, all of which are taken. False: no more for now, until
       bn_remote_resume(). */
    bool (*data)(void *user, const char *p, size_t len);
    void (*drained)(void *user); /* what was put has gone to the kernel */
    /* The last call: the guest is no more. why is a sentence. */
    void (*closed)(void *user, const char *why);
};

/* From now on it is read. closed() may come inside the call, when it ended before. */
void bn_remote_take(struct bn_remote *guest, const struct bn_remote_ops *ops, void *user);
/* One frame: at most 128 KiB, which is what Proxmox VE takes. */
void bn_remote_put(struct bn_remote *guest, const char *p, size_t len);
size_t bn_remote_queued(const struct bn_remote *guest); /* bytes not yet with the kernel */
void bn_remote_resume(struct bn_remote *guest);
/* closed() is not called. NULL is fine. */
void bn_remote_close(struct bn_remote *guest);

/*
 * limits_console: the bounds of consoles, one line each, with its reason.
 */
#pragma once

/* --- consoles --- */
#define BN_CONSOLES_MAX            1000   /* open or just over, per tenant: 700 KB */
#define BN_CONSOLE_PAST_MS         300000 /* an ended one stays in sight so long, as operations do */
#define BN_CONSOLE_KEEP_MS         (90LL * 24 * 3600 * 1000) /* and in the history */
#define BN_CONSOLES_PAGE           50                        /* of the history in one answer */
#define BN_CONSOLES_OPEN_MAX       100   /* of everybody: with 256 KiB each way 50 MiB at worst */
#define BN_CONSOLES_PER_USER_MAX   8     /* a person looks at one, and leaves some open */
#define BN_CONSOLES_PER_SERVER_MAX 20    /* Proxmox VE has a hundred ports for all its users */
#define BN_CONSOLES_OPENING_MAX    16    /* asked for at once: each holds a worker of pveproxy */
#define BN_CONSOLE_SESSIONS_MAX    256   /* TLS sessions remembered for consoles: 2 KB each */
#define BN_CONSOLE_TICKET_MS       30000 /* from the answer to the browser's WebSocket */
#define BN_CONSOLE_MESSAGE_MAX     (64 << 10)  /* of a browser; pveproxy takes frames of 128 KiB */
#define BN_CONSOLE_PIPE_MAX        (128 << 10) /* unsent on one side: the other is not read */
#define BN_CONSOLE_IDLE_MS         (30LL * 60 * 1000) /* nothing typed (SECURITY T36); console_idle */
#define BN_CONSOLE_IDLE_MIN_MS     60000 /* shorter ends those who read what they got */
#define BN_CONSOLE_IDLE_MAX_MS     (24LL * 3600 * 1000) /* longer is never, which is 0 */
#define BN_CONSOLE_LONGEST_MS      (8LL * 3600 * 1000)  /* a working day (T36); console_longest */
#define BN_CONSOLE_LONGEST_MIN_MS  60000                /* shorter opens none */
#define BN_CONSOLE_LONGEST_MAX_MS  (7LL * 24 * 3600 * 1000) /* a login's life */
#define BN_CONSOLE_STALL_MS        120000 /* a browser that takes or says nothing: a lid, a tab asleep */
#define BN_CONSOLE_CLOSE_RIGHT     4401 /* close codes: the session, the right or the server ended */
#define BN_CONSOLE_CLOSE_ADMIN     4403
#define BN_CONSOLE_CLOSE_IDLE      4408
#define BN_CONSOLE_CLOSE_LONGEST   4410
#define BN_CONSOLE_CLOSE_GUEST     4411 /* the guest's side ended */

/*
 * limits: every bound of the product that is not a codec's own, one line each, with its reason.
 */
#pragma once

#include "model/limits_console.h"
#include "model/limits_sio.h"
#include "model/limits_ssh.h"
#include "model/limits_work.h"

/* --- connections (SECURITY T03-T05) --- */
#define BN_HEAD_TIMEOUT_MS        10000 /* first byte to end of head: slow-loris */
#define BN_BODY_MIN_BPS           1024  /* slower than this for 10 s is an attack, not a phone */
#define BN_BODY_GRACE_MS          10000 /* the speed of a body is judged after each */
#define BN_IDLE_TIMEOUT_MS        75000 /* keep-alive: longer than browsers and nginx, 60 s */
#define BN_HANDSHAKE_TIMEOUT_MS   10000 /* TLS */
#define BN_OWED_MS                30000 /* for the answer to a client that shut its side: perhaps it left */
#define BN_WRITE_STALL_MS         30000     /* a reader that takes nothing is cut (4002 slow) */
#define BN_CONNECTIONS_MAX        20000     /* or RLIMIT_NOFILE - 64, whichever is less */
#define BN_CONNECTIONS_PER_IP_MAX 512       /* loopback excepted: a proxy in front is many people */
#define BN_FD_RESERVE             64        /* descriptors kept for the store and administrators */
#define BN_BODY_BYTES_MAX         (1 << 20) /* requests; a route may ask for less */
#define BN_OUTBOX_BYTES_MAX       (64 << 10) /* answers waiting before a connection stops reading */

/* --- live (REALTIME 4) --- */
#define BN_LIVE_MESSAGE_MAX       (64 << 10) /* from browsers: close 1009 */
#define BN_LIVE_MESSAGES_PS       50         /* a second, and a burst of 100; beyond: 4008 */
#define BN_LIVE_MESSAGES_BURST    100        /* at once, from one that was silent */
#define BN_LIVE_TOPICS_MAX        200        /* per connection; beyond: 4104 */
#define BN_LIVE_PACE_MAX_MS       3600000    /* a slower pace that is asked for is this one */
#define BN_LIVE_HELLO_MS          5000       /* to the first message; beyond: 4105 */
#define BN_LIVE_HEARTBEAT_MS      15000      /* a sign of life when nothing else was said */
#define BN_LIVE_PONG_MS           40000      /* two heartbeats and some: 4003 */
#define BN_LIVE_INFLIGHT_MAX      (64 << 10) /* bytes handed to one connection per write */
#define BN_LISTENERS_DEFAULT      10000 /* --max-listeners; beyond: 503, administrators have 5 more */
#define BN_LISTENERS_RESERVED     5     /* for administrators */
#define BN_LISTENERS_PER_USER_MAX 200   /* beyond: 429 */
#define BN_POLLS_MAX              4096  /* requests that wait for a change; beyond: 503 */
#define BN_POLL_WAIT_MAX_S        60    /* they may ask to wait; proxies give up soon after */
#define BN_TOPIC_RING_COMMITS     1024  /* resume window: about 17 min at 1 Hz */
#define BN_TOPIC_RING_CHANGES     16384 /* row changes over them; 1.6 MB per busy topic */
#define BN_LOG_RING_EVENTS        1000  /* of a log topic; who missed more is told the gap */
#define BN_TOPIC_IDLE_MS          120000 /* a topic of one thing nobody hears; a poll waits 60 s at most */
#define BN_LOG_RING_BYTES         (512 << 10) /* the same in bytes */

/* --- the hub --- */
#define BN_INBOX_FACTS_MAX 4096 /* other threads: refuse and count; Diagnostics shows it */
#define BN_TENANTS_MAX     64   /* beyond: refused */

/* --- the store --- */
#define BN_STORE_QUEUE_MAX     256 /* batches; beyond: samples counted as lost, records refused */
#define BN_STORE_RESERVE_BYTES (4 << 20) /* given up when the disk is full, so deletes can work */
#define BN_STORE_STEP_MS       5 /* a step of housekeeping aims at it; the lock is promised in 50 */
#define BN_STORE_LOG_BYTES     (1 << 20)   /* written back from here on, by a thread of its own */
#define BN_STORE_BYTES_DEFAULT (1LL << 30) /* --db-max-bytes; retention keeps the file below it */
#define BN_SERIES_MAX          20000       /* per tenant; then values are refused and counted */
#define BN_QUERY_POINTS_MAX    100000      /* points in one history answer */
#define BN_STORE_CHECKS_MAX    16384 /* waiting for the disk, 12 MB; beyond: dropped and counted */
#define BN_CHECKS_REPLAYED     100   /* of each server at the start: what its figures are made of */
#define BN_CHECK_KEEP_MS       (48LL * 3600 * 1000) /* each attempt: why it failed last night */
#define BN_CHECK_HOUR_KEEP_MS  (730LL * 24 * 3600 * 1000) /* attempts by the hour: two years */

/* --- people (SECURITY 4) --- */
#define BN_PASSWORD_MIN          12                       /* characters */
#define BN_PASSWORD_MAX          128                      /* bytes */
#define BN_HASH_AT_ONCE          2                        /* 64 MiB each */
#define BN_HASH_QUEUE_MAX        16                       /* then 503 with Retry-After */
#define BN_SESSION_IDLE_MS       (12LL * 3600 * 1000)     /* without a request */
#define BN_SESSION_ABSOLUTE_MS   (7LL * 24 * 3600 * 1000) /* whatever was done meanwhile */
#define BN_SESSIONS_PER_USER_MAX 50                       /* the oldest ends */
#define BN_LOGIN_TRIES           5  /* per account and address; then waits double, 1 s to 15 min */
#define BN_SETUP_TRIES           5  /* then 60 s; the code is not burned */
#define BN_DENIALS_AT_ONCE       20 /* of one asker in the audit; then one in a minute to an hour */
#define BN_ASSIGNMENTS_MAX       50000 /* guests to people, per tenant: 20 MB */
#define BN_KEYS_PER_USER_MAX     100   /* beyond: refused */

/* --- this machine --- */
#define BN_UNITS_MAX         100000      /* of systemd; more are not counted: unknown */
#define BN_UNITS_TOLD        64          /* failed ones with a name; the page says how many more */
#define BN_UNITS_DEADLINE_MS 5000        /* systemd's answer; then unknown */
#define BN_UNITS_EVERY_MS    10000       /* between questions; rarer where the answer takes 50 ms */
#define BN_UNITS_RARELY_MS   60000       /* at least so often, also while there is no bus */
#define BN_FETCH_AT_ONCE     256         /* conversations: a descriptor and some 40 KB each */
#define BN_FETCH_QUEUE_MAX   20000       /* requests not begun; beyond: refused with a sentence */
#define BN_FETCH_PER_HOST    2           /* connections: a Proxmox host has three workers */
#define BN_FETCH_IDLE_MAX    2048        /* endpoints whose TLS session is kept: 10 KB each */
#define BN_FETCH_BODIES_MAX  (128 << 20) /* of all answers being read; beyond: too_big */
#define BN_FETCH_ANSWER_MAX  (16 << 20)  /* of one; 1,500 guests are 0.5 MB */
#define BN_FETCH_KEEP_MS     4000        /* an unused connection: pveproxy closes after 5 s */

/* --- the fleet --- */
#define BN_SERVERS_MAX_DEFAULT  50    /* per tenant, --max-servers: source 001 */
#define BN_SERVERS_MAX          10000 /* what --max-servers may say */
#define BN_SERVER_TIMEOUT_MS    10000 /* of an attempt, until something else is said or learned */
#define BN_FAIL_AFTER_MAX       10 /* failures before one is offline: 90 s and their time limits */
#define BN_NODES_MAX            20000  /* per tenant */
#define BN_VMS_MAX              50000  /* per tenant: 40 MB */
#define BN_VMS_PER_SERVER_MAX   20000  /* guests of one cluster; the largest known has some 5,000 */
#define BN_CHECK_EVERY_MS       120000 /* of a server that answers (source 001): --check-interval */
#define BN_CHECKS_AT_ONCE       6      /* asked for by one person; then one in 10 s (B18) */
#define BN_TESTS_AT_ONCE        20   /* of saved servers, by one person: "Diagnose now" twice … */
#define BN_TESTS_EVERY_MS       3000 /* … then one in this time */
#define BN_WHY_ATTEMPTS_MAX     2000 /* "Why?" looks at the newest of a day; 720 are usual: 2 MB */
#define BN_WHY_PEERS_MAX        12   /* other servers it compares with, nearest first */
#define BN_WHY_CHANGES_MAX      20   /* of the server, newest first */
#define BN_TASKS_KEPT_MAX       64   /* tasks of one server that "Why?" remembers: 26 KB */
#define BN_TASKS_SERVERS_MAX    32   /* servers it remembers them of: 1 MB */
#define BN_PAST_RAW_MAX         5000 /* attempts in one answer: one in 17 s of a day, 4 MB */
#define BN_POLL_EVERY_MS        10000  /* its guests: what it says of them changes every 10 s */
#define BN_CHECK_BACKOFF_MS     10000  /* after a failure, doubling … */
#define BN_CHECK_BACKOFF_MAX_MS 300000 /* … up to this (PVE-API 11) */
#define BN_CHECK_WAKE_MS        5000   /* when one answers after none did, the others within this */
#define BN_AUTH_PAUSE_MS        300000 /* after a 401: wrong tokens block the host's own logins */
#define BN_GONE_AFTER_POLLS     3 /* a guest missing from so many listings is gone (PVE-API 13.4) */
#define BN_RRD_ROWS_MAX         2000  /* of one history: a day of Proxmox VE 9 has 1,440 */
#define BN_RRD_KEEP_MS          20000 /* an answer: what it tells changes once a minute at most */
#define BN_RRD_KEPT_MAX         64    /* answers, the oldest goes … */
#define BN_RRD_KEPT_BYTES       (8 << 20) /* … also when all together are larger */
#define BN_RRD_AT_ONCE          64        /* questions; beyond: refused */
#define BN_RRD_WAIT_MS          15000     /* for one: it is read from a disk of the node itself */
#define BN_HISTORIES_FREE       60        /* asked for by one person, then one a second */
#define BN_STALE_AFTER_MS       30000     /* a node's uptime that stands still (PVE-API 6.2) */
#define BN_IMPORT_ROWS_MAX      1000 /* of one file: an answer of 1 MB, 0.1 s of the loop's time */
#define BN_IMPORT_TESTS         1000 /* rows one person tries at once: one file; then 17 a second */
#define BN_IMPORT_TESTS_AT_ONCE 16   /* rows of one question (journey 2) */
#define BN_IMPORT_TESTS_RUNNING 64   /* of all people: four files, a quarter of BN_FETCH_AT_ONCE */
#define BN_UNDO_MS              600000 /* an import can be taken back: 10 min (journey 2) */
#define BN_UNDO_ROWS_MAX        4000   /* remembered per tenant: 12 MB if all were updates */
#define BN_STORAGES_MAX         20000  /* per tenant */
#define BN_STORAGES_LISTED_MAX  4096   /* of one cluster: 128 nodes with 32 each */
#define BN_SUMMARY_EVERY_MS     1000   /* counted again at most so often */

/* --- alerts --- */
#define BN_ALERTS_MAX           20000 /* firing or just over, per tenant: each server's and as many */
#define BN_ALERT_PAST_MS        300000 /* a resolved one stays in sight so long, as operations do */
#define BN_ALERT_KEEP_MS        (90LL * 24 * 3600 * 1000) /* and in the store */
#define BN_OFFLINE_ALERT_MS     60000  /* offline so long before it alerts (B20): --offline-alert */
#define BN_OFFLINE_ALERT_MIN_MS 10000  /* one repeated check */
#define BN_OFFLINE_ALERT_MAX_MS 300000 /* later nobody would wait for */
#define BN_SILENCE_MAX_MS       (30LL * 24 * 3600 * 1000) /* longer is forgotten: disable it */

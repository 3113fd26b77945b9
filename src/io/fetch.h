/*
 * fetch: many HTTP(S) conversations with other servers at once, on a thread of their own.
 *
 * A job goes in with copies of all it needs and comes back on the loop with the whole answer and
 * how long each phase took; or with why there is none, as a word to count and a sentence to read.
 * Redirects are not followed, no proxy of the environment is asked, nothing is sent before the
 * address and the certificate were judged, and what changes something is never sent twice.
 */
#pragma once

#include "base/buf.h"

#include "io/dial.h"

/* The texts must be NUL-terminated; bn_fetch refuses a host that is no host name or address. */
struct bn_fetch_request {
    char method[8]; /* GET, POST, PUT, DELETE */
    char host[254]; /* name, IPv4 or IPv6 address without brackets */
    int port;
    bool is_plain;           /* http:// */
    bool is_fresh;           /* nothing kept is used, so that every phase is measured */
    char path[1024];         /* from the slash on, percent-encoded, with the query */
    char authorization[400]; /* value of the field, or ""; wiped with the job */
    char body_type[48];      /* of body */
    struct bn_buf body;      /* empty: none */
    int64_t connect_ms;      /* to the end of the TLS handshake */
    int64_t total_ms;
    size_t answer_max; /* bytes of the answer's body, decoded */
};

struct bn_fetch_answer {
    enum bn_fetch_fault fault;
    enum bn_fetch_phase phase;  /* of a fault */
    char text[BN_ERR_TEXT_MAX]; /* of a fault: one sentence without the host's name */
    int status;                 /* 0 without an answer */
    char reason[160];           /* of the status line; "" is common */
    char type[64];              /* Content-Type */
    struct bn_buf body;
    /* Milliseconds each phase took; NaN for one that did not end, or that a kept connection
       spared. */
    double dns_ms;
    double tcp_ms;
    double tls_ms;
    double wait_ms; /* from the request to the first byte */
    double total_ms;
    char address[BN_ADDR_TEXT_SIZE]; /* that was called; "" is unknown */
    bool is_kept;                    /* on a connection of an earlier request */
};

struct bn_fetch_job {
    struct bn_fetch_request request;
    struct bn_tls_peer peer; /* trust and pin are given, the rest comes back */
    struct bn_fetch_answer answer;
    /* On the collector thread, when the answer is whole, or NULL: the place to read it, for the
       loop has other things to do. It may touch the job alone. */
    void (*read)(struct bn_fetch_job *job);
    /* On the loop thread, once; owns the job again. */
    void (*done)(struct bn_fetch_job *job);
    struct bn_fetch_call *call; /* private: while it is under way */
    struct bn_list link;        /* private */
};

struct bn_fetch;

/* GET / of port 443, a body of at most body_max bytes; the three limits must be given. */
void bn_fetch_job_init(struct bn_fetch_job *job, size_t body_max);
void bn_fetch_job_finish(struct bn_fetch_job *job); /* frees the bodies, wipes the secret */

/* All of them; model/limits.h has the numbers and their reasons. */
struct bn_fetch_config {
    struct bn_target_policy policy;
    size_t at_once;    /* conversations */
    size_t queue_max;  /* jobs not begun */
    size_t per_host;   /* connections */
    size_t idle_max;   /* endpoints whose TLS session is remembered */
    size_t bodies_max; /* bytes of all answers being read */
    int64_t keep_ms;   /* an unused connection is kept so long */
};

BN_MUST_CHECK bool bn_fetch_create(struct bn_loop *loop, const struct bn_fetch_config *config,
        struct bn_fetch **out, struct bn_err *err);
/* Ends what is under way; every job gets its done(), those not answered with `cancelled`. NULL is
   fine. */
void bn_fetch_destroy(struct bn_fetch *fetch);
/* Loop thread. False: `invalid`, or `unavailable` when queue_max wait or it is being destroyed; the
   job stays the caller's. */
BN_MUST_CHECK bool bn_fetch_do(struct bn_fetch *fetch, struct bn_fetch_job *job,
        struct bn_err *err);
/* Answers that have come: called each turn by app/assemble; runs done(). */
void bn_fetch_collect(struct bn_fetch *fetch);

struct bn_fetch_stats {
    size_t waiting; /* not begun */
    size_t active;
    uint64_t answers; /* since the start, faults too */
    uint64_t handshakes;
};

void bn_fetch_get_stats(struct bn_fetch *fetch, struct bn_fetch_stats *out);

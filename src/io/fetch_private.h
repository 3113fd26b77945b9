/*
 * fetch_private: what the files of fetch share; the collector thread's side of a conversation.
 */
#pragma once

#include <pthread.h>
#include <uthash.h>
#include <uv.h>

#include "base/bytes.h"

#include "io/fetch.h"
#include "wire/gunzip.h"
#include "wire/http_answer.h"

/* A host and port: how many connections it has, and who waits for one. */
struct bn_fetch_host {
    UT_hash_handle hh;
    size_t connections; /* being made, in use and kept */
    struct bn_list waiting;
    struct bn_list kept; /* oldest first */
    char key[];
};

/* One that stands. */
struct bn_fetch_conn {
    struct bn_fetch *fetch;
    struct bn_fetch_host *host;
    struct bn_stream *stream;
    struct bn_fetch_call *call; /* NULL: kept for the next question */
    struct bn_list kept;        /* of the host */
    struct bn_list order;       /* of all that are kept, oldest first */
    int64_t until_mono_ms;
    char fingerprint[BN_FINGERPRINT_SIZE];
    int64_t expires_at;
    char key[BN_DIAL_KEY_SIZE];
};

/* A job under way. */
struct bn_fetch_call {
    struct bn_fetch *fetch;
    struct bn_fetch_job *job;
    struct bn_fetch_host *host;
    struct bn_fetch_conn *conn; /* when one stands */
    struct bn_dial *dial;       /* while one is being made */
    struct bn_list link;        /* waiting */
    struct bn_bytes *request;   /* holds the secret: wiped with the call */
    struct bn_http_answer http;
    struct bn_gunzip gunzip;
    bool is_gzip;
    bool is_kept; /* on a connection of an earlier request */
    bool may_use_kept;
    /* Monotonic nanoseconds, 0 until then. */
    int64_t begun_ns;
    int64_t sent_ns;
    int64_t first_ns; /* byte of the answer */
    uv_timer_t timer;
    char key[BN_DIAL_KEY_SIZE];
};

struct bn_fetch {
    struct bn_loop *loop; /* of those who ask */
    struct bn_fetch_config config;
    pthread_t thread;

    pthread_mutex_t lock; /* guards from here on */
    struct bn_list asked;
    struct bn_list answered;
    size_t waiting;
    size_t active;
    uint64_t answers;
    uint64_t handshakes;
    bool is_stopping;

    /* collector thread only, from here on */
    struct bn_loop *own;
    struct bn_clock clock;
    struct bn_dialer *dialer;
    struct bn_timer *keep_timer;
    struct bn_list queue;   /* jobs taken from asked, not begun */
    struct bn_list running; /* jobs */
    size_t running_count;
    size_t body_bytes; /* of all answers that are being read */
    struct bn_fetch_host *hosts;
    struct bn_list kept; /* connections without a request, oldest first */
    size_t connections;
    bool has_news; /* answers the loop was not woken for yet */
};

/* fetch.c: the job has its answer. */
void bn_fetch_answered(struct bn_fetch *fetch, struct bn_fetch_job *job);
void bn_fetch_note_handshake(struct bn_fetch *fetch);

/* fetch_call.c: from a job to a request, and from what comes back to an answer. */
void bn_fetch_call_start(struct bn_fetch *fetch, struct bn_fetch_job *job);
void bn_fetch_call_cancel(struct bn_fetch_call *call);
void bn_fetch_call_send(struct bn_fetch_call *call); /* call->conn stands */
void bn_fetch_call_data(struct bn_fetch_call *call, const char *p, size_t len);
void bn_fetch_call_ended(struct bn_fetch_call *call); /* the peer sends no more */
void bn_fetch_call_broke(struct bn_fetch_call *call);
/* Ends it, with no fault when text is NULL. */
void bn_fetch_call_fail(struct bn_fetch_call *call, enum bn_fetch_fault fault,
        enum bn_fetch_phase phase, const char *text);

/* fetch_conn.c: whose turn it is on which connection. */
void bn_fetch_conn_want(struct bn_fetch_call *call); /* now, or when there is room */
/* The call's connection, or its attempt, goes; may_keep: kept for the next question. */
void bn_fetch_conn_leave(struct bn_fetch_call *call, bool may_keep);
void bn_fetch_conn_next(struct bn_fetch_host *host, struct bn_fetch *fetch); /* who waits there */
void bn_fetch_conn_expire(void *user);                /* a bn_fetch: those kept for long enough */
void bn_fetch_conn_drop_kept(struct bn_fetch *fetch); /* all */

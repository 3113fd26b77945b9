/*
 * web_private: what the files of web/ that make up the server share.
 */
#pragma once

#include <uthash.h>

#include "base/arena.h"

#include "web/guard.h"
#include "web/server.h"
#include "web/tally.h"
#include "wire/ws.h"

struct bn_crowd;
struct bn_live_conn;
struct bn_console_session;
struct bn_undos;
struct bn_socketio;
struct bn_socketio_pipe;
struct bn_eio_session;
#define BN_ROUTE_SETS_MAX 16

struct bn_route_set {
    const struct bn_route *routes;
    size_t count;
};

struct bn_web {
    struct bn_web_config config;
    struct bn_list conns; /* all connections */
    struct bn_list ears;  /* live connections */
    struct bn_list polls; /* requests that wait for a topic to move */
    size_t poll_count;
    struct bn_list check_runs; /* asked for and not over: api_server_check.c */
    size_t tests_running;      /* api_server_test.c */
    struct bn_undos *undos;    /* imports that can be taken back */
    struct bn_list consoles;   /* open, and just over: console.c */
    struct bn_socketio *socketio;
    struct bn_list dirty;          /* connections with something to write this turn */
    struct bn_answering *requests; /* by ticket */
    struct bn_route_set sets[BN_ROUTE_SETS_MAX];
    size_t set_count;
    struct bn_listener *listeners[4];
    size_t listener_count;
    struct bn_crowd *crowd;
    struct bn_timer *tick, *pace; /* the latter runs while listeners wait for their own pace */
    struct bn_web_stats stats;
    struct bn_tally tally;
    uint64_t next_ticket, next_conn;
    char date[32]; /* of the Date field, once a second */
    int64_t date_s;
    char node[16];                   /* names this run in welcome messages */
    struct bn_ear_count *ear_counts; /* live connections by user */
    bool pace_runs, people_changed, draining;
    int64_t people_checked_mono_ms;
    int64_t swept_mono_ms;
};

/* One connection from a browser, a program or a proxy. */
struct bn_conn {
    struct bn_list link;
    struct bn_list dirty_link;
    struct bn_web *web;
    struct bn_stream *stream;
    struct bn_answering *request;
    struct bn_live_conn *live;          /* after an upgrade, or while an event stream runs */
    struct bn_console_session *console; /* after an upgrade to a console's pipe */
    struct bn_socketio_pipe *socketio;  /* after an upgrade to Socket.IO */
    struct bn_http *http;               /* NULL once it is a listener */
    int64_t since_mono_ms;              /* when what it does now began: idle, head, body */
    uint64_t body_seen, body_judged;    /* so far, and when its speed was last judged */
    bool is_counted;                    /* in web->crowd */
    bool is_first;                      /* nothing was asked yet */
    bool must_close;                    /* after the answer that is being sent */
    bool is_owed;                       /* an answer, though its side is shut and it may be gone */
};

/* A request and what the server needs to answer it. */
struct bn_answering {
    struct bn_request req; /* first: handlers get its address */
    UT_hash_handle hh;
    struct bn_conn *conn;
    struct bn_arena arena;
    struct bn_buf body;
    struct bn_buf fields;    /* extra header fields of the answer */
    struct bn_str page_path; /* of the page's file that was asked for; p NULL: a route */
    struct bn_list poll_link;
    struct bn_topic *poll_topic;
    uint64_t poll_after;
    int64_t poll_until_mono_ms;
    struct bn_eio_session *held; /* a poll of Socket.IO that waits */
    struct bn_err refusal;       /* decided at the head, said when the body has been read past */
    int refusal_status;          /* 0: the code's own */
    bool is_done;                /* the whole request has come */
    bool refused, has_answer, wants_head_only, in_handler;
    int64_t begun_ns;
};

/* conn.c */
void bn_conn_accepted(void *user, struct bn_stream *stream);
void bn_conn_dirty(struct bn_conn *conn);
void bn_conn_drained(struct bn_conn *conn); /* all is written: what waited for that goes on */
void bn_conn_tick(struct bn_web *web, int64_t mono_ms);
/* The answer to conn's request has been queued: the next one may begin. */
void bn_conn_answered(struct bn_conn *conn);

/* reply.c */
void bn_reply_head(struct bn_answering *a, int status, const char *type, int64_t length,
        struct bn_buf *out);
void bn_reply_bytes(struct bn_request *req, int status, const char *type, const char *p,
        size_t len);
/* Does If-None-Match name this tag (quotes included), weakly compared (RFC 9110 13.1.2)? */
bool bn_request_knows(const struct bn_request *req, const char *etag);
void bn_reply_stranger(struct bn_request *req); /* 421, said to a person */
/* For connections without a request: bytes that were not HTTP. status 0: the code's own. */
void bn_reply_bad(struct bn_conn *conn, int status, const struct bn_err *err);

/* route.c */
const struct bn_route *bn_web_route(const struct bn_web *web, struct bn_str method,
        const struct bn_str *segments, size_t count, struct bn_str params[4], char allowed[64]);

/* assets.c: the page and its files */
/* The file that stands for a path below the base path, p NULL when there is none: places inside the
   page are /index.html. */
struct bn_str bn_assets_find(const struct bn_request *req, struct bn_str path);
void bn_assets_serve(struct bn_request *req, struct bn_str file);

/* live.c and its dialects */
extern const struct bn_route bn_live_routes[];
extern const size_t bn_live_route_count;
size_t bn_live_data(struct bn_live_conn *live, const char *p, size_t len);
void bn_live_closed(struct bn_live_conn *live);
void bn_live_drained(struct bn_live_conn *live);
void bn_live_flush(struct bn_web *web);
/* Somebody lost a right or a session: whoever listens for him hears no more (T16). */
void bn_live_check_owners(struct bn_web *web);
void bn_live_pace(void *user);
void bn_live_tick(struct bn_web *web, int64_t mono_ms);
void bn_live_drain(struct bn_web *web, int64_t window_ms);
void bn_live_state_tick(struct bn_web *web, int64_t mono_ms);
void bn_live_state_hurry(struct bn_answering *a); /* it waits for a change: answered now */

/* api_self.c: health, metrics, openapi, about */
extern const struct bn_route bn_self_routes[];
extern const size_t bn_self_route_count;

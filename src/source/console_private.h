/*
 * console_private: what the files of console share.
 */
#pragma once

#include "io/vnc_auth.h"
#include "source/console.h"
#include "wire/http_answer.h"
#include "wire/rfb.h"
#include "wire/ws.h"
#include "wire/ws_client.h"

enum bn_console_step {
    BN_CONSOLE_PROXY,
    BN_CONSOLE_CONNECT,
    BN_CONSOLE_UPGRADE,
    BN_CONSOLE_LOGIN,
};

struct bn_consoles {
    struct bn_consoles_config config;
    struct bn_timer *timer;
    struct bn_list openings;
    struct bn_list guests;
    size_t opening_count;
};

/* One attempt, from the question to a guest that is ready. */
struct bn_opening {
    struct bn_list link;
    struct bn_consoles *consoles;
    struct bn_console_wish wish;
    bn_console_opened opened;
    void *user;
    enum bn_console_step step;
    char speaker_id[BN_ID_MAX]; /* who is asked: both times the same */
    struct bn_fetch_job fetch;  /* the question; then its address and credentials for the call */
    bool is_asking;
    struct bn_dial *dial;
    struct bn_remote *guest;
    int64_t connect_ms;
    int64_t until_mono_ms;
    int64_t port;
    char ticket[600]; /* PVE-API 9.1: at most 512 */
    char login[160];
    char password[64];
};

/* What a far end that is no Proxmox VE server's does instead. */
struct bn_remote_way {
    void (*take)(struct bn_remote *guest, const struct bn_remote_ops *ops, void *user);
    void (*put)(struct bn_remote *guest, const char *p, size_t len);
    size_t (*queued)(const struct bn_remote *guest);
    void (*resume)(struct bn_remote *guest);
    void (*close)(struct bn_remote *guest);
};

struct bn_remote {
    const struct bn_remote_way *way; /* NULL: what follows, over a server's WebSocket */
    struct bn_list link;
    struct bn_consoles *consoles;
    struct bn_opening *opening; /* until it is ready */
    struct bn_stream *stream;
    enum bn_console_kind kind;
    const struct bn_remote_ops *ops; /* NULL: nobody has taken it */
    void *user;
    struct bn_ws_ask ask;
    char host[280]; /* the Host field */
    struct bn_http_answer answer;
    struct bn_ws ws;
    struct bn_rfb rfb;
    struct bn_buf early; /* what came before it was taken */
    bool is_open;        /* frames are spoken */
    bool is_ready;       /* logged in */
    bool is_full;        /* the taker wants no more for now */
    bool is_closed;
    int64_t closed_mono_ms;
    int64_t heard_mono_ms;
    int64_t beat_mono_ms;
};

/* console.c */
void bn_opening_done(struct bn_opening *opening); /* its guest is ready */
/* It has no guest any more; why "": the far side just left. */
void bn_opening_broke(struct bn_opening *opening, const char *why);

/* console_remote.c */
struct bn_remote *bn_remote_create(struct bn_opening *opening, struct bn_stream *stream);
/* Asks for the WebSocket. */
BN_MUST_CHECK bool bn_remote_begin(struct bn_remote *guest, struct bn_err *err);
/* It is over from that side: whoever opens it or has it hears why. */
void bn_remote_lose(struct bn_remote *guest, const char *why);
/* Whoever has it hears nothing; its stream ends with this turn. */
void bn_remote_drop(struct bn_remote *guest);
void bn_remote_tick(struct bn_remote *guest, int64_t mono_ms);

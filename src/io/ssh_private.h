/*
 * ssh_private: what the files of the SSH runner share, in the process that speaks with strangers.
 */
#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <uthash.h>

#include "io/ssh_fault.h"
#include "wire/ssh_frame.h"

#define BN_SSH_PIECES 16 /* reads of one session, of some 4 KB, before the next has its turn */

struct bn_ssh_runner;
struct bn_ssh_conn;

/* Something epoll watches. */
struct bn_ssh_watch {
    int fd; /* -1: none */
    uint32_t events;
    void (*ready)(struct bn_ssh_watch *watch, uint32_t events);
};

enum bn_ssh_step {
    BN_SSH_STEP_TUNNEL, /* the session in between is asked for a way */
    BN_SSH_STEP_BANNER,
    BN_SSH_STEP_KEX,
    BN_SSH_STEP_NONE, /* asking for the methods */
    BN_SSH_STEP_KEY,
    BN_SSH_STEP_PASSWORD,
    BN_SSH_STEP_QUESTIONS, /* keyboard-interactive */
    BN_SSH_STEP_OPEN,
};

enum bn_ssh_run_step {
    BN_SSH_RUN_NONE,
    BN_SSH_RUN_OPENING,
    BN_SSH_RUN_PTY,
    BN_SSH_RUN_STARTING,
    BN_SSH_RUN_RUNNING,
};

struct bn_ssh_command {
    enum bn_ssh_run_step step;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    char *line; /* "" is a shell */
    char term[BN_SSH_WORD_MAX + 1];
    bool is_pty;
    bool is_cancelled; /* before it began */
    int cols, rows;
    int64_t limit_ms;
    int64_t until_mono_ms;
    uint32_t may_send; /* bytes of output */
    bool is_left[2];   /* the library holds output that was not taken: of both kinds */
    struct bn_buf input;
    bool input_ends;
    bool has_status;
    bool has_signal;
    bool is_dumped;
    uint32_t status;
    char signal[BN_SSH_WORD_MAX + 1];
};

/* A way through this session to another server. */
struct bn_ssh_tunnel {
    struct bn_list link;      /* on the session it goes through */
    struct bn_ssh_conn *from; /* that session */
    struct bn_ssh_conn *to;   /* who asked for it; NULL: left */
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    bool is_open;
    bool is_left;              /* the library holds bytes that did not fit */
    struct bn_ssh_watch watch; /* our end of the pair */
    struct bn_buf out;         /* from the channel, for `to` */
    struct bn_buf in;          /* from `to`, for the channel */
    bool in_ended;
};

struct bn_ssh_conn {
    UT_hash_handle hh;
    struct bn_ssh_runner *runner;
    struct bn_ssh_watch watch; /* the socket; the library has a copy */
    uint32_t id;
    enum bn_ssh_step step;
    enum bn_ssh_phase phase;
    bool is_over;
    bool again; /* has more to do than one turn takes */
    ssh_session ssh;
    ssh_event event; /* reads for all channels, once it is open */
    uint64_t moved;  /* bytes its channels were given */
    ssh_key key;
    bool tried_key, tried_password, tried_questions, gave_answer;
    struct bn_ssh_tunnel *through;
    struct bn_list tunnels;
    struct bn_ssh_command run;
    int64_t phase_until_mono_ms;
    int64_t total_until_mono_ms;
    uint32_t kex_ms, auth_ms, channel_ms;
    int port;
    char *user, *password, *key_text, *passphrase, *host;
    char want_key[BN_SSH_WORD_MAX + 1];
    char want_type[BN_SSH_WORD_MAX + 1];
    size_t noise; /* bytes before the banner, and the first line of them */
    char noise_text[81];
    char mismatch[BN_SSH_TEXT_MAX + 1]; /* what the two have not in common */
};

/* --- the runner (ssh_runner.c) --- */
void bn_ssh_tell(struct bn_ssh_runner *runner, const struct bn_ssh_frame *frame);
bool bn_ssh_is_blocked(const struct bn_ssh_runner *runner); /* the server does not keep up */
int64_t bn_ssh_now(const struct bn_ssh_runner *runner);
char *bn_ssh_space(struct bn_ssh_runner *runner); /* BN_SSH_DATA_MAX bytes, for anybody */
struct bn_ssh_conn *bn_ssh_find(struct bn_ssh_runner *runner, uint32_t id);
void bn_ssh_add(struct bn_ssh_runner *runner, struct bn_ssh_conn *conn);
void bn_ssh_watch_set(struct bn_ssh_runner *runner, struct bn_ssh_watch *watch, uint32_t events);
/* Freed at the end of the turn. */
void bn_ssh_bury(struct bn_ssh_runner *runner, struct bn_ssh_conn *conn);

/* --- one session (ssh_conn.c) --- */
/* From an OPEN; fd may be -1, then it goes through another. */
void bn_ssh_conn_open(struct bn_ssh_runner *runner, const struct bn_ssh_frame *frame, int fd);
void bn_ssh_conn_free(struct bn_ssh_conn *conn);
void bn_ssh_conn_drive(struct bn_ssh_conn *conn);         /* as far as it goes without waiting */
void bn_ssh_conn_check(struct bn_ssh_conn *conn);         /* its limits */
void bn_ssh_conn_begin(struct bn_ssh_conn *conn, int fd); /* the way stands */
void bn_ssh_conn_watch(struct bn_ssh_conn *conn);
void bn_ssh_enter(struct bn_ssh_conn *conn, enum bn_ssh_phase phase, int64_t limit_ms);
/* The last word about it. text NULL: what the library says. */
void bn_ssh_fail(struct bn_ssh_conn *conn, enum bn_ssh_fault fault, const char *text);
void bn_ssh_lost(struct bn_ssh_conn *conn); /* the server went away */

/* --- logging in (ssh_auth.c) --- */
BN_MUST_CHECK bool bn_ssh_auth_read_key(struct bn_ssh_conn *conn); /* false: it failed */
void bn_ssh_auth_drive(struct bn_ssh_conn *conn);
void bn_ssh_auth_wipe(struct bn_ssh_conn *conn);

/* --- what runs on it (ssh_run.c) --- */
void bn_ssh_run_begin(struct bn_ssh_conn *conn, const struct bn_ssh_frame *frame);
void bn_ssh_run_drive(struct bn_ssh_conn *conn);
void bn_ssh_run_stop(struct bn_ssh_conn *conn, enum bn_ssh_fault fault, const char *text);
void bn_ssh_run_forget(struct bn_ssh_conn *conn);
bool bn_ssh_run_reads(const struct bn_ssh_conn *conn); /* output may be sent on */

/* --- ways through it (ssh_tunnel.c) --- */
void bn_ssh_tunnel_open(struct bn_ssh_conn *conn, uint32_t via);
void bn_ssh_tunnel_drive(struct bn_ssh_tunnel *tunnel);
void bn_ssh_tunnel_leave(struct bn_ssh_tunnel *tunnel); /* `to` needs it no more */
void bn_ssh_tunnels_close(struct bn_ssh_conn *conn);    /* `from` ends */

/*
 * ssh: commands and shells on other machines over SSH, spoken by a process of its own.
 *
 * The server dials (io/dial), hands the connected socket and one session's secret to the runner
 * (ssh_runner), and hears what came of it. A session is logged in once and then runs one command
 * after the other. Loop thread only; every callback comes later, never inside the call that caused
 * it, and in its place everything here may be called. See docs/decisions/017.
 */
#pragma once

#include "base/text.h"

#include "io/dial.h"
#include "io/ssh_fault.h"
#include "io/ssh_forker.h"
#include "wire/ssh_frame.h"

/* --- SSH sessions --- */
#define BN_SSH_SESSIONS_MAX  256 /* at once, those being opened included; beyond: too_many */
#define BN_SSH_OUTPUT_WINDOW (128 << 10) /* bytes of output that may be under way to the server */
#define BN_SSH_INPUT_WINDOW  (64 << 10)  /* bytes of input the runner takes before they are sent */
#define BN_SSH_CONNECT_MS    20000       /* name and TCP (FEATURES J9) */
#define BN_SSH_KEX_MS        20000       /* the first words, and again the keys */
#define BN_SSH_AUTH_MS       30000       /* servers make those wait whose password is wrong */
#define BN_SSH_CHANNEL_MS    20000       /* from asking for a command to its start */
#define BN_SSH_TOTAL_MS      3600000     /* a session, whatever it does */
#define BN_SSH_GRACE_MS      1500        /* after each: the runner's time to say so itself */

struct bn_ssh;         /* one per loop */
struct bn_ssh_session; /* valid until ended() or bn_ssh_close() */

struct bn_ssh_to {
    const char *host; /* name or address without brackets, 253 bytes at most */
    int port;         /* 1..65535 */
    /* The jump host: an opened session whose server connects to host and port, looks the name up
       there, and is not asked by our policy. NULL: none. */
    struct bn_ssh_session *via;
    const char *user; /* 1..255 bytes */
    /* Any of both; a server may want the key and then the password. "" is none. A question of one
       line without echo is answered with the password. The bytes are yours; wipe them after. */
    struct bn_str password; /* 1,024 bytes at most */
    struct bn_str key;      /* PEM or OpenSSH's own form, 16 KiB at most */
    struct bn_str passphrase;
    /* "SHA256:…" of the one server that may be logged in to; "" ends with HOST_KEY_UNKNOWN and the
       fingerprint. The type ("ssh-ed25519") is preferred of a server that has several. */
    const char *host_key;
    const char *host_key_type; /* "" when it is not known */
    /* Milliseconds; 0 is the default above. */
    uint32_t connect_ms, kex_ms, auth_ms, channel_ms, total_ms;
};

struct bn_ssh_peer {
    const char *host_key, *host_key_type;
    const char *banner; /* "SSH-2.0-OpenSSH_9.2p1" */
};

/* Texts come from strangers: valid UTF-8 without control characters, but theirs. */
struct bn_ssh_end {
    enum bn_ssh_fault fault;
    enum bn_ssh_phase phase; /* how far it had come */
    char text[BN_ERR_TEXT_MAX];
    char host_key[BN_SSH_WORD_MAX +
                  1]; /* of HOST_KEY_UNKNOWN and HOST_KEY_CHANGED: what it showed */
    char host_key_type[BN_SSH_WORD_MAX + 1];
    char known_key[BN_SSH_WORD_MAX + 1]; /* of HOST_KEY_CHANGED: what was expected */
    char methods[BN_SSH_WORD_MAX + 1];   /* of AUTH_REFUSED: "publickey, password" */
};

struct bn_ssh_ops {
    void (*phase)(void *user, enum bn_ssh_phase phase);         /* NULL is fine */
    void (*opened)(void *user, const struct bn_ssh_peer *peer); /* logged in: it may run */
    /* The last call. A run had its done() before. */
    void (*ended)(void *user, const struct bn_ssh_end *end);
};

enum bn_ssh_output { BN_SSH_STDOUT = 1, BN_SSH_STDERR = 2 };

struct bn_ssh_run {
    const char *command; /* one line for the far shell, 8 KiB at most; "" is a shell */
    const char *term;    /* NULL: no terminal; else "xterm-256color" */
    int cols, rows;      /* of the terminal, 1..1000 */
    uint32_t limit_ms;   /* from its start; 0: as long as the session may live */
};

struct bn_ssh_result {
    enum bn_ssh_fault fault; /* NONE: it ended by itself */
    char text[BN_ERR_TEXT_MAX];
    bool has_status; /* false with NONE and no signal: the server did not say */
    uint32_t status;
    char signal[BN_SSH_WORD_MAX + 1]; /* "KILL"; "" is none */
    bool is_dumped;
};

struct bn_ssh_run_ops {
    void (*started)(void *user); /* NULL is fine */
    void (*output)(void *user, enum bn_ssh_output from, const char *p, size_t len);
    void (*room)(void *user); /* input was taken; NULL is fine */
    /* The last call; the session can run again, unless ended() follows. */
    void (*done)(void *user, const struct bn_ssh_result *result);
};

struct bn_ssh_stats {
    size_t sessions;
    uint64_t opened;      /* sessions ever logged in */
    uint64_t deaths;      /* of runners, without being told to end */
    pid_t runner_pid;     /* 0: none now */
    int runner_status;    /* of the last that ended, as wait(2) tells; -1: none did */
    size_t waiting_bytes; /* for the runner, not yet taken */
};

/* The forker was started before the first thread; it and the dialer must outlive this. The first
   runner begins with the first session. */
struct bn_ssh *bn_ssh_create(struct bn_loop *loop, struct bn_dialer *dialer,
        struct bn_ssh_forker *forker);
/* Sessions end without a word. NULL is fine. */
void bn_ssh_destroy(struct bn_ssh *ssh);
void bn_ssh_get_stats(struct bn_ssh *ssh, struct bn_ssh_stats *out);

/* False: invalid (with the field), too_many, or unavailable while a runner that died is waited for.
 */
BN_MUST_CHECK bool bn_ssh_open(struct bn_ssh *ssh, const struct bn_ssh_to *to,
        const struct bn_ssh_ops *ops, void *user, struct bn_ssh_session **out, struct bn_err *err);
/* At once; a run is cut off (the program may live on), nothing is called any more. NULL is fine. */
void bn_ssh_close(struct bn_ssh_session *session);

/* One at a time: false is conflict, or invalid. Only after opened(). */
BN_MUST_CHECK bool bn_ssh_run(struct bn_ssh_session *session, const struct bn_ssh_run *run,
        const struct bn_ssh_run_ops *ops, void *user, struct bn_err *err);
/* Input for the run: how many of the bytes were taken; after fewer, room() says when to go on. */
size_t bn_ssh_send(struct bn_ssh_session *session, const char *p, size_t len);
void bn_ssh_send_end(struct bn_ssh_session *session);
void bn_ssh_resize(struct bn_ssh_session *session, int cols, int rows);
/* No more output than BN_SSH_OUTPUT_WINDOW after this, until it is resumed: the far program waits.
 */
void bn_ssh_pause(struct bn_ssh_session *session);
void bn_ssh_resume(struct bn_ssh_session *session);
/* TERM to the program and an end to its channel; done() follows with CANCELLED. */
void bn_ssh_cancel(struct bn_ssh_session *session);

/*
 * ssh_frame: what the server and its SSH runner say to each other, one message at a time.
 *
 * A message is one datagram of a SOCK_SEQPACKET pair: a kind, the number of the session it is
 * about, numbers and texts, as many of each as its kind has. Neither side trusts the other: what is
 * longer, shorter, of an unknown kind or meant for the other side is refused whole. Little-endian:
 *
 *     u8 kind, u32 session, u32 each number, then u32 length and its bytes for each text
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define BN_SSH_FRAME_MAX   (32 << 10) /* an OPEN with a large RSA key has 20 KB */
#define BN_SSH_DATA_MAX    (16 << 10) /* bytes of one INPUT or OUTPUT */
#define BN_SSH_KEY_MAX     (16 << 10) /* a private key as text; RSA of 16384 bits has 12 KB */
#define BN_SSH_SECRET_MAX  1024       /* a password, a passphrase */
#define BN_SSH_USER_MAX    255
#define BN_SSH_COMMAND_MAX (8 << 10)
#define BN_SSH_TEXT_MAX    191 /* a sentence, as in struct bn_err */
#define BN_SSH_WORD_MAX    127 /* "SHA256:…", an algorithm, a list of methods, a signal */
#define BN_SSH_HOST_MAX    253

enum bn_ssh_frame_kind {
    /* to the runner */
    BN_SSH_OPEN = 1,  /* with the connected socket, unless it goes through another session */
    BN_SSH_RUN,       /* a command, or a shell when its text is empty */
    BN_SSH_INPUT,     /* bytes for it */
    BN_SSH_INPUT_END, /* and no more */
    BN_SSH_RESIZE,
    BN_SSH_CANCEL, /* the run; the session stays */
    BN_SSH_CLOSE,  /* the session; nothing more is said of it */
    BN_SSH_TAKE,   /* so many more bytes of output may come */
    BN_SSH_PING,
    /* from the runner */
    BN_SSH_HELLO,  /* the first; from here on it can do nothing but this */
    BN_SSH_PHASE,  /* a session came so far */
    BN_SSH_OPENED, /* authenticated */
    BN_SSH_STARTED,
    BN_SSH_OUTPUT,
    BN_SSH_GIVE,  /* so many more bytes of input may come */
    BN_SSH_DONE,  /* the run ended; the session lives */
    BN_SSH_ENDED, /* the session ended, and its run with it */
    BN_SSH_PONG,
    BN_SSH_FRAME_KINDS, /* behind the last one */
};

enum bn_ssh_side { BN_SSH_TO_RUNNER, BN_SSH_FROM_RUNNER };

#define BN_SSH_NUMBERS_MAX 6
#define BN_SSH_TEXTS_MAX   7

/* Which number and which text is what; a kind not named has none, or one. */
enum {
    BN_SSH_OPEN_VIA,
    BN_SSH_OPEN_PORT,
    BN_SSH_OPEN_KEX_MS,
    BN_SSH_OPEN_AUTH_MS,
    BN_SSH_OPEN_CHANNEL_MS,
    BN_SSH_OPEN_TOTAL_MS
};

enum {
    BN_SSH_OPEN_USER,
    BN_SSH_OPEN_PASSWORD,
    BN_SSH_OPEN_KEY,
    BN_SSH_OPEN_PASSPHRASE,
    BN_SSH_OPEN_HOST_KEY,
    BN_SSH_OPEN_HOST_KEY_TYPE,
    BN_SSH_OPEN_HOST
};

enum { BN_SSH_RUN_IS_PTY, BN_SSH_RUN_COLS, BN_SSH_RUN_ROWS, BN_SSH_RUN_LIMIT_MS };

enum { BN_SSH_RUN_COMMAND, BN_SSH_RUN_TERM };

enum { BN_SSH_OPENED_KEY_TYPE, BN_SSH_OPENED_KEY, BN_SSH_OPENED_BANNER };

enum { BN_SSH_DONE_FAULT, BN_SSH_DONE_HAS_STATUS, BN_SSH_DONE_STATUS, BN_SSH_DONE_DUMPED };

enum { BN_SSH_DONE_SIGNAL, BN_SSH_DONE_TEXT };

enum { BN_SSH_ENDED_FAULT, BN_SSH_ENDED_PHASE };

enum { BN_SSH_ENDED_TEXT, BN_SSH_ENDED_KEY_TYPE, BN_SSH_ENDED_KEY, BN_SSH_ENDED_METHODS };

struct bn_ssh_frame {
    uint32_t kind;    /* enum bn_ssh_frame_kind */
    uint32_t session; /* 0: about none */
    uint32_t number[BN_SSH_NUMBERS_MAX];
    struct bn_str text[BN_SSH_TEXTS_MAX]; /* decoded: points into what was decoded */
};

/* Appends it; its texts must not be longer than their kind allows (asserted). */
void bn_ssh_frame_encode(const struct bn_ssh_frame *frame, struct bn_buf *out);
/* side: whom it is for. Only texts of INPUT and OUTPUT hold NULs. */
BN_MUST_CHECK bool bn_ssh_frame_decode(enum bn_ssh_side side, const char *p, size_t len,
        struct bn_ssh_frame *out, struct bn_err *err);

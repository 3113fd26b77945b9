/*
 * console: the consoles people have open: who holds which guest, the one-time ticket that joins a
 * browser to it, and the pipe between the two.
 *
 * Bytes only: after the greeting (wire/rfb) nothing of what a screen or a terminal says is read,
 * and of what a person says only where a message begins and whether it is a key (wire/rfb_input,
 * wire/term_input): so one who may only look types nothing, and a screen that moves is no person.
 * While one side does not take what the other sent, the other is not read. Loop thread; private to
 * web/.
 */
#pragma once

#include "source/console.h"
#include "web/web_private.h"
#include "wire/rfb.h"
#include "wire/rfb_input.h"
#include "wire/term_input.h"

#define BN_CONSOLE_TICKET_SIZE 44 /* 256 random bits as base64url, and its NUL */
#define BN_CONSOLE_TAB_MAX     65 /* what the page calls itself, and its NUL */

enum bn_console_state {
    BN_CONSOLE_OPENING, /* its server is being asked */
    BN_CONSOLE_KEEPING, /* the store has not kept its record yet */
    BN_CONSOLE_WAITING, /* for its browser */
    BN_CONSOLE_JOINED,
    BN_CONSOLE_OVER, /* its end is being kept */
};

struct bn_console_session {
    struct bn_list link; /* of web->consoles */
    struct bn_web *web;
    enum bn_console_state state;
    char tenant[BN_TENANT_MAX];
    struct bn_who who; /* whose it is */
    struct bn_console record;
    uint64_t ticket; /* of the request that waits for it */
    char tab[BN_CONSOLE_TAB_MAX];
    char secret[BN_CONSOLE_TICKET_SIZE];
    void (*kept)(struct bn_console_session *session, const struct bn_err *err);
    bool is_keeping;         /* the store has still to speak of it */
    bool owes_end;           /* it refused the end, which is put again */
    bool is_opening;         /* on_opened is still to come */
    bool may_fall_back;      /* to a screen, where terminals know no tokens */
    struct bn_remote *guest; /* NULL before and after */
    struct bn_conn *conn;    /* JOINED */
    struct bn_ws ws;         /* of the browser */
    struct bn_rfb rfb;

    union {
        struct bn_rfb_input screen;
        struct bn_term_input terminal;
    } input;

    bool is_greeting;      /* the browser is not through the greeting yet */
    bool guest_is_full;    /* the browser is not read until the guest took what it has */
    int64_t since_mono_ms; /* of the state */
    int64_t heard_mono_ms; /* anything of the browser */
    int64_t typed_mono_ms; /* a key or a pointer */
    int64_t beat_mono_ms;
};

/* A session for the guest of wanted, whose id it fills in; NULL when the person, the server or
   everybody has enough of them: `too_many` (console_room.c). */
struct bn_console_session *bn_console_create(const struct bn_request *req,
        struct bn_console *wanted, struct bn_err *err);
/* Is there room for one more, for whoever asks? */
BN_MUST_CHECK bool bn_console_has_room(const struct bn_request *req,
        const struct bn_console *wanted, struct bn_err *err);
/* Who holds those that are open, as far as the asker may know: his own, and an administrator all of
   his tenant. A JSON array. */
void bn_console_put_holders(const struct bn_request *req, struct bn_json *json);
/* Why it ends, as a sentence (console_words.c). */
#define BN_CONSOLE_WHY_SIZE 160
void bn_console_say_idle(const struct bn_console_session *session, int64_t limit_ms,
        char out[BN_CONSOLE_WHY_SIZE]);
void bn_console_say_longest(int64_t limit_ms, char out[BN_CONSOLE_WHY_SIZE]);
/* The guest's side ended it, with that reason; what people did to the guest may be another. */
void bn_console_say_closed(const struct bn_console_session *session, const char *why,
        char out[BN_CONSOLE_WHY_SIZE]);

bool bn_console_is_of(const struct bn_console_session *session, const struct bn_who *who);

/* Its record is on its way to the store; kept() is told what became of it, unless it ends before.
   False: it is not admitted. */
BN_MUST_CHECK bool bn_console_keep(struct bn_console_session *session,
        void (*kept)(struct bn_console_session *session, const struct bn_err *err),
        struct bn_err *err);
/* Of an opening that came to nothing: no record was kept. */
void bn_console_forget(struct bn_console_session *session);
/* Its end, once: the browser hears code and why, who still waits for it to open hears why, the
   guest is let go, the record is kept. */
void bn_console_end(struct bn_console_session *session, int code, const char *why);

/* The session with that id that is not over; NULL: there is none in that tenant. */
struct bn_console_session *bn_console_find(const struct bn_web *web, const char *tenant,
        struct bn_str id);
/* The browser of a request joins its session; the request is answered by the upgrade, or refused.
 */
void bn_console_join(struct bn_request *req, struct bn_console_session *session);

/* conn.c: a connection that has joined one */
size_t bn_console_data(struct bn_console_session *session, const char *p, size_t len);
void bn_console_drained(struct bn_console_session *session);
void bn_console_left(struct bn_console_session *session);

/* server.c */
/* Also closes the records that a crash left open. */
void bn_console_tick(struct bn_web *web, int64_t mono_ms);
void bn_console_check_owners(struct bn_web *web); /* somebody lost a right or a session */
void bn_console_drain(struct bn_web *web);
void bn_console_destroy_all(struct bn_web *web);

/*
 * session: who you are, your tenant, your rights, your rate.
 */
#pragma once

#include "base/clock.h"

#include "hub/hub.h"
#include "model/people.h"
#include "web/throttle.h"
#include "wire/http.h"

enum bn_who_kind { BN_WHO_NOBODY, BN_WHO_USER, BN_WHO_KEY };

/* The asker of one request, or the owner of one socket. A value: copy it. */
struct bn_who {
    enum bn_who_kind kind;
    char tenant[BN_TENANT_MAX];
    char user_id[BN_ID_MAX];    /* of a key: who made it, "" for the command line */
    char session_id[BN_ID_MAX]; /* BN_WHO_USER */
    char key_id[BN_ID_MAX];     /* BN_WHO_KEY */
    char name[64];              /* user name, or "key:NAME": what audit says */
    uint32_t rights;            /* bit per enum bn_right */
    int64_t until_ms;           /* wall time it ends by itself, as far as is known now */
};

/* Loop thread only. Outlives the hub's last turn: answers of the store come to it. */
struct bn_sessions;

struct bn_sessions *bn_sessions_create(struct bn_hub *hub);
void bn_sessions_destroy(struct bn_sessions *sessions);

static inline bool bn_who_may(const struct bn_who *who, enum bn_right right)
{
    return right == BN_RIGHT_NONE || (who->rights & (1u << right)) != 0;
}

/* Reads the cookie or the Bearer key. False: `unauthorized` with a sentence (no credentials,
   unknown, expired, both given), or `invalid` for a key in the query string, where logs keep
   it. Notes last use, to the minute. Two hash look-ups and one SHA-256: a few microseconds. */
BN_MUST_CHECK bool bn_sessions_identify(struct bn_sessions *sessions,
        const struct bn_http_head *head, bool is_secure, const char *address, struct bn_who *out,
        struct bn_err *err);

/* The same for a key that came in some other way than a header. */
BN_MUST_CHECK bool bn_sessions_identify_key(struct bn_sessions *sessions, struct bn_str key,
        const char *address, struct bn_who *out, struct bn_err *err);

/* Does the session, key or user behind who still stand, and which rights has it now? Asked for
   live sockets at their until_ms and after every change of people. False: it ended. */
bool bn_sessions_refresh(struct bn_sessions *sessions, struct bn_who *who);
/* Whoever has a console open uses his session or key, though no request says so. */
void bn_sessions_note_use(struct bn_sessions *sessions, const struct bn_who *who);

/* --- beginning and ending -------------------------------------------------------------------- */

#define BN_COOKIE_SECRET_SIZE 44 /* 256 random bits as base64url, and its NUL */

struct bn_login {
    const char *tenant;
    const char *user_id;
    const char *address;
    struct bn_str agent;
};

/* Records a new session; the user's oldest ends when there would be more than
   BN_SESSIONS_PER_USER_MAX. The secret is known to the cookie alone; answer as in bn_hub_ask. */
BN_MUST_CHECK bool bn_sessions_begin(struct bn_sessions *sessions, const struct bn_login *login,
        bn_answer_fn answer, void *user, char out_secret[BN_COOKIE_SECRET_SIZE],
        struct bn_err *err);
/* not_found when it has ended already. answer may be NULL. */
BN_MUST_CHECK bool bn_sessions_end(struct bn_sessions *sessions, const char *tenant,
        const char *session_id, bn_answer_fn answer, void *user, struct bn_err *err);
/* Every session of that user but one ("" for none). Answers how many; answer (may be NULL) comes
   once for all of them, and not at all when there were none. */
size_t bn_sessions_end_others(struct bn_sessions *sessions, const char *tenant, const char *user_id,
        const char *keep_id, bn_answer_fn answer, void *user);
/* The user's sessions, at most BN_SESSIONS_PER_USER_MAX, in no order; valid until the next turn. */
size_t bn_sessions_of(struct bn_sessions *sessions, const char *tenant, const char *user_id,
        const struct bn_session *out[]);
/* Once a minute: ends those that have expired, at most 200 at once. */
void bn_sessions_sweep(struct bn_sessions *sessions);

/* A Set-Cookie value; secret NULL clears the cookie. Over TLS it is __Host-binnacle, which browsers
   tie to this host and to Path=/; else binnacle, under base_path. */
#define BN_SET_COOKIE_SIZE 320
void bn_cookie_put(const char *secret, bool is_secure, const char *base_path,
        char out[BN_SET_COOKIE_SIZE]);

/* Notes in the audit that who was refused, unless it has been so often; object: what they asked
 * for. */
void bn_sessions_note_denial(struct bn_sessions *sessions, const struct bn_who *who,
        const char *address, const char *object, const char *why);

/* --- tries ----------------------------------------------------------------------------------- */

enum bn_try {
    BN_TRY_ACCOUNT,
    BN_TRY_ADDRESS,
    BN_TRY_PASSWORD,
    BN_TRY_SETUP,
    BN_TRY_DENIAL,
    BN_TRY_CHECK,
    BN_TRY_HISTORY,
    BN_TRY_TEST,
    BN_TRY_IMPORT,
    BN_TRY_COUNT
};

struct bn_throttle *bn_sessions_throttle(struct bn_sessions *sessions, enum bn_try which);

/* --- the set-up code ------------------------------------------------------------------------- */

/* Where the set-up code lies; "" (the default): set-up is closed. */
void bn_sessions_use_dir(struct bn_sessions *sessions, const char *data_dir);
const char *bn_sessions_dir(const struct bn_sessions *sessions);

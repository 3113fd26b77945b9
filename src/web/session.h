/*
 * session: who you are, your tenant, your rights, your rate.
 */
#pragma once

#include "base/clock.h"

#include "hub/hub.h"
#include "model/people.h"
#include "wire/http.h"

enum bn_who_kind { BN_WHO_NOBODY, BN_WHO_USER, BN_WHO_KEY };

/* The asker of one request, or the owner of one socket. A value: copy it. */
struct bn_who {
    enum bn_who_kind kind;
    char tenant[BN_TENANT_MAX];
    char user_id[BN_ID_MAX];
    char session_id[BN_ID_MAX]; /* BN_WHO_USER */
    char key_id[BN_ID_MAX];     /* BN_WHO_KEY */
    char name[64];              /* user name, or "key:NAME": what audit says */
    uint32_t rights;            /* bit per enum bn_right */
};

struct bn_sessions;

struct bn_sessions *bn_sessions_create(struct bn_hub *hub);
void bn_sessions_destroy(struct bn_sessions *sessions);

static inline bool bn_who_may(const struct bn_who *who, enum bn_right right)
{
    return right == BN_RIGHT_NONE || (who->rights & (1u << right)) != 0;
}

/* Reads the cookie or the Bearer key. False: `unauthorized` with a sentence (no credentials,
   unknown, expired, both given, key in the query string). Notes last use. */
BN_MUST_CHECK bool bn_sessions_identify(struct bn_sessions *sessions,
        const struct bn_http_head *head, bool is_secure, const char *address, struct bn_who *out,
        struct bn_err *err);

/* Does the session, key or user behind who still stand, and which rights has it now? Asked by live
   sockets once a second and after every change of people. False: it ended. */
bool bn_sessions_refresh(struct bn_sessions *sessions, struct bn_who *who);

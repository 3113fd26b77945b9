/*
 * infra: the rules about servers and their checks that one record alone cannot know.
 *
 * A CHECK whose success is unknown says that an attempt began, or, with the class "cancelled", that
 * it came to nothing: the first shows the server as `checking`, the second gives it back the status
 * it had. Only finished attempts are history.
 */
#pragma once

#include "live/attempts.h"
#include "live/live.h"

struct bn_server_past; /* the last attempts of one server */

/* A server's host and port are nobody else's in the tenant (FEATURES A4), there is room for it
   (A5), and what is checked or listed belongs to a server that is there. Changes nothing. */
BN_MUST_CHECK bool bn_infra_admit(const struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_err *err);
/* Puts the derived fields of what is known into a SERVER record about to be applied; a server that
   is somewhere else now, or called by another token, is unknown again (A7). */
void bn_infra_carry(struct bn_tenant_live *tenant, struct bn_server *server);
/* What follows from an applied CHECK: the derived fields of its server. False: nothing. */
bool bn_infra_derive(struct bn_tenant_live *tenant, const struct bn_fact *fact,
        struct bn_change *out);
/* Is this CHECK of a finished attempt? */
bool bn_check_is_over(const struct bn_check *check);

/* How long the next attempt on it may take: learned or configured (B7). */
int64_t bn_infra_timeout_ms(const struct bn_tenant_live *tenant, const struct bn_server *server);

/* So many attempts in a row fail before it counts as offline, 1 … BN_FAIL_AFTER_MAX. */
int64_t bn_server_fail_after(const struct bn_server *server);

/* The last attempts on it; NULL when there was none since it stands where it stands. */
const struct bn_attempts *bn_infra_attempts(const struct bn_tenant_live *tenant,
        const char *server_id);

#define BN_PAST_ERRORS 5 /* E19 */

/* A failure among the last BN_ATTEMPTS_MAX attempts, as its CHECK said. */
struct bn_past_error {
    int64_t at;
    uint64_t serial; /* of the attempt */
    char error_class[24];
    char error_phase[12];
    char error[192];
};

/* Newest first; returns how many. */
size_t bn_infra_errors(const struct bn_tenant_live *tenant, const char *server_id,
        struct bn_past_error out[BN_PAST_ERRORS]);

/* With a server everything about it goes. */
void bn_infra_forget(struct bn_tenant_live *tenant, const char *server_id);
void bn_infra_finish(struct bn_tenant_live *tenant);

/*
 * throttle: how often somebody may try a secret: a few tries free, then waits that double.
 *
 * Pure: the caller brings the monotonic time. Bounded: of THROTTLE_ENTRIES names the one tried
 * longest ago is forgotten. Use one throttle per kind of name (accounts, addresses), so that a
 * flood of one kind cannot push out the other.
 */
#pragma once

#include "base/text.h"

#define BN_THROTTLE_ENTRIES 4096

struct bn_throttle_rule {
    int free_tries;
    int64_t first_wait_ms; /* after the last free try; doubles with each further one */
    int64_t wait_max_ms;
    int64_t forget_ms; /* one try is forgiven for each such time without any */
};

/* BN_LOGIN_TRIES, 1 s doubling to 15 min; BN_SETUP_TRIES, then 60 s. */
extern const struct bn_throttle_rule bn_throttle_login;
extern const struct bn_throttle_rule bn_throttle_setup;
/* BN_CHECKS_AT_ONCE, then one in 10 s; BN_TESTS_AT_ONCE, then one in 3 s. */
extern const struct bn_throttle_rule bn_throttle_check;
extern const struct bn_throttle_rule bn_throttle_test;
/* BN_IMPORT_TESTS, then as many in a minute. */
extern const struct bn_throttle_rule bn_throttle_import;

/* BN_HISTORIES_FREE, then one a second. */
extern const struct bn_throttle_rule bn_throttle_history;

struct bn_throttle;

struct bn_throttle *bn_throttle_create(const struct bn_throttle_rule *rule);
void bn_throttle_destroy(struct bn_throttle *throttle); /* NULL is fine */

struct bn_throttle_answer {
    bool may_try;
    bool is_first_refusal; /* since the last try that was let through: worth a line in the audit */
    int64_t wait_ms;       /* when refused: how long until the next try */
};

/* Counts a try before its outcome is known, so that a hundred tries sent at once are counted too.
   Refused tries are not counted: asking early does not lengthen the wait. Names are compared
   without ASCII case. */
struct bn_throttle_answer bn_throttle_try(struct bn_throttle *throttle, struct bn_str name,
        int64_t mono_ms);
/* The try succeeded: the name starts anew. */
void bn_throttle_forget(struct bn_throttle *throttle, struct bn_str name);
/* The try succeeded, but says nothing about the others from that name: it is not counted. */
void bn_throttle_refund(struct bn_throttle *throttle, struct bn_str name);

/* "8 s", "3 min": rounded up, so that waiting that long is enough. */
#define BN_WAIT_TEXT_SIZE 24
void bn_throttle_wait_text(int64_t wait_ms, char out[BN_WAIT_TEXT_SIZE]);
int64_t bn_throttle_wait_s(int64_t wait_ms); /* for Retry-After */

/*
 * guest: the data folder seen from a command: read, change under the server's own rules, keep.
 */
#pragma once

#include "app/config.h"
#include "live/live.h"
#include "store/store.h"

struct bn_guest {
    struct bn_config config;
    struct bn_store *store;
    struct bn_live live;
    int64_t now_ms;
};

/* config is filled already. may_make: a folder without a database becomes one; else it is refused,
   so that a slip in --data is not answered with emptiness. */
BN_MUST_CHECK bool bn_guest_open(struct bn_guest *guest, bool may_make, struct bn_err *err);
/* Reads all rows again: a server may have changed some while a person typed a password. */
BN_MUST_CHECK bool bn_guest_look_again(struct bn_guest *guest, struct bn_err *err);
void bn_guest_close(struct bn_guest *guest);

/* Admits and applies it; it is kept by bn_guest_keep. */
BN_MUST_CHECK bool bn_guest_say(struct bn_guest *guest, const struct bn_fact *fact,
        struct bn_err *err);
/* What was done by "command line", beside what it tells of. */
BN_MUST_CHECK bool bn_guest_audit(struct bn_guest *guest, const char *action, const char *object,
        const char *detail, struct bn_err *err);
/* All that was said, in one transaction; false: none of it. Waits for a running server to hear. */
BN_MUST_CHECK bool bn_guest_keep(struct bn_guest *guest, struct bn_err *err);

const struct bn_table *bn_guest_table(struct bn_guest *guest, enum bn_kind kind);

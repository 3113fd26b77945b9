/*
 * master_key: finds the key that seals stored secrets, or makes one; never inside the data folder.
 *
 * In this order: master.key of systemd's credentials, the file of the setting key_file, the data
 * folder's name with ".key". A key is made only while nothing is sealed: what was sealed with a
 * lost key stays lost, and a new key must not hide that. Where nobody chose a place and none can be
 * made there, the server runs without: nothing can be sealed, and whoever wants to hears why.
 */
#pragma once

#include "base/secret.h"

#include "app/config.h"
#include "live/live.h"

struct bn_master_key {
    struct bn_seal_key key;
    char path[300];               /* where it was found, or is being made */
    int fd;                       /* of a key being made, empty until bn_master_key_keep; else -1 */
    char absent[BN_ERR_TEXT_MAX]; /* why there is none, and how to give one; "" when there is one */
};

/* Before the sandbox: outside the data folder nothing can be made in it. credentials is
   $CREDENTIALS_DIRECTORY or NULL. False: one sentence that says how to give a key. */
BN_MUST_CHECK bool bn_master_key_find(const struct bn_config *config, const char *credentials,
        struct bn_master_key *out, struct bn_err *err);
/* With all records loaded: refuses a key that opens none of the sealed tokens, and keeps one that
   was made when there are none. */
BN_MUST_CHECK bool bn_master_key_keep(struct bn_master_key *key, const struct bn_live *live,
        struct bn_err *err);
void bn_master_key_forget(struct bn_master_key *key); /* wipes it */

/*
 * limits_ssh: the bounds of what is done over SSH, one line each, with its reason.
 */
#pragma once

/* --- machines to act on by SSH --- */
#define BN_REMOTE_TARGETS_MAX 1000 /* per tenant: 2.3 MB, and 7 MB if all log in by long keys */
#define BN_TARGET_SECRET_MAX  128  /* bytes of a password or a passphrase, as people's */
#define BN_TARGET_KEY_MAX     4096 /* bytes of a private key: RSA with 4,096 bits has 3,400 */
#define BN_TARGET_JUMPS_MAX   3    /* targets one behind the other: a bastion, a site, a cell */

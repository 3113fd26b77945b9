/*
 * limits_ssh: the bounds of what is done over SSH, one line each, with its reason.
 */
#pragma once

/* --- machines to act on by SSH --- */
#define BN_REMOTE_TARGETS_MAX 1000 /* per tenant: 2.3 MB, and 7 MB if all log in by long keys */
#define BN_TARGET_SECRET_MAX  128  /* bytes of a password or a passphrase, as people's */
#define BN_TARGET_KEY_MAX     4096 /* bytes of a private key: RSA with 4,096 bits has 3,400 */
#define BN_TARGET_JUMPS_MAX   3    /* targets one behind the other: a bastion, a site, a cell */

/* --- what runs on them --- */
#define BN_OUTPUT_HEAD_MAX     (256 << 10) /* bytes of output kept from its beginning (journey 4) */
#define BN_OUTPUT_TAIL_MAX     (1 << 20)   /* and from its end; what was between is said */
#define BN_OUTPUT_PIECES_MAX   2048        /* of each; a line a second fills them in half an hour */
#define BN_OUTPUT_TELL_MS      150         /* pieces are told at most so often, but for full ones */
#define BN_OUTPUT_TELL_PS      64          /* and so many a second: 128 KiB, more nobody reads */
#define BN_REMOTE_TRIES        3     /* to reach a target before anything was sent (journey 4) */
#define BN_REMOTE_AGAIN_MS     2000  /* between them, and at first after a lost link … */
#define BN_REMOTE_AGAIN_MAX_MS 30000 /* … doubling up to this, as long as the command may run */
#define BN_REMOTE_PROMPT_MS    90000 /* for the prompt of a dialogue (FEATURES J9) */
#define BN_REMOTE_NUDGE_MS     5000  /* a dialogue that says nothing is sent an empty line */
#define BN_REMOTE_WATCH_MS     10000 /* a restarted service is watched for a crash loop (journey 4) */
#define BN_BATCH_TARGETS_MAX   200 /* of one batch: more is another batch, and 600 KB of records */
#define BN_BATCH_AT_ONCE       8   /* of a batch, unless it is said: a site notices no more … */
#define BN_BATCH_AT_ONCE_MAX   32  /* … and an eighth of all SSH sessions */
#define BN_BATCHES_MAX         20  /* under way: 4,000 children, which wait in memory */
#define BN_REMOTE_ANSWER_MAX   16384 /* bytes of an answer that is read by us, not by people */

/*
 * limits_work: the bounds of operations, one line each, with its reason.
 */
#pragma once

/* --- operations --- */
#define BN_OPERATIONS_MAX           10000  /* under way or just over, per tenant: 20 MB */
#define BN_OPERATION_PAST_MS        300000 /* an ended one stays in sight so long (FEATURES J18) */
#define BN_OPERATION_KEEP_MS        (90LL * 24 * 3600 * 1000) /* and in the history: a quarter */
#define BN_OPERATIONS_PAGE          50                        /* of the history in one answer */
#define BN_OPERATIONS_CSV_MAX       20000   /* of the history in one file: 12 MB */
#define BN_OPERATION_STUCK_MS       1800000 /* FEATURES J42: what runs longer is ended on demand */
#define BN_OPERATIONS_CLEAN_HOURS   24      /* J42: what ended so long ago, unless it is said */
#define BN_OPERATIONS_CLEAN_AT_ONCE 100     /* in one transaction; 200 KB */
#define BN_WORK_LINES_MAX           200     /* of a task's log that are kept: its last, 25 KB */
#define BN_WORK_TELL_MS             250 /* between two steps told: eyes see no more, and each is a write */
#define BN_WORK_KEEP_AGAIN_MS       5000 /* after the disk refused to keep the end of one */

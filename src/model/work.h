/*
 * work: what people and schedules had done: an operation with how it goes, what its task said, and
 * the consoles people had open.
 */
#pragma once

#include "model/target.h"

/* In the order of their words. An operation ends once; then it does not change any more. */
enum bn_work_status {
    BN_WORK_PENDING,
    BN_WORK_IN_PROGRESS,
    BN_WORK_COMPLETED,
    BN_WORK_FAILED,
    BN_WORK_CANCELLED,
};

enum bn_work_type {
    BN_WORK_VM_POWER,
    BN_WORK_HEALTH_CHECK,
    BN_WORK_IMPORT,
    BN_WORK_SERVICE_RESTART, /* from here on over SSH, on a target */
    BN_WORK_SERVICE_STATUS,
    BN_WORK_SSH_TEST,
    BN_WORK_LOGS,
    BN_WORK_COMMAND, /* … to here: what an administrator wrote */
    BN_WORK_BATCH,   /* one of those on many targets: its children do it */
};

enum bn_work_maker { BN_MADE_BY_USER, BN_MADE_BY_KEY, BN_MADE_BY_SCHEDULE, BN_MADE_BY_AUTO };

/* FEATURES J1. */
struct bn_operation {
    char id[BN_ID_MAX];
    int64_t type;    /* enum bn_work_type */
    char action[16]; /* of vm_power: "start" … */
    char server_id[BN_ID_MAX];
    char node[64];
    int64_t vm_type; /* enum bn_vm_type */
    int64_t vmid;
    char target_id[BN_ID_MAX];
    char object[128];  /* of a target: the service it is about, or "" */
    char command[512]; /* what runs there, as it is sent */
    int64_t sent_at;   /* it may have begun since then; 0: nothing was done yet */
    char subject[192]; /* for people: "web-1 (100) on alpha" */
    int64_t status;    /* enum bn_work_status */
    int64_t progress;
    char phase[160];
    char message[192];
    char error[320];
    char hint[256];
    char upid[256];
    char created_by[64];
    int64_t created_by_kind;       /* enum bn_work_maker */
    char created_by_id[BN_ID_MAX]; /* of that user or key; names change */
    int64_t started_at;
    int64_t updated_at;
    int64_t completed_at;
    int64_t has_warnings;
    int64_t exit_status;       /* of the command; unknown when it said none */
    int64_t timed_out;         /* it was sent, and nothing said how it ended */
    char parent_id[BN_ID_MAX]; /* the batch it belongs to, or "" */
    int64_t children;          /* of a batch: how many it began, and of these … */
    int64_t children_done;     /* … are over, however they ended … */
    int64_t children_failed;   /* … and failed */
    int64_t children_refused;  /* targets on which it could not begin */
    int64_t concurrency;       /* so many at once */
};

/* One line of what an operation's task said; kept with it, the last BN_WORK_LINES_MAX. */
struct bn_output {
    char id[BN_ID_MAX]; /* OPERATION/NUMBER, six digits, so that texts sort as numbers do */
    int64_t n;
    char text[256];
};

/* Some of what a command wrote: kept with its operation, or told while it runs. Offsets count the
   bytes as they came; where one is larger than the end of the piece before, something was cut. */
struct bn_piece {
    char id[BN_ID_MAX]; /* OPERATION/OFFSET, twelve digits */
    char operation_id[BN_ID_MAX];
    int64_t at;    /* offset of its first byte */
    int64_t bytes; /* as they came; the text is what can be shown of them */
    char text[2048];
};

/* The same, told at once. */
struct bn_chunk {
    struct bn_piece piece;
};

/* A guest's screen or terminal that somebody has open, or had (FEATURES G11). */
enum bn_console_kind { BN_CONSOLE_VNC, BN_CONSOLE_TERMINAL };

struct bn_console {
    char id[BN_ID_MAX];
    char user_id[BN_ID_MAX]; /* "" for a key */
    char user_name[64];      /* of the user or the key */
    char address[48];
    char server_id[BN_ID_MAX];
    char target_id[BN_ID_MAX]; /* whose shell it is; "": of a server's guest or node */
    char node[64];             /* where the guest was when it was opened */
    int64_t vm_type;           /* enum bn_vm_type */
    int64_t vmid;
    char subject[192]; /* for people: "web-1 (100) on alpha" */
    int64_t kind;      /* enum bn_console_kind */
    int64_t view_only; /* 1: nothing that was typed went to the guest */
    int64_t started_at;
    int64_t ended_at;
    int64_t bytes_in;  /* from the person */
    int64_t bytes_out; /* to the person */
    char reason[192];  /* why it ended, as a sentence */
};

extern const struct bn_record_type bn_operation_type;
extern const struct bn_record_type bn_output_type;
extern const struct bn_record_type bn_piece_type;
extern const struct bn_record_type bn_chunk_type;
extern const struct bn_record_type bn_console_type;

/* It is done over SSH on a target. */
bool bn_operation_is_remote(const struct bn_operation *operation);
bool bn_operation_is_over(const struct bn_operation *operation);
/* Of two that are the same deed on the same thing only one may be under way (FEATURES J5). */
bool bn_operation_is_same_deed(const struct bn_operation *a, const struct bn_operation *b);
const char *bn_work_status_word(int64_t status);
const char *bn_console_kind_word(int64_t kind); /* "vnc" "terminal" */

/*
 * console: the record of a guest's screen or terminal that somebody had open (FEATURES G11).
 */
#pragma once

#include "model/field.h"

enum bn_console_kind { BN_CONSOLE_VNC, BN_CONSOLE_TERMINAL };

struct bn_console {
    char id[BN_ID_MAX];
    char user_id[BN_ID_MAX]; /* "" for a key */
    char user_name[64];      /* of the user or the key */
    char address[48];
    char server_id[BN_ID_MAX];
    char node[64];   /* where the guest was when it was opened */
    int64_t vm_type; /* enum bn_vm_type */
    int64_t vmid;
    char subject[192]; /* for people: "web-1 (100) on alpha" */
    int64_t kind;      /* enum bn_console_kind */
    int64_t started_at;
    int64_t ended_at;
    int64_t bytes_in;  /* from the person */
    int64_t bytes_out; /* to the person */
    char reason[192];  /* why it ended, as a sentence */
};

extern const struct bn_record_type bn_console_type;

const char *bn_console_kind_word(int64_t kind); /* "vnc" "terminal" */

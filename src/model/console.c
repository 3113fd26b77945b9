#include "model/console.h"

/* In the order of their enumerations. */
static const char *const kind_words[] = {"vnc", "terminal", NULL};
static const char *const vm_type_words[] = {"qemu", "lxc", NULL};

static const struct bn_field console_fields[] = {
        BN_FIELD(struct bn_console, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "128 random bits"),
        BN_FIELD(struct bn_console, user_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "whose it is; absent for a key"),
        BN_FIELD(struct bn_console, user_name, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "user or key"),
        BN_FIELD(struct bn_console, address, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "where it was opened from"),
        BN_FIELD(struct bn_console, server_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the guest's server"),
        BN_FIELD(struct bn_console, node, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the node it was on then"),
        BN_FIELD(struct bn_console, vm_type, BN_T_ENUM, .flags = BN_F_FIXED, .words = vm_type_words,
                .doc = "of the guest"),
        BN_FIELD(struct bn_console, vmid, BN_T_I64, .flags = BN_F_FIXED, .min = 1, .max = 999999999,
                .doc = "number of the guest"),
        BN_FIELD(struct bn_console, subject, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the guest, for people"),
        BN_FIELD(struct bn_console, kind, BN_T_ENUM, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .words = kind_words, .doc = "a screen or a terminal"),
        BN_FIELD(struct bn_console, started_at, BN_T_TIME, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .doc = "time it was opened"),
        BN_FIELD(struct bn_console, ended_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of its end; absent while it is open"),
        BN_FIELD(struct bn_console, bytes_in, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = INT64_MAX, .doc = "bytes from the person to the guest"),
        BN_FIELD(struct bn_console, bytes_out, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = INT64_MAX, .doc = "bytes from the guest to the person"),
        BN_FIELD(struct bn_console, reason, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "why it ended, as a sentence"),
};

const struct bn_record_type bn_console_type = {
        .name = "console",
        .table = "consoles",
        .size = sizeof(struct bn_console),
        .fields = console_fields,
        .field_count = COUNT(console_fields),
};

const char *bn_console_kind_word(int64_t kind)
{
    return kind == BN_CONSOLE_TERMINAL ? kind_words[1] : kind_words[0];
}

#include "model/work.h"

#include <string.h>

#include "model/limits.h"

/* In the order of their enumerations. */
static const char *const status_words[] = {"pending", "in_progress", "completed", "failed",
        "cancelled", NULL};
static const char *const type_words[] = {"vm_power", "health_check", "import", "service_restart",
        "service_status", "ssh_test", "logs", "command", "batch", NULL};
static const char *const maker_words[] = {"user", "key", "schedule", "auto", NULL};
static const char *const vm_type_words[] = {"qemu", "lxc", NULL};
static const char *const console_kind_words[] = {"vnc", "terminal", NULL};

static const struct bn_field operation_fields[] = {
        BN_FIELD(struct bn_operation, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "128 random bits"),
        BN_FIELD(struct bn_operation, type, BN_T_ENUM, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .words = type_words, .doc = "what kind of work"),
        BN_FIELD(struct bn_operation, action, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "of vm_power: start, stop, shutdown, reboot, reset, suspend or resume"),
        BN_FIELD(struct bn_operation, server_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the server it is done on"),
        BN_FIELD(struct bn_operation, node, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the node of it"),
        BN_FIELD(struct bn_operation, vm_type, BN_T_ENUM, .flags = BN_F_FIXED,
                .words = vm_type_words, .doc = "of the guest"),
        BN_FIELD(struct bn_operation, vmid, BN_T_I64, .flags = BN_F_FIXED, .min = 1,
                .max = 999999999, .doc = "number of the guest"),
        BN_FIELD(struct bn_operation, target_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the target it is done on"),
        BN_FIELD(struct bn_operation, object, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "of a target: the service it is about"),
        BN_FIELD(struct bn_operation, command, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what runs on the target, as it is sent"),
        BN_FIELD(struct bn_operation, sent_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time from which on the command may have begun"),
        BN_FIELD(struct bn_operation, subject, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what it is done to, for people"),
        BN_FIELD(struct bn_operation, status, BN_T_ENUM, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .words = status_words, .doc = "the last three are its end"),
        BN_FIELD(struct bn_operation, progress, BN_T_I64, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .min = 0, .max = 100, .doc = "percent; never falls"),
        BN_FIELD(struct bn_operation, phase, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what it is doing, in words"),
        BN_FIELD(struct bn_operation, message, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what came of it, in words"),
        BN_FIELD(struct bn_operation, error, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "why it failed, as a sentence"),
        BN_FIELD(struct bn_operation, hint, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "what to do about it; of a missing privilege the command that grants it"),
        BN_FIELD(struct bn_operation, upid, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the task of Proxmox VE that does it"),
        BN_FIELD(struct bn_operation, created_by, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "user or key"),
        BN_FIELD(struct bn_operation, created_by_kind, BN_T_ENUM, .flags = BN_F_FIXED,
                .words = maker_words, .doc = "who or what asked for it"),
        BN_FIELD(struct bn_operation, created_by_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the id of that user or key"),
        BN_FIELD(struct bn_operation, started_at, BN_T_TIME, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .doc = "time it was asked for"),
        BN_FIELD(struct bn_operation, updated_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of the last change"),
        BN_FIELD(struct bn_operation, completed_at, BN_T_TIME, .flags = BN_F_FIXED,
                .doc = "time of its end; absent while it is under way"),
        BN_FIELD(struct bn_operation, has_warnings, BN_T_BOOL, .flags = BN_F_FIXED,
                .doc = "it succeeded, but its task warned"),
        BN_FIELD(struct bn_operation, exit_status, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = 255, .doc = "of the command that ran on the target"),
        BN_FIELD(struct bn_operation, timed_out, BN_T_BOOL, .flags = BN_F_FIXED,
                .doc = "the command was sent, and nothing said in time how it ended"),
        BN_FIELD(struct bn_operation, parent_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the batch it belongs to"),
        BN_FIELD(struct bn_operation, children, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = BN_BATCH_TARGETS_MAX, .doc = "of a batch: how many operations it began"),
        BN_FIELD(struct bn_operation, children_done, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = BN_BATCH_TARGETS_MAX, .doc = "of these are over, however they ended"),
        BN_FIELD(struct bn_operation, children_failed, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = BN_BATCH_TARGETS_MAX, .doc = "of these failed"),
        BN_FIELD(struct bn_operation, children_refused, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = BN_BATCH_TARGETS_MAX,
                .doc = "of a batch: targets on which none could begin"),
        BN_FIELD(struct bn_operation, concurrency, BN_T_I64, .flags = BN_F_FIXED, .min = 0,
                .max = BN_BATCH_AT_ONCE_MAX, .doc = "of a batch: how many of its run at once"),
};

const struct bn_record_type bn_operation_type = {
        .name = "operation",
        .table = "operations",
        .size = sizeof(struct bn_operation),
        .fields = operation_fields,
        .field_count = COUNT(operation_fields),
};

static const struct bn_field output_fields[] = {
        BN_FIELD(struct bn_output, id, BN_T_TEXT, .flags = BN_F_KEY | BN_F_FIXED,
                .doc = "operation/number"),
        BN_FIELD(struct bn_output, n, BN_T_I64, .flags = BN_F_FIXED, .min = 1, .max = INT64_MAX,
                .doc = "number of the line, from 1"),
        BN_FIELD(struct bn_output, text, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the line without control characters"),
};

const struct bn_record_type bn_output_type = {
        .name = "output",
        .table = "outputs",
        .size = sizeof(struct bn_output),
        .fields = output_fields,
        .field_count = COUNT(output_fields),
};

#define PIECE_FIELDS(type_, at_)                                  \
    {.name = "id",                                                \
            .offset = offsetof(type_, at_ id),                    \
            .size = BN_ID_MAX,                                    \
            .type = BN_T_TEXT,                                    \
            .flags = BN_F_KEY | BN_F_FIXED,                       \
            .doc = "operation/offset"},                           \
            {.name = "operation_id",                              \
                    .offset = offsetof(type_, at_ operation_id),  \
                    .size = BN_ID_MAX,                            \
                    .type = BN_T_TEXT,                            \
                    .flags = BN_F_REQUIRED | BN_F_FIXED,          \
                    .doc = "whose command wrote it"},             \
            {.name = "at",                                        \
                    .offset = offsetof(type_, at_ at),            \
                    .size = sizeof(int64_t),                      \
                    .type = BN_T_I64,                             \
                    .flags = BN_F_REQUIRED | BN_F_FIXED,          \
                    .min = 0,                                     \
                    .max = INT64_MAX,                             \
                    .doc = "offset of its first byte"},           \
            {.name = "bytes",                                     \
                    .offset = offsetof(type_, at_ bytes),         \
                    .size = sizeof(int64_t),                      \
                    .type = BN_T_I64,                             \
                    .flags = BN_F_REQUIRED | BN_F_FIXED,          \
                    .min = 0,                                     \
                    .max = INT64_MAX,                             \
                    .doc = "how many bytes it was as it came"},   \
            {.name = "text",                                      \
                    .offset = offsetof(type_, at_ text),          \
                    .size = sizeof(((struct bn_piece *)0)->text), \
                    .type = BN_T_TEXT,                            \
                    .flags = BN_F_FIXED,                          \
                    .doc = "what can be shown of them"},
static const struct bn_field piece_fields[] = {PIECE_FIELDS(struct bn_piece, )};
static const struct bn_field chunk_fields[] = {PIECE_FIELDS(struct bn_chunk, piece.)};

const struct bn_record_type bn_piece_type = {
        .name = "piece",
        .table = "pieces",
        .size = sizeof(struct bn_piece),
        .fields = piece_fields,
        .field_count = COUNT(piece_fields),
};

const struct bn_record_type bn_chunk_type = {
        .name = "chunk",
        .size = sizeof(struct bn_chunk),
        .fields = chunk_fields,
        .field_count = COUNT(chunk_fields),
};

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
        BN_FIELD(struct bn_console, target_id, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the target whose shell it is"),
        BN_FIELD(struct bn_console, node, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the node it was on then"),
        BN_FIELD(struct bn_console, vm_type, BN_T_ENUM, .flags = BN_F_FIXED, .words = vm_type_words,
                .doc = "of the guest"),
        BN_FIELD(struct bn_console, vmid, BN_T_I64, .flags = BN_F_FIXED, .min = 1, .max = 999999999,
                .doc = "number of the guest"),
        BN_FIELD(struct bn_console, subject, BN_T_TEXT, .flags = BN_F_FIXED,
                .doc = "the guest, for people"),
        BN_FIELD(struct bn_console, kind, BN_T_ENUM, .flags = BN_F_REQUIRED | BN_F_FIXED,
                .words = console_kind_words, .doc = "a screen or a terminal"),
        BN_FIELD(struct bn_console, view_only, BN_T_BOOL, .flags = BN_F_FIXED,
                .doc = "keys and pointers were kept from the guest"),
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

bool bn_operation_is_over(const struct bn_operation *operation)
{
    return operation->status == BN_WORK_COMPLETED || operation->status == BN_WORK_FAILED ||
           operation->status == BN_WORK_CANCELLED;
}

bool bn_operation_is_remote(const struct bn_operation *operation)
{
    return operation->type >= BN_WORK_SERVICE_RESTART && operation->type <= BN_WORK_COMMAND;
}

/* Whatever is done to a guest's power, one thing at a time: a stop beside a start helps nobody. On
   a target the same to the same service; other deeds may go beside it (FEATURES J5, J6), as a run
   of checks and an import may. */
bool bn_operation_is_same_deed(const struct bn_operation *a, const struct bn_operation *b)
{
    if (bn_operation_is_remote(a))
        return a->type == b->type && strcmp(a->target_id, b->target_id) == 0 &&
               strcmp(a->object, b->object) == 0;
    return a->type == BN_WORK_VM_POWER && b->type == BN_WORK_VM_POWER && a->vmid == b->vmid &&
           strcmp(a->server_id, b->server_id) == 0;
}

const char *bn_work_status_word(int64_t status)
{
    return status >= 0 && status < (int64_t)COUNT(status_words) - 1 ? status_words[status]
                                                                    : "unknown";
}

const char *bn_console_kind_word(int64_t kind)
{
    return kind == BN_CONSOLE_TERMINAL ? console_kind_words[1] : console_kind_words[0];
}

#include "web/socketio_operation.h"

#include <string.h>

const char *bn_socketio_target_of(const struct bn_operation *operation)
{
    return operation->target_id[0] ? operation->target_id : operation->server_id;
}

void bn_socketio_put_id(struct bn_json *json, const char *id)
{
    int64_t number;
    if (!id[0])
        bn_json_null(json);
    else if (id[0] != '0' && bn_parse_i64(bn_str(id), 0, INT64_C(1) << 53, &number))
        bn_json_i64(json, number);
    else
        bn_json_text(json, id);
}

void bn_socketio_put_text(struct bn_json *json, const char *key, const char *text)
{
    if (!text[0])
        return;
    bn_json_key(json, key);
    bn_json_text(json, text);
}

static void put_word(struct bn_json *json, const char *key, const struct bn_operation *operation,
        const char *field_name)
{
    const struct bn_field *field = bn_field_find(&bn_operation_type, bn_str(field_name));
    int64_t value;
    memcpy(&value, (const char *)operation + field->offset, sizeof value);
    bn_json_key(json, key);
    bn_json_text(json, field->words[value]);
}

static void put_metadata(struct bn_json *json, const struct bn_operation *operation)
{
    bn_json_key(json, "metadata");
    bn_json_object(json);
    bn_socketio_put_text(json, "subject", operation->subject);
    bn_socketio_put_text(json, "action", operation->action);
    bn_socketio_put_text(json, "node", operation->node);
    bn_socketio_put_text(json, "hint", operation->hint);
    if (operation->vmid != BN_UNKNOWN) {
        bn_json_key(json, "vmid");
        bn_json_i64(json, operation->vmid);
    }
    bn_json_object_end(json);
}

void bn_socketio_put_operation(struct bn_json *json, const struct bn_operation *operation)
{
    const bool is_over = bn_operation_is_over(operation);
    bn_json_object(json);
    bn_socketio_put_text(json, "id", operation->id);
    bn_json_key(json, "connectionId");
    bn_socketio_put_id(json, bn_socketio_target_of(operation));
    put_word(json, "type", operation, "type");
    put_word(json, "status", operation, "status");
    bn_json_key(json, "progress");
    bn_json_i64(json, operation->progress == BN_UNKNOWN ? 0 : operation->progress);
    bn_json_key(json, "message");
    bn_json_text(json, is_over && operation->message[0] ? operation->message : operation->phase);
    bn_socketio_put_text(json, "error", operation->error);
    bn_json_key(json, "startedAt");
    bn_json_time(json, operation->started_at);
    if (operation->completed_at > 0) {
        bn_json_key(json, "completedAt");
        bn_json_time(json, operation->completed_at);
    }
    put_metadata(json, operation);
    bn_socketio_put_text(json, "createdBy", operation->created_by);
    bn_json_object_end(json);
}

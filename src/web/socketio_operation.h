/*
 * socketio_operation: an operation in the words of source 002, camelCase, as Socket.IO tells it.
 */
#pragma once

#include "base/json.h"

#include "model/work.h"

/* What an operation is done on: a target, or the server of a guest; "" for neither. */
const char *bn_socketio_target_of(const struct bn_operation *operation);
/* Ids that are numbers are numbers there; "" is null. */
void bn_socketio_put_id(struct bn_json *json, const char *id);
/* A member, left out when it is "". */
void bn_socketio_put_text(struct bn_json *json, const char *key, const char *text);
/* The whole object. */
void bn_socketio_put_operation(struct bn_json *json, const struct bn_operation *operation);

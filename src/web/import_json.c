#include "web/api_import.h"

/* In the order of enum bn_import_state. */
static const char *const state_words[] = {"ready", "warning", "problem", "duplicate", "unchanged",
        "added", "updated", "skipped"};

#define WHY_MAX 8192 /* the sentences of one row */

static void put_text(struct bn_json *json, const char *name, const char *text)
{
    bn_json_key(json, name);
    bn_json_text(json, text && text[0] ? text : NULL);
}

static void put_number(struct bn_json *json, const char *name, int64_t number)
{
    bn_json_key(json, name);
    if (number == BN_UNKNOWN)
        bn_json_null(json);
    else
        bn_json_i64(json, number);
}

static void put_flag(struct bn_json *json, const char *name, bool flag)
{
    bn_json_key(json, name);
    bn_json_bool(json, flag);
}

static void put_notes(struct bn_json *json, const char *name, const struct bn_import *import,
        const struct bn_import_row *row)
{
    const bool are_warnings = name[0] == 'w';
    bn_json_key(json, name);
    bn_json_array(json);
    for (size_t i = 0; i < row->note_count; i++) {
        const struct bn_import_note *note = &import->notes[row->note_at + i];
        if (note->is_warning != are_warnings)
            continue;
        bn_json_object(json);
        put_text(json, "field", note->err.field);
        put_text(json, "message", note->err.text);
        if (!are_warnings)
            put_text(json, "value", note->has_value ? note->value : NULL);
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static void put_duplicate(struct bn_json *json, const struct bn_import_row *row)
{
    bn_json_key(json, "duplicate_of");
    if (!row->other && row->duplicate_of < 0) {
        bn_json_null(json);
        return;
    }
    bn_json_object(json);
    if (row->duplicate_of >= 0)
        put_number(json, "index", row->duplicate_of);
    else
        put_text(json, "id", row->other->id);
    if (row->duplicate_of < 0)
        put_text(json, "name", row->other->name);
    bn_json_object_end(json);
}

static void put_server(struct bn_json *json, const struct bn_server *server)
{
    put_text(json, "name", server->name);
    put_text(json, "host", server->host);
    put_number(json, "port", server->port);
    put_flag(json, "verify_ssl", server->verify_ssl == 1);
    put_text(json, "fingerprint", server->fingerprint);
    put_text(json, "token_hint", server->token_hint);
    put_flag(json, "vpn_enabled", server->vpn_enabled == 1);
    put_text(json, "vpn_host", server->vpn_host);
    put_number(json, "vpn_port", server->vpn_port);
    put_number(json, "connection_timeout_ms", server->connection_timeout_ms);
    put_flag(json, "is_active", server->is_active == 1);
    put_text(json, "tags", server->tags);
    put_text(json, "site", server->site);
    put_text(json, "notes", server->notes);
}

static void put_row(struct bn_json *json, const struct bn_import *import,
        const struct bn_import_row *row)
{
    bn_json_object(json);
    put_number(json, "index", (int64_t)row->index);
    put_number(json, "line", (int64_t)row->line);
    put_number(json, "line_to", (int64_t)row->line_to);
    put_text(json, "state", state_words[row->state]);
    put_server(json, &row->server);
    put_flag(json, "has_token", row->token[0] != '\0');
    put_notes(json, "errors", import, row);
    put_notes(json, "warnings", import, row);
    put_duplicate(json, row);
    put_text(json, "server_id", row->server.id);
    bn_json_object_end(json);
}

static void put_failed(struct bn_json *json, const struct bn_import *import)
{
    BN_BUF_AUTO why;
    bn_buf_init(&why, WHY_MAX);
    bn_json_key(json, "failed");
    bn_json_array(json);
    for (size_t i = 0; i < import->count; i++) {
        if (!bn_import_fails(import, &import->rows[i]))
            continue;
        bn_buf_reset(&why);
        bn_import_say_why(import, &import->rows[i], &why);
        bn_json_object(json);
        put_number(json, "index", (int64_t)import->rows[i].index);
        put_text(json, "name", import->rows[i].server.name);
        bn_json_key(json, "error");
        bn_json_str(json, bn_buf_str(&why));
        bn_json_object_end(json);
    }
    bn_json_array_end(json);
}

static void put_form(struct bn_json *json, const struct bn_import *import)
{
    const char separator[2] = {import->separator, '\0'};
    bn_json_key(json, "unknown_columns");
    bn_json_array(json);
    for (size_t i = 0; i < import->unknown_count; i++)
        bn_json_text(json, import->unknown[i]);
    bn_json_array_end(json);
    put_text(json, "separator", separator);
    put_number(json, "header_line", (int64_t)import->header_line);
    put_number(json, "header_line_to", (int64_t)import->header_line_to);
}

void bn_import_put(const struct bn_import *import, const struct bn_import_outcome *outcome,
        struct bn_buf *out)
{
    struct bn_json json;
    bn_json_init(&json, out);
    bn_json_object(&json);
    put_number(&json, "success", (int64_t)outcome->success);
    put_failed(&json, import);
    put_text(&json, "message", outcome->message);
    put_text(&json, "refusal", outcome->refusal);
    bn_json_key(&json, "rows");
    bn_json_array(&json);
    for (size_t i = 0; i < import->count; i++)
        put_row(&json, import, &import->rows[i]);
    bn_json_array_end(&json);
    put_number(&json, "slots_left", import->slots_left);
    put_number(&json, "rows_max", BN_IMPORT_ROWS_MAX);
    put_form(&json, import);
    put_text(&json, "undo_id", outcome->undo_id);
    bn_json_key(&json, "undo_until");
    bn_json_time(&json, outcome->undo_id ? outcome->undo_until_ms : 0);
    bn_json_object_end(&json);
}

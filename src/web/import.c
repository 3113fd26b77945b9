#include "web/import.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/secret.h"

#include "web/api_infra.h"
#include "web/server.h"

/* Where a registered server stands. */
struct place {
    UT_hash_handle hh;
    const struct bn_server *server;
    char key[BN_SERVER_PLACE_SIZE];
};

struct judge {
    const struct bn_request *req;
    struct bn_import *import;
    struct place *places; /* one block */
    struct place *by_key;
    struct bn_server_csv_row row;
};

/* --- the registry ---------------------------------------------------------------------------- */

static const struct bn_tenant_live *tenant_of(const struct bn_request *req)
{
    return bn_live_find(&bn_web_hub(req->web)->live, req->who.tenant);
}

/* What is coming counts as what it will be. */
static void list_places(struct judge *judge)
{
    const struct bn_tenant_live *tenant = tenant_of(judge->req);
    const struct bn_table *rows[] = {&tenant->coming[BN_KIND_SERVER],
            &tenant->tables[BN_KIND_SERVER]};
    const size_t most = rows[0]->count + rows[1]->count;
    size_t count = 0;
    judge->places = bn_alloc_array(most + 1, sizeof *judge->places);
    for (size_t i = 0; i < COUNT(rows); i++) {
        bn_table_each(row, rows[i])
        {
            struct place *place = &judge->places[count++];
            struct place *known;
            place->server = (const void *)row->record;
            bn_server_csv_place(place->server, place->key);
            HASH_FIND_STR(judge->by_key, place->key, known);
            if (!known)
                HASH_ADD_STR(judge->by_key, key, place);
        }
    }
    judge->import->slots_left = bn_server_slots_left(judge->req);
}

static const struct bn_server *find_other(const struct judge *judge)
{
    char key[BN_SERVER_PLACE_SIZE];
    struct place *place = NULL;
    if (judge->row.server.host[0] && judge->row.server.port != BN_UNKNOWN) {
        bn_server_csv_place(&judge->row.server, key);
        HASH_FIND_STR(judge->by_key, key, place);
    }
    return place ? place->server : NULL;
}

/* --- notes ----------------------------------------------------------------------------------- */

static struct bn_import_note *add_note(struct judge *judge, struct bn_import_row *row)
{
    struct bn_import *import = judge->import;
    if (import->note_count == import->note_cap) {
        import->note_cap = import->note_cap ? import->note_cap * 2 : 64;
        import->notes = bn_realloc(import->notes, import->note_cap * sizeof *import->notes);
    }
    struct bn_import_note *note = &import->notes[import->note_count++];
    memset(note, 0, sizeof *note);
    row->note_count++;
    return note;
}

static void copy_notes(struct judge *judge, struct bn_import_row *row)
{
    const struct bn_server_csv_row *from = &judge->row;
    row->note_at = judge->import->note_count;
    for (size_t i = 0; i < from->error_count; i++) {
        struct bn_import_note *note = add_note(judge, row);
        note->err = from->errors[i];
        note->has_value = from->wrong[i].p != NULL;
        if (note->has_value)
            bn_text_clip(note->value, sizeof note->value, from->wrong[i]);
    }
    for (size_t i = 0; i < from->warning_count; i++) {
        struct bn_import_note *note = add_note(judge, row);
        note->is_warning = true;
        note->err = from->warnings[i];
    }
}

static bool has_errors(const struct bn_import *import, const struct bn_import_row *row,
        const char *but_field)
{
    for (size_t i = 0; i < row->note_count; i++) {
        const struct bn_import_note *note = &import->notes[row->note_at + i];
        if (!note->is_warning && (!but_field || strcmp(note->err.field, but_field) != 0))
            return true;
    }
    return false;
}

/* --- a row ----------------------------------------------------------------------------------- */

/* What the file gives over what is there; where it stands is what was compared, and stays. */
static void merge(const struct bn_server_csv_row *from, struct bn_server *server)
{
    const size_t host = bn_field_index(&bn_server_type, "host");
    const size_t port = bn_field_index(&bn_server_type, "port");
    const size_t token = bn_field_index(&bn_server_type, "token");
    for (size_t i = 0; i < bn_server_type.field_count; i++) {
        const struct bn_field *field = &bn_server_type.fields[i];
        if ((from->given & BN_BIT(i)) && i != host && i != port && i != token)
            memcpy((char *)server + field->offset, (const char *)&from->server + field->offset,
                    field->size);
    }
    if (from->server.vpn_port != BN_UNKNOWN)
        server->vpn_port = from->server.vpn_port;
}

static void begin_row(struct judge *judge, struct bn_import_row *row)
{
    const struct bn_server_csv_row *from = &judge->row;
    const struct bn_import *import = judge->import;
    row->index = from->index;
    row->line = from->line;
    row->line_to = from->line_to;
    row->duplicate_of = from->duplicate_of;
    row->is_wanted = !import->wanted ||
                     (from->index < BN_CSV_ROWS_MAX &&
                             (import->wanted[from->index / 8] >> from->index % 8 & 1));
    memcpy(row->token, from->token, sizeof row->token);
    if (row->other) {
        row->server = *row->other;
    } else {
        bn_server_set_defaults(&row->server);
        memcpy(row->server.host, from->server.host, sizeof row->server.host);
        row->server.port = from->server.port;
    }
    merge(from, &row->server);
    if (row->token[0])
        bn_token_hint(row->token, row->server.token_hint, sizeof row->server.token_hint);
}

/* The rules of the registry, which the reader of files does not know. */
static void check_hosts(struct judge *judge, struct bn_import_row *row)
{
    const struct bn_server *server = &row->server;
    struct bn_err err;
    if (server->host[0] && !bn_server_check_host(judge->req, "host", server->host, &err))
        add_note(judge, row)->err = err;
    if (server->vpn_host[0] &&
            !bn_server_check_host(judge->req, "vpn_host", server->vpn_host, &err))
        add_note(judge, row)->err = err;
}

static void judge_other(struct judge *judge, struct bn_import_row *row)
{
    const bool has_pin = (judge->row.given &
                                 BN_BIT(bn_field_index(&bn_server_type, "fingerprint"))) != 0;
    struct bn_err err;
    row->state = BN_IMPORT_DUPLICATE;
    const bool is_same_token = !row->token[0] ||
                               bn_server_has_token(judge->req, row->other, row->token);
    if (is_same_token && bn_record_diff(&bn_server_type, row->other, &row->server) == 0)
        row->state = BN_IMPORT_UNCHANGED;
    else if (judge->import->on_duplicate == BN_DUPLICATE_UPDATES &&
             !bn_server_judge_change(row->other, &row->server, row->token[0], has_pin, &err)) {
        add_note(judge, row)->err = err;
        row->state = BN_IMPORT_PROBLEM;
    }
}

static void judge_row(struct judge *judge, struct bn_import_row *row)
{
    struct bn_import *import = judge->import;
    row->other = find_other(judge);
    if (row->other)
        bn_server_csv_keep_token(&judge->row);
    begin_row(judge, row);
    copy_notes(judge, row);
    check_hosts(judge, row);
    if (row->duplicate_of >= 0)
        row->state = has_errors(import, row, "host") ? BN_IMPORT_PROBLEM : BN_IMPORT_DUPLICATE;
    else if (has_errors(import, row, NULL))
        row->state = BN_IMPORT_PROBLEM;
    else if (row->other)
        judge_other(judge, row);
    else
        row->state = row->note_count > 0 ? BN_IMPORT_WARNING : BN_IMPORT_READY;
    import->new_count += row->is_wanted && !row->other;
}

/* --- the file -------------------------------------------------------------------------------- */

static bool check_edits(const struct bn_server_csv *csv, struct bn_err *err)
{
    const size_t lost = csv->edits_lost + csv->edit_count - csv->edits_used;
    return lost == 0 || bn_fail_field(err, "edits", "%zu of the edits belong to no row", lost);
}

static void copy_form(const struct bn_server_csv *csv, struct bn_import *import)
{
    import->separator = csv->separator;
    import->header_line = csv->header_line;
    import->header_line_to = csv->header_line_to;
    import->unknown_count = csv->unknown_count;
    memcpy(import->unknown, csv->unknown, sizeof import->unknown);
}

static bool judge_rows(struct judge *judge, struct bn_server_csv *csv, struct bn_err *err)
{
    struct bn_import *import = judge->import;
    csv->edits = import->edits;
    csv->edit_count = import->edit_count;
    csv->wanted = import->wanted;
    import->rows = bn_alloc_array(csv->rows, sizeof *import->rows);
    while (bn_server_csv_next(csv, &judge->row))
        judge_row(judge, &import->rows[import->count++]);
    return check_edits(csv, err);
}

bool bn_import_judge(const struct bn_request *req, struct bn_import *import, struct bn_err *err)
{
    struct judge *judge = bn_alloc(sizeof *judge);
    struct bn_server_csv csv;
    judge->req = req;
    judge->import = import;
    bool is_good = bn_server_csv_open(&csv, import->csv, BN_CSV_ROWS_MAX, err);
    if (is_good && csv.rows > BN_IMPORT_ROWS_MAX) {
        bn_fail(err, BN_E_TOO_BIG, "Cannot import %zu servers: a file may have %d rows.", csv.rows,
                BN_IMPORT_ROWS_MAX);
        bn_server_csv_close(&csv);
        is_good = false;
    } else if (is_good) {
        list_places(judge);
        copy_form(&csv, import);
        is_good = judge_rows(judge, &csv, err);
        bn_server_csv_close(&csv);
    }
    HASH_CLEAR(hh, judge->by_key);
    free(judge->places);
    bn_wipe(&judge->row, sizeof judge->row);
    free(judge);
    return is_good;
}

void bn_import_finish(struct bn_import *import)
{
    if (import->rows)
        bn_wipe(import->rows, import->count * sizeof *import->rows);
    free(import->rows);
    free(import->notes);
    import->rows = NULL;
    import->notes = NULL;
    import->count = import->note_count = import->note_cap = 0;
}

/* --- what follows ---------------------------------------------------------------------------- */

bool bn_import_has_room(const struct bn_import *import, struct bn_err *err)
{
    return (int64_t)import->new_count <= import->slots_left ||
           bn_fail(err, BN_E_CONFLICT, "Cannot import %zu servers. Only %lld slots remaining.",
                   import->new_count, (long long)import->slots_left);
}

bool bn_import_is_good(const struct bn_import *import, const struct bn_import_row *row)
{
    return row->is_wanted && (row->state == BN_IMPORT_READY || row->state == BN_IMPORT_WARNING ||
                                     (row->state == BN_IMPORT_DUPLICATE && row->duplicate_of < 0 &&
                                             import->on_duplicate == BN_DUPLICATE_UPDATES));
}

bool bn_import_fails(const struct bn_import *import, const struct bn_import_row *row)
{
    if (!row->is_wanted)
        return false;
    return row->state == BN_IMPORT_PROBLEM ||
           (row->state == BN_IMPORT_DUPLICATE &&
                   (row->duplicate_of >= 0 || import->on_duplicate == BN_DUPLICATE_FAILS));
}

void bn_import_say_why(const struct bn_import *import, const struct bn_import_row *row,
        struct bn_buf *out)
{
    for (size_t i = 0; i < row->note_count; i++) {
        const struct bn_import_note *note = &import->notes[row->note_at + i];
        if (!note->is_warning)
            bn_buf_printf(out, "%s%s", out->len ? "; " : "", note->err.text);
    }
    if (out->len == 0)
        bn_buf_printf(out, "%s:%lld already exists, as \"%s\"", row->other->host,
                (long long)row->other->port, row->other->name);
}

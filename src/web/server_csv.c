#include "web/server_csv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/secret.h"

#include "io/tls_peer.h"
#include "model/endpoint.h"

#define DEFAULT_PORT 8006
#define BACKUP_PORT  8007 /* of Proxmox Backup Server, whose API is another */
#define SECRET_LEN   36   /* a UUID */

struct bn_server_csv_place {
    UT_hash_handle hh;
    size_t index;
    size_t line;
    char key[]; /* host in small letters, port */
};

enum column {
    NAME,
    HOST,
    TOKEN,
    PORT,
    VERIFY,
    FINGERPRINT,
    TAGS,
    SITE,
    NOTES,
    VPN_ENABLED,
    VPN_HOST,
    VPN_PORT,
    TIMEOUT,
    ENABLED,
    REMARK, /* "error": what an earlier import said; for people */
    COLUMNS,
};

_Static_assert(COLUMNS == BN_SERVER_CSV_COLUMNS, "the header says how many");

static const struct {
    const char *name;
    const char *alias; /* of source 001 */
    const char *field; /* of bn_server */
} columns[COLUMNS] = {
        [NAME] = {"name", NULL, "name"},
        [HOST] = {"host", NULL, "host"},
        [TOKEN] = {"api_token", NULL, "token"},
        [PORT] = {"port", NULL, "port"},
        [VERIFY] = {"verify_ssl", NULL, "verify_ssl"},
        [FINGERPRINT] = {"fingerprint", NULL, "fingerprint"},
        [TAGS] = {"tags", NULL, "tags"},
        [SITE] = {"site", NULL, "site"},
        [NOTES] = {"notes", NULL, "notes"},
        [VPN_ENABLED] = {"vpn_enabled", "use_tailscale", "vpn_enabled"},
        [VPN_HOST] = {"vpn_host", "tailscale_hostname", "vpn_host"},
        [VPN_PORT] = {"vpn_port", "tailscale_port", "vpn_port"},
        [TIMEOUT] = {"connection_timeout", NULL, "connection_timeout_ms"},
        [ENABLED] = {"enabled", NULL, "is_active"},
        [REMARK] = {"error", NULL, NULL},
};

static enum column column_find(struct bn_str name)
{
    enum column i = 0;
    while (i < COLUMNS && !bn_str_is_nocase(name, columns[i].name) &&
            !(columns[i].alias && bn_str_is_nocase(name, columns[i].alias)))
        i++;
    return i;
}

const char *bn_server_csv_column_name(size_t column)
{
    return column < REMARK ? columns[column].name : NULL;
}

bool bn_server_csv_column(struct bn_str name, uint8_t *out)
{
    const enum column column = column_find(bn_str_trim(name));
    *out = (uint8_t)column;
    return column < REMARK;
}

/* How a value came: blanks around a bare one mean nothing, and what a person typed into the page
   was not guarded by anybody. */
enum how { BARE, QUOTED, TYPED };

/* A row being read: what two cells say together is judged when all are known. */
struct draft {
    struct bn_server_csv_row *row;
    struct bn_endpoint host;
    struct bn_endpoint vpn;
    int64_t port; /* 0: not given */
    int64_t vpn_port;
};

/* How much of a wrong value stands in its sentence. */
struct shown {
    char text[48];
};

#define SHOWN(from) shown(from).text

static struct shown shown(struct bn_str text)
{
    struct shown out = {""};
    bn_text_clip(out.text, sizeof out.text, text);
    return out;
}

/* --- the file as a whole --------------------------------------------------------------------- */

/* The next row, also the last one without its line end. *raw is where it stands in the file. */
static enum bn_csv_event next_row(struct bn_server_csv *csv, struct bn_str *raw)
{
    enum bn_csv_event event;
    struct bn_str text = {csv->file.p + csv->at, csv->file.len - csv->at};
    const size_t used = bn_csv_parse(&csv->csv, text.p, text.len, &event);
    csv->at += used;
    if (event == BN_CSV_MORE)
        event = bn_csv_end(&csv->csv);
    text.len = used;
    while (text.len && (text.p[0] == '\n' || text.p[0] == '\r')) {
        text.p++;
        text.len--;
    }
    while (text.len && (text.p[text.len - 1] == '\n' || text.p[text.len - 1] == '\r'))
        text.len--;
    *raw = text;
    return event;
}

static bool is_empty_row(const struct bn_csv_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (bn_str_trim(row->field[i]).len)
            return false;
    return true;
}

/* "sep=;" on the first line: how Excel is told the separator. */
static bool is_separator_line(const struct bn_csv_row *row)
{
    return row->count == 2 && row->quoted == 0 && bn_str_is_nocase(row->field[0], "sep=") &&
           row->field[1].len == 0;
}

static bool read_columns(struct bn_server_csv *csv, uint32_t *found, struct bn_err *err)
{
    const struct bn_csv_row *row = &csv->csv.row;
    csv->column_count = row->count;
    for (size_t i = 0; i < row->count; i++) {
        const struct bn_str name = bn_str_trim(row->field[i]);
        const enum column column = column_find(name);
        csv->column[i] = (uint8_t)column;
        if (column == COLUMNS) {
            char *unknown = csv->unknown[csv->unknown_count++];
            bn_text_clip(unknown, sizeof csv->unknown[0], name);
        } else if (column != REMARK && *found >> column & 1) {
            return bn_fail_field(err, columns[column].name, "line %zu: column %s stands twice",
                    row->line, columns[column].name);
        } else {
            *found |= 1u << column;
        }
    }
    return true;
}

static bool read_header(struct bn_server_csv *csv, struct bn_err *err)
{
    uint32_t found = 0;
    enum bn_csv_event event = next_row(csv, &csv->header);
    if (event == BN_CSV_ROW && is_separator_line(&csv->csv.row))
        event = next_row(csv, &csv->header);
    if (event == BN_CSV_BAD) {
        *err = csv->csv.err;
        return false;
    }
    if (event == BN_CSV_MORE)
        return bn_fail(err, BN_E_INVALID, "the file is empty: it needs a header and a row");
    if (!read_columns(csv, &found, err))
        return false;
    char missing[40] = "";
    for (enum column i = NAME; i <= TOKEN; i++)
        if (!(found >> i & 1)) {
            const size_t len = strlen(missing);
            snprintf(missing + len, sizeof missing - len, "%s%s", len ? ", " : "", columns[i].name);
        }
    csv->separator = csv->csv.separator;
    csv->header_line = csv->csv.row.line;
    csv->header_line_to = csv->csv.line - (csv->at > 0 && csv->file.p[csv->at - 1] == '\n');
    return !missing[0] ||
           bn_fail(err, BN_E_INVALID, "line %zu: the header lacks %s", csv->csv.row.line, missing);
}

static bool count_rows(struct bn_server_csv *csv, size_t rows_max, struct bn_err *err)
{
    struct bn_str raw;
    enum bn_csv_event event;
    while ((event = next_row(csv, &raw)) == BN_CSV_ROW)
        csv->rows += !is_empty_row(&csv->csv.row);
    if (event == BN_CSV_BAD) {
        *err = csv->csv.err;
        return false;
    }
    if (csv->rows == 0)
        return bn_fail(err, BN_E_INVALID, "the file holds no row after its header");
    return csv->rows <= rows_max ||
           bn_fail(err, BN_E_CONFLICT, "Cannot import %zu servers. Only %zu slots remaining.",
                   csv->rows, rows_max);
}

static void begin(struct bn_server_csv *csv, struct bn_str file)
{
    *csv = (struct bn_server_csv){.file = file};
    if (!file.p)
        csv->file = BN_STR("");
    bn_csv_init(&csv->csv);
    for (enum column i = 0; i < COLUMNS; i++)
        if (columns[i].field)
            csv->bit[i] = BN_BIT(bn_field_index(&bn_server_type, columns[i].field));
}

bool bn_server_csv_open(struct bn_server_csv *csv, struct bn_str file, size_t rows_max,
        struct bn_err *err)
{
    struct bn_err why = {.code = BN_E_OK};
    begin(csv, file);
    if (!read_header(csv, &why) || !count_rows(csv, rows_max, &why)) {
        bn_server_csv_close(csv);
        if (err)
            *err = why;
        return false;
    }
    const size_t rows = csv->rows;
    bn_csv_finish(&csv->csv);
    begin(csv, file);
    csv->rows = rows;
    const bool is_same = read_header(csv, &why);
    assert(is_same); /* it was read a moment ago */
    (void)is_same;
    return true;
}

void bn_server_csv_close(struct bn_server_csv *csv)
{
    struct bn_server_csv_place *place = csv->places;
    HASH_CLEAR(hh, csv->places);
    while (place) {
        struct bn_server_csv_place *next = place->hh.next;
        free(place);
        place = next;
    }
    bn_wipe(csv->unknown, sizeof csv->unknown); /* a file without a header has tokens there */
    bn_csv_finish(&csv->csv);
}

/* --- cells ----------------------------------------------------------------------------------- */

/* False when there is nothing in it. What stood in quotes keeps its blanks. */
static bool read_text(struct bn_str cell, enum how how, const char *name, char *out, size_t size,
        struct bn_err *err)
{
    const bool is_prose = strcmp(name, "notes") == 0;
    struct bn_str text = how == QUOTED ? cell : bn_str_trim(cell);
    if (how != TYPED)
        text = bn_csv_unguard(text);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if ((c < 0x20 && !(is_prose && strchr("\t\r\n", c))) || c == 0x7F)
            return bn_fail_field(err, name, "%s must not hold the control character 0x%02X", name,
                    c);
    }
    return bn_text_copy(out, size, text) ||
           bn_fail_field(err, name, "%s must have at most %zu bytes, got %zu", name, size - 1,
                   text.len);
}

static bool read_bool(struct bn_str text, const char *name, int64_t *out, struct bn_err *err)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (bn_str_is_nocase(text, words[i])) {
            *out = i % 2;
            return true;
        }
    return bn_fail_field(err, name, "%s must be true, false, yes, no, 1 or 0, got \"%s\"", name,
            SHOWN(text));
}

static bool read_port(struct bn_str text, const char *name, int64_t *out, struct bn_err *err)
{
    return bn_parse_i64(text, 1, 65535, out) ||
           bn_fail_field(err, name, "%s must be 1..65535, got \"%s\"", name, SHOWN(text));
}

/* Seconds, perhaps with up to three decimals: the registry keeps milliseconds. */
static bool read_timeout(struct bn_str text, const char *name, int64_t *out, struct bn_err *err)
{
    struct bn_str rest = text;
    const struct bn_str whole = bn_str_cut(&rest, '.');
    int64_t seconds;
    int64_t part = 0;
    bool is_good = bn_parse_i64(whole, 5, 120, &seconds);
    if (rest.p) {
        is_good = is_good && rest.len <= 3 && bn_parse_i64(rest, 0, 999, &part);
        for (size_t i = rest.len; i < 3; i++)
            part *= 10;
    }
    if (!is_good || (seconds == 120 && part > 0))
        return bn_fail_field(err, name, "%s must be 5..120 seconds, got \"%s\"", name, SHOWN(text));
    *out = seconds * 1000 + part;
    return true;
}

static bool read_fingerprint(struct bn_str text, const char *name, char out[BN_FINGERPRINT_SIZE],
        struct bn_err *err)
{
    char copy[BN_FINGERPRINT_SIZE];
    return (bn_text_copy(copy, sizeof copy, text) && bn_fingerprint_read(copy, out)) ||
           bn_fail_field(err, name, "%s must be a SHA-256 of 32 pairs, like AA:BB:…, got \"%s\"",
                   name, SHOWN(text));
}

/* A column too many or too few puts the token where it would be shown. */
static bool is_token(struct bn_str text)
{
    char token[BN_TOKEN_MAX];
    const bool is_one = bn_token_read(text, token, sizeof token, NULL);
    bn_wipe(token, sizeof token);
    return is_one;
}

/* A wrong value is shown so that it can be corrected where it stands; never what may be, or hold,
   a token. */
static bool may_be_shown(struct bn_str text)
{
    const char *bang = text.len ? memchr(text.p, '!', text.len) : NULL;
    return !bang || !memchr(bang, '=', text.len - (size_t)(bang - text.p));
}

/* Whose sentences show nothing of the text. */
static bool is_prose(enum column column)
{
    return column == NAME || column == TAGS || column == SITE || column == NOTES;
}

static bool read_cell(struct draft *draft, enum column column, struct bn_str cell, enum how how,
        struct bn_err *err)
{
    struct bn_server *server = &draft->row->server;
    const char *name = columns[column].name;
    const struct bn_str text = bn_str_trim(cell);
    if (column != TOKEN && (is_token(text) || (!is_prose(column) && !may_be_shown(text))))
        return bn_fail_field(err, name, "%s holds an API token: are the columns in order?", name);
    switch (column) {
    case NAME: return read_text(cell, how, name, server->name, sizeof server->name, err);
    case TAGS: return read_text(cell, how, name, server->tags, sizeof server->tags, err);
    case SITE: return read_text(cell, how, name, server->site, sizeof server->site, err);
    case NOTES: return read_text(cell, how, name, server->notes, sizeof server->notes, err);
    case HOST: return bn_endpoint_read(text, name, &draft->host, err);
    case VPN_HOST: return bn_endpoint_read(text, name, &draft->vpn, err);
    case TOKEN: return bn_token_read(text, draft->row->token, sizeof draft->row->token, err);
    case PORT: return read_port(text, name, &draft->port, err);
    case VPN_PORT: return read_port(text, name, &draft->vpn_port, err);
    case VERIFY: return read_bool(text, name, &server->verify_ssl, err);
    case VPN_ENABLED: return read_bool(text, name, &server->vpn_enabled, err);
    case ENABLED: return read_bool(text, name, &server->is_active, err);
    case FINGERPRINT: return read_fingerprint(text, name, server->fingerprint, err);
    case TIMEOUT: return read_timeout(text, name, &server->connection_timeout_ms, err);
    default: return true;
    }
}

/* --- a row ----------------------------------------------------------------------------------- */

static struct bn_err *add_error(struct bn_server_csv_row *row)
{
    assert(row->error_count < BN_SERVER_CSV_NOTES_MAX);
    return &row->errors[row->error_count++];
}

static void add_warning(struct bn_server_csv_row *row, enum column column, const char *text)
{
    assert(row->warning_count < BN_SERVER_CSV_NOTES_MAX);
    bn_fail_field(&row->warnings[row->warning_count++], columns[column].name, "%s", text);
}

static bool has_error(const struct bn_server_csv_row *row, enum column column)
{
    for (size_t i = 0; i < row->error_count; i++)
        if (strcmp(row->errors[i].field, columns[column].name) == 0)
            return true;
    return false;
}

static void clear_row(struct bn_server_csv_row *row)
{
    bn_wipe(row->token, sizeof row->token);
    memset(&row->server, 0, sizeof row->server);
    bn_record_clear(&bn_server_type, &row->server);
    row->server.verify_ssl = 1;
    row->server.is_active = 1;
    row->given = 0;
    row->duplicate_of = -1;
    row->error_count = 0;
    row->warning_count = 0;
    memset(row->wrong, 0, sizeof row->wrong);
}

static void take_cell(const struct bn_server_csv *csv, struct draft *draft, enum column column,
        struct bn_str cell, enum how how)
{
    struct bn_server_csv_row *row = draft->row;
    struct bn_err err = {.code = BN_E_OK};
    if (column >= REMARK || bn_str_trim(cell).len == 0)
        return;
    row->given |= csv->bit[column];
    if (read_cell(draft, column, cell, how, &err))
        return;
    if (column != TOKEN && may_be_shown(cell))
        row->wrong[row->error_count] = cell;
    *add_error(row) = err;
}

static bool is_edited(const struct bn_server_csv_edit *edits, size_t count, enum column column)
{
    for (size_t i = 0; i < count; i++)
        if (edits[i].column == column)
            return true;
    return false;
}

/* Those of this row, which are the next: both are in the order of the file. */
static size_t take_edits(struct bn_server_csv *csv, size_t index,
        const struct bn_server_csv_edit **out)
{
    size_t count = 0;
    while (csv->edits_used < csv->edit_count && csv->edits[csv->edits_used].index < index) {
        csv->edits_used++;
        csv->edits_lost++;
    }
    *out = csv->edits + csv->edits_used;
    while (csv->edits_used + count < csv->edit_count && (*out)[count].index == index)
        count++;
    csv->edits_used += count;
    return count;
}

static void read_cells(const struct bn_server_csv *csv, struct draft *draft,
        const struct bn_server_csv_edit *edits, size_t count)
{
    const struct bn_csv_row *cells = &csv->csv.row;
    const size_t columns_known = cells->count == csv->column_count ? cells->count : 0;
    for (size_t i = 0; i < columns_known; i++) {
        const enum column column = csv->column[i];
        if (!is_edited(edits, count, column))
            take_cell(csv, draft, column, cells->field[i], cells->quoted >> i & 1 ? QUOTED : BARE);
    }
    for (size_t i = 0; i < count; i++)
        if (!is_edited(edits + i + 1, count - i - 1, edits[i].column))
            take_cell(csv, draft, edits[i].column, edits[i].value, TYPED);
}

static void want_required(const struct bn_server_csv *csv, struct bn_server_csv_row *row)
{
    for (enum column i = NAME; i <= TOKEN; i++)
        if (!(row->given & csv->bit[i]))
            bn_fail_field(add_error(row), columns[i].name,
                    i == TOKEN ? "%s is needed, form USER@REALM!TOKENID=SECRET" : "%s is needed",
                    columns[i].name);
}

/* A port may stand in its own cell, behind the host, or in both when they agree. */
static int64_t settle_port(struct bn_server_csv_row *row, const struct bn_endpoint *host,
        int64_t port, enum column column)
{
    if (port && host->port && port != host->port)
        bn_fail_field(add_error(row), columns[column].name, "%s says %lld, %s says %lld",
                columns[column].name, (long long)port,
                columns[column == PORT ? HOST : VPN_HOST].name, (long long)host->port);
    return port ? port : host->port ? host->port : DEFAULT_PORT;
}

static void settle_places(struct draft *draft)
{
    struct bn_server_csv_row *row = draft->row;
    struct bn_server *server = &row->server;
    memcpy(server->host, draft->host.host, sizeof server->host);
    memcpy(server->vpn_host, draft->vpn.host, sizeof server->vpn_host);
    server->port = settle_port(row, &draft->host, draft->port, PORT);
    if (server->vpn_host[0] || draft->vpn_port)
        server->vpn_port = settle_port(row, &draft->vpn, draft->vpn_port, VPN_PORT);
    if (server->vpn_enabled && !server->vpn_host[0] && !has_error(row, VPN_HOST))
        bn_fail_field(add_error(row), "vpn_host", "vpn_host is needed where vpn_enabled is true");
}

static void warn(struct bn_server_csv_row *row)
{
    const char *secret = strrchr(row->token, '=');
    const size_t len = secret ? strlen(secret + 1) : SECRET_LEN;
    char text[BN_ERR_TEXT_MAX];
    if (len != SECRET_LEN) {
        snprintf(text, sizeof text,
                "the secret of api_token has %zu characters where Proxmox VE makes %d: was it cut?",
                len, SECRET_LEN);
        add_warning(row, TOKEN, text);
    }
    if (row->server.port == BACKUP_PORT)
        add_warning(row, PORT,
                "8007 is the port of Proxmox Backup Server; Proxmox VE listens on 8006");
    if (!row->server.verify_ssl && !row->server.fingerprint[0])
        add_warning(row, VERIFY,
                "the certificate of the first contact is shown and must be confirmed");
}

static void find_duplicate(struct bn_server_csv *csv, struct bn_server_csv_row *row)
{
    char key[BN_SERVER_PLACE_SIZE];
    struct bn_server_csv_place *place;
    bn_server_csv_place(&row->server, key);
    HASH_FIND_STR(csv->places, key, place);
    if (place) {
        row->duplicate_of = (int64_t)place->index;
        bn_fail_field(add_error(row), "host", "the same host and port as row %zu (line %zu)",
                place->index + 1, place->line);
        return;
    }
    const size_t size = strlen(key) + 1;
    place = bn_alloc(sizeof *place + size);
    *place = (struct bn_server_csv_place){.index = row->index, .line = row->line};
    memcpy(place->key, key, size);
    HASH_ADD_STR(csv->places, key, place);
}

static bool is_wanted(const struct bn_server_csv *csv, size_t index)
{
    return !csv->wanted || (index < BN_CSV_ROWS_MAX && (csv->wanted[index / 8] >> index % 8 & 1));
}

static void judge_row(struct bn_server_csv *csv, struct bn_server_csv_row *row)
{
    struct draft draft = {.row = row};
    const size_t count = csv->csv.row.count;
    const struct bn_server_csv_edit *edits;
    const size_t edit_count = take_edits(csv, row->index, &edits);
    if (count != csv->column_count && edit_count == 0) {
        bn_fail(add_error(row), BN_E_INVALID, "the row has %zu fields where the header has %zu",
                count, csv->column_count);
        return; /* which value belongs to which column is not known */
    }
    read_cells(csv, &draft, edits, edit_count);
    want_required(csv, row);
    settle_places(&draft);
    if (row->server.host[0] && !has_error(row, PORT) && is_wanted(csv, row->index))
        find_duplicate(csv, row);
    warn(row);
}

static size_t last_line(size_t line, struct bn_str raw)
{
    for (size_t i = 0; i < raw.len; i++)
        line += raw.p[i] == '\n';
    return line;
}

bool bn_server_csv_next(struct bn_server_csv *csv, struct bn_server_csv_row *row)
{
    while (next_row(csv, &row->raw) == BN_CSV_ROW) {
        row->index = csv->index++;
        if (is_empty_row(&csv->csv.row))
            continue;
        row->line = csv->csv.row.line;
        row->line_to = last_line(row->line, row->raw);
        clear_row(row);
        judge_row(csv, row);
        return true;
    }
    return false;
}

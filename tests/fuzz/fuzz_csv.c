/* Any bytes as a CSV file: the same rows whole, byte by byte and cut by its length; rows written
   again are read again as they were, and no cell begins a formula. The same bytes as a file of
   servers: a row without errors is one the registry takes, and is the same after export and import;
   no sentence holds a token. */
#include <assert.h>

#include "web/server_csv.h"
#include "wire_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct wire_log *log, const uint8_t *data, size_t size, size_t step)
{
    struct bn_csv csv;
    bool is_good = true;
    bn_csv_init(&csv);
    wire_log_init(log);
    for (size_t n, at = 0; at < size && is_good; at += n) {
        n = BN_MIN(step, size - at);
        is_good = wire_log_csv(log, &csv, (const char *)data + at, n);
    }
    if (is_good)
        wire_log_csv_end(log, &csv);
    bn_csv_finish(&csv);
}

static void check_cuts(const uint8_t *data, size_t size)
{
    const size_t steps[] = {1, 2 + size % 7};
    struct wire_log whole;
    run(&whole, data, size, size);
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct wire_log cut;
        run(&cut, data, size, steps[i]);
        assert(whole.text.len == cut.text.len);
        assert(!whole.text.len || memcmp(whole.text.p, cut.text.p, whole.text.len) == 0);
        bn_buf_finish(&cut.text);
    }
    bn_buf_finish(&whole.text);
}

/* Reads the row that stands alone in file and compares it. */
static void check_row(const struct bn_csv_row *row, const struct bn_buf *file)
{
    struct bn_csv csv;
    enum bn_csv_event event;
    bn_csv_init(&csv);
    const size_t used = bn_csv_parse(&csv, file->p, file->len, &event);
    assert(used == file->len && event == BN_CSV_ROW && csv.row.count == row->count);
    for (size_t i = 0; i < row->count; i++) {
        const struct bn_str field = csv.row.field[i];
        const struct bn_str plain = bn_csv_unguard(field);
        assert(!field.len || !memchr("=+-@\t\r", field.p[0], 6));
        assert(plain.len == row->field[i].len);
        assert(!plain.len || memcmp(plain.p, row->field[i].p, plain.len) == 0);
    }
    bn_csv_finish(&csv);
}

static bool has_field_at_the_limit(const struct bn_csv_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->field[i].len == BN_CSV_FIELD_MAX)
            return true;
    return false;
}

static void check_again(const uint8_t *data, size_t size)
{
    struct bn_csv csv;
    enum bn_csv_event event;
    bn_csv_init(&csv);
    for (size_t used = 0; csv.rows < 50;) {
        used += bn_csv_parse(&csv, (const char *)data + used, size - used, &event);
        if (event == BN_CSV_MORE)
            event = bn_csv_end(&csv);
        if (event != BN_CSV_ROW)
            break;
        if (has_field_at_the_limit(&csv.row))
            continue; /* no room for a guard */
        struct bn_buf file;
        bn_buf_init(&file, 4 << 20);
        struct bn_csv_out out = {.buf = &file};
        for (size_t i = 0; i < csv.row.count; i++)
            bn_csv_text(&out, csv.row.field[i]);
        bn_csv_row_end(&out);
        check_row(&csv.row, &file);
        bn_buf_finish(&file);
    }
    bn_csv_finish(&csv);
}

static void check_notes(const struct bn_server_csv_row *row, const struct bn_err *notes,
        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(notes[i].text[0]);
        assert(bn_utf8_is_valid(notes[i].text, strlen(notes[i].text)));
        assert(!row->token[0] || !strstr(notes[i].text, row->token));
    }
}

/* Also known to the registry, so that the export's empty token is enough. */
static void check_server(struct bn_server_csv_row *row)
{
    static struct bn_server_csv_row again;
    struct bn_server_csv csv;
    struct bn_buf file;
    struct bn_err err = {.code = BN_E_OK};
    bn_text_clip(row->server.id, sizeof row->server.id, BN_STR("s"));
    bool is_good = bn_record_check(&bn_server_type, &row->server, &err);
    assert(is_good);
    row->server.id[0] = 0;
    bn_buf_init(&file, 1 << 20);
    struct bn_csv_out out = {.buf = &file};
    bn_server_csv_write_header(&out);
    bn_server_csv_write(&out, &row->server);
    is_good = bn_server_csv_open(&csv, bn_buf_str(&file), 1, &err);
    assert(is_good);
    is_good = bn_server_csv_next(&csv, &again);
    assert(is_good);
    bn_server_csv_keep_token(&again);
    assert(again.error_count == 0);
    assert(bn_record_diff(&bn_server_type, &row->server, &again.server) == 0);
    bn_server_csv_close(&csv);
    bn_buf_finish(&file);
}

/* What is shown so that it can be corrected is no token. */
static void check_wrong(const struct bn_server_csv_row *row)
{
    char token[BN_TOKEN_MAX];
    for (size_t i = 0; i < row->error_count; i++) {
        const struct bn_str wrong = row->wrong[i];
        assert(!wrong.p || wrong.len > 0);
        assert(!wrong.p || !bn_token_read(bn_str_trim(wrong), token, sizeof token, NULL));
    }
}

#define EDITS_MAX 40

/* What a page sends came through JSON, so it is whole characters: a piece of text without the ones
   cut at its ends. */
static struct bn_str whole_characters(struct bn_str text, size_t at, size_t len)
{
    size_t end = at + BN_MIN(text.len - at, len);
    while (at < end && ((unsigned char)text.p[at] & 0xC0) == 0x80)
        at++;
    while (end > at && end < text.len && ((unsigned char)text.p[end] & 0xC0) == 0x80)
        end--;
    return (struct bn_str){text.p + at, end - at};
}

/* Pieces of the file itself as what a person types, for rows in order. */
static size_t make_edits(struct bn_str text, struct bn_server_csv_edit edits[EDITS_MAX])
{
    size_t count = 0;
    size_t index = 0;
    for (size_t i = 0; i + 2 < text.len && count < EDITS_MAX; i += 3) {
        const unsigned char *p = (const unsigned char *)text.p + i;
        const size_t at = p[1] % text.len;
        index += p[0] & 1;
        edits[count++] = (struct bn_server_csv_edit){.index = index,
                .column = (uint8_t)((p[0] >> 1) % (BN_SERVER_CSV_COLUMNS - 1)),
                .value = whole_characters(text, at, p[2])};
    }
    return count;
}

static void check_servers(struct bn_str text, size_t edit_count,
        const struct bn_server_csv_edit *edits)
{
    static struct bn_server_csv_row row;
    struct bn_server_csv csv;
    struct bn_err err = {.code = BN_E_OK};
    size_t rows = 0;
    if (!bn_server_csv_open(&csv, text, 1000, &err)) {
        assert(err.code != BN_E_OK && err.text[0]);
        return;
    }
    csv.edits = edits;
    csv.edit_count = edit_count;
    while (bn_server_csv_next(&csv, &row)) {
        rows++;
        assert(row.line > 1 && row.duplicate_of < (int64_t)row.index);
        check_notes(&row, row.errors, row.error_count);
        check_notes(&row, row.warnings, row.warning_count);
        check_wrong(&row);
        assert(row.line_to >= row.line);
        if (row.error_count == 0 && rows < 20)
            check_server(&row);
    }
    assert(rows == csv.rows && rows > 0);
    assert(csv.edits_lost <= csv.edits_used && csv.edits_used <= edit_count);
    bn_server_csv_close(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_cuts(data, size);
    check_again(data, size);
    const struct bn_str text = {(const char *)data, size};
    struct bn_server_csv_edit edits[EDITS_MAX];
    check_servers(text, 0, NULL);
    check_servers(text, make_edits(text, edits), edits);
    return 0;
}

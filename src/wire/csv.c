#include "wire/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#include "wire/utf8.h"

#define TEXT_MAX ((size_t)BN_CSV_COLUMNS_MAX * BN_CSV_FIELD_MAX)

enum state {
    FILE_START, /* perhaps within a byte order mark */
    ROW_START,
    REMARK,
    FIELD_START,
    PLAIN,
    QUOTED,
    QUOTE,     /* within QUOTED: the end of it, or half of a quote */
    ROW_CR,    /* after a row's carriage return */
    REMARK_CR, /* after the one of a line that holds no row */
    OVER,
};

static const char byte_order_mark[] = "\xEF\xBB\xBF";

void bn_csv_init(struct bn_csv *csv)
{
    *csv = (struct bn_csv){.line = 1, .utf8 = BN_UTF8_BETWEEN, .state = FILE_START};
    bn_buf_init(&csv->text, TEXT_MAX);
    bn_buf_room(&csv->text, TEXT_MAX);
}

void bn_csv_finish(struct bn_csv *csv)
{
    if (csv->text.p)
        bn_wipe(csv->text.p, BN_MAX(csv->longest, csv->text.len));
    bn_buf_finish(&csv->text);
}

/* --- refusals -------------------------------------------------------------------------------- */

#define refuse(csv, code, ...) refuse_at((csv), (csv)->line, (code), __VA_ARGS__)

static enum bn_csv_event refuse_at(struct bn_csv *csv, size_t line, enum bn_code code,
        const char *fmt, ...) BN_PRINTF(4, 5);

static enum bn_csv_event refuse_at(struct bn_csv *csv, size_t line, enum bn_code code,
        const char *fmt, ...)
{
    char text[BN_ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    bn_fail(&csv->err, code, "line %zu: %s", line, text);
    csv->state = OVER;
    return BN_CSV_BAD;
}

static enum bn_csv_event refuse_cr(struct bn_csv *csv)
{
    return refuse(csv, BN_E_INVALID,
            "a carriage return without a line feed: lines must end in CRLF or LF");
}

static enum bn_csv_event refuse_encoding(struct bn_csv *csv, unsigned char c)
{
    if (c == 0)
        return refuse(csv, BN_E_INVALID, "a NUL byte: this is no CSV file in UTF-8");
    return refuse(csv, BN_E_INVALID, "byte 0x%02X is not UTF-8: save the file as \"CSV UTF-8\"", c);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void begin_row(struct bn_csv *csv)
{
    csv->longest = BN_MAX(csv->longest, csv->text.len);
    bn_buf_reset(&csv->text);
    csv->row.line = csv->line;
    csv->row.quoted = 0;
    csv->column = 0;
    csv->start[0] = 0;
}

static enum bn_csv_event end_row(struct bn_csv *csv)
{
    csv->state = ROW_START;
    if (csv->rows == BN_CSV_ROWS_MAX + 1)
        return refuse_at(csv, csv->row.line, BN_E_TOO_BIG, "more than %d rows after the header",
                BN_CSV_ROWS_MAX);
    csv->rows++;
    if (csv->separator == 0)
        csv->separator = ',';
    csv->row.count = csv->column + 1;
    for (size_t i = 0; i <= csv->column; i++) {
        const size_t end = i < csv->column ? csv->start[i + 1] : csv->text.len;
        csv->row.field[i] = (struct bn_str){csv->text.p + csv->start[i], end - csv->start[i]};
    }
    return BN_CSV_ROW;
}

static bool is_separator(struct bn_csv *csv, char c)
{
    if (csv->separator == 0 && (c == ',' || c == ';' || c == '\t'))
        csv->separator = c;
    return c == csv->separator; /* never 0: NUL was refused */
}

static enum bn_csv_event put(struct bn_csv *csv, char c)
{
    if (csv->text.len - csv->start[csv->column] == BN_CSV_FIELD_MAX)
        return refuse(csv, BN_E_TOO_BIG, "the field in column %zu has more than %d bytes",
                csv->column + 1, BN_CSV_FIELD_MAX);
    csv->text.p[csv->text.len++] = c;
    return BN_CSV_MORE;
}

/* What may follow a field, wherever it ends. */
static enum bn_csv_event after_field(struct bn_csv *csv, char c)
{
    if (c == '\r') {
        csv->state = ROW_CR;
        return BN_CSV_MORE;
    }
    if (c == '\n')
        return end_row(csv);
    if (csv->column + 1 == BN_CSV_COLUMNS_MAX)
        return refuse(csv, BN_E_TOO_BIG, "more than %d columns", BN_CSV_COLUMNS_MAX);
    csv->start[++csv->column] = csv->text.len;
    csv->state = FIELD_START;
    return BN_CSV_MORE;
}

static enum bn_csv_event in_field(struct bn_csv *csv, char c)
{
    if (c == '\r' || c == '\n' || is_separator(csv, c))
        return after_field(csv, c);
    if (c != '"') {
        csv->state = PLAIN;
        return put(csv, c);
    }
    if (csv->state == PLAIN)
        return refuse(csv, BN_E_INVALID,
                "a quote inside column %zu, which does not begin with one: quote the whole field and double the quote",
                csv->column + 1);
    csv->state = QUOTED;
    csv->quote_line = csv->line;
    csv->row.quoted |= UINT64_C(1) << csv->column;
    return BN_CSV_MORE;
}

static enum bn_csv_event at_row_start(struct bn_csv *csv, char c)
{
    if (c == '\n')
        return BN_CSV_MORE;
    if (c == '\r' || (c == '#' && csv->rows == 0)) {
        csv->state = c == '#' ? REMARK : REMARK_CR;
        return BN_CSV_MORE;
    }
    begin_row(csv);
    csv->state = FIELD_START;
    return in_field(csv, c);
}

static enum bn_csv_event after_quote(struct bn_csv *csv, char c)
{
    if (c == '"') {
        csv->state = QUOTED;
        return put(csv, c);
    }
    if (c == '\r' || c == '\n' || is_separator(csv, c))
        return after_field(csv, c);
    return refuse(csv, BN_E_INVALID,
            "column %zu goes on after its closing quote: a quote inside a field is doubled",
            csv->column + 1);
}

static enum bn_csv_event at_file_start(struct bn_csv *csv, char c);

static enum bn_csv_event take(struct bn_csv *csv, char c)
{
    switch (csv->state) {
    case FILE_START: return at_file_start(csv, c);
    case ROW_START: return at_row_start(csv, c);
    case FIELD_START:
    case PLAIN: return in_field(csv, c);
    case QUOTE: return after_quote(csv, c);
    case QUOTED:
        if (c != '"')
            return put(csv, c);
        csv->state = QUOTE;
        return BN_CSV_MORE;
    case REMARK:
        if (c == '\n' || c == '\r')
            csv->state = c == '\n' ? ROW_START : REMARK_CR;
        return BN_CSV_MORE;
    case ROW_CR: return c == '\n' ? end_row(csv) : refuse_cr(csv);
    default: /* REMARK_CR; nothing is taken when it is OVER */
        csv->state = ROW_START;
        return c == '\n' ? BN_CSV_MORE : refuse_cr(csv);
    }
}

/* Bytes that began like a mark and were none are text after all. */
static enum bn_csv_event at_file_start(struct bn_csv *csv, char c)
{
    const size_t held = csv->mark;
    if (c == byte_order_mark[held]) {
        csv->mark++;
        if (csv->mark == 3)
            csv->state = ROW_START;
        return BN_CSV_MORE;
    }
    csv->state = ROW_START;
    for (size_t i = 0; i < held; i++)
        (void)take(csv, byte_order_mark[i]); /* letters: nothing to say */
    return take(csv, c);
}

/* --- bytes ----------------------------------------------------------------------------------- */

static enum bn_csv_event step(struct bn_csv *csv, char c)
{
    if (csv->bytes == BN_CSV_BYTES_MAX)
        return refuse(csv, BN_E_TOO_BIG, "the file has more than %d bytes", BN_CSV_BYTES_MAX);
    if (csv->bytes == 0 && ((unsigned char)c == 0xFF || (unsigned char)c == 0xFE))
        return refuse(csv, BN_E_INVALID, "this looks like UTF-16: save the file as \"CSV UTF-8\"");
    csv->bytes++;
    const bool is_plain = (unsigned char)c < 0x80 && csv->utf8 == BN_UTF8_BETWEEN;
    if (c == 0 || (!is_plain && !bn_utf8_feed(&csv->utf8, &c, 1)))
        return refuse_encoding(csv, (unsigned char)c);
    const enum bn_csv_event event = take(csv, c);
    csv->line += c == '\n';
    return event;
}

size_t bn_csv_parse(struct bn_csv *csv, const char *p, size_t len, enum bn_csv_event *event)
{
    size_t used = 0;
    *event = csv->state == OVER ? BN_CSV_BAD : BN_CSV_MORE;
    while (used < len && *event == BN_CSV_MORE)
        *event = step(csv, p[used++]);
    return used;
}

enum bn_csv_event bn_csv_end(struct bn_csv *csv)
{
    if (csv->state == OVER)
        return BN_CSV_BAD;
    if (csv->utf8 != BN_UTF8_BETWEEN)
        return refuse(csv, BN_E_INVALID, "the file ends in the middle of a character");
    switch (csv->state) {
    case FIELD_START:
    case PLAIN:
    case QUOTE: return end_row(csv);
    case ROW_CR:
    case REMARK_CR: return refuse_cr(csv);
    case QUOTED:
        return refuse_at(csv, csv->quote_line, BN_E_INVALID,
                "the quote that opens column %zu is never closed", csv->column + 1);
    default: return BN_CSV_MORE;
    }
}

/* --- written --------------------------------------------------------------------------------- */

static void begin_field(struct bn_csv_out *out)
{
    if (out->fields++ == 0)
        out->row_at = out->buf->len;
    else
        bn_buf_putc(out->buf, ',');
}

/* Blanks at the ends are quoted because readers trim, '#' and the mark because they mean something
   at the start of a file, separators that are not ours because other spreadsheets split there. */
static bool needs_quotes(struct bn_str text)
{
    if (text.len == 0)
        return false;
    if (strchr(" #", text.p[0]) || text.p[text.len - 1] == ' ' ||
            bn_str_starts(text, byte_order_mark))
        return true;
    for (size_t i = 0; i < text.len; i++)
        if (strchr(",;\t\"\r\n", text.p[i]))
            return true;
    return false;
}

static void put_field(struct bn_csv_out *out, const char *guard, struct bn_str text)
{
    struct bn_buf *buf = out->buf;
    begin_field(out);
    if (!needs_quotes(text)) {
        bn_buf_puts(buf, guard);
        bn_buf_put(buf, text.p, text.len);
        return;
    }
    bn_buf_putc(buf, '"');
    bn_buf_puts(buf, guard);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '"')
            bn_buf_putc(buf, '"');
        bn_buf_putc(buf, text.p[i]);
    }
    bn_buf_putc(buf, '"');
}

/* A formula, or what would read as a guarded one. */
static bool is_formula(struct bn_str text)
{
    size_t i = 0;
    while (i < text.len && text.p[i] == '\'')
        i++;
    return i < text.len && memchr("=+-@\t\r", text.p[i], 6) != NULL;
}

void bn_csv_word(struct bn_csv_out *out, const char *word)
{
    put_field(out, "", bn_str(word));
}

void bn_csv_i64(struct bn_csv_out *out, int64_t number)
{
    begin_field(out);
    bn_buf_put_i64(out->buf, number);
}

void bn_csv_text(struct bn_csv_out *out, struct bn_str text)
{
    put_field(out, is_formula(text) ? "'" : "", text);
}

void bn_csv_row_end(struct bn_csv_out *out)
{
    if (out->fields == 1 && out->buf->len == out->row_at)
        bn_buf_puts(out->buf, "\"\""); /* a line with nothing on it is no row */
    bn_buf_puts(out->buf, "\r\n");
    out->fields = 0;
}

struct bn_str bn_csv_unguard(struct bn_str text)
{
    if (text.len == 0 || text.p[0] != '\'' || !is_formula(text))
        return text;
    return (struct bn_str){text.p + 1, text.len - 1};
}

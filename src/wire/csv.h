/*
 * csv: rows of a CSV file (RFC 4180) as its bytes come, with the lines they began on; and written.
 *
 * Strict where a guess could move a value into another column or row: a quote inside a field that
 * did not begin with one, text after a closing quote, a quote never closed, a carriage return alone
 * and bytes that are not UTF-8 end the reading with a sentence that says the line. Lenient where
 * programs differ without doubt: CRLF or LF, a byte order mark, lines with nothing on them, and
 * lines before the first row that begin with '#', which hold remarks. The separator is the first
 * comma, semicolon or tab outside quotes in the first row.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define BN_CSV_BYTES_MAX   (1 << 20) /* of a file: as many as the body of a request has */
#define BN_CSV_ROWS_MAX    10000     /* after the header: the most servers a tenant may have */
#define BN_CSV_COLUMNS_MAX 64        /* one bit each in `quoted`; our own files have some 15 */
#define BN_CSV_FIELD_MAX   4096      /* bytes; the longest text we keep has 640 */

enum bn_csv_event {
    BN_CSV_MORE, /* all bytes are used */
    BN_CSV_ROW,  /* a row: `row`, until the next call */
    BN_CSV_BAD,  /* no file of ours: `err`; nothing more is read */
};

struct bn_csv_row {
    size_t line; /* on which it begins, from 1 */
    size_t count;
    uint64_t quoted; /* bit i: field i stood in quotes */
    struct bn_str field[BN_CSV_COLUMNS_MAX];
};

struct bn_csv {
    struct bn_csv_row row;
    struct bn_err err;
    char separator; /* 0 until it was seen */

    struct bn_buf text; /* of the row; made once at its full size, so that no copy stays behind */
    size_t longest;     /* row so far: what has to be wiped */
    size_t start[BN_CSV_COLUMNS_MAX]; /* of each field in text */
    size_t column;                    /* the one being read */
    size_t bytes;
    size_t rows;
    size_t line;
    size_t quote_line; /* where the open quote is */
    uint32_t utf8;
    uint8_t state;
    uint8_t mark; /* bytes of a byte order mark seen */
};

void bn_csv_init(struct bn_csv *csv);
void bn_csv_finish(struct bn_csv *csv); /* wipes: rows may hold tokens */
/* Reads up to the end of a row; returns how many bytes it used. */
size_t bn_csv_parse(struct bn_csv *csv, const char *p, size_t len, enum bn_csv_event *event);
/* No more bytes will come: ROW for a last row without its line end, then MORE. */
enum bn_csv_event bn_csv_end(struct bn_csv *csv);

/* --- written --- */

/* Rows into a buffer, separated by commas, ended by CRLF. */
struct bn_csv_out {
    struct bn_buf *buf;
    size_t row_at; /* where in buf the row begins */
    size_t fields; /* of it so far */
};

/* Words of ours: quoted where it must be, never guarded. */
void bn_csv_word(struct bn_csv_out *out, const char *word);
void bn_csv_i64(struct bn_csv_out *out, int64_t number);
/* What strangers wrote. A spreadsheet takes = + - @ TAB CR at the start of a cell for a formula, so
   such a text gets a ' before it; so does one with ' before that, so that the way back is clear. */
void bn_csv_text(struct bn_csv_out *out, struct bn_str text);
void bn_csv_row_end(struct bn_csv_out *out);

/* What bn_csv_text() was given. */
struct bn_str bn_csv_unguard(struct bn_str text);

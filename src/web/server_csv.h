/*
 * server_csv: servers read from a CSV file, row by row with what is wrong with each; and written.
 *
 * A file is judged as a whole first: its form, its header and how many rows it has. Then its rows
 * are read one at a time, so that ten thousand of them need the memory of one. A row of separators
 * alone, as spreadsheets leave behind, is counted and skipped.
 */
#pragma once

#include "model/infra.h"
#include "model/token.h"
#include "wire/csv.h"

#define BN_SERVER_CSV_COLUMNS 15 /* that mean something here */
#define BN_SERVER_CSV_NOTES_MAX                                       \
    (BN_SERVER_CSV_COLUMNS + 3) /* one per cell, and of a row as such \
                                 */

struct bn_server_csv_row {
    size_t index;             /* data row of the file, from 0; blank lines are none */
    size_t line;              /* on which it begins, from 1 */
    size_t line_to;           /* on which it ends: a quoted cell may hold line ends */
    struct bn_str raw;        /* its bytes in the file, without a line end */
    struct bn_server server;  /* without id, token and hint; what was not given is the default */
    char token[BN_TOKEN_MAX]; /* in clear: seal it, then wipe it */
    uint64_t given;           /* a bit per field of bn_server_type whose cell was not empty */
    int64_t duplicate_of;     /* index of the first row with this host and port, or -1 */
    size_t error_count;       /* 0: may be imported */
    size_t warning_count;
    struct bn_err errors[BN_SERVER_CSV_NOTES_MAX]; /* `field` is the column's name */
    struct bn_str wrong[BN_SERVER_CSV_NOTES_MAX];  /* what stood there, until the next row; p NULL
                                                      when it is not to be shown */
    struct bn_err warnings[BN_SERVER_CSV_NOTES_MAX];
};

/* A cell as a person corrected it: it counts instead of what the file says. A row whose cells do
   not match the header consists of its edits alone. */
struct bn_server_csv_edit {
    size_t index; /* of the data row */
    uint8_t column;
    struct bn_str value; /* plain text, not CSV; "": as if nothing stood there */
};

struct bn_server_csv_place; /* a host and port that was read */

struct bn_server_csv {
    size_t rows;          /* after the header, without those skipped */
    struct bn_str header; /* its bytes in the file, with the remarks before it */
    size_t header_line;
    size_t header_line_to;
    char separator;
    size_t unknown_count; /* columns that mean nothing here: a warning each */
    char unknown[BN_CSV_COLUMNS_MAX][48];

    /* Set after open, before the first row; the caller's until close. */
    const struct bn_server_csv_edit *edits; /* by index; of two for one cell the last counts */
    size_t edit_count;
    size_t edits_used;     /* those left after the last row belong to none ... */
    size_t edits_lost;     /* ... and these did neither */
    const uint8_t *wanted; /* a bit per index: the others are no duplicates; NULL: all */

    struct bn_csv csv;
    struct bn_str file; /* the caller's, until close */
    size_t at;
    size_t index;
    size_t column_count;
    uint8_t column[BN_CSV_COLUMNS_MAX];
    uint64_t bit[BN_SERVER_CSV_COLUMNS];
    struct bn_server_csv_place *places;
};

/* Reads the whole file once. rows_max: free slots, or more for a preview. False: a file that cannot
   be read, lacks a column or has too many rows; nothing of it may be imported, nothing to close. */
BN_MUST_CHECK bool bn_server_csv_open(struct bn_server_csv *csv, struct bn_str file,
        size_t rows_max, struct bn_err *err);
void bn_server_csv_close(struct bn_server_csv *csv);
/* False: no more rows. */
bool bn_server_csv_next(struct bn_server_csv *csv, struct bn_server_csv_row *row);

/* The registry has this host and port, so that an empty api_token means the one it has: the error
   that it is needed goes. Exports hold no tokens. */
void bn_server_csv_keep_token(struct bn_server_csv_row *row);

/* False: no column of ours, or one for people only. */
bool bn_server_csv_column(struct bn_str name, uint8_t *out);
const char *bn_server_csv_column_name(size_t column); /* NULL behind the last */

/* Host and port as one text: names are the same in capitals, addresses in every spelling. */
#define BN_SERVER_PLACE_SIZE 280
void bn_server_csv_place(const struct bn_server *server, char out[BN_SERVER_PLACE_SIZE]);

/* Every column that is read, api_token empty. */
void bn_server_csv_write_header(struct bn_csv_out *out);
void bn_server_csv_write(struct bn_csv_out *out, const struct bn_server *server);

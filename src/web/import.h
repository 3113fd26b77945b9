/*
 * import: servers of a CSV file beside those of the registry; what each row would change, and why
 * not.
 *
 * Judging changes nothing. Tokens are in clear between judging and finishing, which wipes them.
 */
#pragma once

#include "web/route.h"
#include "web/server_csv.h"

enum bn_import_state {
    BN_IMPORT_READY,
    BN_IMPORT_WARNING,   /* may be imported all the same */
    BN_IMPORT_PROBLEM,   /* may not */
    BN_IMPORT_DUPLICATE, /* of a registered server, or of an earlier row */
    BN_IMPORT_UNCHANGED, /* the registry says the same */
    BN_IMPORT_ADDED,
    BN_IMPORT_UPDATED,
    BN_IMPORT_SKIPPED,
};

enum bn_on_duplicate { BN_DUPLICATE_FAILS, BN_DUPLICATE_SKIPPED, BN_DUPLICATE_UPDATES };

/* What is to be said of one cell, or of the row as such (field ""). */
struct bn_import_note {
    bool is_warning;
    bool has_value;
    struct bn_err err;
    char value[64]; /* what stood there, shortened */
};

struct bn_import_row {
    size_t index; /* as in struct bn_server_csv_row, and so are the next two */
    size_t line;
    size_t line_to;
    enum bn_import_state state;
    bool is_wanted;
    struct bn_server server;       /* as it would be; a new one has no id yet */
    const struct bn_server *other; /* registered there; until the next turn */
    int64_t duplicate_of;          /* row of the file, or -1 */
    char token[BN_TOKEN_MAX];      /* in clear; "": none was given */
    size_t note_at;
    size_t note_count;
};

struct bn_import {
    /* What is asked: set by the caller, whose memory it stays. */
    struct bn_str csv;
    const struct bn_server_csv_edit *edits;
    size_t edit_count;
    const uint8_t *wanted; /* a bit per index below BN_CSV_ROWS_MAX; NULL: all */
    enum bn_on_duplicate on_duplicate;

    /* What was found. */
    struct bn_import_row *rows;
    size_t count;
    struct bn_import_note *notes;
    size_t note_count;
    size_t note_cap;
    char separator;
    size_t header_line;
    size_t header_line_to;
    size_t unknown_count;
    char unknown[BN_CSV_COLUMNS_MAX][48];
    int64_t slots_left; /* before anything of it is added */
    size_t new_count;   /* wanted rows that no registered server stands for, good or not */
};

/* Loop thread. False: a file that cannot be read, with the sentence. Either way bn_import_finish.
 */
BN_MUST_CHECK bool bn_import_judge(const struct bn_request *req, struct bn_import *import,
        struct bn_err *err);
void bn_import_finish(struct bn_import *import);

/* May all wanted rows be added as far as slots go? The whole file is refused otherwise. */
BN_MUST_CHECK bool bn_import_has_room(const struct bn_import *import, struct bn_err *err);
/* The row will be, or would be, written when the import is done. */
bool bn_import_is_good(const struct bn_import *import, const struct bn_import_row *row);
/* A wanted row that comes to nothing ... */
bool bn_import_fails(const struct bn_import *import, const struct bn_import_row *row);
/* ... and why: all its errors in one text. */
void bn_import_say_why(const struct bn_import *import, const struct bn_import_row *row,
        struct bn_buf *out);

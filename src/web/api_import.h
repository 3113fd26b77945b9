/*
 * api_import: the routes that bring servers in from a CSV file, take them back, and write them out.
 */
#pragma once

#include "web/import.h"

/* --- handlers: api_import.c, api_import_test.c, api_import_undo.c, api_export.c
 * --------------------------------- */

void bn_servers_import(struct bn_request *req);
void bn_servers_import_test(struct bn_request *req);
void bn_servers_import_undo(struct bn_request *req);
void bn_servers_export(struct bn_request *req);
extern const char *const bn_servers_import_query[];
extern const char *const bn_servers_export_query[];

/* --- shared ---------------------------------------------------------------------------------- */

/* A body as import takes it, CSV or JSON with the CSV inside. */
struct bn_import_ask {
    struct bn_import import;
    bool is_dry_run;
    bool all_or_nothing;
    size_t indexes[BN_IMPORT_TESTS_AT_ONCE]; /* of the rows to try */
    size_t index_count;
    bool is_list; /* they came as a list, and the results go as one */
    struct bn_doc *doc;
    struct bn_server_csv_edit *edits;
    uint8_t wanted[(BN_CSV_ROWS_MAX + 7) / 8];
};

/* False: the sentence names what is wrong. Either way bn_import_ask_finish. */
BN_MUST_CHECK bool bn_import_ask_read(const struct bn_request *req, bool is_test,
        struct bn_import_ask *ask, struct bn_err *err);
void bn_import_ask_finish(struct bn_import_ask *ask);

#define BN_IMPORT_ANSWER_MAX (32 << 20) /* 1,000 rows of escapes with a sentence for each cell */

struct bn_import_outcome {
    size_t success; /* written, or in a dry run: would be */
    const char *message;
    const char *refusal; /* of a dry run: why the import will be refused whole; NULL */
    const char *undo_id; /* NULL: nothing to undo */
    int64_t undo_until_ms;
};

/* The whole answer; failed rows are those of bn_import_fails. */
void bn_import_put(const struct bn_import *import, const struct bn_import_outcome *outcome,
        struct bn_buf *out);

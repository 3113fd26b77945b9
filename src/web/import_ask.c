#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#include "web/api_import.h"

const char *const bn_servers_import_query[] = {"dry_run", "on_duplicate", "all_or_nothing", NULL};

/* In the order of enum bn_on_duplicate. */
static const char *const duplicate_words[] = {"error", "skip", "update"};

/* --- words ----------------------------------------------------------------------------------- */

static bool read_flag(const struct bn_request *req, const char *name, bool *out, struct bn_err *err)
{
    const struct bn_str text = bn_query(req, name, "0");
    *out = bn_str_is(text, "1");
    return *out || bn_str_is(text, "0") || bn_fail_field(err, name, "%s must be 0 or 1", name);
}

static bool read_duplicate(struct bn_str word, struct bn_import_ask *ask, struct bn_err *err)
{
    for (size_t i = 0; i < COUNT(duplicate_words); i++)
        if (bn_str_is(word, duplicate_words[i])) {
            ask->import.on_duplicate = (enum bn_on_duplicate)i;
            return true;
        }
    return bn_fail_field(err, "on_duplicate", "on_duplicate must be error, skip or update");
}

/* --- JSON ------------------------------------------------------------------------------------ */

static bool read_index(const struct bn_doc *value, const char *field, size_t *out,
        struct bn_err *err)
{
    int64_t index;
    if (!bn_doc_get_i64(value, &index) || index < 0 || index >= BN_CSV_ROWS_MAX)
        return bn_fail_field(err, field, "%s must be data rows of the file, from 0", field);
    *out = (size_t)index;
    return true;
}

static bool read_only(const struct bn_doc *list, struct bn_import_ask *ask, struct bn_err *err)
{
    size_t index = 0;
    if (!list || bn_doc_is_null(list))
        return true;
    if (!bn_doc_is_list(list))
        return bn_fail_field(err, "only", "only must be a list of data rows of the file, from 0");
    for (size_t i = 0; i < bn_doc_count(list); i++) {
        if (!read_index(bn_doc_item(list, i), "only", &index, err))
            return false;
        ask->wanted[index / 8] |= (uint8_t)(1u << index % 8);
    }
    ask->import.wanted = ask->wanted;
    return true;
}

/* One row by index, or several by indexes. */
static bool read_indexes(struct bn_import_ask *ask, struct bn_err *err)
{
    const struct bn_doc *list = bn_doc_at(ask->doc, "indexes");
    const size_t count = bn_doc_count(list);
    ask->is_list = list != NULL;
    ask->index_count = list ? count : 1;
    if (!list)
        return read_index(bn_doc_at(ask->doc, "index"), "index", &ask->indexes[0], err);
    if (!bn_doc_is_list(list) || count == 0 || count > BN_IMPORT_TESTS_AT_ONCE)
        return bn_fail_field(err, "indexes", "indexes must be a list of 1 to %d data rows",
                BN_IMPORT_TESTS_AT_ONCE);
    for (size_t i = 0; i < count; i++)
        if (!read_index(bn_doc_item(list, i), "indexes", &ask->indexes[i], err))
            return false;
    return true;
}

/* An edit and where it stood in the list: of two for one cell the later counts. */
struct placed {
    struct bn_server_csv_edit edit;
    size_t at;
};

static int in_order(const void *a, const void *b)
{
    const struct placed *one = a;
    const struct placed *other = b;
    if (one->edit.index != other->edit.index)
        return one->edit.index < other->edit.index ? -1 : 1;
    return one->at < other->at ? -1 : 1;
}

static bool read_edit(const struct bn_doc *item, struct bn_server_csv_edit *out, struct bn_err *err)
{
    static const char *const members[] = {"index", "column", "value", NULL};
    struct bn_str column;
    if (!bn_doc_is_object(item) || !bn_doc_only(item, members, err))
        return bn_fail_field(err, "edits", "edits must be a list of {index, column, value}");
    if (!read_index(bn_doc_at(item, "index"), "edits", &out->index, err))
        return false;
    if (!bn_doc_get_text(bn_doc_at(item, "column"), &column) ||
            !bn_server_csv_column(column, &out->column))
        return bn_fail_field(err, "edits",
                "the column of an edit must be one of the file's, like name");
    return bn_doc_get_text(bn_doc_at(item, "value"), &out->value) ||
           bn_fail_field(err, "edits", "the value of an edit must be text");
}

static bool read_edits(const struct bn_doc *list, struct bn_import_ask *ask, struct bn_err *err)
{
    const size_t count = bn_doc_count(list);
    bool is_good = true;
    if (!list || bn_doc_is_null(list))
        return true;
    if (!bn_doc_is_list(list))
        return bn_fail_field(err, "edits", "edits must be a list of {index, column, value}");
    struct placed *placed = bn_alloc_array(count + 1, sizeof *placed);
    ask->edits = bn_alloc_array(count + 1, sizeof *ask->edits);
    for (size_t i = 0; i < count && is_good; i++) {
        placed[i].at = i;
        is_good = read_edit(bn_doc_item(list, i), &placed[i].edit, err);
    }
    qsort(placed, count, sizeof *placed, in_order);
    for (size_t i = 0; i < count; i++)
        ask->edits[i] = placed[i].edit;
    free(placed);
    ask->import.edits = ask->edits;
    ask->import.edit_count = count;
    return is_good;
}

static bool read_how(const struct bn_doc *doc, struct bn_import_ask *ask, struct bn_err *err)
{
    struct bn_str word;
    const struct bn_doc *all = bn_doc_at(doc, "all_or_nothing");
    if (!bn_doc_text_or(doc, "on_duplicate", "error", &word, err) ||
            !read_duplicate(word, ask, err))
        return false;
    return !all || bn_doc_is_null(all) || bn_doc_get_bool(all, &ask->all_or_nothing) ||
           bn_fail_field(err, "all_or_nothing", "all_or_nothing must be true or false");
}

static bool read_json(const struct bn_request *req, bool is_test, struct bn_import_ask *ask,
        struct bn_err *err)
{
    static const char *const members[] = {"csv", "edits", "only", "on_duplicate", "all_or_nothing",
            NULL};
    static const char *const test_members[] = {"csv", "edits", "index", "indexes", NULL};
    if (!bn_doc_parse(req->body, &ask->doc, err) ||
            !bn_doc_only(ask->doc, is_test ? test_members : members, err) ||
            !bn_doc_text(ask->doc, "csv", &ask->import.csv, err) ||
            !read_edits(bn_doc_at(ask->doc, "edits"), ask, err))
        return false;
    if (is_test)
        return read_indexes(ask, err);
    return read_only(bn_doc_at(ask->doc, "only"), ask, err) && read_how(ask->doc, ask, err);
}

/* --- whole ----------------------------------------------------------------------------------- */

static bool is_csv(const struct bn_request *req)
{
    struct bn_str type = bn_http_find(req->head, "Content-Type");
    return bn_str_is_nocase(bn_str_trim(bn_str_cut(&type, ';')), "text/csv");
}

/* Beside a JSON body the query says only whether it is meant. */
static bool read_query(const struct bn_request *req, struct bn_import_ask *ask, struct bn_err *err)
{
    static const char *const dry_run[] = {"dry_run", NULL};
    if (!bn_query_only(req, is_csv(req) ? bn_servers_import_query : dry_run, err))
        return false;
    return read_flag(req, "dry_run", &ask->is_dry_run, err) &&
           read_flag(req, "all_or_nothing", &ask->all_or_nothing, err) &&
           read_duplicate(bn_query(req, "on_duplicate", "error"), ask, err);
}

bool bn_import_ask_read(const struct bn_request *req, bool is_test, struct bn_import_ask *ask,
        struct bn_err *err)
{
    memset(ask, 0, sizeof *ask);
    if (!is_test && !read_query(req, ask, err))
        return false;
    ask->import.csv = req->body;
    return (!is_test && (is_csv(req) || req->body.len == 0)) || read_json(req, is_test, ask, err);
}

void bn_import_ask_finish(struct bn_import_ask *ask)
{
    bn_import_finish(&ask->import);
    bn_doc_destroy(ask->doc);
    free(ask->edits);
}

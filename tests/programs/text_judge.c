/*
 * text_judge: what our readers make of JSON, queries and CSV, for a comparison with Python's.
 *
 * In: a line with a word (json, query, csv) and a number of bytes, then the bytes. Out, one line:
 * what was read, as JSON (a query as a list of pairs, a CSV file as a list of rows of a line and
 * fields), or `bad SENTENCE`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#include "model/doc.h"
#include "wire/csv.h"
#include "wire/http.h"

#define INPUT_MAX (1 << 20)

static void put_doc(struct bn_json *json, const struct bn_doc *doc);

static void put_members(struct bn_json *json, const struct bn_doc *doc)
{
    void *at = NULL;
    const char *name;
    const struct bn_doc *member;
    bn_json_object(json);
    while ((member = bn_doc_next(doc, &at, &name)) != NULL) {
        bn_json_key(json, name);
        put_doc(json, member);
    }
    bn_json_object_end(json);
}

static void put_number(struct bn_json *json, const struct bn_doc *doc)
{
    int64_t whole;
    double real = 0;
    char text[40];
    if (bn_doc_get_i64(doc, &whole)) {
        bn_json_i64(json, whole);
        return;
    }
    if (!bn_doc_get_f64(doc, &real))
        abort();
    int n = snprintf(text, sizeof text, "%.17g", real);
    bn_json_raw(json, text, (size_t)n);
    if (!strpbrk(text, ".en"))
        bn_buf_puts(json->buf, ".0"); /* so that it is read as a fraction again */
}

static void put_doc(struct bn_json *json, const struct bn_doc *doc)
{
    struct bn_str text;
    bool flag;
    if (bn_doc_is_object(doc)) {
        put_members(json, doc);
    } else if (strcmp(bn_doc_type_word(doc), "a list") == 0) {
        bn_json_array(json);
        for (size_t i = 0; i < bn_doc_count(doc); i++)
            put_doc(json, bn_doc_item(doc, i));
        bn_json_array_end(json);
    } else if (bn_doc_get_text(doc, &text)) {
        bn_json_str(json, text);
    } else if (bn_doc_get_bool(doc, &flag)) {
        bn_json_bool(json, flag);
    } else if (bn_doc_is_null(doc)) {
        bn_json_null(json);
    } else {
        put_number(json, doc);
    }
}

static bool judge_json(struct bn_json *json, struct bn_str bytes, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    if (!bn_doc_parse(bytes, &doc, err))
        return false;
    put_doc(json, doc);
    return true;
}

static bool judge_query(struct bn_json *json, struct bn_str bytes, struct bn_err *err)
{
    struct bn_http_param params[BN_HTTP_PARAMS_MAX];
    size_t count;
    char *scratch = malloc(bytes.len + 1);
    bool ok = scratch && bn_http_split_query(bytes, scratch, bytes.len + 1, params, &count, err);
    if (ok) {
        bn_json_array(json);
        for (size_t i = 0; i < count; i++) {
            bn_json_array(json);
            bn_json_str(json, params[i].name);
            bn_json_str(json, params[i].value);
            bn_json_array_end(json);
        }
        bn_json_array_end(json);
    }
    free(scratch);
    return ok;
}

static void put_row(struct bn_json *json, const struct bn_csv_row *row)
{
    bn_json_array(json);
    bn_json_i64(json, (int64_t)row->line);
    for (size_t i = 0; i < row->count; i++)
        bn_json_str(json, row->field[i]);
    bn_json_array_end(json);
}

static bool judge_csv(struct bn_json *json, struct bn_str bytes, struct bn_err *err)
{
    struct bn_csv csv;
    enum bn_csv_event event = BN_CSV_ROW;
    bn_csv_init(&csv);
    bn_json_array(json);
    for (size_t used = 0; event == BN_CSV_ROW;) {
        used += bn_csv_parse(&csv, bytes.p + used, bytes.len - used, &event);
        if (event == BN_CSV_MORE)
            event = bn_csv_end(&csv);
        if (event == BN_CSV_ROW)
            put_row(json, &csv.row);
    }
    bn_json_array_end(json);
    *err = csv.err;
    bn_csv_finish(&csv);
    return event != BN_CSV_BAD;
}

static bool judge_any(const char *word, struct bn_json *json, struct bn_str bytes,
        struct bn_err *err)
{
    switch (word[0]) {
    case 'j': return judge_json(json, bytes, err);
    case 'q': return judge_query(json, bytes, err);
    default: return judge_csv(json, bytes, err);
    }
}

static void judge(const char *word, struct bn_str bytes)
{
    BN_BUF_AUTO out;
    struct bn_json json;
    struct bn_err err = {.code = BN_E_OK};
    bn_buf_init(&out, 64 << 20);
    bn_json_init(&json, &out);
    if (judge_any(word, &json, bytes, &err))
        printf("%.*s\n", (int)out.len, out.p);
    else
        printf("bad %s\n", err.text);
    fflush(stdout);
}

int main(void)
{
    char line[40];
    char *input = malloc(INPUT_MAX);
    while (input && fgets(line, sizeof line, stdin)) {
        const char *blank = strchr(line, ' ');
        unsigned long len = blank ? strtoul(blank, NULL, 10) : INPUT_MAX + 1UL;
        if (len > INPUT_MAX || fread(input, 1, len, stdin) != len)
            return 1;
        /* Exactly this size, so that a sanitizer sees a byte read too far. */
        char *bytes = malloc(len ? len : 1);
        if (!bytes)
            return 1;
        memcpy(bytes, input, len);
        judge(line, (struct bn_str){bytes, len});
        free(bytes);
    }
    free(input);
    return 0;
}

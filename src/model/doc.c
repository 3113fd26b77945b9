#include "model/doc.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* A bn_doc is a json_t under another name. jansson's iterators want it writable although they write
   nothing, hence the copy of the pointer instead of a cast that drops const. */
static json_t *value_of(const struct bn_doc *doc)
{
    json_t *value;
    memcpy(&value, &doc, sizeof value);
    return value;
}

static const struct bn_doc *doc_of(const json_t *value)
{
    return (const struct bn_doc *)(const void *)value;
}

/* What was read may be a password or a token: nothing of it stays behind in freed memory. */
static void wipe_and_free(void *p)
{
    if (!p)
        return;
    bn_wipe(p, malloc_usable_size(p));
    free(p);
}

/* Before main(), when there is one thread. */
__attribute__((constructor)) static void use_wiping_free(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}

/* --- parsing --------------------------------------------------------------------------------- */

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static bool fail_nul(int line, int column, struct bn_err *err)
{
    return bn_fail(err, BN_E_INVALID, "JSON line %d column %d: a NUL character is not allowed",
            line, column);
}

/* jansson nests up to 2,048 deep by recursion and takes a NUL byte behind a value for the end of
   the text; both are refused before it sees them. Up to the first mistake in the text it and this
   loop agree on what is a string. */
static bool check_shape(struct bn_str text, struct bn_err *err)
{
    int depth = 0;
    int line = 1;
    int column = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        column += !is_continuation(c);
        if (c == 0)
            return fail_nul(line, column, err);
        if (c == '\n') {
            line++;
            column = 0;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (in_string) {
            i += c == '\\';
            column += c == '\\';
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (c == ']' || c == '}') {
            depth--;
        }
        if (depth > BN_JSON_READ_DEPTH)
            return bn_fail(err, BN_E_INVALID,
                    "JSON line %d column %d: nested deeper than %d levels", line, column,
                    BN_JSON_READ_DEPTH);
    }
    return true;
}

/* jansson ends its sentences with the last token it read, which may be somebody's password. */
static bool fail_at(const json_error_t *error, struct bn_err *err)
{
    const char *near = strstr(error->text, " near ");
    int len = near ? (int)(near - error->text) : (int)strlen(error->text);
    if (json_error_code(error) == json_error_null_character ||
            json_error_code(error) == json_error_null_byte_in_key)
        return fail_nul(error->line, error->column, err);
    return bn_fail(err, BN_E_INVALID, "JSON line %d column %d: %.*s", error->line, error->column,
            len, error->text);
}

bool bn_doc_parse(struct bn_str text, struct bn_doc **out, struct bn_err *err)
{
    if (text.len == 0)
        return bn_fail(err, BN_E_INVALID, "JSON was expected, got nothing");
    if (!check_shape(text, err))
        return false;
    json_error_t error;
    json_t *value = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        return fail_at(&error, err);
    *out = (struct bn_doc *)(void *)value;
    return true;
}

void bn_doc_destroy(struct bn_doc *doc)
{
    json_decref((json_t *)(void *)doc);
}

void bn_doc_cleanup(struct bn_doc **doc)
{
    bn_doc_destroy(*doc);
}

/* --- walking --------------------------------------------------------------------------------- */

const struct bn_doc *bn_doc_at(const struct bn_doc *doc, const char *name)
{
    return doc_of(json_object_get(value_of(doc), name));
}

const struct bn_doc *bn_doc_next(const struct bn_doc *object, void **at, const char **out_name)
{
    json_t *value = value_of(object);
    *at = *at ? json_object_iter_next(value, *at) : json_object_iter(value);
    if (!*at)
        return NULL;
    *out_name = json_object_iter_key(*at);
    return doc_of(json_object_iter_value(*at));
}

size_t bn_doc_count(const struct bn_doc *array)
{
    return json_array_size(value_of(array));
}

const struct bn_doc *bn_doc_item(const struct bn_doc *array, size_t i)
{
    return doc_of(json_array_get(value_of(array), i));
}

bool bn_doc_is_object(const struct bn_doc *doc)
{
    return json_is_object(value_of(doc));
}

bool bn_doc_is_list(const struct bn_doc *doc)
{
    return doc && json_is_array(value_of(doc));
}

bool bn_doc_is_null(const struct bn_doc *value)
{
    return json_is_null(value_of(value));
}

bool bn_doc_get_text(const struct bn_doc *value, struct bn_str *out)
{
    json_t *text = value_of(value);
    if (!json_is_string(text))
        return false;
    *out = (struct bn_str){json_string_value(text), json_string_length(text)};
    return true;
}

bool bn_doc_get_i64(const struct bn_doc *value, int64_t *out)
{
    json_t *number = value_of(value);
    if (!json_is_integer(number))
        return false;
    *out = json_integer_value(number);
    return true;
}

bool bn_doc_get_f64(const struct bn_doc *value, double *out)
{
    json_t *number = value_of(value);
    if (!json_is_number(number))
        return false;
    *out = json_number_value(number);
    return true;
}

bool bn_doc_get_bool(const struct bn_doc *value, bool *out)
{
    json_t *flag = value_of(value);
    if (!json_is_boolean(flag))
        return false;
    *out = json_is_true(flag);
    return true;
}

const char *bn_doc_type_word(const struct bn_doc *value)
{
    json_t *any = value_of(value);
    if (!any)
        return "nothing";
    switch (json_typeof(any)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "text";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a fraction";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_NULL: break;
    }
    return "null";
}

/* --- members of requests --------------------------------------------------------------------- */

static bool check_object(const struct bn_doc *doc, struct bn_err *err)
{
    if (!bn_doc_is_object(doc))
        return bn_fail(err, BN_E_INVALID, "a JSON object was expected, got %s",
                bn_doc_type_word(doc));
    return true;
}

static bool read_text(const struct bn_doc *value, const char *name, struct bn_str *out,
        struct bn_err *err)
{
    if (!bn_doc_get_text(value, out))
        return bn_fail_field(err, name, "%s must be text, got %s", name, bn_doc_type_word(value));
    return true;
}

bool bn_doc_text(const struct bn_doc *doc, const char *name, struct bn_str *out, struct bn_err *err)
{
    if (!check_object(doc, err))
        return false;
    const struct bn_doc *value = bn_doc_at(doc, name);
    if (!value)
        return bn_fail_field(err, name, "%s is required", name);
    return read_text(value, name, out, err);
}

bool bn_doc_text_or(const struct bn_doc *doc, const char *name, const char *absent,
        struct bn_str *out, struct bn_err *err)
{
    if (!check_object(doc, err))
        return false;
    const struct bn_doc *value = bn_doc_at(doc, name);
    if (value && !bn_doc_is_null(value))
        return read_text(value, name, out, err);
    *out = absent ? bn_str(absent) : (struct bn_str){NULL, 0};
    return true;
}

bool bn_doc_i64_or(const struct bn_doc *doc, const char *name, int64_t absent, int64_t *out,
        struct bn_err *err)
{
    if (!check_object(doc, err))
        return false;
    const struct bn_doc *value = bn_doc_at(doc, name);
    if (!value || bn_doc_is_null(value)) {
        *out = absent;
        return true;
    }
    if (!bn_doc_get_i64(value, out))
        return bn_fail_field(err, name, "%s must be a whole number, got %s", name,
                bn_doc_type_word(value));
    return true;
}

static bool is_listed(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

bool bn_doc_only(const struct bn_doc *doc, const char *const *names, struct bn_err *err)
{
    if (!check_object(doc, err))
        return false;
    void *at = NULL;
    const char *name;
    while (bn_doc_next(doc, &at, &name))
        if (!is_listed(name, names))
            return bn_fail_field(err, name, "unknown field \"%.80s\"", name);
    return true;
}

const char *bn_doc_library(void)
{
    return jansson_version_str();
}

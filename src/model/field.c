#include "model/field.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"

#include "model/doc.h"

/* Above this a fraction is noise on a dashboard and bytes on the wire. */
#define WHOLE_FROM 1000.0

static const char *text_of(const struct bn_field *field, const void *record)
{
    return (const char *)record + field->offset;
}

static int64_t i64_of(const struct bn_field *field, const void *record)
{
    int64_t value;
    memcpy(&value, (const char *)record + field->offset, sizeof value);
    return value;
}

static double f64_of(const struct bn_field *field, const void *record)
{
    double value;
    memcpy(&value, (const char *)record + field->offset, sizeof value);
    return value;
}

static void set_unknown(const struct bn_field *field, void *record)
{
    char *at = (char *)record + field->offset;
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT: memset(at, 0, field->size); break;
    case BN_T_F64: memcpy(at, &(double){NAN}, sizeof(double)); break;
    case BN_T_I64:
    case BN_T_ENUM: memcpy(at, &(int64_t){BN_UNKNOWN}, sizeof(int64_t)); break;
    case BN_T_BOOL:
    case BN_T_TIME: memset(at, 0, sizeof(int64_t)); break;
    }
}

/* --- finding --------------------------------------------------------------------------------- */

const struct bn_field *bn_field_find(const struct bn_record_type *type, struct bn_str name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (bn_str_is(name, type->fields[i].name))
            return &type->fields[i];
    return NULL;
}

size_t bn_field_index(const struct bn_record_type *type, const char *name)
{
    const struct bn_field *field = bn_field_find(type, bn_str(name));
    assert(field);
    return (size_t)(field - type->fields);
}

const char *bn_record_key(const struct bn_record_type *type, const void *record)
{
    size_t i = 0;
    while (!(type->fields[i].flags & BN_F_KEY)) {
        i++;
        assert(i < type->field_count);
    }
    return text_of(&type->fields[i], record);
}

bool bn_field_is_unknown(const struct bn_field *field, const void *record)
{
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT: return text_of(field, record)[0] == 0;
    case BN_T_F64: return isnan(f64_of(field, record));
    case BN_T_TIME: return i64_of(field, record) == 0;
    case BN_T_I64:
    case BN_T_BOOL:
    case BN_T_ENUM: break;
    }
    return i64_of(field, record) == BN_UNKNOWN;
}

double bn_field_number(const struct bn_field *field, const void *record)
{
    if (field->type == BN_T_TEXT || bn_field_is_unknown(field, record))
        return NAN;
    return field->type == BN_T_F64 ? f64_of(field, record) : (double)i64_of(field, record);
}

void bn_record_clear(const struct bn_record_type *type, void *record)
{
    memset(record, 0, type->size);
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].type != BN_T_TEXT)
            set_unknown(&type->fields[i], record);
}

/* --- checking -------------------------------------------------------------------------------- */

static bool fail_words(const struct bn_field *field, const char *got, struct bn_err *err)
{
    char list[120] = "";
    size_t len = 0;
    for (size_t i = 0; field->words[i] && len < sizeof list; i++) {
        const char *sep = i == 0 ? "" : field->words[i + 1] ? ", " : " or ";
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", sep, field->words[i]);
    }
    return bn_fail_field(err, field->name, "%s must be %s, got %s", field->name, list, got);
}

static bool fail_range(const struct bn_field *field, const char *got, struct bn_err *err)
{
    if (field->max == INT64_MAX)
        return bn_fail_field(err, field->name, "%s must be at least %" PRId64 ", got %s",
                field->name, field->min, got);
    return bn_fail_field(err, field->name, "%s must be %" PRId64 "..%" PRId64 ", got %s",
            field->name, field->min, field->max, got);
}

static bool check_text(const struct bn_field *field, const void *record, struct bn_err *err)
{
    const char *text = text_of(field, record);
    size_t len = strnlen(text, field->size);
    if (len == field->size)
        return bn_fail_field(err, field->name, "%s must be at most %d bytes, got more", field->name,
                field->size - 1);
    if (!bn_utf8_is_valid(text, len))
        return bn_fail_field(err, field->name, "%s must be valid UTF-8", field->name);
    return true;
}

static bool check_i64(const struct bn_field *field, const void *record, struct bn_err *err)
{
    int64_t value = i64_of(field, record);
    if (field->min >= field->max || (value >= field->min && value <= field->max))
        return true;
    char got[24];
    snprintf(got, sizeof got, "%" PRId64, value);
    return fail_range(field, got, err);
}

static bool check_f64(const struct bn_field *field, const void *record, struct bn_err *err)
{
    double value = f64_of(field, record);
    if (isinf(value))
        return bn_fail_field(err, field->name, "%s must be a finite number", field->name);
    if (field->min >= field->max || (value >= (double)field->min && value <= (double)field->max))
        return true;
    char got[32];
    snprintf(got, sizeof got, "%.15g", value);
    return fail_range(field, got, err);
}

static bool check_enum(const struct bn_field *field, const void *record, struct bn_err *err)
{
    int64_t value = i64_of(field, record);
    for (int64_t i = 0; field->words[i]; i++)
        if (i == value)
            return true;
    char got[24];
    snprintf(got, sizeof got, "%" PRId64, value);
    return fail_words(field, got, err);
}

static bool check_field(const struct bn_field *field, const void *record, struct bn_err *err)
{
    if (bn_field_is_unknown(field, record)) {
        if (!(field->flags & (BN_F_REQUIRED | BN_F_KEY)))
            return true;
        return bn_fail_field(err, field->name, "%s is required", field->name);
    }
    int64_t value;
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT: return check_text(field, record, err);
    case BN_T_I64: return check_i64(field, record, err);
    case BN_T_F64: return check_f64(field, record, err);
    case BN_T_ENUM: return check_enum(field, record, err);
    case BN_T_BOOL:
        value = i64_of(field, record);
        if (value != 0 && value != 1)
            return bn_fail_field(err, field->name, "%s must be 0 or 1, got %" PRId64, field->name,
                    value);
        return true;
    case BN_T_TIME:
        value = i64_of(field, record);
        if (value <= 0)
            return bn_fail_field(err, field->name, "%s must be after 1970, got %" PRId64 " ms",
                    field->name, value);
        return true;
    }
    return true;
}

bool bn_record_check(const struct bn_record_type *type, const void *record, struct bn_err *err)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (!check_field(&type->fields[i], record, err))
            return false;
    return true;
}

/* --- differences ----------------------------------------------------------------------------- */

static bool differs(const struct bn_field *field, const void *a, const void *b)
{
    if (field->type == BN_T_TEXT)
        return strncmp(text_of(field, a), text_of(field, b), field->size) != 0;
    int64_t x = i64_of(field, a);
    int64_t y = i64_of(field, b);
    if (x == y || field->type != BN_T_F64)
        return x != y;
    double v = f64_of(field, a);
    double w = f64_of(field, b);
    return v != w && !(isnan(v) && isnan(w));
}

uint64_t bn_record_diff(const struct bn_record_type *type, const void *a, const void *b)
{
    if (memcmp(a, b, type->size) == 0)
        return 0;
    uint64_t mask = 0;
    for (size_t i = 0; i < type->field_count; i++)
        if (differs(&type->fields[i], a, b))
            mask |= BN_BIT(i);
    return mask;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void write_value(const struct bn_field *field, const void *record, struct bn_json *json)
{
    const char *text = text_of(field, record);
    double real;
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT: bn_json_str(json, (struct bn_str){text, strnlen(text, field->size)}); break;
    case BN_T_I64: bn_json_i64(json, i64_of(field, record)); break;
    case BN_T_F64:
        real = f64_of(field, record);
        bn_json_f64(json, real, fabs(real) >= WHOLE_FROM ? 0 : field->decimals);
        break;
    case BN_T_BOOL: bn_json_bool(json, i64_of(field, record) != 0); break;
    case BN_T_ENUM: bn_json_text(json, field->words[i64_of(field, record)]); break;
    case BN_T_TIME: bn_json_time(json, i64_of(field, record)); break;
    }
}

void bn_record_json(const struct bn_record_type *type, const void *record, uint64_t mask,
        enum bn_absent absent, struct bn_json *json)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct bn_field *field = &type->fields[i];
        if (!(mask & BN_BIT(i)) || (field->flags & BN_F_SECRET))
            continue;
        bool is_unknown = bn_field_is_unknown(field, record);
        if (is_unknown && absent == BN_ABSENT_OMIT)
            continue;
        bn_json_key(json, field->name);
        if (is_unknown)
            bn_json_null(json);
        else
            write_value(field, record, json);
    }
}

static bool fail_type(const struct bn_field *field, const char *want, const struct bn_doc *got,
        struct bn_err *err)
{
    return bn_fail_field(err, field->name, "%s must be %s, got %s", field->name, want,
            bn_doc_type_word(got));
}

static bool read_text(const struct bn_field *field, const struct bn_doc *value, char *at,
        struct bn_err *err)
{
    struct bn_str text;
    if (!bn_doc_get_text(value, &text))
        return fail_type(field, "text", value, err);
    if (text.len >= field->size)
        return bn_fail_field(err, field->name, "%s must be at most %d bytes, got %zu", field->name,
                field->size - 1, text.len);
    memset(at, 0, field->size);
    memcpy(at, text.p, text.len);
    return true;
}

static bool read_time(const struct bn_field *field, const struct bn_doc *value, int64_t *out,
        struct bn_err *err)
{
    struct bn_str text;
    if (!bn_doc_get_text(value, &text))
        return fail_type(field, "a time like \"2026-11-20T19:57:04Z\"", value, err);
    if (!bn_time_parse(text.p, text.len, out))
        return bn_fail_field(err, field->name,
                "%s must be a time like \"2026-11-20T19:57:04Z\", got \"%.40s\"", field->name,
                text.p);
    /* 0 is how an unknown time is kept: a key that ends there would never end. */
    if (*out <= 0)
        return bn_fail_field(err, field->name, "%s must be after 1970, got \"%.40s\"", field->name,
                text.p);
    return true;
}

static bool read_enum(const struct bn_field *field, const struct bn_doc *value, int64_t *out,
        struct bn_err *err)
{
    struct bn_str text;
    if (!bn_doc_get_text(value, &text))
        return fail_words(field, bn_doc_type_word(value), err);
    for (int64_t i = 0; field->words[i]; i++) {
        if (bn_str_is(text, field->words[i])) {
            *out = i;
            return true;
        }
    }
    char got[48];
    snprintf(got, sizeof got, "\"%.40s\"", text.p);
    return fail_words(field, got, err);
}

static bool read_value(const struct bn_field *field, const struct bn_doc *value, void *record,
        struct bn_err *err)
{
    char *at = (char *)record + field->offset;
    int64_t number = 0;
    double real;
    bool flag;
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT: return read_text(field, value, at, err);
    case BN_T_F64:
        if (!bn_doc_get_f64(value, &real))
            return fail_type(field, "a number", value, err);
        memcpy(at, &real, sizeof real);
        return true;
    case BN_T_I64:
        if (!bn_doc_get_i64(value, &number))
            return fail_type(field, "a whole number", value, err);
        if (number == BN_UNKNOWN)
            return bn_fail_field(err, field->name, "%s must be more than %" PRId64, field->name,
                    BN_UNKNOWN);
        break;
    case BN_T_BOOL:
        if (!bn_doc_get_bool(value, &flag))
            return fail_type(field, "true or false", value, err);
        number = flag;
        break;
    case BN_T_ENUM:
        if (!read_enum(field, value, &number, err))
            return false;
        break;
    case BN_T_TIME:
        if (!read_time(field, value, &number, err))
            return false;
        break;
    }
    memcpy(at, &number, sizeof number);
    return true;
}

static bool read_members(const struct bn_record_type *type, const struct bn_doc *doc, void *record,
        uint64_t *out_given, struct bn_err *err)
{
    void *at = NULL;
    const char *name;
    const struct bn_doc *value;
    while ((value = bn_doc_next(doc, &at, &name)) != NULL) {
        const struct bn_field *field = bn_field_find(type, bn_str(name));
        if (!field)
            return bn_fail_field(err, name, "unknown field \"%.80s\"", name);
        if (field->flags & (BN_F_FIXED | BN_F_DERIVED))
            return bn_fail_field(err, name, "%s is set by the server", name);
        if (bn_doc_is_null(value))
            set_unknown(field, record);
        else if (!read_value(field, value, record, err))
            return false;
        *out_given |= BN_BIT(field - type->fields);
    }
    return true;
}

bool bn_record_read(const struct bn_record_type *type, const struct bn_doc *doc, void *record,
        uint64_t *out_given, struct bn_err *err)
{
    if (!bn_doc_is_object(doc))
        return bn_fail(err, BN_E_INVALID, "a JSON object was expected, got %s",
                bn_doc_type_word(doc));
    uint64_t given = 0;
    void *copy = memcpy(bn_alloc(type->size), record, type->size);
    bool ok = read_members(type, doc, copy, &given, err);
    if (ok) {
        memcpy(record, copy, type->size);
        *out_given = given;
    }
    bn_wipe(copy, type->size);
    free(copy);
    return ok;
}

/* --- TypeScript ------------------------------------------------------------------------------ */

static void put_type(const struct bn_field *field, struct bn_buf *out)
{
    switch ((enum bn_type)field->type) {
    case BN_T_TEXT:
    case BN_T_TIME: bn_buf_puts(out, "string"); break;
    case BN_T_I64:
    case BN_T_F64: bn_buf_puts(out, "number"); break;
    case BN_T_BOOL: bn_buf_puts(out, "boolean"); break;
    case BN_T_ENUM:
        for (size_t i = 0; field->words[i]; i++)
            bn_buf_printf(out, "%s'%s'", i ? " | " : "", field->words[i]);
        break;
    }
}

void bn_record_typescript(const struct bn_record_type *type, struct bn_buf *out)
{
    bn_buf_puts(out, "export interface ");
    bool starts = true;
    for (const char *p = type->name; *p; p++) {
        if (*p != '_')
            bn_buf_putc(out, starts ? (char)toupper((unsigned char)*p) : *p);
        starts = *p == '_';
    }
    bn_buf_puts(out, " {\n");
    for (size_t i = 0; i < type->field_count; i++) {
        const struct bn_field *field = &type->fields[i];
        if (field->flags & BN_F_SECRET)
            continue;
        if (field->doc)
            bn_buf_printf(out, "  /** %s */\n", field->doc);
        bn_buf_printf(out, "  %s?: ", field->name);
        put_type(field, out);
        bn_buf_puts(out, ";\n");
    }
    bn_buf_puts(out, "}\n");
}

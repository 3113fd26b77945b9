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

struct bn_str bn_field_object(const struct bn_field *field)
{
    const char *dot = strchr(field->name, '.');
    return (struct bn_str){field->name, dot ? (size_t)(dot - field->name) : 0};
}

/* Its name within its object, or the record. */
static const char *own_name(const struct bn_field *field)
{
    const size_t len = bn_field_object(field).len;
    return field->name + (len ? len + 1 : 0);
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
        if (!(field->flags & (BN_F_REQUIRED | BN_F_KEY)) || field->flags & BN_F_IDS)
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

static bool is_object(struct bn_str open, struct bn_str object)
{
    return open.len == object.len && (!open.len || memcmp(open.p, object.p, open.len) == 0);
}

/* Ends the object that is open, and opens the one the field is in. */
static void enter_object(struct bn_json *json, struct bn_str *open, struct bn_str object)
{
    char name[BN_ID_MAX];
    if (is_object(*open, object))
        return;
    if (open->len)
        bn_json_object_end(json);
    *open = object;
    if (!object.len)
        return;
    bn_text_clip(name, sizeof name, object);
    bn_json_key(json, name);
    bn_json_object(json);
}

void bn_record_json(const struct bn_record_type *type, const void *record, uint64_t mask,
        enum bn_absent absent, struct bn_json *json)
{
    struct bn_str open = {0};
    for (size_t i = 0; i < type->field_count; i++) {
        const struct bn_field *field = &type->fields[i];
        if (!(mask & BN_BIT(i)) || (field->flags & BN_F_SECRET))
            continue;
        bool is_unknown = bn_field_is_unknown(field, record);
        if (is_unknown && absent == BN_ABSENT_OMIT)
            continue;
        enter_object(json, &open, bn_field_object(field));
        bn_json_key(json, own_name(field));
        if (is_unknown)
            bn_json_null(json);
        else
            write_value(field, record, json);
    }
    enter_object(json, &open, (struct bn_str){0});
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

static bool read_i64(const struct bn_field *field, const struct bn_doc *value, int64_t *out,
        struct bn_err *err)
{
    if (!bn_doc_get_i64(value, out))
        return fail_type(field, "a whole number", value, err);
    return *out != BN_UNKNOWN || bn_fail_field(err, field->name, "%s must be more than %" PRId64,
                                         field->name, BN_UNKNOWN);
}

/* Of the types that are kept as whole numbers. */
static bool read_number(const struct bn_field *field, const struct bn_doc *value, int64_t *out,
        struct bn_err *err)
{
    bool flag = false;
    if (field->type == BN_T_TIME)
        return read_time(field, value, out, err);
    if (field->type == BN_T_ENUM)
        return read_enum(field, value, out, err);
    if (field->type != BN_T_BOOL)
        return read_i64(field, value, out, err);
    if (!bn_doc_get_bool(value, &flag))
        return fail_type(field, "true or false", value, err);
    *out = flag;
    return true;
}

static bool read_value(const struct bn_field *field, const struct bn_doc *value, void *record,
        struct bn_err *err)
{
    char *at = (char *)record + field->offset;
    int64_t number = 0;
    double real;
    if (field->type == BN_T_TEXT)
        return read_text(field, value, at, err);
    if (field->type == BN_T_F64) {
        if (!bn_doc_get_f64(value, &real))
            return fail_type(field, "a number", value, err);
        memcpy(at, &real, sizeof real);
        return true;
    }
    if (!read_number(field, value, &number, err))
        return false;
    memcpy(at, &number, sizeof number);
    return true;
}

/* A record that is being read. */
struct reading {
    const struct bn_record_type *type;
    void *record;
    uint64_t given;
    struct bn_err *err;
};

static bool read_field(struct reading *r, const struct bn_field *field, const struct bn_doc *value)
{
    if (field->flags & (BN_F_FIXED | BN_F_DERIVED))
        return bn_fail_field(r->err, field->name, "%s is set by the server", field->name);
    if (field->flags & BN_F_IDS) {
        if (!bn_doc_is_list(value))
            return fail_type(field, "a list of ids", value, r->err);
    } else if (bn_doc_is_null(value))
        set_unknown(field, r->record);
    else if (!read_value(field, value, r->record, r->err))
        return false;
    r->given |= BN_BIT(field - r->type->fields);
    return true;
}

static bool has_object(const struct bn_record_type *type, const char *name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (bn_str_is(bn_field_object(&type->fields[i]), name))
            return true;
    return false;
}

static bool fail_unknown(struct bn_err *err, const char *name)
{
    return bn_fail_field(err, name, "unknown field \"%.80s\"", name);
}

/* The members of an object of the record; what it does not hold is refused, as elsewhere. */
static bool read_object(struct reading *r, const char *object, const struct bn_doc *doc)
{
    void *at = NULL;
    const char *name;
    const struct bn_doc *value;
    if (!bn_doc_is_object(doc))
        return bn_fail_field(r->err, object, "%s must be an object, got %s", object,
                bn_doc_type_word(doc));
    while ((value = bn_doc_next(doc, &at, &name)) != NULL) {
        char whole[2 * BN_ID_MAX];
        snprintf(whole, sizeof whole, "%s.%.*s", object, BN_ID_MAX, name);
        const struct bn_field *field = bn_field_find(r->type, bn_str(whole));
        if (!field)
            return fail_unknown(r->err, whole);
        if (!read_field(r, field, value))
            return false;
    }
    return true;
}

static bool read_members(struct reading *r, const struct bn_doc *doc)
{
    void *at = NULL;
    const char *name;
    const struct bn_doc *value;
    while ((value = bn_doc_next(doc, &at, &name)) != NULL) {
        const struct bn_field *field = strchr(name, '.') ? NULL
                                                         : bn_field_find(r->type, bn_str(name));
        if (!field && !has_object(r->type, name))
            return fail_unknown(r->err, name);
        if (field ? !read_field(r, field, value) : !read_object(r, name, value))
            return false;
    }
    return true;
}

bool bn_record_read(const struct bn_record_type *type, const struct bn_doc *doc, void *record,
        uint64_t *out_given, struct bn_err *err)
{
    if (!bn_doc_is_object(doc))
        return bn_fail(err, BN_E_INVALID, "a JSON object was expected, got %s",
                bn_doc_type_word(doc));
    struct reading r = {.type = type, .err = err};
    r.record = memcpy(bn_alloc(type->size), record, type->size);
    bool ok = read_members(&r, doc);
    if (ok) {
        memcpy(record, r.record, type->size);
        *out_given = r.given;
    }
    bn_wipe(r.record, type->size);
    free(r.record);
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
    struct bn_str open = {0};
    for (size_t i = 0; i < type->field_count; i++) {
        const struct bn_field *field = &type->fields[i];
        if (field->flags & BN_F_SECRET)
            continue;
        if (!is_object(open, bn_field_object(field))) {
            bn_buf_puts(out, open.len ? "  };\n" : "");
            open = bn_field_object(field);
            if (open.len)
                bn_buf_printf(out, "  %.*s?: {\n", BN_ARG(open));
        }
        if (field->doc)
            bn_buf_printf(out, "  /** %s */\n", field->doc);
        bn_buf_printf(out, "  %s?: ", own_name(field));
        put_type(field, out);
        bn_buf_puts(out, ";\n");
    }
    bn_buf_puts(out, open.len ? "  };\n}\n" : "}\n");
}

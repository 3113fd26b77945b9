/*
 * record: a record read from a step of a replay, FIXED fields included, as a source would fill it.
 *
 * "#" in a text, and as a number, stands for the turn of the loop around the step.
 */
#pragma once

#include "bn_test.h"
#include "model/doc.h"
#include "model/fact.h"

#define REPLAY_BEGIN_MS INT64_C(1795204800000) /* 2026-11-20T20:00:00Z */

static inline void replay_text(struct bn_str from, int64_t turn, char *out, size_t size)
{
    size_t len = 0;
    out[0] = 0;
    for (size_t i = 0; i < from.len && len < size - 1; i++)
        len += (size_t)(from.p[i] == '#' ? snprintf(out + len, size - len, "%lld", (long long)turn)
                                         : snprintf(out + len, size - len, "%c", from.p[i]));
}

static inline int64_t replay_word(const struct bn_field *field, struct bn_str text)
{
    for (int64_t i = 0; field->words[i]; i++)
        if (bn_str_is(text, field->words[i]))
            return i;
    fail_msg("%s has no word %.*s", field->name, BN_ARG(text));
    return 0;
}

/* A number, a time in milliseconds since the begin, true or false, a word, or "#". */
static inline double replay_number(const struct bn_field *field, const struct bn_doc *value,
        int64_t turn)
{
    double number;
    bool flag;
    struct bn_str text;
    if (bn_doc_get_text(value, &text))
        return bn_str_is(text, "#") ? (double)turn : (double)replay_word(field, text);
    if (bn_doc_get_bool(value, &flag))
        return flag ? 1 : 0;
    if (!bn_doc_get_f64(value, &number))
        fail_msg("%s is %s", field->name, bn_doc_type_word(value));
    return number;
}

static inline void replay_field(const struct bn_field *field, const struct bn_doc *value,
        int64_t turn, unsigned char *record)
{
    struct bn_str text;
    if (bn_doc_is_null(value)) { /* unknown, as all but switches are without being named */
        if (field->type == BN_T_BOOL)
            memcpy(record + field->offset, &(int64_t){BN_UNKNOWN}, sizeof(int64_t));
        return;
    }
    if (field->type == BN_T_TEXT) {
        if (!bn_doc_get_text(value, &text))
            fail_msg("%s is %s", field->name, bn_doc_type_word(value));
        replay_text(text, turn, (char *)record + field->offset, field->size);
        return;
    }
    double number = replay_number(field, value, turn);
    int64_t whole = (int64_t)number + (field->type == BN_T_TIME ? REPLAY_BEGIN_MS : 0);
    if (field->type == BN_T_F64)
        memcpy(record + field->offset, &number, sizeof number);
    else
        memcpy(record + field->offset, &whole, sizeof whole);
}

static inline void replay_record(const struct bn_record_type *type, const struct bn_doc *doc,
        int64_t turn, void *record)
{
    void *at = NULL;
    const char *name;
    for (const struct bn_doc *value; (value = bn_doc_next(doc, &at, &name));) {
        const struct bn_field *field = bn_field_find(type, bn_str(name));
        if (!field)
            fail_msg("%s has no field %s", type->name, name);
        replay_field(field, value, turn, record);
    }
}

static inline void replay_key(const struct bn_record_type *type, struct bn_str key, int64_t turn,
        unsigned char *record)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].flags & BN_F_KEY)
            replay_text(key, turn, (char *)record + type->fields[i].offset, type->fields[i].size);
}

static inline enum bn_kind replay_kind(struct bn_str word)
{
    for (int kind = 0; kind < BN_KIND_COUNT; kind++)
        if (bn_str_is(word, bn_kinds[kind].word))
            return (enum bn_kind)kind;
    fail_msg("there is no kind %.*s", BN_ARG(word));
    return BN_KIND_COUNT;
}

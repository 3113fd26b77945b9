/* The JSON request reader: what it takes is shallow, valid UTF-8 without NUL and names each member
   once; what it refuses has a sentence; a record read from it reads the same after being written.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#include "model/doc.h"
#include "model/fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *p, size_t len)
{
    assert(strlen(p) == len);
    assert(bn_utf8_is_valid(p, len));
}

static void check_value(const struct bn_doc *value, int depth)
{
    struct bn_str text;
    void *at = NULL;
    const char *name;
    const struct bn_doc *member;
    assert(depth <= BN_JSON_READ_DEPTH + 1);
    assert(bn_doc_type_word(value)[0]);
    if (bn_doc_get_text(value, &text))
        check_text(text.p, text.len);
    for (size_t i = 0; i < bn_doc_count(value); i++)
        check_value(bn_doc_item(value, i), depth + 1);
    while ((member = bn_doc_next(value, &at, &name)) != NULL) {
        check_text(name, strlen(name));
        assert(bn_doc_at(value, name) == member);
        check_value(member, depth + 1);
    }
}

static void check_sentence(const struct bn_err *err)
{
    assert(err->code == BN_E_INVALID);
    assert(err->text[0] && memchr(err->text, 0, sizeof err->text));
    assert(memchr(err->field, 0, sizeof err->field));
}

/* Reads text once more, into *record. */
static void read_back(const struct bn_record_type *type, struct bn_str text, void *record,
        uint64_t *given)
{
    struct bn_doc *doc = NULL;
    bool ok = bn_doc_parse(text, &doc, NULL) && bn_record_read(type, doc, record, given, NULL);
    assert(ok);
    bn_doc_destroy(doc);
}

static void check_record(const struct bn_record_type *type, const struct bn_doc *doc)
{
    union bn_record record;
    union bn_record again;
    uint64_t given = 0;
    struct bn_err err = {0};
    bn_record_clear(type, &record);
    bn_record_clear(type, &again);
    if (!bn_record_read(type, doc, &record, &given, &err)) {
        check_sentence(&err);
        assert(bn_record_diff(type, &record, &again) == 0 && given == 0);
        return;
    }
    if (!bn_record_check(type, &record, &err))
        check_sentence(&err);
    BN_BUF_AUTO buf;
    struct bn_json json;
    bn_buf_init(&buf, 1 << 16);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    /* Decimals are rounded in writing and years have four digits: those do not come back as sent,
       and secrets do not come back at all. */
    uint64_t mask = given;
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].type == BN_T_F64 || type->fields[i].type == BN_T_TIME ||
                (type->fields[i].flags & BN_F_SECRET))
            mask &= ~BN_BIT(i);
    bn_record_json(type, &record, mask, BN_ABSENT_NULL, &json);
    bn_json_object_end(&json);
    assert(bn_buf_ok(&buf));
    read_back(type, bn_buf_str(&buf), &again, &given);
    assert(given == mask && (bn_record_diff(type, &record, &again) & mask) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"name", "role", "code", NULL};
    struct bn_err err = {0};
    struct bn_str text;
    int64_t number;
    struct bn_doc *doc = NULL;
    if (!bn_doc_parse((struct bn_str){size ? (const char *)data : "", size}, &doc, &err)) {
        assert(!doc);
        check_sentence(&err);
        return 0;
    }
    check_value(doc, 1);
    if (!bn_doc_only(doc, names, &err) || !bn_doc_text(doc, "name", &text, &err) ||
            !bn_doc_text_or(doc, "role", "viewer", &text, &err) ||
            !bn_doc_i64_or(doc, "code", 7, &number, &err))
        check_sentence(&err);
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++)
        check_record(bn_kinds[kind].type, doc);
    bn_doc_destroy(doc);
    return 0;
}

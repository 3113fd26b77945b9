#include "bn_test.h"
#include "model/doc.h"
#include "model/fact.h"
#include "model/point.h"

/* Fields stand in the order of the struct and leave no room for a member that is not in the table.
 */
BN_TEST(every_member_of_every_record_is_in_its_table)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        const struct bn_record_type *type = bn_kinds[kind].type;
        size_t end = 0;
        for (size_t i = 0; i < type->field_count; i++) {
            CHECK(type->fields[i].offset >= end);
            CHECK(type->fields[i].offset - end < 8);
            end = (size_t)type->fields[i].offset + type->fields[i].size;
        }
        CHECK(type->size >= end && type->size - end < 8);
        CHECK(type->size <= sizeof(union bn_record));
    }
}

BN_TEST(every_field_fits_its_type_and_has_a_doc_that_fits_a_comment)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        const struct bn_record_type *type = bn_kinds[kind].type;
        CHECK(type->field_count <= BN_FIELDS_MAX);
        for (size_t i = 0; i < type->field_count; i++) {
            const struct bn_field *field = &type->fields[i];
            CHECK(field->type == BN_T_TEXT ? field->size > 1 : field->size == 8);
            CHECK((field->type == BN_T_ENUM) == (field->words != NULL));
            CHECK(field->doc && field->doc[0] && !strstr(field->doc, "*/"));
            CHECK(field->min <= field->max);
            for (size_t other = 0; other < i; other++)
                CHECK(strcmp(type->fields[other].name, field->name) != 0);
        }
    }
}

BN_TEST(every_record_has_one_key_and_it_is_text_called_id)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        const struct bn_record_type *type = bn_kinds[kind].type;
        size_t keys = 0;
        for (size_t i = 0; i < type->field_count; i++)
            keys += (type->fields[i].flags & BN_F_KEY) != 0;
        CHECK_INT(keys, 1);
        CHECK_STR(type->fields[0].name, "id");
        CHECK(type->fields[0].type == BN_T_TEXT && (type->fields[0].flags & BN_F_KEY));
    }
}

BN_TEST(only_numbers_of_samples_are_series_and_records_alone_are_kept_as_rows)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        const struct bn_record_type *type = bn_kinds[kind].type;
        CHECK((bn_kinds[kind].class == BN_RECORD) == (type->table != NULL));
        for (size_t i = 0; i < type->field_count; i++) {
            if (!(type->fields[i].flags & BN_F_SERIES))
                continue;
            CHECK_INT(bn_kinds[kind].class, BN_SAMPLE);
            CHECK(type->fields[i].type == BN_T_I64 || type->fields[i].type == BN_T_F64);
        }
    }
}

BN_TEST(series_names_of_every_kind_fit)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        const struct bn_record_type *type = bn_kinds[kind].type;
        for (size_t i = 0; i < type->field_count; i++)
            CHECK(strlen(bn_kinds[kind].word) + type->fields[0].size +
                            strlen(type->fields[i].name) + 2 <=
                    BN_SERIES_NAME_MAX);
    }
}

BN_TEST(every_topic_of_a_kind_is_a_topic_and_the_word_is_the_record)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        bool is_known = bn_kinds[kind].topic[0] == 0;
        for (size_t i = 0; i < bn_topic_count; i++)
            is_known |= strcmp(bn_topics[i].name, bn_kinds[kind].topic) == 0;
        CHECK(is_known);
        CHECK_STR(bn_kinds[kind].word, bn_kinds[kind].type->name);
        CHECK(bn_kinds[kind].is_single == (bn_kinds[kind].rows_max == 1));
    }
}

BN_TEST(a_new_fact_knows_nothing_but_its_kind_and_tenant)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        struct bn_fact fact;
        struct bn_record_type const *type = bn_kinds[kind].type;
        memset(&fact, 0xab, sizeof fact);
        bn_fact_init(&fact, (enum bn_kind)kind, "default");
        CHECK_INT(fact.kind, kind);
        CHECK_INT(fact.op, BN_PUT);
        CHECK(!fact.replay);
        CHECK_INT(fact.ticket, 0);
        CHECK_STR(fact.tenant, "default");
        for (size_t i = 0; i < type->field_count; i++)
            CHECK(type->fields[i].type == BN_T_BOOL ||
                    bn_field_is_unknown(&type->fields[i], &fact.u));
    }
}

static bool has_range(const struct bn_field *field)
{
    return field->min < field->max;
}

static void put_f64(const struct bn_field *field, char *at, double value)
{
    double shown = field->decimals ? value / 2 : value;
    shown = has_range(field) ? fmin(shown, (double)field->max) : shown;
    memcpy(at, &shown, sizeof shown);
}

/* Everything a record can show comes back the same when it is read as JSON. */
BN_TEST(records_survive_the_way_through_json)
{
    for (size_t kind = 0; kind < BN_KIND_COUNT; kind++) {
        const struct bn_record_type *type = bn_kinds[kind].type;
        struct bn_fact fact;
        bn_fact_init(&fact, (enum bn_kind)kind, "default");
        for (size_t i = 0; i < type->field_count; i++) {
            char *at = (char *)&fact.u + type->fields[i].offset;
            if (type->fields[i].type == BN_T_TEXT)
                memset(at, 'a' + (int)(i % 26), type->fields[i].size - 1u);
            else if (type->fields[i].type == BN_T_F64)
                put_f64(&type->fields[i], at, (double)(i + 1));
            else if (type->fields[i].type == BN_T_ENUM)
                memcpy(at, &(int64_t){type->fields[i].words[1] ? 1 : 0}, sizeof(int64_t));
            else
                memcpy(at,
                        &(int64_t){
                                has_range(&type->fields[i]) ? BN_MAX(1, type->fields[i].min) : 1},
                        sizeof(int64_t));
        }
        struct bn_err err = {0};
        CHECK(bn_record_check(type, &fact.u, &err));
        BN_BUF_AUTO buf;
        struct bn_json json;
        bn_buf_init(&buf, 1 << 16);
        bn_json_init(&json, &buf);
        bn_json_object(&json);
        bn_record_json(type, &fact.u, BN_MASK_ALL, BN_ABSENT_NULL, &json);
        bn_json_object_end(&json);
        BN_DOC_AUTO *doc = NULL;
        CHECK(bn_doc_parse(bn_buf_str(&buf), &doc, &err));

        struct bn_record_type open = *type; /* the same fields, open to requests */
        struct bn_field fields[BN_FIELDS_MAX];
        uint64_t want = 0;
        memcpy(fields, type->fields, type->field_count * sizeof fields[0]);
        for (size_t i = 0; i < type->field_count; i++) {
            want |= fields[i].flags & BN_F_SECRET ? 0 : BN_BIT(i);
            fields[i].flags &= (uint8_t) ~(BN_F_FIXED | BN_F_DERIVED);
        }
        open.fields = fields;
        struct bn_fact back;
        uint64_t given;
        bn_fact_init(&back, (enum bn_kind)kind, "default");
        CHECK(bn_record_read(&open, doc, &back.u, &given, &err));
        CHECK(given == want);
        CHECK((bn_record_diff(type, &fact.u, &back.u) & want) == 0);
    }
}

BN_TEST_MAIN()

#include <stdlib.h>

#include "base/secret.h"

#include "bn_test.h"
#include "model/doc.h"
#include "model/field.h"

static const char *const colour_words[] = {"red", "green", "blue", NULL};

struct thing {
    char id[16];
    char name[8];
    char secret[16];
    int64_t port;
    int64_t at_least;
    double load;
    int64_t enabled;
    int64_t colour;
    int64_t at;
    int64_t made_at;
};

static const struct bn_field thing_fields[] = {
        BN_FIELD(struct thing, id, BN_T_TEXT, .flags = BN_F_KEY, .doc = "which"),
        BN_FIELD(struct thing, name, BN_T_TEXT, .flags = BN_F_REQUIRED, .doc = "how it is called"),
        BN_FIELD(struct thing, secret, BN_T_TEXT, .flags = BN_F_SECRET, .doc = "never shown"),
        BN_FIELD(struct thing, port, BN_T_I64, .min = 1, .max = 65535, .doc = "TCP port"),
        BN_FIELD(struct thing, at_least, BN_T_I64, .min = 0, .max = INT64_MAX, .doc = "a count"),
        BN_FIELD(struct thing, load, BN_T_F64, .min = 0, .max = 100, .doc = "percent"),
        BN_FIELD(struct thing, enabled, BN_T_BOOL, .doc = "in use"),
        BN_FIELD(struct thing, colour, BN_T_ENUM, .words = colour_words, .doc = "of the paint"),
        BN_FIELD(struct thing, at, BN_T_TIME, .doc = "when"),
        BN_FIELD(struct thing, made_at, BN_T_TIME, .flags = BN_F_FIXED, .doc = "when it was made"),
};

static const struct bn_record_type thing_type = {
        .name = "small_thing",
        .size = sizeof(struct thing),
        .fields = thing_fields,
        .field_count = COUNT(thing_fields),
};

static struct thing some_thing(void)
{
    struct thing thing;
    bn_record_clear(&thing_type, &thing);
    snprintf(thing.id, sizeof thing.id, "t1");
    snprintf(thing.name, sizeof thing.name, "lamp");
    return thing;
}

static uint64_t bit(const char *name)
{
    return BN_BIT(bn_field_index(&thing_type, name));
}

/* --- unknown --------------------------------------------------------------------------------- */

BN_TEST(clearing_makes_every_field_unknown_and_bools_false)
{
    struct thing thing;
    memset(&thing, 0xab, sizeof thing);
    bn_record_clear(&thing_type, &thing);
    for (size_t i = 0; i < thing_type.field_count; i++)
        CHECK(bn_field_is_unknown(&thing_fields[i], &thing) == (thing_fields[i].type != BN_T_BOOL));
    CHECK_INT(thing.port, BN_UNKNOWN);
    CHECK_INT(thing.at, 0);
    CHECK_INT(thing.enabled, 0);
    CHECK(isnan(thing.load));
}

BN_TEST(a_field_is_found_by_its_whole_name_only)
{
    CHECK(bn_field_find(&thing_type, BN_STR("port")) == &thing_fields[3]);
    CHECK(bn_field_find(&thing_type, BN_STR("por")) == NULL);
    CHECK(bn_field_find(&thing_type, BN_STR("port2")) == NULL);
    CHECK(bn_field_find(&thing_type, BN_STR("")) == NULL);
    CHECK_INT(bn_field_index(&thing_type, "load"), 5);
}

BN_TEST(the_number_of_a_field_is_nan_when_unknown_or_text)
{
    struct thing thing = some_thing();
    const struct bn_field *port = bn_field_find(&thing_type, BN_STR("port"));
    CHECK(isnan(bn_field_number(port, &thing)));
    thing.port = 8080;
    CHECK_NEAR(bn_field_number(port, &thing), 8080, 0);
    thing.load = 2.5;
    CHECK_NEAR(bn_field_number(&thing_fields[5], &thing), 2.5, 0);
    thing.colour = 2;
    CHECK_NEAR(bn_field_number(&thing_fields[7], &thing), 2, 0);
    CHECK(isnan(bn_field_number(&thing_fields[1], &thing)));
    CHECK_STR(bn_record_key(&thing_type, &thing), "t1");
}

/* --- checking -------------------------------------------------------------------------------- */

static void check_refused(const struct thing *thing, const char *field, const char *sentence)
{
    struct bn_err err = {0};
    CHECK(!bn_record_check(&thing_type, thing, &err));
    CHECK_INT(err.code, BN_E_INVALID);
    CHECK_STR(err.field, field);
    CHECK_STR(err.text, sentence);
}

BN_TEST(a_record_with_only_what_is_required_is_valid)
{
    struct thing thing = some_thing();
    CHECK(bn_record_check(&thing_type, &thing, NULL));
}

BN_TEST(values_at_the_edges_of_their_range_are_valid)
{
    struct thing thing = some_thing();
    thing.at_least = INT64_MAX;
    thing.enabled = 1;
    thing.colour = 2;
    for (int i = 0; i < 2; i++) {
        thing.port = i ? 65535 : 1;
        thing.load = i ? 100 : 0;
        CHECK(bn_record_check(&thing_type, &thing, NULL));
    }
}

BN_TEST(a_missing_key_or_required_field_is_named)
{
    struct thing thing = some_thing();
    thing.name[0] = 0;
    check_refused(&thing, "name", "name is required");
    thing = some_thing();
    thing.id[0] = 0;
    check_refused(&thing, "id", "id is required");
}

BN_TEST(a_number_outside_its_range_is_refused_with_what_was_got)
{
    struct thing thing = some_thing();
    thing.port = 80060;
    check_refused(&thing, "port", "port must be 1..65535, got 80060");
    thing.port = 0;
    check_refused(&thing, "port", "port must be 1..65535, got 0");
    thing = some_thing();
    thing.at_least = -1;
    check_refused(&thing, "at_least", "at_least must be at least 0, got -1");
    thing = some_thing();
    thing.load = 100.5;
    check_refused(&thing, "load", "load must be 0..100, got 100.5");
    thing.load = INFINITY;
    check_refused(&thing, "load", "load must be a finite number");
}

BN_TEST(an_enum_bool_or_time_that_cannot_be_is_refused)
{
    struct thing thing = some_thing();
    thing.colour = 3;
    check_refused(&thing, "colour", "colour must be red, green or blue, got 3");
    thing.colour = -1;
    check_refused(&thing, "colour", "colour must be red, green or blue, got -1");
    thing = some_thing();
    thing.enabled = 2;
    check_refused(&thing, "enabled", "enabled must be 0 or 1, got 2");
    thing = some_thing();
    thing.at = -5;
    check_refused(&thing, "at", "at must be after 1970, got -5 ms");
}

BN_TEST(text_without_an_end_or_with_broken_utf8_is_refused)
{
    struct thing thing = some_thing();
    memset(thing.name, 'x', sizeof thing.name);
    check_refused(&thing, "name", "name must be at most 7 bytes, got more");
    snprintf(thing.name, sizeof thing.name, "a\xff");
    check_refused(&thing, "name", "name must be valid UTF-8");
}

/* --- differences ----------------------------------------------------------------------------- */

BN_TEST(equal_records_do_not_differ_and_unknown_equals_unknown)
{
    struct thing a = some_thing();
    struct thing b = some_thing();
    CHECK(bn_record_diff(&thing_type, &a, &b) == 0);
    b.load = -NAN;
    CHECK(signbit(a.load) != signbit(b.load)); /* the same bytes would prove nothing */
    CHECK(bn_record_diff(&thing_type, &a, &b) == 0);
}

BN_TEST(bytes_behind_the_end_of_a_text_do_not_count)
{
    struct thing a = some_thing();
    struct thing b = some_thing();
    b.name[7] = 'x';
    CHECK(bn_record_diff(&thing_type, &a, &b) == 0);
}

BN_TEST(every_field_that_differs_has_its_bit_and_no_other)
{
    for (size_t i = 0; i < thing_type.field_count; i++) {
        struct thing a = some_thing();
        struct thing b = some_thing();
        char *at = (char *)&b + thing_fields[i].offset;
        if (thing_fields[i].type == BN_T_TEXT)
            at[0] = 'Z';
        else if (thing_fields[i].type == BN_T_F64)
            memcpy(at, &(double){1.5}, sizeof(double));
        else
            memcpy(at, &(int64_t){1}, sizeof(int64_t));
        CHECK(bn_record_diff(&thing_type, &a, &b) == BN_BIT(i));
        CHECK(bn_record_diff(&thing_type, &b, &a) == BN_BIT(i));
    }
}

BN_TEST(positive_and_negative_zero_are_the_same_number)
{
    struct thing a = some_thing();
    struct thing b = some_thing();
    a.load = 0.0;
    b.load = -0.0;
    CHECK(bn_record_diff(&thing_type, &a, &b) == 0);
}

/* --- writing JSON ---------------------------------------------------------------------------- */

static void check_json(const struct thing *thing, uint64_t mask, enum bn_absent absent,
        const char *want)
{
    BN_BUF_AUTO buf;
    struct bn_json json;
    bn_buf_init(&buf, 4096);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_record_json(&thing_type, thing, mask, absent, &json);
    bn_json_object_end(&json);
    bn_buf_putc(&buf, 0);
    CHECK(bn_buf_ok(&buf));
    CHECK_STR(buf.p, want);
}

static struct thing full_thing(void)
{
    struct thing thing = some_thing();
    snprintf(thing.secret, sizeof thing.secret, "hunter2");
    thing.port = 443;
    thing.load = 12.345678;
    thing.enabled = 1;
    thing.colour = 1;
    thing.at = 1795204624112;
    return thing;
}

BN_TEST(json_has_words_times_and_bools_and_never_a_secret)
{
    struct thing thing = full_thing();
    check_json(&thing, BN_MASK_ALL, BN_ABSENT_OMIT,
            "{\"id\":\"t1\",\"name\":\"lamp\",\"port\":443,\"load\":12.35,\"enabled\":true,"
            "\"colour\":\"green\",\"at\":\"2026-11-20T19:57:04.112Z\"}");
    check_json(&thing, bit("secret"), BN_ABSENT_NULL, "{}");
}

BN_TEST(unknown_is_left_out_of_snapshots_and_null_in_patches)
{
    struct thing thing = some_thing();
    check_json(&thing, BN_MASK_ALL, BN_ABSENT_OMIT,
            "{\"id\":\"t1\",\"name\":\"lamp\",\"enabled\":false}");
    check_json(&thing, bit("port") | bit("load") | bit("at") | bit("colour"), BN_ABSENT_NULL,
            "{\"port\":null,\"load\":null,\"colour\":null,\"at\":null}");
}

BN_TEST(a_bool_nobody_measured_is_unknown_too)
{
    struct thing thing = some_thing();
    thing.enabled = BN_UNKNOWN;
    check_json(&thing, bit("enabled"), BN_ABSENT_NULL, "{\"enabled\":null}");
    check_json(&thing, bit("enabled"), BN_ABSENT_OMIT, "{}");
}

BN_TEST(only_the_fields_of_the_mask_are_written)
{
    struct thing thing = full_thing();
    check_json(&thing, bit("port"), BN_ABSENT_NULL, "{\"port\":443}");
    check_json(&thing, 0, BN_ABSENT_NULL, "{}");
}

BN_TEST(large_numbers_are_written_whole)
{
    struct thing thing = some_thing();
    thing.load = 1234567.891;
    check_json(&thing, bit("load"), BN_ABSENT_NULL, "{\"load\":1234568}");
    thing.load = 999.12;
    check_json(&thing, bit("load"), BN_ABSENT_NULL, "{\"load\":999.12}");
}

/* --- reading --------------------------------------------------------------------------------- */

static bool read_thing(const char *text, struct thing *thing, uint64_t *given, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    CHECK(bn_doc_parse(bn_str(text), &doc, err));
    return bn_record_read(&thing_type, doc, thing, given, err);
}

BN_TEST(a_request_is_read_into_its_record_and_says_what_it_gave)
{
    struct thing thing = some_thing();
    uint64_t given;
    CHECK(read_thing(
            "{\"name\":\"bulb\",\"port\":80,\"load\":3,\"enabled\":true,\"colour\":\"blue\","
            "\"at\":\"2026-11-20T19:57:04Z\"}",
            &thing, &given, NULL));
    CHECK_STR(thing.name, "bulb");
    CHECK_INT(thing.port, 80);
    CHECK_NEAR(thing.load, 3, 0);
    CHECK_INT(thing.enabled, 1);
    CHECK_INT(thing.colour, 2);
    CHECK_INT(thing.at, 1795204624000);
    CHECK(given ==
            (bit("name") | bit("port") | bit("load") | bit("enabled") | bit("colour") | bit("at")));
}

BN_TEST(null_makes_a_field_unknown_and_absence_leaves_it)
{
    struct thing thing = full_thing();
    uint64_t given;
    CHECK(read_thing("{\"port\":null,\"load\":null,\"enabled\":null,\"at\":null}", &thing, &given,
            NULL));
    CHECK_INT(thing.port, BN_UNKNOWN);
    CHECK(isnan(thing.load));
    CHECK_INT(thing.enabled, 0);
    CHECK_INT(thing.at, 0);
    CHECK_INT(thing.colour, 1);
    CHECK(given == (bit("port") | bit("load") | bit("enabled") | bit("at")));
}

static void check_unreadable(const char *text, const char *field, const char *sentence)
{
    struct thing before = full_thing();
    struct thing thing = before;
    uint64_t given = 77;
    struct bn_err err = {0};
    CHECK(!read_thing(text, &thing, &given, &err));
    CHECK_STR(err.text, sentence);
    CHECK_STR(err.field, field);
    CHECK_INT(given, 77);
    CHECK_MEM(&thing, &before, sizeof thing);
}

BN_TEST(a_refused_request_changes_nothing_and_names_the_member)
{
    check_unreadable("{\"prot\":1}", "prot", "unknown field \"prot\"");
    check_unreadable("{\"made_at\":null}", "made_at", "made_at is set by the server");
    check_unreadable("{\"port\":\"80\"}", "port", "port must be a whole number, got text");
    check_unreadable("{\"port\":80.5}", "port", "port must be a whole number, got a fraction");
    check_unreadable("{\"load\":true}", "load", "load must be a number, got true");
    check_unreadable("{\"name\":7}", "name", "name must be text, got a whole number");
    check_unreadable("{\"name\":\"12345678\"}", "name", "name must be at most 7 bytes, got 8");
    check_unreadable("{\"enabled\":1}", "enabled",
            "enabled must be true or false, got a whole number");
    check_unreadable("{\"colour\":\"pink\"}", "colour",
            "colour must be red, green or blue, got \"pink\"");
    check_unreadable("{\"colour\":1}", "colour",
            "colour must be red, green or blue, got a whole number");
    check_unreadable("{\"at\":\"noon\"}", "at",
            "at must be a time like \"2026-11-20T19:57:04Z\", got \"noon\"");
    check_unreadable("{\"at\":5}", "at",
            "at must be a time like \"2026-11-20T19:57:04Z\", got a whole number");
    check_unreadable("[]", "", "a JSON object was expected, got a list");
}

BN_TEST(the_number_that_means_unknown_cannot_be_sent)
{
    check_unreadable("{\"port\":-9223372036854775808}", "port",
            "port must be more than -9223372036854775808");
}

BN_TEST(a_good_member_before_a_bad_one_is_not_taken)
{
    check_unreadable("{\"port\":9,\"load\":[]}", "load", "load must be a number, got a list");
}

/* --- a table of another make --------------------------------------------------------------------
 */

struct odd {
    int64_t count;
    double ratio;
    int64_t tone;
    char id[8];
};

static const char *const tones[] = {"a long word for the first of them",
        "a long word for the second of them", "a long word for the third of them",
        "a long word for the fourth of them", "a long word for the last", NULL};

static const struct bn_field odd_fields[] = {
        BN_FIELD(struct odd, count, BN_T_I64, .doc = NULL),
        BN_FIELD(struct odd, ratio, BN_T_F64, .doc = NULL),
        BN_FIELD(struct odd, tone, BN_T_ENUM, .words = tones),
        BN_FIELD(struct odd, id, BN_T_TEXT, .flags = BN_F_KEY),
};

static const struct bn_record_type odd_type = {
        .name = "odd",
        .size = sizeof(struct odd),
        .fields = odd_fields,
        .field_count = COUNT(odd_fields),
};

BN_TEST(the_key_may_stand_anywhere_and_numbers_without_a_range_have_none)
{
    struct odd odd = {.count = INT64_MAX, .ratio = -1e300, .tone = 4, .id = "o1"};
    struct bn_err err;
    CHECK_STR(bn_record_key(&odd_type, &odd), "o1");
    CHECK(bn_record_check(&odd_type, &odd, &err));
}

BN_TEST(more_words_than_a_sentence_holds_are_cut)
{
    struct odd odd = {.count = 1, .ratio = 1, .tone = 5, .id = "o1"};
    struct bn_err err;
    CHECK(!bn_record_check(&odd_type, &odd, &err));
    CHECK(bn_str_starts(bn_str(err.text),
            "tone must be a long word for the first of them, a long"));
    CHECK_STR(err.text + strlen(err.text) - 7, ", got 5");
}

BN_TEST(a_field_nobody_described_has_no_comment)
{
    BN_BUF_AUTO out;
    bn_buf_init(&out, 4096);
    bn_record_typescript(&odd_type, &out);
    bn_buf_putc(&out, 0);
    CHECK(strstr(out.p, "export interface Odd {\n  count?: number;\n  ratio?: number;\n"));
    CHECK(!strstr(out.p, "/**"));
}

/* --- TypeScript ------------------------------------------------------------------------------ */

BN_TEST(typescript_says_types_words_and_what_may_be_missing)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 4096);
    bn_record_typescript(&thing_type, &buf);
    bn_buf_putc(&buf, 0);
    CHECK(bn_buf_ok(&buf));
    CHECK_STR(buf.p, "export interface SmallThing {\n"
                     "  /** which */\n  id?: string;\n"
                     "  /** how it is called */\n  name?: string;\n"
                     "  /** TCP port */\n  port?: number;\n"
                     "  /** a count */\n  at_least?: number;\n"
                     "  /** percent */\n  load?: number;\n"
                     "  /** in use */\n  enabled?: boolean;\n"
                     "  /** of the paint */\n  colour?: 'red' | 'green' | 'blue';\n"
                     "  /** when */\n  at?: string;\n"
                     "  /** when it was made */\n  made_at?: string;\n"
                     "}\n");
}

/* --- objects --------------------------------------------------------------------------------- */

struct lamp {
    char id[16];
    int64_t kind;
    char secret[16];
    char label[16];
    int64_t made_at;
    int64_t watts;
};

static const struct bn_field lamp_fields[] = {
        BN_FIELD(struct lamp, id, BN_T_TEXT, .flags = BN_F_KEY),
        BN_FIELD_AS(struct lamp, kind, "bulb.kind", BN_T_ENUM, .words = colour_words,
                .flags = BN_F_REQUIRED),
        BN_FIELD_AS(struct lamp, secret, "bulb.secret", BN_T_TEXT, .flags = BN_F_SECRET),
        BN_FIELD_AS(struct lamp, label, "bulb.label", BN_T_TEXT, .doc = "on the glass"),
        BN_FIELD_AS(struct lamp, made_at, "bulb.made_at", BN_T_TIME, .flags = BN_F_FIXED),
        BN_FIELD(struct lamp, watts, BN_T_I64, .min = 1, .max = 100),
};

static const struct bn_record_type lamp_type = {
        .name = "lamp",
        .size = sizeof(struct lamp),
        .fields = lamp_fields,
        .field_count = COUNT(lamp_fields),
};

static const char *lamp_json(const struct lamp *lamp, uint64_t mask, enum bn_absent absent)
{
    static char text[400];
    BN_BUF_AUTO buf;
    struct bn_json json;
    bn_buf_init(&buf, sizeof text);
    bn_json_init(&json, &buf);
    bn_json_object(&json);
    bn_record_json(&lamp_type, lamp, mask, absent, &json);
    bn_json_object_end(&json);
    CHECK(bn_buf_ok(&buf));
    bn_text_clip(text, sizeof text, bn_buf_str(&buf));
    return text;
}

static bool read_lamp(const char *text, struct lamp *lamp, uint64_t *given, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    bn_record_clear(&lamp_type, lamp);
    CHECK(bn_doc_parse(bn_str(text), &doc, err));
    return bn_record_read(&lamp_type, doc, lamp, given, err);
}

BN_TEST(a_dot_in_a_name_makes_an_object_of_the_record)
{
    struct lamp lamp;
    bn_record_clear(&lamp_type, &lamp);
    snprintf(lamp.id, sizeof lamp.id, "l1");
    lamp.kind = 1;
    lamp.watts = 7;
    snprintf(lamp.secret, sizeof lamp.secret, "s");
    CHECK_STR(lamp_json(&lamp, BN_MASK_ALL, BN_ABSENT_NULL),
            "{\"id\":\"l1\",\"bulb\":{\"kind\":\"green\",\"label\":null,\"made_at\":null},"
            "\"watts\":7}");
    CHECK_STR(lamp_json(&lamp, BN_MASK_ALL, BN_ABSENT_OMIT),
            "{\"id\":\"l1\",\"bulb\":{\"kind\":\"green\"},\"watts\":7}");
    CHECK_STR(lamp_json(&lamp, BN_BIT(3), BN_ABSENT_NULL), "{\"bulb\":{\"label\":null}}");
    CHECK_STR(lamp_json(&lamp, BN_BIT(5), BN_ABSENT_NULL), "{\"watts\":7}");
    CHECK_STR(lamp_json(&lamp, BN_BIT(2), BN_ABSENT_NULL), "{}"); /* nothing but a secret */
}

BN_TEST(an_object_is_read_member_by_member_and_refused_by_its_whole_name)
{
    static const struct {
        const char *text;
        const char *field;
        const char *want;
    } bad[] = {
            {"{\"bulb\":{\"kind\":\"pink\"}}", "bulb.kind",
                    "bulb.kind must be red, green or blue, got \"pink\""},
            {"{\"bulb\":{\"watts\":1}}", "bulb.watts", "unknown field \"bulb.watts\""},
            {"{\"bulb\":\"red\"}", "bulb", "bulb must be an object, got text"},
            {"{\"bulb\":null}", "bulb", "bulb must be an object, got null"},
            {"{\"bulb.kind\":\"red\"}", "bulb.kind", "unknown field \"bulb.kind\""},
            {"{\"bul\":{}}", "bul", "unknown field \"bul\""},
            {"{\"bulb\":{\"made_at\":null}}", "bulb.made_at", "bulb.made_at is set by the server"},
    };
    struct lamp lamp;
    struct bn_err err;
    uint64_t given = 0;
    CHECK(read_lamp("{\"bulb\":{\"label\":\"x\",\"kind\":\"blue\"},\"watts\":3}", &lamp, &given,
            &err));
    CHECK_STR(lamp.label, "x");
    CHECK_INT(lamp.kind, 2);
    CHECK(given == (BN_BIT(1) | BN_BIT(3) | BN_BIT(5)));
    CHECK(read_lamp("{\"bulb\":{}}", &lamp, &given, &err));
    CHECK(given == 0);
    CHECK(!bn_record_check(&lamp_type, &lamp, &err));
    snprintf(lamp.id, sizeof lamp.id, "l1");
    CHECK(!bn_record_check(&lamp_type, &lamp, &err));
    CHECK_STR(err.text, "bulb.kind is required");
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!read_lamp(bad[i].text, &lamp, &given, &err));
        CHECK_STR(err.field, bad[i].field);
        CHECK_STR(err.text, bad[i].want);
    }
}

BN_TEST(a_list_of_ids_is_left_to_its_route_and_nothing_else_may_stand_there)
{
    static const struct bn_field ids = {"ids", .size = 8, .flags = BN_F_IDS | BN_F_REQUIRED};
    static const struct bn_record_type type = {"crowd", NULL, 8, &ids, 1};
    BN_DOC_AUTO *doc = NULL;
    BN_DOC_AUTO *bad = NULL;
    uint64_t given = 0;
    struct bn_err err;
    char crowd[8] = "";
    CHECK(bn_doc_parse(BN_STR("{\"ids\":[\"a\",7]}"), &doc, &err));
    CHECK(bn_record_read(&type, doc, crowd, &given, &err) && given == 1 && !crowd[0] &&
            bn_record_check(&type, crowd, &err) &&
            bn_doc_parse(BN_STR("{\"ids\":\"a\"}"), &bad, &err));
    CHECK(!bn_record_read(&type, bad, crowd, &given, &err));
    CHECK_STR(err.text, "ids must be a list of ids, got text");
}

BN_TEST(typescript_of_an_object_is_an_object)
{
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 4096);
    bn_record_typescript(&lamp_type, &buf);
    bn_buf_putc(&buf, 0);
    CHECK_STR(buf.p, "export interface Lamp {\n"
                     "  id?: string;\n"
                     "  bulb?: {\n"
                     "  kind?: 'red' | 'green' | 'blue';\n"
                     "  /** on the glass */\n  label?: string;\n"
                     "  made_at?: string;\n"
                     "  };\n"
                     "  watts?: number;\n"
                     "}\n");
}

BN_TEST_MAIN()

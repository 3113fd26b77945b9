#include <jansson.h>
#include <math.h>

#include "base/json.h"

#include "bn_test.h"

#define MAX (1 << 20)

/* Writes with `body`, which uses `json`, and checks the text. */
#define CHECK_JSON(want, body)                \
    do {                                      \
        BN_BUF_AUTO buf_;                     \
        struct bn_json writer_;               \
        struct bn_json *json = &writer_;      \
        bn_buf_init(&buf_, MAX);              \
        bn_json_init(json, &buf_);            \
        body;                                 \
        bn_buf_putc(&buf_, 0);                \
        CHECK(bn_buf_ok(&buf_));              \
        CHECK_STR(bn_buf_str(&buf_).p, want); \
    } while (0)

BN_TEST(values_stand_alone)
{
    CHECK_JSON("null", bn_json_null(json));
    CHECK_JSON("true", bn_json_bool(json, true));
    CHECK_JSON("false", bn_json_bool(json, false));
    CHECK_JSON("0", bn_json_i64(json, 0));
    CHECK_JSON("-9223372036854775808", bn_json_i64(json, INT64_MIN));
    CHECK_JSON("18446744073709551615", bn_json_u64(json, UINT64_MAX));
    CHECK_JSON("\"\"", bn_json_text(json, ""));
    CHECK_JSON("null", bn_json_text(json, NULL));
    CHECK_JSON("\"\"", bn_json_str(json, bn_str(NULL)));
    CHECK_JSON("[1]", bn_json_raw(json, "[1]", 3));
    CHECK_JSON("{}", {
        bn_json_object(json);
        bn_json_object_end(json);
    });
    CHECK_JSON("[]", {
        bn_json_array(json);
        bn_json_array_end(json);
    });
}

BN_TEST(commas_are_the_writers_business)
{
    CHECK_JSON(
            "{\"a\":1,\"b\":[1,\"x\",null,{},[],{\"c\":true}],\"d\":{\"e\":{}},\"f\":[[]],\"g\":0}",
            {
                bn_json_object(json);
                bn_json_key(json, "a");
                bn_json_i64(json, 1);
                bn_json_key(json, "b");
                bn_json_array(json);
                bn_json_i64(json, 1);
                bn_json_text(json, "x");
                bn_json_null(json);
                bn_json_object(json);
                bn_json_object_end(json);
                bn_json_array(json);
                bn_json_array_end(json);
                bn_json_object(json);
                bn_json_key(json, "c");
                bn_json_bool(json, true);
                bn_json_object_end(json);
                bn_json_array_end(json);
                bn_json_key(json, "d");
                bn_json_object(json);
                bn_json_key(json, "e");
                bn_json_object(json);
                bn_json_object_end(json);
                bn_json_object_end(json);
                bn_json_key(json, "f");
                bn_json_array(json);
                bn_json_array(json);
                bn_json_array_end(json);
                bn_json_array_end(json);
                bn_json_key(json, "g");
                bn_json_raw(json, "0", 1);
                bn_json_object_end(json);
            });
}

BN_TEST(sixteen_levels_are_the_deepest)
{
    CHECK_JSON("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],2]", {
        for (int i = 0; i < BN_JSON_DEPTH_MAX; i++)
            bn_json_array(json);
        bn_json_i64(json, 1);
        for (int i = 1; i < BN_JSON_DEPTH_MAX; i++)
            bn_json_array_end(json);
        bn_json_i64(json, 2);
        bn_json_array_end(json);
    });
}

static void misuse(int how)
{
    struct bn_buf buf;
    struct bn_json json;
    bn_buf_init(&buf, MAX);
    bn_json_init(&json, &buf);
    switch (how) {
    case 0: /* deeper than the limit */
        for (int i = 0; i <= BN_JSON_DEPTH_MAX; i++)
            bn_json_array(&json);
        break;
    case 1: /* a value without its key */
        bn_json_object(&json);
        bn_json_i64(&json, 1);
        break;
    case 2: /* a key without its value */
        bn_json_object(&json);
        bn_json_key(&json, "a");
        bn_json_object_end(&json);
        break;
    case 3: /* two keys */
        bn_json_object(&json);
        bn_json_key(&json, "a");
        bn_json_key(&json, "b");
        break;
    case 4: /* a key in a list */
        bn_json_array(&json);
        bn_json_key(&json, "a");
        break;
    case 5: /* the wrong bracket */
        bn_json_array(&json);
        bn_json_object_end(&json);
        break;
    case 6: /* one end too many */ bn_json_array_end(&json); break;
    default: /* two texts */
        bn_json_null(&json);
        bn_json_null(&json);
        break;
    }
}

BN_TEST(what_could_only_be_a_programming_error_stops_the_process)
{
    for (int how = 0; how < 8; how++)
        CHECK_ABORTS(misuse(how));
}

BN_TEST(what_must_be_escaped_is_escaped)
{
    CHECK_JSON("\"\\\"\\\\/\\b\\f\\n\\r\\t\"", bn_json_text(json, "\"\\/\b\f\n\r\t"));
    CHECK_JSON("\"\\u0001\\u001f\\u007f \"", bn_json_text(json, "\x01\x1f\x7f "));
    CHECK_JSON("\"a\\u0000b\"", bn_json_str(json, (struct bn_str){"a\0b", 3}));
    CHECK_JSON("\"\\u0080\\u009b\\u009f\xC2\xA0\"",
            bn_json_text(json, "\xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0"));
    CHECK_JSON("\"\xE2\x80\xA7\\u2028\\u2029\xE2\x80\xAA\"",
            bn_json_text(json, "\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"));
    CHECK_JSON("\"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x9A\xA2\"",
            bn_json_text(json, "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x9A\xA2"));
}

BN_TEST(keys_are_escaped_like_values)
{
    CHECK_JSON("{\"a\\\"\\n\":1,\"\xEF\xBF\xBD\":2}", {
        bn_json_object(json);
        bn_json_key(json, "a\"\n");
        bn_json_i64(json, 1);
        bn_json_key(json, "\xFF");
        bn_json_i64(json, 2);
        bn_json_object_end(json);
    });
}

#define FFFD "\xEF\xBF\xBD"

BN_TEST(ill_formed_bytes_become_replacement_characters)
{
    CHECK_JSON("\"" FFFD "\"", bn_json_text(json, "\x80"));
    CHECK_JSON("\"a" FFFD "b\"", bn_json_text(json, "a\xE2\x82"
                                                    "b"));
    CHECK_JSON("\"" FFFD FFFD "\"", bn_json_text(json, "\xC0\xAF"));
    CHECK_JSON("\"" FFFD FFFD FFFD "\"", bn_json_text(json, "\xED\xA0\x80"));
    CHECK_JSON("\"" FFFD "\"", bn_json_text(json, "\xF0\x9F\x9A"));
    CHECK_JSON("\"\xC3\xBC" FFFD "\xC3\xBC\\n" FFFD "\"",
            bn_json_text(json, "\xC3\xBC\xFF\xC3\xBC\n\xC3"));
}

BN_TEST(every_byte_is_treated_alike_at_every_place)
{
    /* Around the sixteen bytes that are looked at together. */
    for (int byte = 0; byte < 256; byte++) {
        char alone[16];
        size_t alone_len;
        BN_BUF_AUTO one;
        struct bn_json json;
        char c = (char)byte;
        bn_buf_init(&one, MAX);
        bn_json_init(&json, &one);
        bn_json_str(&json, (struct bn_str){&c, 1});
        alone_len = one.len - 2;
        memcpy(alone, one.p + 1, alone_len);
        for (size_t len = 1; len <= 40; len++) {
            for (size_t at = 0; at < len; at++) {
                char *text = malloc(len);
                char want[64];
                BN_BUF_AUTO got;
                memset(text, 'a', len);
                text[at] = c;
                memset(want, 'a', sizeof want);
                memcpy(want + at, alone, alone_len);
                bn_buf_init(&got, MAX);
                bn_json_init(&json, &got);
                bn_json_str(&json, (struct bn_str){text, len});
                free(text);
                CHECK_INT(got.len, len + alone_len + 1);
                CHECK(memcmp(got.p + 1, want, got.len - 2) == 0);
            }
        }
    }
}

static uint64_t seed = 20261120;

static uint32_t dice(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* Bytes with a taste for what hurts: quotes, controls, leads and continuations, whole characters.
 */
static size_t random_bytes(char *out, size_t max)
{
    static const char *const pieces[] = {"\"", "\\", "\n", "\xC3\xBC", "\xE2\x82\xAC",
            "\xF0\x9F\x9A\xA2", "\xE2\x80\xA8", "\xED\xA0\x80", "\xF4\x90", "\x80", "\xFF",
            "plain text of some length"};
    size_t len = 0;
    size_t want = dice((uint32_t)max);
    while (len < want) {
        const char *piece = pieces[dice(COUNT(pieces))];
        size_t n = strlen(piece);
        if (dice(3) == 0 || len + n > max)
            out[len++] = (char)dice(256);
        else {
            memcpy(out + len, piece, n);
            len += n;
        }
    }
    return len;
}

/* What a decoder that replaces maximal subparts makes of the bytes. */
static size_t replaced(const char *p, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t took = bn_utf8_next(p + i, len - i, &code);
        memcpy(out + n, code == BN_UTF8_BAD ? FFFD : p + i, code == BN_UTF8_BAD ? 3 : took);
        n += code == BN_UTF8_BAD ? 3 : took;
        i += took;
    }
    return n;
}

BN_TEST(whatever_the_bytes_another_reader_reads_the_same_text)
{
    for (int round = 0; round < 20000; round++) {
        char bytes[200];
        char want[600];
        size_t len = random_bytes(bytes, sizeof bytes);
        size_t want_len = replaced(bytes, len, want);
        BN_BUF_AUTO buf;
        struct bn_json json;
        bn_buf_init(&buf, MAX);
        bn_json_init(&json, &buf);
        bn_json_array(&json);
        bn_json_str(&json, (struct bn_str){bytes, len});
        bn_json_array_end(&json);
        json_error_t error;
        json_t *root = json_loadb(buf.p, buf.len, JSON_ALLOW_NUL, &error);
        if (!root)
            fail_msg("%s: %.*s", error.text, (int)buf.len, buf.p);
        json_t *value = json_array_get(root, 0);
        CHECK_INT(json_string_length(value), want_len);
        CHECK_MEM(json_string_value(value), want, want_len);
        json_decref(root);
    }
}

BN_TEST(fractions_have_no_more_digits_than_asked_and_no_trailing_zeros)
{
    CHECK_JSON("0", bn_json_f64(json, 0, 3));
    CHECK_JSON("1", bn_json_f64(json, 1, 3));
    CHECK_JSON("1.5", bn_json_f64(json, 1.5, 3));
    CHECK_JSON("-1.5", bn_json_f64(json, -1.5, 3));
    CHECK_JSON("0.001", bn_json_f64(json, 0.001, 3));
    CHECK_JSON("0.05", bn_json_f64(json, 0.05, 2));
    CHECK_JSON("42.1", bn_json_f64(json, 42.1, 6));
    CHECK_JSON("3.14", bn_json_f64(json, 3.14159, 2));
    CHECK_JSON("100", bn_json_f64(json, 99.996, 2));
    CHECK_JSON("99.99", bn_json_f64(json, 99.994, 2));
    CHECK_JSON("1", bn_json_f64(json, 0.95, 0));
    CHECK_JSON("10.01", bn_json_f64(json, 10.0099999, 4));
    CHECK_JSON("0.1", bn_json_f64(json, 0.1, 15));
    CHECK_JSON("0.1", bn_json_f64(json, 0.1, 99));
    CHECK_JSON("2", bn_json_f64(json, 1.7, -3));
}

BN_TEST(there_is_no_negative_zero)
{
    CHECK_JSON("0", bn_json_f64(json, -0.0, 3));
    CHECK_JSON("0", bn_json_f64(json, -0.0004, 3));
    CHECK_JSON("-0.001", bn_json_f64(json, -0.0006, 3));
    CHECK_JSON("0", bn_json_f64(json, -0.4, 0));
}

BN_TEST(what_is_no_number_is_null_and_large_numbers_are_whole)
{
    CHECK_JSON("[null,null,null]", {
        bn_json_array(json);
        bn_json_f64(json, NAN, 2);
        bn_json_f64(json, INFINITY, 2);
        bn_json_f64(json, -INFINITY, 2);
        bn_json_array_end(json);
    });
    CHECK_JSON("9007199254740992", bn_json_f64(json, 9007199254740992.0, 2));
}

BN_TEST(fractions_agree_with_the_number_to_half_of_the_last_digit)
{
    for (int round = 0; round < 200000; round++) {
        int decimals = (int)dice(10);
        double value = ldexp((double)dice(1 << 30) + dice(1 << 20) / 1048576.0, (int)dice(60) - 40);
        if (dice(2))
            value = -value;
        BN_BUF_AUTO buf;
        struct bn_json json;
        bn_buf_init(&buf, MAX);
        bn_json_init(&json, &buf);
        bn_json_f64(&json, value, decimals);
        struct bn_str text = bn_buf_str(&buf);
        double got;
        CHECK(bn_parse_f64(text, &got));
        CHECK(fabs(got - value) <= 0.5000001 * pow(10, -decimals) + fabs(value) * 1e-15);
        const char *point = memchr(text.p, '.', text.len);
        if (point) {
            CHECK((size_t)(text.p + text.len - point - 1) <= (size_t)decimals);
            CHECK(text.p[text.len - 1] != '0');
        }
        CHECK(!bn_str_is(text, "-0"));
    }
}

BN_TEST(very_large_numbers_come_back_exactly)
{
    static const double values[] = {0x1p62, 0x1p63, 0x1p64, 1e19, 1e100, 1.7976931348623157e308,
            -1e300};
    for (size_t i = 0; i < COUNT(values); i++) {
        BN_BUF_AUTO buf;
        struct bn_json json;
        double got;
        bn_buf_init(&buf, MAX);
        bn_json_init(&json, &buf);
        bn_json_f64(&json, values[i], 3);
        CHECK(bn_parse_f64(bn_buf_str(&buf), &got));
        CHECK(got == values[i]);
        /* Never a whole number of more than 63 bits. */
        json_error_t error;
        json_t *root = json_loadb(buf.p, buf.len, JSON_DECODE_ANY, &error);
        CHECK(json_is_number(root) && json_number_value(root) == values[i]);
        json_decref(root);
    }
}

BN_TEST(times_are_rfc3339_and_zero_is_unknown)
{
    CHECK_JSON("[\"2026-11-20T19:57:04.112Z\",null]", {
        bn_json_array(json);
        bn_json_time(json, 1795204624112);
        bn_json_time(json, 0);
        bn_json_array_end(json);
    });
}

BN_TEST(a_full_buffer_fails_and_stays_failed)
{
    char text[300];
    memset(text, 'x', sizeof text);
    for (size_t max = 0; max < 320; max++) {
        BN_BUF_AUTO buf;
        struct bn_json json;
        bn_buf_init(&buf, max);
        bn_json_init(&json, &buf);
        bn_json_object(&json);
        bn_json_key(&json, "key\n");
        bn_json_str(&json, (struct bn_str){text, sizeof text});
        bn_json_object_end(&json);
        CHECK(bn_buf_ok(&buf) == (max >= sizeof text + strlen("{\"key..\":\"\"}")));
        CHECK(buf.len <= max);
    }
}

BN_TEST_MAIN()

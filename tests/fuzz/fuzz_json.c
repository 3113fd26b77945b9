/* The JSON writer driven by bytes: whatever is written, jansson reads it, and reads the same
   strings. Each step is one byte of command and, for a text, one byte of length and the text. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct steps {
    const uint8_t *p;
    size_t left;
};

static uint8_t take_byte(struct steps *steps)
{
    if (steps->left == 0)
        return 0;
    steps->left--;
    return *steps->p++;
}

static struct bn_str take_text(struct steps *steps)
{
    size_t len = take_byte(steps);
    len = len > steps->left ? steps->left : len;
    struct bn_str text = {(const char *)steps->p, len};
    steps->p += len;
    steps->left -= len;
    return text;
}

static uint64_t take_u64(struct steps *steps)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | take_byte(steps);
    return value;
}

static double take_f64(struct steps *steps)
{
    uint64_t bits = take_u64(steps);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* jansson refuses a key with NUL and keeps one of two equal keys, so keys are numbered. */
static void put_key(struct bn_json *json, struct steps *steps, size_t number)
{
    char key[300];
    struct bn_str text = take_text(steps);
    size_t len = text.len > 0 ? strnlen(text.p, text.len) : 0;
    snprintf(key, sizeof key, "%zu %.*s", number, (int)len, text.len ? text.p : "");
    bn_json_key(json, key);
}

static void put_value(struct bn_json *json, struct steps *steps, uint8_t what)
{
    switch (what % 8) {
    case 0: bn_json_text(json, what & 8 ? "a text" : NULL); break;
    case 1: bn_json_bool(json, what & 8); break;
    case 2:
        if (what & 8)
            bn_json_u64(json, take_u64(steps) >> 1); /* jansson's integers are signed */
        else
            bn_json_i64(json, (int64_t)take_u64(steps));
        break;
    case 3: bn_json_time(json, (int64_t)take_u64(steps)); break;
    case 4: bn_json_f64(json, take_f64(steps), (int8_t)take_byte(steps)); break;
    case 5: bn_json_raw(json, "[1]", 3); break;
    default: bn_json_str(json, take_text(steps)); break;
    }
}

/* A tree of objects and lists; returns how many pieces the outermost object should have. */
static size_t put_tree(struct bn_json *json, struct steps *steps)
{
    bool is_object[BN_JSON_DEPTH_MAX + 1] = {false, true};
    int depth = 1;
    size_t number = 0;
    size_t outermost = 0;
    bn_json_object(json);
    while (steps->left > 0) {
        uint8_t what = take_byte(steps);
        if (what >= 0xF0 && depth > 1) {
            is_object[depth--] ? bn_json_object_end(json) : bn_json_array_end(json);
            continue;
        }
        outermost += depth == 1;
        if (is_object[depth])
            put_key(json, steps, number++);
        if (what >= 0xE0 && what < 0xF0 && depth < BN_JSON_DEPTH_MAX) {
            is_object[++depth] = what & 1;
            what & 1 ? bn_json_object(json) : bn_json_array(json);
        } else {
            put_value(json, steps, what);
        }
    }
    while (depth > 0)
        is_object[depth--] ? bn_json_object_end(json) : bn_json_array_end(json);
    return outermost;
}

static void try_tree(struct bn_str input)
{
    struct steps steps = {(const uint8_t *)input.p, input.len};
    struct bn_json json;
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 64 << 20);
    bn_json_init(&json, &buf);
    size_t want = put_tree(&json, &steps);
    assert(bn_buf_ok(&buf));
    json_error_t error;
    /* Numbers beyond a double cannot be: f64 writes what it was given. */
    json_t *root = json_loadb(buf.p, buf.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    assert(root && json_object_size(root) == want);
    json_decref(root);
}

/* One string: the reader gets the bytes back, with U+FFFD for each maximal ill-formed part. */
static void try_string(struct bn_str text)
{
    struct bn_json json;
    BN_BUF_AUTO buf;
    BN_BUF_AUTO want;
    bn_buf_init(&buf, 64 << 20);
    bn_buf_init(&want, 64 << 20);
    for (size_t i = 0; i < text.len;) {
        uint32_t code;
        size_t n = bn_utf8_next(text.p + i, text.len - i, &code);
        bn_buf_put(&want, code == BN_UTF8_BAD ? "\xEF\xBF\xBD" : text.p + i,
                code == BN_UTF8_BAD ? 3 : n);
        i += n;
    }
    bn_json_init(&json, &buf);
    bn_json_str(&json, text);
    assert(bn_buf_ok(&buf) && bn_utf8_is_valid(buf.p, buf.len));
    json_error_t error;
    json_t *root = json_loadb(buf.p, buf.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    assert(json_is_string(root) && json_string_length(root) == want.len);
    assert(memcmp(json_string_value(root), bn_buf_str(&want).p, want.len) == 0);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_str text = {size ? (const char *)data : "", size};
    try_tree(text);
    try_string(text);
    return 0;
}

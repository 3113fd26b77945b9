/* The readers of base/text and base/clock on any bytes: what they accept, they write back the same.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_utf8(struct bn_str text)
{
    bool well_formed = true;
    for (size_t i = 0; i < text.len;) {
        uint32_t code;
        size_t n = bn_utf8_next(text.p + i, text.len - i, &code);
        assert(n >= 1 && n <= 4 && n <= text.len - i);
        if (code == BN_UTF8_BAD)
            assert(n <= 3);
        else
            assert(code <= 0x10FFFF && !(code >= 0xD800 && code < 0xE000));
        well_formed = well_formed && code != 0 && code != BN_UTF8_BAD;
        i += n;
    }
    assert(bn_utf8_is_valid(text.p, text.len) == well_formed);
    for (size_t room = 1; room < 40; room++) {
        char out[40];
        bn_text_clip(out, room, text);
        size_t n = text.len < room ? text.len : room - 1;
        assert(out[n] == 0 || memchr(out, 0, n + 1));
        if (well_formed)
            assert(bn_utf8_is_valid(out, strlen(out)));
    }
}

static void try_b64(struct bn_str text)
{
    size_t size = bn_b64url_size(text.len);
    char *encoded = malloc(size);
    char *back = malloc(size + text.len);
    size_t len;
    bn_b64url_encode(text.p, text.len, encoded);
    assert(strlen(encoded) + 1 == size);
    bool ok = bn_b64url_decode(bn_str(encoded), back, text.len, &len);
    assert(ok && len == text.len && memcmp(back, text.p, len) == 0);
    /* And the other way: a text that can be read is the only spelling of its bytes. */
    if (bn_b64url_decode(text, back, size + text.len, &len)) {
        char *again = malloc(bn_b64url_size(len));
        bn_b64url_encode(back, len, again);
        assert(bn_str_is(text, again));
        free(again);
    }
    free(back);
    free(encoded);
}

static void try_numbers(struct bn_str text)
{
    BN_BUF_AUTO buf;
    int64_t number;
    uint64_t natural;
    double real;
    bn_buf_init(&buf, 4096);
    if (bn_parse_i64(text, INT64_MIN, INT64_MAX, &number)) {
        int64_t again;
        bn_buf_put_i64(&buf, number);
        assert(bn_parse_i64(bn_buf_str(&buf), number, number, &again) && again == number);
        assert(number < 0 || text.p[0] == '-' || bn_parse_u64(text, &natural));
        assert(text.len > 511 || (bn_parse_f64(text, &real) && real == (double)number));
    }
    if (bn_parse_u64(text, &natural)) {
        uint64_t hex;
        bn_buf_reset(&buf);
        bn_buf_printf(&buf, "%llx", (unsigned long long)natural);
        assert(bn_parse_hex(bn_buf_str(&buf), &hex) && hex == natural);
    }
    if (bn_parse_f64(text, &real)) {
        double again;
        bn_buf_reset(&buf);
        bn_buf_printf(&buf, "%.17g", real);
        assert(isfinite(real));
        assert(bn_parse_f64(bn_buf_str(&buf), &again) && again == real);
    }
}

static void try_units(struct bn_str text)
{
    int64_t value;
    int64_t again;
    BN_BUF_AUTO buf;
    bn_buf_init(&buf, 64);
    if (bn_parse_duration_ms(text, &value)) {
        assert(value >= 0);
        bn_buf_printf(&buf, "%lldms", (long long)value);
        assert(bn_parse_duration_ms(bn_buf_str(&buf), &again) && again == value);
        assert(!bn_parse_i64(text, INT64_MIN, INT64_MAX, &again));
    }
    if (bn_parse_size(text, &value)) {
        assert(value >= 0);
        bn_buf_reset(&buf);
        bn_buf_put_i64(&buf, value);
        assert(bn_parse_size(bn_buf_str(&buf), &again) && again == value);
    }
}

static void try_time(struct bn_str text)
{
    int64_t wall_ms;
    int64_t again;
    char out[BN_TIME_TEXT_SIZE];
    if (bn_time_parse(text.p, text.len, &wall_ms)) {
        bn_time_text(wall_ms, out);
        assert(bn_time_parse(out, strlen(out), &again));
        /* An offset may lead out of the years that can be written. */
        assert(again == wall_ms || memcmp(out, "0000-01-01T00:00:00.000Z", 24) == 0 ||
                memcmp(out, "9999-12-31T23:59:59.999Z", 24) == 0);
    }
    if (text.len >= sizeof wall_ms) {
        memcpy(&wall_ms, text.p, sizeof wall_ms);
        bn_time_text(wall_ms, out);
        assert(strlen(out) == BN_TIME_TEXT_SIZE - 1);
        assert(bn_time_parse(out, strlen(out), &again));
        assert(again == wall_ms || again == INT64_C(-62167219200000) ||
                again == INT64_C(253402300799999));
    }
}

static void try_pieces(struct bn_str text)
{
    struct bn_str rest = text;
    size_t total = 0;
    size_t count = 0;
    while (rest.p) {
        struct bn_str piece = bn_str_cut(&rest, ',');
        struct bn_str trimmed = bn_str_trim(piece);
        assert(!piece.len || !memchr(piece.p, ',', piece.len));
        assert(trimmed.len <= piece.len);
        total += piece.len;
        count++;
    }
    assert(total + count - 1 == text.len);
}

static void try_compare(struct bn_str text)
{
    char whole[64];
    char upper[sizeof whole + 1];
    bool fits = bn_text_copy(whole, sizeof whole, text);
    assert(fits == (text.len < sizeof whole));
    if (!fits || memchr(text.p, 0, text.len))
        return;
    for (size_t i = 0; i <= text.len; i++)
        upper[i] = (char)(whole[i] >= 'a' && whole[i] <= 'z' ? whole[i] - 32 : whole[i]);
    assert(bn_str_is(text, whole) && bn_str_is_nocase(text, upper) && bn_str_starts(text, whole));
    assert(bn_str_is(text, upper) == (strcmp(whole, upper) == 0));
    upper[text.len] = '!';
    upper[text.len + 1] = 0;
    assert(!bn_str_is_nocase(text, upper));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bn_str text = {(const char *)data, size};
    if (size == 0)
        text.p = "";
    try_utf8(text);
    try_b64(text);
    try_numbers(text);
    try_units(text);
    try_time(text);
    try_pieces(text);
    try_compare(text);
    return 0;
}
